"""What is looked at, and the picture of it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SCREEN = 900 * 700  # pixels
HEAVY, MOST = 450_000, 600_000  # bytes of a picture of so many: what is worth making smaller, and what must not be sent


def edges(given: Iterable[Any]) -> tuple[float, float, float, float]:
    """``(x0, x1, y0, y1)`` that can be drawn: finite, in order, and apart by more than the least number.

    Raises
    ------
    ValueError
        For anything else.
    """
    try:
        x0, x1, y0, y1 = (float(edge) for edge in given)
        wide, high = x1 - x0, y1 - y0
    except (TypeError, OverflowError) as problem:
        raise ValueError(f"not a viewport: {given!r}") from problem
    if not (1e-290 < wide < 1e290 and 1e-290 < high < 1e290 and max(map(abs, (x0, x1, y0, y1))) < 1e290):
        raise ValueError(f"not a viewport: {given!r}")
    return x0, x1, y0, y1


@dataclass(frozen=True)
class Viewport:
    """What is looked at, in the layout's units, and the picture's size in pixels; `ratio` is device pixels per CSS pixel."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int
    ratio: float = 1.0

    @property
    def pixels(self) -> tuple[int, int]:
        """The picture's width and height in device pixels."""
        return max(1, round(self.width * self.ratio)), max(1, round(self.height * self.ratio))

    @property
    def scale(self) -> tuple[float, float]:
        """Device pixels per unit along x and y."""
        width, height = self.pixels
        return width / max(self.x1 - self.x0, 1e-300), height / max(self.y1 - self.y0, 1e-300)

    @property
    def plain(self) -> Viewport:
        """The same at one device pixel per CSS pixel."""
        return replace(self, ratio=1.0)


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, and what is in it.

    Attributes
    ----------
    rgba
        ``(height, width, 4)`` uint8 with a transparent ground, top row first.
    view
        What it shows: of a great crowd the asked viewport with its edges moved outwards by less than a pixel, to whole cells.
    seen
        How many points are within the asked viewport.
    counts
        ``(k,)`` int64, how many of them have each code.
    densest
        How many points the fullest pixel holds.
    crowd
        Whether pixels were shaded by how many points they hold, rather than discs drawn.
    rows
        Their rows in the layout, in order, where they are at most `FEW`; else None.
    """

    rgba: np.ndarray
    view: Viewport
    seen: int
    counts: np.ndarray
    densest: int
    rows: np.ndarray | None = None
    crowd: bool = False

    def webp(self) -> bytes:
        """The picture as WebP: exact; a crowd to 16 steps a channel, where that is much in 256 colours, and noise with loss."""
        made = _lossless(self.rgba & 0xF0 | self.rgba >> 4 if self.crowd else self.rgba)  # upper four bits, stretched over 0..255
        screens = max(1.0, self.rgba[..., 0].size / SCREEN)
        if len(made) > HEAVY * screens:
            made = _lossless(_reduced(self.rgba))
        return made if len(made) <= MOST * screens else _encoded(self.rgba, quality=50, alpha_quality=30)


def _reduced(rgba: np.ndarray) -> np.ndarray:
    """The picture in 256 colours, chosen for it: quicker than fewer steps a channel, a quarter of the error of a lossy picture."""
    from PIL import Image

    few = Image.fromarray(rgba).quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGBA"))


def _lossless(rgba: np.ndarray) -> bytes:
    return _encoded(rgba, lossless=True, quality=0, exact=True)


def _encoded(rgba: np.ndarray, **how: object) -> bytes:
    from PIL import Image, WebPImagePlugin  # noqa: F401  # else the first picture waits while Pillow loads every format it knows

    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "WEBP", method=0, **how)
    return out.getvalue()
