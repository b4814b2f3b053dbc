"""Supervised UMAP: items of different targets are drawn apart, and the targets are found, kept and told wherever the step runs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import explorer
from explorer import Session
from explorer.cli import main
from explorer.errors import InputError
from explorer.neighbors import neighbor_graph
from explorer.progress import Progress
from explorer.reduction import umap
from explorer.reduction.umap import UMAP, sketch
from explorer.reduction.umap.fuzzy import fuzzy_graph, parted
from explorer.sample import sample
from explorer.session.beside import codes
from explorer.views.pipeline import Pipeline


@pytest.fixture(scope="module")
def digits() -> pd.DataFrame:
    return pd.read_parquet(sample("digits.parquet")).head(700)


@pytest.fixture(scope="module")
def session(digits: pd.DataFrame) -> Session:
    made = Session(explorer.read(digits, id="id", vectors="pixels"))
    made.extract("vectors")
    return made


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_targets_weaken_the_graph_as_in_umap_learn(digits: pd.DataFrame, weight: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # its note that TensorFlow is missing
        from umap.umap_ import discrete_metric_simplicial_set_intersection

    rows = np.stack(digits["pixels"]).astype(np.float32)
    target = digits["digit"].astype(int).to_numpy(np.int32)
    target[::7] = -1
    graph = fuzzy_graph(neighbor_graph(rows, 14))
    far = 2.5 * (1.0 / (1.0 - weight)) if weight < 1.0 else 1.0e12  # as its `fit` has it
    theirs = discrete_metric_simplicial_set_intersection(graph.tocoo().copy(), target, far_dist=far)  # resets what it must itself
    ours = parted(graph, target, weight)
    assert abs(ours - theirs).max() < 1e-5
    assert weight != 0.5 or (parted(graph, target) != ours).nnz == 0, "and this is what it is without a word"


def test_different_digits_are_drawn_further_apart(session: Session, digits: pd.DataFrame) -> None:
    from sklearn.metrics import silhouette_score

    digit = digits["digit"].to_numpy()
    plain = session.reduce("umap", n_epochs=150)
    told = session.reduce("umap", n_epochs=150, target="column:digit")
    assert plain.key != told.key
    assert silhouette_score(told.values, digit) > silhouette_score(plain.values, digit) + 0.1


def same(layout: np.ndarray, target: np.ndarray) -> float:
    """The share of 5 neighbours on a layout that are of one's own target."""
    near = neighbor_graph(np.ascontiguousarray(layout, np.float32), 5).indices
    return float((target[near] == target[:, None]).mean())


def test_more_weight_draws_targets_further_apart() -> None:
    from sklearn.metrics import silhouette_score

    random = np.random.default_rng(0)
    vectors, target = random.normal(size=(600, 5)).astype(np.float32), random.integers(0, 2, 600).astype(np.int32)
    made = []
    for weight in ({"target_weight": 0.0}, {}, {"target_weight": 0.5}, {"target_weight": 0.9}):
        step = UMAP(n_epochs=60, target="column:x", **weight)
        step.beside = {"target": target}
        made.append(step.run(vectors).values)
    apart = [float(silhouette_score(one, target)) for one in made]
    assert apart[0] < 0.3 < 0.6 < apart[1]
    assert made[1].tobytes() == made[2].tobytes() != made[3].tobytes()


def test_the_sketch_of_many_items_knows_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(umap, "MANY", 1_000)
    monkeypatch.setattr(sketch, "SOME", 600)
    random = np.random.default_rng(0)
    vectors, target = random.normal(size=(1_000, 5)).astype(np.float32), random.integers(0, 2, 1_000).astype(np.int32)
    pictures: list[np.ndarray] = []
    share = []
    for step in (UMAP(n_epochs=5), UMAP(n_epochs=5, target="column:x"), UMAP(n_epochs=5, target="column:x", target_weight=1.0)):
        step.beside = {"target": target} if step.target else {}
        pictures.clear()
        step.run(vectors, Progress(None, lambda: False, lambda values: pictures.append(values.copy())))
        met = np.flatnonzero(np.isfinite(pictures[0]).all(axis=1))
        assert len(met) == 600, "a picture of the sketch"
        last = [one for one in pictures if np.isfinite(one).all(axis=1).sum() == 600][-1]
        share.append(same(last[met], target[met]))
    assert share[0] < 0.6
    assert share[1] > share[0] + 0.2
    assert share[2] > share[0] + 0.2


def test_a_child_process_is_told_the_same(session: Session) -> None:
    settings = {"n_epochs": 20, "target": "column:digit", "random_state": 3}
    job = session.start(session.step("reduce", "umap", **settings)).wait(120)
    files = [Path(place) for place in job.request["beside"].values()]
    child = session.finish(job)
    assert files
    assert not any(place.exists() for place in files)
    step = UMAP(**settings)
    step.beside = {"target": codes(session, "column:digit")}
    here = step.run(session.features.values, fingerprint=session.features.key)
    assert here.key == child.key
    assert here.values.tobytes() == np.asarray(child.values).tobytes()
    assert session.reduce("umap", **settings).key == child.key  # read back, not computed again


