"""Values computed elsewhere as a session's current results: checked, put in the items' order, and kept like any others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import param

from explorer.errors import InputError
from explorer.sources.fitted import embedding_of, is_estimator, labels_of
from explorer.sources.options import tidy_name
from explorer.sources.order import Order, missing, objects, plain
from explorer.step import Result, fingerprint_array

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.workspace import Workspace

GIVEN = "given"
KINDS = {"features": "extract", "layout": "reduce", "clusters": "cluster"}
LONGEST = 60  # characters of a name
MOST_NAMES = 10_000  # clusters that have names of their own


class Giving(param.Parameterized):
    """The verb that takes results from elsewhere; `Session` adds all others."""

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace

        def adopt(self, result: Result) -> Result: ...

    def give(
        self, *, features: Any = None, layout: Any = None, clusters: Any = None, method: str = GIVEN, notes: Iterable[str] = ()
    ) -> dict[str, Result]:
        """Make values that were computed elsewhere the current results, all of them or none.

        Any of them may be a Series, a DataFrame or a mapping by id. Items that are not in it, and rows that hold NaN or infinity,
        have no place or are noise.

        Parameters
        ----------
        features
            ``(n, d)`` numbers.
        layout
            ``(n, 2)`` numbers, or a fitted object that has them as `embedding_`.
        clusters
            ``(n,)``: whole numbers, names, or a fitted object that has them as `labels_`. Negative numbers, ``"-1"``, None, NaN and
            the empty text are noise. Clusters with names are numbered from the largest on and keep their names.
        method
            How they were made, in a word: it stands in the record.
        notes
            Sentences to show beside them.

        Returns
        -------
        dict
            The results by name: "features", "layout", "clusters".

        Raises
        ------
        InputError
            For another shape or length, what is not numbers, ids that are not there, and where nothing is finite.
        """
        order = Order(self.dataset.index)
        given = {"features": features, "layout": layout, "clusters": clusters}
        about = {} if method == GIVEN else {"method": _named(method)}
        made = []
        for what, values in given.items():
            if values is None:
                continue
            array, names, said = _clusters(values, order) if what == "clusters" else _numbers(values, order, what)
            settings = about | ({"names": names} if names else {})
            made.append(self._result(KINDS[what], array, settings, (*map(str, notes), *said)))
        if not made:
            raise InputError("nothing was given; give features=, layout= or clusters=")
        kept = [self.workspace.get(one.kind, one.method, one.key) or self.workspace.put(one) for one in made]
        names_of = {kind: what for what, kind in KINDS.items()}
        current = {one.kind: getattr(self, names_of[one.kind]) for one in kept}
        same = {kind for kind, now in current.items() if now is not None and now.key in {one.key for one in kept}}
        return {names_of[one.kind]: current[one.kind] if one.kind in same else self.adopt(one) for one in kept}

    def _result(self, kind: str, values: np.ndarray, settings: dict[str, Any], notes: tuple[str, ...]) -> Result:
        identity = [kind, settings, self.dataset.fingerprint, fingerprint_array(values), notes]
        key = f"given-{hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]}"
        return Result(values, kind, GIVEN, settings, self.dataset.fingerprint, key, notes=notes)


def given_names(result: Result) -> dict[int, str] | None:
    """The names that clusters were given with, by cluster; None where they have none of their own."""
    names = result.settings.get("names")
    return {place: str(name) for place, name in enumerate(names)} if result.method == GIVEN and isinstance(names, list) else None


def _named(method: Any) -> str:
    if not isinstance(method, str) or not tidy_name(method) or len(method) > LONGEST:
        raise InputError(f"method={method!r} is not a name; say in a word of up to {LONGEST} letters how the values were made")
    return tidy_name(method)


def _numbers(values: Any, order: Order, what: str) -> tuple[np.ndarray, list[str], list[str]]:
    """``(n, d)`` float32, read only, and notes; a row that is not finite is NaN."""
    if what == "layout" and is_estimator(values):
        values = embedding_of(values)
    wide = "(n, 2): an x and a y for each item" if what == "layout" else "(n, d)"
    taken = order.by_name(_by_id(values), what) if isinstance(values, Mapping) else order.taken(plain(values), what)
    array = _plain_numbers(taken, what, wide)
    if array.ndim != 2 or not array.shape[1] or (what == "layout" and array.shape[1] != 2):
        raise InputError(f"{what} of shape {array.shape}; {wide} is needed")
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, and is no value
        made = np.array(array, np.float32, order="C")
    finite = np.isfinite(made).all(axis=1)
    if not finite.any():
        raise InputError(f"{what} holds no row of numbers: in every one of them is a NaN or infinity; check how it was made")
    made[~finite] = np.nan
    made.flags.writeable = False
    lost, n = int((~finite).sum()), len(made)
    return (
        made,
        [],
        [f"{lost:,} of {n:,} items have no {'place' if what == 'layout' else 'features'} in what was given"] * (lost > 0),
    )


def _by_id(values: Mapping[Any, Any]) -> pd.DataFrame:
    """Rows by id as a DataFrame."""
    if not values:
        raise InputError("an empty dict was given; give an id and its numbers for each item")
    try:
        rows = np.array([np.asarray(plain(row), np.float64) for row in values.values()])
    except (TypeError, ValueError) as problem:
        raise InputError("a dict by id must give each item equally many numbers, such as {id: (x, y)}") from problem
    return pd.DataFrame(rows.reshape(len(rows), -1), index=pd.Index(list(values), tupleize_cols=False))


def _plain_numbers(values: Any, what: str, wide: str) -> np.ndarray:
    if hasattr(values, "toarray"):
        raise InputError(f"{what} is a sparse matrix; give an array of shape {wide}, or read the matrix as a dataset")
    try:
        array = values.to_numpy(np.float64, na_value=np.nan) if isinstance(values, pd.DataFrame) else np.asarray(values)
    except (TypeError, ValueError) as problem:
        raise InputError(f"{what} holds what is not numbers; {wide} of numbers is needed") from problem
    if array.dtype.hasobject:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise InputError(f"{what} holds what is not numbers; {wide} of numbers is needed") from problem
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} holds {array.dtype}; {wide} of numbers is needed")
    return array


def _clusters(values: Any, order: Order) -> tuple[np.ndarray, list[str], list[str]]:
    """``(n,)`` int32, -1 for noise; the clusters' names where they have their own; notes."""
    if is_estimator(values) and not isinstance(values, pd.Series | pd.DataFrame):
        values = labels_of(values)
    values = order.taken(values if isinstance(values, Mapping) else plain(values), "clusters")
    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = values.iloc[:, 0] if isinstance(values, pd.DataFrame) else np.asarray(values)[:, 0]
    if getattr(values, "ndim", 1) != 1:
        raise InputError(f"clusters of shape {values.shape}; one value for each item is needed: (n,)")
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        return _numbered(values)
    each = [None if missing(value) or _negative(value) else value for value in objects(values)]
    numbers = _whole(each)
    return _by_names(each) if numbers is None else _numbered(numbers)


