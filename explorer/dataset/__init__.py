"""A dataset: unique ids, a table, media and vectors of the same n items; frozen, so that it can be shared by many visits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import KINDS, to_series
from explorer.dataset.digests import file_state, item_digests, paths_in
from explorer.dataset.pictures import Background, Picture, open_picture
from explorer.dataset.sounds import Sound, open_sound
from explorer.dataset.sparse import Sparse
from explorer.errors import InputError, listed, unknown

ROLES = ("image", "audio", "series", "text")  # what an item can be; of several, the first is what it is called by
FILES = ("image", "audio")  # the roles whose columns may hold paths
HASHED = 100_000  # rows of the table at a time, where it is hashed
SMALLEST = 3  # items; two points have no neighbourhood to lay out or to cluster


@dataclass(frozen=True, eq=False)
class Dataset:
    """`n` items.

    Attributes
    ----------
    name
        What the page calls it: a file's or folder's name.
    ids
        ``(n,)`` unique; int64 or str objects. Labels and exports go by these, never by row numbers.
    table
        The columns, n rows; may be memory-mapped.
    kinds
        What each column is: one of `explorer.dataset.columns.KINDS`.
    roles
        Which column holds the item itself: ``{"image": "picture"}``. The first role is what a card shows.
    vectors
        ``(n, d)`` float32, or None. May hold NaN; the `vectors` extractor says what happens then.
    matrix
        ``(n, d)`` sparse float32 (`explorer.dataset.sparse`), or None: counts of genes or words; never made dense as a whole.
    layout
        ``(n, 2)`` float32, a layout that came with the data, or None.
    root
        Where relative picture paths start.
    notes
        Sentences about what reading found: guesses, skipped files, missing values.
    """

    name: str
    ids: np.ndarray
    table: pa.Table
    kinds: dict[str, str]
    roles: dict[str, str] = field(default_factory=dict)
    vectors: np.ndarray | None = None
    layout: np.ndarray | None = None
    root: Path | None = None
    notes: tuple[str, ...] = ()
    matrix: Sparse | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        if n < SMALLEST:
            raise InputError(f"{self.name} has {n} item{'s' * (n != 1)}; a map needs at least {SMALLEST}: give more items")
        lengths = {"table": self.table.num_rows if self.table.num_columns else n}
        lengths |= {name: len(array) for name, array in (("vectors", self.vectors), ("layout", self.layout)) if array is not None}
        if self.matrix is not None:
            lengths["matrix"] = self.matrix.shape[0]
        for what, length in lengths.items():
            if length != n:
                raise InputError(f"{self.name}: {n:,} ids but {length:,} rows of {what}; they must be the same items in one order")
        if self.vectors is not None and (self.vectors.ndim != 2 or not self.vectors.shape[1]):
            raise InputError(f"{self.name}: vectors of shape {self.vectors.shape}; (n, d) with d of at least 1 is needed")
        index = self.index
        if not index.is_unique:
            twice = index[index.duplicated()].unique()
            said = listed(map(repr, twice))
            raise InputError(f"{self.name}: ids must be unique, but {said} stand more than once; choose another --id")
        for column, kind in self.kinds.items():
            if kind not in KINDS:
                raise unknown(f"kind of column (for {column!r})", kind, KINDS)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Dataset {self.name}: {self.summary}>"

    @cached_property
    def index(self) -> pd.Index:
        """The ids as an index: ``index.get_indexer(ids)`` gives rows."""
        return pd.Index(self.ids)

    def rows(self, ids: Sequence[Any]) -> np.ndarray:
        """Rows of those ids, in their order.

        Raises
        ------
        InputError
            When an id is not in the dataset.
        """
        rows = self._look_up(ids)
        if (rows < 0).any():
            missing = [given for given, row in zip(ids, rows, strict=True) if row < 0]
            like = self.ids[:1].tolist()[0]
            raise InputError(f"{self.name} has no item with id {listed(map(repr, missing))}; ids look like {like!r}")
        return np.asarray(rows)

    def known(self, ids: Sequence[Any]) -> list[Any]:
        """Those of some ids that the dataset has, in their order."""
        found = self._look_up(ids) >= 0
        return [one for one, there in zip(ids, found, strict=True) if there]

    def _look_up(self, ids: Sequence[Any]) -> np.ndarray:
        """Rows of those ids, -1 where there is no such item."""
        given = ids if isinstance(ids, np.ndarray | pd.Index) else list(ids)
        if getattr(given, "ndim", 1) != 1:
            raise InputError(f"ids are a list or an array of one dimension, not of shape {np.shape(given)}")
        flags = (given.dtype == bool) if isinstance(given, np.ndarray | pd.Index) and given.dtype != object else None
        if flags or (flags is None and not {bool, np.bool_}.isdisjoint(map(type, given))):
            raise InputError("that is a mask, not ids: use `dataset.ids[mask]`")
        try:
            return np.asarray(self.index.get_indexer(pd.Index(given, dtype=self.index.dtype if len(given) == 0 else None)))
        except (TypeError, ValueError, NotImplementedError) as problem:  # lists in a list, say, which are no ids anywhere
            like = self.ids[:1].tolist()[0]
            raise InputError(f"{listed(map(repr, given), 3)} are no ids; ids of {self.name} look like {like!r}") from problem

    def take(self, rows: np.ndarray) -> Dataset:
        """A dataset of some of the items, at least three, in the order of their rows."""
        vectors, layout = (None if array is None else array[rows] for array in (self.vectors, self.layout))
        matrix = None if self.matrix is None else self.matrix.take(rows)
        table = _some_rows(self.table, np.asarray(rows)) if self.table.num_columns else self.table
        return replace(self, ids=self.ids[rows], table=table, vectors=vectors, layout=layout, matrix=matrix)

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self.kinds)

    def column(self, name: str) -> pd.Series:
        """One column as a Series of n values.

        Raises
        ------
        InputError
            For a name that is not a column; the closest right one is offered.
        """
        if name not in self.kinds:
            raise unknown("column", name, self.kinds)
        return to_series(self.table.column(name), self.kinds[name])

    def distinct(self, name: str) -> int:
        """How many different values a column has, missing ones aside; counted once."""
        if name not in self._distinct:
            self._distinct[name] = self._count_distinct(name)
        return self._distinct[name]

    @cached_property
    def _distinct(self) -> dict[str, int]:
        return {}

    def _count_distinct(self, name: str) -> int:
        column = self.table.column(name)
        if pa.types.is_dictionary(column.type):  # which Arrow does not count
            column = pa.chunked_array([chunk.indices for chunk in column.unify_dictionaries().chunks], column.type.index_type)
        return int(pc.count_distinct(column, mode="only_valid").as_py())

    def of_kind(self, *kinds: str) -> list[str]:
        """The columns of these kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def to_frame(self) -> pd.DataFrame:
        """The plain columns (no pictures, no vectors), indexed by id."""
        plain = self.of_kind("number", "category", "text", "date", "flag", "id")
        return pd.DataFrame({name: self.column(name).to_numpy() for name in plain}, index=pd.Index(self.ids, name="id"))

    def texts(self, rows: np.ndarray | None = None) -> list[str]:
        """The items' texts (empty where missing), of all rows or of some.

        Raises
        ------
        InputError
            When the dataset has no text column.
        """
        if "text" not in self.roles:
            raise self._without("text", "text")
        column = self.table.column(self.roles["text"])
        # one by one: to take rows out of a column in several chunks, Arrow copies all of it
        values = column.to_pylist() if rows is None else (column[row].as_py() for row in rows.tolist())
        return ["" if value is None else str(value) for value in values]

    def picture(self, row: int, background: Background = (255, 255, 255), at_least: int | None = None) -> Picture:
        """One item's picture, decoded now; what is transparent is laid over `background`, or kept where that is None.

        Where `at_least` pixels a side are enough, a large JPEG is decoded smaller, and much sooner.

        Raises
        ------
        InputError
            When it cannot be read; the file or row is named.
        """
        if "image" not in self.roles:
            raise self._without("pictures", "image")
        given = self.table.column(self.roles["image"])[row].as_py()
        what = f"item {self.ids[row : row + 1].tolist()[0]!r}"
        return open_picture(given, self.root, what, background=background, at_least=at_least)

    def series(self, row: int) -> np.ndarray:
        """One item's time series: ``(channels, t)`` float32, NaN where a value is missing; items may differ in t, also be empty.

        Raises
        ------
        InputError
            When the dataset has no time series.
        """
        if "series" not in self.roles:
            raise self._without("time series", "series")
        column = self.table.column(self.roles["series"])
        channels = [] if not column[row].is_valid else [one.values for one in column[row]]
        read = [np.empty(0, np.float32) if one is None else _numbers(one) for one in channels]
        made = np.full((max(len(read), 1), max(map(len, read), default=0)), np.nan, np.float32)
        for channel, values in enumerate(read):
            made[channel, : len(values)] = values
        return made

    @cached_property
    def channels(self) -> list[str]:
        """The names of the channels of the time series; empty where they have none."""
        field = self.table.schema.field(self.roles["series"]) if "series" in self.roles else None
        told = None if field is None or field.metadata is None else field.metadata.get(b"channels")
        return list(json.loads(told)) if told else []

    def sound(self, row: int) -> Sound:
        """One item's sound, decoded now and mixed to one channel: samples ``(t,)`` float32 in -1 to 1, and their rate.

        Raises
        ------
        MissingExtra
            When soundfile is not installed.
        InputError
            When it cannot be read; the file or row is named.
        """
        if "audio" not in self.roles:
            raise self._without("sounds", "audio")
        given = self.table.column(self.roles["audio"])[row].as_py()
        return open_sound(given, self.root, f"item {self.ids[row : row + 1].tolist()[0]!r}")

    def _without(self, what: str, option: str) -> InputError:
        return InputError(f"{self.name} has no column of {what}: name one with --{option} (columns are {listed(self.columns, 12)})")

    @cached_property
    def derived(self) -> dict[str, Any]:
        """What was worked out from the items and is kept with them, so that all visits share it."""
        return {}

    @cached_property
    def title_column(self) -> str | None:
        """The column that names an item best: short text, nearly all different; one called "name" or "title" before others."""
        short: dict[str, float] = {}
        for name in self.of_kind("text", "category", "id"):
            sample = [str(value) for value in self.table.column(name).slice(0, 2_000).to_pylist() if value]
            if sample and np.median([len(value) for value in sample]) <= 60:
                short[name] = len(set(sample)) / len(sample) + (name.lower() in {"name", "title", "label", "caption"})
        best = max(short, key=lambda name: short[name], default=None)
        return best if best is not None and short[best] > 0.5 and not self._ids_say_more(best) else None

    def _ids_say_more(self, name: str) -> bool:
        """Whether ids begin with a column's values, as those of windows do with their recording's; its ends tell."""
        values = self.table.column(name)
        return all(str(self.ids[row]).startswith(str(values[row].as_py())) for row in (0, len(self) // 2, len(self) - 1))

    @property
    def subject(self) -> str:
        """What the items are, in the plural: pictures, sounds, time series, texts, vectors or rows."""
        called = {"image": "pictures", "audio": "sounds", "series": "time series", "text": "texts"}
        item = next((role for role in ROLES if role in self.roles), None)
        if item is not None:
            return called[item]
        return "rows" if self.kinds else "vectors"

    @property
    def summary(self) -> str:
        """``1,911 pictures · 3 columns``."""
        parts = [f"{len(self):,} {self.subject}"]
        if self.kinds:
            parts.append(f"{len(self.kinds)} column{'s' * (len(self.kinds) != 1)}")
        if self.vectors is not None:
            parts.append(f"vectors of {self.vectors.shape[1]:,}")
        if self.matrix is not None:
            parts.append(f"sparse matrix of {self.matrix.shape[1]:,} columns")
        return " · ".join(parts)

    @property
    def guesses(self) -> list[tuple[str, str]]:
        """Each column with what it is taken to be: ``("name", "text (the item)")``."""
        given = {column: role for role, column in self.roles.items()}
        return [(name, kind + (" (the item)" if name in given else "")) for name, kind in self.kinds.items()]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that the items are: ids, columns, roles and vectors, and of picture files their size and time."""
        types = [str(kind) for kind in self.table.schema.types]
        digest = hashlib.sha256(json.dumps([self.kinds, self.roles, types], sort_keys=True).encode())
        if self.ids.dtype == np.int64:
            digest.update(np.ascontiguousarray(self.ids).data)
        else:
            for start in range(0, len(self.ids), HASHED):
                digest.update("".join(map(repr, self.ids[start : start + HASHED])).encode("utf-8", "surrogatepass"))
        for column in self.table.columns:
            _hash_column(digest, column)
        for array in (self.vectors, self.layout):
            if array is not None:
                digest.update(np.ascontiguousarray(array).view(np.uint8).data)
        if self.matrix is not None:
            self.matrix.hash_into(digest)
        self._hash_files(digest)
        return digest.hexdigest()[:24]

    def _hash_files(self, digest: Any) -> None:
        for role in FILES:
            if role not in self.roles:
                continue
            for given in paths_in(self.table.column(self.roles[role])):
                digest.update(file_state(given, self.root).encode() + b";")

    def digests(self, role: str, rows: np.ndarray) -> np.ndarray:
        """What tells the items of some rows apart by their content in a role: ``(m, 2)`` uint64; equal items have equal ones."""
        return item_digests(self.table.column(self.roles[role]), self.root, rows, files=role in FILES)

    _MANIFEST: ClassVar = ("name", "kinds", "roles", "notes")

    def save(self, folder: Path) -> None:
        """Write to a folder that `load` maps into memory, so that a child process reads the same bytes without a copy."""
        folder.mkdir(parents=True, exist_ok=True)
        with pa.OSFile(str(folder / "table.arrow"), "wb") as file, pa.ipc.new_file(file, self.table.schema) as writer:
            for start in range(0, max(1, self.table.num_rows), HASHED):  # in parts: it may be larger than memory
                writer.write_table(self.table.slice(start, HASHED))
        ids = pa.table({"id": pa.array(self.ids)})  # not as a numpy array of text: one long id would make them all as long
        with pa.OSFile(str(folder / "ids.arrow"), "wb") as file, pa.ipc.new_file(file, ids.schema) as writer:
            writer.write_table(ids)
        for name in ("vectors", "layout"):
            if (array := getattr(self, name)) is not None:
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
        if self.matrix is not None:
            self.matrix.save(folder)
        manifest = {name: getattr(self, name) for name in self._MANIFEST}
        manifest |= {"root": None if self.root is None else str(self.root), "fingerprint": self.fingerprint}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read back what `save` wrote; the arrays and the table are memory-mapped."""
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        table = pa.ipc.open_file(pa.memory_map(str(folder / "table.arrow"))).read_all()
        stored = pa.ipc.open_file(pa.memory_map(str(folder / "ids.arrow"))).read_all().column("id")
        ids = stored.to_numpy() if pa.types.is_integer(stored.type) else np.array(stored.to_pylist(), dtype=object)
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) if (folder / f"{name}.npy").exists() else None
            for name in ("vectors", "layout")
        }
        made = cls(
            manifest["name"], ids, table, manifest["kinds"], manifest["roles"],
            arrays["vectors"], arrays["layout"], Path(manifest["root"]) if manifest["root"] else None, tuple(manifest["notes"]),
            Sparse.load(folder),
        )  # fmt: skip
        made.__dict__["fingerprint"] = manifest["fingerprint"]  # fills the cached property: the same data, not hashed again
        return made


