"""What is exported, as plain values: the items with all that was found and given for them, and which of them leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.step import Result

CHOICES = {"all": "everything", "selected": "only what is selected", "labelled": "only what is labelled"}
LONG = 300  # characters of a rule; a longer one stands once in the settings file, not in each of a hundred thousand rows
TABULAR = ("number", "category", "text", "date", "flag", "id")  # kinds of columns that a table has a cell for


@dataclass(frozen=True, eq=False)
class Labelling:
    """One label set: what each item is labelled, by whom, when (UTC) and by which rule (JSON), each ``(n,)`` object.

    None stands where there is nothing. `categories` are the names in their order, with those that no item has.
    """

    labels: np.ndarray
    labeller: np.ndarray
    labelled_at: np.ndarray
    rule: np.ndarray
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Legend:
    """One thing that the map may be coloured by.

    `codes` is ``(n,)`` int32 into `names` and `colors`. Numbers have `values` ``(n,)`` besides, NaN where missing, that go
    along the `scale` of colours between `bounds`, and what is said at its `ends`.
    """

    title: str
    codes: np.ndarray
    names: tuple[str, ...]
    colors: tuple[str, ...]
    values: np.ndarray | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    scale: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Drawing:
    """What is drawn of the items: the legends, the first one chosen, and the names on the map as `session.names` gives them."""

    legends: tuple[Legend, ...] = ()
    names: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Content:
    """What leaves the house.

    Attributes
    ----------
    label_set
        The name of the set whose labels stand in the column ``label``; the other sets follow it.
    labelled
        Gives the label sets by name. It takes a while where items are many, so that it is called when they are written.
    drawn
        Gives what a map of the chosen items shows; called only for a format that is a map.
    chosen
        ``(m,)`` the rows that leave, or None: all of them.
    record
        What made the layout, the clusters and the labels (`Session.record`).
    """

    dataset: Dataset
    layout: Result | None = None
    clusters: Result | None = None
    features: Result | None = None
    label_set: str = "labels"
    labelled: Callable[[], dict[str, Labelling]] = dict
    drawn: Callable[[], Drawing] = Drawing
    chosen: np.ndarray | None = None
    record: dict[str, Any] = field(default_factory=dict)

    def only(self, mask: np.ndarray) -> Content:
        """The same of the items of an ``(n,)`` mask alone."""
        return replace(self, chosen=np.flatnonzero(mask))

    def __len__(self) -> int:
        return len(self.dataset) if self.chosen is None else len(self.chosen)

    @property
    def rows(self) -> np.ndarray:
        """``(m,)`` the rows that leave, in the dataset's order."""
        return np.arange(len(self.dataset)) if self.chosen is None else self.chosen

    def take(self, values: np.ndarray) -> np.ndarray:
        """Of one value an item, ``(n, ...)``, those of the items that leave."""
        return values if self.chosen is None else values[self.chosen]

    @property
    def ids(self) -> np.ndarray:
        """``(m,)`` the ids."""
        return self.take(self.dataset.ids)

    @cached_property
    def sets(self) -> dict[str, Labelling]:
        """The label sets by name, the current one first."""
        made = self.labelled()
        first = {self.label_set: made[self.label_set]} if self.label_set in made else {}
        return first | made

    @property
    def labels(self) -> np.ndarray:
        """``(m,)`` object: the current set's labels, None without one."""
        if self.label_set not in self.sets:
            return np.full(len(self), None, dtype=object)
        return self.take(self.sets[self.label_set].labels)

    @cached_property
    def long_rules(self) -> dict[str, int]:
        """The current set's rules that are too long to stand in every row (lassos), each with its number: they are kept beside."""
        known = self.sets.get(self.label_set)
        rules = [] if known is None else list(dict.fromkeys(self.take(known.rule).tolist()))
        return {rule: number for number, rule in enumerate((rule for rule in rules if rule is not None and len(rule) > LONG), 1)}

    @property
    def about(self) -> dict[str, Any]:
        """The record with the long rules: what stands beside an export."""
        return self.record | {"rules": {str(number): json.loads(rule) for rule, number in self.long_rules.items()}}

    @property
    def categories(self) -> list[str]:
        """The current set's categories in their order, and whatever else an item is labelled."""
        known = self.sets[self.label_set].categories if self.label_set in self.sets else ()
        return list(dict.fromkeys([*known, *(label for label in self.labels if label is not None)]))

    def own(self, taken: list[str]) -> dict[str, pa.ChunkedArray]:
        """The dataset's own columns that a table has a cell for, ``NAME (column)`` where a name is among the `taken` ones.

        The column that the ids came from is left out: they are there already.
        """
        found: dict[str, pa.ChunkedArray] = {}
        for name in self.dataset.of_kind(*TABULAR):
            column = self.dataset.table.column(name)
            if self.dataset.kinds[name] == "id" and column.to_pylist() == self.dataset.ids.tolist():
                continue
            fresh = name
            while fresh in taken or fresh in found:
                fresh += " (column)"
            found[fresh] = column if self.chosen is None else column.take(pa.array(self.chosen))
        return found


__all__ = ["CHOICES", "Content", "Drawing", "Labelling", "Legend"]
