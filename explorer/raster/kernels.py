"""The crowd's inner loops, compiled by numba; each lets other threads run, and writes to its own stretch of the picture only."""

from __future__ import annotations

import numpy as np
from numba import njit

Array = np.ndarray

CATEGORY, NUMBER, DENSITY = 0, 1, 2
BLANK, EMPTY, SOME, ALONE = 0, 1, 2, 3  # a pixel: nothing in or around it, nothing in it, something, and something all by itself

FAINTEST = 0.4  # opacity of a pixel that holds next to nothing beside the densest
ALONE_OPACITY = 0.9  # of a pixel with no neighbour: a single outlier is plain to see
BESIDE_ALONE = 0.55  # of the four pixels at its sides
CORNER_ALONE = 0.25  # and of the four at its corners
BESIDE = 0.2  # of an empty pixel beside others


@njit(nogil=True, cache=True)
def order(codes: Array, rows: Array, low: int, high: int, out: Array) -> None:
    """Put codes into another order, doubled and counted from 1, which leaves a bit free and 0 for nothing."""
    for place in range(low, high):
        out[place] = (codes[rows[place]] + 1) * 2


@njit(nogil=True, cache=True)
def mix(codes: Array, rows: Array, shown: Array, selected: Array, low: int, high: int, out: Array) -> None:
    """Add to codes whether a point is selected, and leave nothing of one that is not shown; a mask of no length says nothing."""
    for place in range(low, high):
        row = rows[place]
        if len(shown) and not shown[row]:
            out[place] = 0
        else:
            out[place] = codes[place] | (1 if len(selected) and selected[row] else 0)


@njit(nogil=True, cache=True)
def sum_cells(starts: Array, ink: Array, add: Array, low: int, high: int, sums: Array) -> None:
    """What the points of each of the cells ``low:high`` add."""
    for cell in range(low, high):
        for place in range(starts[cell], starts[cell + 1]):
            own = ink[place]
            if own != 0:
                code = (own >> 1) - 1
                layer = own & 1
                for part in range(4):
                    sums[layer, cell, part] += add[code, part]


@njit(nogil=True, cache=True)
def sum_points(
    xs: Array, ys: Array, ink: Array, starts: Array, across: int, first_column: int, last_column: int, first_line: int,
    last_line: int, top: int, bottom: int, frame: Array, width: int, height: int, add: Array, sums: Array, tally: Array,
) -> None:  # fmt: skip
    """Put the points of some lines of cells into the pixel rows ``top:bottom``."""
    x0, x1, y0, y1, scale_x, scale_y = frame
    for line in range(first_line, last_line + 1):
        for place in range(starts[line * across + first_column], starts[line * across + last_column + 1]):
            own = ink[place]
            x, y = np.float64(xs[place]), np.float64(ys[place])
            if own == 0 or x < x0 or x > x1 or y < y0 or y > y1:
                continue
            row = min(int((y1 - y) * scale_y), height - 1)
            if row < top or row >= bottom:
                continue
            pixel = row * width + min(int((x - x0) * scale_x), width - 1)
            code = (own >> 1) - 1
            layer = own & 1
            tally[code] += 1
            for part in range(4):
                sums[layer, pixel, part] += add[code, part]


@njit(nogil=True, cache=True)
def tally(
    xs: Array, ys: Array, ink: Array, starts: Array, across: int, first_column: int, last_column: int, first_line: int,
    last_line: int, low: int, high: int, frame: Array, counts: Array,
) -> None:  # fmt: skip
    """Count the points of the lines ``low:high`` by colour; those of cells at the view's edge only where they are within it."""
    x0, x1, y0, y1 = frame
    for line in range(low, high):
        edge = line in (first_line, last_line)
        for column in range(first_column, last_column + 1):
            start, end = starts[line * across + column], starts[line * across + column + 1]
            if edge or column in (first_column, last_column):
                for place in range(start, end):
                    own = ink[place]
                    if own != 0 and x0 <= xs[place] <= x1 and y0 <= ys[place] <= y1:
                        counts[(own >> 1) - 1] += 1
            else:
                for place in range(start, end):
                    own = ink[place]
                    if own != 0:
                        counts[(own >> 1) - 1] += 1


