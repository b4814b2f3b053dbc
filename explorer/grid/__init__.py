"""Points sorted once into a grid of cells, so that a look at a region touches only the points in and around it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

LARGEST = 2048  # cells along the longer side
POINTS_A_CELL = 4  # as many on average, until the grid is at its largest
SMALL = 50_000  # points up to which all are looked at one by one, without a grid and without numba
SAMPLE = 200_000  # places by which it is judged whether a few lie far out

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_POOL = ThreadPoolExecutor(max_workers=CORES, thread_name_prefix="explorer-cores")


@dataclass(frozen=True, eq=False)
class Grid:
    """The points with a place, ordered by cell: row by row from the lowest y, and within a row from the lowest x.

    The outermost cells have no outer edge: whatever lies beyond the grid is in them, and hardly anything else.

    Attributes
    ----------
    x, y
        ``(m,)`` float32, the places in the grid's order.
    rows
        ``(m,)`` int32 (int64 beyond two thousand million), the layout's row of each.
    starts
        ``(across * down + 1,)`` int64; the points of cell c are ``starts[c]:starts[c + 1]``.
    across, down
        How many cells there are along x and along y.
    origin
        The lower left corner of the cell (0, 0), which is where its inner neighbour's edges would continue to.
    size
        A cell's width and height in the layout's units.
    """

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    across: int
    down: int
    origin: tuple[float, float]
    size: float

    @classmethod
    def of(cls, layout: np.ndarray) -> Grid:
        """The grid of a layout ``(n, 2)``; rows with NaN or infinity are left out. Two passes over the points, no sort."""
        from explorer.grid import kernels

        layout = np.ascontiguousarray(layout, np.float32)
        x0, x1, y0, y1 = bounds(layout) or (0.0, 1.0, 0.0, 1.0)
        longest = int(np.clip(np.sqrt(len(layout) / POINTS_A_CELL), 1, LARGEST))
        size = max(x1 - x0, y1 - y0) / longest * (1 + 1e-9)
        across, down = (int(np.clip(np.ceil((high - low) / size), 1, longest)) + 2 for low, high in ((x0, x1), (y0, y1)))
        origin = (x0 - size, y0 - size)
        shape = (across, down, *origin, size)
        starts = np.zeros(across * down + 1, np.int64)
        in_bands(lambda low, high: kernels.count(layout, *shape, low, high, starts), down)
        np.cumsum(starts, out=starts)
        kept = int(starts[-1])
        x, y = np.empty(kept, np.float32), np.empty(kept, np.float32)
        rows = np.empty(kept, np.int32 if len(layout) < 2**31 else np.int64)
        in_bands(lambda low, high: kernels.place(layout, *shape, low, high, starts, x, y, rows), down)
        return cls(x, y, rows, starts, across, down, origin, size)

    def column(self, x: float) -> int:
        """The column of cells in which a place is."""
        return int(min(max(np.floor((x - self.origin[0]) / self.size), 0), self.across - 1))

    def line(self, y: float) -> int:
        """The row of cells in which a place is."""
        return int(min(max(np.floor((y - self.origin[1]) / self.size), 0), self.down - 1))

    def spans(self, x0: float, x1: float, y0: float, y1: float) -> tuple[np.ndarray, np.ndarray]:
        """Starts and ends of the stretches of points that may be within a box; the points in them still have to be tested."""
        first, last = self.column(x0), self.column(x1)
        lines = np.arange(self.line(y0), self.line(y1) + 1) * self.across
        return self.starts[lines + first], self.starts[lines + last + 1]

    def within(self, x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
        """Places in the grid's order, ``(k,)`` int64, of the points within a box, edges included."""
        starts, ends = self.spans(x0, x1, y0, y1)
        lengths = ends - starts
        total = int(lengths.sum())
        found = np.arange(total) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        edges = np.array([x0, x1, y0, y1], np.float64)  # or numpy rounds the edges to the points' float32
        x, y = self.x[found], self.y[found]
        return found[(x >= edges[0]) & (x <= edges[1]) & (y >= edges[2]) & (y <= edges[3])]


def in_bands(work: Callable[[int, int], object], length: int, most: int = 0) -> None:
    """Do work on all cores, each on a stretch of ``range(length)``, in a pool's threads: numba's own may not be shared."""
    bands = min(max(1, length), most or CORES)
    if bands == 1:
        work(0, length)
        return
    edges = np.linspace(0, length, bands + 1).astype(int).tolist()
    for done in [_POOL.submit(work, low, high) for low, high in pairwise(edges)]:
        done.result()


def tally(codes: np.ndarray, length: int, mask: np.ndarray | None = None) -> np.ndarray:
    """``(length,)`` int64: how often each of the codes 0, 1, … stands among ``(n,)`` ints, all or where a mask says so."""
    if len(codes) <= SMALL:
        some = codes if mask is None else codes[mask]
        return np.bincount(some[some >= 0], minlength=length)
    from explorer.grid import kernels

    parts: list[np.ndarray] = []
    every = mask is None
    chosen = np.zeros(0, bool) if mask is None else mask
    in_bands(lambda low, high: parts.append(kernels.tally(codes, chosen, every, low, high, length)), len(codes), 2 * CORES)
    return np.stack(parts).sum(axis=0)


def bounds(layout: np.ndarray) -> tuple[float, float, float, float] | None:
    """``(x0, x1, y0, y1)`` to look at first; None when no row has a place.

    All points, unless a few lie so far out that the others would fall together: then the others and their surroundings, so that one
    outlier does not hide the map. Up to one in a hundred at each end counts as a few. Equal points get a box of their own size.
    """
    if not len(layout):
        return None
    known, (low, high) = layout, _ends(layout)
    if not np.isfinite([low, high]).all():
        known = layout[np.isfinite(layout).all(axis=1)]
        if not len(known):
            return None
        low, high = _ends(known)
    if len(known) >= 10:
        some = known[:: -(-len(known) // SAMPLE)].astype(np.float64)
        few = max(1, len(some) // 100)
        inner_low, inner_high = np.partition(some, [few, len(some) - 1 - few], axis=0)[[few, -1 - few]]
        spread = float(max(inner_high - inner_low))  # of the wider axis, since both are drawn to one scale
        if spread > 0:
            far = (high - low) > 12 * spread
            low, high = np.where(far, inner_low - 0.5 * spread, low), np.where(far, inner_high + 0.5 * spread, high)
    size = float(max(high - low))
    if size <= 0:
        size = max(1e-3, float(np.abs(low).max()) * 1e-3)
        low, high = low - size, high + size
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _ends(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest along each axis, a column at a time, which is ten times as quick; NaN where there is one."""
    x, y = places.T
    return np.array([x.min(), y.min()], np.float64), np.array([x.max(), y.max()], np.float64)
