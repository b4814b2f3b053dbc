"""The tab about trust, without a browser: what the page is told, what runs and stops, and what a brushed group has lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_views import VECTORS, N, Wire, plain, sent, session, until, wire, worker  # noqa: F401  fixtures

from explorer import Ids, InputError, Session, Where
from explorer.insight.quality import Dimension, Score, Shepard, Stability
from explorer.session.measures import TITLES
from explorer.step import Result
from explorer.views import verdicts
from explorer.views.columns import Columns
from explorer.views.trust import Seeds, Trust
from explorer.worker import Job, Worker


def part(wire: Wire) -> Trust:  # noqa: F811
    return wire.view.its(Trust)


@pytest.fixture
def apart(wire: Wire, worker: Worker) -> Iterator[Wire]:  # noqa: F811
    """A page whose measuring has a child process that other tests warmed."""
    wire.session._worker = worker
    yield wire
    part(wire).close()


def known(wire: Wire) -> dict[str, Any]:  # noqa: F811
    until(lambda: wire.values()["trust"]["known"], "the measures")
    made: dict[str, Any] = wire.values()["trust"]
    return made


def torn(wire: Wire) -> dict[str, Any]:  # noqa: F811
    made: dict[str, Any] = until(lambda: wire.values().get("torn"), "what is torn")
    return made


def busy(wire: Wire) -> bool:  # noqa: F811
    """Whether anything runs or waits for it."""
    one = part(wire)
    return bool(one._busy) or any(work.busy for work in (one._measuring, one._seeding, one._tearing))


# Measuring


def test_nothing_is_measured_until_somebody_looks(apart: Wire) -> None:
    told = apart.values()["trust"]
    assert (told["known"], told["lacks"], told["busy"]) == (False, "", None)
    assert not busy(apart)


def test_opening_the_tab_measures_what_takes_seconds(apart: Wire, caplog: pytest.LogCaptureFixture) -> None:
    apart.say("trust", open=True)
    assert apart.values()["trust"]["busy"]
    told = known(apart)
    plain(told)
    assert not told["busy"]
    assert [score["name"] for score in told["scores"]] == ["Trustworthiness", "Continuity", "Neighbours kept"]
    assert all(score["low"] <= score["value"] <= score["high"] for score in told["scores"])
    assert {score["color"] for score in told["scores"]} < set(TITLES)
    assert told["note"].startswith(f"15 neighbours of each of {N} items")
    assert np.array(told["shepard"]["shades"]).max() == 1
    offered = [one["value"] for one in apart.values()["color"]["choices"]]
    assert "trust:recall" in offered, "the menu knows it"
    apart.say("color", by="trust:recall")
    assert apart.values()["color"]["kind"] == "number"
    until(lambda: not apart.view.its(Columns)._newest.busy, "the bars")
    assert not caplog.records, "it is no column, and has no bars"
    assert not apart.toasts()


def test_a_colour_that_is_not_measured_is_refused(apart: Wire) -> None:
    apart.say("color", by="trust:recall")
    assert apart.toasts() == ["neighbours kept is not measured yet for this layout; first call session.trust()"]
    assert apart.session.color_by == "column:kind"


def test_many_items_wait_for_the_button(apart: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.views.trust.FEW", 10)
    apart.say("trust", open=True)
    assert not busy(apart)
    apart.say("trust_run")
    apart.say("trust_run")  # pressed twice
    assert known(apart)["scores"]


def test_all_items_are_measured_by_a_button(apart: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = apart.session.trust(6)
    assert known(apart)["sample"] is None
    apart.session._learnt(apart.session._compared(), trust=replace(whole, sampled=20))
    told = until(lambda: apart.values()["trust"]["sample"], "the sample")
    plain(told)
    assert (told["ranked"], told["items"]) == (20, N)
    assert "memory" in told["takes"]
    apart.say("trust_all")
    assert apart.values()["trust"]["busy"]
    apart.say("trust_stop")
    assert apart.values()["trust"]["sample"], "the sample's numbers stay"
    until(lambda: not busy(apart), "the end of what ran")
    apart.say("trust_all")
    until(lambda: apart.values()["trust"]["sample"] is None, "all items")
    assert known(apart)["k"] == 6
    assert not apart.toasts()


def test_what_was_stopped_does_not_end_what_runs_now(apart: Wire) -> None:
    stopped, runs = Job({}), Job({})
    part(apart)._busy["trust"], part(apart)._runs["trust"] = {"fraction": 0.5, "note": ""}, runs
    stopped._end("stopped")
    part(apart)._measured(stopped)
    part(apart)._show()
    assert apart.values()["trust"]["busy"]
    layout = apart.session.layout.key
    part(apart)._busy["seeds"], part(apart)._runs["seeds"] = {"fraction": 0.5, "note": ""}, Seeds(layout, runs, ())
    part(apart)._seeded(Seeds(layout, stopped, ()))
    part(apart)._not_compared(Seeds(layout, None, ()), "too few")
    part(apart)._compared(Seeds(layout, None, ()), Stability(score(0), score(1), (1,)))
    part(apart)._show()
    assert apart.values()["trust"]["seeds"]["busy"]
    assert apart.session.quality.stability is None
    assert not runs._stop.is_set()


def test_what_was_known_before_is_not_sent_last(apart: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    one, real, begun = part(apart), part(apart)._told_of, threading.Event()

    def slow() -> dict[str, Any]:
        told = real()
        if not begun.is_set():
            begun.set()
            time.sleep(0.5)
        return told

    monkeypatch.setattr(one, "_told_of", slow)
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(one._show)
        assert begun.wait(30)
        apart.session.trust(6)
        before.result()
    assert apart.values()["trust"]["known"]


def test_stop_leaves_it(apart: Wire) -> None:
    apart.say("trust_run")
    apart.say("trust_stop")
    assert apart.values()["trust"]["busy"] is None
    until(lambda: not busy(apart), "the end of what ran")
    assert not apart.toasts()
    apart.say("trust_run")
    assert known(apart)


def test_what_cannot_be_measured_is_said(apart: Wire) -> None:
    few = np.full((N, 2), np.nan, np.float32)
    few[:2] = [[0, 0], [1, 1]]
    apart.session.adopt(Result(few, "reduce", "given", {}, "", "few"))
    apart.say("trust", open=True)
    assert "compute features and a layout of at least 3" in apart.values()["trust"]["why"]
    assert not busy(apart)


def test_without_a_layout_the_tab_says_what_is_missing(sent: list[Any]) -> None:  # noqa: F811
    made = Wire(Session(VECTORS), sent)
    made.view._started = True  # nothing is computed by itself
    made.say("ready")
    made.say("trust", open=True)
    assert made.values()["trust"]["lacks"] == "features"
    made.session.extract("vectors")
    assert made.values()["trust"]["lacks"] == "layout"
    made.say("trust_run")
    assert "no layout yet" in made.values()["trust"]["why"]
    made.view.close()


def test_few_items_are_asked_about_fewer_neighbours(sent: list[Any], worker: Worker) -> None:  # noqa: F811
    small = Session(VECTORS[::6], worker=worker)
    small.extract("vectors")
    small.reduce("pca")
    made = Wire(small, sent)
    made.view._started = True
    made.say("ready")
    made.say("trust", open=True)
    assert known(made)["k"] == 7
    made.view.close()


def test_another_layout_is_measured_anew(apart: Wire) -> None:
    apart.say("trust", open=True)
    before = known(apart)["scores"]
    apart.say("color", by="trust:continuity")
    apart.session.adopt(Result(VECTORS[:, 2:4].copy(), "reduce", "given", {}, "", "other"))
    assert apart.session.color_by == "column:kind"
    until(lambda: apart.values()["trust"]["known"] and not busy(apart), "the other layout's measures")
    assert apart.values()["trust"]["scores"] != before
    assert not apart.toasts()


def test_a_script_that_measures_is_seen_on_the_page(apart: Wire) -> None:
    made = apart.session.trust(6)
    assert known(apart)["k"] == 6
    assert apart.values()["trust"]["scores"][0]["value"] == made.trustworthiness.value


# Other seeds


def test_other_seeds_run_one_after_another(apart: Wire) -> None:
    apart.say("stability_run")
    assert apart.values()["trust"]["seeds"]["busy"]["note"] == "layout 1 of 3"
    apart.say("stability_run")
    until(lambda: apart.session.quality.stability is not None, "three more layouts")
    told = apart.values()["trust"]["seeds"]
    assert told["busy"] is None
    assert "the same under every seed" in told["said"]
    apart.say("color", by="trust:stability")
    assert apart.session.color_by == "trust:stability"


def test_other_seeds_can_be_stopped(apart: Wire) -> None:
    apart.say("stability_run")
    apart.say("stability_stop")
    assert apart.values()["trust"]["seeds"]["busy"] is None
    until(lambda: not busy(apart), "the end of what ran")
    assert apart.session.quality.stability is None


SLOW = {"n_epochs": 10_000, "engine": "umap-learn"}  # whose loops take seconds to compile


def test_stop_ends_the_child_s_work(apart: Wire) -> None:
    features, layout = apart.session.features, apart.session.layout.values
    apart.session.adopt(Result(layout, "reduce", "umap", SLOW, features.key, "long"))
    apart.say("stability_run")
    job = list(apart.session._worker._coming.values())[-1]
    until(lambda: job.state == "running", "the child")
    apart.say("stability_stop")
    until(lambda: not busy(apart), "the end of what waited for it")
    assert job.wait(60).state == "stopped" or Result.load(job.folder).stopped, "a layout keeps what it has"
    assert apart.session.quality.stability is None


def test_what_comes_too_late_is_of_another_layout(apart: Wire) -> None:
    part(apart)._runs["seeds"] = seeds = Seeds("another", None, ())
    part(apart)._compared(seeds, Stability(score(0), score(1), (1,)))
    assert apart.session.quality.stability is None


def test_other_seeds_of_a_given_layout_are_a_sentence(apart: Wire) -> None:
    apart.session.adopt(Result(VECTORS[:, :2].copy(), "reduce", "given", {}, "", "g"))
    apart.say("stability_run")
    assert "cannot be computed again under another seed" in apart.values()["trust"]["seeds"]["why"]


def test_seeds_of_a_layout_that_was_replaced_are_forgotten(apart: Wire) -> None:
    apart.say("stability_run")
    apart.session.adopt(Result(VECTORS[:, :2].copy(), "reduce", "given", {}, "", "g"))
    until(lambda: not busy(apart), "the end of what ran")
    assert apart.session.quality.stability is None
    assert apart.values()["trust"]["seeds"]["busy"] is None


# The brushed group


def test_a_brushed_group_says_what_it_has_lost(apart: Wire) -> None:
    rows = np.zeros(N, bool)
    rows[:30:2] = True
    layout = apart.session.layout.values.copy()
    layout[1:30:2] += 500  # half of a group is carried off
    apart.session.adopt(Result(layout, "reduce", "given", {}, "", "torn"))
    apart.say("trust", open=True)
    known(apart)
    assert apart.values().get("torn") is None
    apart.say("select", rule=Ids(apart.session.dataset.ids[rows]).to_json(), mode="replace")
    told = torn(apart)
    plain(told)
    found = apart.session.torn()
    assert (told["count"], told["of"], told["items"], told["selected"]) == (found.count, found.of, 15, 15)
    assert told["share"] == f"{100 * found.share:.0f}\xa0%"
    assert found.share > 0.4
    ends = np.array(told["lines"])
    assert ends.shape == (min(found.count, 200), 4)
    assert np.abs(ends[0, 2:] - ends[0, :2]).max() > 400
    apart.say("select_torn", mode="replace")
    assert np.flatnonzero(apart.session.selection).tolist() == list(range(1, 30, 2))


def test_hidden_items_are_neither_joined_nor_selected(apart: Wire) -> None:
    layout = apart.session.layout.values.copy()
    layout[1:30:2] += 500
    apart.session.adopt(Result(layout, "reduce", "given", {}, "", "torn"))
    apart.say("trust", open=True)
    known(apart)
    apart.say("select", rule=Ids(apart.session.dataset.ids[:30:2]).to_json(), mode="replace")
    before = torn(apart)
    apart.session.filter("many", Where("many", "!=", "v1"))
    until(lambda: wired(apart)["shown"] < before["shown"], "what is left")
    assert 0 < len(wired(apart)["lines"]) < len(before["lines"])
    apart.say("select_torn", mode="replace")
    assert not apart.session.selection[1]
    apart.session.filter("many", Where("many", "==", "v0"))
    apart.say("select", rule=Ids(apart.session.dataset.ids[[0]]).to_json(), mode="replace")
    until(lambda: wired(apart).get("shown") == 0, "nothing to join")
    apart.say("select_torn", mode="replace")
    assert "none of the items that lie elsewhere is shown" in apart.toasts()[-1]


def wired(wire: Wire) -> dict[str, Any]:  # noqa: F811
    return wire.values().get("torn") or {}


def test_nothing_is_looked_for_while_the_tab_is_shut(apart: Wire) -> None:
    apart.say("trust", open=True)
    known(apart)
    apart.say("select", rule=Where("number", "<", 5).to_json(), mode="replace")
    torn(apart)
    apart.say("trust", open=False)
    apart.say("select", rule=Where("number", ">", 9).to_json(), mode="replace")
    assert apart.values()["torn"] is None, "lines of another selection are gone"
    assert not part(apart)._tearing.busy
    apart.say("select_torn", mode="replace")
    assert "not known yet" in apart.toasts()[-1]


def test_a_visit_that_is_over_stops_what_runs_for_it(apart: Wire) -> None:
    apart.say("trust_run")
    part(apart).close()
    until(lambda: not part(apart)._measuring.busy, "the end")
    start = len(apart.sent)
    apart.session.clear()
    assert not any("torn" in message.get("set", {}) for message in apart.sent[start:])


# In words


def score(value: float, reach: float = 0.01) -> Score:
    return Score(value, value - reach, value + reach, np.zeros(1, np.float32))


@pytest.mark.parametrize(("value", "said"), [(0.99, "nearly always"), (0.9, "few are strangers"), (0.8, "Some"), (0.5, "chance")])
def test_a_number_is_said_in_words(value: float, said: str) -> None:
    assert said in verdicts._said(verdicts._STRANGERS, value)


def test_an_interval_has_two_digits_where_they_tell_it_apart() -> None:
    assert verdicts.figures(score(0.92)) == ("0.92", "0.91–0.93")
    assert verdicts.figures(score(0.9204, 0.001)) == ("0.920", "0.919–0.921")


def test_directions_are_said_in_words() -> None:
    assert "about 9 directions; two can show part" in verdicts.spread(Dimension(9.1, 9, 9.2))
    assert "about 2.0 directions; the map can show all" in verdicts.spread(Dimension(2.0, 1.9, 2.1))
    assert "about 1.0 direction;" in verdicts.spread(Dimension(1.0, 0.9, 1.1))
    assert "in no direction" in verdicts.spread(None)


def test_a_diagram_without_a_correlation_is_plain() -> None:
    told = verdicts.diagram(Shepard(np.zeros((2, 3), np.int64), (1.0, 1.0), float("nan"), 0))
    plain(told)
    assert (told["said"], told["correlation"]) == ("", "–")
    assert "loosely" in verdicts.diagram(Shepard(np.ones((2, 3), np.int64), (1.0, 1.0), 0.3, 6))["said"]


def test_moves_are_said_in_words() -> None:
    said = verdicts.settled(Stability(score(0.12), score(0.71), (1, 2, 3)))["said"]
    assert said.startswith(
        "Under 3 other seeds an item moves by about 12\xa0% of the map's radius and keeps 71\xa0% of its neighbours."
    )
    assert "by less than 1\xa0%" in verdicts.settled(Stability(score(0.005), score(0.9), (1,)))["said"]


def test_shares_are_whole_percents() -> None:
    assert [verdicts.percent(part) for part in (0, 0.004, 0.314, 1)] == ["0\xa0%", "less than 1\xa0%", "31\xa0%", "100\xa0%"]


def test_a_measure_that_is_not_there_says_which_there_are(session: Session) -> None:  # noqa: F811
    with pytest.raises(InputError, match="'trust:trustworthiness', 'trust:continuity', 'trust:recall', 'trust:stability'"):
        session.color_by = "trust:"
