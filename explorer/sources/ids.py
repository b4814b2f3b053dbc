"""Which ids the items go by: those that were named, else a column `id`, else row numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError, listed
from explorer.sources import long, moments
from explorer.sources.objects import to_text
from explorer.sources.options import Options

USUAL = "id"
SHOWN = 4  # columns of values that a note names


def pick(
    source: str, table: pa.Table, options: Options, given: np.ndarray | None, rows: int
) -> tuple[np.ndarray, str | None, list[str]]:
    """The ids, the column they came from, and notes.

    Parameters
    ----------
    given
        Ids that the source itself has; a named column goes before them.
    rows
        How many items there are.

    Raises
    ------
    InputError
        When an id is missing. (That none stands twice is checked by `Dataset`.)
    """
    if options.id:
        if options.id not in table.column_names:
            raise InputError(f"{source}: {options.id!r} is an array beside the table, not a column: it cannot be --id")
        return from_column(table.column(options.id), f"{source}: column {options.id!r}"), options.id, []
    if given is not None:
        return given, None, []
    if USUAL in table.column_names and _serves(table.column(USUAL)):
        return from_column(table.column(USUAL), source), USUAL, [f"ids are taken from the column {USUAL!r}"]
    notes = []
    if USUAL in table.column_names:
        notes.append(f"the column {USUAL!r} has missing or repeated values; items go by row number instead{_or_series(table)}")
    return np.arange(rows, dtype=np.int64), None, notes


def _or_series(table: pa.Table) -> str:
    """How to read a table as time series, where a column of times beside repeated ids looks as if each row were a moment of one."""
    when = moments.guess(table, {USUAL}) if long.repeats(table.column(USUAL)) else None
    if when is None:
        return ""
    numbers = [field.name for field in table.schema if pa.types.is_floating(field.type) and field.name not in {USUAL, when}]
    values = ",".join(numbers) if 0 < len(numbers) <= SHOWN else "COLUMNS"
    return f" (for one time series per {USUAL}: --series {values} --id {USUAL} --time {when})"


def from_column(column: pa.ChunkedArray, what: str) -> np.ndarray:
    """``(n,)`` int64 where they are whole numbers, else str objects.

    Raises
    ------
    InputError
        When one is missing.
    """
    missing = np.flatnonzero(_missing(column))
    if len(missing):
        rows = listed((f"{row + 1:,}" for row in missing), 3)
        said = f"{len(missing):,} are missing (row {rows})"
        raise InputError(f"{what}: ids must be complete, but {said}: fill them, or choose another --id")
    if pa.types.is_floating(column.type):
        values = column.to_numpy()
        if (np.abs(values) < 2**53).all() and (values == np.floor(values)).all():  # whole numbers on the way through pandas
            return values.astype(np.int64)
    if pa.types.is_integer(column.type):
        try:
            return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)
        except pa.ArrowInvalid:
            pass  # larger than int64: kept as text, every digit of it
    return np.array(to_text(column.to_pylist()).to_pylist(), dtype=object)


def _missing(column: pa.ChunkedArray) -> np.ndarray:
    nan = pc.is_null(column, nan_is_null=True) if pa.types.is_floating(column.type) else column.is_null()
    return np.asarray(nan.to_numpy(), dtype=bool)


def _serves(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    return not column.null_count and pc.count_distinct(column).as_py() == len(column)
