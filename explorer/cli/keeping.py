"""Where a workspace goes: to the place that was named, else beside the source, else into memory, which is said."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from explorer.cli.text import one_line
from explorer.dataset import Dataset
from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.workspace import Workspace

ENDING = ".explorer"


def check_place(given: Namespace) -> None:
    """Refuse a place and none at once, before anything is read.

    Raises
    ------
    InputError
        When both `--workspace` and `--no-workspace` are given.
    """
    if given.no_workspace and given.workspace is not None:
        raise InputError("--workspace and --no-workspace are both given; give one of the two")


def workspace_for(given: Namespace, dataset: Dataset) -> Workspace:
    """The workspace that a command line means.

    Raises
    ------
    InputError
        When there is one that cannot be opened, or belongs to other data.
    """
    from explorer.workspace import Workspace

    if given.no_workspace:
        return Workspace(dataset)
    if given.workspace is not None:
        return Workspace(dataset, given.workspace)
    path = beside(given.source)
    made = False
    try:
        if not os.path.lexists(path):
            path.mkdir()
            made = True
    except OSError as problem:
        why = f"{str(path)!r} cannot be made ({problem.strerror or problem})"
        said = f"{why}, so labels are in memory only and gone when this ends; say where to keep them with --workspace DIR"
        print(f"explorer: {one_line(said)}", file=sys.stderr, flush=True)
        return Workspace(dataset)
    try:
        return Workspace(dataset, path)
    except BaseException:
        if made and not any(path.iterdir()):
            path.rmdir()
        raise


def beside(source: str) -> Path:
    """The workspace's folder for a source.

    >>> [str(beside(source)) for source in ("a/x.csv", "photos/", "v1.2/x.tar.npy", "https://h/a/x.csv?key=1")]
    ['a/x.explorer', 'photos.explorer', 'v1.2/x.tar.explorer', 'x.explorer']
    """
    from explorer.sources.remote import is_address

    path = Path(Path(urlsplit(source).path).name) if is_address(source) else Path(source).expanduser()
    if path.name in {"", ".", ".."}:  # "." is a folder with a name, too
        path = path.resolve()
    name = path.name if path.is_dir() else path.stem
    return path.parent / f"{name or 'data'}{ENDING}"
