"""The map while a layout settles: what is shown so far, what cannot be done on it, and Stop that keeps it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from test_views import VECTORS, VIEW, Wire, plain, run_out, sent, session, still_works, until, wire, worker  # noqa: F401  fixtures

from explorer import Box, Ids, InputError, Reducer, Session
from explorer.reduction.pca import PCA
from explorer.step import KINDS, Output, Progress, find
from explorer.views.live import Change, Live
from explorer.views.pipeline import Pipeline
from explorer.worker import Worker

ROUNDS = 6


class Settles(Reducer):
    """Shows a picture whenever it is let go on by one, and keeps what it has when it is stopped."""

    method = "settles"
    gates: dict[str, Any] = {"go": threading.Semaphore(0)}  # noqa: RUF012  a new one for each test, by `rounds`
    keeps = True

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output | np.ndarray:
        for step in range(1, ROUNDS + 1):
            while not self.gates["go"].acquire(timeout=0.01):
                if not self.keeps:
                    progress(0.1, f"round {step - 1} of {ROUNDS}")
                elif step > 1 and progress.stopped():
                    return Output(places(vectors, step - 1), stopped=f"round {step - 1} of {ROUNDS}")
            progress.tell(step / ROUNDS, f"round {step} of {ROUNDS}")
            progress.show(places(vectors, step))
        return places(vectors, ROUNDS)


class Forgets(Settles):
    """Shows pictures, and keeps nothing."""

    method = "forgets"
    keeps = False


def places(vectors: np.ndarray, step: int) -> np.ndarray:
    return np.ascontiguousarray(vectors[:, :2] * step + 100, np.float32)


@pytest.fixture
def rounds() -> threading.Semaphore:
    """One is released for each round."""
    Settles.gates["go"] = made = threading.Semaphore(0)
    return made


def settling(wire: Wire, step: Reducer, rounds: threading.Semaphore, count: int = 2) -> None:  # noqa: F811
    """Begin a layout and wait for its picture of that round."""
    wire.say(**VIEW)
    wire.view.pipeline.steps["reduce"] = step
    wire.say("run", kind="reduce")
    for _ in range(count):
        rounds.release()
    until(lambda: f"round {count} of" in wire.values()["map"].get("settling", ""), "an interim layout")


def finish(wire: Wire) -> None:  # noqa: F811
    """Wait for the end; between a job's end and its taking over, in another thread here, a pipeline is not busy for a moment."""
    calm = 0

    def over() -> bool:
        nonlocal calm
        calm = 0 if wire.view.pipeline.busy else calm + 1
        return calm > 10

    until(over, "the end")


