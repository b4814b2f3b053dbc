"""What a column is: a guess from its type and values, said aloud and easily overruled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

KINDS = ("number", "category", "text", "date", "flag", "id", "image", "vectors", "other")

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
SAMPLE = 2_000  # values looked at; a guess does not need them all
FEW = 50  # up to this many different short values are categories whatever the number of rows


def guess(column: pa.ChunkedArray) -> str:
    """The kind of a column, one of `KINDS`."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return "date"
    if pa.types.is_dictionary(kind):
        return "category"
    if _is_binary(kind) or _is_picture_struct(kind):
        return "image" if _looks_like_pictures(column) else "other"
    if _is_list(kind):
        value = kind.value_type
        return "vectors" if pa.types.is_floating(value) or pa.types.is_integer(value) else "other"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _guess_strings(column)
    return "other"


def _guess_strings(column: pa.ChunkedArray) -> str:
    sample = [value for value in column.slice(0, SAMPLE).drop_null().to_pylist() if value]
    if not sample:
        return "category"
    if sum(value.lower().endswith(PICTURE_ENDINGS) for value in sample) > len(sample) / 2:
        return "image"
    different = pc.count_distinct(column).as_py()
    length = float(np.mean([len(value) for value in sample]))
    words = float(np.mean([value.count(" ") for value in sample]))
    if different <= FEW and length < 60:
        return "category"
    if words >= 3 or (words >= 1 and different > len(column) / 2):
        return "text"
    if different == len(column):
        return "id"
    return "category" if different <= max(FEW, len(column) / 5) else "text"


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_picture_struct(kind: pa.DataType) -> bool:
    """Whether it is the Hugging Face form ``struct<bytes, path>``."""
    return bool(pa.types.is_struct(kind) and {"bytes", "path"} <= {field.name for field in kind})


_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")


def _looks_like_pictures(column: pa.ChunkedArray) -> bool:
    if pa.types.is_struct(column.type):
        return True
    sample = [value for value in column.slice(0, 50).drop_null().to_pylist() if value]
    return bool(sample) and sum(value.startswith(_SIGNATURES) for value in sample) > len(sample) / 2


def to_series(column: pa.ChunkedArray, kind: str) -> pd.Series:
    """A column as pandas keeps it best: numbers as float64 or int64, categories and text as objects with None where missing."""
    if kind == "number":
        return pd.Series(pd.to_numeric(column.to_pandas(), errors="coerce"))
    if kind in {"category", "text", "id"}:
        return pd.Series(np.array(column.to_pylist(), dtype=object))
    return pd.Series(column.to_pandas())
