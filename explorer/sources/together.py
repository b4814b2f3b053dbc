"""One dataset out of vectors, pictures, texts and columns that lie side by side, each in an object of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.sources import find, ids, series
from explorer.sources.found import Found, assemble
from explorer.sources.frames import column, known_kind
from explorer.sources.objects import to_column
from explorer.sources.options import Options, tidy_name
from explorer.sources.order import Order, missing, objects, plain
from explorer.sources.pixels import Pixels, pictures_of

USUAL = "id"


@dataclass(frozen=True, eq=False)
class Beside:
    """What comes beside a source, a value for each of its items, in their order or by id; None is nothing.

    Attributes
    ----------
    ids
        Names that the items go by.
    images
        Paths, Pillow pictures, bytes, or an array ``(n, h, w)`` or ``(n, h, w, 3 or 4)``.
    texts
        Texts.
    series
        An array ``(n, t)`` or ``(n, channels, t)``, or a list of arrays ``(t,)`` or ``(channels, t)`` of any t.
    audio
        Paths, or bytes of sound files.
    columns
        A DataFrame, or a mapping of a column's name to its values.
    """

    ids: Any = None
    images: Any = None
    texts: Any = None
    series: Any = None
    audio: Any = None
    columns: Any = None

    @property
    def count(self) -> int | None:
        """How many items there are, as far as this tells."""
        given = (getattr(self, each.name) for each in fields(self) if each.name != "columns")
        there = next((values for values in given if values is not None and hasattr(values, "__len__")), None)
        return None if there is None else len(there)


def together(source: Any, beside: Beside, options: Options) -> tuple[Dataset, Order]:
    """The dataset, and what its items are called by to whoever gives more about them.

    Parameters
    ----------
    source
        Whatever `explorer.read` takes, or None where all that there is lies beside.

    Raises
    ------
    InputError
        For what cannot be read, and for lengths that differ.
    """
    found, options = _begun(source, beside, options)
    order = _order(source, found, beside)
    if beside.ids is not None or (_tells_rows_apart(source, found, options) and found.ids is None):
        names = order.names if beside.ids is None else order.taken(plain(beside.ids), "ids", partly=False)
        found.ids = ids.from_column(pa.chunked_array([to_column(objects(names))]), "ids")
    if len(found.ids if found.ids is not None else order.names) != found.rows and found.rows:
        raise InputError(f"ids has {len(found.ids or ()):,} values but there are {found.rows:,} items; give one for each")
    adding = _Adding(found, order, options)
    for what in ("images", "texts", "series", "audio"):
        if (values := getattr(beside, what)) is not None:
            getattr(adding, what)(values)
    adding.columns(beside.columns)
    dataset = assemble(adding.found, adding.options)
    return dataset, Order(order.names, own=order.own) if order.own else Order(dataset.index, own=found.ids is not None)


def _begun(source: Any, beside: Beside, options: Options) -> tuple[Found, Options]:
    if source is None:
        if beside.count is None:
            raise InputError("there is nothing to explore; give vectors, a table, a folder, or images=, texts=, series= or audio=")
        return Found("items", pa.table({})), options
    if isinstance(source, Dataset):
        from explorer.sources import again

        return again(source, options)
    return find(source, options), options


def _order(source: Any, found: Found, beside: Beside) -> Order:
    """What values beside the items go by: the index of what was given, else ids, else their places."""
    if isinstance(source, pd.DataFrame | pd.Series) and source.index.is_unique and len(source) == found.rows:
        return Order(source.index, own=not _counts(source.index))
    if (names := getattr(source, "obs_names", None)) is not None and len(names) == found.rows and names.is_unique:
        return Order(pd.Index(names))
    if beside.ids is not None and found.ids is None:
        given = objects(beside.ids)
        index = pd.Index(given, tupleize_cols=False)
        if index.is_unique and len(index) == (found.rows or len(index)):
            return Order(index)
    if found.ids is not None:
        return Order(pd.Index(found.ids))
    return Order(pd.RangeIndex(found.rows or beside.count or 0), own=False)


def _tells_rows_apart(source: Any, found: Found, options: Options) -> bool:
    """Whether a DataFrame's index names its rows without having a name itself, as that of a part of another does."""
    if not isinstance(source, pd.DataFrame) or options.id or isinstance(source.index, pd.MultiIndex):
        return False
    index = source.index
    whole = index.is_unique and not index.hasnans and len(index) == found.rows
    return whole and index.name is None and not _counts(index) and USUAL not in found.table.column_names


def _counts(index: pd.Index) -> bool:
    return bool(index.equals(pd.RangeIndex(len(index))))


