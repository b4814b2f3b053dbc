"""A sparse matrix beside a table: counts of genes or words, kept as three arrays and read some rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PARTS = ("data", "indices", "indptr")
HASHED = 1 << 22  # values hashed at a time
BLOCK, ROWS = 1 << 22, 1 << 16  # values, and rows, of a block


@dataclass(frozen=True, eq=False)
class Sparse:
    """``(n, d)`` by rows (CSR): the values of row i are ``data[indptr[i]:indptr[i + 1]]``, in the columns ``indices[...]``.

    Attributes
    ----------
    data
        ``(nnz,)`` float32; may be memory-mapped, as the others.
    indices, indptr
        ``(nnz,)`` and ``(n + 1,)`` integers.
    shape
        ``(n, d)``.
    names
        The d columns' names (genes), or none.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]
    names: tuple[str, ...] = field(default=(), repr=False)

    def rows(self, start: int, stop: int) -> Any:
        """Some rows as a ``scipy.sparse.csr_matrix``, in memory."""
        from scipy.sparse import csr_matrix

        first, last = int(self.indptr[start]), int(self.indptr[stop])
        parts = np.asarray(self.data[first:last]), np.asarray(self.indices[first:last]), self.indptr[start : stop + 1] - first
        return csr_matrix(parts, shape=(stop - start, self.shape[1]))

    def take(self, rows: np.ndarray) -> Sparse:
        """Some rows, in memory."""
        return from_blocks((self.rows(row, row + 1) for row in rows.tolist()), self.shape[1], self.names)

    def blocks(self, values: int = BLOCK) -> Iterator[tuple[int, int]]:
        """Where blocks of rows start and stop, each of about so many values or rows at most, and of one row at least."""
        start = 0
        while start < self.shape[0]:
            stop = int(np.searchsorted(self.indptr, self.indptr[start] + values, side="right")) - 1
            stop = min(max(stop, start + 1), start + ROWS, self.shape[0])
            yield start, stop
            start = stop

    def hash_into(self, digest: Any) -> None:
        """Add all that it is to a hash."""
        digest.update(json.dumps([self.shape, self.names]).encode())
        for array in (self.data, self.indices.astype(np.int64, copy=False), self.indptr.astype(np.int64, copy=False)):
            for start in range(0, len(array), HASHED):
                digest.update(np.ascontiguousarray(array[start : start + HASHED]).view(np.uint8).data)

    def save(self, folder: Path) -> None:
        """Write beside a dataset's table."""
        for name in PARTS:
            np.save(folder / f"matrix-{name}.npy", getattr(self, name), allow_pickle=False)
        (folder / "matrix.json").write_text(json.dumps({"shape": self.shape, "names": self.names}), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Sparse | None:
        """Read back what `save` wrote, memory-mapped; None where there is none."""
        if not (folder / "matrix.json").exists():
            return None
        about = json.loads((folder / "matrix.json").read_text("utf-8"))
        parts = [np.load(folder / f"matrix-{name}.npy", mmap_mode="r", allow_pickle=False) for name in PARTS]
        return cls(parts[0], parts[1], parts[2], (about["shape"][0], about["shape"][1]), tuple(about["names"]))


def from_blocks(blocks: Iterator[Any], columns: int, names: tuple[str, ...] = ()) -> Sparse:
    """Put blocks of rows (``scipy.sparse`` matrices) below each other."""
    kept = [block.tocsr() for block in blocks]
    sizes = np.concatenate([np.diff(block.indptr) for block in kept]) if kept else np.zeros(0, np.int64)
    return Sparse(
        np.concatenate([block.data.astype(np.float32, copy=False) for block in kept]),
        np.concatenate([block.indices.astype(np.int32, copy=False) for block in kept]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), (len(sizes), columns), names,
    )  # fmt: skip
