"""A session: the whole public face, driven as a script drives it."""

from __future__ import annotations

import gc
import json
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import param
import pytest

import explorer
from explorer import Box, Clusterer, Extractor, HasLabel, Ids, InCluster, InputError, Lasso, Reducer, Session, Where
from explorer.reduction.pca import PCA
from explorer.step import Cancelled, Progress, Result
from explorer.worker import Worker
from explorer.workspace import Workspace

RNG = np.random.default_rng(0)
VECTORS = np.concatenate([RNG.normal(center, 0.3, (30, 6)) for center in (-3, 0, 3)]).astype(np.float32)
FRAME = pd.DataFrame({"id": [f"i{row}" for row in range(90)], "kind": ["a", "b", "c"] * 30, "size": np.arange(90) / 7})


class Halves(Clusterer):
    """Somebody's own step: left and right of a line."""

    method = "halves"
    where = param.Number(0.0, bounds=(-5, 5), doc="Where the line is.")
    seen: list[str] = []  # noqa: RUF012  what it was told, for the tests

    def compute(self, vectors: np.ndarray, progress: Progress) -> np.ndarray:
        self.seen.append("compute")
        progress(0.5, "looking")
        return (vectors[:, 0] > self.where).astype(np.int32)


class Slow(Reducer):
    """A step that takes until it is stopped."""

    method = "slow"

    def compute(self, vectors: np.ndarray, progress: Progress) -> np.ndarray:
        for step in range(10_000):
            progress(step / 10_000, "slow")
            time.sleep(0.001)
        return vectors[:, :2]


class Told(Extractor):
    """Features that do not depend on any column."""

    method = "told"

    def compute(self, data: explorer.Dataset, progress: Progress) -> np.ndarray:
        return VECTORS[: len(data)]


@pytest.fixture
def session() -> Session:
    return Session(VECTORS)


@pytest.fixture
def mapped(session: Session) -> Session:
    """With a layout and clusters."""
    session.extract("vectors")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=3)
    return session


# The steps


def test_the_readme(tmp_path: Path) -> None:
    """Section 3 of the design, line by line."""
    dataset = explorer.read(FRAME)
    session = Session(dataset, workspace=tmp_path / "w.explorer")
    features = session.extract("columns")
    assert session.features is features
    assert (features.values.dtype, len(features.values)) == (np.float32, 90)
    layout = session.reduce("pca")
    assert session.layout is layout
    assert (layout.values.dtype, layout.values.shape) == (np.float32, (90, 2))
    clusters = session.cluster("kmeans", n_clusters=4)
    assert session.clusters is clusters
    assert (clusters.values.dtype, clusters.values.shape) == (np.int32, (90,))
    session.select(Lasso([(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)]))
    assert (session.selection.dtype, session.selection.all()) == (bool, True)
    assert session.selected_ids.tolist() == FRAME["id"].tolist()
    assert session.label("spiral") == 90
    assert session.labels["i3"] == "spiral"
    assert session.labels.to_frame().shape == (90, 1)
    assert session.undo() == "label 'spiral'"
    assert len(session.labels) == 0
    assert session.redo() == "label 'spiral'"
    out = session.export(tmp_path / "labels.csv")
    assert pd.read_csv(out)["label"].tolist() == ["spiral"] * 90
    session.workspace.close()


def test_whatever_read_takes_is_a_dataset() -> None:
    assert Session(FRAME).dataset.ids.tolist() == FRAME["id"].tolist()
    assert len(Session(VECTORS).dataset) == 90
    with pytest.raises(InputError, match="cannot be read"):
        Session(3)


def test_a_name_a_class_and_a_step_are_the_same(session: Session) -> None:
    session.extract()  # the one that fits: vectors
    assert session.features.method == "vectors"
    first = session.reduce("pca")
    assert session.reduce(PCA()).key == first.key == session.reduce(PCA).key
    assert session.cluster(Halves(where=1.5)).settings["where"] == 1.5
    assert session.cluster(Halves, where=2).settings["where"] == 2
    with pytest.raises(InputError, match=r"session.cluster\(...\)"):
        session.reduce(Halves())


