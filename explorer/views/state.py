"""What the page shows, as plain values: pure functions of a session, so that they can be tested without a browser."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.drawing import drawn_role
from explorer.raster import NUMBER_SCALE, SCALINGS, bounds
from explorer.selection import All, Any_, Box, Brush, Lasso, Not, Rule, count_ids
from explorer.session import Session
from explorer.session.coloring import Coloring, ends
from explorer.session.saved import entry

MOST_IDS = 2_000  # of a rule that is told to the page


def data(session: Session, *, served: bool) -> dict[str, Any]:
    """The header: what the data is, what was found while reading it, and whether labels are kept."""
    dataset, workspace = session.dataset, session.workspace
    durable = workspace.path is not None
    kept = f"in memory: labels end with {'the server' if served else 'Python'} · export them"
    if workspace.path is not None:
        kept = f"{session.user} · {workspace.path.name}"
    return {
        "name": dataset.name, "summary": dataset.summary, "notes": [*dataset.notes, *workspace.notes],
        "columns": dataset.guesses, "kept": kept,
        "drawn": drawn_role(dataset), "served": served, "durable": durable, "user": session.user, "of": workspace.uuid,
    }  # fmt: skip


def map_(session: Session) -> dict[str, Any]:
    """What there is to look at: its bounds and its key, or what to do where there is no layout."""
    if session.layout is None:
        waits = session.features is None
        title = "The map comes when the features are ready" if waits else "The map comes when the layout is ready"
        return {"bounds": None, "title": title, "hint": "Run the steps on the left, or wait for those that run", "without": 0}
    box = bounds(session.layout.values)
    without = len(session.dataset) - int(session.layout.valid.sum())
    extent = 0.0  # of the farthest point, also one beyond the bounds
    if box is not None:
        for places, low, high in zip(session.layout.values.T, box[::2], box[1::2], strict=True):
            known = places if not without else places[session.layout.valid]
            extent = max(extent, abs(float(known.min()) - (low + high) / 2), abs(float(known.max()) - (low + high) / 2))
    known = {"bounds": box, "extent": extent, "without": without}
    return known | {"key": session.layout.key, "title": session.layout.method, "hint": ""}


def color(session: Session, coloring: Coloring) -> dict[str, Any]:
    """The legend."""
    known: dict[str, Any] = {"by": session.color_by, "choices": session.color_choices, "kind": coloring.kind}
    known |= {"scaling": session.density_scale, "scalings": list(SCALINGS)}
    if coloring.kind == "density":
        return known | {"scale": list(NUMBER_SCALE), "entries": []}
    if coloring.kind == "number":
        assert coloring.values is not None
        missing = int(np.isnan(coloring.values).sum())
        return (
            known
            | {"scale": list(NUMBER_SCALE), "ends": ends(coloring), "missing": missing, "entries": []}
            | {"note": coloring.note}
        )
    visible = session.selection if session.shown is None else session.selection & session.shown  # as the columns' bars count
    everything = coloring.totals
    chosen = coloring.counts(visible) if visible.any() else np.zeros_like(everything)
    entries: list[dict[str, Any]] = [
        {"name": name, "color": color_, "all": int(all_), "selected": int(some), "hidden": name in session.hidden, "code": code}
        for code, (name, color_, all_, some) in enumerate(zip(coloring.names, coloring.colors, everything, chosen, strict=True))
    ]
    shown = [entry for entry in entries if entry["all"] or session.color_by == "label"]
    return known | {"entries": shown if coloring.kind == "category" else []}


def selection(session: Session, *, regions: bool, shown: np.ndarray | None = None) -> dict[str, Any]:
    """How many are selected (and hidden by the legend), what can be undone, and the regions to draw, if of this layout."""
    outlines = _regions(session.rule) if regions and session.rule is not None else []
    hidden = 0 if shown is None else int(np.count_nonzero(session.selection & ~shown))
    count = {"count": int(np.count_nonzero(session.selection)), "hidden": hidden}
    strokes = _strokes(session.rule) if regions and session.rule is not None else []
    return count | {"undo": session.can_undo, "redo": session.can_redo, "regions": outlines, "strokes": strokes} | _meant(session)


def _meant(session: Session) -> dict[str, Any]:
    """The selection's rule and the results that it is of, for a page that must send a label again to a restarted server."""
    if session.rule is None or count_ids(session.rule) > MOST_IDS:
        return {"rule": None, "on": {}}
    return entry(session.rule, session._results)


def _regions(rule: Rule) -> list[list[tuple[float, float]]]:
    if isinstance(rule, Lasso):
        return [list(rule.vertices)]
    if isinstance(rule, Box):
        return [[(rule.x0, rule.y0), (rule.x1, rule.y0), (rule.x1, rule.y1), (rule.x0, rule.y1)]]
    if isinstance(rule, All | Any_):
        return [region for part in rule.parts for region in _regions(part)]
    return _regions(rule.part) if isinstance(rule, Not) else []


def _strokes(rule: Rule, *, out: bool = False) -> list[dict[str, Any]]:
    """What was painted in the order of painting; `out` says what was painted away."""
    if isinstance(rule, Brush):
        return [{"points": list(rule.points), "radius": rule.radius, "out": out}]
    if isinstance(rule, All | Any_):
        return [stroke for part in rule.parts for stroke in _strokes(part, out=out)]
    return _strokes(rule.part, out=not out) if isinstance(rule, Not) else []


def labels(session: Session) -> dict[str, Any]:
    """The categories with colours, keys and counts."""
    now = session.labels
    categories = [vars(category) | {"count": now.counts[category.name]} for category in now.categories.values()]
    known = {"categories": categories, "labelled": len(now), "total": len(session.dataset)}
    return known | {"sets": session.label_sets, "set": session.label_set}


__all__ = ["color", "data", "labels", "map_", "selection"]
