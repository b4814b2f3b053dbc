"""Lays out a collection that has grown from its earlier layout, so that the earlier items stay about where people know them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explorer.progress import Progress
from explorer.reduction.alignment import aligned
from explorer.reduction.umap.settling import Settling, settled
from explorer.reduction.umap.start import WIDTH

FEWEST = 3  # earlier items with a place; fewer cannot hold a map
HELD = 1 / 3  # of the epochs, in which the earlier items stay
NEW_RATE, RATE = 1.0, 0.05  # learning rates while they are held, and after that
_REACH = 50  # steps from neighbour to neighbour in which a new item is to find earlier ones
_APART = 0.01  # of the map's size: parts new items that would start at one place
_USUAL = (1.0, 100.0)  # sizes of a layout by UMAP; another method's is brought to `WIDTH`


@dataclass(frozen=True, eq=False)
class Grown:
    """A layout that began at an earlier one, ``(n, 2)`` float32 in its coordinates, and how far it came when it was stopped."""

    places: np.ndarray
    stopped: str


def grown(graph: Any, earlier: np.ndarray, how: Settling, progress: Progress) -> Grown:
    """The layout of all items from the places ``(n, 2)`` of the earlier ones, NaN for new ones.

    New items start amid their neighbours and settle while the earlier ones are held; then all settle, slowly. Density counts in
    all of that second part: without it the earlier items would lose the radii that they have.
    """
    known = np.isfinite(earlier).all(axis=1)
    middle, unit = _unit(earlier[known])
    places = _begun(graph, (earlier - middle) / unit, known, how.seed)
    held, stopped = max(2, round(HELD * how.epochs)), ""
    if not known.all():
        first = replace(how, epochs=held, rate=NEW_RATE, density=None)
        places, stopped = _settled_beside(graph, places, known, first, progress.part(0.0, HELD))
    if not stopped:
        density = None if how.density is None else replace(how.density, fraction=1.0)
        free = replace(how, epochs=max(2, how.epochs - held), rate=RATE, density=density)
        places, stopped = settled(graph, places, free, progress.part(HELD, 1.0))
    return Grown(places * np.float32(unit) + middle.astype(np.float32), stopped)


def moved(places: np.ndarray, earlier: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """The places ``(n, 2)`` laid over the earlier ones, how far each earlier item is from where it was, and that in words.

    Distances ``(n,)`` float32 are in units of the earlier map's size (the root mean square distance from its middle), NaN for new
    items.
    """
    made = aligned(earlier, places)
    known = np.isfinite(earlier).all(axis=1)
    size = float(np.sqrt(((earlier[known] - earlier[known].mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    far = np.linalg.norm(made.astype(np.float64) - earlier, axis=1) / size
    usual, most = float(far[known].mean()), float(np.quantile(far[known], 0.95))
    said = (
        f"the {int(known.sum()):,} earlier items moved {usual:.1%} of the map's size on average (95% of them less than {most:.1%})"
    )
    return made, far.astype(np.float32), said


def _unit(places: np.ndarray) -> tuple[np.ndarray, float]:
    """What is taken off and divided by, so that UMAP's forces fit a layout that another method made."""
    middle = places.mean(axis=0, dtype=np.float64)
    size = float(np.abs(places - middle).max(initial=0.0))
    if size == 0 or _USUAL[0] <= size <= _USUAL[1]:
        return np.zeros(2), 1.0
    return middle, 2 * size / WIDTH


def _begun(graph: Any, earlier: np.ndarray, known: np.ndarray, seed: int) -> np.ndarray:
    """Places ``(n, 2)`` float32: the earlier ones, and new items at the weighted mean of their neighbours that have one.

    Those without such a neighbour come when theirs have come; what is cut off from all earlier items starts anywhere on the map.
    """
    random = np.random.default_rng(seed)
    places, there = np.where(known[:, None], earlier, 0.0), known.copy()
    low, high = earlier[known].min(axis=0), earlier[known].max(axis=0)
    jitter = random.normal(scale=_APART, size=places.shape) * max(float((high - low).max()), 1e-6)
    for _ in range(_REACH):
        share = np.asarray(graph @ there.astype(np.float64))
        coming = ~there & (share > 0)
        if not coming.any():
            break
        mean = np.asarray(graph[np.flatnonzero(coming)] @ (places * there[:, None]))
        places[coming] = mean / share[coming, None] + jitter[coming]
        there |= coming
    places[~there] = random.uniform(low, high, (int((~there).sum()), 2))
    return places.astype(np.float32)


def _settled_beside(graph: Any, places: np.ndarray, known: np.ndarray, how: Settling, progress: Progress) -> tuple[np.ndarray, str]:
    """New items settled while the earlier ones are held; the engine wants what moves first."""
    order = np.concatenate([np.flatnonzero(~known), np.flatnonzero(known)])
    back = np.argsort(order)
    shown = progress.drawn(lambda some: np.asarray(some)[back])
    made, stopped = settled(graph[order][:, order], places[order], how, shown, movable=int((~known).sum()))
    return made[back], stopped