def test_a_result_is_one_line_in_a_cell(mapped: Session) -> None:
    result = mapped.layout
    assert result is not None
    said = repr(replace(result, method="m", settings={"a": 1, "b": "x"}, seconds=1.26))
    assert said == f"<Result of m: ({len(mapped.dataset)}, 2) float32, 1.3 s; a=1, b='x'>"


def test_a_result_is_computed_once(mapped: Session) -> None:
    Halves.seen.clear()
    first = mapped.cluster(Halves(where=1))
    mapped.cluster(Halves(where=2))
    again = mapped.cluster(Halves(where=1))
    assert Halves.seen == ["compute"] * 2
    assert np.array_equal(first.values, again.values)


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda s: s.reduce("pca"), r"first call session.extract\(\)"),
        (lambda s: s.cluster("kmeans"), r"first call session.reduce\(\)"),
        (lambda s: s.cluster("kmeans", on="vectors"), r"first call session.extract\(\)"),
        (lambda s: s.start(s.step("reduce", "pca")), r"first call session.extract\(\)"),
        (lambda s: s.extract("vectros"), "did you mean 'vectors'"),
        (lambda s: s.reduce("umpa"), "did you mean 'umap'"),
        (lambda s: s.reduce("pca", n=3), "no setting of 'pca'"),
        (lambda s: s.label("x"), "nothing is selected"),
        (lambda s: s.unlabel(), "nothing is selected"),
        (lambda s: s.rename_category("a", "b"), "no category"),
        (lambda s: s.merge_category("a", "b"), "no category"),
        (lambda s: s.delete_category("a"), "no category"),
        (lambda s: s.select(Box(0, 0, 1, 1)), "reduce first"),
        (lambda s: s.select(["nobody"]), "no item with id"),
        (lambda s: s.select(Ids([]), mode="xor"), "no selection mode"),
        (lambda s: s.export("out.docx"), "known are"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(session: Session, do, says: str) -> None:
    with pytest.raises(InputError, match=says):
        do(session)
    assert session.features is session.layout is session.clusters is None
    assert not session.selection.any()
    assert not session.can_undo


def test_watchers_hear_of_results(mapped: Session) -> None:
    seen: list[str] = []
    mapped.param.watch(lambda event: seen.append(event.name), ["features", "layout", "clusters", "selection", "labels"])
    mapped.cluster(Halves())
    mapped.select(InCluster(0))
    mapped.label("x")
    assert seen == ["clusters", "selection", "labels"]


def test_progress_and_stop(session: Session) -> None:
    session.extract("vectors")
    told: list[tuple[float, str]] = []

    def stop() -> bool:
        return len(told) > 5

    with pytest.raises(Cancelled):
        session.reduce(Slow(), Progress(lambda fraction, note: told.append((fraction, note)), stop))
    assert session.layout is None
    assert told[-1][1] == "slow"
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)


def test_stale(mapped: Session) -> None:
    kinds = ("extract", "reduce", "cluster")
    assert not any(map(mapped.stale, kinds))
    mapped.extract(Told())
    assert [mapped.stale(kind) for kind in kinds] == [False, True, False]
    mapped.reduce("pca", random_state=1)
    assert [mapped.stale(kind) for kind in kinds] == [False, False, True]
    mapped.cluster("kmeans", on="vectors")
    mapped.reduce("pca", random_state=2)
    assert [mapped.stale(kind) for kind in kinds] == [False, False, False]


def test_a_layout_that_came_with_the_data(tmp_path: Path) -> None:
    frame = FRAME.assign(east=VECTORS[:, 0], north=VECTORS[:, 1])
    session = Session(explorer.read(frame, layout="east,north"))
    assert session.layout.method == "given"
    assert np.array_equal(session.layout.values, VECTORS[:, :2])
    assert not session.stale("reduce")
    session.cluster("kmeans", n_clusters=3)
    assert len(pd.read_csv(session.export(tmp_path / "o.csv"))["cluster"].unique()) == 3


# Selections and labels in one line of history


