"""What was unpacked or fetched, kept on this machine: every entry is whole or absent, and gone after a month without use."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from explorer.errors import InputError

UNUSED = 30 * 86_400.0  # seconds after which an entry goes
ABANDONED = 2 * 86_400.0  # seconds after which what was being made is nobody's
LEFT_FREE = 1 << 30  # bytes of the disk that are left alone
MOST_BYTES = 64 << 30  # of one entry
MARK = ".part-"


def place() -> Path:
    """The cache's folder: ``$EXPLORER_CACHE``, else ``embedding-explorer`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if given := os.environ.get("EXPLORER_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base and os.path.isabs(base) else Path.home() / ".cache") / "embedding-explorer"


def named(*parts: object) -> str:
    """A folder's name for what those parts tell apart."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def kept(kind: str, name: str, make: Callable[[Path], None]) -> Path:
    """The entry of that name: a folder that `make` filled, now or in an earlier run.

    Raises
    ------
    InputError
        When the cache cannot be written; and whatever `make` raises, after which there is no entry.
    """
    shelf = place() / kind
    entry = shelf / name
    try:
        if entry.is_dir():
            os.utime(entry)
            return entry
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep(shelf)
        unfinished = Path(tempfile.mkdtemp(prefix=MARK, dir=shelf))
    except OSError as problem:
        raise unwritable(problem) from problem
    try:
        make(unfinished)
        _moved(unfinished, entry)
    except OSError as problem:
        raise unwritable(problem) from problem
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return entry


def unwritable(problem: OSError) -> InputError:
    """What to say when the cache cannot be written."""
    said = problem.strerror or str(problem)
    return InputError(f"the cache {str(place())!r} cannot be written ({said}): set EXPLORER_CACHE to a folder with room")


def check_room(size: int, what: str) -> None:
    """Raise an InputError when `size` bytes are too many for one entry, or for the disk."""
    if size > MOST_BYTES:
        raise InputError(f"{what} takes {size / 2**30:,.1f} GiB; {MOST_BYTES >> 30} GiB are allowed: unpack or fetch it yourself")
    there = next((folder for folder in (place(), *place().parents) if folder.is_dir()), Path("/"))
    free = shutil.disk_usage(there).free
    if size + LEFT_FREE > free:
        raise InputError(
            f"{what} takes {size / 2**30:,.1f} GiB, and {str(there)!r} has {free / 2**30:,.1f} GiB free, of which "
            f"{LEFT_FREE >> 30} stay so: set EXPLORER_CACHE to a folder with more room"
        )


def safe(name: str) -> PurePosixPath | None:
    """A file's path inside a folder, as an archive or a server gives it; None for one that may lead outside."""
    bad = any(not part.strip() or part in {".", ".."} for part in name.split("/"))
    odd = any(letter < " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in name)
    if bad or odd or "\\" in name or re.match("[A-Za-z]:", name):
        return None
    return PurePosixPath(name)


def sweep(shelf: Path) -> None:
    """Remove entries that nobody used for a month, and what a killed run left."""
    now = time.time()
    for entry in shelf.iterdir():
        try:
            age = now - entry.stat().st_mtime
            if age < (ABANDONED if entry.name.startswith(MARK) else UNUSED) or entry.is_symlink() or not entry.is_dir():
                continue
            gone = entry if entry.name.startswith(MARK) else entry.rename(shelf / f"{MARK}{entry.name}")  # whole or absent
        except OSError:  # another run was quicker
            continue
        shutil.rmtree(gone, ignore_errors=True)


def _moved(made: Path, entry: Path) -> None:
    try:
        made.rename(entry)
    except OSError:
        if not entry.is_dir():  # else another run made the same meanwhile
            raise


__all__ = ["check_room", "kept", "named", "place", "safe", "sweep", "unwritable"]
