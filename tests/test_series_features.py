"""Features of time series: against slow references, and on what is missing, short, constant, huge or very long."""

from __future__ import annotations

import threading
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import InputError, MissingExtra
from explorer.features import fitting, suggest
from explorer.features.catch22 import Catch22
from explorer.features.rocket import Filters, Rocket, spread
from explorer.features.series import NOTHING, channel_count, filled, read, resampled, shortened, standardized
from explorer.features.spectrum import Spectrum, welch
from explorer.step import Step

STEPS: list[type[Step]] = [Rocket, Catch22, Spectrum]
each_step = pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.method)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _begin_again() -> None:
    """Whatever ran before, the numbers are the same."""
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


def series(items: list[Any], kind: pa.DataType | None = None) -> Dataset:
    column = pa.array(items, kind or pa.large_list(pa.large_list(pa.float32())))
    return Dataset("traces", np.arange(len(items)), pa.table({"trace": column}), {"trace": "series"}, {"series": "trace"})


def waves(each: int, *, t: int = 80) -> tuple[Dataset, np.ndarray]:
    """Slow and fast waves and noise, of unequal lengths, begun anywhere."""
    items, of, random = [], [], np.random.default_rng(1)
    for row in range(3 * each):
        places = np.arange(t + row % 5 * 7) + random.uniform(0, 50)
        shape = [np.sin(places / 6), np.sign(np.sin(places / 2)), random.normal(size=len(places))][row % 3]
        items.append([(shape + random.normal(size=len(places)) * 0.1).tolist()])
        of.append(row % 3)
    return series(items), np.array(of)


def nearest_agree(values: np.ndarray, of: np.ndarray) -> float:
    apart = ((values[:, None] - values[None]) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    return float((of[apart.argmin(1)] == of).mean())


# reading


LISTS = st.lists(
    st.none() | st.lists(st.none() | st.lists(st.none() | st.floats(-9, 9, width=32), max_size=4), max_size=3),
    min_size=3,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(LISTS, st.data())
def test_many_are_read_as_one_is(items: list[Any], data: st.DataObject) -> None:
    dataset = series(items)
    rows = data.draw(st.lists(st.integers(0, len(items) - 1), max_size=8))
    for row, made in zip(rows, read(dataset, rows), strict=True):
        np.testing.assert_array_equal(made, dataset.series(row))
    assert channel_count(dataset) == max(1, *(len(item or []) for item in items))


def test_chunks_and_other_lists_are_read_alike() -> None:
    items = [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[0.0, 1.0], [1.0, 0.0]]]
    for kind in (pa.list_(pa.list_(pa.float64())), pa.list_(pa.list_(pa.int16(), 2), 2)):
        column = pa.chunked_array([pa.array(items[:1], kind), pa.array(items[1:], kind)])
        dataset = Dataset("traces", np.arange(3), pa.table({"trace": column}), {"trace": "series"}, {"series": "trace"})
        np.testing.assert_array_equal(list(read(dataset, [1, 2, 0])), [items[1], items[2], items[0]])


# what they share


def test_gaps_are_filled_between_and_held_at_the_ends() -> None:
    nan, inf = np.nan, np.inf
    made = filled(np.array([[nan, 1, nan, nan, 4, inf], [nan] * 6], np.float32), 3)
    np.testing.assert_array_equal(made, [[1, 1, 2, 3, 4, 4], [0] * 6, [0] * 6])
    assert filled(np.full((2, 4), nan, np.float32), 2) is None
    assert filled(np.empty((1, 0), np.float32), 1) is None


def test_what_is_too_long_is_averaged() -> None:
    np.testing.assert_allclose(shortened(np.arange(7.0)[None], 3), [[1, 4, 6]])
    assert shortened(np.arange(8.0)[None], 8).shape == (1, 8)
    assert shortened(RNG.normal(size=(2, 1001)), 100).shape[1] <= 100


def test_a_constant_has_no_shape_even_with_its_rounding() -> None:
    rough = np.float32(1e6) * (1 + np.float32(1e-8) * RNG.normal(size=50))
    made = standardized(np.stack([np.full(50, 0.1), rough, np.arange(50.0) * 1e-38, RNG.normal(size=50) * 1e30]))
    assert (made[:2] == 0).all()
    np.testing.assert_allclose(made[2:].std(axis=1), 1)


def test_stretching_keeps_the_ends() -> None:
    np.testing.assert_allclose(resampled(np.array([[0.0, 1, 2]]), 5), [[0, 0.5, 1, 1.5, 2]])
    np.testing.assert_allclose(resampled(np.array([[3.0]]), 4), [[3, 3, 3, 3]])


# rocket


def slow(filters: Filters, x: np.ndarray) -> np.ndarray:
    """The same by the paper's words: pad with zeros, convolve, count."""
    x = np.pad(x, ((0, 0), (filters.margin, filters.margin)))
    t, made = x.shape[1], []
    pair = feature = 0
    for number, dilation in enumerate(filters.dilations.tolist()):
        for kernel, twos in enumerate(combinations(range(9), 3)):
            weights = np.where(np.isin(np.arange(9), twos), 2.0, -1.0)
            chosen = filters.channels[filters.starts[pair] : filters.starts[pair + 1]]
            padded = np.pad(x[chosen], ((0, 0), (4 * dilation, 4 * dilation)))
            answers = sum(weights[place] * padded[:, place * dilation : place * dilation + t] for place in range(9)).sum(axis=0)
            if (number + kernel) % 2 and t > 8 * dilation:
                answers = answers[4 * dilation : t - 4 * dilation]
            for _ in range(filters.counts[number]):
                made.append((answers > filters.biases[feature]).mean())
                feature += 1
            pair += 1
    return np.array(made)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 99), st.sampled_from([84, 500, 1700]), st.integers(1, 40))
