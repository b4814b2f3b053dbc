"""Places new items on a UMAP layout that stays as it is, as umap-learn's `transform` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.progress import Progress
from explorer.reduction.placing import averaged, firmness, nearest
from explorer.step import Output

if TYPE_CHECKING:
    from explorer.reduction.umap import UMAP

RATE = 0.25  # of the learning rate of a layout, as in umap-learn
_MANY, _LONG, _SHORT = 10_000, 100, 30  # umap-learn's epochs of `transform`: 100 for so many new items, and 30 for more


def placed(step: UMAP, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
    """Places ``(m, 2)`` float32 of new rows: at the weighted mean of their neighbours' places, then settled among them.

    On a layout of three columns they are ``(m, 3)``; a densMAP layout's density does not count, as with umap-learn. The weights go
    from new items to old ones alone; the old ones pull and push, and stay where they are.
    """
    from explorer.reduction.umap.curve import curve
    from explorer.reduction.umap.settling import Settling, settled

    rows, distances = nearest(old, new, step.n_neighbors, step.metric, progress.part(0.0, 0.5))
    weights = firmness(distances)
    start = np.vstack([averaged(rows, weights, layout), layout]).astype(np.float32)
    a, b = curve(step.spread, min(step.min_dist, step.spread))
    how = Settling(a, b, rounds(step.n_epochs, len(new)), step.random_state, RATE)
    made, _ = settled(directed(rows, weights, len(old)), start, how, _unseen(progress.part(0.5, 1.0)), movable=len(new))
    return Output(made[: len(new)])


def rounds(n_epochs: int | None, n: int) -> int:
    """How many epochs `n` new items are settled for: a third of those of a layout."""
    return max(1, n_epochs // 3) if n_epochs else (_LONG if n <= _MANY else _SHORT)


def directed(rows: np.ndarray, weights: np.ndarray, n: int) -> Any:
    """The graph ``(m + n, m + n)`` of the new items, which come first, to `n` old ones."""
    import scipy.sparse as sparse

    m, k = rows.shape
    ends = np.concatenate([np.arange(0, m * k + 1, k, dtype=np.int64), np.full(n, m * k, np.int64)])
    graph = sparse.csr_matrix((weights.ravel(), (rows + m).ravel(), ends), shape=(m + n, m + n))
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def _unseen(progress: Progress) -> Progress:
    """The same progress, of places that are no picture of the layout: Stop ends it."""
    return Progress(progress)
