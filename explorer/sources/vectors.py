"""Vectors out of whatever holds them: an array, a column of lists, or lists written as text; always (n, d) float32."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import is_list
from explorer.errors import InputError, listed
from explorer.sources import scratch

VECTORS = "vectors"  # the name of an array that came alone, without one
WANTED = "an array of numbers of shape (n, d) is needed"
LISTS = r"^\s*\[\s*[-+0-9.nN][-+0-9.eE,\s]*"  # what a list of numbers written as text begins with


def choose(found: Sequence[str], given: str | None, source: str) -> str | None:
    """Which of several vectors is meant.

    Raises
    ------
    InputError
        When several fit and none was named.
    """
    if given or not found:
        return given
    if len(found) > 1:
        raise InputError(f"{source} holds {len(found)} sets of vectors ({listed(found, 12)}): name one with --vectors")
    return found[0]


def from_array(array: np.ndarray, what: str) -> tuple[np.ndarray, list[str]]:
    """``(n, d)`` float32 out of any array of numbers, and notes.

    Complex numbers become their real parts beside their imaginary parts, which keeps every distance.

    Raises
    ------
    InputError
        For another shape, for what is not numbers, and where no value is finite.
    """
    if array.dtype.kind not in "biufc":
        raise InputError(f"{what} holds {_dtype_in_words(array.dtype)}; {WANTED}")
    if array.ndim != 2 or not array.shape[1]:
        hint = ": a single column goes in a table, e.g. CSV" if array.ndim == 1 else ""
        raise InputError(f"{what} has the shape {array.shape}; {WANTED}{hint}")
    notes = []
    if array.dtype.kind == "c":
        array = np.hstack([array.real, array.imag])
        notes.append(f"{what}: complex numbers were read as real parts beside imaginary parts ({array.shape[1]:,} dimensions)")
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, and is counted below
        if isinstance(array, scratch.Scratch) and array.dtype == np.float32:
            values: np.ndarray = scratch.sealed(array)
        else:
            values = np.array(array, dtype=np.float32, order="C")  # a copy: a dataset never changes under its owner
    return values, notes + _unusable(values, what)


def _unusable(values: np.ndarray, what: str) -> list[str]:
    if not len(values):
        return []
    bad, any_finite = 0, False
    for start in range(0, len(values), scratch.ROWS):
        finite = np.isfinite(values[start : start + scratch.ROWS])
        bad += int((~finite.all(axis=1)).sum())
        any_finite = any_finite or bool(finite.any())
    if bad and not any_finite:
        raise InputError(f"{what} holds no number at all: every value is missing, NaN or infinite; check how it was made")
    if not bad:
        return []
    return [f"{bad:,} of {len(values):,} rows of {what} hold NaN or infinity; the settings of `vectors` say what happens to them"]


def from_column(column: pa.ChunkedArray, what: str) -> tuple[np.ndarray, list[str]]:
    """``(n, d)`` float32 out of a column of lists (or of lists written as text); a missing list is a row of NaN.

    Raises
    ------
    InputError
        For a column of something else, for lists of different lengths, and where no value is finite.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = from_text(column, what)
        kind = column.type
    if not is_list(kind) or not _numeric(kind.value_type):
        raise InputError(f"{what} is {kind}, not lists of numbers: name another with --vectors, or give --columns A,B,C")
    n, lengths = len(column), _lengths(column)
    present = np.flatnonzero(lengths >= 0)
    if not len(present):
        raise InputError(f"{what} holds no vector at all: every row is missing")
    d = int(np.bincount(lengths[present]).argmax())
    odd = present[lengths[present] != d]
    if len(odd):
        raise InputError(
            f"{what}: vectors must all be as long, but {len(odd):,} of {n:,} are not: row {odd[0] + 1:,} has {lengths[odd[0]]:,} "
            f"values, most have {d:,}; --series reads lists of any lengths as time series"
        )
    return from_array(_filled(column, d, what), what)


def _lengths(column: pa.ChunkedArray) -> np.ndarray:
    """``(n,)`` lengths of the lists, -1 where there is none."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), -1).to_numpy(), dtype=np.int64)


def _filled(column: pa.ChunkedArray, d: int, what: str) -> np.ndarray:
    """``(n, d)`` float32, a row of NaN where there is no list; many of them go to disk, some at a time."""
    shape = (len(column), d)
    values = scratch.array(shape, np.float32, what) if len(column) * d * 4 > scratch.IN_MEMORY else np.empty(shape, np.float32)
    at = 0
    for chunk in column.chunks:
        for start in range(0, len(chunk), scratch.ROWS):
            part = chunk.slice(start, scratch.ROWS)
            block = values[at : at + len(part)]
            block[:] = np.nan
            if d:
                block[part.is_valid().to_numpy(zero_copy_only=False)] = _flat(part).reshape(-1, d)
            at += len(part)
    return values


def _flat(lists: pa.Array) -> np.ndarray:
    flat = lists.drop_null().flatten()
    if not pa.types.is_float64(flat.type):
        flat = flat.cast(pa.float64(), safe=False)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(flat.to_numpy(zero_copy_only=False), np.float32)


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind))


def written_as_text(column: pa.ChunkedArray) -> bool:
    """Whether a text column holds lists of numbers, as pandas writes them to CSV: ``[0.1, 0.2]`` or ``[0.1 0.2]``."""
    sample = column.slice(0, 200).drop_null()
    if not len(sample) or not pc.all(pc.match_substring_regex(sample, LISTS)).as_py():
        return False
    try:
        return all(len(_parsed(value)) > 1 for value in sample.to_pylist())
    except ValueError:
        return False


def from_text(column: pa.ChunkedArray, what: str) -> pa.ChunkedArray:
    """A column of lists of numbers out of their text.

    Raises
    ------
    InputError
        For the first value that is not a list of numbers.
    """
    made: list[Any] = []
    for row, value in enumerate(column.to_pylist()):
        try:
            made.append(None if value is None else _parsed(value))
        except ValueError as problem:
            raise InputError(f"{what}: row {row + 1:,} is not a list of numbers: {value[:40]!r}") from problem
    return pa.chunked_array([pa.array(made, pa.list_(pa.float32()))])


def _parsed(value: str) -> np.ndarray:
    """The numbers between the brackets.

    Raises ValueError for anything else; what numpy abbreviates with dots is refused too, since the numbers are not there.
    """
    text = value.strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(text)
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):  # numpy's way of writing: no commas
        numbers = text[1:-1].replace(",", " ").split()
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.array(numbers, dtype=np.float64).astype(np.float32)
    except (TypeError, OverflowError) as problem:
        raise ValueError(text) from problem
    if array.ndim != 1:
        raise ValueError(text)
    return array


def _dtype_in_words(dtype: np.dtype) -> str:
    words = {"O": "Python objects", "U": "text", "S": "bytes", "M": "dates", "m": "time spans", "V": "records"}
    return words.get(dtype.kind, str(dtype))
