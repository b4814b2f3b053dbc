"""Nearest neighbours in feature space: against looking at every pair, for ordinary and odd features."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import explorer.neighbors.exact
import explorer.neighbors.graph
import explorer.neighbors.rows
from explorer import InputError, Session
from explorer.errors import Cancelled
from explorer.neighbors import METRICS, NeighborGraph, approximate, around, known_graph, nearest_rows, neighbor_graph
from explorer.neighbors.rows import QUERIES
from explorer.step import Progress, sha256

RNG = np.random.default_rng(0)


def brute(features: np.ndarray, query: int, k: int, metric: str) -> list[tuple[float, int]]:
    """The neighbours of one row as (distance, row), each pair looked at by itself."""
    rows = features.astype(np.float64)
    found = []
    for row, other in enumerate(rows):
        if row == query or not (np.isfinite(other).all() and np.isfinite(rows[query]).all()):
            continue
        found.append((apart(rows[query], other, metric), row))
    return sorted(found)[:k]


def apart(one: np.ndarray, other: np.ndarray, metric: str) -> float:
    if metric == "euclidean":
        return float(np.sqrt(((one - other) ** 2).sum()))
    if not one.any() or not other.any():
        return 0.0 if not one.any() and not other.any() else 1.0
    one, other = (vector / np.abs(vector).max() for vector in (one, other))
    one, other = (vector / np.linalg.norm(vector) for vector in (one, other))
    return float(((one - other) ** 2).sum() / 2)


def assert_nearest(features: np.ndarray, queries: np.ndarray, k: int, metric: str) -> None:
    """The distances are the least there are, and the rows are at those distances, equal ones in order."""
    rows, distances = nearest_rows(features, queries, k, metric)
    assert rows.shape == distances.shape == (len(queries), min(k, len(features) - 1))
    for query, found, far in zip(queries, rows, distances, strict=True):
        wanted = brute(features, int(query), rows.shape[1], metric)
        count = int((found >= 0).sum())
        assert count == len(wanted)
        assert (found[count:] == -1).all()
        assert np.isinf(far[count:]).all()
        np.testing.assert_allclose(far[:count], [distance for distance, _ in wanted], rtol=1e-9, atol=1e-12)
        assert len(set(found[:count].tolist())) == count
        for row, distance in zip(found[:count], far[:count], strict=True):
            assert apart(*features[[query, row]].astype(np.float64), metric) == pytest.approx(distance, rel=1e-9, abs=1e-12)
        equal = np.diff(far[:count]) == 0
        assert (np.diff(found[:count])[equal] > 0).all()


values = st.one_of(
    st.integers(-2, 2).map(float),
    st.floats(-10, 10, width=32),
    st.floats(-(2.0**66), 2.0**66, width=32),
    st.sampled_from([np.nan, np.inf, -np.inf]),
)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), metric=st.sampled_from(["euclidean", "cosine"]))
def test_any_features_against_every_pair(data: st.DataObject, metric: str) -> None:
    n, d = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 5))
    features = data.draw(arrays(np.float32, (n, d), elements=values))
    queries = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=5)))
    k = data.draw(st.integers(1, n + 3))
    with pytest.MonkeyPatch.context() as patch:  # small blocks, so that there are several
        patch.setattr(explorer.neighbors.rows, "ROWS", data.draw(st.integers(1, 12)))
        patch.setattr(explorer.neighbors.rows, "QUERIES", data.draw(st.integers(1, 3)))
        patch.setattr(explorer.neighbors.rows, "PAIRS", data.draw(st.integers(1, 20)))
        assert_nearest(features, queries, k, metric)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(
    ("offset", "spread"), [(0, 1), (1e4, 1), (1e6, 1), (0, 1e-20), (0, 1e18), (1e-30, 1e-36)], ids=str
)  # fmt: skip
def test_ordinary_features_of_several_blocks(offset: float, spread: float, metric: str) -> None:
    features = (offset + spread * RNG.normal(size=(9_000, 16))).astype(np.float32)
    assert_nearest(features, np.array([0, 4_095, 4_096, 8_999]), 12, metric)


def test_near_duplicates_are_told_apart() -> None:
    """By a product of float32 alone they would be in any order."""
    features = np.full((500, 64), 100.0, np.float32)
    features[:, 0] += RNG.permutation(500).astype(np.float32) * 2**-16
    assert_nearest(features, np.arange(0, 500, 50), 20, "euclidean")


def test_equal_rows_come_in_order_and_in_no_time() -> None:
    features = np.ones((200_000, 4), np.float32)
    rows, distances = nearest_rows(features, np.arange(5, 605), 3)
    assert rows[0].tolist() == [0, 1, 2]
    assert (rows[1:] == [0, 1, 2]).all()
    assert (distances == 0).all()
    assert nearest_rows(features, np.array([1]), 3)[0].tolist() == [[0, 2, 3]]


def test_rows_of_zeros_have_no_direction() -> None:
    features = np.array([[0, 0], [1, 0], [0, 0], [-1, 0], [0, 3]], np.float32)
    rows, distances = nearest_rows(features, np.array([0, 1]), 4, "cosine")
    assert rows.tolist() == [[2, 1, 3, 4], [0, 2, 4, 3]]
    assert distances.tolist() == [[0, 1, 1, 1], [1, 1, 1, 2]]


def test_a_row_that_is_not_finite_is_nobodys_neighbour_and_has_none() -> None:
    features = RNG.normal(size=(50, 3)).astype(np.float32)
    features[[3, 7], 1] = np.nan
    features[9] = np.inf
    rows, distances = nearest_rows(features, np.arange(50), 49)
    assert not np.isin([3, 7, 9], rows).any()
    assert (rows[[3, 7, 9]] == -1).all()
    assert np.isinf(distances[[3, 7, 9]]).all()
    assert ((rows[0] >= 0).sum(), (rows[0] < 0).sum()) == (46, 3)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_more_neighbours_than_there_are(n: int) -> None:
    rows, _ = nearest_rows(np.eye(n, 4, dtype=np.float32), np.arange(n), 12)
    assert rows.shape == (n, n - 1)
    assert (np.sort(np.hstack([rows, np.arange(n)[:, None]])) == np.arange(n)).all()


def test_one_column_and_none() -> None:
    line = np.array([[0], [1], [3], [7]], np.float32)
    assert nearest_rows(line, np.array([1]), 2)[0].tolist() == [[0, 2]]
    assert nearest_rows(np.zeros((4, 0), np.float32), np.array([1]), 2)[0].tolist() == [[0, 2]]


def test_the_same_every_time_and_from_a_file(tmp_path: object) -> None:
    features = RNG.normal(size=(5_000, 8)).astype(np.float32)
    np.save(f"{tmp_path}/features.npy", features)
    mapped = np.load(f"{tmp_path}/features.npy", mmap_mode="r")
    one, other = nearest_rows(features, np.arange(700), 5), nearest_rows(mapped, np.arange(700), 5)
    for left, right in zip(one, other, strict=True):
        assert np.array_equal(left, right)
    alone = nearest_rows(features, np.array([650]), 5)
    assert np.array_equal(alone[0][0], one[0][650])
    assert np.array_equal(alone[1][0], one[1][650])


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3", None])
def test_a_k_that_is_no_number_of_neighbours(k: object) -> None:
    with pytest.raises(InputError, match="whole number of at least 1"):
        nearest_rows(np.eye(3, dtype=np.float32), np.array([0]), k)  # type: ignore[arg-type]


def test_a_metric_that_is_not_known() -> None:
    with pytest.raises(InputError, match="cosine"):
        nearest_rows(np.eye(3, dtype=np.float32), np.array([0]), 1, "cosin")


def test_progress_goes_on_and_stop_stops() -> None:
    features = RNG.normal(size=(9_000, 4)).astype(np.float32)
    told: list[float] = []
    nearest_rows(features, np.arange(1_500), 2, progress=Progress(lambda fraction, note: told.append(fraction)))
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    assert len(told) > 9
    with pytest.raises(Cancelled):
        nearest_rows(features, np.arange(1_500), 2, progress=Progress(cancelled=lambda: True))


def test_around_gives_the_others_once() -> None:
    line = np.array([[0], [1], [2.5], [3], [9], [10]], np.float32)
    assert around(line, np.array([0]), 1).tolist() == [1]
    assert around(line, np.array([0, 1, 3]), 1).tolist() == [2]
    assert around(line, np.array([3, 4]), 2).tolist() == [1, 2, 5]
    assert around(line, np.arange(6), 3).tolist() == []


def test_around_keeps_no_neighbours_of_neighbours() -> None:
    features = np.random.default_rng(0).normal(size=(3_000, 2)).astype(np.float32)
    few, many = np.arange(QUERIES), np.arange(4 * QUERIES)
    peaks = []
    for rows in (few, many):
        tracemalloc.start()
        found = around(features, rows, 300)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.4 * peaks[0], "not the neighbours of all, which for a million items are gigabytes"
    assert found.tolist() == np.setdiff1d(nearest_rows(features, many, 300)[0], many).tolist()


# The graph of all rows

FINITE = st.one_of(st.integers(-2, 2).map(float), st.floats(-10, 10, width=32), st.floats(-(2.0**60), 2.0**60, width=32))
NO_PROGRESS = Progress()


def all_apart(features: np.ndarray, metric: str) -> np.ndarray:
    """Every pair's distance, each by itself, in float64."""
    rows = features.astype(np.float64)
    if metric in ("manhattan", "chebyshev"):
        between = np.abs(rows[:, None] - rows[None])
        return between.sum(2) if metric == "manhattan" else between.max(2, initial=0)
    if metric == "correlation":
        centred = rows - rows.mean(axis=1, keepdims=True)
        centred[np.abs(centred).max(axis=1, initial=0) <= 1e-6 * np.abs(rows).max(axis=1, initial=0)] = 0
        rows = centred
    how = "euclidean" if metric == "euclidean" else "cosine"
    return np.array([[apart(one, other, how) for other in rows] for one in rows])


