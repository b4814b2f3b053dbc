"""DataFrames and Arrow tables that are in memory already."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.ids import from_column
from explorer.sources.objects import DISAGREE, to_column, to_text
from explorer.sources.options import Options, tidy_name


def from_frame(frame: pd.DataFrame, options: Options) -> Found:
    """A pandas DataFrame; an index that has a name and repeats nothing gives the ids, and one that an option names is a column.

    Raises
    ------
    InputError
        When there are no columns. (That no two have the same name is checked with the options.)
    """
    frame = _with_named_levels(frame, options)
    names = [_flat_name(label) for label in frame.columns]
    if not names:
        raise InputError("the DataFrame has no columns; give one with at least one")
    table = pa.Table.from_arrays([column(frame.iloc[:, place]) for place in range(len(names))], names=names)
    known = {name: known_kind(kind) for name, kind in zip(names, frame.dtypes, strict=True)}
    kinds = {name: kind for name, kind in known.items() if kind}
    found = Found("DataFrame", table, kinds=kinds)
    index = frame.index
    if index.name is not None and not options.id and not isinstance(index, pd.MultiIndex):
        name = tidy_name(index.name)
        if index.is_unique and not index.hasnans:
            found.ids = from_column(pa.chunked_array([column(index.to_series())]), f"DataFrame: index {name!r}")
            found.notes.append(f"ids are taken from the index {name!r}")
        else:
            found.notes.append(f"the index {name!r} has missing or repeated values; items go by row number instead")
    return found


def _with_named_levels(frame: pd.DataFrame, options: Options) -> pd.DataFrame:
    """The frame with those levels of its index as columns that say whose a row is and when, as long tables are often indexed."""
    asked = {name for name in (options.id, options.time) if name}
    places = [place for place, level in enumerate(frame.index.names) if level is not None and tidy_name(level) in asked]
    columns = {_flat_name(label) for label in frame.columns}
    if not places or any(tidy_name(frame.index.names[place]) in columns for place in places):
        return frame
    levels = [frame.index.get_level_values(place).to_series(name=frame.index.names[place]) for place in places]
    index = pd.RangeIndex(len(frame))
    beside = pd.DataFrame({tidy_name(level.name): level.set_axis(index) for level in levels})
    return pd.concat([beside, frame.set_axis(index)], axis=1)


def from_table(table: pa.Table) -> Found:
    """An Arrow table."""
    return Found("table", table)


def _flat_name(label: object) -> str:
    return tidy_name(" ".join(map(str, label)) if isinstance(label, tuple) else label)


def known_kind(kind: Any) -> str | None:
    """The kind that a column's type alone tells; time spans, complex numbers and intervals are shown, not computed with."""
    if isinstance(kind, pd.CategoricalDtype):
        return "category"
    if isinstance(kind, pd.IntervalDtype | pd.PeriodDtype) or getattr(kind, "kind", "") in {"m", "c"}:
        return "other"
    return None


def column(values: pd.Series) -> pa.Array | pa.ChunkedArray:
    """One column of a DataFrame as Arrow keeps it; mixed objects become text."""
    if values.dtype == object:
        return to_column(list(values))
    if isinstance(values.dtype, pd.SparseDtype):
        values = pd.Series(np.asarray(values))
    if known_kind(values.dtype) == "other":
        return to_text(list(values))
    try:
        return pa.array(values, from_pandas=True)
    except DISAGREE:
        return to_column(list(values))
