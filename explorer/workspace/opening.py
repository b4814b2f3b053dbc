"""Opening a workspace's folder: is it one, of these data, of this format, whole; and which of its items are new."""

from __future__ import annotations

import shutil
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
from explorer.workspace.files import copy_aside, read_json, write_json
from explorer.workspace.formats import bring_up
from explorer.workspace.journal import FORMAT, Damaged, Journal
from explorer.workspace.numbering import Numbering, places
from explorer.workspace.replay import SNAPSHOT, snapshot_head

JOURNAL = "journal.sqlite"
SAME = 0.5  # of a workspace's ids must be in the data for it to be the same collection, grown or cut
FILES = ("", "-wal", "-journal")  # that SQLite keeps a journal in, by what comes after its name
_SMALL = 16 << 20  # bytes of a journal whose tables are looked through each time that it is opened
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
    known = path.is_dir() and ((path / "manifest.json").exists() or (path / JOURNAL).exists())
    if path.is_dir() and not known and not all(map(_ours, path.iterdir())):
        raise InputError(f"{path} is a folder of something else (no manifest.json in it); choose another --workspace")


def _ours(path: Path) -> bool:
    """Whether a file is what a first opening leaves behind when it is cut short."""
    return path.name.startswith((".writing-", JOURNAL, "journal.damaged-"))


def manifest(path: Path, dataset: Dataset) -> tuple[dict[str, Any], list[str]]:
    """What the folder says that it is (nothing for a new one), and what is wrong with that.

    Raises
    ------
    InputError
        When it is of a newer format, or of other data: its labels would land on items that nobody labelled.
    """
    place = path / "manifest.json"
    try:
        known, notes = read_json(place), []
        known |= {"format": int(known["format"])} if "format" in known else {}
    except (InputError, ValueError, TypeError):
        known, notes = {}, [f"{place} is damaged; it is written anew, and what it was is kept beside it"]
    if not place.exists() and (path / JOURNAL).exists() and (path / "dataset").exists():
        notes = [f"{place} was not there; it is written anew"]
    if known.get("format", FORMAT) > FORMAT:
        raise InputError(f"{path} is of a newer explorer (format {known['format']}): pip install -U embedding-explorer")
    if known.get("fingerprint") != dataset.fingerprint and (known or notes):
        _check_same(path, known, dataset)
    return known, notes


def _check_same(path: Path, known: dict[str, Any], dataset: Dataset) -> None:
    try:
        kept = Dataset.load(path / "dataset")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return  # the journal's own ids decide (see `numbered`)
    if kept.fingerprint == dataset.fingerprint:
        return
    before = kept.index
    name, items = known.get("name", kept.name), known.get("items", len(kept))
    if _numbered(before.to_numpy()) or _numbered(dataset.ids):
        same = (name, items) == (dataset.name, len(dataset))
    else:
        same = bool((places(dataset.ids, as_ids(before)) >= 0).mean() >= SAME)
    if not same:
        raise _other(path, f"{name} with {items} items", dataset)


def check_ids(path: Path, found: Journal, dataset: Dataset) -> None:
    """Refuse a journal of other items, where nothing else says what it is of.

    Raises
    ------
    InputError
        When most of its items are not in the data.
    """
    ids = ids_of(found)
    if not len(ids):
        return
    if _numbered(ids) or _numbered(dataset.ids):
        same = len(ids) == len(dataset)
    else:
        same = bool((places(dataset.ids, ids) >= 0).mean() >= SAME)
    if not same:
        raise _other(path, f"a collection of {len(ids):,} items", dataset)


