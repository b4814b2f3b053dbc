"""Parquet: types and missing values as they are; what another program reads quickest."""

from __future__ import annotations

from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from explorer.exports.cells import CHUNK, check_unicode, is_missing, is_text
from explorer.step import Progress, Settings

ENDING = ".parquet"
NAME = "Parquet"
DOC = "Types and missing values kept; for pandas, polars, DuckDB, R."
KIND = "table"
NEEDS = ""


class Options(Settings):
    """There is nothing to choose."""

    method = ENDING


def encode(frame: pd.DataFrame, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write a table; no label, no place and no cluster are null.

    Raises
    ------
    InputError
        For text with half a character (a lone surrogate).
    """
    import pyarrow.parquet as pq

    check_unicode(frame, NAME)
    first = arrow(frame.iloc[:CHUNK])
    schema = first.schema
    with pq.ParquetWriter(file, schema) as writer:
        writer.write_table(first)
        for start in range(CHUNK, len(frame), CHUNK):
            progress(start / len(frame), "writing rows")
            writer.write_table(arrow(frame.iloc[start : start + CHUNK]))


def arrow(frame: pd.DataFrame) -> pa.Table:
    """The same table as Arrow has it; a missing value is null."""
    columns = {}
    for name in frame:
        values = frame[name]
        if is_text(values):
            columns[str(name)] = pa.array([None if is_missing(value) else str(value) for value in values.tolist()], pa.string())
        else:
            columns[str(name)] = pa.Array.from_pandas(values)
    return pa.table(columns)