def test_rocket_is_what_the_paper_says(t: int, channels: int, seed: int, features: int, scales: int) -> None:
    random = np.random.default_rng(seed)
    step = Rocket(n_features=features, max_dilations=scales, random_state=seed)
    # Whole numbers, so that sums are exact; biases moved off them, so that nothing is equal.
    sample = [random.integers(-9, 9, (channels, int(size))).astype(float) for size in random.integers(1, 90, 5)]
    learned = step.learn(sample, channels)
    filters = Filters(learned.dilations, learned.counts, learned.starts, learned.channels, learned.biases + np.float32(0.01), 4)
    x = random.integers(-9, 9, (channels, t)).astype(float)
    assert len(filters.biases) == features // 84 * 84
    np.testing.assert_allclose(filters(x), slow(filters, x), atol=1e-6)


def test_biases_are_quantiles_of_the_answers() -> None:
    x = np.random.default_rng(3).integers(-9, 9, (1, 60)).astype(float)
    learned = Rocket(n_features=840, max_dilations=1, level=False).learn([x], 1)
    padded = np.pad(x[0], 4)
    weights = np.where(np.arange(9) < 3, 2.0, -1.0)
    answers = sum(weights[place] * padded[place : place + 60] for place in range(9))
    levels = np.arange(1, 11) * (1 + 5**0.5) / 2 % 1
    np.testing.assert_allclose(learned.biases[:10], np.quantile(answers, levels), rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 100_000), st.integers(1, 600), st.integers(1, 128))
def test_scales_reach_as_far_as_the_series_and_hold_all_features(t: int, each: int, most: int) -> None:
    dilations, counts = spread(t, each, most)
    assert counts.sum() == each
    assert (counts > 0).all()
    assert len(dilations) <= most
    assert (np.diff(dilations) > 0).all()
    assert dilations[0] == 1
    assert 8 * (dilations[-1] - 1) < max(t, 9)