def assert_graph(features: np.ndarray, graph: NeighborGraph, k: int) -> None:
    """The distances are the least there are, the rows are at those distances, and of equal ones the earlier comes first."""
    n, k = len(features), min(k, len(features) - 1)
    assert graph.indices.shape == graph.distances.shape == (n, k)
    assert (graph.indices.dtype, graph.distances.dtype) == (np.int32, np.float32)
    assert (graph.exact, graph.recall, graph.method) == (True, 1.0, "exact")
    wanted = all_apart(features, graph.metric)
    np.testing.assert_allclose(np.take_along_axis(wanted, graph.indices.astype(int), 1), graph.distances, rtol=1e-6, atol=1e-12)
    np.fill_diagonal(wanted, np.inf)
    np.testing.assert_allclose(np.sort(wanted, axis=1)[:, :k], graph.distances, rtol=1e-6, atol=1e-12)
    assert not (graph.indices == np.arange(n)[:, None]).any(), "a row is not its own neighbour"
    assert all(len(set(row)) == k for row in graph.indices.tolist())


@settings(deadline=None, max_examples=150)
@given(data=st.data(), metric=st.sampled_from(METRICS))
def test_any_graph_against_every_pair(data: st.DataObject, metric: str) -> None:
    n, d = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 5))
    features = data.draw(arrays(np.float32, (n, d), elements=FINITE))
    k = data.draw(st.integers(1, n + 3))
    with pytest.MonkeyPatch.context() as patch:  # small blocks, so that there are several
        patch.setattr(explorer.neighbors.exact, "BLOCK", data.draw(st.integers(1, 40)))
        assert_graph(features, neighbor_graph(features, k, metric), k)


