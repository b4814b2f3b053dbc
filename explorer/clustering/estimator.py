"""Clusters by any clusterer that follows scikit-learn's contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.clustering.base import Clusterer
from explorer.errors import InputError
from explorer.estimators import Estimated
from explorer.estimators.writing import short_name
from explorer.step import Output, Progress


class EstimatorClusterer(Estimated, Clusterer):
    """A clusterer that somebody gave; `session.cluster(AgglomerativeClustering(8))` makes one.

    It has `get_params`, and `fit_predict`, or `fit` and `labels_` or `predict`. Where it has `probabilities_` or `predict_proba`,
    each item's probability stands beside its cluster.
    """

    own = ("on", "pca_components")

    pca_components = param.Integer(
        20, bounds=(2, 512), softbounds=(2, 100), precedence=1, doc="How many principal components, where clustering runs on pca."
    )

    @classmethod
    def accept(cls, estimator: Any) -> None:
        """Raise an InputError for what is no clusterer."""
        transforms = hasattr(estimator, "fit_transform") or hasattr(estimator, "transform")
        if hasattr(estimator, "fit_predict") or (hasattr(estimator, "fit") and (hasattr(estimator, "predict") or not transforms)):
            return
        raise InputError(
            f"{short_name(estimator)} gives no clusters: it has no fit_predict, nor fit and predict; "
            "for a layout call session.reduce(...)"
        )

    def apply(self, data: np.ndarray, progress: Progress) -> Output:
        self.n_components = self.pca_components  # an estimator's own n_components is something else
        return super().apply(data, progress)

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Codes ``(n,)`` of vectors ``(n, d)``; any negative is noise."""
        (labels, chances), notes = self.fitted(lambda model: _clustered(model, vectors), progress)
        codes = self._checked(labels, len(vectors))
        probability = None if chances is None else _probability(chances, len(vectors))
        arrays = {} if probability is None else {"probability": probability}
        return self.told(Output(codes, arrays, notes))

    def _checked(self, labels: Any, rows: int) -> np.ndarray:
        """``(n,)`` int64 of what the estimator gave."""
        codes = np.asarray(labels)
        if codes.shape != (rows,):
            raise InputError(f"{self.method} gave labels of shape {codes.shape} for {rows:,} rows; there must be one for each row")
        whole = codes.dtype.kind in "iub" or (codes.dtype.kind == "f" and bool((codes == np.round(codes)).all()))
        if not whole or not np.isfinite(codes).all():
            raise InputError(f"{self.method} gave labels that are no whole numbers; clusters are numbered, and noise is -1")
        return codes.astype(np.int64)


def _clustered(model: Any, vectors: np.ndarray) -> tuple[Any, Any]:
    """What the model says of each row, and its probabilities where it has any."""
    if hasattr(model, "fit_predict"):
        labels = model.fit_predict(vectors)
    else:
        fitted = model.fit(vectors)
        model = model if fitted is None else fitted
        labels = model.labels_ if hasattr(model, "labels_") else model.predict(vectors)
    if hasattr(model, "probabilities_"):
        return labels, model.probabilities_
    return labels, model.predict_proba(vectors) if hasattr(model, "predict_proba") else None


def _probability(chances: Any, rows: int) -> np.ndarray | None:
    """``(n,)`` float32 in [0, 1]: how sure the item's own cluster is; None where they are of another shape."""
    found = np.asarray(chances, dtype=np.float64)
    found = found.max(axis=1) if found.ndim == 2 and found.shape[1] else found
    return np.clip(np.nan_to_num(found), 0.0, 1.0).astype(np.float32) if found.shape == (rows,) else None
