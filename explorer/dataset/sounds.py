"""Opening a sound that nobody should trust: known formats only, a stretch of a long recording read alone, one channel."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explorer.dataset.files import found, given_as, short
from explorer.errors import InputError, MissingExtra

MOST_SECONDS = 900.0  # of one item: the longest window and the half that may be joined to it
MOST_SAMPLES = 120_000_000  # of one item: a header may lie about the rate as well
MOST_CHANNELS = 64
SAMPLES_A_BYTE, SAMPLES_A_BYTE_OF_MP3 = 10_000, 64  # that a header may promise: silence packs well, but not better
RATES = (100, 1_000_000)  # samples a second that a header may say: geophones to bats
SIGNATURES = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"OggS", b"FORM", b"ID3")
BLOCK = 1 << 20  # samples read at a time: what a header promises takes no memory before it is there
STRETCH = 120  # seconds of a long MP3 decoded at a time
STRETCHES = 3  # kept decoded: 70 MB of them at 48 kHz
LEAD = 1.0  # seconds decoded before a stretch and dropped: an MP3's frames lean on those before them
_LOCKS = tuple(threading.Lock() for _ in range(16))


class Sound(NamedTuple):
    """Samples ``(t,)`` float32, mostly within -1 to 1, and how many there are a second."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


class Header(NamedTuple):
    """What a sound's header says; of an MP3 that was cut off, or has no header, it may be wrong."""

    seconds: float
    rate: int
    channels: int


def require_soundfile() -> None:
    """Raise a MissingExtra when soundfile is not installed."""
    try:
        import soundfile  # noqa: F401  not find_spec, which searches anew for every sound
    except (ImportError, OSError) as problem:  # OSError: the package without its library
        raise MissingExtra("reading sound", "sound") from problem


def open_sound(given: Any, root: Path | None, what: str) -> Sound:
    """Decode a sound given as a path, as bytes, or as ``{"path" or "bytes": ..., "start": seconds, "stop": seconds}``.

    The same stretch always gives the same samples, whatever was read before it.

    Raises
    ------
    MissingExtra
        When soundfile is not installed.
    InputError
        When it is missing, corrupt, empty or too long; `what` and the file are named.
    """
    start, stop = (given.get("start"), given.get("stop")) if isinstance(given, dict) else (None, None)
    with _opened(given, root, what) as (file, state):
        rate = int(file.samplerate)
        first = max(0, round((start or 0.0) * rate))
        last = file.frames if stop is None else min(file.frames, round(stop * rate))
        last = min(last, first + int(MOST_SECONDS * rate), first + MOST_SAMPLES)
        if last <= first:
            raise InputError(f"{what}: there is no sound between {start or 0:g} and {stop or 0:g} seconds")
        if stop is not None and state is not None and _is_mp3(file):
            samples = _out_of_stretches(state, first, last, STRETCH * rate)
        else:
            samples = _read(file, first, last, what)
    if not len(samples):
        raise InputError(f"{what}: the sound is cut off")
    return Sound(samples, rate)


def check_sound(given: Any, root: Path | None, what: str) -> Header:
    """Read a sound's header only. Raises as `open_sound` does."""
    with _opened(given, root, what) as (file, _):
        return Header(file.frames / file.samplerate, int(file.samplerate), int(file.channels))


