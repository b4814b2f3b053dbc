"""Time series to 22 statistics of each channel: quick, few, and each with a meaning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import MissingExtra
from explorer.features.series import SeriesExtractor, channel_count, standardized
from explorer.features.stream import Encoder
from explorer.step import Progress

STATISTICS = 22
FURTHEST = 10.0  # interquartile ranges from the median; what is further counts as if it were there
SAME = 1e-3  # of a channel's usual standard deviation: levels and sizes that differ by less are the same
BATCH = 64


class Catch22(SeriesExtractor):
    """What kind of course a time series takes: 22 statistics of each channel.

    catch22 (Lubba et al. 2019, arXiv:1901.10200) by ``pycatch22``: how values are spread, how they depend on earlier ones, how
    often they rise. They are taken of the series with mean 0 and spread 1, then centred at the median of a sample of the series and
    divided by its interquartile range. A statistic that a series does not have (a constant one has few) counts as the median. Of a
    channel of over 16,384 values neighbouring ones are averaged.
    """

    method = "catch22"
    packages = ("pycatch22",)
    longest = 16_384  # what takes the library about 0.1 s

    catch24 = param.Boolean(True, doc="Also each channel's mean and standard deviation: its level and size, not only its shape.")

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The statistics, and what they are divided by; ``(n, d)`` float32 in -10 to 10.

        Raises
        ------
        MissingExtra
            When pycatch22 is not installed.
        """
        if not find_spec("pycatch22"):
            raise MissingExtra("the method 'catch22'", "series")
        channels = channel_count(data)
        sample = []
        for place, values in enumerate(self.sample(data, channels, progress)):
            if place % BATCH == 0:
                progress(0.0, "learning how far the statistics vary")
            sample.append(self.statistics(values))
        middle, spread = self.scale(sample, channels)
        yield Encoder(
            lambda rows: self.encode(data, rows, channels, lambda values: scaled(self.statistics(values), middle, spread)),
            "time series", len(middle), BATCH, fit=hashlib.sha256(middle.tobytes() + spread.tobytes()).hexdigest()[:24],
        )  # fmt: skip

    @property
    def each(self) -> int:
        """How many numbers a channel gives."""
        return STATISTICS + 2 * self.catch24

    def statistics(self, values: np.ndarray) -> np.ndarray:
        """``(channels * each,)`` float64 of ``(channels, t)``, NaN where a statistic cannot be had."""
        library: Any = __import__("pycatch22")
        made = np.full((len(values), self.each), np.nan)
        # Standardised always: it is what the statistics are made for, and the library crashes on values whose squares vanish.
        for channel, shape in enumerate(standardized(values)):
            made[channel, :STATISTICS] = library.catch22_all(shape.tolist())["values"]
        if self.catch24:
            made[:, STATISTICS] = values.mean(axis=1)
            made[:, STATISTICS + 1] = values.std(axis=1)
        return np.where(np.isfinite(made), made, np.nan).ravel()

    def scale(self, sample: Sequence[np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray]:
        """What is taken from the statistics and what they are then divided by, ``(d,)`` each, learned from those of a sample."""
        middle, spread = varying(np.stack(sample) if sample else np.full((1, channels * self.each), np.nan))
        if self.catch24:  # of series that were standardised before, level and size are rounding, and must not count
            sizes = middle[STATISTICS + 1 :: self.each]
            for extra in (0, 1):
                part = slice(STATISTICS + extra, None, self.each)
                spread[part] = np.maximum(spread[part], SAME * sizes)
        return middle, spread


def varying(statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median and interquartile range ``(d,)`` of each column of ``(m, d)``; its standard deviation or 1 if it hardly varies."""
    known = np.isfinite(statistics)
    middle, spread = np.zeros(statistics.shape[1]), np.ones(statistics.shape[1])
    for place in np.flatnonzero(known.any(axis=0)).tolist():
        values = statistics[known[:, place], place]
        low, middle[place], high = np.quantile(values, (0.25, 0.5, 0.75))
        least = 1e-9 * float(np.abs(values).max())
        spread[place] = next((size for size in (high - low, values.std()) if size > least), 1.0)
    return middle, spread


def scaled(statistics: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """``(d,)`` float32: how many interquartile ranges from the median, 0 where it is not known."""
    away = np.clip((statistics - middle) / spread, -FURTHEST, FURTHEST)
    return np.where(np.isfinite(away), away, 0.0).astype(np.float32)
