"""Exact nearest neighbours of some items among all, in feature space: bounded memory, ties by row, the same every time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.errors import InputError, unknown
from explorer.step import Progress

ROW_METRICS = ("cosine", "euclidean")
ROWS = 1_024  # rows of the features in one block
QUERIES = 512  # items asked for in one block: with ROWS, 2 MB of distances, which a processor keeps at hand
PAIRS = 32_768  # pairs whose distance is worked out to the last digit at once
_EPS = float(np.finfo(np.float32).eps)
_HUGE, _TINY = 1e38, float(np.finfo(np.float32).tiny)  # beyond them float32 loses squares altogether


def nearest_rows(
    features: np.ndarray, queries: np.ndarray, k: int, metric: str = "euclidean", progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` rows nearest to each of some rows, itself not among them, nearest first and of equal ones the earlier row first.

    A matrix product in float32 says which rows may be among the nearest, with a margin for its rounding; only those are compared
    exactly, in float64. So it costs what BLAS costs, and is right to the last digit for near duplicates and far from the origin.

    Parameters
    ----------
    features
        ``(n, d)``, also memory-mapped: it is read in blocks, in order, once for every 512 queries.
    queries
        ``(m,)`` rows of the features.
    metric
        "euclidean" or "cosine"; a row of zeros has no direction, and is at cosine distance 1 from every row but another such.

    Returns
    -------
    rows, distances
        ``(m, min(k, n - 1))`` int64 and float64. A row that is not finite throughout has no neighbours and is nobody's: where there
        are fewer than k, the row is -1 and the distance infinite.

    Raises
    ------
    InputError
        For another metric, or a `k` that is not a whole number of at least 1.
    """
    queries, k = np.asarray(queries, np.int64), _many(features, k, metric)
    rows, distances = np.full((len(queries), k), -1, np.int64), np.full((len(queries), k), np.inf)
    for known, some, far in _blocks(features, queries, k, metric, progress):
        rows[known], distances[known] = some, far
    return rows, distances


def around(
    features: np.ndarray, rows: np.ndarray, k: int, metric: str = "euclidean", progress: Progress | None = None
) -> np.ndarray:
    """The rows that are among the `k` nearest of one of `rows` and not one of them, ``(m,)`` int64 in order."""
    rows, found = np.asarray(rows, np.int64), np.zeros(len(features), bool)
    for _, some, _ in _blocks(features, rows, _many(features, k, metric), metric, progress):
        found[some[some >= 0]] = True  # not kept: a hundred neighbours of a million items are a gigabyte
    found[rows] = False
    return np.flatnonzero(found)


def _many(features: np.ndarray, k: int, metric: str) -> int:
    """How many neighbours there can be, of `k` asked for."""
    if metric not in ROW_METRICS:
        raise unknown("metric", metric, ROW_METRICS)
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise InputError(f"k is how many neighbours, a whole number of at least 1, not {k!r}")
    return min(int(k), max(0, len(features) - 1))


