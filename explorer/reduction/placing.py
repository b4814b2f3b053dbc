"""Places new items on a layout that stays as it is: by the method's own projection, or at the weighted mean of their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import InputError
from explorer.neighbors import ANGULAR, comparable
from explorer.progress import Progress
from explorer.reduction.magnitude import tamed
from explorer.step import Output

if TYPE_CHECKING:
    from explorer.reduction.base import Reducer

K = 15  # neighbours whose places are averaged where the method does not say how many
_ROWS = 256  # new items whose neighbours are looked for at once
_CLOSE = 1e-3  # of a layout's size, by which a projection may miss it
_NOISE = 1e-12  # an eigenvalue, of the largest, that is rounding of float32


def place(step: Reducer, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
    """Places ``(m, 2)`` float32 of new items on the layout that `step` made of old ones; NaN for items without features.

    Parameters
    ----------
    old, layout
        ``(n, d)`` and ``(n, 2)``; rows that are not finite in both are left out.
    new
        ``(m, d)``.

    Raises
    ------
    InputError
        When the columns differ in number, or fewer than three old items have a place.
    """
    old, layout, new = np.asarray(old), np.asarray(layout, np.float32), np.asarray(new)
    if new.ndim != 2 or new.shape[1] != old.shape[1]:
        raise InputError(f"the new items' features have the shape {new.shape}; (m, {old.shape[1]}) is needed, as the layout's have")
    known = np.isfinite(old).all(axis=1) & np.isfinite(layout).all(axis=1)
    asked = np.isfinite(new).all(axis=1)
    if known.sum() < 3:
        raise InputError(f"{int(known.sum())} of {len(old):,} items have a place; new ones are placed beside at least 3")
    places = np.full((len(new), layout.shape[1]), np.nan, np.float32)
    if not asked.any():
        return Output(places)
    made = _placed(step, _safe(old[known], new[asked]), layout[known], progress)
    places[asked] = made.values
    return made._replace(values=places)


def _safe(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in float32 whose squares neither overflow nor vanish, in one unit."""
    largest = np.finfo(np.float32).max
    old, new = (np.ascontiguousarray(np.clip(rows, -largest, largest), np.float32) for rows in (old, new))
    if tamed(old)[0] is old and tamed(new)[0] is new:
        return old, new
    both, _ = tamed(np.vstack([old, new]))
    return both[: len(old)], both[len(old) :]


def _placed(step: Reducer, rows: tuple[np.ndarray, np.ndarray], layout: np.ndarray, progress: Progress) -> Output:
    old, new = rows
    before = step.begun(old, progress)
    if before is not None:
        stage, fewer = before
        new = stage.placed(old, fewer, new, Progress(progress.part(0.3, 0.4))).values
        old = fewer
    first = step.distinct(old)
    return step.placed(old[first], layout[first], new, progress.part(0.4, 1.0))


def by_neighbors(old: np.ndarray, layout: np.ndarray, new: np.ndarray, metric: str, progress: Progress, k: int = K) -> Output:
    """Each new item at the mean of its neighbours' places, weighed by how near they are."""
    rows, distances = nearest(old, new, k, metric, progress)
    places = averaged(rows, firmness(distances), layout)
    return Output(places, notes=(f"new items stand amid the places of their {rows.shape[1]} nearest neighbours",))


def by_projection(old: np.ndarray, layout: np.ndarray, new: np.ndarray) -> np.ndarray | None:
    """New items by the sums of columns that make the layout; None where there are no such sums.

    A linear method's axes are found again by least squares from what it made (the smallest solution, which lies where the old
    items vary), whatever its settings and scales were.
    """
    middle, at = old.mean(axis=0, dtype=np.float64), layout.mean(axis=0, dtype=np.float64)
    centred = old.astype(np.float64) - middle
    size = float(np.abs(centred).max(initial=0.0)) or 1.0
    centred /= size
    wide = centred.shape[1] > centred.shape[0]
    square = centred @ centred.T if wide else centred.T @ centred
    values, vectors = np.linalg.eigh(square)
    kept = values > _NOISE * values.max(initial=0.0)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    axes = centred.T @ (inverse @ (layout - at)) if wide else inverse @ (centred.T @ (layout - at))
    if not matches(centred @ axes + at, layout):
        return None
    return np.asarray((new.astype(np.float64) - middle) / size @ axes + at, np.float32)


