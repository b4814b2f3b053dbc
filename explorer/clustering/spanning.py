"""The minimum spanning tree of mutual reachability, from the graph of neighbours, by one product of all rows with all."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from explorer.neighbors import NeighborGraph
from explorer.neighbors.board import half_squares
from explorer.neighbors.equal import equal_rows
from explorer.neighbors.exact import BLOCK, middle
from explorer.neighbors.threads import in_threads, one_blas_thread, stretches
from explorer.step import Progress

SAMPLED = 2_000  # rows by which groups that no neighbours join are bridged
FEW = 500  # rows up to which all are looked at at once
SHARE = 6  # of so many rows one is looked at first
WHOLE = 200_000  # rows up to which all pairs are looked at, half a minute at 64 columns; of more, so many are
NARROW = 5  # columns up to which the pairs that are near are few, and all are looked at, whatever the rows
NOTHING = 1e-6  # of the shortest length, that counts for the length between equal rows
_CELLS = 2_000_000  # numbers of the rows whose distances are measured at once
_ROOM = 4_096  # edges that a pair of blocks is expected to find at most


class Edges(NamedTuple):
    """Edges of a tree or a forest, shortest first: `heads` and `tails` ``(m,)`` int64, `weights` ``(m,)`` float64."""

    heads: np.ndarray
    tails: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, pairs: np.ndarray, rows: np.ndarray, cores: np.ndarray, apart: np.ndarray | None = None) -> Edges:
        """Of ``(m, 2)`` pairs of rows, and how far apart they are where that is known; equally long ones stay in their order."""
        heads, tails = np.minimum(pairs[:, 0], pairs[:, 1]).astype(np.int64), np.maximum(pairs[:, 0], pairs[:, 1]).astype(np.int64)
        weights = np.empty(len(pairs)) if apart is None else apart.astype(np.float64)
        for low, high in stretches(len(pairs), max(1, _CELLS // rows.shape[1])) if apart is None else []:
            between = rows[heads[low:high]].astype(np.float64) - rows[tails[low:high]]
            weights[low:high] = np.sqrt(np.einsum("ij,ij->i", between, between)).astype(np.float32)
        np.maximum(weights, np.maximum(cores[heads], cores[tails]), out=weights)
        order = np.argsort(weights, kind="stable")
        return cls(heads[order], tails[order], weights[order])

    def shortest(self, n: int) -> tuple[Edges, np.ndarray]:
        """Those of the minimum spanning forest, and the component of each of n rows."""
        from explorer.clustering.kernels import joined

        taken, groups = joined(self.heads, self.tails, n)
        return Edges(*(part[taken] for part in self)), groups

    def in_stars(self) -> Edges:
        """The same hierarchy by edges none of which are equally long, so that a tree of it can be cut in one way only.

        Mutual reachability makes many edges equally long, and a cluster that falls apart along several at once does so in whatever
        order they have: two that are too small for a cluster may hang together for no length at all, and count as one. Here what
        falls apart at one length is joined to its largest piece, the larger pieces first, each a rounding error longer.
        """
        from explorer.clustering.kernels import pieces

        least = self.weights[self.weights > 0].min(initial=np.inf)
        when, into, many, which = pieces(*self, len(self.heads) + 1)
        order = np.lexsort((which, -many, into, when))
        when, into, which = when[order], into[order], which[order]
        hub = np.flatnonzero(np.r_[True, (when[1:] != when[:-1]) | (into[1:] != into[:-1])])  # the largest of what is joined
        others = np.delete(np.arange(len(which)), hub)
        of_hub = which[np.repeat(hub, np.diff(np.r_[hub, len(which)]))][others]
        # Density is 1 / length.
        lengths = np.maximum(self.weights, NOTHING * least if np.isfinite(least) else 1.0)
        return Edges(of_hub, which[others], lengths + 2 * np.spacing(lengths) * (np.arange(len(lengths)) - when[others]))

    @property
    def pairs(self) -> np.ndarray:
        """``(m, 2)``: both ends."""
        return np.column_stack([self.heads, self.tails])


def all_pairs(n: int, d: int) -> bool:
    """Whether all pairs of so many rows are looked at, and not only those of some."""
    return n <= WHOLE or d <= NARROW


def spanning_tree(rows: np.ndarray, graph: NeighborGraph, samples: int, progress: Progress) -> Edges:
    """The minimum spanning tree of ``(n, d)`` float32 rows by mutual reachability, n - 1 edges.

    The distance of two rows is at least the distance of each to its `samples`-th nearest row, itself counted (Campello, Moulavi &
    Sander 2013). The neighbours' forest, with a few bridges, is a spanning tree; an edge that belongs into the minimum one and is
    not in it is shorter than the longest edge of the path between its ends, and one product of all rows with all finds these. So
    that they are few, the same is done with some of the rows first (Karger, Klein & Tarjan 1995: a sample's tree leaves few edges).
    Where the neighbours are exact, so is the tree; of more than `WHOLE` rows only those are looked at that tell most, and an edge
    between others is one of neighbours or leads by way of these.

    Raises
    ------
    Cancelled
        When `progress` says that Stop was pressed.
    """
    n, k = graph.indices.shape
    near = graph.distances[:, : samples - 1].astype(np.float64)
    cores = np.where(np.isfinite(near), near, 0.0).max(axis=1, initial=0.0)
    reach = np.where(graph.indices[:, -1] < 0, 0.0, graph.distances[:, -1].astype(np.float64))
    there = graph.indices.ravel() >= 0
    known = np.column_stack([np.repeat(np.arange(n), k), graph.indices.ravel()])[there]
    forest, _ = Edges.of(known, rows, cores, graph.distances.ravel()[there]).shortest(n)
    del known, there
    first = _first_of_equal(rows, graph)  # what is between equal rows is known, and would be looked at for each of them
    kept, others = np.flatnonzero(first == np.arange(n)), np.flatnonzero(first != np.arange(n))
    pairs = np.searchsorted(kept, first[forest.pairs])
    tree = _improved(_Rows(rows[kept], cores[kept], reach[kept]), pairs[pairs[:, 0] != pairs[:, 1]], progress)
    if not len(others):
        return tree
    return Edges.of(np.vstack([kept[tree.pairs], np.column_stack([first[others], others])]), rows, cores)


def _first_of_equal(rows: np.ndarray, graph: NeighborGraph) -> np.ndarray:
    """For each of n rows the first that is equal to it."""
    first, some = np.arange(len(rows)), np.flatnonzero(graph.distances[:, 0] == 0)
    if len(some) and (equal := equal_rows(rows[some])) is not None:
        distinct, back = equal
        first[some] = some[distinct[back]]
    return first


class _Rows(NamedTuple):
    """Rows ``(n, d)`` float32; the distance ``(n,)`` to their `samples`-th neighbour; and to their last one that is known."""

    places: np.ndarray
    cores: np.ndarray
    reach: np.ndarray

    def at(self, some: np.ndarray) -> _Rows:
        """Some of them."""
        return _Rows(*(part[some] for part in self))


def _improved(rows: _Rows, known: np.ndarray, progress: Progress) -> Edges:
    """The minimum spanning tree, begun with the known pairs ``(m, 2)``."""
    n, edges = len(rows.places), partial(Edges.of, rows=rows.places, cores=rows.cores)
    whole = all_pairs(*rows.places.shape)
    progress(0.0, "joining neighbours")
    tree, groups = edges(known).shortest(n)
    if len(tree.heads) < n - 1:
        tree, _ = edges(np.vstack([tree.pairs, _bridges(rows.places, rows.cores, groups)])).shortest(n)
    if n > FEW:
        some = np.sort(np.random.default_rng(0).choice(n, n // SHARE, replace=False)) if whole else _telling(tree, n, WHOLE)
        place = np.full(n, -1)
        place[some] = np.arange(len(some))
        among = place[tree.pairs]
        later = progress.part(0.05, 0.2 if whole else 0.95)
        first = _improved(rows.at(some), among[(among >= 0).all(axis=1)], later)
        tree, _ = edges(np.vstack([tree.pairs, some[first.pairs]])).shortest(n)
    if not whole:
        return tree
    found = _Shorter(rows, tree).all(progress.part(0.2, 0.95))
    return edges(np.vstack([tree.pairs, found])).shortest(n)[0]


def _telling(tree: Edges, n: int, count: int) -> np.ndarray:
    """Some of n rows: half of them at the ends of the longest edges, where shorter ones may be missing, half from anywhere."""
    longest = np.zeros(n)
    np.maximum.at(longest, tree.heads, tree.weights)
    np.maximum.at(longest, tree.tails, tree.weights)
    order = np.argsort(-longest, kind="stable")
    others = np.random.default_rng(0).choice(order[count // 2 :], count - count // 2, replace=False)
    return np.sort(np.concatenate([order[: count // 2], others]))


def _bridges(rows: np.ndarray, cores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Short edges that join all groups, ``(m, 2)``: a tree of some rows, and from each group without one to the nearest of them."""
    from explorer.clustering.kernels import bridges

    order = np.argsort(groups, kind="stable")
    some = order[np.linspace(0, len(rows) - 1, min(len(rows), SAMPLED)).astype(np.int64)]
    _, first = np.unique(groups, return_index=True)
    others = first[~np.isin(groups[first], groups[some])]
    near = some[_nearest(rows[others], rows[some])]
    return np.vstack([some[bridges(rows[some], cores[some], groups[some])], np.column_stack([others, near])])


def _nearest(rows: np.ndarray, hubs: np.ndarray) -> np.ndarray:
    """Which hub is about the nearest of each row."""
    about = middle(hubs)
    hubs = hubs - about
    half, found = np.einsum("ij,ij->i", hubs, hubs) / 2, np.zeros(len(rows), np.int64)
    with one_blas_thread():
        for low, high in stretches(len(rows), BLOCK):
            found[low:high] = (half - (rows[low:high] - about) @ hubs.T).argmin(axis=1)
    return found


class _Shorter:
    """All pairs that are nearer than the longest edge of the path between them, block by block, but those of known neighbours."""

    def __init__(self, rows: _Rows, tree: Edges) -> None:
        from explorer.clustering.kernels import in_line

        n = len(rows.places)
        self.order, self.gaps = in_line(*tree, n)
        self.rows, self.cores, self.reach = rows.at(self.order)
        self.rough = self.rows - middle(rows.places)
        self.half = half_squares(self.rough)
        self.blocks = stretches(n, BLOCK)
        self.widest = np.array([self.gaps[low:high].max() for low, high in self.blocks])  # with the gap to the next block
        self.found: dict[tuple[int, int], np.ndarray] = {}

    def all(self, progress: Progress) -> np.ndarray:
        """The pairs ``(m, 2)``, in an order that depends on nothing else."""
        with one_blas_thread():
            in_threads(self._look, self._near(), progress, "joining the dense places")
        none = np.zeros((0, 2), np.int64)
        return self.order[np.vstack([none, *(self.found[pair] for pair in sorted(self.found))])]

    def _near(self) -> list[tuple[int, int]]:
        """The pairs of blocks that are not as far apart as the longest edge between them: of a layout, few."""
        low = np.array([self.rows[begin:end].min(axis=0) for begin, end in self.blocks], np.float64)
        high = np.array([self.rows[begin:end].max(axis=0) for begin, end in self.blocks], np.float64)
        pairs = []
        for block in range(len(self.blocks)):
            empty = np.maximum(0.0, np.maximum(low[block:] - high[block], low[block] - high[block:]))
            longest = np.maximum.accumulate(self.widest[block:])
            near = np.flatnonzero(np.einsum("ij,ij->i", empty, empty) <= longest**2 * 1.000001)
            pairs += [(block, block + int(other)) for other in near]
        return pairs

    def _look(self, pair: tuple[int, int]) -> None:
        from explorer.clustering.kernels import shorter

        (low, high), (begin, end) = self.blocks[pair[0]], self.blocks[pair[1]]
        one, other = np.arange(low, high), np.arange(begin, end)
        if low == begin:
            left, right = self.gaps[low:high], self.gaps[:0]
            if self.reach[one].min() >= left.max():
                return
        else:
            between = self.widest[pair[0] + 1 : pair[1]].max(initial=0.0)
            left = np.maximum(np.maximum.accumulate(self.gaps[low:high][::-1])[::-1], between)
            right = np.maximum.accumulate(np.concatenate([[0.0], self.gaps[begin : end - 1]]))
            # What is nearer than the last known neighbour of one of them is known.
            some = np.flatnonzero(self.reach[low:high] < np.maximum(left, right[-1]))
            few = np.flatnonzero(self.reach[begin:end] < np.maximum(left[0], right))
            one, left, other, right = one[some], left[some], other[few], right[few]
        if not len(one) or not len(other):
            return
        with np.errstate(all="ignore"):  # what is not finite is measured
            dots = self.rough[one] @ self.rough[other].T
        room = np.empty((_ROOM, 2), np.int64)
        while (count := shorter(dots, one, other, self.rows, self.half, self.cores, left, right, room)) > len(room):
            room = np.empty((count, 2), np.int64)
        if count:
            self.found[pair] = room[:count].copy()


__all__ = ["NARROW", "WHOLE", "Edges", "all_pairs", "spanning_tree"]
