"""Any scikit-learn transformer or clusterer as a step: the promises of a step, kept by estimators that know nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import DBSCAN, AffinityPropagation, AgglomerativeClustering, Birch, KMeans
from sklearn.decomposition import NMF, PCA, FastICA, MiniBatchSparsePCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.manifold import TSNE
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline as Chain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators
from waiting import until

import explorer
from explorer.errors import Cancelled, InputError
from explorer.estimators import Recorded
from explorer.estimators.writing import written
from explorer.session import Session
from explorer.step import Progress, Result, find, names
from explorer.views.pipeline import Pipeline

N = 60
VECTORS = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
VECTORS[:20] += 4
POSITIVE = np.abs(VECTORS)
NEED_LABELS = {  # supervised: they have nothing to learn from here
    "CCA", "LinearDiscriminantAnalysis", "NeighborhoodComponentsAnalysis", "PLSCanonical", "PLSRegression", "PLSSVD",
}  # fmt: skip
BRISK: dict[str, dict[str, Any]] = {"TSNE": {"max_iter": 250}, "MiniBatchSparsePCA": {"max_iter": 10}, "Birch": {"threshold": 0.3}}


def estimators(of: str) -> list[Any]:
    """Every estimator of scikit-learn of that type that can be made without arguments and gives two columns, or clusters."""
    found = []
    for name, cls in all_estimators(of):
        try:
            made = cls(**BRISK.get(name, {}))
        except TypeError:  # it needs another estimator
            continue
        if of == "transformer" and "n_components" not in made.get_params():
            continue
        if of == "cluster" and not hasattr(made, "fit_predict"):  # clusters columns, not rows
            continue
        found.append(made.set_params(n_components=2) if of == "transformer" else made)
    return found


REDUCERS = [one for one in estimators("transformer") if type(one).__name__ not in NEED_LABELS]
CLUSTERERS = [*estimators("cluster"), GaussianMixture(3)]
ALL = [("reduce", one) for one in REDUCERS] + [("cluster", one) for one in CLUSTERERS]
every_estimator = pytest.mark.parametrize(("kind", "estimator"), ALL, ids=[f"{kind}-{type(one).__name__}" for kind, one in ALL])


def session(vectors: np.ndarray = POSITIVE, workspace: Path | None = None) -> Session:
    made = Session(vectors, workspace)
    made.extract("vectors")
    return made


def run(on: Session, kind: str, estimator: Any) -> Result:
    return on.reduce(estimator) if kind == "reduce" else on.cluster(estimator, on="vectors")


def test_there_are_many() -> None:
    assert len(REDUCERS) > 15
    assert len(CLUSTERERS) > 10


# The promises of every step


@every_estimator
def test_rows_in_are_rows_out_and_the_record_is_whole(kind: str, estimator: Any, tmp_path: Path) -> None:
    before = repr(estimator.get_params())
    result = run(session(workspace=tmp_path / "w"), kind, estimator)
    assert result.values.shape == ((N, 2) if kind == "reduce" else (N,))
    assert result.values.dtype == (np.float32 if kind == "reduce" else np.int32)
    assert np.isfinite(result.values).all()
    assert result.method == f"sklearn.{type(estimator).__name__}"
    assert result.versions["scikit-learn"]
    for name, value in estimator.get_params().items():
        assert result.settings[name] == (0 if name == "random_state" and value is None else written(value, set()))
    assert json.loads(json.dumps(result.record(), allow_nan=False)) == result.record()
    assert repr(estimator.get_params()) == before
    assert not [name for name in vars(estimator) if name.endswith("_") and not name.startswith("_")], "it was fitted"

    again = run(session(), kind, clone(estimator))
    assert again.values.tobytes() == result.values.tobytes()
    assert again.key == result.key

    back = Session(POSITIVE, tmp_path / "w")
    found = back.layout if kind == "reduce" else back.clusters
    assert found.values.tobytes() == result.values.tobytes()
    assert found.settings == result.settings


@every_estimator
def test_its_card_can_be_sent_and_its_settings_changed(kind: str, estimator: Any) -> None:
    on = session()
    pipeline = Pipeline(on, {kind: estimator}, lambda _: None)
    said = pipeline.describe(kind)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert [row["name"] for row in said["schema"]] == list(said["settings"])
    assert sum(not row["advanced"] for row in said["schema"]) <= (3 if kind == "reduce" else 4)
    for row in said["schema"]:
        assert row["doc"]
        if row["type"] == "fixed":
            with pytest.raises(InputError, match="cannot be changed on the page"):
                pipeline.change(kind, row["name"], "x")
        elif row["type"] in {"integer", "number"}:
            pipeline.change(kind, row["name"], 7.0)
            assert type(pipeline.steps[kind].settings()[row["name"]]) is {"integer": int, "number": float}[row["type"]]
            with pytest.raises(InputError, match=f"{row['name']} takes a"):
                pipeline.change(kind, row["name"], "seven")
        elif row["type"] == "switch":
            pipeline.change(kind, row["name"], not row["default"])
            assert pipeline.steps[kind].settings()[row["name"]] is not row["default"]
    assert find(kind, estimator).key("x") != pipeline.steps[kind].key("x")


class Told(BaseEstimator):
    """Settings of any kind."""

    def __init__(self, value: Any = 1) -> None:
        self.value = value

    def fit_transform(self, vectors: Any) -> Any:
        return vectors[:, :2]


class Untold(Told):
    """One that fails when it is asked for its settings."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        raise AttributeError("no attribute 'q'")


