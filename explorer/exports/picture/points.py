"""The points of a picture, drawn by the raster at the size that the picture asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.exports.picture.sheet import Sheet
from explorer.raster import Points, Viewport, render

MOST_DRAWN = 24_000_000  # pixels, 6,000 × 4,000; beyond, the smallest disc is some pixels wide and can be stretched: memory
FINER = 2.0  # pixels a unit for a crowd: as on a screen of twice the size


def drawn(points: Points, sheet: Sheet) -> np.ndarray:
    """RGBA ``(height, width, 4)`` uint8 of the sheet's pane, its ground transparent."""
    pane, ratio = sheet.pane, sheet.ratio
    held = min(ratio, float(np.sqrt(MOST_DRAWN / (pane.width * pane.height))))
    rgba = _drawn(points, Viewport(*pane.view, pane.width, pane.height, held))
    size = round(pane.width * ratio), round(pane.height * ratio)
    return rgba if rgba.shape[1::-1] == size else _stretched(rgba, size)


def _drawn(points: Points, view: Viewport) -> np.ndarray:
    """Discs at full size. A crowd's points are single pixels, which would fade away on a large sheet: it is drawn coarser."""
    frame = render(points, view)
    if frame.rgba.shape[1::-1] == view.pixels:
        return frame.rgba
    finer = min(FINER, view.ratio)
    screen = replace(view, width=round(view.width * finer), height=round(view.height * finer), ratio=1.0)
    return render(points, screen, exact=True).rgba


def _stretched(rgba: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(rgba).resize(size, Image.Resampling.BICUBIC))  # it weighs colours by their opacity
