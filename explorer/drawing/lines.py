"""Time series as lines: a lane a channel, every extreme there, and a gap where values are missing.

What has more values than the drawing has columns is brought down to the least and the greatest of each column, so that no spike
is lost (min-max aggregation; Jugel et al., "M4", VLDB 2014).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from explorer.drawing.inks import CHANNELS, GREY, laid, shaded

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Curve = Callable[[np.ndarray], np.ndarray]  # values to pixels from the top

FINE = 3  # times finer than it is shown, a line is drawn in each direction
BUSY = 0.2  # of a lane's height: columns that reach over more, most of them, are drawn as bands
LARGE = 600  # pixels; a line so wide is drawn twice as fine
PALE = 0.42  # how thick the band is laid from a column's least to its greatest value


def draw_series(values: np.ndarray, width: int, height: int) -> Picture | None:
    """Draw ``(channels, t)`` values on nothing; None where no value is known.

    Up to six channels have lanes one over the other, each on its own scale; more are rows of a table of colours.
    """
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float32, copy=False)
    if bounds_of(values) is None:
        return None
    if len(values) > len(CHANNELS):
        return _table(values, width, height)
    from PIL import Image

    made = Image.new("RGBA", (width, height))
    for channel, (top, bottom) in enumerate(lanes(len(values), height)):
        _draw_lane(made, values[channel], CHANNELS[channel], top, bottom)
    return made


def bounds_of(values: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest of the finite values; None where there are none."""
    if not values.size:
        return None
    low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    if not np.isfinite([low, high]).all():
        known = values[np.isfinite(values)]
        return (float(known.min()), float(known.max())) if known.size else None
    return low, high


def lanes(count: int, height: int) -> list[tuple[int, int]]:
    """The first row of pixels of each lane, and the first below it."""
    return list(pairwise(np.rint(np.linspace(0, height, count + 1)).astype(int).tolist()))


def thickness(width: int) -> float:
    """Pixels of a line in a drawing that is so wide; all but the smallest are shown at half their size, or near it."""
    return float(np.interp(width, (96, 256, 512), (1.5, 2.6, 3.0)))


