"""The inner loops of the spanning tree and of its cut, compiled by numba; each lets other threads run."""

from __future__ import annotations

import numpy as np
from numba import njit

from explorer.neighbors.kernels import squares

Array = np.ndarray
_ALIKE = 1e-8  # lengths no further apart than this share of them are equal: those of float32 are further apart
_LOOK = 32  # pairs that are looked at together: most hold no edge


@njit(nogil=True, cache=True)
def apart(one: Array, other: Array, core_one: float, core_other: float) -> float:
    """The mutual reachability distance of two rows, rounded as the graph's distances are."""
    far = np.float64(np.float32(np.sqrt(squares(one, other))))
    return max(far, max(core_one, core_other))


@njit(nogil=True, cache=True)
def root(parents: Array, node: int) -> int:
    """The node that stands for all that a node is joined with."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@njit(nogil=True, cache=True)
def joined(heads: Array, tails: Array, n: int) -> tuple[Array, Array]:
    """Which edges, taken shortest first, join what was apart (Kruskal 1956), and the component of each of n nodes."""
    parents, taken = np.arange(n), np.zeros(len(heads), np.bool_)
    for edge in range(len(heads)):
        one, other = root(parents, heads[edge]), root(parents, tails[edge])
        if one != other:
            parents[max(one, other)] = min(one, other)
            taken[edge] = True
    for node in range(n):
        parents[node] = root(parents, node)
    return taken, parents


@njit(nogil=True, cache=True)
def pieces(heads: Array, tails: Array, weights: Array, n: int) -> tuple[Array, Array, Array, Array]:
    """What the edges of a spanning tree join, shortest first and equally long ones at once.

    Each piece ``(m,)`` by the first edge of that length, what it is joined into, how many rows it has, and one of these.
    """
    parents, sizes, seen, m = np.arange(n), np.ones(n, np.int64), np.full(n, -1), len(heads)
    when, into = np.empty(2 * m, np.int64), np.empty(2 * m, np.int64)
    many, which = np.empty(2 * m, np.int64), np.empty(2 * m, np.int64)
    first, found = 0, 0
    while first < m:
        begin, last = found, first
        while last < m and weights[last] == weights[first]:
            for node in (heads[last], tails[last]):
                piece = root(parents, node)
                if seen[piece] != first:
                    seen[piece], when[found], many[found], which[found] = first, first, sizes[piece], piece
                    found += 1
            last += 1
        for edge in range(first, last):
            one, other = root(parents, heads[edge]), root(parents, tails[edge])
            parents[max(one, other)] = min(one, other)
            sizes[min(one, other)] += sizes[max(one, other)]
        for place in range(begin, found):
            into[place] = root(parents, which[place])
        first = last
    return when[:found], into[:found], many[:found], which[:found]


@njit(nogil=True, cache=True)
def in_line(heads: Array, tails: Array, weights: Array, n: int) -> tuple[Array, Array]:
    """The nodes of a spanning tree in a line, and the gaps between them: the largest gap between two is their path's longest edge.

    Edges come shortest first: each joins two stretches of the line end to end.
    """
    parents, last, after, gaps = np.arange(n), np.arange(n), np.full(n, -1), np.zeros(n)
    for edge in range(len(heads)):
        one, other = root(parents, heads[edge]), root(parents, tails[edge])
        one, other = min(one, other), max(one, other)
        after[last[one]], gaps[last[one]] = other, weights[edge]
        last[one], parents[other] = last[other], one
    order, between, node = np.empty(n, np.int64), np.zeros(n), 0
    for place in range(n):
        order[place], between[place] = node, gaps[node]
        node = after[node]
    return order, between


@njit(nogil=True, cache=True)
def bridges(rows: Array, cores: Array, groups: Array) -> Array:
    """A short edge from each of m rows to an earlier one, so that all groups hang together, ``(m - 1, 2)`` (Prim 1957)."""
    m = len(rows)
    edges, nearest, far = np.zeros((m - 1, 2), np.int64), np.zeros(m, np.int64), np.full(m, np.inf)
    done, now = np.zeros(m, np.bool_), 0
    done[0] = True
    for step in range(m - 1):
        best = -1
        for other in range(m):
            if done[other]:
                continue
            length = 0.0 if groups[other] == groups[now] else apart(rows[now], rows[other], cores[now], cores[other])
            if length < far[other]:
                far[other], nearest[other] = length, now
            if best < 0 or far[other] < far[best]:
                best = other
        edges[step, 0], edges[step, 1] = nearest[best], best
        done[best], now = True, best
    return edges


@njit(nogil=True, cache=True)
def _any_short(line: Array, half: Array, reach: Array, mine: float, widest: float) -> bool:
    """Whether one of `_LOOK` pairs may be nearer than the longest edge between them; not what is not a number."""
    some = np.int32(0)
    for c in range(_LOOK):  # a fixed number: so the compiler looks at them at once
        some += np.int32(not mine + half[c] - line[c] >= max(widest, reach[c]))
    return bool(some > 0)


@njit(nogil=True, cache=True)
def shorter(
    dots: Array, one: Array, other: Array, rows: Array, half: Array, cores: Array, left: Array, right: Array, room: Array,
) -> int:  # fmt: skip
    """The pairs of rows `one` ``(m,)`` and `other` ``(w,)`` that are nearer than the longest edge between them; how many they are.

    They go into `room` as far as it goes. ``half`` is a bit less than half each row's squared length, so that no rounding of a
    product hides a pair. ``left`` ``(m,)`` are the longest edges from a row to the start of the second block, ``right`` ``(w,)``
    from there to a row; without a ``right`` it is one block with itself, and ``left`` are the gaps after its rows.
    """
    m, w = dots.shape
    same, found = len(right) == 0, 0
    reach, columns = np.zeros(w, np.float32), half[other]
    longest = np.zeros(w)
    if not same:
        for c in range(w):
            longest[c] = right[c]
            reach[c] = _half_square(right[c])
    for r in range(m):
        i = one[r]
        begin = r + 1 if same else 0
        if same:
            widest = 0.0
            for c in range(begin, w):
                widest = max(widest, left[c - 1])
                longest[c], reach[c] = widest, _half_square(widest)
        own = 0.0 if same else left[r]
        limit = np.float32(0.0) if same else _half_square(own)
        for start in range(begin - begin % _LOOK, w, _LOOK):
            stop = start + _LOOK
            if stop <= w and not _any_short(dots[r, start:stop], columns[start:stop], reach[start:stop], half[i], limit):
                continue
            for c in range(max(start, begin), min(stop, w)):
                j, most = other[c], max(own, longest[c])
                if half[i] + columns[c] - dots[r, c] >= max(limit, reach[c]) or cores[i] >= most or cores[j] >= most:
                    continue
                if apart(rows[i], rows[j], cores[i], cores[j]) < most:
                    if found < len(room):
                        room[found, 0], room[found, 1] = i, j
                    found += 1
    return found


@njit(nogil=True, cache=True)
def _half_square(length: float) -> np.float32:
    """Half the square of a length and a bit more, in float32."""
    return np.float32(length * length * 0.500001 + 1.2e-38)


@njit(nogil=True, cache=True)
def condensed(heads: Array, tails: Array, lengths: Array, least: int) -> tuple[Array, Array, Array, Array, Array]:
    """The tree of clusters of at least so many rows, by a spanning tree whose edges come shortest first.

    Of each cluster its parent (cluster 0 is all, and its own), the density 1 / length at which it begins, and how many rows it
    begins with; of each row the last cluster it is in, and the density at which it leaves that.
    """
    m = len(heads)
    n = m + 1
    parts, sizes = np.empty((m, 2), np.int64), np.ones(n + m, np.int64)
    parents, node = np.arange(n), np.arange(n)
    for edge in range(m):
        one, other = root(parents, heads[edge]), root(parents, tails[edge])
        parts[edge, 0], parts[edge, 1] = node[one], node[other]
        sizes[n + edge] = sizes[node[one]] + sizes[node[other]]
        parents[other], node[one] = one, n + edge
    inside, leaves = np.zeros(n + m, np.int64), np.zeros(n + m)
    above, begins, counts, found = np.zeros(n, np.int64), np.zeros(n), np.zeros(n, np.int64), 1
    counts[0] = n
    for edge in range(m - 1, -1, -1):
        whole, density = n + edge, 1.0 / lengths[edge]
        splits = leaves[whole] == 0.0 and sizes[parts[edge, 0]] >= least and sizes[parts[edge, 1]] >= least
        now = inside[whole]
        at_once = density <= begins[now] * (1 + _ALIKE)  # more than two begin here: the first takes the place of what they were
        for part in parts[edge]:
            inside[part], leaves[part] = now, leaves[whole]
            if splits and at_once and part == parts[edge, 0]:
                counts[now] = sizes[part]
            elif splits:
                above[found] = above[now] if at_once else now
                begins[found], counts[found] = begins[now] if at_once else density, sizes[part]
                inside[part] = found
                found += 1
            elif leaves[whole] == 0.0 and sizes[part] < least:
                leaves[part] = density
    return above[:found], begins[:found], counts[:found], inside[:n], leaves[:n]


@njit(nogil=True, cache=True)
def chosen(above: Array, begins: Array, counts: Array, inside: Array, leaves: Array, by_leaf: bool, epsilon: float) -> Array:
    """The cluster that each cluster counts for, itself or one above it; -1 for none.

    Those that last longest (Campello, Moulavi & Sander 2013), or those that hold no others; where one begins at a shorter length
    than epsilon, the first above it that does not (Malzer & Baum 2020).
    """
    k = len(above)
    lasting, inner, within = np.zeros(k), np.zeros(k), np.zeros(k, np.int64)
    for row in range(len(inside)):
        lasting[inside[row]] += leaves[row] - begins[inside[row]]
    for one in range(1, k):
        lasting[above[one]] += counts[one] * (begins[one] - begins[above[one]])
        within[above[one]] += 1
    taken = np.zeros(k, np.bool_)
    for one in range(k - 1, 0, -1):
        taken[one] = within[one] == 0 or (not by_leaf and inner[one] <= lasting[one])
        inner[above[one]] += lasting[one] if taken[one] else inner[one]
    counts_for = np.full(k, -1)
    for one in range(1, k):
        if counts_for[above[one]] >= 0:
            taken[one] = False
        counts_for[one] = one if taken[one] else counts_for[above[one]]
    if epsilon > 0.0:
        for one in range(1, k):
            if taken[one]:
                top = one
                while above[top] != 0 and begins[top] * epsilon > 1.0:
                    top = above[top]
                taken[one], taken[top] = taken[one] and top == one, True
        counts_for[:] = -1
        for one in range(1, k):
            higher = counts_for[above[one]]
            counts_for[one] = higher if higher >= 0 else one if taken[one] else -1
    return counts_for


@njit(nogil=True, cache=True)
def labelled(above: Array, begins: Array, inside: Array, leaves: Array, counts_for: Array) -> tuple[Array, Array]:
    """The cluster of each row, -1 for noise, and how firmly it belongs there: as its density is to the cluster's densest."""
    densest = np.zeros(len(above))
    for one in range(1, len(above)):
        densest[above[one]] = max(densest[above[one]], begins[one])
    for row in range(len(inside)):
        densest[inside[row]] = max(densest[inside[row]], leaves[row])
    codes, firm = np.full(len(inside), -1, np.int64), np.zeros(len(inside))
    for row in range(len(inside)):
        code = counts_for[inside[row]]
        if code >= 0:
            codes[row], firm[row] = code, min(leaves[row], densest[code]) / densest[code]
    return codes, firm
