"""Parquet: the types are in the file; what is large is unpacked some rows at a time, into a file that is mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from explorer.errors import InputError
from explorer.sources.features import Features, together
from explorer.sources.found import Found
from explorer.sources.options import Options
from explorer.sources.scratch import IN_MEMORY, ROWS, check_room

MOST_BYTES = 1 << 40  # unpacked, on disk
MOST_CELLS = 10_000_000_000
PART = 32 << 20  # bytes of rows that are unpacked at a time, about
DAMAGED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, NotImplementedError, MemoryError)


def read_parquet(path: Path, options: Options) -> Found:
    """A .parquet file.

    Raises
    ------
    InputError
        When it is truncated, damaged, or declares more than the disk holds.
    """
    read = together(path, [path], parts, Features(), MOST_BYTES)
    return Found(path.name, read.table, root=path.parent, kinds=read.kinds)


def parts(path: Path) -> Iterator[pa.Table]:
    """The rows of a file, all at once where they are few; the schema's metadata is kept, and there is always one part.

    Raises
    ------
    InputError
        As `read_parquet` does.
    """
    try:
        # read ahead, it would hold all that it has read until the end
        with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            declared = _check_size(path, file.metadata)
            if declared <= IN_MEMORY:
                yield file.read()
                return
            step = max(1, min(ROWS, int(PART * file.metadata.num_rows / declared)))
            for batch in file.iter_batches(step, use_threads=False):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(file.schema_arrow.metadata)
    except InputError:
        raise
    except DAMAGED as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
        raise InputError(f"{path.name} is no Parquet file, or is cut off or damaged ({said}): write it again") from problem


def _check_size(path: Path, about: Any) -> int:
    """How many bytes of rows the file declares."""
    declared = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if declared > MOST_BYTES or about.num_rows * about.num_columns > MOST_CELLS or min(about.num_rows, declared) < 0:
        raise InputError(
            f"{path.name} declares {about.num_rows:,} rows of {about.num_columns:,} columns ({declared / 2**30:,.1f} GiB), "
            f"more than is read ({MOST_BYTES >> 30} GiB): give a part of it"
        )
    if declared > IN_MEMORY:
        check_room(declared, path.name)
    return int(declared)
