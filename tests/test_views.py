"""The page's side that needs no browser: what is sent is right and plain, and whatever is heard does no harm."""

from __future__ import annotations

import gc
import io
import json
import logging
import math
import re
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import param
import pyarrow as pa
import pytest
from PIL import Image
from waiting import until

import explorer
from explorer import Box, Brush, Explorer, Ids, InCluster, InputError, Lasso, Reducer, Session, Where, Workspace
from explorer.dataset import Dataset
from explorer.raster import Frame, Points, render
from explorer.session.coloring import GREY, MOST, Coloring, Known, coloring
from explorer.session.names import names
from explorer.session.points import drawn, points
from explorer.step import KINDS, Progress, Result, find
from explorer.views import items, marks, neighbours, state
from explorer.views.component import Page
from explorer.views.explorer import PARTS
from explorer.views.frames import LARGEST, viewport
from explorer.views.newest import Newest
from explorer.views.pages import Pages
from explorer.views.pipeline import Pipeline
from explorer.worker import Worker

RNG = np.random.default_rng(0)
N = 90
VECTORS = np.concatenate([RNG.normal(center, 0.3, (30, 6)) for center in (-3, 0, 3)]).astype(np.float32)
VIEW = {"verb": "view", "viewport": [-5.0, 5.0, -5.0, 5.0], "width": 80, "height": 60, "ratio": 1, "sequence": 1}


def picture(row: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (200, 100), (row * 20 % 256, 80, 90, 255 if row % 2 else 0)).save(out, "PNG")
    return out.getvalue()


def everything() -> Dataset:
    """Items with every kind of column, and something missing in each."""
    some = [None if row % 10 == 7 else row for row in range(N)]
    columns: dict[str, Any] = {
        "number": pa.array([None if row is None else row / 4 for row in some]),
        "huge": pa.array([2**60 + row for row in range(N)]),
        "kind": pa.array([None if row is None else "abc"[row % 3] for row in some]),
        "many": pa.array([f"v{row % 40}" for row in range(N)]),
        "code": pa.array([row % 4 for row in range(N)]).dictionary_encode(),
        "words": pa.array([None if row is None else f"a text about {row} <b>things</b>" for row in some]),
        "day": pa.array([None if row is None else date(2020, 1, 1 + row % 28) for row in some]),
        "flag": pa.array([None if row is None else row % 2 == 0 for row in some]),
        "picture": pa.array([{"bytes": b"not a picture" if row == 3 else picture(row), "path": None} for row in range(N)]),
    }
    kinds = {"number": "number", "huge": "number", "kind": "category", "many": "category", "code": "category", "words": "text",
             "day": "date", "flag": "flag", "picture": "image"}  # fmt: skip
    ids = np.array([f"i{row}" for row in range(N)], object)
    return Dataset("all.parquet", ids, pa.table(columns), kinds, {"text": "words", "image": "picture"}, VECTORS)


def table(**columns: Any) -> Dataset:
    n = len(next(iter(columns.values())))
    return explorer.read(pd.DataFrame({"id": [f"i{row}" for row in range(n)], **columns}))


@pytest.fixture
def session() -> Iterator[Session]:
    """With a layout and clusters."""
    made = Session(everything())
    made.extract("vectors")
    made.reduce("pca")
    made.cluster("kmeans", n_clusters=3)
    yield made
    made.workspace.close()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def plain(message: Any) -> str:
    """A message as JSON, where only bytes are more than that; NaN is no JSON."""
    return json.dumps(message, allow_nan=False, default=lambda value: {"bytes": len(value)} if isinstance(value, bytes) else 1 / 0)


# What the page shows


def test_data(session: Session) -> None:
    said = state.data(session, served=True)
    assert (said["name"], said["served"]) == ("all.parquet", True)
    assert "in memory" in said["kept"]
    assert ["kind", "category"] in json.loads(plain(said))["columns"]


def test_map_without_and_with_a_layout(session: Session) -> None:
    empty = Session(VECTORS)
    said = [state.map_(empty)]
    empty.extract("vectors")
    said.append(state.map_(empty))
    assert [one["bounds"] for one in said] == [None, None]
    assert "features" in said[0]["title"]
    assert "layout" in said[1]["title"]
    there = state.map_(session)
    plain(there)
    low, high = session.layout.values.min(axis=0), session.layout.values.max(axis=0)
    assert there["bounds"] == (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    assert there["without"] == 0


def test_rows_without_a_place_are_counted() -> None:
    broken = VECTORS.copy()
    broken[5] = np.nan
    session = Session(explorer.read(broken))
    values = VECTORS[:, :2].copy()
    values[[3, 4]] = np.nan
    session.adopt(Result(values, "reduce", "given", {}, "", "k"))
    assert state.map_(session)["without"] == 2


def test_the_legend_counts_what_there_is(session: Session) -> None:
    session.select(Box(-100, -100, 0, 100))
    for by in ["cluster", "label", "column:kind", "column:many", "column:flag", "column:code", "none"]:
        session.color_by = by
        said = state.color(session, session.coloring())
        plain(said)
        assert said["by"] == by
        if by == "none":
            assert said["entries"] == []
            continue
        assert sum(entry["all"] for entry in said["entries"]) == N
        assert sum(entry["selected"] for entry in said["entries"]) == session.selection.sum()
    session.color_by = "column:kind"
    counted = {entry["name"]: (entry["all"], entry["selected"]) for entry in state.color(session, session.coloring())["entries"]}
    kind = session.dataset.column("kind")
    for name in "abc":
        assert counted[name] == ((kind == name).sum(), ((kind == name) & session.selection).sum())
    assert counted["(missing)"] == (kind.isna().sum(), (kind.isna() & session.selection).sum())


def test_the_legend_of_numbers_and_dates(session: Session) -> None:
    session.color_by = "column:number"
    said = state.color(session, session.coloring())
    assert said["kind"] == "number"
    assert said["missing"] == session.dataset.column("number").isna().sum() == 9
    wanted = np.nanpercentile(session.dataset.column("number"), [1, 99])
    assert [end[0] for end in said["ends"]] == ["≤", "≥"], "there are values beyond both ends"
    assert [float(end[2:].replace(",", "")) for end in said["ends"]] == pytest.approx(wanted, rel=1e-3)
    session.color_by = "column:day"
    said = state.color(session, session.coloring())
    assert said["ends"] == ["2020-01-01", "2020-01-28"]
    session.color_by = "column:huge"
    plain(state.color(session, session.coloring()))


def test_selection_and_its_regions(session: Session) -> None:
    assert state.selection(session, regions=True) == {
        "count": 0, "hidden": 0, "undo": False, "redo": False, "regions": [], "strokes": [], "rule": None, "on": {},
    }  # fmt: skip
    session.select(Box(0, 0, 5, 6))
    session.select(Lasso([(-9, -9), (0, 9), (9, -9)]), "add")
    session.select(Where("kind", "==", "a"), "subtract")
    said = state.selection(session, regions=True)
    plain(said)
    assert said["count"] == session.selection.sum() > 0
    assert said["undo"]
    assert said["regions"] == [[(0, 0), (5, 0), (5, 6), (0, 6)], [(-9, -9), (0, 9), (9, -9)]]
    assert said["strokes"] == []
    session.select(Brush([(0, 0), (1, 1)], 2.0) & ~InCluster(7))
    said = state.selection(session, regions=True)
    plain(said)
    assert (said["regions"], said["strokes"]) == ([], [{"points": [(0, 0), (1, 1)], "radius": 2.0, "out": False}])
    session.select(Brush([(5, 5)], 1.0), "subtract")
    assert [stroke["out"] for stroke in state.selection(session, regions=True)["strokes"]] == [False, True]
    none = state.selection(session, regions=False)
    assert none["regions"] == none["strokes"] == []


def test_labels(session: Session) -> None:
    session.select(InCluster(1))
    session.label("<img src=x>")
    session.create_category("empty")
    said = state.labels(session)
    plain(said)
    assert [(one["name"], one["key"], one["count"]) for one in said["categories"]] == [("<img src=x>", 1, 30), ("empty", 2, 0)]
    assert (said["labelled"], said["total"]) == (30, N)


def test_names_stand_on_items_of_their_clusters(session: Session) -> None:
    found = names(session)
    plain(found)
    assert len(found) == 3
    for cluster, one in enumerate(found):
        row = int(np.abs(session.layout.values - (one["x"], one["y"])).sum(axis=1).argmin())
        assert session.clusters.values[row] == cluster
    session.adopt(Result(np.full(N, -1, np.int32), "cluster", "given", {"on": "layout"}, "", "none"))
    assert names(session) == []


# Colours


def by_column(values: Any, kind: str = "category") -> Coloring:
    dataset = Dataset("t", np.arange(len(values)), pa.table({"c": values}), {"c": kind})
    return coloring("column:c", Known(dataset, None, Session(dataset).labels))


def test_more_than_twenty_categories_are_the_most_frequent_and_other() -> None:
    values = [f"v{row}" for row in range(30) for _ in range(30 - row)] + [None] * 5
    made = by_column(pa.array(values))
    assert made.names == [*(f"v{row}" for row in range(MOST)), "other (10 more)", "(missing)"]
    assert made.counts().tolist() == [*range(30, 10, -1), sum(range(1, 11)), 5]
    assert made.colors[-2:] == [GREY, GREY]
    assert len(set(made.colors[:MOST])) == MOST
    assert not any(name.startswith("other") for name in by_column(pa.array(values[: sum(range(11, 31))])).names)


def test_every_item_has_one_entry_of_the_legend() -> None:
    for values in [["a"] * 5, [None] * 5, ["", " ", "a", "b", None], [f"v{row}" for row in range(300)]]:
        made = by_column(pa.array(values, pa.string()))
        assert made.counts().sum() == len(values)
        assert len(made.names) == len(made.colors) == len(set(made.names))
        assert made.codes.min() >= 0


def test_a_value_that_is_called_like_one_of_ours() -> None:
    """Entries are hidden by name, so that none may have another's."""
    made = by_column(pa.array(["(missing)"] * 4 + ["x"] * 3 + [None] * 2))
    assert made.names == ["(missing)", "x", "(missing) 2"]
    assert made.counts().tolist() == [4, 3, 2]
    dataset = table(v=range(40))
    found = coloring("cluster", Known(dataset, np.repeat(np.arange(-1, 3), 10), Session(dataset).labels, {0: "noise", 2: "x"}))
    assert found.names[-1] == "noise"
    assert found.names[1:3] == ["cluster 1", "x"]
    assert len(set(found.names)) == 4
    session = Session(VECTORS)
    session.select(Ids(session.dataset.ids[:3]))
    session.label("no label")
    session.color_by = "label"
    assert len(set(session.coloring().names)) == 2
    assert session.coloring().counts().tolist() == [3, N - 3]


def test_an_outlier_does_not_turn_all_numbers_into_one_colour() -> None:
    made = by_column(pa.array([*np.linspace(0, 1, 500), 1e12, -1e12, math.inf, math.nan]), "number")
    assert made.kind == "number"
    assert -0.1 < made.bounds[0] < made.bounds[1] < 1.1
    assert np.isnan(made.values[[-1, -2]]).all()
    assert made.names[made.codes[-1]] == "(missing)"
    drawn = points(np.zeros((504, 2)), made, frozenset(), np.zeros(504, bool)).values
    assert np.nanmin(drawn) == 0
    assert np.nanmax(drawn) == 1
    assert len(np.unique(drawn[:500])) > 400


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([5, 5, 5]), "number"),
        (pa.array([None, None, None], pa.float64()), "number"),
        (pa.array([math.nan, math.inf, -math.inf]), "number"),
        (pa.array([2**63, 2**64 - 1, None], pa.uint64()), "number"),
        (pa.array([Decimal("1.5"), None, Decimal("2.5")]), "number"),
        (pa.array([date(1, 1, 1), None, date(9999, 12, 31)]), "date"),
        (pa.array([datetime(2020, 1, 1, tzinfo=UTC), None, datetime(2021, 1, 1, tzinfo=UTC)]), "date"),
        (pa.array([10**12, None, -(10**12)], pa.timestamp("s")), "date"),
        (pa.array([None, None, None], pa.timestamp("ns")), "date"),
        (pa.array([True, None, False]), "flag"),
        (pa.array(["a", None, "b"]).dictionary_encode(), "category"),
        (pa.array([1, None, 2]).dictionary_encode(), "category"),
    ],
)
def test_any_column_colours_and_shows(values: pa.Array, kind: str) -> None:
    dataset = Dataset("t", np.arange(3), pa.table({"c": values}), {"c": kind})
    session = Session(dataset)
    session.color_by = "column:c"
    made = session.coloring()
    said = state.color(session, made)
    plain(said)
    assert made.counts().sum() == 3
    assert points(np.zeros((3, 2)), made, frozenset(), np.zeros(3, bool)).palette.shape == (len(made.names), 3)
    plain(items.window(dataset, np.arange(3), "table", items.Marks(None, None)))
    plain([items.title(dataset, row) for row in range(3)])
    plain(items.lines(dataset, 0, None, ""))
    plain(items.heads(dataset, items.Marks(None, None)))


