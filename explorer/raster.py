"""Points, colours and a viewport to a picture: every point counts, discs while they are few, a Datashader aggregate beyond."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np

DISC_WORK = 500_000  # pixels that discs may touch; more points than that are aggregated pixel by pixel
FEW = 4_000  # points whose rows a frame tells: so many can have marks of their own
OPACITY = 0.62  # of one disc; where discs overlap it grows towards 1
DIM = 0.33  # what is left of an unselected point's opacity while there is a selection
SELECTED = 1.25  # how much wider a selected point's disc is
NUMBER_SCALE = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")  # viridis, colour-blind-safe


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


@dataclass(frozen=True, eq=False)
class Points:
    """What is drawn.

    Attributes
    ----------
    layout
        ``(n, 2)``; rows with NaN are not drawn.
    codes
        ``(n,)`` int into `palette`; ignored where `values` are given and known.
    palette
        ``(k, 3)`` float32 in 0..1.
    values
        ``(n,)`` float in 0..1 along the number scale, NaN for what is missing (then `codes` colour it), or None.
    shown
        ``(n,)`` bool or None for all.
    selected
        ``(n,)`` bool or None for no selection: then nothing is dimmed.
    """

    layout: np.ndarray
    codes: np.ndarray
    palette: np.ndarray
    values: np.ndarray | None = None
    shown: np.ndarray | None = None
    selected: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture, and what is in it.

    Attributes
    ----------
    rgba
        ``(height, width, 4)`` uint8 with a transparent ground, top row first.
    seen
        How many points are within the viewport.
    counts
        ``(k,)`` int64, how many of them have each code.
    densest
        How many points the fullest pixel holds.
    rows
        Their rows in the layout, in order, where they are at most `FEW`; else None.
    """

    rgba: np.ndarray
    seen: int
    counts: np.ndarray
    densest: int
    rows: np.ndarray | None = None

    def webp(self) -> bytes:
        """The picture as WebP without loss."""
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(self.rgba).save(out, "WEBP", lossless=True, quality=0, method=0, exact=True)
        return out.getvalue()


def render(points: Points, view: Viewport) -> Frame:
    """Draw all points within the viewport, the selected ones last and undimmed."""
    width, height = max(1, round(view.width * view.ratio)), max(1, round(view.height * view.ratio))
    rows, x, y = _inside(points, view, width, height)
    radius = _radius(len(rows), width * height, view.ratio)
    if view.ratio > 1.0 and not _fit_discs(len(rows), radius):
        return render(points, replace(view, ratio=1.0))  # a crowd shows no finer detail, and costs a quarter
    canvas = np.zeros((height * width, 4), np.float32)
    colors = _colors(points, rows)
    chosen = None if points.selected is None else points.selected[rows]
    layers = [(np.ones(len(rows), bool), 1.0)] if chosen is None else [(~chosen, DIM), (chosen, 1.0)]
    for mask, strength in layers:
        if mask.any():
            size = radius if chosen is None or strength < 1.0 else radius * SELECTED
            _over(canvas, *_layer(x[mask], y[mask], colors[mask], (height, width), size), strength)
    pixels = np.minimum(y.astype(np.int64), height - 1) * width + np.minimum(x.astype(np.int64), width - 1)
    densest = int(np.bincount(pixels).max(initial=0))
    counts = np.bincount(points.codes[rows], minlength=len(points.palette))
    picture = (canvas * 255 + 0.5).astype(np.uint8).reshape(height, width, 4)
    return Frame(picture, len(rows), counts, densest, rows if len(rows) <= FEW else None)


def nearest(layout: np.ndarray, x: float, y: float, reach: float, shown: np.ndarray | None = None) -> int | None:
    """The row of the item nearest to a place, or None when none is within `reach` (both in the layout's units)."""
    at = np.array([x, y], np.float64)  # or numpy rounds the place to the layout's float32
    close = (np.abs(layout[:, 0] - at[0]) <= reach) & (np.abs(layout[:, 1] - at[1]) <= reach)
    rows = np.flatnonzero(close if shown is None else close & shown)
    if not len(rows):
        return None
    distance = np.hypot(layout[rows, 0] - at[0], layout[rows, 1] - at[1])
    best = int(distance.argmin())
    return int(rows[best]) if distance[best] <= reach else None


