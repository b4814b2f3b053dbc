"""Laplacian eigenmaps: the slowest waves on the neighbour graph as axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.neighbors.takes import graph_takes
from explorer.reduction.links import linked, pieces, weighed
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.waves import WORK, waves
from explorer.step import Output, Progress

_WEAK = 1e-6  # of the strongest link: a weaker one is none
_COLUMNS = 200  # given at most
_GAP = 0.1  # between two pieces, of the larger one's side


class Spectral(NeighborReducer):
    """Opens up the neighbour graph: ends of chains and weakly linked groups lie far out, all that is well linked near the middle.

    Laplacian eigenmaps (Belkin & Niyogi, 2003) of the graph of neighbours, by scipy; UMAP starts from nearly the same.
    Pieces without a link between them are laid out each by itself, side by side: how far apart these lie means nothing.
    """

    method = "spectral"
    version = 2
    packages = ("scipy", "scikit-learn")
    widest = _COLUMNS

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is linked with: few shows fine chains or falls to pieces, many shows the large shape.",
    )  # fmt: skip
    weights = param.Selector(
        default="binary", objects=["binary", "heat"], precedence=1,
        doc="Whether all neighbours count the same (binary), or the nearer ones for more (heat).",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, to ``(n, width)``; axes have about variance 1 where all is in one piece."""
        rows, notes = tamed(vectors)
        if len(rows) < 2:
            progress(0.5, "laying out")
            return Output(np.zeros((len(rows), self.width), np.float32), notes=notes)
        k = min(self.n_neighbors, len(rows) - 1)
        graph = self.graph(rows, k, progress.part(0.0, 0.4))
        every = weighed(linked(graph), self.weights)
        weights = without_weak(every)
        count, piece = pieces(weights)
        if count == 1:
            places = waves(weights, self.width, self.random_state, progress.part(0.4, 1.0))
            return Output(places.astype(np.float32), notes=notes)
        places = self._apart(weights, piece, count, progress.part(0.4, 1.0))
        note = f"the neighbour graph is in {count:,} pieces, laid out side by side; "
        if count > pieces(every)[0]:
            note += "links weaker than a millionth of the others count as none: weights=binary or more n_neighbors join them"
        else:
            note += "raise n_neighbors to join them"
        return Output(places.astype(np.float32), notes=(*notes, note))

    def _apart(self, weights: Any, piece: np.ndarray, count: int, progress: Progress) -> np.ndarray:
        """Places ``(n, width)`` of a graph in pieces, on the first two axes each within a square as large as it has items."""
        members = np.split(np.argsort(piece, kind="stable"), np.cumsum(np.bincount(piece))[:-1])
        members.sort(key=lambda rows: (-len(rows), rows[0]))
        corners = shelves(np.sqrt([len(rows) for rows in members]))
        places, done = np.empty((len(piece), self.width)), 0
        for rows, corner in zip(members, corners, strict=True):
            part = progress.part(done / len(piece), (done + len(rows)) / len(piece))
            part(0.0, f"laying out {count:,} pieces")
            own = waves(weights[rows][:, rows], self.width, self.random_state, part)
            low, wide = own.min(axis=0), float(np.ptp(own, axis=0).max()) or 1.0
            places[rows] = (own - low) * (np.sqrt(len(rows)) / wide)
            places[rows, :2] += corner
            done += len(rows)
        return places

    def takes(self, n: int, d: int) -> Takes:
        """Measured: neighbours, then products with the graph: half as many among groups, twice as many on a wide sheet."""
        links, band = 1.6 * n * self.n_neighbors, np.sqrt(WORK * n)
        return graph_takes(n, d, self.n_neighbors).then(
            Takes(
                sparse=0.03 + 1.2e-8 * links * np.sqrt(n),
                memory=4 * 12 * links + 8 * n * (70 + 3 * self.width) + 8 * min(n**2, band),
            )
        )


def without_weak(weights: Any) -> Any:
    """The graph without links that are next to nothing beside the strongest of all; an item that has no others keeps its strongest.

    What hangs together by such links alone is in pieces as far as numbers can tell: a wave between them has an eigenvalue that
    cannot be told from the constant's.
    """
    least = _WEAK * weights.max()
    if weights.data.min() >= least:
        return weights
    lone = np.flatnonzero(weights.max(axis=1).toarray().ravel() < least)
    leads = np.full(weights.shape[0], -1)
    leads[lone] = np.asarray(weights[lone].argmax(axis=1)).ravel()
    made = weights.tocoo()
    kept = (made.data >= least) | (leads[made.row] == made.col) | (leads[made.col] == made.row)
    made.data[~kept] = 0
    made = made.tocsr()
    made.eliminate_zeros()
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