def _numbers(values: pa.Array) -> np.ndarray:
    """``(t,)`` float32 of a list's values, NaN where one is missing."""
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float32)


def _some_rows(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Some rows of a table, taken out of its parts one by one: at once Arrow would copy all of them first."""
    order = np.argsort(rows, kind="stable")
    wanted, start = rows[order], 0
    parts = []
    for part in table.to_batches():
        first, last = np.searchsorted(wanted, (start, start + part.num_rows))
        if last > first:
            parts.append(part.take(pa.array(wanted[first:last] - start)))
        start += part.num_rows
    return pa.Table.from_batches(parts, table.schema).take(pa.array(np.argsort(order, kind="stable")))


def _hash_column(digest: Any, column: pa.ChunkedArray) -> None:
    """Hash a column's values, however they are cut into chunks; what lies under a missing value does not count."""
    if pa.types.is_dictionary(column.type):  # its buffers are row numbers into a dictionary that they do not hold
        column = column.cast(column.type.value_type)
    missing = column.is_null().combine_chunks()
    digest.update(np.packbits(missing.to_numpy(zero_copy_only=False)).data)
    for start in range(0, len(column), HASHED):
        part = pa.chunked_array([column.slice(start, HASHED).combine_chunks()]) if column.num_chunks else column
        for chunk in part.drop_null().chunks:
            for buffer in pa.concat_arrays([chunk]).buffers():
                digest.update(buffer if buffer is not None else b"-")


__all__ = ["ROLES", "SMALLEST", "Dataset"]
