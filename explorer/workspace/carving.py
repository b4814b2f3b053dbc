"""Rows of the journal found in its files without SQLite: page by page, each believed for its own digest and nothing else.

The format is SQLite's own: https://www.sqlite.org/fileformat2.html (leaf pages of a table, cells, records, overflow pages).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from explorer.workspace import wal
from explorer.workspace.journal import Damaged, row_of, text_of

_COLUMNS = 14
_HEAD = re.compile(rb"(?=[\x0f-\x40]\0)")  # the length of a record's head, and its number, which is NULL there: it stands before
_BEFORE = 10  # bytes at most that stand before: the record's length, and the row's number
_WHOLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of a whole number by its serial type

Row = tuple[Any, ...]


def carved(path: Path, log: Path | None = None) -> dict[int, Row]:
    """The rows whose digest fits, by number, in the journal at `path` and in its write-ahead log, whatever both look like else."""
    data = path.read_bytes() if path.exists() else b""
    size = _page_size(data)
    pages = {1 + at // size: data[at : at + size] for at in range(0, len(data), size)}
    found = list(pages.values())
    if log is not None and log.exists():
        newer = list(wal.images(log.read_bytes()))
        pages |= dict(newer)
        found += [page for _, page in newer]
    rows: dict[int, Row] = {}
    for page in found:
        for row in _rows(page, pages):
            rows.setdefault(row[0], row)
    return dict(sorted(rows.items()))


def _page_size(data: bytes) -> int:
    size = struct.unpack(">H", data[16:18])[0] if len(data) >= 18 else 0
    size = 65536 if size == 1 else size
    return size if size >= 512 and not size & (size - 1) else 4096


def _rows(page: bytes, pages: dict[int, bytes]) -> Iterator[Row]:
    """The rows that begin on a page, whatever its own list of them says."""
    for match in _HEAD.finditer(page):
        for place in range(max(0, match.start() - _BEFORE), match.start() - 1):
            if (row := _row(page, place, match.start(), pages)) is not None:
                yield row


def _row(page: bytes, place: int, head_at: int, pages: dict[int, bytes]) -> Row | None:
    """The row in the cell at a place of a page, its head at another, or None where there is none that is whole."""
    try:
        length, at = _varint(page, place)
        seq, at = _varint(page, at)
        if at != head_at or not _COLUMNS < page[at] <= length:
            return None
        values = _record(_payload(page, at, length, pages))
        row = (seq, *values[1:])
        if len(row) != _COLUMNS or seq < 1:
            return None
        row_of(row)
    except (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error, Damaged):
        return None
    return row


def _payload(page: bytes, at: int, length: int, pages: dict[int, bytes]) -> bytes:
    """A cell's payload, of which all but the first part may be on other pages, in a chain."""
    size = len(page)
    if length > size * len(pages):
        raise ValueError("a length that cannot be")
    local = length
    if length > size - 35:
        least = (size - 12) * 32 // 255 - 23
        local = least + (length - least) % (size - 4)
        local = local if local <= size - 35 else least
    parts = [page[at : at + local]]
    left, following = length - local, page[at + local : at + local + 4]
    while left > 0:
        other = pages[struct.unpack(">I", following)[0]]
        parts.append(other[4 : 4 + left])
        following, left = other[:4], left - (size - 4)
    return b"".join(parts)


def _record(payload: bytes) -> list[Any]:
    end, at = _varint(payload, 0)
    kinds, values, body = [], [], end
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    for kind in kinds:
        length = _WHOLE.get(kind, 0) if kind < 12 else (kind - 12) // 2
        values.append(_value(kind, payload[body : body + length]))
        body += length
    return values


def _value(kind: int, data: bytes) -> Any:
    if kind in _WHOLE:
        return int.from_bytes(data, "big", signed=True)
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind]
    if kind < 12:
        raise ValueError("a kind of value that no journal has")
    make: Callable[[bytes], Any] = text_of if kind % 2 else bytes
    return make(data)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    return value << 8 | data[at + 8], at + 9


__all__ = ["Row", "carved"]
