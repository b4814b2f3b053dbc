"""Older formats of the journal brought up to this one, after the old file was copied aside."""

from __future__ import annotations

import json
import sqlite3
import uuid
import zlib
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import InputError
from explorer.labels import Category, Change, Labels
from explorer.workspace import journal
from explorer.workspace.journal import FORMAT, Damaged, Entry, Journal, commands


def bring_up(path: Path) -> list[str]:
    """Bring the journal at `path` to this format, and say what of it could not be read; one that is so already is left as it is.

    Raises
    ------
    InputError
        When it is of a newer format.
    """
    if not path.exists() or path.stat().st_size == 0:
        return []
    with closing(sqlite3.connect(path, timeout=journal.LONGER)) as found:
        version = int(found.execute("PRAGMA user_version").fetchone()[0])
        tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > FORMAT:
        raise InputError(f"{path} is of a newer explorer (format {version}): pip install -U embedding-explorer")
    return _from_1(path) if version == 0 and "journal" in tables and "ids" not in tables else []


def _from_1(path: Path) -> list[str]:
    """Format 1 kept each change as compressed JSON that goes by ids, without user or label set."""
    old = Journal.__new__(Journal)
    old.connection = sqlite3.connect(path, timeout=journal.LONGER, isolation_level=None)
    with closing(old.connection):
        aside = path.with_name("journal.format-1.sqlite")
        with suppress(FileExistsError):  # another process does the same
            old.copy_to(aside)
        with old.connection:
            old.connection.execute("BEGIN IMMEDIATE")
            if int(old.connection.execute("PRAGMA user_version").fetchone()[0]) != 0:
                return []  # another process was first
            wrong = _rewrite(old)
    return [f"{path} was damaged: {'; '.join(wrong[:3])}; all else is there, and the file as it was is {aside}"] if wrong else []


def _rewrite(old: Journal) -> list[str]:
    connection, rows, wrong = old.connection, [], []
    for seq, when, verb, packed, rule in connection.execute("SELECT seq, time, verb, change, rule FROM journal ORDER BY seq"):
        try:
            rows.append((seq, when, verb, _plain(seq, packed), json.loads(rule) if rule else None))
        except (Damaged, ValueError) as problem:
            wrong.append(str(problem))
    connection.execute("ALTER TABLE journal RENAME TO journal_1")
    for command in commands():
        connection.execute(command)
    ids = list(dict.fromkeys(one for row in rows for one in row[3]["ids"]))
    whole = bool(ids) and all(type(one) is int for one in ids)
    old.add_ids(np.array(ids, np.int64) if whole else np.array(ids, object))
    labels = Labels.empty(pd.Index(ids, dtype=np.int64 if whole else object))
    for _, when, verb, plain, rule in rows:
        change = labels.change_to(labels.apply(_change(plain, labels.index)), verb)
        labels = labels.replayed(change)
        old.add(Entry(0, when, "someone", verb=verb), change, rule)
    connection.execute("INSERT INTO about VALUES ('uuid', ?)", (uuid.uuid4().hex,))
    connection.execute("DROP TABLE journal_1")
    return wrong


def _plain(seq: int, packed: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
        return dict(plain) | {"ids": list(plain["ids"])}
    except (ValueError, TypeError, KeyError, zlib.error) as problem:
        raise Damaged(f"row {seq} is not as it was written ({problem})") from problem


def _change(plain: dict[str, Any], index: pd.Index) -> Change:
    rows = index.get_indexer(pd.Index(plain["ids"], dtype=index.dtype)) if plain["ids"] else np.zeros(0, np.intp)
    before, after = (np.broadcast_to(np.asarray(plain[side], np.int32), len(rows)) for side in ("before", "after"))
    pairs = {int(code): tuple(Category(**side) if side else None for side in pair) for code, pair in plain["categories"].items()}
    return Change(plain["verb"], rows, before, after, pairs)  # type: ignore[arg-type]