def bounds(layout: np.ndarray) -> tuple[float, float, float, float] | None:
    """``(x0, x1, y0, y1)`` to look at first; None when no row has a place.

    All points, unless a few lie so far out that the others would fall together: then the others and their surroundings, so that one
    outlier does not hide the map. Up to one in a hundred at each end counts as a few. Equal points get a box of their own size.
    """
    known = layout[np.isfinite(layout).all(axis=1)].astype(np.float64)
    if not len(known):
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    if len(known) >= 10:
        few = max(1, len(known) // 100)
        inner_low, inner_high = np.partition(known, [few, len(known) - 1 - few], axis=0)[[few, -1 - few]]
        spread = float(max(inner_high - inner_low))  # of the wider axis, since both are drawn to one scale
        if spread > 0:
            far = (high - low) > 12 * spread
            low, high = np.where(far, inner_low - 0.5 * spread, low), np.where(far, inner_high + 0.5 * spread, high)
    size = float(max(high - low))
    if size <= 0:
        size = max(1e-3, float(np.abs(low).max()) * 1e-3)
        low, high = low - size, high + size
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _inside(points: Points, view: Viewport, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows within the viewport with their pixel coordinates, counted in float64 so that large offsets lose no points."""
    x, y = points.layout[:, 0], points.layout[:, 1]
    x0, x1, y0, y1 = np.array([view.x0, view.x1, view.y0, view.y1], np.float64)  # or numpy rounds the edges to the layout's float32
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    if points.shown is not None:
        inside &= points.shown
    rows = np.flatnonzero(inside)
    px = (x[rows].astype(np.float64) - x0) * (width / max(x1 - x0, 1e-300))
    py = (y1 - y[rows].astype(np.float64)) * (height / max(y1 - y0, 1e-300))
    return rows, np.minimum(px, width), np.minimum(py, height)  # rounding must not put a point on the edge outside


def _radius(count: int, area: int, ratio: float) -> float:
    """The discs' radius in pixels: large while points are few, one pixel when they are many."""
    room = np.sqrt(area / max(count, 1)) / ratio
    return float(ratio * np.clip(room * 0.17, 1.0, 4.5))


def _colors(points: Points, rows: np.ndarray) -> np.ndarray:
    colors = points.palette[points.codes[rows]]
    if points.values is None:
        return colors
    values = points.values[rows]
    known = ~np.isnan(values)
    stops = np.array([[int(stop[place : place + 2], 16) / 255 for place in (1, 3, 5)] for stop in NUMBER_SCALE], np.float32)
    along = np.linspace(0, 1, len(stops))
    for channel in range(3):
        colors[known, channel] = np.interp(values[known], along, stops[:, channel])
    return colors


def _layer(
    x: np.ndarray, y: np.ndarray, colors: np.ndarray, shape: tuple[int, int], radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One layer: the pixels that it touches ``(m,)``, their colour ``(m, 3)`` and their opacity ``(m, 1)``."""
    if _fit_discs(len(x), radius):
        sums = _discs(x, y, colors, shape, radius)
        pixels = np.flatnonzero(sums[0] > 0)
        alpha = 1.0 - (1.0 - OPACITY) ** sums[0][pixels]
    else:
        sums = _aggregate(x, y, colors, shape)
        pixels = np.flatnonzero(sums[0] > 0)
        alpha = _density(sums[0][pixels])
    mixed = np.stack([sums[channel][pixels] / sums[0][pixels] for channel in (1, 2, 3)], axis=-1)
    return pixels, mixed.astype(np.float32), alpha.astype(np.float32)[:, None]


def _fit_discs(count: int, radius: float) -> bool:
    """Whether so many points can be drawn as discs in time."""
    return count * (2 * int(np.ceil(radius)) + 1) ** 2 <= DISC_WORK


def _discs(x: np.ndarray, y: np.ndarray, colors: np.ndarray, shape: tuple[int, int], radius: float) -> list[np.ndarray]:
    """Sums of smooth-edged discs a pixel: coverage, then red, green and blue × coverage; the order of points does not matter."""
    height, width = shape
    reach = int(np.ceil(radius + 0.5))
    offsets = np.arange(-reach, reach + 1)
    dx, dy = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    across, down = column[:, None] + dx, row[:, None] + dy
    distance = np.hypot(across + 0.5 - x[:, None], down + 0.5 - y[:, None])
    cover = np.clip(radius + 0.5 - distance, 0.0, 1.0)
    kept = (cover > 0) & (across >= 0) & (across < width) & (down >= 0) & (down < height)
    pixel, weight = (down * width + across)[kept], cover[kept]
    point = np.broadcast_to(np.arange(len(x))[:, None], kept.shape)[kept]
    coverage = np.bincount(pixel, weight, height * width)
    return [coverage, *(np.bincount(pixel, weight * colors[point, channel], height * width) for channel in range(3))]


def _aggregate(x: np.ndarray, y: np.ndarray, colors: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    """Counts and colour sums by Datashader, isolated pixels spread to their neighbours so that a single point is seen."""
    import datashader
    import pandas as pd

    height, width = shape
    frame = pd.DataFrame({"x": x, "y": y, "r": colors[:, 0], "g": colors[:, 1], "b": colors[:, 2]})
    canvas = datashader.Canvas(width, height, (0, width), (0, height))
    wanted = datashader.summary(n=datashader.count(), r=datashader.sum("r"), g=datashader.sum("g"), b=datashader.sum("b"))
    made = canvas.points(frame, "x", "y", wanted)
    sums = [np.nan_to_num(made[name].to_numpy().astype(np.float32)) for name in "nrgb"]
    spread = [_spread(channel) for channel in sums]
    alone = (sums[0] == 0) & (spread[0] > 0)
    half = 0.5 / np.maximum(spread[0], 1.0)  # a neighbour's pixel shows half a point of the neighbours' mean colour
    return [np.where(alone, near * half, own).ravel() for own, near in zip(sums, spread, strict=True)]


def _spread(channel: np.ndarray) -> np.ndarray:
    """Each pixel's sum with its four neighbours'."""
    wide = np.pad(channel, 1)
    return wide[1:-1, 1:-1] + wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]


def _density(counts: np.ndarray) -> np.ndarray:
    """Opacity by the logarithm of the count: a single point is plain to see, the densest pixel is opaque."""
    top = np.log1p(max(1.0, float(counts.max(initial=1.0))))
    return np.where(counts >= 1, 0.4 + 0.6 * np.log1p(counts) / top, 0.4 * counts)


def _over(canvas: np.ndarray, pixels: np.ndarray, colors: np.ndarray, opacity: np.ndarray, strength: float) -> None:
    """Lay a layer over what is there; `canvas` is ``(pixels, 4)`` of straight colour and opacity."""
    alpha = opacity * strength
    below = canvas[pixels]
    rest = below[:, 3:] * (1 - alpha)
    total = alpha + rest
    canvas[pixels, :3] = (colors * alpha + below[:, :3] * rest) / total
    canvas[pixels, 3:] = total
