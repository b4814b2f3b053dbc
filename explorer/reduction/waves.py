"""The slowest waves on a graph: eigenvectors of its random walk, by a band where the graph is long and thin, else by Lanczos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from explorer.reduction.directions import largest, upright
from explorer.step import Progress

TOLERANCE = 1e-6  # of an eigenvalue: far finer than can be seen
WORK = 1e10  # multiplications for a band at most: some seconds of a core
_LONG = 10  # times as many items as its band is wide, from which on a graph is long
_AWAY = 3.0  # subtracted from the constant's eigenvalue, 1: none is then below it
_FEW = 300  # items up to which all eigenvectors are computed
_KEPT = 60  # vectors that the Lanczos method keeps: with more it begins anew less often
_LEAST = 1e-11  # added to the diagonal of a band, so that it can be inverted


def waves(weights: Any, count: int, random_state: int, progress: Progress) -> np.ndarray:
    """The `count` slowest waves on a connected graph, ``(n, count)``, weighted mean 0 and variance 1; zero where there are fewer.

    Eigenvectors of the random walk's matrix but for the constant, which is known and taken out, scaled as scikit-learn's
    SpectralEmbedding scales them, but to variance 1.
    """
    from scipy.sparse import diags_array

    n = weights.shape[0]
    made = np.zeros((n, count))
    if n == 1:
        return made
    roots = np.sqrt(np.asarray(weights.sum(axis=1)).ravel())
    scale = diags_array(1 / roots)
    even = (scale @ weights @ scale).tocsr()
    constant = roots / np.linalg.norm(roots)
    vectors = _slowest(even, constant, min(count, n - 1), random_state, progress)
    found = vectors / roots[:, None] * np.sqrt((roots**2).sum())
    made[:, : found.shape[1]] = upright(found, found.T)
    return made


def _slowest(even: Any, constant: np.ndarray, count: int, random_state: int, progress: Progress) -> np.ndarray:
    """Eigenvectors ``(n, count)`` of the largest eigenvalues, none of them along the constant ``(n,)``."""
    if len(constant) <= _FEW:
        return largest(even.toarray() - _AWAY * np.outer(constant, constant), count, random_state, progress)[1]
    order, wide = _in_line(even)
    if wide * _LONG > len(order) or len(order) * wide**2 > WORK:
        without = _Without(even, constant)
        return largest(without, count, random_state, progress, TOLERANCE, max(_KEPT, 2 * count + 1))[1]
    made = np.empty((len(order), count))
    inverse = _inverse(even[order][:, order].tocoo(), wide, constant[order], progress.part(0.0, 0.5))
    made[order] = largest(inverse, count, random_state, progress.part(0.5, 1.0), TOLERANCE)[1]
    return made


def _in_line(even: Any) -> tuple[np.ndarray, int]:
    """The items ``(n,)`` in an order in which linked ones stand near each other, and how far apart at most.

    By Cuthill & McKee (1969), reversed, in scipy.
    """
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = reverse_cuthill_mckee(even, symmetric_mode=True)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(place, np.diff(even.indptr))
    return order, int(np.abs(rows - place[even.indices]).max(initial=0))


class _Without(NamedTuple):
    """The matrix with the constant as its last eigenvector."""

    even: Any
    constant: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        n = len(self.constant)
        return n, n

    def __matmul__(self, vector: np.ndarray) -> np.ndarray:
        return np.asarray(self.even @ vector - _AWAY * self.constant * (self.constant @ vector))

    def toarray(self) -> np.ndarray:
        """The same, dense."""
        return np.asarray(self.even.toarray() - _AWAY * np.outer(self.constant, self.constant))


class _Inverse(NamedTuple):
    """The inverse of one less the matrix, beside the constant: its largest eigenvalues are far apart where the graph is long."""

    solve: Callable[[np.ndarray], np.ndarray]
    constant: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        n = len(self.constant)
        return n, n

    def __matmul__(self, vector: np.ndarray) -> np.ndarray:
        return self._beside(self.solve(self._beside(vector)))

    def _beside(self, vector: np.ndarray) -> np.ndarray:
        return np.asarray(vector - self.constant * (self.constant @ vector))


def _inverse(even: Any, wide: int, constant: np.ndarray, progress: Progress) -> _Inverse:
    """By Cholesky's method on the band, `wide` items to each side of the diagonal: as quick as the graph is thin."""
    from scipy.linalg import cho_solve_banded, cholesky_banded

    progress(0.0, "unrolling the graph")
    n = len(constant)
    band, low = np.zeros((wide + 1, n)), even.row >= even.col
    band[(even.row - even.col)[low], even.col[low]] = -even.data[low]
    band[0] += 1 + max(n**-2.0, _LEAST)
    factors = cholesky_banded(band, overwrite_ab=True, lower=True)
    progress(1.0, "unrolling the graph")
    return _Inverse(lambda vector: np.asarray(cho_solve_banded((factors, True), vector)), constant)


__all__ = ["TOLERANCE", "WORK", "waves"]
