"""PCA: the plane in which the vectors spread the most."""

from __future__ import annotations

import warnings

import numpy as np

from explorer.reduction.base import Reducer
from explorer.reduction.magnitude import tamed
from explorer.step import Output, Progress


class PCA(Reducer):
    """The two directions of largest variance: quick, linear, distances keep their meaning.

    Centred on 0, in the unit of the vectors. Principal component analysis (Pearson, 1901) by scikit-learn.
    """

    method = "pca"
    packages = ("scikit-learn",)

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors to ``(n, 2)``; a direction without any variance is zero."""
        rows, notes = tamed(vectors)
        progress(0.1, "centring")
        centred, size = _centred(rows)
        progress(0.4, "finding the main directions")
        places, share = principal_plane(centred, self.random_state)
        said = f"the two axes hold {share:.0%} of the variance" if size else "all rows are equal: they share one place"
        return Output((places * size).astype(np.float32), notes=(*notes, said))


def principal_plane(centred: np.ndarray, random_state: int) -> tuple[np.ndarray, float]:
    """Places ``(n, 2)`` float64 of centred vectors on their two main directions, and the share of variance these hold.

    Signs are fixed (the largest loading of each direction is positive), so that the same data never comes out mirrored.
    """
    from sklearn.decomposition import PCA as Sklearn  # noqa: N811  two classes of one name

    places = np.zeros((len(centred), 2))
    if not centred.any():
        return places, 1.0
    with warnings.catch_warnings():
        # Exact zeros beside one huge column: a variance that underflows is no news to the person.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"sklearn\.")
        model = Sklearn(min(2, *centred.shape), random_state=random_state).fit(centred)
        found = model.transform(centred)
    places[:, : found.shape[1]] = found
    places[:, : found.shape[1]] *= np.sign(model.components_[np.arange(found.shape[1]), np.abs(model.components_).argmax(axis=1)])
    share = float(np.nansum(model.explained_variance_ratio_))
    return places, min(share, 1.0)


def _centred(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Vectors less their mean (taken in float64: small variance on a large offset survives), at most 1, and their size."""
    centred = np.subtract(rows, rows.mean(axis=0, dtype=np.float64), dtype=np.float32, casting="unsafe")
    size = float(np.abs(centred).max(initial=0.0))
    if size:
        centred /= np.float32(size)
    return centred, size
