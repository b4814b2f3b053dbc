"""What every reducer shares: rows without features get no place, equal rows get one place, and the rest is computed."""

from __future__ import annotations

import numpy as np

from explorer.errors import InputError
from explorer.step import Output, Progress, Step, as_output


class Reducer(Step):
    """A step from vectors ``(n, d)`` to a layout ``(n, 2)`` float32."""

    kind = "reduce"
    merges_equal_rows = False  # whether equal rows are computed once: for methods that would spread them over a cloud

    def apply(self, data: np.ndarray, progress: Progress) -> Output:
        """Compute on the rows that have features; the others become NaN.

        Raises
        ------
        InputError
            When fewer than three rows have features.
        """
        vectors = np.asarray(data)
        valid = np.isfinite(vectors).all(axis=1)
        if valid.sum() < 3:
            raise InputError(f"{int(valid.sum())} of {len(vectors):,} rows have features; a layout needs at least 3")
        rows = _as_float32(vectors[valid])
        distinct, back = _distinct(rows) if self.merges_equal_rows else (rows, None)
        made = as_output(self.compute(distinct, progress))
        places = np.asarray(made.values, dtype=np.float32)
        layout = np.full((len(vectors), places.shape[1]), np.nan, np.float32)
        layout[valid] = places if back is None else places[back]
        notes = list(made.notes)
        if back is not None and len(distinct) < len(rows):
            notes.append(f"{len(rows) - len(distinct):,} rows are equal to another and share its place")
        return made._replace(values=layout, notes=tuple(notes))


def _as_float32(rows: np.ndarray) -> np.ndarray:
    """Rows in float32; what is too large for it becomes its largest value, not infinite."""
    largest = np.finfo(np.float32).max
    if rows.dtype.kind == "f" and rows.dtype.itemsize > 4:
        rows = np.clip(rows, -largest, largest)
    return np.ascontiguousarray(rows, dtype=np.float32)


def _distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The different rows in the order they come, and for each row where it went; (rows, None) where all differ."""
    row = np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))
    bytes_ = np.ascontiguousarray(rows + 0.0).view(row).ravel()  # + 0.0 makes 0 of -0
    _, first, back = np.unique(bytes_, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return rows, None
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rows[first[order]], rank[back]
