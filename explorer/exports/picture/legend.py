"""The legend beside the map: what is coloured by, its entries with their counts, or its scale with its ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.exports.picture.figure import Entry, Legend
from explorer.exports.picture.fonts import shortened, width
from explorer.exports.picture.marks import Dot, Mark, Ramp, Text, clean

if TYPE_CHECKING:
    from explorer.exports.picture.sheet import Ink

TITLE, SIZE = 12.0, 11.0
ROW, HEAD = 17.0, 24.0  # units from a line to the next; of the title
TO_NAME, TO_COUNT, BETWEEN = 15.0, 12.0, 20.0  # units from an entry's left to its name, a name to its count, a column to the next
SHARE = 0.26  # of the picture's width that a column may take
FEW = 10  # entries that surely have room
_WIDE = str.maketrans("012345679", "888888888")
RAMP, RAMP_HIGH, RAMP_ALL = 120.0, 11.0, 38.0  # a scale's width and height, and its height with its ends


@dataclass(frozen=True)
class Key:
    """A legend in columns of one width; all of it in units."""

    legend: Legend
    column: float
    columns: int

    @classmethod
    def measured(cls, legend: Legend, columns: int, wide: float) -> Key:
        """As wide as its widest line asks, within its share of the picture."""
        title = width(clean(legend.title), TITLE, bold=True) / columns
        lines = [_width(entry) for entry in legend.entries]
        lines.append(_width(_widest(_rest(list(legend.entries)))) if len(lines) > FEW else 0.0)
        ends = sum(width(end, SIZE) for end in legend.ends) + TO_COUNT
        natural = max(title, *lines, *([RAMP, ends] if legend.scale else []), 0.0)
        return cls(legend, min(natural + 1.0, SHARE * wide), columns)  # a unit more: sums of widths are not exact

    @property
    def width(self) -> float:
        """Of all columns."""
        return self.column * self.columns + BETWEEN * (self.columns - 1)

    @property
    def height(self) -> float:
        """That it asks for."""
        return self._head + ROW * -(-len(self.legend.entries) // self.columns)

    def rows(self, tall: float) -> int:
        """How many entries stand in one column."""
        return max(1, int((tall - self._head) / ROW))

    def fits(self, tall: float) -> bool:
        """Whether all entries have room."""
        return len(self.legend.entries) <= self.columns * self.rows(tall)

    @property
    def _head(self) -> float:
        return (HEAD if self.legend.title else 0.0) + (RAMP_ALL if self.legend.scale else 0.0)

    def marks(self, x: float, y: float, tall: float, ink: Ink) -> list[Mark]:
        """What is drawn with `x`, `y` as its top left corner."""
        made: list[Mark] = []
        if self.legend.title:
            title = shortened(clean(self.legend.title), TITLE, self.width, bold=True)
            made.append(Text(x, y + 7, title, TITLE, ink.text, bold=True))
        if self.legend.scale:
            made += self._scale(x, y + (HEAD if self.legend.title else 0.0), ink)
        rows = self.rows(tall)
        for place, entry in enumerate(self._shown(rows * self.columns)):
            column, row = divmod(place, rows)
            made += self._line(entry, x + column * (self.column + BETWEEN), y + self._head + row * ROW + ROW / 2, ink)
        return made

    def _shown(self, most: int) -> list[Entry]:
        """The entries that have room, one of them for the others."""
        entries = list(self.legend.entries)
        if len(entries) <= most:
            return entries
        kept = [entry for entry in entries if entry.rest]
        groups = [entry for entry in entries if not entry.rest]
        shown = max(0, most - 1 - len(kept))
        return [*groups[:shown], _rest(groups[shown:]), *kept][:most]

    def _line(self, entry: Entry, x: float, y: float, ink: Ink) -> list[Mark]:
        count = f"{entry.count:,}"
        room = self.column - TO_NAME - TO_COUNT - width(count, SIZE)
        name = shortened(clean(entry.name) or "(empty)", SIZE, room)
        dot: list[Mark] = [Dot(x + 4.5, y, 4.5, entry.color)] if entry.color else []
        said = Text(x + TO_NAME, y, name, SIZE, ink.text), Text(x + self.column, y, count, SIZE, ink.muted, "end")
        return [*dot, *said]

    def _scale(self, x: float, y: float, ink: Ink) -> list[Mark]:
        low, high = (clean(end) for end in self.legend.ends)
        below = y + RAMP_HIGH + 9
        ramp = Ramp(x, y, self.column, RAMP_HIGH, self.legend.scale)
        return [ramp, Text(x, below, low, SIZE, ink.text), Text(x + self.column, below, high, SIZE, ink.text, "end")]


def _rest(entries: list[Entry]) -> Entry:
    """One line for entries without room."""
    return Entry(f"and {len(entries):,} more", "", sum(entry.count for entry in entries))


def _widest(entry: Entry) -> Entry:
    """With wide digits in all places: fewer entries may be left out, in wider digits."""
    return Entry(entry.name.translate(_WIDE), "", int(str(entry.count).translate(_WIDE)))


def _width(entry: Entry) -> float:
    return TO_NAME + width(clean(entry.name), SIZE) + TO_COUNT + width(f"{entry.count:,}", SIZE)
