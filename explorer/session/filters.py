"""Filters: which rules they are, the masks that they make, and how a person reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import param

from explorer.selection import All, Any_, Box, Brush, HasLabel, Ids, InCluster, Lasso, Not, Rule, Seen, Where, leaves
from explorer.session.axis import ends, text_of

if TYPE_CHECKING:
    from explorer.session.coloring import Coloring

NAMED = 3  # values that a filter's text lists


class Filters(dict[str, Rule]):
    """Rules by a column's name that are replaced as a whole: a change within would be seen by nobody, and checked by nothing."""

    def _refuse(self, *given: Any, **named: Any) -> NoReturn:
        """Refused with a TypeError: assign all filters anew."""
        raise TypeError("filters are not changed one by one: assign them anew, {**filters, 'year': Where('year', '>=', 2020)}")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> Any:
        return Filters, (dict(self),)


class FilterRules(param.Parameter):
    """A parameter whose value is `Filters`, whatever mapping is assigned."""

    def __set__(self, obj: Any, value: Any) -> None:
        super().__set__(obj, value if isinstance(value, Filters) else Filters(value))


def own_keys(columns: Iterable[str]) -> dict[str, str]:
    """What `Session.filters` calls the clusters and the labels: a name that no column has."""
    taken, made = set(columns), {}
    for what in ("cluster", "label"):
        key = what
        while key in taken:
            key = f"({key})"
        made[what] = key
    return made


def fitting(filters: Mapping[str, Rule], labels: Iterable[str], *, clusters: bool = True) -> dict[str, Rule]:
    """The filters that still mean something: not those of a category that is gone, nor of clusters that were made anew."""
    known = {None, *labels}

    def fits(leaf: Rule) -> bool:
        if isinstance(leaf, HasLabel):
            return leaf.label_set is not None or leaf.category in known
        return clusters or not isinstance(leaf, InCluster)

    return {key: rule for key, rule in filters.items() if all(fits(leaf) for leaf in leaves(rule))}


def of_legend(by: str, coloring: Coloring, drawn: np.ndarray, labels: Collection[str]) -> Rule | None:
    """What the entries ``(k,)`` bool of a legend leave, by what they are of; not right for those that are of many values ("other").

    None where the legend says no values. Without it ten million items would be listed one by one.
    """
    if by.startswith("column:"):
        hidden = (name for name, left in zip(coloring.names, drawn, strict=True) if not left)
        return Not(Where(by.removeprefix("column:"), "in", tuple(sorted(hidden))))
    if coloring.kind != "category" or by not in {"cluster", "label"}:
        return None
    there = coloring.totals > 0
    left, off = np.flatnonzero(drawn & there), np.flatnonzero(~drawn & there)
    fewer = left if len(left) <= len(off) else off
    last = len(coloring.names) - 1
    if by == "cluster":
        rules: list[Rule] = [InCluster(-1 if code == last else int(code)) for code in fewer]
    else:
        rules = [HasLabel(name if (name := coloring.names[code]) in labels else None) for code in fewer]
    one = Ids(()) if not rules else rules[0] if len(rules) == 1 else Any_(tuple(rules))
    return one if fewer is left else Not(one)


class Masks:
    """The filters' masks, each worked out once for as long as what its rule looks at is the same."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Rule, tuple[Any, ...], np.ndarray]] = {}

    def of(self, rules: Iterable[Rule], seen: Seen, now: tuple[Any, ...]) -> np.ndarray | None:
        """``(n,)`` bool, the items that all rules leave; None without rules. `now` is what other rules than of columns look at."""
        kept, mask = {}, None
        for rule in rules:
            looks_at = () if all(isinstance(leaf, Where | Ids) for leaf in leaves(rule)) else now
            known = self._kept.get(id(rule))
            fresh = known is not None and known[0] is rule and _same(known[1], looks_at)
            one = known[2] if known is not None and fresh else rule.mask(seen)
            kept[id(rule)] = (rule, looks_at, one)
            mask = one if mask is None else mask & one
        self._kept = kept
        return mask


def _same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    return len(old) == len(new) and all(one is other for one, other in zip(old, new, strict=True))


def describe(rule: Rule, clusters: Mapping[int, str]) -> str:
    """A filter's text beside its column's name: ``10 – 35``, ``a, b``, ``no label``."""
    if isinstance(rule, Where):
        return _where(rule)
    if isinstance(rule, All):
        return _range(rule) or " and ".join(describe(part, clusters) for part in rule.parts)
    if isinstance(rule, Any_):
        return _some([describe(part, clusters) for part in rule.parts])
    if isinstance(rule, Not):
        return f"not {describe(rule.part, clusters)}"
    if isinstance(rule, InCluster):
        return "noise" if rule.cluster < 0 else clusters.get(rule.cluster, f"cluster {rule.cluster}")
    if isinstance(rule, HasLabel):
        return "no label" if rule.category is None else rule.category or "(empty)"
    if isinstance(rule, Ids):
        return f"{len(rule.ids):,} items"
    return "a region" if isinstance(rule, Box | Brush | Lasso) else rule.kind


def _where(rule: Where) -> str:
    if rule.op == "missing":
        return "missing"
    if rule.op == "in" and isinstance(rule.value, list | tuple):
        return _some([_word(value) for value in rule.value])
    signs = {"==": "", "<=": "≤ ", ">=": "≥ ", "!=": "not "}
    return f"{signs.get(rule.op, f'{rule.op} ')}{_word(rule.value)}"


def _range(rule: All) -> str:
    """A range with two ends, in the words of one."""
    column = rule.parts[0].column if isinstance(rule.parts[0], Where) else ""
    found = ends(rule, column)
    if found is None or None in found or len(rule.parts) != 2:
        return ""
    low, high = (_word(end[1]) for end in found if end is not None)
    return low if low == high else f"{low} – {high}"


def _some(words: list[str]) -> str:
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f" + {more:,} more" if more > 0 else "")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return text_of(value) if np.isfinite(float(value)) else str(value)
    return str(value) or "(empty)"


__all__ = ["Masks", "describe", "fitting", "of_legend", "own_keys"]
