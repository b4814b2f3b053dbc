"""A folder for each category with its pictures in it, as links or copies, and ``index.csv`` that says exactly what each file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import param

from explorer.errors import InputError
from explorer.exports import csv
from explorer.exports.content import Content
from explorer.exports.originals import Original, check_pictures
from explorer.exports.paths import Folders
from explorer.step import Progress, Settings

ENDING = ".folders"
NAME = "Folders of pictures"
DOC = "A folder for each category with its pictures; parent/child names nest. index.csv says which file is which item."
KIND = "folder"
NEEDS = "pictures"

INDEX, UNLABELLED = "index.csv", "_unlabelled"


class Options(Settings):
    """How the pictures get there."""

    method = ENDING

    files = param.Selector(
        default="links", objects=["links", "copies"], doc="Links to the pictures where they are files, or copies of them; a "
        "download always has copies."
    )  # fmt: skip


def fill(content: Content, folder: Path, options: Settings, progress: Progress) -> None:
    """Fill an empty folder; what has no label is in ``_unlabelled``, and a picture that cannot be read only in the index.

    Raises
    ------
    InputError
        Where the items are no pictures.
    """
    check_pictures(content.dataset, NAME)
    linked = options.settings()["files"] == "links"
    places, rest = _places(content)
    lines = []
    for done, (row, label) in enumerate(zip(content.rows.tolist(), content.labels.tolist(), strict=True)):
        progress(done / len(content), f"{done:,} of {len(content):,} pictures")
        file = None
        if (picture := _picture(content, row)) is not None:
            place = rest if label is None else places.place(label)
            folder.joinpath(*place).mkdir(parents=True, exist_ok=True)
            file = "/".join([*place, places.file(place, picture.last)])
            picture.put(folder / file, linked=linked)
        lines.append((file, label))
    _index(content, lines, folder / INDEX)


def _places(content: Content) -> tuple[Folders, tuple[str, ...]]:
    """All categories' folders, found before any file has a name there: ``a/b`` is a folder even where ``a`` has a picture b."""
    places = Folders(INDEX, "index.csv.settings.json", UNLABELLED)
    for category in content.categories:
        places.place(category)
    rest = (UNLABELLED,)
    places.taken[rest] = type(places.taken[()])()
    return places, rest


def _picture(content: Content, row: int) -> Original | None:
    try:
        return Original.of(content.dataset, row)
    except InputError:
        return None


def _index(content: Content, lines: list[tuple[str | None, str | None]], place: Path) -> None:
    """``file,id,label`` of every item: labels as they are, whatever their folders had to be called."""
    files, labels = (np.array(column, dtype=object) for column in zip(*lines, strict=True)) if lines else ([], [])
    ids = content.ids
    frame = pd.DataFrame(
        {"file": pd.Series(files, dtype=object), "id": pd.Series(ids, dtype=object if ids.dtype.kind in "OU" else None),
         "label": pd.Series(labels, dtype=object)}
    )  # fmt: skip
    with open(place, "xb") as file:
        csv.encode(frame, file, csv.Options(), Progress())
