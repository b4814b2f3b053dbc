"""Sounds to the loudness of their mel bands, and how it varies: no trained model, for any kind of sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features import sounds
from explorer.features.batches import usable_cores
from explorer.features.stream import Encoder
from explorer.step import Progress

BATCH, BLOCK = 8, 256  # sounds; an item may be minutes long, so fewer are written at once than of pictures
FLOOR, LOWEST = 60.0, 100.0  # decibels under a sound's own mean, or under full scale, where hearing ends
FEWEST_SAMPLES = 8  # of a frame


class LogMel(sounds.SoundExtractor):
    """How loud each band of pitch is in a sound, how much that varies and how fast, without a trained model.

    The log-mel spectrogram (Davis & Mermelstein 1980; Slaney's bands): the mean over time of each band in decibels, its standard
    deviation, and the mean size of its change from frame to frame. `segments` keeps the order in which things sound.
    """

    method = "logmel"
    packages = ("soundfile", "soxr", "scipy")

    n_mels = param.Integer(64, bounds=(8, 128), doc="How many bands of pitch, narrow where the ear tells pitches apart.")
    segments = param.Integer(
        1, bounds=(1, 64), softbounds=(1, 16),
        doc="Equal parts of time that are described one by one: 1 for what sounds, 8 or more for words and melodies.",
    )  # fmt: skip
    subtract_mean = param.Boolean(
        False, doc="Take away each sound's own average: what changes in it counts, not the voice, the microphone or the room."
    )
    normalize = param.Boolean(True, doc="Bring all sounds to the same loudness, so that loud and soft ones can be alike.")
    n_cepstra = param.Integer(
        None, bounds=(2, 128), allow_None=True, softbounds=(8, 40), precedence=1,
        doc="Keep this many coefficients of the spectrum's outline (often 13), which leaves out the pitch; none keeps the bands.",
    )  # fmt: skip
    rate = param.Integer(
        16_000, bounds=(1_000, 500_000), softbounds=(8_000, 48_000), precedence=1,
        doc="Samples a second that sounds are brought to; twice the highest pitch of interest (bats: 250000).",
    )  # fmt: skip
    fmin = param.Number(50.0, bounds=(0.0, 200_000.0), softbounds=(0.0, 1_000.0), precedence=1, doc="The lowest pitch in hertz.")
    fmax = param.Number(
        None, bounds=(100.0, 250_000.0), allow_None=True, precedence=1, doc="The highest pitch in hertz; none takes half of rate."
    )
    window = param.Number(25.0, bounds=(1.0, 1_000.0), softbounds=(5.0, 100.0), precedence=2, doc="Milliseconds of a frame.")
    hop = param.Number(10.0, bounds=(1.0, 1_000.0), softbounds=(2.0, 50.0), precedence=2, doc="Milliseconds from frame to frame.")

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """The statistics, ``(n, d)`` float32; a silent sound has no features, one shorter than a frame is one frame.

        Raises
        ------
        MissingExtra
            When soundfile or soxr is not installed.
        InputError
            When there is no pitch between fmin and fmax at this rate.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        sounds.require_sound("the logmel extractor")
        progress(0.0, "preparing the bands")
        bank = self._bank()
        width = min(self.n_cepstra or self.n_mels, self.n_mels) * len(_statistics(np.zeros((1, 1), np.float32))) * self.segments
        with threadpool_limits(1, "blas"):  # sounds are computed side by side; more threads would change the rounding
            features = partial(self._features, bank=bank)
            yield Encoder(
                lambda rows: self.hear(data, rows, self.rate, features), "sounds", width, BATCH, block=BLOCK, workers=usable_cores()
            )

    def _bank(self) -> np.ndarray:
        """``(n_mels, f)`` of the settings."""
        top = self.rate / 2 if self.fmax is None else self.fmax
        if not self.fmin < top <= self.rate / 2:
            raise InputError(
                f"fmin={self.fmin:g} and fmax={top:g}: fmin must be less than fmax, and fmax at most half of rate={self.rate}"
            )
        size = sounds.fft_size(self.rate, self._samples(self.window), self.n_mels, (self.fmin, top))
        return sounds.mel_bank(self.rate, size, self.n_mels, self.fmin, top)

    def _samples(self, milliseconds: float) -> int:
        return max(FEWEST_SAMPLES, round(milliseconds * self.rate / 1_000))

    def _features(self, samples: np.ndarray, bank: np.ndarray) -> np.ndarray:
        """``(d,)`` float32: the statistics of each part of time, one part after the other."""
        bands = self._decibels(samples, bank)
        if self.n_cepstra is not None:
            from scipy.fft import dct

            bands = dct(bands, axis=1, norm="ortho")[:, : self.n_cepstra]
        if self.subtract_mean:
            bands = bands - bands.mean(axis=0)
        edges = np.linspace(0, len(bands), self.segments + 1).astype(int)
        parts = [bands[start : max(stop, start + 1)] for start, stop in pairwise(edges)]
        return np.concatenate([statistic for part in parts for statistic in _statistics(part)])

    def _decibels(self, samples: np.ndarray, bank: np.ndarray) -> np.ndarray:
        """``(frames, n_mels)`` float32: 0 is the sound's own mean, or that of white noise as loud as can be."""
        window, hop = self._samples(self.window), self._samples(self.hop)
        if self.normalize:
            samples = samples / np.abs(samples).max()
        if len(samples) < window:
            samples = np.pad(samples, ((window - len(samples)) // 2, (window - len(samples) + 1) // 2))
        power = sounds.mel_power(samples, bank, window, hop)
        full = float(np.square(sounds.hann(window)).sum()) * 2 * (bank.shape[1] - 1) / self.rate
        level, floor = (power.mean(), FLOOR) if self.normalize else (full, LOWEST)
        return np.asarray(10.0 * np.log10(power / level + 10.0 ** (-floor / 10.0)), np.float32)


def _statistics(bands: np.ndarray) -> list[np.ndarray]:
    """``(d,)`` each, over time: the mean, the standard deviation, and the mean size of the change from frame to frame."""
    change = np.abs(np.diff(bands, axis=0)).mean(axis=0) if len(bands) > 1 else np.zeros_like(bands[0])
    return [bands.mean(axis=0), bands.std(axis=0), change]
