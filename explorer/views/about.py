"""What is said of one item, on its card and beside the pointer, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.session import Session
from explorer.views import items

# How a label came about, by the kind of its rule.
RULES = {"lasso": "with a lasso", "box": "with a box", "brush": "with the brush", "cluster": "as a cluster", "where": "by a column",
         "label": "by a label", "all": "by several rules", "any": "by several rules", "not": "by several rules"}  # fmt: skip


def about(session: Session, row: int, most: int | None = None) -> dict[str, Any]:
    """An item's name and its columns, label and cluster first; `most` of them where there is little room."""
    label = session.labels.categories.get(int(session.labels.codes[row]))
    known = items.lines(session.dataset, row, None if label is None else label.name, cluster_name(session, row), most)
    known = [*_without(session, row), *known]
    name = items.title(session.dataset, row)
    kept = [pair for pair in known if pair[1] != name]
    return {"row": row, "title": name, "lines": kept if most else [("id", str(session.dataset.ids[row])), *kept]}


def place(session: Session, row: int) -> dict[str, float]:
    """Where an item is on the map; nothing where it has no place."""
    if session.layout is None or not session.layout.valid[row]:
        return {}
    x, y = session.layout.values[row]
    return {"x": float(x), "y": float(y)}


def _without(session: Session, row: int) -> list[tuple[str, str]]:
    """That an item has no features, and why, as far as it is known."""
    features = session.features
    if features is None or np.isfinite(features.values[row]).all():
        return []
    why_not = features.lost.get(str(row), "see the notes under Features")
    return [("features", "none: " + why_not.removeprefix(f"item {session.dataset.ids[row]!r}: "))]


def why(session: Session, row: int) -> list[tuple[str, str]]:
    """Who gave the item its label, when, and with how many others."""
    try:
        given = session.why(session.dataset.ids[row]) if session.labels.codes[row] else None
    except InputError:  # the journal is damaged: all else about the item is known
        given = None
    if given is None:
        return []
    rule = given["rule"] or {}
    by = RULES.get(str(rule.get("rule")), "by hand")
    return [("labelled", f"by {given['user']}, {given['time'][:16].replace('T', ' ')} UTC, {given['items']:,} together, {by}")]


def text(session: Session, row: int, name: str) -> str:
    """An item's text, where its name does not say it all."""
    found = session.dataset.texts(np.array([row]))[0] if "text" in session.dataset.roles else ""
    return found if found != name else ""


def cluster_name(session: Session, row: int) -> str:
    """What an item's cluster is called; empty where there are none."""
    if session.clusters is None:
        return ""
    cluster = int(session.clusters.values[row])
    return "noise" if cluster < 0 else session.cluster_names.get(cluster, f"cluster {cluster}")


__all__ = ["about", "cluster_name", "place", "text", "why"]
