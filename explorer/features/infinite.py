"""Which columns of a table go together with others, and which look like noise: Inf-FS, a ranking that needs no labels.

"Infinite Feature Selection" (Roffo, Melzi & Cristani, ICCV 2015; Roffo, Melzi, Castellani, Vinciarelli & Cristani, TPAMI 2020)
takes columns as the nodes of a graph and gives each the energy of all paths of every length that begin at it: with edges A, the
row sums of ``rA + (rA)² + … = (I − rA)⁻¹ − I``, where r is below 1 / (largest eigenvalue of A), so that the series has a limit.

**Where this departs from the papers.** Their edge is ``α · max(std_i, std_j) + (1 − α) · (1 − |Spearman|)``: it rewards columns
that agree with no other, since theirs is a choice of few columns that repeat nothing. Pure noise agrees with nothing, so it is put
first: on wine and breast cancer with twenty columns of noise (``benchmarks/features_columns.py``) a measured column ranks above
one of noise in 0 % of the pairs with α = 0 and in 33 and 42 % with α = ½, and the spread says nothing of columns that stand on one
scale. Here the edge is the agreement itself, squared and less what chance gives: 100 %. `paper_edges` are theirs, to compare.

A column is called noise when its score is not above 95 % of those of shuffled copies of the columns, which stand in the same graph
(as in Boruta, Kursa & Rudnicki 2010): so about one real noise column in twenty stays. What agrees with no other column, though it
splits the items into groups by itself, looks like noise too (98 % of such columns, same benchmark): agreement is all that is
looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import unknown
from explorer.features.columns.reading import Read, read, usable
from explorer.step import Progress

SAMPLE = 20_000  # items looked at
VALUES = 10_000_000  # looked at, where there are very many columns, but never fewer than
FEWEST = 2_000  # items
LEVELS = 20  # categories of a column told apart; the others are one
DAMPING = 0.9  # r times the largest eigenvalue, as in the papers
ROUNDS = 5  # shuffles; each gives as many scores of chance as there are columns
CHANCE = 0.95  # of these scores, what a column must be above


class Ranked(NamedTuple):
    """A column with its score (1 is the highest, 0 the lowest that can be) and whether it looks like noise."""

    name: str
    score: float
    noise: bool


@dataclass(frozen=True)
class Views:
    """Columns as numbers whose products say how they agree.

    Attributes
    ----------
    values
        ``(n, D)``, the numbers of all columns side by side: standardised ranks of numbers and moments, and of a category, for each
        of its levels of share p, ``(is it − p) / √p``.
    starts
        ``(m,)``: where each column begins.
    freedom
        ``(m,)``: 1 for numbers; for categories their levels less 1.
    """

    values: np.ndarray
    starts: np.ndarray
    freedom: np.ndarray

    @classmethod
    def of(cls, columns: Sequence[Read]) -> Views:
        """Of columns with the same n items."""
        made = [_view(column) for column in columns]
        widths = [one.shape[1] for one in made]
        freedom = [max(1, width - 1) for width in widths]
        return cls(np.concatenate(made, axis=1), np.cumsum([0, *widths[:-1]]), np.array(freedom, np.float64))

    def with_shuffled(self, rng: np.random.Generator) -> Views:
        """Beside each column a copy in another order, the m copies after the m columns."""
        ends = [*self.starts[1:], self.values.shape[1]]
        copies = [rng.permutation(self.values[:, start:end]) for start, end in zip(self.starts, ends, strict=True)]
        starts = np.concatenate([self.starts, self.starts + self.values.shape[1]])
        return Views(np.concatenate([self.values, *copies], axis=1), starts, np.tile(self.freedom, 2))

    def agreement(self, *, chance: bool) -> np.ndarray:
        """``(m, m)`` in [0, 1], 0 on the diagonal: how far two columns say the same.

        Spearman's correlation squared for two of numbers, the correlation ratio of ranks for one and a category, Cramér's V squared
        for two categories; with `chance`, less what independent columns have on average (Bergsma 2013).
        """
        products = (self.values.T @ self.values / len(self.values)) ** 2
        together = np.add.reduceat(np.add.reduceat(products, self.starts, axis=0), self.starts, axis=1)
        if chance:
            together = together - np.outer(self.freedom, self.freedom) / max(1, len(self.values) - 1)
        made = np.clip(together / np.minimum.outer(self.freedom, self.freedom), 0.0, 1.0)
        np.fill_diagonal(made, 0.0)
        return made


def _view(column: Read) -> np.ndarray:
    if column.kind in {"number", "date"}:
        return _ranks(column.values)
    codes = np.where(column.missing, -1, column.values).astype(np.int64)  # what is missing is a level
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(len(counts), np.int64)
    place[order] = np.minimum(np.arange(len(counts)), LEVELS - 1)
    shares = np.bincount(place[codes]) / len(codes)
    made = np.eye(len(shares), dtype=np.float32)[place[codes]]
    return (made - shares.astype(np.float32)) / np.sqrt(shares).astype(np.float32)


def _ranks(values: np.ndarray | pd.Series) -> np.ndarray:
    """``(n, 1)``: ranks, those of equal values their mean, missing ones in the middle; mean 0 and variance 1."""
    ranks = pd.Series(values).rank().to_numpy(dtype=np.float64)
    ranks = np.where(np.isfinite(ranks), ranks - np.nanmean(ranks) if np.isfinite(ranks).any() else 0.0, 0.0)
    return np.asarray(ranks / (ranks.std() or 1.0), np.float32)[:, None]


def path_energies(edges: np.ndarray) -> np.ndarray:
    """``(m,)``: the energy of all paths that begin at each node of a graph ``(m, m)`` of symmetric edges that are not negative."""
    largest = float(np.abs(np.linalg.eigvalsh(edges)).max(initial=0.0))
    if not largest:
        return np.zeros(len(edges))
    identity = np.eye(len(edges))
    return np.asarray(np.linalg.solve(identity - DAMPING / largest * edges, identity).sum(axis=1) - 1.0)


def edges(views: Views) -> np.ndarray:
    """``(m, m)``: agreement beyond chance, what `rank_columns` takes."""
    return views.agreement(chance=True)


def paper_edges(views: Views, spread: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """``(m, m)``: the papers' edges, from the columns' standard deviations ``(m,)`` and `alpha` in [0, 1]."""
    wider = np.maximum.outer(spread, spread)
    wider = (wider - wider.min()) / (np.ptp(wider) or 1.0)
    return np.asarray(alpha * wider + (1.0 - alpha) * (1.0 - np.sqrt(views.agreement(chance=False))))


def rank_columns(dataset: Dataset, names: Sequence[str] = (), progress: Progress | None = None) -> list[Ranked]:
    """The columns of a dataset, or some of them, those first that agree most with others; looks at up to 20,000 items.

    The same dataset and names always give the same.

    Raises
    ------
    InputError
        For a column that is not there or cannot be used.
    """
    progress = progress or Progress()
    able = usable(dataset)
    for name in names:
        if name not in able:
            raise unknown("column", name, able)
    wanted = list(dict.fromkeys(names)) or able
    rng = np.random.default_rng(0)
    columns = _sampled(dataset, wanted, rng, progress.part(0.0, 0.4))
    known = {name: column for name, column in zip(wanted, columns, strict=True) if column.kind}
    if not known:
        return [Ranked(name, 0.0, True) for name in wanted]
    scores, limit = _scores(Views.of(list(known.values())), rng, progress.part(0.4, 1.0))
    top = float(scores.max()) or 1.0
    made = [Ranked(name, float(score / top), bool(score <= limit)) for name, score in zip(known, scores, strict=True)]
    made += [Ranked(name, 0.0, True) for name in wanted if name not in known]
    return sorted(made, key=lambda one: -one.score)


def _sampled(dataset: Dataset, names: list[str], rng: np.random.Generator, progress: Progress) -> list[Read]:
    n, most = len(dataset), min(SAMPLE, max(FEWEST, VALUES // len(names)))
    rows = None if n <= most else pa.array(np.sort(rng.choice(n, most, replace=False)))
    made = []
    for done, name in enumerate(names):
        progress(done / len(names), f"column {name}")
        column = dataset.table.column(name)
        made.append(read(column if rows is None else column.take(rows), dataset.kinds[name]))
    return made


def _scores(views: Views, rng: np.random.Generator, progress: Progress) -> tuple[np.ndarray, float]:
    """``(m,)`` scores, means over several shuffles, and what those of shuffled columns seldom reach."""
    m = len(views.starts)
    scores, chance = np.zeros(m), []
    for turn in range(ROUNDS):
        progress(turn / ROUNDS, f"shuffle {turn + 1} of {ROUNDS}")
        energies = path_energies(edges(views.with_shuffled(rng)))
        scores += energies[:m] / ROUNDS
        chance.append(energies[m:])
    return scores, float(np.quantile(np.concatenate(chance), CHANCE))


__all__ = ["Ranked", "Views", "edges", "paper_edges", "path_energies", "rank_columns"]
