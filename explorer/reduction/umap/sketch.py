"""A map of some of the items first: soon there is something to see that moves, and the others start where their neighbours are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from explorer.progress import Progress

SOME = 4_000  # items in a sketch
MANY = 20_000  # items from which on there is one
_PASSES = 3  # of evening out, once every item has a place
_NOISE = 1e-3  # of the sketch's width: parts items that would start at one place
NEAR = 5  # items of the sketch that what it has missed starts amid
_ASKED = 4_096  # items whose nearest in the sketch are looked for at once: of wide vectors no copy of many is held


class Sketch(NamedTuple):
    """Rows ``(m,)`` and where they lie on a map of them alone, ``(m, 2)``."""

    rows: np.ndarray
    places: np.ndarray


def chosen(n: int, seed: int) -> np.ndarray:
    """``(SOME,)`` rows of `n`, in order."""
    return np.sort(np.random.default_rng(seed).choice(n, SOME, replace=False))


def bonded(graph: Any, linked: Callable[[np.ndarray], Any]) -> Any:
    """A sketch's graph ``(m, m)`` in one piece: the middles of its pieces hold together as `linked` says of their rows.

    Pieces without a bond only push each other, and while a sketch settles they lose what was alike out of sight. The graph of all
    items has no such bonds, and the places that are carried over to it are those of a map that has had its room already.
    """
    import scipy.sparse as sparse

    middle = pieces(graph)[1]
    while len(middle) > 1:
        links = linked(middle).tocoo()
        graph = (graph + sparse.csr_matrix((links.data, (middle[links.row], middle[links.col])), shape=graph.shape)).tocsr()
        fewer = pieces(graph)[1]
        if len(fewer) == len(middle):
            break
        middle = fewer
    graph.sort_indices()
    return graph


def carried(sketch: Sketch, graph: Any, seed: int, missed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Places ``(n, 2)`` float32 of all items: those of the sketch have theirs, the others the mean of their neighbours' in a graph.

    From the sketch on, each pass reaches one step further along the graph ``(n, n)``. To pieces of it that the sketch has not met
    no way leads: of one item of each, `missed` says where it starts, and the others of the piece start there too.
    """
    from explorer.reduction.umap.start import product

    n, (rows, places) = graph.shape[0], sketch
    state = np.zeros((n, 3), np.float32)  # x, y, and whether there is a place yet
    state[rows] = np.column_stack([places, np.ones(len(rows))])
    kept = state[rows].copy()
    while True:
        around = product(graph, state)
        reached = (around[:, 2] > 0) & (state[:, 2] == 0)
        if not reached.any():
            break
        state[reached] = around[reached] / around[reached, 2:]
    lost = np.flatnonzero(state[:, 2] == 0)
    state[lost, :2] = places.mean(axis=0)
    lost = lost[np.diff(graph.indptr)[lost] > 0]  # what has no neighbours at all is put aside in the end
    if len(lost):
        piece, middle = pieces(graph[lost][:, lost])
        state[lost, :2] = missed(lost[middle])[piece]
    state[:, 2] = 1
    for _ in range(_PASSES):
        around = product(graph, state)
        held = around[:, 2] > 0
        state[held] = around[held] / around[held, 2:]
        state[rows] = kept
    width = np.ptp(places, axis=0).max()
    noise = np.random.default_rng(seed).normal(scale=_NOISE * width, size=(n, 2))
    return (state[:, :2] + noise).astype(np.float32)


def pieces(graph: Any) -> tuple[np.ndarray, np.ndarray]:
    """Which connected piece each item is in, ``(n,)``, and of each piece the item that its others hold to most firmly."""
    from scipy.sparse.csgraph import connected_components

    count, piece = connected_components(graph, directed=False)
    firmness = np.asarray(graph.sum(axis=1)).ravel()
    order = np.lexsort((-firmness, piece))
    return piece, order[np.searchsorted(piece[order], np.arange(count))]


def amid(vectors: np.ndarray, sketch: Sketch, asked: np.ndarray, metric: str, progress: Progress) -> np.ndarray:
    """Places ``(m, 2)`` float32 of the rows `asked`, by the vectors: amid the `NEAR` nearest of the sketch."""
    from explorer.reduction.placing import averaged, firmness

    made = [np.zeros((0, 2), np.float32)]
    for low in range(0, len(asked), _ASKED):
        part = progress.part(low / len(asked), min(low + _ASKED, len(asked)) / len(asked))
        both = vectors[np.concatenate([sketch.rows, asked[low : low + _ASKED]])]
        near, apart = _nearest(both, len(sketch.rows), metric, part)
        made.append(averaged(near, firmness(apart), sketch.places))
    return np.concatenate(made)


def _nearest(both: np.ndarray, many: int, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The `NEAR` of the first so many rows nearest to each of the others, and roughly how far they are, ``(m, NEAR)``."""
    from explorer.neighbors.board import Board, Measured, Tiles
    from explorer.neighbors.exact import BLOCK, roughly
    from explorer.neighbors.threads import in_threads, stretches

    board = Board(Measured.of(both, metric), np.arange(len(both), dtype=np.int32), min(NEAR, many))
    one, other = stretches(many, BLOCK), stretches(len(both) - many, BLOCK)
    blocks = [*one, *((low + many, high + many) for low, high in other)]
    turns = ((at, len(one) + (at + turn) % len(other)) for turn in range(len(other)) for at in range(len(one)))
    in_threads(Tiles(board, roughly(both, metric), blocks), list(turns), progress, "finding where to start")
    return board.places[many:], board.apart[many:]
