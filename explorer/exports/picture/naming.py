"""Names on the map: the first ones first, none over another; the rule of the page (names.js)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.exports.picture.figure import Name
from explorer.exports.picture.fonts import shortened, width
from explorer.exports.picture.marks import Dot, Text, clean
from explorer.exports.picture.pane import Pane
from explorer.exports.picture.settings import TEXT

if TYPE_CHECKING:
    from explorer.exports.picture.sheet import Ink

SIDE, HALF, EDGE = 4.0, 9.0, 2.0  # units: kept free beside a name, above and below its middle, and to the map's edge
DOT = 11.0  # units before a category's name, for its colour


@dataclass(frozen=True)
class Box:
    """What a name keeps for itself, in units."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, text: str, at: tuple[float, float], *, dotted: bool = False) -> Box:
        """The box of a name with its middle at a place."""
        half = (width(text, TEXT, bold=True) + DOT * dotted) / 2 + SIDE
        return cls(at[0] - half, at[1] - HALF, at[0] + half, at[1] + HALF)

    def meets(self, other: Box) -> bool:
        """Whether two boxes share a place."""
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom

    def within(self, pane: Pane) -> bool:
        """Whether it keeps off the map's edges."""
        across = pane.x + EDGE <= self.left and self.right <= pane.x + pane.width - EDGE
        return across and pane.y + EDGE <= self.top and self.bottom <= pane.y + pane.height - EDGE


def placed(names: Sequence[Name], pane: Pane, ink: Ink) -> tuple[Text | Dot, ...]:
    """Those names that have room: in their own place, or where that is out of view on another part of what they name."""
    texts = {name: shortened(clean(name.text), TEXT, pane.width / 2, bold=True) for name in names}
    at_home: dict[Name, Box] = {}
    for name in names:  # also those out of view: which names there are must not depend on the part that is looked at
        box = _box(name, texts[name], pane, (name.x, name.y))
        if texts[name] and not any(box.meets(other) for other in at_home.values()):
            at_home[name] = box
    taken = {name: box for name, box in at_home.items() if box.within(pane)}
    for name in [name for name in at_home if name not in taken]:
        boxes = (_box(name, texts[name], pane, place) for place in name.more)
        free = (box for box in boxes if box.within(pane) and not any(box.meets(other) for other in taken.values()))
        if (found := next(free, None)) is not None:
            taken[name] = found
    return tuple(mark for name, box in taken.items() for mark in _marks(name, texts[name], box, ink))


def _box(name: Name, text: str, pane: Pane, at: tuple[float, float]) -> Box:
    return Box.around(text, pane.place(*at), dotted=bool(name.color))


def _marks(name: Name, text: str, box: Box, ink: Ink) -> list[Text | Dot]:
    middle = (box.top + box.bottom) / 2
    dots = [Dot(box.left + 7, middle, 5.5, ink.paper), Dot(box.left + 7, middle, 4.0, name.color)] if name.color else []
    centre = (box.left + box.right + (DOT if name.color else 0.0)) / 2
    return [*dots, Text(centre, middle, text, TEXT, ink.text, "middle", bold=True, halo=ink.paper)]
