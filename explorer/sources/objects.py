"""Any list of Python objects as one Arrow column: typed where the values agree, text where they are mixed, never a crash."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

# what pyarrow raises for values that do not agree, are too large, or cannot be written as UTF-8
DISAGREE = (pa.ArrowException, ValueError, TypeError, OverflowError, NotImplementedError, AttributeError, RecursionError)


def to_column(values: Sequence[Any]) -> pa.Array:
    """An Arrow array of those values; None and NaN are missing in columns that are not numbers."""
    values = [_plain(value) for value in values]
    try:
        made = pa.array(values, from_pandas=True)
    except DISAGREE:
        return to_text(values)
    if isinstance(made, pa.ChunkedArray):
        made = made.combine_chunks()
    if isinstance(made.type, pa.BaseExtensionType) or _silently_bytes(made.type, values):
        return to_text(values)
    if (pa.types.is_list(made.type) or pa.types.is_large_list(made.type)) and _number(made.type.value_type):
        return made.cast(pa.list_(pa.float64()), safe=False)  # so that [1, 2] and [1.5, 2] are the same column
    return made


def to_text(values: Sequence[Any]) -> pa.Array:
    """Each value in words; what is not a value stays missing."""
    return pa.array([None if _missing(value) else _words(value) for value in values], pa.string())


def clean(text: str) -> str:
    """The same text where it can be written as UTF-8; lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any) -> Any:
    if type(value).__module__.startswith("PIL."):  # pictures in a DataFrame or a list: kept as the bytes of a PNG
        buffer = io.BytesIO()
        value.convert("RGBA" if "A" in value.getbands() else "RGB").save(buffer, "PNG")
        return buffer.getvalue()
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biuf":
        return value.astype(np.float64)
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "biuf":
        return list(value.astype(np.float64))
    return value


def _words(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict | list):
        return clean(json.dumps(value, ensure_ascii=False, default=str, skipkeys=True))
    return clean(str(value))


def _missing(value: Any) -> bool:
    if value is None or type(value).__name__ in {"NaTType", "NAType"}:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _silently_bytes(kind: pa.DataType, values: Sequence[Any]) -> bool:
    """Whether text among bytes was turned into bytes."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind)) and any(isinstance(value, str) for value in values)


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))