def matches(made: np.ndarray, layout: np.ndarray) -> bool:
    """Whether a projection puts the old items where they are."""
    size = float(np.abs(layout - layout.mean(axis=0)).max(initial=0.0))
    return bool(np.abs(made - layout).max(initial=0.0) <= _CLOSE * size)


def nearest(old: np.ndarray, new: np.ndarray, k: int, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The `k` old rows nearest to each new one, nearest first: rows ``(m, k)`` and distances in the metric's own unit."""
    from sklearn.neighbors import NearestNeighbors

    rows, asked = _alike(comparable(old, metric), comparable(new, metric))
    angular = metric in ANGULAR
    if metric == "euclidean":
        middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)  # what is far from the origin loses no digits
        rows, asked = rows - middle, asked - middle
    index = NearestNeighbors(n_neighbors=min(k, len(rows)), metric="euclidean" if angular else metric).fit(rows)
    found = []
    for start in range(0, len(asked), _ROWS):
        progress(start / len(asked), "finding neighbours")
        some = asked[start : start + _ROWS]
        far, near = index.kneighbors(some)
        found.append(_measured(rows, some, near) if index.effective_metric_ == "euclidean" else (far, near))
    distances, indices = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return indices, (distances**2 / 2 if angular else distances).astype(np.float32)


def _measured(rows: np.ndarray, asked: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances ``(m, k)`` float64 and rows, nearest first, by differences: by products an item is not at 0 from itself."""
    apart = rows[near].astype(np.float64) - asked[:, None].astype(np.float64)
    far = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
    order = np.argsort(far, axis=1, kind="stable")
    return np.take_along_axis(far, order, 1), np.take_along_axis(near, order, 1)


def _alike(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with the column for rows without a direction, where one of them has it."""
    wide = max(old.shape[1], new.shape[1])
    made = (np.pad(rows, ((0, 0), (0, wide - rows.shape[1]))) if rows.shape[1] < wide else rows for rows in (old, new))
    one, other = made
    return one, other


def firmness(distances: np.ndarray, k: int | None = None) -> np.ndarray:
    """How firmly each new item holds to its neighbours ``(m, k)``, 1 to 0, as umap-learn's `transform` weighs them.

    The weights fall exponentially with distance; how fast is such that those beside the nearest add up to log2(k).
    """
    wanted = np.log2(distances.shape[1] if k is None else k)
    low, high = np.zeros(len(distances)), np.full(len(distances), np.inf)
    scale = np.ones(len(distances))
    beside = distances[:, 1:].astype(np.float64)
    for _ in range(64):
        total = np.exp(-beside / scale[:, None]).sum(axis=1)
        many = total > wanted
        high, low = np.where(many, scale, high), np.where(many, low, scale)
        scale = np.where(np.isinf(high), scale * 2, (low + high) / 2)
    mean = distances.mean(axis=1, dtype=np.float64)
    scale = np.maximum(scale, 1e-3 * np.where(mean > 0, mean, 1.0))
    return np.asarray(np.exp(-distances / scale[:, None]), np.float32)


def averaged(rows: np.ndarray, weights: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """``(m, 2)`` float32: the weighted means of the places of some rows; one at distance 0 gives its own."""
    share = weights.astype(np.float64) + 1e-12
    share /= share.sum(axis=1, keepdims=True)
    made = np.einsum("ij,ijk->ik", share, layout[rows].astype(np.float64))
    same = weights[:, 0] >= 1.0
    made[same] = layout[rows[same, 0]]
    return made.astype(np.float32)


__all__ = ["averaged", "by_neighbors", "by_projection", "firmness", "matches", "nearest", "place"]
