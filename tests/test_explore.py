"""Scikit-learn's way in: what people have in Python already, and results that were computed elsewhere."""

from __future__ import annotations

import importlib
import io
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import explorer
from explorer.errors import InputError
from explorer.session import Session
from explorer.sources import torch_data
from explorer.views.pipeline import Pipeline

N = 30
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 6)).astype(np.float32)
PLACES = RNG.normal(size=(N, 2)).astype(np.float32)
KINDS = np.array(["cat", "dog", "cat"] * (N // 3))


def picture(shade: int, size: tuple[int, int] = (8, 6)) -> Image.Image:
    return Image.new("RGB", size, (shade * 8, 0, 0))


def coded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as problem:
        call()
    message = str(problem.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.fixture
def session() -> Session:
    return Session(X)


# --- session.give


def test_given_values_are_the_current_results(session: Session) -> None:
    made = session.give(features=X[:, :3], layout=PLACES, clusters=[0, 1, -4] * 10)
    assert set(made) == {"features", "layout", "clusters"}
    assert made["layout"] is session.layout
    assert np.array_equal(session.features.values, X[:, :3])
    assert session.features.values.dtype == np.float32
    assert np.array_equal(session.layout.values, PLACES)
    assert session.clusters.values.tolist() == [0, 1, -1] * 10
    assert session.clusters.values.dtype == np.int32
    assert {one.method for one in made.values()} == {"given"}
    assert not any(session.stale(kind) for kind in ("extract", "reduce", "cluster"))
    assert session.reduce("pca").values.shape == (N, 2)  # given features are features


def test_clusters_that_were_given_are_never_called_outdated(session: Session) -> None:
    session.extract("vectors")
    session.reduce("pca")
    session.give(clusters=KINDS)
    session.give(features=X * 2)
    assert session.stale("reduce")
    assert not session.stale("cluster")
    described = Pipeline(session, {}, lambda kind: None).describe("cluster")
    assert described["summary"] == "2 clusters · 0% noise · given"
    assert not described["changed"]


def test_a_run_of_features_leaves_given_clusters_alone(session: Session) -> None:
    session.give(layout=PLACES, clusters=KINDS)
    pipeline = Pipeline(session, {}, lambda kind: None)
    assert not pipeline._follows("cluster", "extract")
    assert not pipeline._follows("reduce", "extract")


def test_named_clusters_keep_their_names_in_legend_workspace_and_export(tmp_path: Path) -> None:
    session = Session(X, tmp_path / "w")
    session.give(layout=PLACES, clusters=["big"] * 20 + [None, np.nan, "", pd.NA] + ["<i>small</i>"] * 6)
    session.color_by = "cluster"
    assert session.coloring().names == ["big", "<i>small</i>", "noise"]
    assert (session.clusters.values == -1).sum() == 4
    again = Session(X, tmp_path / "w")
    assert again.cluster_names == {0: "big", 1: "<i>small</i>"}
    again.export(tmp_path / "out.csv")
    steps = json.loads((tmp_path / "out.csv.settings.json").read_text())["steps"]
    assert {"names": ["big", "<i>small</i>"]} in [step["settings"] for step in steps]
    assert set(pd.read_csv(tmp_path / "out.csv")["cluster"]) == {-1, 0, 1}


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "h5ad", "html", "hf"])
def test_exports_take_given_results(session: Session, tmp_path: Path, ending: str) -> None:
    if ending == "h5ad":
        pytest.importorskip("h5py")
    session.give(features=X, layout=PLACES, clusters=KINDS, method="somewhere")
    assert session.export(tmp_path / f"out.{ending}").exists()
    assert session.record()["steps"][0]["settings"] == {"method": "somewhere"}


def test_values_by_id_find_their_items() -> None:
    names = [f"n{place}" for place in range(N)]
    session = Session(pd.DataFrame({"v": range(N)}, index=pd.Index(names, name="id")))
    shuffled = RNG.permutation(N)
    frame = pd.DataFrame(PLACES, index=names).iloc[shuffled]
    session.give(layout=frame, clusters=pd.Series(KINDS, index=names).iloc[shuffled[:-3]])
    assert np.array_equal(session.layout.values, PLACES)
    left_out = np.sort(shuffled[-3:])
    assert np.flatnonzero(session.clusters.values < 0).tolist() == left_out.tolist()
    session.give(layout={"n4": (1, 2), "n2": [3, 4]}, clusters={"n7": "a"})
    assert session.layout.values[[2, 4]].tolist() == [[3, 4], [1, 2]]
    assert session.layout.valid.sum() == 2
    assert session.layout.notes == ("28 of 30 items have no place in what was given",)
    assert np.flatnonzero(session.clusters.values >= 0).tolist() == [7]


def test_ids_that_are_numbers_are_not_taken_for_places() -> None:
    ids = RNG.permutation(N)
    session = Session(pd.DataFrame({"id": ids, "v": X[:, 0]}), workspace=None)
    by_id = {int(name): (float(name), 0.0) for name in range(N)}
    session.give(layout=by_id, clusters=pd.Series(np.arange(N) // 2))
    assert session.layout.values[:, 0].tolist() == session.dataset.ids.tolist()
    names = [session.cluster_names[code] for code in session.clusters.values] if session.cluster_names else None
    told = session.clusters.values.tolist() if names is None else [int(name) for name in names]
    assert told == (session.dataset.ids // 2).tolist()
    session.give(layout=pd.DataFrame(by_id.values()))
    assert session.layout.values[:, 0].tolist() == session.dataset.ids.tolist()
    other = Session(pd.DataFrame({"id": np.arange(N) + 1, "v": X[:, 0]}))
    assert "no item is called" in refused(lambda: other.give(layout=by_id))
    other.give(layout=pd.DataFrame(by_id.values()))  # these only count the rows
    assert other.layout.values[:, 0].tolist() == list(range(N))


@pytest.mark.parametrize("texts", [["a", pd.NA, "\udce9"], pd.Series(["a", None, "?"], dtype="string")])
def test_texts_with_gaps(texts: Any) -> None:
    assert list(explorer.explore(X[:3], texts=texts).session.dataset.texts())[2] == "?"


@pytest.mark.parametrize("what", ["texts", "audio"])
def test_a_zero_is_no_text(what: str) -> None:
    assert f"{what} holds a int" in refused(lambda: explorer.explore(X[:3], **{what: ["a.wav", 0, "b.wav"]}))


def test_what_is_wrong_is_said_and_nothing_is_changed(session: Session) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({}, "nothing was given"),
        ({"layout": PLACES[:5]}, "layout has 5 values but there are 30 items"),
        ({"layout": X}, "layout of shape (30, 6); (n, 2)"),
        ({"layout": PLACES, "clusters": KINDS[:2]}, "clusters has 2 values"),
        ({"layout": np.full((N, 2), np.nan)}, "holds no row of numbers"),
        ({"features": np.full((N, 2), np.inf)}, "holds no row of numbers"),
        ({"features": np.zeros((N, 0))}, "shape (30, 0)"),
        ({"features": np.zeros(N)}, "shape (30,)"),
        ({"features": KINDS[:, None]}, "is needed"),
        ({"features": sp.eye(N).tocsr()}, "sparse"),
        ({"features": X.astype(complex)}, "complex128"),
        ({"clusters": X}, "clusters of shape (30, 6)"),
        ({"clusters": X[:, 0]}, "a cluster is a whole number or a name"),
        ({"clusters": [[1]] * N}, "a list"),
        ({"clusters": {0: 1, 99: 2, "x": 1}}, "clusters names 99, 'x', which no item is called"),
        ({"clusters": pd.Series([1, 2], index=[0, 0])}, "stand more than once"),
        ({"clusters": 3}, "clusters is one int"),
        ({"layout": {}}, "empty dict"),
        ({"layout": {0: (1, 2), 1: (1,)}}, "equally many numbers"),
        ({"layout": PLACES, "method": "a\nb" * 60}, "is not a name"),
    ]
    for given_, expected in bad:
        assert expected in refused(lambda given_=given_: session.give(**given_)), given_
    assert session.layout is None
    assert session.features is None
    assert session.clusters is None


def test_a_row_with_one_gap_has_no_place_at_all(session: Session) -> None:
    places = PLACES.astype(np.float64)
    places[2, 1], places[5, 0] = np.nan, 1e300  # which float32 cannot hold
    session.give(layout=places)
    assert np.isnan(session.layout.values[[2, 5]]).all()
    assert session.layout.valid.sum() == N - 2
    assert session.layout.notes == ("2 of 30 items have no place in what was given",)


def test_numbers_with_gaps_are_names(session: Session) -> None:
    session.give(clusters=[900_000_000] * 10 + [5] * 20)
    assert session.cluster_names == {0: "5", 1: "900000000"}
    assert session.clusters.values.max() == 1
    session.give(clusters=pd.Series([3.0, np.nan] * 15))
    assert session.clusters.values.tolist() == [3, -1] * 15
    assert "names" not in session.clusters.settings


def slowly(values: list[Any]) -> list[Any]:
    """What each item's cluster is called, one by one: None is noise."""
    said = [None if value in (None, "", "-1") else value for value in values]
    return [None if isinstance(value, int) and not isinstance(value, bool) and value < 0 else value for value in said]


def on_one_line(value: Any) -> str | None:
    return None if value is None else " ".join("".join(c if c.isprintable() else " " for c in str(value)).split()) or None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.booleans(), st.integers(-3, 12)), min_size=4, max_size=12))
