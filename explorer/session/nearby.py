"""What is near what in feature space, and by which metric features are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.errors import InputError
from explorer.neighbors import NeighborGraph, around, known_graph, nearest_rows, neighbor_graph
from explorer.step import Progress, Result

EMBEDDINGS = ("image", "sentence", "lsa")  # methods whose vectors mean by their direction
_LOOKED_AT = 256  # rows that tell whether all have length 1


def metric_of(features: Result | None) -> str:
    """The metric that fits: "cosine" for embeddings and for vectors of length 1, else "euclidean".

    Raises
    ------
    InputError
        When there are no features yet.
    """
    if features is None:
        raise InputError("there are no features yet to be near in; first call session.extract()")
    if features.method in EMBEDDINGS:
        return "cosine"
    n = len(features.values)
    some = features.values[np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.int64)].astype(np.float64)
    lengths = np.linalg.norm(some[np.isfinite(some).all(axis=1)], axis=1)
    return "cosine" if len(lengths) and np.abs(lengths - 1).max() < 1e-3 else "euclidean"


class Nearby:
    """What is near what among the items, out of a kept graph where there is one that is exact, else looked for.

    `store` is the folder of the workspace's graphs. What is found there is remembered for as long as the features are the same.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self._known: tuple[tuple[object, ...], NeighborGraph | None] = ((), None)

    def nearest(
        self, features: Result, rows: np.ndarray, k: int, metric: str, progress: Progress | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `nearest_rows`."""
        known = self._kept(features, k, metric)
        if known is None:
            return nearest_rows(features.values, rows, k, metric, progress)
        return known.indices[rows].astype(np.int64), known.distances[rows].astype(np.float64)

    def around(self, features: Result, rows: np.ndarray, k: int, metric: str, progress: Progress | None = None) -> np.ndarray:
        """As `around`."""
        known = self._kept(features, k, metric)
        if known is None:
            return around(features.values, rows, k, metric, progress)
        found = np.zeros(len(features.values), bool)
        near = known.indices[rows]
        found[near[near >= 0]] = True
        found[rows] = False
        return np.flatnonzero(found)

    def _kept(self, features: Result, k: int, metric: str) -> NeighborGraph | None:
        """An exact graph over all items, of as many columns as `nearest_rows` gives."""
        if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1 or not self.store.is_dir():
            return None
        kept = frozenset((place.parent.name, place.name) for place in self.store.glob("*/*"))
        now = (features.key, k, metric, self.store, kept)
        if self._known[0] != now:
            rows = np.flatnonzero(features.valid)
            known = known_graph(_of(features, rows), k, metric, self.store) if len(rows) > 1 else None
            wide = min(int(k), len(features.values) - 1)
            self._known = (now, None if known is None else _over_all(known, rows, len(features.values), wide))
        return self._known[1]

    def graph(self, features: Result, k: int, metric: str, progress: Progress | None = None) -> NeighborGraph:
        """The graph over all items: one without features is nobody's neighbour and has none."""
        rows = np.flatnonzero(features.valid)
        made = neighbor_graph(_of(features, rows), k, metric, store=self.store, progress=progress)
        return _over_all(made, rows, len(features.values), made.indices.shape[1])


def _of(features: Result, rows: np.ndarray) -> np.ndarray:
    """The features of some items; not copied where they are all."""
    return features.values if len(rows) == len(features.values) else features.values[rows]


def _over_all(graph: NeighborGraph, rows: np.ndarray, n: int, wide: int) -> NeighborGraph:
    """The graph of some rows among n, of so many columns: the others have no neighbours."""
    if graph.indices.shape == (n, wide):
        return graph
    indices, distances, k = np.full((n, wide), -1, np.int32), np.full((n, wide), np.inf, np.float32), graph.indices.shape[1]
    indices[rows, :k] = np.where(graph.indices >= 0, rows[graph.indices], -1)
    distances[rows, :k] = graph.distances
    return replace(graph, indices=indices, distances=distances)