def test_settings_that_cannot_be_told_are_one_sentence() -> None:
    session = Session(VECTORS)
    session.give(features=VECTORS)
    with pytest.raises(InputError, match=r"does not tell its settings.*no attribute 'q'"):
        session.reduce(Untold())
    own = Told()
    own.value = own
    with pytest.raises(InputError, match="does not tell its settings"):
        session.reduce(own)


def test_a_number_without_end_is_shown_and_not_counted_with() -> None:
    session = Session(VECTORS)
    session.give(features=VECTORS)
    assert session.reduce(Told(10**400)).settings["value"] == 10**400


def test_a_setting_moved_during_the_run_changes_nothing() -> None:
    step = find("reduce", PCA(2))
    result = step.run(VECTORS, Progress(lambda *_: step.set(whiten=True)))
    assert step.settings()["whiten"] is True
    assert result.settings["whiten"] is False


def test_the_same_settings_are_not_computed_again() -> None:
    on = session()
    first = on.reduce(FastICA(n_components=2))
    on.reduce("pca")
    assert on.reduce(FastICA(n_components=2)).key == first.key
    assert on.reduce(FastICA(n_components=2), max_iter=300).key != first.key
    assert on.reduce(FastICA(n_components=2), random_state=1).settings["random_state"] == 1
    plain, white = on.reduce(PCA(2)), on.reduce(PCA(2), whiten=True)
    assert white.values.std() == pytest.approx(1.0, abs=0.02)
    assert plain.values.std() > 1.1, "the setting is what it was computed with"


def test_a_run_that_was_stopped_says_so_and_waits_its_turn() -> None:
    told: list[str] = []
    with pytest.raises(Cancelled):
        find("reduce", PCA(2)).run(VECTORS, Progress(lambda _, note: told.append(note), lambda: len(told) >= 2))
    assert "Stop waits" in told[-1]


# What somebody else's classes may be like


