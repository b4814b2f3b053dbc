"""What is told a reducer beside the vectors, for the rows that it computes: some have no features, and equal ones are one."""

from __future__ import annotations

import numpy as np


def narrowed(array: np.ndarray, valid: np.ndarray, back: np.ndarray | None) -> np.ndarray:
    """Of ``(n, ...)`` what belongs to the rows that are computed.

    Codes are whole numbers, -1 where nothing is known: rows that are equal and have different codes have none together. Of numbers,
    NaN where nothing is known, the first that is known counts.

    Parameters
    ----------
    valid
        ``(n,)`` bool: the rows that have features.
    back
        For each of these its place among the different ones; None where all differ.
    """
    some = np.asarray(array)[valid]
    if back is None:
        return some
    return _codes(some, back) if some.dtype.kind in "iu" else _numbers(some, back)


def _codes(codes: np.ndarray, back: np.ndarray) -> np.ndarray:
    count, known = int(back.max()) + 1, codes >= 0
    low, high = np.full(count, np.iinfo(codes.dtype).max, codes.dtype), np.full(count, -1, codes.dtype)
    np.minimum.at(low, back[known], codes[known])
    np.maximum.at(high, back[known], codes[known])
    return np.where(low == high, high, -1).astype(codes.dtype)


def _numbers(numbers: np.ndarray, back: np.ndarray) -> np.ndarray:
    made = np.full((int(back.max()) + 1, *numbers.shape[1:]), np.nan, numbers.dtype)
    known = np.flatnonzero(np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1))[::-1]  # the first is written last
    made[back[known]] = numbers[known]
    return made
