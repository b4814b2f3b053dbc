"""The inner loops of the random convolutions of time series, compiled by numba; each lets other threads run."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numba import njit

Array = np.ndarray

TRIPLES = np.array(
    list(combinations(range(9), 3)), np.int64
)  # (84, 3): where a kernel of 9 weights has its three 2s; others are -1
LANES = 32  # responses come in multiples of it, so that the compiled loop that counts them has no rest
MOST_LEVELS = 4_096  # responses of one series that its quantiles are taken from


@njit(nogil=True, cache=True)
def shift(x: Array, dilation: int, out: Array) -> None:
    """Write ``(10, t)``: for each weight the values it meets, times 3, and minus their sum; zeros beyond the ends."""
    t = len(x)
    three = np.float32(3)
    out[:] = np.float32(0)
    for weight in range(9):
        away = (weight - 4) * dilation
        row, total = out[weight], out[9]
        for place in range(max(0, -away), min(t, t - away)):
            value = x[place + away]
            row[place] = three * value
            total[place] -= value


@njit(nogil=True, cache=True)
def respond(moved: Array, channels: Array, triple: Array, low: int, high: int, out: Array) -> None:
    """Write what a kernel answers at the places ``low:high``, summed over some channels, and after them -inf."""
    size = high - low
    for number in range(len(channels)):
        of = moved[channels[number]]
        rest, a, b, c = of[9, low:high], of[triple[0], low:high], of[triple[1], low:high], of[triple[2], low:high]
        if number == 0:
            for place in range(size):
                out[place] = rest[place] + a[place] + b[place] + c[place]
        else:
            for place in range(size):
                out[place] += rest[place] + a[place] + b[place] + c[place]
    out[size:] = np.float32(-np.inf)


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def above(values: Array, size: int, bias: float) -> np.float32:
    """How many values are above the bias; counted in float32, which is quickest, and exact up to 2^24 in any order."""
    one, none = np.float32(1), np.float32(0)
    count = np.float32(0)
    for place in range(size):
        count += one if values[place] > bias else none
    return count


@njit(nogil=True, cache=True)
def span(t: int, dilation: int, inside: bool) -> tuple[int, int]:
    """The places a kernel answers at: all, or those where it lies within the series if there are any."""
    margin = 4 * dilation
    return (margin, t - margin) if inside and t > 2 * margin else (0, t)


@njit(nogil=True, cache=True)
def proportions(x: Array, dilations: Array, counts: Array, starts: Array, channels: Array, biases: Array, out: Array) -> None:
    """Write the share of places at which each kernel, dilation and bias answers above the bias, of one series ``(channels, t)``."""
    width, t = x.shape
    moved = np.empty((width, 10, t), np.float32)
    answers = np.empty((t + LANES - 1) // LANES * LANES, np.float32)
    feature, pair = 0, 0
    for number in range(len(dilations)):
        for channel in range(width):
            shift(x[channel], dilations[number], moved[channel])
        for kernel in range(len(TRIPLES)):
            low, high = span(t, dilations[number], (number + kernel) % 2 == 1)
            size = (high - low + LANES - 1) // LANES * LANES
            respond(moved, channels[starts[pair] : starts[pair + 1]], TRIPLES[kernel], low, high, answers[:size])
            share = np.float32(1) / np.float32(high - low)
            for _ in range(counts[number]):
                out[feature] = above(answers, size, biases[feature]) * share
                feature += 1
            pair += 1


@njit(nogil=True, cache=True)
def quantiles(x: Array, dilation: int, kernel: int, levels: Array, out: Array) -> None:
    """Write the quantiles at some levels of what a kernel answers anywhere, summed over the channels of ``(channels, t)``."""
    width, t = x.shape
    moved = np.empty((width, 10, t), np.float32)
    for channel in range(width):
        shift(x[channel], dilation, moved[channel])
    answers = np.empty(t, np.float32)
    respond(moved, np.arange(width), TRIPLES[kernel], 0, t, answers)
    ordered = np.sort(answers[:: (len(answers) + MOST_LEVELS - 1) // MOST_LEVELS])
    for number in range(len(levels)):
        place = levels[number] * (len(ordered) - 1)
        below = int(place)
        over = min(below + 1, len(ordered) - 1)
        out[number] = ordered[below] + (ordered[over] - ordered[below]) * (place - below)
