"""What a picture is of, as plain values: the points, where to look, the names and the legend."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.raster import Points


@dataclass(frozen=True)
class Entry:
    """One line of a legend: a colour, what has it, and how many; `rest` is what is in no group, and stays the last."""

    name: str
    color: str
    count: int
    rest: bool = False


@dataclass(frozen=True)
class Name:
    """A name on the map: its place in the layout's units, further places of what it names, and the colour of a category."""

    text: str
    x: float
    y: float
    more: tuple[tuple[float, float], ...] = ()
    color: str = ""


@dataclass(frozen=True)
class Legend:
    """What the colours mean: entries, or a scale from its first stop to its last with what the `ends` are."""

    title: str = ""
    entries: tuple[Entry, ...] = ()
    scale: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")

    def __bool__(self) -> bool:
        return bool(self.entries or self.scale)


@dataclass(frozen=True, eq=False)
class Figure:
    """A picture's content.

    Attributes
    ----------
    viewport
        ``(x0, x1, y0, y1)`` that must be seen, in the layout's units; more is shown where the picture has another shape.
    names
        The most important first; those without room are left out.
    axes
        What the two axes are called.
    title, about
        For who cannot see the picture, and for who finds the file in a year: what it is of, and how it was made.
    """

    points: Points
    viewport: tuple[float, float, float, float]
    names: tuple[Name, ...] = ()
    legend: Legend = field(default_factory=Legend)
    axes: tuple[str, str] = ("x", "y")
    title: str = ""
    about: str = ""
