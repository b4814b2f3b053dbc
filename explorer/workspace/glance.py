"""How many labels a workspace holds for a dataset, told without opening it: nothing in its folder is changed."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.workspace import opening
from explorer.workspace.journal import Damaged
from explorer.workspace.replay import SNAPSHOT, from_snapshot, replayed


def labels_in(path: Path, dataset: Dataset) -> int | None:
    """The labels of the dataset's items in all label sets, or None where there is no workspace yet.

    Raises
    ------
    InputError
        When the folder is something else, of a newer format, of other data, or its labels cannot be read.
    """
    opening.check_folder(path)
    if not any((path / name).exists() for name in ("manifest.json", opening.JOURNAL)):
        return None
    opening.manifest(path, dataset)
    if not (path / opening.JOURNAL).exists():
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
            opening.copy_files(path, Path(folder))
            with closing(opening.journal(Path(folder))) as journal:
                numbering = opening.numbered(journal, dataset, add=False)
                begun = from_snapshot(path / SNAPSHOT, journal, numbering.index)
                sets = replayed(journal, numbering.index, begun)[0].sets
            return sum(len(numbering.restricted(one.labels)) for one in sets.values())
    except (sqlite3.Error, OSError, Damaged, UnicodeDecodeError) as problem:
        raise InputError(f"the labels in {path} cannot be read ({problem}); run: explorer check {path}") from problem


__all__ = ["labels_in"]
