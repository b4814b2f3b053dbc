"""JSON lines: one object an item, where a missing value is null and everything else is itself."""

from __future__ import annotations

import json
from typing import BinaryIO

import pandas as pd

from explorer.exports.cells import chunks, is_missing, is_text
from explorer.step import Progress, Settings

ENDING = ".jsonl"
NAME = "JSON lines"
DOC = "One JSON object a line; no label is null."
KIND = "table"
NEEDS = ""


class Options(Settings):
    """There is nothing to choose."""

    method = ENDING


def encode(frame: pd.DataFrame, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write a table as UTF-8; half a character is escaped as JSON does it, and a number that JSON has not (infinity) is null."""
    keys = [json.dumps(str(name), ensure_ascii=False) + ": " for name in frame]
    kinds = ["text" if is_text(frame[name]) else frame[name].dtype.kind for name in frame]
    for columns in chunks(frame, text, "null", progress):
        cells = [_cells(key, kind, column) for key, kind, column in zip(keys, kinds, columns, strict=True)]
        lines = "".join("{" + ", ".join(row) + "}\n" for row in zip(*cells, strict=True))
        file.write(lines.encode("utf-8", "backslashreplace"))  # which writes a lone surrogate just as JSON escapes it


def _cells(key: str, kind: str, column: list[str]) -> list[str]:
    """A column's cells with its name before each: infinity is null, and what JSON has no form for (a date) is text."""
    if kind == "f":
        return [key + ("null" if cell in {"inf", "-inf", "nan"} else cell) for cell in column]
    if kind == "text" or kind in "iub":
        return [key + cell for cell in column]
    return [key + (cell if cell == "null" else json.dumps(cell)) for cell in column]


def text(value: object) -> str:
    """Text as JSON has it; null where it is missing."""
    if is_missing(value):
        return "null"
    return json.dumps(value if isinstance(value, int | float | bool) else str(value), ensure_ascii=False)
