"""Tables with a row for every moment: rows of one id become one item, in time's order, without a loop over rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError, listed
from explorer.sources import moments, series

PEEK = 10_000  # rows


@dataclass(frozen=True)
class Groups:
    """Which rows are one item's: k items of n rows in all.

    Attributes
    ----------
    codes
        ``(n,)`` the item of each row, numbered by first appearance.
    first
        ``(k,)`` the first row of each.
    order
        ``(n,)`` the rows, item after item, each in time's order; equal times stay in the rows' order.
    lengths
        ``(k,)`` how many rows each has.
    """

    codes: np.ndarray
    first: np.ndarray
    order: np.ndarray
    lengths: np.ndarray


def repeats(column: pa.ChunkedArray) -> bool:
    """Whether some value stands more than once."""
    try:
        present = len(column) - column.null_count
        return bool(pc.count_distinct(column, mode="only_valid").as_py() < present)
    except pa.ArrowException:  # a type that has no such count: lists, structs
        return False


def from_long(source: str, table: pa.Table, who: str, when: str | None, values: Sequence[str]) -> tuple[pa.Table, list[str]]:
    """A table of a row an item: its time series, its id, and the columns that are the same in all its rows; and notes.

    Parameters
    ----------
    who, when
        The columns of ids and of times; without times the rows' order counts.
    values
        The columns of numbers that are the channels.

    Raises
    ------
    InputError
        Where an id or a time is missing or no value is finite.
    """
    codes = _codes(table.column(who), f"{source}: column {who!r}")
    key = moments.sortable(table.column(when), f"{source}: column {when!r}") if when else np.arange(len(codes))
    groups = _grouped(codes, key)
    column, notes = _channels(source, table, groups, values)
    notes = [_summary(groups, who, when, values), *notes, *_said_of_times(groups, key[groups.order], when)]
    beside = [name for name in table.column_names if name not in {when, *values}]
    kept = [name for name in beside if name == who or _constant(table.column(name), codes, groups.first)]
    if len(kept) < len(beside):
        gone = listed(repr(name) for name in beside if name not in kept)
        notes.append(f"columns that change within a time series were left out: {gone}")
    made = table.select(kept).take(pa.array(groups.first))
    name = free_name(made.column_names)
    return made.append_column(series.field(name, values if len(values) > 1 else ()), column), notes


def _codes(column: pa.ChunkedArray, what: str) -> np.ndarray:
    missing = np.asarray(pc.is_null(column, nan_is_null=pa.types.is_floating(column.type)).to_numpy(), bool)
    if missing.any():
        rows = listed((f"{row + 1:,}" for row in np.flatnonzero(missing)), 3)
        raise InputError(f"{what}: ids must be complete, but {int(missing.sum()):,} are missing (row {rows}): fill them in")
    try:
        return _encoded(column)
    except pa.ArrowException as problem:
        raise InputError(f"{what} holds {column.type}; --id takes a column of names or numbers") from problem


def _encoded(column: pa.ChunkedArray) -> np.ndarray:
    """``(n,)`` int64: equal values have equal numbers, counted by first appearance; -1 where one is missing."""
    chunks = column.dictionary_encode().unify_dictionaries().chunks
    parts = [pc.fill_null(chunk.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _grouped(codes: np.ndarray, key: np.ndarray) -> Groups:
    n, k = len(codes), int(codes.max(initial=-1)) + 1
    behind = np.diff(codes)
    in_order = bool(((behind > 0) | ((behind == 0) & (key[1:] >= key[:-1]))).all())
    order = np.arange(n) if in_order else np.lexsort((key, codes))
    return Groups(codes, _first_rows(codes), order, np.bincount(codes, minlength=k))


def _first_rows(codes: np.ndarray) -> np.ndarray:
    first = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last assignment of each is its first row
    return first


def _channels(source: str, table: pa.Table, groups: Groups, names: Sequence[str]) -> tuple[pa.ChunkedArray, list[str]]:
    read, notes = [], []
    for name in names:
        values, lost = series.values_of(table.column(name))
        notes += series.said_of_lost(lost, f"{source}: column {name!r}")
        read.append(values[groups.order])
    if len(groups.codes) and not any(np.isfinite(values).any() for values in read):
        raise InputError(f"{source}: {listed(map(repr, names))} hold no number at all; name other columns with --series")
    lengths = np.repeat(groups.lengths[:, np.newaxis], len(names), axis=1)
    return pa.chunked_array([series.interleaved(read, lengths)]), notes


def _constant(column: pa.ChunkedArray, codes: np.ndarray, first: np.ndarray) -> bool:
    """Whether a column has one value in all rows of an item, for every item; missing counts as a value."""
    if len(codes) > 2 * PEEK and not _constant(column.slice(0, PEEK), codes[:PEEK], first):
        return False  # as most that change show soon; items are numbered by first appearance, so all of these begin among these
    try:
        values = _encoded(column)
    except pa.ArrowException:  # lists and the like
        return False
    return bool((values == values[first[codes]]).all())


def changing(table: pa.Table, who: str, names: Collection[str]) -> list[str]:
    """Those of the columns that differ within an id."""
    codes = _codes(table.column(who), repr(who))
    first = _first_rows(codes)
    return [name for name in names if not _constant(table.column(name), codes, first)]


def _summary(groups: Groups, who: str, when: str | None, values: Sequence[str]) -> str:
    low, high = int(groups.lengths.min(initial=len(groups.codes))), int(groups.lengths.max(initial=0))
    size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    order = f"in the order of {when!r}" if when else "in the rows' order (say when they are with --time)"
    said = f"{len(groups.codes):,} rows were read as {len(groups.lengths):,} time series of {listed(map(repr, values))}"
    return f"{said}, one for each {who!r}, {order}, of {size} moments"


def _said_of_times(groups: Groups, key: np.ndarray, when: str | None) -> list[str]:
    """Notes where moments stand twice or are not equally far apart."""
    if when is None or len(key) < 2:
        return []
    same = np.diff(groups.codes[groups.order]) == 0
    twice = int(((np.diff(key) == 0) & same).sum())
    notes = [f"{twice:,} rows have the same id and {when!r} as another and were kept, in the rows' order"] if twice else []
    if moments.uneven(key, same):
        notes.append(f"the steps of {when!r} are not equally long; time series are read as if they were")
    return notes


def free_name(taken: Collection[str]) -> str:
    """``series``, or with a number where a column is called so already."""
    tries = (series.NAME if number == 1 else f"{series.NAME} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in tries if name not in taken)
