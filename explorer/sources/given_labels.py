"""Labels that stand in a file beside ids, and which items of a dataset they are for: every text as it is written, no id dropped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import Dataset
from explorer.errors import InputError, listed, unknown
from explorer.sources import ids as identifiers
from explorer.sources.delimited import read_written
from explorer.sources.found import Found, named, sayable
from explorer.sources.jsonlines import read_jsonl
from explorer.sources.label_columns import pick
from explorer.sources.options import Options, tidy_name
from explorer.sources.parquet import read_parquet
from explorer.sources.spreadsheets import unguarded
from explorer.sources.written import typed

WRITTEN = (".csv", ".tsv", ".txt")  # read cell by cell; the others say what type a value has
TYPED = {".parquet": read_parquet, ".jsonl": read_jsonl, ".ndjson": read_jsonl, ".json": read_jsonl}
ALLOWED = f"a file of ids and labels ending in {', '.join((*WRITTEN, *TYPED))}"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """k rows of a file.

    Attributes
    ----------
    name
        The file's name.
    ids
        ``(k,)`` int64 where all are whole numbers, else str objects; one may stand more than once.
    labels
        k texts; None where there is none (the empty text is a label).
    id_column, label_column
        The columns they came from.
    sets
        Further label sets by name, each k texts: the columns ``label.NAME`` (names on one line, single-spaced, as columns' are).
    notes
        What was guessed, and what was left out.
    columns
        All columns of the file.
    """

    name: str
    ids: np.ndarray
    labels: list[str | None]
    id_column: str
    label_column: str
    sets: dict[str, list[str | None]]
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write to one file that `load` reads back."""
        texts = {"label": self.labels} | {f"label.{name}": labels for name, labels in self.sets.items()}
        table = pa.table({"id": pa.array(self.ids), **{name: pa.array(labels, pa.string()) for name, labels in texts.items()}})
        about: dict[str, Any] = {"name": self.name, "id_column": self.id_column, "label_column": self.label_column}
        about |= {"notes": self.notes, "columns": self.columns}
        _write(table.replace_schema_metadata({"about": json.dumps(about)}), path)

    @classmethod
    def load(cls, path: Path) -> GivenLabels:
        """Read back what `save` wrote."""
        table = _read(path)
        about = json.loads(table.schema.metadata[b"about"])
        sets = {name.removeprefix("label."): table.column(name).to_pylist() for name in table.column_names[2:]}
        made = _array(table.column("id")), table.column("label").to_pylist()
        columns = about["id_column"], about["label_column"]
        return cls(about["name"], *made, *columns, sets, tuple(about["notes"]), tuple(about["columns"]))


@dataclass(frozen=True, eq=False)
class Matched:
    """Which items of a dataset get which label.

    Attributes
    ----------
    rows
        ``(m,)`` positions in the dataset, ascending, each once.
    labels
        ``(m,)`` str objects, theirs.
    unknown
        Every id of the file that the dataset does not have, each once, in the file's order, labelled or not.
    twice
        The dataset's ids that stand in the file with different labels, in the dataset's order; the last label counts.
    without
        How many rows of the file have no label; they change nothing.
    """

    rows: np.ndarray
    labels: np.ndarray
    unknown: list[Any]
    twice: list[Any]
    without: int


def read_labels(
    path: str | Path, *, id: str | None = None, label: str | None = None, known: np.ndarray | None = None
) -> GivenLabels:
    """The labels in a CSV, TSV, Parquet or JSON lines file; our own exports come back exactly, also those made for spreadsheets.

    In CSV an empty cell without quotes is no label, and ``""`` is the empty one. In a file that begins with a byte order mark, as
    those for spreadsheets do, the apostrophe before what a spreadsheet would run is taken off.

    Parameters
    ----------
    id, label
        The columns of ids and labels; guessed from names and values where they are not given.
    known
        ``(n,)`` the ids that the labels are for, which make the guess a better one.

    Raises
    ------
    InputError
        When the file cannot be read, a named column is not there, or none can be told to hold ids or labels.
    """
    path = Path(path).expanduser()
    options = Options(id=tidy_name(id) if id else None, text=tidy_name(label) if label else None)
    found = _found(path)
    table, _ = named(found, options)
    columns = pick(found.name, table, options, known)
    table, left_out = _with_ids(found.name, table, columns.id)
    wanted = {"": columns.label, **columns.sets}
    texts = {name: _texts(found.name, column, table.column(column)) for name, column in wanted.items()}
    notes = [*found.notes, *columns.notes, *left_out, *_emptiness(path, texts)]
    column = table.column(columns.id)
    if path.suffix.lower() in WRITTEN:
        column, _ = typed(column, ids=True)
    listed_ids = identifiers.from_column(column, f"{found.name}: column {columns.id!r}")
    made = listed_ids, texts.pop(""), columns.id, columns.label, texts
    return GivenLabels(found.name, *made, tuple(notes), tuple(table.column_names))


def matched(given: GivenLabels, dataset: Dataset, name: str | None = None) -> Matched:
    """The items that a file's labels are for; ids match by their exact text (7 is ``7``, and ``007`` is another).

    Parameters
    ----------
    name
        A further label set's name; None is the column of labels itself.

    Raises
    ------
    InputError
        When the file has no such label set.
    """
    if name is not None and name not in given.sets:
        raise unknown(f"label set of {given.name}", name, given.sets)
    labels = np.array(given.labels if name is None else given.sets[name], dtype=object)
    found = _places(given.ids, dataset.ids)
    has = ~pd.isna(labels)
    kept = np.flatnonzero((found >= 0) & has)
    rows, last = np.unique(found[kept][::-1], return_index=True)
    codes, names = pd.factorize(labels[kept])
    pairs = np.unique(found[kept] * max(len(names), 1) + codes) // max(len(names), 1)
    several = np.unique(pairs[1:][pairs[1:] == pairs[:-1]])
    missing = pd.unique(given.ids[found < 0]).tolist()
    return Matched(rows, labels[kept][::-1][last], missing, dataset.ids[several].tolist(), int((~has).sum()))


def _places(wanted: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """``(k,)`` int64: where each of the wanted ids is among the `ids`, -1 where it is not."""
    if wanted.dtype.kind == ids.dtype.kind == "i":
        return np.asarray(pd.Index(ids).get_indexer(pd.Index(wanted)), np.int64)
    either = (pd.Index(list(map(str, array.tolist())), dtype=object) for array in (ids, wanted))
    return np.asarray(next(either).get_indexer(next(either)), np.int64)


def _found(path: Path) -> Found:
    ending = path.suffix.lower()
    with sayable(path):
        if not path.is_file():
            raise InputError(f"there is no file {str(path)!r}; give {ALLOWED}")
        if ending not in TYPED and ending not in WRITTEN:
            raise InputError(f"{path.name!r} ends in {path.suffix or 'nothing'!r}; give {ALLOWED}")
        if not path.stat().st_size:
            raise InputError(f"{path.name!r} is empty (0 bytes); give {ALLOWED}")
        return TYPED[ending](path, Options()) if ending in TYPED else _found_written(path)


def _found_written(path: Path) -> Found:
    """Cells as they are written, without the apostrophes that an export for spreadsheets puts before some."""
    table, notes = read_written(path)
    with open(path, "rb") as file:
        marked = file.read(len(BOM)) == BOM
    if marked:
        bare = [_without_guards(column) for column in table.columns]
        taken = sum(count for _, count in bare)
        table = pa.Table.from_arrays([column for column, _ in bare], names=table.column_names)
        if taken:
            notes.append(f"the apostrophe was taken off {taken:,} texts, as they are written for spreadsheets")
    return Found(path.name, table, notes=notes)


def _without_guards(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """The column with its texts as they were, and how many had an apostrophe too many."""
    suspects = pc.fill_null(pc.starts_with(column, "'"), fill_value=False).combine_chunks()
    if not pc.any(suspects, min_count=0).as_py():
        return column, 0
    before = column.filter(suspects).to_pylist()
    after = [unguarded(text) for text in before]
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    return pc.replace_with_mask(column, suspects, pa.array(after, pa.string())), changed


def _with_ids(source: str, table: pa.Table, column: str) -> tuple[pa.Table, list[str]]:
    """The rows that have an id, and a note of those that have none."""
    missing = np.asarray(pc.is_null(table.column(column), nan_is_null=True).to_numpy(), bool)
    if not missing.any():
        return table, []
    if missing.all():
        raise InputError(f"{source}: the column {column!r} is empty in all {len(missing):,} rows: say which column holds the ids")
    rows = listed((f"{row + 1:,}" for row in np.flatnonzero(missing)), 3)
    return table.filter(pa.array(~missing)), [f"{int(missing.sum()):,} rows have no id and were left out (row {rows})"]


def _texts(source: str, name: str, column: pa.ChunkedArray) -> list[str | None]:
    """Labels as text: numbers by their digits, a whole one without a point, since a missing label makes pandas add it."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
        values = column.drop_null().to_numpy()
        if (np.abs(values) < 2**53).all() and (values == np.floor(values)).all():
            column = column.cast(pa.int64())
    try:
        texts: list[str | None] = column.cast(pa.string()).to_pylist()
    except (pa.ArrowException, ValueError) as problem:  # lists, pictures
        raise InputError(f"{source}: the column {name!r} holds {kind}; labels are text: say which column holds them") from problem
    return texts


def _emptiness(path: Path, texts: dict[str, list[str | None]]) -> list[str]:
    """A note where empty cells in quotes may have been meant as no label: many programs put every cell in quotes."""
    labels = texts[""]
    empty = labels.count("") if path.suffix.lower() in WRITTEN and None not in labels else 0
    return [f'{empty:,} labels are "" in quotes, which is the empty label and not none'] if empty else []


def keep_ids(ids: np.ndarray, path: Path) -> None:
    """Write ids to a file, for a child process to guess by."""
    _write(pa.table({"id": pa.array(ids)}), path)


def kept_ids(path: Path) -> np.ndarray:
    """Read back what `keep_ids` wrote."""
    return _array(_read(path).column("id"))


def _array(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy()) if pa.types.is_integer(column.type) else np.array(column.to_pylist(), dtype=object)


def _write(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()
