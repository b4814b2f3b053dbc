"""Many points: their numbers and colours are summed a pixel, over the cells of a grid that are in view, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np

from explorer.grid import CORES, Grid, in_bands
from explorer.raster import kernels
from explorer.raster.discs import DIM
from explorer.raster.picture import Frame, Viewport
from explorer.raster.points import STEPS, Points, scale

BANDS = 2 * CORES  # stretches of a picture, so that one that has more to do does not keep the others waiting
COARSE = 16_000_000  # points in view beyond which whole cells are summed into pixels, not points
FINEST = 1.5  # a cell may be so many pixels wide to stand for one
FAINTEST = kernels.FAINTEST  # opacity of a pixel with hardly a point
TABLE = 4_096  # counts up to here have their opacity in a table


@dataclass(frozen=True, eq=False)
class Tint:
    """Every point's colour as a small number, and what each adds to a pixel.

    `codes` is ``(m,)`` in the grid's order, twice the colour's number counted from 1; `add` ``(k, 4)`` int64: a count of 1 and, by
    kind, red, green and blue in 0..255, or 1 and the shade where the number is known.
    """

    codes: np.ndarray
    add: np.ndarray

    @classmethod
    def of(cls, points: Points, grid: Grid) -> Tint:
        """By the points' codes or values."""
        if points.values is None:
            shades = np.rint(points.palette * 255).astype(np.int64)
            add = np.column_stack([np.ones(len(shades), np.int64), shades])
            return cls(_ordered(points.codes, len(add), grid), add)
        known = ~np.isnan(points.values)
        steps = np.rint(np.where(known, points.values, 0) * (STEPS - 1)).astype(np.int64)
        shades = np.arange(STEPS)
        add = np.column_stack([np.ones(STEPS), np.ones(STEPS), shades, np.zeros(STEPS)]).astype(np.int64)
        return cls(_ordered(np.where(known, steps, STEPS), STEPS + 1, grid), np.vstack([add, [[1, 0, 0, 0]]]))


