"""Brings vectors into the range where squares of float32 neither overflow nor vanish."""

from __future__ import annotations

import numpy as np

LARGEST, SMALLEST = 1e15, 1e-12  # the square of LARGEST, summed over a hundred million columns, still fits float32
_ROWS = 65_536  # rows looked at in one go, so that no float64 copy of everything is made


def tamed(vectors: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Vectors ``(n, d)`` float32 that can be squared, and notes on what was changed; most vectors come back as they are.

    Layouts do not depend on the unit, so everything is first divided by its usual size. What is still beyond `LARGEST` then (a
    sentinel such as 3e38 for "missing" among ordinary values) is clipped, so that the ordinary values keep their differences.
    """
    size = float(np.abs(vectors).max(initial=0.0))
    if size == 0 or SMALLEST <= size <= LARGEST:
        return vectors, ()
    usual = _usual(vectors) if size > LARGEST else size
    unit = 1.0 if SMALLEST < usual < LARGEST else usual  # where only some are huge, the rest needs no other unit
    made = np.empty_like(vectors)
    clipped = 0
    for start in range(0, len(vectors), _ROWS):
        scaled = vectors[start : start + _ROWS].astype(np.float64) / unit
        clipped += int((np.abs(scaled) > LARGEST).sum())
        made[start : start + _ROWS] = np.clip(scaled, -LARGEST, LARGEST)
    notes = (f"{clipped:,} values beyond ±{LARGEST:g} were clipped; are they a stand-in for missing values?",) if clipped else ()
    return made, notes


def _usual(vectors: np.ndarray) -> float:
    """The median size of what is not zero, out of a million values."""
    flat = vectors.ravel()
    some = np.abs(flat[:: max(1, len(flat) // 1_000_000)].astype(np.float64))
    return float(np.median(some[some > 0])) if some.any() else float(np.abs(flat).max())