class _Adding:
    """Puts columns beside what was found, under names that are free."""

    def __init__(self, found: Found, order: Order, options: Options) -> None:
        self.found, self.options, self._order = found, options, order

    def images(self, given: Any) -> None:
        values = self._order.taken(plain(given), "images")
        if isinstance(values, np.ndarray) and values.dtype.kind not in "OUST":
            made, notes = pictures_of(values, "images")
            self.found.notes += notes
        else:
            made = self._pictures(objects(values))
        name = self._put("image", to_column(made), "image")
        self.options = replace(self.options, image=name)

    def _pictures(self, values: list[Any]) -> list[Any]:
        arrays = [plain(value) if hasattr(value, "shape") else None for value in values]
        if not any(array is not None for array in arrays):
            return [self._path(value) for value in values]
        if odd := next((value for value, array in zip(values, arrays, strict=True) if value is not None and array is None), None):
            raise InputError(f"images holds arrays and also a {type(odd).__name__}; give pictures of one kind")
        pixels = Pixels("a picture of images", channels_first=any(hasattr(value, "detach") for value in values))
        for array in arrays:
            pixels.add(array)
        made, notes = pixels.done()
        self.found.notes += notes
        return made

    def texts(self, given: Any) -> None:
        values = objects(self._order.taken(given, "texts"))
        words = [value if isinstance(value, str) or not missing(value) else None for value in values]
        if odd := [value for value in words if value is not None and not isinstance(value, str)]:
            raise InputError(f"texts holds a {type(odd[0]).__name__}; give a list of texts, one for each item")
        made = [None if word is None else word.encode("utf-8", "replace").decode() for word in words]  # halves of characters go
        self.options = replace(self.options, text=self._put("text", pa.array(made, pa.string()), "text"))

    def series(self, given: Any) -> None:
        values = self._order.taken(plain(given), "series")
        if isinstance(values, pd.DataFrame):
            values = values.to_numpy(np.float64, na_value=np.nan)
        if isinstance(values, np.ndarray) and not values.dtype.hasobject:
            made, notes = series.from_array(values, "series")
        else:
            each = [None if one is None else plain(one) for one in values]
            made, notes = series.from_column(pa.chunked_array([to_column(each)]), "series")
        self.found.notes += notes
        self.options = replace(self.options, series=(self._put("series", made, "series"),))

    def audio(self, given: Any) -> None:
        values = [self._path(value) for value in objects(self._order.taken(given, "audio"))]
        if odd := [value for value in values if value is not None and not isinstance(value, str | bytes)]:
            raise InputError(f"audio holds a {type(odd[0]).__name__}; give paths to sound files, or their bytes")
        self.options = replace(self.options, audio=self._put("sound", to_column(values), "audio"))

    def columns(self, given: Any) -> None:
        """Further columns, each by its name."""
        if given is None:
            return
        if isinstance(given, pd.Series):
            given = given.to_frame("values" if given.name is None else given.name)
        if not isinstance(given, pd.DataFrame | Mapping):
            raise InputError(f"columns is a {type(given).__name__}; give a DataFrame, or a mapping of names to values")
        if isinstance(given, pd.DataFrame):
            given = self._order.taken(given, "columns")
        for name in given:
            label = tidy_name(name)
            values = (
                given[name] if isinstance(given, pd.DataFrame) else self._order.taken(plain(given[name]), f"columns: {label!r}")
            )
            if getattr(values, "ndim", 1) != 1:
                raise InputError(f"columns: {label!r} has the shape {values.shape}; a column has one value for each item")
            made = column(values) if isinstance(values, pd.Series) else to_column(objects(values))
            self._put(label or "column", made, known_kind(values.dtype) if isinstance(values, pd.Series) else None)

    def _path(self, value: Any) -> Any:
        """A path as text, seen from the current folder whatever the source's own is."""
        if missing(value):
            return None
        value = os.fspath(value) if isinstance(value, os.PathLike) else value
        if isinstance(value, str) and self.found.root is not None and "://" not in value:
            return str(Path(value).absolute())
        return value

    def _put(self, name: str, values: Any, kind: str | None) -> str:
        table = self.found.table
        taken = {tidy_name(each) for each in table.column_names} | set(self.found.arrays)
        tries = (name if number == 1 else f"{name} {number}" for number in range(1, len(taken) + 2))
        free = next(each for each in tries if each not in taken)
        values = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
        if self.found.rows and len(values) != self.found.rows:
            raise InputError(f"{name} has {len(values):,} values but there are {self.found.rows:,} items; give one for each")
        field = pa.field(free, values.type)
        self.found.table = table.append_column(field, values) if table.num_columns else pa.Table.from_arrays([values], names=[free])
        if kind:
            self.found.kinds[free] = kind
        return free


__all__ = ["Beside", "together"]
