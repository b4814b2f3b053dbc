"""How far people who labelled the same items agree: kappa for two, alpha for all, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from explorer.errors import InputError

NONE = 0  # the code of an item that a user has not labelled
MOST = 4_000  # categories in use; every pair of them is counted
TOP = 20  # confused pairs that are given


@dataclass(frozen=True)
class Pair:
    """Two users: how many items both labelled, how many of those alike, and Cohen's kappa.

    `raw` is the part labelled alike, None without an item that both labelled. `kappa` is None there, too, and where both used one
    and the same category for everything: chance alone would agree then, the formula is 0/0, and labels that never vary are no
    evidence of agreement or against it, so that neither 1 nor 0 would be true.
    """

    first: str
    second: str
    both: int
    alike: int
    raw: float | None
    kappa: float | None


@dataclass(frozen=True, eq=False)
class Agreement:
    """What `compare` found.

    Attributes
    ----------
    users
        In the order given.
    labelled
        How many items each user labelled.
    pairs
        Each two users once, in the users' order.
    compared
        How many items at least two users labelled.
    alpha
        Krippendorff's alpha of all users for nominal data; None where no item was labelled twice, or all of those have one and the
        same category (0/0, as with kappa).
    disagree
        ``(n,)`` bool: items that two users labelled differently.
    disputes
        By category: how many times one user gave it and another a different one, counted by item and pair of users.
    confused
        The pairs of categories that are taken for each other most, ``(code, higher code, times)``, counted in the same way.
    """

    users: tuple[str, ...]
    labelled: dict[str, int]
    pairs: tuple[Pair, ...]
    compared: int
    alpha: float | None
    disagree: np.ndarray
    disputes: dict[int, int]
    confused: tuple[tuple[int, int, int], ...]


def compare(ratings: Mapping[str, np.ndarray], *, top: int = TOP) -> Agreement:
    """The agreement of several users.

    Kappa is J. Cohen, "A Coefficient of Agreement for Nominal Scales" (1960), over the items that both labelled; alpha is
    K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: nominal data, any number of users, missing
    labels allowed.

    Parameters
    ----------
    ratings
        By user: ``(n,)`` integer codes of categories, 0 where that user has not labelled the item.
    top
        At most so many confused pairs.

    Raises
    ------
    InputError
        For arrays that are not codes of the same items, and for more than `MOST` categories.
    """
    given = {user: np.asarray(codes) for user, codes in ratings.items()}
    _check(given)
    raters = sum((codes != NONE for codes in given.values()), np.zeros(len(next(iter(given.values()), ())), np.uint16))
    rows = np.flatnonzero(raters >= 2)  # all others say nothing of agreement
    categories, packed = _packed([codes[rows] for codes in given.values()])
    differing = np.zeros(len(rows), np.uint16)  # pairs of users that differ on an item; up to 362 users
    tally = np.zeros((len(categories), len(categories)), np.int64)
    pairs = tuple(_pairs(tuple(given), packed, differing, tally))
    disputes, confused = _confusion(tally, categories, top)
    return Agreement(
        users=tuple(given),
        labelled={user: int(np.count_nonzero(codes)) for user, codes in given.items()},
        pairs=pairs,
        compared=len(rows),
        alpha=_alpha(raters[rows], differing, packed, len(categories)),
        disagree=_at(rows[differing > 0], len(raters)),
        disputes=disputes,
        confused=confused,
    )


def _at(rows: np.ndarray, n: int) -> np.ndarray:
    """``(n,)`` bool, true at those rows."""
    mask = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _check(given: dict[str, np.ndarray]) -> None:
    shapes = {codes.shape for codes in given.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        said = ", ".join(map(str, sorted(shapes)))
        raise InputError(f"labels of shapes {said} cannot be compared; give one code an item for each user, of the same items")
    for user, codes in given.items():
        if codes.dtype.kind not in "iu" or codes.min(initial=0) < 0:
            raise InputError(f"the labels of {user!r} are not codes; give whole numbers, 0 where an item has no label")


def _packed(codes: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """``(k,)`` the codes in use, ascending, 0 first, and each array as places among them."""
    highest = max((int(each.max(initial=0)) for each in codes), default=0)
    used = np.zeros(highest + 1, bool)
    used[NONE] = True
    for each in codes:
        used[each] = True
    categories = np.flatnonzero(used)
    if len(categories) > MOST:
        raise InputError(f"{len(categories) - 1:,} categories are in use, and fewer than {MOST:,} can be compared: merge some")
    places = (np.cumsum(used) - 1).astype(np.uint16)
    return categories, [places[each] for each in codes]


def _pairs(users: tuple[str, ...], packed: list[np.ndarray], differing: np.ndarray, tally: np.ndarray) -> Iterator[Pair]:
    """Each pair of users; what they differ on is added to `differing` ``(m,)`` and to `tally` ``(k, k)``, above its diagonal."""
    has = [codes != NONE for codes in packed]
    size = len(tally)
    for first, second in combinations(range(len(users)), 2):
        rows = np.flatnonzero(has[first] & has[second])
        one, other = packed[first][rows], packed[second][rows]
        apart = np.flatnonzero(one != other)
        differing[rows[apart]] += 1
        low, high = np.minimum(one[apart], other[apart]), np.maximum(one[apart], other[apart])
        np.add.at(tally.reshape(-1), low.astype(np.int64) * size + high, 1)
        chance = np.bincount(one, minlength=size) @ np.bincount(other, minlength=size)
        yield _pair(users[first], users[second], len(rows), len(rows) - len(apart), int(chance))


def _pair(first: str, second: str, both: int, alike: int, chance: int) -> Pair:
    """`chance` is the sum over categories of one's count times the other's; whole numbers, so that nothing is rounded before /."""
    defined = both > 0 and chance < both**2
    kappa = (both * alike - chance) / (both**2 - chance) if defined else None
    return Pair(first, second, both, alike, alike / both if both else None, kappa)


def _alpha(raters: np.ndarray, differing: np.ndarray, packed: list[np.ndarray], size: int) -> float | None:
    """1 - observed / expected disagreement; an item with m labels weighs each ordered pair of them 1 / (m - 1)."""
    totals = sum((np.bincount(codes, minlength=size) for codes in packed), np.zeros(size, np.int64))[1:].tolist()
    values = sum(totals)
    expected = values**2 - sum(total**2 for total in totals)
    if not expected:
        return None
    by_raters = np.bincount(raters, weights=differing).tolist()
    observed = sum(2 * times / (m - 1) for m, times in enumerate(by_raters) if m >= 2)
    return 1 - (values - 1) * observed / expected


def _confusion(tally: np.ndarray, categories: np.ndarray, top: int) -> tuple[dict[int, int], tuple[tuple[int, int, int], ...]]:
    """What `Agreement` calls `disputes` and `confused`, out of counts ``(k, k)`` whose lower half is empty."""
    times = tally.sum(axis=0) + tally.sum(axis=1)
    disputes = {int(categories[place]): int(times[place]) for place in np.flatnonzero(times)}
    low, high = np.nonzero(tally)
    order = np.argsort(-tally[low, high], kind="stable")[:top]
    return disputes, tuple(
        (int(categories[low[place]]), int(categories[high[place]]), int(tally[low[place], high[place]])) for place in order
    )
