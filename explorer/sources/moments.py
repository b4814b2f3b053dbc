"""When a row of a long table is: which column says so, and its values as numbers that sort."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError

# What a column of moments is called, the surest first; in longer names ("Time (s)", "event_time") only those of `IN_NAMES`.
NAMES = (
    "time",
    "timestamp",
    "datetime",
    "date",
    "t",
    "ts",
    "step",
    "timestep",
    "time_step",
    "frame",
    "tick",
    "moment",
    "index",
    "seq",
)
IN_NAMES = ("time", "timestamp", "datetime", "date")
PLAIN = re.compile(r"[^a-z0-9]+")


def guess(table: pa.Table, taken: Collection[str]) -> str | None:
    """The column that says when, by its name; None where there is none whose values are all there and sort."""
    names = {name: _place(name) for name in table.column_names if name not in taken}
    for name in sorted((name for name, place in names.items() if place is not None), key=lambda name: names[name] or 0):
        try:
            sortable(table.column(name), name)
        except InputError:
            continue
        return name
    return None


def _place(name: str) -> int | None:
    plain = PLAIN.sub("_", name.lower()).strip("_")
    if plain in NAMES:
        return NAMES.index(plain)
    words = plain.split("_")
    return len(NAMES) + len(words) if words[0] in IN_NAMES or words[-1] in IN_NAMES else None


def sortable(column: pa.ChunkedArray, what: str) -> np.ndarray:
    """``(n,)`` int64 or float64 of numbers, dates, times or any of them written as text (dates as ISO 8601 has it).

    Raises
    ------
    InputError
        Naming the row where one is missing or cannot be read, and for a column of anything else.
    """
    kind, types = column.type, pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return _from_text(column, what)
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_duration(kind):
        column = column.cast(pa.int32()).cast(pa.int64()) if types.is_time32(kind) else column.cast(pa.int64())
    elif types.is_floating(kind):
        column = column.cast(pa.float64())
    elif not types.is_integer(kind):
        raise InputError(f"{what} holds {kind}; --time takes a column of numbers or dates")
    missing = np.asarray(pc.is_null(column, nan_is_null=True).to_numpy(), bool)
    if missing.any():
        raise InputError(f"{what}: row {int(missing.argmax()) + 1:,} says no time; fill it in, or leave the row out")
    return np.asarray(column.to_numpy())


def _from_text(column: pa.ChunkedArray, what: str) -> np.ndarray:
    try:
        return sortable(column.cast(pa.float64()), what)
    except pa.ArrowInvalid:  # dates then
        pass
    texts = column.to_pandas().astype(object)
    try:
        made = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
    except (ValueError, OverflowError) as problem:
        raise InputError(f"{what} holds neither numbers nor dates like 2024-05-31 or 2024-05-31T12:30:00") from problem
    wrong = np.asarray(made.isna(), bool)
    if wrong.any():
        row = int(wrong.argmax())
        said = "says no time" if column[row].as_py() is None else f"says {column[row].as_py()[:40]!r}"
        raise InputError(f"{what}: row {row + 1:,} {said}; --time takes numbers, or dates like 2024-05-31T12:30:00")
    return np.asarray(made.dt.as_unit("ns").astype(np.int64))


def uneven(key: np.ndarray, same: np.ndarray) -> bool:
    """Whether the longest step between neighbours of the same item is over a tenth longer than the shortest.

    Parameters
    ----------
    key
        ``(n,)`` sorted times.
    same
        ``(n - 1,)`` bool, whether a row and the next are of one item.
    """
    with np.errstate(invalid="ignore"):  # between infinite times
        steps = np.diff(key)[same]
    steps = steps[steps > 0]
    return bool(len(steps) and steps.max() > 1.1 * steps.min())
