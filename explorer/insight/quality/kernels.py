"""The inner loop of ranks, compiled by numba; it lets other threads run."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count_nearer(distances: np.ndarray, limits: np.ndarray, counts: np.ndarray) -> None:
    """Add to `counts` ``(m, k)`` how many of `distances` ``(m, b)`` lie below each of `limits` ``(m, k)``, which ascend."""
    last = limits.shape[1] - 1
    for query in range(len(distances)):
        for row in range(distances.shape[1]):
            distance, at = distances[query, row], last
            while at >= 0 and distance < limits[query, at]:
                counts[query, at] += 1
                at -= 1
