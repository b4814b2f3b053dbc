"""A column cut into bars: a code for every item, made once, so that the bars are counted under any mask in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.labels import NONE, Labels
from explorer.selection import HasLabel, InCluster, Not, Rule, Where
from explorer.session import axis
from explorer.session.coloring import apart, encoded

TOP = 8  # values of a column that have a bar of their own; the rest share one
CHUNK = 1 << 16  # items counted at a time: what is worked on stays in the processor's cache
KINDS = ("number", "date", "category", "flag")  # of columns that can be cut
OTHER, MISSING = "other", "(missing)"


@dataclass(frozen=True, eq=False)
class Bins:
    """Bars over all items: `codes` is ``(n,)`` uint8 into `size` bars."""

    codes: np.ndarray
    size: int

    def counts(self, marks: np.ndarray, levels: int = 3) -> np.ndarray:
        """``(levels, size)`` int64: the items of each bar by their mark, ``(n,)`` uint8 below `levels`."""
        total = np.zeros(levels * self.size, np.int64)
        for start in range(0, len(self.codes), CHUNK):
            part = slice(start, start + CHUNK)
            total += np.bincount(marks[part].astype(np.uint16) * self.size + self.codes[part], minlength=len(total))
        return total.reshape(levels, self.size)


@dataclass(frozen=True, eq=False)
class Ranges(Bins):
    """Bars along an axis, the last one for what is missing.

    Bar i holds ``edges[i] <= value < edges[i + 1]``; the first and the last also hold what lies beyond, so that one outlier does
    not press all others into one bar. Dates are counted in milliseconds of UTC.
    """

    column: str = ""
    edges: np.ndarray = field(default_factory=lambda: np.zeros(2))
    whole: bool = False  # whole numbers, or days
    beyond: tuple[bool, bool] = (False, False)  # whether the first and the last bar hold values beyond the axis
    time: str | None = None  # of dates: "" for local time, "+00:00" for moments

    def rule(self, low: float | None, high: float | None) -> Rule | None:
        """``low <= value < high``, the ends open where they are None or reach the axis' ends; None where that leaves all.

        Raises
        ------
        InputError
            For ends that are no numbers.
        """
        low, high = _number(low), _number(high)
        if low is not None and high is not None and low > high:
            low, high = high, low
        parts: list[Rule] = []
        if low is not None and low > self.edges[0]:
            parts.append(Where(self.column, ">=", self._value(np.ceil(low) if self.whole and self.time is None else low)))
        if high is not None and high < self.edges[-1]:
            parts.append(self._below(high))
        return None if not parts else parts[0] if len(parts) == 1 else parts[0] & parts[1]

    def _below(self, high: float) -> Rule:
        if not self.whole:
            return Where(self.column, "<", self._value(high))
        unit = axis.DAY if self.time is not None else 1
        return Where(self.column, "<=", self._value((np.ceil(high / unit) - 1) * unit))  # as people say it: 3 to 6

    def _value(self, number: float) -> int | float | str:
        if self.time is not None:
            return axis.moment(number, self.time, whole=self.whole)
        return int(number) if self.whole else float(number)

    def missing(self) -> Rule:
        """The items without a value."""
        return Where(self.column, "missing")

    def place(self, rule: Rule | None) -> tuple[float, float] | None:
        """Where a range lies along the bars, in bars from the left; None for a rule that is no range of this column."""
        ends = axis.ends(rule, self.column)
        if ends is None:
            return None
        numbers = [None if end is None else axis.number(end[1], dates=self.time is not None) for end in ends]
        low = 0.0 if numbers[0] is None else float(np.interp(numbers[0], self.edges, np.arange(len(self.edges))))
        if numbers[1] is None:
            return low, float(self.size - 1)
        step = (axis.DAY if self.time is not None else 1) if self.whole and ends[1] is not None and ends[1][0] == "<=" else 0
        return low, float(np.interp(numbers[1] + step, self.edges, np.arange(len(self.edges))))

    def texts(self) -> list[str]:
        """The edges as people read them."""
        return axis.texts(self.edges, dates=self.time is not None)


@dataclass(frozen=True, eq=False)
class Values(Bins):
    """Bars of values, the most frequent first; each with the rule of its items."""

    names: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def rule(self, names: Sequence[str]) -> Rule | None:
        """The items of any of these bars; None for none.

        Raises
        ------
        InputError
            For a name that is no bar.
        """
        if not isinstance(names, list | tuple) or any(name not in self.names for name in names):
            raise unknown("bar", names, self.names)
        chosen = [rule for name, rule in zip(self.names, self.rules, strict=True) if name in names]
        listed = [rule for rule in chosen if isinstance(rule, Where) and rule.op == "in"]
        if len(listed) > 1:  # one list of values reads better than a list of rules
            one = Where(listed[0].column, "in", tuple(rule.value[0] for rule in listed))
            chosen = [one, *(rule for rule in chosen if rule not in listed)]
        return reduce(or_, chosen) if chosen else None

    def chosen(self, rule: Rule | None) -> list[bool]:
        """Which bars a rule names."""
        named = [] if rule is None else [one.to_json() for one in _named(rule)]
        return [one.to_json() in named for one in self.rules]


def _named(rule: Rule) -> list[Rule]:
    """A rule's alternatives, a list of values taken apart."""
    if hasattr(rule, "parts") and rule.kind == "any":
        return [one for part in rule.parts for one in _named(part)]
    if isinstance(rule, Where) and rule.op == "==":
        return [Where(rule.column, "in", (rule.value,))]
    if isinstance(rule, Where) and rule.op == "in" and isinstance(rule.value, list | tuple):
        return [Where(rule.column, "in", (value,)) for value in rule.value]
    return [rule]