class Crowd:
    """The points of a grid with their ink, in the grid's order: which colour, whether selected, or not shown at all."""

    def __init__(self, grid: Grid, points: Points, before: Crowd | None = None) -> None:
        self.grid = grid
        self.points = points
        old = None if before is None else before.points
        same_tint = old is not None and all(getattr(old, name) is getattr(points, name) for name in ("codes", "values", "palette"))
        self.tint: Tint = before.tint if before is not None and same_tint else Tint.of(points, grid)
        same = same_tint and old is not None and old.shown is points.shown and old.selected is points.selected
        if before is not None and same and before.grid is grid:
            self.ink: np.ndarray = before.ink
            if "cells" in before.__dict__:
                self.__dict__["cells"] = before.cells
        else:
            self.ink = self._mixed()

    def _mixed(self) -> np.ndarray:
        """``(m,)``: twice the colour's number counted from 1, plus 1 where selected; 0 where not shown."""
        points, codes = self.points, self.tint.codes
        if points.shown is None and points.selected is None:
            return codes
        ink, nothing = np.empty_like(codes), np.zeros(0, bool)
        masks = [nothing if mask is None else np.asarray(mask, bool) for mask in (points.shown, points.selected)]
        in_bands(lambda low, high: kernels.mix(codes, self.grid.rows, *masks, low, high, ink), len(ink), BANDS)
        return ink

    @property
    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
        return self.grid.x, self.grid.y, self.ink, self.grid.starts, self.grid.across

    @property
    def layers(self) -> int:
        """The unselected points, and those over them."""
        return 1 if self.points.selected is None else 2

    @cached_property
    def cells(self) -> np.ndarray:
        """``(layers, cells, 4)`` int64: what all the points of each cell add, for a look at everything."""
        grid = self.grid
        sums = np.zeros((self.layers, len(grid.starts) - 1, 4), np.int64)
        in_bands(lambda low, high: kernels.sum_cells(grid.starts, self.ink, self.tint.add, low, high, sums), sums.shape[1], CORES)
        return sums

    def draw(self, view: Viewport, *, exact: bool = False) -> Frame:
        """Sum, then shade; from whole cells where the points in view are many and the cells fine enough."""
        grid = self.grid
        starts, ends = grid.spans(view.x0, view.x1, view.y0, view.y1)
        across, down = view.scale
        coarse = int((ends - starts).sum()) > COARSE and grid.size * max(across, down) <= FINEST and not exact
        if coarse:
            tally = self._tally(view)
            sums, view = self._of_cells(view)
        else:
            sums, tally = self._of_points(view)
        rgba = self._shaded(sums, view)
        densest = int(sums[..., 0].sum(axis=0).max(initial=0))
        return Frame(rgba, view, int(tally.sum()), self._counts(tally), densest, crowd=True)

    def _counts(self, tally: np.ndarray) -> np.ndarray:
        """The tally of inks as counts of the palette's codes."""
        if self.points.values is None:
            return tally
        counts = np.zeros(len(self.points.palette), np.int64)
        counts[0] += tally[:STEPS].sum()
        counts[-1] += tally[STEPS]
        return counts

    # Sums

    def _of_points(self, view: Viewport) -> tuple[np.ndarray, np.ndarray]:
        """Every point in view goes into its pixel: ``(layers, pixels, 4)``, and how many of each colour there are."""
        (width, height), add = view.pixels, self.tint.add
        sums = np.zeros((self.layers, width * height, 4), np.int64)
        tallies: list[np.ndarray] = []
        frame = np.array([view.x0, view.x1, view.y0, view.y1, *view.scale])
        columns = self.grid.column(view.x0), self.grid.column(view.x1)
        bands = self._bands(view)

        def work(low: int, high: int) -> None:
            for band in bands[low:high]:
                tally = np.zeros(len(add), np.int64)
                kernels.sum_points(*self._places, *columns, *band, frame, width, height, add, sums, tally)
                tallies.append(tally)

        in_bands(work, len(bands), len(bands))
        return sums, np.stack(tallies).sum(axis=0)

    def _bands(self, view: Viewport) -> list[tuple[int, int, int, int]]:
        """Stretches of the view with about as many points each: the grid's lines to look through, the pixel rows to fill.

        Pixel rows belong to one band alone, so that no two threads write to the same; lines of cells that reach into two bands are
        looked through by both.
        """
        grid, height = self.grid, view.pixels[1]
        first = grid.line(view.y0)
        starts, ends = grid.spans(view.x0, view.x1, view.y0, view.y1)
        done = np.cumsum(ends - starts)
        shares = np.arange(1, 2 * CORES) * (done[-1] / (2 * CORES)) if CORES > 1 else []
        cuts = {self._row(first + int(place), view) for place in np.searchsorted(done, shares)}
        bands = list(pairwise([0, *sorted(cuts - {0, height}), height]))
        pixel = 1 / view.scale[1]
        lines = [(grid.line(view.y1 - (bottom + 1) * pixel), grid.line(view.y1 - (top - 1) * pixel)) for top, bottom in bands]
        return [(*line, *band) for line, band in zip(lines, bands, strict=True)]

    def _row(self, line: int, view: Viewport) -> int:
        """The pixel row in which a line of cells begins."""
        edge = self.grid.origin[1] + line * self.grid.size
        return int(np.clip(np.floor((view.y1 - edge) * view.scale[1]), 0, view.pixels[1]))

    def seen(self, view: Viewport) -> int:
        """How many points are in view."""
        return int(self._tally(view).sum())

    def _tally(self, view: Viewport) -> np.ndarray:
        """How many points of each colour are in view, without drawing them."""
        grid = self.grid
        tallies: list[np.ndarray] = []
        frame = np.array([view.x0, view.x1, view.y0, view.y1])
        columns = grid.column(view.x0), grid.column(view.x1)
        first, last = grid.line(view.y0), grid.line(view.y1)

        def work(low: int, high: int) -> None:
            tally = np.zeros(len(self.tint.add), np.int64)
            kernels.tally(*self._places, *columns, first, last, low + first, high + first, frame, tally)
            tallies.append(tally)

        in_bands(work, last - first + 1, 4 * CORES)
        return np.stack(tallies).sum(axis=0)

    def _of_cells(self, view: Viewport) -> tuple[np.ndarray, Viewport]:
        """A pixel is a block of whole cells: exact for the viewport that these make, which is the asked one but for a pixel."""
        grid, cells = self.grid, self.cells  # made here, since the pool's threads must not wait for the pool
        size, (x0, y0) = grid.size, grid.origin
        kx, ky = (max(1, round(1 / (scale_ * size))) for scale_ in view.scale)
        left, right = _blocks(view.x0, view.x1, x0, size * kx)
        low, high = _blocks(view.y0, view.y1, y0, size * ky)
        width, height = right - left, high - low
        wide, tall = kx * size, ky * size
        snapped = Viewport(x0 + left * wide, x0 + right * wide, y0 + low * tall, y0 + high * tall, width, height)
        sums = np.zeros((self.layers, width * height, 4), np.int64)
        blocks = np.array([left, low, kx, ky])
        shape = (grid.across, grid.down, blocks, width, height)
        in_bands(lambda top, bottom: kernels.pool(cells, *shape, top, bottom, sums), height, BANDS)
        frame = np.array([snapped.x0, snapped.x1, snapped.y0, snapped.y1, *snapped.scale])
        kernels.sum_beyond(*self._places, grid.down, frame, width, height, self.tint.add, sums)
        return sums, snapped

    # Shades

    def _shaded(self, sums: np.ndarray, view: Viewport) -> np.ndarray:
        width, height = view.pixels
        ramp = scale(np.linspace(0, 1, STEPS)).astype(np.float64)
        missing = self.points.palette[-1].astype(np.float64)
        kind = kernels.DENSITY if self.points.density else kernels.CATEGORY if self.points.values is None else kernels.NUMBER
        layers = []
        for layer in sums:
            counts = np.ascontiguousarray(layer[:, 0]).reshape(height, width)
            marks, tinted = np.zeros((height + 2, width + 2), np.uint8), np.empty((height, width, 4), np.float32)
            in_bands(partial(_in_rows, kernels.mark, (counts,), (marks,)), height, BANDS)
            given = layer, marks, *self._opacities(counts.ravel()), kind, ramp, missing
            in_bands(partial(_in_rows, kernels.tint, given, (tinted,)), height, BANDS)
            layers.append(tinted)
        rgba = np.empty((height, width, 4), np.uint8)
        both = layers[0], layers[-1], DIM if len(layers) > 1 else 1.0, len(layers)
        in_bands(partial(_in_rows, kernels.compose, both, (rgba,)), height, BANDS)
        return rgba

    def _opacities(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Opacity by count: a table up to `TABLE`, and beyond it the different counts with theirs."""
        pixels = np.bincount(np.minimum(counts, TABLE), minlength=TABLE + 1)
        large, held = np.unique(counts[counts >= TABLE], return_counts=True) if pixels[TABLE] else (np.zeros(0, np.int64),) * 2
        known = np.concatenate([np.flatnonzero(pixels[:TABLE]), large])
        table = np.zeros(TABLE)
        strengths = opacities(known, np.concatenate([pixels[:TABLE][pixels[:TABLE] > 0], held]), self.points.scaling)
        table[known[known < TABLE]] = strengths[known < TABLE]
        return table, large.astype(np.int64), strengths[known >= TABLE]


def _in_rows(kernel: Callable[..., None], given: tuple[Any, ...], out: tuple[Any, ...], low: int, high: int) -> None:
    kernel(*given, low, high, *out)


def opacities(counts: np.ndarray, pixels: np.ndarray, scaling: str) -> np.ndarray:
    """The opacity of a pixel by how many points it holds: one alone is plain to see, the densest is opaque.

    Parameters
    ----------
    counts
        ``(m,)``, the different counts in order, perhaps with 0 first.
    pixels
        ``(m,)``, how many pixels hold so many.
    scaling
        One of `explorer.raster.points.SCALINGS`.
    """
    top = max(1, int(counts.max(initial=1)))
    if scaling == "linear":
        along = counts / top
    elif scaling == "equal":
        ranks = np.cumsum(np.where(counts > 0, pixels, 0))
        along = ranks / max(1, int(ranks.max(initial=1)))
    else:
        along = np.log1p(counts) / np.log1p(top)
    return np.where(counts > 0, FAINTEST + (1 - FAINTEST) * along, 0.0)


def _blocks(low: float, high: float, origin: float, size: float) -> tuple[int, int]:
    """The blocks of a size that cover a stretch, counted from the origin."""
    return int(np.floor((low - origin) / size)), max(int(np.ceil((high - origin) / size)), int(np.floor((low - origin) / size)) + 1)


def _ordered(codes: np.ndarray, count: int, grid: Grid) -> np.ndarray:
    """Codes in the grid's order as the upper bits of ink: in two bytes where they fit."""
    kind = np.uint16 if 2 * count + 2 < 2**16 else np.uint32
    given = np.asarray(codes).astype(kind)
    ordered = np.empty(len(grid.rows), kind)
    in_bands(lambda low, high: kernels.order(given, grid.rows, low, high, ordered), len(ordered), BANDS)
    return ordered
