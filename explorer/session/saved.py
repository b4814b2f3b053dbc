"""Saved selections: rules under names, kept in the workspace, and true to their items when what they were drawn on changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.selection import Box, Brush, Ids, InCluster, Lasso, Rule, Seen, from_json, walk
from explorer.step import Result
from explorer.workspace import Workspace

LONGEST_NAME = 200  # characters
_NEEDS: dict[str, tuple[type[Rule], ...]] = {"layout": (Box, Lasso, Brush), "clusters": (InCluster,)}


PARTS = 500  # of a rule that is kept as it is; a longer one is kept as the ids that it means


def needs(rule: Rule) -> set[str]:
    """Which of a session's results the rule means: the layout that its regions are of, the clusters that it numbers."""
    kinds = {type(part) for part in walk(rule)}
    return {slot for slot, rules in _NEEDS.items() if kinds & set(rules)}


def exact(rule: Rule | None, mask: np.ndarray, seen: Seen) -> Rule:
    """The rule, if it still makes this mask; else the mask's ids (it was drawn on another layout, or labels moved since)."""
    try:
        if rule is not None and np.array_equal(rule.mask(seen), mask):
            return rule
    except InputError:
        pass  # what it needs is gone, so it makes no mask
    return Ids(seen.dataset.ids[mask])


def frozen(rules: Mapping[str, Rule], slot: str, seen: Seen) -> dict[str, Rule]:
    """The same selections when `slot` ("layout" or "clusters") is about to change: rules that mean it become their items."""
    return {name: _items(rule, seen) if slot in needs(rule) else rule for name, rule in rules.items()}


def _items(rule: Rule, seen: Seen) -> Rule:
    """A rule of the ids that a rule selects; the rule itself where it cannot select any more (and says why when it is used)."""
    try:
        return Ids(seen.dataset.ids[rule.mask(seen)])
    except InputError:
        return rule


def checked(name: str) -> str:
    """A name without space around it.

    Raises
    ------
    InputError
        When nothing is left of it, or it is too long.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise InputError(f"a saved selection's name is a text of 1 to {LONGEST_NAME} characters")
    return name.strip()


def entry(rule: Rule, results: Mapping[str, Result | None]) -> dict[str, Any]:
    """What the workspace keeps: the rule, and which results it means."""
    meant = {slot: result for slot in sorted(needs(rule)) if (result := results.get(slot)) is not None}
    return {"rule": rule.to_json(), "on": {slot: [result.kind, result.method, result.key] for slot, result in meant.items()}}


def recalled(workspace: Workspace, seen: Seen, results: Mapping[str, Result | None]) -> dict[str, Rule]:
    """The workspace's saved selections; those drawn on another result than the session's come as their items.

    One whose result is no longer there cannot be told and is left out; it stays in the workspace.

    Raises
    ------
    InputError
        When what the workspace holds cannot be read.
    """
    now = {slot: [result.kind, result.method, result.key] for slot, result in results.items() if result is not None}
    found: dict[str, Rule] = {}
    for name, kept in workspace.selections().items():
        try:
            rule, on = from_json(kept["rule"]), dict(kept["on"])
            other = {slot: workspace.get(*map(str, address)) for slot, address in on.items() if now.get(slot) != address}
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as problem:
            where = workspace.folder / "selections.json"
            raise InputError(f"the selection {name!r} in {where} is damaged ({problem}); take it out of that file") from problem
        then = {slot: result.values for slot, result in other.items() if result is not None}
        if len(then) == len(other) and all(len(values) == len(seen.dataset) for values in then.values()):
            before = Seen(seen.dataset, then.get("layout", seen.layout), then.get("clusters", seen.clusters), seen.labels)
            found[name] = _items(rule, before) if other else rule
    return found
