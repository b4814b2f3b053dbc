"""HDBSCAN: dense places of any shape, and what lies between them as noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import param

from explorer.clustering import kept
from explorer.clustering.base import Clusterer
from explorer.clustering.spanning import NARROW, WHOLE, Edges, all_pairs, spanning_tree
from explorer.installation.takes import Takes
from explorer.neighbors import NeighborGraph, graphs_beside, neighbor_graph
from explorer.neighbors.kept import place
from explorer.neighbors.takes import graph_takes
from explorer.step import Output, Progress

NEIGHBORS, MOST_SAMPLES = 14, 500  # that the graph has at least, as umap's by default; and at most


class HDBSCAN(Clusterer):
    """Dense places of any shape, as many as there are; what lies between them is noise.

    Campello, Moulavi & Sander (2013), on the minimum spanning tree of mutual reachability, from the neighbours' graph that other
    steps share; epsilon is by Malzer & Baum (2020). Where neighbours are exact, another order of the items gives the same
    clusters. The array ``probability`` ``(n,)`` says how firmly an item belongs to its cluster: 1 at the heart, 0 for noise.
    """

    method = "hdbscan"
    version = 2  # 1 cut what falls apart along equally long edges in the order in which they came
    packages = ("numba", "scikit-learn")

    min_cluster_size = param.Integer(
        20, bounds=(2, 100_000), softbounds=(2, 100), doc="How many items a group must have at least to count as a cluster."
    )
    min_samples = param.Integer(
        5, bounds=(1, 10_000), softbounds=(1, 100), allow_None=True, precedence=1,
        doc="How many neighbours make a place dense, up to 500: more gives more noise; none means as many as min_cluster_size.",
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
        progress(0.05, "measuring how dense each place is")
        rows, unit = _in_unit(vectors)
        tree, notes = self._kept_tree(rows, min(self._samples, n - 1), progress.part(0.05, 0.9))
        progress(0.9, "cutting the tree into clusters")
        codes, probability = self._cut(tree, unit)
        return Output(codes, {"probability": probability}, (*notes, *self._said(codes)))

    def _cut(self, tree: Edges, unit: float) -> tuple[np.ndarray, np.ndarray]:
        """Codes ``(n,)`` and probabilities ``(n,)`` float32 by the spanning tree alone."""
        from explorer.clustering.kernels import chosen, condensed, labelled

        above, begins, counts, inside, leaves = condensed(*tree, self.min_cluster_size)
        epsilon = self.cluster_selection_epsilon / unit
        counts_for = chosen(above, begins, counts, inside, leaves, self.cluster_selection_method == "leaf", epsilon)
        codes, firm = labelled(above, begins, inside, leaves, counts_for)
        return codes, firm.astype(np.float32)

    @property
    def _samples(self) -> int:
        return min(self._wanted, MOST_SAMPLES)

    @property
    def _wanted(self) -> int:
        return self.min_samples or self.min_cluster_size

    def _said(self, codes: np.ndarray) -> Iterator[str]:
        if self._wanted > MOST_SAMPLES:
            yield f"places are measured by {MOST_SAMPLES} neighbours, the most there are, and not by {self._wanted:,}"
        if (codes < 0).all():
            yield "no place is dense enough: all noise; lower min_cluster_size or min_samples"

    def takes(self, n: int, d: int) -> Takes:
        """Measured: the neighbours, all pairs of rows (of few columns those that are near), and the cut."""
        looked = 0 if d <= NARROW else min(n, WHOLE)
        k = max(NEIGHBORS, min(self._samples, n) - 1)
        tree = Takes(dense=2e-11 * looked**2 * (d + 20), sparse=(2e-5 + 6e-7 * k) * n, memory=8 * looked * d + (200 + 60 * k) * n)
        return graph_takes(n, d, k).then(tree)

    def recuts(self, settings: Mapping[str, Any]) -> bool:
        """Whether only the cut of the tree is another."""
        tree = ["on", "n_components", "min_samples", "random_state", *([] if self.min_samples else ["min_cluster_size"])]
        return all(name in settings and settings[name] == getattr(self, name) for name in tree)

    def _kept_tree(self, vectors: np.ndarray, samples: int, progress: Progress) -> tuple[Edges, tuple[str, ...]]:
        """The spanning tree and what is to be said of it: the one that is kept, as only other settings of its cut were changed."""
        store = graphs_beside(self.store)
        folder = None if store is None else place(store, vectors, "euclidean", 0) / f"tree-{kept.VERSION}-{samples}"
        found = None if folder is None else kept.load(folder, len(vectors))
        if found is None:
            found = self._tree(vectors, samples, progress)
            if folder is not None:
                kept.save(folder, *found)
        return found

    def _tree(self, vectors: np.ndarray, samples: int, progress: Progress) -> tuple[Edges, tuple[str, ...]]:
        """The tree on the graph of neighbours that other steps share, which can be cut in one way only."""
        # Of a layout the graph takes seconds, and it is the tree that is kept.
        store = None if vectors.shape[1] <= NARROW else graphs_beside(self.store)
        k, done = max(NEIGHBORS, samples - 1), progress.part(0.0, 0.4)
        graph = neighbor_graph(vectors, k, store=store, progress=done)
        tree = spanning_tree(vectors, graph, samples, progress.part(0.4, 1.0))
        return tree.in_stars(), _about(graph, *vectors.shape)


def _in_unit(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """Rows in float32, and the unit they are in: of very large and very small ones another than 1, so that they fit."""
    unit = 1.0 if vectors.dtype == np.float32 else max(abs(float(vectors.max())), abs(float(vectors.min())))
    return np.ascontiguousarray(vectors / unit if unit != 1.0 else vectors, np.float32), unit


def _about(graph: NeighborGraph, n: int, d: int) -> tuple[str, ...]:
    """What is to be said of a tree on that graph."""
    found = [] if graph.exact else [f"by approximate neighbours ({graph.recall:.0%} of the true ones)"]
    found += [] if all_pairs(n, d) else [f"for the gaps between clusters by {WHOLE:,} of the items"]
    return (f"{' and, '.join(found)}: items at the rim of a cluster may be in another",) if found else ()
