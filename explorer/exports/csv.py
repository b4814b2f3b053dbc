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
import param

from explorer.exports.cells import check_unicode, is_missing, rows
from explorer.sources.spreadsheets import guarded
from explorer.step import Progress, Settings

ENDING = ".csv"
NAME = "CSV"
DOC = "A table of text that everything reads."
KIND = "table"
NEEDS = ""


class Options(Settings):
    """How the text is written."""

    method = ENDING

    for_spreadsheets = param.Boolean(
        False, doc="Put an apostrophe before text that a spreadsheet would run as a formula (= + - @). Without it every value is "
        "exactly as it is."
    )  # fmt: skip


def encode(frame: pd.DataFrame, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write a table as UTF-8.

    With `for_spreadsheets`, an apostrophe goes before text that a spreadsheet would run, and a byte order mark before everything,
    without which Excel takes the file for another encoding; the cells are then no longer exactly the values.

    Raises
    ------
    InputError
        For text with half a character (a lone surrogate).
    """
    check_unicode(frame, NAME)
    for_spreadsheets = options.settings()["for_spreadsheets"]
    text = io.TextIOWrapper(file, "utf-8-sig" if for_spreadsheets else "utf-8", newline="")
    cell = harmless if for_spreadsheets else quoted
    text.write(",".join(name if name.isidentifier() else cell(name) for name in map(str, frame)) + "\n")
    for chunk in rows(frame, cell, "", progress):
        text.writelines(",".join(row) + "\n" for row in chunk)
    text.flush()
    text.detach()


def quoted(value: object) -> str:
    """Text as a cell; nothing at all where it is missing."""
    return "" if is_missing(value) else '"' + str(value).replace('"', '""') + '"'


def harmless(value: object) -> str:
    """The same, with an apostrophe before what a spreadsheet would run."""
    return "" if is_missing(value) else quoted(guarded(str(value)))
