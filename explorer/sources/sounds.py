"""Recordings: a file or a folder of them, cut into windows where they are long; only their headers are read."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from explorer.dataset.columns import PICTURE_ENDINGS, SOUND_ENDINGS
from explorer.dataset.sounds import MOST_SECONDS, Header, check_sound, require_soundfile
from explorer.errors import InputError, listed
from explorer.sources.folders import count, files_within, sub_folder
from explorer.sources.found import Found
from explorer.sources.options import Options

SHORT = 15.0  # seconds up to which a recording is one item, where no window was asked for
WINDOW = 5.0  # seconds of an item out of a longer one
MOST_WINDOWS = 20_000_000
THREADS, AT_ONCE = 8, 64  # headers are a tenth of a millisecond each on a disk, and far more on a network's
LEAST = 3  # items of a map


class Windows(NamedTuple):
    """What of which recording is an item; all ``(n,)``.

    Attributes
    ----------
    of
        Which recording.
    start, stop
        Seconds.
    cut
        Whether it is a part of its recording.
    """

    of: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    cut: np.ndarray


def fits(folder: Path) -> bool:
    """Whether there are recordings in a folder, and more of them than pictures."""
    sounds, pictures = count(folder, SOUND_ENDINGS, PICTURE_ENDINGS)
    return sounds > pictures


def read_folder(folder: Path, options: Options) -> Found:
    """Every recording under a folder, sorted by path; what cannot be read is left out, counted and named.

    The columns are `sound`, `file` (the path in the folder), `folder` (the sub-folder it is in), `start` and `seconds`
    of an item, and `rate`.

    Raises
    ------
    InputError
        When more than half cannot be read.
    """
    require_soundfile()
    files, outside = files_within(folder, SOUND_ENDINGS)
    if not files:
        raise InputError(f"{folder.name!r} has no recordings, only links that lead out of it: copy the files into the folder")
    names = [path.relative_to(folder).as_posix() for path in files]
    with ThreadPoolExecutor(THREADS) as pool:
        parts = [names[place : place + AT_ONCE] for place in range(0, len(names), AT_ONCE)]
        headers = [header for part in pool.map(lambda part: [_header(folder, name) for name in part], parts) for header in part]
    unreadable = [name for name, header in zip(names, headers, strict=True) if header is None]
    if len(unreadable) * 2 > len(names):
        raise InputError(
            f"{folder.name}: {len(unreadable):,} of {len(names):,} recordings cannot be read ({_few(unreadable)}): "
            "is the copy complete, and are they recordings?"
        )
    good = [(name, header) for name, header in zip(names, headers, strict=True) if header is not None]
    found = _found(folder.resolve().name, folder, good, options.window, SHORT)
    if unreadable:
        found.notes.append(f"{_counted(len(unreadable), 'cannot be read and')} left out: {_few(unreadable)}")
    if outside:
        lead = "1 link leads" if outside == 1 else f"{outside:,} links lead"
        found.notes.append(f"{lead} out of the folder: not followed")
    return found


def read_recording(path: Path, options: Options) -> Found:
    """One long recording, cut into windows.

    Raises
    ------
    InputError
        When it cannot be read, or is too short to give three windows.
    """
    header = check_sound(path.name, path.parent, repr(path.name))
    found = _found(path.name, path.parent, [(path.name, header)], options.window, 0.0)
    if found.rows < LEAST:
        raise InputError(
            f"{path.name!r} lasts {header.seconds:.3g} s, which is {found.rows} window{'s' * (found.rows != 1)} of "
            f"{options.window or WINDOW:g} s; a map needs at least {LEAST}: give a shorter --window, or a folder of recordings"
        )
    return found


def windows_of(seconds: np.ndarray, window: float, whole: float) -> Windows:
    """Cut recordings that last so long into windows; those of up to `whole` seconds stay whole.

    What is left at the end of a recording is a window of its own from half a window on, and else belongs to the one before.

    Raises
    ------
    InputError
        When there would be more than 20 million.
    """
    counts = np.where(seconds <= whole, 1, np.maximum(1, np.floor(seconds / window + 0.5)))
    total = float(counts.sum())
    if total > MOST_WINDOWS:
        raise InputError(
            f"{seconds.sum() / 3600:,.0f} hours are {total:,.0f} windows of {window:g} s; {MOST_WINDOWS:,} are allowed: "
            "give a longer --window"
        )
    counts = counts.astype(np.int64)
    of = np.repeat(np.arange(len(seconds)), counts)
    number = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = np.round(number * window, 6)
    stop = np.where(number == counts[of] - 1, seconds[of], np.round((number + 1) * window, 6))
    return Windows(of, start, stop, counts[of] > 1)


def _header(folder: Path, name: str) -> Header | None:
    """None where it cannot be read, or its name is no text that an id could be."""
    try:
        name.encode("utf-8")
        return check_sound(name, folder, repr(name))
    except (InputError, UnicodeEncodeError):
        return None


def _found(name: str, root: Path, recordings: Sequence[tuple[str, Header]], window: float | None, short: float) -> Found:
    seconds = np.array([header.seconds for _, header in recordings])
    length = window or WINDOW
    cut = windows_of(seconds, length, 0.0 if window else short)
    names = [each for each, _ in recordings]
    rates = np.array([header.rate for _, header in recordings], np.int64)
    files = pa.array(names, pa.string()).take(pa.array(cut.of))
    sound = _sounds(files, cut)
    columns = {"sound": sound, "file": files}
    kinds = {"sound": "audio", "file": "category" if cut.cut.any() else "id", "rate": "number", "seconds": "number"}
    folders = [sub_folder(each) for each in names]
    if any(folders):
        columns["folder"] = pa.array(folders, pa.string()).take(pa.array(cut.of))
        kinds["folder"] = "category"
    if cut.cut.any():
        columns["start"] = pa.array(cut.start)
        kinds["start"] = "number"
    columns |= {"seconds": pa.array(np.round(cut.stop - cut.start, 6)), "rate": pa.array(rates[cut.of])}
    notes = _said(seconds, cut, length, window is not None)
    return Found(name, pa.table(columns), ids=_ids(names, seconds, cut, length), kinds=kinds, root=root, notes=notes)


def _sounds(files: pa.Array, cut: Windows) -> pa.StructArray:
    """Where each item's sound is: ``struct<path, start, stop>``, without seconds where it is a whole recording."""
    whole = ~cut.cut
    parts = [files, pa.array(cut.start, mask=whole), pa.array(cut.stop, mask=whole)]
    return pa.StructArray.from_arrays(parts, names=["path", "start", "stop"])


