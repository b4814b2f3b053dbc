"""One file a kind of source, each to a Dataset; `read` looks at what it is given and picks."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.dataset.columns import SOUND_ENDINGS
from explorer.errors import InputError, listed
from explorer.sources.arrays import from_array, from_mapping
from explorer.sources.found import Found, assemble, sayable
from explorer.sources.frames import from_frame, from_table
from explorer.sources.options import Names, Options, is_address
from explorer.sources.order import plain

Reader = Callable[[Path, Options], Found]
# Imported when a source of their kind is read: "module:function".
READERS = {
    ".csv": "delimited:read_delimited",
    ".tsv": "delimited:read_delimited",
    ".txt": "delimited:read_lines",
    ".parquet": "parquet:read_parquet",
    ".arrow": "arrow:read_arrow",
    ".feather": "arrow:read_arrow",
    ".jsonl": "jsonlines:read_jsonl",
    ".ndjson": "jsonlines:read_jsonl",
    ".json": "jsonlines:read_jsonl",
    ".npy": "arrays:read_npy",
    ".npz": "arrays:read_npz",
    ".ts": "ts:read_ts",
    ".h5ad": "anndata:read_h5ad",
    ".zarr": "anndata:read_zarr",
    ".zip": "zipped:read_zip",
    **dict.fromkeys(SOUND_ENDINGS, "sounds:read_recording"),
}
# What reads a folder: the first module whose `fits(folder)` says that the folder is of its kind.
FOLDERS = ("anndata:read_zarr", "huggingface:read_saved", "sounds:read_folder")
# What reads objects of other libraries, none of which is imported for it: the first whose `fits(source)` knows them.
OBJECTS = ("annotated", "loaded", "torch_data", "matrices", "lists", "fitted")
LONGEST_PATH = 4096
ALLOWED = f"a folder of pictures or sounds, a dataset folder, or a file ending in {', '.join(READERS)}"


def read(
    source: Any,
    *,
    id: str | None = None,
    text: str | None = None,
    image: str | None = None,
    series: Names = None,
    time: str | None = None,
    audio: str | None = None,
    vectors: str | None = None,
    columns: Names = None,
    layout: Names = None,
    window: float | None = None,
    allow_download: bool = False,
    progress: Callable[[float, str], None] | None = None,
) -> Dataset:
    """A dataset out of a file, a folder, an address of one, a DataFrame, an Arrow table, an array, or a dict of arrays.

    Also out of a list of texts, of pictures or of arrays, a scipy sparse matrix, an ``AnnData``, a ``datasets.Dataset``, a fitted
    ``umap.UMAP``, and a torch ``DataLoader`` or ``Dataset``.

    Parameters
    ----------
    id
        The column of ids; else a column `id`, else row numbers (or paths, for a folder).
    text, image, audio
        The column that is the item itself.
    series
        The column of time series, or the array ``(n, t)`` or ``(n, channels, t)``; of a table with a row for every moment, its
        columns of values (then `id` says whose they are, and `time` when); of one with a column for every moment, those columns,
        also as ``"t0:t99"`` (from one to the other) or ``"t*"`` (t and a number). An array without a name is ``"values"``.
    vectors
        The column of lists, or the array of an .npz, that is the vectors ``(n, d)``.
    columns
        The columns to keep beside those named: ``["a", "b"]`` or ``"a,b"``.
    layout
        A layout that is there already: two columns ``"x,y"``, or an array of shape ``(n, 2)``.
    window
        Seconds of sound that are one item each.
    allow_download
        Fetch the pictures or sounds that a column names by address; nothing is fetched without it.
    progress
        Hears how far reading is (a fraction and a note) where items are asked for one by one, as those of a torch ``Dataset``.

    Raises
    ------
    InputError
        In one line: what was given, what is allowed, and what to do.
    """
    options = Options.given(
        id=id, text=text, image=image, series=series, time=time, audio=audio, vectors=vectors, columns=columns, layout=layout,
        window=window, allow_download=allow_download, progress=progress,
    )  # fmt: skip
    if isinstance(source, Dataset):
        return assemble(*again(source, options)) if options.any else source
    return assemble(find(source, options), options)


def find(source: Any, options: Options) -> Found:
    """What a source holds, before it is said which part is what; raises as `read` does."""
    if isinstance(source, str | Path):
        if is_address(source):
            from explorer.sources.remote import fetched

            return find(fetched(str(source)), options)
        return _from_path(Path(source).expanduser(), options)
    if isinstance(source, pd.DataFrame):
        return from_frame(source, options)
    if isinstance(source, pd.Series):
        return from_frame(source.to_frame("values" if source.name is None else source.name), options)
    for name in OBJECTS:
        if reader(f"{name}:fits")(source):
            return cast(Found, reader(f"{name}:read_object")(source, options))
    if isinstance(source, Mapping):
        return from_mapping(source, options)
    if isinstance(source, np.ndarray):
        return from_array(source) if source.ndim != 4 or options.series else _pictures(source)
    if hasattr(source, "__arrow_c_stream__"):  # Arrow tables, and what speaks their language: polars, DuckDB
        return from_table(pa.table(source))
    if hasattr(source, "__array__"):  # torch, jax, xarray
        return from_array(np.asarray(plain(source)))
    if reader("torch_data:is_map")(source):  # as any dataset for torch is
        return cast(Found, reader("torch_data:read_object")(source, options))
    given = type(source).__name__
    raise InputError(f"{given!r} objects cannot be read; give a path, a DataFrame, an Arrow table, an array or a dict of arrays")


def _pictures(array: np.ndarray) -> Found:
    """An array ``(n, h, w, c)``."""
    made, notes = reader("pixels:pictures_of")(array, "the array")
    return Found("array", pa.table({"image": pa.array(made, pa.binary())}), kinds={"image": "image"}, notes=notes)


def _from_path(path: Path, options: Options) -> Found:
    if len(str(path)) > LONGEST_PATH:
        raise InputError(f"a path of {len(str(path)):,} letters is no path; give {ALLOWED}")
    with sayable(path):
        if path.is_dir():
            return reader_of_folder(path)(path, options)
        if not path.exists():
            raise _no_such(path)
        if not path.is_file():
            raise InputError(f"{str(path)!r} is neither a file nor a folder; give {ALLOWED}")
        if path.suffix.lower() not in READERS:
            raise InputError(f"{path.name!r} ends in {path.suffix or 'nothing'!r}; give {ALLOWED}")
        if not path.stat().st_size:
            raise InputError(f"{path.name!r} is empty (0 bytes); give a file with at least three items")
        return cast(Reader, reader(READERS[path.suffix.lower()]))(path, options)


def reader(name: str) -> Any:
    """The function of that name, ``"module:function"``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(f"explorer.sources.{module}"), function)