@pytest.mark.parametrize("metric", METRICS)
def test_a_graph_of_ordinary_features(metric: str) -> None:
    features = RNG.normal(size=(300, 37)).astype(np.float32)
    assert_graph(features, neighbor_graph(features, 12, metric), 12)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_a_graph_far_from_the_origin_and_of_near_duplicates(offset: float) -> None:
    features = (offset + RNG.normal(size=(400, 16))).astype(np.float32)
    features[200:] = features[:200]
    features[200:, 0] = np.nextafter(features[200:, 0], np.float32(np.inf))
    graph = neighbor_graph(features, 9)
    assert_graph(features, graph, 9)
    assert (graph.indices[:200, 0] == np.arange(200, 400)).all()


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_of_equally_near_rows_the_earlier_comes_first(metric: str) -> None:
    features = RNG.integers(-2, 3, size=(260, 3)).astype(np.float32)
    wanted = all_apart(features, metric)
    np.fill_diagonal(wanted, np.inf)
    assert np.array_equal(neighbor_graph(features, 10, metric).indices, np.argsort(wanted, axis=1, kind="stable")[:, :10])


def test_equal_rows_are_neighbours_in_order_and_never_the_row_itself() -> None:
    features = np.repeat(RNG.normal(size=(3, 4)).astype(np.float32), 40, axis=0)
    for metric in METRICS:
        graph = neighbor_graph(features, 3, metric)
        assert graph.indices[[0, 1, 5, 41]].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 2], [40, 42, 43]]
        assert not graph.distances.any()


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("metric", METRICS)
def test_a_graph_of_one_row_and_of_two(n: int, metric: str) -> None:
    graph = neighbor_graph(np.arange(3 * n, dtype=np.float32).reshape(n, 3), 15, metric)
    assert graph.indices.tolist() == ([[]] if n == 1 else [[1], [0]])


