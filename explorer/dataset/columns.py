"""What a column is: a guess from its type and values, said aloud and easily overruled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

KINDS = ("number", "category", "text", "date", "flag", "id", "image", "series", "audio", "vectors", "other")

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
FILES = {"image": PICTURE_ENDINGS, "audio": SOUND_ENDINGS}
SAMPLE = 2_000  # values looked at; a guess does not need them all
COUNTED = 1_000_000  # values among which the different ones are counted
ROW_NAMES = ("id", "index", "unnamed: 0", "column 1", "row", "nr", "no", "number", "#")
FEW = 50  # up to this many different short values are categories whatever the number of rows


def guess(column: pa.ChunkedArray) -> str:
    """The kind of a column, one of `KINDS`."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "date"
    if pa.types.is_dictionary(kind):
        return "category"
    if is_binary(kind) or is_picture_struct(kind):
        return _held(column) or "other"
    if is_list(kind):
        value = kind.value_type
        if is_series(kind):
            return "series"
        return "vectors" if pa.types.is_floating(value) or pa.types.is_integer(value) else "other"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return guess_strings(column)
    return "other"


def guess_strings(column: pa.ChunkedArray, *, files: bool = True) -> str:
    """The kind of a column of strings; `files=False` where they are known not to lead to pictures or sounds."""
    sample = [value for value in column.slice(0, SAMPLE).drop_null().to_pylist() if value]
    if not sample:
        return "category"
    for kind, endings in FILES.items():
        if files and sum(_is_path(value, endings) for value in sample) > len(sample) / 2:
            return kind
    column = column.slice(0, COUNTED)
    wordy = sum(any(map(str.isalpha, value)) for value in sample) > len(sample) / 2  # dates and phone numbers are no text
    present, different = len(column) - column.null_count, pc.count_distinct(column).as_py()
    length = float(np.mean([len(value) for value in sample]))
    words = float(np.mean([_breaks(value) for value in sample]))
    if different <= FEW and length < 60 and different < present:
        return "category"
    if wordy and (words >= 3 or (words >= 1 and different > present / 2)):
        return "text"
    if different == present:
        return "id"
    return "category" if different <= max(FEW, present / 5) or not wordy else "text"


def _is_path(value: str, endings: tuple[str, ...]) -> bool:
    """Whether it ends like a file of a kind; an address is no path, since nothing is fetched."""
    return value.lower().endswith(endings) and "://" not in value[:12]


def _breaks(value: str) -> float:
    """How many gaps between words; scripts that write none (Chinese, Japanese, Thai) count two letters as a word."""
    spaces = value.count(" ")
    return spaces if value.isascii() else max(spaces, sum(letter >= "\u0e00" for letter in value) / 2 - 1)


def numbers_rows(name: str, column: pa.ChunkedArray) -> bool:
    """Whether it is a row number by name (``PassengerId``, ``Unnamed: 0``) and values (0, 1, 2, …): it says nothing of its item."""
    n = len(column)
    if not pa.types.is_integer(column.type) or n < 3 or column.null_count or not name.lower().endswith(ROW_NAMES):
        return False
    if column[0].as_py() not in (0, 1) or column[n - 1].as_py() != column[0].as_py() + n - 1:
        return False
    return bool((np.diff(column.to_numpy().astype(np.int64)) == 1).all())


def is_binary(kind: pa.DataType) -> bool:
    """Whether the values are bytes."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def is_list(kind: pa.DataType) -> bool:
    """Whether the values are lists, of the same length or not."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_series(kind: pa.DataType) -> bool:
    """Whether the values are lists of lists of numbers: the channels of a time series."""
    return is_list(kind) and is_list(kind.value_type) and not is_list(kind.value_type.value_type)


def is_picture_struct(kind: pa.DataType) -> bool:
    """Whether it is the Hugging Face form ``struct<bytes, path>``."""
    return bool(pa.types.is_struct(kind) and {"bytes", "path"} <= {field.name for field in kind})


_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_SOUNDS = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_CONTAINERS = {(b"RIFF", b"WEBP"): "image", (b"RIFF", b"WAVE"): "audio", (b"FORM", b"AIFF"): "audio", (b"FORM", b"AIFC"): "audio"}


def _held(column: pa.ChunkedArray) -> str | None:
    """Whether a column's bytes (or paths, where there are no bytes) are of pictures or of sounds, for the most part."""
    sample = [value for value in column.slice(0, 50).drop_null().to_pylist() if value]
    if pa.types.is_struct(column.type):
        sample = [held for value in sample if (held := value.get("bytes") or value.get("path"))]
    found = [_kind_of_path(value) if isinstance(value, str) else _kind_of_bytes(value) for value in sample]
    kind = max(FILES, key=found.count)
    if found.count(kind) > len(found) / 2:
        return kind
    return "image" if found and pa.types.is_struct(column.type) else None  # that form is for pictures, as a rule


def _kind_of_bytes(value: bytes) -> str | None:
    if value.startswith(_PICTURES):
        return "image"
    return "audio" if value.startswith(_SOUNDS) else _CONTAINERS.get((value[:4], value[8:12]))


def _kind_of_path(value: str) -> str | None:
    return next((kind for kind, endings in FILES.items() if _is_path(value, endings)), None)


def to_series(column: pa.ChunkedArray, kind: str) -> pd.Series:
    """A column as pandas keeps it best: numbers as float64 or int64, categories and text as objects with None where missing."""
    if kind == "number":
        return pd.Series(pd.to_numeric(column.to_pandas(), errors="coerce"))
    if kind in {"category", "text", "id"}:
        return pd.Series(column.to_pylist(), dtype=object)  # asked for, since pandas 3 would make text of them, and NaN of None
    return pd.Series(column.to_pandas())
