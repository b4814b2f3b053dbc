"""Small files of a workspace: read as JSON, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from explorer.errors import InputError

SUM = "sum"


def read_json(path: Path) -> dict[str, Any]:
    """An object in a file; nothing where there is no file.

    Raises
    ------
    InputError
        When it is damaged: no JSON, or not what its own `sum` says (where it has one).
    """
    try:
        found = json.loads(path.read_text("utf-8", "surrogatepass"))
        if not isinstance(found, dict):
            raise ValueError("no object in it")
        if SUM in found and found.pop(SUM) != sum_of(found):
            raise ValueError("it is not as it was written")
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path} is damaged ({problem}); restore or delete it, the journal beside it is not touched") from problem
    return found


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write an object, whole or not at all, with a sum by which damage is noticed."""
    text = json.dumps(data | {SUM: sum_of(data)}, indent=1)
    write_whole(path, text.encode("utf-8", "surrogatepass"))


def sum_of(data: dict[str, Any]) -> str:
    """The SHA-256 of an object as JSON of the shortest form, in ASCII, names in their order."""
    plain = json.dumps(json.loads(json.dumps(data)), separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside it, flushed, renamed."""
    temporary = path.parent / f".writing-{uuid.uuid4().hex}"  # not by tempfile: those are for nobody else to read
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def place(temporary: Path, path: Path) -> None:
    """Give a file that was flushed its name, which no other has.

    Raises
    ------
    FileExistsError
        When another has it: that one stays as it is.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names
        if path.exists():
            raise FileExistsError(f"there is a {path} already") from None
        os.rename(temporary, path)
    flush(path.parent)


def aside_of(path: Path) -> Path:
    """A free name for what is kept of a damaged file or folder: ``name.damaged-<UTC>.ending``."""
    name = path.name if path.is_dir() else path.stem
    name, ending, when, number = name, "" if path.is_dir() else path.suffix, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), 0
    while os.path.lexists(found := path.with_name(f"{name}.damaged-{when}{f'-{number}' if number else ''}{ending}")):
        number += 1
    return found


def move_aside(path: Path) -> Path:
    """Give a damaged file or folder another name, and say which."""
    aside = aside_of(path)
    os.rename(path, aside)
    flush(path.parent)
    return aside


def copy_aside(path: Path) -> Path:
    """Keep a copy of a damaged file, and say where."""
    aside = aside_of(path)
    shutil.copyfile(path, aside)
    flush(aside)
    flush(path.parent)
    return aside


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    if path.is_dir() and os.name != "posix":
        return  # there a folder cannot be opened
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
