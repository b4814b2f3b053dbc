"""Rows parted into cells of a few hundred that lie together, and which cells lie next to which: k-means within k-means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.neighbors.board import Block
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

CELL = 256  # rows that a cell has on average
BRANCHES = 32  # parts that rows are parted into at once
_LEARNT_FROM = 128  # rows that each part's middle is learnt from
_ROUNDS = 6
ASKED = 32  # rows of a cell that are asked which cells are near them
_ROWS = 4_096  # rows whose part is found at once
_NEARLY_ALL = 0.98  # of the rows in one part: no use parting them so


@dataclass(frozen=True, eq=False)
class Cells:
    """An order of the rows in which each cell's rows stand together.

    Attributes
    ----------
    order
        ``(n,)`` int32: the row at each place.
    blocks
        The cells' stretches of that order.
    middles
        ``(cells, d)`` float32, the mean of each.
    """

    order: np.ndarray
    blocks: list[Block]
    middles: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, random_state: int, progress: Progress) -> Cells:
        """Part ``(n, d)`` float32 rows; the same for the same seed whatever the number of threads."""
        parts, level = [np.arange(len(rows), dtype=np.int32)], 0
        while any(len(part) > 2 * CELL for part in parts):
            parts = _divided(rows, parts, [random_state, level], progress.part(1 - 0.5**level, 1 - 0.5 ** (level + 1)))
            level += 1
        edges = np.cumsum([0, *map(len, parts)]).tolist()
        middles = np.stack([rows[part].mean(axis=0, dtype=np.float64) for part in parts]).astype(np.float32)
        return cls(np.concatenate(parts), list(pairwise(edges)), middles)

    def pairs(self, rows: np.ndarray, reach: int, progress: Progress) -> np.ndarray:
        """Pairs of different cells that are worth looking at, ``(m, 2)``, those first that most rows of either cell want.

        Some rows of each cell are asked which `reach` other cells have their middles nearest to them. `rows` are in that order.
        """
        count = len(self.blocks)
        wide, votes = min(reach, count - 1), np.zeros((0, 2), np.int64)
        if wide:
            found: list[np.ndarray] = [votes] * count
            half = np.einsum("ij,ij->i", self.middles, self.middles) / 2
            weight = 1_000_000 // np.arange(1, wide + 1)  # a cell that is nearer to a row holds more of its neighbours

            def ask(own: int) -> None:
                low, high = self.blocks[own]
                some = rows[low : high : max(1, (high - low) // ASKED)]
                far = half - some @ self.middles.T
                far[:, own] = np.inf
                near = np.argpartition(far, wide - 1, axis=1)[:, :wide]
                near = np.take_along_axis(near, np.argsort(np.take_along_axis(far, near, axis=1), axis=1, kind="stable"), axis=1)
                weights = np.bincount(near.ravel(), np.tile(weight, len(some)), count)
                others = np.flatnonzero(weights)
                pairs = np.minimum(others, own) * np.int64(count) + np.maximum(others, own)
                found[own] = np.column_stack([pairs, weights[others].astype(np.int64) * (high - low) // len(some)])

            in_threads(ask, range(count), progress)
            votes = np.concatenate(found)
        pairs, which = np.unique(votes[:, 0], return_inverse=True)
        best = np.argsort(-np.bincount(which, votes[:, 1], len(pairs)), kind="stable")
        return np.column_stack([pairs[best] // count, pairs[best] % count])


def _divided(rows: np.ndarray, parts: list[np.ndarray], seed: list[int], progress: Progress) -> list[np.ndarray]:
    """The parts with those that are too large divided."""
    made = [[part] for part in parts]

    def divide(at: int) -> None:
        made[at] = _parted(rows, parts[at], np.random.default_rng([*seed, at]))

    in_threads(divide, [at for at, part in enumerate(parts) if len(part) > 2 * CELL], progress)
    return [part for found in made for part in found]


def _parted(rows: np.ndarray, part: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Some rows in up to `BRANCHES` parts, each in order; where k-means cannot part them, as of equal rows, in stretches."""
    count = min(BRANCHES, -(-len(part) // CELL))
    some = part[np.sort(rng.choice(len(part), min(len(part), count * _LEARNT_FROM), replace=False))]
    middles = _means(rows[some], count, rng)
    kinds = np.concatenate([_nearest(rows[part[low:high]], middles) for low, high in stretches(len(part), _ROWS)])
    sizes = np.bincount(kinds, minlength=count)
    if sizes.max() > _NEARLY_ALL * len(part):
        return [part[low:high] for low, high in stretches(len(part), CELL)]
    return [one for one in np.split(part[np.argsort(kinds, kind="stable")], np.cumsum(sizes)[:-1]) if len(one)]


def _means(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Lloyd's k-means, a few rounds from rows drawn at random; a mean of nothing stays where it was."""
    middles = rows[rng.choice(len(rows), count, replace=False)].astype(np.float32)
    for _ in range(_ROUNDS):
        kinds = _nearest(rows, middles)
        order = np.argsort(kinds, kind="stable")
        sizes = np.bincount(kinds, minlength=count)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        filled = sizes > 0
        sums = np.add.reduceat(rows[order], starts[filled], axis=0, dtype=np.float64)
        middles[filled] = sums / sizes[filled, None]
    return middles


def _nearest(rows: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """Which middle each row is nearest to."""
    dots = rows @ middles.T
    dots -= np.einsum("ij,ij->i", middles, middles) / 2
    return dots.argmax(axis=1)


__all__ = ["CELL", "Cells"]
