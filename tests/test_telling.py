"""What a selection has in common: words, and profiles of series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.insight.profiles import profile, resampled, spread
from explorer.insight.words import telling_words, words_of


def test_the_words_of_some_texts_are_told_from_the_others() -> None:
    rng = np.random.default_rng(0)
    common = ["the", "and", "please", "order", "customer"]
    inside = [f"{' '.join(rng.choice(common, 6))} refund card {'Überweisung' if row % 2 else ''}" for row in range(60)]
    outside = [f"{' '.join(rng.choice(common, 6))} password login" for row in range(300)]
    told = telling_words(inside, outside)
    assert [word.word for word in told[:3]] == ["card", "refund", "überweisung"]
    assert told[0].inside == 1.0
    assert told[0].outside == 0.0
    assert not {word.word for word in told} & set(common)
    assert [word.word for word in telling_words(outside, inside)][:2] == ["login", "password"]


def test_what_stands_once_is_no_evidence() -> None:
    inside = ["apple pear", "pear plum", "pear fig zebra"] * 3 + ["unicorn pear"]
    assert "unicorn" not in [word.word for word in telling_words(inside, ["stone wall"] * 50)]
    assert telling_words([], ["a"]) == telling_words(["a"], []) == telling_words(["", " 1 2"], ["3"]) == []


def test_words_of_scripts() -> None:
    assert words_of("It's a well-known FACT, 12 kg; 東京 の") == {"it's", "well-known", "fact", "東京"}


@given(st.lists(st.text(max_size=30), max_size=12), st.lists(st.text(max_size=30), max_size=12))
def test_any_texts_have_an_answer(inside: list[str], outside: list[str]) -> None:
    for word in telling_words(inside, outside):
        assert word.score > 0
        assert 0 <= word.outside <= 1
        assert 0 < word.inside <= 1


def test_a_profile_is_the_mean_and_the_band() -> None:
    waves = [
        np.stack([np.sin(np.arange(100) / 9) + lift, np.full(100, lift)]).astype(np.float32) for lift in np.linspace(-1, 1, 21)
    ]
    made = profile(waves, points=100)
    assert made is not None
    assert np.allclose(made.mean[0], np.sin(np.arange(100) / 9), atol=1e-5)
    assert np.allclose(made.low[1], -0.8, atol=1e-5)
    assert np.allclose(made.high[1], 0.8, atol=1e-5)
    assert (made.length, made.relative) == (100, False)


def test_unequal_lengths_are_stretched_and_gaps_stay() -> None:
    made = profile([np.linspace(0, 1, t, dtype=np.float32)[None] for t in (10, 50, 200)], points=11)
    assert made is not None
    assert made.relative
    assert np.allclose(made.mean[0], np.linspace(0, 1, 11), atol=0.01)
    gap = np.array([[0.0, np.nan, 2.0, 3.0]], np.float32)
    one = profile([gap], points=4)
    assert one is not None
    assert np.isnan(one.mean[0]).tolist() == [False, True, False, False]
    assert profile([]) is profile([np.full((1, 3), np.nan, np.float32)]) is None


@given(arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 40))), st.integers(1, 60))
def test_any_series_can_be_resampled(series: np.ndarray, points: int) -> None:
    made = resampled(series, points, series.shape[1])
    assert made.shape == (len(series), points)
    assert not np.isinf(made).any()


def test_resampling_at_the_same_places_changes_nothing() -> None:
    series = np.random.default_rng(0).normal(size=(2, 30)).astype(np.float32)
    assert np.allclose(resampled(series, 30, 30), series, atol=1e-5)
    assert np.isnan(resampled(series, 60, 60)[:, 30:]).all()


def test_examples_go_from_one_end_to_the_other() -> None:
    line = np.arange(100.0)[:, None] * np.array([[1.0, 0.5]]) + 7
    chosen = spread(np.vstack([line, [[np.nan, 0]]]))
    assert chosen.tolist() in ([10, 30, 50, 70, 90], [89, 69, 49, 29, 9])
    assert spread(line[:3]).tolist() == [0, 1, 2]
    assert len(spread(np.ones((50, 3)))) == 5


@pytest.mark.parametrize("huge", [1e300, 1e-300])
def test_examples_of_any_size_of_numbers(huge: float) -> None:
    assert len(set(spread(np.arange(20.0)[:, None] * huge).tolist())) == 5
