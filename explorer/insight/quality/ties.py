"""Equal rows: of neighbours that are equally far, those are taken that speak best of the map, in the vectors and on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from explorer.insight.quality.places import Places, among
from explorer.insight.quality.ranks import Space, narrowed
from explorer.step import Progress

BLOCK = 8_192  # items at once
_CELLS = 4_000_000  # numbers of vectors that are held at once
_ALIKE = 1e-9  # of a distance on the map, which worked out twice may differ in its last digit

Pairs = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Sure(NamedTuple):
    """Neighbours ``(m, k)``, and which of them, ``(m, k)`` bool, no other row could stand for: they are nearer than the last."""

    rows: np.ndarray
    sure: np.ndarray


def in_vectors(space: Space) -> Pairs:
    """How far pairs of rows ``(p,)`` are in the vectors, and what counts as equally far; a few at a time."""

    def far(some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, off = np.empty(len(some)), np.empty(len(some))
        step = max(1, _CELLS // max(1, space.rows.shape[1]))
        for start in range(0, len(some), step):
            part = slice(start, start + step)
            found[part], off[part] = space.apart(space.of(some[part]), space.of(others[part]))
        return found, off

    return far


def of_few(vectors: np.ndarray, metric: str, *rows: np.ndarray) -> Pairs:
    """The same of a few rows of ``(n, d)``, which alone are looked at."""
    some = np.unique(np.concatenate([each.ravel() for each in rows]))
    some = some[some >= 0]
    far = in_vectors(Space(narrowed(vectors, some), metric))
    return lambda one, other: far(np.searchsorted(some, one), np.searchsorted(some, other))


def on_map(places: Places) -> Pairs:
    """The same on the map."""

    def far(some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gap = places.places[some] - places.places[others]
        found = np.hypot(gap[:, 0], gap[:, 1])
        return found, _ALIKE * found

    return far


def settled(
    space: Space, near: np.ndarray, places: Places, drawn: np.ndarray, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours in the vectors and on the map, ``(n, k)`` each, where those that are equally far are taken to agree.

    Of a thousand equal rows any fifteen may be called an item's nearest. So a neighbour that is as far as the last gives way to
    another that is as far, if that one is a neighbour on the other side. Where no two distances are equal, nothing changes.

    Parameters
    ----------
    near, drawn
        ``(n, k)`` the neighbours of row 0, 1, ... that were found in the vectors (-1: none) and on the map.
    """
    done, sides = progress or Progress(), (in_vectors(space), on_map(places))
    made = near.astype(np.int64), drawn.astype(np.int64)
    for start in range(0, len(near), BLOCK):
        done(start / len(near), "looking at equal rows")
        rows = np.arange(start, min(start + BLOCK, len(near)))
        one, other = (Sure(each[rows], nearer(pairs, rows, each[rows])) for pairs, each in zip(sides, made, strict=True))
        more = tied(sides[0], rows, one, other.rows), tied(sides[1], rows, other, one.rows)
        made[0][rows], made[1][rows] = agreed(one, other, *more)
    return made


def nearer(pairs: Pairs, asked: np.ndarray, near: np.ndarray) -> np.ndarray:
    """``(m, k)`` bool: which neighbours are nearer than the last of them."""
    far, off = _far(pairs, asked, near, near >= 0)
    last = far.max(axis=1, keepdims=True, initial=-np.inf, where=near >= 0)
    return np.asarray((near >= 0) & (far < last - off))


def tied(pairs: Pairs, asked: np.ndarray, known: Sure, candidates: np.ndarray) -> np.ndarray:
    """``(m, l)`` bool: which `candidates` are no neighbours, but as far as the last of the neighbours."""
    new = (candidates >= 0) & ~among(candidates, known.rows) & (candidates != asked[:, None])
    some = new.any(axis=1)
    found = np.zeros(candidates.shape, bool)
    if some.any():
        far, _ = _far(pairs, asked[some], known.rows[some], (known.rows[some] >= 0) & ~known.sure[some])
        last = far.max(axis=1, keepdims=True)
        there, off = _far(pairs, asked[some], candidates[some], new[some])
        found[some] = np.abs(there - last) <= off
    return found & new


def _far(pairs: Pairs, asked: np.ndarray, others: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the wanted of `others` ``(m, k)`` are from each of `asked`, -inf else, and what counts as equally far."""
    row, column = np.nonzero(wanted)
    far, off = np.full(others.shape, -np.inf), np.zeros(others.shape)
    far[row, column], off[row, column] = pairs(asked[row], others[row, column])
    return far, off


def agreed(one: Sure, other: Sure, more_one: np.ndarray, more_other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both lists ``(m, k)``, where what is tied is chosen so that they have as much in common as can be.

    Parameters
    ----------
    more_one, more_other
        ``(m, k)`` bool: which neighbours of the other list may stand in `one`, and which of `one` in the other.
    """
    made = one.rows.copy(), other.rows.copy()
    some = more_one.any(axis=1) | more_other.any(axis=1)  # else both are as they were
    if some.any():
        first, second = (Sure(each.rows[some], each.sure[some]) for each in (one, other))
        rows = np.hstack([first.rows, second.rows])
        again = among(second.rows, first.rows)
        sure = among(rows, _surely(first)), among(rows, _surely(second))
        may = (
            np.hstack([first.rows >= 0, more_one[some] & ~again]),
            np.hstack([among(first.rows, second.rows) | more_other[some], (second.rows >= 0) & ~again]),
        )
        made[0][some] = _taken(rows, sure[0], may[0], sure[1], may[1])
        made[1][some] = _taken(rows, sure[1], may[1], sure[0], may[0])
    return made


def _surely(known: Sure) -> np.ndarray:
    return np.where(known.sure, known.rows, -1)


def _taken(rows: np.ndarray, sure: np.ndarray, may: np.ndarray, there: np.ndarray, may_there: np.ndarray) -> np.ndarray:
    """Half as many of the `rows` ``(m, 2 k)``: the sure ones, then of those that may, those that are or may be there too."""
    wish = np.where(sure, 0, np.where(there, 1, np.where(may_there, 2, 3)))
    wish[~may] = 4
    order = np.argsort(wish, axis=1, kind="stable")[:, : rows.shape[1] // 2]  # the same order on both sides, so that they meet
    found = np.take_along_axis(rows, order, axis=1)
    return np.where(np.take_along_axis(wish, order, axis=1) < 4, found, -1)


def replaced(pairs: Pairs, asked: np.ndarray, near: np.ndarray, away: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Which neighbours ``(m, k)`` bool are `away` still, when those that are tied give way to tied rows of `around` ``(m, l)``."""
    known = Sure(near, nearer(pairs, asked, near))
    others = tied(pairs, asked, known, around).sum(axis=1)
    loose = away & ~known.sure
    return np.asarray(away & ~(loose & (np.cumsum(loose, axis=1) <= others[:, None])))


__all__ = ["Sure", "agreed", "in_vectors", "nearer", "of_few", "on_map", "replaced", "settled", "tied"]
