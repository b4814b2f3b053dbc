"""Where a number or a date lies: round edges for bars, what is beyond them, and the ends of a rule that is a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.selection import All, Rule, Where

BARS = 36  # at most, along one axis
SAMPLE = 200_000  # values looked at for what is far out
FAR = 3  # times wider than the middle 98 %: then the axis ends where these do
EXACT = 2**53  # beyond it a float64 does not hold every whole number
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000  # milliseconds
_SECONDS = (0.001, 0.01, 0.1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800)
_TIMES = (*(round(one * SECOND) for one in _SECONDS), *(hours * HOUR for hours in (1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24)))
_MONTHS = (1, 2, 3, 6)
_MONDAY = 4 * DAY  # 1970 began on a Thursday
_YEAR_0 = 1970 * 12  # months before 1970


@dataclass(frozen=True, eq=False)
class Cuts:
    """An axis: `edges` ``(bars + 1,)`` as they are said, `exact` as the values' own type holds them."""

    edges: np.ndarray
    exact: np.ndarray
    whole: bool
    beyond: tuple[bool, bool]


def of_numbers(values: pd.Series) -> tuple[np.ndarray, Cuts]:
    """``(n,)`` float64 with NaN where missing, and their axis."""
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    low, high, beyond = _extent(numbers)
    whole = low > -EXACT and high < EXACT and (pd.api.types.is_integer_dtype(values.dtype) or _all_whole(numbers))
    edges = _steps(low, high, whole=whole)
    kind = values.dtype if values.dtype in (np.float16, np.float32) else np.dtype(np.float64)
    with np.errstate(over="ignore"):
        exact = edges.astype(kind).astype(np.float64)  # a rule compares in the column's own type, so the bars do too
    return numbers, Cuts(edges, exact, whole, beyond)


def of_dates(column: pa.ChunkedArray) -> tuple[np.ndarray, Cuts]:
    """``(n,)`` float64 milliseconds since 1970 in UTC with NaN where missing, and their axis."""
    days = pa.types.is_date(column.type)
    missing = column.is_null().combine_chunks().to_numpy(zero_copy_only=False)
    raw = pc.fill_null(column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int64()), 0).combine_chunks().to_numpy()
    numbers = _milliseconds(raw.astype(np.int64), column.type)
    numbers[missing] = np.nan
    low, high, beyond = _extent(numbers)
    edges = _date_steps(low, high, days=days)
    return numbers, Cuts(edges, edges, days, beyond)


def _all_whole(numbers: np.ndarray) -> bool:
    for part in (numbers[:1_000], numbers):  # most columns say so at once
        known = part[np.isfinite(part)]
        if not (np.floor(known) == known).all():
            return False
    return True


