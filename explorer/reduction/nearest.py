"""Nearest neighbours of every row: exact where that is quick, approximate beyond, and the same every time."""

from __future__ import annotations

import numpy as np

from explorer.step import Progress

# Rows up to which all distances are looked at. 30,000 × 256 on two cores: 9 s, and 50 s approximately, of which 33 s to compile.
EXACT = 60_000
FEW_COLUMNS = 10  # columns up to which a tree finds exact neighbours quickly whatever the number of rows
_BATCH = 1_024  # rows asked for between two looks at Stop

ANGULAR = ("cosine", "correlation")
METRICS = ("euclidean", "cosine", "correlation", "manhattan", "chebyshev")


def comparable(vectors: np.ndarray, metric: str) -> np.ndarray:
    """Vectors whose euclidean neighbours are the neighbours under an angular `metric`; others come back as they are.

    Cosine distance is half the squared euclidean distance of rows of length 1, correlation the same after centring each row. A row
    of zeros has no direction: it gets one column of its own, so that it is at distance 1 from every other, as if orthogonal.
    """
    if metric not in ANGULAR:
        return vectors
    rows = vectors.astype(np.float64)
    if metric == "correlation":
        rows -= rows.mean(axis=1, keepdims=True)
    size = np.abs(rows).max(axis=1, keepdims=True)
    # A row that is constant but for rounding has no correlation with anything.
    nothing = size <= np.abs(vectors).max(axis=1, keepdims=True) * 1e-6
    rows = np.divide(rows, size, out=np.zeros_like(rows), where=~nothing)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=rows, where=length > 0).astype(np.float32)
    return np.hstack([rows, nothing.astype(np.float32)]) if nothing.any() else rows


def nearest(rows: np.ndarray, k: int, metric: str, random_state: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The `k` nearest rows of each row, itself included, and how far they are.

    Parameters
    ----------
    rows
        ``(n, d)`` float32, already through `comparable` when `metric` is angular.
    k
        At most n.

    Returns
    -------
    indices, distances
        ``(n, k)`` int32 and float32. An index is -1 where no neighbour was found.
    """
    plain = "euclidean" if metric in ANGULAR else metric
    if len(rows) <= EXACT or rows.shape[1] <= FEW_COLUMNS:
        indices, distances = _exact(rows, k, plain, progress)
    else:
        indices, distances = _approximate(rows, k, plain, random_state, progress)
    if metric in ANGULAR:
        distances = distances**2 / 2
    return indices.astype(np.int32), distances.astype(np.float32)


def _exact(rows: np.ndarray, k: int, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=k, metric=metric).fit(rows)
    found = []
    for start in range(0, len(rows), _BATCH):
        progress(start / len(rows), "finding neighbours")
        found.append(index.kneighbors(rows[start : start + _BATCH]))
    return np.vstack([indices for _, indices in found]), np.vstack([distances for distances, _ in found])


def _approximate(rows: np.ndarray, k: int, metric: str, random_state: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """By nearest-neighbour descent (Dong, Moses & Li, 2011), the library and the settings that umap-learn uses."""
    from pynndescent import NNDescent  # type: ignore[import-untyped]

    progress(0.0, "finding neighbours (approximately)")
    trees, rounds = min(64, 5 + round(len(rows) ** 0.5 / 20)), max(5, round(np.log2(len(rows))))
    index = NNDescent(
        rows, n_neighbors=k, metric=metric, random_state=random_state, n_trees=trees, n_iters=rounds, max_candidates=60,
        low_memory=True, n_jobs=1, compressed=False,
    )  # fmt: skip
    indices, distances = index.neighbor_graph
    return indices, distances
