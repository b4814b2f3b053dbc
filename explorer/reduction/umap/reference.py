"""umap-learn itself: what our engine is tested against, and what computes three columns and densMAP."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.neighbors import ANGULAR, NeighborGraph
from explorer.progress import Progress
from explorer.reduction.alone import alone
from explorer.reduction.umap.curve import curve

if TYPE_CHECKING:
    from explorer.reduction.umap import UMAP


def placed(step: UMAP, rows: np.ndarray, neighbors: NeighborGraph, graph: Any, start: np.ndarray, progress: Progress) -> np.ndarray:
    """Places ``(n, n_components)`` float32 by umap-learn's own layout on a fuzzy graph, from given places ``(n, 2)``."""
    with alone(progress), warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # its note that TensorFlow is missing
        from umap.umap_ import simplicial_set_embedding

        state = np.random.RandomState(step.random_state)
        a, b = curve(step.spread, min(step.min_dist, step.spread))
        with _watched(progress):
            warnings.filterwarnings("ignore", category=UserWarning, module=r"(umap|sklearn)\.")
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(umap|scipy)\.")
            places, _ = simplicial_set_embedding(
                rows, graph, step.n_components, initial_alpha=1.0, a=a, b=b, gamma=1.0, negative_sample_rate=5,
                n_epochs=step.n_epochs, init=_widened(start, step.n_components, state), random_state=state,
                metric="euclidean" if step.metric in ANGULAR else step.metric, metric_kwds={}, densmap=step.densmap,
                densmap_kwds=_dense(step, neighbors, graph), output_dens=False, parallel=False, tqdm_kwds={"disable": True},
            )  # fmt: skip
    return np.asarray(places, np.float32)


def _widened(start: np.ndarray, wide: int, state: np.random.RandomState) -> np.ndarray:
    """A start of `wide` columns: the third begins near 0."""
    more = state.normal(scale=1.0, size=(len(start), wide - 2))
    return np.hstack([start, more]).astype(np.float32)


def _dense(step: UMAP, neighbors: NeighborGraph, graph: Any) -> dict[str, Any]:
    """What densMAP (Narayan, Berger & Cho 2021) is told besides."""
    if not step.densmap:
        return {}
    import scipy.sparse as sparse

    n, k = neighbors.indices.shape
    known = neighbors.indices >= 0
    rows = np.repeat(np.arange(n), k)[known.ravel()]
    far = sparse.csr_matrix((neighbors.distances[known], (rows, neighbors.indices[known])), shape=(n, n))
    return {
        "lambda": step.dens_lambda, "frac": 0.3, "var_shift": 0.1, "n_neighbors": k + 1, "graph_dists": far.maximum(far.T).todok(),
    }  # fmt: skip


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
        progress(epoch / len(epochs), f"settling: round {epoch + 1} of {len(epochs)}")
        yield epoch
