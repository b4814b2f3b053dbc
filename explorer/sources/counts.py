"""Matrices out of a store: dense ones as (n, d) float32, sparse ones as sparse ones; both go to disk, some rows at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from explorer.dataset.sparse import Sparse
from explorer.errors import InputError
from explorer.sources import scratch
from explorer.sources.stores import Node

BLOCK = 1 << 22  # values that are read at a time
FORMS = ("csr_matrix", "csc_matrix")
MOST_COLUMNS = 2**31 - 1
SHARE = 0.5  # of the memory that dense vectors may have: an extractor copies them


def form(node: Node) -> str:
    """Which sparse form a group is, or nothing."""
    said = node.attribute("encoding-type") or node.attribute("h5sparse_format")
    said = f"{said}_matrix" if said in {"csr", "csc"} else said
    return said if said in FORMS and not node.is_array else ""


def dense(node: Node, advice: str) -> np.ndarray:
    """``(n, d)`` float32 of an array of numbers.

    Raises
    ------
    InputError
        When it would not fit into memory; `advice` says what to do.
    """
    n, d = node.shape
    if n * d * 4 > memory() * SHARE:
        raise InputError(f"{node.what} is dense, {n:,} × {d:,} ({n * d * 4 / 2**30:,.1f} GiB), too much for memory: {advice}")
    made = scratch.array((n, d), np.float32, node.what)
    step = max(1, BLOCK // max(1, d) // node.band) * node.band
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, and is counted later
        for start in range(0, n, step):
            made[start : start + step] = node.values(start, min(n, start + step))
    return scratch.sealed(made)


def memory() -> int:
    """Bytes of memory that this machine has."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return 8 << 30


def sparse(node: Node, rows: int, names: tuple[str, ...] = ()) -> Sparse:
    """A sparse matrix by rows, out of one by rows or by columns.

    Raises
    ------
    InputError
        When its parts do not fit each other.
    """
    shape = _shape(node, rows)
    by_rows = form(node) == "csr_matrix"
    long, wide = shape if by_rows else (shape[1], shape[0])
    data, indices, ends = node["data"], node["indices"], node["indptr"]
    if any(len(part.shape) != 1 for part in (data, indices, ends)) or data.shape != indices.shape or ends.shape != (long + 1,):
        raise _wrong(node, f"parts of {data.shape}, {indices.shape} and {ends.shape} do not fit {shape[0]:,} × {shape[1]:,}")
    if not data.kind or "text" in (data.kind, indices.kind, ends.kind) or indices.kind not in "iu" or ends.kind not in "iu":
        raise _wrong(node, "its parts are not numbers")
    pointers = ends.values(0, long + 1).astype(np.int64)
    if pointers[0] != 0 or pointers[-1] != data.shape[0] or (np.diff(pointers) < 0).any():
        raise _wrong(node, "its rows do not begin where the last ones end")
    if by_rows:
        parts = _copied(node, wide)
    else:
        *parts, pointers = _turned(node, pointers, wide)
    return Sparse(parts[0], parts[1], pointers, (rows, int(shape[1])), names if len(names) == shape[1] else ())


def _shape(node: Node, rows: int) -> tuple[int, int]:
    said = node.attribute("shape") or node.attribute("h5sparse_shape")
    whole = isinstance(said, list) and len(said) == 2 and all(isinstance(size, int) for size in said)
    if not whole or said[0] != rows or not 0 <= said[1] <= MOST_COLUMNS:
        raise _wrong(node, f"its shape is said to be {said}, beside {rows:,} rows of obs")
    return int(said[0]), int(said[1])


def _wrong(node: Node, why: str) -> InputError:
    return InputError(f"{node.what} is damaged ({why}): write it again")


def _blocks(node: Node, bound: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Where a block starts, its values as float32 and its indices, each below `bound`."""
    data, indices = node["data"], node["indices"]
    for start in range(0, data.shape[0], BLOCK):
        places = indices.values(start, min(data.shape[0], start + BLOCK))
        if len(places) and (places.min() < 0 or places.max() >= bound):
            raise _wrong(node, f"a value lies outside of its {bound:,} columns or rows")
        with np.errstate(over="ignore", invalid="ignore"):
            yield start, data.values(start, start + len(places)).astype(np.float32), places.astype(np.int32)


def _room(node: Node, count: int) -> tuple[scratch.Scratch, scratch.Scratch]:
    return scratch.array((count,), np.float32, node.what), scratch.array((count,), np.int32, node.what)


def _copied(node: Node, bound: int) -> list[np.ndarray]:
    """Values and columns of a matrix by rows."""
    data, indices = _room(node, node["data"].shape[0])
    for start, values, places in _blocks(node, bound):
        data[start : start + len(values)] = values
        indices[start : start + len(values)] = places
    return [scratch.sealed(data), scratch.sealed(indices)]


def _turned(node: Node, pointers: np.ndarray, rows: int) -> list[np.ndarray]:
    """Values, columns and row ends by rows, of a matrix by columns: counted first, then every value put to its place."""
    sizes = np.zeros(rows, np.int64)
    for _, _, places in _blocks(node, rows):
        sizes += np.bincount(places, minlength=rows)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    data, indices = _room(node, node["data"].shape[0])
    free = ends[:-1].copy()  # where the next value of each row goes
    for start, values, places in _blocks(node, rows):
        columns = np.searchsorted(pointers, np.arange(start, start + len(values)), side="right") - 1
        order = np.argsort(places, kind="stable")
        sorted_rows = places[order]
        first = np.flatnonzero(np.diff(sorted_rows, prepend=-1))
        lengths = np.diff(first, append=len(sorted_rows))
        goes = free[sorted_rows] + np.arange(len(sorted_rows)) - np.repeat(first, lengths)
        data[goes], indices[goes] = values[order], columns[order]
        free[sorted_rows[first]] += lengths
    return [scratch.sealed(data), scratch.sealed(indices), ends]
