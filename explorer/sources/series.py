"""Time series as every dataset holds them: a column of items, each a list of channels, each a list of float32 (NaN is missing)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import is_list, is_series
from explorer.errors import InputError
from explorer.sources import vectors

NAME = "series"  # the column that arrays, long tables and wide tables become
KIND = pa.large_list(pa.large_list(pa.float32()))
CHANNELS = b"channels"  # of a field's metadata: the channels' names as JSON
WANTED = "time series are numbers of shape (n, t) or (n, channels, t)"


def from_array(array: np.ndarray, what: str) -> tuple[pa.ChunkedArray, list[str]]:
    """The column of an array ``(n, t)`` or ``(n, channels, t)``, and notes.

    Missing values that end all channels of an item are padding: the item is shorter.

    Raises
    ------
    InputError
        For another shape, for what is not numbers, and where no value is finite.
    """
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} holds {array.dtype}; {WANTED}")
    if array.ndim not in (2, 3) or 0 in array.shape[1:]:
        raise InputError(f"{what} has the shape {array.shape}; {WANTED}")
    values, lost = _in_float32(array if array.ndim == 3 else array[:, np.newaxis])
    n, channels, t = values.shape
    _check_any(values, what)
    lengths = _unpadded(values)
    shorter = int((lengths < t).sum())
    notes = said_of_lost(lost, what)
    if shorter:
        values = values[np.broadcast_to((np.arange(t) < lengths[:, np.newaxis])[:, np.newaxis], values.shape)]
        notes.append(f"missing values at the end were taken as padding: {shorter:,} of {n:,} time series are shorter than {t:,}")
    return pa.chunked_array([built(values.ravel(), np.repeat(lengths, channels), np.full(n, channels))]), notes


def _unpadded(values: np.ndarray) -> np.ndarray:
    """``(n,)`` lengths of series ``(n, channels, t)`` without the missing values at their ends."""
    n, _, t = values.shape
    padded = np.flatnonzero(np.isnan(values[:, :, -1]).all(axis=1))
    lengths = np.full(n, t)
    there = ~np.isnan(values[padded]).all(axis=1)
    lengths[padded] = np.where(there.any(axis=1), t - there[:, ::-1].argmax(axis=1), 0)
    return lengths


def from_column(column: pa.ChunkedArray, what: str) -> tuple[pa.ChunkedArray, list[str]]:
    """The column of lists of numbers (one channel), of lists of lists (the channels), or of either written as text; and notes.

    Raises
    ------
    InputError
        For anything else, for items with different numbers of channels, and where no value is finite.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _from_text(column, what)
    kind = column.type
    nested = is_series(kind)
    if not is_list(kind) or not is_number(kind.value_type.value_type if nested else kind.value_type):
        raise InputError(f"{what} holds {kind}; --series takes lists of numbers, or several columns of numbers")
    _check_channels(column, nested, what)
    if kind == KIND and all(_all_usable(chunk.flatten().flatten()) for chunk in column.chunks):
        made, lost = column, 0
    else:
        parts = [_rebuilt(chunk, nested) for chunk in column.chunks]
        made, lost = pa.chunked_array([part for part, _ in parts], KIND), sum(more for _, more in parts)
    if len(made) and not any(np.isfinite(chunk.flatten().flatten()).any() for chunk in made.chunks):
        raise _nothing(what)
    return made, said_of_lost(lost, what)


def _rebuilt(chunk: pa.Array, nested: bool) -> tuple[pa.Array, int]:
    """A chunk in the one form, whatever lists it was made of, and how many values float32 could not hold."""
    missing = np.asarray(chunk.is_null().to_numpy(zero_copy_only=False), bool)
    sizes, inner = _sizes(chunk), chunk.flatten()
    numbers = inner.flatten() if nested else inner
    if not pa.types.is_float32(numbers.type):
        numbers = numbers.cast(pa.float64(), safe=False)
    values, lost = _in_float32(numbers.to_numpy(zero_copy_only=False))
    lengths = _sizes(inner) if nested else sizes[~missing]
    return built(values, lengths, sizes if nested else (~missing).astype(np.int64), missing), lost


def built(values: np.ndarray, lengths: np.ndarray, channels: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    """The array of n items out of all their values.

    Parameters
    ----------
    values
        Float32, item after item, in each channel after channel.
    lengths
        Of each channel of each item, in the same order.
    channels
        ``(n,)`` how many channels each item has.
    missing
        ``(n,)`` bool, which items there is nothing of.
    """
    inner = pa.LargeListArray.from_arrays(pa.array(_offsets(lengths)), pa.array(values, pa.float32()))
    mask = pa.array(missing) if missing is not None and missing.any() else None
    return pa.LargeListArray.from_arrays(pa.array(_offsets(channels)), inner, mask=mask)


def interleaved(channels: Sequence[np.ndarray], lengths: np.ndarray) -> pa.Array:
    """The array of n items out of the values of each channel, item after item, and their lengths ``(n, channels)``."""
    starts = _offsets(lengths.ravel())[:-1].reshape(lengths.shape)
    made = np.empty(int(lengths.sum()), np.float32)
    for place, values in enumerate(channels):
        each = lengths[:, place]
        shift = starts[:, place] - _offsets(each)[:-1]
        made[np.arange(len(values)) + np.repeat(shift, each)] = values
    return built(made, lengths.ravel(), np.full(len(lengths), len(channels)))


def side_by_side(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """One column whose channels are columns of this room's form with one channel each."""
    flat, lengths = [], []
    for column in columns:
        items = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], KIND)
        each = np.zeros(len(items), np.int64)
        each[_sizes(items) > 0] = _sizes(items.flatten())
        lengths.append(each)
        flat.append(items.flatten().flatten().to_numpy(zero_copy_only=False))
    return pa.chunked_array([interleaved(flat, np.stack(lengths, axis=1))])


