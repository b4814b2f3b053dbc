"""Time series to vectors by thousands of small fixed filters: how often each finds its pattern."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.features.batches import usable_cores
from explorer.features.series import SeriesExtractor, channel_count, standardized
from explorer.features.stream import Encoder
from explorer.step import Progress

KERNELS = math.comb(9, 3)  # of 9 weights, three are 2 and the others -1
MOST_CHANNELS = 9  # that one filter looks at together
GOLDEN = (5**0.5 + 1) / 2
MARGIN = 4  # zeros before and after a series whose level counts: half a kernel
CENTRED = 1e-3  # of a channel's spread: a mean nearer to 0 is 0
BATCH = 32


@dataclass(frozen=True)
class Filters:
    """What the features of a series are computed with.

    Attributes
    ----------
    dilations, counts
        ``(m,)`` int64: how far apart the 9 weights lie, and how many features each of the 84 kernels then gives.
    starts, channels
        Which channels each kernel at each dilation looks at: ``channels[starts[i]:starts[i + 1]]``, int64.
    biases
        ``(d,)`` float32.
    margin
        How many zeros come before and after a series.
    """

    dilations: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    channels: np.ndarray
    biases: np.ndarray
    margin: int = 0

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``(d,)`` float32 in 0 to 1 of a series ``(channels, t)`` of any length of at least 1."""
        from explorer.features import kernels  # numba, which takes half a second: not for listing the methods

        made = np.empty(len(self.biases), np.float32)
        series = bordered(values, self.margin)
        kernels.proportions(series, self.dilations, self.counts, self.starts, self.channels, self.biases, made)
        return made

    @property
    def fingerprint(self) -> str:
        """Names these filters: others give other features."""
        digest = hashlib.sha256(str(self.margin).encode())
        for array in (self.dilations, self.counts, self.starts, self.channels, self.biases):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:24]


class Rocket(SeriesExtractor):
    """Which short patterns a time series holds, at many scales.

    MiniRocket (Dempster, Schmidt & Webb 2021, arXiv:2012.08791) for several channels and unequal lengths: the share of places where
    each of 84 kernels of 9 weights, spread out more or less, answers above a bias. The biases are quantiles of the answers to a
    sample of the series. Where a spread-out kernel is longer than a series, the series is taken to go on with zeros. The weights of
    a kernel sum to 0, so that it sees a level only at a series' ends. Of a channel of over 65,536 values neighbouring ones are
    averaged.
    """

    method = "rocket"
    packages = ("numba",)

    n_features = param.Integer(
        5_040, bounds=(KERNELS, 50_000), softbounds=(KERNELS, 10_000),
        doc="How many numbers an item becomes, rounded down to a multiple of 84; fewer take less disk and are less exact.",
    )  # fmt: skip
    normalize = param.Boolean(
        False, precedence=1, doc="Give each channel of each series mean 0 and spread 1 first, so that only its shape counts."
    )
    level = param.Boolean(
        True, precedence=1,
        doc="Let the level of a series count beside its changes: zeros are put before and after it, unless all are centred.",
    )  # fmt: skip
    max_dilations = param.Integer(32, bounds=(1, 128), precedence=1, doc="How many scales the patterns are looked for at, at most.")

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The filters, learned from a sample of the series; ``(n, d)`` float32 in 0 to 1."""
        channels = channel_count(data)
        filters = self.learn(self.sample(data, channels, progress), channels, progress)
        yield Encoder(
            lambda rows: self.encode(data, rows, channels, filters), "time series", len(filters.biases), BATCH,
            workers=usable_cores(), fit=filters.fingerprint,
        )  # fmt: skip

    def prepared(self, series: np.ndarray, channels: int) -> np.ndarray | None:
        """See `SeriesExtractor.prepared`."""
        values = super().prepared(series, channels)
        return standardized(values) if values is not None and self.normalize else values

    def learn(self, sample: Sequence[np.ndarray], channels: int, progress: Progress | None = None) -> Filters:
        """The filters for series like those of a sample, each ``(channels, t)`` as prepared; from none, biases of 0."""
        from explorer.features import kernels  # see above

        progress = progress or Progress()
        random = np.random.default_rng(self.random_state)
        margin = MARGIN if self.level and not all(map(centred, sample)) else 0
        sample = [bordered(series, margin) for series in sample]
        longest = max((series.shape[1] for series in sample), default=1)
        dilations, counts = spread(longest, self.n_features // KERNELS, self.max_dilations)
        starts, chosen = _channels(random, KERNELS * len(dilations), channels)
        biases = np.zeros(KERNELS * int(counts.sum()), np.float32)
        levels = np.arange(1, len(biases) + 1) * GOLDEN % 1
        stop = 0
        for pair in range(len(starts) - 1 if sample else 0):
            number, kernel = divmod(pair, KERNELS)
            if kernel == 0:
                progress(0.0, f"learning the filters, {number} of {len(dilations)} scales")
            own = sample[int(random.integers(len(sample)))][chosen[starts[pair] : starts[pair + 1]]]
            start, stop = stop, stop + int(counts[number])
            kernels.quantiles(own, dilations[number], kernel, levels[start:stop], biases[start:stop])
        return Filters(dilations, counts, starts, chosen, biases, margin)


def spread(length: int, each: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The dilations ``(m,)`` for series of a length, and how many of a kernel's `each` features belong to each of them.

    They grow exponentially from 1 to where a kernel is as long as the series; those that are equal when rounded are one.
    """
    tried = min(each, most)
    exponent = np.log2(max((length - 1) / 8, 1))
    dilations, times = np.unique(np.floor(2 ** np.linspace(0, exponent, tried)).astype(np.int64), return_counts=True)
    counts = (times * each) // tried
    rest = each - int(counts.sum())
    return dilations, counts + rest // len(counts) + (np.arange(len(counts)) < rest % len(counts))


def centred(values: np.ndarray) -> bool:
    """Whether each channel of ``(channels, t)`` has a mean of 0, but for rounding."""
    return bool((np.abs(values.mean(axis=1)) <= CENTRED * values.std(axis=1)).all())


def bordered(values: np.ndarray, margin: int) -> np.ndarray:
    """``(channels, t + 2 * margin)`` float32, with zeros on both sides."""
    made = np.zeros((len(values), values.shape[1] + 2 * margin), np.float32)
    made[:, margin : margin + values.shape[1]] = values
    return made


def _channels(random: np.random.Generator, pairs: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Which channels each kernel at each dilation looks at, few more often than many."""
    if channels == 1:
        return np.arange(pairs + 1), np.zeros(pairs, np.int64)
    sizes = np.floor(2 ** random.uniform(0, np.log2(min(channels, MOST_CHANNELS) + 1), pairs)).astype(np.int64)
    chosen = [random.choice(channels, size, replace=False) for size in sizes.tolist()]
    return np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(chosen).astype(np.int64)
