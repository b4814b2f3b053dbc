"""The inner loops of the search, compiled by numba; each lets other threads run, and gives the same whatever the order of calls.

Throughout: `places` ``(n, k)`` int32 holds the nearest found so far of each row, nearest first, -1 where there is none, and `apart`
``(n, k)`` float64 how far they are (squares where `kind` is 0 or 1). Of two at one distance the one of the lower name comes first.
"""

from __future__ import annotations

import numpy as np
from numba import njit

Array = np.ndarray

SQUARES, ANGLES, SUM, LARGEST = 0, 1, 2, 3  # kinds of distance: squared euclidean, squared between directions, manhattan, chebyshev
_LOOK = 32  # pairs that are looked at together: most hold nothing that is near
_SUMS = {"reassoc"}  # sums may be taken several at a time: the order is another, and the same for every pair


@njit(nogil=True, cache=True, fastmath=_SUMS)
def squares(one: Array, other: Array) -> float:
    """The squared distance of two rows, in float64."""
    total = 0.0
    for c in range(len(one)):
        between = np.float64(one[c]) - np.float64(other[c])
        total += between * between
    return total


@njit(nogil=True, cache=True, fastmath=_SUMS)
def turns(one: Array, other: Array, about_one: Array, about_other: Array) -> float:
    """The squared distance of two rows' directions; `about` is a row's mean, what makes it of length 1, and 1 if it has none."""
    mean_one, scale_one, mean_other, scale_other, total = about_one[0], about_one[1], about_other[0], about_other[1], 0.0
    for c in range(len(one)):
        between = (np.float64(one[c]) - mean_one) * scale_one - (np.float64(other[c]) - mean_other) * scale_other
        total += between * between
    return total + abs(about_one[2] - about_other[2])


@njit(nogil=True, cache=True, fastmath=_SUMS)
def steps(one: Array, other: Array) -> float:
    """The sum of the columns' differences."""
    total = 0.0
    for c in range(len(one)):
        total += abs(np.float64(one[c]) - np.float64(other[c]))
    return total


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz", "reassoc"})
def largest(one: Array, other: Array) -> float:
    """The largest of the columns' differences."""
    most = 0.0
    for c in range(len(one)):
        between = abs(np.float64(one[c]) - np.float64(other[c]))
        most = between if between > most else most
    return most


@njit(nogil=True, cache=True)
def distance(one: Array, other: Array, kind: int, about_one: Array, about_other: Array) -> float:
    """How far two rows are, by the kind of distance."""
    if kind == SQUARES:
        return squares(one, other)
    if kind == ANGLES:
        return turns(one, other, about_one, about_other)
    return steps(one, other) if kind == SUM else largest(one, other)


@njit(nogil=True, cache=True)
def offer(row: int, other: int, far: float, names: Array, places: Array, apart: Array) -> bool:
    """Take another row in among the nearest of a row, where it is nearer than the last of them and not there yet."""
    last = places.shape[1] - 1
    name = names[other]
    if far > apart[row, last] or not far < np.inf:
        return False
    if far == apart[row, last] and name >= names[places[row, last]]:
        return False
    spot = last
    while spot > 0 and (far < apart[row, spot - 1] or (far == apart[row, spot - 1] and name < names[places[row, spot - 1]])):
        spot -= 1
    if spot > 0 and places[row, spot - 1] == other:
        return False
    for at in range(last, spot, -1):
        places[row, at] = places[row, at - 1]
        apart[row, at] = apart[row, at - 1]
    places[row, spot] = other
    apart[row, spot] = far
    return True


@njit(nogil=True, cache=True)
def bound(row: int, d: int, half: Array, apart: Array, needed: Array) -> None:
    """What a product with that row needs, besides half the other's square, to be of one that may be among the nearest."""
    limit = apart[row, apart.shape[1] - 1] * 1.000001 + d * 1.2e-38
    needed[row] = np.float32(half[row] - np.float32(limit / 2) * np.float32(1.000001))


@njit(nogil=True, cache=True)
def any_near(line: Array, half: Array, needed: Array, own: float, mine: float) -> bool:
    """Whether one of `_LOOK` products may be of near rows, by either row's bound; not what is not a number, which is not known."""
    some = np.int32(0)
    for c in range(_LOOK):  # a fixed number: so the compiler looks at them at once
        some += np.int32((not line[c] < mine + half[c]) | (not line[c] < needed[c] + own))
    return bool(some > 0)


@njit(nogil=True, cache=True)
def look(
    dots: Array, first: int, second: int, rows: Array, kind: int, about: Array, half: Array, needed: Array, names: Array,
    places: Array, apart: Array,
) -> None:  # fmt: skip
    """Offer the rows of a block to those of another, and the other way round, of which `dots` ``(m, w)`` are the products.

    ``half`` is a bit less than half each row's squared length, so that no rounding of a product hides a near row; what may be near
    is measured.
    """
    m, w = dots.shape
    d, last = rows.shape[1], places.shape[1] - 1
    columns, wanted = half[second : second + w], needed[second : second + w]
    for r in range(m):
        i = first + r
        line = dots[r]
        begin = r + 1 if first == second else 0
        for start in range(begin - begin % _LOOK, w, _LOOK):
            stop = start + _LOOK
            if stop <= w and not any_near(line[start:stop], columns[start:stop], wanted[start:stop], half[i], needed[i]):
                continue
            for c in range(max(start, begin), min(stop, w)):
                j = second + c
                to_i = not line[c] < needed[i] + columns[c]
                to_j = not line[c] < wanted[c] + half[i]
                if to_i and apart[i, last] == 0:  # only an equal row with a lower name is wanted
                    to_i = names[j] < names[places[i, last]]
                if to_j and apart[j, last] == 0:
                    to_j = names[i] < names[places[j, last]]
                if to_i or to_j:
                    far = distance(rows[i], rows[j], kind, about[i], about[j])
                    if to_i and offer(i, j, far, names, places, apart):
                        bound(i, d, half, apart, needed)
                    if to_j and offer(j, i, far, names, places, apart):
                        bound(j, d, half, apart, needed)