def test_names_are_numbered_from_the_largest_on(values: list[Any]) -> None:
    session = Session(np.arange(len(values), dtype=float)[:, None])
    session.give(clusters=values)
    wanted, found = slowly(values), session.clusters.values.tolist()
    if all(value is None or type(value) is int for value in wanted) and all(
        value is None or value < len(values) for value in wanted
    ):
        assert found == [-1 if value is None else value for value in wanted]
        return
    said = [on_one_line(value) for value in wanted]
    counted = Counter(name for name in said if name is not None)
    order = sorted(counted, key=lambda name: (-counted[name], name))
    assert [order[code] if code >= 0 else None for code in found] == said
    assert session.cluster_names == dict(enumerate(order))


def test_what_was_given_once_is_kept_once_and_read_back(tmp_path: Path) -> None:
    session = Session(X, tmp_path / "w")
    first = session.give(layout=PLACES)["layout"]
    assert session.give(layout=PLACES.astype(np.float64))["layout"].key == first.key
    assert session.give(layout=PLACES + 1)["layout"].key != first.key
    session.give(layout=PLACES)
    again = Session(X, tmp_path / "w")
    assert again.layout.key == first.key
    assert np.array_equal(again.layout.values, PLACES)


# --- explore: arrays and tables


def test_an_array_with_labels_layout_and_clusters() -> None:
    w = explorer.explore(X, labels=KINDS, layout=PLACES, clusters=KINDS, name="mine")
    s = w.session
    assert isinstance(w, explorer.Explorer)
    assert s.dataset.name == "mine"
    assert np.array_equal(s.dataset.vectors, X)
    assert np.array_equal(s.layout.values, PLACES)
    assert s.labels.values().tolist() == KINDS.tolist()
    assert s.cluster_names == {0: "cat", 1: "dog"}
    assert s.undo() is not None
    assert not len(s.labels)


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (np.arange(N) % 3, {"0": 10, "1": 10, "2": 10}),
        (pd.Series([1, None, -1] * 10), {"1": 10, "-1": 10}),
        (pd.Categorical(["a", None, "b"] * 10), {"a": 10, "b": 10}),
        ([None, "", float("nan")] * 9 + ["x", True, b"y"], {"x": 1, "True": 1, "y": 1}),
        ({3: "three", 5: 5}, {"three": 1, "5": 1}),
        (pd.Series({4: "four"}, index=[4]), None),
        ([None] * N, {}),
    ],
)
def test_labels_in_all_their_forms(labels: Any, wanted: dict[str, int] | None) -> None:
    if wanted is None:  # an index of another length, where items have no names of their own
        assert "labels has 1 values" in refused(lambda: explorer.explore(X, labels=labels))
        return
    assert explorer.explore(X, labels=labels).session.labels.counts == wanted