def _other(path: Path, was: str, dataset: Dataset) -> InputError:
    return InputError(
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


def check_journal(path: Path, known: dict[str, Any]) -> str:
    """Look at the journal's files before SQLite does, which takes an empty file for a new one and drops the damaged end of another.

    Returns what is wrong with the write-ahead log, in words.

    Raises
    ------
    Damaged
        When the journal that the manifest or the snapshot speaks of is not there, or is empty.
    """
    place = path / JOURNAL
    there = place.exists()
    if (not there or place.stat().st_size == 0) and (known.get("journal") or (path / SNAPSHOT).exists()):
        raise Damaged("it is empty" if there else "it is not there")
    return wal.lost(place.with_name(f"{JOURNAL}-wal"))


def put_back(found: Journal, log: Path) -> int:
    """Append the rows that a damaged write-ahead log holds and SQLite did not find, and say how many."""
    from explorer.workspace.carving import carved

    assert found.path is not None
    rows = carved(found.path, log)
    with found.transaction():
        known = set(found.numbers())
        fresh = [row for seq, row in rows.items() if seq not in known]
        for row in fresh:
            found.put_back(row)
    return len(fresh)


def check_sound(path: Path, found: Journal) -> None:
    """Notice rows that SQLite has lost without a word; quick, so that it is done each time the journal is opened.

    Raises
    ------
    Damaged
        When the tables are not in order, or end before the snapshot beside them.
    """
    if found.size <= _SMALL:
        said = found.connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if said != "ok":
            raise Damaged(str(said).splitlines()[-1])
    elif not found.counted:
        raise Damaged("some rows are missing in its table")
    head = snapshot_head(path / SNAPSHOT)
    if head is not None and head["uuid"] == found.uuid and head["seq"] > found.last:
        raise Damaged(f"it ends at row {found.last:,}, and {SNAPSHOT} beside it is of row {head['seq']:,}")


def copy_files(path: Path, to: Path) -> None:
    """Copy the journal's files as they were at one moment, though another process may be writing."""
    places = [path / f"{JOURNAL}{ending}" for ending in FILES]
    for _ in range(10):
        before = [_state(place) for place in places]
        for place in places:
            (to / place.name).unlink(missing_ok=True)
            if place.exists():
                shutil.copyfile(place, to / place.name)
        if before == [_state(place) for place in places]:
            return


def _state(place: Path) -> tuple[int, int] | None:
    try:
        found = place.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def journal(path: Path, notes: list[str] | None = None) -> Journal:
    """The journal in a folder, brought to this format; `notes` takes what was found on the way.

    Raises
    ------
    InputError
        When it is of a newer format.
    """
    found = bring_up(path / JOURNAL)
    if notes is not None:
        notes += found
    return Journal(path / JOURNAL)


def write_manifest(path: Path, dataset: Dataset, uuid: str) -> None:
    """Say what the folder is, where it does not say so yet."""
    about = {"name": dataset.name, "fingerprint": dataset.fingerprint, "items": len(dataset), "columns": dataset.kinds}
    wanted = {"format": FORMAT, "journal": uuid} | about
    place = path / "manifest.json"
    try:
        known = read_json(place)
    except InputError:
        copy_aside(place)
        known = {}
    if known != wanted:
        write_json(place, wanted)


def numbered(found: Journal, dataset: Dataset, *, add: bool) -> Numbering:
    """The journal's items, with those of the dataset that are new added to them; the dataset's own where it has none yet.

    A new journal gets its items with its first label: by then there may be a map to number them by.

    Raises
    ------
    Damaged
        When the journal's ids cannot be read.
    """
    ids = ids_of(found)
    if not len(ids) or np.array_equal(ids, dataset.ids):
        return Numbering(dataset.index, dataset.index)
    numbers = places(ids, dataset.ids)
    new = np.flatnonzero(numbers < 0)
    if len(new) and add:
        with found.transaction():
            found.add_ids(dataset.ids[missing(found, dataset)])  # another process may have added some meanwhile
        ids = ids_of(found)
        numbers = places(ids, dataset.ids)
    elif len(new):  # in a folder that cannot be written they have numbers for as long as it is open
        numbers[new] = np.arange(len(ids), len(ids) + len(new))
        ids = np.concatenate([ids, dataset.ids[new]])
    return Numbering(pd.Index(ids), dataset.index, numbers)


def missing(found: Journal, dataset: Dataset) -> np.ndarray:
    """The dataset's rows that have no number yet."""
    return np.flatnonzero(places(ids_of(found), dataset.ids) < 0)


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
    try:
        return shutil.disk_usage(folder).free > _ROOM
    except OSError:
        return False


def damaged(problem: sqlite3.Error) -> bool:
    """Whether SQLite says that a file is broken, rather than busy, full or out of reach."""
    said = ("malformed", "not a database", "no such table", "no such column", "corrupt")
    return any(words in str(problem) for words in said)
