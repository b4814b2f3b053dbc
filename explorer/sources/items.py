"""Items that come one by one (out of a torch dataset, a list, a stream) as a table with a row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset.columns import FILES, guess_strings
from explorer.errors import InputError
from explorer.sources import series
from explorer.sources.found import Found
from explorer.sources.objects import to_column
from explorer.sources.options import tidy_name
from explorer.sources.order import plain
from explorer.sources.pixels import Pixels
from explorer.sources.vectors import VECTORS

ITEM, LABEL = "item", "label"
CALLED = {"picture": "image", "text": "text", "numbers": VECTORS, "series": series.NAME, "plain": "value"}


class Items:
    """Collects items, and tells of what they turned out to be.

    An item is a picture, an array, a text or a number; a pair of it and its label; or a mapping of several by name.

    Parameters
    ----------
    classes
        The names of the classes that whole numbers among the labels stand for, or none.
    """

    def __init__(self, name: str, classes: Sequence[str] = (), *, channels_first: bool = True) -> None:
        self._name, self._classes, self._first = name, list(map(str, classes)), channels_first
        self._fields: dict[str, _Field] = {}
        self._left_out = 0
        self.rows = 0

    def add(self, item: Any) -> None:
        """The next item.

        Raises
        ------
        InputError
            When it is of another kind than those before it, or of none that is known.
        """
        parts = self._parts(item)
        for name in parts:
            if name not in self._fields:
                self._fields[name] = field = _Field(f"{self._name}: {name}", channels_first=self._first)
                for _ in range(self.rows):
                    field.add(None)
        for name, field in self._fields.items():
            field.add(parts.get(name))
        self.rows += 1

    def _parts(self, item: Any) -> dict[str, Any]:
        if isinstance(item, Mapping):
            return {tidy_name(name) or "value": value for name, value in item.items()}
        if isinstance(item, tuple | list) and item and not all(isinstance(part, int | float) for part in item):
            self._left_out = max(self._left_out, len(item) - 2)
            return {ITEM: item[0], **({LABEL: item[1]} if len(item) > 1 else {})}
        return {ITEM: item}

    def found(self) -> Found:
        """All of them."""
        found = Found(self._name, pa.table({}))
        columns: dict[str, Any] = {}
        for name, field in self._fields.items():
            values, notes = field.done()
            found.notes += [note for note in notes if note not in found.notes]
            called = CALLED[field.kind] if name == ITEM else name
            if isinstance(values, np.ndarray) and name != LABEL:
                found.arrays[called] = values
                continue
            columns[called] = self._named(values) if name == LABEL and field.kind != "picture" else _as_column(values)
            kind = _known_kind(name, field.kind, columns[called])
            if kind:
                found.kinds[called] = kind
        found.table = pa.table(columns)
        if self._left_out:
            found.notes.append(f"items have {self._left_out + 2} parts; the first is read as the item and the second as its label")
        return found

    def _named(self, values: Any) -> pa.Array:
        """The labels, by the names of their classes where they have some."""
        if isinstance(values, np.ndarray):  # several numbers an item: shown, not computed with
            return pa.array([None if not np.isfinite(row).any() else " ".join(f"{each:g}" for each in row) for row in values])
        if self._classes and all(value is None or _is_place(value, len(self._classes)) for value in values):
            return pa.array([None if value is None else self._classes[value] for value in values], pa.string())
        return _as_column(values)


class _Field:
    """One part of all items, whose kind the first of them that is there decides."""

    def __init__(self, what: str, *, channels_first: bool) -> None:
        self.kind = "plain"
        self._what, self._known = what, False
        self._pixels = Pixels(what, channels_first=channels_first)
        self._values: list[Any] = []

    def add(self, value: Any) -> None:
        """The next one, or None."""
        value = _value(value)
        if value is not None and not self._known:
            self._known, self.kind = True, _kind(value, self._what)
            if self.kind == "picture":
                for _ in self._values:
                    self._pixels.add(None)
        if self.kind == "picture" and self._known:
            self._add_picture(value)
        else:
            if value is not None and _kind(value, self._what) != self.kind:
                raise InputError(f"{self._what}: item {len(self._values):,} is of another kind than those before: {_said(value)}")
            self._values.append(value)

    def _add_picture(self, value: Any) -> None:
        if value is not None and _kind(value, self._what) != "picture":
            raise InputError(f"{self._what}: one is no picture like those before it: {_said(value)}")
        self._pixels.add(_of_picture(value) if _is_picture(value) else value)

    def done(self) -> tuple[Any, list[str]]:
        """A list of values, or ``(n, d)`` float32 where each is d numbers; and notes."""
        if self.kind == "picture":
            return self._pixels.done()
        if self.kind == "series":
            return self._series()
        if self.kind != "numbers":
            return self._values, []
        lengths = {len(value) for value in self._values if value is not None}
        if len(lengths) > 1:
            self.kind = "series"
            made, notes = self._series()
            return made, [f"{self._what}: from {min(lengths):,} to {max(lengths):,} numbers each, read as time series", *notes]
        made = np.full((len(self._values), lengths.pop()), np.nan, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for row, value in enumerate(self._values):
                if value is not None:
                    made[row] = value
        return made, []

    def _series(self) -> tuple[Any, list[str]]:
        """``(n, channels, t)`` where all are as long, else a column."""
        shapes = {value.shape for value in self._values if value is not None}
        if len(shapes) == 1 and not any(value is None for value in self._values) and len(next(iter(shapes))) == 2:
            return np.stack(self._values), []
        return series.from_column(pa.chunked_array([to_column(self._values)]), self._what)


def _value(value: Any) -> Any:
    """What torch and numpy hold, as numpy arrays of at least one side and as plain numbers."""
    if isinstance(value, str | bytes | int | float) or value is None or _is_picture(value):
        return value
    value = plain(value)
    if isinstance(value, list | tuple) and value and all(isinstance(part, int | float) for part in value):
        value = np.asarray(value, np.float64)
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        return value.item()
    return value


def _kind(value: Any, what: str) -> str:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        if value.ndim > 3:
            raise InputError(
                f"{what}: an array of shape {value.shape}; items are pictures (c, h, w), series (c, t) or vectors (d,)"
            )
        return ("numbers", "series", "picture")[value.ndim - 1]
    if _is_picture(value):
        return "picture"
    return "text" if isinstance(value, str) else "plain"


def _is_picture(value: Any) -> bool:
    return type(value).__module__.startswith("PIL.")


def _of_picture(value: Any) -> np.ndarray:
    """A Pillow picture's pixels; 16 bits stay what they are."""
    if value.mode in {"L", "RGB", "RGBA", "1", "I", "F"} or value.mode.startswith("I;16"):
        return np.asarray(value)
    return np.asarray(value.convert("RGBA" if "A" in value.getbands() or "transparency" in value.info else "RGB"))


def _is_place(value: Any, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def _known_kind(name: str, kind: str, column: Any) -> str | None:
    """What a column is known to be; None leaves it to be guessed."""
    if kind in {"picture", "series"}:
        return {"picture": "image"}.get(kind, kind)
    if name == ITEM and kind == "text":
        return "text" if guess_strings(pa.chunked_array([column])) not in FILES else None
    return "category" if name == LABEL and pa.types.is_string(column.type) else None


def _as_column(values: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    return to_column(values)


def _said(value: Any) -> str:
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


__all__ = ["ITEM", "LABEL", "Items"]