def test_selecting(mapped: Session) -> None:
    sizes = [int((mapped.clusters.values == cluster).sum()) for cluster in range(3)]
    assert mapped.select(InCluster(0)).sum() == sizes[0]
    assert mapped.select(InCluster(1), mode="add").sum() == sizes[0] + sizes[1]
    assert mapped.select(InCluster(0), mode="subtract").sum() == sizes[1]
    assert mapped.select(mapped.dataset.ids[:5].tolist(), mode="intersect").sum() <= 5
    assert mapped.clear().sum() == 0
    assert mapped.rule is None
    with pytest.raises(ValueError, match="read-only"):
        mapped.selection[0] = True


def test_a_thousand_clicks_keep_their_reason(mapped: Session) -> None:
    for identifier in mapped.dataset.ids.tolist() * 5:
        mapped.select([identifier], mode="add")
    assert mapped.rule.mask(mapped.seen).all()
    mapped.label("all")


def test_undo_and_redo_walk_one_line(mapped: Session) -> None:
    ids = mapped.dataset.ids.tolist()
    mapped.select(ids[:2])
    mapped.label("x")
    mapped.select(ids[1:3])
    mapped.label("y")
    mapped.rename_category("x", "z")
    done = []
    while mapped.can_undo:
        done.append(mapped.undo())
    assert done == ["rename 'x' to 'z'", "label 'y'", "selection", "label 'x'", "selection"]
    assert (dict(mapped.labels), mapped.labels.names, mapped.selection.any()) == ({}, [], False)
    assert mapped.undo() is None
    while mapped.can_redo:
        mapped.redo()
    assert dict(mapped.labels) == {ids[0]: "z", ids[1]: "y", ids[2]: "y"}
    assert mapped.selected_ids.tolist() == ids[1:3]
    assert mapped.redo() is None
    mapped.undo()
    mapped.select(ids[:1])  # something new: what was undone is forgotten
    assert not mapped.can_redo


def test_selecting_the_same_again_is_nothing_to_undo(mapped: Session) -> None:
    mapped.select(InCluster(0))
    mapped.undo()
    mapped.select(InCluster(0))
    mapped.select(InCluster(0))
    mapped.undo()
    assert not mapped.can_undo


def test_category_verbs_and_counts(mapped: Session) -> None:
    ids = mapped.dataset.ids.tolist()
    mapped.create_category("empty", "#123456")
    mapped.select(ids[:4])
    assert mapped.label("x") == 4
    assert mapped.label("x") == 0
    mapped.select(ids[4:6])
    assert mapped.label("y") == 2
    assert mapped.merge_category("y", "x") == 2
    assert mapped.select(HasLabel("x")).sum() == 6
    assert mapped.select(HasLabel(None)).sum() == 84
    mapped.select(ids[:1])
    assert mapped.unlabel() == 1
    mapped.recolor_category("x", "#ff0000")
    assert mapped.delete_category("x") == 5
    assert mapped.labels.names == ["empty"]
    for _ in range(3):
        mapped.undo()
    assert mapped.labels.counts == {"empty": 0, "x": 6}


def test_a_label_that_cannot_be_saved_is_not_shown_and_can_be_tried_again(tmp_path: Path) -> None:
    session = Session(VECTORS, tmp_path / "w")
    session.select([0, 1])
    session.label("x")
    session.workspace._journal.connection.execute("PRAGMA query_only = on")  # as a disk that is full
    for attempt in (lambda: session.label("y"), session.undo):
        with pytest.raises(InputError, match="not saved"):
            attempt()
    assert dict(session.labels) == {0: "x", 1: "x"}
    session.workspace._journal.connection.execute("PRAGMA query_only = off")
    assert session.undo() == "label 'x'"
    assert dict(session.labels) == {}
    session.workspace.close()


