"""SQLite's write-ahead log looked at byte by byte: SQLite drops what follows a damaged place in it without a word.

The format is SQLite's own: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import shutil
import struct
import time
from pathlib import Path

_HEAD, _FRAME_HEAD = 32, 24
_MAGIC = 0x377F0682  # the last bit says in which order the sums are made


def lost(path: Path) -> str:
    """What is lost when SQLite opens it, in words; empty where nothing is. A damaged log is copied aside first.

    A log that ends in the middle of a transaction lost nothing: nobody was told that it was saved.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ""
    found = _lost(data)
    if found:
        shutil.copyfile(path, path.with_name(f"journal.damaged-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.sqlite-wal"))
    return found


def _lost(data: bytes) -> str:
    if not data:
        return ""
    if len(data) < _HEAD:
        return "it is cut off"
    magic, _, size, _, salt1, salt2, sum1, sum2 = struct.unpack(">8I", data[:_HEAD])
    order = ">" if magic & 1 else "<"
    if magic & ~1 != _MAGIC or _sums(data[:24], order, (0, 0)) != (sum1, sum2):
        return "its head is not as it was written"
    step, sums, valid = size + _FRAME_HEAD, (sum1, sum2), True
    at = _HEAD
    while at + step <= len(data):
        _, commit, first, second, *own = struct.unpack(">6I", data[at : at + _FRAME_HEAD])
        ours = (first, second) == (salt1, salt2)
        if valid:
            sums = _sums(data[at + _FRAME_HEAD : at + step], order, _sums(data[at : at + 8], order, sums))
            valid = ours and sums == tuple(own)
            broken = at
        elif ours and commit:
            return f"at byte {broken}"
        at += step
    return ""


def _sums(data: bytes, order: str, begun: tuple[int, int]) -> tuple[int, int]:
    one, two = begun
    for first, second in struct.iter_unpack(f"{order}II", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
