"""Arranges a picture: where the map, its names, the axes and the legend stand; both formats draw what is arranged here."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.errors import InputError
from explorer.exports.picture.axes import MARGINS, axes
from explorer.exports.picture.figure import Figure, Legend
from explorer.exports.picture.legend import Key
from explorer.exports.picture.marks import Dot, Mark, Text
from explorer.exports.picture.naming import placed
from explorer.exports.picture.pane import Pane
from explorer.exports.picture.settings import MOST, PictureSettings

MARGIN = 10.0  # units around everything
GAP = 14.0  # units between the map and the legend
LEAST = 30.0  # units a side that a map must have
NARROW = 500.0  # units; a picture that is wider may have a legend in two columns
USUAL = 0.75  # a picture's height for its width, up to which a legend may ask for more
SHAPES = (0.5, 2.2)  # the map's width for its height, where the picture's height is left to it


@dataclass(frozen=True)
class Ink:
    """The colours of a ground; the same as the page's."""

    paper: str
    text: str
    muted: str
    line: str


INKS = {
    "light": Ink("#ffffff", "#1b1f24", "#4f5866", "#8a93a1"),
    "dark": Ink("#16191f", "#e6e9ee", "#a9b2bf", "#6b7482"),
}
INKS["transparent"] = INKS["light"]


@dataclass(frozen=True)
class Sheet:
    """A picture that is arranged: its size in `pixels`, in units (`width`, `height`), the map's `pane` and the marks around it."""

    pixels: tuple[int, int]
    ratio: float
    pane: Pane
    marks: tuple[Mark, ...]
    names: tuple[Text | Dot, ...]
    paper: str  # empty for a transparent ground

    @property
    def width(self) -> float:
        """Units from left to right."""
        return self.pixels[0] / self.ratio

    @property
    def height(self) -> float:
        """Units from top to bottom."""
        return self.pixels[1] / self.ratio


def arranged(figure: Figure, settings: PictureSettings) -> Sheet:
    """The sheet of a figure.

    Raises
    ------
    InputError
        When text of the asked size leaves no room for a map.
    """
    ratio, ink = settings.ratio, INKS[settings.ground]
    legend = figure.legend if settings.legend else Legend()
    wide = settings.width / ratio
    tries = [Key.measured(legend, columns, wide) if legend else None for columns in ((1, 2) if wide > NARROW else (1,))]
    for key in tries:
        pane, tall = _pane(figure, settings, key)
        if key is None or key.fits(tall - 2 * MARGIN):
            break
    pixels = settings.width, settings.height or max(1, round(tall * ratio))
    marks = axes(pane, figure.axes, ink) if settings.axes else []
    if key is not None:
        marks += key.marks(wide - MARGIN - key.width, MARGIN, tall - 2 * MARGIN, ink)
    names = placed(figure.names, pane, ink) if settings.names else ()
    return Sheet(pixels, ratio, pane, tuple(marks), names, "" if settings.ground == "transparent" else ink.paper)


def _pane(figure: Figure, settings: PictureSettings, key: Key | None) -> tuple[Pane, float]:
    """The map's box, and the height of the sheet: as asked, or as the map's shape asks."""
    left, below = MARGINS if settings.axes else (0.0, 0.0)
    room = settings.width / settings.ratio - 2 * MARGIN - left - (key.width + GAP if key else 0.0)
    x0, x1, y0, y1 = figure.viewport
    shape = min(max((x1 - x0) / (y1 - y0), SHAPES[0]), SHAPES[1])
    asked = room / shape + 2 * MARGIN + below
    if key is not None:  # a long legend makes a flat picture higher, up to a usual shape
        asked = max(asked, min(key.height + 2 * MARGIN, USUAL * settings.width / settings.ratio))
    tall = (settings.height or min(MOST, round(asked * settings.ratio))) / settings.ratio
    if min(room, tall - 2 * MARGIN - below) < LEAST:
        size = f"{settings.width:,} × {round(tall * settings.ratio):,} px"
        raise InputError(
            f"picture: {size} leave no room for the map beside its text; "
            "take a larger width or height, a smaller text_size, or no legend"
        )
    return Pane.fitted(MARGIN + left, MARGIN, room, tall - 2 * MARGIN - below, figure.viewport), tall