def test_the_journal_says_why(tmp_path: Path) -> None:
    session = Session(FRAME, tmp_path / "w")
    session.select(Where("size", ">", 5) & ~Ids(["i80"]))
    session.label("big")
    chosen = session.selection
    why = session.why(session.selected_ids[0])
    assert (why["label"], why["verb"], why["user"], why["items"]) == ("big", "label 'big'", session.user, chosen.sum())
    assert session.why("i80") is None
    session.clear()
    assert session.replay(why["rule"]).tolist() == chosen.tolist()
    assert session.replay(why["seq"], "intersect").tolist() == chosen.tolist()
    given = session.given()
    assert given.index[given.labeller.notna()].tolist() == session.selected_ids.tolist()
    rule = explorer.selection.from_json(json.loads(given.rule[chosen].iloc[0])["rule"])
    assert rule.mask(session.seen).tolist() == chosen.tolist()
    session.workspace.close()


def test_a_region_says_of_which_layout_and_is_drawn_again_on_another(mapped: Session) -> None:
    x, y = mapped.layout.values[0].tolist()
    mapped.select(explorer.Box(x - 0.5, y - 0.5, x + 0.5, y + 0.5))
    mapped.label("near")
    why = mapped.why(mapped.dataset.ids[0])
    assert why["on"]["layout"][2] == mapped.layout.key
    mapped.layout = replace(mapped.layout, values=mapped.layout.values + np.float32(100), key="moved")
    assert not mapped.replay(why["rule"]).any(), "the same region of the other layout, where nothing lies"


def test_a_label_that_came_back_is_of_who_gave_it(mapped: Session) -> None:
    item = mapped.dataset.ids[4]
    mapped.label("x", Ids([item]))
    first = mapped.why(item)
    mapped.label("y", Ids([item]))
    mapped.undo()
    assert mapped.why(item) == first
    mapped.redo()
    assert mapped.why(item)["label"] == "y"
    assert mapped.given().labelled_at[item] == mapped.why(item)["time"]


def test_label_sets_stand_side_by_side(mapped: Session) -> None:
    ids = mapped.dataset.ids.tolist()
    mapped.label("owl", Ids(ids[:3]))
    mapped.use_label_set("quality")
    assert dict(mapped.labels) == {}
    mapped.label("blurred", Ids(ids[2:4]))
    assert mapped.label_sets == ["labels", "quality"]
    assert dict(mapped.labels_of("labels")) == dict.fromkeys(ids[:3], "owl")
    mapped.color_by = "label:labels"
    assert mapped.coloring().names == ["owl", "no label"]
    assert mapped.select(HasLabel("owl", "labels") & HasLabel("blurred")).nonzero()[0].tolist() == [2]
    mapped.undo()  # the selection
    mapped.undo()
    assert dict(mapped.labels) == {}, "undo takes back what was done last, in whichever set"
    with pytest.raises(InputError, match="1 to 60 characters"):
        mapped.use_label_set(" ")


def test_categories_in_categories(mapped: Session) -> None:
    ids = mapped.dataset.ids
    mapped.label("bird/owl", Ids(ids[:3]))
    mapped.label("bird/wren", Ids(ids[3:5]))
    mapped.label("bird", Ids(ids[5:6]))
    mapped.color_by = "parent"
    assert mapped.coloring().counts().tolist() == [6, len(ids) - 6]
    mapped.rename_category("bird", "aves")
    assert mapped.labels.names == ["aves/owl", "aves/wren", "aves"]
    with pytest.raises(InputError, match="merge"):
        mapped.rename_category("aves/owl", "aves/wren")


def test_a_category_is_split_by_cluster(mapped: Session) -> None:
    with pytest.raises(InputError, match="no category"):
        mapped.split_category("x")
    mapped.label("x", ~InCluster(-1))
    count = mapped.split_category("x")
    assert count == (mapped.clusters.values >= 0).sum()
    assert all(name == "x" or name.startswith("x/") for name in mapped.labels.names)
    mapped.undo()
    assert mapped.labels.counts == {"x": count}


def test_keys_and_notes_of_categories(mapped: Session) -> None:
    mapped.create_category("a")
    mapped.create_category("b")
    mapped.bind_category("b", 1)
    mapped.annotate_category("b", "seen at dusk")
    assert {c.name: (c.key, c.note) for c in mapped.labels.categories.values()} == {"a": (None, ""), "b": (1, "seen at dusk")}
    for wrong in (0, 10, "x", True):
        with pytest.raises(InputError, match="1 to 9"):
            mapped.bind_category("a", wrong)


