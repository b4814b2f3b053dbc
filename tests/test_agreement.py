"""Agreement of labellers: against published examples, against scikit-learn, and against a slow and plain reference."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import InputError
from explorer.insight.agreement import Agreement, compare


def codes(*given: int) -> np.ndarray:
    return np.array(given, dtype=np.int32)


def letters(text: str) -> np.ndarray:
    return codes(*(" abcdefg".index(letter) for letter in text))


@st.composite
def several(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Up to five users over up to twelve items, with few categories (so that they agree at times) and gaps between codes."""
    n = draw(st.integers(0, 12))
    category = st.sampled_from([0, 0, 1, 2, 5, 900])
    return {
        f"user {place}": np.array(draw(st.lists(category, min_size=n, max_size=n)), dtype=draw(st.sampled_from(["i4", "i8", "u2"])))
        for place in range(draw(st.integers(0, 5)))
    }


def slow_alpha(ratings: dict[str, np.ndarray]) -> float | None:
    """By the coincidence matrix, item by item, in fractions: Krippendorff (2011), section C."""
    coincidences: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for unit in zip(*(array.tolist() for array in ratings.values()), strict=True):
        values = [value for value in unit if value]
        for one, other in permutations(values, 2):
            coincidences[one, other] += Fraction(1, len(values) - 1)
    marginals: dict[int, Fraction] = defaultdict(Fraction)
    for (one, _), weight in coincidences.items():
        marginals[one] += weight
    n = sum(marginals.values())
    by_chance = sum(count * (count - 1) for count in marginals.values())
    if not n or n * (n - 1) == by_chance:
        return None
    alike = sum(weight for (one, other), weight in coincidences.items() if one == other)
    return float(Fraction((n - 1) * alike - by_chance) / (n * (n - 1) - by_chance))


# Published


