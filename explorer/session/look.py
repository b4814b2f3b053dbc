"""How a person left the page: colour, filters, selection, label set; kept with the workspace and taken up again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.raster import SCALINGS
from explorer.selection import Rule, count_ids, from_json
from explorer.session.history import Selected
from explorer.session.saved import entry

if TYPE_CHECKING:
    from explorer.session import Session

LARGEST = 1 << 20  # characters of what is kept; a rule that lists a million ids is left out
MOST_IDS = LARGEST // 10  # that a rule may list at all: it is an event loop that writes them


def look(session: Session) -> dict[str, Any]:
    """What `take_up` sets again, as plain JSON values."""
    kept = {"color_by": session.color_by, "density_scale": session.density_scale, "label_set": session.label_set}
    kept |= {"hidden": sorted(session.hidden)}
    results = session._results
    rules = {f"filter:{name}": rule for name, rule in session.filters.items()}
    if session.rule is not None and session.selection.any():
        rules["selection"] = session.rule
    plain = {name: entry(rule, results) for name, rule in rules.items() if count_ids(rule) <= MOST_IDS}
    return kept | {"rules": {name: one for name, one in plain.items() if len(json.dumps(one)) < LARGEST}}


def take_up(session: Session, kept: dict[str, Any]) -> None:
    """Set what was kept, where it still means something; what does not is left as it is."""
    try:
        if kept.get("label_set") in session.label_sets:
            session.use_label_set(kept["label_set"])
        if kept.get("color_by") in {choice["value"] for choice in session.color_choices}:
            session.color_by = kept["color_by"]
            session.hidden = frozenset(name for name in kept.get("hidden", []) if name in session.coloring().names)
        if kept.get("density_scale") in SCALINGS:
            session.density_scale = kept["density_scale"]
        rules = {name: rule for name, one in kept.get("rules", {}).items() if (rule := still(session, one)) is not None}
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        return  # written by another version
    for name, rule in rules.items():
        try:
            if name.startswith("filter:"):
                session.filter(name.removeprefix("filter:"), rule)
            elif name == "selection" and not session.selection.any():
                session._show(Selected(rule.mask(session.seen), rule))  # not to be undone: nobody did it just now
        except (InputError, TypeError):
            continue


def still(session: Session, one: dict[str, Any]) -> Rule | None:
    """A rule out of what `explorer.session.saved.entry` made of it, if what it was drawn on is still what is there."""
    now = {slot: [result.kind, result.method, result.key] for slot, result in session._results.items() if result is not None}
    if any(now.get(slot) != address for slot, address in one["on"].items()):
        return None
    return from_json(one["rule"])
