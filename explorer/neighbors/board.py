"""The nearest found so far of each row, and blocks of rows looked at pair by pair: what may be near by a product is measured.

A product in float32 bounds a distance from below, whatever was rounded; only what may be among the nearest is measured, in float64.
So a pair of blocks costs what BLAS costs, is right to the last digit, and gives the same in whatever order and thread it is done.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from explorer.neighbors.angles import ANGULAR, directions

Block = tuple[int, int]  # a stretch of the rows
_EPS = float(np.finfo(np.float32).eps)
_HUGE = 1e37  # squares beyond it are lost to float32: nothing is known then, and the pair is measured


class Measured(NamedTuple):
    """Rows and how their distance is measured: see `kernels.distance`."""

    rows: np.ndarray
    kind: int
    about: np.ndarray  # (n, 3) float64

    @classmethod
    def of(cls, rows: np.ndarray, metric: str) -> Measured:
        """By the name of a metric."""
        kind = {"euclidean": 0, "cosine": 1, "correlation": 1, "manhattan": 2, "chebyshev": 3}[metric]
        return cls(rows, kind, directions(rows, metric) if metric in ANGULAR else np.zeros((len(rows), 3)))


class Board:
    """The `k` nearest so far of each row: `places` ``(n, k)`` int32 and `apart` float64; `names` ``(n,)`` order equal ones."""

    def __init__(self, measured: Measured, names: np.ndarray, k: int) -> None:
        self.measured, self.names = measured, names
        self.places = np.full((len(names), k), -1, np.int32)
        self.apart = np.full((len(names), k), np.inf)

    def compare(self, first: Block, second: Block) -> None:
        """Offer the rows of each of two blocks to those of the other; nobody else may use either meanwhile."""
        from explorer.neighbors import kernels

        sizes = first[0], first[1] - first[0], second[0], second[1] - second[0]
        kernels.compare(*sizes, *self.measured, self.names, self.places, self.apart)


class Tiles:
    """Pairs of blocks of a board's rows, looked at in any order by any number of threads."""

    def __init__(self, board: Board, rough: np.ndarray | None, blocks: list[Block]) -> None:
        """`rough` ``(n, c)`` float32 are rows whose euclidean distances are those wanted; None where there are no such."""
        self.board, self.rough, self.blocks = board, rough, blocks
        self._locks = [threading.Lock() for _ in blocks]
        self._own = threading.local()
        if rough is not None:
            self._half = half_squares(rough)
            self._needed = np.full(len(rough), -np.inf, np.float32)

    def __call__(self, pair: tuple[int, int]) -> None:
        """Look at a pair of blocks, by their numbers."""
        low, high = sorted(pair)
        first, second = self.blocks[low], self.blocks[high]
        dots = None if self.rough is None else self._product(self.rough[slice(*first)], self.rough[slice(*second)])
        with self._locks[low]:
            if low == high:
                self._look(dots, first, second)
            else:
                with self._locks[high]:
                    self._look(dots, first, second)

    def _look(self, dots: np.ndarray | None, first: Block, second: Block) -> None:
        from explorer.neighbors import kernels

        board = self.board
        if dots is None:
            board.compare(first, second)
            return
        kernels.look(
            dots, first[0], second[0], *board.measured, self._half, self._needed, board.names, board.places, board.apart
        )  # fmt: skip

    def _product(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        size = len(left) * len(right)
        if getattr(self._own, "room", np.zeros(0)).size < size:
            self._own.room = np.empty(size, np.float32)
        dots = self._own.room[:size].reshape(len(left), len(right))
        with np.errstate(all="ignore"):  # what is not finite is told apart, not warned of
            return np.matmul(left, right.T, out=dots)


def half_squares(rough: np.ndarray) -> np.ndarray:
    """``(n,)`` float32: half the squared length of float32 rows and so much less that no rounding of a product hides a near row.

    NaN where the square is beyond float32: of such a row nothing is known.
    """
    margin = 2 * (rough.shape[1] + 10) * _EPS
    lengths = np.einsum("ij,ij->i", rough, rough, dtype=np.float32)
    lengths[~(lengths < _HUGE)] = np.nan
    return (lengths * np.float32(0.5 * (1 - margin))).astype(np.float32)


__all__ = ["Block", "Board", "Measured", "Tiles", "half_squares"]
