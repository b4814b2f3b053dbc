"""The graph of nearest neighbours of all rows: what it is, and how it is found, kept and shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.errors import InputError, unknown
from explorer.neighbors import kept
from explorer.neighbors.angles import ANGULAR, comparable
from explorer.neighbors.equal import Copies
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

METRICS = ("euclidean", "cosine", "correlation", "manhattan", "chebyshev")
EXACT = 60_000  # rows up to which every pair is looked at, where there are up to 128 columns: 4 to 7 s of a core
PLAIN_EXACT = 30_000  # the same for metrics that no matrix product helps with
SMALL = 10_000  # rows up to which it is exact whatever the columns
TREE_COLUMNS, TREE_ROWS = 4, 20_000  # up to so few columns and from so many rows a tree finds exact neighbours sooner
ON_DEVICE = 20_000, 500_000  # rows from which and up to which a graphics card, where there is one, looks at every pair
_COLUMNS = 128
LEAST, STEP = 16, 8  # neighbours that are searched for at least and, beyond, in steps: so that who asks for one more finds it there


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The `k` nearest rows of each row, itself not among them, nearest first and of equal ones the earlier row first.

    Attributes
    ----------
    indices, distances
        ``(n, k)`` int32 and float32, in the metric's own unit (cosine: 1 - cos). Where none was found: -1, infinite.
    recall
        The share of the true neighbours that are among these, as estimated on some of the rows; 1.0 where exact.
    method
        "exact", or the name of the approximate search.
    """

    indices: np.ndarray
    distances: np.ndarray
    metric: str
    exact: bool
    recall: float
    method: str

    def first(self, k: int) -> NeighborGraph:
        """The graph of the `k` nearest."""
        if k >= self.indices.shape[1]:
            return self
        return replace(
            self, indices=np.ascontiguousarray(self.indices[:, :k]), distances=np.ascontiguousarray(self.distances[:, :k])
        )


def neighbor_graph(
    vectors: np.ndarray, k: int, metric: str = "euclidean", *, random_state: int = 0, store: Path | None = None,
    progress: Progress | None = None,
) -> NeighborGraph:  # fmt: skip
    """The graph of the `k` nearest neighbours of each row; exact where that is quick, approximate beyond.

    The same bytes every time, whatever the number of threads.

    Parameters
    ----------
    vectors
        ``(n, d)``, all finite; computed with as float32.
    k
        At most n - 1 is given.
    random_state
        Seed of an approximate search; an exact one has none. No step gives its own: one search serves it under all its seeds.
    store
        A folder in which graphs are kept: one of these vectors with as many neighbours or more is taken from there.

    Raises
    ------
    InputError
        For another metric, or a `k` that is not a whole number of at least 1.
    Cancelled
        When `progress` says that Stop was pressed.
    """
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise InputError(f"k is how many neighbours, a whole number of at least 1, not {k!r}")
    rows, done = np.ascontiguousarray(vectors, np.float32), progress or Progress()
    k, copies = min(int(k), max(0, len(rows) - 1)), Copies.of(rows)
    if copies is None:
        return _of_different(rows, k, metric, random_state, store, done)
    some = np.ascontiguousarray(rows[copies.first])  # equal rows are searched for once, and know their neighbours by one of them
    graph = _of_different(some, min(k, len(some) - 1), metric, random_state, store, done.part(0.0, 0.95))
    return _spread(graph, rows, copies, k, done.part(0.95, 1.0))


def known_graph(vectors: np.ndarray, k: int, metric: str, store: Path) -> NeighborGraph | None:
    """A kept graph of at least `k` neighbours of the same vectors, where it is exact; None where there is none."""
    if metric not in METRICS or not store.is_dir():
        return None
    rows = np.ascontiguousarray(vectors, np.float32)
    k, copies = min(k, len(rows) - 1), Copies.of(rows)
    if copies is None:
        return _kept_of_different(rows, k, metric, store) if _is_exact(rows, metric) else None
    some = np.ascontiguousarray(rows[copies.first])
    graph = _kept_of_different(some, min(k, len(some) - 1), metric, store) if _is_exact(some, metric) else None
    return None if graph is None else _spread(graph, rows, copies, k, Progress())


