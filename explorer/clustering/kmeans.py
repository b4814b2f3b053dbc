"""k-means: a fixed number of round clusters."""

from __future__ import annotations

import warnings

import numpy as np
import param

from explorer.clustering.base import Clusterer
from explorer.installation.takes import Takes
from explorer.step import Output, Progress

BATCHED = 200_000  # rows from which on each round looks at a sample only
_SAMPLE = 4_096


class KMeans(Clusterer):
    """A fixed number of round clusters of similar width; every item belongs to one.

    Lloyd (1982) with the k-means++ start of Arthur & Vassilvitskii (2007); from 200,000 items mini-batches (Sculley, 2010); by
    scikit-learn.
    """

    method = "kmeans"
    packages = ("scikit-learn",)

    n_clusters = param.Integer(10, bounds=(2, 200), softbounds=(2, 50), doc="How many clusters.")
    n_init = param.Integer(
        4, bounds=(1, 100), softbounds=(1, 20), precedence=1,
        doc="How many times to start anew from other places; the tightest clusters of all tries are kept.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Cluster ``(n, d)`` vectors; the codes of the clusters are ``(n,)``."""
        wanted = min(self.n_clusters, len(vectors))
        progress(0.1, "moving the clusters' centres")
        codes = self._best(vectors, wanted, progress.part(0.1, 0.95))
        found = len(np.unique(codes))
        few = f"{found} of {self.n_clusters} clusters have items: there are not more different places"
        notes = () if found == self.n_clusters else (few,)
        return Output(codes, notes=notes)

    def takes(self, n: int, d: int) -> Takes:
        """Measured: some tens of rounds a try, and batches in about as long."""
        return Takes(dense=self.n_init * self.n_clusters * n * (3e-7 + 7e-9 * d), memory=30 * n + 4 * n * d)

    def _best(self, vectors: np.ndarray, wanted: int, progress: Progress) -> np.ndarray:
        """The codes of the try with the least inertia; scikit-learn would run all tries without a look at Stop."""
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        best, least = np.zeros(len(vectors), np.int32), np.inf
        seeds = np.random.SeedSequence(self.random_state).generate_state(self.n_init)
        # With three threads or more, the order in which their sums are added is a matter of chance, and so would be the result.
        with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Number of distinct clusters", category=ConvergenceWarning)
            for number, seed in enumerate(seeds):
                progress(number / len(seeds), f"moving the clusters' centres, try {number + 1} of {len(seeds)}")
                model = self._model(len(vectors), wanted, int(seed)).fit(vectors)
                if model.inertia_ < least:
                    best, least = model.labels_, model.inertia_
        return best

    @staticmethod
    def _model(n: int, wanted: int, seed: int):  # type: ignore[no-untyped-def]  # scikit-learn is not imported for a type
        from sklearn import cluster

        if n >= BATCHED:
            return cluster.MiniBatchKMeans(wanted, n_init=1, batch_size=_SAMPLE, random_state=seed)
        return cluster.KMeans(wanted, n_init=1, random_state=seed)
