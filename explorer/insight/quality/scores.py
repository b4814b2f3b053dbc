"""A number for every item, and their mean with the interval that it is known within."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SURE = 1.96  # standard errors on either side that hold the true mean in 95 of 100 samples


@dataclass(frozen=True, eq=False)
class Score:
    """A mean over items.

    Attributes
    ----------
    value, low, high
        The mean, and the ends of its 95 % interval (normal, over the items).
    of_items
        ``(n,)`` float32, NaN where it is not known: without features or a place, or not in the sample.
    """

    value: float
    low: float
    high: float
    of_items: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, values: np.ndarray, rows: np.ndarray, n: int, most: float = 1.0) -> Score:
        """The score of the items in `rows`, ``(m,)`` each; it lies between 0 and `most`."""
        everything = np.full(n, np.nan, np.float32)
        everything[rows] = values
        return cls(*mean(values, most), everything)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def mean(values: np.ndarray, most: float = np.inf) -> tuple[float, float, float]:
    """The mean of ``(m,)`` and its 95 % interval within 0 and `most`."""
    middle = float(values.mean())
    reach = SURE * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return middle, max(0.0, middle - reach), float(min(most, middle + reach))


__all__ = ["Score", "mean"]