@njit(nogil=True, cache=True)
def pool(cells: Array, across: int, down: int, blocks: Array, width: int, height: int, top: int, bottom: int, sums: Array) -> None:
    """Add the cells of each pixel's block, for the pixel rows ``top:bottom``; the outermost cells are left to `sum_beyond`."""
    left, low, wide, tall = blocks
    for row in range(top, bottom):
        block = low + height - 1 - row
        for line in range(max(1, block * tall), min(down - 1, (block + 1) * tall)):
            for column in range(width):
                pixel = row * width + column
                for cell in range(max(1, (left + column) * wide), min(across - 1, (left + column + 1) * wide)):
                    own = line * across + cell
                    for layer in range(len(cells)):
                        if cells[layer, own, 0] != 0:
                            for part in range(4):
                                sums[layer, pixel, part] += cells[layer, own, part]


@njit(nogil=True, cache=True)
def sum_beyond(
    xs: Array, ys: Array, ink: Array, starts: Array, across: int, down: int, frame: Array, width: int, height: int, add: Array,
    sums: Array,
) -> None:  # fmt: skip
    """Put the points of the outermost cells, which may be anywhere beyond the grid, into their pixels."""
    x0, x1, y0, y1, scale_x, scale_y = frame
    for line in range(down):
        step = 1 if line == 0 or line == down - 1 else max(1, across - 1)
        for column in range(0, across, step):
            for place in range(starts[line * across + column], starts[line * across + column + 1]):
                own = ink[place]
                x, y = np.float64(xs[place]), np.float64(ys[place])
                if own == 0 or x < x0 or x > x1 or y < y0 or y > y1:
                    continue
                pixel = min(int((y1 - y) * scale_y), height - 1) * width + min(int((x - x0) * scale_x), width - 1)
                for part in range(4):
                    sums[own & 1, pixel, part] += add[(own >> 1) - 1, part]


@njit(nogil=True, cache=True)
def mark(counts: Array, low: int, high: int, out: Array) -> None:
    """Say of each pixel of the rows ``low:high`` whether something is in or around it; `out` has a pixel more on all sides."""
    height, width = counts.shape
    for row in range(low, high):
        up, down = max(0, row - 1), min(height - 1, row + 1)
        left, own = False, (counts[up, 0] | counts[row, 0] | counts[down, 0]) != 0
        for column in range(width):
            beside = min(width - 1, column + 1)
            right = (counts[up, beside] | counts[row, beside] | counts[down, beside]) != 0
            if counts[row, column] == 0:
                out[row + 1, column + 1] = EMPTY if left or own or right else BLANK
            else:
                around = left or (right and column < width - 1) or (row > 0 and counts[up, column] != 0)
                around = around or (row < height - 1 and counts[down, column] != 0)
                out[row + 1, column + 1] = SOME if around else ALONE
            left, own = own, right