@pytest.mark.parametrize(("metric", "k"), [("cosin", 3), ("cosine", 0), ("cosine", 1.5), ("cosine", True)])
def test_what_no_graph_is_made_of(metric: str, k: object) -> None:
    with pytest.raises(InputError, match="cosine" if metric == "cosin" else "whole number"):
        neighbor_graph(np.eye(3, dtype=np.float32), k, metric)  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_a_tree_finds_the_same(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    features = np.round(RNG.normal(size=(900, 3)), 2).astype(np.float32)
    every = neighbor_graph(features, 7, metric)
    monkeypatch.setattr("explorer.neighbors.graph.TREE_ROWS", 1)
    tree = neighbor_graph(features, 7, metric)
    assert np.array_equal(tree.distances, every.distances)
    assert np.array_equal(tree.indices, every.indices)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_a_tree_takes_the_earlier_of_many_at_one_distance(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(8)] * 3), axis=-1).reshape(-1, 3)[RNG.permutation(512)].astype(np.float32)
    every = neighbor_graph(grid, 40, metric)
    monkeypatch.setattr("explorer.neighbors.graph.TREE_ROWS", 1)
    for k in (1, 3, 14, 15, 40):
        assert np.array_equal(neighbor_graph(grid, k, metric).indices, every.indices[:, :k])


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation"])
def test_a_graphics_card_finds_the_same(metric: str) -> None:
    pytest.importorskip("torch")
    from explorer.neighbors import exact, gpu

    features = np.vstack([RNG.normal(size=(500, 24)), np.repeat(RNG.normal(size=(2, 24)), 40, axis=0)]).astype(np.float32)
    for offset in (0, 1_000):
        rows = features + np.float32(offset)
        found = gpu.every_pair(rows, 6, metric, NO_PROGRESS, device="cpu")
        assert np.array_equal(found, exact.every_pair(rows, 6, metric, NO_PROGRESS)[0])


