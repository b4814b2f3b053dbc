"""Time series to how strong each frequency is in them: quick, and the same wherever in time something happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.features.batches import usable_cores
from explorer.features.series import SeriesExtractor, channel_count, resampled, standardized
from explorer.features.stream import Encoder
from explorer.step import Progress

FLOOR = 1e-4  # of the mean power: what is fainter is noise, whose logarithm would rule the distance
LEAST = 1e-30  # power of what never varies
AT_ONCE = 1 << 20  # values transformed at once
BATCH = 256


class Spectrum(SeriesExtractor):
    """How strong slow and fast changes are in each channel of a time series.

    The logarithm of the power spectrum by Welch's method (1967: the mean over half-overlapping, Hann-weighted pieces), its mean
    in each band. Series shorter than a piece are one piece. Frequencies are counted per value, so that series of different lengths
    compare.
    """

    method = "spectrum"
    longest = 1 << 40  # as long as they come: the time goes with the length

    n_bands = param.Integer(64, bounds=(2, 4096), softbounds=(8, 256), doc="Bands of frequency, each a number.")
    bands = param.Selector(
        default="log", objects=["log", "linear"], precedence=1,
        doc="Bands that grow with the frequency, so that slow changes are told apart finely, or bands of equal width.",
    )  # fmt: skip
    normalize = param.Boolean(
        True, precedence=1, doc="Give each channel of each series mean 0 and spread 1 first, so that only its shape counts."
    )
    segment = param.Integer(
        256, bounds=(8, 65_536), softbounds=(32, 4096), precedence=1,
        doc="Values in a piece: more tell frequencies apart more finely, fewer are steadier.",
    )  # fmt: skip
    length = param.Integer(
        None, bounds=(8, 1_000_000), softbounds=(32, 4096), allow_None=True, precedence=1,
        doc="Stretch or squeeze every series to so many values first, for series that show the same thing slower or faster.",
    )  # fmt: skip

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """``(n, channels * n_bands)`` float32."""
        channels = channel_count(data)
        progress(0.0, "reading the time series")
        yield Encoder(
            lambda rows: self.encode(data, rows, channels, self.spectrum), "time series", channels * self.n_bands, BATCH,
            workers=usable_cores(), fit=f"{channels} channels",
        )  # fmt: skip

    def spectrum(self, values: np.ndarray) -> np.ndarray:
        """``(channels * n_bands,)`` float32 of a series ``(channels, t)``: the decimal logarithm of the power in each band."""
        if self.length is not None:
            values = resampled(values, self.length)
        if self.normalize:
            values = standardized(values)
        power = welch(values - values.mean(axis=1, keepdims=True), self.segment)
        made = banded(power, edges(self.n_bands, power.shape[1], self.bands))
        floor = np.maximum(FLOOR * made.mean(axis=1, keepdims=True), LEAST)
        return np.log10(made + floor).ravel().astype(np.float32)


def welch(values: np.ndarray, segment: int) -> np.ndarray:
    """``(channels, segment // 2)`` mean power of each frequency but 0, by pieces of `segment` values or fewer."""
    size = min(segment, values.shape[1])
    window = np.hanning(size + 2)[1:-1]
    pieces = np.lib.stride_tricks.sliding_window_view(values, size, axis=1)[:, :: max(1, size // 2)]
    total = np.zeros((len(values), segment // 2))
    step = max(1, AT_ONCE // (segment * len(values)))
    for start in range(0, pieces.shape[1], step):
        made = np.fft.rfft(pieces[:, start : start + step] * window, segment)[..., 1 : segment // 2 + 1]
        total += (made.real**2 + made.imag**2).sum(axis=1)
    return total / (pieces.shape[1] * float((window * window).sum()))


def edges(count: int, bins: int, kind: str) -> np.ndarray:
    """``(count + 1,)`` where bands of the bins 0 to `bins` begin and end."""
    return np.linspace(0, bins, count + 1) if kind == "linear" else np.geomspace(1, bins + 1, count + 1) - 1


def banded(power: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """The mean of ``(channels, bins)`` within each band, bins that a limit cuts counting in part."""
    bins = np.arange(power.shape[1] + 1)
    sums = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    return np.stack([np.diff(np.interp(limits, bins, row)) for row in sums]) / np.diff(limits)
