"""What the graph of nearest neighbours will take."""

from __future__ import annotations

import math

from explorer.installation.takes import Takes
from explorer.neighbors.graph import EXACT, SMALL, TREE_COLUMNS, TREE_ROWS
from explorer.neighbors.threads import threads

COLUMNS = 128  # up to which all pairs of `EXACT` rows are looked at; of more, of fewer rows (see `graph`)
_ALONE = 0.1  # of the work, which one thread does while the others wait


def graph_takes(n: int, d: int, k: int) -> Takes:
    """What the graph of k neighbours takes on all threads, from processor seconds that benchmarks/step_costs.py measured.

    Up to 60,000 items all pairs, by products; beyond, a search that grows a little faster than n, and three times as long for rows
    without groups as for those with: said is what lies between. Of few columns a tree.
    """
    held, share = 3 * 12 * n * (k + 1) + 4 * n * d, _ALONE + (1 - _ALONE) / threads()
    if d <= TREE_COLUMNS and n >= TREE_ROWS:
        return Takes(sparse=1e-6 * n * k * share, memory=held)
    if n <= SMALL or (n <= EXACT and n * n * max(d, COLUMNS) <= EXACT**2 * COLUMNS):
        return Takes(dense=2.5e-11 * n**2 * d * share, sparse=(1e-9 * n + 1.4e-6 * k) * n * share, memory=held + 2e7)
    grown = n * math.log2(n) * share
    return Takes(dense=3.6e-8 * grown * d, sparse=2.1e-6 * grown, memory=held + 3e8)


__all__ = ["graph_takes"]
