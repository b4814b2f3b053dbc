"""Whether an item would lie at the same place, and beside the same items, had the method begun from another seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.insight.alignment import aligned
from explorer.insight.quality.places import Places, common
from explorer.insight.quality.scores import Score
from explorer.step import Progress


@dataclass(frozen=True, eq=False)
class Stability:
    """How much a layout depends on its seed.

    Attributes
    ----------
    spread
        How far an item lies from its place under the other seeds, once these are laid over the layout: the root of the mean
        squared distance, in the layout's radius (the same of all items from their middle). 0: it stays; 1: it is anywhere.
    overlap
        The share of an item's nearest on the map that are its nearest under another seed too.
    seeds
        Of the layouts that were compared with the current one.
    """

    spread: Score
    overlap: Score
    seeds: tuple[int, ...]

    @property
    def of_items(self) -> np.ndarray:
        """``(n,)`` float32 from 1, where an item stays at its place, to 0, where it moves by the layout's radius or more."""
        return np.clip(1 - self.spread.of_items, 0.0, 1.0)


def stability(
    layout: np.ndarray, others: Sequence[np.ndarray], seeds: Sequence[int], k: int = 15, progress: Progress | None = None
) -> Stability:
    """How far a layout ``(n, 2)`` differs from the same step's under other seeds, each ``(n, 2)``.

    Each is turned, mirrored, scaled and moved onto the layout first: only what no such motion explains counts.

    Raises
    ------
    InputError
        Where there is nothing to compare with, or fewer than three items have a place in all.
    """
    if not others:
        raise InputError("stability compares layouts of several seeds; give at least 1")
    done, n = progress or Progress(), len(layout)
    laid = [aligned(layout, other).astype(np.float64) for other in others]
    rows = np.flatnonzero(np.logical_and.reduce([np.isfinite(each).all(axis=1) for each in (layout, *laid)]))
    if len(rows) < 3:
        raise InputError(f"{len(rows)} items have a place under every seed; stability needs at least 3")
    here, k = layout[rows].astype(np.float64), min(k, len(rows) - 1)
    squares = np.mean([((each[rows] - here) ** 2).sum(axis=1) for each in laid], axis=0)
    radius = float(np.sqrt(((here - here.mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    everyone, kept = np.arange(len(rows)), np.zeros(len(rows))
    near = Places(here).nearest(everyone, k, done.part(0.0, 1 / (len(laid) + 1)))
    for place, other in enumerate(others, 1):
        part = done.part(place / (len(laid) + 1), (place + 1) / (len(laid) + 1))
        kept += common(near, Places(other[rows]).nearest(everyone, k, part)) / (k * len(laid))
    spread = Score.of(np.sqrt(squares) / radius, rows, n, most=np.inf)
    return Stability(spread, Score.of(kept, rows, n), tuple(int(seed) for seed in seeds))


__all__ = ["Stability", "stability"]
