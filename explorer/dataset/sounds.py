"""Opening a sound that nobody should trust: known formats only, a stretch of a long recording read alone, one channel."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from explorer.errors import InputError, MissingExtra

MOST_SECONDS = 600.0  # of one item; a longer recording is cut into windows
MOST_CHANNELS = 64
RATES = (100, 1_000_000)  # samples a second that a header may say: geophones to bats


class Sound(NamedTuple):
    """Samples ``(t,)`` float32, mostly within -1 to 1, and how many there are a second."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


class Header(NamedTuple):
    """What a sound's header says."""

    seconds: float
    rate: int
    channels: int


def open_sound(given: Any, root: Path | None, what: str) -> Sound:
    """Decode a sound given as a path, as bytes, or as ``{"path" or "bytes": ..., "start": seconds, "stop": seconds}``.

    Raises
    ------
    MissingExtra
        When soundfile is not installed.
    InputError
        When it is missing, corrupt, empty or too long; `what` and the file are named.
    """
    start, stop = (given.get("start"), given.get("stop")) if isinstance(given, dict) else (None, None)
    with _opened(given, root, what) as file:
        first = max(0, round((start or 0.0) * file.samplerate))
        last = file.frames if stop is None else min(file.frames, round(stop * file.samplerate))
        last = min(last, first + int(MOST_SECONDS * file.samplerate))
        if last <= first:
            raise InputError(f"{what}: there is no sound between {start or 0:g} and {stop or 0:g} seconds")
        try:
            file.seek(first)
            read = file.read(last - first, dtype="float32", always_2d=True)
        except (RuntimeError, OSError, ValueError) as problem:
            raise InputError(f"{what}: the sound is corrupt ({_short(problem)})") from problem
        if not len(read):
            raise InputError(f"{what}: the sound is cut off")
        mixed = np.nan_to_num(read.mean(axis=1), nan=0.0, posinf=0.0, neginf=0.0)
        return Sound(np.ascontiguousarray(mixed, np.float32), int(file.samplerate))


def check_sound(given: Any, root: Path | None, what: str) -> Header:
    """Read a sound's header only. Raises as `open_sound` does."""
    with _opened(given, root, what) as file:
        return Header(file.frames / file.samplerate, int(file.samplerate), int(file.channels))


@contextmanager
def _opened(given: Any, root: Path | None, what: str) -> Iterator[Any]:
    if find_spec("soundfile") is None:
        raise MissingExtra("reading sound", "sound")
    import soundfile

    with _stream(given, root, what) as stream:
        try:
            file = soundfile.SoundFile(stream)
        except (RuntimeError, OSError, ValueError, TypeError) as problem:
            raise InputError(f"{what}: not a sound that can be read ({_short(problem)}); WAV, FLAC, OGG and MP3 can") from problem
        with file:
            if not RATES[0] <= file.samplerate <= RATES[1] or not 1 <= file.channels <= MOST_CHANNELS or file.frames <= 0:
                said = f"{file.frames:,} samples of {file.channels:,} channels at {file.samplerate:,} a second"
                raise InputError(f"{what}: the sound's header is damaged, or there is none in it ({said})")
            yield file


@contextmanager
def _stream(given: Any, root: Path | None, what: str) -> Iterator[Any]:
    data = given.get("bytes") or given.get("path") if isinstance(given, dict) else given
    if not data:
        raise InputError(f"{what}: there is no sound")
    if isinstance(data, bytes):
        yield io.BytesIO(data)
        return
    try:
        path = Path(root or ".") / str(data)
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise InputError(f"{what}: {str(data)!r} is not a file")
        stream = open(path, "rb")  # noqa: SIM115  closed below
    except FileNotFoundError as problem:
        raise InputError(f"{what}: no such sound: {str(data)!r}") from problem
    except OSError as problem:
        raise InputError(f"{what}: {str(data)!r} cannot be opened ({problem.strerror})") from problem
    except ValueError as problem:  # a NUL in the name
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{what}: {str(data)!r} is not a file's name") from problem
    with stream:
        yield stream


def _short(problem: BaseException) -> str:
    return str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__


__all__ = ["MOST_SECONDS", "Header", "Sound", "check_sound", "open_sound"]
