"""h5ad, the file of an AnnData: features in ``X``, ids with clusters, labels and columns in ``obs``, the layout in ``obsm``.

It is written with h5py as https://anndata.readthedocs.io/en/stable/fileformat-prose.html has it, in blocks, so that the features
need not be in memory; and so that text is text, where the library's own way depends on pandas' version. Text columns are
categorical: a missing value has no category, and ``NA``, ``None`` and the empty text are categories like others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pandas as pd
import param

from explorer.errors import InputError, MissingExtra
from explorer.exports.cells import check_unicode, is_missing, is_text
from explorer.exports.content import Content
from explorer.exports.rows import frame
from explorer.step import Progress, Settings

if TYPE_CHECKING:
    from h5py import File, Group

ENDING = ".h5ad"
NAME = "AnnData (h5ad)"
DOC = "Features, clusters, labels and layout in one file, for scanpy and what else reads AnnData."
KIND = "file"
NEEDS = ""

BLOCK = 1 << 24  # bytes of features that are in memory at one time


class Options(Settings):
    """What goes in."""

    method = ENDING

    features = param.Boolean(True, doc="The features, as X. Without them the file is small.")


def check() -> None:
    """Raise MissingExtra where the package that writes the file is not installed."""
    from importlib.util import find_spec

    if find_spec("h5py") is None:
        raise MissingExtra("an export to .h5ad", "anndata")


def encode(content: Content, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write the file.

    Raises
    ------
    MissingExtra
        Where h5py is not installed.
    InputError
        For text with half a character, or ids that cannot stand in the file's index.
    """
    check()
    import h5py

    table = frame(content).drop(columns=["id", "x", "y"])
    own = content.own(list(table))
    for name, column in own.items():
        table[name] = _series(column)
    _check(content, table)
    with h5py.File(file, "w") as out:
        _says(out, "anndata", "0.1.0")
        width = _features(out, content, progress.part(0.0, 0.8)) if options.settings()["features"] else 0
        _frame(out, "obs", content.ids, table)
        _frame(out, "var", np.array([f"feature {place}" for place in range(width)], dtype=object), pd.DataFrame(index=range(width)))
        for name in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            _says(out.create_group(name), "dict", "0.1.0")
        _layout(out, content)
        record = json.dumps(content.record, ensure_ascii=True)
        _says(out["uns"].create_dataset("explorer", data=record, dtype=h5py.string_dtype()), "string")


def _check(content: Content, table: pd.DataFrame) -> None:
    named = pd.DataFrame({"id": pd.Series(content.ids, dtype=object)})
    check_unicode(named, NAME)
    check_unicode(table, NAME)
    for column in (named["id"], *(table[name] for name in table)):
        if is_text(column) and any("\0" in value for value in column.tolist() if isinstance(value, str)):
            raise InputError(f"some {column.name} holds a NUL character, which {NAME} cannot hold; rename it, or export .parquet")


def _series(column: Any) -> pd.Series:
    """A column as obs has it: numbers and flags as they are, all else as text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return pd.Series(column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get if pa.types.is_boolean(kind) else None))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pd.Series(pd.to_numeric(column.to_pandas(), errors="coerce"))
    return pd.Series([None if value is None else str(value) for value in column.to_pylist()], dtype=object)


def _features(out: File, content: Content, progress: Progress) -> int:
    """Write X in blocks, and give its width; none without features."""
    if content.features is None:
        return 0
    values = content.features.values
    rows = content.rows
    made = out.create_dataset("X", shape=(len(rows), values.shape[1]), dtype=np.float32)
    _says(made, "array")
    step = max(1, BLOCK // (4 * values.shape[1]))
    for start in range(0, len(rows), step):
        progress(start / len(rows), "writing features")
        made[start : start + step] = values[rows[start : start + step]]
    return int(values.shape[1])


def _layout(out: File, content: Content) -> None:
    if content.layout is not None:
        name = "X_" + "".join(char if char.isalnum() else "_" for char in content.layout.method)
        places = np.asarray(content.take(content.layout.values), np.float32)
        _says(out["obsm"].create_dataset(name, data=places), "array")


def _frame(out: File, name: str, ids: np.ndarray, table: pd.DataFrame) -> None:
    import h5py

    group = out.create_group(name)
    _says(group, "dataframe")
    index = "_index"
    columns: dict[str, pd.Series] = {}
    for column in table:
        columns[_fresh(str(column), [index, *columns])] = table[column]
    group.attrs["_index"] = index
    group.attrs["column-order"] = np.array(list(columns), dtype=h5py.string_dtype())
    _text(group, index, [str(identifier) for identifier in ids.tolist()])
    for column, values in columns.items():
        _column(group, column, values)


def _fresh(name: str, taken: list[str]) -> str:
    """A column's name as a key: a slash would make a group, and the empty name is none."""
    found = name.replace("/", "_").replace("\0", "_") or "_"
    while found in taken or found == ".":
        found += "_"
    return found


def _column(group: Group, name: str, values: pd.Series) -> None:
    if is_text(values):
        _categorical(group, name, [None if is_missing(value) else str(value) for value in values.tolist()])
    elif isinstance(values.dtype, pd.Int64Dtype | pd.BooleanDtype):
        kind = "nullable-integer" if isinstance(values.dtype, pd.Int64Dtype) else "nullable-boolean"
        missing = values.isna().to_numpy(bool)
        _masked(group.create_group(name), kind, values.fillna(0 if kind == "nullable-integer" else False).to_numpy(), missing)
    else:
        _says(group.create_dataset(name, data=values.to_numpy()), "array")


def _masked(group: Group, kind: str, values: np.ndarray, missing: np.ndarray) -> None:
    _says(group, kind, "0.1.0")
    plain = values.astype(np.int64 if kind == "nullable-integer" else bool)
    _says(group.create_dataset("values", data=plain), "array")
    _says(group.create_dataset("mask", data=missing), "array")


def _categorical(group: Group, name: str, values: list[str | None]) -> None:
    places: dict[str, int] = {}
    codes = np.array([-1 if value is None else places.setdefault(value, len(places)) for value in values], np.int32)
    made = group.create_group(name)
    _says(made, "categorical")
    made.attrs["ordered"] = False
    _says(made.create_dataset("codes", data=codes), "array")
    _text(made, "categories", list(places))


def _text(group: Group, name: str, values: list[str]) -> None:
    import h5py

    _says(group.create_dataset(name, data=np.array(values, dtype=object), dtype=h5py.string_dtype()), "string-array")


def _says(what: Any, kind: str, version: str = "0.2.0") -> None:
    what.attrs["encoding-type"] = kind
    what.attrs["encoding-version"] = version