def test_labels_are_given_once_in_a_workspace(tmp_path: Path) -> None:
    place = tmp_path / "w"
    first = explorer.explore(X, labels=KINDS, workspace=place).session
    first.label_item(0, "owl")
    first.label_item(1, None)
    again = explorer.explore(X, labels=KINDS, workspace=place).session
    assert again.labels[0] == "owl"
    assert 1 not in again.labels
    other = explorer.explore(X, labels=["new"] * N, workspace=place).session
    assert other.labels.counts["new"] == N
    assert other.undo()
    assert other.labels[0] == "owl"


def test_a_series_of_a_shuffled_table_goes_by_its_index() -> None:
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(kind=KINDS)
    part = frame.sample(frac=0.5, random_state=1)
    s = explorer.explore(part[list("abcdef")], labels=frame.loc[part.index, "kind"].sample(frac=1, random_state=2)).session
    assert s.dataset.ids.tolist() == part.index.tolist()
    assert s.labels.values().tolist() == part["kind"].tolist()
    places = pd.DataFrame(PLACES).loc[part.index].sort_index()
    s = explorer.explore(part, layout=places, labels="kind", clusters="kind", columns=frame[["a"]].loc[places.index]).session
    assert np.array_equal(s.layout.values, PLACES[part.index])
    assert s.dataset.column("a 2").tolist() == part["a"].tolist()
    assert [s.cluster_names[code] for code in s.clusters.values] == part["kind"].tolist()
    assert "which no item is called" in refused(lambda: explorer.explore(part, labels=frame["kind"]))


def test_a_series_beside_an_array_goes_by_place() -> None:
    """As scikit-learn has it: an array has no index, so that of ``y`` means nothing."""
    index = RNG.permutation(N)
    assert explorer.explore(X, labels=pd.Series(KINDS, index=index)).session.labels.values().tolist() == KINDS.tolist()


def test_ids_of_their_own() -> None:
    names = [f"n{place}" for place in range(N)]
    s = explorer.explore(X, ids=names, labels={"n3": "a"}, texts=pd.Series({"n5": "five"})).session
    assert s.dataset.ids.tolist() == names
    assert s.labels["n3"] == "a"
    assert s.dataset.texts()[5] == "five"
    assert explorer.explore(pd.DataFrame({"who": names, "v": range(N)}), ids="who").session.dataset.ids.tolist() == names
    assert "must be unique" in refused(lambda: explorer.explore(X, ids=["same"] * N))
    assert "ids" in refused(lambda: explorer.explore(X, ids=names[:4]))


