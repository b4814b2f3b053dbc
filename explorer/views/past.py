"""The journal's last rows as the page lists them, and one row's rule in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.errors import InputError
from explorer.selection import All, Any_, Box, Brush, HasLabel, Ids, InCluster, Lasso, Not, Rule, Where, from_json
from explorer.session.filters import describe
from explorer.workspace import Entry

MOST = 30  # rows that are listed
LONGEST = 400  # characters of a rule in words


def listed(entries: list[Entry]) -> list[dict[str, Any]]:
    """The newest rows, newest first. What was undone is known, because the row that undid it is newer still."""
    undone: set[int] = set()
    for entry in entries:
        if entry.of is not None:
            (undone.add if entry.kind == "undo" else undone.discard)(entry.of)
    return [
        {"seq": one.seq, "time": one.time, "user": one.user, "verb": one.verb, "kind": one.kind, "items": one.items,
         "set": one.label_set, "undone": one.seq in undone}
        for one in reversed(entries[-MOST:])
    ]  # fmt: skip


def in_words(kept: dict[str, Any] | None, clusters: Mapping[int, str]) -> str:
    """What the journal keeps of a rule as a sentence; empty where it keeps none, or one that this version does not know."""
    if kept is None:
        return ""
    plain = kept.get("rule")
    try:
        said = _words(from_json(plain if isinstance(plain, dict) else kept), clusters)
    except (InputError, RecursionError):
        return ""
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def _words(rule: Rule, clusters: Mapping[int, str]) -> str:
    if isinstance(rule, All | Any_):
        return (" and " if isinstance(rule, All) else " or ").join(_part(part, clusters) for part in rule.parts)
    return _part(rule, clusters)


def _part(rule: Rule, clusters: Mapping[int, str]) -> str:
    if isinstance(rule, All | Any_):
        return f"({_words(rule, clusters)})"
    if isinstance(rule, Not):
        return f"not {_part(rule.part, clusters)}"
    if isinstance(rule, Where):
        return f"{rule.column}: {describe(rule, clusters)}"
    if isinstance(rule, InCluster):
        return describe(rule, clusters) if rule.cluster < 0 else f"the cluster “{describe(rule, clusters)}”"
    if isinstance(rule, HasLabel):
        return "no label" if rule.category is None else f"labelled “{rule.category}”"
    if isinstance(rule, Ids):
        return "one item" if len(rule.ids) == 1 else f"{len(rule.ids):,} items, one by one"
    shapes = {Box: "a box", Lasso: "a lasso", Brush: "a brush stroke"}
    return f"{shapes.get(type(rule), rule.kind)} on the map"


__all__ = ["MOST", "in_words", "listed"]