def test_the_map_moves_while_a_layout_settles(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    before = wire.session.layout
    wire.session.select(Ids(["i1"]))
    settling(wire, Settles(), rounds)
    said = wire.values()["map"]
    plain(said)
    now = places(VECTORS, 2)
    assert said["bounds"] == pytest.approx((now[:, 0].min(), now[:, 0].max(), now[:, 1].min(), now[:, 1].max()))
    assert said["settling"] == f"settling: round 2 of {ROUNDS} — brush when it is done or stopped"
    assert said["stops"]
    assert wire.session.layout is before, "labels made meanwhile refer to a real result"
    assert wire.values()["names"] == wire.values()["given"] == []
    start = len(wire.sent)
    wire.say(**VIEW | {"viewport": list(said["bounds"]), "sequence": 9})
    frame = until(lambda: next((m["frame"] for m in wire.sent[start:] if "frame" in m and m["frame"]["sequence"] == 9), None), "it")
    assert frame["seen"] == len(VECTORS)
    np.testing.assert_array_equal(np.frombuffer(frame["marks"]["x"], np.float32), now[:, 0])
    assert np.frombuffer(frame["marks"]["on"], np.uint8).sum() == 1, "with its selection"
    for _ in range(ROUNDS):
        rounds.release()
    finish(wire)
    done = wire.values()["map"]
    assert (done["follows"], done.get("settling")) == (said["key"], None)
    assert done["key"] == wire.session.layout.key
    np.testing.assert_array_equal(wire.session.layout.values, places(VECTORS, ROUNDS))
    assert wire.values()["names"], "of the clusters made on it"
    assert not wire.view.its(Live).moving


def test_nothing_is_brushed_or_pointed_at_on_what_moves(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    settling(wire, Settles(), rounds)
    x, y = (float(side) for side in places(VECTORS, 2)[3])
    wire.say("hover", x=x, y=y, reach=50.0)
    wire.say("pick", x=x, y=y, reach=50.0, mode="replace")
    assert wire.values()["hover"] is None
    wire.say("select", rule=Box(-1e6, -1e6, 1e6, 1e6).to_json(), mode="replace")
    assert wire.session.selection.sum() == 0
    assert "moves" in wire.toasts()[-1]
    wire.say("select", rule=Ids(["i1", "i2"]).to_json(), mode="replace")
    assert wire.session.selection.sum() == 2, "what needs no place can be selected"
    wire.say("item", row=3)
    assert wire.values()["item"]["row"] == 3
    wire.say("stop", kind="reduce")
    finish(wire)
    still_works(wire)


def test_stop_keeps_what_is_there_and_clusters_follow(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    wire.view.pipeline.steps["cluster"] = find("cluster", "kmeans", n_clusters=3)
    settling(wire, Settles(), rounds, 3)
    card = wire.view.pipeline.describe("reduce")
    assert (card["keeps"], card["note"]) == (True, f"round 3 of {ROUNDS}")
    wire.say("stop", kind="reduce")
    finish(wire)
    layout = wire.session.layout
    assert layout.stopped == f"round 3 of {ROUNDS}"
    np.testing.assert_array_equal(layout.values, places(VECTORS, 3))
    assert wire.session.clusters.input == layout.key, "they are made on what was kept"
    card = wire.view.pipeline.describe("reduce")
    assert card["summary"] == f"settles · stopped at round 3 of {ROUNDS} · Run again for the whole"
    assert card["changed"], "Run would compute the whole"
    assert card["message"] == ""
    for _ in range(ROUNDS):
        rounds.release()
    wire.say("run", kind="reduce")
    finish(wire)
    assert wire.session.layout.stopped == ""
    assert not wire.view.pipeline.describe("reduce")["changed"]


def test_a_step_that_keeps_nothing_says_so(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    before, clusters = wire.session.layout, wire.session.clusters
    settling(wire, Forgets(), rounds)
    wire.say("stop", kind="reduce")
    finish(wire)
    assert "keeps nothing" in wire.view.pipeline.describe("reduce")["message"]
    assert (wire.session.layout, wire.session.clusters) == (before, clusters)
    said = wire.values()["map"]
    assert (said["key"], said.get("settling")) == (before.key, None), "the map is the one that was there"
    assert wire.values()["names"]
    still_works(wire)


def test_before_the_first_picture_stop_ends_all(session: Session, rounds: threading.Semaphore) -> None:  # noqa: F811
    before = session.layout
    steps = {"reduce": Forgets(), "cluster": find("cluster", "kmeans", n_clusters=4)}
    pipeline = Pipeline(session, steps, lambda kind: None)
    pipeline.run("reduce")
    assert not pipeline.describe("reduce")["keeps"]
    pipeline.stop("reduce")
    assert run_out(pipeline) == []
    assert (session.layout, pipeline.describe("reduce")["message"]) == (before, "")


def test_a_layout_in_a_child_process_is_seen_and_kept(worker: Worker) -> None:  # noqa: F811
    """By whatever shipped method shows what it has."""
    session = Session(np.random.default_rng(0).normal(size=(4_000, 8)).astype(np.float32), worker=worker)  # noqa: F811
    pipeline = Pipeline(session, {"reduce": find("reduce", "umap", n_epochs=500)}, lambda kind: None)
    session.extract("vectors")
    pipeline.run("reduce")
    job = until(lambda: pipeline.settling or (not pipeline.busy and "over"), "a first picture, or the end")
    if job == "over" or (so_far := job.so_far()) is None:
        pytest.skip("it was done before anybody could look")
    assert so_far.shape == (4_000, 2)
    pipeline.stop("reduce")
    run_out(pipeline)
    assert session.layout.stopped.startswith("round ")
    assert np.isfinite(session.layout.values).all()
    again = Pipeline(session, {}, lambda kind: None)
    assert "stopped at" in again.describe("reduce")["summary"]


def test_what_shows_no_layout_is_not_drawn(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    """A plug-in may show anything."""

    class Odd(Settles):
        method = "odd"

        def compute(self, vectors: np.ndarray, progress: Progress) -> np.ndarray:
            for shown in [np.zeros((len(vectors), 3)), np.full((len(vectors), 2), np.nan)]:
                progress.show(shown)
                rounds.acquire()
            return places(vectors, 1)

    wire.say(**VIEW)
    wire.view.pipeline.steps["reduce"] = Odd()
    wire.say("run", kind="reduce")
    rounds.release()
    until(lambda: "settling" in wire.values()["map"], "the one of the right shape")
    assert wire.values()["map"]["bounds"] is None, "nobody has a place in it"
    rounds.release()
    finish(wire)
    still_works(wire)


def test_a_change_goes_from_one_layout_to_the_other(wire: Wire) -> None:  # noqa: F811
    start, stop = places(VECTORS, 1), places(VECTORS, 3)
    change = Change(start, stop, "", lambda: None, lasts=1e9)
    assert np.abs(change.now() - start).max() < 1e-3
    change.began -= 2e9
    np.testing.assert_allclose(change.now(), stop)
    wire.say(**VIEW)
    done = threading.Event()
    live = wire.view.its(Live)
    live.play(start, stop, "on its way", done.set, 0.2)
    until(lambda: wire.values()["map"].get("settling") == "on its way", "a picture of it")
    assert not wire.values()["map"]["stops"]
    assert done.wait(20)
    assert live.moving, "where it led is shown until somebody says what is next"
    live.stop()
    assert wire.values()["map"]["key"] == wire.session.layout.key
    still_works(wire)


def test_nothing_else_moves_the_map_while_a_layout_settles(wire: Wire, rounds: threading.Semaphore) -> None:  # noqa: F811
    settling(wire, Settles(), rounds)
    with pytest.raises(InputError, match="settles"):
        wire.view.its(Live).play(places(VECTORS, 1), places(VECTORS, 3), "", lambda: None)
    wire.say("stop", kind="reduce")
    finish(wire)


def test_the_quick_layout_comes_first_also_of_very_many(monkeypatch: pytest.MonkeyPatch, worker: Worker) -> None:  # noqa: F811
    monkeypatch.setattr("explorer.views.pipeline.MANY", 10)
    pipeline = Pipeline(Session(VECTORS, worker=worker), {"reduce": find("reduce", "umap", n_epochs=10)}, lambda kind: None)
    pipeline.start()
    assert [method for kind, method in run_out(pipeline) if kind == "reduce"] == [PCA.method, "umap"]
    assert set(KINDS) == pipeline.messages.keys()
