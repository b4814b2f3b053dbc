"""UMAP's inner loops, compiled by numba: they let other threads run, and each writes to its own points only."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import int32, int64, njit, uint32, uint64
from numba.core import types
from numba.extending import intrinsic

Array = np.ndarray
F = np.float32

LANES = 8  # strangers looked at together, which is what a processor's vector instructions hold
CHUNK = 256  # points whose due edges are gathered at once
WINDOW = 1024  # groups of strangers that a chunk begins with, side by side: as many as a core keeps near (at three columns 128 KiB)
WAYS = 8  # edges of one point stand so far apart in the order of work that a processor can do several at once
MOVED_MOST = 4.0  # of one pull or push and one coordinate, as in umap-learn
_NEAR = 1e-12  # squared distance below which two points are at the same place


# A power by the bits of a float32: log2 and exp2 as polynomials (errors below 2e-4), which become vector instructions.


@intrinsic
def _bits(context, x):  # type: ignore[no-untyped-def]  # numba's own way of writing such a function
    return types.int32(types.float32), lambda c, b, s, args: b.bitcast(args[0], c.get_value_type(types.int32))


@intrinsic
def _float(context, x):  # type: ignore[no-untyped-def]
    return types.float32(types.int32), lambda c, b, s, args: b.bitcast(args[0], c.get_value_type(types.float32))


@intrinsic
def _whole(context, x):  # type: ignore[no-untyped-def]
    return types.int32(types.float32), lambda c, b, s, args: b.fptosi(args[0], c.get_value_type(types.int32))


@intrinsic
def _real(context, x):  # type: ignore[no-untyped-def]
    return types.float32(types.int32), lambda c, b, s, args: b.sitofp(args[0], c.get_value_type(types.float32))


@njit(inline="always", nogil=True, cache=True, fastmath=True)
def _log2(x):  # type: ignore[no-untyped-def]
    bits = _bits(x)
    m = _float((bits & int32(0x7FFFFF)) | int32(0x3F800000)) - F(1.0)
    part = (((F(-0.0828607) * m + F(0.3218797)) * m + F(-0.6777433)) * m + F(1.438638)) * m
    return _real((bits >> int32(23)) - int32(127)) + part


@njit(inline="always", nogil=True, cache=True, fastmath=True)
def _exp2(x):  # type: ignore[no-untyped-def]
    x = min(max(x, F(-126.0)), F(126.0))
    whole = _whole(x)
    f = x - _real(whole)
    part = F(1.0) + f * (F(0.6931330) + f * (F(0.2401478) + f * (F(0.0555563) + f * (F(0.0098423) + f * F(0.0013069)))))
    return _float(_bits(part) + (whole << int32(23)))


@njit(inline="always", nogil=True, cache=True, fastmath=True)
def _limited(x):  # type: ignore[no-untyped-def]
    return min(max(x, F(-MOVED_MOST)), F(MOVED_MOST))


@njit(inline="always", nogil=True, cache=True)
def _scrambled(x):  # type: ignore[no-untyped-def]
    """A number that looks random: the finaliser of splitmix64 (Steele, Lea & Flood, 2014)."""
    x = x * uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> uint64(27))) * uint64(0x94D049BB133111EB)
    return x ^ (x >> uint64(31))


@njit(inline="always", nogil=True, cache=True)
def _one_of(count, x):  # type: ignore[no-untyped-def]
    """A number below `count` that looks random."""
    return int64(((_scrambled(x) >> uint64(32)) * uint64(count)) >> uint64(32))


@lru_cache(maxsize=8)
def sweep(wide: int, dense: bool) -> Any:
    """The epoch's kernel for layouts of `wide` columns, 2 or 3, without or with densMAP's term: each is compiled when first called.

    What is made of constants holds no branch of the others: two columns without density are as quick as if there was nothing else.
    """
    three, steps = wide == 3, wide + 1  # rows of a group of strangers: the coordinates, and who they are

    @njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
    def swept(
        places: Array, before: Array, strangers: Array, starts: Array, heads: Array, tails: Array, often: Array, low: int,
        high: int, movable: int, epoch: int, seed: int, rates: Array, leaning: Array, due: Array, next_group: Array,
    ) -> None:  # fmt: skip
        """One epoch of the points ``low:high``: pull them along their due edges, push them from strangers.

        A point of another block is seen where it was `before` the epoch and is not moved: its own block does that. So blocks may
        run at the same time, and what comes out does not depend on which did.

        Parameters
        ----------
        places, before
            ``(wide * n,)`` float32: the coordinates of every point, now and before the epoch; the first `movable` points move.
        strangers
            ``(groups * steps * LANES,)`` float32: coordinates and the bits of the row of points in random order, as they were
            before the epoch. Points of a chunk meet those of one window, since what lies anywhere is slow to read.
        starts, heads, tails, often
            The edges by head, ``(n + 1,)`` int64 and ``(edges,)`` int32, int32, uint32; one is due `often` / 2**32 of the epochs.
        rates
            ``(4,)`` float32: learning rate, a, b, and the learning rate of one stranger.
        leaning
            ``(2 * n,)`` float32, with `dense` only: how much each point's radius is to grow, over its squared radius and as it is
            (`Density.leaning`).
        due, next_group
            Room for the edges of `CHUNK` points, and for a number of each.
        """
        alpha, a, two_b, b, strength = rates[0], rates[1], F(2) * rates[2], rates[2], rates[3]
        one, two, lanes, columns, rows = uint64(1), uint64(2), uint64(LANES), uint64(wide), uint64(wide * LANES)
        own_low, own_high = uint64(low), uint64(high)
        groups = int64(strangers.shape[0] // (steps * LANES))
        now, window = uint32(epoch), min(groups, WINDOW)
        for first in range(low, high, CHUNK):
            last = min(first + CHUNK, high)
            base = uint64(first)
            many = 0
            for edge in range(starts[first], starts[last]):
                due[many] = edge
                many += int64(uint32(now * often[edge]) < often[edge])
            begin = _one_of(groups, ~(base + uint64(seed))) if window < groups else 0
            for row in range(first, last):
                group = begin + _one_of(window, uint64(row) + uint64(seed))
                next_group[row - first] = group - groups if group >= groups else group
            step = (many + WAYS - 1) // WAYS
            for turn in range(step):
                for place in range(turn, many, step):
                    edge = due[place]
                    i, j = uint64(heads[edge]), uint64(tails[edge])
                    i2, j2 = i * columns, j * columns
                    inside = own_low <= j < own_high
                    x, y, z, dz = places[i2], places[i2 + one], F(0), F(0)
                    if inside:
                        dx, dy = x - places[j2], y - places[j2 + one]
                    else:
                        dx, dy = x - before[j2], y - before[j2 + one]
                    if three:
                        z = places[i2 + two]
                        dz = z - places[j2 + two] if inside else z - before[j2 + two]
                    d2 = max(dx * dx + dy * dy + dz * dz if three else dx * dx + dy * dy, F(_NEAR))
                    power = _exp2(b * _log2(d2))
                    pull = -two_b * a * power / (d2 * (F(1) + a * power))
                    move_x, move_y, move_z = _limited(pull * dx) * alpha, _limited(pull * dy) * alpha, F(0)
                    if three:
                        move_z = _limited(pull * dz) * alpha
                    if dense:
                        phi = F(1) / (F(1) + a * power)
                        fall = b * (F(1) - phi)
                        over, own = leaning[i * two] + leaning[j * two], leaning[i * two + one] + leaning[j * two + one]
                        lean = F(2.0**33) / F(often[edge]) * phi * (over * (F(1) - fall) + own * fall / d2)
                        move_x, move_y = move_x + _limited(lean * dx) * alpha, move_y + _limited(lean * dy) * alpha
                        if three:
                            move_z += _limited(lean * dz) * alpha
                    if inside:
                        places[j2] -= move_x
                        places[j2 + one] -= move_y
                        if three:
                            places[j2 + two] -= move_z
                    elif int64(j) < movable:  # the edge back, which its block follows, cannot move this point: twice as far
                        move_x, move_y, move_z = move_x + move_x, move_y + move_y, move_z + move_z
                    x, y, z = x + move_x, y + move_y, z + move_z
                    group = next_group[i - base]
                    at = uint64(group) * uint64(steps * LANES)
                    me = int32(i)
                    push_x, push_y, push_z = F(0), F(0), F(0)
                    for lane in range(LANES):
                        k = at + uint64(lane)
                        dx, dy = x - strangers[k], y - strangers[k + lanes]
                        if three:
                            dz = z - strangers[k + two * lanes]
                        d2 = max(dx * dx + dy * dy + dz * dz if three else dx * dx + dy * dy, F(_NEAR))
                        push = two_b / ((F(0.001) + d2) * (F(1) + a * _exp2(b * _log2(d2))))
                        push = push if _bits(strangers[k + rows]) != me else F(0)
                        push_x, push_y = push_x + _limited(push * dx), push_y + _limited(push * dy)
                        if three:
                            push_z += _limited(push * dz)
                    next_group[i - base] = group + 1 if group + 1 < groups else 0
                    places[i2] = x + push_x * strength
                    places[i2 + one] = y + push_y * strength
                    if three:
                        places[i2 + two] = z + push_z * strength

    return swept


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def local_sums(places: Array, wide: int, starts: Array, tails: Array, rates: Array, low: int, high: int, out: Array) -> None:
    """Of the points ``low:high``, the sums over their edges of phi and of phi times the squared distance, into ``(n, 2)`` float32.

    Each point's in the order of its edges, so that they do not depend on the number of threads.
    """
    a, b = rates[1], rates[2]
    for row in range(low, high):
        held, far = F(0), F(0)
        here = uint64(row) * uint64(wide)
        for edge in range(starts[row], starts[row + 1]):
            there = uint64(tails[edge]) * uint64(wide)
            dx, dy = places[here] - places[there], places[here + uint64(1)] - places[there + uint64(1)]
            d2 = dx * dx + dy * dy
            if wide == 3:
                dz = places[here + uint64(2)] - places[there + uint64(2)]
                d2 += dz * dz
            d2 = max(d2, F(_NEAR))
            phi = F(1) / (F(1) + a * _exp2(b * _log2(d2)))
            held += phi
            far += phi * d2
        out[row, 0], out[row, 1] = held, far


@njit(nogil=True, cache=True)
def arrange(places: Array, wide: int, order: Array, low: int, high: int, strangers: Array) -> None:
    """Put the points of the groups ``low:high`` where `sweep` reads them."""
    for group in range(low, high):
        for lane in range(LANES):
            row = order[group * LANES + lane]
            at = group * (wide + 1) * LANES + lane
            strangers[at] = places[wide * row]
            strangers[at + LANES] = places[wide * row + 1]
            if wide == 3:
                strangers[at + 2 * LANES] = places[wide * row + 2]


@njit(nogil=True, cache=True)
def weigh(distances: Array, low: int, high: int, usual: float, weights: Array) -> None:
    """Fuzzy weights of the neighbours of rows ``low:high``: ``exp(-(d - nearest) / sigma)``, their sum log2(k + 1) (McInnes 2018).

    `distances` and `weights` are ``(n, k)`` float32, infinite where there is no neighbour; `usual` is the mean distance of all.
    """
    k = distances.shape[1]
    target = np.log2(k + 1.0)
    for row in range(low, high):
        nearest, total, found = np.inf, 0.0, 0
        for place in range(k):
            d = distances[row, place]
            if d < np.inf:
                found += 1
                total += d
                if d > 0 and d < nearest:
                    nearest = d
        if nearest == np.inf:
            nearest = 0.0
        least, most, sigma = 0.0, np.inf, 1.0
        for _ in range(64):
            held = 0.0
            for place in range(k):
                d = distances[row, place] - nearest
                held += np.exp(-d / sigma) if d > 0 else 1.0
            if abs(held - target) < 1e-5:
                break
            if held > target:
                most = sigma
                sigma = (least + most) / 2
            else:
                least = sigma
                sigma = sigma * 2 if most == np.inf else (least + most) / 2
        floor = 1e-3 * (total / (found + 1) if nearest > 0 else usual)  # the row itself, at 0, counts
        sigma = max(sigma, floor)
        for place in range(k):
            d = distances[row, place] - nearest
            weights[row, place] = 1.0 if d <= 0 or sigma == 0 else np.exp(-d / sigma)


@njit(nogil=True, cache=True, fastmath=True)
def spread_out(starts: Array, columns: Array, values: Array, vectors: Array, low: int, high: int, out: Array) -> None:
    """Rows ``low:high`` of a sparse matrix times ``(n, m)`` float32."""
    wide = vectors.shape[1]
    for row in range(low, high):
        for column in range(wide):
            out[row, column] = 0
        for edge in range(starts[row], starts[row + 1]):
            other, weight = uint64(columns[edge]), values[edge]
            for column in range(wide):
                out[row, column] += weight * vectors[other, column]
