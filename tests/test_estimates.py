"""What an extraction will take stands before its Run button; what takes long waits for it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.sample import sample
from explorer.session import Session
from explorer.sources import read
from explorer.views import pipeline as pipelines
from explorer.views.pipeline import Pipeline
from explorer.views.server import demo_workspace
from explorer.worker import Worker

WAVES = np.random.default_rng(0).normal(size=(pipelines.FEW + 50, 1, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def worker():
    made = Worker()
    yield made
    made.close()


def fresh(worker: Worker, count: int = len(WAVES)) -> Pipeline:
    session = Session(read(WAVES[:count]), worker=worker)
    return Pipeline(session, {}, lambda kind: None)


def until(pipeline: Pipeline, done) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        pipeline.poll()
        pipeline.describe("extract")
        time.sleep(0.02)


def test_a_fresh_page_measures_and_begins(worker: Worker) -> None:
    pipeline = fresh(worker)
    pipeline.choose("extract", "spectrum")
    pipeline.start()
    assert not pipeline.busy
    assert pipeline.moving
    assert pipeline.describe("extract")["estimate"] == "measuring how long it takes"
    until(pipeline, lambda: pipeline.busy)
    assert pipeline.describe("extract")["estimate"] == "", "what runs says itself how long it takes"
    until(pipeline, lambda: pipeline.session.features is not None)
    assert pipeline.session.features.method == "spectrum"
    pipeline.stop("reduce")
    pipeline.close()


def test_what_takes_long_waits_for_run(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipelines, "PATIENCE", 0.0)
    pipeline = fresh(worker)
    pipeline.choose("extract", "spectrum")
    pipeline.start()
    until(pipeline, lambda: not pipeline.moving)
    said = pipeline.describe("extract")
    assert said["state"] == "empty"
    assert "press Run" in said["message"]
    assert "on disk" in said["estimate"]
    assert "of memory" in said["estimate"]
    pipeline.change("extract", "precision", "float16")
    assert pipeline.describe("extract")["estimate"] == "measuring how long it takes"
    until(pipeline, lambda: not pipeline.moving)
    assert "on disk" in pipeline.describe("extract")["estimate"]
    pipeline.run("extract")
    until(pipeline, lambda: pipeline.session.features is not None)
    pipeline.stop("reduce")
    pipeline.close()


def test_what_does_not_fit_the_disk_waits_and_says_so(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 1_000})())
    pipeline = fresh(worker)
    pipeline.choose("extract", "spectrum")
    pipeline.start()
    until(pipeline, lambda: not pipeline.moving)
    assert "1 kB are free" in pipeline.describe("extract")["message"]
    pipeline.close()


def test_few_items_begin_at_once(worker: Worker) -> None:
    pipeline = fresh(worker, 50)
    pipeline.choose("extract", "spectrum")
    pipeline.start()
    assert pipeline.busy
    until(pipeline, lambda: pipeline.session.features is not None)
    pipeline.stop("reduce")
    pipeline.close()


def test_what_cannot_be_measured_says_why(worker: Worker) -> None:
    pipeline = fresh(worker, 50)
    pipeline.session.extract("spectrum")
    pipeline.choose("extract", "image")
    until(pipeline, lambda: pipeline.describe("extract")["estimate"] not in {"", "measuring how long it takes"})
    assert "needs pictures" in pipeline.describe("extract")["estimate"]
    pipeline.close()


def test_the_demo_opens_on_results_that_are_not_outdated() -> None:
    """Also those that were made before a step had all of its settings."""
    dataset = read(sample("emoji.parquet"))
    pipeline = Pipeline(Session(dataset, demo_workspace(dataset)), {}, lambda kind: None)
    pipeline.start()
    assert not pipeline.moving
    for kind in ("extract", "reduce", "cluster"):
        said = pipeline.describe(kind)
        assert (said["state"], said["changed"], said["estimate"], said["message"]) == ("done", False, "", "")
    assert not pipeline.moving
    pipeline.change("extract", "pooling", "gem")
    assert pipeline.describe("extract")["changed"]
    pipeline.close()
