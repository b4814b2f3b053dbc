"""How far two distributions over the same bars lie apart, and how far chance alone would bring them."""

from __future__ import annotations

import numpy as np

DRAWS = 200


def difference(here: np.ndarray, there: np.ndarray) -> float:
    """Half the sum of the differences between the shares of two counts ``(bars,)``: 0 for the same, 1 where no bar is shared.

    It is the total variation distance: the share of one side that would have to move for both to look the same.
    """
    n, m = int(here.sum()), int(there.sum())
    return float(np.abs(here / n - there / m).sum() / 2) if n and m else 0.0


def by_chance(here: np.ndarray, there: np.ndarray, draws: int = DRAWS) -> float:
    """The most that as many items as `here`, picked blindly from all, differed from the others in so many draws.

    A permutation test: what differs more than that would do so by chance less than about once in `draws` columns.
    """
    total, n = (here + there).astype(np.int64), int(here.sum())
    rest = int(total.sum()) - n
    if not n or not rest:
        return 0.0
    picked = np.random.default_rng(0).multivariate_hypergeometric(total, n, draws, method="marginals")
    return float(np.abs(picked / n - (total - picked) / rest).sum(axis=1).max() / 2)


__all__ = ["by_chance", "difference"]
