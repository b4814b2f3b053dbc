"""Fitted objects in scikit-learn's way: an `embedding_` is a layout, `labels_` are clusters, and UMAP also has its vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.options import Options
from explorer.sources.vectors import VECTORS

LAYOUT = "embedding_"


def fits(source: Any) -> bool:
    """Whether it is an estimator: it can be fitted, or was."""
    return not isinstance(source, type) and (hasattr(source, LAYOUT) or (hasattr(source, "fit") and hasattr(source, "get_params")))


def read_object(source: Any, options: Options) -> Found:
    """A fitted ``umap.UMAP``: what it was fitted on is the vectors, its `embedding_` the layout.

    Raises
    ------
    InputError
        When it is not fitted, keeps no vectors (those go before it: ``explorer.explore(X, layout=fitted)``), or has another shape.
    """
    layout, name = embedding_of(source), type(_last(source)).__name__
    vectors = getattr(_last(source), "_raw_data", None)
    if vectors is None or getattr(_last(source), "metric", None) == "precomputed":
        raise InputError(f"a fitted {name} does not keep the vectors it was fitted on; give them first: explore(X, layout=fitted)")
    if vectors.shape[0] != len(layout):
        raise InputError(f"this {name} has {vectors.shape[0]:,} vectors and {len(layout):,} places: fit it again")
    found = Found(name, pa.table({}), arrays={"layout": layout}, layout="layout")
    if hasattr(vectors, "tocsr"):
        from explorer.sources.matrices import kept

        found.matrix, found.matrix_name = kept(vectors), "X"
    else:
        found.arrays = {VECTORS: np.asarray(vectors), **found.arrays}
    return found


def embedding_of(given: Any) -> np.ndarray:
    """``(n, 2)``, the layout of a fitted object (or of a pipeline that ends in one).

    Raises
    ------
    InputError
        When it is not fitted, or its `embedding_` is of another shape.
    """
    fitted = _last(given)
    name = type(fitted).__name__
    layout = getattr(fitted, LAYOUT, None)
    if layout is None and hasattr(fitted, "transform"):
        raise InputError(f"this {name} has no {LAYOUT}: fit it first, or give what it makes: layout=fitted.transform(X)")
    if layout is None:
        raise InputError(f"this {name} has no {LAYOUT}: fit it first")
    layout = np.asarray(layout)
    if layout.ndim != 2 or layout.shape[1] != 2:
        raise InputError(
            f"the {LAYOUT} of this {name} has the shape {layout.shape}; a map takes (n, 2): fit it with n_components=2"
        )
    return layout


def labels_of(given: Any) -> np.ndarray:
    """``(n,)``, the clusters of a fitted clusterer; raises an InputError where it is not fitted."""
    labels = getattr(_last(given), "labels_", None)
    if labels is None:
        raise InputError(f"this {type(_last(given)).__name__} has no labels_: fit it first, or give the clusters as an array")
    return np.asarray(labels)


def is_estimator(given: Any) -> bool:
    """Whether something given for a layout or for clusters is an estimator rather than values."""
    return not isinstance(given, type) and (hasattr(given, "fit") or hasattr(given, LAYOUT) or hasattr(given, "labels_"))


def _last(given: Any) -> Any:
    """A pipeline's last step; anything else is itself."""
    steps = getattr(given, "steps", None)
    return steps[-1][1] if isinstance(steps, list) and steps and isinstance(steps[-1], tuple) else given


__all__ = ["embedding_of", "fits", "is_estimator", "labels_of", "read_object"]
