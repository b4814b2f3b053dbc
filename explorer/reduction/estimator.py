"""A layout by any transformer that follows scikit-learn's contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.estimators import Estimated
from explorer.estimators.writing import params_of, short_name
from explorer.reduction.base import Reducer
from explorer.step import Output, Progress


class EstimatorReducer(Estimated, Reducer):
    """A transformer that somebody gave; `session.reduce(TSNE())` makes one.

    It has `get_params`, and `fit_transform`, or `fit` and `transform` (or `embedding_`).
    """

    fixed = ("n_components",)

    @classmethod
    def accept(cls, estimator: Any) -> None:
        """Raise an InputError for what is no transformer."""
        if hasattr(estimator, "fit_transform") or (hasattr(estimator, "fit") and hasattr(estimator, "transform")):
            return
        if hasattr(estimator, "fit") and not hasattr(estimator, "fit_predict") and not hasattr(estimator, "predict"):
            return  # it may have `embedding_` once it is fitted
        raise InputError(
            f"{short_name(estimator)} gives no places: it has no fit_transform, nor fit and transform; "
            "for clusters call session.cluster(...)"
        )

    def set(self, **settings: Any) -> None:
        """Change settings, all or none; `n_components` stays 2."""
        if settings.get("n_components", 2) != 2:
            raise self._wide(settings["n_components"])
        super().set(**settings)

    @classmethod
    def _wide(cls, value: Any) -> InputError:
        return InputError(f"{cls.method}: n_components={value!r} is not allowed: layouts have two columns; set n_components=2")

    def apply(self, data: np.ndarray, progress: Progress) -> Output:
        wide = params_of(self.estimator, deep=False).get("n_components", 2)
        if wide != 2:
            raise self._wide(wide)
        return super().apply(data, progress)

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Places ``(n, 2)`` of vectors ``(n, d)``; a row to which the estimator gives no number is NaN and told."""
        value, notes = self.fitted(lambda model: _transformed(model, vectors), progress)
        places = self._checked(value, len(vectors))
        without = ~np.isfinite(places).all(axis=1)
        if without.all():
            raise InputError(f"{self.method} gave no item a place: all it gave is NaN or infinite; look at its settings")
        if without.any():
            places[without] = np.nan
            lacking = f"{int(without.sum()):,} of {len(places):,} rows"
            notes = (*notes, f"{lacking} got no place: {self.method} gave NaN or infinity there")
        return self.told(Output(places, notes=notes))

    def _checked(self, value: Any, rows: int) -> np.ndarray:
        """``(n, 2)`` float32 of what the estimator gave."""
        dense = value.toarray() if hasattr(value, "toarray") else value
        try:
            places = np.asarray(dense)
            if places.dtype.kind not in "fiub":
                raise ValueError(f"numbers of type {places.dtype}")
        except (ValueError, TypeError) as problem:
            raise InputError(f"{self.method} gave no array of real numbers ({problem}); a layout needs ({rows}, 2)") from problem
        if places.shape != (rows, 2):
            raise InputError(
                f"{self.method} gave an array of shape {places.shape} for {rows:,} rows, and a layout has shape ({rows}, 2): "
                "choose settings that give two columns, or another estimator"
            )
        largest = np.finfo(np.float32).max
        wide = places.astype(np.float64)
        return np.where(np.isfinite(wide), np.clip(wide, -largest, largest), np.nan).astype(np.float32)


def _transformed(model: Any, vectors: np.ndarray) -> Any:
    if hasattr(model, "fit_transform"):
        return model.fit_transform(vectors)
    fitted = model.fit(vectors)
    model = model if fitted is None else fitted
    return model.transform(vectors) if hasattr(model, "transform") else model.embedding_
