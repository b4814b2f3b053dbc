"""The journal: one SQLite file to which every change of labels is appended, and committed before anybody says that it is done."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from explorer.labels import Change
from explorer.workspace.files import flush, move_aside, place
from explorer.workspace.packing import pack, pack_categories, pack_rule, unpack, unpack_rule

FORMAT = 2
PATIENCE = 5.0  # seconds for another process that holds the lock
LONGER = 30.0  # seconds for one that opens the same journal, and for several that write one after another
DEFAULT_SET = "labels"
_CHUNK = 1 << 16  # ids a row
_INDEX = "seq, time, user, visit, action, label_set, kind, of, verb, items"  # what is read of every row; the rest comes last in it
COLUMNS = f"{_INDEX}, digest, categories, rule, change"
_OPTIONAL = (str, type(None))
_TYPES: tuple[tuple[type, ...], ...] = (
    (int,), (str,), (str,), (str,), _OPTIONAL, (str,), (str,), (int, type(None)), (str,), (int,),
)  # fmt: skip

TABLES = f"""
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, kind TEXT NOT NULL, digest BLOB NOT NULL,
    packed BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, time TEXT NOT NULL, user TEXT NOT NULL, visit TEXT NOT NULL,
    action TEXT UNIQUE, label_set TEXT NOT NULL, kind TEXT NOT NULL, of INTEGER, verb TEXT NOT NULL, items INTEGER NOT NULL,
    digest BLOB NOT NULL, categories TEXT NOT NULL, rule BLOB, change BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS views (user TEXT PRIMARY KEY, time TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
"""


@dataclass(frozen=True)
class By:
    """Who does something: the user, the visit, on which label set, and the action's own id (so that sent twice is done once)."""

    user: str = "someone"
    visit: str = ""
    label_set: str = DEFAULT_SET
    action: str | None = None


@dataclass(frozen=True)
class Entry:
    """A row of the journal, without the items it touched.

    `kind` is "do", "undo", "redo" or "lost": "undo" and "redo" are `of` another row, "lost" stands for one that could not be
    repaired. `seq` is 0 where nothing had to be done. `overwrote` counts, by user, the items whose label somebody else had given;
    `again` says that the action had been done before.
    """

    seq: int
    time: str = ""
    user: str = ""
    visit: str = ""
    action: str | None = None
    label_set: str = DEFAULT_SET
    kind: str = "do"
    of: int | None = None
    verb: str = ""
    items: int = 0
    overwrote: dict[str, int] = field(default_factory=dict, compare=False)
    again: bool = field(default=False, compare=False)

    def __bool__(self) -> bool:
        return self.seq > 0


class Damaged(ValueError):
    """A row that cannot be read as it was written."""


class Journal:
    """The file at `path`, or one in memory for None. Not locked against threads: its owner does that.

    Raises
    ------
    sqlite3.Error
        From all methods, as SQLite says it.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.connection = _connect(path)
        try:
            self.uuid = self.about("uuid") or self._first()
            self.inodes = _inodes(path)
        except BaseException:
            self.connection.close()
            raise

    def _first(self) -> str:
        """Give a new journal its name; of two processes that make it at once, one wins.

        Raises
        ------
        Damaged
            When it is not new: it has rows, and its name is lost.
        """
        with self.transaction():
            if self.last:
                raise Damaged("its name is not in it")
            self.connection.execute("INSERT OR IGNORE INTO about VALUES ('uuid', ?)", (uuid.uuid4().hex,))
        return str(self.about("uuid"))

    def about(self, name: str) -> str | None:
        """What the journal says of itself under a name, or None."""
        found = self.connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    @property
    def there(self) -> bool:
        """Whether the files are still those that were opened: what is written to one that was removed is written nowhere."""
        return self.path is None or bool(self.inodes and _inodes(self.path) == self.inodes)

    @property
    def on_disk(self) -> bool:
        """Whether it has files, removed or not."""
        return bool(self.inodes)

    def in_memory(self) -> Journal:
        """The same in memory, with the files let go; it is not `there`."""
        made = Journal(None)
        self.connection.backup(made.connection)
        made.path, made.uuid = self.path, self.uuid
        self.close()
        return made

    def follow(self, other: Journal) -> bool:
        """Append the rows and ids that another has more, and say whether they now agree: each row of the shorter is in the longer.

        Nothing is written where they do not agree.
        """
        shared = min(self.last, other.last)
        if self.uuid != other.uuid or self.seal(shared) != other.seal(shared):
            return False
        with self.transaction():
            after = self.last
            for row in other.connection.execute(f"SELECT {COLUMNS} FROM journal WHERE seq > ? ORDER BY seq", (after,)).fetchall():
                self.put_back(row)
            known = self.known
            for row in other.connection.execute("SELECT * FROM ids WHERE first >= ? ORDER BY first", (known,)).fetchall():
                self.connection.execute("INSERT INTO ids VALUES (?, ?, ?, ?, ?)", row)
        return True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile; on disk when it ends."""
        with self.connection:  # commits, or takes everything back
            self._lock()
            yield

    def _lock(self) -> None:
        """Wait for the lock, for as long as those who have it get on with their work.

        SQLite's own waiting looks every 100 ms in the end, and starves who waits beside several that write one row after another.
        """
        began = moved = time.monotonic()
        version = self._version
        self.connection.execute("PRAGMA busy_timeout = 10")
        try:
            while True:
                try:
                    self.connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as problem:
                    now, seen = time.monotonic(), self._version
                    moved, version = (now if seen != version else moved), seen
                    if "locked" not in str(problem) or now - moved > PATIENCE or now - began > LONGER:
                        raise
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")

    @property
    def _version(self) -> int:
        """A number that is another one after another connection has written; the same while it cannot be read."""
        try:
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:
            return -1

    # Changes

    @property
    def last(self) -> int:
        """The number of the last row; 0 for none."""
        return int(self.connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0])

    @property
    def size(self) -> int:
        """The file's bytes, as SQLite counts them."""
        pages, page = (self.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages) * int(page)

    @property
    def counted(self) -> bool:
        """Whether the table has as many rows as the index beside it."""
        query = "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM journal NOT INDEXED WHERE seq IS NOT NULL)"
        first, second = self.connection.execute(query).fetchone()
        return bool(first == second)

    def add(self, entry: Entry, change: Change, rule: dict[str, Any] | None = None) -> Entry:
        """Append a row within a transaction, and give it its number, and its time where it has none."""
        now = entry.time or datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = replace(entry, seq=self.last + 1, time=now, items=len(change.rows))
        categories, packed = pack_categories(change.categories), pack(change)
        squeezed = pack_rule(rule if len(change.rows) else None)
        sealed = digest(entry, categories, squeezed, packed)
        self.put_back((*_index_of(entry), sealed, categories, squeezed, packed))
        return entry

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """The rows after one, in order, without what they touched."""
        with closing(self.connection.execute(f"SELECT {_INDEX} FROM journal WHERE seq > ? ORDER BY seq", (after,))) as found:
            for row in found:
                yield _entry(row)

    def numbers(self) -> list[int]:
        """All rows' numbers."""
        return [seq for (seq,) in self.connection.execute("SELECT seq FROM journal ORDER BY seq")]

    def read(self, seq: int) -> tuple[Entry, Change, dict[str, Any] | None]:
        """One row whole.

        Raises
        ------
        Damaged
            When it is not as it was written, or not there.
        """
        query = f"SELECT {COLUMNS} FROM journal WHERE seq = ?"
        found = self.connection.execute(query, (seq,)).fetchone()
        if found is None:
            raise Damaged(f"row {seq} is not there")
        return row_of(found)

    def put_back(self, values: tuple[Any, ...]) -> None:
        """Append a row as it was, within a transaction: all its columns, of which `row_of` has said that they are whole."""
        self.connection.execute(f"INSERT INTO journal VALUES ({','.join('?' * len(values))})", values)

    def rule(self, seq: int) -> dict[str, Any] | None:
        """A row's rule alone; None for none, and where it cannot be read."""
        found = self.connection.execute("SELECT rule FROM journal WHERE seq = ?", (seq,)).fetchone()
        try:
            return None if found is None else unpack_rule(found[0])
        except (ValueError, TypeError, zlib.error):
            return None

    def seal(self, seq: int) -> str:
        """A row's digest as text, to know it again; empty where there is no such row."""
        found = self.connection.execute("SELECT digest FROM journal WHERE seq = ?", (seq,)).fetchone()
        return found[0].hex() if found is not None and isinstance(found[0], bytes) else ""

    def by_action(self, action: str | None) -> Entry | None:
        """The row of an action that was done already, or None."""
        if action is None:
            return None
        found = self.connection.execute(f"SELECT {_INDEX} FROM journal WHERE action = ?", (action,)).fetchone()
        return None if found is None else replace(_entry(found), again=True)

    # Ids

    def ids(self) -> list[Any]:
        """All items there ever were; an item's place in the list is its number.

        Raises
        ------
        Damaged
            When they are not as they were written.
        """
        found: list[Any] = []
        for first, count, kind, sealed, packed in self.connection.execute(
            "SELECT first, count, kind, digest, packed FROM ids ORDER BY first"
        ):
            if first != len(found) or not isinstance(packed, bytes) or hashlib.sha256(packed).digest() != sealed:
                raise Damaged(f"the ids from {first} are not as they were written")
            some = _unpack_ids(packed, kind)
            if len(some) != count:
                raise Damaged(f"there are {len(some)} ids from {first}, not {count}")
            found += some
        return found

    @property
    def known(self) -> int:
        """How many items there ever were."""
        return int(self.connection.execute("SELECT coalesce(sum(count), 0) FROM ids").fetchone()[0])

    def add_ids(self, ids: np.ndarray) -> None:
        """Give further items numbers, within a transaction."""
        first = self.known
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            kind, packed = _pack_ids(some)
            row = (first + start, len(some), kind, hashlib.sha256(packed).digest(), packed)
            self.connection.execute("INSERT INTO ids VALUES (?, ?, ?, ?, ?)", row)

    # What a user looked at

    def keep_view(self, user: str, state: dict[str, Any]) -> None:
        """Remember how a user left the page."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self.transaction():
            self.connection.execute("INSERT OR REPLACE INTO views VALUES (?, ?, ?)", (user, now, json.dumps(state)))

    def view(self, user: str) -> dict[str, Any]:
        """How a user left the page, or nothing."""
        found = self.connection.execute("SELECT state FROM views WHERE user = ?", (user,)).fetchone()
        try:
            state = json.loads(found[0]) if found else {}
        except ValueError:  # it is a comfort, and its damage harms nobody
            state = {}
        return state if isinstance(state, dict) else {}

    # The file

    def copy_to(self, path: Path) -> None:
        """Write all that this connection sees into another file, whole or not at all.

        Raises
        ------
        FileExistsError
            When there is one of that name: another process may have been first.
        """
        temporary = path.with_name(f".writing-{uuid.uuid4().hex}")
        try:
            with closing(sqlite3.connect(temporary)) as other:
                self.connection.backup(other)
            flush(temporary)
            if not path.exists():  # else SQLite would take what is left of another journal for this one's
                for ending in ("-wal", "-shm", "-journal"):
                    if (rest := path.with_name(f"{path.name}{ending}")).exists():
                        move_aside(rest)
            place(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()


def row_of(values: Sequence[Any]) -> tuple[Entry, Change, dict[str, Any] | None]:
    """A row out of its columns, in the order of the table.

    Raises
    ------
    Damaged
        When it is not as it was written.
    """
    *index, sealed, categories, rule, packed = values
    try:
        entry = Entry(*index)
        if digest(entry, categories, rule, packed) != sealed:
            raise Damaged(f"row {entry.seq} is not as it was written")
        return entry, unpack(packed, entry.verb, categories), unpack_rule(rule)
    except (ValueError, TypeError, zlib.error) as problem:
        raise problem if isinstance(problem, Damaged) else Damaged(f"row {index[0]}: {problem}") from problem


def digest(entry: Entry, categories: str, rule: bytes | None, packed: bytes) -> bytes:
    """A row's seal: the first 16 bytes of the SHA-256 of all that stands in it."""
    found = hashlib.sha256(json.dumps([*_index_of(entry), categories]).encode())
    for part in (rule, packed):
        found.update(b"-" if part is None else len(part).to_bytes(8, "little"))
        found.update(part or b"")
    return found.digest()[:16]


