"""What the graph of nearest neighbours will take."""

from __future__ import annotations

import math

from explorer.installation.takes import Takes
from explorer.neighbors.graph import EXACT, TREE_COLUMNS, TREE_ROWS


def graph_takes(n: int, d: int, k: int) -> Takes:
    """What the graph of k neighbours takes.

    All distances up to 60,000 items, a search that grows a little faster than n beyond; of few columns a tree.
    """
    held = 3 * 12 * n * (k + 1) + 4 * n * d
    if d <= TREE_COLUMNS and n >= TREE_ROWS:
        return Takes(sparse=1e-6 * n * k, memory=held)
    if n <= EXACT:
        return Takes(dense=6e-11 * n**2 * (d + 20), sparse=1.3e-8 * n * k**2, memory=held + 2e7)
    return Takes(sparse=1.6e-5 * n * math.log2(n) * (1 + d / 100), memory=held + 3e8)


__all__ = ["graph_takes"]
