"""Features of new items as those of a dataset were computed: by themselves where that can be, else together with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.features.base import PLAIN, Extractor
from explorer.step import Progress, Result, find, registered


def features_of(data: Any, dataset: Dataset, features: Result, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Features ``(n, d)`` of the dataset's items and ``(m, d)`` of new ones, which can be compared.

    What is computed of each item by itself (a network's features of a picture) is computed of the new ones alone. What is learned
    from the whole collection (how columns are scaled, which words count) is computed of all together: then the first differ a
    little from `features`.

    Parameters
    ----------
    data
        Whatever `explorer.read` takes; or an array ``(m, d)`` of features.

    Raises
    ------
    InputError
        When the new items have not the columns that the features are made from.
    """
    rows = _array(data)
    if rows is not None:
        return features.values, _vectors(rows, dataset, features)
    if not registered("extract", features.method):
        raise InputError(f"features by {features.method!r} cannot be computed of new items: give an array (m, {_width(features)})")
    step = find("extract", features.method, **features.settings)
    new = data if isinstance(data, Dataset) else _read(data)
    if features.method == "vectors":
        if new.vectors is None:
            raise InputError(f"{new.name} has no vectors, and the layout was made from vectors of {_width(features)} columns")
        return features.values, _vectors(np.asarray(new.vectors), dataset, features)
    if new.matrix is not None or features.method == "matrix":
        raise InputError(
            f"features of a sparse matrix are learned from all of it: give an array (m, {_width(features)}) of features"
        )
    alike = _alike(new, dataset, step)
    if features.reuse:
        made = step.run(alike, progress)
        values = np.asarray(made.values, np.float32)
        if made.kept is not None:
            made.kept.discard()
        if made.reuse == features.reuse:
            return features.values, values
    both = step.run(_joined(dataset, alike), progress).values
    return both[: len(dataset)], both[len(dataset) :]


def _array(data: Any) -> np.ndarray | None:
    """An array of two axes of numbers; None for everything else."""
    if hasattr(data, "columns") or not hasattr(data, "__array__"):
        return None
    made = np.asarray(data)
    return made if made.ndim == 2 and made.dtype.kind in "fiub" else None


def _read(data: Any) -> Dataset:
    import pkgutil

    made: Dataset = pkgutil.resolve_name("explorer.sources:read")(data)
    return made


def _width(features: Result) -> int:
    return int(features.values.shape[1])


def _vectors(rows: np.ndarray, dataset: Dataset, features: Result) -> np.ndarray:
    """Rows as the features are: of the same columns, filled and of unit length where those are."""
    width = _width(features)
    plain = features.method == "vectors"
    if plain and dataset.vectors is not None and rows.shape[1] == dataset.vectors.shape[1] != width:
        rows = rows[:, np.isfinite(dataset.vectors).any(axis=0)]  # the columns that hold nothing were left out
    if rows.shape[1] != width:
        raise InputError(f"the new items have {rows.shape[1]:,} columns and the features that the layout was made from {width:,}")
    made = rows.astype(np.float32)
    if plain and features.settings.get("missing") == "fill":
        row, column = np.nonzero(~np.isfinite(made))
        made[row, column] = np.nanmedian(features.values[:, column], axis=0) if len(column) else 0
    if plain and features.settings.get("normalize"):
        exact = made.astype(np.float64)
        length = np.linalg.norm(exact, axis=1, keepdims=True)
        made = (exact / np.where(length == 0, 1.0, length)).astype(np.float32)
    return made


def _needed(step: Any, dataset: Dataset) -> list[str]:
    """The dataset's columns that the features are made from."""
    needs = step.needs if isinstance(step, Extractor) else ""
    if needs in dataset.roles:
        return [dataset.roles[needs]]
    if needs == "columns":
        return list(getattr(step, "columns", None) or dataset.of_kind(*PLAIN))
    return list(dataset.columns)


def _alike(new: Dataset, dataset: Dataset, step: Any) -> Dataset:
    """The new items with the needed columns, called and typed as the dataset's are."""
    columns = {}
    back = {column: role for role, column in dataset.roles.items()}
    missing = []
    for name in _needed(step, dataset):
        given = name if name in new.kinds else new.roles.get(back.get(name, ""))  # a folder calls its pictures as it likes
        if given is None:
            missing.append(name)
        else:
            columns[name] = _typed(new, given, dataset.table.column(name).type)
    if missing:
        there = listed(new.columns, 12) or "none"
        raise InputError(
            f"the new items have no column {listed(map(repr, missing))}, which the features need (columns are {there})"
        )
    kinds = {name: dataset.kinds[name] for name in columns}
    roles = {role: name for role, name in dataset.roles.items() if name in columns}
    vectors = new.vectors if dataset.vectors is not None else None
    return Dataset(new.name, np.arange(len(new)), pa.table(columns), kinds, roles, vectors, root=new.root)


def _typed(new: Dataset, name: str, wanted: pa.DataType) -> pa.ChunkedArray:
    column = new.table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    plain = wanted.value_type if pa.types.is_dictionary(wanted) else wanted
    try:
        return column if column.type == plain else column.cast(plain)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise InputError(
            f"the new items' column {name!r} holds {column.type}, and the dataset's {plain}: give the same"
        ) from problem


def _joined(dataset: Dataset, new: Dataset) -> Dataset:
    """The items of both, the dataset's first."""
    names = new.columns
    tables = []
    for one in (dataset, new):
        columns = {name: one.table.column(name) for name in names}
        tables.append(pa.table({n: c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for n, c in columns.items()}))
    vectors = None if new.vectors is None or dataset.vectors is None else np.vstack([dataset.vectors, new.vectors])
    ids = np.arange(len(dataset) + len(new))
    return replace(new, ids=ids, table=pa.concat_tables(tables), vectors=vectors, root=dataset.root)
