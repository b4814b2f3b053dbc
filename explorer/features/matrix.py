"""Sparse counts to vectors: each row scaled and logged, then the directions in which the items differ most, never made dense."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.dataset.sparse import Sparse
from explorer.errors import InputError
from explorer.features.base import Extractor
from explorer.features.batches import Pace
from explorer.step import Output, Progress

PASSES = 7  # over the matrix, in which the directions settle
MORE = 20  # directions that are looked for beside those that are kept, so that those are right
RANK = 1e-10  # of the largest variance: what is less is rounding


class Seen(NamedTuple):
    """What a first look at the matrix gives.

    Attributes
    ----------
    typical
        The median total of the rows that have any.
    missing, negative
        How many values are NaN or infinite, and how many are below zero.
    whole
        Whether all are whole numbers, as counts are.
    """

    typical: float
    missing: int
    negative: int
    whole: bool


class Matrix(Extractor):
    """The sparse matrix beside the data (counts of genes or words): its strongest directions.

    Principal components of scaled and logged counts, as is usual for single cells (Zheng et al. 2017), by subspace iteration over
    blocks of rows (Halko, Martinsson and Tropp 2011, algorithm 4.4): the columns' means are taken off without filling the matrix.
    """

    method = "matrix"
    needs = "matrix"
    packages = ("scipy",)

    n_components = param.Integer(
        50, bounds=(2, 1000), softbounds=(10, 200), doc="Numbers kept of each item; fewer if there are fewer items or columns."
    )
    n_features = param.Integer(
        2000, bounds=(2, 1_000_000), softbounds=(500, 10_000), allow_None=True,
        doc="Keep so many columns, those that vary most once scaled; none keeps all.",
    )  # fmt: skip
    normalize = param.Boolean(True, doc="Scale each row to the median total, so that deeply counted items are like others.")
    log = param.Boolean(True, doc="Take log(1 + value), so that a few large counts do not decide alone.")

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32; a row without any count is where nothing counted puts it.

        Raises
        ------
        InputError
            When the matrix has no columns or no values.
        """
        matrix = data.matrix
        assert matrix is not None  # `Extractor.apply` has seen to it
        if not min(matrix.shape):
            raise InputError(f"{data.name}: the matrix is empty ({matrix.shape[0]:,} × {matrix.shape[1]:,}); choose another method")
        seen = _look(matrix, progress.part(0.0, 0.1))
        notes: list[str] = []
        read = _Read(matrix, self._scale(seen, notes), log=self._logs(seen, notes))
        means, chosen = self._columns(read, progress.part(0.1, 0.2))
        if len(chosen) < matrix.shape[1]:
            notes.append(f"{len(chosen):,} of {matrix.shape[1]:,} columns were kept, those that vary most")
        read = read._replace(columns=chosen)
        directions = self._directions(read, means[chosen], progress.part(0.2, 0.9))
        return Output(_places(read, means[chosen], directions, progress.part(0.9, 1.0)), notes=tuple(notes))

    def _scale(self, seen: Seen, notes: list[str]) -> float | None:
        """The total that rows are scaled to; None where they are left as they are."""
        if seen.missing:
            notes.append(f"{seen.missing:,} values of the matrix are missing or infinite and were taken as 0")
        if not seen.whole and not seen.negative and (self.normalize or self.log):
            notes.append("the values are no whole numbers; if they were scaled and logged already, set normalize and log to no")
        return seen.typical if self.normalize and seen.typical > 0 else None

    def _logs(self, seen: Seen, notes: list[str]) -> bool:
        if self.log and seen.negative:
            notes.append(f"{seen.negative:,} values of the matrix are negative, so no logarithm was taken")
            return False
        return bool(self.log)

    def _columns(self, read: _Read, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """``(d,)`` means, and which columns are kept, in their order."""
        n, d = read.matrix.shape
        sums, squares = np.zeros(d), np.zeros(d)
        for block in read.blocks(progress, "finding columns that vary"):
            sums += np.bincount(block.indices, block.data, d)
            squares += np.bincount(block.indices, block.data**2, d)
        means = sums / n
        if self.n_features is None or self.n_features >= d:
            return means, np.arange(d)
        varies = squares / n - means**2
        return means, np.sort(np.argsort(-varies, kind="stable")[: self.n_features])

    def _directions(self, read: _Read, means: np.ndarray, progress: Progress) -> np.ndarray:
        """``(d, k)`` float64, orthonormal, the one along which the items differ most first."""
        n, d = read.matrix.shape[0], len(means)
        most = max(1, min(self.n_components, n - 1, d))
        width = min(most + MORE, d)
        start = np.random.default_rng(self.random_state).standard_normal((d, width))
        basis = np.linalg.qr(start)[0]
        passes = PASSES if width < d else 1
        for turn in range(passes):
            part = progress.part(turn / passes, (turn + 1) / passes)
            turned = _spread(read, means, basis, part, f"finding directions, pass {turn + 1} of {passes}")
            if turn + 1 < passes:
                basis = np.linalg.qr(turned)[0]
        strengths, within = np.linalg.eigh((basis.T @ turned + turned.T @ basis) / 2)
        strengths, within = strengths[::-1][:most], within[:, ::-1][:, :most]
        kept = strengths > strengths[0] * RANK
        kept[0] = True
        found = basis @ within[:, kept]
        largest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]
        return np.asarray(found * np.where(largest < 0, -1.0, 1.0))  # either sign is right; one must be chosen


