"""Arrays: .npy and .npz files, numpy arrays, and dicts of arrays; never unpickled, never larger than they said."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.errors import InputError, listed, unknown
from explorer.sources.found import Found
from explorer.sources.frames import column, known_kind
from explorer.sources.objects import to_column, to_text
from explorer.sources.options import Options, tidy_name
from explorer.sources.shapes import is_cube
from explorer.sources.vectors import VECTORS, choose
from explorer.sources.wide import spelled_out

MOST_BYTES = 4 << 30  # unpacked, of a whole .npz; a .npy is as large as it is
LAST_LETTER = 0x10FFFF  # of Unicode
DAMAGED = (
    OSError, EOFError, ValueError, TypeError, LookupError, SyntaxError, OverflowError, MemoryError, RecursionError, RuntimeError,
    NotImplementedError, AttributeError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_npy(path: Path, options: Options) -> Found:
    """A .npy file with an array of shape ``(n, d)``, or of time series of shape ``(n, channels, t)``.

    Raises
    ------
    InputError
        When it holds anything else, is damaged, or is not as long as its header says.
    """
    with open(path, "rb") as file:
        array = _array(file, path.stat().st_size, path.name)
    return from_array(array, path.name)


def from_array(array: np.ndarray, name: str = "array") -> Found:
    """An array of shape ``(n, d)``: n items, and their vectors; or of ``(n, channels, t)``: their time series."""
    return Found(name, pa.table({}), arrays={VECTORS: array})


def read_npz(path: Path, options: Options) -> Found:
    """A .npz file: one array ``(n, d)`` is the vectors, one ``(n, channels, t)`` the time series, others of length n are columns.

    Raises
    ------
    InputError
        As for .npy, and when several arrays could be the vectors and none was named.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _members(archive, path.name)
    except InputError:
        raise
    except DAMAGED as problem:
        raise InputError(f"{path.name} is no .npz file, or is cut off or damaged ({_short(problem)}): write it again") from problem
    return from_arrays(arrays, options, path.name, path.parent)


def _members(archive: zipfile.ZipFile, source: str) -> dict[str, np.ndarray]:
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    if not members:
        raise InputError(f"{source} holds no arrays; write it with numpy.savez")
    size = sum(member.file_size for member in members)
    if size > MOST_BYTES:
        raise InputError(f"{source} unpacks to {size / 2**30:,.1f} GiB; at most {MOST_BYTES >> 30} are read: write it as .npy")
    arrays: dict[str, np.ndarray] = {}
    for member in members:
        key = tidy_name(member.filename.removesuffix(".npy"))
        if key in arrays:
            raise InputError(f"{source} holds two arrays called {key!r}: rename one")
        with archive.open(member) as file:
            arrays[key] = _array(file, member.file_size, f"{source}: {key!r}")
    return arrays


def _array(file: IO[bytes], size: int, what: str) -> np.ndarray:
    """The array in an open file of `size` bytes, once its header was seen to declare exactly that much."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_column, dtype = read(file)
        if dtype.hasobject:
            raise InputError(f"{what} holds Python objects (a pickle), which could run code and is never opened: save plain arrays")
        expected, left = math.prod(shape) * dtype.itemsize, size - file.tell()
        if expected != left or min(shape, default=0) < 0:
            says = f"its header says {shape} of {dtype} ({expected:,} bytes), but {left:,} bytes follow"
            raise InputError(f"{what} is damaged: {says}: write it again")
        data = file.read(expected)
        return np.frombuffer(data, dtype).reshape(shape, order="F" if by_column else "C")
    except InputError:
        raise
    except DAMAGED as problem:
        raise InputError(f"{what} is no numpy array, or is cut off or damaged ({_short(problem)}): write it again") from problem


def from_mapping(given: Mapping[Any, Any], options: Options) -> Found:
    """A dict of arrays or lists, read as the arrays of a .npz file are."""
    return from_arrays({tidy_name(key): as_array(value) for key, value in given.items()}, options, "dict", None)


def as_array(value: Any) -> np.ndarray:
    """An array of anything; lists of different lengths or kinds become an array of objects."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list | tuple) and any(isinstance(item, str) or item is None for item in value):
        return _objects(value)  # numpy would turn [1, "a"] into text, and None into an object anyway
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        return _objects(value)


