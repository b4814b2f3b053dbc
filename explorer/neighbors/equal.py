"""Which rows are equal to an earlier one: each of them needs to be computed once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROWS = 16_384  # rows summed at once


class Copies(NamedTuple):
    """Which of n rows are equal, by the m different ones among them.

    Attributes
    ----------
    first, back
        ``(m,)`` and ``(n,)``: as `equal_rows` gives them.
    starts, members
        ``(m + 1,)`` and ``(n,)``: those equal to the c-th different row are ``members[starts[c] : starts[c + 1]]``, in order.
    """

    first: np.ndarray
    back: np.ndarray
    starts: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Copies | None:
        """None where all rows differ."""
        equal = equal_rows(rows)
        if equal is None:
            return None
        first, back = equal
        starts = np.concatenate([[0], np.cumsum(np.bincount(back, minlength=len(first)))])
        return cls(first, back, starts, np.argsort(back, kind="stable"))


def equal_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Where each different row comes first, in order, and for each row ``(n,)`` its place among these; None where all differ."""
    if _all_differ(rows):
        return None
    row = np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))
    bytes_ = np.ascontiguousarray(rows + 0.0).view(row).ravel()  # + 0.0 makes 0 of -0
    _, first, back = np.unique(bytes_, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return None
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[back]


def _all_differ(rows: np.ndarray) -> bool:
    """Whether a sum of each row's bits tells all rows apart; where it does not, they may differ all the same."""
    if rows.dtype != np.float32 or not rows.shape[1]:
        return False
    sums, factors = np.empty(len(rows), np.uint64), np.random.default_rng(0).integers(0, 1 << 63, rows.shape[1], np.uint64) * 2 + 1
    for low in range(0, len(rows), _ROWS):
        bits = (rows[low : low + _ROWS] + np.float32(0)).view(np.uint32)
        np.matmul(bits.astype(np.uint64), factors, out=sums[low : low + _ROWS])
    sums.sort()
    return not (sums[1:] == sums[:-1]).any()


__all__ = ["Copies", "equal_rows"]