def _read(file: Any, first: int, last: int, what: str) -> np.ndarray:
    """The samples from `first` up to `last`, or up to where the file is cut off, mixed to one channel."""
    blocks = [np.empty(0, np.float32)]
    try:
        if first:
            file.seek(first)
        while first < last:
            wanted = last - first if _is_mp3(file) else min(last - first, BLOCK // file.channels)
            read = file.read(wanted, dtype="float32", always_2d=True)
            blocks.append(read[:, 0] if read.shape[1] == 1 else read.mean(axis=1))
            first = first + len(read) if len(read) == wanted else last
    except (RuntimeError, OSError, ValueError) as problem:
        raise InputError(f"{what}: the sound is corrupt ({short(problem)})") from problem
    return np.nan_to_num(np.concatenate(blocks), nan=0.0, posinf=0.0, neginf=0.0)


def _is_mp3(file: Any) -> bool:
    """Whether it is read at one go: soundfile seeks after every read, which is slow in an MP3 and spoils what follows."""
    return bool(file.subtype.startswith("MPEG"))


def _out_of_stretches(state: tuple[str, int, int], first: int, last: int, length: int) -> np.ndarray:
    """The same of an MP3, in which a place is found by walking there from the start (1,000 s: 0.06 s), one walk for many windows.

    Stretches start where they start, whichever window is asked for: an MP3's samples depend a little on where decoding began.
    """
    parts = []
    for number in range(first // length, (last - 1) // length + 1):
        with _LOCKS[hash((state, number)) % len(_LOCKS)]:  # or every thread would decode the same stretch
            stretch = _stretch(*state, number, length)
        parts.append(stretch[max(0, first - number * length) : last - number * length])
    return np.concatenate(parts)


@lru_cache(maxsize=STRETCHES)
def _stretch(path: str, size: int, changed: int, number: int, length: int) -> np.ndarray:
    """One stretch; `size` and `changed` tell one state of the file from the next."""
    with _opened(path, None, repr(path)) as (file, _):
        lead = min(number * length, int(LEAD * file.samplerate))
        return _read(file, number * length - lead, (number + 1) * length, repr(path))[lead:]


@contextmanager
def _opened(given: Any, root: Path | None, what: str) -> Iterator[tuple[Any, tuple[str, int, int] | None]]:
    """A sound whose header was read and found good, and for one in a file its path, size and time of change."""
    require_soundfile()
    import soundfile

    with _stream(given, root, what) as (stream, size, state):
        try:
            file = soundfile.SoundFile(stream, closefd=False) if isinstance(stream, int) else soundfile.SoundFile(stream)
        except (RuntimeError, OSError, ValueError, TypeError) as problem:
            raise InputError(f"{what}: not a sound that can be read ({short(problem)}); WAV, FLAC, OGG and MP3 can") from problem
        with file:
            good = RATES[0] <= file.samplerate <= RATES[1] and 1 <= file.channels <= MOST_CHANNELS
            most = size * (SAMPLES_A_BYTE_OF_MP3 if _is_mp3(file) else SAMPLES_A_BYTE)
            if not good or not 0 < file.frames <= most:
                said = f"{file.frames:,} samples of {file.channels:,} channels at {file.samplerate:,} a second"
                raise InputError(f"{what}: the sound's header is damaged, or there is none in it ({said})")
            yield file, state


@contextmanager
def _stream(given: Any, root: Path | None, what: str) -> Iterator[tuple[int | io.BytesIO, int, tuple[str, int, int] | None]]:
    """The bytes, or the file's number (four times as fast as its object), with the size and the file's state."""
    data = given_as(given)
    if not data:
        raise InputError(f"{what}: there is no sound")
    if isinstance(data, bytes):
        _check_signature(data[:4], what)
        yield io.BytesIO(data), len(data), None
        return
    with found(str(data), root, what, "sound") as path:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(number)
        _check_signature(os.read(number, 4), what)
        os.lseek(number, 0, os.SEEK_SET)
        yield number, state.st_size, (str(path), state.st_size, state.st_mtime_ns)
    finally:
        os.close(number)


def _check_signature(start: bytes, what: str) -> None:
    """The library that decodes knows twenty formats more, of which nobody asked it to read any."""
    if not start.startswith(SIGNATURES) and not (len(start) > 1 and start[0] == 0xFF and start[1] >= 0xE0):
        raise InputError(f"{what}: not a sound that can be read; WAV, FLAC, OGG, MP3 and AIFF can")


__all__ = ["MOST_SECONDS", "Header", "Sound", "check_sound", "open_sound", "require_soundfile"]
