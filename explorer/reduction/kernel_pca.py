"""Kernel PCA: the main directions after the vectors were bent, so that what lies on a curve or in a ring can be told apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import param

from explorer.errors import InputError
from explorer.installation.takes import Takes
from explorer.reduction.base import Reducer
from explorer.reduction.directions import filled, largest
from explorer.reduction.magnitude import tamed
from explorer.reduction.pca import ALL_EQUAL
from explorer.step import Output, Progress

_CELLS = 4_000_000  # similarities worked out in one go: 32 MB
_NOTHING = 1e-11  # an eigenvalue, of the largest likeness, below which it is rounding
_UNMOVED = ("rbf", "linear")  # kernels that do not depend on where the origin is: centred, they lose no digits


class KernelPCA(Reducer):
    """The main directions after bending: rings and curves come apart that PCA lays over each other.

    Schölkopf, Smola & Müller (1998), on scikit-learn's kernels. More items than `landmarks` are placed by a sample of them: the
    directions are found in the sample and all others projected on them. One of the four methods of the anti-money-laundering study
    "Combating Financial Crimes with Unsupervised Learning Techniques".
    """

    method = "kernel-pca"
    packages = ("scikit-learn", "scipy")
    widest = None

    kernel = param.Selector(
        default="rbf", objects=["rbf", "poly", "sigmoid", "cosine", "linear"],
        doc="What makes two items alike: rbf nearness, poly and sigmoid products of their columns, cosine only their direction.",
    )  # fmt: skip
    gamma = param.Number(
        None, bounds=(1e-12, 1e12), softbounds=(1e-3, 10.0), allow_None=True,
        doc="How fast likeness falls with distance (rbf, poly, sigmoid); none means 1 / (columns × variance), whatever the unit.",
    )  # fmt: skip
    degree = param.Integer(3, bounds=(1, 10), precedence=1, doc="The power that the kernel poly takes.")
    coef0 = param.Number(
        1.0, bounds=(-1e6, 1e6), softbounds=(-1.0, 10.0), precedence=1,
        doc="What is added to products of columns before they are bent (poly and sigmoid).",
    )  # fmt: skip
    landmarks = param.Integer(
        3_000, bounds=(10, 50_000), softbounds=(500, 10_000), precedence=1,
        doc="How many items the directions are found in: memory and time grow with the square of it; others are projected.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors to ``(n, width)``; a direction without any variance is zero."""
        rows, notes = tamed(vectors)
        chosen = sample(len(rows), self.landmarks, self.random_state)
        marks = rows[chosen].astype(np.float64)
        centre = marks.mean(axis=0) if self.kernel in _UNMOVED else np.zeros(marks.shape[1])
        marks -= centre
        alike = self._kernel(marks)
        between = self._between(marks, alike, progress.part(0.0, 0.4))
        floor = _NOTHING * float(np.abs(between).max(initial=0.0))
        means, middle = between.mean(axis=0), between.mean()
        between -= means + (means[:, None] - middle)
        values, directions = largest(between, self.width, self.random_state, progress.part(0.4, 0.7))
        values, directions = values[values > floor], directions[:, values > floor]
        if not len(values):
            return Output(filled(directions[[0] * len(rows)], self.width), notes=(*notes, ALL_EQUAL))
        notes = (*notes, f"the axes hold {min(values.sum() / np.trace(between), 1.0):.0%} of the variance after bending")
        if len(marks) == len(rows):
            return Output(filled(directions * np.sqrt(values), self.width), notes=notes)
        del between
        places, onto = np.empty((len(rows), len(values))), directions / np.sqrt(values)
        for block in _blocks(len(rows), len(marks)):
            progress(0.7 + 0.3 * block.start / len(rows), f"placing items, {block.start:,} of {len(rows):,}")
            likeness = alike(rows[block] - centre, marks)
            places[block] = (likeness - likeness.mean(axis=1, keepdims=True) - (means - middle)) @ onto
        said = f"the directions were found in {len(marks):,} of {len(rows):,} items (landmarks); the others are projected on them"
        return Output(filled(places, self.width), notes=(*notes, said))

    def placed(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """Project new rows on the directions, which are read off the landmarks' places: these are the directions, stretched."""
        from explorer.reduction.placing import matches

        chosen = sample(len(old), self.landmarks, self.random_state)
        marks = old[chosen].astype(np.float64)
        centre = marks.mean(axis=0) if self.kernel in _UNMOVED else np.zeros(marks.shape[1])
        marks -= centre
        alike = self._kernel(marks)
        between = self._between(marks, alike, progress.part(0.0, 0.5))
        means, middle = between.mean(axis=0), between.mean()
        at = layout[chosen].astype(np.float64)
        onto = at / np.maximum((at**2).sum(axis=0), np.finfo(float).tiny)

        def projected(likeness: np.ndarray) -> np.ndarray:
            return np.asarray((likeness - likeness.mean(axis=1, keepdims=True) - (means - middle)) @ onto)

        if not matches(projected(between), at):
            return super().placed(old, layout, new, progress)
        blocks = _blocks(len(new), len(marks))
        places = np.vstack([projected(alike(new[block] - centre, marks)) for block in blocks])
        return Output(places.astype(np.float32), notes=("new items are projected as the others were",))

    def _between(self, marks: np.ndarray, alike: Callable[..., np.ndarray], progress: Progress) -> np.ndarray:
        """Likenesses of the landmarks to each other, ``(m, m)`` float64."""
        made = np.empty((len(marks), len(marks)))
        for block in _blocks(len(marks), len(marks)):
            progress(block.start / len(marks), "comparing items")
            with np.errstate(over="ignore"):
                made[block] = alike(marks[block], marks)
        if not np.isfinite(made).all():
            raise InputError(f"kernel-pca: the kernel {self.kernel} gives numbers without end here; lower gamma or degree")
        return made

    def _kernel(self, marks: np.ndarray) -> Callable[..., np.ndarray]:
        """The function that gives likenesses ``(m, p)`` of rows ``(m, d)`` and ``(p, d)``."""
        from sklearn.metrics.pairwise import pairwise_kernels

        spread = float(marks.var())
        gamma = self.gamma or (1.0 / (marks.shape[1] * spread) if spread > 0 else 1.0)
        return partial(pairwise_kernels, metric=self.kernel, filter_params=True, gamma=gamma, degree=self.degree, coef0=self.coef0)

    def takes(self, n: int, d: int) -> Takes:
        """Measured: likenesses of landmarks, their eigenvectors, and likenesses of all others to them."""
        marks = min(n, self.landmarks)
        pairs = marks * (marks if marks == n else n)
        rounds = 20 + self.width
        return Takes(
            dense=5e-11 * pairs * d, sparse=1.7e-8 * pairs + 2.5e-9 * rounds * marks**2,
            memory=2 * 8 * marks**2 + 3 * 8 * min(_CELLS, pairs) + 8 * marks * d + 12 * n * self.width,
        )  # fmt: skip


def sample(n: int, count: int, random_state: int) -> np.ndarray:
    """``(min(n, count),)`` rows in order: all, or a seeded sample of them."""
    if n <= count:
        return np.arange(n)
    return np.sort(np.random.default_rng(random_state).choice(n, count, replace=False))


def _blocks(n: int, columns: int) -> list[slice]:
    rows = max(1, _CELLS // columns)
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]