def test_filters_are_named_by_what_they_are() -> None:
    dataset, _ = waves(5)
    sample = [dataset.series(row).astype(float) for row in range(15)]
    one, same, other = (Rocket(n_features=168, random_state=seed).learn(sample, 1) for seed in (0, 0, 1))
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_offset_and_size_count_unless_normalised() -> None:
    items = [(RNG.normal(size=50) + row).tolist() for row in range(6)]
    moved = series([[one] for one in items] + [[(np.array(one) * 8 + 4).tolist()] for one in items])
    plain = Rocket(n_features=840).run(moved).values
    normal = Rocket(n_features=840, normalize=True).run(moved).values
    assert not np.allclose(plain[:6], plain[6:], atol=0.05)
    np.testing.assert_allclose(normal[:6], normal[6:], atol=0.05)


def test_a_level_counts_only_where_there_is_one() -> None:
    shapes = [standardized(RNG.normal(size=(1, 60))) for _ in range(6)]
    raised = [shape + 3.0 * (row % 2) for row, shape in enumerate(shapes)]
    step = Rocket(n_features=840)
    assert step.learn(shapes, 1).margin == 0
    assert step.learn(raised, 1).margin == 4
    assert Rocket(n_features=840, level=False).learn(raised, 1).margin == 0
    filters = step.learn(raised, 1)
    assert filters(np.full((1, 60), 3.0)).tolist() != filters(np.full((1, 60), -3.0)).tolist()


# catch22 and spectrum