def test_a_session_takes_up_where_the_last_one_was(tmp_path: Path) -> None:
    first = Session(VECTORS, tmp_path / "w")
    first.extract()
    first.reduce("pca")
    first.select([3])
    first.label("x")
    first.workspace.close()
    second = Session(VECTORS, str(tmp_path / "w"))
    assert np.array_equal(second.layout.values, first.layout.values)
    assert dict(second.labels) == {3: "x"}
    assert second.undo() == "label 'x'", "undo survives a restart"
    assert dict(second.labels) == {}
    second.workspace.close()
    third = Session(VECTORS, str(tmp_path / "w"))
    assert not third.can_undo
    assert third.redo() == "label 'x'"
    third.workspace.close()
    stranger = Session(VECTORS, str(tmp_path / "w"), user="ben")
    assert not stranger.can_undo, "undo is of one's own doings"
    stranger.label("y", Ids([3]))
    assert stranger.entry.overwrote == {third.user: 1}
    stranger.workspace.close()


def test_a_closed_session_is_forgotten_and_follows_no_more() -> None:
    workspace = Workspace(explorer.read(VECTORS))
    gone = Session(workspace.dataset, workspace)
    watched = weakref.ref(gone)
    del gone
    gc.collect()
    assert watched() is None
    assert not workspace.param.watchers.get("sets", {}).get("value", [])
    workspace.close()


# Colours and names


def test_coloring_counts_everything(mapped: Session) -> None:
    mapped.select(mapped.dataset.ids[:10].tolist())
    mapped.label("x")
    for choice in mapped.color_choices:
        mapped.color_by = choice["value"]
        assert mapped.coloring().counts().sum() == 90
    mapped.color_by = "label"
    found = mapped.coloring()
    assert found.names == ["x", "no label"]
    assert found.counts().tolist() == [10, 80]


# In a child process


@pytest.fixture(scope="module")
def worker():
    worker = Worker(limit=1)
    yield worker
    worker.close()


@pytest.mark.parametrize("workspace", [False, True])
def test_start_and_finish(tmp_path: Path, workspace: bool, worker: Worker) -> None:
    session = Session(VECTORS, tmp_path / "w" if workspace else None, worker=worker)
    for kind, method in (("extract", "vectors"), ("reduce", "pca"), ("cluster", "kmeans")):
        job = session.start(session.step(kind, method)).wait(60)
        assert job.state == "done", job.message
        result = session.finish(job)
        assert result.kind == kind
    here = Session(VECTORS)
    here.extract("vectors")
    here.reduce("pca")
    assert np.array_equal(session.layout.values, here.layout.values)
    assert session.layout.key == here.layout.key
    again = session.start(session.step("reduce", "pca")).wait(5)
    assert session.finish(again).seconds == session.layout.seconds
    session.workspace.close()


def test_a_step_of_a_notebooks_cell_runs_too(mapped: Session) -> None:
    result = mapped.finish(mapped.start(Halves(where=0.5)).wait(20))
    assert (result.method, mapped.clusters.key) == ("halves", result.key)
    assert Path(mapped.workspace.result_folder("cluster", "halves", result.key)).is_dir()


def test_a_job_that_did_not_finish_changes_nothing(mapped: Session, worker: Worker) -> None:
    before = mapped.layout
    mapped._worker = worker
    job = mapped.start(Slow())
    job.stop()
    with pytest.raises(InputError, match="stopped"):
        mapped.finish(job.wait(10))
    assert mapped.layout is before
    mapped.features = Result(np.full((90, 3), np.nan, np.float32), "extract", "broken", {}, "f", "broken-key")
    job = mapped.start(mapped.step("reduce", "pca")).wait(60)
    with pytest.raises(InputError, match="rows have features"):
        mapped.finish(job)
    assert mapped.layout is before


# Out


