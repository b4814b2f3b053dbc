"""A selection is a rule: what region, column, cluster or label makes it; applied to a view it is a mask over all items."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.grid import Grid
from explorer.grid.polygon import enclosed


@dataclass(frozen=True)
class Seen:
    """What a rule looks at: the items and what is known of them at this moment.

    `layout` is ``(n, 2)`` or None, `clusters` ``(n,)`` int or None. `labels` gives the ``(n,)`` bool mask of a category's name in a
    label set (None is the current one), and of all items that have a label for None. `grid` is the layout's, where there is one:
    regions are found sooner with it.
    """

    dataset: Dataset
    layout: np.ndarray | None = None
    clusters: np.ndarray | None = None
    labels: Callable[[str | None, str | None], np.ndarray] | None = None
    grid: Grid | None = None


class Rule:
    """Makes a mask. Rules combine with ``&``, ``|`` and ``~``, and are kept as plain JSON beside the labels that they gave."""

    kind: ClassVar[str] = ""

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool over all items.

        Raises
        ------
        InputError
            When the rule needs what is not there (a layout, a column, a cluster).
        """
        raise TypeError(f"{type(self).__name__} has no mask method; a rule must have one")

    def __and__(self, other: Rule) -> Rule:
        return All((*(self.parts if isinstance(self, All) else (self,)), other))  # flat: many strokes are a list, not a tower

    def __or__(self, other: Rule) -> Rule:
        return Any_((*(self.parts if isinstance(self, Any_) else (self,)), other))

    def __invert__(self) -> Rule:
        return Not(self)

    def to_json(self) -> dict[str, Any]:
        """The rule as plain data, with its kind."""
        return {"rule": self.kind} | {name: _plain(value) for name, value in vars(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Rule):
        return value.to_json()
    if isinstance(value, tuple | list | set | frozenset | np.ndarray | pd.Index | pd.Series):
        return [_plain(item) for item in value]
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, date):  # a datetime and a pandas.Timestamp are dates too; as text they compare with a column just the same
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _need_layout(seen: Seen) -> np.ndarray:
    if seen.layout is None:
        raise InputError("there is no layout yet to draw a region on; reduce first: session.reduce('umap')")
    return seen.layout


@dataclass(frozen=True)
class Box(Rule):
    """The items in a rectangle of the layout, edges included."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        corners = (self.x0, self.y0, self.x1, self.y1)
        if not all(isinstance(side, int | float | np.number) and side == side for side in corners):
            raise InputError(f"a box takes four numbers x0, y0, x1, y1, not {corners}")

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool; corners may be given in any order."""
        x, y = _need_layout(seen).T
        (low_x, high_x), (low_y, high_y) = sorted((self.x0, self.x1)), sorted((self.y0, self.y1))
        if seen.grid is not None:
            mask = np.zeros(len(x), bool)
            mask[seen.grid.rows[seen.grid.within(low_x, high_x, low_y, high_y)]] = True
            return mask
        return _between(x, low_x, high_x) & _between(y, low_y, high_y)