def _blocks(
    features: np.ndarray, queries: np.ndarray, k: int, metric: str, progress: Progress | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The neighbours of some queries at a time: the queries' places, and their rows and distances ``(m, k)``."""
    done = progress or Progress()
    for start in range(0, len(queries) if k else 0, QUERIES):
        stop = min(start + QUERIES, len(queries))
        part = done.part(start / len(queries), stop / len(queries))
        known = start + np.flatnonzero(np.isfinite(features[queries[start:stop]]).all(axis=1))
        if len(known):
            yield known, *_block(features, queries[known], k, metric, part)


@np.errstate(over="ignore", under="ignore", invalid="ignore")  # what is not finite is told apart, not warned of
def _block(features: np.ndarray, queries: np.ndarray, k: int, metric: str, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Rows and distances of the nearest, ``(m, k)`` each."""
    asked, middle = _exact(features[queries], metric), _middle(features)
    rough = _rough(features[queries], metric, middle)
    best = _Best(len(queries), k)
    for start in range(0, len(features), ROWS):
        progress(start / len(features), "finding neighbours")
        block = np.asarray(features[start : start + ROWS])
        worst = 2 * best.worst if metric == "cosine" else best.worst**2  # back to squares, between directions for cosine
        query, row = np.nonzero(_possible(rough, _rough(block, metric, middle), worst, k))
        kept = row + start != queries[query]
        query, row = query[kept], row[kept]
        for first in range(0, len(query), PAIRS):
            some, others = query[first : first + PAIRS], row[first : first + PAIRS]
            apart = asked[some] - _exact(block[others], metric)
            squares = np.einsum("ij,ij->i", apart, apart)
            best.add(some, others + start, squares / 2 if metric == "cosine" else np.sqrt(squares))
    progress(1.0, "finding neighbours")
    return best.rows, best.distances


def _exact(rows: np.ndarray, metric: str) -> np.ndarray:
    """Rows in float64 whose squared distances are compared."""
    rows = rows.astype(np.float64)
    return _directions(rows) if metric == "cosine" else rows


def _rough(rows: np.ndarray, metric: str, middle: np.ndarray) -> np.ndarray:
    """The same in float32, around a middle so that what is far from the origin loses no digits."""
    return (_directions(rows) if metric == "cosine" else rows - middle).astype(np.float32, copy=False)


def _directions(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, ``(m, d + 1)``: rows of zeros, which have no direction, share the last column as theirs.

    Half the squared distance of two is 1 - cosine, but for rows of zeros 1 from all others.
    """
    size = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    nothing = size == 0
    scaled = rows / np.where(nothing, 1, size)
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    return np.hstack([scaled / np.where(nothing, 1, length), nothing.astype(rows.dtype)])


def _middle(features: np.ndarray) -> np.ndarray:
    """``(d,)``: the mean of a few rows that are finite."""
    some = np.asarray(features[np.linspace(0, len(features) - 1, min(len(features), 256)).astype(np.int64)])
    some = some[np.isfinite(some).all(axis=1)]
    middle = (some.astype(np.float64) / max(1, len(some))).sum(axis=0)
    return middle.astype(features.dtype)


def _possible(asked: np.ndarray, block: np.ndarray, worst: np.ndarray, k: int) -> np.ndarray:
    """``(m, rows)`` bool: which rows of a block may be nearer than the worst that each query has so far, whatever was rounded."""
    margin = np.float32(2 * (block.shape[1] + 10) * _EPS)  # of float32's error in a squared distance, per squared length of both
    lengths, own = (np.einsum("ij,ij->i", rows, rows)[:, None] for rows in (asked, block))
    missing = np.isnan(own[:, 0])
    for squares in (lengths, own):
        squares[squares > _HUGE] = np.nan  # too large for float32: nothing is known, so it is looked at exactly
    block[missing], own[missing] = 0, np.inf
    left = np.hstack([-2 * asked, (1 - margin) * lengths, np.ones_like(lengths)])
    least = left @ np.hstack([block, np.ones_like(own), (1 - margin) * own]).T  # one product for the whole: -2 ab + aa + bb
    if np.isinf(worst).any():
        worst = np.minimum(worst, _enough(least + 2 * margin * (lengths + own.T), k))
    limit = np.nextafter((worst + block.shape[1] * _TINY).astype(np.float32), np.float32(np.inf))
    limit[worst == 0] = -np.inf  # it can only get later rows
    return ~(least > limit[:, None])


def _enough(most: np.ndarray, k: int) -> np.ndarray:
    """``(m,)``: a squared distance within which a block has k rows besides the query itself, else infinity."""
    if most.shape[1] <= k:
        return np.full(len(most), np.inf)
    bound = np.partition(most, k, axis=1)[:, k].astype(np.float64)
    return np.where(np.isfinite(bound), bound + most.shape[1] * _TINY, np.inf)


class _Best:
    """The nearest found so far of each of m queries: `rows` ``(m, k)``, -1 where there is none, and their `distances`."""

    def __init__(self, m: int, k: int) -> None:
        self.rows = np.full((m, k), -1, np.int64)
        self.distances = np.full((m, k), np.inf)

    @property
    def worst(self) -> np.ndarray:
        """``(m,)``: what a row must beat, infinite where there are not k yet."""
        return self.distances[:, -1]

    def add(self, query: np.ndarray, rows: np.ndarray, distances: np.ndarray) -> None:
        """Take in pairs of a query's place and a row; a later row does not displace an equal one."""
        good = np.isfinite(distances)
        query, rows, distances = query[good], rows[good], distances[good]
        some, k = np.unique(query), self.rows.shape[1]
        query = np.concatenate([np.repeat(some, k), query])
        rows, distances = np.concatenate([self.rows[some].ravel(), rows]), np.concatenate([self.distances[some].ravel(), distances])
        order = np.lexsort((rows, distances, query))
        query = query[order]
        first = np.arange(len(query)) - np.searchsorted(query, query) < k
        self.rows[some], self.distances[some] = rows[order][first].reshape(-1, k), distances[order][first].reshape(-1, k)


__all__ = ["ROW_METRICS", "around", "nearest_rows"]
