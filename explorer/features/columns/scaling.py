"""Numbers on one scale: the median is 0, the interquartile range 1; a long tail on one side is drawn in first."""

from __future__ import annotations

import numpy as np

SAMPLE = 10_000  # values that a tail is judged by, and the power found from
ENOUGH = 50  # values below which one that lies far out is an accident, not a tail
DIFFERENT = 10  # values: fewer are codes or levels
STRONG = 2.0 / 3.0  # how far the median is from the middle of percentiles 1 and 99, in halves of their way; exponential: 0.70
POWERS = np.round(np.arange(-2.0, 4.01, 0.1), 1)
FAR = 1e12  # ranges from the median beyond which no power is taken


def robust(values: np.ndarray) -> np.ndarray:
    """``(n,)`` float64, NaN kept: the median is 0, the interquartile range 1; where that range is 0, the standard deviation.

    As scikit-learn's ``RobustScaler``, so that a few extreme values do not rule.
    """
    known = np.isfinite(values)
    if not known.any():
        return values
    # To at most 1 first, or differences and squares of numbers like 1e308 overflow; what a scale does is undone by the next.
    largest = np.abs(values[known]).max()
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        values = values / (largest or 1.0)
        low, middle, high = np.percentile(values[known], (25, 50, 75))
        spread = high - low or values[known].std()
        return np.asarray((values - middle) / (spread or 1.0))


def skewed(scaled: np.ndarray) -> bool:
    """Whether one tail is so much longer than the other that it would rule: as far as that of the log-normal distribution.

    Judged by percentiles rather than moments: neither one value that lies far out nor a small second cluster is a tail.
    """
    sample = _sample(scaled)
    if len(sample) < ENOUGH or len(np.unique(sample)) <= DIFFERENT:
        return False
    low, middle, high = np.percentile(sample, (1, 50, 99), method="nearest")
    low, high = max(low, np.partition(sample, 1)[1]), min(high, np.partition(sample, -2)[-2])  # of few values, not the last
    return bool(high > low and abs(high + low - 2 * middle) > STRONG * (high - low))


def evened(scaled: np.ndarray) -> np.ndarray:
    """``(n,)`` with both tails about as long, in the same order, scaled anew; NaN kept.

    The power transformation of Yeo & Johnson (Biometrika 2000), which takes negative numbers too, with the power of the largest
    likelihood, to a tenth.
    """
    sample = np.clip(_sample(scaled), -FAR, FAR)
    power = max(POWERS, key=lambda one: _likelihood(sample, one))
    return robust(_powered(np.clip(scaled, -FAR, FAR), power))


def _sample(scaled: np.ndarray) -> np.ndarray:
    known = scaled[np.isfinite(scaled)]
    return known if len(known) <= SAMPLE else known[np.linspace(0, len(known) - 1, SAMPLE).astype(np.int64)]


def _powered(values: np.ndarray, power: float) -> np.ndarray:
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        logs = np.log1p(np.abs(values))
        up = logs if power == 0 else np.expm1(power * logs) / power
        down = -logs if power == 2 else -np.expm1((2 - power) * logs) / (2 - power)
    return np.where(values < 0, down, np.where(values >= 0, up, np.nan))


def _likelihood(sample: np.ndarray, power: float) -> float:
    spread = float(_powered(sample, power).var())
    if not 0.0 < spread < np.inf:
        return -np.inf
    return float((power - 1) * (np.sign(sample) * np.log1p(np.abs(sample))).mean() - np.log(spread) / 2)