def test_export_and_its_record(mapped: Session, tmp_path: Path) -> None:
    mapped.select(InCluster(0))
    mapped.label("first")
    out = mapped.export(tmp_path / "out.parquet")
    table = pd.read_parquet(out)
    assert list(table)[:5] == ["id", "x", "y", "cluster", "label"]
    assert np.array_equal(table[["x", "y"]].to_numpy(), mapped.layout.values)
    assert ((table["label"] == "first") == (table["cluster"] == 0)).all()
    record = json.loads((tmp_path / "out.parquet.settings.json").read_text())
    assert [step["method"] for step in record["steps"]] == ["vectors", "pca", "kmeans"]
    assert record["steps"][2]["settings"]["n_clusters"] == 3
    assert record["dataset"]["fingerprint"] == mapped.dataset.fingerprint
    assert [category["name"] for category in record["categories"]] == ["first"]
    with pytest.raises(InputError, match="there already"):
        mapped.export(out)
    mapped.export(out, force=True)


def test_export_before_any_step(session: Session, tmp_path: Path) -> None:
    table = pd.read_csv(session.export(tmp_path / "out.csv"))
    assert table["id"].tolist() == list(range(90))
    assert table[["x", "y", "cluster", "label"]].isna().all(axis=None)


def test_the_door_has_what_the_design_says() -> None:
    for name in ("read", "Dataset", "Session", "Box", "Lasso", "Where", "Ids", "InCluster", "HasLabel", "Step", "InputError"):
        assert getattr(explorer, name) is not None


def test_brushing_can_be_walked_back_a_long_way_but_not_without_end() -> None:
    session = Session(np.zeros((10, 2)))
    for turn in range(300):
        session.select(Ids(session.dataset.ids[turn % 10 : turn % 10 + 1]))
    steps = 0
    while session.undo():
        steps += 1
    assert steps == 200


def test_labels_can_be_undone_however_much_was_brushed_since() -> None:
    session = Session(np.zeros((10, 2)))
    session.select(Ids(session.dataset.ids[:1]))
    session.label("kept")
    for turn in range(300):
        session.select(Ids(session.dataset.ids[turn % 10 : turn % 10 + 1]))
    while session.undo():
        pass
    assert len(session.labels) == 0


def test_labels_are_taken_in_by_id(mapped: Session) -> None:
    ids = mapped.dataset.ids.tolist()
    mapped.label("old", Ids(ids[:3]))
    assert mapped.import_labels({ids[1]: "new", ids[2]: None, ids[5]: "", ids[0]: "old"}, "labels.csv") == 3
    assert dict(mapped.labels) == {ids[0]: "old", ids[1]: "new", ids[5]: ""}
    assert mapped.why(ids[5])["verb"] == "import from labels.csv"
    with pytest.raises(InputError, match="no item with id"):
        mapped.import_labels({ids[0]: "x", "nobody": "x"})
    assert mapped.undo() == "import from labels.csv"
    assert dict(mapped.labels) == dict.fromkeys(ids[:3], "old")


def test_that_two_agree_is_written(mapped: Session) -> None:
    """Who labels as somebody else did changes nothing and has said something: agreement is counted."""
    ids = mapped.dataset.ids.tolist()
    mapped.label("x", Ids(ids[:10]))
    ben = Session(mapped.dataset, mapped.workspace, user="ben")
    assert ben.label("x", Ids(ids[:10])) == 10
    assert ben.entry.overwrote == {}
    assert ben.label("x", Ids(ids[:10])) == 0, "once is enough"
    ben.label("y", Ids(ids[8:10]))
    given, names = ben.ratings()
    assert {user: [names[code] for code in codes[:10]] for user, codes in given.items()} == {
        mapped.user: ["x"] * 10, "ben": ["x"] * 8 + ["y"] * 2,
    }  # fmt: skip
    assert ben.why(ids[0])["user"] == "ben", "the later one counts"
    ben.undo()
    assert ben.undo() == "label 'x'"
    assert dict(ben.labels) == dict.fromkeys(ids[:10], "x")
    assert ben.why(ids[0])["user"] == mapped.user
    assert list(ben.ratings()[0]) == [mapped.user]
    assert ben.redo() == "label 'x'"
    assert ben.why(ids[0])["user"] == "ben"
    assert list(ben.ratings()[0]) == [mapped.user, "ben"]


