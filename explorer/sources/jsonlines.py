"""JSON lines: one object a line (or one list of objects); keys become columns, values stay what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.objects import DISAGREE, to_column, to_text
from explorer.sources.options import Options

CHUNK = 10_000  # rows made into Arrow at a time, so that vectors do not lie about as Python numbers
MOST_COLUMNS = 10_000


def read_jsonl(path: Path, options: Options) -> Found:
    """A .jsonl, .ndjson or .json file.

    Raises
    ------
    InputError
        Naming the line that is not a JSON object.
    """
    rows = _listed(path) if _is_list(path) else _lines(path)
    chunks: dict[str, list[pa.Array]] = {}
    n = 0
    while batch := list(islice(rows, CHUNK)):
        for name in dict.fromkeys(key for row in batch for key in row):
            if name not in chunks:
                chunks[name] = [pa.nulls(n)] if n else []
                if len(chunks) > MOST_COLUMNS:
                    raise InputError(f"{path.name} has over {MOST_COLUMNS:,} different keys; give objects that have the same keys")
        for name, made in chunks.items():
            made.append(to_column([row.get(name) for row in batch]))
        n += len(batch)
    if not n:
        raise InputError(f"{path.name} holds no items: give one JSON object a line")
    table = pa.Table.from_arrays([_joined(made) for made in chunks.values()], names=list(chunks))
    return Found(path.name, table, root=path.parent)


def _is_list(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _object(_parsed(line, f"{path.name}: line {number:,}"), f"{path.name}: line {number:,}")


def _listed(path: Path) -> Iterator[dict[str, Any]]:
    items = _parsed(path.read_bytes(), path.name)
    if not isinstance(items, list):
        raise InputError(f"{path.name} is not a list of objects; give one JSON object a line")
    for number, item in enumerate(items, 1):
        yield _object(item, f"{path.name}: item {number:,}")


def _parsed(data: bytes, where: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        raise InputError(f"{where} is not UTF-8 (byte {problem.start:,}); convert it with iconv -t UTF-8") from problem
    except (ValueError, RecursionError) as problem:  # also too deep, and numbers of thousands of digits
        at = f"{problem.msg} at character {problem.pos + 1:,}" if isinstance(problem, json.JSONDecodeError) else str(problem)
        said = at.splitlines()[0][:100]
        raise InputError(f"{where} is not JSON ({said}); give one JSON object a line") from problem


def _object(item: Any, where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise InputError(f'{where} is {_words(item)}, not an object; each item is written as {{"name": value, ...}}')
    return item


def _words(item: Any) -> str:
    named = {"list": "a list", "str": "text", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "null"}
    return named.get(type(item).__name__, "something else")


def _joined(chunks: list[pa.Array]) -> pa.ChunkedArray:
    """One column out of chunks whose types may differ; text where nothing else holds them all."""
    try:
        tables = [pa.table({"column": chunk}) for chunk in chunks]
        return pa.concat_tables(tables, promote_options="permissive").column("column")
    except DISAGREE:
        return pa.chunked_array([to_text(chunk.to_pylist()) for chunk in chunks])
