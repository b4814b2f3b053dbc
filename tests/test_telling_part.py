"""What sets a selection apart, as the page is told of it: words, lanes of series and sounds, columns; and nothing for chance."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_views import Wire, plain, sent, session, until, wire, worker  # noqa: F401  fixtures

from explorer import Ids, Session, Where
from explorer.dataset import Dataset
from explorer.insight.distributions import by_chance, difference
from explorer.insight.profiles import axis_of, placed, profile
from explorer.insight.spectra import average_spectrum, levels, pitches
from explorer.session.values import every_value
from explorer.step import Result
from explorer.views import contrast
from explorer.views.contrast import Sides
from explorer.views.telling import Telling

RNG = np.random.default_rng(0)
N = 60


def quiet(busy: str) -> None:
    """Nobody listens."""


def halves(features: np.ndarray | None = None) -> Sides:
    return Sides(np.arange(0, N, 2), np.arange(1, N, 2), features)


def part(wire: Wire) -> Telling:  # noqa: F811
    return next(one for one in wire.view.parts if isinstance(one, Telling))


def told(wire: Wire, what: str = "") -> Any:  # noqa: F811
    """What the page knows of the newest selection, once all of it is known; None of a kind that it was not told of."""
    until(lambda: not part(wire)._newest.busy, "the end of the telling")
    values = wire.values()
    assert not values["telling"]["busy"]
    found = values.get(f"telling_{what}") if what else values["telling"]
    return found if found and found["number"] == values["telling"]["number"] else None


# Distributions


@given(st.integers(1, 12).flatmap(lambda bars: st.tuples(*[arrays(np.int64, bars, elements=st.integers(0, 50))] * 2)))
def test_a_difference_is_between_none_and_all(counts: tuple[np.ndarray, np.ndarray]) -> None:
    here, there = counts
    assert 0 <= difference(here, there) <= 1 + 1e-9
    assert difference(here, there) == difference(there, here)
    assert difference(here, here) == 0
    assert 0 <= by_chance(here, there) <= 1 + 1e-9


def test_a_difference_is_the_share_that_would_have_to_move() -> None:
    assert difference(np.array([3, 1]), np.array([1, 3])) == 0.5
    assert difference(np.array([3, 0]), np.array([0, 7])) == 1


def test_blind_selections_seldom_differ_more_than_by_chance() -> None:
    codes = RNG.integers(0, 9, 2_000)
    beyond = 0
    for _ in range(200):
        chosen = RNG.permutation(2_000) < 120
        here, there = (np.bincount(codes[side], minlength=9) for side in (chosen, ~chosen))
        beyond += difference(here, there) > by_chance(here, there)
    assert beyond <= 6  # about one is expected
    few = np.array([0, 4, 0]), np.array([500, 10, 500])
    assert difference(*few) > by_chance(*few), "four items that are all of a rare value"


# Profiles on one axis


def test_two_profiles_share_an_axis() -> None:
    short, long = [np.ones((1, 40), np.float32)] * 3, [np.zeros((1, 100), np.float32)] * 3
    axis = axis_of([*short, *long])
    assert axis == (100, True)
    one = profile(short, axis=axis)
    assert one is not None
    assert (one.length, one.relative, one.mean.shape) == (100, True, (1, 100))
    assert placed(np.linspace(0, 1, 40, dtype=np.float32)[None], axis)[0, -1] == 1, "stretched to the end of the axis"
    assert axis_of([np.empty((1, 0)), np.full((1, 4), np.nan)]) is None


# Spectra


def test_a_tone_is_loudest_at_its_pitch_and_as_loud_as_it_is() -> None:
    for rate in (8_000, 44_100):
        tone = 0.1 * np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate).astype(np.float32)
        power = average_spectrum(tone, rate)
        assert 10 * np.log10(power.max()) == pytest.approx(-20, abs=0.5)
        found = levels(power, rate, 48_000)
        assert pitches(48_000)[np.nanargmax(found)] == pytest.approx(1_000, rel=0.1)
        assert np.isnan(found).any() == (rate < 48_000)
    assert np.isfinite(levels(average_spectrum(np.zeros(3, np.float32), 8_000), 8_000, 8_000)).all()


# Samples


@given(st.integers(0, 5_000), st.integers(1, 400))
def test_some_rows_are_spread_over_all(count: int, most: int) -> None:
    rows = np.arange(count) * 3
    chosen = contrast.some(rows, most)
    assert len(chosen) == min(count, most)
    assert (np.diff(chosen) > 0).all()
    assert np.isin(chosen, rows).all()
    assert np.array_equal(chosen, contrast.some(rows, most))


def test_what_repeats_along_the_rows_is_met() -> None:
    chosen = contrast.some(np.arange(10_000), 1_000)
    assert np.bincount(chosen % 10, minlength=10).min() > 60


# Series


def traced(items: list[list[np.ndarray]], channels: list[str] | None = None) -> Dataset:
    kind = pa.large_list(pa.large_list(pa.float32()))
    given = None if channels is None else {b"channels": str(channels).replace("'", '"').encode()}
    table = pa.table(
        [pa.array([[one.tolist() for one in item] for item in items], kind)], pa.schema([pa.field("trace", kind, metadata=given)])
    )
    return Dataset("traces", np.array([f"i{row}" for row in range(len(items))], object), table, {}, {"series": "trace"})


def test_lanes_hold_the_mean_and_the_band_of_both_sides() -> None:
    data = traced([[np.full(50, row % 2), np.arange(50.0)] for row in range(N)], ["level", "ramp"])
    found = contrast.series(data, halves(np.arange(N)[:, None].astype(np.float32)), quiet)
    assert found is not None
    plain(found)
    assert [lane["name"] for lane in found["lanes"]] == ["level", "ramp"]
    level, ramp = found["lanes"]
    assert level["bounds"] == ["0", "1"]
    assert level["selected"]["mean"] == level["selected"]["high"] == [contrast.ROOM] * 50
    assert level["rest"]["mean"] == [1 - contrast.ROOM] * 50
    assert ramp["selected"] == ramp["rest"]
    assert [example["row"] for example in found["examples"]] == [6, 18, 30, 42, 54]
    assert level["lines"] == [[contrast.ROOM] * 50] * 5
    assert (found["axis"], found["ticks"][1], found["more"], found["looked"]) == ("moments", [1.0, "50"], 0, [None, None])


def test_of_many_channels_those_that_differ_most_are_drawn() -> None:
    noise = [[RNG.normal(size=30) + (5 * (channel == 7) * (row % 2)) for channel in range(9)] for row in range(N)]
    found = contrast.series(traced(noise), halves(), quiet)
    assert found is not None
    assert len(found["lanes"]) == contrast.LANES
    assert "channel 8" in [lane["name"] for lane in found["lanes"]]
    assert found["more"] == 3


def test_series_with_gaps_of_any_length_or_without_values() -> None:
    odd = [[np.array([1e30, np.nan, 3.0])], [np.zeros(0)], [np.linspace(0, 1, 500), np.ones(3)], [np.full(4, np.nan)]] * (N // 4)
    found = contrast.series(traced(odd), halves(), quiet)
    assert found is not None
    plain(found)
    assert found["axis"] == "share of each series"
    assert contrast.series(traced([[np.full(3, np.nan)]] * N), halves(), quiet) is None


def test_long_series_are_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast, "VALUES", 2_000)
    data = traced([[np.full(100, row)] for row in range(N)])
    read = contrast._read_series(data, np.arange(N), quiet)
    assert sum(one.size for one in read) <= 2_000
    assert [one[0, 0] for one in read] == list(range(0, N, 4))


# Sounds


def clips(broken: int) -> Dataset:
    soundfile = pytest.importorskip("soundfile")
    made = []
    for row in range(12):
        out = io.BytesIO()
        rate = 8_000 if row % 3 else 16_000
        soundfile.write(
            out, 0.3 * np.sin(2 * np.pi * (300 if row % 2 else 2_000) * np.arange(rate // 4) / rate), rate, format="WAV"
        )
        made.append(b"broken" if row < broken else out.getvalue())
    return Dataset("clips", np.arange(12), pa.table({"clip": made}), {}, {"audio": "clip"})


def test_sounds_are_told_apart_by_their_pitch() -> None:
    sides = Sides(np.arange(0, 12, 2), np.arange(1, 12, 2), None)
    said: list[str] = []
    found = contrast.sounds(clips(broken=1), sides, said.append)
    assert found is not None
    plain(found)
    (lane,) = found["lanes"]
    high, low = (np.array([-1 if one is None else one for one in lane[side]["mean"]]).argmax() for side in ("selected", "rest"))
    places = {text: place * (len(lane["rest"]["mean"]) - 1) for place, text in found["ticks"]}
    assert high == pytest.approx(places["2 kHz"], abs=1)
    assert places["200 Hz"] < low < places["500 Hz"]
    assert said[-1] == "listening to 12 of 12"
    assert contrast.sounds(clips(broken=12), sides, quiet) is None


# Columns and words, through the page's verbs


def test_nothing_is_worked_out_until_somebody_looks(wire: Wire) -> None:  # noqa: F811
    wire.say("select", rule=Ids(["i1", "i2"]).to_json(), mode="replace")
    assert "telling" not in wire.values()
    wire.say("clear")
    wire.say("telling", open=True)
    assert wire.values()["telling"]["selected"] == 0


def test_a_selection_is_compared_with_what_else_is_shown(wire: Wire) -> None:  # noqa: F811
    wire.say("telling", open=True)
    wire.say("select", rule=Where("kind", "==", "a").to_json(), mode="replace")
    chosen = int(wire.session.selection.sum())
    head = told(wire)
    assert (head["selected"], head["rest"]) == (chosen, len(wire.session.dataset) - chosen)
    columns = told(wire, "columns")["columns"]
    assert columns[0]["name"] == "kind"
    assert columns[0]["difference"] == 1
    assert columns[0]["bars"][0] == {"name": "a", "selected": 1.0, "rest": 0.0}
    assert [one["beyond"] for one in columns] == sorted((one["beyond"] for one in columns), reverse=True)
    wire.session.filter("kind", Where("kind", "in", ("a", "b")))
    assert 0 < told(wire)["rest"] < head["rest"]
    wire.session.filter("kind", Where("kind", "==", "a"))
    assert told(wire)["rest"] == 0
    assert told(wire, "columns") is None


def test_a_column_with_nearly_a_value_an_item_does_not_come_first() -> None:
    files = ["long a"] * 12 + [f"a{row}" for row in range(38)] + ["long b"] * 12 + [f"b{row}" for row in range(38)]
    columns = {"file": files, "folder": ["a"] * 46 + ["b"] * 50 + ["a"] * 4}
    visit = Session(Dataset("t", np.arange(100), pa.table(columns), dict.fromkeys(columns, "category")))
    marked = np.r_[np.full(50, 2), np.full(50, 1)].astype(np.uint8)
    file, folder = (contrast.column(visit, name, name, marked) for name in columns)
    assert file is not None
    assert folder is not None
    assert file["difference"] > folder["difference"]
    assert file["beyond"] < folder["beyond"]


def test_numbers_have_medians_and_what_differs_by_chance_is_left_out() -> None:
    rng = np.random.default_rng(3)
    columns = {"size": np.r_[np.zeros(50), np.full(50, 8.0)] + rng.normal(size=100), "noise": rng.normal(size=100)}
    visit = Session(Dataset("t", np.arange(100), pa.table(columns), dict.fromkeys(columns, "number")))
    marked = np.r_[np.full(50, 2), np.full(50, 1)].astype(np.uint8)
    size = contrast.column(visit, "size", "size", marked)
    assert size is not None
    assert size["difference"] > 0.9
    assert sum(size["selected"]) == pytest.approx(1, abs=0.01)
    assert contrast.column(visit, "noise", "noise", marked) is None
    found = contrast.medians(visit.dataset, "size", Sides(np.arange(50), np.arange(50, 100), None))
    assert found == pytest.approx([np.median(columns["size"][:50]), np.median(columns["size"][50:])])


def test_a_value_that_is_rare_among_all_is_found() -> None:
    names = [f"common {row % 9}" for row in range(990)] + ["rare"] * 10
    visit = Session(Dataset("t", np.arange(1000), pa.table({"name": names}), {"name": "category"}))
    marked = np.where(np.array(names) == "rare", 2, 1).astype(np.uint8)
    found = contrast.column(visit, "name", "name", marked)
    assert found is not None
    assert found["bars"][0] == {"name": "rare", "selected": 1.0, "rest": 0.0}


def test_every_value_of_clusters_and_labels() -> None:
    visit = Session(RNG.normal(size=(40, 2)).astype(np.float32))
    visit.adopt(Result(np.array([-1, 0, 1, 2] * 10, np.int32), "cluster", "given", {}, "", "c"))
    found = every_value(visit, "cluster")
    assert found.names[0] == visit.cluster_names.get(0, "cluster 0")
    assert np.bincount(found.codes, minlength=found.size).tolist() == [10, 10, 10, 0, 10]
    assert found.names[-1] == "noise"
    visit.select(Ids([0, 1, 2]))
    visit.label("x")
    named = every_value(visit, "label")
    assert named.names[named.codes[0]] == "x"
    assert named.names[named.codes[39]] == "no label"


def test_the_words_stay_marked_until_nothing_is_selected(wire: Wire) -> None:  # noqa: F811
    wire.say("telling", open=True)
    wire.say("select", rule=Where("number", "<", 5).to_json(), mode="replace")
    first = told(wire, "words")
    assert first["number"] == told(wire)["number"]
    wire.say("telling", open=False)
    start = len(wire.sent)
    wire.say("select", rule=Where("number", ">", 15).to_json(), mode="replace")
    assert told(wire, "words")["number"] > first["number"]
    assert not any("telling_columns" in message.get("set", {}) for message in wire.sent[start:]), "nobody looks at the columns"
    wire.say("clear")
    wire.say("select", rule=Where("number", "<", 9).to_json(), mode="replace")
    assert not part(wire)._newest.busy
    assert told(wire)["selected"] != wire.session.selection.sum(), "it ended when nothing was selected"


def test_a_visit_that_is_over_stops_what_runs_for_it(wire: Wire) -> None:  # noqa: F811
    wire.say("telling", open=True)
    wire.say("select", rule=Where("number", "<", 5).to_json(), mode="replace")
    told(wire)
    part(wire).close()
    start = len(wire.sent)
    wire.say("select", rule=Where("number", "<", 6).to_json(), mode="replace")
    assert not part(wire)._newest.busy
    assert not any("telling" in message.get("set", {}) for message in wire.sent[start:])