def test_a_selection_says_why_though_what_it_was_drawn_on_is_replaced(mapped: Session) -> None:
    x, y = mapped.layout.values[0].tolist()
    mapped.select(explorer.Box(x - 0.5, y - 0.5, x + 0.5, y + 0.5))
    chosen = mapped.selection.copy()
    mapped.adopt(replace(mapped.layout, values=mapped.layout.values + np.float32(100), key="moved"))
    mapped.label("near")
    assert mapped.replay(mapped.why(mapped.dataset.ids[0])["rule"]).tolist() == chosen.tolist()
    mapped.clear()
    mapped.undo()
    mapped.undo()
    assert mapped.rule.mask(mapped.seen).tolist() == mapped.selection.tolist() == chosen.tolist(), "an undo leads back to it"
    mapped.label("owl", Ids(mapped.dataset.ids[:3]))
    mapped.select(HasLabel("owl"))
    chosen = mapped.selection.copy()
    mapped.use_label_set("quality")
    mapped.label("sharp")
    assert mapped.replay(mapped.why(mapped.dataset.ids[0])["rule"]).tolist() == chosen.tolist(), "owls are in the other set"


def test_filters_go_with_the_label_set_that_they_are_about(mapped: Session) -> None:
    mapped.label("owl", Ids(mapped.dataset.ids[:3]))
    mapped.filter("label", HasLabel("owl"))
    mapped.use_label_set("quality")
    assert mapped.shown is None, "there are no owls in this set"
    other = Session(mapped.dataset, mapped.workspace)
    mapped.filter("label", HasLabel("owl", "labels"))
    assert mapped.shown.sum() == 3
    other.label("owl", Ids(mapped.dataset.ids[3:5]))
    assert mapped.shown.sum() == 5, "what somebody gives in another set is seen"


def test_to_ask_for_a_label_set_does_not_make_it(mapped: Session) -> None:
    assert mapped.given("typo").label.isna().all()
    assert not len(mapped.gone("typo"))
    with pytest.raises(InputError):
        mapped.workspace.change(lambda labels: labels.delete("x"), "delete 'x'", by=explorer.workspace.By(label_set="typo"))
    mapped.label("owl", Ids(mapped.dataset.ids[:3]))
    assert mapped.label_sets == ["labels"]


def test_a_split_is_no_disagreement(mapped: Session) -> None:
    other = Session(mapped.dataset, mapped.workspace, user="ben")
    for session in (mapped, other):
        session.label("x", Ids(mapped.dataset.ids))
    assert mapped.split_category("x")
    ratings, names = mapped.ratings()
    assert ratings["ben"].tolist() == ratings[mapped.user].tolist() == mapped.labels.codes.tolist()
    assert names[ratings["ben"][0]].startswith("x/")


def test_ratings_are_of_what_is_known_here(tmp_path: Path) -> None:
    dataset = explorer.read(np.random.default_rng(0).normal(size=(20, 3)))
    here, there = (Session(dataset, explorer.workspace.Workspace(dataset, tmp_path / "w"), user=user) for user in ("anna", "ben"))
    here.label("x", Ids(dataset.ids[:3]))
    there.workspace.catch_up()
    there.label("y", Ids(dataset.ids[:3]))  # another process has made a category
    assert here.ratings()[1] == ["", "x"]
    here.workspace.catch_up()
    ratings, names = here.ratings()
    assert [names[ratings[user][0]] for user in ("anna", "ben")] == ["x", "y"]
    for session in (here, there):
        session.workspace.close()


def test_an_export_is_of_the_moment_at_which_it_was_asked_for(mapped: Session) -> None:
    from explorer.session.exporting import gathered

    mapped.label("x", Ids(mapped.dataset.ids[:3]))
    content = gathered(mapped, "labelled")
    mapped.label("y", Ids(mapped.dataset.ids[:1]))  # while it is written in another thread
    assert content.labels.tolist() == ["x"] * 3
    assert content.categories == ["x"]
