"""What every reducer shares: rows without features get no place, equal rows get one, and another reducer may come first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import param

from explorer.errors import InputError
from explorer.installation.amounts import size
from explorer.installation.takes import Takes, room
from explorer.neighbors import graphs_beside
from explorer.neighbors.equal import equal_rows
from explorer.neighbors.threads import one_blas_thread
from explorer.reduction.told import narrowed
from explorer.step import Output, Progress, Step, as_output, class_of, find, names

NONE = "none"
_ORDER = ("pca", "svd", "ica", "kernel-pca", "lpp", "isomap", "spectral", "tldr")  # of those that may go first; others after
_SHARE = 0.3  # of the progress, for the first of two stages


class First(param.Selector):
    """The name of a method that can give more than two columns, or "none": all that are registered, asked for only when needed.

    Our methods and those of plug-ins are loaded when the choices are listed, one of them when it is set, and none before.
    """

    @property
    def objects(self) -> list[str]:
        """The names, ours before those of plug-ins."""
        return firsts()

    @objects.setter
    def objects(self, objects: object) -> None:
        """Nothing is kept of what param gives: the registry is asked."""
        self.names: dict[str, Any] = {}  # none are kept
        self._objects: list[Any] = []

    def _validate_value(self, value: object, allow_None: bool | None = None) -> None:  # noqa: N803  param's own name
        if value != NONE and not goes_first(value):
            raise ValueError(f"{self.name!r} takes one of {', '.join(self.objects)}, not {value!r}")


class Reducer(Step):
    """A step from vectors ``(n, d)`` to a layout ``(n, 2)`` float32.

    With `first` it has two stages: that reducer brings the vectors to `first_components` columns, and this one lays those out.
    """

    kind = "reduce"
    merges_equal_rows = False  # whether equal rows are computed once: for methods that would spread them over a cloud
    widest: ClassVar[int | None] = 2  # the most columns it can give, when `width` asks for them; None where there is no such limit
    linear: ClassVar[bool] = False  # whether places are sums of the columns, so that new items can be projected
    width = 2  # columns that `compute` gives; more where the layout is a stage on the way to another

    first = First(
        default=NONE, check_on_set=True, precedence=2,
        doc="Another method that brings the vectors to fewer columns first, so that this one has less to do and less noise.",
    )  # fmt: skip
    first_components = param.Integer(
        50, bounds=(3, 2_000), softbounds=(10, 200), precedence=2,
        doc="How many columns the first method gives; nothing is done first where the vectors have no more.",
    )  # fmt: skip

    @property
    def graphs(self) -> Path | None:
        """The folder in which graphs of nearest neighbours are kept; None where nothing is."""
        return graphs_beside(self.store)

    def apply(self, data: np.ndarray, progress: Progress) -> Output:
        """Compute on the rows that have features; the others become NaN. A third column becomes the array ``z``.

        Raises
        ------
        InputError
            When fewer than three rows have features, or there is less memory than it takes.
        """
        vectors = np.asarray(data)
        valid = np.isfinite(vectors).all(axis=1)
        if valid.sum() < 3:
            raise InputError(f"{int(valid.sum())} of {len(vectors):,} rows have features; a layout needs at least 3")
        if refused := self.refused(int(valid.sum()), vectors.shape[1]):
            raise InputError(refused)
        rows, before = self._begun(_as_float32(vectors[valid]), progress)
        equal = equal_rows(rows) if self.merges_equal_rows else None
        distinct, back = (rows, None) if equal is None else (rows[equal[0]], equal[1])

        def whole(some: np.ndarray) -> np.ndarray:
            """Of all rows, ``(n, ...)``, what there is of the distinct ones; NaN for those without features."""
            every = np.full((len(vectors), *some.shape[1:]), np.nan, np.float32)
            every[valid] = some if back is None else some[back]
            return every

        self._beside = {name: narrowed(array, valid, back) for name, array in self.beside.items()}
        later = progress.part(_SHARE, 1.0) if before.begun else progress
        with one_blas_thread():  # the order in which BLAS adds depends on how many there are
            made = as_output(self.compute(distinct, later.drawn(lambda places: whole(np.asarray(places)[:, :2]))))
        places = whole(np.asarray(made.values, dtype=np.float32))
        notes = [*before.notes, *made.notes]
        if back is not None and len(distinct) < len(rows):
            notes.append(f"{len(rows) - len(distinct):,} rows are equal to another and share its place")
        more = {name: whole(array) for name, array in made.arrays.items()} | ({"z": places[:, 2]} if places.shape[1] > 2 else {})
        return made._replace(values=places[:, :2], arrays=more, notes=tuple(dict.fromkeys(notes)))

    _beside: Mapping[str, np.ndarray] = MappingProxyType({})

    def beside_of(self, name: str) -> np.ndarray | None:
        """What there is `beside`, of the rows that `compute` was given; None where there is nothing of that name."""
        return self._beside.get(name)

    # New items on a layout that is there

    def place(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """Places ``(m, 2)`` of new vectors on the layout that this step made of old ones; see `explorer.reduction.placing`."""
        from explorer.reduction.placing import place

        return place(self, old, layout, new, progress)

    def placed(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """The same of finite vectors, past the first stage: projected where the method is linear, else amid their neighbours."""
        from explorer.reduction.placing import by_neighbors, by_projection

        made = by_projection(old, layout, new) if self.linear else None
        if made is not None:
            return Output(made, notes=("new items are projected as the others were",))
        return by_neighbors(old, layout, new, getattr(self, "metric", "euclidean"), progress)

    def distinct(self, rows: np.ndarray) -> np.ndarray:
        """Where the rows that `compute` is given stand among all, in order."""
        equal = equal_rows(rows) if self.merges_equal_rows else None
        return np.arange(len(rows)) if equal is None else equal[0]

    def begun(self, rows: np.ndarray, progress: Progress) -> tuple[Reducer, np.ndarray] | None:
        """The reducer that comes first, and what it makes of the rows; None where none does."""
        given, before = self._begun(rows, progress)
        return (self._stage(), given) if before.begun else None

    # Two stages

    def _begun(self, rows: np.ndarray, progress: Progress) -> tuple[np.ndarray, _Before]:
        """Rows ``(m, first_components)`` float32 by the first method, or the rows themselves."""
        if not self._staged:
            return rows, _Before()
        width = self.first_components
        if rows.shape[1] <= width:
            has = f"the vectors have {rows.shape[1]} columns, no more than first_components={width}"
            note = f"{self.first} is not used first: {has}"
            return rows, _Before((note,))
        step, equal = self._stage(), equal_rows(rows)
        first, back = equal or (slice(None), slice(None))
        merges = step.merges_equal_rows
        with one_blas_thread():
            made = as_output(step.compute(rows[first] if merges else rows, Progress(progress.part(0.0, _SHARE))))  # shows no layout
        given = np.asarray(made.values, np.float32)
        given = np.ascontiguousarray(
            (given if merges else given[first])[back]
        )  # products of equal rows differ in their last digits
        said = f" ({'; '.join(made.notes)})" if made.notes else ""
        return given, _Before((f"first {given.shape[1]} components by {self.first}{said}",), True)

    @property
    def _staged(self) -> bool:
        """Whether another method comes first; somebody else's method may have a setting `first` that means something else."""
        return self.first != NONE and goes_first(self.first)

    def _stage(self) -> Reducer:
        """The reducer that comes first."""
        step = find("reduce", self.first, random_state=self.random_state)
        assert isinstance(step, Reducer)
        step.width, step.store = min(self.first_components, step.widest or self.first_components), self.store
        return step

    # What it takes

    def takes(self, n: int, d: int) -> Takes | None:
        """What `compute` takes on ``(n, d)`` vectors; None where it is not known. Each method has its own."""
        return None

    def estimate(self, n: int, d: int) -> Takes | None:
        """What a run takes on ``(n, d)`` vectors, with the stage before and a copy of the vectors; None where it is not known."""
        copies = 2 * 4 * n * d
        if not self._staged or d <= self.first_components:
            found = self.takes(n, d)
            return None if found is None else found.beside(copies)
        stage = self._stage()
        one, two = stage.takes(n, d), self.takes(n, stage.width)
        if one is None or two is None:
            known = one or two
            return None if known is None else Takes(memory=known.memory + copies, known=False)
        return one.then(two).beside(copies)

    def refused(self, n: int, d: int) -> str:
        """Why a layout of ``(n, d)`` vectors cannot be computed here, and what to do; empty where it can, as far as is known."""
        takes, free = self.estimate(n, d), room()
        if takes is None or not free or takes.memory <= free:
            return ""
        fewer = " set landmarks lower," if "landmarks" in self.setting_names() else ""
        others = ", ".join(_fitting(n, d, free, self.method))
        other = f" or choose another method ({others} would fit)" if others else ""
        needed = f"{size(int(takes.memory))} of memory and there are {size(free)}"
        return f"{self.method} on {n:,} items × {d:,} columns takes {needed}:{fewer} take fewer items{other}"