def test_pictures_texts_series_and_columns_beside_vectors(tmp_path: Path) -> None:
    pictures = [picture(place) for place in range(N)]
    columns = {"year": range(N), "kind": KINDS}
    s = explorer.explore(
        X, images=pictures, texts=[f"it is {n}" for n in range(N)], series=RNG.normal(size=(N, 2, 9)), columns=columns
    )
    dataset = s.session.dataset
    assert dataset.roles == {"image": "image", "series": "series", "text": "text"}
    assert dataset.kinds["kind"] == "category"
    assert dataset.picture(3).getpixel((0, 0)) == (24, 0, 0)
    assert dataset.series(0).shape == (2, 9)
    assert np.array_equal(dataset.vectors, X)
    paths = []
    for place, one in enumerate(pictures[:4]):
        one.save(path := tmp_path / f"{place}.png")
        paths.append(path)
    assert explorer.explore(images=paths).session.dataset.picture(2).size == (8, 6)
    assert explorer.explore(images=[coded(one) for one in pictures]).session.dataset.subject == "pictures"
    frame = explorer.explore(pd.DataFrame({"v": range(4), "at": [str(path) for path in paths]}), images="at").session.dataset
    assert frame.roles["image"] == "at"


def test_paths_beside_a_folder_are_seen_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    pd.DataFrame({"v": [1, 2, 3]}).to_csv(tmp_path / "data" / "t.csv", index=False)
    picture(1).save(tmp_path / "here.png")
    monkeypatch.chdir(tmp_path)
    assert explorer.explore("data/t.csv", images=["here.png"] * 3).session.dataset.picture(0).size == (8, 6)


def test_arrays_of_pixels_say_how_they_were_scaled() -> None:
    shades = np.linspace(0, 255, N).astype(np.uint8)
    grey = np.broadcast_to(shades[:, None, None], (N, 5, 4))
    for array in (grey, np.stack([grey] * 3, axis=-1), np.stack([grey] * 4, axis=-1)):
        s = explorer.explore(X, images=array).session
        assert s.dataset.picture(N - 1, background=None).getpixel((0, 0))[:1] == (255,)
        assert not s.dataset.notes
    unit = explorer.explore(X, images=grey / 255.0).session.dataset
    assert unit.picture(1).getpixel((0, 0)) == (8, 8, 8)
    assert "from 0 to 1" in unit.notes[0]
    dim = explorer.explore(X, images=grey / 255.0 * 0.4 + 0.2).session.dataset
    assert dim.picture(0).getpixel((0, 0)) == (51, 51, 51)  # between 0 and 1, so not stretched
    wide = explorer.explore(X, images=grey.astype(np.float32) / 16 - 3).session.dataset
    assert wide.picture(0).getpixel((0, 0)) == (0, 0, 0)
    assert wide.picture(N - 1).getpixel((0, 0)) == (255, 255, 255)
    assert "from -3 to 12.9" in wide.notes[0]
    assert explorer.read(np.zeros((3, 5, 4, 3), np.uint8)).subject == "pictures"
    flags = explorer.explore(X, images=grey > 99).session.dataset
    assert flags.picture(N - 1).getpixel((0, 0)) == (255, 255, 255)
    assert explorer.explore(X, images=np.full((N, 3, 3), np.nan)).session.dataset.picture(0).getpixel((0, 0)) == (0, 0, 0)


def test_what_is_no_picture_is_said() -> None:
    for images, expected in [
        (np.zeros((N, 7)), "a picture is"),
        (np.zeros((N, 4, 4, 2)), "a picture is"),
        (np.zeros((N, 0, 4)), "a picture is"),
        (np.zeros((N, 4, 4), complex), "complex"),
        ([np.zeros((4, 4)), picture(1), "x.png"] * 10, "pictures of one kind"),
        ([3] * N, "holds"),
        ("nowhere", "no column"),
        (picture(1), "images is one Image"),
    ]:
        assert expected in refused(lambda images=images: explorer.explore(X, images=images)), images


def test_sparse_matrices_stay_sparse() -> None:
    matrix = sp.random(N, 40, 0.2, random_state=0, format="coo")
    for made in (matrix, matrix.tocsc(), matrix.tocsr(), sp.csr_array(matrix)):
        dataset = explorer.read(made)
        assert dataset.matrix is not None
        assert np.allclose(dataset.matrix.rows(0, N).toarray(), matrix.toarray())
    assert explorer.explore(matrix, layout=PLACES).session.extract("matrix").values.shape[0] == N
    assert "(n, d) is needed" in refused(lambda: explorer.read(sp.csr_matrix((4, 0))))


