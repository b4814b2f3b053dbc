"""What layouts by directions share: signs that never change, as many columns as were asked for, and numbers that fit float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.reduction.magnitude import LARGEST
from explorer.step import Progress

_FEW = 300  # rows of a matrix up to which its eigenvectors are computed at once
_DENSE = 5_000  # rows up to which that is a way out where the Lanczos method does not settle


def upright(places: np.ndarray, loadings: np.ndarray) -> np.ndarray:
    """Places ``(n, k)`` whose signs make the largest of each direction's loadings ``(k, d)`` positive.

    An eigenvector and its negative are the same answer: without this, the same data may come out mirrored.
    """
    largest = loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)]
    return places * np.where(largest < 0, -1.0, 1.0)


def filled(places: np.ndarray, width: int) -> np.ndarray:
    """``(n, width)`` float32 of places ``(n, k)`` with k at most `width`: what is missing is zero, what is too large is scaled."""
    made = np.zeros((len(places), width), np.float32)
    size = float(np.abs(places).max(initial=0.0))
    made[:, : places.shape[1]] = places * (LARGEST / size) if size > LARGEST else places
    return made


def largest(
    matrix: Any, count: int, random_state: int, progress: Progress, tol: float = 0.0, basis: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues ``(k,)`` of a symmetric matrix ``(n, n)``, dense or sparse, and their eigenvectors ``(n, k)``.

    k is `count`, or n where that is less. By the Lanczos method (ARPACK, in scipy) beyond a few hundred rows; Stop is looked for at
    each of its products. The largest entry of each eigenvector is positive.

    Parameters
    ----------
    basis
        How many vectors the Lanczos method keeps; scipy's choice where it is not given.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    n, count, calls = matrix.shape[0], min(count, matrix.shape[0]), 0

    def product(vector: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        progress(1 - 0.99**calls, f"finding the main directions, round {calls}")
        return np.asarray(matrix @ vector)

    progress(0.0, "finding the main directions")
    found = None
    if n > _FEW and count < n // 2:
        start = np.random.default_rng(random_state).uniform(-1, 1, n)
        operator = LinearOperator((n, n), matvec=product, dtype=np.float64)
        try:
            found = eigsh(operator, count, which="LA", v0=start, tol=tol, ncv=None if basis is None else min(basis, n))
        except ArpackNoConvergence as problem:  # eigenvalues that are nearly all the same
            if n > _DENSE:
                found = problem.eigenvalues, problem.eigenvectors
    if found is None:
        dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
        found = eigh(dense, subset_by_index=(n - count, n - 1))
    order = np.argsort(-found[0], kind="stable")
    values, vectors = found[0][order], found[1][:, order]
    return values, upright(vectors, vectors.T)


__all__ = ["filled", "largest", "upright"]