@njit(nogil=True, cache=True)
def compare(
    first: int, m: int, second: int, w: int, rows: Array, kind: int, about: Array, names: Array, places: Array, apart: Array
) -> None:
    """The same for distances that no product bounds: every pair is measured."""
    for i in range(first, first + m):
        for j in range(i + 1 if first == second else second, second + w):
            far = distance(rows[i], rows[j], kind, about[i], about[j])
            offer(i, j, far, names, places, apart)
            offer(j, i, far, names, places, apart)


@njit(nogil=True, cache=True)
def improve(
    low: int, high: int, rows: Array, kind: int, about: Array, names: Array, before: Array, back: Array, width: int,
    fresh: Array, places: Array, apart: Array, seen: Array, moved: Array,
) -> None:  # fmt: skip
    """Offer to each of some rows the neighbours of its neighbours, by `before` and, the other way round, `back`."""
    k = before.shape[1]
    for i in range(low, high):
        seen[i] = i
        for at in range(k):
            if before[i, at] >= 0:
                seen[before[i, at]] = i
        changed = 0
        for side in range(2):
            ring = before if side == 0 else back
            for at in range(min(width, ring.shape[1])):
                p = ring[i, at]
                if p < 0:
                    break
                if side == 1 and seen[p] != i:
                    seen[p] = i
                    far = distance(rows[i], rows[p], kind, about[i], about[p])
                    if offer(i, p, far, names, places, apart):
                        changed += 1
                for beyond in range(width):
                    q = before[p, beyond]
                    if q < 0:
                        break
                    if seen[q] == i or (not fresh[i] and not fresh[p]):
                        continue
                    seen[q] = i
                    far = distance(rows[i], rows[q], kind, about[i], about[q])
                    if offer(i, q, far, names, places, apart):
                        changed += 1
        moved[i] = changed


@njit(nogil=True, cache=True)
def turned(places: Array, back: Array, counts: Array) -> None:
    """Which rows each is among the nearest of, ``(n, r)``: those that it is nearest to first."""
    n, k = places.shape
    for at in range(k):
        for i in range(n):
            p = places[i, at]
            if p >= 0 and counts[p] < back.shape[1]:
                back[p, counts[p]] = i
                counts[p] += 1


@njit(nogil=True, cache=True)
def measure(low: int, high: int, rows: Array, kind: int, about: Array, indices: Array, apart: Array) -> None:
    """Measure again how far the nearest of some rows are, and put them in order; -1 stays last."""
    k = indices.shape[1]
    for i in range(low, high):
        for at in range(k):
            p = indices[i, at]
            far = np.inf if p < 0 else distance(rows[i], rows[p], kind, about[i], about[p])
            spot = at
            while spot > 0 and (far < apart[i, spot - 1] or (far == apart[i, spot - 1] and 0 <= p < indices[i, spot - 1])):
                apart[i, spot] = apart[i, spot - 1]
                indices[i, spot] = indices[i, spot - 1]
                spot -= 1
            apart[i, spot] = far
            indices[i, spot] = p


@njit(nogil=True, cache=True)
def spread(
    low: int, high: int, rows: Array, kind: int, about: Array, first: Array, back: Array, starts: Array, members: Array,
    near: Array, names: Array, places: Array, apart: Array,
) -> None:  # fmt: skip
    """Offer to each of some rows those equal to it, and those equal to the nearest of the different rows, ``near`` ``(m, k)``."""
    for i in range(low, high):
        own = back[i]
        for at in range(-1, near.shape[1]):
            other = own if at < 0 else near[own, at]
            if other < 0:
                break
            far = 0.0 if at < 0 else distance(rows[i], rows[first[other]], kind, about[i], about[first[other]])
            for spot in range(starts[other], starts[other + 1]):
                j = members[spot]
                if j != i and not offer(i, j, far, names, places, apart):
                    break  # as those after it are no nearer, and later


@njit(nogil=True, cache=True)
def settle(some: Array, near: Array, rows: Array, kind: int, about: Array, out: Array) -> None:
    """Of the rows ``near`` ``(m, w)`` to each of some, itself among them or not, the nearest ``out`` ``(m, k)``, in order."""
    last = out.shape[1] - 1
    apart = np.empty(last + 1)
    for at in range(len(some)):
        i = some[at]
        apart[:] = np.inf
        out[at] = -1
        for p in near[at]:
            if p == i:
                continue
            far = distance(rows[i], rows[p], kind, about[i], about[p])
            if far > apart[last] or not far < np.inf or (far == apart[last] and p > out[at, last]):
                continue
            spot = last
            while spot > 0 and (far < apart[spot - 1] or (far == apart[spot - 1] and p < out[at, spot - 1])):
                apart[spot] = apart[spot - 1]
                out[at, spot] = out[at, spot - 1]
                spot -= 1
            apart[spot] = far
            out[at, spot] = p


@njit(nogil=True, cache=True)
def from_some(asked: Array, rows: Array, kind: int, about: Array, out: Array) -> None:
    """How far every row is from some of them, ``(m, n)``."""
    for j in range(len(rows)):
        for at in range(len(asked)):
            i = asked[at]
            out[at, j] = distance(rows[i], rows[j], kind, about[i], about[j])
