"""Which points of a grid a polygon encloses: cells wholly in or out are decided at once, the others tested exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.grid import CORES, Grid, in_bands


def enclosed(grid: Grid, polygon: np.ndarray, inside: Callable[[np.ndarray, np.ndarray], np.ndarray], mask: np.ndarray) -> None:
    """Set the mask ``(n,)`` bool of the layout's rows that are inside ``(m, 2)`` vertices, by the even-odd rule.

    Parameters
    ----------
    inside
        The exact test, of ``(k, 2)`` points against the polygon; it decides for every point that lies within a cell of an edge.
    """
    from explorer.grid import kernels

    (low_x, low_y), (high_x, high_y) = polygon.min(axis=0), polygon.max(axis=0)
    first, last = grid.line(low_y), grid.line(high_y)
    columns = grid.column(low_x), grid.column(high_x)
    edge = np.zeros(grid.across * grid.down, bool)
    edge.reshape(grid.down, grid.across)[[0, -1]] = True  # what is in the outermost cells may be anywhere beyond
    edge.reshape(grid.down, grid.across)[:, [0, -1]] = True
    shape = (grid.across, grid.down, *grid.origin, grid.size)
    kernels.mark_edges(polygon, *shape, edge)
    bands = [np.zeros(0, np.int64)]

    def work(low: int, high: int) -> None:
        bands.append(kernels.fill(polygon, *shape, grid.starts, grid.rows, edge, *columns, low + first, high + first, mask))

    in_bands(work, last - first + 1, 2 * CORES)
    tested = np.concatenate(bands)
    found = inside(np.column_stack([grid.x[tested], grid.y[tested]]), polygon)
    mask[grid.rows[tested[found]]] = True
