"""Small files of a workspace: read as JSON, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from explorer.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """An object in a file; nothing where there is no file.

    Raises
    ------
    InputError
        When it is damaged.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object in it")
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise InputError(f"{path} is damaged ({problem}); restore or delete it, the journal beside it is not touched") from problem
    return found


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write an object, whole or not at all."""
    write_whole(path, json.dumps(data, indent=1).encode("utf-8", "surrogatepass"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside it, flushed, renamed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        flush(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    if path.is_dir() and os.name != "posix":
        return  # there a folder cannot be opened
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
