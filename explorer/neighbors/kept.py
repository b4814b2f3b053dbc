"""Graphs kept in a folder: whole or absent, found again by what they are of, and computed again where damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.step import Result, fingerprint_array, sha256

if TYPE_CHECKING:
    from explorer.neighbors.graph import NeighborGraph

VERSION, APPROXIMATE = 1, 2  # raise them when the same search, the exact one or the other, begins to find something else
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, SyntaxError)  # of numpy and json


def graphs_beside(store: Path | None) -> Path | None:
    """The folder of graphs beside the one in which a step's results are kept; None where nothing is kept."""
    return None if store is None else store.parents[1] / "neighbors"


def place(store: Path, rows: np.ndarray, metric: str, random_state: int | None) -> Path:
    """The folder of the graphs of some rows; in it is one for each number of neighbours. An exact search has no seed: None."""
    version = VERSION if random_state is None else APPROXIMATE
    identity = json.dumps([fingerprint_array(rows), metric, random_state, version])
    return store / hashlib.sha256(identity.encode()).hexdigest()[:24]


def load(folder: Path, k: int, n: int) -> Result | None:
    """The smallest whole graph of at least `k` neighbours of `n` rows in a folder; a damaged one is removed: it is made again."""
    sizes = sorted(int(one.name) for one in folder.glob("*") if one.name.isdecimal()) if folder.is_dir() else []
    for size in (one for one in sizes if one >= k):
        found = _read(folder / str(size), (n, size))
        if found is not None:
            return found
        shutil.rmtree(folder / str(size), ignore_errors=True)
    return None


def _read(folder: Path, shape: tuple[int, int]) -> Result | None:
    found = whole(folder, "neighbors", "indices")
    if found is None:
        return None
    try:
        indices, distances = np.array(found.arrays["indices"]), np.array(found.values)
        about(found)
    except _UNREADABLE:
        return None
    right = indices.shape == distances.shape == shape and indices.dtype == np.int32 and distances.dtype == np.float32
    if not right or indices.min(initial=0) < -1 or indices.max(initial=-1) >= shape[0]:  # compiled loops follow them unchecked
        return None
    return Result(distances, found.kind, found.method, found.settings, found.input, found.key, arrays={"indices": indices})


def whole(folder: Path, kind: str, array: str) -> Result | None:
    """What is kept in a folder: values and one array beside them; None where it is not there, or not as it was written."""
    try:
        found, sums = Result.load(folder), json.loads((folder / "sums.json").read_text("utf-8"))
        right = set(sums) == {"values.npy", f"array-{array}.npy", "settings.json"} and found.kind == kind
        if not right or any(sha256(folder / name) != kept for name, kept in sums.items()):
            return None
    except _UNREADABLE:
        return None
    return found


def save(folder: Path, indices: np.ndarray, distances: np.ndarray, settings: dict[str, Any]) -> None:
    """Keep a graph, and none of fewer neighbours beside it; where the disk is full, nothing is kept."""
    k = indices.shape[1]
    try:
        Result(
            distances, "neighbors", settings["method"], settings, folder.name, str(k), arrays={"indices": indices}
        ).save(folder / str(k))  # fmt: skip
        for one in folder.glob("*"):
            if one.name.isdecimal() and int(one.name) < k:
                shutil.rmtree(one, ignore_errors=True)
    except OSError:
        return


def told(graph: NeighborGraph) -> dict[str, Any]:
    """What is to be kept of a graph besides its arrays."""
    return {"metric": graph.metric, "exact": graph.exact, "recall": graph.recall, "method": graph.method}


def about(result: Result) -> dict[str, Any]:
    """The same of one that was kept."""
    return {
        name: kind(result.settings[name]) for name, kind in (("metric", str), ("exact", bool), ("recall", float), ("method", str))
    }


__all__ = ["about", "graphs_beside", "load", "place", "save", "told", "whole"]
