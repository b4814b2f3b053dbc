"""What an address says of a view, as short texts by name: layout, colour, filters, selection; pure functions of a session."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from explorer.raster import SCALINGS
from explorer.selection import Brush, Lasso, Rule, Where, count_ids, walk
from explorer.session import SLOTS, Session
from explorer.session.saved import entry
from explorer.workspace import DEFAULT_SET

LONGEST = 16_000  # characters of all that a link asks for
ROOM = 6_000  # characters of what we put into one for the filters, and as many for the selection
MOST_PARTS = 64  # rules that one is made of: each looks at every item
MOST_IDS = 100  # that a rule lists, and values that it compares with
MOST_VERTICES = 800  # of a region
WORDS = {"layout": "a layout", "clusters": "clusters", "set": "a label set", "color": "a colour", "scale": "a scale of density",
         "hidden": "hidden entries", "filters": "filters", "selection": "a selection", "camera": "a part of the map"}  # fmt: skip
KINDS_OF = {slot: kind for kind, slot in SLOTS.items() if slot != "features"}


def carried(session: Session) -> dict[str, str]:
    """What a link is to say, as texts by name; where the map looks is added by the page."""
    results = session._results
    found = {slot: f"{result.method}:{result.key}" for slot in KINDS_OF if (result := results[slot]) is not None}
    found["color"] = session.color_by
    if session.density_scale != SCALINGS[0]:
        found["scale"] = session.density_scale
    if session.label_set != DEFAULT_SET:
        found["set"] = session.label_set
    if session.hidden:
        found["hidden"] = _compact(sorted(session.hidden))
    filters = {name: entry(rule, results) if small(rule) else None for name, rule in session.filters.items()}
    if filters:
        found["filters"] = _compact(filters)
    if session.selection.any():
        rule = session.rule
        text = "" if rule is None or not small(rule) else _compact(entry(rule, results))
        found |= {"selection": text} if 0 < len(text) <= ROOM else {"selected": str(int(np.count_nonzero(session.selection)))}
    return {name: text for name, text in found.items() if len(text) <= ROOM}


def small(rule: Rule) -> bool:
    """Whether a rule is short enough to be written down in a link, and quick enough to be looked up by whoever opens one."""
    for place, part in enumerate(walk(rule)):
        if place >= MOST_PARTS or count_of(part) > MOST_VERTICES:
            return False
        if isinstance(part, Where) and isinstance(part.value, list | tuple | set | frozenset) and len(part.value) > MOST_IDS:
            return False
    return count_ids(rule) <= MOST_IDS


def count_of(rule: Rule) -> int:
    """How many places a region is drawn through."""
    return len(rule.vertices) if isinstance(rule, Lasso) else len(rule.points) if isinstance(rule, Brush) else 0


def _compact(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def understood(fields: Any) -> dict[str, str]:
    """Of what came over the wire, the texts under names that a link may have; nothing of a link that is too long."""
    if not isinstance(fields, dict):
        return {}
    known = {name: text for name, text in fields.items() if name in {*WORDS, "selected"} and isinstance(text, str)}
    return known if sum(map(len, known.values())) <= LONGEST else {}


def missing(names: set[str]) -> str:
    """A sentence about what a link asked for in vain, by the names of its fields."""
    found = [words for name, words in WORDS.items() if name in names]
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    one = len(found) == 1 and found[0].startswith("a ")
    return f"the link asked for {listed} that {'is' if one else 'are'} not here any more"


__all__ = ["KINDS_OF", "carried", "missing", "small", "understood"]
