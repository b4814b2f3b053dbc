"""Rows for which angles are distances: whoever knows euclidean neighbours only finds those of cosine and correlation."""

from __future__ import annotations

import numpy as np

ANGULAR = ("cosine", "correlation")
_ROWS = 16_384  # rows worked out at once, in float64
_CONSTANT = 1e-6  # a row that is constant but for so little has no correlation with anything


def comparable(vectors: np.ndarray, metric: str) -> np.ndarray:
    """Vectors whose euclidean neighbours are the neighbours under an angular `metric`; others come back as they are.

    Cosine distance is half the squared euclidean distance of rows of length 1, correlation the same after centring each row. A row
    of zeros has no direction: it gets one column of its own, so that it is at distance 1 from every other, as if orthogonal.
    """
    if metric not in ANGULAR:
        return vectors
    n, d = vectors.shape
    rows, nothing = np.empty((n, d), np.float32), np.empty(n, bool)
    for low in range(0, n, _ROWS):
        rows[low : low + _ROWS], nothing[low : low + _ROWS] = _directed(vectors[low : low + _ROWS], metric)
    return np.hstack([rows, nothing[:, None].astype(np.float32)]) if nothing.any() else rows


def _directed(vectors: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, and which have no direction and are zeros."""
    rows = vectors.astype(np.float64)
    if metric == "correlation":
        rows -= rows.mean(axis=1, keepdims=True)
    size = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    nothing = size <= np.abs(vectors).max(axis=1, keepdims=True, initial=0) * _CONSTANT
    rows = np.divide(rows, size, out=np.zeros_like(rows), where=~nothing)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=rows, where=length > 0).astype(np.float32), nothing[:, 0]


def directions(vectors: np.ndarray, metric: str) -> np.ndarray:
    """``(n, 3)`` float64: each row's mean (correlation) or 0, what makes it of length 1, and 1 where it has no direction."""
    about = np.zeros((len(vectors), 3))
    for low in range(0, len(vectors), _ROWS):
        rows, part = vectors[low : low + _ROWS].astype(np.float64), about[low : low + _ROWS]
        size = np.abs(rows).max(axis=1, initial=0) * _CONSTANT
        if metric == "correlation":
            part[:, 0] = rows.mean(axis=1)
            rows -= part[:, :1]
        part[:, 2] = np.abs(rows).max(axis=1, initial=0) <= size
        length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        part[:, 1] = np.divide(1, length, out=np.zeros(len(rows)), where=(length > 0) & (part[:, 2] == 0))
    return about


__all__ = ["ANGULAR", "comparable", "directions"]