@dataclass(frozen=True)
class Lasso(Rule):
    """The items inside a closed line of the layout, by the even-odd rule (a region drawn over twice is outside)."""

    vertices: tuple[tuple[float, float], ...]
    kind: ClassVar[str] = "lasso"

    def __init__(self, vertices: Iterable[Iterable[float]]) -> None:
        try:
            points = tuple((float(x), float(y)) for x, y in vertices)
        except (TypeError, ValueError) as problem:
            raise InputError(f"a lasso takes points [(x, y), ...] that are numbers ({problem})") from problem
        if len(points) < 3:
            raise InputError(f"a lasso of {len(points)} points encloses nothing; give at least 3")
        if not np.isfinite(points).all():
            raise InputError("a lasso's points must be finite numbers")
        object.__setattr__(self, "vertices", points)

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        layout, polygon = _need_layout(seen), np.asarray(self.vertices)
        if seen.grid is None:
            return inside(layout, polygon)
        mask = np.zeros(len(layout), bool)
        enclosed(seen.grid, polygon, inside, mask)
        return mask


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd point in polygon of ``(n, 2)`` points against ``(m, 2)`` vertices, exactly, as an edge sweep.

    The points within the polygon's box are sorted by height once; each edge then meets only the points between its ends, so that
    the cost is n log n plus the crossings, not n times m.
    """
    xs, ys = points[:, 0].astype(np.float64), points[:, 1].astype(np.float64)
    (low_x, low_y), (high_x, high_y) = polygon.min(axis=0), polygon.max(axis=0)
    rows = np.flatnonzero((xs >= low_x) & (xs <= high_x) & (ys >= low_y) & (ys <= high_y))
    rows = rows[np.argsort(ys[rows], kind="stable")]
    x, y = xs[rows], ys[rows]
    odd = np.zeros(len(rows), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        start, stop = np.searchsorted(y, (y0, y1), side="left")  # half open: a vertex belongs to one of its two edges
        # As products, not as a slope: a point on the line is on the line. Scaled by a power of two, which rounds nothing.
        dx, dy = np.ldexp((x1 - x0, y1 - y0), -np.frexp(max(abs(x1 - x0), y1 - y0))[1])
        odd[start:stop] ^= (x[start:stop] - x0) * dy < (y[start:stop] - y0) * dx
    mask = np.zeros(len(points), bool)
    mask[rows[odd]] = True
    return mask


@dataclass(frozen=True)
class Brush(Rule):
    """The items within `radius` (in the layout's units, edge included) of a painted line; one point paints a disc."""

    points: tuple[tuple[float, float], ...]
    radius: float
    kind: ClassVar[str] = "brush"

    def __init__(self, points: Iterable[Iterable[float]], radius: float) -> None:
        try:
            line, reach = tuple((float(x), float(y)) for x, y in points), float(radius)
        except (TypeError, ValueError, OverflowError) as problem:
            raise InputError(f"a brush takes points [(x, y), ...] and a radius that are numbers ({problem})") from problem
        if not line:
            raise InputError("a brush of no points paints nothing; give at least one")
        if not np.isfinite(line).all() or not 0 <= reach < np.inf:
            raise InputError(f"a brush's points must be finite numbers, and its radius one that is not negative, not {reach}")
        object.__setattr__(self, "points", line)
        object.__setattr__(self, "radius", reach)

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        return near(_need_layout(seen), np.asarray(self.points), self.radius)


_CELLS = 256  # along a side of the grid of `near`: a cell's number fits 16 bits, which numpy sorts in one pass
_AT_ONCE = 1 << 18  # pairs of a point and a segment that are compared in one step


def near(points: np.ndarray, stroke: np.ndarray, radius: float) -> np.ndarray:
    """Which of ``(n, 2)`` points are within a radius of a line through ``(m, 2)`` vertices; exact, ``(n,)`` bool.

    Only the cells of a grid that the stroke's edge passes are looked into point by point: a cell that is wholly painted is taken,
    and one that is out of reach never touched, so that the cost is that of sorting the points near the stroke into cells.
    """
    scale = 2.0 ** -float(np.frexp(max(np.abs(stroke).max(), radius, 1e-290))[1])  # a power of two rounds nothing; squares fit
    line, reach = np.ascontiguousarray(stroke.T) * scale, radius * scale
    starts, stops = (line[:, :-1], line[:, 1:]) if len(stroke) > 1 else (line, line)
    with np.errstate(over="ignore"):  # beyond the largest number is as far as one can reach
        low, high = stroke.min(axis=0) - radius, stroke.max(axis=0) + radius
    rows = np.flatnonzero(_between(points[:, 0], low[0], high[0]) & _between(points[:, 1], low[1], high[1]))
    places = points[rows].T.astype(np.float64, order="C") * scale
    mask = np.zeros(len(points), bool)
    if len(rows) * starts.shape[1] <= _AT_ONCE:
        which, segment = (grid.ravel() for grid in np.mgrid[: len(rows), : starts.shape[1]])
        mask[rows[which[_touches(places[:, which], starts[:, segment], stops[:, segment], reach)]]] = True
    else:
        mask[rows[_painted(places, starts, stops, reach)]] = True
    return mask


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Compared in float64: numpy would round the bounds to the layout's float32."""
    return (values >= np.float64(low)) & (values <= np.float64(high))


def _touches(places: np.ndarray, starts: np.ndarray, stops: np.ndarray, reach: float) -> np.ndarray:
    """Whether each place ``(2, k)`` is within reach of the segment beside it (``(2, k)``, or one for all ``(2, 1)``).

    As products, not as a distance: what is on the edge is on the edge.
    """
    (x, y), (bx, by) = places - starts, stops - starts
    along, length, square = x * bx + y * by, bx * bx + by * by, reach * reach
    found = x * x + y * y <= square
    found &= along <= 0
    beside, across = (along > 0) & (along < length), x * by - y * bx
    found |= beside & (across * across <= square * length)
    (x, y) = places - stops
    found |= (along >= length) & (x * x + y * y <= square)
    return found


def _painted(places: np.ndarray, starts: np.ndarray, stops: np.ndarray, reach: float) -> np.ndarray:
    """`near` of many places: which of ``(2, k)`` are painted."""
    low, extent = places.min(axis=1), np.ptp(places, axis=1)
    side = int(np.clip(12 * extent.max() / max(reach, 1e-300), 32, _CELLS))  # a wide brush needs no fine cells
    size = np.maximum(extent / side, 1e-300)
    column, row = np.minimum((places - low[:, None]) / size[:, None], side - 1).astype(np.uint16)
    cells = row * np.uint16(side) + column
    whole, (cell, segment) = _cells_painted(low, size, side, starts, stops, reach)
    cell, segment = cell[~whole[cell]], segment[~whole[cell]]
    edge = np.zeros(side * side, bool)
    edge[cell] = True
    painted, order = whole[cells], np.flatnonzero(edge[cells])
    order = order[np.argsort(cells[order], kind="stable")]
    first = np.searchsorted(cells[order], np.arange(side * side + 1))
    many = np.diff(first)[cell]
    for some in np.array_split(np.arange(len(cell)), max(1, int(many.sum()) // _AT_ONCE)):
        offset = np.arange(many[some].sum()) - np.repeat(np.cumsum(many[some]) - many[some], many[some])
        which = order[np.repeat(first[cell[some]], many[some]) + offset]
        beside = np.repeat(segment[some], many[some])
        painted[which[_touches(places[:, which], starts[:, beside], stops[:, beside], reach)]] = True
    return np.flatnonzero(painted)


def _cells_painted(
    low: np.ndarray, size: np.ndarray, side: int, starts: np.ndarray, stops: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which cells are wholly painted ``(side * side,)``, and pairs ``(2, p)`` of a cell and a segment whose edge may pass it."""
    half = float(np.hypot(*size)) / 2 * (1 + 1e-6) + 1e-9 * float(np.abs(low).max() + reach)  # rounding must not leave one out
    first = np.clip((np.minimum(starts, stops).T - reach - half - low) // size, 0, side - 1).astype(int)
    last = np.clip((np.maximum(starts, stops).T + reach + half - low) // size, 0, side - 1).astype(int)
    whole, pairs = np.zeros(side * side, bool), []
    for segment, ((x0, y0), (x1, y1)) in enumerate(zip(first, last, strict=True)):
        row, column = (grid.ravel() for grid in np.mgrid[y0 : y1 + 1, x0 : x1 + 1])
        cell, middle = row * side + column, low[:, None] + (np.stack([column, row]) + 0.5) * size[:, None]
        start, stop = starts[:, segment, None], stops[:, segment, None]
        if reach > half:
            whole[cell[_touches(middle, start, stop, reach - half)]] = True
        partly = cell[~whole[cell] & _touches(middle, start, stop, reach + half)]
        pairs.append(np.stack([partly, np.full(len(partly), segment)]))
    return whole, np.concatenate(pairs, axis=1)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Where(Rule):
    """The items whose column compares with a value: ``Where("year", ">=", 2020)``.

    Operators are ``== != < <= > >= in contains missing``. Missing values match nothing but ``missing`` and ``!=``.
    """

    column: str
    op: str
    value: Any = None
    kind: ClassVar[str] = "where"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        if self.op == "in" and (found := _among(seen.dataset, self.column, self._many())) is not None:
            return found
        if self.op in OPERATORS and (days := _days(seen.dataset, self.column)) is not None and type(self.value) in (str, date):
            return self._compare(days, self._day())
        values = seen.dataset.column(self.column)
        if self.op == "missing":
            return values.isna().to_numpy(bool)
        if self.op == "in":
            return values.isin(self._many()).to_numpy(bool)
        if self.op == "contains":
            return values.astype("string").str.contains(str(self.value), case=False, regex=False).fillna(False).to_numpy(bool)
        if self.op not in OPERATORS:
            raise unknown("operator", self.op, [*OPERATORS, "in", "contains", "missing"])
        return self._compare(values)

    def _day(self) -> int:
        """A day as the number of days since 1970."""
        try:
            day = date.fromisoformat(self.value) if isinstance(self.value, str) else self.value
        except ValueError as problem:
            raise InputError(f"column {self.column!r} holds days such as 2020-12-31, not {self.value!r}") from problem
        return day.toordinal() - date(1970, 1, 1).toordinal()

    def _many(self) -> list[Any]:
        if isinstance(self.value, str) or not isinstance(self.value, Iterable):
            raise InputError(f"the operator 'in' takes a list of values, not {self.value!r}: write [{self.value!r}]")
        return list(self.value)

    def _compare(self, values: pd.Series, value: Any = None) -> np.ndarray:
        value = self.value if value is None else value
        known = values.notna().to_numpy(bool)
        mask = np.full(len(values), self.op == "!=")
        try:
            if known.all():
                return np.asarray(OPERATORS[self.op](values, value), bool)
            mask[known] = np.asarray(OPERATORS[self.op](values[known], value), bool)
        except (TypeError, ValueError) as problem:
            raise InputError(f"column {self.column!r} cannot be compared by {self.op} with {self.value!r}") from problem
        return mask


def _days(dataset: Dataset, name: str) -> pd.Series | None:
    """A column of days as their numbers since 1970, which compare sooner than ten million Python dates; None for another column."""
    if name not in dataset.kinds or not pa.types.is_date32(dataset.table.column(name).type):
        return None
    return dataset.table.column(name).cast(pa.int32()).to_pandas()


def _among(dataset: Dataset, name: str, values: list[Any]) -> np.ndarray | None:
    """Which texts of a column are among these, without making ten million Python texts; None for a column of anything else."""
    if dataset.kinds.get(name) not in {"category", "text", "id"}:
        return None
    column = dataset.table.column(name)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    if not all(isinstance(value, str) and value.isprintable() for value in values):
        return None  # a missing value, or what no column's text can be
    texts = column if column.type == kind else column.cast(kind)
    found: np.ndarray = pc.is_in(texts, pa.array(values, kind)).to_numpy()
    return found


@dataclass(frozen=True)
class Ids(Rule):
    """The items with these ids; ids that the dataset does not have are an error."""

    ids: tuple[Any, ...]
    kind: ClassVar[str] = "ids"

    def __init__(self, ids: Iterable[Any]) -> None:
        if isinstance(ids, np.ndarray) and ids.ndim != 1:
            raise InputError(f"ids are a list or an array of one dimension, not of shape {ids.shape}")
        quick = isinstance(ids, np.ndarray) and ids.dtype.kind in "iuUO"
        given: list[Any] = np.asarray(ids).tolist() if quick else list(ids)
        plain = set(map(type, given)) <= {str, int}  # a million of them need no look at each
        object.__setattr__(self, "ids", tuple(given if plain else map(_plain, given)))

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        mask = np.zeros(len(seen.dataset), bool)
        mask[seen.dataset.rows(self.ids)] = True
        return mask


@dataclass(frozen=True)
class InCluster(Rule):
    """The items of one cluster; -1 is noise."""

    cluster: int
    kind: ClassVar[str] = "cluster"

    def __post_init__(self) -> None:
        if isinstance(self.cluster, bool) or not isinstance(self.cluster, int | np.integer):
            raise InputError(f"a cluster is a whole number, not {self.cluster!r}; join several: InCluster(1) | InCluster(3)")

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        if seen.clusters is None:
            raise InputError("there are no clusters yet; cluster first: session.cluster('hdbscan')")
        return np.asarray(seen.clusters == self.cluster)


@dataclass(frozen=True)
class HasLabel(Rule):
    """The items labelled with a category of the current label set, or of another; None is every item that has no label."""

    category: str | None
    label_set: str | None = None
    kind: ClassVar[str] = "label"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        if seen.labels is None:
            raise InputError("there are no labels here")
        found = seen.labels(self.category, self.label_set)
        return found if self.category is not None else ~found


@dataclass(frozen=True)
class All(Rule):
    """The items that every part selects."""

    parts: tuple[Rule, ...]
    kind: ClassVar[str] = "all"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        return np.logical_and.reduce([part.mask(seen) for part in self.parts])


@dataclass(frozen=True)
class Any_(Rule):  # noqa: N801  `Any` is typing's
    """The items that some part selects."""

    parts: tuple[Rule, ...]
    kind: ClassVar[str] = "any"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        return np.logical_or.reduce([part.mask(seen) for part in self.parts])


@dataclass(frozen=True)
class Not(Rule):
    """The items that a rule does not select."""

    part: Rule
    kind: ClassVar[str] = "not"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        return ~self.part.mask(seen)


def walk(rule: Rule) -> Iterator[Rule]:
    """A rule and all that it is made of."""
    yield rule
    for part in rule.parts if isinstance(rule, All | Any_) else [rule.part] if isinstance(rule, Not) else []:
        yield from walk(part)


def count_ids(rule: Rule) -> int:
    """How many ids a rule lists."""
    return sum(len(part.ids) for part in walk(rule) if isinstance(part, Ids))


def leaves(rule: Rule) -> Iterator[Rule]:
    """The rules that a rule is made of, without those that only combine."""
    return (part for part in walk(rule) if not isinstance(part, All | Any_ | Not))


_RULES: dict[str, type[Rule]] = {rule.kind: rule for rule in (Box, Lasso, Brush, Where, Ids, InCluster, HasLabel, All, Any_, Not)}


def from_json(data: dict[str, Any]) -> Rule:
    """A rule out of what `Rule.to_json` gave.

    Raises
    ------
    InputError
        For a kind that is not known, or parts that do not fit.
    """
    if not isinstance(data, dict) or data.get("rule") not in _RULES:
        raise unknown("rule", data.get("rule") if isinstance(data, dict) else data, _RULES)
    fields = {name: value for name, value in data.items() if name != "rule"}
    if isinstance(fields.get("parts"), list):
        fields["parts"] = tuple(from_json(part) for part in fields["parts"])
    if "part" in fields:
        fields["part"] = from_json(fields["part"])
    try:
        return _RULES[data["rule"]](**fields)
    except TypeError as problem:
        raise InputError(f"the rule {data['rule']!r} does not take {sorted(fields)}") from problem


MODES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "replace": lambda old, new: new,
    "add": lambda old, new: old | new,
    "subtract": lambda old, new: old & ~new,
    "intersect": lambda old, new: old & new,
}


def combine(old: np.ndarray, new: np.ndarray, mode: str) -> np.ndarray:
    """Combine two masks; `mode` is replace, add, subtract or intersect."""
    if mode not in MODES:
        raise unknown("selection mode", mode, MODES)
    return MODES[mode](old, new)


def combine_rules(old: Rule | None, new: Rule, mode: str) -> Rule:
    """The rule of a combined selection, so that what is selected can still say why."""
    if old is None or mode == "replace":
        return new if mode in {"replace", "add"} else Ids(())
    return {"add": old | new, "subtract": old & ~new, "intersect": old & new}[mode]
