"""PCA: the plane in which the vectors spread the most."""

from __future__ import annotations

import warnings

import numpy as np

from explorer.installation.takes import Takes
from explorer.reduction.base import Reducer
from explorer.reduction.directions import upright
from explorer.reduction.magnitude import tamed
from explorer.step import Output, Progress

ALL_EQUAL = "all rows are equal: they share one place"


class PCA(Reducer):
    """The two directions of largest variance: quick, linear, distances keep their meaning.

    Centred on 0, in the unit of the vectors. Principal component analysis (Pearson, 1901) by scikit-learn.
    """

    method = "pca"
    packages = ("scikit-learn",)
    widest = None
    linear = True

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors to ``(n, width)``; a direction without any variance is zero."""
        rows, notes = tamed(vectors)
        progress(0.1, "centring")
        centred, size = to_centre(rows)
        progress(0.4, "finding the main directions")
        places, share = principal_plane(centred, self.random_state, self.width)
        said = told_share(share, self.width) if size else ALL_EQUAL
        return Output((places * size).astype(np.float32), notes=(*notes, said))

    def takes(self, n: int, d: int) -> Takes:
        """Measured: a covariance matrix up to 1,000 columns, random projections beyond."""
        products = n * d**2 if d <= 1_000 else 4 * 14 * n * d * (self.width + 10)
        return Takes(dense=5e-11 * products + 1e-8 * n * d, memory=4 * n * d + 16 * n * self.width + 8 * min(d, 1_000) ** 2)


def told_share(share: float, width: int) -> str:
    """How much of the variance the axes hold, in words."""
    return f"the two axes hold {share:.0%} of the variance" if width == 2 else f"{share:.0%} of the variance"


def principal_plane(centred: np.ndarray, random_state: int, width: int = 2) -> tuple[np.ndarray, float]:
    """Places ``(n, width)`` float64 of centred vectors on their main directions, and the share of variance these hold.

    Signs are fixed (the largest loading of each direction is positive), so that the same data never comes out mirrored.
    """
    places, _, share = _found(centred, random_state, width)
    made = np.zeros((len(centred), width))
    made[:, : places.shape[1]] = places
    return made, share


def main_directions(centred: np.ndarray, random_state: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Places ``(n, k)`` float64 on the main directions, and these, ``(k, d)``; k is what there is, at most `width`."""
    places, components, _ = _found(centred, random_state, width)
    return places, components


def _found(centred: np.ndarray, random_state: int, width: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Places, directions and their share of the variance."""
    from sklearn.decomposition import PCA as Sklearn  # noqa: N811  two classes of one name

    if not centred.any():
        return np.zeros((len(centred), 0)), np.zeros((0, centred.shape[1])), 1.0
    with warnings.catch_warnings():
        # Exact zeros beside one huge column: a variance that underflows is no news to the person.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"sklearn\.")
        model = Sklearn(min(width, *centred.shape), random_state=random_state).fit(centred)
        places = model.transform(centred).astype(np.float64)
    share = min(float(np.nansum(model.explained_variance_ratio_)), 1.0)
    return upright(places, model.components_), model.components_, share


def to_centre(rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Vectors less their mean (taken in float64: small variance on a large offset survives), at most 1, and their size."""
    centred = np.subtract(rows, rows.mean(axis=0, dtype=np.float64), dtype=np.float32, casting="unsafe")
    size = float(np.abs(centred).max(initial=0.0))
    if size:
        centred /= np.float32(size)
    return centred, size
