"""The grid's inner loops, compiled by numba; each lets other threads run and does one stretch of the cells' rows."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, inline="always")
def cell(value: float, origin: float, size: float, most: int) -> int:
    """The cell of a coordinate along one axis; what lies beyond is in the outermost."""
    at = np.floor((value - origin) / size)
    return int(min(max(at, 0.0), most - 1.0))


@njit(nogil=True, cache=True)
def count(
    layout: np.ndarray, across: int, down: int, x0: float, y0: float, size: float, low: int, high: int, counts: np.ndarray
) -> None:
    """Count the points of each cell of the rows ``low:high`` into ``counts[cell + 1]``."""
    for row in range(len(layout)):
        x, y = np.float64(layout[row, 0]), np.float64(layout[row, 1])
        if np.isfinite(x) and np.isfinite(y):
            line = cell(y, y0, size, down)
            if low <= line < high:
                counts[line * across + cell(x, x0, size, across) + 1] += 1


@njit(nogil=True, cache=True)
def place(
    layout: np.ndarray, across: int, down: int, x0: float, y0: float, size: float, low: int, high: int,
    starts: np.ndarray, xs: np.ndarray, ys: np.ndarray, rows: np.ndarray,
) -> None:  # fmt: skip
    """Put the points of the cells of the rows ``low:high`` where their cell starts, in the layout's order."""
    free = starts[low * across : high * across].copy()
    for row in range(len(layout)):
        x, y = np.float64(layout[row, 0]), np.float64(layout[row, 1])
        if np.isfinite(x) and np.isfinite(y):
            line = cell(y, y0, size, down)
            if low <= line < high:
                own = (line - low) * across + cell(x, x0, size, across)
                at = free[own]
                free[own] = at + 1
                xs[at] = layout[row, 0]
                ys[at] = layout[row, 1]
                rows[at] = row


@njit(nogil=True, cache=True)
def mark_edges(polygon: np.ndarray, across: int, down: int, x0: float, y0: float, size: float, edge: np.ndarray) -> None:
    """Mark every cell that an edge of a polygon passes, and those around it, so that rounding decides nothing."""
    for vertex in range(len(polygon)):
        ax, ay = polygon[vertex]
        bx, by = polygon[(vertex + 1) % len(polygon)]
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        for line in range(max(0, cell(ay, y0, size, down) - 1), min(down, cell(by, y0, size, down) + 2)):
            low, high = ax, bx
            if by > ay:  # the stretch of the edge beside this line of cells, and a line more at either side
                start = min(max((y0 + (line - 1) * size - ay) / (by - ay), 0.0), 1.0)
                end = min(max((y0 + (line + 2) * size - ay) / (by - ay), 0.0), 1.0)
                low, high = ax + start * (bx - ax), ax + end * (bx - ax)
            left, right = cell(min(low, high), x0, size, across), cell(max(low, high), x0, size, across)
            edge[line * across + max(0, left - 1) : line * across + min(across, right + 2)] = True


@njit(nogil=True, cache=True)
def fill(
    polygon: np.ndarray, across: int, down: int, x0: float, y0: float, size: float, starts: np.ndarray, rows: np.ndarray,
    edge: np.ndarray, left: int, right: int, low: int, high: int, mask: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Set the mask for the lines ``low:high`` of cells that are wholly inside; gives the places of those that must be tested."""
    crossings = np.empty(len(polygon))
    count = 0
    for line in range(low, high):
        for column in range(left, right + 1):
            if edge[line * across + column]:
                count += starts[line * across + column + 1] - starts[line * across + column]
    tested = np.empty(count, np.int64)
    count = 0
    for line in range(low, high):
        middle, crossed = y0 + (line + 0.5) * size, 0
        for vertex in range(len(polygon)):
            ax, ay = polygon[vertex]
            bx, by = polygon[(vertex + 1) % len(polygon)]
            if (ay <= middle) != (by <= middle):
                crossings[crossed] = ax + (middle - ay) / (by - ay) * (bx - ax)
                crossed += 1
        ordered = np.sort(crossings[:crossed])
        passed = 0
        for column in range(left, right + 1):
            own = line * across + column
            while passed < crossed and ordered[passed] < x0 + (column + 0.5) * size:
                passed += 1
            if edge[own]:
                for place in range(starts[own], starts[own + 1]):
                    tested[count] = place
                    count += 1
            elif passed % 2 == 1:
                for place in range(starts[own], starts[own + 1]):
                    mask[rows[place]] = True
    return tested


@njit(nogil=True, cache=True)
def tally(codes: np.ndarray, mask: np.ndarray, every: bool, low: int, high: int, length: int) -> np.ndarray:
    """How often each code stands among those of ``low:high`` that the mask says, or all."""
    counts = np.zeros(length, np.int64)
    for place in range(low, high):
        code = codes[place]
        if 0 <= code < length and (every or mask[place]):
            counts[code] += 1
    return counts
