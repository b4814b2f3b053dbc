"""The neighbour graph as a sparse matrix, its pieces, and the shortest links that join them."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.neighbors import ANGULAR, NeighborGraph, comparable
from explorer.step import Progress

ASKED = 10_000  # rows at most among which links between pieces are looked for
_BLOCK = 512
_LEAST = 1e-9  # of the usual distance: a link of length 0 would be none in a sparse matrix


def linked(graph: NeighborGraph) -> Any:
    """Symmetric distances, ``(n, n)`` CSR float64: two items are linked where one is among the other's neighbours."""
    from scipy.sparse import csr_array

    n, k = graph.indices.shape
    there = graph.indices.ravel() >= 0
    first, second = np.repeat(np.arange(n, dtype=np.int32), k)[there], graph.indices.ravel()[there]
    far = graph.distances.ravel()[there].astype(np.float64)
    far = np.maximum(far, _LEAST * (float(np.median(far)) or 1.0)) if len(far) else far
    one = csr_array((far, (first, second)), shape=(n, n))
    return _longer(one, one.T.tocsr())


def _longer(one: Any, other: Any) -> Any:
    """Entries of either; both give the same distance where both have it, but for the last digit."""
    return one.maximum(other).tocsr()


def weighed(links: Any, how: str) -> Any:
    """Weights of links by their lengths, ``(n, n)`` CSR: 1 each ("binary"), or exp(-(length / usual length)²) ("heat")."""
    made = links.copy()
    usual = float(np.median(links.data)) if links.nnz else 1.0
    far = np.minimum(links.data / usual, 6.0)  # an outlier's links stay links: exp(-36) is as good as nothing, and not 0
    made.data = np.ones_like(links.data) if how == "binary" else np.exp(-(far**2))
    return made


def pieces(links: Any) -> tuple[int, np.ndarray]:
    """How many pieces a graph has, and ``(n,)`` which one each item is in."""
    from scipy.sparse.csgraph import connected_components

    count, piece = connected_components(links, directed=False)
    return int(count), piece


def joined(links: Any, rows: np.ndarray, metric: str, random_state: int, progress: Progress) -> tuple[Any, int]:
    """The graph with its pieces joined by the shortest links between them, and how many pieces there were.

    As a shortest tree grows (Borůvka, 1926): in each round every piece gets the shortest link to another one. Among more than
    10,000 rows, links are looked for between a seeded sample of each piece.

    Parameters
    ----------
    rows
        ``(n, d)``, by which links are measured in `metric`.
    """
    from scipy.sparse import csr_array

    count, piece = pieces(links)
    if count == 1:
        return links, 1
    some = _asked(piece, count, random_state)
    asked, plain = comparable(rows[some], metric).astype(np.float64), "euclidean" if metric in ANGULAR else metric
    left = count
    while left > 1:
        progress(1 - left / count, f"joining {left:,} pieces of the neighbour graph")
        _, of = pieces(links)
        first, second, far = _shortest(asked, of[some], left, plain, progress)
        far = far**2 / 2 if metric in ANGULAR else far
        far = np.maximum(far, _LEAST * float(links.data.mean() if links.nnz else 1.0) + np.finfo(float).tiny)
        more = csr_array((far, (some[first], some[second])), shape=links.shape)
        more.sum_duplicates()
        links = _longer(links, _longer(more, more.T.tocsr()))
        left = pieces(links)[0]
    return links, count


def _asked(piece: np.ndarray, count: int, random_state: int) -> np.ndarray:
    """Rows, in order, among which links are looked for: all, or as many of each piece as there is room for."""
    if len(piece) <= ASKED:
        return np.arange(len(piece))
    order = np.random.default_rng(random_state).permutation(len(piece))
    order = order[np.argsort(piece[order], kind="stable")]
    rank = np.arange(len(piece)) - np.searchsorted(piece[order], piece[order])
    return np.sort(order[rank < max(1, ASKED // count)])


def _shortest(
    rows: np.ndarray, piece: np.ndarray, count: int, metric: str, progress: Progress
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `count` pieces the two rows of its shortest link to another piece, and how long it is."""
    best = np.full(count, np.inf)
    first, second = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for start in range(0, len(rows), _BLOCK):
        progress(0.0, "joining pieces of the neighbour graph")
        block = slice(start, start + _BLOCK)
        far = _distances(rows[block], rows, metric)
        far[piece[block][:, None] == piece] = np.inf
        nearest = far.argmin(axis=1)
        length = far[np.arange(len(far)), nearest]
        for place in np.lexsort((np.arange(len(length)), length)):
            own = piece[start + place]
            if length[place] < best[own]:
                best[own], first[own], second[own] = length[place], start + place, nearest[place]
    return first, second, best


def _distances(some: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    """``(m, n)`` of float64 rows; not by scikit-learn, whose import takes longer than joining some thousand items does."""
    if metric != "euclidean":
        from scipy.spatial.distance import cdist

        return np.asarray(cdist(some, rows, {"manhattan": "cityblock"}.get(metric, metric)))
    squares = (some**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2 * (some @ rows.T)
    return np.sqrt(np.maximum(squares, 0.0))


__all__ = ["ASKED", "joined", "linked", "pieces", "weighed"]
