"""What is kept: results by their key, and the labels as a journal of changes; in a folder on disk, or for this process only."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
import zlib
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import param
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.grid import Grid
from explorer.labels import Category, Change, Labels
from explorer.step import Result

FORMAT = 1
SAME = 0.5  # of a workspace's ids must be in the data for it to be the same collection, grown or cut

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
        self.path = Path(path) if path is not None else None
        self.folder = self.path or Path(tempfile.mkdtemp(prefix="explorer-"))
        if self.path is None:
            self._forget = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._grids: weakref.WeakValueDictionary[str, Grid] = weakref.WeakValueDictionary()
        self._grids_lock = threading.Lock()
        self._journal: sqlite3.Connection | None = None
        self._seen = 0  # the journal's last row that is in the labels
        self.labels = Labels.empty(dataset.index)
        if self.path is not None:
            try:
                self._open(self.path)
                self.catch_up()
            except (OSError, sqlite3.Error) as problem:
                self.close()
                raise InputError(f"the workspace {self.path} cannot be opened ({problem}); choose another --workspace") from problem
            except InputError:
                self.close()
                raise

    def _open(self, path: Path) -> None:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; a workspace is a folder: choose another --workspace")
        if path.is_dir() and not (path / "manifest.json").exists() and not all(map(_ours, path.iterdir())):
            raise InputError(f"{path} is a folder of something else (no manifest.json in it); choose another --workspace")
        path.mkdir(parents=True, exist_ok=True)
        known = _read_json(path / "manifest.json")
        if known.get("format", FORMAT) > FORMAT:
            raise InputError(f"{path} is of a newer explorer (format {known['format']}): pip install -U embedding-explorer")
        if known:
            self._check_same(path, known)
        manifest = {"format": FORMAT, "name": self.dataset.name, "fingerprint": self.dataset.fingerprint}
        _write_json(path / "manifest.json", manifest | {"items": len(self.dataset)})
        self._journal = _connect(path / "journal.sqlite")
        self.dataset_folder()

    def _check_same(self, path: Path, known: dict[str, Any]) -> None:
        """Refuse other data than the workspace was made for: its labels would land on items that nobody labelled."""
        if known.get("fingerprint") == self.dataset.fingerprint or not (path / "dataset" / "manifest.json").exists():
            return
        before = Dataset.load(path / "dataset")
        if _numbered(before) or _numbered(self.dataset):
            same = (known.get("name"), known.get("items")) == (self.dataset.name, len(self.dataset))
        else:
            same = bool(before.index.isin(self.dataset.index).mean() >= SAME)
        if not same:
            was = f"{known.get('name')} with {known.get('items'):,} items"
            raise InputError(
                f"the workspace {path} belongs to {was}, not to {self.dataset.name} with {len(self.dataset):,}; choose another "
                "--workspace, or if it is the same collection name its ids with --id"
            )

    def dataset_folder(self) -> Path:
        """The dataset as a child process maps it into memory; written the first time it is asked for."""
        folder = self.folder / "dataset"
        with self._lock:
            if _read_json(folder / "manifest.json").get("fingerprint") != self.dataset.fingerprint:
                self._replace_dataset(folder)
        return folder

    def _replace_dataset(self, folder: Path) -> None:
        fresh, before = (Path(tempfile.mkdtemp(prefix=".writing-", dir=self.folder)) for _ in range(2))
        try:
            self.dataset.save(fresh)
            if folder.exists():  # of an earlier state of the source; kept until the new one is whole
                os.rename(folder, before / "dataset")
            os.rename(fresh, folder)
        except OSError:
            if not folder.exists():  # another process may have written the same just now; then there is nothing to do
                raise
        finally:
            shutil.rmtree(before, ignore_errors=True)
            shutil.rmtree(fresh, ignore_errors=True)

    # Results

    def result_folder(self, kind: str, method: str, key: str) -> Path:
        """Where a result is or will be."""
        return self.folder / "results" / kind / method / key

    def get(self, kind: str, method: str, key: str) -> Result | None:
        """A result computed before, or None.

        Raises
        ------
        InputError
            When it is there and damaged.
        """
        folder = self.result_folder(kind, method, key)
        if not (folder / "settings.json").exists():
            return None
        try:
            return Result.load(folder)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as problem:
            raise InputError(f"{folder} is damaged ({problem}); delete that folder, and it is computed again") from problem

    def put(self, result: Result) -> Result:
        """Keep a result; it is whole on disk or absent."""
        try:
            result.save(self.result_folder(result.kind, result.method, result.key))
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"the {result.method} result cannot be kept in {self.folder} ({why}); free some disk") from problem
        return result

    def grid(self, layout: Result) -> Grid:
        """A layout's grid, made once for all the sessions that look at it."""
        with self._grids_lock:
            made = self._grids.get(layout.key)
            if made is None:
                self._grids[layout.key] = made = Grid.of(layout.values)
            return made

    def remember(self, results: dict[str, Result | None]) -> None:
        """Write down which results are the current ones, so that the next visit begins with them."""
        current = {name: [r.kind, r.method, r.key] for name, r in results.items() if r is not None}
        _write_json(self.folder / "current.json", {"fingerprint": self.dataset.fingerprint, "results": current})

    def recall(self) -> dict[str, Result]:
        """The results that were current when the workspace was last used with this same dataset."""
        known = _read_json(self.folder / "current.json")
        if known.get("fingerprint") != self.dataset.fingerprint:
            return {}
        try:
            found = {str(name): self.get(*map(str, address)) for name, address in known["results"].items()}
        except (TypeError, AttributeError, KeyError) as problem:
            raise InputError(f"{self.folder}/current.json is damaged ({problem}); delete it: it holds no labels") from problem
        return {name: result for name, result in found.items() if result is not None and len(result.values) == len(self.dataset)}

    # Saved selections

    def selections(self) -> dict[str, Any]:
        """The saved selections as plain values by name, in the order in which they were made."""
        found = _read_json(self.folder / "selections.json").get("selections", {})
        if not isinstance(found, dict):
            raise InputError(f"{self.folder}/selections.json is damaged; restore or delete it, the labels are not in it")
        return found

    def keep_selections(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Replace the saved selections by what `change` makes of those on disk; they are there when this returns.

        The journal's lock is held meanwhile, so that processes which save at once do not overwrite each other's.

        Raises
        ------
        InputError
            When they cannot be written; what was there stays.
        """
        with self._lock:
            try:
                with nullcontext() if self._journal is None else self._journal:
                    if self._journal is not None:
                        self._journal.execute("BEGIN IMMEDIATE")
                    _write_json(self.folder / "selections.json", {"selections": change(self.selections())})
            except (OSError, sqlite3.Error) as problem:
                why = getattr(problem, "strerror", None) or problem
                raise InputError(f"not saved: {self.folder} cannot be written ({why})") from problem

    # Labels

    def change(self, verb: Callable[[Labels], Labels], name: str, rule: dict[str, Any] | None = None) -> Change:
        """Do a verb on the labels as everybody has left them, and say what it changed.

        It is on disk before this returns, and nobody writes in between: a category that two processes make at once is one category.

        Raises
        ------
        InputError
            When it cannot be saved; the labels are then as before.
        """
        return self._commit(lambda labels: labels.change_to(verb(labels), name), rule)

    def append(self, change: Change, rule: dict[str, Any] | None = None) -> Labels:
        """Make a change of labels that is known already: to take one back, or to do it again."""
        if change:
            self._commit(lambda labels: change, rule)
        return self.labels

    def catch_up(self) -> bool:
        """Take over what other processes wrote since, and say whether there was anything; quick enough to ask every second."""
        with self._lock:
            if self._journal is None:
                return False
            labels, seen = self._replay(self._journal)
            if seen == self._seen:
                return False
            self._seen, self.labels = seen, labels
        return True

    def _commit(self, make: Callable[[Labels], Change], rule: dict[str, Any] | None) -> Change:
        with self._lock:
            if self._journal is None:
                change, seen = make(self.labels), self._seen
                labels = self.labels.apply(change)
            else:
                labels, seen, change = self._write(self._journal, make, rule)
            if change or seen != self._seen:
                self._seen, self.labels = seen, labels
        return change

    def _write(
        self, journal: sqlite3.Connection, make: Callable[[Labels], Change], rule: dict[str, Any] | None
    ) -> tuple[Labels, int, Change]:
        try:
            with journal:  # commits, or takes everything back
                journal.execute("BEGIN IMMEDIATE")
                labels, seen = self._replay(journal)
                change = make(labels)
                if not change:
                    return labels, seen, change
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                row = (now, change.verb, _pack(change, self.dataset.ids), json.dumps(rule) if rule and len(change.rows) else None)
                written = journal.execute("INSERT INTO journal (time, verb, change, rule) VALUES (?, ?, ?, ?)", row)
                labels, seen = labels.apply(change), int(written.lastrowid or seen)
        except sqlite3.Error as problem:
            raise InputError(f"not saved: {self.path} cannot be written ({problem}); the labels are as before") from problem
        return labels, seen, change

    def _replay(self, journal: sqlite3.Connection) -> tuple[Labels, int]:
        """The labels with the journal's rows that are not in them yet, and the last row's number."""
        labels, seen = self.labels, self._seen
        with closing(journal.execute("SELECT seq, change FROM journal WHERE seq > ? ORDER BY seq", (seen,))) as rows:
            for seq, packed in rows:
                try:
                    labels = labels.apply(_unpack(packed, self.dataset.index))
                except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as problem:
                    where = f"{self.path}/journal.sqlite is damaged at row {seq}"
                    raise InputError(f"{where} ({problem}); nothing was changed: restore it from a copy") from problem
                seen = seq
        return labels, seen

    def close(self) -> None:
        """Let the files go; in memory, the results too."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            if self.path is None:
                self._forget()


def _ours(path: Path) -> bool:
    """Whether a file is what a first opening leaves behind when it is cut short."""
    return path.name.startswith(".writing-")


def _numbered(dataset: Dataset) -> bool:
    """Whether the ids are mere row numbers, which say nothing of what an item is."""
    return dataset.ids.dtype.kind == "i" and bool((dataset.ids == np.arange(len(dataset))).all())


def _connect(path: Path) -> sqlite3.Connection:
    """The one writing connection, with the journal's table made.

    Its mode is WAL, or the rollback journal where WAL does not work (network homes): found by trying.
    """
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
    try:
        try:
            mode = _patiently(connection, "PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            mode = ""
        if mode != "wal":
            _patiently(connection, "PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        _patiently(connection, _TABLES)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _patiently(connection: sqlite3.Connection, command: str, patience: float = 30.0) -> str:
    """Run a command whose locks SQLite does not wait for by itself, while another process opens the same journal."""
    until = time.monotonic() + patience
    while True:
        try:
            found = connection.execute(command).fetchone()
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return str(found[0]) if found else ""


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
    pairs = plain["categories"].items()
    categories = {int(code): tuple(Category(**side) if side else None for side in pair) for code, pair in pairs}
    return Change(plain["verb"], rows[here], before[here], after[here], categories)  # type: ignore[arg-type]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object in it")
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise InputError(f"{path} is damaged ({problem}); restore or delete it, the journal beside it is not touched") from problem
    return found


def _write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a small file whole or not at all; not flushed to the folder, since what stands in it can be made again."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


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
    try:
        dataset = Dataset.load(folder / "dataset")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as problem:
        why = f"{folder / 'dataset'} is damaged ({problem})"
        raise InputError(f"{why}; open the source again with --workspace {folder}: its labels are kept") from problem
    return Workspace(dataset, folder)


__all__ = ["FORMAT", "Workspace", "open_workspace"]
