"""The Shepard diagram: how far pairs of items are in the vectors against how far they are on the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.insight.quality.ranks import Space

PAIRS = 50_000
ACROSS, DOWN = 48, 32  # cells of the picture
REACH = 99.5  # percentile at which the axes end; what lies beyond is in the last cell
_AT_ONCE = 4_096


@dataclass(frozen=True, eq=False)
class Shepard:
    """Counts of pairs.

    Attributes
    ----------
    counts
        ``(DOWN, ACROSS)`` int64: by distance on the map, upwards from 0, and by distance of the vectors, from 0 to the right.
    reach
        The distances of the vectors and on the map at which the axes end.
    correlation
        Spearman's rank correlation of the two distances; NaN where one of them never varies.
    pairs
        How many pairs were looked at.
    """

    counts: np.ndarray
    reach: tuple[float, float]
    correlation: float
    pairs: int


def shepard(space: Space, places: np.ndarray) -> Shepard:
    """The diagram of ``n`` rows and their places ``(n, 2)`` float64, from all pairs or a seeded sample of `PAIRS`."""
    one, other = _pairs(len(places))
    far = np.concatenate(
        [
            space.apart(space.of(one[start : start + _AT_ONCE]), space.of(other[start : start + _AT_ONCE]))[0]
            for start in range(0, len(one), _AT_ONCE)
        ]
    )
    far, drawn = space.plain(far), np.linalg.norm(places[one] - places[other], axis=1)
    reach = tuple(float(np.percentile(each, REACH)) or 1.0 for each in (far, drawn))
    cells = [
        np.minimum((each / end * size).astype(np.int64), size - 1)
        for each, end, size in zip((far, drawn), reach, (ACROSS, DOWN), strict=True)
    ]
    counts = np.bincount(cells[1] * ACROSS + cells[0], minlength=ACROSS * DOWN).reshape(DOWN, ACROSS)
    return Shepard(counts, (reach[0], reach[1]), _spearman(far, drawn), len(one))


def _pairs(n: int) -> tuple[np.ndarray, np.ndarray]:
    if n * (n - 1) // 2 <= PAIRS:
        return np.triu_indices(n, 1)
    rng = np.random.default_rng(0)
    one = rng.integers(0, n, PAIRS)
    other = rng.integers(0, n - 1, PAIRS)
    return one, other + (other >= one)


def _spearman(some: np.ndarray, others: np.ndarray) -> float:
    from scipy.stats import rankdata

    one, other = (rankdata(each) - (len(each) + 1) / 2 for each in (some, others))
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else float("nan")


__all__ = ["ACROSS", "DOWN", "Shepard", "shepard"]
