"""Tables with a column for every moment: which columns a short way of naming them means, and one time series a row."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from explorer.errors import InputError, unknown
from explorer.sources import series

RANGE, STAR = ":", "*"
FEWEST = 16  # columns that count on before they are taken for moments unasked
# What such columns are called. Not `v`, `x` or `sample`: components, pixels and the columns of gene tables are called so.
PREFIXES = ("t", "time", "step", "tick", "ts", "y_t", "value")
COUNTED = re.compile(r"(?P<prefix>.*?)[_ -]?(?P<number>[0-9]{1,9})")


def spelled_out(given: Sequence[str], names: Sequence[str], source: str) -> tuple[str, ...]:
    """The columns meant: ``t0:t99`` is all from one to the other in the table's order, ``t*`` all called ``t`` and a number.

    Where no column has just a number after what stands before the star, it is all columns that begin so, in the table's order.
    A column of exactly that name goes before either.

    Raises
    ------
    InputError
        When an end of a range is not there or stands after the other, or nothing begins so.
    """
    made: list[str] = []
    for name in given:
        if name in names:
            made.append(name)
        elif name.endswith(STAR):
            made += _starred(name[:-1], names, source)
        elif RANGE in name:
            made += _ranged(name, names, source)
        else:
            made.append(name)
    return tuple(dict.fromkeys(made))


def _starred(prefix: str, names: Sequence[str], source: str) -> list[str]:
    counted = [(int(rest), name) for name in names if name.startswith(prefix) and (rest := _rest(name, prefix)).isdecimal()]
    found = [name for _, name in sorted(counted, key=lambda pair: pair[0])]
    found = found or [name for name in names if name.startswith(prefix)]
    if not found:
        raise unknown(f"column of {source}", prefix + STAR, names)
    return found


def _rest(name: str, prefix: str) -> str:
    rest = name[len(prefix) :].lstrip("_- ")
    return rest if rest.isascii() and len(rest) < 10 else ""


def _ranged(given: str, names: Sequence[str], source: str) -> list[str]:
    ends = [(given[:at], given[at + 1 :]) for at, letter in enumerate(given) if letter == RANGE]
    both = [(first.strip(), last.strip()) for first, last in ends if first.strip() in names and last.strip() in names]
    if not both:
        first, last = (end.strip() for end in ends[0])
        raise unknown(f"column of {source}", last if first in names else first, names)
    first, last = both[0]
    start, stop = names.index(first), names.index(last)
    if start > stop:
        raise InputError(f"{source}: {given!r} runs backwards: the column {last!r} stands before {first!r}; turn them round")
    return list(names[start : stop + 1])


def guess(table: pa.Table) -> list[str]:
    """The columns that are moments by their names (``t0``, ``t1``, …) and are numbers; none where they are fewer than `FEWEST`."""
    found: dict[str, dict[int, str]] = {}
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        match = COUNTED.fullmatch(name)
        if match and match["prefix"] in PREFIXES and series.is_number(kind) and not pa.types.is_boolean(kind):
            found.setdefault(match["prefix"], {})[int(match["number"])] = name
    for counted in found.values():
        order = sorted(counted)
        if len(order) >= FEWEST and order[-1] - order[0] + 1 == len(order) and order[0] in (0, 1):
            return [counted[number] for number in order]
    return []


def from_wide(source: str, table: pa.Table, names: Sequence[str]) -> tuple[pa.ChunkedArray, list[str]]:
    """One time series a row out of columns of numbers in time's order, and notes.

    Raises
    ------
    InputError
        Where no value is finite.
    """
    made = np.empty((table.num_rows, len(names)), np.float32)
    lost = 0
    for place, name in enumerate(names):
        made[:, place], more = series.values_of(table.column(name))
        lost += more
    what = f"{source}: the columns {names[0]!r} to {names[-1]!r}"
    column, notes = series.from_array(made, what)
    return column, series.said_of_lost(lost, what) + notes
