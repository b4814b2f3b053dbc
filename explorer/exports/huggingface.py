"""A folder that Hugging Face's ``datasets`` loads: Parquet files with ids, columns, labels, features and pictures, and a card.

``datasets.load_dataset("OUT.hf")`` reads it, and so does any reader of Parquet. What the columns are to ``datasets`` stands in the
Parquet files' own metadata under ``huggingface``: labels are a ``ClassLabel``, pictures an ``Image``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import param
import pyarrow as pa

from explorer.errors import InputError
from explorer.exports.cells import check_unicode
from explorer.exports.content import Content
from explorer.exports.originals import Original
from explorer.exports.parquet import arrow
from explorer.exports.rows import frame
from explorer.step import Progress, Settings

ENDING = ".hf"
NAME = "Hugging Face dataset"
DOC = "A folder of Parquet files with features and pictures, as datasets.load_dataset reads it."
KIND = "folder"
NEEDS = ""

SHARD = 500 << 20  # bytes of a file, about
BLOCK = 16 << 20  # bytes of rows that are made at one time, about
PICTURE = 100_000  # bytes of a picture, where a block is sized
MOST_ROWS = 50_000  # of a block
CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---

Exported by embedding-explorer {version}: {rows:,} rows. Load it with `datasets.load_dataset` and this folder's path.
"""


class Options(Settings):
    """What goes in."""

    method = ENDING

    features = param.Boolean(True, doc="The features, a list of numbers for each item.")
    pictures = param.Boolean(True, doc="The pictures, where the items are pictures.")


def fill(content: Content, folder: Path, options: Settings, progress: Progress) -> None:
    """Fill an empty folder with ``README.md`` and ``data/train-00000-of-0000N.parquet``.

    Raises
    ------
    InputError
        For text with half a character (a lone surrogate).
    """
    from explorer import __version__

    rows = frame(content)
    check_unicode(rows, NAME)
    maker = _Blocks(content, rows, options)
    (folder / "data").mkdir()
    written = _shards(maker, folder / "data", progress)
    for number, shard in enumerate(written):
        shard.rename(shard.with_name(f"train-{number:05d}-of-{len(written):05d}.parquet"))
    (folder / "README.md").write_text(CARD.format(version=__version__, rows=len(content)), "utf-8")


def _shards(maker: _Blocks, folder: Path, progress: Progress) -> list[Path]:
    """Write the files under names of their own, since their number is known at the end."""
    import pyarrow.parquet as pq

    written: list[Path] = []
    writer: pq.ParquetWriter | None = None
    try:
        for fraction, block in maker:
            progress(fraction, "writing rows")
            if writer is None:
                written.append(folder / f"part-{len(written)}")
                writer = pq.ParquetWriter(written[-1], block.schema)
            writer.write_table(block)
            if written[-1].stat().st_size > SHARD:
                writer.close()
                writer = None
    finally:
        if writer is not None:
            writer.close()
    return written


class _Blocks:
    """The rows as Arrow tables, one after another, all of one schema that says what each column is."""

    def __init__(self, content: Content, rows: pd.DataFrame, options: Settings) -> None:
        self.content = content
        self.rows = rows
        chosen = options.settings()
        self.features = content.features.values if content.features is not None and chosen["features"] else None
        self.pictured = "image" in content.dataset.roles and chosen["pictures"]
        self.categories = content.categories
        self.own = content.own([*map(str, rows), "features", "image"])
        self.schema: pa.Schema | None = None

    def __iter__(self) -> Iterator[tuple[float, pa.Table]]:
        width = 0 if self.features is None else 4 * self.features.shape[1]
        step = max(1, min(MOST_ROWS, BLOCK // (200 + width + PICTURE * self.pictured)))
        for number in range(max(1, math.ceil(len(self.rows) / step))):
            start, stop = number * step, min(len(self.rows), (number + 1) * step)
            yield start / max(1, len(self.rows)), self._block(start, stop)

    def _block(self, start: int, stop: int) -> pa.Table:
        rows = self.content.rows[start:stop]
        made: dict[str, Any] = dict(zip(self.rows.columns, arrow(self.rows.iloc[start:stop]).columns, strict=True))
        made["label"] = self._labels(start, stop)
        made |= {name: column.slice(start, stop - start) for name, column in self.own.items()}
        if self.features is not None:
            flat = pa.array(np.ascontiguousarray(self.features[rows], np.float32).reshape(-1))
            made["features"] = pa.FixedSizeListArray.from_arrays(flat, self.features.shape[1])
        if self.pictured:
            made["image"] = pa.array([self._picture(row) for row in rows.tolist()], _PICTURE)
        table = pa.table({name: _plain(column) for name, column in made.items()})
        if self.schema is None:
            self.schema = table.schema.with_metadata({"huggingface": json.dumps({"info": {"features": self._kinds(table.schema)}})})
        return table.cast(self.schema)

    def _labels(self, start: int, stop: int) -> pa.Array:
        places = {name: place for place, name in enumerate(self.categories)}
        labels = self.rows["label"].iloc[start:stop].tolist()
        return pa.array([places.get(label) if isinstance(label, str) else None for label in labels], pa.int64())

    def _picture(self, row: int) -> dict[str, Any] | None:
        try:
            original = Original.of(self.content.dataset, row)
            return {"bytes": original.read(), "path": original.last}
        except (InputError, OSError):
            return None

    def _kinds(self, schema: pa.Schema) -> dict[str, Any]:
        kinds: dict[str, Any] = {field.name: _kind(field.type) for field in schema}
        kinds["label"] = {"names": self.categories, "_type": "ClassLabel"} if self.categories else _kind(pa.int64())
        if self.pictured:
            kinds["image"] = {"_type": "Image"}
        return kinds


_PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def _plain(column: Any) -> Any:
    """Columns whose types ``datasets`` has a name for; a dictionary of values becomes the values."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column.cast(pa.float64()) if pa.types.is_decimal(kind) else column


def _kind(kind: pa.DataType) -> dict[str, Any]:
    """An Arrow type in the words of ``datasets``."""
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _kind(kind.value_type), "length": kind.list_size, "_type": "Sequence"}
    if pa.types.is_timestamp(kind):
        zone = f", tz={kind.tz}" if kind.tz else ""
        return {"dtype": f"timestamp[{kind.unit}{zone}]", "_type": "Value"}
    return {"dtype": _DTYPES.get(str(kind), str(kind)), "_type": "Value"}


_DTYPES = {"float": "float32", "double": "float64", "halffloat": "float16", "date32[day]": "date32", "date64[ms]": "date64"}
