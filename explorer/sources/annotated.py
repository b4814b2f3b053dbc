"""An `AnnData` in memory, read as its file would be: `obs` and `var` as anndata itself writes them, matrices as they lie there."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import InputError
from explorer.sources.anndata import MATRIX, OWN, found_in
from explorer.sources.found import Found
from explorer.sources.options import Options, tidy_name
from explorer.sources.stores import Node, opened

NAME = "AnnData"


def fits(source: Any) -> bool:
    """Whether it is one."""
    return any(each.__name__ == NAME and each.__module__.startswith("anndata") for each in type(source).__mro__)


def read_object(source: Any, options: Options) -> Found:
    """The observations: their columns, their vectors and their layout, picked as out of a file (`explorer.sources.anndata`).

    Raises
    ------
    InputError
        For names that are not in it, or a matrix that does not fit into memory.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anndata's own, of what pandas will change
        if source.isbacked:  # what lies on disk is read there only in part; a copy of all of it is what is asked for
            source = source.to_memory()
        return _read(source, options)


def _read(source: Any, options: Options) -> Found:
    with _tables(source) as tables:
        about = dict.fromkeys([OWN] if OWN in source.uns else [], None)
        held = {"obs": tables["obs"], "var": tables["var"], "obsm": _arrays(source.obsm), "uns": about}
        held |= {} if source.X is None else {MATRIX: _matrix(source.X)}
        held |= {"layers": dict.fromkeys(source.layers, None)}
        held |= {"raw": {"X": None}} if source.raw is not None else {}
        return found_in(NAME, _Held(held, NAME), options, None)


@contextmanager
def _tables(source: Any) -> Iterator[Node]:
    """`obs` and the names of `var` in a store of their own, so that a column means what it means in a file."""
    import h5py
    from anndata.io import write_elem

    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        path = Path(folder) / NAME
        try:
            with h5py.File(path, "w") as file:
                write_elem(file, "obs", _writable(source.obs))
                write_elem(file, "var", _writable(source.var[[]]))
        except (TypeError, ValueError, RuntimeError, NotImplementedError, OSError) as problem:
            said = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
            raise InputError(
                f"the obs of this AnnData cannot be read ({said}): keep columns of text, numbers and categories"
            ) from problem
        with opened(path) as node:
            yield node


def _writable(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as anndata writes one: texts that repeat are categories, the others plain objects."""
    made = frame.set_axis(frame.index.astype(object), axis=0)
    for name in made:
        values = made[name]
        if not isinstance(values.dtype, pd.CategoricalDtype) and pd.api.types.infer_dtype(values) == "string":
            categories = pd.Categorical(values.astype(object))
            few = len(categories.categories) < len(categories)
            made[name] = categories.set_categories(categories.categories.astype(object)) if few else values.astype(object)
        elif isinstance(values.dtype, pd.CategoricalDtype) and pd.api.types.is_string_dtype(values.cat.categories.dtype):
            made[name] = values.cat.set_categories(values.cat.categories.astype(object))
    return made


def _arrays(group: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of `obsm`, those of a DataFrame's numbers too."""
    made = {}
    for name, value in group.items():
        values = value.to_numpy() if hasattr(value, "to_numpy") else value
        if isinstance(values, np.ndarray):
            made[name] = values
    return made


def _matrix(matrix: Any) -> Any:
    if hasattr(matrix, "tocsr"):
        rows = matrix.tocsr()
        return _Group(
            {"data": rows.data, "indices": rows.indices, "indptr": rows.indptr},
            {"encoding-type": "csr_matrix", "shape": [int(side) for side in rows.shape]},
        )
    return np.asarray(matrix)


class _Group(dict[str, Any]):
    """A group with attributes."""

    def __init__(self, held: dict[str, Any], attrs: dict[str, Any]) -> None:
        super().__init__(held)
        self.attrs = attrs


class _Held(Node):
    """What is in memory, as a store has it; a `Node` among it is a part of another store."""

    def __getitem__(self, name: str) -> Node:
        found = self._held[name]
        return found if isinstance(found, Node) else _Held(found, f"{self.what}/{tidy_name(name)}")

    def attribute(self, name: str) -> Any:
        return getattr(self._held, "attrs", {}).get(name)

    @property
    def kind(self) -> str:
        kind = str(self._held.dtype.kind)
        return kind if kind in "biuf" else ""

    @property
    def band(self) -> int:
        return 1


__all__ = ["fits", "read_object"]
