"""In which order items are gone through one at a time: as listed, cluster by cluster, or each like the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.session.nearby import metric_of
from explorer.step import Progress

if TYPE_CHECKING:
    from explorer.session import Session

ORDERS = {"listed": "as listed", "clusters": "cluster by cluster", "alike": "most alike next"}
_AT_ONCE = 4_096  # rows that are compared in one step; between two steps a newer wish is noticed


@dataclass(frozen=True, eq=False)
class Space:
    """What likeness is measured in: `values` ``(n, d)`` and the metric, "cosine" or "euclidean"."""

    values: np.ndarray
    metric: str


def space(session: Session) -> Space | None:
    """The features where there are some, else the layout; None where there is neither."""
    if session.features is not None:
        return Space(session.features.values, metric_of(session.features))
    return None if session.layout is None else Space(session.layout.values, "euclidean")


def by_cluster(rows: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """The rows cluster by cluster, each as listed, noise at the end; as they are where there are no clusters."""
    if clusters is None:
        return rows
    own = clusters[rows]
    return rows[np.lexsort((own, own < 0))]


def by_likeness(rows: np.ndarray, row: int, known: Space | None, progress: Progress) -> np.ndarray:
    """The rows by their distance to an item, nearest first, ties as they were; those without a distance come last.

    Raises
    ------
    Cancelled
        When `progress` says so.
    """
    if known is None:
        return rows
    return rows[np.argsort(_distances(rows, row, known, progress), kind="stable")]


def _distances(rows: np.ndarray, row: int, known: Space, progress: Progress) -> np.ndarray:
    """``(m,)`` float64, only to be compared: the distance's square, or one less the cosine; NaN where there is none."""
    there = known.values[row].astype(np.float64)
    found = np.empty(len(rows))
    with np.errstate(all="ignore"):  # beyond the largest number, or no direction at all: no distance
        for start in range(0, len(rows), _AT_ONCE):
            progress(start / len(rows))
            some = known.values[rows[start : start + _AT_ONCE]].astype(np.float64)
            if known.metric == "cosine":
                lengths = np.sqrt(np.einsum("ij,ij->i", some, some) * (there @ there))
                found[start : start + _AT_ONCE] = 1 - some @ there / lengths
            else:
                some -= there
                found[start : start + _AT_ONCE] = np.einsum("ij,ij->i", some, some)
    return found


__all__ = ["ORDERS", "Space", "by_cluster", "by_likeness", "space"]
