"""A map of some of the items first: soon there is something to see that moves, and the others start where their neighbours are."""

from __future__ import annotations

from typing import Any

import numpy as np

SOME = 4_000  # items in a sketch
MANY = 20_000  # items from which on there is one
_PASSES = 3  # of evening out, once every item has a place
_NOISE = 1e-3  # of the sketch's width: parts items that would start at one place


def chosen(n: int, seed: int) -> np.ndarray:
    """``(SOME,)`` rows of `n`, in order."""
    return np.sort(np.random.default_rng(seed).choice(n, SOME, replace=False))


def carried(sketch: np.ndarray, rows: np.ndarray, graph: Any, seed: int) -> np.ndarray:
    """Places ``(n, 2)`` float32 of all items: those of the sketch have theirs, the others the mean of their neighbours' in a graph.

    From the sketch on, each pass reaches one step further along the graph ``(n, n)``; what no way leads to starts in the middle.
    """
    from explorer.reduction.umap.start import product

    n = graph.shape[0]
    state = np.zeros((n, 3), np.float32)  # x, y, and whether there is a place yet
    state[rows] = np.column_stack([sketch, np.ones(len(rows))])
    kept = state[rows].copy()
    while True:
        around = product(graph, state)
        reached = (around[:, 2] > 0) & (state[:, 2] == 0)
        if not reached.any():
            break
        state[reached] = around[reached] / around[reached, 2:]
    state[state[:, 2] == 0, :2] = sketch.mean(axis=0)
    state[:, 2] = 1
    for _ in range(_PASSES):
        around = product(graph, state)
        held = around[:, 2] > 0
        state[held] = around[held] / around[held, 2:]
        state[rows] = kept
    width = np.ptp(sketch, axis=0).max()
    noise = np.random.default_rng(seed).normal(scale=_NOISE * width, size=(n, 2))
    return (state[:, :2] + noise).astype(np.float32)
