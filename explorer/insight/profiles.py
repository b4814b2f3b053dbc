"""What some time series, or the spectra of some sounds, have in common: their mean, and the band that most lie in."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

POINTS = 160  # places along the axis
BAND = (10.0, 90.0)  # percentiles


class Axis(NamedTuple):
    """`length` is the longest series'; where `relative`, each is stretched to it, since they differ in length."""

    length: int
    relative: bool


class Profile(NamedTuple):
    """`mean`, `low` and `high`, each ``(channels, p)`` float32, NaN where there is no value; `length` is the longest series'."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    length: int
    relative: bool  # whether the axis is the share of each series, since they differ in length


def axis_of(series: Sequence[np.ndarray]) -> Axis | None:
    """The axis on which series ``(channels, t)`` are averaged: moment by moment where they are of about the same length."""
    lengths = [one.shape[1] for one in series if _has_values(one)]
    return Axis(max(lengths), min(lengths) < 0.9 * max(lengths)) if lengths else None


def placed(series: np.ndarray, axis: Axis, points: int = POINTS) -> np.ndarray:
    """``(channels, p)``: a series ``(channels, t)`` on an axis, at `points` places at most."""
    return resampled(series, min(points, axis.length), series.shape[1] if axis.relative else axis.length)


def profile(series: Sequence[np.ndarray], points: int = POINTS, axis: Axis | None = None) -> Profile | None:
    """The profile of series ``(channels, t)`` that may differ in t; None where none of them has a value.

    It is on the axis of these series, or on that of more, so that two profiles can be laid over one another.
    """
    series = [one for one in series if _has_values(one)]
    axis = axis or axis_of(series)
    if not series or axis is None:
        return None
    stack = np.full((len(series), max(len(one) for one in series), min(points, axis.length)), np.nan, np.float32)
    for place, one in enumerate(series):
        stack[place, : len(one)] = placed(one, axis, points)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a moment at which no series has a value is NaN, as it should be
        percentiles = np.nanpercentile if np.isnan(stack).any() else np.percentile  # the first looks at place after place
        low, high = percentiles(stack, BAND, axis=0)
        return Profile(np.nanmean(stack, axis=0), low.astype(np.float32), high.astype(np.float32), *axis)


def _has_values(series: np.ndarray) -> bool:
    return bool(series.shape[1] and np.isfinite(series).any())


def resampled(series: np.ndarray, points: int, span: int) -> np.ndarray:
    """``(channels, points)``: a series at evenly spaced places of `span` moments; NaN beyond its end and at what is missing."""
    places = np.linspace(0, span - 1, points)
    left = np.minimum(places.astype(np.int64), series.shape[1] - 1)
    right = np.minimum(left + 1, series.shape[1] - 1)
    share = (places - left).astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        between = series[:, left] * (1 - share) + series[:, right] * share
        made = np.where(share == 0, series[:, left], between)  # beside a gap, a moment itself is still there
    made[~np.isfinite(made)] = np.nan
    made[:, places > series.shape[1] - 1] = np.nan
    return np.asarray(made, np.float32)


def spread(features: np.ndarray, count: int = 5) -> np.ndarray:
    """The places of up to `count` items from one end of ``(m, d)`` to the other: along their strongest direction."""
    good = np.flatnonzero(np.isfinite(features).all(axis=1))
    if len(good) <= count:
        return good
    centred = features[good].astype(np.float64)
    centred /= np.abs(centred).max() or 1.0
    centred -= centred.mean(axis=0)
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    direction *= np.sign(direction[np.abs(direction).argmax()]) or 1.0  # the same way round on every machine
    order = np.argsort(centred @ direction, kind="stable")
    return np.asarray(good[order[((np.arange(count) + 0.5) / count * len(good)).astype(np.int64)]])