def firsts() -> list[str]:
    """What may stand for `first`: none, and all registered reducers that can give more than two columns."""
    ours = [method for method in _ORDER if method in names("reduce")]
    return [NONE, *filter(goes_first, dict.fromkeys([*ours, *names("reduce")]))]


def goes_first(method: object) -> bool:
    """Whether a name is that of a registered reducer that can give more than two columns; only this one is loaded."""
    if not isinstance(method, str) or method not in names("reduce"):
        return False
    try:
        widest = getattr(class_of("reduce", method), "widest", 2)
    except (ImportError, AttributeError, ValueError):  # somebody else's broken plug-in
        return False
    return widest is None or widest > 2


class _Before(NamedTuple):
    """What to say of the first stage, and whether there was one."""

    notes: tuple[str, ...] = ()
    begun: bool = False


def _fitting(n: int, d: int, free: int, but: str) -> list[str]:
    """The methods that, as they are by default, are known to fit into so much memory."""
    found = []
    for method in names("reduce"):
        try:
            step = find("reduce", method)
        except (ImportError, AttributeError, ValueError):  # somebody else's broken plug-in
            continue
        takes = step.estimate(n, d) if isinstance(step, Reducer) and method != but else None
        if takes is not None and takes.memory <= free:
            found.append(method)
    return found


def _as_float32(rows: np.ndarray) -> np.ndarray:
    """Rows in float32; what is too large for it becomes its largest value, not infinite."""
    largest = np.finfo(np.float32).max
    if rows.dtype.kind == "f" and rows.dtype.itemsize > 4:
        rows = np.clip(rows, -largest, largest)
    return np.ascontiguousarray(rows, dtype=np.float32)
