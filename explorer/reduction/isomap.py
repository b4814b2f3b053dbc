"""Isomap: distances along the neighbour graph, as the crow walks, become distances on the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.neighbors.takes import graph_takes
from explorer.reduction.directions import filled, largest
from explorer.reduction.kernel_pca import sample
from explorer.reduction.links import ASKED, joined, linked
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.pca import ALL_EQUAL
from explorer.step import Output, Progress

_PATHS = 4_000_000  # lengths of paths worked out in one go: 32 MB
_BLOCK = 4_096  # items placed in one go
_NOTHING = 1e-9  # an eigenvalue, of the largest one, below which it is rounding


class Isomap(NeighborReducer):
    """Unrolls a curved sheet: distances on the map are lengths of the shortest ways from neighbour to neighbour.

    Tenenbaum, de Silva & Langford (2000), and with more items than `landmarks` the landmark variant of de Silva & Tenenbaum (2004):
    a sample is laid out by the ways between its members, and every other item by its ways to these. Paths by scipy.
    """

    method = "isomap"
    packages = ("scipy", "scikit-learn")
    widest = None

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is linked with: too many make short cuts across the sheet's folds, too few tear it.",
    )  # fmt: skip
    landmarks = param.Integer(
        1_000, bounds=(10, 50_000), softbounds=(100, 5_000), precedence=1,
        doc="How many items the ways are measured from: time and memory grow with it; up to so many items it is Isomap itself.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, width)``, in the metric's own unit."""
        rows, notes = tamed(vectors)
        if len(rows) < 2:
            return Output(np.zeros((len(rows), self.width), np.float32), notes=(*notes, ALL_EQUAL))
        k = min(self.n_neighbors, len(rows) - 1)
        graph = self.graph(rows, k, progress.part(0.0, 0.2))
        links, count = joined(linked(graph), rows, self.metric, self.random_state, progress.part(0.2, 0.3))
        if count > 1:
            notes = (*notes, f"the neighbour graph is in {count:,} pieces, joined here by their shortest links; raise n_neighbors")
        marks = sample(len(rows), self.landmarks, self.random_state)
        size = float(links.data.max())
        ways = _ways(links / size, marks, progress.part(0.3, 0.8))
        places = size * _placed(ways, marks, self.width, self.random_state, progress.part(0.8, 1.0))
        if len(marks) < len(rows):
            notes = (*notes, f"laid out by {len(marks):,} of {len(rows):,} items (landmarks), the others by their ways to these")
        return Output(filled(places, self.width), notes=notes)

    def takes(self, n: int, d: int) -> Takes:
        """Measured: neighbours, links between pieces, as if there were some, one search for shortest ways from each landmark."""
        marks, asked = min(n, self.landmarks), min(n, ASKED)
        return graph_takes(n, d, self.n_neighbors).then(
            Takes(
                dense=1.5e-10 * asked**2 * d,
                sparse=0.1 + 1.5e-8 * asked**2 + 2.4e-10 * marks * n**1.5 * self.n_neighbors + 2e-9 * marks**2 * (20 + self.width),
                memory=4 * marks * n + 3 * 8 * marks**2 + 5 * 12 * n * self.n_neighbors + 3 * 8 * max(_PATHS, n),
            )
        )


def _ways(links: Any, marks: np.ndarray, progress: Progress) -> np.ndarray:
    """``(m, n)`` float32: the lengths of the shortest ways from landmarks to all items."""
    from scipy.sparse.csgraph import dijkstra

    n = links.shape[0]
    ways = np.empty((len(marks), n), np.float32)
    step = max(1, min(_PATHS // n, len(marks) // 20))
    for start in range(0, len(marks), step):
        progress(start / len(marks), f"finding the shortest ways, {start:,} of {len(marks):,}")
        ways[start : start + step] = dijkstra(links, directed=False, indices=marks[start : start + step])
    return ways


def _placed(ways: np.ndarray, marks: np.ndarray, width: int, random_state: int, progress: Progress) -> np.ndarray:
    """``(n, k)``, k at most `width`, by classical scaling of the landmarks and triangulation of all others."""
    between = ways[:, marks].astype(np.float64) ** 2
    between = (between + between.T) / 2
    means = between.mean(axis=0)
    centred = -0.5 * (between - means - (means[:, None] - means.mean()))
    values, directions = largest(centred, width, random_state, progress)
    kept = values > _NOTHING * max(float(values[0]), 0.0)
    values, directions = values[kept], directions[:, kept]
    if len(marks) == ways.shape[1]:
        return np.asarray(directions * np.sqrt(values))
    onto, places = directions / np.sqrt(values), np.empty((ways.shape[1], len(values)))
    for start in range(0, len(places), _BLOCK):
        squares = ways[:, start : start + _BLOCK].T.astype(np.float64) ** 2
        places[start : start + _BLOCK] = -0.5 * (squares - means) @ onto
    return places
