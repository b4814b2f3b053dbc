"""What is looked at, and the picture of it."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np

HEAVY = 450_000  # bytes beyond which a picture of a crowd is sent with a little loss


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
        """The picture as WebP: exact while that is small, a crowd's colours to 32 steps, and where even that is much, with loss."""
        exact = _lossless(self.rgba)
        if len(exact) <= HEAVY:
            return exact
        coarse = self.rgba & 0xF8 | self.rgba >> 5  # the upper five bits, stretched again over 0..255
        steps = _lossless(coarse)
        return steps if len(steps) <= HEAVY else _encoded(self.rgba, quality=80, alpha_quality=80)


def _lossless(rgba: np.ndarray) -> bytes:
    return _encoded(rgba, lossless=True, quality=0, exact=True)


def _encoded(rgba: np.ndarray, **how: object) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "WEBP", method=0, **how)
    return out.getvalue()
