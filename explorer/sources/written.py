"""What a column of written cells holds: numbers, yes or no, dates, vectors or text; nothing is changed that would not read back."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError
from explorer.sources import vectors

MISSING = pa.array(["NA", "N/A", "na", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None"])  # among numbers only; else it is text
WHOLE = r"^\s*[+-]?(0|[1-9][0-9]*)\s*$"  # no leading zeros: 007 is a name, not 7
PLAIN = r"^(0|-?[1-9][0-9]*)$"  # a whole number that is written back just so
NUMBER = r"^\s*[+-]?(((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[iI]nf|[iI]nfinity)\s*$"
FLAGS = r"^(true|True|TRUE|false|False|FALSE)$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?$"
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$"
PEEK = 100  # values; most columns of text show in these that they are text


def typed(column: pa.ChunkedArray, *, raw: bool = False, ids: bool = False) -> tuple[pa.ChunkedArray, str | None]:
    """The column by the type that all its values have, and its kind where that is known.

    `raw` columns (texts, paths) are left as they are written; so are `ids`, unless they are whole numbers.
    """
    if ids:
        return (_whole(column) if column.null_count < len(column) and _all_match(column, PLAIN) else None) or column, "id"
    if raw or column.null_count == len(column):
        return column, None
    for attempt in (_numbers, _flags, _dates):
        made = attempt(column)
        if made is not None:
            return made, None
    if vectors.written_as_text(column):
        try:
            return vectors.from_text(column, "column"), "vectors"
        except InputError:  # it began like lists of numbers, and was not
            return column, None
    return column, None


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    """Whether every value that is there matches; a few are looked at before all are."""
    few = column.slice(0, PEEK)
    if not pc.all(pc.match_substring_regex(few, pattern), min_count=0).as_py():
        return False
    return bool(pc.all(pc.match_substring_regex(column, pattern), min_count=0).as_py())


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    text = pc.if_else(pc.is_in(column, MISSING), pa.scalar(None, pa.string()), column)
    if text.null_count == len(text) or not _all_match(text, NUMBER):
        return None
    text = pc.utf8_ltrim(pc.utf8_trim_whitespace(text), "+")
    if _all_match(text, WHOLE):
        return _whole(text)
    return pc.cast(text, pa.float64())


def _whole(text: pa.ChunkedArray) -> pa.ChunkedArray | None:
    try:
        return pc.cast(text, pa.int64())
    except pa.ArrowInvalid:  # more digits than int64 has: as numbers they would lose the last ones
        return None


def _flags(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not _all_match(column, FLAGS):
        return None
    return pc.equal(pc.utf8_lower(column), "true")


def _dates(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    for pattern, kind in ((DATE, pa.timestamp("us")), (MOMENT, pa.timestamp("us", "UTC"))):
        if _all_match(column, pattern):
            try:
                return pc.cast(column, kind)
            except pa.ArrowInvalid:  # the 31st of February
                return None
    return None
