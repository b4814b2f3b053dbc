"""HDBSCAN: dense places of any shape, and what lies between them as noise."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import param

from explorer.clustering.base import Clusterer
from explorer.step import Output, Progress

# Measured in docs/measured-clustering.md: for fewer rows compiling costs more than it saves; in more columns its tree does not pay.
FAST_ROWS, FAST_COLUMNS = 30_000, 5


class HDBSCAN(Clusterer):
    """Dense places of any shape, as many as there are; what lies between them is noise.

    Campello, Moulavi & Sander (2013); by scikit-learn, or by fast_hdbscan for many rows of few columns, as a layout has. The array
    ``probability`` ``(n,)`` says how firmly an item belongs to its cluster: 1 at the heart, 0 for noise.
    """

    method = "hdbscan"
    packages = ("scikit-learn", "fast-hdbscan")

    min_cluster_size = param.Integer(
        20, bounds=(2, 100_000), softbounds=(2, 100), doc="How many items a group must have at least to count as a cluster."
    )
    min_samples = param.Integer(
        5, bounds=(1, 10_000), softbounds=(1, 100), allow_None=True, precedence=1,
        doc="How many neighbours make a place dense: more gives more noise; none means as many as min_cluster_size.",
    )  # fmt: skip
    cluster_selection_method = param.Selector(
        default="eom", objects=["eom", "leaf"], precedence=1,
        doc="Which clusters of the tree are taken: eom the most lasting ones, leaf the smallest and most even ones.",
    )  # fmt: skip
    cluster_selection_epsilon = param.Number(
        0.0, bounds=(0.0, None), softbounds=(0.0, 5.0), step=0.1, precedence=1,
        doc="Clusters closer together than this are one cluster, in the unit of what is clustered; 0 never joins any.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Cluster ``(n, d)`` vectors; codes are ``(n,)``, -1 is noise."""
        n = len(vectors)
        if self.min_cluster_size > n:
            note = f"all noise: min_cluster_size is {self.min_cluster_size:,} and there are {n:,} items; lower it"
            return Output(np.full(n, -1, np.int32), {"probability": np.zeros(n, np.float32)}, (note,))
        progress(0.1, "measuring how dense each place is")
        samples = min(self.min_samples or self.min_cluster_size, n - 1)
        if _fits_fast(vectors):
            codes, probability = self._fast(vectors, samples)
        else:
            codes, probability = self._sklearn(vectors, samples)
        progress(0.95, "numbering the clusters")
        return Output(codes, {"probability": _probability(codes, probability)}, _said(codes))

    def _sklearn(self, vectors: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.cluster import HDBSCAN as Sklearn  # noqa: N811  two classes of one name

        with warnings.catch_warnings():
            # Many equal rows are infinitely dense: 1 / 0 is meant.
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"sklearn\.")
            model = Sklearn(min_samples=samples, copy=True, **self._shared()).fit(vectors)
        return model.labels_, model.probabilities_

    def _fast(self, vectors: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
        import numba
        from fast_hdbscan import HDBSCAN as Fast  # noqa: N811  two classes of one name

        before = numba.get_num_threads()
        # One thread gives the same clusters every time and on every machine. `reproducible=True` does so too, but its threads wait
        # for each other thousands of times: 24 s instead of 0.3 s when another program uses the cores.
        numba.set_num_threads(1)
        try:
            # scikit-learn counts the item itself among its neighbours, fast_hdbscan does not.
            model = Fast(min_samples=max(samples - 1, min(samples, 2)), **self._shared()).fit(vectors)
        finally:
            numba.set_num_threads(before)
        return model.labels_, model.probabilities_

    def _shared(self) -> dict[str, Any]:
        names = ("min_cluster_size", "cluster_selection_method", "cluster_selection_epsilon")
        return {name: getattr(self, name) for name in names}


def _fits_fast(vectors: np.ndarray) -> bool:
    """Whether fast_hdbscan is the quicker one; it counts in float32."""
    return len(vectors) >= FAST_ROWS and vectors.shape[1] <= FAST_COLUMNS and vectors.dtype == np.float32


def _probability(codes: np.ndarray, given: np.ndarray) -> np.ndarray:
    return np.where(codes >= 0, np.clip(np.nan_to_num(given, nan=1.0), 0.0, 1.0), 0.0).astype(np.float32)


def _said(codes: np.ndarray) -> tuple[str, ...]:
    if (codes < 0).all():
        return ("no place is dense enough: all noise; lower min_cluster_size or min_samples",)
    return ()
