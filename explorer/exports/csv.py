r"""CSV: text stands in quotes, numbers do not, and an empty cell without quotes is a missing value.

So the empty label (``""``) and no label (nothing) differ, and `NA`, `None` or `007` are told from a missing value or a number by
any reader that looks at the quotes. Rows end with ``\n``; quotes are doubled; commas, ``\n`` and a bare ``\r`` are quoted.
Read it back

- with ``pyarrow.csv``, ``ConvertOptions(null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)`` and
  ``ParseOptions(newlines_in_values=True)``: everything comes back;
- with ``explorer.read(path)``, with ``csv.reader(open(path, newline=""))``, or with ``pandas.read_csv(path, keep_default_na=False,
  na_values=dict.fromkeys(["x", "y", "cluster", "probability"], [""]), dtype={"id": str, "label": str, "cluster": "Int64"})``
  (without ``"id": str`` where ids are numbers): everything but the difference between no label and the empty one. Without those
  options pandas takes the label `NA` for missing.

Parquet and JSON lines need no such care.
"""

from __future__ import annotations

import io
from typing import BinaryIO

import pandas as pd

from explorer.exports.cells import check_unicode, is_missing, rows

ENDING = ".csv"
NAME = "CSV"
DOC = "A table of text that everything reads."

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what makes a spreadsheet take a cell for a formula


def encode(frame: pd.DataFrame, file: BinaryIO, *, for_spreadsheets: bool = False) -> None:
    """Write a table as UTF-8.

    With `for_spreadsheets`, an apostrophe goes before text that a spreadsheet would run, and a byte order mark before everything,
    without which Excel takes the file for another encoding; the cells are then no longer exactly the values.

    Raises
    ------
    InputError
        For text with half a character (a lone surrogate).
    """
    check_unicode(frame, NAME)
    text = io.TextIOWrapper(file, "utf-8-sig" if for_spreadsheets else "utf-8", newline="")
    cell = harmless if for_spreadsheets else quoted
    text.write(",".join(name if name.isidentifier() else cell(name) for name in map(str, frame)) + "\n")
    for chunk in rows(frame, cell, missing=""):
        text.writelines(",".join(row) + "\n" for row in chunk)
    text.flush()
    text.detach()


def quoted(value: object) -> str:
    """Text as a cell; nothing at all where it is missing."""
    return "" if is_missing(value) else '"' + str(value).replace('"', '""') + '"'


def harmless(value: object) -> str:
    """The same, with an apostrophe before what a spreadsheet would run; it skips spaces, so they do not hide anything."""
    if is_missing(value):
        return ""
    text = str(value)
    return quoted("'" + text if text.startswith(RUNS) or text.lstrip().startswith(RUNS) else text)