def reader_of_folder(folder: Path) -> Reader:
    """What reads a folder, by what lies in it."""
    for name in FOLDERS:
        if reader(f"{name.partition(':')[0]}:fits")(folder):
            return cast(Reader, reader(name))
    return cast(Reader, reader("images:read_folder"))


def _no_such(path: Path) -> InputError:
    try:
        names = sorted(each.name for each in path.parent.iterdir() if not each.name.startswith("."))
    except OSError:
        return InputError(f"no such file or folder: {str(path)!r}, nor the folder it would be in; check the path")
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    hint = f"did you mean {str(path.parent / near[0])!r}?" if near else f"that folder has {listed(map(repr, names)) or 'nothing'}"
    return InputError(f"no such file or folder: {str(path)!r}; {hint}")


def again(dataset: Dataset, options: Options) -> tuple[Found, Options]:
    """A dataset as a source: what is said of it now goes before what was said or guessed earlier."""
    beside = {"vectors": dataset.vectors, "layout": dataset.layout}
    arrays = {name: array for name, array in beside.items() if array is not None and name not in dataset.table.column_names}
    found = Found(
        dataset.name, dataset.table, arrays, dataset.ids, dict(dataset.kinds), dataset.root, list(dataset.notes),
        dataset.matrix,
    )  # fmt: skip
    return found, replace(
        options,
        text=options.text or dataset.roles.get("text"),
        image=options.image or dataset.roles.get("image"),
        audio=options.audio or dataset.roles.get("audio"),
        series=options.series or ((dataset.roles["series"],) if "series" in dataset.roles else ()),
        vectors=options.vectors or ("vectors" if "vectors" in arrays else None),
        layout=options.layout or (("layout",) if "layout" in arrays else ()),
    )


__all__ = ["again", "find", "read"]
