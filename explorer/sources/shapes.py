"""Which of the shapes of time series a source has (arrays, lists, long, wide), and the table with a row an item that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import is_list, is_series
from explorer.errors import InputError, listed
from explorer.sources import long, moments, series, wide
from explorer.sources.options import Options
from explorer.sources.vectors import VECTORS

USUAL = "id"
BARE = (series.NAME, "values", "array", "data")  # what an array that came alone may be called with --series, beside "vectors"
MOMENTS = 3  # rows an id has on average before a table is taken for a long one unasked


@dataclass(frozen=True)
class Shaped:
    """A source whose rows are items.

    Attributes
    ----------
    table, arrays, kinds, options
        As they were, but with a column of time series where there are any; then ``options.series`` is that column alone.
    notes
        What was read as what, and what was left out.
    """

    table: pa.Table
    arrays: dict[str, np.ndarray]
    kinds: dict[str, str]
    options: Options
    notes: list[str] = field(default_factory=list)

    def without(self, names: Sequence[str]) -> Shaped:
        """The same less some columns and arrays."""
        table = self.table.drop_columns([name for name in names if name in self.table.column_names])
        arrays = {name: array for name, array in self.arrays.items() if name not in names}
        return replace(self, table=table, arrays=arrays, kinds={name: self.kinds[name] for name in self.kinds if name not in names})

    def having(self, column: pa.ChunkedArray, made: pa.Field, notes: Sequence[str], *, asked: bool = True) -> Shaped:
        """The same with a column of time series, in the place of one of its name; `asked` makes it what the items are."""
        if self.table.num_columns and len(column) != self.table.num_rows:
            raise InputError(f"there are {len(column):,} time series but {self.table.num_rows:,} rows; they must be the same items")
        names = self.table.column_names
        if made.name in names:
            table = self.table.set_column(names.index(made.name), made, column)
        else:
            table = self.table.append_column(made, column) if names else pa.Table.from_arrays([column], schema=pa.schema([made]))
        options = replace(self.options, series=(made.name,)) if asked else self.options
        return Shaped(table, self.arrays, self.kinds | {made.name: "series"}, options, [*self.notes, *notes])


def meant(options: Options, names: Sequence[str], arrays: Sequence[str], source: str) -> Options:
    """The options with every series named by a column's or an array's own name.

    An array that came alone, without a name, may be called ``series``, ``values``, ``array``, ``data`` or ``vectors``.
    """
    if not names and list(arrays) == [VECTORS] and options.series and set(options.series) <= {*BARE, VECTORS}:
        return replace(options, series=(VECTORS,))
    return replace(options, series=wide.spelled_out(options.series, [*names, *arrays], source))


def shaped(source: str, given: Shaped) -> Shaped:
    """The source with a row an item and its time series in one column, as asked for or, where that is plain to see, unasked.

    Raises
    ------
    InputError
        When what was named cannot be time series, or cannot be told apart into items.
    """
    given = _nested(source, given)
    options = given.options
    if options.series:
        return _asked(source, given)
    if options.columns:
        return given
    given = _cubes(source, given)
    if given.options.series or "series" in given.kinds.values():
        return given
    found = _guessed_long(source, given) or _guessed_wide(source, given)
    if found is None and options.time:
        wanted = "say whose each row is with --id, and name the columns of values with --series"
        raise InputError(f"{source}: --time is for tables with a row for every moment: {wanted}")
    return found or given


def _nested(source: str, given: Shaped) -> Shaped:
    """Columns of lists of lists in this room's one form; those that cannot be time series are shown, not computed with."""
    for place, name in enumerate(given.table.column_names):
        column = given.table.column(place)
        if not is_series(column.type) or name in given.options.series:
            continue
        try:
            made, notes = series.from_column(column, f"{source}: column {name!r}")
        except InputError:
            if given.kinds.get(name) == "series":  # which the reader knows
                raise
            given = replace(given, kinds=given.kinds | {name: "other"})
            continue
        names = series.channel_names(given.table.schema.field(place), series.channel_count(made))
        given = given.having(made, series.field(name, names), notes, asked=False)
    return given


def _cubes(source: str, given: Shaped) -> Shaped:
    """An array ``(n, channels, t)``, which is time series unasked."""
    found = [
        name
        for name, array in given.arrays.items()
        if is_cube(array) and name not in (given.options.vectors, *given.options.layout)
    ]
    return _lists(source, given, found) if len(found) == 1 else given


def is_cube(array: np.ndarray) -> bool:
    """Whether it is an array of numbers ``(n, channels, t)``."""
    return array.ndim == 3 and array.dtype.kind in "biuf" and 0 not in array.shape[1:]


def _asked(source: str, given: Shaped) -> Shaped:
    names, table = given.options.series, given.table
    types = {name: table.column(name).type for name in names if name in table.column_names}
    counted = [name for name, kind in types.items() if series.is_number(kind)]
    if len(counted) == len(names):
        return _moments(source, given, names)
    for name in names:
        kind = types.get(name, "an array")
        if name not in counted and (counted or (name in types and not _may_hold_lists(types[name]))):
            beside = " beside columns of numbers" if counted else ""
            wanted = "columns of lists of numbers, or columns of numbers, and not both"
            raise InputError(f"{source}: {name!r} holds {kind}{beside}; --series takes {wanted}")
    return _lists(source, given, names)