def test_krippendorffs_four_coders() -> None:
    """Krippendorff (2011), section C: twelve units, four observers, missing data; nominal alpha is 0.743."""
    found = compare(
        {
            "A": codes(1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
            "B": codes(1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
            "C": codes(0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
            "D": codes(1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
        }
    )
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert (found.compared, found.labelled) == (11, {"A": 9, "B": 11, "C": 10, "D": 11})
    assert np.flatnonzero(found.disagree).tolist() == [1, 5, 7]


def test_krippendorffs_two_observers() -> None:
    """The same, section B: Ben and Gerry, no data missing; nominal alpha is 0.692."""
    found = compare({"Ben": letters("aabbdcccedda"), "Gerry": letters("babbbccceddd")})
    assert found.alpha == pytest.approx(0.692, abs=5e-4)
    assert found.pairs[0].raw == 0.75


def test_kappa_by_hand() -> None:
    """Fifty grant proposals, two readers: 20 and 15 alike, 5 and 10 apart; 0.7 observed, 0.5 by chance, so kappa is 0.4."""
    first = np.repeat([1, 1, 2, 2], [20, 5, 10, 15])
    found = compare({"A": first, "B": np.repeat([1, 2, 1, 2], [20, 5, 10, 15])})
    assert (found.pairs[0].raw, found.pairs[0].kappa) == (0.7, pytest.approx(0.4, rel=1e-12))


# Against others


@settings(deadline=None, max_examples=300)
@given(several())
def test_as_the_plain_references_say(ratings: dict[str, np.ndarray]) -> None:
    found = compare(ratings)
    n = len(next(iter(ratings.values()), ()))
    apart: Counter[tuple[int, int]] = Counter()
    disagree = np.zeros(n, bool)
    for one, other in combinations(ratings.values(), 2):
        for row, (a, b) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
            if a and b and a != b:
                apart[min(a, b), max(a, b)] += 1
                disagree[row] = True
    expected = slow_alpha(ratings)
    assert found.alpha == (None if expected is None else pytest.approx(expected, rel=1e-12, abs=1e-12))
    assert found.disagree.tolist() == disagree.tolist()
    assert found.confused == tuple((*pair, times) for pair, times in sorted(apart.items(), key=lambda each: (-each[1], each[0])))
    disputes = {code: sum(times for pair, times in apart.items() if code in pair) for code in sorted({c for p in apart for c in p})}
    assert found.disputes == disputes
    assert [(pair.first, pair.second) for pair in found.pairs] == list(combinations(ratings, 2))


@settings(deadline=None, max_examples=200)
@given(several())
def test_kappa_as_scikit_learn_has_it(ratings: dict[str, np.ndarray]) -> None:
    from sklearn.metrics import cohen_kappa_score

    for pair in compare(ratings).pairs:
        one, other = ratings[pair.first].astype(int), ratings[pair.second].astype(int)
        both = (one > 0) & (other > 0)
        assert (pair.both, pair.alike) == (both.sum(), (both & (one == other)).sum())
        if len(set(one[both]) | set(other[both])) < 2:
            assert pair.kappa is None
        else:
            assert pair.kappa == pytest.approx(cohen_kappa_score(one[both], other[both]), rel=1e-9, abs=1e-12)
        assert pair.raw == (pair.alike / pair.both if pair.both else None)


@settings(deadline=None, max_examples=200)
@given(several())
def test_alpha_as_the_package_of_that_name_has_it(ratings: dict[str, np.ndarray]) -> None:
    krippendorff = pytest.importorskip("krippendorff")
    found = compare(ratings).alpha
    if found is None:
        return
    table = np.array([np.where(array == 0, np.nan, array.astype(float)) for array in ratings.values()])
    assert found == pytest.approx(krippendorff.alpha(table, level_of_measurement="nominal"), abs=1e-9)


# What is not defined, and what is not allowed


@pytest.mark.parametrize(
    ("one", "other", "both", "raw"),
    [
        (codes(1, 2, 0, 0), codes(0, 0, 1, 2), 0, None),
        (codes(), codes(), 0, None),
        (codes(1, 1, 0, 2), codes(1, 1, 2, 0), 2, 1.0),  # one and the same category on all that both labelled
    ],
)
def test_no_number_where_there_is_none(one: np.ndarray, other: np.ndarray, both: int, raw: float | None) -> None:
    found = compare({"A": one, "B": other})
    assert (found.pairs[0].both, found.pairs[0].raw, found.pairs[0].kappa) == (both, raw, None)
    assert found.alpha is None
    assert not found.disagree.any()


def test_one_category_each_but_not_the_same_is_worse_than_chance_or_as_good() -> None:
    found = compare({"A": codes(1, 1, 1), "B": codes(2, 2, 2)})
    assert (found.pairs[0].raw, found.pairs[0].kappa) == (0.0, 0.0)
    assert found.alpha is not None
    assert found.alpha < 0
    assert found.confused == ((1, 2, 3),)


@pytest.mark.parametrize("ratings", [{}, {"A": codes(1, 0, 2)}])
def test_one_user_or_none_agree_with_nobody(ratings: dict[str, np.ndarray]) -> None:
    found = compare(ratings)
    assert (found.users, found.pairs, found.alpha, found.compared, found.confused) == (tuple(ratings), (), None, 0, ())
    assert found.disagree.shape == (3 * len(ratings),)


def test_the_most_confused_first_and_no_more_than_asked_for() -> None:
    found = compare({"A": codes(1, 1, 2, 3, 3, 3), "B": codes(2, 2, 1, 1, 4, 4)}, top=2)
    assert found.confused == ((1, 2, 3), (3, 4, 2))
    assert found.disputes == {1: 4, 2: 3, 3: 3, 4: 2}


def test_fifty_users_that_all_differ() -> None:
    """More pairs on one item than a byte counts."""
    ratings = {str(user): codes(user + 1, 7) for user in range(50)}
    found = compare(ratings)
    assert found.disputes[50] == 49
    assert sum(times for _, _, times in compare(ratings, top=10_000).confused) == 50 * 49 // 2
    assert found.alpha == pytest.approx(slow_alpha(ratings), rel=1e-12)


def test_what_was_given_is_left_as_it_was() -> None:
    ratings = {"A": codes(1, 2), "B": codes(2, 2)}
    for array in ratings.values():
        array.flags.writeable = False
    assert isinstance(compare(ratings), Agreement)


@pytest.mark.parametrize(
    ("ratings", "says"),
    [
        ({"A": codes(1, 2), "B": codes(1)}, "of the same items"),
        ({"A": np.ones((2, 2), int)}, "shapes"),
        ({"A": np.array([1.0, 2.0])}, "'A' are not codes"),
        ({"A": codes(1), "B": codes(-1)}, "'B' are not codes"),
        ({"A": np.arange(1, 5_000), "B": np.arange(1, 5_000)}, "merge some"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(ratings: dict[str, np.ndarray], says: str) -> None:
    with pytest.raises(InputError, match=says):
        compare(ratings)