def test_a_legend_of_a_thousand_clusters() -> None:
    dataset = table(v=range(3_000))
    made = coloring("cluster", Known(dataset, np.arange(3_000) % 1_000, Session(dataset).labels))
    assert len(made.names) == 3 * MOST + 2
    assert made.names[-2:] == [f"other ({1_000 - 3 * MOST} more)", "noise"]
    assert made.counts().sum() == 3_000
    assert made.counts()[-1] == 0


# Items


def test_windows_of_every_mode(session: Session) -> None:
    dataset = session.dataset
    assert items.modes(dataset) == ["gallery", "cards", "table"]
    session.select(Ids(["i0", "i7"]))
    session.label("mine")
    marks = items.Marks(session.labels.values(), lambda row: f"c{row}")
    rows = np.array([7, 0, 89])
    for mode in items.modes(dataset):
        made = items.window(dataset, rows, mode, marks)
        plain(made)
        assert [one["row"] for one in made] == [7, 0, 89]
    cards = items.window(dataset, rows, "cards", marks)
    assert [card["label"] for card in cards] == ["mine", "mine", None]
    assert [card["text"] for card in cards] == ["", "a text about 0 <b>things</b>", "a text about 89 <b>things</b>"]
    heads = items.heads(dataset, marks)
    assert heads[:3] == ["id", "label", "cluster"]
    cells = dict(zip(heads, items.window(dataset, rows, "table", marks)[1]["cells"], strict=True))
    wanted = {"id": "i0", "label": "mine", "cluster": "c0", "number": 0.0, "huge": str(2**60), "kind": "a", "day": "2020-01-01"}
    assert wanted.items() <= cells.items()
    assert cells["flag"] == "yes"
    missing = dict(zip(heads, items.window(dataset, rows, "table", marks)[0]["cells"], strict=True))
    assert [missing[name] for name in ("number", "kind", "day", "flag", "words")] == [None] * 5
    assert items.window(dataset, np.zeros(0, int), "table", marks) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), (math.nan, None), (pd.NaT, None), (True, "yes"), (np.False_, "no"), (3, 3), (2**53, str(2**53)),
        (-(2**80), str(-(2**80))), (math.inf, "inf"), (np.float32(0.5), 0.5), (np.int64(7), 7), ("x" * 1_000, "x" * items.WORDS),
        (date(2020, 1, 2), "2020-01-02"), (datetime(2020, 1, 2), "2020-01-02"), (pd.Timestamp("2020-01-02"), "2020-01-02"),
        (datetime(2020, 1, 2, 3, 4), "2020-01-02 03:04:00"), (Decimal("1.50"), "1.50"), (Decimal("NaN"), None), ("", ""),
    ],
)  # fmt: skip
def test_cell(value: Any, shown: Any) -> None:
    assert items.cell(value) == shown
    plain(items.cell(value))


def test_titles() -> None:
    said = ["short words here", "some more words", None, "and one more text"]
    texts = explorer.read(pd.DataFrame({"text": said}), text="text")
    assert [items.title(texts, row) for row in range(4)] == ["short words here", "some more words", "2", "and one more text"]
    assert items.title(explorer.read(VECTORS), 5) == "5"
    dataset = everything()
    assert all(0 < len(items.title(dataset, row)) <= 120 for row in range(N))


def test_the_id_column_is_not_shown_twice() -> None:
    dataset = table(size=[1.0, 2.0, 3.0, 4.0])
    assert items.columns(dataset) == ["size"]