def _milliseconds(raw: np.ndarray, kind: pa.DataType) -> np.ndarray:
    if pa.types.is_date32(kind):
        return raw.astype(np.float64) * DAY
    if pa.types.is_date64(kind):
        return raw.astype(np.float64)
    if kind.unit == "s":
        return raw.astype(np.float64) * SECOND
    return (raw // {"ms": 1, "us": 1_000, "ns": 1_000_000}[kind.unit]).astype(np.float64)


def _extent(numbers: np.ndarray) -> tuple[float, float, tuple[bool, bool]]:
    """Where the axis ends, and whether values lie beyond either end."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return 0.0, 0.0, (False, False)
    low, high = float(known.min()), float(known.max())
    if len(known) >= 10:
        inner_low, inner_high = np.percentile(known[:: max(1, len(known) // SAMPLE)], [1, 99])
        spread = inner_high / 2 - inner_low / 2  # halves: the whole may be more than a float holds
        if 0 < spread < (high / 2 - low / 2) / FAR:
            low, high = max(low, float(inner_low - spread / 4)), min(high, float(inner_high + spread / 4))
    return low, high, (bool(np.nanmin(numbers) < low), bool(np.nanmax(numbers) > high))


def _steps(low: float, high: float, *, whole: bool) -> np.ndarray:
    """Round edges around ``low..high``: multiples of 1, 2 or 5 times a power of ten."""
    least = high / BARS - low / BARS
    if whole:
        least = max(1.0, (high + 1 - low) / BARS)
    if not least > 0 or (low == high and not whole):
        return np.array([low, low])
    if whole and low == high:
        return np.array([low, low + 1])
    power = int(np.floor(np.log10(least)))
    if power < -300:
        return np.unique(np.linspace(low, high, BARS + 1)) if low < high else np.array([low, high])
    factor, power = next((f, p) for p in (power - 1, power, power + 1) for f in (1, 2, 5) if _times(f, p) >= least * (1 - 1e-12))
    step = _times(factor, power)
    places = np.arange(np.floor(low / step), np.floor(high / step) + 2)
    if len(places) > 2 and not whole and places[-2] * step >= high:
        places = places[:-1]  # the last bar holds its end
    largest = np.finfo(np.float64).max
    with np.errstate(over="ignore"):
        edges = places * (factor * 10.0**power) if power >= 0 else places * factor / 10.0**-power
    edges = np.unique(np.clip(edges, -largest, largest))
    return edges if len(edges) > 1 else np.array([low, high])


def _times(factor: int, power: int) -> float:
    return factor * 10.0**power if power >= 0 else factor / 10.0**-power


def _date_steps(low: float, high: float, *, days: bool) -> np.ndarray:
    if low == high:
        return np.array([low, low + DAY]) if days else np.array([low, low])
    least = (high - low) / (BARS - 1)
    step = next((step for step in _TIMES if step >= max(least, DAY if days else 0)), None)
    if step is not None:
        origin = _MONDAY if step in (7 * DAY, 14 * DAY) else 0
        return np.arange(np.floor((low - origin) / step), np.floor((high - origin) / step) + 2) * step + origin
    first, last = (int(np.datetime64(int(end), "ms").astype("datetime64[M]").astype(np.int64)) + _YEAR_0 for end in (low, high))
    years = (12 * factor * 10**power for power in range(10) for factor in (1, 2, 5))
    months = next(count for count in (*_MONTHS, *years) if count >= (last - first) / (BARS - 2))
    places = np.arange(first // months, last // months + 2) * months - _YEAR_0
    return places.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64).astype(np.float64)


def moment(number: float, zone: str, *, whole: bool = False) -> str:
    """Milliseconds as the text that a date compares with: ``2020-03-01``, or with the time where it has one."""
    stamp = np.datetime64(int(number), "ms")
    if whole or (number % DAY == 0 and not zone):
        return str(stamp.astype("datetime64[D]"))
    return f"{stamp.astype('datetime64[s]') if number % SECOND == 0 else stamp}{zone}"


def number(end: Any, *, dates: bool) -> float | None:
    """An end of a range as a number along the axis; None where it is neither."""
    try:
        if dates:
            stamp = pd.Timestamp(end)
            local = stamp.tz_convert(None) if stamp.tzinfo else stamp
            return float(local.to_datetime64().astype("datetime64[ms]").astype(np.int64))
        return float(end)
    except (TypeError, ValueError, OverflowError):
        return None


def ends(rule: Rule | None, column: str) -> tuple[tuple[str, Any] | None, tuple[str, Any] | None] | None:
    """The lower and the upper end of a rule as ``(operator, value)``; None for a rule that is no range of the column."""
    parts = rule.parts if isinstance(rule, All) else (rule,)
    low = high = None
    for part in parts:
        if not isinstance(part, Where) or part.column != column or part.op not in {"<", "<=", ">", ">="}:
            return None
        if part.op in {">", ">="}:
            low = (part.op, part.value)
        else:
            high = (part.op, part.value)
    return (low, high) if parts else None


def texts(edges: np.ndarray, *, dates: bool) -> list[str]:
    """Edges as people read them, all to the same precision."""
    if dates:
        stamps = edges.astype(np.int64).astype("datetime64[ms]")
        unit = "D" if (edges % DAY == 0).all() else "m" if (edges % (60 * SECOND) == 0).all() else "ms"
        return [str(stamp).replace("T", " ") for stamp in stamps.astype(f"datetime64[{unit}]")]
    return [text_of(float(edge)) for edge in edges]


def text_of(value: float) -> str:
    """A number in few letters."""
    if value == 0:
        return "0"
    return f"{value:,.10g}" if 1e-4 <= abs(value) < 1e9 else f"{value:.4g}"


__all__ = ["BARS", "DAY", "Cuts", "ends", "moment", "number", "of_dates", "of_numbers", "text_of", "texts"]
