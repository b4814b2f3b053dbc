"""Ranks: how many rows lie nearer to an item than another does, counted in blocks; of equally far ones none is nearer."""

from __future__ import annotations

import numpy as np

from explorer.neighbors import comparable
from explorer.step import Progress

QUERIES, ROWS = 512, 4_096  # of one block of distances: 16 MB
_ROUNDING = 1e-11  # of a squared distance, per squared length: what differs by less counts as equally far
_NAMES = {"manhattan": "cityblock", "chebyshev": "chebyshev"}


class Space:
    """Rows ``(n, d)``, all finite, and how far they are from one another under a metric of `explorer.neighbors`.

    Distances are squared for euclidean, and for cosine and correlation, which are euclidean distances of rows made comparable.
    """

    def __init__(self, rows: np.ndarray, metric: str = "euclidean") -> None:
        self.rows = comparable(rows, metric)
        self._by_name = _NAMES.get(metric)
        self._middle = self.rows.mean(axis=0, dtype=np.float64)  # far from the origin, squares would lose their digits

    def of(self, rows: np.ndarray | slice) -> np.ndarray:
        """Some rows, ``(m, d)`` float64."""
        return np.asarray(self.rows[rows], np.float64) - self._middle

    def between(self, some: np.ndarray, others: np.ndarray) -> np.ndarray:
        """``(m, b)``: how far each of ``(m, d)`` is from each of ``(b, d)``, but for rounding."""
        if self._by_name:
            from scipy.spatial.distance import cdist

            return np.asarray(cdist(some, others, self._by_name))
        lengths = (np.einsum("ij,ij->i", rows, rows) for rows in (some, others))
        made = some @ others.T
        made *= -2.0
        made += next(lengths)[:, None]
        made += next(lengths)
        return np.asarray(made)

    def apart(self, some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``(m,)`` each: how far pairs of ``(m, d)`` are, to the last digit, and what `between` may be off by."""
        gap = some - others
        if self._by_name:
            far = np.abs(gap).sum(axis=1) if self._by_name == "cityblock" else np.abs(gap).max(axis=1)
            return far, _ROUNDING * far
        lengths = np.einsum("ij,ij->i", some, some) + np.einsum("ij,ij->i", others, others)
        return np.einsum("ij,ij->i", gap, gap), _ROUNDING * lengths

    def plain(self, squares: np.ndarray) -> np.ndarray:
        """Distances of which a triangle's two sides are longer than the third, out of what `apart` gives."""
        return squares if self._by_name else np.sqrt(squares)


def narrowed(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows in float32, as every reducer sees them, so that their graph of neighbours is the same one."""
    some = vectors if len(rows) == len(vectors) else vectors[rows]  # not copied where all are wanted: it may be gigabytes
    largest = np.finfo(np.float32).max
    wide = some.dtype.kind == "f" and some.dtype.itemsize > 4
    return np.ascontiguousarray(np.clip(some, -largest, largest) if wide else some, np.float32)


def ranks(space: Space, asked: np.ndarray, others: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """``(m, k)`` int64: 1 for a row's nearest other, 2 for the next; 0 where the other is -1.

    Parameters
    ----------
    asked, others
        ``(m,)`` rows, and ``(m, k)`` rows whose rank among all others is wanted.
    """
    done, m = progress or Progress(), len(asked)
    found = np.zeros(others.shape, np.int64)
    for start in range(0, m, QUERIES):
        stop = min(m, start + QUERIES)
        found[start:stop] = _block(space, asked[start:stop], others[start:stop], done.part(start / m, stop / m))
    return np.where(others >= 0, found + 1, 0)


def _block(space: Space, asked: np.ndarray, others: np.ndarray, progress: Progress) -> np.ndarray:
    """How many rows are nearer, ``(m, k)``."""
    from explorer.insight.quality.kernels import count_nearer

    here = space.of(asked)
    limits = np.full(others.shape, -np.inf)
    for column in range(others.shape[1]):
        far, rounding = space.apart(here, space.of(np.maximum(others[:, column], 0)))
        limits[:, column] = np.where(others[:, column] >= 0, far - rounding, -np.inf)
    order = np.argsort(limits, axis=1)
    limits, counts = np.take_along_axis(limits, order, axis=1), np.zeros(others.shape, np.int64)
    for start in range(0, len(space.rows), ROWS):
        progress(start / len(space.rows), "comparing ranks")
        distances = space.between(here, space.of(slice(start, start + ROWS)))
        own = np.flatnonzero((asked >= start) & (asked < start + ROWS))
        distances[own, asked[own] - start] = np.inf
        count_nearer(distances, limits, counts)
    found = np.zeros_like(counts)
    np.put_along_axis(found, order, counts, axis=1)
    return found


__all__ = ["Space", "narrowed", "ranks"]
