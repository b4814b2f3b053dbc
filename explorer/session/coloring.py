"""What the map is coloured by: a category or a number for every item, and a legend that names, colours and counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import Dataset
from explorer.grid import tally
from explorer.labels import NONE, Labels, colors
from explorer.raster.points import hex_colors
from explorer.session.measures import COLOR, NOTES, TITLES, not_measured

MOST = 20  # categories named in a legend; the rest are "other"
CLASSES = 12  # whole numbers up to so many different ones are coloured as categories
GREY = "#9aa3af"  # noise, no label, missing: not a category
ONE = "#2f6fde"  # the colour of all items when nothing tells them apart


@dataclass(frozen=True, eq=False)
class Coloring:
    """One legend.

    `kind` is "one" (a single colour), "density", "category" or "number". For categories `codes` is ``(n,)`` int32 into `names` and
    `colors`; for numbers `values` is ``(n,)`` float64 with NaN where missing, and `bounds` what the ends of the colour scale mean.
    """

    kind: str
    title: str
    codes: np.ndarray
    names: list[str]
    colors: list[str]
    values: np.ndarray | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    is_date: bool = False
    note: str = ""  # what the numbers say, in a sentence

    @cached_property
    def palette(self) -> np.ndarray:
        """``(k, 3)`` float32, the entries' colours in 0..1."""
        return hex_colors(self.colors)

    @cached_property
    def shades(self) -> np.ndarray | None:
        """``(n,)`` float64 in 0..1 along the number scale, NaN where missing; None for categories."""
        if self.values is None:
            return None
        low, high = self.bounds
        return np.clip((self.values - low) / ((high - low) or 1.0), 0.0, 1.0)

    @cached_property
    def totals(self) -> np.ndarray:
        """Items of each entry."""
        return self.counts()

    def counts(self, mask: np.ndarray | None = None) -> np.ndarray:
        """Items of each entry, all or within a mask."""
        return tally(self.codes, len(self.names), mask)


@dataclass(frozen=True, eq=False)
class Measure:
    """A number that was worked out for every item: ``(n,)`` float, NaN where it is not known, and what the scale's ends mean."""

    title: str
    values: np.ndarray
    bounds: tuple[float, float] = (0.0, 1.0)
    note: str = ""


@dataclass(frozen=True, eq=False)
class Known:
    """What there is to colour by."""

    dataset: Dataset
    clusters: np.ndarray | None
    labels: Labels
    cluster_names: dict[int, str] = field(default_factory=dict)
    labels_of: Callable[[str], Labels] | None = None
    measured: Mapping[str, np.ndarray] = field(default_factory=dict)  # of trust, ``(n,)`` from 0 to 1 by `color_by`
    measures: Mapping[str, Measure] = field(default_factory=dict)


def choices(
    dataset: Dataset, *, clustered: bool, label_sets: Iterable[str] = (), nested: bool = False, measured: Iterable[str] = (),
    measures: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """What may be coloured by, as ``{"value", "name"}``, for a menu; `label_sets` are those beside the current one."""
    fixed = [("none", "nothing"), ("density", "density"), *([("cluster", "cluster")] if clustered else []), ("label", "label")]
    fixed += [("parent", "label, by its first part")] if nested else []
    fixed += [(f"label:{name}", f"label in {name}") for name in label_sets]
    fixed += [(f"measure:{name}", title) for name, title in (measures or {}).items()]
    fixed += [(by, TITLES[by]) for by in measured]
    columns = dataset.of_kind("category", "flag", "number", "date", "text", "id")
    taken = {name for _, name in fixed} & set(columns)  # a column may have our own word for its name
    return [{"value": value, "name": f"{name} (here)" if name in taken else name} for value, name in fixed] + [
        {"value": f"column:{name}", "name": f"{name} (column)" if name in taken else name} for name in columns
    ]


def coloring(by: str, known: Known) -> Coloring:
    """The colours by "none", "density", "cluster", "label", "column:NAME", or "trust:MEASURE" where that is measured."""
    if by == "cluster" and known.clusters is not None:
        return _by_cluster(known.clusters, known.cluster_names)
    if by == "label":
        return _by_label(known.labels)
    if by == "parent":
        return _by_parent(known.labels)
    if by.startswith("label:") and known.labels_of is not None:
        return _by_label(known.labels_of(by.removeprefix("label:")))
    if by.startswith("measure:") and by.removeprefix("measure:") in known.measures:
        return _by_measure(known.measures[by.removeprefix("measure:")])
    if by.startswith("column:"):
        name = by.removeprefix("column:")
        values = known.dataset.column(name) if known.dataset.kinds.get(name) in {"number", "date", None} else None
        column = known.dataset.table.column(name)
        return _by_category(name, column) if values is None or _few_whole(column) else _by_number(name, values)
    if by.startswith(COLOR):
        return _by_trust(by, known.measured)
    everything = np.zeros(len(known.dataset), np.int32)
    return Coloring("density" if by == "density" else "one", "", everything, ["items"], [ONE])


def _by_measure(measure: Measure) -> Coloring:
    values = measure.values.astype(np.float64)
    codes = np.isnan(values).astype(np.int32)
    entries, hues = ["value", "(missing)"], [ONE, GREY]
    return Coloring("number", measure.title, codes, entries, hues, values, measure.bounds, note=measure.note)


def _by_cluster(clusters: np.ndarray, names: dict[int, str]) -> Coloring:
    count = int(clusters.max(initial=-1)) + 1
    entries = [names.get(cluster, f"cluster {cluster}") for cluster in range(count)]
    codes = np.where(clusters < 0, count, clusters).astype(np.int32)
    noise, *entries = apart(["noise", *entries])
    return _limited(Coloring("category", "cluster", codes, [*entries, noise], [*colors(count), GREY]), MOST * 3)


def _by_label(labels: Labels) -> Coloring:
    lookup = np.zeros(labels.next_code, np.int32)
    for place, code in enumerate(labels.categories):
        lookup[code] = place
    lookup[NONE] = len(labels.categories)
    kept = labels.categories.values()
    names, hues = apart([*(c.name for c in kept), "no label"]), [*(c.color for c in kept), GREY]
    return Coloring("category", "label", lookup[labels.codes], names, hues)


def _by_parent(labels: Labels) -> Coloring:
    """Categories such as ``bird/owl`` and ``bird/wren`` as one: ``bird``, in the colour of the category that comes first."""
    places: dict[str, int] = {}
    lookup, hues = np.zeros(labels.next_code, np.int32), []
    for code, category in labels.categories.items():
        parent = category.name.split("/", 1)[0]
        if parent not in places:
            places[parent] = len(places)
            hues.append(category.color)
        lookup[code] = places[parent]
    lookup[NONE] = len(places)
    return Coloring("category", "label", lookup[labels.codes], apart([*places, "no label"]), [*hues, GREY])


def _by_category(name: str, column: pa.ChunkedArray) -> Coloring:
    codes, values = encoded(column)
    order = [str(value) for value in values]
    entries, hues = order, colors(min(len(order), MOST))
    if len(order) > MOST:
        entries, hues = [*entries[:MOST], f"other ({len(order) - MOST:,} more)"], [*hues, GREY]
        codes = np.minimum(codes, MOST).astype(np.int32)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(entries), codes).astype(np.int32)
        entries, hues = [*entries, "(missing)"], [*hues, GREY]
    return Coloring("category", name, codes, apart(entries), hues)


