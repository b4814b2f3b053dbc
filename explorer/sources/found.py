"""What a reader found, and how it becomes a dataset: kinds guessed, item columns chosen, ids, vectors and layout taken out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.dataset.columns import guess, numbers_rows
from explorer.dataset.sparse import Sparse
from explorer.errors import InputError, listed
from explorer.sources import amounts, downloads, ids, roles, shapes, vectors
from explorer.sources.options import Options, tidy_name
from explorer.sources.types import tidied


@dataclass
class Found:
    """What a reader hands over.

    Attributes
    ----------
    table
        n rows; may have no columns where there are arrays.
    arrays
        Arrays beside the table that may be vectors or a layout, by name.
    ids
        ``(n,)`` where the source itself names its items (a folder, a DataFrame's index).
    kinds
        What is known of some columns; the others are guessed.
    matrix
        Sparse counts beside the table.
    matrix_name
        What the source calls them: ``--vectors`` of that name means them, which stay sparse.
    layout
        Which of the arrays is the layout, where none is asked for.
    """

    name: str
    table: pa.Table
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    ids: np.ndarray | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    root: Path | None = None
    notes: list[str] = field(default_factory=list)
    matrix: Sparse | None = None
    matrix_name: str | None = None
    layout: str | None = None

    def __post_init__(self) -> None:
        self.name = tidy_name(self.name) or "data"

    @property
    def rows(self) -> int:
        """How many items there are."""
        if self.table.num_columns:
            return int(self.table.num_rows)
        if self.matrix is not None:
            return self.matrix.shape[0]
        return next((len(array) for array in self.arrays.values() if array.ndim), 0)

    def settled(self, options: Options) -> Options:
        """The options, with what the source itself says where nothing is said."""
        if self.layout and not options.layout:
            options = replace(options, layout=(self.layout,))
        if self.matrix is not None and options.vectors == self.matrix_name:
            options = replace(options, vectors=None)
        return options


@contextmanager
def sayable(path: Path) -> Iterator[None]:
    """What the system may refuse while a file is read, in one sentence."""
    try:
        yield
    except OSError as problem:
        said = (problem.strerror or str(problem)).splitlines()[0]
        raise InputError(f"{str(path)!r} cannot be read ({said}); check the path and its permissions") from problem
    except MemoryError as problem:
        raise InputError(f"{path.name!r} does not fit into memory; give a part of it") from problem


def assemble(found: Found, options: Options) -> Dataset:
    """The dataset.

    Raises
    ------
    InputError
        For names that are not there or stand twice, ids that are missing or stand twice, ragged or empty vectors, time series
        that cannot be told apart, a layout that is not two columns of numbers, and fewer than three items.
    """
    options = found.settled(options)
    options = shapes.meant(options, _names(found), list(found.arrays), found.name)
    table, known = named(found, options)
    given = shapes.shaped(found.name, shapes.Shaped(table, found.arrays, known, options))
    table, kinds, options = given.table, dict(given.kinds), given.options
    found = replace(found, table=table, arrays=given.arrays)
    notes = [*found.notes, *given.notes]
    for name in table.column_names:
        if name not in kinds:
            kinds[name] = "id" if numbers_rows(name, table.column(name)) else guess(table.column(name))
    identifiers, id_column, said = ids.pick(found.name, table, options, found.ids, found.rows)
    notes += said
    if id_column:
        kinds[id_column] = "id"
    for name in options.columns:  # asked for by name: a row counter is a number after all
        if kinds.get(name) == "id" and name != id_column and _is_number(table.column(name).type):
            kinds[name] = "number"
    table, said = downloads.localised(table, kinds, options)
    notes += [each for each in said if each not in notes]
    chosen, said = roles.pick(found.name, table, kinds, options, found.root, found.kinds)
    notes += said
    table, said = amounts.plainly(table, kinds, {*chosen.values(), id_column, *found.kinds})
    notes += said
    values, vector_columns, said = _vectors(found, table, kinds, options)
    notes += said
    layout, said = _layout(found, table, options)
    notes += said
    keep = _kept(table, options, {*chosen.values(), id_column}, vector_columns)
    return Dataset(
        found.name, identifiers, table.select(keep), {name: kinds[name] for name in keep}, chosen, values, layout, found.root,
        tuple(notes), found.matrix,
    )  # fmt: skip


def named(found: Found, options: Options) -> tuple[pa.Table, dict[str, str]]:
    """The table with clean names and plain types, once it is known to be whole, and the kinds that are known.

    Raises
    ------
    InputError
        For names that stand twice, a damaged table, and options that name a column which is not there.
    """
    names = _names(found)
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        said = listed(map(repr, twice))
        raise InputError(f"{found.name}: column names must be unique, but {said} stand more than once: rename them")
    if not names and not found.arrays and found.matrix is None:
        raise InputError(f"{found.name} has no columns; give a table with at least one")
    try:
        found.table.validate(full=True)  # a damaged file may hold offsets that crash the process when they are followed
    except (pa.ArrowException, ValueError) as problem:
        raise InputError(f"{found.name} is damaged ({str(problem).splitlines()[0][:120]}): write it again") from problem
    options.check([*names, *found.arrays], found.name)
    known = {tidy_name(name): kind for name, kind in found.kinds.items()}
    table, more = tidied(found.table.rename_columns(names))
    return table, {**more, **known}


def _names(found: Found) -> list[str]:
    return [tidy_name(name) or f"column {place}" for place, name in enumerate(found.table.column_names, 1)]


def _vectors(
    found: Found, table: pa.Table, kinds: dict[str, str], options: Options
) -> tuple[np.ndarray | None, set[str], list[str]]:
    """The vectors, which columns are no longer columns, and notes."""
    columns = {name for name, kind in kinds.items() if kind == "vectors"}
    if options.columns and not options.vectors:  # the features are to come from other columns
        candidates = [name for name in options.columns if name in columns]
    else:
        candidates = [name for name in (*found.arrays, *sorted(columns)) if name not in options.layout]
    name = vectors.choose(candidates, options.vectors, found.name)
    gone = columns | ({name} if name else set())
    if name is None:
        return None, gone, []
    if name in found.arrays:
        what = found.name if name == vectors.VECTORS and len(found.arrays) == 1 else f"{found.name}: {name!r}"
        values, notes = vectors.from_array(found.arrays[name], what)
    else:
        values, notes = vectors.from_column(table.column(name), f"{found.name}: column {name!r}")
    return values, gone, notes


def _layout(found: Found, table: pa.Table, options: Options) -> tuple[np.ndarray | None, list[str]]:
    """``(n, 2)`` out of two columns of numbers, one column of pairs or one array; None where none was asked for."""
    if not options.layout:
        return None, []
    what = f"{found.name}: layout {','.join(options.layout)!r}"
    if len(options.layout) == 2:
        for name in options.layout:
            if name not in table.column_names or not _is_number(table.column(name).type):
                raise InputError(f"{found.name}: {name!r} is not a column of numbers; layout takes two of them: --layout X,Y")
        columns = [table.column(name).cast(pa.float64(), safe=False).to_numpy() for name in options.layout]
        values, notes = vectors.from_array(np.stack(columns, axis=1), what)
    elif options.layout[0] in found.arrays:
        values, notes = vectors.from_array(found.arrays[options.layout[0]], what)
    else:
        values, notes = vectors.from_column(table.column(options.layout[0]), what)
    if values.shape[1] != 2:
        raise InputError(f"{what} has the shape {values.shape}; (n, 2) is needed: an x and a y for each item")
    if notes:
        values[~np.isfinite(values).all(axis=1)] = np.nan
        lost = int(np.isnan(values[:, 0]).sum())
        notes = [f"{lost:,} of {len(values):,} items have no place in the layout that came with the data"]
    return values, notes


def _kept(table: pa.Table, options: Options, roles_and_id: set[str | None], gone: set[str]) -> list[str]:
    names = [name for name in table.column_names if name not in gone]
    if not options.columns:
        return names
    return [name for name in names if name in options.columns or name in roles_and_id]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
