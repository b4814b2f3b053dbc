"""Files that are whole or not there: written beside their place under another name, flushed, and renamed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from explorer.errors import InputError


def writable(path: Path, *, force: bool) -> Path:
    """`path` with links followed, when a file may be written there.

    Raises
    ------
    InputError
        When its folder is not there or may not be written, when it is a folder, or when it is there and `force` is not given.
    """
    try:
        out = Path(os.path.realpath(path.expanduser()))
        if out.is_dir():
            raise InputError(f"{str(path)!r} is a folder; give a file in it, like {str(path / 'labels.csv')!r}")
        if not out.parent.is_dir():
            raise InputError(f"the folder {str(path.parent)!r} is not there; make it first, or choose another place")
        if out.exists() and not force:
            raise InputError(f"{str(path)!r} is there already; give --force (force=True) to replace it, or another name")
        if not os.access(out.parent, os.W_OK):
            raise InputError(f"the folder {str(path.parent)!r} may not be written to; choose another place for {path.name!r}")
    except (OSError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{str(path)!a} cannot be written ({problem}); choose another name") from problem
    return out


def settings_beside(out: Path) -> Path:
    """``OUT.settings.json``."""
    return out.with_name(out.name + ".settings.json")


def replace_both(out: Path, encode: Callable[[BinaryIO], None], settings: Callable[[Path], dict[str, Any]]) -> None:
    """Write `out` and its settings: both are whole on disk before either takes its name, the settings' first.

    Raises
    ------
    InputError
        When the disk does not take it; what was there before is still there.
    """
    made: list[Path] = []
    try:
        made.append(_beside(out, encode))
        record = settings(made[0])
        made.append(_beside(out, lambda file: _dump(record, file)))
        os.replace(made[1], settings_beside(out))
        os.replace(made[0], out)
        _flush_folder(out.parent)
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise InputError(
            f"{out.name!r} cannot be written ({why}); nothing was: free some disk or choose another place"
        ) from problem
    finally:
        for temporary in made:
            temporary.unlink(missing_ok=True)


def _beside(out: Path, encode: Callable[[BinaryIO], None]) -> Path:
    """A whole file in the same folder under a name of its own, with the rights that a new file would have."""
    temporary = out.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb") as file:
            encode(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # Ctrl-C too: nothing half-written stays
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _dump(record: dict[str, Any], file: BinaryIO) -> None:
    file.write((json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


def sha256(path: Path) -> str:
    """A file's hash, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and a rename is flushed by itself
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