def test_the_page_offers_the_targets_that_there_are(session: Session) -> None:
    pipeline = Pipeline(session, {}, lambda kind: None)

    def offered() -> dict[str, Any]:
        return next(row for row in pipeline.describe("reduce")["schema"] if row["name"] == "target")

    assert offered()["type"] == "choice"
    assert offered()["choices"] == ["", "label", "cluster", "column:digit"]
    pipeline.change("reduce", "target", "column:id")
    assert offered()["choices"][-1] == "column:id", "what is set is shown, whatever it is"


def test_labels_are_a_target_and_part_of_the_key(session: Session) -> None:
    with pytest.raises(InputError, match="no item has a label yet"):
        session.reduce("umap", target="label")
    ids = session.dataset.ids
    session.select(ids[:40])
    session.label("first")
    session.select(ids[40:90])
    session.label("second")
    assert np.unique(codes(session, "label"), return_counts=True)[1].tolist() == [len(ids) - 90, 40, 50]
    one = session.reduce("umap", target="label", n_epochs=10)
    session.undo()
    assert session.reduce("umap", target="label", n_epochs=10).key != one.key
    session.redo()
    assert session.reduce("umap", target="label", n_epochs=10).key == one.key


def test_clusters_are_a_target(session: Session) -> None:
    fresh = Session(session.dataset)
    fresh.extract("vectors")
    with pytest.raises(InputError, match=r"there are no clusters yet; first call session\.cluster"):
        fresh.reduce("umap", target="cluster")
    fresh.reduce("pca")
    fresh.cluster("kmeans", n_clusters=4)
    assert (codes(fresh, "cluster") == fresh.clusters.values).all()
    assert fresh.reduce("umap", target="cluster", n_epochs=10).settings["target"] == "cluster"


def test_what_is_no_target_is_said(session: Session) -> None:
    with pytest.raises(InputError, match=r"no target is called 'columm:digit': did you mean 'column:digit'"):
        session.reduce("umap", target="columm:digit")
    with pytest.raises(InputError, match=r"did you mean 'digit'"):
        session.reduce("umap", target="column:digits")
    with pytest.raises(InputError, match="looked up by a session"):
        UMAP(target="column:digit", n_epochs=5).run(session.features.values)


def test_what_parts_everything_or_nothing_is_refused() -> None:
    frame = pd.DataFrame({"name": [f"n{row}" for row in range(40)], "empty": pd.array([None] * 40, dtype="Int64")})
    session = Session(explorer.read(frame.assign(size=range(40))))
    with pytest.raises(InputError, match="'column:name': it holds 40 different values; a target takes at most 20"):
        codes(session, "column:name")
    with pytest.raises(InputError, match="it holds 0 different values"):
        codes(session, "column:empty")


def test_what_is_missing_is_unknown() -> None:
    table = pa.table({"kind": ["a", None, "b", "", "a", "b"], "number": [1.5, float("nan"), 2.0, None, 1.5, 2.0]})
    session = Session(explorer.read(table))
    found = codes(session, "column:kind")
    assert (found < 0).tolist() == [False, True, False, True, False, False]
    assert found[0] == found[4] != found[2] == found[5]
    assert (codes(session, "column:number") < 0).tolist() == [False, True, False, True, False, False]


def test_targets_follow_their_items_past_rows_without_features_and_equal_ones() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(120, 5)).astype(np.float32)
    target = (np.arange(120) % 2).astype(np.int32)
    step = UMAP(n_epochs=30, target="column:x")
    step.beside = {"target": target}
    plain = step.run(vectors).values
    more = np.vstack([np.full((3, 5), np.nan), vectors, vectors[:10]]).astype(np.float32)
    step.beside = {"target": np.concatenate([[1, 1, 0], target, target[:10]]).astype(np.int32)}
    made = step.run(more).values
    assert np.isnan(made[:3]).all()
    assert made[3:123].tobytes() == plain.tobytes()
    assert made[123:].tobytes() == plain[:10].tobytes()


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = sample("digits.parquet"), tmp_path / "out.csv"
    line = ["run", str(source), "--vectors", "pixels", "--set", "reduce.n_epochs=20"]
    assert main([*line, "-o", str(out), "--set", "reduce.target=column:digit"]) == 0
    kept = (tmp_path / "out.csv.settings.json").read_text()
    assert '"target": "column:digit"' in kept
    assert main([*line, "-o", str(tmp_path / "no.csv"), "--set", "reduce.target=column:nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