def _entry(row: tuple[Any, ...]) -> Entry:
    """An entry out of its columns; what damage made of another type is nothing, which its digest will say (see `row_of`)."""
    if all(map(isinstance, row, _TYPES)):
        return Entry(*row)
    fitting: list[Any] = [value if isinstance(value, kinds) else kinds[0]() for value, kinds in zip(row, _TYPES, strict=True)]
    return Entry(*fitting)


def _index_of(entry: Entry) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in _INDEX.split(", "))


def _pack_ids(ids: np.ndarray) -> tuple[str, bytes]:
    if ids.dtype.kind == "i":
        return "int64", zlib.compress(np.diff(ids.astype("<i8"), prepend=np.int64(0)).tobytes(), 1)
    return "text", zlib.compress(json.dumps(ids.tolist()).encode(), 1)  # ASCII, so that any text is written


def _unpack_ids(packed: bytes, kind: str) -> list[Any]:
    try:
        data = zlib.decompress(packed)
        return np.cumsum(np.frombuffer(data, "<i8")).tolist() if kind == "int64" else list(json.loads(data))
    except (ValueError, zlib.error) as problem:
        raise Damaged(str(problem)) from problem


def commands() -> list[str]:
    """What makes the tables."""
    return TABLES.strip().rstrip(";").split(";")


