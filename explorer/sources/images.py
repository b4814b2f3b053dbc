"""A folder of pictures: one item a file, by its path inside the folder; what cannot be read is left out, counted and named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from explorer.dataset.columns import PICTURE_ENDINGS
from explorer.dataset.pictures import check_picture
from explorer.errors import InputError, listed
from explorer.sources.folders import files_within, sub_folder
from explorer.sources.found import Found
from explorer.sources.options import Options


def read_folder(folder: Path, options: Options) -> Found:
    """Every picture under a folder, sorted by path; hidden files and folders are skipped, links that lead outside not followed.

    The columns are `file` (the path inside the folder, also the id), `folder` (its first part), `width` and `height`.

    Raises
    ------
    InputError
        When there are no pictures, or more than half cannot be read.
    """
    files, outside = files_within(folder, PICTURE_ENDINGS)
    if not files:
        raise _nothing(folder)
    rows: list[tuple[str, str, int, int]] = []
    unreadable = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            name.encode("utf-8")  # a name in another encoding cannot be an id
            rows.append((name, sub_folder(name), *check_picture(os.path.realpath(path), None, repr(name))))
        except (InputError, UnicodeEncodeError):
            unreadable.append(name)
    if len(unreadable) * 2 > len(files):
        raise InputError(
            f"{folder.name}: {len(unreadable):,} of {len(files):,} pictures cannot be read ({_names(unreadable)}): "
            "is the copy complete, and are they pictures?"
        )
    return _found(folder, rows, unreadable, outside)


def _found(folder: Path, rows: list[tuple[str, str, int, int]], unreadable: list[str], outside: int) -> Found:
    names, folders, widths, heights = (list(column) for column in zip(*rows, strict=True))
    columns = {"file": names, "width": pa.array(widths, pa.int64()), "height": pa.array(heights, pa.int64())}
    kinds = {"file": "image"}
    if any(folders):
        columns["folder"] = pa.array(folders, pa.string())
        kinds["folder"] = "category"
    notes = []
    if unreadable:
        which = "1 picture" if len(unreadable) == 1 else f"{len(unreadable):,} pictures"
        notes.append(f"{which} cannot be read and {'was' if len(unreadable) == 1 else 'were'} left out: {_names(unreadable)}")
    if outside:
        lead = "1 link leads" if outside == 1 else f"{outside:,} links lead"
        notes.append(f"{lead} out of the folder: not followed")
    return Found(folder.resolve().name, pa.table(columns), ids=np.array(names, dtype=object), kinds=kinds, root=folder, notes=notes)


def _nothing(folder: Path) -> InputError:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    held = f"it holds {_names(names)}" if names else "it is empty"
    endings = ", ".join(PICTURE_ENDINGS)
    return InputError(f"{folder.name!r} has no pictures ({held}): give a folder with {endings} files, or one table or array file")


def _names(names: list[str]) -> str:
    return listed((repr(name) for name in names), 3)
