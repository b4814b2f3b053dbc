"""`columns` grown up: what is written as text, tails, missing values, weights, and the ranking of columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import Cancelled, InputError
from explorer.features.columns import Columns
from explorer.features.columns.reading import read, usable
from explorer.features.columns.scaling import evened, robust, skewed
from explorer.features.infinite import Views, paper_edges, path_energies, rank_columns
from explorer.features.weighing import weights
from explorer.step import Progress

N = 400


def table(kinds: dict[str, str], roles: dict[str, str] | None = None, **columns: Any) -> Dataset:
    made = pa.table({name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()})
    return Dataset("things", np.arange(made.num_rows), made, kinds, roles or {})


def spread(values: np.ndarray) -> float:
    """Half the mean squared distance of two items."""
    return float(values.var(axis=0, dtype=np.float64).sum())


# -- what is written as text ------------------------------------------------------------------------------------------------------

AMOUNTS = [1234.0, 2.0, 56.5, 1e6, 7.0, 800.0, 90.0, 12.0, 3456.0, 5.0, 61.0, 77.0, 8.0]


@pytest.mark.parametrize(
    "form",
    [
        "{:,}", "$ {:,}", "{:,} €", "{} %", "{}%", "{} kg", "USD {:,}", "{:.3e}", "-{:,}",
        lambda value: f"{value:,.1f}".translate(str.maketrans(",.", ".,")),
        lambda value: f"{value:,.1f}".replace(",", "\u202f").replace(".", ","), lambda value: f"{value:,.1f}".replace(",", "'"),
        lambda value: f" {value} ",
    ],
)  # fmt: skip
def test_numbers_as_text_are_numbers(form: Any) -> None:
    said = [form(value) if callable(form) else form.format(value) for value in AMOUNTS]
    found = read(pa.chunked_array([pa.array([*said, None, "n/a", ""])]), "category")
    assert found.kind == "number"
    sign = -1 if str(said[0]).startswith("-") else 1
    assert np.allclose(found.values[: len(AMOUNTS)] * sign, AMOUNTS, rtol=1e-3)
    assert np.isnan(found.values[len(AMOUNTS) :]).all()
    assert repr(said[0]) in found.note


@pytest.mark.parametrize(
    "values",
    [
        [f"{row:03}" for row in range(30)],  # leading zeros: names
        [f"{row} kg" if row % 2 else f"{row} lb" for row in range(30)],  # two units cannot be one scale
        [str(row % 5) for row in range(30)],  # few: codes
        ["12 %", "about 5 %", *(f"{row} %" for row in range(20))],
        [f"room {row}" for row in range(30)],
        ["1,2", "1,23", "1,234,5", *(f"{row}" for row in range(20))],
    ],
)  # fmt: skip
def test_other_text_stays_what_it_is(values: list[str]) -> None:
    assert read(pa.chunked_array([pa.array(values)]), "category").kind == "category"


def test_the_numbers_of_items_are_no_measures() -> None:
    data = table({"id": "id", "share": "id", "x": "number"}, id=[f"{row + 100}" for row in range(30)],
                 share=[f"{row / 7:.3f} %" for row in range(30)], x=np.arange(30.0))  # fmt: skip
    assert usable(data) == ["share", "x"]
    assert read(data.table.column("id"), "id").kind == "", "also where somebody asks"
    result = Columns().run(data)
    assert result.values.shape == (30, 2)
    assert "left out because every item has its own: id" in result.notes
    assert Columns(columns=["x"]).run(data).notes == ()


def test_that_categories_are_among_them_is_said() -> None:
    data = table({"species": "category", "x": "number"}, species=["wren", "robin", "tit"] * 10, x=np.arange(30.0))
    said = "categories count like numbers, so items of one lie together: species; a weight of 0 leaves one out"
    assert said in Columns().run(data).notes
    for told in (Columns(weights=["species=0"]), Columns(columns=["species", "x"])):
        assert said not in told.run(data).notes


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%b %d, %Y", "%Y/%m/%d"]
)
def test_dates_as_text_are_dates(form: str) -> None:
    days = [dt.datetime(2020, 1, 14) + dt.timedelta(days=17 * row) for row in range(40)]
    found = read(pa.chunked_array([pa.array([*(day.strftime(form) for day in days), None])]), "id")
    assert found.kind == "date"
    assert [one.to_pydatetime() for one in found.values[:-1]] == days
    assert found.missing.tolist() == [False] * 40 + [True]


def test_a_column_that_only_begins_like_numbers_is_left_out() -> None:
    told = [f"{row}.5 %" for row in range(300)] + ["none of these"]
    result = Columns().run(table({"odd": "id", "x": "number"}, odd=told, x=np.arange(301.0)))
    assert result.values.shape == (301, 1)
    assert "odd: not all of its values are numbers or dates" in result.notes


# -- tails ------------------------------------------------------------------------------------------------------------------------


def test_a_long_tail_is_drawn_in_and_two_groups_are_not() -> None:
    rng = np.random.default_rng(0)
    income = np.exp(rng.normal(size=2_000) * 1.5)
    groups = np.concatenate([rng.normal(0, 1, 1_800), rng.normal(6, 1, 200)])
    assert skewed(robust(income))
    assert skewed(robust(-income))
    assert not skewed(robust(groups))
    assert not skewed(robust(rng.standard_t(2, 2_000)))
    assert not skewed(robust(np.where(rng.random(2_000) < 0.02, 1.0, 0.0))), "a code"
    for sign in (1, -1):
        even = evened(robust(sign * income))
        assert abs(float(np.mean(((even - even.mean()) / even.std()) ** 3))) < 0.5
        assert (np.diff(even[np.argsort(sign * income)]) >= 0).all()
    made = Columns().run(table({"income": "number"}, income=income))
    assert "income: one tail was so long" in made.notes[0]
    assert Columns(skew="off").run(table({"income": "number"}, income=income)).notes[0].endswith("from the median")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.floats(0.3, 2.0), st.sampled_from([1, -1]))
def test_the_power_is_the_one_that_scipy_finds(seed: int, tail: float, sign: int) -> None:
    from scipy.stats import yeojohnson, yeojohnson_normmax

    values = robust(sign * np.exp(np.random.default_rng(seed).normal(size=300) * tail))
    power = round(float(yeojohnson_normmax(values)), 1)
    candidates = [robust(yeojohnson(values, near)) for near in (power - 0.1, power, power + 0.1)]
    assert any(np.allclose(evened(values), one, atol=1e-6) for one in candidates)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_units_do_not_matter_to_a_tail(seed: int, factor: float, shift: float) -> None:
    values = np.exp(np.random.default_rng(seed).normal(size=200) * 2)
    one, other = (Columns().run(table({"x": "number"}, x=x)).values for x in (values, values * factor + shift))
    assert np.allclose(one, other, atol=0.02)


# -- what counts how much ---------------------------------------------------------------------------------------------------------


def mixed(n: int = 4_000) -> Dataset:
    rng = np.random.default_rng(0)
    days = pa.array(rng.integers(0, 3 * 10**8, n), pa.timestamp("s"))
    return table(
        {"x": "number", "gap": "number", "few": "category", "many": "category", "day": "date", "yes": "flag"},
        x=rng.normal(size=n) * 7, gap=np.where(rng.random(n) < 0.3, None, rng.normal(size=n)),
        few=rng.choice(["a", "b"], n), many=rng.choice([f"v{one}" for one in range(40)], n), day=days, yes=rng.random(n) < 0.4,
    )  # fmt: skip


def test_every_column_counts_the_same() -> None:
    data = mixed()
    for name in data.columns:
        assert spread(Columns(columns=[name]).run(data).values) == pytest.approx(1.0, abs=0.1), name
    whole = Columns(balance=False).run(data).values
    assert spread(whole) > 5


def test_a_weight_counts_so_many_times() -> None:
    data = mixed()
    plain, heavy = Columns().run(data).values, Columns(weights=["x=4", "few=0.25"]).run(data).values
    assert plain.shape == heavy.shape
    assert np.allclose(heavy[:, 0], plain[:, 0] * 2)
    ratio = heavy.std(axis=0) / plain.std(axis=0)
    assert sorted(set(np.round(ratio, 3).tolist())) == [0.5, 1.0, 2.0]
    off = Columns(weights=["x=0"]).run(data)
    assert np.array_equal(off.values, Columns(columns=["gap", "few", "many", "day", "yes"]).run(data).values)
    assert "left out by their weight of 0: x" in off.notes


def test_weights_that_cannot_be_used_say_why() -> None:
    data = table({"a=b": "number", "c": "number"}, **{"a=b": [1.0, 2.0, 3.0], "c": [3.0, 1.0, 2.0]})
    assert Columns(weights=["a=b=0"]).run(data).values.shape == (3, 1)
    for entry, why in [("cc=1", "did you mean 'c'"), ("c", "not NAME=WEIGHT"), ("c=x", "a weight is a number"), ("c=-1", "from 0"),
                       ("c=nan", "from 0")]:  # fmt: skip
        with pytest.raises(InputError, match=why):
            Columns(weights=[entry]).run(data)
    with pytest.raises(InputError, match="every column has the weight 0"):
        Columns(weights=["c=0", "a=b=0"]).run(data)
    assert weights(["x", "x=2"], "part", ["x"], bare=True) == {"x": 2.0}
    step = Columns()
    assert step.parse("weights", "c=2, a=b=0") == ["c=2", "a=b=0"]


# -- what is missing --------------------------------------------------------------------------------------------------------------


def test_missing_values_are_told_or_not() -> None:
    rng = np.random.default_rng(0)
    gone = rng.random(N) < 0.5
    data = table(
        {"x": "number", "kind": "category"}, x=pa.array(np.where(gone, np.nan, rng.normal(size=N)), from_pandas=True),
        kind=[None if one else "ab"[row % 2] for row, one in enumerate(gone)],
    )  # fmt: skip
    told = Columns().run(data).values
    split = told[gone].mean(axis=0) - told[~gone].mean(axis=0)
    assert told.shape == (N, 2 + 3)
    assert np.linalg.norm(split) > 1
    silent = Columns(missing="fill").run(data)
    assert silent.values.shape == (N, 1 + 2)
    assert "kind: " in silent.notes[1]
    assert "filled with the most frequent" in silent.notes[1]
    assert not np.isnan(silent.values).any()


def test_codes_that_pandas_kept_as_categories_stay_so() -> None:
    coded = pa.array([str(row % 12) for row in range(60)]).dictionary_encode()
    assert Columns(balance=False).run(table({"c": "category"}, c=coded)).values.shape == (60, 12)


# -- the ranking ------------------------------------------------------------------------------------------------------------------


def clusters(seed: int, n: int = 600, good: int = 8, noise: int = 20) -> Dataset:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    middles = rng.normal(size=(4, good)) * 1.5
    columns: dict[str, Any] = {f"good {one}": middles[group, one] + rng.normal(size=n) for one in range(good)}
    columns["good kind"] = [f"k{one if rng.random() < 0.8 else rng.integers(0, 4)}" for one in group]
    columns |= {f"noise {one}": rng.normal(size=n) for one in range(noise)}
    columns |= {f"noise kind {one}": [f"v{value}" for value in rng.integers(0, 3 + 6 * one, n)] for one in range(4)}
    return table({name: "category" if "kind" in name else "number" for name in columns}, **columns)


def test_noise_is_found() -> None:
    wrong = missed = 0
    for seed in range(5):
        ranked = rank_columns(clusters(seed))
        wrong += sum(one.noise and one.name.startswith("good") for one in ranked)
        missed += sum(not one.noise and one.name.startswith("noise") for one in ranked)
        assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
        assert ranked[0].score == 1.0
    assert wrong <= 1, "of 45 good columns"
    assert missed <= 13, "of 120 columns of noise, one in twenty is expected"


def test_the_same_again_ranks_the_same_and_some_columns_can_be_named() -> None:
    data = clusters(0)
    assert rank_columns(data) == rank_columns(data)
    assert {one.name for one in rank_columns(data, ["good 1", "noise 2"])} == {"good 1", "noise 2"}
    with pytest.raises(InputError, match="did you mean 'good 1'"):
        rank_columns(data, ["god 1"])


def test_ranking_stops() -> None:
    told: list[float] = []
    with pytest.raises(Cancelled):
        rank_columns(clusters(0), progress=Progress(lambda fraction, _: told.append(fraction), lambda: len(told) > 3))
    assert len(told) == 4


def test_path_energies_are_the_sum_over_all_paths() -> None:
    """Against the series itself, path by path."""
    rng = np.random.default_rng(0)
    edges = rng.random((6, 6))
    edges = (edges + edges.T) / 2
    step = 0.9 / np.abs(np.linalg.eigvalsh(edges)).max() * edges
    total, power = np.zeros((6, 6)), np.eye(6)
    for _ in range(400):
        power = power @ step
        total += power
    assert np.allclose(path_energies(edges), total.sum(axis=1))
    assert np.array_equal(path_energies(np.zeros((3, 3))), np.zeros(3))


def test_agreement_is_what_others_compute() -> None:
    from scipy.stats import spearmanr
    from scipy.stats.contingency import association

    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    one, two = rng.integers(0, 3, 300), rng.integers(0, 4, 300)
    two = np.where(rng.random(300) < 0.4, one, two)
    data = table({"x": "number", "y": "number", "a": "category", "b": "category"}, x=x, y=y, a=[f"a{v}" for v in one],
                 b=[f"b{v}" for v in two])  # fmt: skip
    views = Views.of([read(data.table.column(name), data.kinds[name]) for name in data.columns])
    found = views.agreement(chance=False)
    assert found[0, 1] == pytest.approx(spearmanr(x, y).statistic ** 2, abs=1e-5)
    counts = np.histogram2d(one, two, bins=(3, 4))[0].astype(int)
    assert found[2, 3] == pytest.approx(association(counts, method="cramer") ** 2, abs=1e-5)
    ranks = np.argsort(np.argsort(x)).astype(float)
    between = sum((one == v).mean() * (ranks[one == v].mean() - ranks.mean()) ** 2 for v in range(3)) / ranks.var()
    assert found[0, 2] == pytest.approx(between, abs=1e-5)
    assert np.array_equal(found, found.T)


def test_the_papers_edges_put_noise_first() -> None:
    """Why they are not used here."""
    data = clusters(1)
    views = Views.of([read(data.table.column(name), data.kinds[name]) for name in data.columns])
    scores = path_energies(paper_edges(views, np.ones(len(data.columns))))
    noise = np.array([name.startswith("noise") for name in data.columns])
    assert np.median(scores[noise]) > scores[~noise].max()


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1.0, 1.0, 1.0]}, {"a": [None, None, None]}, {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]},
        {"a": ["x", "x", "x"], "b": [True, False, None]},
    ],
)  # fmt: skip
def test_any_columns_can_be_ranked(columns: dict[str, list[Any]]) -> None:
    kinds = {
        name: {float: "number", str: "category", bool: "flag"}.get(type(values[0]), "number") for name, values in columns.items()
    }
    arrays = {
        name: pa.array(values, pa.float64()) if kinds[name] == "number" else pa.array(values) for name, values in columns.items()
    }
    ranked = rank_columns(table(kinds, **arrays))
    assert {one.name for one in ranked} == set(columns)
    assert all(0.0 <= one.score <= 1.0 for one in ranked)