def extremes(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest of each of at most `most` stretches of ``(t,)`` values; NaN where none is known."""
    starts = _starts(len(values), most)
    return np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)


def envelope(low: np.ndarray, high: np.ndarray, height: int) -> np.ndarray:
    """``(height, columns)``, how much of each pixel lies between two curves that are given in pixels from the top, low > high.

    It is nowhere thinner than a pixel, and nowhere broken: each column reaches as far as the one before it.
    """
    reach = np.fmax(low[1:], np.where(np.isnan(low[1:]), np.nan, high[:-1])), np.fmin(high[1:], low[:-1])
    low, high = np.r_[low[:1], reach[0]], np.r_[high[:1], np.where(np.isnan(high[1:]), np.nan, reach[1])]
    thin = np.maximum(0, 1 - (low - high)) / 2
    low, high = low + thin, high - thin
    rows = np.arange(height)[:, None]
    return np.nan_to_num(np.clip(np.minimum(rows + 1, low) - np.maximum(rows, high), 0, 1))


def band(values: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """One standard deviation below and above the mean of each of so many stretches of ``(t,)`` values."""
    starts = _starts(len(values), columns)
    known = np.isfinite(values)
    count = np.maximum(np.add.reduceat(known, starts, dtype=np.float64), 1)
    plain = np.where(known, values, 0).astype(np.float64)
    mean = np.add.reduceat(plain, starts) / count
    spread = np.sqrt(np.maximum(0, np.add.reduceat(plain * plain, starts) / count - mean * mean))
    return mean - spread, mean + spread


def _starts(length: int, most: int) -> np.ndarray:
    return np.arange(length) if length <= most else np.arange(most) * length // most


def _draw_lane(made: Picture, values: np.ndarray, ink: str, top: int, bottom: int) -> None:
    """Draw one channel between two rows of pixels, with a thin line at zero, or at the median where zero is not among them."""
    known = bounds_of(values)
    if known is None:
        return
    width, height, (low, high) = made.width, bottom - top, known
    pad = min(thickness(width) / 2 + max(1.0, height * 0.04), height / 3)
    flat = high - low <= 1e-6 * max(abs(high), abs(low))  # as fine as the numbers are

    def down(one: np.ndarray) -> np.ndarray:  # pixels from the lane's top
        one = one.astype(np.float64)  # the difference of two float32 may be beyond them
        return np.where(np.isnan(one), np.nan, height / 2) if flat else pad + (high - one) / (high - low) * (height - 2 * pad)

    middle = 0.0 if low < 0 < high else float(np.nanmedian(values[:: max(1, len(values) // 4096)]))
    rule = np.zeros((height, width), np.float32)
    rule[min(height - 1, int(down(np.array([np.nan_to_num(middle)]))[0]))] = 0.45
    made.alpha_composite(laid(GREY, rule), (0, top))
    low_down, high_down = map(down, extremes(values, width))
    if len(values) > 4 * width and np.nanmedian(low_down - high_down) > BUSY * height:
        cover = PALE * envelope(low_down, high_down, height)
        below, above = band(values, width)
        cover = np.maximum(cover, envelope(down(below), down(above), height))
    else:
        cover = _line(values, down, width, height)
    made.alpha_composite(laid(ink, cover), (0, top))


def _line(values: np.ndarray, down: Curve, width: int, height: int) -> np.ndarray:
    """``(height, width)``, how much of each pixel a line through the values covers."""
    from PIL import Image, ImageDraw

    fine = FINE if width <= LARGE else 2
    mask = Image.new("L", (width * fine, height * fine))
    pen, thick = ImageDraw.Draw(mask), max(1, round(thickness(width) * fine))
    for points in _runs(values, down, width):
        points *= fine
        if np.ptp(points, axis=0).max() >= thick:
            pen.line(points.ravel().tolist(), fill=255, width=thick)
        else:
            (x, y), reach = points[0], thick * 0.8
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    return np.asarray(mask.reduce(fine), np.float32) / 255


def _runs(values: np.ndarray, down: Curve, width: int) -> list[np.ndarray]:
    """The stretches of known values as points ``(m, 2)`` in pixels; of many values the extremes, up or down as they came."""
    starts = _starts(len(values), 2 * width)
    if len(starts) < len(values):
        low, high = extremes(values, 2 * width)
        ends = np.r_[starts[1:], len(values)] - 1
        rising = ~(values[starts] > values[ends])
        heights = np.column_stack([np.where(rising, low, high), np.where(rising, high, low)]).ravel()
        places = np.repeat((starts + ends) / 2, 2)
    else:
        heights, places = values, starts.astype(np.float64)
    edge = thickness(width) / 2 + 0.5
    across = edge + places / max(1, len(values) - 1) * (width - 2 * edge) if len(values) > 1 else np.array([width / 2])
    points = np.column_stack([across, down(heights)])
    known = np.isfinite(heights)
    return [run for run in np.split(points, np.flatnonzero(np.diff(known)) + 1) if np.isfinite(run[0, 1])]


def _table(values: np.ndarray, width: int, height: int) -> Picture:
    """Many channels as rows of colours, each on its own scale."""
    known = np.isfinite(values).any(axis=1)
    rows = np.full((len(values), min(values.shape[1], width)), np.nan)
    for channel in np.flatnonzero(known):
        low, high = extremes(values[channel], width)
        middle = (low.astype(np.float64) + high) / 2
        least, most = np.nanmin(middle), np.nanmax(middle)
        rows[channel] = np.where(np.isnan(middle), np.nan, (middle - least) / (most - least) if most > least else 0.5)
    return shaded(rows, width, height)
