"""What is kept: results by their key, and the labels as a journal of changes; in a folder on disk, or for this process only."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import zlib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.labels import Category, Change, Labels
from explorer.step import Result

FORMAT = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, verb TEXT NOT NULL, change BLOB NOT NULL, rule TEXT)
"""


class Workspace(param.Parameterized):
    """One dataset's results and labels, shared by all visits of a server.

    With a `path`, every change of labels is one row of an SQLite journal (``synchronous=FULL``), committed before `append` returns;
    the labels are the replay of the journal. Without one, results go to a temporary folder and labels live as long as the process.

    Raises
    ------
    InputError
        When the folder is of a newer format, cannot be written, or its journal cannot be read.
    """

    labels = param.Parameter(doc="The current `Labels`; watch it to hear of every change, whoever made it.")

    def __init__(self, dataset: Dataset, path: str | Path | None = None) -> None:
        super().__init__()
        self.dataset = dataset
        self._lock = threading.RLock()
        self._temporary = None if path is not None else tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True)
        self.path = Path(path) if path is not None else None
        self.folder = self.path or Path(self._temporary.name)  # type: ignore[union-attr]
        self._journal: sqlite3.Connection | None = None
        labels = Labels.empty(dataset.index)
        if self.path is not None:
            try:
                self._open(self.path)
            except (OSError, sqlite3.Error) as problem:
                raise InputError(f"the workspace {self.path} cannot be opened ({problem}); choose another --workspace") from problem
            labels = self._replay(labels)
        self.labels = labels

    def _open(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; a workspace is a folder: choose another --workspace")
        if path.is_dir() and any(path.iterdir()) and not (path / "manifest.json").exists():
            raise InputError(f"{path} is a folder of something else (no manifest.json in it); choose another --workspace")
        path.mkdir(parents=True, exist_ok=True)
        known = _read_json(path / "manifest.json")
        if known.get("format", FORMAT) > FORMAT:
            raise InputError(f"{path} was written by a newer explorer (format {known['format']}); upgrade: pip install -U embedding-explorer")
        self._journal = _connect(path / "journal.sqlite")
        with self._journal:
            self._journal.execute(_TABLES)
        self.dataset_folder()
        manifest = {"format": FORMAT, "name": self.dataset.name, "fingerprint": self.dataset.fingerprint, "items": len(self.dataset)}
        _write_json(path / "manifest.json", manifest)

    def dataset_folder(self) -> Path:
        """The dataset as a child process maps it into memory; written the first time it is asked for."""
        folder = self.folder / "dataset"
        with self._lock:
            if _read_json(folder / "manifest.json").get("fingerprint") != self.dataset.fingerprint:
                fresh = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.folder))
                self.dataset.save(fresh)
                if folder.exists():  # of an earlier state of the source; kept until the new one is whole
                    shutil.rmtree(folder)
                os.rename(fresh, folder)
        return folder

    # Results

    def result_folder(self, kind: str, method: str, key: str) -> Path:
        """Where a result is or will be."""
        return self.folder / "results" / kind / method / key

    def get(self, kind: str, method: str, key: str) -> Result | None:
        """A result computed before, or None."""
        folder = self.result_folder(kind, method, key)
        return Result.load(folder) if (folder / "settings.json").exists() else None

    def put(self, result: Result) -> Result:
        """Keep a result; it is whole on disk or absent."""
        try:
            result.save(self.result_folder(result.kind, result.method, result.key))
        except OSError as problem:
            raise InputError(f"the {result.method} result cannot be kept in {self.folder} ({problem}); free some disk or choose another") from problem
        return result

    def remember(self, results: dict[str, Result | None]) -> None:
        """Write down which results are the current ones, so that opening the workspace brings them back."""
        if self.path is not None:
            current = {name: [r.kind, r.method, r.key] for name, r in results.items() if r is not None}
            _write_json(self.path / "current.json", current)

    def recall(self) -> dict[str, Result]:
        """The results that were current when the workspace was last used with this same dataset."""
        if self.path is None:
            return {}
        found = {name: self.get(*address) for name, address in _read_json(self.path / "current.json").items()}
        return {name: result for name, result in found.items() if result is not None and len(result.values) == len(self.dataset)}

    # Labels

    def append(self, change: Change, rule: dict[str, Any] | None = None) -> Labels:
        """Make a change of labels: journal first, then the value that everybody watches."""
        if not change:
            return self.labels
        with self._lock:
            labels = self.labels.apply(change)
            if self._journal is not None:
                self._write(change, rule)
            self.labels = labels
        return labels

    def _write(self, change: Change, rule: dict[str, Any] | None) -> None:
        assert self._journal is not None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = (now, change.verb, _pack(change, self.dataset.ids), json.dumps(rule) if rule else None)
        try:
            with self._journal:
                self._journal.execute("BEGIN IMMEDIATE")
                self._journal.execute("INSERT INTO journal (time, verb, change, rule) VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as problem:
            raise InputError(f"not saved: {self.path} cannot be written ({problem}); the labels are as before") from problem

    def _replay(self, labels: Labels) -> Labels:
        assert self._journal is not None
        with closing(self._journal.execute("SELECT seq, change FROM journal ORDER BY seq")) as rows:
            for seq, packed in rows:
                try:
                    labels = labels.apply(_unpack(packed, self.dataset.index))
                except (zlib.error, ValueError, KeyError) as problem:
                    raise InputError(f"{self.path}/journal.sqlite is damaged at row {seq} ({problem}); nothing was changed") from problem
        return labels

    def close(self) -> None:
        """Let the files go; in memory, the results too."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            if self._temporary is not None:
                self._temporary.cleanup()


def _connect(path: Path) -> sqlite3.Connection:
    """The one writing connection; WAL, or the rollback journal where WAL does not work (network homes), found by trying."""
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError:
        mode = ""
    if mode != "wal":
        connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _pack(change: Change, ids: np.ndarray) -> bytes:
    """A change as compressed JSON that goes by ids, never by row numbers."""
    categories = {str(code): [vars(side) if side else None for side in pair] for code, pair in change.categories.items()}
    plain = {"ids": ids[change.rows].tolist(), "before": _run(change.before), "after": _run(change.after), "categories": categories}
    return zlib.compress(json.dumps(plain | {"verb": change.verb}, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _run(codes: np.ndarray) -> int | list[int]:
    """One code where all are the same, which is nearly always."""
    return int(codes[0]) if len(codes) and (codes == codes[0]).all() else codes.tolist()


def _unpack(packed: bytes, index: pd.Index) -> Change:
    plain = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    ids = plain["ids"]
    before, after = (np.broadcast_to(np.asarray(plain[side], np.int32), len(ids)) for side in ("before", "after"))
    rows = index.get_indexer(pd.Index(ids, dtype=index.dtype)) if ids else np.zeros(0, np.intp)
    here = rows >= 0  # an item may be gone from the source; its label stays in the journal
    categories = {int(code): tuple(Category(**side) if side else None for side in pair) for code, pair in plain["categories"].items()}
    return Change(plain["verb"], rows[here], before[here], after[here], categories)  # type: ignore[arg-type]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise InputError(f"{path} is damaged ({problem}); restore it from a copy, the journal beside it is not touched") from problem


def _write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a small file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def open_workspace(path: str | Path) -> Workspace:
    """A workspace that is there already, with the dataset as it was when it was last opened.

    Raises
    ------
    InputError
        When there is none at `path`.
    """
    folder = Path(path)
    if not (folder / "manifest.json").exists():
        raise InputError(f"{folder} is not a workspace (no manifest.json in it); give the folder that --workspace named")
    return Workspace(Dataset.load(folder / "dataset"), folder)


__all__ = ["FORMAT", "Workspace", "open_workspace"]
