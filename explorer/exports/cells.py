"""A column's values as text, exactly: what is read back from it is what was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from explorer.errors import InputError
from explorer.step import Progress

CHUNK = 100_000  # rows that are text at one time


def is_text(values: pd.Series) -> bool:
    """Whether a column holds text (ids, labels) and not numbers."""
    return values.dtype == object or isinstance(values.dtype, pd.StringDtype)


def numbers(values: pd.Series, missing: str) -> list[str]:
    """Numbers, flags and dates; a float32 by the fewest digits that give the same float32 back."""
    known = values.notna().to_numpy(bool)
    present = values[known].to_numpy()
    written = np.where(present, "true", "false") if present.dtype.kind == "b" else present.astype(str)
    cells = np.full(len(values), missing, dtype=object)
    cells[known] = written.astype(object)
    return cells.tolist()


def rows(
    frame: pd.DataFrame, text: Callable[[object], str], missing: str, progress: Progress
) -> Iterator[Iterator[tuple[str, ...]]]:
    """The cells of every row, in chunks; `text` writes one text value, None included."""
    for columns in chunks(frame, text, missing, progress):
        yield zip(*columns, strict=True)


def chunks(frame: pd.DataFrame, text: Callable[[object], str], missing: str, progress: Progress) -> Iterator[list[list[str]]]:
    """The cells of every column, some rows at a time."""
    known: dict[object, str] = {}  # labels, names and rules are the same few texts in very many rows
    for start in range(0, len(frame), CHUNK):
        progress(start / len(frame), "writing rows")
        part = frame.iloc[start : start + CHUNK]
        yield [_texts(part[name].tolist(), text, known) if is_text(part[name]) else numbers(part[name], missing) for name in part]
        known.clear()


def _texts(values: list[object], text: Callable[[object], str], known: dict[object, str]) -> list[str]:
    cells = []
    for value in values:
        if type(value) is not str and value is not None:
            cells.append(text(value))
            continue
        if (cell := known.get(value)) is None:
            cell = known[value] = text(value)
        cells.append(cell)
    return cells


def is_missing(value: object) -> bool:
    """Whether a text cell holds nothing: None or NaN; the empty text is something."""
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def check_unicode(frame: pd.DataFrame, name: str) -> None:
    """Raise an InputError for text with half a character, which UTF-8 has no bytes for."""
    for column in frame:
        for value in frame[column].tolist() if is_text(frame[column]) else ():
            try:
                str(value).encode()
            except UnicodeEncodeError:
                raise InputError(
                    f"the {column} {value!a} holds half a character, which {name} cannot hold; rename it, or export .jsonl"
                ) from None
