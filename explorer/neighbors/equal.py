"""Which rows are equal to an earlier one: each of them needs to be computed once."""

from __future__ import annotations

import numpy as np


def equal_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Where each different row comes first, in order, and for each row ``(n,)`` its place among these; None where all differ."""
    row = np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))
    bytes_ = np.ascontiguousarray(rows + 0.0).view(row).ravel()  # + 0.0 makes 0 of -0
    _, first, back = np.unique(bytes_, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return None
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[back]


__all__ = ["equal_rows"]
