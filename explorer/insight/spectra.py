"""How loud sounds are at each pitch, averaged over their time: what can be compared of sounds that say different things."""

from __future__ import annotations

import numpy as np

from explorer.drawing.spectrogram import edges

BANDS = 72
WINDOW = 0.04  # seconds: the same for every rate, so that the steps of all spectra are 25 Hz wide
WINDOWS = 300  # of a sound at most, evenly over its time
SILENT = 1e-12  # of full scale: -120 dB


def average_spectrum(samples: np.ndarray, rate: int) -> np.ndarray:
    """``(s,)`` float64, the mean power at each 25 Hz up to half the rate; 1 is a tone of full scale (Welch's method, 1967)."""
    size = max(8, round(WINDOW * rate))
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    starts = np.unique(np.linspace(0, len(windows) - 1, min(WINDOWS, 1 + 2 * (len(windows) - 1) // size)).astype(int))
    weights = np.hanning(size + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(windows[starts] * weights, axis=1)) ** 2
    return np.asarray(power.mean(axis=0) / (weights.sum() / 2.0) ** 2, np.float64)


def levels(power: np.ndarray, rate: int, top: int, bands: int = BANDS) -> np.ndarray:
    """``(bands,)`` float32 decibels of a spectrum of `average_spectrum`, in even steps of mel up to half of the rate `top`.

    NaN where the sound's own rate reaches no further.
    """
    at = edges(top, bands) / (rate / 2) * (len(power) - 1) + 0.5  # a step reaches half way to the next
    total = np.interp(at, np.arange(len(power) + 1), np.r_[0.0, np.cumsum(power)])
    mean = np.diff(total) / np.diff(at)
    made = 10 * np.log10(np.maximum(mean, SILENT))
    return np.where(at[1:] > len(power), np.nan, made).astype(np.float32)


def pitches(top: int, bands: int = BANDS) -> np.ndarray:
    """``(bands,)`` Hz: the middle of each band."""
    ends = edges(top, bands)
    return np.asarray((ends[:-1] + ends[1:]) / 2)


__all__ = ["BANDS", "average_spectrum", "levels", "pitches"]