def test_catch22_is_the_library_on_what_was_standardised() -> None:
    library = pytest.importorskip("pycatch22")
    x = RNG.normal(size=(2, 100)).cumsum(axis=1) + 5
    made = Catch22().statistics(x).reshape(2, 24)
    for channel in (0, 1):
        shape = (x[channel] - x[channel].mean()) / x[channel].std()
        np.testing.assert_allclose(made[channel, :22], library.catch22_all(shape.tolist())["values"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(made[:, 22:], np.stack([x.mean(axis=1), x.std(axis=1)], axis=1))
    assert len(Catch22(catch24=False).statistics(x)) == 44


def test_level_and_size_of_what_was_standardised_before_are_nothing() -> None:
    items = [[standardized(RNG.normal(size=(1, 40)))[0].tolist()] for _ in range(20)]
    assert np.abs(Catch22().run(series(items)).values[:, 22:]).max() < 1e-2


def test_catch22_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.features.catch22.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"catch22.*embedding-explorer\[series\]"):
        Catch22().run(waves(2)[0])


def test_a_wave_is_strong_at_its_frequency() -> None:
    power = welch(np.sin(2 * np.pi * 0.125 * np.arange(1000))[None], 256)
    assert power.shape == (1, 128)
    assert power[0].argmax() + 1 == 32
    noise = welch(RNG.normal(size=(1, 100_000)), 64)
    np.testing.assert_allclose(noise, 1, atol=0.2)


def test_power_is_that_of_scipy() -> None:
    from scipy import signal

    x, window = RNG.normal(size=(2, 1000)), np.hanning(258)[1:-1]
    _, power = signal.welch(x, window=window, noverlap=128, detrend=False, return_onesided=False)
    np.testing.assert_allclose(welch(x, 256), power[:, 1:129])


@pytest.mark.parametrize("bands", ["linear", "log"])
def test_spectrum_is_the_same_wherever_it_begins_and_however_long(bands: str) -> None:
    step = Spectrum(bands=bands)
    places = np.arange(3000.0)
    one, later, longer, other = (
        step.spectrum(np.sin(at)[None]) for at in (places[:1000] / 3, places[:1000] / 3 + 1, places / 3, places[:1000] / 30)
    )
    assert np.abs(one - later).max() < 0.3
    assert np.abs(one - longer).max() < 0.3
    assert np.abs(one - other).max() > 2
    assert np.isfinite(Spectrum(bands=bands, n_bands=4096, segment=8).spectrum(places[None])).all()


def test_a_common_length_makes_slow_and_fast_alike() -> None:
    step = Spectrum(length=256)
    slow_one, fast = (np.sin(np.linspace(0, 40, t))[None] for t in (900, 300))
    assert np.abs(step.spectrum(slow_one) - step.spectrum(fast)).mean() < 0.1
    assert np.abs(Spectrum().spectrum(slow_one) - Spectrum().spectrum(fast)).mean() > 0.3


# all


@each_step
def test_what_is_alike_lies_close(kind: type[Step]) -> None:
    dataset, of = waves(20)
    assert nearest_agree(kind().run(dataset).values, of) > 0.9


@each_step
def test_odd_series_have_features_or_a_reason(kind: type[Step]) -> None:
    plain = RNG.normal(size=(2, 40)).astype(np.float32)
    holes = plain.copy()
    holes[0, ::3], holes[1, :20] = np.nan, np.nan
    odd = {
        "plain": plain, "holes": holes, "one channel": plain[:1], "one value": plain[:, :1], "two values": plain[:, :2],
        "constant": np.full((2, 30), 7.0), "huge": plain * 1e30, "largest": np.full((2, 9), 3.4e38) * np.sign(plain[:, :9]),
        "denormal": plain * 1e-40, "infinite": np.where(plain > 1, np.inf, plain), "other": plain[::-1],
        "unequal": [plain[0].tolist(), plain[1, :7].tolist()], "one channel of nothing": [plain[0].tolist(), []],
    }  # fmt: skip
    nothing = {"empty": [[], []], "no channel": [], "missing": None, "all missing": [[None] * 5, [None] * 5]}
    items = [np.asarray(x, np.float32).tolist() if isinstance(x, np.ndarray) else x for x in [*odd.values(), *nothing.values()]]
    result = kind().run(series(items))
    assert dict(zip([*odd, *nothing], result.valid.tolist(), strict=True)) == dict.fromkeys(odd, True) | dict.fromkeys(
        nothing, False
    )
    assert result.notes == (f"4 of {len(items)} time series have no features: {NOTHING}",)
    assert np.abs(result.values[result.valid]).max() < 100


@each_step
def test_series_without_any_value_are_refused(kind: type[Step]) -> None:
    with pytest.raises(InputError, match=f"{NOTHING}; check them"):
        kind().run(series([None, [[]], [[None]], [[None, None]]]))


@each_step
def test_a_million_values_are_no_trouble(kind: type[Step]) -> None:
    items = [[RNG.normal(size=1_000_000 if row == 1 else 500).tolist()] for row in range(4)]
    result = kind().run(series(items))
    assert result.valid.all()


@each_step
def test_an_item_has_the_same_features_in_any_batch_and_thread(kind: type[Step]) -> None:
    dataset, _ = waves(12)
    whole, step = kind().run(dataset).values, kind()
    made: dict[int, np.ndarray] = {}
    with step.encoder(dataset, lambda *_: None) as encoder:  # type: ignore[attr-defined]

        def some(rows: list[int]) -> None:
            for row in rows:
                made[row] = encoder.encode([row]).values[0]

        threads = [threading.Thread(target=some, args=(list(range(start, 36, 3)),)) for start in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert np.array_equal(np.stack([made[row] for row in range(36)]), whole)


@each_step
def test_what_was_learned_names_the_features(kind: type[Step]) -> None:
    one, other = waves(4)[0], series([[[1.0, 2.0, 4.0] * 9, [0.0, 3.0, 1.0] * 9]] * 5)
    fits = []
    for dataset in (one, one, other):
        with kind().encoder(dataset, lambda *_: None) as encoder:  # type: ignore[attr-defined]
            fits.append(encoder.fit)
    assert fits[0] == fits[1] != fits[2]
    assert all(fits)


def test_time_series_are_told_rocket_which_needs_nothing_more() -> None:
    dataset, _ = waves(2)
    assert suggest(dataset) == "rocket"
    assert {"rocket", "catch22", "spectrum"} <= set(fitting(dataset))