def test_lists() -> None:
    assert explorer.read(["one two", "three", None, "four"]).texts() == ["one two", "three", "", "four"]
    assert explorer.read([picture(1)] * 3).subject == "pictures"
    assert explorer.read([[1, 2], [3, 4], [5, 6]]).vectors.shape == (3, 2)
    assert explorer.read([np.arange(3.0), np.arange(5.0), np.arange(4.0)]).series(1).shape == (1, 5)
    assert explorer.read([{"a": 1, "b": "x"}, {"a": 2}, {"b": "y"}]).columns == ["a", "b"]
    assert explorer.read([1.0, 2.0, 4.0]).vectors.shape == (3, 1)
    for bad in ([], [object()], ["a", picture(1), "b"], [[1, 2], ["x"], 3]):
        refused(lambda bad=bad: explorer.read(bad))


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 3)), np.zeros((1, 3)), np.zeros((5, 0)), np.full((5, 3), np.nan), np.array(3.0), np.zeros((5, 3, 0)),
     np.array([["a", "b"]] * 5), np.array([object()] * 5), np.zeros((3, 2, 2, 2, 2))],
)  # fmt: skip
def test_degenerate_arrays_give_one_sentence(array: np.ndarray) -> None:
    refused(lambda: explorer.explore(array))


@pytest.mark.parametrize("array", [np.zeros((5, 3)), np.ones((3, 1)), np.full((9, 2), 3e38), np.eye(6, dtype=bool)])
def test_dull_arrays_are_taken(array: np.ndarray) -> None:
    w = explorer.explore(array, layout=np.zeros((len(array), 2)), clusters=np.zeros(len(array), int), labels=[None] * len(array))
    assert len(w.session.dataset) == len(array)
    assert w.session.clusters.values.max() == 0


def test_lengths_that_differ_name_both() -> None:
    for name, values in {
        "labels": KINDS[:4], "clusters": KINDS[:4], "layout": PLACES[:4], "images": [picture(1)] * 4, "texts": ["a"] * 4,
        "series": X[:4], "audio": ["a.wav"] * 4, "columns": {"v": range(4)}, "ids": range(4),
    }.items():  # fmt: skip
        message = refused(lambda name=name, values=values: explorer.explore(X, **{name: values}))
        assert name in message
        assert "4" in message
        assert "30" in message


def test_an_unknown_keyword_is_told_the_nearest() -> None:
    assert "did you mean 'labels'" in refused(lambda: explorer.explore(X, y=KINDS))
    assert "did you mean 'labels'" in refused(lambda: explorer.explore(X, lables=KINDS))
    assert "did you mean 'workspace'" in refused(lambda: explorer.explore(X, workspaces="w"))
    assert "did you mean 'umap'" in refused(lambda: explorer.explore(X, layout="umpa"))
    assert "did you mean 'hdbscan'" in refused(lambda: explorer.explore(X, clusters="hdbscn"))
    assert "nothing to explore" in refused(lambda: explorer.explore())


def test_a_method_by_its_name_is_the_step() -> None:
    w = explorer.explore(X, layout="pca", clusters="kmeans")
    assert w.pipeline.steps["reduce"].method == "pca"
    assert w.pipeline.steps["cluster"].method == "kmeans"


def test_measured_values_are_no_labels() -> None:
    assert "give measured values as columns" in refused(lambda: explorer.explore(X, labels=X[:, 0]))


def test_a_session_and_a_dataset_are_taken_too() -> None:
    session = Session(X)
    assert explorer.explore(session, labels=KINDS).session is session
    assert len(session.labels) == N
    dataset = explorer.explore(session.dataset, texts=["a b c"] * N).session.dataset
    assert dataset.texts()[0] == "a b c"
    assert np.array_equal(dataset.vectors, X)
    assert "a session has its items already" in refused(lambda: explorer.explore(session, texts=["a"] * N))
    for more in ({"workspace": "elsewhere"}, {"name": "mine"}, {"window": 5}, {"vectors": "X_pca"}):
        assert next(iter(more)) + " cannot be given with it" in refused(lambda more=more: explorer.explore(session, **more))


# --- scikit-learn and umap-learn


@pytest.fixture(scope="module")
def fitted() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap's own, of numba and of what is not installed
        umap = importlib.import_module("umap")
        return umap.UMAP(n_neighbors=5, n_epochs=20, random_state=0).fit(X)


def test_a_fitted_umap_is_vectors_and_layout(fitted: Any) -> None:
    for session in (explorer.explore(fitted).session, Session(fitted), explorer.Explorer(fitted).session):
        assert np.array_equal(session.dataset.vectors, X)
        assert np.array_equal(session.layout.values, fitted.embedding_.astype(np.float32))
        assert session.layout.method == "given"
    beside = explorer.explore(X, layout=fitted, images=[picture(1)] * N).session
    assert np.array_equal(beside.layout.values, fitted.embedding_.astype(np.float32))


def test_a_umap_of_distances_has_no_vectors(fitted: Any) -> None:
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = type(fitted)(n_neighbors=5, n_epochs=5, metric="precomputed", random_state=0).fit(distances)
    assert "explore(X, layout=fitted)" in refused(lambda: explorer.read(made))
    assert explorer.explore(X, layout=made).session.layout.values.shape == (N, 2)


