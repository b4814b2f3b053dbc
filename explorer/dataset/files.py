"""Finding a picture's or a sound's file by a path that nobody should trust; what stands in the way is one sentence."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.errors import InputError


def given_as(value: Any) -> Any:
    """The bytes or the path of an item that is given as such, or as ``{"bytes": ..., "path": ...}``."""
    return value.get("bytes") or value.get("path") if isinstance(value, dict) else value


@contextmanager
def found(name: str, root: Path | None, what: str, noun: str) -> Iterator[Path]:
    """Where a file is, and the same sentences for what opening it inside the block may raise.

    Parameters
    ----------
    what, noun
        The item and what it should be ("picture"), for the message.

    Raises
    ------
    InputError
        When it is not there, is no file, or may not be opened.
    """
    try:
        path = Path(root or ".") / name
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise InputError(f"{what}: {name!r} is not a file")
        yield path
    except FileNotFoundError as problem:
        raise InputError(f"{what}: no such {noun}: {name!r}") from problem
    except OSError as problem:
        raise InputError(f"{what}: {name!r} cannot be opened ({problem.strerror})") from problem
    except ValueError as problem:  # a NUL in the name
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{what}: {name!r} is not a file's name") from problem


def short(problem: BaseException) -> str:
    """The first line of what a library says."""
    return str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__
