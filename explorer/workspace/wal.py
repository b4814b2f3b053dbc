"""SQLite's write-ahead log looked at byte by byte: SQLite drops what follows a damaged place in it without a word.

The format is SQLite's own: https://www.sqlite.org/fileformat2.html#the_write_ahead_log and, of the index beside it,
https://www.sqlite.org/walformat.html
"""

from __future__ import annotations

import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEAD, _FRAME_HEAD = 32, 24
_MAGIC = 0x377F0682  # the last bit says in which order the sums are made
_INDEX_HEAD, _DONE_AT = 48, 96  # of the index: its head stands in it twice, then how many frames the journal itself has taken over
_LOOKS = 5


def lost(path: Path) -> str:
    """What is lost when SQLite opens it, in words; empty where nothing is. Nothing is changed.

    A log that ends in the middle of a transaction lost nothing: nobody was told that it was saved. The index beside it (there
    after a process was killed) says how many frames were; without one, a log that is cut off between two frames looks whole.
    """
    found = ""
    for look in range(_LOOKS):  # another process may be writing: what is damaged looks the same twice
        index, data = _index(path.with_name(path.name.removesuffix("-wal") + "-shm")), _bytes(path)
        before, found = found, _lost(data, index)
        if not found or (look and found == before):
            break
        time.sleep(0.02)
    return found


def images(data: bytes) -> Iterator[tuple[int, bytes]]:
    """All pages in a log, whole or not, as ``(page number, bytes)``, oldest first."""
    if len(data) < _HEAD:
        return
    size = struct.unpack(">I", data[8:12])[0]
    if not 512 <= size <= 65536 or size & (size - 1):
        size = 4096
    for at in range(_HEAD, len(data) - _FRAME_HEAD + 1, size + _FRAME_HEAD):
        yield struct.unpack(">I", data[at : at + 4])[0], data[at + _FRAME_HEAD : at + _FRAME_HEAD + size]


@dataclass(frozen=True)
class _Index:
    salts: bytes
    frames: int
    taken_over: int


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _index(path: Path) -> _Index | None:
    """What the index says of the log, where both of its heads agree."""
    data = _bytes(path)
    if data is None or len(data) < _DONE_AT + 4 or data[:_INDEX_HEAD] != data[_INDEX_HEAD : 2 * _INDEX_HEAD]:
        return None
    order = "<" if sys.byteorder == "little" else ">"
    if _sums(data[:40], order, (0, 0)) != struct.unpack(f"{order}2I", data[40:48]):
        return None
    frames, taken_over = (struct.unpack(f"{order}I", data[at : at + 4])[0] for at in (16, _DONE_AT))
    return _Index(data[32:40], frames, taken_over)


def _lost(data: bytes | None, index: _Index | None) -> str:
    missing = index is not None and index.frames > index.taken_over
    if not data:
        return ("it is not there" if data is None else "it is empty") if missing else ""
    if len(data) < _HEAD:
        return "it is cut off"
    magic, _, size, _, _, _, sum1, sum2 = struct.unpack(">8I", data[:_HEAD])
    order = ">" if magic & 1 else "<"
    if magic & ~1 != _MAGIC or _sums(data[:24], order, (0, 0)) != (sum1, sum2):
        return "its head is not as it was written"
    whole, broken = _whole(data, size + _FRAME_HEAD, order, (sum1, sum2))
    if broken:
        return f"at byte {_HEAD + whole * (size + _FRAME_HEAD):,}"
    if index is not None and index.salts == data[16:24] and missing and whole < index.frames:
        return f"it has {whole:,} pages, of {index.frames:,}"
    return ""


def _whole(data: bytes, step: int, order: str, sums: tuple[int, int]) -> tuple[int, bool]:
    """How many frames from the first on are whole, and whether one that was written after the log was last emptied is not."""
    whole, salts = 0, data[16:24]
    for at in range(_HEAD, len(data) - step + 1, step):
        head = data[at : at + _FRAME_HEAD]
        sums = _sums(data[at + _FRAME_HEAD : at + step], order, _sums(head[:8], order, sums))
        if head[8:16] != salts or struct.pack(">2I", *sums) != head[16:]:
            # One of an earlier round has other salts, both; the first of a transaction that was cut short has no end.
            ours = (data[other : other + _FRAME_HEAD] for other in range(at, len(data) - step + 1, step))
            return whole, any(_ours(one, salts) and one[4:8] != b"\0\0\0\0" for one in ours)
        whole += 1
    return whole, False


def _ours(head: bytes, salts: bytes) -> bool:
    return head[8:12] == salts[:4] or head[12:16] == salts[4:]


def _sums(data: bytes, order: str, begun: tuple[int, int]) -> tuple[int, int]:
    one, two = begun
    for first, second in struct.iter_unpack(f"{order}II", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
