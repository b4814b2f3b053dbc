"""Columns of numbers and dates that are written for people ("1,234", "12 %", "31/12/2021"): made what they are, and said."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import written

TEXTS = ("category", "text", "id")  # the kinds that such a column is guessed to be


def plainly(table: pa.Table, kinds: dict[str, str], left: Container[str | None]) -> tuple[pa.Table, list[str]]:
    """The table with such columns as numbers or dates, and notes; `kinds` is corrected, and the columns `left` are left alone.

    Plain whole numbers that are kept as text stay text: somebody has kept them so, and they are codes as often as not.
    """
    notes = []
    for place, name in enumerate(table.column_names):
        column = table.column(name)
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if kinds.get(name) not in TEXTS or name in left or not text:
            continue
        made = _made(column)
        if made is not None:
            values, kinds[name], said = made
            table = table.set_column(place, name, values)
            notes.append(f"{name!r} is written as text ({_example(column)!r}) and was read as {said}")
    return table, notes


def _made(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str, str] | None:
    """The column, its kind, and what it was read as in words; None where it is neither numbers nor dates."""
    if column.null_count == len(column) or not written.peek(column, plain=False):
        return None
    encoded = column.combine_chunks().dictionary_encode()
    amounts = written.numbers(encoded.dictionary, plain=False)
    if amounts is not None:
        found = pa.array(amounts, from_pandas=True)
        return pa.chunked_array([found.take(encoded.indices)]), "number", "numbers"
    days = written.dates(encoded.dictionary)
    if days is None:
        return None
    moments = pa.array(days[0].to_numpy("datetime64[us]"), pa.timestamp("us"), from_pandas=True)
    return pa.chunked_array([moments.take(encoded.indices)]), "date", f"dates ({written.form(days[1])})"


def _example(column: pa.ChunkedArray) -> str:
    there = np.flatnonzero(np.asarray(pc.is_valid(column).to_numpy()))
    return str(column[int(there[0])].as_py())[:40]
