"""The plain columns of a table to vectors: numbers, categories, dates and flags on one scale, whatever is missing."""

from __future__ import annotations

import datetime
import zlib
from typing import Any

import numpy as np
import pandas as pd
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, listed, unknown
from explorer.features.base import PLAIN, Extractor
from explorer.step import Output, Progress


class Columns(Extractor):
    """The numbers, categories, dates and flags of a table, put on one scale.

    Numbers are centred at their median and divided by their interquartile range, so that a few extreme values do not rule
    (scikit-learn's ``RobustScaler``); categories become one column of 0 and 1 each.
    """

    method = "columns"
    needs = "columns"
    packages = ("pandas", "pyarrow")

    columns = param.List(
        default=[], item_type=str, doc="The columns used; if none is named, all numbers, categories, dates and flags."
    )
    max_categories = param.Integer(
        50, bounds=(2, 4096), softbounds=(2, 200), precedence=1,
        doc="A column of more categories than this is hashed into so many columns: some then share one.",
    )  # fmt: skip
    clip = param.Number(
        10.0, bounds=(1.0, 1e6), softbounds=(1.0, 100.0), precedence=1,
        doc="Numbers further from the median than so many interquartile ranges count as if they were there.",
    )  # fmt: skip

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32 without missing values.

        Raises
        ------
        InputError
            For a column that is not there or of a kind that cannot be used, or when all are constant.
        """
        names = self._chosen(data)
        notes: list[str] = []
        blocks, constant = [], []
        for done, name in enumerate(names):
            progress(done / len(names), f"column {name}")
            made = self._encode(name, data.column(name), data.kinds[name], notes)
            varying = made[:, (made != made[:1]).any(axis=0)]
            if varying.shape[1]:
                blocks.append(varying)
            else:
                constant.append(name)
        if constant:
            notes.append(f"left out because every item has the same value: {listed(constant)}")
        if not blocks:
            raise InputError(f"{data.name}: every item has the same value in {listed(names)}; name columns that vary")
        return Output(np.concatenate(blocks, axis=1), notes=tuple(notes))

    def _chosen(self, data: Dataset) -> list[str]:
        usable = data.of_kind(*PLAIN)
        for name in self.columns:
            if name not in data.kinds:
                raise unknown("column", name, usable)
            if name not in usable:
                kind = data.kinds[name]
                raise InputError(f"the column {name!r} is of kind {kind}; {', '.join(PLAIN)} can be used: {listed(usable, 12)}")
        return list(dict.fromkeys(self.columns)) or usable

    def _encode(self, name: str, column: pd.Series, kind: str, notes: list[str]) -> np.ndarray:
        """``(n, k)`` float32 of one column, nothing missing."""
        if kind == "category":
            return self._categories(name, column, notes)
        if kind == "date":
            return self._dates(name, column, notes)
        if kind == "flag":
            return self._flags(name, column, notes)
        return self._numbers(name, column.to_numpy(dtype=np.float64, na_value=np.nan), notes)[:, None]

    def _numbers(self, name: str, values: np.ndarray, notes: list[str]) -> np.ndarray:
        """``(n,)``: the median is 0, the interquartile range 1; where that range is 0, the standard deviation 1."""
        known = np.isfinite(values)
        if not known.any():
            return np.zeros(len(values), dtype=np.float32)
        # To at most 1 first, or differences and squares of numbers like 1e308 overflow; what a scale does is undone by the next.
        largest = np.abs(values[known]).max()
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            values = np.where(known, values, 0.0) / (largest or 1.0)
            low, middle, high = np.percentile(values[known], (25, 50, 75))
            spread = high - low or values[known].std()
            scaled = (np.where(known, values, middle) - middle) / (spread or 1.0)
        _say(notes, name, int((~known).sum()), "filled with the median")
        beyond = int((np.abs(scaled) > self.clip).sum())
        if beyond:
            were = "value was" if beyond == 1 else "values were"
            notes.append(f"{name}: {beyond:,} extreme {were} moved to {self.clip:g} interquartile ranges from the median")
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)

    def _categories(self, name: str, column: pd.Series, notes: list[str]) -> np.ndarray:
        """``(n, k)`` of 0 and 1: a column for each category and one for missing, or `max_categories` columns that share them."""
        codes, found = pd.factorize(np.asarray(column, dtype=object), use_na_sentinel=True)
        width = len(found)
        if width > self.max_categories:
            width = self.max_categories
            notes.append(f"{name}: {len(found):,} categories share {width:,} columns; max_categories={len(found)} keeps them apart")
            # crc32 and not hash(): the same in every process
            places = np.array([zlib.crc32(str(value).encode("utf-8", "surrogatepass")) % width for value in found])
        else:
            places = np.argsort(np.argsort(np.array([str(value) for value in found], dtype=object), kind="stable"), kind="stable")
        missing = codes < 0
        _say(notes, name, int(missing.sum()), "made a category of their own")
        made = np.zeros((len(codes), width + int(missing.any())), dtype=np.float32)
        place = np.append(places, width)[codes].astype(np.int64)  # code -1, missing, finds the last
        made[np.arange(len(codes)), place] = 1.0
        return made

    def _flags(self, name: str, column: pd.Series, notes: list[str]) -> np.ndarray:
        """``(n, 1)``: 1 where true, 0 where not, and where it is missing what most are."""
        if any(isinstance(value, str) for value in column.dropna().head(100)):
            return self._categories(name, column, notes)  # "yes" and "no": as good as a category
        missing = column.isna().to_numpy(dtype=bool)
        if missing.all():
            return np.zeros((len(column), 1), dtype=np.float32)
        values = np.array([not gone and bool(value) for value, gone in zip(column, missing, strict=True)], dtype=np.float32)
        values[missing] = float(np.median(values[~missing]) > 0.5)
        _say(notes, name, int(missing.sum()), "filled with what most are")
        return values[:, None]

    def _dates(self, name: str, column: pd.Series, notes: list[str]) -> np.ndarray:
        """``(n, 7)``: the year as a number; month, weekday and hour as places on a circle, so that December is next to January."""
        moments = _moments(column)
        missing = moments.isna().to_numpy(dtype=bool)
        if missing.all():
            return np.zeros((len(column), 1), dtype=np.float32)
        _say(notes, name, int(missing.sum()), "filled with the middle date")
        moments = moments.fillna(moments.dropna().sort_values().iloc[(~missing).sum() // 2])
        hour = moments.dt.hour + moments.dt.minute / 60.0
        parts = [self._numbers(name, moments.dt.year.to_numpy(dtype=np.float64), notes)]
        for turn, length in ((moments.dt.month - 1, 12.0), (moments.dt.day_of_week, 7.0), (hour, 24.0)):
            angle = turn.to_numpy(dtype=np.float64) * (2.0 * np.pi / length)
            parts += [np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)]
        return np.stack(parts, axis=1)


def _moments(column: pd.Series) -> pd.Series:
    """Dates, dates with a time and a zone (their local time counts), or times of day, as moments without a zone."""
    values: Any = column
    if column.dtype == object and any(isinstance(value, datetime.time) for value in column.dropna().head(1)):
        values = [None if value is None else datetime.datetime.combine(datetime.date(2000, 1, 1), value) for value in column]
    moments = pd.Series(pd.to_datetime(values, errors="coerce"))
    return moments.dt.tz_localize(None)


def _say(notes: list[str], name: str, count: int, what: str) -> None:
    if count:
        notes.append(f"{name}: {count:,} missing value{'s' * (count != 1)} {'was' if count == 1 else 'were'} {what}")
