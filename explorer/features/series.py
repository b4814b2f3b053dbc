"""Time series as their extractors take them: read in batches, gaps filled, very long ones averaged down, put on one scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import Dataset
from explorer.features.base import ItemExtractor
from explorer.features.stream import Encoded
from explorer.step import Progress

NOTHING = "the series has no values"
LARGEST = 1e30  # values beyond it count as it, so that no sum of them leaves float32
SAMPLE = 512  # series that something is learned from
SAMPLE_VALUES = 1 << 24  # and all their values together: 64 MiB
TRIED = 8_192  # series looked at for those
SAID = 64  # series between two calls of progress

Transform = Callable[[np.ndarray], np.ndarray]


class SeriesExtractor(ItemExtractor):
    """An extractor of time series: ``(channels, t)`` each, of any length, with missing values."""

    needs = "series"

    longest = 65_536  # values kept of a channel: of a longer one, neighbouring values are averaged

    def prepared(self, series: np.ndarray, channels: int) -> np.ndarray | None:
        """``(channels, t)`` float64 without gaps and no longer than `longest`, or None where there is nothing; see `filled`."""
        values = filled(series, channels)
        return None if values is None else shortened(values, self.longest)

    def encode(self, data: Dataset, rows: Sequence[int], channels: int, transform: Transform) -> Encoded:
        """The features of some rows: `transform` of each one as prepared; a series without any value has none."""
        made, kept, lost = [], [], []
        for row, series in zip(rows, read(data, rows), strict=True):
            values = self.prepared(series, channels)
            if values is None:
                lost.append((row, NOTHING))
            else:
                made.append(transform(values))
                kept.append(row)
        return Encoded(kept, np.stack(made) if made else None, lost)

    def sample(self, data: Dataset, channels: int, progress: Progress) -> list[np.ndarray]:
        """Up to `SAMPLE` series as prepared, chosen by chance (the seed is `random_state`); fewer if they are very long."""
        rows = np.random.default_rng(self.random_state).permutation(len(data))[:TRIED]
        made: list[np.ndarray] = []
        size = 0
        for place, row in enumerate(rows.tolist()):
            if place % SAID == 0:
                progress(0.0, "looking at some of the time series")
            values = self.prepared(data.series(row), channels)
            if values is not None:
                made.append(values)
                size += values.size
            if len(made) == SAMPLE or size > SAMPLE_VALUES:
                break
        return made


def channel_count(data: Dataset) -> int:
    """The most channels an item has, at least 1; what an item lacks of them counts as nothing but zeros."""
    chunks = data.table.column(data.roles["series"]).chunks
    return max([1, *(pc.max(pc.list_value_length(chunk)).as_py() or 0 for chunk in chunks)])


def read(data: Dataset, rows: Sequence[int]) -> Iterator[np.ndarray]:
    """What `Dataset.series` gives for each of some rows, but rows that follow each other are read at once."""
    column = data.table.column(data.roles["series"])
    start = 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and rows[stop] == rows[stop - 1] + 1:
            stop += 1
        for chunk in column.slice(rows[start], stop - start).chunks:
            yield from _of_chunk(chunk)
        start = stop


def _of_chunk(chunk: pa.Array) -> Iterator[np.ndarray]:
    """The items of an Arrow array of lists of lists."""
    inner = chunk.flatten()
    channels, lengths = _sizes(chunk).tolist(), _sizes(inner)
    values = np.asarray(inner.flatten().to_numpy(zero_copy_only=False), np.float32)
    ends = np.cumsum(lengths)
    first = 0
    for count in channels:
        each = lengths[first : first + count]
        begin = int(ends[first] - lengths[first]) if count else 0
        t = int(each.max()) if count else 0
        if count and (each == t).all():
            yield values[begin : begin + count * t].reshape(count, t)
        else:
            made = np.full((max(count, 1), t), np.nan, np.float32)
            for channel, length in enumerate(each.tolist()):
                made[channel, :length] = values[begin : begin + length]
                begin += length
            yield made
        first += count


def _sizes(lists: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), np.int64)


def filled(series: np.ndarray, channels: int) -> np.ndarray | None:
    """``(channels, t)`` float64 of a series ``(c, t)``, or None where it has no value.

    Missing and infinite values are interpolated between their neighbours; before the first and after the last value that one is
    held. A channel without any value, or that the item does not have, is zeros.
    """
    there = np.isfinite(series)
    if there.all() and len(series) == channels and series.size:
        return np.clip(series.astype(np.float64), -LARGEST, LARGEST)
    if not there.any():
        return None
    made = np.zeros((channels, series.shape[1]))
    every = np.arange(series.shape[1])
    for channel, (values, known) in enumerate(zip(series[:channels], there, strict=False)):
        places = np.flatnonzero(known)
        if len(places):
            made[channel] = np.interp(every, places, np.clip(values[places].astype(np.float64), -LARGEST, LARGEST))
    return made


def shortened(values: np.ndarray, longest: int) -> np.ndarray:
    """Means of so many neighbouring values of ``(channels, t)`` that no more than `longest` are left."""
    t = values.shape[1]
    step = -(-t // longest)
    if step == 1:
        return values
    starts = np.arange(0, t, step)
    return np.add.reduceat(values, starts, axis=1) / np.diff(np.append(starts, t))


def standardized(values: np.ndarray) -> np.ndarray:
    """Each channel of ``(channels, t)`` with mean 0 and standard deviation 1; one that never varies becomes zeros."""
    mean = values.mean(axis=1, keepdims=True)
    centred = values - mean
    spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True))
    varies = spread > np.finfo(np.float32).eps * np.abs(mean)  # less is what rounding to float32 leaves of a constant
    return np.divide(centred, spread, out=np.zeros_like(centred), where=varies)


def resampled(values: np.ndarray, length: int) -> np.ndarray:
    """``(channels, length)`` by linear interpolation of ``(channels, t)``, first and last value kept."""
    t = values.shape[1]
    if t == length:
        return values
    places = np.linspace(0, t - 1, length)
    return np.stack([np.interp(places, np.arange(t), channel) for channel in values])
