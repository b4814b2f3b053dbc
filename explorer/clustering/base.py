"""What every clusterer shares: what it runs on is a setting, rows without a value are noise, clusters are numbered by size."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import param

from explorer.errors import InputError
from explorer.installation.takes import Takes
from explorer.step import Output, Progress, Step, as_output


class Clusterer(Step):
    """A step from vectors ``(n, d)`` or a layout ``(n, 2)`` to clusters ``(n,)`` int32; -1 is noise, 0 is the largest."""

    kind = "cluster"

    on = param.Selector(
        default="layout", objects=["layout", "pca", "vectors"],
        doc="What is clustered: the layout as you see it, the first principal components of the vectors, or the whole vectors.",
    )  # fmt: skip
    n_components = param.Integer(
        20, bounds=(2, 512), softbounds=(2, 100), precedence=1, doc="How many principal components, where clustering runs on pca."
    )

    def apply(self, data: np.ndarray, progress: Progress) -> Output:
        """Cluster the rows that have a value.

        Raises
        ------
        InputError
            When fewer than three rows have a value.
        """
        given = np.asarray(data)
        valid = np.isfinite(given).all(axis=1)
        if valid.sum() < 3:
            raise InputError(f"{int(valid.sum())} of {len(given):,} rows have a value; clusters need at least 3")
        rows = _roomy(given[valid])
        if self.on == "pca" and min(rows.shape) > self.n_components:
            rows = self._components(rows)
        made = as_output(self.compute(rows, progress))
        clusters = np.full(len(given), -1, np.int32)
        clusters[valid] = _by_size(np.asarray(made.values))
        arrays = {name: _scattered(array, valid) for name, array in made.arrays.items()}
        return made._replace(values=clusters, arrays=arrays)

    def takes(self, n: int, d: int) -> Takes | None:
        """What `compute` takes on ``(n, d)`` rows; None where it is not known. Each method has its own."""
        return None

    def recuts(self, settings: Mapping[str, Any]) -> bool:
        """Whether a run takes what takes long from a run of the same rows with those settings, and is done at once."""
        return False

    def estimate(self, n: int, d: int) -> Takes | None:
        """What a run takes on ``(n, d)`` vectors or a layout; None where it is not known."""
        if self.on != "pca" or d <= self.n_components:
            found = self.takes(n, d)
            return None if found is None else found.beside(4 * n * d)
        covariance = d <= 1_000 and n >= 10 * d  # else scikit-learn takes random projections
        products = n * d**2 if covariance else 100 * n * d * self.n_components
        first, then = Takes(dense=3e-11 * products, memory=8 * n * d), self.takes(n, self.n_components)
        return None if then is None else first.then(then).beside(4 * n * d)

    def _components(self, rows: np.ndarray) -> np.ndarray:
        from sklearn.decomposition import PCA

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"sklearn\.")  # rows that are all equal: 0 / 0
            return np.asarray(PCA(self.n_components, random_state=self.random_state).fit_transform(rows), dtype=rows.dtype)


def _roomy(rows: np.ndarray) -> np.ndarray:
    """Rows in float32, or in float64 where the squares of float32 would overflow or vanish."""
    size = max(abs(float(rows.max())), abs(float(rows.min())))
    if size == 0 or 1e-12 <= size <= 1e15:
        return np.ascontiguousarray(rows, dtype=np.float32)
    return np.ascontiguousarray(np.clip(rows.astype(np.float64), -1e100, 1e100))


def _by_size(codes: np.ndarray) -> np.ndarray:
    """Renumber so that 0 is the largest cluster and ties go by first appearance; every negative code is noise."""
    clusters = np.full(len(codes), -1, np.int32)
    found, first, numbers, counts = np.unique(codes[codes >= 0], return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(found), np.int32)
    rank[np.lexsort((first, -counts))] = np.arange(len(found))
    clusters[codes >= 0] = rank[numbers]
    return clusters


def _scattered(array: np.ndarray, valid: np.ndarray) -> np.ndarray:
    whole = np.zeros(len(valid), array.dtype)
    whole[valid] = array
    return whole
