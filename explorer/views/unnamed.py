"""Clusters that still want a name: those of which less than half is labelled, largest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.labels import Labels

MOST = 50  # clusters that are listed
NAMED = 0.5  # of a cluster's items are labelled where it counts as named


def unnamed(clusters: np.ndarray, labels: Labels, names: Mapping[int, str]) -> dict[str, Any]:
    """How many clusters have a name, which do not, and what is noise; a few bincounts over ``(n,)`` clusters and codes.

    `names` are shown where a cluster has one. A row's `top` is the category that most of its labelled items have, or None.
    """
    inside = clusters >= 0
    sizes = np.bincount(clusters[inside])
    has = labels.codes > 0
    labelled = np.bincount(clusters[inside & has], minlength=len(sizes))
    there = np.flatnonzero(sizes)
    bare = there[labelled[there] < NAMED * sizes[there]]
    listed = bare[np.argsort(-sizes[bare], kind="stable")][:MOST]
    top = _commonest(clusters, labels, listed, len(sizes))
    rows = [
        {"cluster": cluster, "name": names.get(cluster, f"cluster {cluster}"), "size": int(sizes[cluster]),
         "labelled": int(labelled[cluster]), "top": found}
        for cluster, found in zip(listed.tolist(), top, strict=True)
    ]  # fmt: skip
    noise = int(len(clusters) - np.count_nonzero(inside))
    return {
        "total": len(there), "named": len(there) - len(bare), "rows": rows, "more": len(bare) - len(listed),
        "noise": {"size": noise, "labelled": int(np.count_nonzero(has & ~inside)) if noise else 0},
    }  # fmt: skip


def _commonest(clusters: np.ndarray, labels: Labels, listed: np.ndarray, count: int) -> list[str | None]:
    """Each listed cluster's most frequent category, the older one of two; counted for these alone, however many there are."""
    if not len(listed) or not labels.categories:
        return [None] * len(listed)
    place = np.full(count + 1, -1, np.int32)  # the last is for noise
    place[listed] = np.arange(len(listed))
    rows = np.flatnonzero((place[clusters] >= 0) & (labels.codes > 0))
    width = labels.next_code
    counted = np.bincount(place[clusters[rows]] * np.int64(width) + labels.codes[rows], minlength=len(listed) * width)
    table = counted.reshape(len(listed), width)
    best = table.argmax(axis=1).tolist()
    return [labels.categories[code].name if table[row, code] else None for row, code in enumerate(best)]


__all__ = ["MOST", "unnamed"]