class _Read(NamedTuple):
    """The matrix as it is computed with: scaled, logged, only some columns."""

    matrix: Sparse
    scale: float | None
    log: bool
    columns: np.ndarray | None = None

    def blocks(self, progress: Progress, what: str) -> Any:
        """Blocks of rows (``scipy.sparse.csr_matrix``, float64), with progress."""
        n = self.matrix.shape[0]
        for start, stop in self.matrix.blocks():
            progress(start / n, what)
            yield self._block(start, stop)

    def _block(self, start: int, stop: int) -> Any:
        block = _clean(self.matrix.rows(start, stop))
        if self.scale is not None:
            totals = np.asarray(block.sum(axis=1)).reshape(-1)
            factors = np.divide(self.scale, totals, out=np.ones_like(totals), where=totals > 0)
            block.data *= np.repeat(factors, np.diff(block.indptr))
        if self.log:
            block.data = np.log1p(block.data)
        return block if self.columns is None or len(self.columns) == block.shape[1] else block[:, self.columns]


def _clean(block: Any) -> Any:
    """A copy in float64, each column once in a row, without what is no number."""
    block = block.astype(np.float64)
    block.sum_duplicates()
    block.data[~np.isfinite(block.data)] = 0.0
    return block


def _look(matrix: Sparse, progress: Progress) -> Seen:
    totals = np.zeros(matrix.shape[0])
    missing = negative = 0
    whole = True
    for start, stop in matrix.blocks():
        progress(start / len(totals), "looking at the counts")
        block = matrix.rows(start, stop)
        missing += int((~np.isfinite(block.data)).sum())
        block = _clean(block)
        negative += int((block.data < 0).sum())
        whole = whole and bool((block.data == np.floor(block.data)).all())
        totals[start:stop] = np.asarray(block.sum(axis=1)).reshape(-1)
    counted = totals[totals > 0]
    return Seen(float(np.median(counted)) if len(counted) else 0.0, missing, negative, whole)


def _spread(read: _Read, means: np.ndarray, basis: np.ndarray, progress: Progress, what: str) -> np.ndarray:
    """``(d, k)``: the columns' scatter times the basis, without the scatter ever being there."""
    made = np.zeros_like(basis)
    for block in read.blocks(progress, what):
        made += block.T @ (block @ basis)
    return np.asarray(made - np.outer(means, read.matrix.shape[0] * (means @ basis)))


def _places(read: _Read, means: np.ndarray, directions: np.ndarray, progress: Progress) -> np.ndarray:
    """``(n, k)`` float32: where each item lies along the directions."""
    made = np.empty((read.matrix.shape[0], directions.shape[1]), np.float32)
    middle, start = means @ directions, 0
    pace = Pace(progress, len(made), "rows")
    for block in read.blocks(Progress(), ""):
        made[start : start + block.shape[0]] = block @ directions - middle
        start += block.shape[0]
        pace.add(block.shape[0])
    return made
