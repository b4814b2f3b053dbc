"""Spanning trees kept beside the graphs of neighbours: another size of cluster is another cut of a tree that is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from explorer.clustering.spanning import Edges
from explorer.neighbors.kept import whole
from explorer.step import Result

KIND = "tree"
VERSION = 1  # raise it when the same rows begin to have another tree


def load(folder: Path, n: int) -> tuple[Edges, tuple[str, ...]] | None:
    """The tree of `n` rows that is kept in a folder, and what is to be said of it; None where there is no whole one."""
    found = whole(folder, KIND, "pairs")
    if found is not None:
        pairs, weights = np.array(found.arrays["pairs"]), np.array(found.values)
        right = pairs.shape == (n - 1, 2) and weights.shape == (n - 1,) and pairs.dtype == np.int32 and weights.dtype == np.float64
        if right and pairs.min(initial=0) >= 0 and pairs.max(initial=0) < n:
            return Edges(pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), weights), found.notes
    shutil.rmtree(folder, ignore_errors=True)
    return None


def save(folder: Path, tree: Edges, notes: tuple[str, ...]) -> None:
    """Keep a tree; where the disk is full, nothing is kept."""
    arrays = {"pairs": tree.pairs.astype(np.int32)}
    made = Result(tree.weights, KIND, "hdbscan", {}, folder.parent.name, folder.name, notes=notes, arrays=arrays)
    try:
        made.save(folder)
    except OSError:
        return


__all__ = ["VERSION", "load", "save"]
