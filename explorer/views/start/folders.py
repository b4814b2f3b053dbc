"""This computer's folders as the start page shows them, without hidden entries, and beginnings of paths completed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from explorer.dataset.columns import PICTURE_ENDINGS, SOUND_ENDINGS
from explorer.errors import InputError
from explorer.sources import READERS

MOST = 2_000  # entries that are shown of a folder
LOOKED_AT = 200_000  # of its entries that are looked at
COMPLETED = 20  # paths that a beginning is completed to
WORKSPACE = ".explorer"  # what the folder of a workspace ends in


def listing(given: str) -> dict[str, Any]:
    """A folder's entries: folders first, then files that can be opened; the others are counted.

    Raises
    ------
    InputError
        When there is no such folder, or it cannot be read.
    """
    folder = Path(os.path.abspath(os.path.expanduser(given or "~")))  # a home that is not there stays as it was written
    if not os.path.isdir(folder):
        raise InputError(f"{str(folder)!r} is no folder on this computer; choose another")
    folders, files, others, beyond = [], [], {"picture": 0, "sound": 0, "other": 0}, 0
    try:
        for looked, entry in enumerate(_entries(folder)):
            if looked >= LOOKED_AT:
                beyond = 1
                break
            if _is_folder(entry):
                if not entry.name.endswith(WORKSPACE):
                    folders.append(_shown(entry, "folder"))
            elif _ending(entry.name) in READERS and _ending(entry.name) not in SOUND_ENDINGS:
                files.append(_shown(entry, "file"))
            else:
                others[_kind(entry.name)] += 1
    except OSError as problem:
        raise InputError(f"{str(folder)!r} cannot be read ({problem.strerror or problem}); choose another folder") from problem
    entries = [*sorted(folders, key=_by_name), *sorted(files, key=_by_name)]
    return {
        "folder": str(folder), "parts": _parts(folder), "entries": entries[:MOST], "left": max(0, len(entries) - MOST) or beyond,
        "pictures": others["picture"], "sounds": others["sound"], "others": others["other"],
    }  # fmt: skip


def completed(text: str) -> list[str]:
    """What a beginning of a path may go on as: folders with a slash at the end, and files that can be opened."""
    if not text.startswith(("/", "~", ".")) and not (os.name == "nt" and text[1:2] == ":"):
        return []
    head, begun = os.path.split(text)
    folder = Path(os.path.expanduser(head or "."))
    found = []
    with suppress(OSError, ValueError):
        for entry in _entries(folder):
            if entry.name.casefold().startswith(begun.casefold()):
                if _is_folder(entry) and not entry.name.endswith(WORKSPACE):
                    found.append(os.path.join(head, entry.name) + "/")
                elif _ending(entry.name) in READERS:
                    found.append(os.path.join(head, entry.name))
    return sorted(found, key=str.casefold)[:COMPLETED]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith(".") and entry.name.isprintable():
                yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _shown(entry: os.DirEntry[str], kind: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": entry.name, "path": entry.path, "kind": kind}
    if kind == "file":
        with suppress(OSError):
            state = entry.stat()
            shown |= {"size": state.st_size, "when": int(state.st_mtime)}
    return shown


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _kind(name: str) -> str:
    ending = _ending(name)
    return "picture" if ending in PICTURE_ENDINGS else "sound" if ending in SOUND_ENDINGS else "other"


def _by_name(shown: dict[str, Any]) -> tuple[str, str]:
    return shown["name"].casefold(), shown["name"]


def _parts(folder: Path) -> list[dict[str, str]]:
    """The folder's own path, step by step; within the home folder from there on."""
    home = Path(os.path.expanduser("~"))
    if folder == home or home in folder.parents:
        names = folder.relative_to(home).parts
        return [{"name": "Home", "path": str(home)}, *_steps(home, names)]
    return [{"name": "This computer", "path": folder.anchor}, *_steps(Path(folder.anchor), folder.parts[1:])]


def _steps(at: Path, names: tuple[str, ...]) -> list[dict[str, str]]:
    found = []
    for name in names:
        at = at / name
        found.append({"name": name, "path": str(at)})
    return found


__all__ = ["completed", "listing"]
