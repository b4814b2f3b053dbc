"""Dataset folders in Hugging Face's forms: Parquet or Arrow shards, or pictures and sounds beside a file of metadata."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset.columns import PICTURE_ENDINGS, SOUND_ENDINGS
from explorer.errors import InputError, listed
from explorer.sources.arrow import read_table
from explorer.sources.features import LONGEST, Features, Together
from explorer.sources.folders import count, files_within, sub_folder
from explorer.sources.found import Found
from explorer.sources.options import Options, tidy_name
from explorer.sources.tables import ENDINGS, read_files

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE, SPLIT, FOLDER = "file_name", "split", "folder"
# a shard's name, or its folder's, begins with its split's: train-00000-of-00002.parquet, test.csv, validation/0000.parquet
NAMED = re.compile(r"^(train|training|test|testing|validation|valid|val|dev|eval|evaluation)(?![a-zA-Z0-9])", re.IGNORECASE)
SHARD = re.compile(r"^(\w[\w.-]*?)-\d{5}-of-\d{5}$")


def fits(folder: Path) -> bool:
    """Whether a folder holds tables, or tells of its pictures or sounds in a file of metadata."""
    if (folder / SPLITS).is_file() or (folder / STATE).is_file():
        return True
    if any(count(folder, PICTURE_ENDINGS, SOUND_ENDINGS)):
        return bool(_metadata(folder))
    return bool(_tables(folder))


def read_saved(folder: Path, options: Options) -> Found:
    """A folder that ``datasets`` saved, one of Parquet, Arrow, CSV or JSON lines files, or of pictures or sounds with metadata.

    Where there are several splits, a column `split` tells which an item is of.

    Raises
    ------
    InputError
        When files are missing, damaged, of several kinds, or have different columns.
    """
    if (folder / SPLITS).is_file() or (folder / STATE).is_file():
        return _saved(folder)
    metadata = _metadata(folder)
    if metadata and any(count(folder, PICTURE_ENDINGS, SOUND_ENDINGS)):
        return _described(folder, metadata, options)
    files = _tables(folder)
    read = read_files(folder, files, options)
    found = Found(folder.resolve().name, read.table, kinds=read.kinds, root=folder)
    if len(files) > 1:
        found.notes.append(f"{len(files):,} files were read as one table: {listed((tidy_name(file.name) for file in files), 3)}")
    return _split(found, [_split_of(file.relative_to(folder)) for file in files], read.counts)


def _tables(folder: Path) -> list[Path]:
    """The files of tables in a folder; what ``datasets`` keeps of its own work is none."""
    return [file for file in files_within(folder, ENDINGS)[0] if not file.name.startswith("cache-")]


def _metadata(folder: Path) -> list[Path]:
    return [file for file in files_within(folder, METADATA)[0] if file.name in METADATA]


def _split_of(path: Path) -> str | None:
    """Which split a file's path tells of."""
    if shard := SHARD.match(path.stem):
        return shard[1]
    told = (NAMED.match(part) for part in (path.stem, *reversed(path.parent.parts)))
    return next((found[1] for found in told if found), None)


def _split(found: Found, splits: list[str | None], counts: list[int]) -> Found:
    """The same with a column `split`, where there are several and no column of that name."""
    if len(set(splits)) < 2 or SPLIT in found.table.column_names:
        return found
    chunks = [pa.repeat(pa.scalar(split, pa.string()), rows) for split, rows in zip(splits, counts, strict=True)]
    found.table = found.table.append_column(SPLIT, pa.chunked_array(chunks))
    found.kinds[SPLIT] = "category"
    return found


# --- what `save_to_disk` wrote


def _saved(folder: Path) -> Found:
    splits = [folder / name for name in _listed(folder / SPLITS, "splits")] if (folder / SPLITS).is_file() else [folder]
    features, files, names = Features(), [], []
    for place in splits:
        inside = _shards(place)
        files += inside
        names += [place.name] * len(inside)
        features.take(_json(place / INFO).get("features")) if (place / INFO).is_file() else None
    read = read_table(folder, files, features)
    found = Found(folder.resolve().name, read.table, kinds=read.kinds, root=folder)
    return _split(found, list(names), read.counts)


