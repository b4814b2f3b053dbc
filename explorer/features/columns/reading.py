"""A column as it is meant: numbers, categories, moments or flags, whatever the table keeps them as."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import Dataset, written
from explorer.dataset.columns import to_series
from explorer.features.base import PLAIN

WRITTEN = ("id", "text")  # kinds that may be numbers or dates as text


class Read(NamedTuple):
    """A column of n values: ``kind`` is one of `explorer.features.base.PLAIN`, or "" for names, that say nothing.

    `values` is ``(n,)``: float64 numbers and flags (0 and 1), NaN where missing; int32 codes into `names`, -1 where missing; or
    moments. `note` says what was found out.
    """

    kind: str
    values: Any
    names: tuple[str, ...] = ()
    note: str = ""

    @property
    def missing(self) -> np.ndarray:
        """``(n,)`` bool."""
        if self.kind == "category":
            return np.asarray(self.values < 0)
        if self.kind == "date":
            return self.values.isna().to_numpy(dtype=bool)
        return ~np.isfinite(self.values)


def usable(data: Dataset) -> list[str]:
    """The columns that say something as they stand, and those of names whose first values are numbers or dates as text."""
    items = set(data.roles.values())
    names = [name for name in data.of_kind(*PLAIN, *WRITTEN) if name not in items]
    return [name for name in names if data.kinds[name] in PLAIN or _peek(data, name)]


def _peek(data: Dataset, name: str) -> bool:
    column = data.table.column(name)
    return _is_text(column.type) and written.peek(column, plain=data.kinds[name] != "id")


def read(column: pa.ChunkedArray, kind: str) -> Read:
    """A column of one of the kinds `PLAIN` or `WRITTEN`."""
    if kind == "number":
        values = to_series(column, kind).to_numpy(dtype=np.float64, na_value=np.nan)
        return Read("number", np.where(np.isfinite(values), values, np.nan))
    if kind == "date":
        return Read("date", moments(to_series(column, kind)))
    if kind == "flag" and not _is_text(column.type):
        yes = column if pa.types.is_boolean(column.type) else pc.not_equal(column, 0)
        return Read("flag", np.asarray(yes.cast(pa.int8()).to_numpy(), np.float64))
    return _category(column, kind)


def _category(column: pa.ChunkedArray, kind: str) -> Read:
    """Codes of the different values; what they say, where they are numbers or dates as text."""
    coded = pa.types.is_dictionary(column.type)
    column = column.cast(column.type.value_type) if coded else column
    encoded = column.combine_chunks().dictionary_encode()
    codes = np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int32)
    if _is_text(column.type) and not coded and kind != "flag":
        found = _as_written(encoded.dictionary, codes, plain=kind != "id")
        if found is not None:
            return found
    if kind in WRITTEN:
        return Read("", codes)
    values = encoded.dictionary.to_pylist()
    gone = np.array([*(isinstance(value, float) and np.isnan(value) for value in values), True])[codes]  # code -1 finds the last
    return Read("category", np.where(gone, -1, codes).astype(np.int32), tuple(str(value) for value in values))


def _as_written(values: pa.Array, codes: np.ndarray, *, plain: bool) -> Read | None:
    """Numbers or dates that were text; the last of the values is what is missing, which code -1 finds."""
    if not len(values):
        return None
    amounts = written.numbers(values, plain=plain)
    if amounts is not None:
        return Read("number", np.append(amounts, np.nan)[codes], note=f"text like {values[0].as_py()!r} was read as numbers")
    days = written.dates(values)
    if days is None:
        return None
    known = np.append(days[0].to_numpy("datetime64[us]"), np.datetime64("NaT"))
    said = f"text like {values[0].as_py()!r} was read as dates ({written.form(days[1])})"
    return Read("date", pd.Series(known[codes]), note=said)


def moments(column: pd.Series) -> pd.Series:
    """Dates, dates with a time and a zone (their local time counts), or times of day, as moments without a zone."""
    values: Any = column
    if column.dtype == object and any(isinstance(value, datetime.time) for value in column.dropna().head(1)):
        values = [None if value is None else datetime.datetime.combine(datetime.date(2000, 1, 1), value) for value in column]
    made = pd.Series(pd.to_datetime(values, errors="coerce"))
    return made.dt.tz_localize(None)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
