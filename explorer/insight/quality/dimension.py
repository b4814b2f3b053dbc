"""In how many directions vectors spread near an item: their intrinsic dimension."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.insight.quality.scores import mean
from explorer.neighbors import ANGULAR, NeighborGraph

FEWEST = 3  # neighbours at a distance that an item must have to be counted


@dataclass(frozen=True)
class Dimension:
    """How many directions, and the ends of the 95 % interval."""

    value: float
    low: float
    high: float


def dimension(graph: NeighborGraph) -> Dimension | None:
    """The intrinsic dimension by the distances to the nearest neighbours; None where equal rows leave nothing to measure.

    Maximum likelihood (Levina & Bickel, "Maximum Likelihood Estimation of Intrinsic Dimension", 2005), averaged over items as
    MacKay & Ghahramani (2005) correct it: the mean of the inverses, inverted. Like every such estimate it is low beyond ten or so.
    """
    far = graph.distances.astype(np.float64)
    far = np.sqrt(2 * far) if graph.metric in ANGULAR else far  # 1 - cos is half a squared distance
    far[~(np.isfinite(far) & (far > 0))] = np.nan
    known = np.isfinite(far).sum(axis=1)
    far, known = far[known >= FEWEST], known[known >= FEWEST]
    if not len(far):
        return None
    farthest = np.nanmax(far, axis=1, keepdims=True)
    inverse = np.nansum(np.log(farthest / far), axis=1) / (known - 1)
    middle, low, high = mean(inverse)
    if middle <= 0:
        return None
    return Dimension(1 / middle, 1 / high, 1 / low if low > 0 else float("inf"))


__all__ = ["Dimension", "dimension"]
