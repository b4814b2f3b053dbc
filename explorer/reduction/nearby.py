"""What reducers share that look at the graph of nearest neighbours: the metric, the graph itself, and what to do with few items."""

from __future__ import annotations

import numpy as np
import param

from explorer.neighbors import METRICS, NeighborGraph, neighbor_graph
from explorer.progress import Progress
from explorer.reduction.base import Reducer
from explorer.reduction.pca import PCA
from explorer.step import Output


class NeighborReducer(Reducer):
    """A reducer that looks at which rows are nearest to which."""

    merges_equal_rows = True

    metric = param.Selector(
        default="euclidean", objects=list(METRICS), precedence=0.5,  # after the method's own, before "More settings"
        doc="What makes two items alike: cosine and correlation ignore the vectors' length, and suit text and embeddings.",
    )  # fmt: skip

    def graph(self, rows: np.ndarray, k: int, progress: Progress) -> NeighborGraph:
        """The `k` nearest of each of ``(n, d)`` rows, kept and shared: also among seeds, which are asked about the layout."""
        return neighbor_graph(rows, k, self.metric, store=self.graphs, progress=progress)

    def by_pca(self, vectors: np.ndarray, fewest: int, title: str, progress: Progress) -> Output:
        """PCA instead, with a note: there are fewer than `fewest` different rows, and no neighbourhood to keep."""
        plain = PCA(random_state=self.random_state)
        plain.width = self.width
        made = plain.compute(vectors, progress)
        note = f"{title} needs {fewest} different rows and there are {len(vectors)}: PCA was used"
        return made._replace(notes=(note, *made.notes))
