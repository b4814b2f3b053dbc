"""ICA: directions that vary independently of each other, and least like noise."""

from __future__ import annotations

import warnings

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.reduction.base import Reducer
from explorer.reduction.directions import filled, upright
from explorer.reduction.magnitude import tamed
from explorer.reduction.pca import ALL_EQUAL, PCA, principal_plane, to_centre, told_share
from explorer.step import Output, Progress

_NOTHING = 1e-6  # a direction's spread, of the largest one's, below which it is rounding and not variance


class ICA(Reducer):
    """Independent directions: turns the main plane so that its axes say different things; shows outliers and mixed signals.

    Each axis has mean 0 and variance 1; the one least like a bell curve comes first. The vectors are brought to their main
    directions first, then FastICA (Hyvärinen, 1999) by scikit-learn turns them. One of the four methods of the
    anti-money-laundering study "Combating Financial Crimes with Unsupervised Learning Techniques".
    """

    method = "ica"
    packages = ("scikit-learn",)
    widest = None
    linear = True

    fun = param.Selector(
        default="logcosh", objects=["logcosh", "exp", "cube"],
        doc="How it is measured that a direction is no bell curve: logcosh suits most data, exp outliers, cube flat distributions.",
    )  # fmt: skip
    max_iter = param.Integer(
        200, bounds=(1, 10_000), softbounds=(50, 1_000), precedence=1,
        doc="How many rounds at most are spent on turning the directions.",
    )  # fmt: skip
    tol = param.Number(
        1e-4, bounds=(1e-10, 1.0), softbounds=(1e-6, 1e-2), precedence=1,
        doc="How little the directions may still turn in a round for them to count as found.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors to ``(n, width)``; a direction without any variance is zero."""
        rows, notes = tamed(vectors)
        progress(0.1, "centring")
        centred, size = to_centre(rows)
        progress(0.2, "finding the main directions")
        plane, share = principal_plane(centred, self.random_state, self.width)
        spread = plane.std(axis=0)
        plane = plane[:, spread > _NOTHING * spread.max(initial=0.0)]
        if not size or not plane.shape[1]:
            return Output(filled(plane[:, :0], self.width), notes=(*notes, ALL_EQUAL))
        progress(0.6, "finding independent directions")
        places, said = self._turned(plane / plane.std(axis=0))
        return Output(filled(places, self.width), notes=(*notes, told_share(share, self.width), *said))

    def _turned(self, white: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Whitened places ``(n, k)`` float64 turned to independent directions, and a note where none were found in time."""
        from sklearn.decomposition import FastICA
        from sklearn.exceptions import ConvergenceWarning

        model = FastICA(whiten=False, fun=self.fun, max_iter=self.max_iter, tol=self.tol, random_state=self.random_state)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            places = model.fit_transform(white)
        if not np.isfinite(places).all():  # cubes of a single huge outlier
            return white, ("no independent directions were found: these are the main ones",)
        late = any(issubclass(one.category, ConvergenceWarning) for one in said)
        notes = (f"the directions still turned after {self.max_iter} rounds: raise max_iter or tol",) if late else ()
        places = upright(places, model.components_)
        peaked = np.abs((places**4).mean(axis=0) - 3)  # of variance 1 each
        return places[:, np.argsort(-peaked, kind="stable")], notes

    def takes(self, n: int, d: int) -> Takes:
        """Measured: PCA, and usually some 30 rounds over the columns that it gives."""
        before = PCA()
        before.width = self.width
        return before.takes(n, d).then(
            Takes(sparse=9e-7 * n * self.width, dense=6e-10 * n * self.width**2, memory=5 * 8 * n * self.width)
        )
