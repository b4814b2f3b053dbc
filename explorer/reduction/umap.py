"""UMAP: neighbours stay neighbours."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import param

from explorer.reduction.base import Reducer
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearest import ANGULAR, METRICS, comparable, nearest
from explorer.reduction.pca import PCA, principal_plane
from explorer.step import Output, Progress

FEWEST = 5  # different rows; with fewer there is no neighbourhood to keep
SPECTRAL = 12  # different rows; with fewer the eigenvectors of the neighbour graph cannot be computed iteratively

# umap-learn's numba code aborts the process when it runs in several threads at once (umap#665): one layout at a time in a process.
_ALONE = threading.Lock()


class UMAP(Reducer):
    """Neighbours stay neighbours: shows groups and what lies between them; the axes and the gaps' widths mean nothing.

    McInnes, Healy & Melville (2018), arXiv:1802.03426, by umap-learn. Neighbours are exact up to 60,000 rows.
    """

    method = "umap"
    packages = ("umap-learn", "pynndescent", "scikit-learn", "numba")
    merges_equal_rows = True

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is compared with: few shows small groups, many shows the large shape.",
    )  # fmt: skip
    min_dist = param.Number(
        0.1, bounds=(0.0, 10.0), softbounds=(0.0, 1.0), step=0.01,
        doc="How close items may be drawn: 0 packs each group tightly, larger values spread it out.",
    )  # fmt: skip
    metric = param.Selector(
        default="euclidean", objects=list(METRICS),
        doc="What makes two items alike: cosine and correlation ignore the vectors' length, and suit text and embeddings.",
    )  # fmt: skip
    spread = param.Number(
        1.0, bounds=(0.1, 10.0), softbounds=(0.5, 3.0), step=0.1, precedence=1,
        doc="How widely the groups as a whole are drawn apart.",
    )  # fmt: skip
    n_epochs = param.Integer(
        None, bounds=(1, 10_000), softbounds=(50, 1_000), allow_None=True, precedence=1,
        doc="How many rounds the layout is improved; none means 500 for up to 10,000 items and 200 for more.",
    )  # fmt: skip
    init = param.Selector(
        default="spectral", objects=["spectral", "pca", "random"], precedence=1,
        doc="Where the items start: from the graph of neighbours, from the main directions of the vectors, or anywhere.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, 2)``."""
        if len(vectors) < FEWEST:
            made = PCA(random_state=self.random_state).compute(vectors, progress)
            note = f"UMAP needs {FEWEST} different rows and there are {len(vectors)}: PCA was used"
            return made._replace(notes=(note, *made.notes))
        with _one_at_a_time(progress):
            return self._laid_out(vectors, progress)

    def _laid_out(self, vectors: np.ndarray, progress: Progress) -> Output:
        import numba

        safe, notes = tamed(vectors)
        rows = comparable(safe, self.metric)
        k = min(self.n_neighbors, len(rows) - 1)
        if k < self.n_neighbors:
            notes = (*notes, f"n_neighbors is {k} here: there are {len(rows)} different rows")
        if self.min_dist > self.spread:
            notes = (*notes, f"min_dist is {self.spread:g} here: it cannot be larger than spread")
        _imported()
        before = numba.get_num_threads()
        numba.set_num_threads(1)  # of this thread only; umap-learn with a seed does the same: the order of additions is fixed
        try:
            graph = self._graph(rows, k, progress.part(0.02, 0.35))
            places = self._placed(rows, graph, progress.part(0.35, 1.0))
        finally:
            numba.set_num_threads(before)
        places, more = _aside(places, graph)
        return Output(places, notes=(*notes, *more))

    def _graph(self, rows: np.ndarray, k: int, progress: Progress) -> Any:
        """The fuzzy neighbour graph, ``(n, n)`` sparse."""
        from umap.umap_ import fuzzy_simplicial_set

        indices, distances = nearest(rows, k, self.metric, self.random_state, progress.part(0.0, 0.9))
        progress(0.9, "weighing neighbours")
        state = np.random.RandomState(self.random_state)
        return fuzzy_simplicial_set(rows, k, state, _plain(self.metric), knn_indices=indices, knn_dists=distances)[0]

    def _placed(self, rows: np.ndarray, graph: Any, progress: Progress) -> np.ndarray:
        from umap.umap_ import find_ab_params, simplicial_set_embedding

        state = np.random.RandomState(self.random_state)
        a, b = find_ab_params(self.spread, min(self.min_dist, self.spread))
        progress(0.0, "starting the layout")
        with _watched(progress.part(0.1, 1.0)), warnings.catch_warnings():
            # A graph in several pieces, or one without a clear gap, starts from somewhere else: umap-learn says so and goes on.
            warnings.filterwarnings("ignore", category=UserWarning, module=r"(umap|sklearn)\.")
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(umap|scipy)\.")
            places, _ = simplicial_set_embedding(
                rows, graph, 2, initial_alpha=1.0, a=a, b=b, gamma=1.0, negative_sample_rate=5, n_epochs=self.n_epochs,
                init=self._start(rows, graph, state), random_state=state, metric=_plain(self.metric), metric_kwds={},
                densmap=False, densmap_kwds={}, output_dens=False, parallel=False, tqdm_kwds={"disable": True},
            )  # fmt: skip
        return np.asarray(places, np.float32)

    def _start(self, rows: np.ndarray, graph: Any, state: np.random.RandomState) -> Any:
        """What umap-learn takes as `init`: a name, or places ``(n, 2)``."""
        if self.init == "random" or (self.init == "spectral" and len(rows) >= SPECTRAL):
            return self.init
        centred = rows - rows.mean(axis=0, dtype=np.float64)
        places, _ = principal_plane(centred / (np.abs(centred).max() or 1.0), self.random_state)
        # A little noise parts what would start at one place; 10 is the width that umap-learn starts from.
        return (places * (10 / (np.abs(places).max() or 1.0)) + state.normal(scale=1e-4, size=places.shape)).astype(np.float32)


