"""JSON lines: one object an item, where a missing value is null and everything else is itself."""

from __future__ import annotations

import json
from typing import BinaryIO

import pandas as pd

from explorer.exports.cells import is_missing, is_text, rows
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
    plain = [is_text(frame[name]) or frame[name].dtype.kind in "iufb" for name in frame]  # the others (dates) are written as text
    for chunk in rows(frame, text, "null", progress):
        for row in chunk:
            cells = (cell if known else _other(cell) for cell, known in zip(row, plain, strict=True))
            line = "{" + ", ".join(key + _finite(cell) for key, cell in zip(keys, cells, strict=True)) + "}\n"
            file.write(line.encode("utf-8", "backslashreplace"))  # which writes a lone surrogate just as JSON escapes it


def text(value: object) -> str:
    """Text as JSON has it; null where it is missing."""
    if is_missing(value):
        return "null"
    return json.dumps(value if isinstance(value, int | float | bool) else str(value), ensure_ascii=False)


def _finite(cell: str) -> str:
    return "null" if cell in {"inf", "-inf", "nan"} else cell


def _other(cell: str) -> str:
    return cell if cell == "null" else json.dumps(cell)
