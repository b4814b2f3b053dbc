"""Numbers and dates that a table keeps as text: "1,234", "12 %", "€ 3,50", "31/12/2021"; all of a column's values, or none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

PEEK = 200  # values; most columns of names show in these that they are names
FEW = 10  # different values up to which plain numbers as text are codes of categories
MISSING = pa.array(["", "-", "–", "?", "NA", "N/A", "na", "n/a", "nan", "NaN", "null", "NULL", "None", "none"])
CURRENCY = r"[$€£¥₹]|USD|EUR|GBP|CHF"
PARTED = re.compile(rf"^[+-]?\s?({CURRENCY})?\s?[+-]?[0-9.,'’\u00a0\u202f ]*[0-9]\s?([^\s0-9.,+-]{{1,6}})?$")
SPACED = "[ '’\u00a0\u202f]"
WHOLE = "(0|[1-9][0-9]*)"  # no leading zeros: 007 is a name, not 7
# How numbers are written: the pattern of all of them, what parts their thousands, and their decimal sign.
SHAPES = (
    (rf"^[+-]?({WHOLE}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$", "", "."),
    (rf"^[+-]?({WHOLE}|[1-9][0-9]{{0,2}}(,[0-9]{{3}})+)(\.[0-9]+)?$", ",", "."),
    (rf"^[+-]?({WHOLE}|[1-9][0-9]{{0,2}}({SPACED}[0-9]{{3}})+)([.,][0-9]+)?$", SPACED, ","),
    (rf"^[+-]?({WHOLE}|[1-9][0-9]{{0,2}}(\.[0-9]{{3}})+)(,[0-9]+)?$", r"\.", ","),
)
_DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
DATES = ("ISO8601", *(day + hour for day in _DAYS for hour in ("", " %H:%M", " %H:%M:%S")))
LIKE_A_DATE = r"^([0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}|[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}|[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4})"


def numbers(values: pa.Array, *, plain: bool = True) -> np.ndarray | None:
    """``(k,)`` float64 of different texts, NaN where one says that there is none; None where not all others are numbers.

    They may have one sign of currency before them and one unit after them, the same throughout.

    Parameters
    ----------
    plain
        Whether whole numbers without anything about them count: where every item has its own, they are its number, not a measure.
    """
    text, missing = _trimmed(values)
    if missing is None:
        return None
    there = text.filter(pc.invert(missing))
    stripped = _stripped(there)
    if stripped is None:
        return None
    for pattern, group, decimal in SHAPES:
        if _all_match(stripped, pattern):
            unadorned = not group and stripped.equals(there) and not pc.any(pc.match_substring_regex(there, r"[.eE]")).as_py()
            if unadorned and (not plain or len(there) <= FEW):
                return None
            made = np.full(len(values), np.nan)
            made[~missing.to_numpy(zero_copy_only=False)] = _cast(stripped, group, decimal)
            return made
    return None


def dates(values: pa.Array) -> tuple[pd.Series, str] | None:
    """``(k,)`` moments without a zone of different texts, and how they are written; None where not all are dates.

    Where it could be either, the day stands before the month.
    """
    text, missing = _trimmed(values)
    if missing is None or not _all_match(text.filter(pc.invert(missing)), LIKE_A_DATE):
        return None
    listed = pd.Series(text.to_pylist(), dtype=object).where(~missing.to_numpy(zero_copy_only=False), None)
    for form in DATES:
        first = _parsed(listed.dropna().iloc[:1], form)
        if first is not None and (made := _parsed(listed, form)) is not None:
            return made, form
    return None


def peek(values: pa.ChunkedArray, *, plain: bool = True) -> bool:
    """Whether the first values of a column are numbers or dates as text."""
    few = pc.unique(values.slice(0, PEEK).drop_null())
    return numbers(few, plain=plain) is not None or dates(few) is not None


def _parsed(values: pd.Series, form: str) -> pd.Series | None:
    try:
        return pd.Series(pd.to_datetime(values, format=form, errors="raise", utc=True)).dt.tz_localize(None)
    except (ValueError, OverflowError):  # another form, or the 31st of February
        return None


def _trimmed(values: pa.Array) -> tuple[pa.Array, Any]:
    """The texts without blanks around them and which say that nothing is there; None for these where most do."""
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    missing = pc.is_in(text, MISSING)
    gone = pc.sum(missing).as_py() or 0
    return text, missing if len(text) - gone > 2 * gone and len(text) - gone >= 2 else None


def _stripped(text: pa.Array) -> pa.Array | None:
    """The numbers without the currency or unit that all have, or None."""
    if _all_match(text, SHAPES[0][0]):
        return text
    found = PARTED.match(text[0].as_py())
    if found is None:
        return None
    before, after = (re.escape(part or "") for part in found.groups())
    if not _all_match(text, rf"^[+-]?\s?{before}\s?[+-]?[.]?[0-9].*[0-9.]?\s?{after}$"):
        return None
    if before:
        text = pc.replace_substring_regex(text, rf"^([+-]?)\s?{before}\s?", r"\1")
    if after:
        text = pc.replace_substring_regex(text, rf"\s?{after}$", "")
    return text


def _cast(text: pa.Array, group: str, decimal: str) -> np.ndarray:
    if group:
        text = pc.replace_substring_regex(text, group, "")
    if decimal == ",":
        text = pc.replace_substring(text, ",", ".")
    return np.asarray(pc.cast(pc.utf8_ltrim(text, "+"), pa.float64()).to_numpy(zero_copy_only=False))


def _all_match(text: pa.Array, pattern: str) -> bool:
    """Whether every value matches; a few are looked at before all are."""
    few = text.slice(0, PEEK)
    if not len(few) or not pc.all(pc.match_substring_regex(few, pattern)).as_py():
        return False
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())


def form(pattern: str) -> str:
    """``%d/%m/%Y`` as day/month/year."""
    words = {"%d": "day", "%m": "month", "%b": "month", "%B": "month", "%Y": "year", " %H:%M:%S": "", " %H:%M": ""}
    for sign, word in words.items():
        pattern = pattern.replace(sign, word)
    return "year-month-day" if pattern == "ISO8601" else pattern