def _objects(value: Any) -> np.ndarray:
    items = list(value)
    made = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        made[place] = item
    return made


def from_arrays(arrays: dict[str, np.ndarray], options: Options, name: str, root: Path | None) -> Found:
    """The vectors, the time series, the layout that was asked for, and every other array of the same length as a column.

    Raises
    ------
    InputError
        When several arrays could be the vectors and none was named, or no array fits.
    """
    if not arrays:
        raise InputError(f"{name} holds no arrays: give at least one of shape (n, d)")
    options = replace(options, series=spelled_out(options.series, list(arrays), name))
    for asked in (options.vectors, *options.layout, *options.series):
        if asked and asked not in arrays:
            raise unknown(f"array of {name}", asked, arrays)
    key = _vectors(arrays, options, name)
    series = _series(arrays, options, key)
    main = key or next(iter(series), None)
    n = len(arrays[main]) if main and arrays[main].ndim else _usual_length(arrays, name)
    beside = series | {each: arrays[each] for each in options.layout if arrays[each].ndim != 1}
    if key:
        beside = {key: arrays[key], **beside}  # even where it has another shape: what is wrong with it is said there
    columns = {each: array for each, array in arrays.items() if each not in beside and _is_column(array, n)}
    kinds = {each: kind for each, array in columns.items() if (kind := known_kind(array.dtype))}
    table = pa.table({each: _cells(array, f"{name}: {each!r}") for each, array in columns.items()})
    notes = [
        f"the array {each!r} of shape {array.shape} was left out: no vectors, no time series and no column of {n:,} values"
        for each, array in arrays.items()
        if each not in columns and each not in beside
    ]
    return Found(name, table, arrays=beside, kinds=kinds, root=root, notes=notes)


def _vectors(arrays: dict[str, np.ndarray], options: Options, name: str) -> str | None:
    """Which array is the vectors; none where the features are to come from columns."""
    if options.columns and not options.vectors:
        return None
    taken = (*options.layout, *options.series)
    fits = [key for key, array in arrays.items() if array.ndim == 2 and array.dtype.kind in "biufc" and key not in taken]
    return choose(fits, options.vectors, name)


def _series(arrays: dict[str, np.ndarray], options: Options, vectors: str | None) -> dict[str, np.ndarray]:
    """The arrays that are time series: those that were named, else the one ``(n, channels, t)``, unless columns were named."""
    if options.series:
        return {each: arrays[each] for each in options.series if each in arrays and arrays[each].ndim != 1}
    n = len(arrays[vectors]) if vectors and arrays[vectors].ndim else None
    taken = {vectors, *options.layout}
    cubes = [each for each, array in arrays.items() if is_cube(array) and each not in taken and n in (None, len(array))]
    if options.columns or (vectors and len(cubes) > 1):
        return {}
    if len(cubes) > 1:
        raise InputError(f"there are {len(cubes)} arrays of time series ({listed(cubes, 12)}): name one with --series")
    return {each: arrays[each] for each in cubes}


def _is_column(array: np.ndarray, n: int) -> bool:
    return array.shape == (n,) and array.dtype.kind != "V"


def _usual_length(arrays: dict[str, np.ndarray], name: str) -> int:
    lengths = Counter(len(array) for array in arrays.values() if array.ndim == 1)
    if not lengths:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in list(arrays.items())[:8])
        raise InputError(f"{name} holds no array of numbers of shape (n, d) and no column: it holds {shapes}")
    return lengths.most_common(1)[0][0]


def _cells(array: np.ndarray, what: str) -> pa.Array | pa.ChunkedArray:
    """A column; bytes are read as text, longer floats as float64."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "U" and _last_letter(array) > LAST_LETTER:
        raise InputError(f"{what} is damaged: it holds letters that do not exist: write it again")  # to Python, an internal error
    if array.dtype.kind in "US":
        return to_text(array.tolist())
    if array.dtype.hasobject:
        return to_column(array.tolist())  # not by way of pandas, which would read meaning into them
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    try:
        return column(pd.Series(array))
    except (ValueError, TypeError, OverflowError):  # dates and time spans beyond what pandas can hold
        return to_text(array.astype(str).tolist())


def _last_letter(array: np.ndarray) -> int:
    return int(np.ascontiguousarray(array).view(np.uint32).max(initial=0)) if array.dtype.itemsize else 0


def _short(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:120]
