"""Opening a workspace's folder: is it one, of these data, of this format, whole; and which of its items are new."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.workspace import wal
from explorer.workspace.files import read_json, write_json
from explorer.workspace.formats import bring_up
from explorer.workspace.journal import FORMAT, Damaged, Journal
from explorer.workspace.numbering import Numbering

JOURNAL = "journal.sqlite"
SAME = 0.5  # of a workspace's ids must be in the data for it to be the same collection, grown or cut
_ROOM = 1 << 20  # bytes free on a disk that is not full


def check_folder(path: Path) -> None:
    """Refuse a place that is something else.

    Raises
    ------
    InputError
        For a file, or a folder that holds other things than a workspace.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; a workspace is a folder: choose another --workspace")
    if path.is_dir() and not (path / "manifest.json").exists() and not all(map(_ours, path.iterdir())):
        raise InputError(f"{path} is a folder of something else (no manifest.json in it); choose another --workspace")


def _ours(path: Path) -> bool:
    """Whether a file is what a first opening leaves behind when it is cut short."""
    return path.name.startswith((".writing-", JOURNAL))


def manifest(path: Path, dataset: Dataset) -> dict[str, Any]:
    """What the folder says that it is; nothing for a new one.

    Raises
    ------
    InputError
        When it is of a newer format, or of other data: its labels would land on items that nobody labelled.
    """
    known = read_json(path / "manifest.json")
    if known.get("format", FORMAT) > FORMAT:
        raise InputError(f"{path} is of a newer explorer (format {known['format']}): pip install -U embedding-explorer")
    if known and known.get("fingerprint") != dataset.fingerprint:
        _check_same(path, known, dataset)
    return known


def _check_same(path: Path, known: dict[str, Any], dataset: Dataset) -> None:
    try:
        before = pd.Index(Dataset.load(path / "dataset").ids)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return  # the journal's own ids decide (see `numbered`)
    if _numbered(before.to_numpy()) or _numbered(dataset.ids):
        same = (known.get("name"), known.get("items")) == (dataset.name, len(dataset))
    else:
        same = bool(before.isin(dataset.index).mean() >= SAME)
    if not same:
        was = f"{known.get('name')} with {known.get('items'):,} items"
        raise InputError(
            f"the workspace {path} belongs to {was}, not to {dataset.name} with {len(dataset):,}; choose another "
            "--workspace, or if it is the same collection name its ids with --id"
        )


def _numbered(ids: np.ndarray) -> bool:
    """Whether the ids are mere row numbers, which say nothing of what an item is."""
    return ids.dtype.kind == "i" and bool((ids == np.arange(len(ids))).all())


def writable(path: Path) -> None:
    """Make the folder, and try whether it takes a file.

    Raises
    ------
    OSError
        When it does not.
    """
    path.mkdir(parents=True, exist_ok=True)
    if (path / JOURNAL).exists():
        with open(path / JOURNAL, "r+b"):
            pass
    with tempfile.TemporaryFile(dir=path, prefix=".writing-"):
        pass


def check_journal(path: Path, known: dict[str, Any]) -> list[str]:
    """Look at the journal's files before SQLite does, which takes an empty file for a new one and drops the damaged end of another.

    Raises
    ------
    Damaged
        When the journal that the manifest speaks of is not there, or is empty.
    """
    place = path / JOURNAL
    if known.get("journal") and (not place.exists() or place.stat().st_size == 0):
        raise Damaged("it is not there" if not place.exists() else "it is empty")
    lost = wal.lost(place.with_name(f"{JOURNAL}-wal"))
    return (
        []
        if not lost
        else [f"the end of {place}-wal is damaged ({lost}): the last changes may be missing; the file was copied aside"]
    )


def journal(path: Path) -> Journal:
    """The journal in a folder, brought to this format.

    Raises
    ------
    InputError
        When it is of a newer format.
    """
    bring_up(path / JOURNAL)
    return Journal(path / JOURNAL)


def write_manifest(path: Path, dataset: Dataset, uuid: str) -> None:
    """Say what the folder is, where it does not say so yet."""
    about = {"name": dataset.name, "fingerprint": dataset.fingerprint, "items": len(dataset), "columns": dataset.kinds}
    wanted = {"format": FORMAT, "journal": uuid} | about
    if read_json(path / "manifest.json") != wanted:
        write_json(path / "manifest.json", wanted)


def numbered(found: Journal, dataset: Dataset, *, add: bool) -> Numbering:
    """The journal's items, with those of the dataset that are new added to them.

    Raises
    ------
    Damaged
        When the journal's ids cannot be read.
    """
    if found.known == len(dataset) and (ids := pd.Index(ids_of(found))).equals(dataset.index):
        return Numbering(ids, dataset.index)
    new = _new(found, dataset)
    if len(new) and add:
        with found.transaction():
            new = _new(found, dataset)  # another process may have added them meanwhile
            found.add_ids(dataset.ids[new])
    index = pd.Index(ids_of(found))
    if len(new) and not add:  # in a folder that cannot be written they have numbers for as long as it is open
        index = pd.Index(ids_of(found) + dataset.ids[new].tolist())
    return Numbering(index, dataset.index)


def _new(found: Journal, dataset: Dataset) -> np.ndarray:
    known = ids_of(found)
    return np.flatnonzero(~dataset.index.isin(pd.Index(known))) if len(known) else np.arange(len(dataset))


def ids_of(found: Journal) -> np.ndarray:
    """The journal's ids, as a dataset has them: int64, or text as objects."""
    ids = found.ids()
    return np.array(ids, np.int64) if ids and all(type(one) is int for one in ids) else _objects(ids)


def _objects(ids: list[Any]) -> np.ndarray:
    made = np.empty(len(ids), object)
    made[:] = ids
    return made


def as_ids(index: pd.Index) -> np.ndarray:
    """An index's ids as an array."""
    return np.asarray(index.to_numpy())


def has_room(folder: Path) -> bool:
    """Whether the disk takes more."""
    import shutil

    try:
        return shutil.disk_usage(folder).free > _ROOM
    except OSError:
        return False


def damaged(problem: sqlite3.Error) -> bool:
    """Whether SQLite says that a file is broken, rather than busy, full or out of reach."""
    return any(word in str(problem) for word in ("malformed", "not a database", "no such table", "no such column", "corrupt"))