class Mine(BaseEstimator):
    """Two columns of the data."""

    def __init__(self, first: int = 0, second: int = 1, gives: str = "places") -> None:
        self.first, self.second, self.gives = first, second, gives

    def fit(self, x: np.ndarray) -> Mine:
        return self

    def transform(self, x: np.ndarray) -> Any:
        places = x[:, [self.first, self.second]].astype(np.float64)
        if self.gives == "warnings":
            for number in range(8):
                warnings.warn(f"it did not settle in round {number}", ConvergenceWarning, stacklevel=2)
        if self.gives == "raises":
            raise ZeroDivisionError("nothing to divide by " + "x" * 1_000)
        holes = places.copy()
        holes[1, 0], holes[2, 1] = np.nan, np.inf
        return {
            "places": places, "warnings": places, "wide": x, "flat": places[:, 0], "short": places[1:], "text": places.astype(str),
            "holes": holes, "nothing": places * np.nan, "sparse": csr_matrix(places), "huge": places * 1e200,
            "complex": places * 1j, "memory": None, "ragged": [[1, 2], [3]],
        }[self.gives]  # fmt: skip


class Bare:
    """Follows the contract and inherits nothing: no set_params, no `deep`."""

    def __init__(self, parts: int = 3) -> None:
        self.parts = parts

    def get_params(self) -> dict[str, Any]:
        return {"parts": self.parts}

    def fit(self, x: np.ndarray) -> None:
        self.labels_ = np.arange(len(x)) % self.parts - 1.0


class Counts(BaseEstimator):
    """Says how many columns it was given."""

    def fit_predict(self, x: np.ndarray) -> np.ndarray:
        warnings.warn(f"{x.shape[1]} columns", UserWarning, stacklevel=2)
        return np.zeros(len(x), int)