def _connect(path: Path | None) -> sqlite3.Connection:
    """The one connection, with its tables made.

    Its mode is WAL, or the rollback journal where WAL does not work (network homes): found by trying.
    """
    place = ":memory:" if path is None else path
    new = path is not None and not path.exists()
    connection = sqlite3.connect(place, timeout=PATIENCE, check_same_thread=False, isolation_level=None)
    try:
        try:
            mode = _patiently(connection, "PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            mode = ""
        if mode not in {"wal", "memory"}:
            _patiently(connection, "PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what was taken back is not found again where damage is searched through
        connection.text_factory = text_of
        if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            for command in commands():
                _patiently(connection, command)
        if new and path is not None:
            flush(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def text_of(data: bytes) -> str:
    """Text as SQLite has it; damaged text is for the row's digest to judge, and no reason to read nothing at all."""
    return data.decode("utf-8", "replace")


def _patiently(connection: sqlite3.Connection, command: str) -> str:
    """Run a command whose locks SQLite does not wait for by itself, while another process opens the same journal."""
    until = time.monotonic() + LONGER
    while True:
        try:
            found = connection.execute(command).fetchone()
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return "" if found is None else str(found[0])


def _inodes(path: Path | None) -> tuple[tuple[int, int], ...]:
    """Which files a journal and its write-ahead log are; nothing where there is none."""
    found = []
    for file in () if path is None else (path, path.with_name(f"{path.name}-wal")):
        try:
            about = file.stat()
        except OSError:
            continue
        found.append((about.st_dev, about.st_ino))
    return tuple(found)