def _number(end: Any) -> float | None:
    if end is None:
        return None
    try:
        made = float(end) if isinstance(end, int | float | np.number) and not isinstance(end, bool) else np.nan
    except OverflowError:
        made = np.nan
    if not np.isfinite(made):
        raise InputError("a range takes two finite numbers, or None for an open end")
    return made


def marks(shown: np.ndarray | None, selection: np.ndarray) -> np.ndarray:
    """``(n,)`` uint8 for `Bins.counts`: 0 is not shown, 1 shown, 2 shown and selected."""
    if shown is None:
        return np.add(selection, 1, dtype=np.uint8)
    return np.add(shown, shown & selection, dtype=np.uint8)


def of_column(dataset: Dataset, name: str) -> Bins | None:
    """A column's bars, kept with the dataset; None for a column that has none (text, pictures, ids).

    Raises
    ------
    InputError
        For a name that is not a column.
    """
    if name not in dataset.kinds:
        raise unknown("column", name, dataset.kinds)
    key = f"bins {name}"
    if key not in dataset.derived:
        dataset.derived[key] = _cut(dataset, name)
    found: Bins | None = dataset.derived[key]
    return found


def _cut(dataset: Dataset, name: str) -> Bins | None:
    kind, column = dataset.kinds[name], dataset.table.column(name)
    if kind not in KINDS:
        return None
    if kind == "number":
        return _ranges(name, *axis.of_numbers(dataset.column(name)))
    if kind == "date":
        zone = "+00:00" if getattr(column.type, "tz", None) else ""
        return _ranges(name, *axis.of_dates(column), zone)
    return _values(name, column)


def _ranges(name: str, numbers: np.ndarray, cuts: axis.Cuts, zone: str | None = None) -> Ranges:
    bars = len(cuts.edges) - 1
    codes = np.empty(len(numbers), np.uint8)
    inner = cuts.exact[1:-1]
    for start in range(0, len(numbers), CHUNK):
        part = numbers[start : start + CHUNK]
        codes[start : start + CHUNK] = np.where(np.isnan(part), bars, np.searchsorted(inner, part, side="right"))
    return Ranges(codes, bars + 1, name, cuts.edges, cuts.whole, cuts.beyond, zone)


def _values(name: str, column: pa.ChunkedArray) -> Bins | None:
    codes, values = encoded(column)
    if not all(isinstance(value, str | int | float) for value in values[:TOP]):
        return None  # what is no plain JSON makes no rule
    words = [("yes" if value else "no") if isinstance(value, bool) else str(value) for value in values[:TOP]]
    rules: list[Rule] = [Where(name, "in", (value,)) for value in values[:TOP]]
    lacks = bool((codes < 0).any())
    if len(values) > TOP:
        rest = ~Where(name, "in", tuple(values[:TOP]))
        words, rules = [*words, OTHER], [*rules, rest & Not(Where(name, "missing")) if lacks else rest]
    places = np.minimum(codes, TOP) if len(values) > TOP else codes
    if lacks:
        places = np.where(codes < 0, len(words), places)
        words, rules = [*words, MISSING], [*rules, Where(name, "missing")]
    return Values(places.astype(np.uint8), len(words), tuple(apart(words)), tuple(rules))


def of_clusters(clusters: np.ndarray, names: dict[int, str]) -> Bins:
    """The largest clusters, the others, and noise."""
    count = int(clusters.max(initial=-1)) + 1
    order = np.argsort(-np.bincount(clusters[clusters >= 0], minlength=count), kind="stable")[:TOP]
    words = [names.get(int(cluster), f"cluster {cluster}") for cluster in order]
    return _topped(clusters, count, order, words, [InCluster(int(cluster)) for cluster in order], ("noise", InCluster(-1)))


def of_labels(labels: Labels) -> Bins:
    """The largest categories, the others, and the items that have no label."""
    counts = labels.counts
    largest = sorted(labels.categories.items(), key=lambda pair: -counts[pair[1].name])[:TOP]
    places = np.where(labels.codes == NONE, -1, labels.codes)
    words = [category.name for _, category in largest]
    order = np.array([code for code, _ in largest], int)
    return _topped(places, labels.next_code, order, words, [HasLabel(word) for word in words], ("no label", HasLabel(None)))


def _topped(
    places: np.ndarray, count: int, order: np.ndarray, words: list[str], rules: Sequence[Rule], rest: tuple[str, Rule]
) -> Values:
    """Bars for the places in `order`, one for the other places of `count`, and one for those below 0."""
    lookup = np.full(count + 1, len(order), np.uint8)
    lookup[order] = np.arange(len(order))
    lookup[-1] = len(order)
    last, of_rest = rest
    others = Not(reduce(or_, [*rules, of_rest]))
    codes = lookup[places]
    few = not (codes[places >= 0] == len(order)).any()
    codes[places < 0] = len(order) if few else len(order) + 1
    names, made = [*words, *([] if few else [OTHER]), last], [*rules, *([] if few else [others]), of_rest]
    return Values(codes, len(names), tuple(apart(names)), tuple(made))


__all__ = ["KINDS", "TOP", "Bins", "Ranges", "Values", "marks", "of_clusters", "of_column", "of_labels"]