class Says(BaseEstimator):
    """Gives the labels that it was told to."""

    def __init__(self, labels: Any = None, chances: Any = None) -> None:
        self.labels, self.chances = labels, chances

    def fit(self, x: np.ndarray) -> Says:
        return self

    def predict(self, x: np.ndarray) -> Any:
        return self.labels

    def predict_proba(self, x: np.ndarray) -> Any:
        return self.chances


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        ("wide", r"shape \(60, 6\) for 60 rows, and a layout has shape \(60, 2\)"), ("flat", r"shape \(60,\)"),
        ("short", r"shape \(59, 2\)"), ("text", "no array of real numbers"), ("complex", "no array of real numbers"),
        ("nothing", "gave no item a place"), ("raises", "cannot be used on this data: nothing to divide by"),
        ("memory", "no array of real numbers"), ("ragged", "no array of real numbers"),
    ],
)  # fmt: skip
def test_what_is_no_layout_is_said(gives: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as problem:
        session().reduce(Mine(gives=gives))
    assert len(str(problem.value)) < 450


def test_rows_without_a_place_are_told() -> None:
    result = session().reduce(Mine(gives="holes"))
    assert np.isnan(result.values).all(axis=1).tolist() == [row in (1, 2) for row in range(N)]
    assert any("2 of 60 rows got no place" in note for note in result.notes)


@pytest.mark.parametrize("gives", ["sparse", "huge"])
def test_what_can_be_a_layout_is_one(gives: str) -> None:
    assert session().reduce(Mine(gives=gives)).valid.all()


def test_rows_without_features_get_no_place_and_are_noise() -> None:
    vectors = VECTORS.copy()
    vectors[[4, 9]] = np.nan
    on = session(vectors)
    assert np.flatnonzero(~on.reduce(PCA(2)).valid).tolist() == [4, 9]
    clusters = on.cluster(GaussianMixture(2), on="vectors")
    assert clusters.values[[4, 9]].tolist() == [-1, -1]
    assert clusters.arrays["probability"].shape == (N,)
    with pytest.raises(InputError, match="at least 3"):
        find("reduce", PCA(2)).run(np.full((5, 3), np.nan))


def test_warnings_are_notes(capfd: pytest.CaptureFixture[str]) -> None:
    notes = session().reduce(Mine(gives="warnings")).notes
    assert notes[0] == "it did not settle in round 0"
    assert "and 3 more warnings" in notes
    assert any("converge" in note for note in session().cluster(AffinityPropagation(max_iter=1), on="vectors").notes)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("mine", [Bare(), Bare(4)])
def test_a_class_that_only_follows_the_contract(mine: Bare) -> None:
    on = session()
    result = on.cluster(mine, on="vectors")
    assert result.settings["parts"] == mine.parts
    assert int(result.values.max()) == mine.parts - 2
    assert (result.values == -1).sum() == -(-N // mine.parts)
    assert on.cluster(mine, on="vectors", parts=6).settings["parts"] == 6
    assert not hasattr(mine, "labels_")
    assert json.loads(json.dumps(find("cluster", mine).describe()))


@pytest.mark.parametrize(
    "labels", [np.zeros(3, int), np.zeros((N, 1), int), np.full(N, 0.5), np.full(N, np.nan), np.full(N, "a"), None]
)
def test_what_are_no_labels_is_said(labels: Any) -> None:
    with pytest.raises(InputError, match="gave labels"):
        session().cluster(Says(labels), on="vectors")


def test_any_negative_is_noise_and_the_largest_is_first() -> None:
    labels = np.array([-3] * 5 + [7] * 10 + [2] * 45)
    result = session().cluster(Says(labels, np.tile([0.25, 0.75], (N, 1))), on="vectors")
    assert result.values.tolist() == [-1] * 5 + [1] * 10 + [0] * 45
    assert result.arrays["probability"].tolist() == [0.75] * N
    assert not session().cluster(Says(labels, np.ones(4)), on="vectors").arrays, "of another length"


# Settings


def test_what_it_runs_on_is_a_setting() -> None:
    on = session()
    on.reduce("pca")
    keys = {on.cluster(KMeans(3), on=where).key for where in ("layout", "vectors", "pca")}
    assert len(keys) == 3
    assert on.cluster(KMeans(3)).input == on.layout.key
    assert on.cluster(GaussianMixture(3), on="pca", pca_components=4).settings["n_components"] == 3
    assert "4 columns" in on.cluster(Counts(), on="pca", pca_components=4).notes
    assert "2 columns" in on.cluster(Counts()).notes
    assert "6 columns" in on.cluster(Counts(), on="vectors").notes
    with pytest.raises(InputError, match="pca_components takes a whole number"):
        on.cluster(KMeans(3), pca_components=1)


def test_a_chain_shows_the_settings_of_its_links() -> None:
    chain = make_pipeline(SimpleImputer(), StandardScaler(), TSNE(perplexity=20, max_iter=250))
    on = session()
    result = on.reduce(chain)
    assert result.settings["steps"][2] == ["tsne", {"class": "sklearn.TSNE"}]
    assert (result.settings["tsne__random_state"], result.settings["tsne__perplexity"]) == (0, 20)
    assert result.settings["simpleimputer__missing_values"] == "nan"
    pipeline = Pipeline(on, {"reduce": chain}, lambda _: None)
    assert not pipeline.describe("reduce")["changed"], "it is what made the layout"
    main = [row["name"] for row in pipeline.describe("reduce")["schema"] if not row["advanced"]]
    assert main[0] == "tsne__perplexity"
    pipeline.change("reduce", "tsne__perplexity", 10)
    assert pipeline.describe("reduce")["changed"]
    other = Chain([chain.steps[1], chain.steps[0], chain.steps[2]])
    assert find("reduce", other).key("x") != find("reduce", chain).key("x"), "the order of its links counts"
    with pytest.raises(InputError, match="give the estimator with it"):
        on.reduce(chain, tsne=PCA(2))


def test_nothing_on_the_page_chooses_a_folder() -> None:
    pipeline = Pipeline(session(), {"cluster": AgglomerativeClustering(3, memory="here")}, lambda _: None)
    with pytest.raises(InputError, match="cannot be changed on the page"):
        pipeline.change("cluster", "memory", "/tmp/elsewhere")


def test_settings_change_all_or_none() -> None:
    step = find("cluster", KMeans(3))
    before = step.settings()
    with pytest.raises(InputError, match="on takes"):
        step.set(n_clusters=5, on="the moon")
    assert step.settings() == before
    with pytest.raises(InputError, match="did you mean 'n_clusters'"):
        step.set(n_cluster=5)


# What cannot be written down


@pytest.mark.parametrize("function", [np.abs, lambda x: x, abs])
def test_a_function_is_never_known_again(function: Callable[[Any], Any]) -> None:
    chain = make_pipeline(FunctionTransformer(function), PCA(2))
    result = session().reduce(chain)
    assert any("cannot be written down" in note for note in result.notes)
    assert "0x" not in json.dumps(result.record())
    assert session().reduce(chain).key != result.key
    step = find("reduce", chain)
    assert step.key("x") == step.copy().key("x") == find("reduce", step).key("x"), "the same step, while it lives"
    step.set(pca__whiten=True)
    assert step.key("x") != find("reduce", chain).key("x")


def test_a_class_of_a_cell_is_never_known_again_but_an_installed_one_is() -> None:
    assert find("reduce", Mine()).key("x") != find("reduce", Mine()).key("x")
    assert any("the class Mine" in note for note in session().reduce(Mine()).notes)
    code = "from sklearn.manifold import TSNE\nfrom explorer.step import find\nprint(find('reduce', TSNE(perplexity=9)).key('x'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == find("reduce", TSNE(perplexity=9)).key("x")


def test_values_are_written_by_what_they_are() -> None:
    lost: set[str] = set()
    centres = np.arange(6.0).reshape(3, 2)
    assert written(centres, lost) == written(centres.copy(), lost) != written(centres + 1, lost)
    assert written(csr_matrix(centres), lost) != written(csr_matrix(centres + 1), lost)
    assert written({1: np.float32(2), "a": (1, None)}, lost) == [[1, 2.0], ["a", [1, None]]]
    assert written([np.inf, np.float64, np.dtype("i4")], lost) == ["inf", "numpy.float64", "int32"]
    assert written(KMeans(2), lost)["params"]["n_clusters"] == 2
    assert not lost
    assert written(np.array([object()]), lost) == "ndarray"
    assert written(object(), lost) == "object"
    assert lost == {"ndarray", "object"}


# A workspace on disk, and the page


def test_a_workspace_shows_an_estimators_result_and_says_what_to_give(tmp_path: Path) -> None:
    first = session(VECTORS, tmp_path / "w")
    first.reduce(TSNE(max_iter=250))
    first.cluster(Birch(n_clusters=4), on="vectors")
    back = Session(VECTORS, tmp_path / "w")
    pipeline = Pipeline(back, {}, lambda _: None)
    for kind, method in (("reduce", "sklearn.TSNE"), ("cluster", "sklearn.Birch")):
        said = pipeline.describe(kind)
        assert json.loads(json.dumps(said)) == said
        assert (said["method"], said["changed"], said["message"]) == (method, False, "")
        assert isinstance(pipeline.steps[kind], Recorded)
        assert {row["type"] for row in said["schema"]} == {"fixed"}
        with pytest.raises(InputError, match=f"give it again, session.{kind}"):
            pipeline.steps[kind].run(VECTORS)
        with pytest.raises(InputError, match="give it again"):
            find(kind, method)
    with pytest.raises(InputError):
        pipeline.change("reduce", "perplexity", 5)
    pipeline.run("reduce")
    until(lambda: pipeline.poll() or not pipeline.busy, "the result that is there")
    assert not pipeline.messages["reduce"], "nothing is computed, so nothing is missing"
    export = tmp_path / "labels.csv"
    back.export(export)
    about = (tmp_path / "labels.csv.settings.json").read_text("utf-8")
    assert "sklearn.TSNE" in about
    assert '"perplexity": 30.0' in about


def test_the_page_runs_it_and_goes_back_to_it() -> None:
    on = session(VECTORS)
    chosen = {"reduce": TSNE(max_iter=250), "cluster": KMeans(4)}
    pipeline = Pipeline(on, chosen, lambda _: None)
    pipeline.start()
    until(lambda: pipeline.poll() or not pipeline.busy, "layout and clusters")
    assert (on.layout.method, on.clusters.method) == ("sklearn.TSNE", "sklearn.KMeans")
    pipeline.change("reduce", "perplexity", 12)
    pipeline.choose("reduce", "pca")
    assert pipeline.describe("reduce")["methods"] == [*names("reduce"), "sklearn.TSNE"]
    pipeline.choose("reduce", "sklearn.TSNE")
    assert pipeline.describe("reduce")["settings"]["perplexity"] == 12.0
    assert chosen["reduce"].perplexity == 30.0, "what was given stays as it was"
    pipeline.run("reduce")
    until(lambda: pipeline.poll() or not pipeline.busy, "the layout and what follows")
    assert on.layout.settings["perplexity"] == 12.0
    pipeline.change("reduce", "perplexity", 2_000)
    pipeline.run("reduce")
    until(lambda: pipeline.poll() or not pipeline.busy, "what the estimator says")
    assert "perplexity (2000.0) must be less than n_samples" in pipeline.messages["reduce"]


class Waits(Mine):
    """Computes while it is allowed to, one at a time."""

    inside = 0
    most = 0
    gate = threading.Event()

    def transform(self, x: np.ndarray) -> Any:
        Waits.inside += 1
        Waits.most = max(Waits.most, Waits.inside)
        Waits.gate.wait(20)
        Waits.inside -= 1
        return super().transform(x)


def test_two_visits_compute_one_after_the_other() -> None:
    """numba's workqueue ends the process where two threads enter it."""
    visits = [Pipeline(session(VECTORS), {"reduce": Waits()}, lambda _: None) for _ in range(2)]
    for visit in visits:
        visit.run("reduce")
    until(lambda: any("waiting for another" in visit.describe("reduce")["note"] for visit in visits), "one that waits")
    Waits.gate.set()
    until(lambda: [visit.poll() for visit in visits] and not any(visit.busy for visit in visits), "both")
    assert Waits.most == 1
    assert all(visit.session.layout is not None for visit in visits)


# What is refused


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("reduce", TSNE, r"not as a class: session\.reduce\(TSNE"), ("reduce", 5, "'int' is none"),
        ("reduce", TSNE(3), "n_components=3"),
        ("reduce", FastICA(), "n_components=None is not allowed: layouts have two"), ("cluster", TSNE(), r"session\.reduce"),
        ("reduce", AgglomerativeClustering(3), r"session\.cluster"), ("reduce", KMeans(3), r"shape \(60, 3\)"),
        ("reduce", NMF(2), "Negative values"), ("extract", PCA(2), "features cannot be computed by an estimator"),
        ("cluster", KMeans(500), "n_clusters=500"), ("reduce", make_pipeline(PCA(3)), r"shape \(60, 3\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_one_sentence(kind: str, given: Any, said: str) -> None:
    on = session(VECTORS)
    on.reduce("pca")
    with pytest.raises(InputError, match=said):
        getattr(on, kind)(given)


def test_a_setting_that_every_clusterer_has_is_refused() -> None:
    class Clash(Bare):
        def __init__(self, on: int = 1) -> None:
            self.on = on

        def get_params(self) -> dict[str, Any]:
            return {"on": self.on}

    with pytest.raises(InputError, match="setting 'on'"):
        find("cluster", Clash())


def test_the_public_door_takes_one() -> None:
    on = explorer.Session(VECTORS)
    on.extract("vectors")
    assert on.reduce(MiniBatchSparsePCA(2, max_iter=10)).method == "sklearn.MiniBatchSparsePCA"
    assert on.cluster(DBSCAN(eps=1.0)).settings["eps"] == 1.0