@njit(nogil=True, cache=True)
def tint(
    sums: Array, marks: Array, table: Array, large: Array, of_large: Array, kind: int, ramp: Array, missing: Array,
    low: int, high: int, out: Array,
) -> None:  # fmt: skip
    """One layer's colour and opacity at the pixel rows ``low:high``; an empty pixel shows a little of those around it.

    One long function: numba passes arrays to an inner one as sixty numbers, which for every pixel costs more than the work.
    """
    width, steps = out.shape[1], len(ramp) - 1
    for row in range(low, high):
        for column in range(width):
            state = marks[row + 1, column + 1]
            if state == BLANK:
                out[row, column, 3] = 0.0
                continue
            pixel = row * width + column
            count, first, second, third = sums[pixel, 0], sums[pixel, 1], sums[pixel, 2], sums[pixel, 3]
            if state != EMPTY:
                strength = table[count] if count < len(table) else of_large[np.searchsorted(large, count)]
                alpha = max(strength, ALONE_OPACITY) if state == ALONE else strength
            else:
                strength, alpha = FAINTEST, 0.0
                for down in range(-1, 2):
                    for across in range(-1, 2):
                        near = marks[row + 1 + down, column + 1 + across]
                        corner = down * across != 0
                        if near == ALONE or (near == SOME and not corner):
                            alpha = max(alpha, BESIDE if near == SOME else CORNER_ALONE if corner else BESIDE_ALONE)
                            other = pixel + down * width + across
                            count += sums[other, 0]
                            first += sums[other, 1]
                            second += sums[other, 2]
                            third += sums[other, 3]
            out[row, column, 3] = alpha
            if count == 0:
                continue
            if kind == CATEGORY:
                share = 1.0 / (255.0 * count)
                out[row, column, 0], out[row, column, 1], out[row, column, 2] = first * share, second * share, third * share
            elif kind == NUMBER and first == 0:
                out[row, column, 0], out[row, column, 1], out[row, column, 2] = missing[0], missing[1], missing[2]
            else:
                along = second / first / steps if kind == NUMBER else max(0.0, (strength - FAINTEST) / (1 - FAINTEST))
                step = int(along * steps + 0.5)
                out[row, column, 0], out[row, column, 1], out[row, column, 2] = ramp[step, 0], ramp[step, 1], ramp[step, 2]


@njit(nogil=True, cache=True)
def compose(under: Array, over: Array, dim: float, layers: int, low: int, high: int, rgba: Array) -> None:
    """The second layer over the first for the pixel rows ``low:high``: straight colour and opacity, a transparent ground."""
    for row in range(low, high):
        for column in range(under.shape[1]):
            rest = under[row, column, 3] * dim
            alpha = over[row, column, 3] if layers > 1 else 0.0
            rest *= 1 - alpha
            total = alpha + rest
            if total == 0:
                for channel in range(4):
                    rgba[row, column, channel] = 0
                continue
            above, below = alpha / total, rest / total
            for channel in range(3):
                value = over[row, column, channel] * above if alpha > 0 else 0.0  # what has no opacity has no colour either
                value += under[row, column, channel] * below if rest > 0 else 0.0
                rgba[row, column, channel] = int(value * 255 + 0.5)
            rgba[row, column, 3] = int(total * 255 + 0.5)


@njit(nogil=True, cache=True)
def add_discs(total: Array, x: Array, y: Array, colors: Array, width: int, height: int, size: float) -> None:
    """Add smooth-edged discs to ``(4, pixels)``: coverage, then red, green and blue × coverage."""
    reach = int(np.ceil(size + 0.5))
    for point in range(len(x)):
        column, row = int(np.floor(x[point])), int(np.floor(y[point]))
        for down in range(max(0, row - reach), min(height, row + reach + 1)):
            for across in range(max(0, column - reach), min(width, column + reach + 1)):
                cover = min(size + 0.5 - np.hypot(across + 0.5 - x[point], down + 0.5 - y[point]), 1.0)
                if cover > 0:
                    pixel = down * width + across
                    total[0, pixel] += cover
                    for channel in range(3):
                        total[channel + 1, pixel] += cover * colors[point, channel]


@njit(nogil=True, cache=True)
def lay_discs(canvas: Array, total: Array, one: float, strength: float) -> None:
    """Lay the sums of `add_discs` over ``(pixels, 4)`` of straight colour and opacity; `one` is a single disc's opacity."""
    for pixel in range(len(canvas)):
        cover = total[0, pixel]
        if cover > 0:
            alpha = (1.0 - (1.0 - one) ** cover) * strength
            rest = canvas[pixel, 3] * (1 - alpha)
            for channel in range(3):
                own = total[channel + 1, pixel] / cover
                canvas[pixel, channel] = (own * alpha + canvas[pixel, channel] * rest) / (alpha + rest)
            canvas[pixel, 3] = alpha + rest
