"""Arrow and Feather files: mapped where they lie, so that a table may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather

from explorer.errors import InputError
from explorer.sources.features import Features, Together, together
from explorer.sources.found import Found
from explorer.sources.options import Options
from explorer.sources.parquet import DAMAGED
from explorer.sources.scratch import IN_MEMORY
from explorer.sources.types import tidied

MAGIC, OLD = b"ARROW1", b"FEA1"  # a file's first bytes; those of Feather's first version; a stream begins with neither


def read_arrow(path: Path, options: Options) -> Found:
    """A .arrow or .feather file: Arrow's file or stream format, or Feather's first version.

    Raises
    ------
    InputError
        When it is cut off or damaged.
    """
    read = read_table(path, [path])
    return Found(path.name, read.table, root=path.parent, kinds=read.kinds)


def read_table(source: Path, files: list[Path], features: Features | None = None) -> Together:
    """The rows of several files below each other.

    A large file without compression is mapped: its rows are read from where they lie, when they are needed. Others are unpacked.

    Raises
    ------
    InputError
        When one is cut off or damaged, or has other columns than the first.
    """
    features = features or Features()
    tables = [table for path in files if (table := _mapped(path, features)) is not None]
    if len(tables) == len(files) and all(table.schema.equals(tables[0].schema) for table in tables):
        table = features.applied(pa.concat_tables(tables))
        return Together(table, features.kinds(table.schema), [one.num_rows for one in tables])
    return together(source, files, parts, features)


def parts(path: Path) -> Iterator[pa.Table]:
    """The rows of a file, some at a time; the schema's metadata is kept, and there is always one part."""
    size = path.stat().st_size
    held = pa.py_buffer(path.read_bytes()) if size <= IN_MEMORY else pa.memory_map(str(path)).read_buffer()
    try:
        schema, batches = _opened(held)
        first = pa.Table.from_batches([], schema)
        for part in chain([first], (pa.Table.from_batches([batch], schema) for batch in batches)):
            part.validate(full=True)  # before anything is made of it
            yield part
    except InputError:
        raise
    except DAMAGED as problem:
        raise _damaged(path, problem) from problem


def _mapped(path: Path, features: Features) -> pa.Table | None:
    """The file as it lies on disk; None where it is small, compressed, or its types are not the plain ones."""
    if path.stat().st_size <= IN_MEMORY:
        return None
    held = pa.memory_map(str(path)).read_buffer()
    try:
        schema, batches = _opened(held)
        if tidied(schema.empty_table())[0].schema != schema:
            return None
        kept = []
        for batch in batches:
            if not _lies_in(batch, held):
                return None
            kept.append(batch)
        features.note(schema)
        return pa.Table.from_batches(kept, schema).replace_schema_metadata(None)
    except DAMAGED as problem:
        raise _damaged(path, problem) from problem


def _opened(held: pa.Buffer) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    start = held.slice(0, min(len(MAGIC), held.size)).to_pybytes()
    if start.startswith(OLD):
        table = feather.read_table(pa.BufferReader(held))
        return table.schema, iter(table.to_batches())
    if start == MAGIC:
        reader = pa.ipc.open_file(pa.BufferReader(held))
        return reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
    stream = pa.ipc.open_stream(pa.BufferReader(held))
    return stream.schema, iter(stream)


def _lies_in(batch: pa.RecordBatch, held: pa.Buffer) -> bool:
    """Whether all that a batch holds is part of the mapped file, rather than unpacked from it."""
    first, last = held.address, held.address + held.size
    buffers = (buffer for column in batch.columns for buffer in column.buffers() if buffer is not None and buffer.size)
    return all(first <= buffer.address and buffer.address + buffer.size <= last for buffer in buffers)


def _damaged(path: Path, problem: BaseException) -> InputError:
    said = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
    return InputError(f"{path.name} is no Arrow file, or is cut off or damaged ({said}): write it again")
