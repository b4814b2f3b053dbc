"""The curve by which nearness on the map falls with distance: a and b of ``1 / (1 + a d^(2b))`` from min_dist and spread."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def curve(spread: float, min_dist: float) -> tuple[float, float]:
    """a and b that fit best to 1 up to `min_dist` and an exponential fall of width `spread` beyond, as umap-learn fits them.

    Fitted in units of `spread`: for narrow and wide ones the search would wander off to negative a and b otherwise.
    """
    from scipy.optimize import curve_fit

    distance, least = np.linspace(0, 3, 300), min_dist / spread
    wanted = np.where(distance < least, 1.0, np.exp(-(distance - least)))
    (a, b), _ = curve_fit(lambda d, a, b: 1.0 / (1.0 + a * d ** (2 * b)), distance, wanted)
    return float(a / spread ** (2 * b)), float(b)