def values_of(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """``(n,)`` float32 of a column of numbers, NaN where one is missing, and how many float32 could not hold."""
    return _in_float32(column.cast(pa.float64(), safe=False).to_numpy())


def field(name: str, channels: Sequence[str] = ()) -> pa.Field:
    """The field of such a column, which carries the channels' names."""
    return pa.field(name, KIND, metadata={CHANNELS: json.dumps(list(channels)).encode()} if channels else None)


def channel_names(given: pa.Field, count: int) -> list[str]:
    """The names of the channels that a field carries; none where they are not `count` texts, since a file may say anything."""
    try:
        names = json.loads((given.metadata or {}).get(CHANNELS, b"[]"))
    except (ValueError, RecursionError):
        return []
    fits = isinstance(names, list) and len(names) == count and all(isinstance(name, str) for name in names)
    return names if fits else []


def channel_count(column: pa.ChunkedArray) -> int:
    """How many channels the items have."""
    return max((int(_sizes(chunk).max(initial=0)) for chunk in column.chunks), default=0)


def longest(column: pa.ChunkedArray) -> np.ndarray:
    """``(n,)`` how many values the longest channel of each item has."""
    made = []
    for chunk in column.chunks:
        sizes, inner = _sizes(chunk), _sizes(chunk.flatten())
        each = np.zeros(len(chunk), np.int64)
        if len(inner):
            each[sizes > 0] = np.maximum.reduceat(inner, _offsets(sizes)[:-1][sizes > 0])
        made.append(each)
    return np.concatenate(made) if made else np.zeros(0, np.int64)


def is_number(kind: pa.DataType) -> bool:
    """Whether the values of a column or list can be values of a time series."""
    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind) or kind == pa.null()
    )


def _from_text(column: pa.ChunkedArray, what: str) -> pa.ChunkedArray:
    first = next((value for chunk in column.chunks for value in chunk.slice(0, 200).drop_null().to_pylist()), "")
    if not first.replace(" ", "").startswith("[["):
        return vectors.from_text(column, what)
    made: list[Any] = []
    for row, value in enumerate(column.to_pylist()):
        try:
            made.append(None if value is None else [np.array(channel, np.float64) for channel in json.loads(value)])
            if made[-1] and any(channel.ndim != 1 for channel in made[-1]):
                raise ValueError(value)
        except (ValueError, TypeError, OverflowError, RecursionError) as problem:
            raise InputError(f"{what}: row {row + 1:,} is not a list of lists of numbers: {value[:40]!r}") from problem
    return pa.chunked_array([pa.array(made, pa.large_list(pa.large_list(pa.float64())))])


def _check_channels(column: pa.ChunkedArray, nested: bool, what: str) -> None:
    if not nested or not len(column):
        return
    counts = np.concatenate([_sizes(chunk) for chunk in column.chunks])
    most = int(np.bincount(counts[counts > 0]).argmax()) if counts.any() else 0
    odd = np.flatnonzero((counts > 0) & (counts != most))
    if len(odd):
        said = f"row {odd[0] + 1:,} has {counts[odd[0]]:,}, most have {most:,}"
        raise InputError(f"{what}: all time series must have as many channels, but {len(odd):,} of {len(counts):,} do not: {said}")


def _check_any(values: np.ndarray, what: str) -> None:
    if values.size and not np.isfinite(values).any():
        raise _nothing(what)


def _nothing(what: str) -> InputError:
    return InputError(f"{what} holds no number at all: every value is missing, NaN or infinite; check how it was made")


def _in_float32(values: np.ndarray) -> tuple[np.ndarray, int]:
    """A copy as float32, NaN for what is infinite or becomes so, and how many those are."""
    with np.errstate(over="ignore", invalid="ignore"):
        made = np.array(values, dtype=np.float32, order="C")
    infinite = np.isinf(made)
    made[infinite] = np.nan
    return made, int(infinite.sum())


def said_of_lost(lost: int, what: str) -> list[str]:
    """A note of how many values float32 could not hold."""
    return [f"{lost:,} values of {what} are infinite or too large, and count as missing"] if lost else []


def _all_usable(numbers: pa.Array) -> bool:
    return not numbers.null_count and not np.isinf(numbers.to_numpy(zero_copy_only=False)).any()


def _sizes(lists: pa.Array) -> np.ndarray:
    """``(n,)`` lengths of lists, 0 where there is none."""
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
