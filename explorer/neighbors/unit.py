"""Neighbours by angle out of kept ones by distance, for rows of about one length: the order is the same but for rounding."""

from __future__ import annotations

import numpy as np

from explorer.neighbors.board import Measured
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

_ALIKE = 1e-5  # by which lengths may differ, of the longest: float32 rounds those of rows of length 1 by less
_ROUNDED = 1 - 1e-6  # what is kept in float32 may be so much too large
_MARGIN = 1e-13  # of a measured square
_FEW = 500  # rows for one that may be measured against all others, which costs less than a search
_ROWS = 16_384


def of_one_length(rows: np.ndarray) -> bool:
    """Whether all rows ``(n, d)`` are of about one length; most others are told by their first."""
    return _alike(lengths(rows[:256])) and _alike(lengths(rows))


def lengths(rows: np.ndarray) -> np.ndarray:
    """``(n,)`` float64."""
    found = np.empty(len(rows))
    for low in range(0, len(rows), _ROWS):
        found[low : low + _ROWS] = np.linalg.norm(rows[low : low + _ROWS].astype(np.float64), axis=1)
    return found


def _alike(found: np.ndarray) -> bool:
    return bool(len(found) and found.min() > 0 and found.max() - found.min() <= _ALIKE * found.max())


def by_angle(rows: np.ndarray, indices: np.ndarray, distances: np.ndarray, k: int) -> np.ndarray | None:
    """The `k` nearest by cosine, ``(n, k)``, out of more by euclidean distance that are exact; None where too many are in doubt.

    A row that is not among these is at least as far as the last of them, so its direction is at least ``(far² - (difference of the
    lengths)²) / (product of the lengths)`` away, squared. Where that is more than the k-th has, the k are those that a search by
    angle finds; elsewhere, as among many that are equally near, every row is measured.
    """
    from explorer.neighbors import kernels

    n, long = len(rows), lengths(rows)
    places, apart, how = indices.copy(), np.empty(indices.shape), Measured.of(rows, "cosine")
    in_threads(lambda part: kernels.measure(*part, *how, places, apart), stretches(n, 8_192), Progress())
    between = np.maximum(long - long.min(), long.max() - long)
    least = ((distances[:, -1].astype(np.float64) * _ROUNDED) ** 2 - between**2) / (long * long.max())
    sure = apart[:, k - 1] < least * _ROUNDED - _MARGIN
    doubtful = [] if indices.shape[1] == n - 1 else np.flatnonzero(~sure).tolist()
    if len(doubtful) > max(8, n // _FEW):
        return None
    every = np.arange(n, dtype=np.int32)[None]

    def work(row: int) -> None:
        nearest = np.empty((1, k), np.int32)
        kernels.settle(np.array([row]), every, *how, nearest)
        places[row, :k] = nearest[0]

    in_threads(work, doubtful, Progress())
    return np.ascontiguousarray(places[:, :k])


__all__ = ["by_angle", "of_one_length"]