def clustered(n: int, d: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles, maps = rng.normal(size=(12, d)), rng.normal(size=(12, 10, d)) / 4
    kinds = rng.integers(0, 12, n)
    return (middles[kinds] + np.einsum("ij,ijk->ik", rng.normal(size=(n, 10)), maps[kinds])).astype(np.float32)


@pytest.fixture
def always_approximate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.neighbors.graph._is_exact", lambda rows, metric: False)


@pytest.mark.parametrize("metric", METRICS)
def test_the_recall_that_is_said_is_the_recall(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    features = clustered(5_000)
    true = neighbor_graph(features, 15, metric)
    monkeypatch.setattr("explorer.neighbors.graph._is_exact", lambda rows, metric: False)
    monkeypatch.setattr("explorer.neighbors.approximate.REACHES", (1,))
    monkeypatch.setattr("explorer.neighbors.cells.CELL", 32)
    monkeypatch.setattr("explorer.neighbors.approximate.ROUNDS", 0)
    poor = neighbor_graph(features, 15, metric)
    monkeypatch.setattr("explorer.neighbors.approximate.REACHES", (12,))
    monkeypatch.setattr("explorer.neighbors.approximate.ROUNDS", 3)
    good = neighbor_graph(features, 15, metric)
    for graph in (poor, good):
        assert (graph.exact, graph.method) == (False, "cells")
        assert not (graph.indices == np.arange(5_000)[:, None]).any()
        share = np.mean([len(np.intersect1d(*pair)) for pair in zip(true.indices, graph.indices, strict=True)]) / 15
        assert graph.recall == pytest.approx(share, abs=0.03)
    assert poor.recall < 0.9
    assert good.recall > 0.95


@pytest.mark.usefixtures("always_approximate")
def test_equal_rows_are_found_approximately_too() -> None:
    features = np.repeat(clustered(2), 3_000, axis=0)
    graph = neighbor_graph(features, 5)
    assert (graph.indices >= 0).all()
    assert not graph.distances.any()
    assert not (graph.indices == np.arange(6_000)[:, None]).any()


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_one_thread_and_many_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch, metric: str, exact: bool) -> None:
    features = clustered(2_000)
    monkeypatch.setattr("explorer.neighbors.cells.CELL", 64)
    monkeypatch.setattr("explorer.neighbors.graph._is_exact", lambda rows, metric: exact)
    monkeypatch.setattr("explorer.neighbors.approximate.REACHES", (1,))
    made = []
    for cores in (1, 2, 5, 5):
        monkeypatch.setenv("EXPLORER_THREADS", str(cores))
        made.append(neighbor_graph(features, 10, metric, random_state=3))
    assert len({graph.indices.tobytes() + graph.distances.tobytes() for graph in made}) == 1
    assert len({graph.recall for graph in made}) == 1
    if not exact:
        assert neighbor_graph(features, 10, metric, random_state=4).indices.tobytes() != made[0].indices.tobytes()


def test_the_approximate_search_itself_copes_with_heaps() -> None:
    """Of rows that are equal one is given to it, but by angle heaps remain."""
    found, recall = approximate.nearby(np.repeat(clustered(2), 3_000, axis=0), 5, "euclidean", 0, NO_PROGRESS)
    assert recall == 1
    assert ((found < 3_000) == (np.arange(6_000) < 3_000)[:, None]).all()
    assert not (found == np.arange(6_000)[:, None]).any()


def test_a_graph_says_how_far_it_is_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    features = clustered(3_000)
    for exact in (True, False):
        monkeypatch.setattr("explorer.neighbors.graph._is_exact", lambda rows, metric, exact=exact: exact)
        told: list[float] = []
        neighbor_graph(features, 5, progress=Progress(lambda fraction, note, told=told: told.append(fraction)))
        assert (told[0], told[-1]) == (0, 1)
        assert told == sorted(told)
        with pytest.raises(Cancelled):
            neighbor_graph(features, 5, progress=Progress(cancelled=lambda told=told: not told.clear()))


def test_kept_graphs_serve_fewer_neighbours_and_are_replaced_by_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = clustered(300)
    made = neighbor_graph(features, 6, "cosine", store=tmp_path)
    assert [place.name for place in tmp_path.glob("*/*")] == ["16"], "as many are searched for as somebody else will want"
    assert known_graph(features, 17, "cosine", tmp_path) is None
    assert known_graph(features, 6, "euclidean", tmp_path) is None
    assert known_graph(features + 1, 6, "cosine", tmp_path) is None
    more = neighbor_graph(features, 19, "cosine", store=tmp_path)
    assert [place.name for place in tmp_path.glob("*/*")] == ["24"]
    monkeypatch.setattr("explorer.neighbors.graph._found", None)  # nothing is searched any more
    for k in (19, 6):
        again = neighbor_graph(features, k, "cosine", store=tmp_path)
        assert np.array_equal(again.indices, more.indices[:, :k])
        assert np.array_equal(again.distances, more.distances[:, :k])
        assert (again.metric, again.exact, again.recall, again.method) == ("cosine", True, 1.0, "exact")
    assert np.array_equal(again.indices, made.indices)
    assert np.array_equal(known_graph(features, 6, "cosine", tmp_path).indices, made.indices)  # type: ignore[union-attr]
    assert np.array_equal(made.first(2).indices, made.indices[:, :2])


@pytest.mark.parametrize("name", ["values.npy", "array-indices.npy", "settings.json", "sums.json"])
@pytest.mark.parametrize("harm", ["gone", "cut", "flipped", "empty"])
def test_a_damaged_graph_is_made_again(tmp_path: Path, name: str, harm: str) -> None:
    features = clustered(200)
    made = neighbor_graph(features, 4, store=tmp_path)
    (file,) = tmp_path.glob(f"*/16/{name}")
    whole = bytearray(file.read_bytes())
    if harm == "gone":
        file.unlink()
    else:
        whole[len(whole) // 2] ^= 0xFF
        file.write_bytes({"cut": whole[: len(whole) // 2], "flipped": whole, "empty": b""}[harm])
    again = neighbor_graph(features, 4, store=tmp_path)
    assert np.array_equal(again.indices, made.indices)
    assert np.array_equal(again.distances, made.distances)
    assert known_graph(features, 4, "euclidean", tmp_path) is not None, "it is whole again"


@pytest.mark.parametrize("row", [-2, 200])
def test_a_graph_that_somebody_forged_leads_nowhere(tmp_path: Path, row: int) -> None:
    features = clustered(200)
    made = neighbor_graph(features, 4, store=tmp_path)
    (file,) = tmp_path.glob("*/16/array-indices.npy")
    forged = np.load(file)
    forged[7, 2] = row
    np.save(file, forged)
    sums = json.loads((file.parent / "sums.json").read_text())
    (file.parent / "sums.json").write_text(json.dumps(sums | {file.name: sha256(file)}))
    assert np.array_equal(neighbor_graph(features, 4, store=tmp_path).indices, made.indices)


def test_where_nothing_can_be_kept_there_is_a_graph_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, not a folder")
    assert neighbor_graph(clustered(50), 3, store=tmp_path / "store").indices.shape == (50, 3)


# One search serves all


def the_same(one: NeighborGraph, other: NeighborGraph) -> bool:
    return one.indices.tobytes() + one.distances.tobytes() == other.indices.tobytes() + other.distances.tobytes()


def searched(rows: np.ndarray, k: int, metric: str) -> NeighborGraph:
    """The graph by a search of all rows for exactly so many, equal rows and all."""
    return explorer.neighbors.graph._found(rows, min(k, len(rows) - 1), metric, 0, True, NO_PROGRESS)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), metric=st.sampled_from(METRICS))
def test_the_graph_of_equal_rows_is_that_of_a_search_of_all(data: st.DataObject, metric: str) -> None:
    different = data.draw(arrays(np.float32, (data.draw(st.integers(1, 12)), data.draw(st.integers(1, 4))), elements=FINITE))
    rows = different[data.draw(st.lists(st.integers(0, len(different) - 1), min_size=1, max_size=40))]
    k = data.draw(st.integers(1, len(rows) + 2))
    assert the_same(neighbor_graph(rows, k, metric), searched(rows, k, metric))
    assert_graph(rows, neighbor_graph(rows, k, metric), k)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("tied", [False, True])
def test_the_first_of_a_kept_graph_are_the_bytes_of_a_search_of_so_many(tmp_path: Path, metric: str, tied: bool) -> None:
    rows = RNG.integers(-2, 3, size=(400, 4)).astype(np.float32) if tied else clustered(400)
    for k in (1, 14, 15, 16, 17, 30):
        kept = neighbor_graph(rows, k, metric, store=tmp_path)
        assert the_same(kept, searched(rows, k, metric))
        assert the_same(kept, neighbor_graph(rows, k, metric))
    assert the_same(neighbor_graph(rows, 14, metric, store=tmp_path), searched(rows, 14, metric)), "of a kept graph of 32"


@pytest.mark.usefixtures("always_approximate")
def test_an_approximate_graph_is_the_same_with_a_folder_and_without(tmp_path: Path) -> None:
    rows = clustered(2_000)
    made = neighbor_graph(rows, 14, store=tmp_path)
    assert the_same(made, neighbor_graph(rows, 14))
    assert the_same(neighbor_graph(rows, 15, store=tmp_path).first(14), made)


def test_what_an_earlier_version_kept_is_used_where_it_is_enough(tmp_path: Path, searches: list[int]) -> None:
    from explorer.neighbors import kept

    rows = clustered(300)
    old = searched(rows, 14, "euclidean")
    kept.save(kept.place(tmp_path, rows, "euclidean", None), old.indices, old.distances, kept.told(old))
    searches.clear()
    assert the_same(neighbor_graph(rows, 14, store=tmp_path), old)
    assert not searches
    assert the_same(neighbor_graph(rows, 15, store=tmp_path).first(14), old)
    assert len(searches) == 1


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by each search's number of rows: all go through one function."""
    search, counted = explorer.neighbors.graph._found, []

    def found(rows: np.ndarray, *rest: object) -> NeighborGraph:
        counted.append(len(rows))
        return search(rows, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("explorer.neighbors.graph._found", found)
    return counted


@pytest.mark.parametrize("kind", ["plain", "near duplicates", "few", "long"])
def test_neighbours_by_angle_come_out_of_those_by_distance(kind: str, tmp_path: Path, searches: list[int]) -> None:
    rows = clustered(20 if kind == "few" else 600)
    if kind == "near duplicates":
        rows[100:103] = rows[:3] * np.float32(1.7)  # equal in direction, but for rounding
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True) * np.float32(40 if kind == "long" else 1)
    neighbor_graph(rows, 14, store=tmp_path)
    made = [(k, neighbor_graph(rows, k, "cosine", store=tmp_path), known_graph(rows, k, "cosine", tmp_path)) for k in (1, 7, 15)]
    assert searches == [len(rows)], "nothing is searched again"
    for k, by_angle, known in made:
        assert by_angle.metric == "cosine"
        assert the_same(by_angle, searched(rows, k, "cosine"))
        assert known is not None
        assert the_same(known, by_angle)


@pytest.mark.parametrize("kind", ["of several lengths", "heaps"])
def test_where_the_order_cannot_be_promised_it_is_searched(kind: str, tmp_path: Path, searches: list[int]) -> None:
    rows = clustered(600)
    rows = np.repeat(rows[:20], 30, axis=0) if kind == "heaps" else rows
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if kind == "heaps":
        rows[:, 1] += np.arange(600, dtype=np.float32) % 30 * np.float32(1e-7)
    else:
        rows[7] *= np.float32(1.01)
    neighbor_graph(rows, 14, store=tmp_path)
    assert known_graph(rows, 14, "cosine", tmp_path) is None
    made = neighbor_graph(rows, 14, "cosine", store=tmp_path)
    assert len(searches) == 2
    assert the_same(made, searched(rows, 14, "cosine"))


def visited(kind: str) -> np.ndarray:
    """Rows of a collection such as there are."""
    rows = clustered(240)
    if kind == "equal":
        rows[[7, 100, 101]] = rows[3]
    if kind == "missing":
        rows[[7, 100]] = np.nan
    return rows / np.linalg.norm(rows, axis=1, keepdims=True) if kind == "unit" else rows


@pytest.mark.parametrize("approximately", [False, True])
@pytest.mark.parametrize("kind", ["plain", "equal", "missing", "unit"])
def test_a_visit_searches_once(
    kind: str, approximately: bool, searches: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("openTSNE")
    if approximately:
        monkeypatch.setattr("explorer.neighbors.graph._is_exact", lambda rows, metric: False)
    else:
        monkeypatch.setattr("explorer.session.nearby.nearest_rows", None)  # the list takes what is kept
    session = Session(visited(kind), workspace=tmp_path / "w")
    session.extract("vectors")
    session.reduce("umap", n_epochs=5)
    session.trust()
    ids, _ = session.neighbors(session.dataset.ids[3], k=12)
    assert len(ids) == 12
    session.cluster("hdbscan", on="vectors")
    session.stability(seeds=3)
    session.reduce("tsne", perplexity=5, n_iter=5, early_iter=5)
    session.trust()
    session.cluster("hdbscan", on="vectors", random_state=9)
    assert searches == [{"equal": 237, "missing": 238}.get(kind, 240)]


# The session's verbs


@pytest.fixture
def session() -> Session:
    line = np.array([[0, 0], [1, 0], [2.5, 0], [3, 0], [9, 0], [10, 0]], np.float32)
    made = Session(line)
    made.extract("vectors")
    return made


def test_neighbours_of_an_item_by_its_id(session: Session) -> None:
    ids, distances = session.neighbors(session.dataset.ids[3], k=2)
    assert ids.tolist() == session.dataset.ids[[2, 1]].tolist()
    assert distances.tolist() == [0.5, 2.0]
    assert session.neighbors(session.dataset.ids[0], metric="cosine")[1].tolist() == [1.0] * 5
    with pytest.raises(InputError, match="no item with id"):
        session.neighbors("nobody")


def test_grow_adds_neighbours_and_says_why(session: Session) -> None:
    session.select(session.dataset.ids[[0]])
    assert session.grow(1).tolist() == [True, True, False, False, False, False]
    session.grow(1)  # each is the other's neighbour
    assert session.selection.sum() == 2
    session.grow(k=2)
    assert session.selection.tolist() == [True, True, True, False, False, False]
    assert (session.rule.mask(session.seen) == session.selection).all(), "the rule makes it again"
    session.undo()
    assert session.selection.sum() == 2
    session.clear()
    with pytest.raises(InputError, match="nothing is selected"):
        session.grow()


def test_what_is_hidden_does_not_grow(session: Session) -> None:
    from explorer import Ids

    session.select(session.dataset.ids[[3]])
    session.filters = {"x": ~Ids(session.dataset.ids[[2]])}
    assert session.grow(2).nonzero()[0].tolist() == [1, 3]


def test_without_features_it_says_what_to_do() -> None:
    bare = Session(np.eye(4, dtype=np.float32))
    with pytest.raises(InputError, match=r"session\.extract"):
        bare.neighbors(bare.dataset.ids[0])


@pytest.mark.parametrize(("scale", "metric"), [(1.0, "cosine"), (2.0, "euclidean")])
def test_the_metric_is_what_the_features_are(scale: float, metric: str) -> None:
    rows = RNG.normal(size=(40, 5))
    made = Session((scale * rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))
    made.extract("vectors")
    assert made.metric == metric


def test_the_session_shares_a_kept_graph(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    item = session.dataset.ids[3]
    looked_for = [session.neighbors(item, k) for k in (2, 3)]
    graph = session.neighbor_graph(3)
    assert graph.indices[3].tolist() == [2, 1, 0]
    monkeypatch.setattr("explorer.session.nearby.nearest_rows", None)  # nothing is looked for any more
    monkeypatch.setattr("explorer.session.nearby.around", None)
    for k, (ids, distances) in zip((2, 3), looked_for, strict=True):
        assert session.neighbors(item, k)[0].tolist() == ids.tolist()
        np.testing.assert_allclose(session.neighbors(item, k)[1], distances, rtol=1e-6)
    session.select(session.dataset.ids[[3, 4]])
    assert session.grow(2).nonzero()[0].tolist() == [1, 2, 3, 4, 5]


def test_an_item_without_features_has_no_neighbours_in_the_graph() -> None:
    rows = RNG.normal(size=(30, 4)).astype(np.float32)
    rows[[4, 9]] = np.nan
    made = Session(rows)
    made.extract("vectors")
    graph = made.neighbor_graph(5, "euclidean")
    assert graph.indices.shape == (30, 5)
    assert (graph.indices[[4, 9]] == -1).all()
    assert not np.isin([4, 9], graph.indices).any()
    assert np.array_equal(graph.indices, nearest_rows(made.features.values, np.arange(30), 5)[0])
