"""Plain column types: what Arrow can hold in many ways is held in one, so that the other rooms meet few of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from explorer.sources.objects import to_text

SMALL = 2**31 - 1  # bytes that a string array can address


def tidied(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The table with plain types, and the kinds that this told (an Arrow dictionary is a category)."""
    kinds = {}
    for place, name in enumerate(table.column_names):
        column = table.column(name)
        if pa.types.is_dictionary(column.type) and not pa.types.is_nested(column.type.value_type):
            kinds[name] = "category"
        plain = _plain(column)
        if plain is not column:
            table = table.set_column(place, name, plain)
    return table, kinds


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        while (wanted := _step(column)) is not None:
            column = wanted
    except (pa.ArrowException, ValueError, NotImplementedError):
        return _text(column)
    return column


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return pa.chunked_array([to_text(column.to_pylist())])
    except (pa.ArrowException, ValueError, TypeError, OverflowError, NotImplementedError):
        return pa.chunked_array([pa.nulls(len(column))])  # nothing that Python could hold


def _step(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """One simplification, or None when the type is plain."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_run_end_encoded(kind):
        return pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.chunked_array([pa.array(column.to_pylist(), pa.list_(kind.value_type))])  # pyarrow 26's cast breaks offsets
    wanted = _wanted(kind, column)
    return None if wanted is None or wanted == kind else column.cast(wanted, safe=False)


def _wanted(kind: pa.DataType, column: pa.ChunkedArray) -> pa.DataType | None:
    if pa.types.is_string_view(kind) or (pa.types.is_large_string(kind) and all(chunk.nbytes < SMALL for chunk in column.chunks)):
        return pa.string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_date32(kind):
        return pa.timestamp("s")  # as a date, pandas would make it an object each
    if pa.types.is_date64(kind):
        return pa.timestamp("ms")
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")  # the same moments; a damaged file's time zone need not exist
    return None
