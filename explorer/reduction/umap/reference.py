"""umap-learn itself, from its own neighbours to its own layout: what our engine is tested against."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.progress import Progress
from explorer.reduction.alone import alone

if TYPE_CHECKING:
    from explorer.reduction.umap import UMAP


def fitted(
    step: UMAP, rows: np.ndarray, codes: np.ndarray | None, progress: Progress
) -> tuple[np.ndarray, Any, tuple[str, ...]]:  # fmt: skip
    """Places ``(n, n_components)`` float32 of ``(n, d)`` rows, the library's fuzzy graph, and notes.

    The same bytes as ``umap.UMAP(...).fit_transform(rows, codes)`` called with the step's settings.
    """
    fewer = f"n_neighbors is {len(rows) - 1} here: there are {len(rows):,} different rows"
    notes = (fewer,) if len(rows) <= step.n_neighbors else ()
    with alone(progress), warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # its note that TensorFlow is missing
        import umap

        warnings.filterwarnings("ignore", category=UserWarning, module=r"(umap|sklearn)\.")
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(umap|scipy)\.")
        progress(0.0, "finding neighbours, by umap-learn")
        with _watched(progress.part(0.5, 1.0)):
            model = umap.UMAP(**_settings(step, *rows.shape)).fit(rows, codes)
    return np.asarray(model.embedding_, np.float32), model.graph_, notes


def _settings(step: UMAP, n: int, d: int) -> dict[str, Any]:
    """The step's settings by the library's names."""
    from explorer.reduction.umap import SPECTRAL

    few = step.init == "spectral" and n < SPECTRAL  # its eigenvectors cannot be found
    init = "pca" if few else step.init
    return {
        "n_neighbors": step.n_neighbors, "n_components": step.n_components, "metric": step.metric, "n_epochs": step.n_epochs,
        "init": "random" if init == "pca" and min(n, d) < step.n_components else init,
        "min_dist": min(step.min_dist, step.spread), "spread": step.spread, "random_state": step.random_state,
        "densmap": step.densmap, "dens_lambda": step.dens_lambda, "target_metric": "categorical",
        "target_weight": getattr(step, "target_weight", 0.5), "tqdm_kwds": {"disable": True},
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