def test_thumbnails() -> None:
    made = items.Thumbnails(everything(), keep=5)
    first = made.get(0)
    assert Image.open(io.BytesIO(first)).size == (items.THUMB, items.THUMB // 2)
    assert Image.open(io.BytesIO(first)).convert("RGBA").getpixel((5, 5))[3] == 0, "the page's ground shows through"
    assert made.get(3) == b"", "one that cannot be read"
    for row in range(20):
        made.get(row)
    assert made.get(0) == first
    assert len(made._made) == 5


# Viewports


def test_a_viewport_is_what_a_screen_can_have() -> None:
    made = viewport({"viewport": [0, 1, 0, 1], "width": 1e9, "height": -5, "ratio": 1e9})
    assert made.width * made.ratio <= LARGEST
    coarse = viewport({"viewport": [0, 1, 0, 1], "width": 1e9, "height": 1e9, "ratio": 0.5})
    assert max(coarse.plain.pixels) <= LARGEST, "a crowd is drawn at one pixel a pixel"
    assert made.height >= 1
    for wrong in [[0, 0, 0, 1], [1, 0, 0, 1], [0, math.nan, 0, 1], [0, math.inf, 0, 1], [0, 1, 0], "abcd", None]:
        with pytest.raises((ValueError, TypeError)):
            viewport({"viewport": wrong, "width": 10, "height": 10})


# The pipeline


class Sleeps(Reducer):
    """Takes until it is stopped."""

    method = "sleeps"
    fails = param.Boolean(False, doc="Whether it fails.")
    rounds = param.Integer(6_000, bounds=(1, 6_000), doc="How often a hundredth of a second.")

    def compute(self, vectors: np.ndarray, progress: Progress) -> np.ndarray:
        if self.fails:
            raise InputError("it cannot be laid out; take another one")
        for step in range(self.rounds):
            progress(step / self.rounds, "sleeping")
            time.sleep(0.01)
        return vectors[:, :2]


def run_out(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Poll to the end; the results in the order they came, as kind and method."""
    came: list[tuple[str, str]] = []
    watcher = pipeline.session.param.watch(
        lambda *events: came.extend((event.new.kind, event.new.method) for event in events), ["features", "layout", "clusters"]
    )
    deadline = time.monotonic() + 600  # the first in a new place compiles
    while pipeline.busy:
        assert time.monotonic() < deadline, "the pipeline does not end"
        for kind in KINDS:
            plain(pipeline.describe(kind))
        pipeline.poll()
        time.sleep(0.02)
    pipeline.session.param.unwatch(watcher)
    return came


def test_a_fresh_page_gets_a_quick_layout_then_the_real_one_then_clusters(worker: Worker) -> None:
    steps = {"reduce": find("reduce", "umap", n_epochs=10), "cluster": find("cluster", "hdbscan", min_cluster_size=5)}
    pipeline = Pipeline(Session(VECTORS, worker=worker), steps, lambda kind: None)
    assert pipeline.describe("reduce")["state"] == "empty"
    assert not pipeline.describe("reduce")["ready"]
    pipeline.start()
    assert pipeline.describe("extract")["state"] == "running"
    assert [pipeline.describe(kind)["state"] for kind in ("reduce", "cluster")] == ["waiting", "waiting"]
    assert run_out(pipeline) == [("extract", "vectors"), ("reduce", "pca"), ("reduce", "umap"), ("cluster", "hdbscan")]
    said = [pipeline.describe(kind) for kind in KINDS]
    assert [one["state"] for one in said] == ["done"] * 3
    assert not any(one["changed"] or one["message"] for one in said)
    assert "90 × 6" in said[0]["summary"]
    count = int(pipeline.session.clusters.values.max()) + 1
    assert said[2]["summary"].startswith(f"{count} clusters")
    pipeline.start()
    assert not pipeline.busy, "all is there"
    pipeline.change("reduce", "n_neighbors", 7)
    assert pipeline.describe("reduce")["changed"]


def test_a_layout_that_is_there_stays(worker: Worker) -> None:
    """No preview in the place of what the person gave."""
    dataset = Dataset("d", np.arange(N), pa.table({}), {}, {}, VECTORS, np.ascontiguousarray(VECTORS[:, :2]))
    pipeline = Pipeline(Session(dataset, worker=worker), {}, lambda kind: None)
    pipeline.start()
    assert [kind for kind, _ in run_out(pipeline)] == ["cluster"], "no features are needed"
    assert pipeline.session.layout.method == "given"
    pipeline.run("extract")
    assert [kind for kind, _ in run_out(pipeline)] == ["extract", "cluster"]


def waiting(session: Session, **chosen: Any) -> Pipeline:
    """A pipeline whose layout takes until it is stopped."""
    return Pipeline(session, {"reduce": Sleeps(), "cluster": find("cluster", "kmeans", n_clusters=3)} | chosen, lambda kind: None)


def test_stop_leaves_what_was_there(session: Session) -> None:
    before = session.layout
    pipeline = waiting(session)
    pipeline.run("reduce")
    until(lambda: pipeline.describe("reduce")["note"] == "sleeping", "a running step")
    assert pipeline.describe("cluster")["state"] == "waiting"
    pipeline.stop("reduce")
    assert run_out(pipeline) == []
    said = pipeline.describe("reduce")
    assert (said["state"], said["message"]) == ("done", "")
    assert session.layout is before


def test_what_is_asked_for_after_stop_runs(session: Session) -> None:
    pipeline = waiting(session, cluster=find("cluster", "kmeans", n_clusters=4))
    pipeline.run("reduce")
    pipeline.stop("reduce")
    pipeline.run("cluster")
    assert run_out(pipeline) == [("cluster", "kmeans")]
    assert session.clusters.settings["n_clusters"] == 4


def test_another_run_does_not_forget_what_waits(session: Session) -> None:
    pipeline = waiting(session, extract=find("extract", "vectors"), reduce=find("reduce", "pca"))
    pipeline.run("extract")
    pipeline.run("cluster")
    assert run_out(pipeline) == [("extract", "vectors"), ("reduce", "pca"), ("cluster", "kmeans")]


def test_stop_of_what_waits(session: Session) -> None:
    pipeline = waiting(session)
    pipeline.run("reduce")
    pipeline.stop("cluster")
    assert pipeline.describe("cluster")["state"] == "done"
    assert pipeline.describe("reduce")["state"] == "running"
    pipeline.stop("reduce")
    run_out(pipeline)


def test_failure_is_a_message_and_nothing_follows(session: Session) -> None:
    before = session.layout
    pipeline = waiting(session, reduce=Sleeps(fails=True))
    pipeline.run("reduce")
    assert run_out(pipeline) == []
    assert pipeline.describe("reduce")["message"] == "it cannot be laid out; take another one"
    assert session.layout is before
    pipeline.choose("reduce", "pca")
    assert pipeline.describe("reduce")["message"] == ""


def test_a_step_without_its_input_says_what_is_missing() -> None:
    pipeline = Pipeline(Session(VECTORS), {}, lambda kind: None)
    assert pipeline.describe("cluster")["why"].startswith("first there must be")
    pipeline.run("reduce")
    assert not pipeline.busy
    assert "first call" in pipeline.describe("reduce")["message"]


def test_a_value_that_is_not_allowed_changes_nothing(session: Session) -> None:
    pipeline = waiting(session)
    wrong: list[tuple[str, Any]] = [("n_clusters", value) for value in (10**9, "many", [3], 2.5, math.nan, None)]
    for name, value in [*wrong, ("nope", 3), ("kind", "x")]:
        with pytest.raises(InputError):
            pipeline.change("cluster", name, value)
    assert pipeline.steps["cluster"].settings()["n_clusters"] == 3
    pipeline.change("cluster", "n_clusters", 7.0)
    assert pipeline.steps["cluster"].settings()["n_clusters"] == 7
    assert isinstance(pipeline.steps["cluster"].settings()["n_clusters"], int)


def test_a_method_chosen_again_has_its_settings(session: Session) -> None:
    pipeline = waiting(session)
    pipeline.change("cluster", "n_clusters", 9)
    pipeline.choose("cluster", "hdbscan")
    pipeline.change("cluster", "min_cluster_size", 33)
    pipeline.choose("cluster", "kmeans")
    assert pipeline.steps["cluster"].settings()["n_clusters"] == 9
    pipeline.choose("cluster", "hdbscan")
    assert pipeline.steps["cluster"].settings()["min_cluster_size"] == 33
    with pytest.raises(InputError, match="hdbscan"):
        pipeline.choose("cluster", "hdbscn")
    assert pipeline.steps["cluster"].method == "hdbscan"


def test_a_setting_changed_during_a_run_changes_nothing_of_it(session: Session) -> None:
    pipeline = waiting(session)
    pipeline.run("cluster")
    pipeline.change("cluster", "n_clusters", 8)
    run_out(pipeline)
    assert session.clusters.settings["n_clusters"] == 3
    assert pipeline.describe("cluster")["changed"]


def test_a_reopened_page_shows_the_settings_of_its_results(session: Session) -> None:
    session.cluster("kmeans", n_clusters=5)
    assert Pipeline(session, {}, lambda kind: None).steps["cluster"].settings()["n_clusters"] == 5


# The dashboard, driven by messages


class Wire:
    """An `Explorer` and all that it sends."""

    def __init__(self, session: Session, sent: list[tuple[Pages, dict[str, Any]]]) -> None:
        self.view = Explorer(session)
        self.session = session
        self._sent = sent

    def say(self, verb: Any, **message: Any) -> list[dict[str, Any]]:
        """Send a message as the page does; gives the answers."""
        start = len(self.sent)
        self.view.page.heard({"verb": verb} | message)
        return self.sent[start:]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [message for page, message in self._sent if page is self.view.page]

    def values(self) -> dict[str, Any]:
        """What the page shows now."""
        made: dict[str, Any] = {}
        numbers: dict[str, int] = {}
        for message in self.sent:
            news = {name: value for name, value in message.get("set", {}).items() if numbers.get(name, 0) <= message["at"]}
            numbers |= dict.fromkeys(news, message.get("at", 0))
            made |= news
        return made

    def toasts(self) -> list[str]:
        return [message["toast"]["text"] for message in self.sent if "toast" in message]

    def wait(self, what: str, start: int = 0) -> Any:
        """The next message of a kind that comes from a thread."""
        return until(lambda: next((message[what] for message in self.sent[start:] if what in message), None), what)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Pages, dict[str, Any]]]:
    """All that would go over the wire, each message checked to be plain."""
    made: list[tuple[Pages, dict[str, Any]]] = []

    def record(page: Pages, message: Any) -> None:
        plain(message)
        made.append((page, message))

    monkeypatch.setattr(Pages, "deliver", record)
    return made


@pytest.fixture
def wire(session: Session, sent: list) -> Iterator[Wire]:
    made = Wire(session, sent)
    made.say("ready")
    yield made
    made.view.close()


def center(session: Session, row: int) -> dict[str, float]:
    x, y = session.layout.values[row]
    return {"x": float(x), "y": float(y), "reach": 1e-6}


def test_ready_tells_everything(wire: Wire) -> None:
    assert {"data", "steps", "labels", "selection", "color", "names", "map", "items_of", "formats"} <= wire.values().keys()
    assert wire.values()["color"]["by"] == "column:kind", "a column of few values, until somebody chooses"
    assert not wire.view.pipeline.busy
    assert wire.toasts() == []


def test_view_draws_every_item(wire: Wire) -> None:
    start = len(wire.sent)
    wire.say(**VIEW)
    frame = wire.wait("frame", start)
    x, y = wire.session.layout.values.T
    assert (frame["seen"], frame["of"]) == (((np.abs(x) <= 5) & (np.abs(y) <= 5)).sum(), N)
    assert Image.open(io.BytesIO(frame["picture"])).size == (80, 60)
    assert (frame["viewport"], frame["sequence"]) == (VIEW["viewport"], 1)


def test_hover_and_pick(wire: Wire) -> None:
    wire.say("hover", **center(wire.session, 11))
    hovered = wire.values()["hover"]
    assert hovered["row"] == 11
    assert hovered["thumb"]
    wire.say("hover", x=1e9, y=1e9, reach=1)
    assert wire.values()["hover"] is None
    wire.say("pick", **center(wire.session, 3), mode="replace")
    assert wire.session.selected_ids.tolist() == ["i3"]
    assert wire.values()["item"]["row"] == 3
    assert wire.values()["item"]["picture"] is None, "one that cannot be read"
    wire.say("pick", **center(wire.session, 4), mode="add")
    assert wire.session.selected_ids.tolist() == ["i3", "i4"]
    assert wire.values()["item"]["picture"]
    assert wire.values()["item"]["text"] == ""
    wire.say("pick", x=1e9, y=1e9, reach=1, mode="replace")
    assert wire.session.selected_ids.tolist() == ["i3", "i4"]


def test_select_label_undo_redo_clear(wire: Wire) -> None:
    wire.say("select", rule=Box(-100, -100, 0, 100).to_json(), mode="replace")
    chosen = wire.session.layout.values[:, 0] <= 0
    assert (wire.session.selection == chosen).all()
    assert wire.values()["selection"]["count"] == chosen.sum()
    assert len(wire.values()["selection"]["regions"]) == 1
    assert wire.values()["items_of"]["count"] == chosen.sum()
    wire.say("label", name="left")
    assert wire.values()["labels"]["labelled"] == chosen.sum()
    wire.say("label", name="left")
    assert "already" in wire.toasts()[-1]
    wire.say("undo")
    assert wire.values()["labels"]["labelled"] == 0
    wire.say("redo")
    assert wire.values()["labels"]["labelled"] == chosen.sum()
    wire.say("unlabel")
    assert wire.values()["labels"]["labelled"] == 0
    wire.say("clear")
    assert wire.values()["selection"]["count"] == 0
    for _ in range(9):
        wire.say("undo")
    assert wire.toasts()[-1] == "nothing to do"
    wire.say("label", name="nobody")
    assert "nothing is selected" in wire.toasts()[-1]


def test_categories(wire: Wire) -> None:
    wire.say("select", rule=InCluster(0).to_json(), mode="replace")
    wire.say("label", name="a")
    wire.say("create", name="b")
    wire.say("recolor", name="b", color="#123456")
    wire.say("rename", name="a", to="c")
    wire.say("merge", name="c", into="b")
    assert [(one["name"], one["color"], one["count"]) for one in wire.values()["labels"]["categories"]] == [("b", "#123456", 30)]
    wire.say("delete", name="b")
    assert wire.values()["labels"]["categories"] == []
    wrong = [("rename", {"name": "nope", "to": "x"}), ("recolor", {"name": "nope", "color": "red"}), ("delete", {"name": "q"})]
    for verb, more in wrong:
        wire.say(verb, **more)
        assert wire.sent[-1]["toast"]["tone"] == "error"


def test_colours_and_what_is_hidden_cannot_be_brushed(wire: Wire) -> None:
    everywhere = Box(-1e6, -1e6, 1e6, 1e6).to_json()
    kind = wire.session.dataset.column("kind")
    wire.say("color", by="column:kind")
    wire.say("hide", name="a")
    assert [entry["hidden"] for entry in wire.values()["color"]["entries"]] == [True, False, False, False]
    wire.say("select", rule=everywhere, mode="replace")
    assert (wire.session.selection == (kind != "a")).all()
    assert wire.session.rule.to_json()["parts"][1]["part"]["column"] == "kind", "the rule says why"
    wire.say("solo", name="b")
    wire.say("select", rule=everywhere, mode="replace")
    assert (wire.session.selection == (kind == "b")).all()
    wire.say("solo", name="b")
    wire.say("select", rule=everywhere, mode="replace")
    assert wire.session.selection.all()
    wire.say("hide", name="(missing)")
    wire.say("select", rule=everywhere, mode="replace")
    assert (wire.session.selection == kind.notna()).all()
    wire.say("show_all")
    assert wire.session.hidden == frozenset()


@pytest.mark.parametrize(
    "by",
    [
        "cluster", "column:many", "column:flag", "label",
        "column:code",
    ],
)  # fmt: skip
def test_what_is_hidden_cannot_be_brushed_whatever_it_is_coloured_by(by: str, wire: Wire) -> None:
    wire.say("color", by=by)
    wire.say("hide", name=wire.values()["color"]["entries"][0]["name"])
    wire.say("select", rule=Box(-1e6, -1e6, 1e6, 1e6).to_json(), mode="replace")
    assert (wire.session.selection == (wire.session.coloring().codes != 0)).all()


@pytest.mark.parametrize("by", ["cluster", "column:many", "column:flag", "column:code", "label", "column:kind"])
def test_every_entry_of_the_legend_can_be_selected(by: str, wire: Wire) -> None:
    wire.session.select(Ids(["i1", "i2"]))
    wire.session.label("two")
    wire.say("color", by=by)
    colors = wire.session.coloring()
    for place, name in enumerate(colors.names):
        wire.say("select_entry", name=name)
        assert (wire.session.selection == (colors.codes == place)).all(), name


def test_what_has_no_place_can_be_selected_and_says_why(sent: list) -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    vectors[[3, 7]] = np.nan
    session = Session(Dataset("d", np.arange(30), pa.table({}), {}, {}, vectors))
    session.extract("vectors")
    session.reduce("pca")
    made = Wire(session, sent)
    made.say("ready")
    assert made.values()["map"]["without"] == 2
    made.say("select_without")
    assert session.selected_ids.tolist() == [3, 7]
    for row, said in ((3, [["features", "none: see the notes under Features"]]), (4, [])):
        made.say("item", row=row)
        assert [list(line) for line in made.values()["item"]["lines"] if line[0] == "features"] == said
    made.view.close()


def test_hidden_items_that_are_selected_are_counted(wire: Wire) -> None:
    wire.say("color", by="column:kind")
    wire.say("select", rule=Box(-1e6, -1e6, 1e6, 1e6).to_json(), mode="replace")
    wire.say("hide", name="a")
    assert wire.values()["selection"]["hidden"] == (wire.session.dataset.column("kind") == "a").sum() > 0


def test_a_hidden_item_cannot_be_hovered(wire: Wire) -> None:
    wire.say("color", by="column:kind")
    wire.say("hide", name="a")
    wire.say("hover", **center(wire.session, 0))
    assert wire.values()["hover"] is None


def test_items_come_for_the_latest_selection_only(wire: Wire) -> None:
    wire.say("select", rule=Ids(["i1", "i3", "i5"]).to_json(), mode="replace")
    version = wire.values()["items_of"]["version"]
    for mode in ("gallery", "cards", "table"):
        start = len(wire.sent)
        wire.say("items", mode=mode, version=version, start=1, count=10)
        came = wire.wait("items", start)
        assert [one["row"] for one in came["rows"]] == [3, 5]
        assert (came["mode"], came["version"], came["start"]) == (mode, version, 1)
        if mode == "gallery":
            assert came["offsets"] == [0, 0, len(came["blob"])]
    start = len(wire.sent)
    wire.say("items", mode="cards", version=version - 1, start=0, count=10)
    wire.say("items", mode="films", version=version, start=0, count=10)
    time.sleep(0.2)  # an answer would come from a thread
    assert wire.sent[start:] == []


def test_steps_from_the_page(wire: Wire) -> None:
    wire.say("method", kind="cluster", method="kmeans")
    wire.say("setting", kind="cluster", name="n_clusters", value=5.0)
    assert wire.values()["steps"]["cluster"]["settings"]["n_clusters"] == 5
    wire.say("setting", kind="cluster", name="n_clusters", value=1e9)
    assert "not allowed" in wire.toasts()[-1]
    assert wire.values()["steps"]["cluster"]["settings"]["n_clusters"] == 5
    wire.say("run", kind="cluster")
    until(lambda: int(wire.session.clusters.values.max()) == 4, "five clusters")
    until(lambda: wire.values()["steps"]["cluster"]["state"] == "done", "the end of the run")
    assert len(wire.values()["names"]) == 5


def test_export_comes_in_pieces_with_its_settings(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.views.downloads.PIECE", 1_000)
    wire.say("select", rule=InCluster(0).to_json(), mode="replace")
    wire.say("label", name="NA")
    start = len(wire.sent)
    wire.say("export", ending=".csv", only="all", settings={"for_spreadsheets": False})

    def parts_so_far() -> list[dict[str, Any]]:
        return [message["part"] for message in wire.sent[start:] if "part" in message]

    until(lambda: [part["name"][-5:] for part in parts_so_far() if part["last"]] == ["s.csv", ".json"], "both files")
    parts = parts_so_far()
    files: dict[str, bytes] = {}
    for part in parts:
        files[part["name"]] = files.get(part["name"], b"") + part["bytes"]
    assert list(files) == ["all-labels.csv", "all-labels.csv.settings.json"]
    assert len(parts) > 4
    assert [part["name"] for part in parts if part["last"]] == list(files)
    rows = pd.read_csv(io.BytesIO(files["all-labels.csv"]), keep_default_na=False)
    assert (rows["label"] == "NA").sum() == 30
    assert json.loads(files["all-labels.csv.settings.json"])["dataset"]["items"] == N
    wire.say("export", ending=".exe", only="all", settings={})
    until(lambda: wire.sent[-1].get("toast", {}).get("tone") == "error", "an error that is said")


def test_two_visits_share_labels_and_nothing_else(session: Session, sent: list) -> None:
    one = Wire(session, sent)
    other = Wire(Session(session.dataset, session.workspace), sent)
    one.say("ready")
    other.say("ready")
    one.say("select", rule=InCluster(0).to_json(), mode="replace")
    one.say("label", name="shared")
    assert other.values()["labels"]["labelled"] == 30
    assert other.values()["selection"]["count"] == 0
    one.view.close()
    other.say("select", rule=InCluster(1).to_json(), mode="replace")
    start = len(one.sent)
    other.say("label", name="later")
    assert one.sent[start:] == [], "who is gone hears nothing"
    other.view.close()


def test_a_picture_of_what_is_looked_at(wire: Wire) -> None:
    """It comes in pieces like every file, the page knows that it is being written, and what is wrong is said at once."""
    wire.say(**VIEW)
    start = len(wire.sent)
    wire.say("picture", ending=".png", settings={"width": 400, "dpi": 96, "legend": False})
    part = wire.wait("part", start)
    assert part["name"] == "all-map.png"
    assert part["last"]
    image = Image.open(io.BytesIO(part["bytes"]))
    assert image.size == (400, 400), "the view is a square"
    until(lambda: wire.values()["writing"] is False, "that it is written")
    assert [m["set"]["writing"] for m in wire.sent[start:] if "writing" in m.get("set", {})] == [True, False]
    for wrong in ({"width": 10**9}, {"height": "x"}, {"nothing": 1}):
        start = len(wire.sent)
        wire.say("picture", ending=".svg", settings=wrong)
        assert wire.values()["writing"] is False, "the page does not wait"
        assert [m["toast"]["tone"] for m in wire.sent[start:] if "toast" in m] == ["error"]
    wire.say("picture", ending=".jpg", settings={})
    assert "known are .png, .svg" in wire.toasts()[-1]


ODD = [None, True, -1, 10**30, 1e308, math.nan, math.inf, "", "x" * 100_000, "\ud800", [], [[]], {}, {"rule": "box"}, b"bytes"]
FIELDS = {
    "ready": [], "view": ["viewport", "width", "height", "ratio", "sequence", "told"], "gone": [],
    "hover": ["x", "y", "reach"], "hover_off": [],
    "pick": ["x", "y", "reach", "mode"], "select": ["rule", "mode"], "clear": [], "color": ["by"], "hide": ["name"],
    "solo": ["name"], "density_scale": ["to"], "select_entry": ["name"], "select_without": [], "show_all": [],
    "label": ["name"], "unlabel": [],
    "label_set": ["name"],
    "create": ["name"], "rename": ["name", "to"],
    "recolor": ["name", "color"], "merge": ["name", "into"], "delete": ["name"], "undo": [], "redo": [], "refit": [],
    "method": ["kind", "method"], "setting": ["kind", "name", "value"],
    "run": ["kind"], "stop": ["kind"], "items": ["mode", "version", "start", "count", "size"],
    "item": ["row"], "export": ["ending", "only", "settings"], "stop_export": [], "picture": ["ending", "settings"],
    "columns": ["open", "search"], "filter_range": ["column", "low", "high"], "filter_values": ["column", "values"],
    "unfilter": ["column"], "unfilter_all": [],
    "save_selection": ["name"], "forget_selection": ["name"], "rename_selection": ["name", "to"], "expression": ["text", "mode"],
    "invert": [], "point": ["name"], "overview": ["request"],
    "neighbours": ["row", "k", "metric"], "neighbours_off": [], "select_neighbours": ["row", "mode"], "grow": ["k"],
    "grow_stop": [], "ids": [], "sprites": ["rows"],
    "desk": ["open"], "note": ["name", "note"], "bind": ["name", "key"], "split": ["name"], "merge_preview": ["name", "into"],
    "split_preview": ["name"], "entry": ["seq"], "entry_items": ["seq", "mode"], "replay": ["seq", "mode"], "compare": ["open"],
    "select_disputed": ["mode"], "import_piece": ["name", "size", "at", "data"], "import_columns": ["id", "label"],
    "import_labels": ["into", "replace"], "import_unknown": ["how"], "import_close": [],
    "label_shown": ["name"], "label_unlabelled": ["name"], "label_cluster": ["cluster", "name"],
    "focus": ["unlabelled", "order"], "focus_off": [], "focus_at": ["version", "need"], "focus_label": ["row", "item", "name"],
    "weigh": [], "rank": [], "rank_stop": [],
    "focus_undo": [], "focus_redo": [], "sound": ["row"], "telling": ["open"], "link": ["fields"],
    "layouts": [], "beside": ["key"], "beside_view": ["viewport", "width", "height", "ratio", "sequence", "told"],
    "beside_select": ["rule", "mode"], "beside_pick": ["x", "y", "reach", "mode"], "beside_hover": ["x", "y", "reach"],
    "moved": ["share", "mode"], "color_overlap": [], "morph": ["still"], "show_layout": ["key", "still"],
    "trust": ["open"], "trust_run": [], "trust_all": [], "trust_stop": [], "stability_run": [], "stability_stop": [],
    "select_torn": ["mode"],
}  # fmt: skip


def test_all_verbs_are_known_here() -> None:
    own = {name.removeprefix("_on_") for name in dir(Explorer) if name.startswith("_on_")}
    assert own | {name.removeprefix("on_") for part in PARTS for name in dir(part) if name.startswith("on_")} == set(FIELDS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("verb", FIELDS)
def test_a_message_that_no_page_of_ours_sends_does_no_harm(verb: str, wire: Wire) -> None:
    """Wrong types, missing and further fields, huge sizes: no exception, and the page goes on as before."""
    fields = FIELDS[verb]
    wire.say(verb, **dict.fromkeys(fields, None), more=1)
    for left_out in fields:
        wire.say(verb, **{name: 1 for name in fields if name != left_out})
    for odd in ODD:
        wire.say(verb, **dict.fromkeys(fields, odd))
        for name in fields:
            good = GOOD | {"version": wire.values()["items_of"]["version"]}
            wire.say(verb, **({field: good.get(field, "a") for field in fields} | {name: odd}))
    still_works(wire)


GOOD = {
    "kind": "cluster", "mode": "replace", "x": 0.0, "y": 0.0, "reach": 1.0, "name": "n_clusters", "start": 0, "count": 5,
    "rule": {"rule": "ids", "ids": []}, "ending": ".png", "settings": {"width": 200},
    "column": "number", "low": 1.0, "high": 3.0, "values": ["a"],
    "text": "~saved", "request": {"viewport": [-5, 5, -5, 5], "width": 40, "height": 30, "ratio": 1},
    "row": 3, "k": 2, "metric": "cosine", "rows": [1, 2],
    "size": 96, "cluster": 1, "unlabelled": True, "order": "alike", "need": [0, 1], "item": "i3",
    "fields": {"color": "column:kind"},
}  # fmt: skip


@pytest.mark.parametrize("by", ["column:nope", "column:", "column:id "])
def test_a_colour_that_is_not_there_leaves_the_one_that_is(by: str, wire: Wire) -> None:
    wire.say("color", by=by)
    assert wire.session.color_by == "column:kind"
    still_works(wire)


@pytest.mark.parametrize("verb", ["hover", "pick"])
def test_a_number_that_no_float_holds_does_no_harm(verb: str, wire: Wire) -> None:
    wire.say(verb, **{field: 10**400 if field != "mode" else "add" for field in FIELDS[verb]})
    still_works(wire)


def still_works(wire: Wire) -> None:
    until(lambda: not wire.view.pipeline.busy, "the end of what ran")
    start = len(wire.sent)
    wire.say("ready")
    wire.say("unfilter_all")
    wire.say("select", rule=Ids(["i1", "i2"]).to_json(), mode="replace")
    wire.say("label", name="works")
    wire.say(**VIEW | {"sequence": 77})
    until(lambda: [m for m in wire.sent[start:] if "frame" in m and m["frame"]["sequence"] == 77], "a picture")
    after = wire.sent[start:]
    assert not [message for message in after if message.get("toast", {}).get("tone") == "error"]
    assert wire.session.labels["i1"] == "works"


@pytest.mark.parametrize(
    "message",
    [
        None, 3, "ready", [], {}, {"verb": None}, {"verb": 3}, {"verb": ["ready"]}, {"verb": "nope"}, {"verb": "_heard"},
        {"verb": ""}, {"verb": "ready", "self": 1}, {"verb": "__init__"}, {"verb": "x" * 10**6}, {"noverb": 1},
    ],
)  # fmt: skip
def test_what_is_no_message_does_no_harm(message: Any, wire: Wire) -> None:
    wire.view.page.heard(message)
    still_works(wire)


RULES = [
    {"rule": "lasso", "vertices": [[0, 0]]}, {"rule": "lasso", "vertices": [[0, 0], [1, "x"], [2, 2]]},
    {"rule": "lasso", "vertices": None}, {"rule": "lasso", "vertices": [[math.nan, 0]] * 5},
    {"rule": "brush", "points": [], "radius": 1}, {"rule": "brush", "points": [[0, 0]], "radius": -1},
    {"rule": "brush", "points": 3},
    {"rule": "brush", "points": [[0, 0]], "radius": "x"}, {"rule": "brush", "points": [[1e308, -1e308], [0, 0]], "radius": 1e308},
    {"rule": "box", "x0": "a", "y0": 0, "x1": 1, "y1": 1}, {"rule": "box"}, {"rule": "box", "kind": "lasso"}, {"rule": ["box"]},
    {"rule": "where", "column": "nope", "op": "==", "value": 1}, {"rule": "where", "column": "kind", "op": "<", "value": [1]},
    {"rule": "where", "column": "kind", "op": "in", "value": [{}]}, {"rule": "where", "column": ["kind"], "op": "in", "value": []},
    {"rule": "where", "column": "number", "op": "<", "value": "x"}, {"rule": "ids", "ids": ["nobody"]},
    {"rule": "ids", "ids": [[1], {}]}, {"rule": "ids", "ids": 5}, {"rule": "all", "parts": []}, {"rule": "all", "parts": None},
    {"rule": "any", "parts": "ab"}, {"rule": "not", "part": None}, {"rule": "cluster", "cluster": "x"},
    {"rule": "cluster", "cluster": [1, 2]}, {"rule": "label", "category": "nope"}, {"rule": "label", "category": ["x"]},
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: json.dumps(rule)[:60])
def test_a_rule_that_no_page_of_ours_sends_does_no_harm(rule: Any, wire: Wire) -> None:
    for mode in ("replace", "add", "subtract", "intersect"):
        wire.say("select", rule=rule, mode=mode)
    still_works(wire)


def test_a_rule_as_deep_as_a_well_does_no_harm(wire: Wire) -> None:
    rule: dict[str, Any] = Ids([]).to_json()
    for _ in range(5_000):
        rule = {"rule": "not", "part": rule}
    wire.say("select", rule=rule, mode="replace")
    still_works(wire)


# Marks and neighbours


def unpacked(marks: dict[str, Any]) -> dict[str, np.ndarray]:
    kinds = {"rows": np.int32, "x": np.float32, "y": np.float32, "color": np.uint8, "on": np.uint8}
    return {name: np.frombuffer(marks[name], kind) for name, kind in kinds.items() if marks[name] is not None}


def test_marks_of_a_frame_are_its_items_in_their_colours(wire: Wire) -> None:
    wire.say("color", by="column:kind")
    wire.say("hide", name="a")
    start = len(wire.sent)
    wire.say(**VIEW | {"viewport": [-50.0, 50.0, -50.0, 50.0]})
    marks = wire.wait("frame", start)["marks"]
    made = unpacked(marks)
    shown = np.flatnonzero(wire.session.shown)
    assert 0 < len(shown) < N
    assert made["rows"].tolist() == shown.tolist(), "what is hidden has no mark"
    assert np.array_equal(np.stack([made["x"], made["y"]], axis=1), wire.session.layout.values[shown])
    colors = wire.session.coloring()
    hexes = [f"#{bytes(one).hex()}" for one in made["color"].reshape(-1, 3)]
    assert hexes == [colors.colors[code] for code in colors.codes[shown]]
    assert marks["on"] is None
    assert marks["titles"] is None, "pictures need no titles"
    start = len(wire.sent)
    wire.say("select", rule=InCluster(0).to_json(), mode="replace")
    chosen = unpacked(wire.wait("frame", start)["marks"])
    assert chosen["on"].astype(bool).tolist() == wire.session.selection[chosen["rows"]].tolist()
    assert 0 < chosen["on"].sum() < len(shown)


def framed(session: Session) -> tuple[Frame, Points]:
    """A picture of a session and what it is of."""
    cloud = drawn(session, session.coloring())
    return render(cloud, viewport(VIEW)), cloud


def test_marks_coloured_by_a_number_have_its_scale(wire: Wire) -> None:
    part = next(part for part in wire.view.parts if isinstance(part, marks.Marks))
    wire.session.color_by = "column:number"
    frame, cloud = framed(wire.session)
    made = unpacked(part.drawn(replace(frame, rows=np.array([0, 7, N - 1])), cloud)["marks"])["color"].reshape(-1, 3)
    assert made[0].tolist() == [0x44, 0x01, 0x54], "the scale's beginning"
    assert made[1].tolist() == [int(GREY[place : place + 2], 16) for place in (1, 3, 5)], "missing"
    assert made[2].tolist() == [0xFD, 0xE7, 0x25], "its end"
    assert part.drawn(replace(frame, rows=np.zeros(0, np.int64)), cloud)["marks"]["color"] == b""


def test_too_many_items_have_no_marks(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    part = next(part for part in wire.view.parts if isinstance(part, marks.Marks))
    frame, cloud = framed(wire.session)
    assert part.drawn(frame, cloud)["marks"] is not None
    assert part.drawn(replace(frame, rows=None), cloud) == {"marks": None}


def test_marks_are_those_of_the_picture_whatever_the_session_shows_by_then(wire: Wire) -> None:
    part = next(part for part in wire.view.parts if isinstance(part, marks.Marks))
    frame, cloud = framed(wire.session)
    before = part.drawn(frame, cloud)
    wire.session.adopt(Result(-wire.session.layout.values, "reduce", "given", {}, "", "turned"))
    wire.session.color_by = "density"
    wire.session.select(Ids([wire.session.dataset.ids[0]]))
    assert part.drawn(frame, cloud) == before


def test_spacing_is_the_median_distance_to_the_next_place() -> None:
    line = np.array([[0, 0], [0, 0], [3, 0], [4, 0], [10, 0]], np.float32)
    assert marks.spacing(line) == 2.0  # of 3, 1, 1, 6
    assert marks.spacing(line[:2]) is None


def test_few_texts_have_their_words_beside_them(sent: list) -> None:
    dataset = explorer.read(
        pd.DataFrame({"id": range(60), "text": ["a long   text of many words " * 9 + str(row) for row in range(60)]})
    )
    session = Session(dataset)
    session.adopt(Result(RNG.normal(size=(60, 2)).astype(np.float32), "reduce", "given", {}, "", "k"))
    wire = Wire(session, sent)
    part = next(part for part in wire.view.parts if isinstance(part, marks.Marks))
    frame, cloud = framed(session)
    few = replace(frame, rows=frame.rows[: marks.TITLED])
    assert part.drawn(few, cloud)["marks"]["titles"][0] == "a long text of many words a long text of many w…"
    assert part.drawn(frame, cloud)["marks"]["titles"] is None
    wire.view.close()


def test_a_sheet_holds_the_thumbnails_that_were_asked_for(wire: Wire) -> None:
    start = len(wire.sent)
    wire.say("sprites", rows=[5, 3, True, -1, N, "4", 4])
    came = wire.wait("sprites", start)
    assert came["rows"] == [5, 3, 4]
    assert came["sizes"] == [96, 48, 0, 0, 96, 48], "picture 3 cannot be read"
    whole = Image.open(io.BytesIO(came["sheet"])).convert("RGBA")
    assert whole.size == (came["across"] * came["cell"], came["cell"])
    assert np.abs(np.subtract(whole.getpixel((20, 20)), (100, 80, 90, 255))).max() <= 4
    assert whole.getpixel((2 * came["cell"] + 20, 20))[3] == 0, "transparent"


def test_a_sheet_does_not_wait_for_slow_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "PATIENCE", 0.0)
    assert marks.soon([1, 2, 3], lambda row: bytes([row])) == [b"\x01"]
    monkeypatch.setattr(marks, "PATIENCE", 60.0)
    assert marks.soon([1, 2, 3], lambda row: bytes([row])) == [b"\x01", b"\x02", b"\x03"]


def found_for(wire: Wire, row: int, **more: Any) -> dict[str, Any]:
    wire.say("neighbours", **{"row": row, "k": 5, "metric": None} | more)
    return until(lambda: (found := wire.values()["neighbours"]) and found["row"] == row and found, "neighbours")


def test_neighbours_are_listed_nearest_first(wire: Wire) -> None:
    found = found_for(wire, 40)
    far = np.linalg.norm(VECTORS.astype(float) - VECTORS[40], axis=1)
    assert found["metric"] == "euclidean"
    assert [item["row"] for item in found["items"]] == np.argsort(far, kind="stable")[1:6].tolist()
    assert [item["distance"] for item in found["items"]] == pytest.approx(np.sort(far)[1:6])
    assert len(found["pictures"]) == 6
    place = wire.session.layout.values[found["items"][0]["row"]]
    assert (found["items"][0]["x"], found["items"][0]["y"]) == tuple(map(float, place))
    wire.say("neighbours_off")
    assert wire.values()["neighbours"] is None
    assert found_for(wire, 41, metric="cosine")["metric"] == "cosine"


def test_hidden_neighbours_are_told_and_not_selected(wire: Wire) -> None:
    first = found_for(wire, 40)["items"][0]["row"]
    wire.session.filters = {"x": ~Ids([f"i{first}"])}
    wire.say("neighbours_off")
    items_ = found_for(wire, 40)["items"]
    assert [item["hidden"] for item in items_] == [True, False, False, False, False]
    wire.say("select_neighbours", row=40, mode="replace")
    assert np.flatnonzero(wire.session.selection).tolist() == sorted([40, *(item["row"] for item in items_[1:])])
    wire.say("clear")
    wire.say("select_neighbours", row=41, mode="replace")
    assert not wire.session.selection.any(), "an item whose neighbours are not there yet"


def test_grow_adds_the_neighbours(wire: Wire) -> None:
    wire.say("select", rule=Ids(["i40", "i3"]).to_json(), mode="replace")
    wire.say("grow", k=4)
    until(lambda: [text for text in wire.toasts() if "added" in text], "a larger selection, and to be told of it")
    wanted = set(np.argsort(np.linalg.norm(VECTORS - VECTORS[40], axis=1))[:5]) | set(
        np.argsort(np.linalg.norm(VECTORS - VECTORS[3], axis=1))[:5]
    )
    assert set(np.flatnonzero(wire.session.selection)) == wanted
    wire.say("clear")
    wire.say("grow", k=1)
    assert "nothing is selected" in wire.toasts()[-1]


def test_growing_shows_how_far_it_is_and_stops(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "QUIET", 0.0)
    monkeypatch.setattr(neighbours, "OFTEN", 0.0)

    def endless(features: Any, rows: Any, k: int, metric: str, progress: Progress) -> None:
        while True:
            progress(0.5)
            time.sleep(0.01)

    monkeypatch.setattr("explorer.session.nearby.around", endless)
    wire.say("select", rule=Ids(["i40"]).to_json(), mode="replace")
    for stop in ({"verb": "grow_stop"}, {"verb": "clear"}):
        wire.say("grow", k=4)
        until(lambda: wire.values()["growing"] == {"fraction": 0.5, "of": 1}, "how far it is")
        wire.say(**stop)
        until(lambda: not neighbours_of(wire)._growing.busy, "its end")
        assert wire.values()["growing"] is None
        wire.say("select", rule=Ids(["i40"]).to_json(), mode="replace")
    assert wire.session.selection.sum() == 1


def neighbours_of(wire: Wire) -> neighbours.Neighbours:
    return next(part for part in wire.view.parts if isinstance(part, neighbours.Neighbours))


def test_ids_to_copy(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wire.say("ids") == []
    wire.say("select", rule=Ids(["i7", "i3"]).to_json(), mode="replace")
    assert wire.say("ids") == [{"ids": {"text": "i3\ni7", "count": 2}}]
    monkeypatch.setattr(neighbours, "COPIED", 1)
    wire.say("ids")
    assert "use Export" in wire.toasts()[-1]


# The end of a visit


def test_nothing_is_left_of_visits_that_are_over(sent: list, worker: Worker) -> None:
    workspace = Workspace(everything())
    first = Session(workspace.dataset, workspace)
    first.extract("vectors")
    first.reduce("pca")
    first.cluster("kmeans", n_clusters=3)
    alive = weakref.WeakSet[Any]()
    for visit in range(30):
        wire = Wire(Session(workspace.dataset, workspace, worker=worker), sent)
        alive.update([wire.view, wire.session, wire.view.page, wire.view.pipeline])
        wire.say("ready")
        wire.say(**VIEW)
        wire.say("select", rule=InCluster(visit % 3).to_json(), mode="replace")
        wire.say("label", name=f"visit {visit % 4}")
        wire.say("hover", **center(wire.session, visit))
        wire.say("items", mode="gallery", version=wire.values()["items_of"]["version"], start=0, count=20)
        wire.say("setting", kind="cluster", name="n_clusters", value=4)
        wire.say("run", kind="cluster")
        wire.wait("frame")
        if visit % 2:
            until(lambda wire=wire: not wire.view.pipeline.busy, "the end of a run")
        wire.view.close()
        wire.view.close()  # the document's end and a person's may both come
    kept = wire.view  # the control: what is held is seen
    del wire

    def left(most: int) -> bool:
        sent.clear()  # what a closed page still said
        gc.collect()
        return len(alive) <= most

    until(lambda: left(4), f"{len(alive)} objects to go", seconds=120)
    assert {type(one).__name__ for one in alive} == {"Explorer", "Session", "Pages", "Pipeline"}
    del kept
    until(lambda: left(0), "the last ones to go", seconds=120)
    first.close()
    assert not workspace.param.watchers.get("labels", {}).get("value", []), "nobody follows the workspace any more"
    workspace.close()


def test_a_run_outlives_its_page_but_nothing_follows(session: Session) -> None:
    """The page may be loaded again, and finds the result."""
    pipeline = waiting(session, reduce=Sleeps(rounds=20))
    pipeline.run("reduce")
    pipeline.close()
    assert run_out(pipeline) == [("reduce", "sleeps")]


def test_a_visit_that_is_gone_does_not_stop_anothers_labelling(session: Session) -> None:
    """One that could not begin, or whose page was closed: sending to its document raised in who labelled."""
    from bokeh.document import Document
    from bokeh.server.contexts import BokehSessionContext

    document, view = Document(), Explorer(session)
    called: list[str] = []
    context = BokehSessionContext("a", None, document)  # type: ignore[arg-type]
    document._session_context = weakref.ref(context)
    view._document = document
    view._later(lambda: called.append("there"))
    assert len(document.session_callbacks) == 1
    assert not called, "that is for the document's own thread"
    del context
    gc.collect()
    view._later(lambda: called.append("gone"))
    assert not called


def test_in_a_notebook_no_message_of_any_thread_is_lost() -> None:
    """Panel's list of what is to be sent is replaced while it is sent: without a lock, threads lost messages to each other."""
    import panel as pn
    from bokeh.document import Document
    from panel.io.state import state as panel_state
    from pyviz_comms import Comm

    class Listening(Comm):
        heard: ClassVar[list[str]] = []

        def send(self, data: Any = None, metadata: Any = None, buffers: Any = ()) -> None:
            if data and "messages-of" in data:
                self.heard.append(data)

    pn.extension()
    pages = Pages(lambda message: None)
    page, document, comm = Page(pages), Document(), Listening()
    comm._comm = comm  # open
    root = page.get_root(document, comm)
    panel_state._views[root.ref["id"]] = (page, root, document, comm)
    document.hold()

    def speak(who: int) -> None:
        for count in range(200):
            pages.set(said=f"messages-of-{who}:{count};")

    threads = [threading.Thread(target=speak, args=(who,)) for who in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
        del panel_state._views[root.ref["id"]]
    heard = re.findall(r"messages-of-\d:\d+;", "".join(Listening.heard))
    assert sorted(heard) == sorted(f"messages-of-{who}:{count};" for who in range(4) for count in range(200))


# Columns, filters and the legend's histogram


def facets(wire: Wire, search: str = "") -> dict[str, dict[str, Any]]:
    """The columns as the tab shows them, once all are counted."""
    start = len(wire.sent)
    wire.say("columns", open=True, search=search)
    return latest(wire, start)


def latest(wire: Wire, start: int) -> dict[str, dict[str, Any]]:
    def found() -> Any:
        sent = [message["set"]["columns"] for message in wire.sent[start:] if "columns" in message.get("set", {})]
        return next((one for one in sent if not one["counting"]), None)

    return {facet["name"]: facet for facet in until(found, "the columns")["facets"]}


def test_every_column_has_bars_that_follow_the_selection_and_the_filters(wire: Wire) -> None:
    assert "columns" not in wire.values(), "counted only while the tab is open"
    shown = facets(wire)
    assert list(shown) == ["cluster", "number", "huge", "kind", "many", "code", "day", "flag"]
    for one in shown.values():
        counts = [bar["all"] for bar in one["bars"]] if one["kind"] == "values" else [*one["all"], one["missing"]["all"]]
        assert sum(counts) == N, one["name"]
    start = len(wire.sent)
    wire.say("select", rule=InCluster(1).to_json(), mode="replace")
    kind = wire.session.dataset.column("kind")
    chosen = {bar["name"]: bar["selected"] for bar in latest(wire, start)["kind"]["bars"]}
    assert chosen == {name: ((kind == name) & wire.session.selection).sum() for name in "abc"} | {
        "(missing)": (kind.isna() & wire.session.selection).sum()
    }
    start = len(wire.sent)
    wire.say("filter_values", column="kind", values=["a", "(missing)"])
    now = latest(wire, start)
    assert [bar["shown"] for bar in now["kind"]["bars"] if not bar["on"]] == [0, 0]
    assert [bar["name"] for bar in now["kind"]["bars"] if bar["on"]] == ["a", "(missing)"]
    assert sum(now["number"]["shown"]) + now["number"]["missing"]["shown"] == wire.session.shown.sum()
    wire.say("columns", open=False, search="")
    start = len(wire.sent)
    wire.say("clear")
    time.sleep(0.05)
    assert not [message for message in wire.sent[start:] if "columns" in message.get("set", {})]


def test_a_range_filters_the_map_the_items_and_what_can_be_brushed(wire: Wire) -> None:
    edges = facets(wire)["number"]["edges"]
    wire.say("filter_range", column="number", low=edges[2], high=edges[5])
    number = wire.session.dataset.column("number").to_numpy()
    inside = (number >= edges[2]) & (number < edges[5])
    assert 0 < inside.sum() < N
    assert (wire.session.shown == inside).all()
    assert wire.values()["items_of"]["count"] == inside.sum()
    start = len(wire.sent)
    wire.say(**VIEW | {"viewport": [-50.0, 50.0, -50.0, 50.0]})
    assert wire.wait("frame", start)["seen"] == inside.sum()
    wire.say("select", rule=Box(-99, -99, 99, 99).to_json(), mode="replace")
    assert (wire.session.selection == inside).all()
    wire.say("select_entry", name="a")
    assert (wire.session.selection == inside & (wire.session.dataset.column("kind") == "a").to_numpy()).all()
    outside = int(np.flatnonzero(~inside)[0])
    wire.say("clear")
    wire.say("pick", **center(wire.session, outside), mode="replace")
    assert not wire.session.selection.any()
    assert facets(wire)["number"]["place"] == [2, 5]
    wire.say("filter_range", column="number", low=None, high=None)
    assert wire.session.shown is None


def test_chips_say_what_is_filtered_and_take_it_away(wire: Wire) -> None:
    assert wire.values()["filters"] == []
    wire.say("filter_range", column="number", low=1, high=3)
    wire.say("filter_values", column="kind", values=["a"])
    wire.say("hide", name="b")
    words = [(chip["key"], chip["name"], chip["text"]) for chip in wire.values()["filters"]]
    assert words == [("number", "number", "1 – 3"), ("kind", "kind", "a"), (None, "kind", "without b")]
    wire.say("unfilter", column="number")
    assert [chip["key"] for chip in wire.values()["filters"]] == ["kind", None]
    wire.say("unfilter_all")
    assert wire.values()["filters"] == []
    assert wire.session.shown is None
    wire.say("solo", name="c")
    assert wire.values()["filters"][0]["text"] == "only c"


def test_what_is_no_filter_is_said(wire: Wire) -> None:
    for verb, fields in [
        ("filter_range", {"column": "kind", "low": 1, "high": 2}), ("filter_range", {"column": "number", "low": "a", "high": 2}),
        ("filter_values", {"column": "number", "values": ["a"]}), ("filter_values", {"column": "kind", "values": ["nope"]}),
        ("unfilter", {"column": "nope"}), ("filter_range", {"column": "words", "low": 1, "high": 2}),
    ]:  # fmt: skip
        before = len(wire.toasts())
        wire.say(verb, **fields)
        assert len(wire.toasts()) == before + 1
        assert wire.toasts()[-1] != "that did not work; reload the page if it happens again"
    assert wire.session.filters == {}


def test_the_legend_of_numbers_is_a_histogram_that_filters(wire: Wire) -> None:
    wire.say("color", by="column:number")
    drawn = until(lambda: wire.values().get("histogram"), "the histogram")
    assert drawn["key"] == "number"
    assert len(drawn["colors"]) == len(drawn["all"])
    assert (drawn["colors"][0][:3], drawn["colors"][-1]) == ("#44", "#fde725"), "dark to light, as on the map"
    assert sum(drawn["all"]) == N - 9
    start = len(wire.sent)
    wire.say("filter_range", column="number", low=5, high=None)
    until(lambda: [m for m in wire.sent[start:] if "histogram" in m.get("set", {})], "the histogram")
    again = wire.values()["histogram"]
    assert sum(again["shown"]) == (wire.session.dataset.column("number") >= 5).sum()
    assert again["filtered"]


def test_counts_in_view_are_found_by_an_entrys_code(wire: Wire) -> None:
    for by in ("column:kind", "cluster", "label", "column:many"):
        wire.say("color", by=by)
        start = len(wire.sent)
        wire.say(**VIEW | {"viewport": [-5.0, 0.0, -50.0, 50.0]})
        counts, colors = wire.wait("frame", start)["counts"], wire.session.coloring()
        x = wire.session.layout.values[:, 0]
        for entry in wire.values()["color"]["entries"]:
            inside = (x >= -5) & (x <= 0) & (colors.codes == colors.names.index(entry["name"]))
            assert counts[entry["code"]] == inside.sum()


def test_density_has_a_scale_and_no_entries(wire: Wire) -> None:
    assert {"value": "density", "name": "density"} in wire.values()["color"]["choices"]
    wire.say("color", by="density")
    said = wire.values()["color"]
    assert (said["kind"], said["entries"], len(said["scale"])) == ("density", [], 6)
    start = len(wire.sent)
    wire.say(**VIEW)
    assert wire.wait("frame", start)["densest"] >= 1


def test_a_filter_of_labels_is_redrawn_when_something_is_labelled(wire: Wire) -> None:
    wire.say("select", rule=InCluster(0).to_json(), mode="replace")
    wire.say("label", name="done")
    wire.say("filter_values", column="label", values=["no label"])
    wire.say("select", rule=InCluster(1).to_json(), mode="replace")
    wire.say(**VIEW | {"viewport": [-50.0, 50.0, -50.0, 50.0]})
    until(lambda: [m for m in wire.sent if "frame" in m and m["frame"]["seen"] == 60], "those without a label")
    start = len(wire.sent)
    wire.say("label", name="done")
    assert wire.values()["items_of"]["count"] == 30
    until(lambda: [m for m in wire.sent[start:] if "frame" in m and m["frame"]["seen"] == 30], "fewer on the map")
    assert wire.session.shown.sum() == 30
    assert wire.values()["selection"]["hidden"] == 30
    wire.say("delete", name="done")
    assert wire.session.shown.sum() == N, "no label is left to have"


def test_a_hundred_columns_are_shown_a_page_at_a_time(sent: list) -> None:
    session = Session(table(**{f"<b>{column}</b>": np.arange(20.0) for column in range(100)}))
    wire = Wire(session, sent)
    wire.say("ready")
    assert len(facets(wire)) == 24
    assert (wire.values()["columns"]["more"], wire.values()["columns"]["total"]) == (76, 100)
    assert list(facets(wire, "b>7<")) == ["<b>7</b>"]
    assert facets(wire, "nope") == {}
    wire.view.close()


def test_only_the_newest_wish_is_done(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("explorer"), "disabled", False)  # some library's logging.config has switched it off
    go, done = threading.Event(), []

    def do(wish: int) -> None:
        go.wait(10)
        done.append(wish)
        if wish == 9:
            raise ValueError("a wish that fails")

    with ThreadPoolExecutor(2) as pool:
        newest = Newest(pool, do)
        newest.ask(0)
        until(lambda: not newest.outdated, "the first to begin")
        for wish in range(1, 10):
            newest.ask(wish)
        assert newest.outdated
        go.set()
        until(lambda: 9 in done, "the last")
        newest.ask(10)
        until(lambda: 10 in done, "one more after a failure")
    assert done == [0, 9, 10]
    assert "could not be worked out" in caplog.text


def test_nothing_is_told_after_its_end_was() -> None:
    told: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def do(wish: str) -> None:
        with newest.wanted():
            begun.set()
            go.wait(0.3)
            told.append(f"{wish} goes on")
        go.wait(30)
        with newest.wanted():
            told.append(f"{wish} has ended")

    with ThreadPoolExecutor(1) as pool:
        newest: Newest[str] = Newest(pool, do)
        newest.ask("the first")
        assert begun.wait(30)
        newest.stop()
        told.append("stopped")
        go.set()
        until(lambda: not newest.busy, "the end")
    assert told == ["the first goes on", "stopped"]


def test_who_asks_without_end_does_not_keep_the_threads_for_themselves() -> None:
    over, served = threading.Event(), threading.Event()

    def endless(wish: int) -> None:
        busy.ask(wish + 1)
        over.wait(0.001)

    with ThreadPoolExecutor(1) as pool:
        busy: Newest[int] = Newest(pool, endless)
        other: Newest[int] = Newest(pool, lambda wish: served.set())
        busy.ask(0)
        other.ask(0)
        came = served.wait(10)
        busy._do = lambda wish: None
        until(lambda: not busy.busy, "the end")
    assert came