def test_fitted_estimators_of_scikit_learn() -> None:
    from sklearn.cluster import DBSCAN, KMeans
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE, SpectralEmbedding
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    tsne = TSNE(perplexity=5, max_iter=250, random_state=0).fit(X)
    kmeans = KMeans(3, n_init=1, random_state=0).fit(X)
    s = explorer.explore(X, layout=tsne, clusters=kmeans).session
    assert np.allclose(s.layout.values, tsne.embedding_)
    assert s.clusters.values.tolist() == kmeans.labels_.tolist()
    scaled = make_pipeline(StandardScaler(), TSNE(perplexity=5, max_iter=250, random_state=0)).fit(X)
    assert np.allclose(explorer.explore(X, layout=scaled).session.layout.values, scaled[-1].embedding_)
    assert (explorer.explore(X, clusters=DBSCAN(eps=0.1).fit(X)).session.clusters.values == -1).all()
    assert "explore(X, layout=fitted)" in refused(lambda: explorer.explore(tsne))
    assert "fit it first" in refused(lambda: explorer.explore(X, layout=TSNE()))
    assert "fit it first" in refused(lambda: explorer.explore(X, clusters=KMeans()))
    assert "n_components=2" in refused(lambda: explorer.explore(X, layout=SpectralEmbedding(3).fit(X)))
    assert "fitted.transform(X)" in refused(lambda: explorer.explore(X, layout=PCA(2).fit(X)))
    assert "layout has 30 values but there are 9 items" in refused(lambda: explorer.explore(X[:9], layout=tsne))
    assert "fit it first" in refused(lambda: explorer.read(TSNE()))


# --- anndata

of_anndata = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # anndata's own


def cells(n: int = N) -> Any:
    anndata = pytest.importorskip("anndata")
    pytest.importorskip("h5py")
    obs = pd.DataFrame(
        {"kind": pd.Categorical(KINDS[:n]), "depth": range(n), "who": [f"w{place % 4}" for place in range(n)]},
        index=[f"cell{place}" for place in range(n)],
    )
    counts = sp.csr_matrix(np.ceil(np.abs(X[:n])))
    return anndata.AnnData(counts, obs=obs, obsm={"X_pca": X[:n, :4], "X_umap": PLACES[:n], "X_other": PLACES[:n] * 2})


