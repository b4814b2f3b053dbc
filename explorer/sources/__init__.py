"""One file a kind of source, each to a Dataset; `read` looks at what it is given and picks."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.sources.arrays import from_array, from_mapping, read_npy, read_npz
from explorer.sources.delimited import read_delimited, read_lines
from explorer.sources.found import Found, assemble, sayable
from explorer.sources.frames import from_frame, from_table
from explorer.sources.images import read_folder
from explorer.sources.jsonlines import read_jsonl
from explorer.sources.options import NOT_YET, Names, Options
from explorer.sources.parquet import read_parquet

READERS: dict[str, Callable[[Path, Options], Found]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_lines,
    ".parquet": read_parquet,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_jsonl,
    ".npy": read_npy,
    ".npz": read_npz,
}
LONGEST_PATH = 4096
ALLOWED = f"a folder of pictures, or a file ending in {', '.join(READERS)}"


def read(
    source: Any,
    *,
    id: str | None = None,
    text: str | None = None,
    image: str | None = None,
    series: str | None = None,
    audio: str | None = None,
    vectors: str | None = None,
    columns: Names = None,
    layout: Names = None,
) -> Dataset:
    """A dataset out of a file, a folder of pictures, a DataFrame, an Arrow table, an array, or a dict of arrays.

    Parameters
    ----------
    id
        The column of ids; else a column `id`, else row numbers (or paths, for a folder).
    text, image
        The column that is the item itself.
    vectors
        The column of lists, or the array of an .npz, that is the vectors ``(n, d)``.
    columns
        The columns to keep beside those named: ``["a", "b"]`` or ``"a,b"``.
    layout
        A layout that is there already: two columns ``"x,y"``, or an array of shape ``(n, 2)``.

    Raises
    ------
    InputError
        In one line: what was given, what is allowed, and what to do.
    """
    for option, given in (("series", series), ("audio", audio)):
        if given is not None:
            raise InputError(f"{option}={given!r}: {option} {NOT_YET}")
    options = Options.given(id=id, text=text, image=image, vectors=vectors, columns=columns, layout=layout)
    if isinstance(source, Dataset):
        return assemble(*_again(source, options)) if options.any else source
    return assemble(_found(source, options), options)


def _found(source: Any, options: Options) -> Found:
    if isinstance(source, str | Path):
        return _from_path(Path(source).expanduser(), options)
    if isinstance(source, pd.DataFrame):
        return from_frame(source, options)
    if isinstance(source, pd.Series):
        return from_frame(source.to_frame("values" if source.name is None else source.name), options)
    if isinstance(source, Mapping):
        return from_mapping(source, options)
    if isinstance(source, np.ndarray):
        return from_array(source)
    if hasattr(source, "__arrow_c_stream__"):  # Arrow tables, and what speaks their language: polars, DuckDB
        return from_table(pa.table(source))
    if hasattr(source, "__array__"):  # torch, jax, xarray
        return from_array(np.asarray(source))
    given = type(source).__name__
    raise InputError(f"{given!r} objects cannot be read; give a path, a DataFrame, an Arrow table, an array or a dict of arrays")


def _from_path(path: Path, options: Options) -> Found:
    if len(str(path)) > LONGEST_PATH:
        raise InputError(f"a path of {len(str(path)):,} letters is no path; give {ALLOWED}")
    with sayable(path):
        if path.is_dir():
            return read_folder(path, options)
        if not path.exists():
            raise _no_such(path)
        if not path.is_file():
            raise InputError(f"{str(path)!r} is neither a file nor a folder; give {ALLOWED}")
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise InputError(f"{path.name!r} ends in {path.suffix or 'nothing'!r}; give {ALLOWED}")
        if not path.stat().st_size:
            raise InputError(f"{path.name!r} is empty (0 bytes); give a file with at least three items")
        return reader(path, options)


def _no_such(path: Path) -> InputError:
    if "://" in str(path) or str(path).startswith(("http:/", "https:/", "s3:/")):
        return InputError(f"{str(path)!r} is an address, and nothing is fetched; download it and give the file")
    try:
        names = sorted(each.name for each in path.parent.iterdir() if not each.name.startswith("."))
    except OSError:
        return InputError(f"no such file or folder: {str(path)!r}, nor the folder it would be in; check the path")
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    hint = f"did you mean {str(path.parent / near[0])!r}?" if near else f"that folder has {listed(map(repr, names)) or 'nothing'}"
    return InputError(f"no such file or folder: {str(path)!r}; {hint}")


def _again(dataset: Dataset, options: Options) -> tuple[Found, Options]:
    """A dataset as a source: what is said of it now goes before what was said or guessed earlier."""
    beside = {"vectors": dataset.vectors, "layout": dataset.layout}
    arrays = {name: array for name, array in beside.items() if array is not None and name not in dataset.table.column_names}
    found = Found(dataset.name, dataset.table, arrays, dataset.ids, dict(dataset.kinds), dataset.root, list(dataset.notes))
    return found, replace(
        options,
        text=options.text or dataset.roles.get("text"),
        image=options.image or dataset.roles.get("image"),
        vectors=options.vectors or ("vectors" if "vectors" in arrays else None),
        layout=options.layout or (("layout",) if "layout" in arrays else ()),
    )


__all__ = ["read"]
