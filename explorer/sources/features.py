"""What Hugging Face's ``datasets`` says of columns: names of numbered classes, which bytes are pictures and which are sounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import is_binary, is_picture_struct
from explorer.sources.scratch import Rows

MEDIA = {"Image": "image", "Audio": "audio"}
LONGEST = 1 << 24  # bytes of a note that is read


class Features:
    """Notes in a schema under ``huggingface``, or in ``dataset_info.json``; anything else in their place says nothing."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Any]] = {}

    def note(self, schema: pa.Schema) -> None:
        """Take up what a schema's metadata says, unless it was said already."""
        if self._said:
            return
        written = (schema.metadata or {}).get(b"huggingface", b"")
        if written and len(written) < LONGEST:
            try:
                self.take(json.loads(written)["info"]["features"])
            except (ValueError, KeyError, TypeError, RecursionError):
                return

    def take(self, features: Any) -> None:
        """Take up columns with what they are, ``{"label": {"_type": "ClassLabel", "names": [...]}}``."""
        if isinstance(features, dict):
            self._said = {str(column): about for column, about in features.items() if isinstance(about, dict)}

    def kinds(self, schema: pa.Schema) -> dict[str, str]:
        """The kinds of columns that are told, as far as their types bear it out."""
        told = {column: MEDIA[kind] for column, about in self._said.items() if (kind := str(about.get("_type"))) in MEDIA}
        known = {field.name: told[field.name] for field in schema if field.name in told and _holds_files(field.type)}
        return known | {name: "category" for name in self._classes() if name in schema.names}

    def applied(self, table: pa.Table) -> pa.Table:
        """The table with the names of classes in place of their numbers."""
        for name, classes in self._classes().items():
            places = table.schema.get_all_field_indices(name)
            if len(places) == 1 and pa.types.is_integer(table.column(places[0]).type):
                table = table.set_column(places[0], name, _named(table.column(places[0]), classes))
        return table

    def _classes(self) -> dict[str, list[str]]:
        classes = {column: about.get("names") for column, about in self._said.items() if about.get("_type") == "ClassLabel"}
        return {column: list(map(str, names)) for column, names in classes.items() if isinstance(names, list)}


class Together(NamedTuple):
    """Several files' rows below each other, the kinds of columns that are known, and how many rows are of each file."""

    table: pa.Table
    kinds: dict[str, str]
    counts: list[int]


def together(
    source: Path, files: list[Path], parts: Callable[[Path], Iterator[pa.Table]], features: Features, most: int | None = None
) -> Together:
    """The rows of files that are read part by part, in memory or on disk; `most` bytes of them.

    Raises
    ------
    InputError
        When one is damaged, or has other columns than the first.
    """
    counts = []
    with closing(Rows(source.name, most)) as rows:
        for path in files:
            before = rows.rows
            for part in parts(path):
                features.note(part.schema)
                rows.add(features.applied(part), path.name)
            counts.append(rows.rows - before)
        table = rows.whole()
    return Together(table, {**rows.kinds, **features.kinds(table.schema)}, counts)


def _named(numbers: pa.ChunkedArray, classes: list[str]) -> pa.ChunkedArray:
    known = pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers.cast(pa.int64(), safe=False), len(classes)))
    places = pc.if_else(known, numbers, pa.scalar(None, numbers.type)).cast(pa.int64())
    return pc.take(pa.array(classes, pa.string()), places)


def _holds_files(kind: pa.DataType) -> bool:
    """Whether a column's type may hold pictures or sounds."""
    return is_binary(kind) or is_picture_struct(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
