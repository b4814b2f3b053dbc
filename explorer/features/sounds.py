"""What extractors of sound share: samples at a wanted rate, their frames, and how much power each mel band has in each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.dataset.sounds import MOST_SAMPLES, Sound
from explorer.errors import InputError, MissingExtra
from explorer.features.base import ItemExtractor
from explorer.features.stream import Encoded, one_by_one

FRAMES_AT_ONCE = 2_048  # transformed together: a long sound takes no more memory than a short one
LINEAR_HZ, LINEAR_STEP, LOG_STEP = 1_000.0, 200.0 / 3.0, np.log(6.4) / 27.0  # the mel scale: straight up to 1 kHz, then bent
LARGEST_FFT = 1 << 16
SILENT = 1e-9  # of full scale, -180 dB: a sound that never rises above is silence
QUIET = 1e-4  # of the power of the loudest moment, -40 dB: what lies under it before and after the sound is no part of it
MOMENT = 0.01  # seconds


class SoundExtractor(ItemExtractor):
    """An extractor that hears one sound at a time."""

    needs = "audio"

    trim = param.Boolean(True, precedence=1, doc="Leave out the quiet beginning and end (40 decibels under the loudest moment).")

    def hear(self, data: Dataset, rows: Sequence[int], rate: int, features: Callable[[np.ndarray], np.ndarray]) -> Encoded:
        """The `features` ``(d,)`` of some sounds' samples ``(t,)`` at `rate`; silence and what cannot be read have none."""
        return one_by_one(rows, lambda row: features(samples_of(data, row, rate, self.trim)))


def require_sound(what: str) -> None:
    """Raise a MissingExtra when soundfile or soxr is not installed; imports neither."""
    if not (find_spec("soundfile") and find_spec("soxr")):
        raise MissingExtra(what, "sound")


def samples_of(data: Dataset, row: int, rate: int, trim: bool = False) -> np.ndarray:
    """``(t,)`` float32 of one item, at `rate` samples a second.

    Parameters
    ----------
    trim
        Leave out its quiet beginning and end.

    Raises
    ------
    InputError
        When the sound cannot be read, is too long for that rate, or nothing is heard in it.
    """
    what = f"item {data.ids[row : row + 1].tolist()[0]!r}"
    sound = data.sound(row)
    if sound.seconds * rate > MOST_SAMPLES:
        raise InputError(f"{what}: {sound.seconds:,.0f} seconds are too long for {rate:,} samples a second: take shorter windows")
    samples = resampled(sound, rate)
    if not len(samples) or float(np.abs(samples).max()) < SILENT:
        raise InputError(f"{what}: there is only silence in the sound")
    return trimmed(samples, rate) if trim else samples


def resampled(sound: Sound, rate: int) -> np.ndarray:
    """``(t,)`` float32 at another rate (soxr, high quality); what is too high for that rate is filtered out."""
    if sound.rate == rate:
        return np.asarray(sound.samples, np.float32)
    import soxr

    return np.asarray(soxr.resample(sound.samples, sound.rate, rate), np.float32)


def trimmed(samples: np.ndarray, rate: int) -> np.ndarray:
    """``(s,)``, without what is 40 dB quieter than the loudest moment at the beginning and at the end."""
    moment = max(1, round(MOMENT * rate))
    starts = np.arange(0, len(samples), moment)
    power = np.add.reduceat(np.square(samples, dtype=np.float64), starts) / np.diff(starts, append=len(samples))
    loud = np.flatnonzero(power >= QUIET * power.max())
    return samples[starts[loud[0]] : starts[loud[-1]] + moment]


def mel_power(samples: np.ndarray, bank: np.ndarray, window: int, hop: int) -> np.ndarray:
    """``(frames, n_mels)`` float32: the power in each band, frame by frame.

    Parameters
    ----------
    samples
        ``(t,)``, at least `window` of them.
    bank
        ``(n_mels, size // 2 + 1)`` of `mel_bank`.
    window, hop
        Samples of a frame (under a Hann window, periodic), and from one frame to the next.
    """
    from scipy.fft import rfft  # keeps float32, which numpy's did not before version 2

    size, weights, turned = 2 * (bank.shape[1] - 1), hann(window), np.ascontiguousarray(bank.T)
    parts = [np.square(np.abs(rfft(part * weights, size, axis=1))) @ turned for part in _frames(samples, window, hop)]
    return np.concatenate(parts)


def _frames(samples: np.ndarray, window: int, hop: int) -> Iterator[np.ndarray]:
    """``(b, window)`` views of the samples."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        yield frames[start : start + FRAMES_AT_ONCE]


@lru_cache(maxsize=16)
def hann(window: int) -> np.ndarray:
    """``(window,)`` float32, periodic."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)


def fft_size(rate: int, window: int, n_mels: int, bounds: tuple[float, float]) -> int:
    """The smallest power of two that holds a frame and gives every mel band a frequency of its own."""
    size = 1 << (window - 1).bit_length()
    while size < LARGEST_FFT and not mel_bank(rate, size, n_mels, *bounds).any(axis=1).all():
        size *= 2
    return size


@lru_cache(maxsize=16)
def mel_bank(rate: int, size: int, n_mels: int, fmin: float, fmax: float) -> np.ndarray:
    """``(n_mels, size // 2 + 1)`` float32: triangles over the frequencies of a transform, evenly spaced on Slaney's mel scale.

    Each has the same area, as in Slaney 1998, "Auditory Toolbox" (and librosa's default).
    """
    edges = _hertz(np.linspace(_mel(fmin), _mel(fmax), n_mels + 2))
    frequencies = np.arange(size // 2 + 1) * (rate / size)
    slopes = (frequencies - edges[:, None]) / np.diff(edges, append=edges[-1] + 1.0)[:, None]
    rising, falling = slopes[:-2], 1.0 - slopes[1:-1]
    bank = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    made = bank.astype(np.float32)
    made.flags.writeable = False
    return made


def _mel(hertz: float) -> float:
    if hertz < LINEAR_HZ:
        return hertz / LINEAR_STEP
    return float(LINEAR_HZ / LINEAR_STEP + np.log(hertz / LINEAR_HZ) / LOG_STEP)


def _hertz(mels: np.ndarray) -> np.ndarray:
    knee = LINEAR_HZ / LINEAR_STEP
    return np.where(mels < knee, mels * LINEAR_STEP, LINEAR_HZ * np.exp(LOG_STEP * (mels - knee)))
