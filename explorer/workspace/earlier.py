"""The layout that a collection had before it changed: which it was, and of which items."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.step import Result
from explorer.workspace.files import write_whole

IDS = "ids"  # the folder of files of ids, by the fingerprint of the dataset that they are of


class Earlier(NamedTuple):
    """A layout, and the ids of its items in their order."""

    ids: np.ndarray
    layout: Result

    def places(self, dataset: Dataset) -> np.ndarray:
        """Of each of the dataset's items its earlier place, ``(n, 2)`` float32; NaN for those that are new."""
        import pandas as pd

        rows = pd.Index(self.ids).get_indexer(dataset.index)
        made = np.asarray(self.layout.values, np.float32)[rows]
        made[rows < 0] = np.nan
        return made


def carried(known: dict[str, Any], fingerprint: str) -> dict[str, Any] | None:
    """What ``current.json`` holds of an earlier layout for the dataset of that fingerprint; None where there is none.

    Where the file is of another dataset, the layout that it shows is the earlier one.
    """
    if known.get("fingerprint") == fingerprint:
        found = known.get("earlier")
        return found if isinstance(found, dict) else None
    results = known.get("results")
    layout = results.get("layout") if isinstance(results, dict) else None
    return {"fingerprint": known["fingerprint"], "layout": layout} if layout and isinstance(known.get("fingerprint"), str) else None


def keep_ids(folder: Path, dataset: Dataset, earlier: str = "") -> None:
    """Write the dataset's ids beside its results, once; only those of the earlier state stay with them."""
    place = folder / IDS / f"{dataset.fingerprint}.arrow"
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    table, sink = pa.table({"id": pa.array(dataset.ids)}), pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    write_whole(place, sink.getvalue().to_pybytes())
    for other in place.parent.glob("*.arrow"):
        if other.stem not in {dataset.fingerprint, earlier}:
            other.unlink(missing_ok=True)


def read_ids(folder: Path, fingerprint: str) -> np.ndarray:
    """The ids that were kept, ``(n,)`` int64 or str objects.

    Raises
    ------
    OSError, ValueError
        When they are not there, or damaged (`pyarrow.ArrowInvalid` is a ValueError).
    """
    stored = pa.ipc.open_file((folder / IDS / f"{Path(fingerprint).name}.arrow").read_bytes()).read_all().column("id")
    return stored.to_numpy() if pa.types.is_integer(stored.type) else np.array(stored.to_pylist(), dtype=object)
