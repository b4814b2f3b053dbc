"""Nearly all the nearest neighbours of many rows: from the cells around each row's own, then from its neighbours' neighbours.

Rows are parted into cells by k-means, and pairs of cells are looked at as `exact` looks at all of them, those first that most rows
want (an inverted file, Jégou, Douze & Schmid 2011, whose lists are searched by matrix products); what is missing then is mostly
among the neighbours of neighbours (Dong, Moses & Li 2011). How many pairs it takes is seen on some rows whose neighbours are known.
"""

from __future__ import annotations

import threading

import numpy as np

from explorer.neighbors.board import Board, Measured, Tiles
from explorer.neighbors.cells import Cells
from explorer.neighbors.sample import Sample
from explorer.neighbors.threads import in_threads, one_blas_thread, stretches
from explorer.step import Progress

METHOD = "cells"
REACHES = (12, 24, 48, 96)  # cells looked at around each on average: more of them until enough neighbours are found
FOUND = 0.9  # of the neighbours, when the neighbours' neighbours may find the rest
GOOD = 0.98  # of the neighbours: enough
ROUNDS = 3  # of neighbours' neighbours at most
WIDTH = 12  # neighbours whose neighbours are looked at, and as many that it is a neighbour of
LEAST = 15  # neighbours looked for, also where fewer are wanted: with few, their neighbours say little
_NOTE = "finding neighbours"
_ROWS = 1_024  # rows whose neighbours' neighbours are looked at between two looks at Stop


def nearby(rough: np.ndarray, k: int, metric: str, random_state: int, progress: Progress) -> tuple[np.ndarray, float]:
    """Indices ``(n, k)`` of nearly the nearest rows, and the share of the true ones among them, as found on a sample.

    Parameters
    ----------
    rough
        ``(n, d)`` float32, for an angular metric through `comparable` and with "euclidean" as the metric.
    """
    with one_blas_thread():
        cells = Cells.of(rough, random_state, progress.part(0.0, 0.1))
        rows = np.ascontiguousarray(rough[cells.order])
        board = Board(Measured.of(rows, metric), cells.order, max(k, min(LEAST, len(rows) - 1)))
        sample = Sample.of(board.measured, k, metric, random_state, progress.part(0.1, 0.2))
        pairs = cells.pairs(rows, REACHES[-1], progress.part(0.2, 0.25))
        tiles = Tiles(board, rows if metric == "euclidean" else None, cells.blocks)
        in_threads(tiles, [(own, own) for own in range(len(cells.blocks))], progress.part(0.25, 0.27), _NOTE)
        recall, before = 0.0, 0
        for reach in REACHES:
            some = pairs[before : reach * len(cells.blocks)]
            mixed = some[np.random.default_rng(0).permutation(len(some))].tolist()  # so that threads hardly want the same cell
            in_threads(
                tiles, mixed, progress.part(0.27 + 0.5 * before / max(1, len(pairs)), 0.27 + 0.5 * min(1.0, reach / 96)), _NOTE
            )
            recall, before = sample.recall(board.apart), reach * len(cells.blocks)
            if recall >= FOUND or before >= len(pairs):
                break
    recall = _widened(board, sample, recall, progress.part(0.77, 1.0))
    found = np.empty((len(rows), k), np.int32)
    found[cells.order] = np.where(board.places >= 0, cells.order[board.places], -1)[:, :k]
    return found, recall


def _widened(board: Board, sample: Sample, recall: float, progress: Progress) -> float:
    """Look at neighbours' neighbours until enough are found, at most a few rounds; the recall after."""
    fresh = np.ones(len(board.names), bool)
    for turn in range(ROUNDS):
        if recall >= GOOD or not fresh.any():
            break
        fresh = _improve(board, fresh, progress.part(turn / ROUNDS, (turn + 1) / ROUNDS))
        recall = sample.recall(board.apart)
    return recall


def _improve(board: Board, fresh: np.ndarray, progress: Progress) -> np.ndarray:
    """One round: each row looks at what all the rows had before it, so the order does not matter; who found something."""
    from explorer.neighbors import kernels

    n = len(board.names)
    before, moved, own = board.places.copy(), np.zeros(n, np.int32), threading.local()
    back, counts = np.full((n, WIDTH), -1, np.int32), np.zeros(n, np.int32)
    kernels.turned(before, back, counts)

    def work(part: tuple[int, int]) -> None:
        if not hasattr(own, "seen"):
            own.seen = np.full(n, -1, np.int32)
        kernels.improve(
            *part, *board.measured, board.names, before, back, WIDTH, fresh, board.places, board.apart, own.seen, moved
        )  # fmt: skip

    in_threads(work, stretches(n, _ROWS), progress, _NOTE)
    return moved > 0


__all__ = ["METHOD", "nearby"]
