"""Clusters make sense: groups that are there are found, numbered by size, and what lies between them is noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import HDBSCAN as Sklearn  # noqa: N811  two classes of one name
from sklearn.metrics import adjusted_rand_score
from waiting import until

from explorer import InCluster, Session, read
from explorer.clustering import kernels, spanning
from explorer.clustering.base import Clusterer
from explorer.clustering.hdbscan import HDBSCAN
from explorer.clustering.kmeans import KMeans
from explorer.clustering.spanning import Edges
from explorer.errors import Cancelled, InputError
from explorer.neighbors import neighbor_graph
from explorer.step import Output, Progress, Result
from explorer.views.pipeline import Pipeline
from explorer.worker import Worker

SIZES = (60, 120, 240, 180)


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), SIZES)
    centres = np.array([[0, 0], [8, 0], [0, 8], [8, 8.0]])
    return centres[truth] + rng.normal(size=(len(truth), 2)) * 0.5, truth


@pytest.mark.parametrize("step", [KMeans(n_clusters=4), HDBSCAN(), HDBSCAN(cluster_selection_method="leaf", min_samples=40)])
def test_groups_are_found(step: Clusterer, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    points, truth = blobs
    assert adjusted_rand_score(truth, step.run(points).values) > 0.9


@pytest.mark.parametrize("step", [KMeans(n_clusters=4), HDBSCAN()])
def test_cluster_0_is_the_largest(step: Clusterer, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    clusters = step.run(blobs[0]).values
    counts = np.bincount(clusters[clusters >= 0])
    assert counts.tolist() == sorted(counts, reverse=True)
    assert clusters.dtype == np.int32


def test_noise_is_minus_one_and_has_no_probability(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    points = np.vstack([blobs[0], [[30, 30], [-30, 5], [4, -40]]])
    made = HDBSCAN().run(points)
    assert made.values[-3:].tolist() == [-1, -1, -1]
    probability = made.arrays["probability"]
    assert probability.dtype == np.float32
    assert not probability[made.values < 0].any()
    assert (probability[made.values >= 0] > 0).all()
    assert probability.max() <= 1


def test_rows_without_a_value_are_noise_whatever_they_hold(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    points = blobs[0].copy()
    points[[0, 5]] = [[np.nan, 0], [np.inf, 1]]
    for step in (KMeans(n_clusters=4), HDBSCAN()):
        values = step.run(points).values
        assert values[[0, 5]].tolist() == [-1, -1]
        assert values.min() == -1
    with pytest.raises(InputError, match="at least 3"):
        KMeans().run(np.full((9, 2), np.nan))


@pytest.mark.parametrize("step", [HDBSCAN(), HDBSCAN(min_samples=1), HDBSCAN(min_samples=None, cluster_selection_method="leaf")])
def test_a_layout_with_equal_places_is_clustered_as_by_scikit_learn(step: HDBSCAN) -> None:
    rng = np.random.default_rng(0)
    points = (rng.uniform(-20, 20, (6, 2))[rng.integers(0, 6, 5_000)] + rng.normal(size=(5_000, 2))).astype(np.float32)
    points[:200] = points[0]  # equal rows, as a layout has them
    slow, _ = by_scikit_learn(points, step)
    assert adjusted_rand_score(slow, step.run(points).values) > 0.97


@settings(max_examples=60, deadline=None)
@given(
    st.integers(8, 120), st.integers(1, 3), st.integers(1, 6), st.integers(2, 8), st.sampled_from(["eom", "leaf"]),
    st.sampled_from([0.0, 1.5]), st.integers(0, 10_000),
)  # fmt: skip
def test_another_order_of_the_items_gives_the_same_clusters(
    n: int, d: int, samples: int, size: int, method: str, epsilon: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 7, size=(n, d)).astype(np.float32)  # nearly all distances are equal to others
    step, order = HDBSCAN(min_samples=samples, min_cluster_size=size), rng.permutation(n)
    step.set(cluster_selection_method=method, cluster_selection_epsilon=epsilon)
    plain, mixed = step.run(rows), step.run(rows[order])
    assert np.array_equal(plain.values < 0, (mixed.values < 0)[np.argsort(order)])
    assert adjusted_rand_score(plain.values[order], mixed.values) == 1
    assert np.allclose(plain.arrays["probability"][order], mixed.arrays["probability"], atol=1e-5)


# The cut


def by_scikit_learn(rows: np.ndarray, step: HDBSCAN) -> tuple[np.ndarray, np.ndarray]:
    """Codes and probabilities, whatever the order in which it takes equally long edges."""
    model = Sklearn(
        min_cluster_size=step.min_cluster_size, min_samples=step.min_samples or step.min_cluster_size,
        cluster_selection_method=step.cluster_selection_method, copy=True,
    ).fit(rows)  # fmt: skip
    return model.labels_, model.probabilities_


def cut_by_scikit_learn(tree: Edges, step: HDBSCAN) -> tuple[np.ndarray, np.ndarray]:
    """The same of a tree that can be cut in one way only."""
    n = len(tree.heads) + 1
    one_way = csr_matrix((tree.weights, (tree.heads, tree.tails)), shape=(n, n))
    size, method = step.min_cluster_size, step.cluster_selection_method
    model = Sklearn(min_cluster_size=size, min_samples=1, metric="precomputed", cluster_selection_method=method, copy=True)
    model.fit(one_way + one_way.T)
    return model.labels_, model.probabilities_


@settings(max_examples=80, deadline=None)
@given(
    st.integers(3, 300), st.integers(1, 3), st.integers(1, 6), st.integers(2, 12), st.sampled_from(["eom", "leaf"]),
    st.sampled_from([0, 5, 40]), st.integers(0, 10_000),
)  # fmt: skip
def test_a_tree_is_cut_as_by_scikit_learn(n: int, d: int, samples: int, size: int, method: str, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)) * rng.choice([0.1, 1, 4], (n, 1))
    rows = (rng.integers(0, levels, (n, d)) if levels else rows).astype(np.float32)
    step = HDBSCAN(min_samples=samples, min_cluster_size=min(size, n), cluster_selection_method=method)
    tree, _ = step._kept_tree(rows, min(samples, n - 1), Progress())
    codes, probability = step._cut(tree, 1.0)
    right, firm = cut_by_scikit_learn(tree, step)
    assert np.array_equal(codes < 0, right < 0)
    assert adjusted_rand_score(right, codes) == 1
    assert np.allclose(firm, probability, atol=1e-6)


def climbed(above: np.ndarray, begins: np.ndarray, taken: set[int], epsilon: float) -> set[int]:
    """By Malzer & Baum (2020): what begins below epsilon gives way to its first ancestor that does not, or to the topmost."""

    def top(one: int) -> int:
        return one if above[one] == 0 or 1 / begins[one] >= epsilon else top(int(above[one]))

    def ancestors(one: int) -> set[int]:
        return set() if above[one] == 0 else {int(above[one])} | ancestors(int(above[one]))

    tops = {top(one) for one in taken}
    return {one for one in tops if not ancestors(one) & tops}


@pytest.mark.parametrize("method", ["eom", "leaf"])
@pytest.mark.parametrize("epsilon", [0.02, 0.3, 1.0, 30.0])
def test_clusters_nearer_than_epsilon_are_one(method: str, epsilon: float) -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(900, 2)) * rng.choice([0.1, 1, 3], (900, 1))).astype(np.float32)
    step = HDBSCAN(min_cluster_size=5, cluster_selection_method=method, on="vectors")
    tree, _ = step._kept_tree(rows, 5, Progress())
    above, begins, counts, inside, leaves = kernels.condensed(*tree, 5)
    plain = set(kernels.chosen(above, begins, counts, inside, leaves, method == "leaf", 0.0).tolist()) - {-1}
    found = set(kernels.chosen(above, begins, counts, inside, leaves, method == "leaf", epsilon).tolist()) - {-1}
    assert found == climbed(above, begins, plain, epsilon)
    step.set(cluster_selection_epsilon=epsilon)
    assert step.run(rows).values.max() + 1 == len(found) <= len(plain)


@pytest.mark.parametrize("unit", [1e-20, 1e18])
def test_very_large_and_very_small_numbers_are_clustered_alike(blobs: tuple[np.ndarray, np.ndarray], unit: float) -> None:
    step = HDBSCAN(cluster_selection_epsilon=0.2)
    plain = step.run(blobs[0])
    step.set(cluster_selection_epsilon=0.2 * unit)
    assert adjusted_rand_score(plain.values, step.run(blobs[0] * unit).values) == 1


# The spanning tree


def lengths_of_the_tree(rows: np.ndarray, samples: int) -> np.ndarray:
    """The slow way: all distances at once."""
    far = squareform(pdist(rows.astype(np.float64))).astype(np.float32).astype(np.float64)
    cores = np.sort(far, axis=1)[:, samples - 1]
    reach = np.maximum(far, np.maximum(cores[:, None], cores[None]))
    return np.sort(minimum_spanning_tree(np.triu(reach + 1, 1)).data) - 1  # scipy takes 0 for no edge


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 90), st.integers(1, 7), st.integers(1, 30), st.integers(0, 10_000), st.sampled_from([1.0, 50.0, 1e6]))
def test_the_tree_is_the_smallest(n: int, d: int, samples: int, seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, size=(n, d)).astype(np.float32)  # many equal distances, and equal rows
    rows[: n // 2] += (rng.normal(size=(n // 2, d)) * spread).astype(np.float32)
    samples = min(samples, n - 1)
    graph = neighbor_graph(rows, max(3, samples - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spanning, "FEW", 20)
        patch.setattr(spanning, "SHARE", 2)
        patch.setattr(spanning, "SAMPLED", 10)
        patch.setattr(spanning, "BLOCK", 40)
        patch.setattr(spanning, "_ROOM", 2)
        tree = spanning.spanning_tree(rows, graph, samples, Progress())
    stars = tree.in_stars()
    assert (np.diff(stars.weights) > 0).all()
    assert np.allclose(stars.weights[tree.weights > 0], tree.weights[tree.weights > 0], rtol=1e-12)
    assert connected_components(csr_matrix((np.ones(n - 1), (stars.heads, stars.tails)), shape=(n, n)))[0] == 1
    assert connected_components(csr_matrix((np.ones(n - 1), (tree.heads, tree.tails)), shape=(n, n)))[0] == 1
    assert np.allclose(tree.weights, lengths_of_the_tree(rows, samples), rtol=1e-6)


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(8, 12))[rng.integers(0, 8, 6_000)] * 6 + rng.normal(size=(6_000, 12))
    rows[:600] = rng.normal(size=(600, 12)) * 8
    rows[600:700] = rows[600]
    return rows.astype(np.float32)


@pytest.mark.parametrize("step", [HDBSCAN(), HDBSCAN(min_samples=1), HDBSCAN(min_samples=None, cluster_selection_method="leaf")])
def test_many_columns_mean_the_same_by_the_neighbours(step: HDBSCAN, many: np.ndarray) -> None:
    step.on = "vectors"
    made = step.run(many)
    slow, firm = by_scikit_learn(many, step)
    assert adjusted_rand_score(slow, made.values) > 0.995
    assert np.mean(np.abs(firm - made.arrays["probability"]) < 0.01) > 0.99


def test_the_tree_is_the_same_on_any_number_of_threads(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = neighbor_graph(many, 15)
    trees = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("EXPLORER_THREADS", threads)
        trees.append(spanning.spanning_tree(many, graph, 5, Progress()))
    for other in trees[1:]:
        assert all(one.tobytes() == again.tobytes() for one, again in zip(trees[0], other, strict=True))


def test_rows_that_are_all_equal_are_one_dense_place() -> None:
    for rows in (np.ones((200, 9), np.float32), np.repeat(np.eye(9, dtype=np.float32), 40, axis=0)):
        step = HDBSCAN(on="vectors")
        assert adjusted_rand_score(by_scikit_learn(rows, step)[0], step.run(rows).values) == 1


def test_stop_is_noticed_while_the_tree_is_looked_for(many: np.ndarray) -> None:
    graph = neighbor_graph(many, 15)

    def stop(fraction: float, note: str) -> None:
        if note == "joining the dense places" and fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        spanning.spanning_tree(many, graph, 5, Progress(stop))


def test_a_layout_and_clusters_of_the_vectors_share_the_neighbours(many: np.ndarray, tmp_path: Path) -> None:
    session = Session(read(np.unique(many, axis=0)), workspace=tmp_path / "w")  # of equal rows a layout takes one
    session.extract("vectors")
    session.reduce("umap", n_epochs=10)
    kept = list(tmp_path.glob("w/results/neighbors/*/[0-9]*"))
    session.cluster("hdbscan", on="vectors")
    assert list(tmp_path.glob("w/results/neighbors/*/[0-9]*")) == kept
    assert len(kept) == 1
    assert not session.clusters.notes


@pytest.mark.parametrize("on", ["vectors", "layout"])
def test_another_size_of_cluster_cuts_the_tree_that_is_there(on: str, many: np.ndarray, tmp_path: Path) -> None:
    rows = many if on == "vectors" else many[:, :2]
    store = tmp_path / "results" / "cluster" / "hdbscan"

    def clusters(size: int, **kept: Path) -> tuple[Result, bool]:
        """What comes out, and whether a tree was made."""
        heard: list[str] = []
        step = HDBSCAN(on=on, min_cluster_size=size)
        return step.run(rows, Progress(lambda _, note: heard.append(note)), **kept), "joining the dense places" in heard

    first, made = clusters(20, store=store)
    assert made
    second, again = clusters(200, store=store)
    assert not again
    assert second.values.max() < first.values.max()
    plain, _ = clusters(200)
    assert second.values.tobytes() == plain.values.tobytes()
    assert second.arrays["probability"].tobytes() == plain.arrays["probability"].tobytes()


def test_a_damaged_tree_is_made_again(many: np.ndarray, tmp_path: Path) -> None:
    store, step = tmp_path / "results" / "cluster" / "hdbscan", HDBSCAN(on="vectors")
    whole = step.run(many, store=store)
    pairs = next(tmp_path.glob("results/neighbors/*/tree-*/array-pairs.npy"))
    as_it_was = pairs.read_bytes()
    for damage in (as_it_was[:-40], as_it_was[:500] + bytes(40) + as_it_was[540:], b""):
        pairs.write_bytes(damage)
        assert step.run(many, store=store).values.tobytes() == whole.values.tobytes()
        assert pairs.read_bytes() == as_it_was


@pytest.mark.parametrize("step", [KMeans(), HDBSCAN(), HDBSCAN(on="pca")], ids=lambda step: f"{step.method}-{step.on}")
def test_what_clusters_take_grows_with_what_there_is(step: Clusterer) -> None:
    sizes = [(1_000, 20), (4_000, 50), (30_000, 50), (30_000, 500), (1_000_000, 500)]
    found = [step.estimate(*size) for size in sizes]
    assert all(one is not None and one.seconds is not None for one in found)
    for grown in ([one.seconds for one in found], [one.memory for one in found]):
        assert grown == sorted(grown)


def test_clusters_of_settings_that_are_no_longer_allowed_can_be_looked_at(many: np.ndarray) -> None:
    session = Session(read(many))
    session.extract()
    made = session.cluster("hdbscan", on="vectors")
    session.adopt(replace(made, settings=made.settings | {"min_samples": 10**6}))
    assert Pipeline(session, {}, lambda kind: None).steps["cluster"].method == "hdbscan"


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def test_the_page_says_what_clusters_take_and_cuts_a_known_tree_at_once(many: np.ndarray, worker: Worker) -> None:
    session = Session(read(many), worker=worker)
    session.extract()
    pipeline = Pipeline(session, {}, lambda kind: None)
    pipeline.change("cluster", "on", "vectors")
    assert pipeline.describe("cluster")["estimate"].endswith("of memory")
    session.cluster("hdbscan", on="vectors")
    assert pipeline.describe("cluster")["estimate"] == "", "there is nothing to compute"
    before = session.clusters
    pipeline.change("cluster", "min_cluster_size", 200)
    assert pipeline.busy
    until(lambda: pipeline.poll() or not pipeline.busy, "the other cut")
    assert session.clusters.settings["min_cluster_size"] == 200
    assert session.clusters.values.max() < before.values.max()
    session.filter_by({"cluster": InCluster(0)})
    pipeline.change("cluster", "min_cluster_size", 150)
    assert not pipeline.busy, "what is filtered by the clusters that are shown would be lost"
    session.clear_filters()
    pipeline.change("cluster", "min_samples", 9)
    assert not pipeline.busy, "another tree waits for Run"
    assert pipeline.describe("cluster")["estimate"].endswith("of memory")


def test_of_very_many_rows_the_gaps_are_seen_by_some(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = HDBSCAN(on="vectors").run(many)
    for module in ("spanning", "hdbscan"):
        monkeypatch.setattr(f"explorer.clustering.{module}.WHOLE", 2_000)
    made = HDBSCAN(on="vectors").run(many)
    assert made.notes[0].startswith("for the gaps between clusters by 2,000 of the items: ")
    assert adjusted_rand_score(whole.values, made.values) > 0.97
    assert HDBSCAN(on="vectors").run(many[:, :5]).notes == (), "of few columns all are looked at"


def test_approximate_neighbours_are_said(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.neighbors.graph.SMALL", 100)
    monkeypatch.setattr("explorer.neighbors.graph.EXACT", 100)
    made = HDBSCAN(on="vectors").run(many)
    assert "by approximate neighbours (" in made.notes[0]
    assert adjusted_rand_score(by_scikit_learn(many, HDBSCAN())[0], made.values) > 0.95


def test_more_clusters_than_places_is_said() -> None:
    made = KMeans().run(np.repeat([[0.0, 0], [1, 1], [2, 0]], [5, 4, 3], axis=0))
    assert made.values.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert made.notes == ("3 of 10 clusters have items: there are not more different places",)


def test_fewer_items_than_a_cluster_needs_is_said() -> None:
    made = HDBSCAN(min_cluster_size=50).run(np.random.default_rng(0).normal(size=(20, 2)))
    assert (made.values == -1).all()
    assert made.notes == ("all noise: min_cluster_size is 50 and there are 20 items; lower it",)
    assert HDBSCAN(min_cluster_size=2, min_samples=500).run(np.eye(3)).values.min() >= -1


def test_equal_rows_are_together() -> None:
    points = np.vstack([np.repeat([[0.0, 0], [1, 1]], 300, axis=0), np.random.default_rng(0).uniform(-9, 9, (50, 2))])
    for step in (KMeans(), HDBSCAN()):
        clusters = step.run(points).values
        assert len(set(clusters[:300])) == 1
        assert len(set(clusters[300:600])) == 1
        assert clusters[0] != clusters[300]


def test_many_items_are_clustered_by_batches(monkeypatch: pytest.MonkeyPatch, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    monkeypatch.setattr("explorer.clustering.kmeans.BATCHED", 500)
    made = KMeans(n_clusters=4).run(blobs[0])
    assert adjusted_rand_score(blobs[1], made.values) > 0.9


def test_principal_components_are_clustered_where_asked(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    wide = np.hstack([blobs[0], rng.normal(size=(len(blobs[0]), 30)) * 0.2])
    made = HDBSCAN(on="pca", n_components=2).run(wide)
    assert adjusted_rand_score(blobs[1], made.values) > 0.9
    assert made.settings["on"] == "pca"


def test_stop_is_noticed_between_tries(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    notes: list[str] = []
    progress = Progress(lambda _, note: notes.append(note), lambda: any("try 2 of" in note for note in notes))
    with pytest.raises(Cancelled):
        KMeans(n_init=50).run(blobs[0], progress)
    assert notes[-1].endswith("try 2 of 50")


def test_codes_below_minus_one_never_come_out() -> None:
    class Odd(Clusterer):
        method = "odd"

        def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
            return Output(np.array([-3, -2, 7, 7, 5, 5, 5, -1]))

    assert Odd().run(np.ones((8, 2))).values.tolist() == [-1, -1, 1, 1, 0, 0, 0, -1]
