"""The nearest on the map: exact, by a tree, also where thousands of items lie on one spot."""

from __future__ import annotations

import numpy as np

from explorer.step import Progress

MANY = 20_000  # items asked for at a time, between two looks whether it is still wanted
_SHIFT = 1e-10  # of the map's width: what lies on one spot is told apart by it, and nothing else is


class Places:
    """Places ``(n, 2)``, all finite, whose neighbours can be asked for."""

    def __init__(self, places: np.ndarray) -> None:
        from scipy.spatial import cKDTree

        self.places = np.asarray(places, np.float64)
        width = float(np.ptp(self.places, axis=0).max(initial=0.0)) or 1.0
        centred = self.places - self.places.mean(axis=0)
        moved = np.random.default_rng(0).uniform(-_SHIFT, _SHIFT, self.places.shape) * width
        self._moved = centred + moved  # a tree cannot part equal points: each search would go through all of them
        self._tree = cKDTree(self._moved)

    def nearest(self, rows: np.ndarray, k: int, progress: Progress | None = None) -> np.ndarray:
        """``(m, min(k, n - 1))`` int64: the rows nearest to each of `rows`, itself not among them, nearest first."""
        done, k = progress or Progress(), min(k, len(self.places) - 1)
        found = np.zeros((len(rows), k), np.int64)
        for start in range(0, len(rows), MANY):
            done(start / len(rows), "finding neighbours on the map")
            some = rows[start : start + MANY]
            near = np.asarray(self._tree.query(self._moved[some], k + 1)[1], np.int64).reshape(len(some), -1)
            own = near == some[:, None]
            own[~own.any(axis=1), -1] = True  # rounding put another before it
            found[start : start + MANY] = near[~own].reshape(len(some), k)
        return found


def among(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``(m, k)`` bool: which entries of each row of ``(m, k)`` are among those of the same row of ``(m, l)``; -1 is none."""
    found = np.zeros(some.shape, bool)
    for start in range(0, len(some), MANY):
        part = slice(start, start + MANY)
        for place, column in enumerate(some[part].T):
            found[part, place] = ((column[:, None] == others[part]) & (column >= 0)[:, None]).any(axis=1)
    return found


def common(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``(m,)`` int64: how many entries of each row of ``(m, k)`` are among those of the same row of ``(m, l)``; -1 is none."""
    return np.asarray(among(some, others).sum(axis=1))


__all__ = ["Places", "among", "common"]