@of_anndata
def test_an_anndata_is_read_as_its_file_is(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    held = cells()
    before = held.obs.dtypes.to_dict()
    read = explorer.read(held)
    assert held.obs.dtypes.to_dict() == before  # ours is a look, not an edit
    with anndata.settings.override(allow_write_nullable_strings=True):
        held.write_h5ad(tmp_path / "cells.h5ad")
    file = explorer.read(tmp_path / "cells.h5ad")
    assert read.fingerprint == file.fingerprint
    assert read.notes == file.notes
    assert read.kinds == file.kinds
    assert np.array_equal(read.vectors, X[:, :4])
    assert np.array_equal(read.layout, PLACES)
    assert np.allclose(read.matrix.rows(0, N).toarray(), held.X.toarray())
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    assert explorer.read(backed[5:20]).ids.tolist() == read.ids[5:20].tolist()
    backed.file.close()


@of_anndata
def test_explore_takes_keys_of_an_anndata() -> None:
    held = cells()
    s = explorer.explore(held, layout="X_other", vectors="X_umap", labels="kind", clusters=held.obs["who"]).session
    assert np.array_equal(s.layout.values, PLACES * 2)
    assert np.array_equal(s.dataset.vectors, PLACES)
    assert s.labels["cell1"] == "dog"
    assert set(s.cluster_names.values()) == {"w0", "w1", "w2", "w3"}
    assert explorer.explore(held, labels=held.obs["kind"].sample(frac=1, random_state=0)).session.labels["cell1"] == "dog"
    assert "did you mean 'X_umap'" in refused(lambda: explorer.explore(held, layout="X_umpa"))
    view = explorer.explore(held[held.obs["kind"] == "dog"]).session.dataset
    assert len(view) == N // 3
    assert view.ids[0] == "cell1"


@of_anndata
def test_a_dense_or_a_bare_anndata() -> None:
    anndata = pytest.importorskip("anndata")
    assert np.array_equal(explorer.read(anndata.AnnData(X)).vectors, X)
    bare = anndata.AnnData(obs=pd.DataFrame({"a": range(5), "b": range(5)}, index=list("vwxyz")))
    assert explorer.read(bare).ids.tolist() == list("vwxyz")


# --- datasets


@pytest.fixture(scope="module")
def hub() -> Any:
    return pytest.importorskip("datasets")


def reviews(hub: Any, n: int = N) -> Any:
    features = hub.Features({"text": hub.Value("string"), "label": hub.ClassLabel(names=["bad", "good"])})
    return hub.Dataset.from_dict(
        {"text": [f"it was number {n}" for n in range(n)], "label": [n % 2 for n in range(n)]}, features=features
    )


def test_a_loaded_dataset_has_the_names_of_its_classes(hub: Any) -> None:
    s = explorer.explore(reviews(hub).with_format("torch"), labels="label").session
    assert s.labels.counts == {"bad": 15, "good": 15}
    assert s.dataset.texts()[3] == "it was number 3"
    picked = explorer.read(reviews(hub).select([5, 2, 9, 1]))
    assert picked.texts() == [f"it was number {n}" for n in (5, 2, 9, 1)]
    assert explorer.read(reviews(hub).filter(lambda row: row["label"] == 1, load_from_cache_file=False)).column(
        "label"
    ).unique().tolist() == ["good"]


def test_splits_are_a_column(hub: Any) -> None:
    both = explorer.read(hub.DatasetDict({"train": reviews(hub), "test": reviews(hub, 4)}))
    assert both.column("split").value_counts().to_dict() == {"train": 30, "test": 4}
    odd = hub.DatasetDict({"train": reviews(hub), "test": reviews(hub).remove_columns("label")})
    assert "other columns" in refused(lambda: explorer.read(odd))
    assert "no splits" in refused(lambda: explorer.read(hub.DatasetDict({})))


def test_pictures_of_a_loaded_dataset(hub: Any) -> None:
    features = hub.Features({"image": hub.Image(), "n": hub.Value("int64")})
    made = hub.Dataset.from_dict({"image": [picture(n) for n in range(5)], "n": range(5)}, features=features)
    assert explorer.read(made).picture(2).getpixel((0, 0)) == (16, 0, 0)


def test_a_stream_is_read_to_its_limit(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = reviews(hub).to_iterable_dataset()
    read = explorer.read(stream)
    assert len(read) == N
    assert read.column("label").tolist()[:2] == ["bad", "good"]
    monkeypatch.setattr(torch_data, "MOST", 7)
    cut = explorer.read(stream)
    assert len(cut) == 7
    assert "read up to 7 items" in cut.notes[0]


# --- torch


class Folder:
    """A torchvision ``ImageFolder``, as its documentation describes it; torchvision itself is not installed."""

    def __init__(self, root: Path, transform: Any = None) -> None:
        self.root = str(root)
        self.classes = sorted(path.name for path in root.iterdir())
        self.class_to_idx = {name: place for place, name in enumerate(self.classes)}
        self.samples = [(str(path), self.class_to_idx[path.parent.name]) for path in sorted(root.rglob("*.png"))]
        self.imgs, self.targets, self.transform = self.samples, [place for _, place in self.samples], transform

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: int) -> tuple[Any, int]:
        path, target = self.samples[place]
        with Image.open(path) as image:
            return image.convert("RGB"), target


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for name in ("ant", "bee"):
        (tmp_path / "insects" / name).mkdir(parents=True)
        for number in range(4):
            picture(number).save(tmp_path / "insects" / name / f"{number}.png")
    return Folder(tmp_path / "insects")


def test_a_folder_of_classes_is_its_files(folder: Folder) -> None:
    torch = pytest.importorskip("torch")
    read = explorer.read(folder)
    assert read.ids.tolist()[:2] == ["ant/0.png", "ant/1.png"]
    assert read.column("class").tolist() == ["ant"] * 4 + ["bee"] * 4
    assert read.picture(2).getpixel((0, 0)) == (16, 0, 0)
    assert read.name == "insects"
    labelled = explorer.explore(torch.utils.data.DataLoader(folder, shuffle=True), labels="class").session
    assert labelled.labels["bee/0.png"] == "bee"
    part = explorer.read(torch.utils.data.Subset(folder, [7, 0, 1]))
    assert part.ids.tolist() == ["bee/3.png", "ant/0.png", "ant/1.png"]
    changed = Folder(Path(folder.root), transform=lambda image: image)
    assert "the transform is not applied" in explorer.read(changed).notes[0]


def test_a_loader_is_read_in_the_datasets_own_order() -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    pixels = (torch.arange(N, dtype=torch.float32) / (N - 1)).reshape(N, 1, 1, 1).expand(N, 3, 5, 4)
    loader = data.DataLoader(data.TensorDataset(pixels, torch.arange(N) % 4), batch_size=7, shuffle=True, drop_last=True)
    s = explorer.explore(loader, labels="label").session
    assert len(s.dataset) == N
    assert s.dataset.column("label").tolist() == [place % 4 for place in range(N)]
    assert s.dataset.picture(N - 1).getpixel((0, 0)) == (255, 255, 255)
    assert s.dataset.picture(0).size == (4, 5)
    assert s.dataset.notes == ("the pictures are numbers from 0 to 1: 0 is shown black and 1 white",)
    assert s.labels.counts["3"] == 7
    few = data.DataLoader(data.TensorDataset(pixels), sampler=data.SubsetRandomSampler([1, 2, 3]))
    assert any("sampler picks 3 of 30" in note for note in explorer.read(few).notes)


def test_tensors_are_vectors_series_or_pictures() -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    vectors = explorer.Session(data.TensorDataset(torch.from_numpy(X), torch.arange(N))).dataset
    assert np.array_equal(vectors.vectors, X)
    assert explorer.read(data.TensorDataset(torch.from_numpy(X).bfloat16())).vectors.shape == X.shape
    assert explorer.read(data.TensorDataset(torch.rand(N, 2, 9))).series(0).shape == (2, 9)
    assert explorer.read(data.TensorDataset(torch.rand(N, 1, 8, 8))).picture(0).size == (8, 8)
    assert explorer.read(torch.from_numpy(X).requires_grad_()).vectors.shape == X.shape
    assert "items are pictures (c, h, w)" in refused(lambda: explorer.read(data.TensorDataset(torch.rand(N, 1, 2, 3, 4))))
    assert "a picture is" in refused(lambda: explorer.read(data.TensorDataset(torch.rand(N, 7, 8, 8))))
    assert "holds no items" in refused(lambda: explorer.read(data.TensorDataset(torch.rand(0, 3))))


def test_normalised_floats_are_stretched_and_it_is_said() -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    pixels = torch.linspace(-2, 3, 300).reshape(300, 1, 1, 1).expand(300, 3, 4, 4)
    read = explorer.read(data.TensorDataset(pixels))
    assert "from -2 to" in read.notes[0]
    assert "in the first 256" in read.notes[0]
    assert "cut off" in read.notes[0]
    assert read.picture(0).getpixel((0, 0)) == (0, 0, 0)
    assert read.picture(299).getpixel((0, 0)) == (255, 255, 255)


class Rows:
    """A dataset by place that inherits from nothing, as torch allows."""

    classes = ("no", "yes")

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Any:
        return self.items[place]


def test_any_dataset_by_place() -> None:
    pairs = explorer.read(Rows([(picture(n), n % 2) for n in range(6)]))
    assert pairs.column("label").tolist() == ["no", "yes"] * 3
    assert pairs.picture(5).getpixel((0, 0)) == (40, 0, 0)
    dicts = explorer.read(Rows([{"text": f"this is {n}", "score": n / 2} for n in range(5)]))
    assert dicts.column("score").tolist() == [0, 0.5, 1, 1.5, 2]
    three = explorer.read(Rows([(X[n], n, "more") for n in range(5)]))
    assert "3 parts" in three.notes[0]
    assert three.vectors.shape == (5, 6)
    ragged = explorer.read(Rows([np.arange(3.0 + n) for n in range(5)]))
    assert ragged.series(4).shape == (1, 7)
    hot = explorer.read(Rows([(X[n], np.eye(5)[n]) for n in range(5)]))
    assert hot.vectors.shape == (5, 6)
    assert hot.column("label").tolist()[1] == "0 1 0 0 0"
    gaps = explorer.read(Rows([(None, 1), (picture(2), 0), (picture(3), 1)]))
    assert gaps.picture(1).getpixel((0, 0)) == (16, 0, 0)
    refused(lambda: explorer.read(Rows([picture(1), "text", picture(2)])))
    refused(lambda: explorer.read(Rows([X[0], picture(1), X[1]])))


def test_a_random_transform_is_noticed() -> None:
    class Jittered(Rows):
        def __getitem__(self, place: int) -> Any:
            return RNG.normal(size=4)

    assert "another each time" in explorer.read(Jittered([0] * 5)).notes[-1]


def test_a_torch_stream_is_read_once_through(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    class Endless(torch.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[Any]:
            number = 0
            while True:
                yield torch.full((3,), float(number)), number
                number += 1

    monkeypatch.setattr(torch_data, "MOST", 11)
    read = explorer.read(torch.utils.data.DataLoader(Endless(), batch_size=4))
    assert len(read) == 11
    assert read.vectors[:, 0].tolist() == list(range(11))
    assert "read up to 11" in read.notes[0]


def test_reading_one_by_one_tells_how_far_it_is() -> None:
    told: list[tuple[float, str]] = []
    explorer.read(Rows([X[0]] * 250), progress=lambda fraction, note: told.append((fraction, note)))
    assert [note for _, note in told] == ["reading item 0 of 250", "reading item 100 of 250", "reading item 200 of 250"]
    assert told[1][0] == 0.4


def test_patience_is_quiet_for_a_moment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    patience = importlib.import_module("explorer.views.patience")
    explorer.explore(Rows([X[0]] * 150))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(patience, "QUIET", -1.0)
    explorer.explore(Rows([X[0]] * 150))
    assert "reading item" in capsys.readouterr().err


def test_the_name_is_a_function_whatever_was_imported_before() -> None:
    importlib.import_module("explorer.views.explore")
    assert callable(explorer.explore)
    assert explorer.explore is importlib.import_module("explorer.views.explore").explore
