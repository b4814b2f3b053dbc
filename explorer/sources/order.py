"""Values that come beside items, in the items' order: as they come, or by the names that pandas and dicts give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import InputError, listed


@dataclass(frozen=True, eq=False)
class Order:
    """What n items are called by, and in which order they come.

    Attributes
    ----------
    names
        ``(n,)`` the items' names, unique.
    own
        Whether these are the items' own; where they only count the rows, an index that is of the same length says nothing.
    """

    names: pd.Index
    own: bool = True

    def taken(self, values: Any, what: str, *, partly: bool = True) -> Any:
        """The values with one for each item, in their order.

        Parameters
        ----------
        values
            A Series or a DataFrame, by its index; a mapping, by its keys; anything else is in order already, and as long.
        what
            What messages call them: ``"labels"``.
        partly
            Whether items may have none; they then have NaN or None.

        Raises
        ------
        InputError
            For names that no item has or that stand twice, and for another length.
        """
        if isinstance(values, Mapping):
            values = series_of(values)
        elif isinstance(values, pd.Series | pd.DataFrame) and not self.own:
            check_length(values, len(self.names), what)
            return values.set_axis(self.names, axis=0)
        elif isinstance(values, pd.Series | pd.DataFrame) and self._in_order(values.index):
            return values.set_axis(self.names, axis=0)
        elif not isinstance(values, pd.Series | pd.DataFrame):
            check_length(values, len(self.names), what)
            return values
        return self.by_name(values, what, partly=partly)

    def _in_order(self, index: pd.Index) -> bool:
        """Whether an index says the same as the names, or only counts rows; where names are those very numbers, it names items."""
        if len(index) != len(self.names):
            return False
        counts = index.equals(pd.RangeIndex(len(index)))
        return index.equals(self.names) or (counts and bool((self.names.get_indexer(index) < 0).any()))

    def by_name(self, values: pd.Series | pd.DataFrame, what: str, *, partly: bool = True) -> Any:
        """The values by their index, whatever it looks like; raises as `taken` does."""
        index = values.index
        if not index.is_unique:
            twice = listed(map(repr, index[index.duplicated()].unique()))
            raise InputError(f"{what}: {twice} stand more than once in the index; give one value for an item")
        rows = self.names.get_indexer(index)
        if (rows < 0).any():
            missing = listed(map(repr, index[rows < 0].tolist()))
            like = self.names[:1].tolist()
            raise InputError(f"{what} names {missing}, which no item is called; ids look like {like[0] if like else None!r}")
        if not partly and len(index) < len(self.names):
            raise InputError(f"{what}: {len(index):,} values for {len(self.names):,} items; give one for each")
        return values.set_axis(self.names[rows], axis=0).reindex(self.names)


def series_of(values: Mapping[Any, Any]) -> pd.Series:
    """A mapping as a Series of objects by its keys."""
    made = pd.Series(index=pd.Index(list(values), tupleize_cols=False), dtype=object)
    for place, value in enumerate(values.values()):
        made.iat[place] = value
    return made


def check_length(values: Any, n: int, what: str, beside: str = "items") -> None:
    """Raise an InputError for what has no length, or another one than there are items."""
    try:
        length = values.shape[0] if getattr(values, "shape", ()) else len(values)
    except TypeError:
        given = type(values).__name__
        raise InputError(f"{what} is one {given}; give a list or an array with a value for each of the {n:,} {beside}") from None
    if length != n:
        raise InputError(f"{what} has {length:,} values but there are {n:,} {beside}; give one for each, in the same order")


def plain(values: Any) -> Any:
    """Arrays of other libraries (torch, jax) as numpy has them; all else as it is."""
    if isinstance(values, np.ndarray | pd.Series | pd.DataFrame | list | tuple):
        return values
    if hasattr(values, "detach"):  # a torch tensor, wherever it is
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    return np.asarray(values) if hasattr(values, "__array__") else values


def missing(value: Any) -> bool:
    """Whether a value says nothing: None, NaN (also pandas' and that of dates) or the empty text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return (isinstance(value, float) and value != value) or (isinstance(value, str) and not value)


def objects(values: Any) -> list[Any]:
    """Anything that has a value for each item, as a list of Python's own values."""
    values = plain(values)
    if isinstance(values, pd.Series | np.ndarray):
        return list(values.tolist())
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return [value.item() if isinstance(value, np.generic) else value for value in values]
    return list(values)


__all__ = ["Order", "check_length", "missing", "objects", "plain", "series_of"]
