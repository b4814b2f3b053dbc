"""The table of an AnnData, `obs` or `var`: each column by the form that it says it is in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError
from explorer.sources.objects import clean
from explorer.sources.scratch import ROWS
from explorer.sources.stores import Node

MOST_COLUMNS = 10_000
MOST_ROWS = 1_000_000_000
INDEX = "_index"


def index_of(frame: Node) -> pa.ChunkedArray:
    """The names of a frame's rows.

    Raises
    ------
    InputError
        When it has none.
    """
    name = frame.attribute(INDEX)
    found = frame.get(name if isinstance(name, str) else INDEX) or frame.get(INDEX) or frame.get("index")
    if found is None:
        raise InputError(f"{frame.what} has no index: write it again")
    values, _ = _read(found, frame)
    if values is None:
        raise InputError(f"{found.what} is in a form that is not read: write it again")
    return values


def texts_of(values: pa.ChunkedArray) -> list[str]:
    """The values as text, empty where there is none."""
    return ["" if value is None else str(value) for value in values.to_pylist()]


def names_in(frame: Node) -> list[str]:
    """A frame's columns, in their order.

    Raises
    ------
    InputError
        When they are too many.
    """
    there = frame.names
    index = frame.attribute(INDEX)
    said = frame.attribute("column-order")
    order = [name for name in said if name in set(there)] if isinstance(said, list) else []
    rest = [name for name in there if name not in {*order, index, INDEX, "__categories"}]
    if len(order) + len(rest) > MOST_COLUMNS:
        raise InputError(f"{frame.what} has {len(there):,} columns; at most {MOST_COLUMNS:,} are read: leave some out")
    return list(dict.fromkeys(order if order or said is not None else rest))


def column(frame: Node, name: str, n: int) -> tuple[pa.ChunkedArray | None, int | None]:
    """A column of n values, and how many categories it has where it is one of them; None where its form is not known.

    Raises
    ------
    InputError
        When it is damaged.
    """
    node = frame[name]
    values, categories = _read(node, frame, name)
    if values is not None and len(values) != n:
        raise InputError(f"{node.what} is damaged ({len(values):,} values, beside {n:,} rows): write it again")
    return values, categories


def _read(node: Node, frame: Node, name: str = "") -> tuple[pa.ChunkedArray | None, int | None]:
    if not node.is_array:
        if "codes" in node and "categories" in node:
            return _categorical(node["codes"], node["categories"])
        return (_plain(node["values"], node["mask"]) if "values" in node and "mask" in node else None), None
    older = frame.get("__categories")
    if older is not None and name in older and node.kind in {"i", "u"}:
        return _categorical(node, older[name])
    return _plain(node), None


def _plain(node: Node, mask: Node | None = None) -> pa.ChunkedArray | None:
    """An array's values; None where it does not hold one value a row."""
    if not node.is_array or len(node.shape) != 1 or not node.kind:
        return None
    if mask is not None and (not mask.is_array or mask.shape != node.shape or mask.kind != "b"):
        raise InputError(f"{node.what} is damaged (its mask does not fit it): write it again")
    _check_rows(node)
    blocks = [_block(node, mask, start, stop) for start, stop in _parts(node.shape[0])]
    return pa.chunked_array(blocks, None if blocks else pa.null())


def _block(node: Node, mask: Node | None, start: int, stop: int) -> pa.Array:
    missing = None if mask is None else mask.values(start, stop)
    if node.kind == "text":
        texts: list[str | None] = [clean(text) for text in node.texts(start, stop)]
        if missing is not None:
            texts = [None if no else text for text, no in zip(texts, missing, strict=True)]
        return pa.array(texts, pa.string())
    values = node.values(start, stop)
    return pa.array(values.astype(values.dtype.newbyteorder("=")), mask=missing)


def _categorical(codes: Node, categories: Node) -> tuple[pa.ChunkedArray | None, int | None]:
    words = _plain(categories)
    if words is None or not codes.is_array or len(codes.shape) != 1 or codes.kind not in {"i", "u"}:
        return None, None
    _check_rows(codes)
    known = words.combine_chunks()
    made = []
    for start, stop in _parts(codes.shape[0]):
        places = codes.values(start, stop).astype(np.int64)
        if len(places) and places.max() >= len(known):
            raise InputError(f"{codes.what} is damaged (a category that is not there): write it again")
        made.append(pc.take(known, pa.array(places, mask=places < 0)))
    return pa.chunked_array(made, None if made else known.type), len(known)


def _check_rows(node: Node) -> None:
    if node.shape[0] > MOST_ROWS:
        raise InputError(f"{node.what} has {node.shape[0]:,} rows; at most {MOST_ROWS:,} are read: give a part of it")


def _parts(n: int) -> Iterator[tuple[int, int]]:
    return ((start, min(n, start + ROWS)) for start in range(0, n, ROWS))
