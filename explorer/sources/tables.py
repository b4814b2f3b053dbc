"""Several files of one kind as one table: Parquet, Arrow, CSV or JSON lines with the same columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from explorer.errors import InputError, listed
from explorer.sources import arrow, parquet
from explorer.sources.delimited import read_written, typed_table
from explorer.sources.features import Features, Together, together
from explorer.sources.jsonlines import read_jsonl
from explorer.sources.options import Options

MOST_FILES = 100_000


def read_files(source: Path, files: list[Path], options: Options) -> Together:
    """The rows of all files below each other, in the order of the files.

    Raises
    ------
    InputError
        When they are of several kinds, have different columns, or one cannot be read.
    """
    kinds = {READERS[file.suffix.lower()] for file in files}
    if len(kinds) > 1:
        endings = listed(sorted({file.suffix.lower() for file in files}))
        raise InputError(f"{source.name!r} holds files of several kinds ({endings}): give one of them, or a folder of one kind")
    if len(files) > MOST_FILES:
        raise InputError(f"{source.name!r} holds {len(files):,} tables; at most {MOST_FILES:,} are read as one: join them first")
    for file in files:
        if not file.stat().st_size:
            raise InputError(f"{source.name}: {file.name!r} is empty (0 bytes): remove it, or write it again")
    return kinds.pop()(source, files, options)


def _parquet(source: Path, files: list[Path], options: Options) -> Together:
    return together(source, files, parquet.parts, Features(), parquet.MOST_BYTES)


def _arrow(source: Path, files: list[Path], options: Options) -> Together:
    return arrow.read_table(source, files)


def _delimited(source: Path, files: list[Path], options: Options) -> Together:
    """All cells as they are written, and only then is it asked what a column holds: the files need not show it one by one."""
    cells = [read_written(file)[0] for file in files]
    table, kinds = typed_table(_joined(source, files, cells), options)
    return Together(table, kinds, [one.num_rows for one in cells])


def _lines(source: Path, files: list[Path], options: Options) -> Together:
    tables = [read_jsonl(file, options).table for file in files]
    return Together(_joined(source, files, tables), {}, [one.num_rows for one in tables])


def _joined(source: Path, files: list[Path], tables: list[pa.Table]) -> pa.Table:
    first = tables[0].column_names
    for file, table in zip(files, tables, strict=True):
        if set(table.column_names) != set(first):
            odd = sorted(set(table.column_names) ^ set(first))
            raise InputError(
                f"{source.name}: {file.name} and {files[0].name} have different columns ({listed(map(repr, odd))}); "
                "files of one table must have the same: give one of them"
            )
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowException, ValueError, KeyError) as problem:
        said = str(problem).splitlines()[0][:120]
        raise InputError(f"{source.name}: its files do not fit below each other ({said}): give one of them") from problem


READERS: dict[str, Callable[[Path, list[Path], Options], Together]] = {
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".csv": _delimited,
    ".tsv": _delimited,
    ".jsonl": _lines,
    ".ndjson": _lines,
}
ENDINGS = tuple(READERS)
