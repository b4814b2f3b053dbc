"""Sparse matrices of scipy: counts that stay sparse, whatever their form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset.sparse import Sparse
from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.options import Options

NAME = "X"


def fits(source: Any) -> bool:
    """Whether it is a sparse matrix or array of scipy."""
    return any(each.__module__.startswith("scipy.sparse") for each in type(source).__mro__) and hasattr(source, "tocsr")


def read_object(source: Any, options: Options) -> Found:
    """A sparse matrix ``(n, d)``: n items, and counts that are never made dense as a whole.

    Raises
    ------
    InputError
        For another shape, or values that are not numbers.
    """
    return Found("matrix", pa.table({}), matrix=kept(source), matrix_name=NAME)


def kept(matrix: Any) -> Sparse:
    """A copy as every dataset holds one: by rows, float32, each column once a row."""
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise InputError(f"a sparse matrix of shape {matrix.shape}; (n, d) is needed: n items of d columns")
    if matrix.dtype.kind not in "biuf":
        raise InputError(f"a sparse matrix of {matrix.dtype}; numbers are needed")
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()  # which also sorts
    with np.errstate(over="ignore", invalid="ignore"):
        values = rows.data.astype(np.float32)
    return Sparse(values, rows.indices.astype(np.int32), rows.indptr.astype(np.int64), (int(rows.shape[0]), int(rows.shape[1])))


__all__ = ["fits", "kept", "read_object"]
