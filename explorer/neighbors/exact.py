"""Exact neighbours of all rows: every pair of blocks is looked at once, for the rows of both."""

from __future__ import annotations

import numpy as np

from explorer.neighbors.angles import ANGULAR, comparable
from explorer.neighbors.board import Board, Measured, Tiles
from explorer.neighbors.threads import in_threads, one_blas_thread, stretches, threads
from explorer.step import Progress

BLOCK = 512  # rows of a block: with their products, half of what a core keeps at hand
_LEAST = 64


def every_pair(rows: np.ndarray, k: int, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances ``(n, k)`` of the nearest: see `Board`, whose distances these are."""
    n = len(rows)
    board = Board(Measured.of(rows, metric), np.arange(n, dtype=np.int32), k)
    blocks = stretches(n, min(BLOCK, max(_LEAST, n // (4 * threads()))))
    with one_blas_thread():
        in_threads(Tiles(board, roughly(rows, metric), blocks), tournament(len(blocks)), progress)
    return board.places, board.apart


def roughly(rows: np.ndarray, metric: str) -> np.ndarray | None:
    """Rows whose euclidean distances, in float32, are nearly those wanted; None for a metric that has no such."""
    if metric in ANGULAR:
        return comparable(rows, metric)
    return rows - middle(rows) if metric == "euclidean" else None


def middle(rows: np.ndarray) -> np.ndarray:
    """``(d,)``: the mean of a few rows; around it, what is far from the origin loses no digits."""
    some = np.asarray(rows[np.linspace(0, len(rows) - 1, min(len(rows), 256)).astype(np.int64)], np.float64)
    return (some / len(some)).sum(axis=0).astype(np.float32)


def tournament(count: int) -> list[tuple[int, int]]:
    """Every pair of numbers below `count`, each with itself first; neighbours in the list hardly ever share a number."""
    pairs = [(one, one) for one in range(count)]
    even = count + count % 2
    for turn in range(even - 1):
        ring = [0, *((turn + step) % (even - 1) + 1 for step in range(even - 1))]
        met = ((ring[at], ring[even - 1 - at]) for at in range(even // 2))
        pairs += [(min(one), max(one)) for one in met if max(one) < count]
    return pairs


__all__ = ["every_pair", "middle", "roughly", "tournament"]
