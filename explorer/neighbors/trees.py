"""Exact neighbours by a tree: for few columns sooner than by looking at every pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.neighbors.board import Measured
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

_ORDERS = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}
_ROWS = 2_048  # rows asked for between two looks at Stop
_MORE = 4  # neighbours asked for besides, to see which are equally near; where that is too few, ever more are
_ROUNDED = 1 + 1e-12  # by which the tree's distances may differ from ours
_HELD = 1 << 22  # neighbours held at once


def by_tree(rows: np.ndarray, k: int, metric: str, progress: Progress) -> np.ndarray:
    """Indices ``(n, k)``, by scipy's k-d tree; of equally near ones the earlier rows, however many are at one distance."""
    from scipy.spatial import cKDTree

    progress(0.0, "finding neighbours")
    tree, measured, found = cKDTree(rows), Measured.of(rows, metric), np.empty((len(rows), k), np.int32)

    def work(part: tuple[int, int]) -> None:
        _ask(tree, measured, np.arange(*part), _ORDERS[metric], min(len(rows), k + 1 + _MORE), found)

    in_threads(work, stretches(len(rows), _ROWS), progress.part(0.1, 1.0))
    return found


def _ask(tree: Any, measured: Measured, some: np.ndarray, order: float, count: int, found: np.ndarray) -> None:
    """Find the nearest of some rows among `count` that the tree finds, and among more where these end amid equally near ones."""
    from explorer.neighbors import kernels

    k, again = found.shape[1], []
    for low, high in stretches(len(some), max(1, _HELD // count)):
        asked, nearest = some[low:high], np.empty((high - low, k), np.int32)
        far, near = tree.query(measured.rows[asked], k=count, p=order)
        kernels.settle(asked, near, *measured, nearest)
        found[asked] = nearest
        again.append(asked[far[:, -1] <= far[:, k] * _ROUNDED])  # the k-th besides the row itself
    more = np.concatenate(again)
    if len(more) and count < len(measured.rows):
        _ask(tree, measured, more, order, min(len(measured.rows), 2 * count), found)


__all__ = ["by_tree"]
