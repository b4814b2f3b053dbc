"""Points ready to be looked at from anywhere: which way they are drawn depends on how many are in view."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from explorer.grid import SMALL, Grid
from explorer.raster import discs
from explorer.raster.picture import Frame, Viewport
from explorer.raster.points import Points

if TYPE_CHECKING:
    from explorer.raster.crowd import Crowd

FEW = 4_000  # points whose rows a frame tells: so many can have marks of their own


class Scene:
    """What is drawn, with all that is worth keeping between two pictures.

    Parameters
    ----------
    points
        What is drawn.
    before
        The scene before it: what did not change is taken over (the grid, the colours in the grid's order).
    """

    def __init__(self, points: Points, before: Scene | None = None) -> None:
        self.points = points
        kept = before.__dict__ if before is not None and before.points.layout is points.layout else {}
        self._grid: Grid | None = points.grid or kept.get("grid")
        self._kept: Crowd | None = kept.get("_crowd") or kept.get("_kept")

    @cached_property
    def grid(self) -> Grid | None:
        """The layout's grid; None where there are too few points to need one."""
        if self._grid is not None or len(self.points.layout) <= SMALL:
            return self._grid
        return Grid.of(self.points.layout)

    def draw(self, view: Viewport, *, exact: bool = False) -> Frame:
        """Draw all points within the viewport.

        Parameters
        ----------
        exact
            Whether the picture has the viewport's `ratio` and edges whatever it costs, as for print; else a crowd has one device
            pixel per CSS pixel, as it shows no finer detail, and the edges of `Frame.view`.
        """
        found = self._inside(view)
        if found is not None:
            rows, x, y = found
            if len(rows) <= discs.most(view):
                return self._few(rows, x, y, view)
        return self._crowd.draw(view if exact else view.plain, exact=exact)

    @cached_property
    def _crowd(self) -> Crowd:
        from explorer.raster.crowd import Crowd  # numba is loaded for great numbers only

        before, self._kept = self._kept, None  # or every scene would keep all the earlier ones
        return Crowd(self.grid or Grid.of(self.points.layout), self.points, before)

    def _inside(self, view: Viewport) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Rows within the viewport and their pixels, counted in float64 so that large offsets lose no points; None for a crowd."""
        points, grid = self.points, self.grid
        x0, x1, y0, y1 = (np.float64(edge) for edge in (view.x0, view.x1, view.y0, view.y1))  # not rounded to the layout's float32
        if grid is None:
            x, y = points.layout[:, 0], points.layout[:, 1]
            rows = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
        else:
            starts, ends = grid.spans(view.x0, view.x1, view.y0, view.y1)
            most, touched = discs.most(view), int((ends - starts).sum())
            if touched > 4 * most or (touched > most and self._crowd.seen(view) > most):
                return None
            rows = np.sort(grid.rows[grid.within(view.x0, view.x1, view.y0, view.y1)])
        if points.shown is not None:
            rows = rows[points.shown[rows]]
        x, y = points.layout[rows].T.astype(np.float64)
        (width, height), (across, down) = view.pixels, view.scale
        # Rounding must not put a point on the edge outside.
        return rows, np.minimum((x - x0) * across, width), np.minimum((y1 - y) * down, height)

    def _few(self, rows: np.ndarray, x: np.ndarray, y: np.ndarray, view: Viewport) -> Frame:
        width, height = view.pixels
        pixels = np.minimum(y.astype(np.int64), height - 1) * width + np.minimum(x.astype(np.int64), width - 1)
        densest = int(np.unique(pixels, return_counts=True)[1].max(initial=0))
        counts = np.bincount(self.points.codes[rows], minlength=len(self.points.palette))
        picture = discs.draw(self.points, rows, x, y, view, compiled=self.grid is not None)
        return Frame(picture, view, len(rows), counts, densest, rows if len(rows) <= FEW else None)


def render(points: Points, view: Viewport, *, exact: bool = False) -> Frame:
    """Draw all points within the viewport, the selected ones last and undimmed; for many pictures see `Scene`."""
    return Scene(points).draw(view, exact=exact)


def nearest(
    layout: np.ndarray, x: float, y: float, reach: float, shown: np.ndarray | None = None, grid: Grid | None = None
) -> int | None:
    """The row of the item nearest to a place, or None when none is within `reach` (both in the layout's units)."""
    at = np.array([x, y], np.float64)  # or numpy rounds the place to the layout's float32
    if grid is None:
        close = (np.abs(layout[:, 0] - at[0]) <= reach) & (np.abs(layout[:, 1] - at[1]) <= reach)
        rows = np.flatnonzero(close)
    else:
        rows = np.sort(grid.rows[grid.within(x - reach, x + reach, y - reach, y + reach)])
    if shown is not None:
        rows = rows[shown[rows]]
    if not len(rows):
        return None
    distance = np.hypot(layout[rows, 0] - at[0], layout[rows, 1] - at[1])
    best = int(distance.argmin())
    return int(rows[best]) if distance[best] <= reach else None
