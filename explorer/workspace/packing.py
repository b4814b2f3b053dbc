"""A change of labels as bytes: the items' numbers by their gaps, and their codes before and after; about a byte an item."""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

from explorer.labels import Category, Change

_LEVEL = 6  # of zlib: below it lassoed regions take a tenth more, above it twice the time


def pack(change: Change) -> bytes:
    """What `unpack` reads. `change.rows` are item numbers in rising order.

    One line of JSON, ``{"n": items, "parts": [[width, bytes], ...]}``, then the parts: gaps between the numbers, codes before, and
    after. A part is unsigned little-endian integers of `width` bytes, split into planes (all lowest bytes first) and compressed by
    zlib; a part of equal values is that one value as text, of width 0.
    """
    gaps = np.diff(change.rows, prepend=-1) - 1
    parts = [_squeezed(np.asarray(values)) for values in (gaps, change.before, change.after)]
    heads = [[width, len(data)] for width, data in parts]
    head = json.dumps({"n": len(change.rows), "parts": heads}, separators=(",", ":")).encode()
    return b"\n".join([head, b"".join(data for _, data in parts)])


def unpack(packed: bytes, verb: str, categories: str) -> Change:
    """The change again.

    Raises
    ------
    ValueError
        When the bytes are not what `pack` makes.
    """
    try:
        head, _, body = packed.partition(b"\n")
        known = json.loads(head)
        count, at, parts = int(known["n"]), 0, []
        for width, length in known["parts"]:
            parts.append(_spread(body[at : at + length], width, count))
            at += length
        gaps, before, after = parts
        pairs = {
            int(code): tuple(Category(**side) if side else None for side in pair) for code, pair in json.loads(categories).items()
        }
    except (KeyError, TypeError, AttributeError, zlib.error, UnicodeDecodeError) as problem:
        raise ValueError(str(problem)) from problem
    rows = np.cumsum(gaps.astype(np.int64) + 1) - 1
    return Change(verb, rows, before.astype(np.int32), after.astype(np.int32), pairs)  # type: ignore[arg-type]


def pack_categories(categories: dict[int, tuple[Category | None, Category | None]]) -> str:
    """The categories that a change makes, edits or drops, as JSON: ``{code: [before, after]}``."""
    plain = {str(code): [vars(side) if side else None for side in pair] for code, pair in categories.items()}
    return json.dumps(plain, ensure_ascii=True)  # a lone surrogate is a name too, and SQLite takes none


def pack_rule(rule: dict[str, Any] | None) -> bytes | None:
    """A rule as compressed JSON."""
    return None if rule is None else zlib.compress(json.dumps(rule, separators=(",", ":")).encode(), 9)


def unpack_rule(packed: bytes | None) -> dict[str, Any] | None:
    """The rule again, or None."""
    return None if packed is None else json.loads(zlib.decompress(packed))


def squeeze(values: np.ndarray) -> tuple[int, bytes]:
    """Whole numbers from 0 as ``(width, bytes)``, in planes."""
    top = int(values.max(initial=0))
    width = 1 if top < 1 << 8 else 2 if top < 1 << 16 else 4 if top < 1 << 32 else 8
    planes = values.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    return width, zlib.compress(planes.tobytes(), _LEVEL)


def spread(data: bytes, width: int, count: int) -> np.ndarray:
    """The numbers of `squeeze` again.

    Raises
    ------
    ValueError
        When they are not `count`.
    """
    planes = np.frombuffer(zlib.decompress(data), np.uint8).reshape(width, count)
    return np.ascontiguousarray(planes.T).view(f"<u{width}")[:, 0]


def _squeezed(values: np.ndarray) -> tuple[int, bytes]:
    if len(values) and (values == values[0]).all():
        return 0, str(int(values[0])).encode()
    return squeeze(values)


def _spread(data: bytes, width: int, count: int) -> np.ndarray:
    return spread(data, width, count) if width else np.full(count, int(data), np.int64)
