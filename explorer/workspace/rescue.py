"""What can still be read of a damaged workspace: from the journal row by row, and from the snapshot beside it."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.workspace import opening
from explorer.workspace.carving import Row, carved
from explorer.workspace.journal import COLUMNS, Damaged, Journal, row_of, text_of
from explorer.workspace.numbering import LARGE
from explorer.workspace.replay import SNAPSHOT, Replay, check_fits, made_of, read_snapshot

_MISSES = 1_000  # rows that are not found one after the other, after which there are no more


def rescued(path: Path, index: pd.Index) -> Replay:
    """The labels that can be read, none of them invented: the snapshot's, and on top of them the rows after it.

    `index` are the dataset's ids, which follow those that the journal knows.

    Raises
    ------
    InputError
        When neither can be read; the journal is named, and nothing is touched.
    """
    ids, rows = readable(path)
    begun = _snapshot(path, ids)
    if ids is None or (begun is None and not rows):
        where = f"{path / opening.JOURNAL} is damaged, and so is what could stand in for it"
        raise InputError(f"{where}; nothing was changed: restore it from a copy, or choose another --workspace")
    replay = begun or Replay(ids)
    if len(replay.index) < len(ids):
        replay.grow(ids)
    if len(new := index[~index.isin(replay.index)]):
        replay.grow(replay.index.append(new))
    upto = replay.seq
    for row in rows.values():
        entry, change, _ = row_of(row)
        if entry.seq > upto:
            with suppress(Damaged):
                check_fits(change, len(ids))
                replay.take(entry, change)
        else:
            replay.note(entry)
    return replay


def readable(path: Path) -> tuple[pd.Index | None, dict[int, Row]]:
    """The ids by number, and the rows that are as they were written, by number, all columns: SQLite's, and what it cannot find."""
    with tempfile.TemporaryDirectory(prefix="explorer-") as place:
        copy = Path(place) / opening.JOURNAL
        opening.copy_files(path, Path(place))
        rows = carved(copy, copy.with_name(f"{copy.name}-wal"))
        return _ids(copy, path), dict(sorted((rows | dict(_rows(copy))).items()))


def _ids(copy: Path, path: Path) -> pd.Index | None:
    """The ids by number: the journal's, else those of the dataset as it was last opened, which nearly always are the same.

    Not of a large one: its items may be numbered in the order of a map (see `Workspace._in_order`).
    """
    try:
        with closing(raw(copy)) as journal:
            if len(found := opening.ids_of(journal)):
                return pd.Index(found)
    except (sqlite3.Error, ValueError):
        pass
    try:
        ids = pd.Index(Dataset.load(path / "dataset").ids)
        return ids if len(ids) < LARGE else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return None


def _snapshot(path: Path, ids: pd.Index | None) -> Replay | None:
    try:
        head, sets = read_snapshot(path / SNAPSHOT)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if ids is None or head["items"] > len(ids) else made_of(sets, ids[: head["items"]], head["seq"])


def _rows(copy: Path) -> Iterator[tuple[int, Row]]:
    """The rows that SQLite finds, asked for one by one: where it cannot walk through them it may still find them."""
    try:
        journal = raw(copy)
    except sqlite3.Error:
        return
    with closing(journal):
        seq = misses = 0
        while misses < _MISSES:
            seq += 1
            try:
                found = journal.connection.execute(f"SELECT {COLUMNS} FROM journal WHERE seq = ?", (seq,)).fetchone()
                if found is None:
                    raise Damaged(f"row {seq} is not there")
                row_of(found)
            except (sqlite3.Error, ValueError, OverflowError):
                misses += 1
                continue
            misses = 0
            yield seq, found


def raw(copy: Path) -> Journal:
    """A journal that is only read, whatever SQLite thinks of its tables."""
    found = Journal.__new__(Journal)
    found.path, found.connection = copy, sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
    found.connection.text_factory = text_of
    found.connection.execute("PRAGMA schema_version")
    return found
