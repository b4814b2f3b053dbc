"""SVD: the two largest directions of the vectors as they are, not centred."""

from __future__ import annotations

import warnings

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.reduction.base import Reducer
from explorer.reduction.directions import filled, upright
from explorer.reduction.magnitude import tamed
from explorer.step import Output, Progress


class SVD(Reducer):
    """The largest directions without centring: for counts and word weights, where zero means "not there"; linear and quick.

    In the unit of the vectors; the first axis is often how much there is of everything. Truncated singular value decomposition by
    random projections (Halko, Martinsson & Tropp, 2011), scikit-learn's TruncatedSVD. One of the four methods of the
    anti-money-laundering study "Combating Financial Crimes with Unsupervised Learning Techniques".
    """

    method = "svd"
    packages = ("scikit-learn",)
    widest = None
    linear = True

    n_iter = param.Integer(
        5, bounds=(0, 100), softbounds=(0, 20), precedence=1,
        doc="How often the random projections are refined: more is more exact where many directions are about equally large.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors to ``(n, width)``; a direction in which nothing lies is zero."""
        from sklearn.decomposition import TruncatedSVD

        rows, notes = tamed(vectors)
        size = float(np.abs(rows).max(initial=0.0))
        if not size:
            return Output(filled(rows[:, :0], self.width), notes=(*notes, "all values are zero: all rows share one place"))
        scaled = rows / np.float32(size)
        if scaled.shape[1] == 1:
            scaled = np.hstack([scaled, np.zeros_like(scaled)])  # scikit-learn wants two columns
        progress(0.2, "finding the largest directions")
        model = TruncatedSVD(min(self.width, *rows.shape), n_iter=self.n_iter, random_state=self.random_state)
        with warnings.catch_warnings():
            # One huge value beside ordinary ones: shares that divide zero by zero; they are worked out below.
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"sklearn\.")
            places = model.fit_transform(scaled)
        progress(0.9, "placing the items")
        every = float(np.einsum("ij,ij->", scaled, scaled, dtype=np.float64))
        share = min(float((model.singular_values_.astype(np.float64) ** 2).sum()) / every, 1.0)
        axes = "the two axes hold" if self.width == 2 else f"{places.shape[1]} axes hold"
        said = f"{axes} {share:.0%} of the sum of squares"
        return Output(filled(upright(places, model.components_) * size, self.width), notes=(*notes, said))

    def takes(self, n: int, d: int) -> Takes:
        """Measured: products of the vectors with some random columns, twice a round."""
        columns = self.width + 10
        return Takes(dense=2e-10 * n * d * columns * (2 + 2 * self.n_iter), memory=4 * n * d + 16 * n * columns)
