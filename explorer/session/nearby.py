"""What is near what in feature space, and by which metric features are compared."""

from __future__ import annotations

import numpy as np

from explorer.errors import InputError
from explorer.step import Result

EMBEDDINGS = ("image", "sentence", "lsa")  # methods whose vectors mean by their direction
_LOOKED_AT = 256  # rows that tell whether all have length 1


def metric_of(features: Result | None) -> str:
    """The metric that fits: "cosine" for embeddings and for vectors of length 1, else "euclidean".

    Raises
    ------
    InputError
        When there are no features yet.
    """
    if features is None:
        raise InputError("there are no features yet to be near in; first call session.extract()")
    if features.method in EMBEDDINGS:
        return "cosine"
    n = len(features.values)
    some = features.values[np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.int64)].astype(np.float64)
    lengths = np.linalg.norm(some[np.isfinite(some).all(axis=1)], axis=1)
    return "cosine" if len(lengths) and np.abs(lengths - 1).max() < 1e-3 else "euclidean"
