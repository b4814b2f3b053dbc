"""The vectors that came with the data, checked: missing values dropped or filled, and counted."""

from __future__ import annotations

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features.base import Extractor
from explorer.features.batches import Pace
from explorer.step import Output, Progress

BLOCK = 1 << 24  # values looked at between two calls of progress


class Vectors(Extractor):
    """The vectors that came with the data, as they are."""

    method = "vectors"
    needs = "vectors"

    normalize = param.Boolean(False, doc="Scale every vector to length 1, so that distance goes by the angle.")
    missing = param.Selector(
        default="drop", objects=["drop", "fill"], precedence=1,
        doc="A row with missing or infinite values: leave it out, or fill in the column's median.",
    )  # fmt: skip

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32, d less the columns without any value; rows left out are NaN.

        Raises
        ------
        InputError
            When there is no finite value at all.
        """
        assert data.vectors is not None  # `Extractor.apply` has seen to it
        notes: list[str] = []
        rows = max(1, BLOCK // data.vectors.shape[1])
        blocks = [slice(start, start + rows) for start in range(0, len(data), rows)]
        pace = Pace(progress, len(data), "vectors")
        holes = np.zeros(data.vectors.shape[1], dtype=np.int64)
        for block in blocks:
            holes += (~np.isfinite(data.vectors[block])).sum(axis=0)
            progress(0.0, "looking for missing values")
        values = self._full_columns(data, holes, notes)
        if holes[holes < len(data)].any():
            self._mend(values, notes)
        self._scale(values, blocks, pace, notes)
        return Output(values, notes=tuple(notes))

    def _full_columns(self, data: Dataset, holes: np.ndarray, notes: list[str]) -> np.ndarray:
        """A copy to work on, without the columns that hold nothing: they would cost every row."""
        assert data.vectors is not None
        empty = holes == len(data)
        if empty.all():
            raise InputError(f"{data.name}: the vectors hold no finite value; name other vectors with --vectors")
        if empty.any():
            notes.append(f"{int(empty.sum()):,} of {len(empty):,} columns hold no value and were left out")
            return np.array(data.vectors[:, ~empty], dtype=np.float32)
        return np.array(data.vectors, dtype=np.float32)

    def _mend(self, values: np.ndarray, notes: list[str]) -> None:
        """Drop or fill, in place."""
        bad = ~np.isfinite(values)
        rows = bad.any(axis=1)
        lost = f"{int(rows.sum()):,} of {len(values):,} rows"
        if self.missing == "drop":
            values[rows] = np.nan
            notes.append(f"{lost} have missing or infinite values and no features; missing=fill keeps them")
            return
        for column in np.flatnonzero(bad.any(axis=0)):
            hole = bad[:, column]
            values[hole, column] = np.median(values[~hole, column].astype(np.float64))
        notes.append(f"{int(bad.sum()):,} missing or infinite values in {lost} were filled with their column's median")

    def _scale(self, values: np.ndarray, blocks: list[slice], pace: Pace, notes: list[str]) -> None:
        """Unit length, in place; a vector of zeros has no direction and stays."""
        zeros = 0
        for block in blocks:
            if self.normalize:
                exact = values[block].astype(np.float64)  # squares of large float32 would overflow
                length = np.linalg.norm(exact, axis=1, keepdims=True)
                zeros += int((length == 0).sum())
                values[block] = exact / np.where(length == 0, 1.0, length)
            pace.add(len(values[block]))
        if zeros:
            notes.append(f"of {len(values):,} vectors, {zeros:,} are all zeros and stay so: they have no direction")
