"""Few points: each is a disc with a smooth edge, and where discs overlap they grow denser."""

from __future__ import annotations

import numpy as np

from explorer.raster.picture import Viewport
from explorer.raster.points import Points, own_colors, scale

CROWD = 55_000  # points that are always discs; more of them only where the screen has ten pixels for each
PIXELS_A_POINT = 10
QUICK = 500_000  # touched pixels up to which numpy is quick enough, and numba need not be loaded
OPACITY = 0.62  # of one disc; where discs overlap it grows towards 1
DIM = 0.33  # what is left of an unselected point's opacity while there is a selection
SELECTED = 1.25  # how much wider a selected point's disc is


def radius(count: int, view: Viewport) -> float:
    """The discs' radius in device pixels: large while points are few, one CSS pixel when they are many, in print less."""
    width, height = view.pixels
    room = np.sqrt(width * height / max(count, 1))
    return float(max(1.0, min(view.ratio * np.clip(room / view.ratio * 0.17, 1.0, 4.5), room * 0.5)))


def most(view: Viewport) -> int:
    """How many points are better drawn as discs; more are a crowd."""
    width, height = view.pixels
    return max(CROWD, int(width * height / view.ratio**2 / PIXELS_A_POINT))


def draw(points: Points, rows: np.ndarray, x: np.ndarray, y: np.ndarray, view: Viewport, *, compiled: bool = False) -> np.ndarray:
    """RGBA ``(height, width, 4)`` uint8 of points at pixel coordinates, the selected ones last and undimmed.

    With `compiled` by numba's loops even where there is little to do: it is loaded already then, and ten times as quick.
    """
    width, height = view.pixels
    canvas = np.zeros((height * width, 4), np.float32)
    size = radius(len(rows), view)
    chosen = None if points.selected is None else points.selected[rows]
    layers = [(np.ones(len(rows), bool), size, 1.0)] if chosen is None else [(~chosen, size, DIM), (chosen, size * SELECTED, 1.0)]
    colors = own_colors(points, rows)
    for mask, wide, strength in layers:
        if mask.any():
            given = x[mask], y[mask], colors[mask], (height, width), wide
            if compiled or _much(len(rows), wide):
                _compiled(canvas, *given, strength, density=points.density)
            else:
                _over(canvas, *_layer(_sums(*given), density=points.density), strength)
    return (canvas * 255 + 0.5).astype(np.uint8).reshape(height, width, 4)


def _layer(sums: np.ndarray, *, density: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One layer: the pixels that it touches ``(m,)``, their colour ``(m, 3)`` and their opacity ``(m, 1)``."""
    pixels = np.flatnonzero(sums[0] > 0)
    cover = sums[0][pixels]
    if density:
        mixed = scale(np.log1p(cover) / np.log1p(max(1.0, float(cover.max(initial=1.0)))))
    else:
        mixed = np.stack([sums[channel][pixels] / cover for channel in (1, 2, 3)], axis=-1)
    alpha = 1.0 - (1.0 - OPACITY) ** cover
    return pixels, mixed.astype(np.float32), alpha.astype(np.float32)[:, None]


def _much(count: int, size: float) -> bool:
    return count * (2 * int(np.ceil(size)) + 1) ** 2 > QUICK


def _compiled(
    canvas: np.ndarray, x: np.ndarray, y: np.ndarray, colors: np.ndarray, shape: tuple[int, int], size: float, strength: float,
    *, density: bool,
) -> None:  # fmt: skip
    """Sum and lay one layer by numba's loops."""
    from explorer.raster import kernels

    total = np.zeros((4, shape[0] * shape[1]))
    kernels.add_discs(total, x, y, colors.astype(np.float64), shape[1], shape[0], size)
    if density:
        _over(canvas, *_layer(total, density=True), strength)
    else:
        kernels.lay_discs(canvas, total, OPACITY, strength)


def _sums(x: np.ndarray, y: np.ndarray, colors: np.ndarray, shape: tuple[int, int], size: float) -> np.ndarray:
    """``(4, pixels)``: coverage, then red, green and blue × coverage; the order of points does not matter."""
    height, width = shape
    reach = int(np.ceil(size + 0.5))
    offsets = np.arange(-reach, reach + 1)
    dx, dy = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = column[:, None] + dx, row[:, None] + dy
    distance = np.hypot(across + 0.5 - x[:, None], down + 0.5 - y[:, None])
    cover = np.clip(size + 0.5 - distance, 0.0, 1.0)
    kept = (cover > 0) & (across >= 0) & (across < width) & (down >= 0) & (down < height)
    pixel, weight = (down * width + across)[kept], cover[kept]
    point = np.broadcast_to(np.arange(len(x))[:, None], kept.shape)[kept]
    sums = [np.bincount(pixel, weight * colors[point, channel], height * width) for channel in range(3)]
    return np.stack([np.bincount(pixel, weight, height * width), *sums])


def _over(canvas: np.ndarray, pixels: np.ndarray, colors: np.ndarray, opacity: np.ndarray, strength: float) -> None:
    """Lay a layer over what is there; `canvas` is ``(pixels, 4)`` of straight colour and opacity."""
    alpha = opacity * strength
    below = canvas[pixels]
    rest = below[:, 3:] * (1 - alpha)
    total = alpha + rest
    canvas[pixels, :3] = (colors * alpha + below[:, :3] * rest) / total
    canvas[pixels, 3:] = total