def _plain(metric: str) -> str:
    """The metric to use on rows that went through `comparable`."""
    return "euclidean" if metric in ANGULAR else metric


def _imported() -> None:
    """Import umap-learn without its note that TensorFlow is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)
        import umap  # noqa: F401


@contextmanager
def _one_at_a_time(progress: Progress) -> Iterator[None]:
    while not _ALONE.acquire(timeout=0.2):
        progress(0.0, "waiting for another layout")
    try:
        yield
    finally:
        _ALONE.release()


@contextmanager
def _watched(progress: Progress) -> Iterator[None]:
    """Call `progress` after each epoch.

    umap-learn has no callback, but takes its epochs out of a name `tqdm` in its module; tqdm's own hook (a file to write to) does
    nothing in a notebook. The lock above makes sure that only one layout at a time finds the name changed.
    """
    from umap import layouts

    original: Callable[..., Any] = layouts.tqdm
    layouts.tqdm = lambda epochs, **_: _told(epochs, progress)
    try:
        yield
    finally:
        layouts.tqdm = original


def _told(epochs: range, progress: Progress) -> Iterator[int]:
    for epoch in epochs:
        progress(epoch / len(epochs), f"improving the layout, round {epoch + 1} of {len(epochs)}")
        yield epoch


def _aside(places: np.ndarray, graph: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Put what has no neighbours, or got no place, in a row below the rest."""
    lost = ~np.isfinite(places).all(axis=1) | (np.asarray(graph.sum(axis=1)).ravel() == 0)
    if not lost.any():
        return places, ()
    kept = places[~lost] if (~lost).any() else np.zeros((1, 2), np.float32)
    low, high = kept.min(axis=0), kept.max(axis=0)
    below = low[1] - max(0.1 * float(high[1] - low[1]), 1.0)
    placed = places.copy()
    placed[lost] = np.column_stack([np.linspace(low[0], high[0], int(lost.sum())), np.full(int(lost.sum()), below)])
    return placed, (f"{int(lost.sum()):,} rows have no neighbours and stand in a row below the others",)
