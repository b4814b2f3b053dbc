"""A sound as its waveform over its log-mel spectrogram, which is what a listener can tell it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.drawing.inks import CHANNELS, laid, shaded
from explorer.drawing.lines import PALE, band, envelope, extremes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

WAVE = 0.32  # of the height, for the waveform
LOUDEST = 4  # windows that a column of the spectrogram is made of at most; the loudest counts in each band
WINDOW = 0.032  # seconds
RANGE = 65.0  # decibels from the darkest to the brightest
QUIET = 0.003  # the peak under which a sound is not made louder on the drawing: -50 dB
LOWEST = 40.0  # Hz


def draw_sound(samples: np.ndarray, rate: int, width: int, height: int) -> Picture:
    """Draw ``(t,)`` samples, of which there are `rate` a second."""
    from PIL import Image

    made = Image.new("RGBA", (width, height))
    split = split_at(height)
    made.alpha_composite(_wave(samples, width, split - 1))
    made.alpha_composite(shaded(spectrogram(samples, rate, width, height - split), width, height - split), (0, split))
    return made


def split_at(height: int) -> int:
    """The row of pixels where the spectrogram begins."""
    return max(4, round(height * WAVE))


def spectrogram(samples: np.ndarray, rate: int, columns: int, bands: int) -> np.ndarray:
    """``(bands, columns)`` from 0 to 1, the highest band first: decibels below the loudest, on the mel scale of frequency."""
    window = 1 << max(6, round(np.log2(WINDOW * rate)))
    padded = np.pad(samples, window // 2)
    each = min(LOUDEST, -(-2 * len(samples) // (columns * window)))  # windows of a column: half over one another, where it is wide
    starts = np.linspace(0, len(samples) - 1, columns * each).astype(int)
    cut = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]
    power = np.abs(np.fft.rfft(cut * np.hanning(window).astype(np.float32), axis=1)) ** 2
    energy = np.maximum(_in_bands(power, rate, bands), 1e-20)
    energy = energy.reshape(columns, -1, bands).max(axis=1)
    decibels = 10 * np.log10(energy / max(energy.max(), 1e-6))
    return np.clip(1 + decibels / RANGE, 0, 1).T[::-1]


def edges(rate: int, bands: int) -> np.ndarray:
    """Where the bands begin and end, in Hz: even steps of mel (O'Shaughnessy's 2595 log10(1 + f / 700)) up to half the rate."""
    low = min(LOWEST, rate / 20)
    least, most = 2595 * np.log10(1 + np.array([low, rate / 2]) / 700)
    mel = np.linspace(least, most, bands + 1)
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def _in_bands(power: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """``(m, bands)`` mean power in each band, whether wider or narrower than the spectrum's own steps."""
    total = np.concatenate([np.zeros((len(power), 1), power.dtype), np.cumsum(power, axis=1, dtype=np.float64)], axis=1)
    at = edges(rate, bands) / (rate / 2) * (power.shape[1] - 1) + 0.5  # a step reaches half way to the next
    whole = np.minimum(at.astype(int), power.shape[1] - 1)
    upto = total[:, whole] + (at - whole) * (total[:, whole + 1] - total[:, whole])
    return np.asarray(np.diff(upto, axis=1) / np.diff(at))


def _wave(samples: np.ndarray, width: int, height: int) -> Picture:
    """The waveform: pale to its peaks, full to one standard deviation."""
    peak = max(float(np.abs(samples).max()), QUIET)
    # repeated where a sound has fewer samples than the drawing has columns
    spread = samples if len(samples) >= width else samples[np.arange(width) * len(samples) // width]

    def down(values: np.ndarray) -> np.ndarray:
        return (1 - np.clip(values / peak, -1, 1)) * height / 2

    low, high = extremes(spread, width)
    below, above = band(spread, width)
    pale, full = (envelope(down(least), down(most), height) for least, most in ((low, high), (below, above)))
    return laid(CHANNELS[0], np.maximum(PALE * pale, full))
