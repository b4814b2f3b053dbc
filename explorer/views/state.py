"""What the page shows, as plain values: pure functions of a session, so that they can be tested without a browser."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.raster import NUMBER_SCALE, bounds
from explorer.selection import All, Any_, Box, Lasso, Not, Rule
from explorer.session import Session
from explorer.session.coloring import Coloring

MOST_NAMES = 300  # names on the map; those without room are left out by the page


def data(session: Session, *, served: bool) -> dict[str, Any]:
    """The header: what the data is, what was found while reading it, and whether labels are kept."""
    dataset, workspace = session.dataset, session.workspace
    kept = "in memory · export to keep labels" if workspace.path is None else f"saved in {workspace.path.name}"
    return {
        "name": dataset.name, "summary": dataset.summary, "notes": list(dataset.notes), "columns": dataset.guesses, "kept": kept,
        "served": served,
    }  # fmt: skip


def map_(session: Session) -> dict[str, Any]:
    """What there is to look at: its bounds and its key, or what to do where there is no layout."""
    if session.layout is None:
        waits = session.features is None
        title = "The map comes when the features are ready" if waits else "The map comes when the layout is ready"
        return {"bounds": None, "title": title, "hint": "Run the steps on the left, or wait for those that run", "without": 0}
    box = bounds(session.layout.values)
    without = len(session.dataset) - int(session.layout.valid.sum())
    places = session.layout.values[session.layout.valid].astype(np.float64)
    middle = np.array([box[0] + box[1], box[2] + box[3]]) / 2 if box is not None else 0.0
    extent = float(np.abs(places - middle).max(initial=0.0))  # of the farthest point, also one beyond the bounds
    known = {"bounds": box, "extent": extent, "without": without}
    return known | {"key": session.layout.key, "title": session.layout.method, "hint": ""}


def color(session: Session, coloring: Coloring) -> dict[str, Any]:
    """The legend."""
    known: dict[str, Any] = {"by": session.color_by, "choices": session.color_choices, "kind": coloring.kind}
    if coloring.kind == "number":
        assert coloring.values is not None
        missing = int(np.isnan(coloring.values).sum())
        return known | {"scale": list(NUMBER_SCALE), "ends": _ends(coloring, coloring.values), "missing": missing, "entries": []}
    everything, chosen = coloring.counts(), coloring.counts(session.selection)
    entries: list[dict[str, Any]] = [
        {"name": name, "color": color_, "all": int(all_), "selected": int(some), "hidden": name in session.hidden}
        for name, color_, all_, some in zip(coloring.names, coloring.colors, everything, chosen, strict=True)
    ]
    shown = [entry for entry in entries if entry["all"] or session.color_by == "label"]
    return known | {"entries": shown if coloring.kind == "category" else []}


def _ends(coloring: Coloring, values: np.ndarray) -> list[str]:
    """What the ends of the scale mean; an end that stands for values beyond it too says so."""
    low, high = (_end(end, is_date=coloring.is_date) for end in coloring.bounds)
    if coloring.bounds[0] == coloring.bounds[1]:
        return [f"all {low}", ""]
    below, above = (values < coloring.bounds[0]).any(), (values > coloring.bounds[1]).any()
    return [f"≤ {low}" if below else low, f"≥ {high}" if above else high]


def _end(value: float, *, is_date: bool) -> str:
    if is_date:
        return str(np.datetime64(int(value), "ms").astype("datetime64[D]"))  # any year at all
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.4g}"


def selection(session: Session, *, regions: bool, shown: np.ndarray | None = None) -> dict[str, Any]:
    """How many are selected (and hidden by the legend), what can be undone, and the regions to draw, if of this layout."""
    outlines = _regions(session.rule) if regions and session.rule is not None else []
    hidden = 0 if shown is None else int((session.selection & ~shown).sum())
    count = {"count": int(session.selection.sum()), "hidden": hidden}
    return count | {"undo": session.can_undo, "redo": session.can_redo, "regions": outlines}


def _regions(rule: Rule) -> list[list[tuple[float, float]]]:
    if isinstance(rule, Lasso):
        return [list(rule.vertices)]
    if isinstance(rule, Box):
        return [[(rule.x0, rule.y0), (rule.x1, rule.y0), (rule.x1, rule.y1), (rule.x0, rule.y1)]]
    if isinstance(rule, All | Any_):
        return [region for part in rule.parts for region in _regions(part)]
    return _regions(rule.part) if isinstance(rule, Not) else []


def labels(session: Session) -> dict[str, Any]:
    """The categories with colours, keys and counts."""
    now = session.labels
    categories = [vars(category) | {"count": now.counts[category.name]} for category in now.categories.values()]
    return {"categories": categories, "labelled": len(now), "total": len(session.dataset)}


def names(session: Session, shown: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Names of the clusters that are shown, larger ones first, each at the item nearest to the median: on one of its own."""
    if session.clusters is None or session.layout is None or session.stale("cluster"):
        return []
    clusters, layout = session.clusters.values, session.layout.values
    rows = np.flatnonzero((clusters >= 0) & session.layout.valid & (True if shown is None else shown))
    order = rows[np.argsort(clusters[rows], kind="stable")]
    starts = np.searchsorted(clusters[order], np.arange(int(clusters.max(initial=-1)) + 2))
    found = []
    for cluster in range(min(len(starts) - 1, MOST_NAMES)):
        places = layout[order[starts[cluster] : starts[cluster + 1]]].astype(np.float64)
        if len(places):
            middle = np.median(places, axis=0)
            x, y = places[np.abs(places - middle).sum(axis=1).argmin()]
            text = session.cluster_names.get(cluster, f"cluster {cluster}")
            found.append({"text": text, "x": float(x), "y": float(y), "cluster": cluster})
    return found
