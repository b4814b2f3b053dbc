"""Parquet: the types are in the file; also the names that Hugging Face keeps for numbered classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.options import Options, tidy_name

MOST_BYTES = 32 << 30  # uncompressed, as the file declares it
MOST_CELLS = 10_000_000_000
DAMAGED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, NotImplementedError, MemoryError)


def read_parquet(path: Path, options: Options) -> Found:
    """A .parquet file.

    Raises
    ------
    InputError
        When it is truncated, damaged, or declares more than fits into memory.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_size(path, file.metadata)
            table = file.read()
    except InputError:
        raise
    except DAMAGED as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
        raise InputError(f"{path.name} is no Parquet file, or is cut off or damaged ({said}): write it again") from problem
    found = Found(path.name, table, root=path.parent)
    for name, classes in _classes(table).items():
        found.table = _named(found.table, name, classes)
        found.kinds[name] = "category"
    return found


def _check_size(path: Path, about: Any) -> None:
    declared = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if declared > MOST_BYTES or about.num_rows * about.num_columns > MOST_CELLS or about.num_rows < 0:
        raise InputError(
            f"{path.name} declares {about.num_rows:,} rows of {about.num_columns:,} columns ({declared / 2**30:,.1f} GiB), "
            f"more than is read at once ({MOST_BYTES >> 30} GiB): give a part of it"
        )


def _classes(table: pa.Table) -> dict[str, list[str]]:
    """Columns of class numbers with the classes' names, from the note that Hugging Face datasets leave in the schema."""
    try:
        note = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        features = note["info"]["features"]
        named = {column: about["names"] for column, about in features.items() if about.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    whole = {field.name for field in table.schema if pa.types.is_integer(field.type) and table.column_names.count(field.name) == 1}
    return {
        column: [str(name) for name in names]
        for column, names in named.items()
        if isinstance(names, list) and column in whole
    }


def _named(table: pa.Table, column: str, classes: list[str]) -> pa.Table:
    numbers = table.column(column).to_pylist()
    words = [classes[number] if number is not None and 0 <= number < len(classes) else None for number in numbers]
    return table.set_column(table.column_names.index(column), tidy_name(column), pa.array(words, pa.string()))
