"""Walking a folder that may hold anything: hidden files and folders are skipped, and links that lead outside not followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_within(folder: Path, endings: tuple[str, ...]) -> tuple[list[Path], int]:
    """The files that end so, sorted by their path in the folder, and how many were links that lead outside."""
    inside = os.path.realpath(folder)
    files: list[Path] = []
    outside = 0
    for path in sorted(_named(folder, endings), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):  # unlike resolve, it bears loops
            outside += 1
        else:
            files.append(path)
    return files, outside


def count(folder: Path, *kinds: tuple[str, ...]) -> list[int]:
    """How many files there are of each kind, told by their endings."""
    found = [0] * len(kinds)
    for path in _named(folder, sum(kinds, ())):
        for place, endings in enumerate(kinds):
            found[place] += path.name.lower().endswith(endings)
    return found


def sub_folder(name: str) -> str:
    """The sub-folder a file is in, as a path; empty at the top."""
    return name.rpartition("/")[0]


def _named(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and name.lower().endswith(endings):
                yield Path(place) / name
