"""Where the workspace of a source lies when nobody says: beside it, or for an address in the current folder."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from explorer.dataset import Dataset
from explorer.sources.options import is_address
from explorer.workspace import Workspace

ENDING = ".explorer"


def beside(source: str) -> Path:
    """The workspace's folder for a source.

    >>> [str(beside(source)) for source in ("a/x.csv", "photos/", "v1.2/x.tar.npy", "https://h/a/x.csv?key=1")]
    ['a/x.explorer', 'photos.explorer', 'v1.2/x.tar.explorer', 'x.explorer']
    """
    path = Path(Path(urlsplit(source).path).name) if is_address(source) else Path(source).expanduser()
    if path.name in {"", ".", ".."}:  # "." is a folder with a name, too
        path = path.resolve()
    name = path.name if path.is_dir() else path.stem
    return path.parent / f"{name or 'data'}{ENDING}"


def workspace_at(path: Path, dataset: Dataset) -> tuple[Workspace, str]:
    """The workspace in a folder; where none can be made one in memory, and a sentence that says why.

    Raises
    ------
    InputError
        When there is one that cannot be opened, or it belongs to other data.
    """
    made = False
    try:
        if not os.path.lexists(path):
            path.mkdir()
            made = True
    except OSError as problem:
        return Workspace(dataset), f"{str(path)!r} cannot be made ({problem.strerror or problem})"
    try:
        return Workspace(dataset, path), ""
    except BaseException:
        if made and not any(path.iterdir()):
            path.rmdir()
        raise


__all__ = ["ENDING", "beside", "workspace_at"]