def _negative(value: Any) -> bool:
    """Whether a value says noise as clusterers do; numbers may have become text on their way."""
    return value == "-1" if isinstance(value, str) else isinstance(value, int | float) and value < 0


def _whole(values: list[Any]) -> np.ndarray | None:
    """``(n,)`` int64 of the values, -1 for none; None where some are no numbers."""
    if not all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return None
    broken = [value for value in values if isinstance(value, float) and not value.is_integer()]
    if broken:
        raise InputError(f"clusters holds numbers such as {broken[0]:g}; a cluster is a whole number or a name: give one of those")
    if any(value is not None and abs(value) >= 2**63 for value in values):
        return None
    return np.array([-1 if value is None else int(value) for value in values], np.int64)


def _numbered(numbers: np.ndarray) -> tuple[np.ndarray, list[str], list[str]]:
    if int(numbers.max(initial=0)) >= len(numbers):  # numbers with gaps, as of classes in a catalogue: they are names
        return _by_names([None if number < 0 else number for number in numbers.tolist()])
    return _frozen(np.where(numbers < 0, -1, numbers).astype(np.int32)), [], []


def _by_names(values: list[Any]) -> tuple[np.ndarray, list[str], list[str]]:
    """Numbered from the largest on, those of one size by name."""
    words = [None if value is None else word(value) or None for value in values]
    codes, known = pd.factorize(pd.Series(words, dtype=object))
    if len(known) > MOST_NAMES:
        raise InputError(f"clusters has {len(known):,} different names; at most {MOST_NAMES:,} are taken: are these ids?")
    names = [str(name) for name in known]
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda place: (-sizes[place], names[place]))
    rank = np.full(len(names) + 1, -1, np.int32)  # the last place is what -1 finds
    rank[order] = np.arange(len(names))
    return _frozen(rank[codes]), [names[place] for place in order], []


def word(value: Any) -> str:
    """A category's or a cluster's name: ``3.0`` is 3, and names are on one line.

    Raises
    ------
    InputError
        For what cannot be a name: a list, an array.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | dict | set | np.ndarray):
        raise InputError(f"one value is a {type(value).__name__}; give one name or whole number for each item")
    return tidy_name(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


__all__ = ["Giving", "given_names", "word"]