def _of_different(rows: np.ndarray, k: int, metric: str, seed: int, store: Path | None, progress: Progress) -> NeighborGraph:
    """The graph of rows none of which are equal: the kept one, or a search."""
    exact = _is_exact(rows, metric)
    found = None if store is None or not k else _kept_of_different(rows, k, metric, store, None if exact else seed)
    if found is not None:
        progress(1.0, "neighbours found before")
        return found
    # What an approximate search finds depends on how many it looks for: it is as many with a folder and without.
    wide = min(max(LEAST, -(-k // STEP) * STEP), len(rows) - 1) if k and not (exact and store is None) else k
    made = _found(rows, wide, metric, seed, exact, progress)
    if store is not None and k:
        kept.save(kept.place(store, rows, metric, None if exact else seed), made.indices, made.distances, kept.told(made))
    return made.first(k)


def _kept_of_different(rows: np.ndarray, k: int, metric: str, store: Path, seed: int | None = None) -> NeighborGraph | None:
    """A kept graph of rows none of which are equal; `seed` is that of an approximate search, None asks for an exact one."""
    found = kept.load(kept.place(store, rows, metric, seed), k, len(rows))
    if found is not None:
        return NeighborGraph(found.arrays["indices"], found.values, **kept.about(found)).first(k)
    return _turned(rows, k, store) if metric == "cosine" and seed is None else None


def _turned(rows: np.ndarray, k: int, store: Path) -> NeighborGraph | None:
    """The exact graph by cosine out of a kept exact one by distance, of rows of one length; None where that cannot be promised."""
    from explorer.neighbors.unit import by_angle, of_one_length

    if not _is_exact(rows, "euclidean") or not of_one_length(rows):
        return None
    found = kept.load(kept.place(store, rows, "euclidean", None), min(k + 1, len(rows) - 1), len(rows))
    nearest = None if found is None else by_angle(rows, found.arrays["indices"], found.values, k)
    if nearest is None:
        return None
    return NeighborGraph(*measured(rows, nearest, "cosine", Progress()), "cosine", True, 1.0, "exact")


def _spread(graph: NeighborGraph, rows: np.ndarray, copies: Copies, k: int, progress: Progress) -> NeighborGraph:
    """The graph of all rows ``(n, d)`` by that of the different ones among them: exactly what a search of all would find.

    The k nearest of a row are among its equals and those of the k nearest different rows, of equally near ones the earlier first.
    """
    from explorer.neighbors import kernels
    from explorer.neighbors.board import Measured

    n, how = len(rows), Measured.of(rows, graph.metric)
    indices, apart, names = np.full((n, k), -1, np.int32), np.full((n, k), np.inf), np.arange(n, dtype=np.int32)
    in_threads(
        lambda part: kernels.spread(*part, *how, *copies, graph.indices, names, indices, apart), stretches(n, 8_192), progress
    )
    return replace(graph, indices=indices, distances=_in_unit(apart, indices, graph.metric))


def _is_exact(rows: np.ndarray, metric: str) -> bool:
    n, d = rows.shape
    if n <= SMALL or (d <= TREE_COLUMNS and metric not in ANGULAR):
        return True
    most = PLAIN_EXACT if metric in ("manhattan", "chebyshev") else EXACT
    return bool(n <= most and n * n * max(d, _COLUMNS) <= most**2 * _COLUMNS) or _on_device(n, metric)


def _on_device(n: int, metric: str) -> bool:
    """Whether a graphics card would look at every pair."""
    if not ON_DEVICE[0] <= n <= ON_DEVICE[1] or metric in ("manhattan", "chebyshev"):
        return False
    from explorer.neighbors import gpu

    return gpu.available()


def _found(rows: np.ndarray, k: int, metric: str, seed: int, exact: bool, progress: Progress) -> NeighborGraph:
    n = len(rows)
    if n < 2:
        return NeighborGraph(np.zeros((n, k), np.int32), np.zeros((n, k), np.float32), metric, True, 1.0, "exact")
    recall, method = 1.0, "exact"
    if not exact:
        from explorer.neighbors.approximate import METHOD as method  # noqa: N811  a word
        from explorer.neighbors.approximate import nearby

        plain = "euclidean" if metric in ANGULAR else metric
        indices, recall = nearby(comparable(rows, metric), k, plain, seed, progress.part(0.0, 0.97))
    else:
        indices = _exactly(rows, k, metric, progress.part(0.0, 0.97))
    indices, distances = measured(rows, indices, metric, progress.part(0.97, 1.0))
    return NeighborGraph(indices, distances, metric, exact, recall, method)


def _exactly(rows: np.ndarray, k: int, metric: str, progress: Progress) -> np.ndarray:
    """By whatever is quickest."""
    if rows.shape[1] <= TREE_COLUMNS and len(rows) >= TREE_ROWS and metric not in ANGULAR:
        from explorer.neighbors.trees import by_tree

        return by_tree(rows, k, metric, progress)
    if _on_device(len(rows), metric):
        from explorer.neighbors import gpu

        return gpu.every_pair(rows, k, metric, progress)
    from explorer.neighbors.exact import every_pair

    return every_pair(rows, k, metric, progress)[0]


def measured(rows: np.ndarray, indices: np.ndarray, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Indices in order, and their distances in the metric's own unit, ``(n, k)`` int32 and float32."""
    from explorer.neighbors import kernels
    from explorer.neighbors.board import Measured

    how, apart = Measured.of(rows, metric), np.empty(indices.shape)
    indices = np.ascontiguousarray(indices, np.int32)
    in_threads(lambda part: kernels.measure(*part, *how, indices, apart), stretches(len(rows), 8_192), progress)
    return indices, _in_unit(apart, indices, metric)


def _in_unit(apart: np.ndarray, indices: np.ndarray, metric: str) -> np.ndarray:
    """Distances ``(n, k)`` float32 in the metric's own unit, of those that `kernels` measured, which are changed."""
    if metric == "euclidean":
        np.sqrt(apart, out=apart)
    elif metric in ANGULAR:
        apart /= 2
    with np.errstate(over="ignore"):
        return np.minimum(apart, np.where(indices < 0, np.inf, np.finfo(np.float32).max)).astype(np.float32)


__all__ = ["METRICS", "NeighborGraph", "known_graph", "neighbor_graph"]
