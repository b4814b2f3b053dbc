"""Laplacian eigenmaps: the slowest waves on the neighbour graph as axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.neighbors.takes import graph_takes
from explorer.reduction.directions import largest, upright
from explorer.reduction.links import linked, pieces, weighed
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.step import Output, Progress

_TOLERANCE = 1e-6  # of an eigenvalue: far finer than can be seen
_GAP = 0.1  # between two pieces, of the larger one's side


class Spectral(NeighborReducer):
    """Opens up the neighbour graph: ends of chains and weakly linked groups lie far out, all that is well linked near the middle.

    Laplacian eigenmaps (Belkin & Niyogi, 2003) of the graph of neighbours, by scipy's Lanczos method; where UMAP starts from.
    Pieces without a link between them are laid out each by itself, side by side: how far apart these lie means nothing.
    """

    method = "spectral"
    packages = ("scipy", "scikit-learn")

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is linked with: few shows fine chains or falls to pieces, many shows the large shape.",
    )  # fmt: skip
    weights = param.Selector(
        default="binary", objects=["binary", "heat"], precedence=1,
        doc="Whether all neighbours count the same (binary), or the nearer ones for more (heat).",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, 2)``; each axis has about variance 1 where all is in one piece."""
        rows, notes = tamed(vectors)
        if len(rows) < 2:
            progress(0.5, "laying out")
            return Output(np.zeros((len(rows), 2), np.float32), notes=notes)
        k = min(self.n_neighbors, len(rows) - 1)
        graph = self.graph(rows, k, progress.part(0.0, 0.4))
        weights = weighed(linked(graph), self.weights)
        count, piece = pieces(weights)
        if count == 1:
            places = waves(weights, 2, self.random_state, progress.part(0.4, 1.0))
            return Output(places.astype(np.float32), notes=notes)
        places = self._apart(weights, piece, count, progress.part(0.4, 1.0))
        note = f"the neighbour graph is in {count:,} pieces, laid out side by side; raise n_neighbors to join them"
        return Output(places.astype(np.float32), notes=(*notes, note))

    def _apart(self, weights: Any, piece: np.ndarray, count: int, progress: Progress) -> np.ndarray:
        """Places ``(n, 2)`` of a graph in pieces, each within a square as large as it has items."""
        members = np.split(np.argsort(piece, kind="stable"), np.cumsum(np.bincount(piece))[:-1])
        members.sort(key=lambda rows: (-len(rows), rows[0]))
        corners = shelves(np.sqrt([len(rows) for rows in members]))
        places, done = np.empty((len(piece), 2)), 0
        for rows, corner in zip(members, corners, strict=True):
            part = progress.part(done / len(piece), (done + len(rows)) / len(piece))
            part(0.0, f"laying out {count:,} pieces")
            own = waves(weights[rows][:, rows], 2, self.random_state, part)
            low, wide = own.min(axis=0), float(np.ptp(own, axis=0).max()) or 1.0
            places[rows] = corner + (own - low) * (np.sqrt(len(rows)) / wide)
            done += len(rows)
        return places

    def takes(self, n: int, d: int) -> Takes:
        """Measured: exact neighbours, then some hundred products with the graph; more where there are long chains."""
        links = 1.6 * n * self.n_neighbors
        return graph_takes(n, d, self.n_neighbors).then(
            Takes(sparse=3e-9 * links * 2 * np.sqrt(n), memory=4 * 12 * links + 30 * 8 * n)
        )


def waves(weights: Any, count: int, random_state: int, progress: Progress) -> np.ndarray:
    """The `count` slowest waves on a connected graph, ``(n, count)``, weighted mean 0 and variance 1; zero where there are fewer.

    Eigenvectors of the random walk's matrix after its first, which is constant, scaled as scikit-learn's SpectralEmbedding scales
    them, but to variance 1.
    """
    from scipy.sparse import diags_array

    n = weights.shape[0]
    made = np.zeros((n, count))
    if n == 1:
        return made
    roots = np.sqrt(np.asarray(weights.sum(axis=1)).ravel())
    scale = diags_array(1 / roots)
    even = scale @ weights @ scale
    _, vectors = largest(even, count + 1, random_state, progress, _TOLERANCE)
    found = vectors[:, 1:] / roots[:, None] * np.sqrt((roots**2).sum())
    made[:, : found.shape[1]] = upright(found, found.T)
    return made


def shelves(sides: np.ndarray) -> np.ndarray:
    """Lower left corners ``(m, 2)`` of squares of falling sides, side by side in rows that make about a square of the whole."""
    gaps = _GAP * sides[0]
    wide = 1.1 * float(np.sqrt(((sides + gaps) ** 2).sum()))
    corners, x, y = np.zeros((len(sides), 2)), 0.0, 0.0
    for number, side in enumerate(sides):
        if x and x + side > wide:
            x, y = 0.0, y - gaps - float(side)
        corners[number] = x, y
        x += float(side) + gaps
    return corners
