"""densMAP: dense groups drawn dense and loose ones loose, by a correlation of radii beside UMAP's objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.neighbors import NeighborGraph

FRACTION = 0.3  # of the epochs, the last ones, in which density counts, as in umap-learn
_SHIFT = 0.1  # added to the variance of the layout's radii, as in umap-learn
_LEAST = 1e-8  # added to a squared radius before its logarithm


@dataclass(frozen=True, eq=False)
class Density:
    """What densMAP wants (Narayan, Berger & Cho, Nature Biotechnology 2021): radii as they are among the features, and how firmly.

    Attributes
    ----------
    radii
        ``(n,)`` float64: the logarithm of each item's mean squared distance to its neighbours, of mean 0 and deviation 1; 0 for an
        item without neighbours.
    strength
        dens_lambda.
    fraction
        Of the epochs, how many of the last ones it counts in.
    """

    radii: np.ndarray
    strength: float
    fraction: float = FRACTION

    def counts(self, epoch: int, epochs: int) -> bool:
        """Whether it counts in an epoch."""
        return self.strength > 0 and (epoch + 1) / epochs > 1 - self.fraction

    def leaning(self, sums: np.ndarray, weight: float) -> np.ndarray:
        """How much each point's radius on the map is to grow, ``(2 n,)`` float32, as the kernel reads it.

        The correlation's derivative by a point's squared radius, over that radius and as it is: an edge's is made of its two ends'.

        Parameters
        ----------
        sums
            ``(n, 2)``: of each point's edges, phi and phi times the squared distance.
        weight
            The weights of all edges together, over the largest.
        """
        beside = sums[:, 0] > 0
        held, n = sums[beside].astype(np.float64), int(beside.sum())
        made = np.zeros((len(sums), 2), np.float32)
        if n < 2:
            return made.ravel()
        radii, wanted = np.log(_LEAST + held[:, 1] / held[:, 0]), self.radii[beside]
        spread = np.sqrt(radii.var() + _SHIFT)
        together = (radii * wanted).sum() / (n - 1)
        grow = (wanted - together * (radii - radii.mean()) / spread**2) / (2 * held[:, 0])  # an edge and the edge back: twice phi
        grow *= self.strength * weight / (spread * n)
        made[beside] = np.column_stack([grow * np.exp(-radii), grow])
        return made.ravel()


def local_radii(neighbors: NeighborGraph, graph: Any, epochs: int) -> np.ndarray:
    """``(n,)`` float64 standardised log radii: mean squared distance to the neighbours in a fuzzy graph ``(n, n)``, by its weights.

    Edges too weak to be due in so many epochs do not count, as they do not for the layout.
    """
    import scipy.sparse as sparse

    n, k = neighbors.indices.shape
    known = (neighbors.indices >= 0) & np.isfinite(neighbors.distances)
    rows = np.repeat(np.arange(n), k)[known.ravel()]
    square = neighbors.distances[known].astype(np.float64) ** 2
    far = sparse.csr_matrix((square, (rows, neighbors.indices[known])), shape=(n, n))
    held = graph.astype(np.float64)
    held.data[held.data < held.data.max(initial=0.0) / epochs] = 0
    total = np.asarray(held.sum(axis=1)).ravel()
    beside = total > 0
    made = np.zeros(n)
    mean = np.asarray(held.multiply(far.maximum(far.T)).sum(axis=1)).ravel()[beside] / total[beside]
    logs = np.log(_LEAST + mean)
    made[beside] = (logs - logs.mean()) / (logs.std() or 1.0) if beside.any() else 0.0
    return made
