"""Features on their way: blocks appended to files that a killed run leaves whole, for the next run to go on from.

A folder ``.partial-KEY`` beside the results holds ``values.bin`` (rows of numbers), ``digests.bin`` (16 bytes a row: whose they
are) and ``done.jsonl``: a line for each block, written once the block itself is on disk. What stands after the last such line is
cut off.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from explorer.dataset.digests import SIZE
from explorer.step import PARTIAL

try:
    import fcntl
except ImportError:  # Windows: two runs of the same at once are not kept apart there
    fcntl = None  # type: ignore[assignment]

KEPT = 30 * 24 * 3600.0  # seconds that a broken run waits for the next one


class Partial:
    """The rows of one kind that are computed so far; for one process at a time.

    Parameters
    ----------
    store
        The folder that the finished results of the method are in.
    key
        Names what makes the rows: method, settings and whatever was learned from the dataset.
    """

    def __init__(self, store: Path, key: str) -> None:
        store.mkdir(parents=True, exist_ok=True)
        _sweep(store)
        self._lock = _lock(store / f"{PARTIAL}{key}.lock")
        name = f"{PARTIAL}{key}" if self._lock is not None else f"{PARTIAL}{key}-{uuid.uuid4().hex[:8]}"
        if self._lock is None:  # somebody else computes the same just now
            self._lock = _lock(store / f"{name}.lock")
        self.folder = store / name
        self.folder.mkdir(exist_ok=True)
        self.width = 0
        self.dtype = np.dtype(np.float32)
        self.rows = 0
        self.lost: list[tuple[int, str]] = []  # the places of rows without features, and why
        self._again: list[int] = []  # the places of those that are to be tried again
        self._recover()
        self._files: dict[str, BinaryIO] = {
            name: open(self.folder / name, "ab")  # noqa: SIM115  closed by `close`
            for name in ("values.bin", "digests.bin", "done.jsonl")
        }

    def _recover(self) -> None:
        """Take over the blocks that are whole and cut off what came after them."""
        good = 0
        for line in _lines(self.folder / "done.jsonl"):
            try:
                block = json.loads(line)
                if block.get("again"):
                    self._forget_lost()
                    good += len(line)
                    continue
                dtype, rows, width = np.dtype(block["dtype"]), int(block["rows"]), int(block["width"])
                if not self._is_whole(block, dtype, rows, width):
                    break
            except (ValueError, KeyError, TypeError, AttributeError, OSError):
                break
            self.lost += [(self.rows + int(place), str(why)) for place, why in block["lost"]]
            self.rows, self.width, self.dtype, good = self.rows + rows, width, dtype, good + len(line)
        for name, size in (("values.bin", self._row_bytes * self.rows), ("digests.bin", SIZE * self.rows), ("done.jsonl", good)):
            with suppress(FileNotFoundError):
                os.truncate(self.folder / name, size)

    def _is_whole(self, block: dict[str, Any], dtype: np.dtype, rows: int, width: int) -> bool:
        """Whether a block's bytes are there, and are those that were written."""
        start, size = self.rows * width * dtype.itemsize, rows * width * dtype.itemsize
        if self.rows and (width, dtype) != (self.width, self.dtype):
            return False
        values = _read(self.folder / "values.bin", start, size)
        digests = _read(self.folder / "digests.bin", self.rows * SIZE, rows * SIZE)
        there = len(values) == size and len(digests) == rows * SIZE
        return there and zlib.crc32(digests, zlib.crc32(values)) == block["crc"]

    @property
    def _row_bytes(self) -> int:
        return self.width * self.dtype.itemsize

    def append(self, values: np.ndarray, digests: np.ndarray, lost: list[tuple[int, str]]) -> None:
        """Add a block ``(b, d)`` with its digests ``(b, 2)``; when this returns it is on disk.

        Raises
        ------
        OSError
            When it cannot be written; then the block is not there.
        """
        raw, whose = np.ascontiguousarray(values).tobytes(), np.ascontiguousarray(digests).tobytes()
        about = {"rows": len(values), "width": values.shape[1], "dtype": values.dtype.name, "lost": lost}
        line = json.dumps(about | {"crc": zlib.crc32(whose, zlib.crc32(raw))}) + "\n"
        for name, data in (("values.bin", raw), ("digests.bin", whose), ("done.jsonl", line.encode())):
            self._files[name].write(data)
            self._files[name].flush()
            os.fsync(self._files[name].fileno())
        self.lost += [(self.rows + place, why) for place, why in lost]
        self.rows, self.width, self.dtype = self.rows + len(values), values.shape[1], values.dtype

    def try_lost_again(self) -> None:
        """Let the next run try the items without features again: what stood in the way may be mended, and their files the same."""
        self._files["done.jsonl"].write(b'{"again": true}\n')
        self._files["done.jsonl"].flush()
        os.fsync(self._files["done.jsonl"].fileno())
        self._forget_lost()

    def _forget_lost(self) -> None:
        self._again += [place for place, _ in self.lost]
        self.lost = []

    def digests(self) -> np.ndarray:
        """``(rows, 2)`` uint64: whose features are there, in the order in which they were computed; 0 of who is tried again."""
        made = np.frombuffer(_read(self.folder / "digests.bin", 0, self.rows * SIZE), np.uint64).reshape(-1, 2)
        if self._again:
            made = made.copy()
            made[self._again] = 0
        return made

    def values(self) -> np.ndarray:
        """``(rows, d)``, memory-mapped."""
        if not self.rows:
            return np.zeros((0, self.width), self.dtype)
        return np.memmap(self.folder / "values.bin", self.dtype, "r", shape=(self.rows, self.width))

    def discard(self) -> None:
        """Remove it: the result is on disk."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._unlock(remove=True)

    def close(self) -> None:
        """Close the files; they stay for the next run."""
        for file in self._files.values():
            with suppress(OSError):  # a full disk, said already where it mattered
                file.close()

    def release(self) -> None:
        """Close the files and let another process go on from them."""
        self.close()
        self._unlock(remove=False)

    def _unlock(self, *, remove: bool) -> None:
        if self._lock is not None:
            if remove:
                (self.folder.parent / f"{self.folder.name}.lock").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def __del__(self) -> None:
        if hasattr(self, "_files"):
            self.release()


def pending(store: Path, key: str) -> list[np.ndarray]:
    """The digests ``(rows, 2)`` that a broken run has left, or nothing; changes nothing, so somebody may be at work on them."""
    folder = store / f"{PARTIAL}{key}"
    try:
        rows = sum(int(json.loads(line).get("rows", 0)) for line in _lines(folder / "done.jsonl"))
        read = _read(folder / "digests.bin", 0, rows * SIZE)
    except (OSError, ValueError, AttributeError, TypeError):
        return []
    return [np.frombuffer(read[: len(read) // SIZE * SIZE], np.uint64).reshape(-1, 2)]


def _lock(path: Path) -> BinaryIO | None:
    """The open file that holds a lock, or None where another process holds it."""
    while True:
        file = open(path, "ab")  # noqa: SIM115  closed to let go
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:  # a file system without locks
            return file
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it removed it just now: a lock on a file that is gone keeps nobody away


def _sweep(store: Path) -> None:
    """Remove what runs beside another of the same have left when they were killed, and what nobody has gone on with for long."""
    for folder in store.glob(f"{PARTIAL}*"):
        forgotten = "-" in folder.name.removeprefix(PARTIAL) or _age(folder / "done.jsonl") > KEPT
        if folder.is_dir() and forgotten and (held := _lock(store / f"{folder.name}.lock")) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            (store / f"{folder.name}.lock").unlink(missing_ok=True)
            held.close()


def _age(path: Path) -> float:
    """Seconds since a file was written; none where it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file, each with its end."""
    if not path.exists():
        return []
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _read(path: Path, start: int, size: int) -> bytes:
    if not size:
        return b""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(size)