def _few_whole(column: pa.ChunkedArray) -> bool:
    """Whether these are a few whole numbers, as classes are: told apart better by colours than by a scale."""
    return bool(pa.types.is_integer(column.type)) and pc.count_distinct(column).as_py() <= CLASSES


def encoded(column: pa.ChunkedArray) -> tuple[np.ndarray, list[Any]]:
    """Codes ``(n,)`` int32, -1 where missing, into the different values: most frequent first, ties as they come."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    made = pc.dictionary_encode(column.combine_chunks())
    raw = made.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    values = made.dictionary.to_pylist()
    order = np.argsort(-np.bincount(raw[raw >= 0], minlength=len(values)), kind="stable")
    rank = np.full(len(values) + 1, -1, np.int32)  # the last place is what -1 finds
    rank[order] = np.arange(len(values))
    return rank[raw], [values[place] for place in order]


def apart(names: list[str]) -> list[str]:
    """The same names, a later one numbered where it is taken: entries are hidden by name, and data may say "(missing)" too."""
    made: dict[str, None] = {}
    for name in names:
        fresh, number = name, 2
        while fresh in made or (fresh != name and fresh in names):
            fresh, number = f"{name} {number}", number + 1
        made[fresh] = None
    return list(made)


def _by_trust(by: str, measured: Mapping[str, np.ndarray]) -> Coloring:
    """What was measured of the map, on a scale that always goes from 0 to 1, so that two maps can be compared."""
    if by not in measured:
        raise not_measured(by)
    return _by_measure(Measure(TITLES[by], measured[by], note=NOTES[by]))


def _limited(full: Coloring, most: int) -> Coloring:
    """A legend of at most `most` entries before the last; what is beyond is "other"."""
    if len(full.names) - 1 <= most:
        return full
    rest = len(full.names) - 1 - most
    codes = np.where(full.codes >= len(full.names) - 1, most + 1, np.minimum(full.codes, most)).astype(np.int32)
    names = apart([*full.names[:most], f"other ({rest:,} more)", full.names[-1]])
    return Coloring(full.kind, full.title, codes, names, [*full.colors[:most], GREY, GREY])


def _by_number(name: str, values: pd.Series) -> Coloring:
    dates = pd.api.types.is_datetime64_any_dtype(values) or values.dtype == object
    if dates:
        stamps = pd.to_datetime(values, errors="coerce", utc=True)
        numbers = stamps.dt.as_unit("ms").astype("int64").to_numpy(np.float64)
        numbers[stamps.isna()] = np.nan
    else:
        numbers = values.to_numpy(np.float64, na_value=np.nan)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    known = numbers[~np.isnan(numbers)]
    # The scale ends at the 1st and 99th percentile, so that one outlier does not turn all the others into one colour.
    low, high = (float(end) for end in np.percentile(known, [1, 99])) if len(known) else (0.0, 1.0)
    if low == high and len(known):
        low, high = float(known.min()), float(known.max())
    codes = np.where(np.isnan(numbers), 1, 0).astype(np.int32)
    return Coloring("number", name, codes, ["value", "(missing)"], [ONE, GREY], numbers, (low, high), dates)


def ends(coloring: Coloring) -> list[str]:
    """What the ends of the scale mean; an end that stands for values beyond it too says so."""
    values = coloring.values if coloring.values is not None else np.empty(0)
    low, high = (_end(end, is_date=coloring.is_date) for end in coloring.bounds)
    if coloring.bounds[0] == coloring.bounds[1]:
        return [f"all {low}", ""]
    below, above = (values < coloring.bounds[0]).any(), (values > coloring.bounds[1]).any()
    return [f"≤ {low}" if below else low, f"≥ {high}" if above else high]


def _end(value: float, *, is_date: bool) -> str:
    if is_date:
        return str(np.datetime64(int(value), "ms").astype("datetime64[D]"))  # any year at all
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e9 else f"{value:.4g}"
