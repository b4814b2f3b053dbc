"""Parquet: types and missing values as they are; what another program reads quickest."""

from __future__ import annotations

from typing import BinaryIO

import pandas as pd

from explorer.exports.cells import check_unicode, is_missing, is_text

ENDING = ".parquet"
NAME = "Parquet"
DOC = "Types and missing values kept; for pandas, polars, DuckDB, R."


def encode(frame: pd.DataFrame, file: BinaryIO, *, for_spreadsheets: bool = False) -> None:
    """Write a table; no label, no place and no cluster are null.

    Raises
    ------
    InputError
        For text with half a character (a lone surrogate).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_unicode(frame, NAME)
    columns = {}
    for name in frame:
        values = frame[name]
        if is_text(values):
            columns[str(name)] = pa.array([None if is_missing(value) else str(value) for value in values.tolist()], pa.string())
        else:
            columns[str(name)] = pa.Array.from_pandas(values)
    pq.write_table(pa.table(columns), file)
