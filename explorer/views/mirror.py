"""A view's values in Python: read, set and watched in any cell, while the page shows and changes the same; ids, never positions."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import param

from explorer.errors import InputError, unknown
from explorer.selection import Ids, Rule
from explorer.session.giving import word
from explorer.session.history import Selected
from explorer.session.measures import COLOR, not_measured
from explorer.sources.order import missing
from explorer.views.watching import watch

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.labels import Labels
    from explorer.session import Session
    from explorer.views.pages import Pages


# What is compared with what was told last, and so has to be told also while nobody watches: else who watches later does not hear
# of a change back to it. Arrays, tables and labels are never taken for equal.
SMALL = frozenset({"camera", "hovered", "color_by", "filters"})


class Told:
    """A value that the session has already: to be heard of, not to be given to it."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Mirror(param.Parameter):
    """What belongs to the session under a name of the view's: reading asks the session, assigning is one of its verbs.

    So a wrong value changes nothing, and who watches hears once of a change, whoever made it.
    """

    def __init__(self, *, doc: str) -> None:
        super().__init__(default=None, doc=doc)

    def __get__(self, obj: Any, objtype: Any = None) -> Any:
        if obj is None or not hasattr(obj, "session"):
            return super().__get__(obj, objtype)
        return getattr(obj, f"_read_{self.name}")()

    def __set__(self, obj: Any, value: Any) -> None:
        if obj is None:
            super().__set__(obj, value)
        elif isinstance(value, Told):
            own = obj.param[self.name]  # the view's own copy, to which ``pn.bind(function, view.param.selection)`` binds
            super(Mirror, own).__set__(obj, value.value)
        else:
            getattr(obj, f"_give_{self.name}")(value)


class Mirrored(param.Parameterized):
    """The values; `Explorer` adds the page."""

    selection = Mirror(doc="The ids of the selected items, an array; assign ids, or a rule such as `Where('year', '>=', 2020)`.")
    labels = Mirror(doc="The current label set, a mapping of ids to categories; assign another mapping to have exactly its labels.")
    camera = Mirror(doc="What the map shows, ``(x0, x1, y0, y1)`` in the layout's units; None before that, and to see all.")
    hovered = Mirror(doc="The id of the item under the pointer, or None; assign an id to point at it.")
    color_by = Mirror(doc='What colours the map: "none", "density", "cluster", "label", "parent", "label:SET" or "column:NAME".')
    filters = Mirror(doc="Rules by a column's name; items that fail one are not drawn and not brushed.")
    clusters = Mirror(doc="A Series of each item's cluster by id, -1 for noise, or None; assign one, or a mapping, to show yours.")

    session: Session
    page: Pages

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; one that is nearly a value's name is a slip, and would be lost without a word."""
        known = name.startswith("_") or name in vars(self) or hasattr(type(self), name)
        if not known and difflib.get_close_matches(name, MIRRORED, n=1, cutoff=0.7):
            raise unknown("value", name, MIRRORED)
        super().__setattr__(name, value)

    if TYPE_CHECKING:

        @property
        def _pointed_at(self) -> int | None: ...
        def _later(self, callback: Callable[[], None]) -> None: ...
        def _point_at(self, row: int | None) -> None: ...

    def _mirror(self) -> None:
        """Begin to follow the session."""
        self._camera: tuple[float, ...] | None = None
        self._traits: list[Any] = []  # widgets, whose traits are these values too
        self._asked_camera: tuple[float, ...] | None = None  # by Python, and not moved since
        own = ["selection", "color_by", "filters", "clusters"]
        self._followed = [
            watch(self.session, self._changes_told, own),
            watch(self.session, self._labels_told, ["sets", "label_set"]),
        ]

    def _changes_told(self, *events: Any) -> None:
        self._tell(*(event.name for event in events))

    def _labels_told(self, *events: Any) -> None:
        if self.param.watchers.get("labels") or self._traits:
            self._later(lambda: self._tell("labels"))  # it may have been another visit's thread that labelled

    def _tell(self, *names: str) -> None:
        """Have who watches these values hear that they are others now; nothing long is worked out where nobody does."""
        for name in names:
            if name in SMALL or self.param.watchers.get(name) or self._traits:
                value = getattr(self, name)
                setattr(self, name, Told(value))
                for widget in self._traits:
                    setattr(widget, name, Told(value))

    @property
    def selected(self) -> pd.DataFrame:
        """The selected items' columns, indexed by id, with their ``cluster`` and ``label`` where there are any."""
        return frame(self.session, np.flatnonzero(self.session.selection))

    # Reading and giving, by name

    def _read_selection(self) -> np.ndarray:
        return self.session.selected_ids

    def _give_selection(self, given: Rule | Iterable[Any] | None) -> None:
        if isinstance(given, Rule):
            self.session.select(given)
            return
        rule = Ids(_ids(given, self.session.dataset))
        mask = rule.mask(self.session.seen)
        if not np.array_equal(mask, self.session.selection):
            self.session._brush(Selected(mask, rule if mask.any() else None))

    def _read_labels(self) -> Labels:
        return self.session.labels

    def _give_labels(self, given: Mapping[Any, str | None]) -> None:
        if not isinstance(given, Mapping | pd.Series):
            raise InputError(f"labels are a mapping of ids to categories, such as {{'a7': 'spiral'}}, not {type(given).__name__}")
        now = {one: _category(name) for one, name in given.items()}
        self.session.import_labels(dict.fromkeys(self.session.labels) | now, "Python")

    def _read_camera(self) -> tuple[float, ...] | None:
        return self._camera

    def _give_camera(self, given: Iterable[float] | None) -> None:
        sides = None if given is None else _camera(given)
        self._camera = self._asked_camera = sides
        self.page.set(**({"fit": True} if sides is None else {"camera": list(sides)}))
        self._tell("camera")

    def _read_hovered(self) -> Any:
        at = self._pointed_at
        return None if at is None else self.session.dataset.ids[at]

    def _give_hovered(self, given: Any) -> None:
        self._point_at(None if given is None else int(self.session.dataset.rows([given])[0]))

    def _read_color_by(self) -> str:
        return self.session.color_by

    def _give_color_by(self, by: str) -> None:
        known = [choice["value"] for choice in self.session.color_choices]
        if by not in known and isinstance(by, str) and by.startswith(COLOR):
            raise not_measured(by)
        if by not in known:
            raise unknown("thing to colour by", by, known)
        self.session.color_chosen |= by == "none"
        self.session.param.update(color_by=by, hidden=frozenset())

    def _read_filters(self) -> dict[str, Rule]:
        return self.session.filters

    def _give_filters(self, given: Mapping[str, Rule]) -> None:
        if not isinstance(given, Mapping):
            raise InputError(f"filters are rules by a column's name, such as {{'year': Where('year', '>=', 2020)}}, not {given!r}")
        now = self.session.filters
        if not (given.keys() == now.keys() and all(given[name] is rule for name, rule in now.items())):
            self.session.filter_by(given)

    def _read_clusters(self) -> pd.Series | None:
        clusters = self.session.clusters
        if clusters is None:
            return None
        return pd.Series(clusters.values, index=pd.Index(self.session.dataset.ids, name="id"), name="cluster")

    def _give_clusters(self, given: Any) -> None:
        if not (isinstance(given, pd.Series) and given.equals(self._read_clusters())):  # else named ones would lose their names
            self.session.give(clusters=given)


