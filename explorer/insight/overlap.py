"""How far two layouts agree on who is near whom: for every item the share of its nearest neighbours that both have."""

from __future__ import annotations

import numpy as np

from explorer.insight.quality.places import Places
from explorer.step import Progress

BLOCK = 65_536  # items at once: their neighbours, places and distances take 50 MB
CELLS = 1_024  # across, of the grid in whose order items are asked for: who is near is then in the processor's memory already
_ROUNDING = 1 + 1e-9  # a distance worked out twice may differ in its last digit


def overlap(one: np.ndarray, other: np.ndarray, k: int = 15, progress: Progress | None = None) -> np.ndarray:
    """The share of the `k` nearest neighbours on one map that are among the `k` nearest on the other.

    Of items that share a place, any may be called the nearest: so a neighbour on one map counts as one on the other where it is no
    farther there than the k-th. The share is the mean of both directions, which are the same where no two distances are.

    Parameters
    ----------
    one, other
        ``(n, 2)``; items that have no place (NaN) in either are left out of both.
    k
        How many neighbours, at most one less than there are items.

    Returns
    -------
    ``(n,)`` float32 in 0..1, NaN for an item that has no place in both, or no neighbour.
    """
    shares = np.full(len(one), np.nan, np.float32)
    rows = np.flatnonzero(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    k = min(k, len(rows) - 1)
    if k < 1:
        return shares
    done = progress or Progress()
    places = [np.ascontiguousarray(layout[rows], np.float64) for layout in (one, other)]
    near = [_nearest(some, k, done.part(start, start + 0.4)) for some, start in zip(places, (0.0, 0.4), strict=True)]
    for start in range(0, len(rows), BLOCK):
        done(0.8 + 0.2 * start / len(rows), "comparing neighbours")
        block = np.arange(start, min(start + BLOCK, len(rows)))
        both = _held(near[0], near[1], places[1], block) + _held(near[1], near[0], places[0], block)
        shares[rows[block]] = both / (2 * k)
    return shares


def _nearest(places: np.ndarray, k: int, progress: Progress) -> np.ndarray:
    """The `k` nearest of each place, ``(n, k)`` int32."""
    tree, order = Places(places), _along(places)
    near = np.empty((len(places), k), np.int32)
    for start in range(0, len(order), BLOCK):
        some = order[start : start + BLOCK]
        near[some] = tree.nearest(some, k, progress.part(start / len(order), (start + len(some)) / len(order)))
    return near


def _along(places: np.ndarray) -> np.ndarray:
    """An order in which what is near comes soon."""
    low = places.min(axis=0)
    width = float((places.max(axis=0) - low).max()) or 1.0
    cells = np.minimum((places - low) * (CELLS / width), CELLS - 1).astype(np.int64)
    return np.argsort(cells[:, 0] * CELLS + cells[:, 1], kind="stable")


def _held(near: np.ndarray, there: np.ndarray, places: np.ndarray, block: np.ndarray) -> np.ndarray:
    """How many of the neighbours `near` of each item of a block are as near on the map with the neighbours `there`, ``(b,)``."""
    reach = _distances(there[block], places, block).max(axis=1)
    return np.asarray((_distances(near[block], places, block) <= reach[:, None] * _ROUNDING).sum(axis=1))


def _distances(rows: np.ndarray, places: np.ndarray, block: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(((places[rows] - places[block][:, None]) ** 2).sum(axis=2)))


__all__ = ["overlap"]