def _ids(names: list[str], seconds: np.ndarray, cut: Windows, length: float) -> np.ndarray:
    """``calls/a.wav`` and ``calls/a.wav@005-010``: as many digits as the recording's seconds need, so that they sort by time."""
    decimals = len(f"{length:.6f}".rstrip("0").partition(".")[2])
    wide = [len(str(int(each))) + (decimals + 1 if decimals else 0) for each in (seconds + 0.5).tolist()]
    made = np.empty(len(cut.of), dtype=object)
    made[:] = [
        f"{names[of]}@{start:0{wide[of]}.{decimals}f}-{stop:0{wide[of]}.{decimals}f}" if part else names[of]
        for of, start, stop, part in zip(cut.of.tolist(), cut.start.tolist(), cut.stop.tolist(), cut.cut.tolist(), strict=True)
    ]
    return made


def _said(seconds: np.ndarray, cut: Windows, length: float, asked: bool) -> list[str]:
    notes = []
    if cut.cut.any() and not asked:
        long = int((seconds > 0).sum() if len(seconds) == 1 else (seconds > SHORT).sum())
        said = _counted(long, f"longer than {SHORT:g} s") if len(seconds) > 1 else "the recording was"
        notes.append(f"{said} cut into windows of {length:g} s, one item each (change it with --window SECONDS)")
    if late := int((cut.stop - cut.start > MOST_SECONDS).sum()):
        notes.append(f"of {late:,} recordings only the first {MOST_SECONDS:g} s count; cut them with --window SECONDS")
    return notes


def _counted(number: int, which: str) -> str:
    return f"1 recording {which} was" if number == 1 else f"{number:,} recordings {which} were"


def _few(names: list[str]) -> str:
    return listed((repr(name) for name in names), 3)
