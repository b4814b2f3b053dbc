"""Clusters make sense: groups that are there are found, numbered by size, and what lies between them is noise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from explorer.clustering.base import Clusterer
from explorer.clustering.hdbscan import HDBSCAN
from explorer.clustering.kmeans import KMeans
from explorer.errors import Cancelled, InputError
from explorer.step import Output, Progress

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


def test_many_rows_go_to_the_quicker_library_and_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.clustering.hdbscan.FAST_ROWS", 5_000)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, 5_000)
    points = rng.uniform(-20, 20, (6, 2))[truth] + rng.normal(size=(5_000, 2))
    points[:200] = points[0]  # equal rows, as a layout has them
    step = HDBSCAN(min_cluster_size=50)
    made, again = step.run(points), step.run(points)
    assert np.array_equal(made.values, again.values)
    assert np.array_equal(made.arrays["probability"], again.arrays["probability"])
    slow, _ = step._sklearn(points.astype(np.float32), 5)
    assert adjusted_rand_score(slow, made.values) > 0.97
    assert made.values.min() >= -1


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
