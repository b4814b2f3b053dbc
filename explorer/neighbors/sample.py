"""Some rows whose true neighbours are known: by them the recall of a search is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.neighbors.board import Measured
from explorer.neighbors.rows import nearest_rows
from explorer.neighbors.threads import in_threads, stretches
from explorer.step import Progress

ASKED = 400  # rows of the sample: the recall's standard error is below 0.01
_TOGETHER = 100  # rows of it whose neighbours one thread looks for


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows ``(m,)``, and how far the last of the `k` nearest of each is, ``(m,)``, as a `Board` measures it."""

    rows: np.ndarray
    last: np.ndarray
    k: int

    @classmethod
    def of(cls, measured: Measured, k: int, metric: str, random_state: int, progress: Progress) -> Sample:
        """Look at every row for some of them."""
        rows, n = measured.rows, len(measured.rows)
        asked = np.sort(np.random.default_rng([random_state, 1]).choice(n, min(ASKED, n), replace=False))
        last = np.empty(len(asked))

        def work(part: tuple[int, int]) -> None:
            some = slice(*part)
            if metric == "euclidean":
                last[some] = nearest_rows(rows, asked[some], k)[1][:, -1] ** 2
            else:
                last[some] = _one_by_one(measured, asked[some], k)

        together = _TOGETHER if metric == "euclidean" else 4
        in_threads(work, stretches(len(asked), together), progress)
        return cls(asked, last, k)

    def recall(self, apart: np.ndarray) -> float:
        """The share of the true neighbours among those found, at distances ``(n, k)``: one at an equal distance is as good."""
        found = apart[self.rows, : self.k] <= (self.last * (1 + 1e-9))[:, None]
        return float(found.mean())


def _one_by_one(measured: Measured, asked: np.ndarray, k: int) -> np.ndarray:
    from explorer.neighbors import kernels

    far = np.empty((len(asked), len(measured.rows)))
    kernels.from_some(asked, *measured, far)
    return np.partition(far, k, axis=1)[:, k]  # after itself, at 0


__all__ = ["Sample"]