def _may_hold_lists(kind: pa.DataType) -> bool:
    return is_list(kind) or bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _lists(source: str, given: Shaped, names: Sequence[str]) -> Shaped:
    """Arrays and columns of lists: one is the time series, of several each is a channel."""
    read = [_read(source, given, name) for name in names]
    notes = [note for _, said in read for note in said]
    if len(names) == 1 and names[0] in given.table.column_names:
        column = read[0][0]
        told = series.channel_names(given.table.schema.field(names[0]), series.channel_count(column))
        return given.having(column, series.field(names[0], told), notes)
    if len(names) > 1:
        for name, (column, _) in zip(names, read, strict=True):
            if series.channel_count(column) > 1:
                raise InputError(f"{source}: {name!r} has several channels already; give it to --series alone")
        if len({len(column) for column, _ in read}) > 1:
            raise InputError(f"{source}: {listed(map(repr, names))} are not as long; the channels must be of the same items")
    column = series.side_by_side([column for column, _ in read]) if len(names) > 1 else read[0][0]
    kept = given.without(names)
    made = series.field(long.free_name(kept.table.column_names), names if len(names) > 1 else ())
    return kept.having(column, made, [_said(names, given, column), *notes])


def _read(source: str, given: Shaped, name: str) -> tuple[pa.ChunkedArray, list[str]]:
    if name in given.arrays:
        return series.from_array(given.arrays[name], source if name == VECTORS else f"{source}: {name!r}")
    return series.from_column(given.table.column(name), f"{source}: column {name!r}")


def _said(names: Sequence[str], given: Shaped, column: pa.ChunkedArray) -> str:
    many, size = series.channel_count(column), int(series.longest(column).max(initial=0))
    said = f"{len(column):,} time series of {many:,} channel{'s' * (many != 1)} and up to {size:,} moments were read"
    if names[0] in given.arrays and len(names) == 1:
        array = given.arrays[names[0]]
        said += f" from an array of shape {array.shape}"
        if array.ndim == 3 and array.shape[1] > array.shape[2]:
            said += "; if that is (n, t, channels), turn it: array.transpose(0, 2, 1)"
    return said


def _moments(source: str, given: Shaped, names: Sequence[str]) -> Shaped:
    """Columns of numbers: of a long table where ids stand more than once, else of a wide one."""
    options, table = given.options, given.table
    who = options.id or (USUAL if USUAL in table.column_names and USUAL not in names else None)
    if who and who in table.column_names and long.repeats(table.column(who)):
        when = options.time or moments.guess(table, {who, *names})
        if options.id or when or len(names) == 1:
            return _long(source, given, who, when, names)
    if options.time:
        whose = f"no value of {who!r} stands more than once" if who else "no column says whose a row is"
        raise InputError(f"{source}: {whose}; with --time, name the column that does with --id")
    if len(names) == 1:
        many = "name the column that says whose each row is with --id, or a column for every moment: --series t0:t99"
        raise InputError(f"{source}: one column of numbers ({names[0]!r}) is no time series: {many}")
    return _wide(source, given, names)


def _long(source: str, given: Shaped, who: str, when: str | None, names: Sequence[str]) -> Shaped:
    options = given.options
    if wrong := [name for name in (who, when) if name in names]:
        raise InputError(f"{source}: {wrong[0]!r} cannot be a value of --series and --id or --time at once")
    told = [options.text, options.image, options.audio, options.vectors, *options.columns, *options.layout]
    asked = [name for name in dict.fromkeys(told) if name and name in given.table.column_names and name not in {when, *names}]
    if changed := long.changing(given.table, who, asked):
        raise InputError(f"{source}: {listed(map(repr, changed))} differs within one {who!r}; an item has one value of a column")
    table, notes = long.from_long(source, given.table, who, when, names)
    kinds = {name: kind for name, kind in given.kinds.items() if name in table.column_names}
    made = table.column_names[-1]
    told_so = replace(options, id=who, series=(made,), time=None)
    return Shaped(table, given.arrays, kinds | {made: "series"}, told_so, [*given.notes, *notes])


def _wide(source: str, given: Shaped, names: Sequence[str]) -> Shaped:
    column, notes = wide.from_wide(source, given.table, names)
    kept = given.without(names)
    said = f"the {len(names):,} columns {names[0]!r} to {names[-1]!r} were read as one time series a row"
    return kept.having(column, series.field(long.free_name(kept.table.column_names)), [said, *notes])


def _guessed_long(source: str, given: Shaped) -> Shaped | None:
    """A table whose named ids stand several times, beside times: its columns of numbers that change are the values."""
    options, table = given.options, given.table
    who = options.id
    if who is None or who not in table.column_names or not long.repeats(table.column(who)):
        return None
    when = options.time or moments.guess(table, {who})
    if when is None:
        return None
    values = long.changing(table, who, [name for name in table.column_names if _is_value(table.column(name).type, name, who, when)])
    if not values or table.num_rows < MOMENTS * len(table.column(who).unique()):
        twice = f"ids must be unique, but {_twice(table.column(who))} stand more than once"
        raise InputError(f"{source}: {twice}; choose another --id, or say what changes over {when!r} with --series COL")
    made = _long(source, given, who, when, values)
    return replace(made, notes=[*made.notes, "name the columns of values with --series to have others"])


def _is_value(kind: pa.DataType, name: str, who: str, when: str) -> bool:
    return name not in (who, when) and series.is_number(kind) and kind != pa.null()


def _twice(column: pa.ChunkedArray) -> str:
    counts = column.value_counts()
    many = [count["values"].as_py() for count in counts.filter(pc.greater(counts.field("counts"), 1))[:6]]
    return listed(map(repr, many))


def _guessed_wide(source: str, given: Shaped) -> Shaped | None:
    options = given.options
    if given.arrays or any((options.text, options.image, options.audio, options.vectors)):
        return None
    names = wide.guess(given.table)
    if not names:
        return None
    made = _wide(source, given, names)
    return replace(made, notes=[*made.notes, f"to keep them as columns, name them: --columns {names[0]},{names[1]},..."])