def _shards(folder: Path) -> list[Path]:
    state = _json(folder / STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise InputError(f"{folder.name}: its rows are picked by an index beside the data; call flatten_indices(), save again")
    files = state.get("_data_files")
    names = [one.get("filename") if isinstance(one, dict) else None for one in (files if isinstance(files, list) else ())]
    if not names:
        raise InputError(f"{folder.name}: {STATE} names no data files: save it again")
    for name in names:
        if not isinstance(name, str) or name != Path(name).name or not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{folder.name}: {STATE} names {tidy_name(name)!r}, which is not in the folder: save it again")
        if not (folder / name).is_file():
            raise InputError(f"{folder.name}: {name!r} is missing: copy the folder whole")
    return [folder / str(name) for name in names]


def _listed(path: Path, key: str) -> list[str]:
    names = _json(path).get(key)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise InputError(f"{path.parent.name}: {path.name} is damaged (its {key} are not names): save it again")
    return names


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError(f"{path.stat().st_size:,} bytes")
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("no object")
    except (ValueError, OSError, RecursionError) as problem:
        why = str(problem).splitlines()[0][:80] if str(problem) else "unreadable"
        raise InputError(f"{path.parent.name}: {path.name} is missing or damaged ({why}): copy the folder whole") from problem
    return found


# --- pictures or sounds with metadata


def _described(folder: Path, metadata: list[Path], options: Options) -> Found:
    read = read_files(folder, metadata, options)
    name = _file_column(folder, read.table)
    there = {file.relative_to(folder).as_posix() for file in files_within(folder, PICTURE_ENDINGS + SOUND_ENDINGS)[0]}
    paths = _paths(folder, metadata, read, name)
    known = [path if path in there else None for path in paths]
    if not any(known):
        raise InputError(f"{folder.name}: none of the {len(known):,} files that the metadata names is there: copy the folder whole")
    sounds = sum(path.lower().endswith(SOUND_ENDINGS) for path in known if path)
    table = read.table.set_column(read.table.column_names.index(name), name, pa.array(known, pa.string()))
    kinds = {**read.kinds, name: "audio" if sounds * 2 > len(known) - known.count(None) else "image"}
    folders = [sub_folder(path) for path in paths]
    if len(set(folders)) > 1 and FOLDER not in table.column_names:
        table, kinds[FOLDER] = table.append_column(FOLDER, pa.array(folders, pa.string())), "category"
    found = Found(folder.resolve().name, table, kinds=kinds, root=folder)
    if len(set(paths)) == len(paths):
        found.ids = np.array(paths, dtype=object)
    missing = [path for path, place in zip(paths, known, strict=True) if place is None]
    if missing:
        found.notes.append(f"{len(missing):,} files that the metadata names are not there: {listed(map(repr, missing), 3)}")
    if unnamed := len(there - set(paths)):
        found.notes.append(f"{unnamed:,} files that the metadata does not name were left out")
    return found


def _file_column(folder: Path, table: pa.Table) -> str:
    names = [name for name in table.column_names if name == FILE or name.endswith(f"_{FILE}")]
    fitting = [name for name in names if pa.types.is_string(table.column(name).type)]
    if not fitting:
        there = listed(table.column_names, 12)
        raise InputError(f"{folder.name}: its metadata has no column {FILE!r} of paths (columns are {there}): name it so")
    return FILE if FILE in fitting else fitting[0]


def _paths(folder: Path, metadata: list[Path], read: Together, name: str) -> list[str]:
    """The files' paths in the folder, as the metadata beside them tells; they start where the metadata lies."""
    places = [place for place, rows in zip(metadata, read.counts, strict=True) for _ in range(rows)]
    starts = {place: place.parent.relative_to(folder).as_posix() for place in metadata}
    given = read.table.column(name).to_pylist()
    return [posixpath.normpath(posixpath.join(starts[place], path or "?")) for place, path in zip(places, given, strict=True)]


__all__ = ["fits", "read_saved"]
