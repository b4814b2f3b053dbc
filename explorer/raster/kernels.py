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
def gather(values: Array, rows: Array, low: int, high: int, out: Array) -> None:
    """Put values into another order."""
    for place in range(low, high):
        out[place] = values[rows[place]]


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
    """Say of each pixel of the rows ``low:high`` whether there is something in it and in the eight pixels around it."""
    height, width = counts.shape
    for row in range(low, high):
        up, down = max(0, row - 1), min(height - 1, row + 1)
        left, own = False, (counts[up, 0] | counts[row, 0] | counts[down, 0]) != 0
        for column in range(width):
            beside = min(width - 1, column + 1)
            right = (counts[up, beside] | counts[row, beside] | counts[down, beside]) != 0
            if counts[row, column] == 0:
                out[row, column] = EMPTY if left or own or right else BLANK
            else:
                around = left or (right and column < width - 1) or (row > 0 and counts[up, column] != 0)
                out[row, column] = SOME if around or (row < height - 1 and counts[down, column] != 0) else ALONE
            left, own = own, right


@njit(nogil=True, cache=True)
def hue(
    count: int, first: int, second: int, third: int, kind: int, strength: float, ramp: Array, missing: Array
) -> tuple[float, float, float]:
    """The colour of a pixel's sums."""
    if kind == CATEGORY:
        share = 1.0 / (255.0 * count)
        return first * share, second * share, third * share
    if kind == NUMBER and first == 0:
        return missing[0], missing[1], missing[2]
    along = second / first / (len(ramp) - 1) if kind == NUMBER else max(0.0, (strength - FAINTEST) / (1 - FAINTEST))
    step = int(along * (len(ramp) - 1) + 0.5)
    return ramp[step, 0], ramp[step, 1], ramp[step, 2]


@njit(nogil=True, cache=True)
def layer(
    sums: Array, marks: Array, row: int, column: int, table: Array, large: Array, of_large: Array, kind: int, ramp: Array,
    missing: Array,
) -> tuple[float, float, float, float]:  # fmt: skip
    """One layer's opacity and colour at a pixel; an empty one shows a little of those around it."""
    height, width = marks.shape
    state = marks[row, column]
    if state == BLANK:
        return 0.0, 0.0, 0.0, 0.0
    if state != EMPTY:
        pixel = row * width + column
        count = sums[pixel, 0]
        strength = table[count] if count < len(table) else of_large[np.searchsorted(large, count)]
        red, green, blue = hue(count, sums[pixel, 1], sums[pixel, 2], sums[pixel, 3], kind, strength, ramp, missing)
        return max(strength, ALONE_OPACITY) if state == ALONE else strength, red, green, blue
    best = 0.0
    count, first, second, third = 0, 0, 0, 0
    for above in range(max(0, row - 1), min(height, row + 2)):
        for beside in range(max(0, column - 1), min(width, column + 2)):
            near = marks[above, beside]
            corner = above != row and beside != column
            if near <= EMPTY or (corner and near != ALONE):
                continue
            best = max(best, BESIDE if near == SOME else CORNER_ALONE if corner else BESIDE_ALONE)
            pixel = above * width + beside
            count += sums[pixel, 0]
            first += sums[pixel, 1]
            second += sums[pixel, 2]
            third += sums[pixel, 3]
    if count == 0:
        return 0.0, 0.0, 0.0, 0.0
    red, green, blue = hue(count, first, second, third, kind, FAINTEST, ramp, missing)
    return best, red, green, blue


@njit(nogil=True, cache=True)
def shade(
    under: Array, over: Array, marks_under: Array, marks_over: Array,
    table_under: Array, large_under: Array, of_large_under: Array, table_over: Array, large_over: Array, of_large_over: Array,
    strengths: Array, layers: int, kind: int, ramp: Array, missing: Array, low: int, high: int, rgba: Array,
) -> None:  # fmt: skip
    """Colour the pixel rows ``low:high``: the second layer over the first, straight colour and opacity, a transparent ground."""
    for row in range(low, high):
        for column in range(marks_under.shape[1]):
            if marks_under[row, column] == BLANK and marks_over[row, column] == BLANK:
                for channel in range(4):
                    rgba[row, column, channel] = 0
                continue
            rest, red, green, blue = layer(
                under, marks_under, row, column, table_under, large_under, of_large_under, kind, ramp, missing
            )
            rest *= strengths[0]
            if layers > 1:
                alpha, red_over, green_over, blue_over = layer(
                    over, marks_over, row, column, table_over, large_over, of_large_over, kind, ramp, missing
                )
                rest *= 1 - alpha
                total = max(alpha + rest, 1e-12)
                red = (red_over * alpha + red * rest) / total
                green = (green_over * alpha + green * rest) / total
                blue = (blue_over * alpha + blue * rest) / total
                rest = alpha + rest
            rgba[row, column, 0] = int(red * 255 + 0.5)
            rgba[row, column, 1] = int(green * 255 + 0.5)
            rgba[row, column, 2] = int(blue * 255 + 0.5)
            rgba[row, column, 3] = int(rest * 255 + 0.5)


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
