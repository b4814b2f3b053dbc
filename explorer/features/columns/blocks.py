"""What one column becomes: a few numbers an item, kept small until they are written into the features of all columns."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from explorer.features.columns.reading import Read
from explorer.features.columns.scaling import evened, robust, skewed

FAR = 3.0  # interquartile ranges; a column's weight is not for the few values beyond to say
LEAST = 0.05  # variance that a column counts as at least: what hardly ever differs is not blown up
FLAG = "flag"


@dataclass
class Block:
    """The numbers of one column: plain ones, and a place of 1 among zeros.

    Attributes
    ----------
    numbers
        Arrays ``(n,)`` float32.
    codes
        ``(n,)``: which of the further `places` is 1; -1 for none.
    factor
        What all is multiplied with when it is written.
    notes
        Sentences about what was done.
    """

    name: str
    numbers: list[np.ndarray] = field(default_factory=list)
    codes: np.ndarray | None = None
    places: int = 0
    factor: float = 1.0
    notes: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """How many numbers an item has."""
        return len(self.numbers) + self.places

    def trim(self) -> None:
        """Leave out what is the same for every item."""
        self.numbers = [values for values in self.numbers if (values != values[0]).any()]
        if self.codes is not None and (self.codes == self.codes[0]).all():
            self.codes, self.places = None, 0

    @property
    def variance(self) -> float:
        """Of all its numbers together, as they are before `factor`; half the mean squared distance of two items."""
        total = sum(float(np.clip(values, -FAR, FAR).var(dtype=np.float64)) for values in self.numbers)
        if self.codes is not None:
            shares = np.bincount(self.codes[self.codes >= 0], minlength=self.places) / len(self.codes)
            total += float((shares * (1 - shares)).sum())
        return max(total, LEAST)

    def write(self, out: np.ndarray, rows: slice) -> None:
        """Fill ``(b, width)`` with some rows."""
        for place, values in enumerate(self.numbers):
            out[:, place] = values[rows] * np.float32(self.factor)
        if self.codes is not None:
            codes, part = self.codes[rows], out[:, len(self.numbers) :]
            part[:] = 0.0
            there = np.flatnonzero(codes >= 0)
            part[there, codes[there]] = self.factor


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers; see the settings of `explorer.features.columns.Columns`."""

    max_categories: int
    clip: float
    skew: bool
    flags: bool

    def block(self, name: str, column: Read) -> Block:
        """The block of one column, nothing missing."""
        made = Block(name, notes=[f"{name}: {column.note}"] if column.note else [])
        missing = column.missing
        if column.kind == "category":
            self._categories(made, column)
        elif missing.all():
            return made
        elif column.kind == "date":
            self._dates(made, column.values, missing)
        elif column.kind == FLAG:
            self._flags(made, column.values, missing)
        else:
            made.numbers.append(self._numbers(made, column.values))
            _say(made, missing, "filled with the median")
        if self.flags and missing.any() and column.kind != "category":
            made.numbers.append(missing.astype(np.float32))
        made.trim()
        return made

    def _numbers(self, made: Block, values: np.ndarray) -> np.ndarray:
        """``(n,)``: the median is 0, the interquartile range 1, missing ones are in the middle, none is far out."""
        scaled = robust(values)
        if self.skew and skewed(scaled):
            scaled = evened(scaled)
            made.notes.append(f"{made.name}: one tail was so long that it was drawn in (Yeo-Johnson)")
        scaled = np.where(np.isfinite(values), scaled, 0.0)
        beyond = int((np.abs(scaled) > self.clip).sum())
        if beyond:
            were = "value was" if beyond == 1 else "values were"
            made.notes.append(f"{made.name}: {beyond:,} extreme {were} moved to {self.clip:g} interquartile ranges from the median")
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)

    def _categories(self, made: Block, column: Read) -> None:
        """A place for each category and one for missing, or `max_categories` places that they share."""
        found = np.unique(column.values)
        kept = np.full(len(column.names) + 1, -1)
        texts = np.array([*column.names, ""], dtype=object)
        found = found[found >= 0]
        width = len(found)
        if width > self.max_categories:
            width = self.max_categories
            shared = f"{len(found):,} categories share {width:,} columns"
            made.notes.append(f"{made.name}: {shared}; max_categories={len(found)} keeps them apart")
            # crc32 and not hash(): the same in every process
            hashed = [zlib.crc32(text.encode("utf-8", "surrogatepass")) % width for text in texts[found]]
            used, kept[found] = np.unique(hashed, return_inverse=True)
            width = len(used)
        else:
            kept[found[np.argsort(texts[found], kind="stable")]] = np.arange(width)
        made.codes, made.places = kept[column.values], width
        gone = column.missing
        if self.flags and gone.any():
            made.codes, made.places = np.where(gone, width, made.codes), width + 1
            _say(made, gone, "made a category of their own")
        elif gone.any() and width:
            made.codes = np.where(gone, np.bincount(made.codes[~gone]).argmax(), made.codes)
            _say(made, gone, "filled with the most frequent")

    def _flags(self, made: Block, values: np.ndarray, missing: np.ndarray) -> None:
        """1 where true, 0 where not, and where it is missing what most are."""
        made.numbers.append(np.where(missing, float(np.median(values[~missing]) > 0.5), values).astype(np.float32))
        _say(made, missing, "filled with what most are")

    def _dates(self, made: Block, moments: pd.Series, missing: np.ndarray) -> None:
        """The year as a number; month, weekday and hour as places on a circle, so that December is next to January."""
        _say(made, missing, "filled with the middle date")
        moments = moments.fillna(moments.dropna().sort_values().iloc[(~missing).sum() // 2])
        hour = moments.dt.hour + moments.dt.minute / 60.0
        made.numbers.append(self._numbers(made, moments.dt.year.to_numpy(dtype=np.float64)))
        for turn, length in ((moments.dt.month - 1, 12.0), (moments.dt.day_of_week, 7.0), (hour, 24.0)):
            angle = turn.to_numpy(dtype=np.float64) * (2.0 * np.pi / length)
            made.numbers += [np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)]


def _say(made: Block, missing: np.ndarray, what: str) -> None:
    if count := int(missing.sum()):
        made.notes.append(f"{made.name}: {count:,} missing value{'s' * (count != 1)} {'was' if count == 1 else 'were'} {what}")
