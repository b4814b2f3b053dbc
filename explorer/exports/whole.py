"""Files and folders that are whole or not there: written beside their place under another name, flushed, and renamed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    with _sayable(path):
        out = Path(os.path.realpath(path.expanduser()))
        if out.is_dir():
            raise InputError(f"{str(path)!r} is a folder; give a file in it, like {str(path / 'labels.csv')!r}")
        if not out.parent.is_dir():
            raise InputError(f"the folder {str(path.parent)!r} is not there; make it first, or choose another place")
        if out.exists() and not force:
            raise _there_already(path)
        _check_place(path, out)
    return out


def writable_folder(path: Path, *, force: bool) -> Path:
    """`path` with links followed, when a folder may be written there.

    Raises
    ------
    InputError
        When the folder around it is not there or may not be written, when it is a file, when it is there and `force` is not given,
        or when it is there and nothing beside it says that an export wrote it: what else is in it would be lost.
    """
    with _sayable(path):
        out = Path(os.path.realpath(path.expanduser()))
        if out.exists() and not out.is_dir():
            raise InputError(f"{str(path)!r} is a file, and this format is a folder; choose another name")
        if not out.is_dir():
            return writable(path, force=False)
        if not force:
            raise _there_already(path)
        if not settings_beside(out).is_file():
            raise InputError(f"{str(path)!r} is a folder that no export wrote, so it is not replaced; choose another name")
        _check_place(path, out)
    return out


@contextmanager
def _sayable(path: Path) -> Iterator[None]:
    """What a path may be that no system takes, in one sentence."""
    try:
        yield
    except (OSError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"{str(path)!a} cannot be written ({problem}); choose another name") from problem


def _check_place(path: Path, out: Path) -> None:
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"the folder {str(path.parent)!r} may not be written to; choose another place for {path.name!r}")


def _there_already(path: Path) -> InputError:
    return InputError(f"{str(path)!r} is there already; give --force (force=True) to replace it, or another name")


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


def replace_folder(out: Path, fill: Callable[[Path], None], settings: Callable[[Path], dict[str, Any]]) -> None:
    """Write a folder and its settings: both are whole on disk before either takes its name.

    A folder that is replaced is first put aside, since no rename swaps two; where the new one cannot take its place it comes back.

    Raises
    ------
    InputError
        When the disk does not take it; what was there before is still there.
    """
    token = secrets.token_hex(8)
    made, aside = out.with_name(f".writing-{token}"), out.with_name(f".replaced-{token}")
    beside: Path | None = None
    try:
        made.mkdir()
        fill(made)
        _flush_tree(made)
        record = settings(made)
        beside = _beside(out, lambda file: _dump(record, file))
        if there := out.is_dir():
            os.rename(out, aside)
        try:
            os.rename(made, out)
        except BaseException:
            if there:
                os.rename(aside, out)
            raise
        os.replace(beside, settings_beside(out))
        _flush_folder(out.parent)
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise InputError(
            f"{out.name!r} cannot be written ({why}); nothing was: free some disk or choose another place"
        ) from problem
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)
        shutil.rmtree(made, ignore_errors=True)
        if out.is_dir():  # else what was there before could not even be put back, and is all that there is
            shutil.rmtree(aside, ignore_errors=True)


def _flush_tree(folder: Path) -> None:
    """Put a folder's files on disk: by one call for all where there is one, since a hundred thousand calls take minutes."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            with open(file, "rb+") as handle:
                os.fsync(handle.fileno())


def _beside(out: Path, encode: Callable[[BinaryIO], None]) -> Path:
    """A whole file in the same folder under a name of its own, with the rights that a new file would have."""
    temporary = out.with_name(f".writing-{secrets.token_hex(8)}")
    try:
        with open(temporary, "x+b") as file:
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
