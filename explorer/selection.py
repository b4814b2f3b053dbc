"""A selection is a rule: what region, column, cluster or label makes it; applied to a view it is a mask over all items."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown


@dataclass(frozen=True)
class Seen:
    """What a rule looks at: the items and what is known of them at this moment.

    `layout` is ``(n, 2)`` or None, `clusters` ``(n,)`` int or None, and `labels` gives the ``(n,)`` bool mask of a category's name,
    and of all items that have a label for None.
    """

    dataset: Dataset
    layout: np.ndarray | None = None
    clusters: np.ndarray | None = None
    labels: Callable[[str | None], np.ndarray] | None = None


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
        return (x >= low_x) & (x <= high_x) & (y >= low_y) & (y <= high_y)


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
        return inside(_need_layout(seen), np.asarray(self.vertices))


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

    def _many(self) -> list[Any]:
        if isinstance(self.value, str) or not isinstance(self.value, Iterable):
            raise InputError(f"the operator 'in' takes a list of values, not {self.value!r}: write [{self.value!r}]")
        return list(self.value)

    def _compare(self, values: pd.Series) -> np.ndarray:
        known = values.notna().to_numpy(bool)
        mask = np.full(len(values), self.op == "!=")
        try:
            mask[known] = np.asarray(OPERATORS[self.op](values[known], self.value), bool)
        except (TypeError, ValueError) as problem:
            raise InputError(f"column {self.column!r} cannot be compared by {self.op} with {self.value!r}") from problem
        return mask


@dataclass(frozen=True)
class Ids(Rule):
    """The items with these ids; ids that the dataset does not have are an error."""

    ids: tuple[Any, ...]
    kind: ClassVar[str] = "ids"

    def __init__(self, ids: Iterable[Any]) -> None:
        object.__setattr__(self, "ids", tuple(_plain(identifier) for identifier in ids))

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

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        if seen.clusters is None:
            raise InputError("there are no clusters yet; cluster first: session.cluster('hdbscan')")
        return np.asarray(seen.clusters == self.cluster)


@dataclass(frozen=True)
class HasLabel(Rule):
    """The items labelled with a category; None is every item that has no label."""

    category: str | None
    kind: ClassVar[str] = "label"

    def mask(self, seen: Seen) -> np.ndarray:
        """``(n,)`` bool."""
        if seen.labels is None:
            raise InputError("there are no labels here")
        return seen.labels(self.category) if self.category is not None else ~seen.labels(None)


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


_RULES: dict[str, type[Rule]] = {rule.kind: rule for rule in (Box, Lasso, Where, Ids, InCluster, HasLabel, All, Any_, Not)}


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