def frame(session: Session, rows: np.ndarray) -> pd.DataFrame:
    """Some items' columns by id, ``cluster`` and ``label`` beside them; what is no plain column (pictures, sounds) is left out."""
    from explorer.views.items import columns

    dataset = session.dataset
    made = dataset.table.select(columns(dataset)).take(rows).to_pandas()
    made.index = pd.Index(dataset.ids[rows], name="id")
    if session.clusters is not None:
        made[_free("cluster", made)] = session.clusters.values[rows]
    if len(session.labels):
        made[_free("label", made)] = session.labels.values()[rows]
    return made


def _free(name: str, made: pd.DataFrame) -> str:
    while name in made:
        name = f"{name}_"
    return name


def _ids(given: Any, dataset: Dataset) -> Any:
    """The ids that somebody means: a list or an array of them, or a table's rows, such as some of `Mirrored.selected`."""
    if given is None:
        return []
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(f"a selection is a list of ids or a rule, not {given!r}")
    if isinstance(given, pd.DataFrame) or (isinstance(given, pd.Series) and given.dtype != bool and _by_id(given, dataset)):
        given = given.index
    return given if isinstance(given, np.ndarray | pd.Index) else list(given)


def _by_id(given: pd.Series, dataset: Dataset) -> bool:
    """Whether a Series has its items' ids beside it, rather than being one of ids."""
    return given.index.name == "id" or len(dataset.known(given.array[:100])) == 0 < len(dataset.known(given.index[:100]))


def _category(name: Any) -> str | None:
    return None if missing(name) else word(name) or None


def _camera(given: Iterable[float]) -> tuple[float, ...]:
    try:
        x0, x1, y0, y1 = (float(side) for side in given)
    except (TypeError, ValueError) as problem:
        raise InputError(f"a camera is four numbers (x0, x1, y0, y1) in the layout's units, not {given!r}") from problem
    if not (all(map(math.isfinite, (x0, x1, y0, y1))) and x0 < x1 and y0 < y1):
        raise InputError(f"a camera is (x0, x1, y0, y1) with x0 < x1 and y0 < y1, not {(x0, x1, y0, y1)}")
    return x0, x1, y0, y1


MIRRORED = tuple(name for name, kind in Mirrored.param.objects("existing").items() if isinstance(kind, Mirror))

__all__ = ["MIRRORED", "Mirror", "Mirrored", "Told", "frame"]
