"""Nearest neighbours in feature space: against looking at every pair, for ordinary and odd features."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import explorer.neighbors
from explorer import InputError, Session
from explorer.errors import Cancelled
from explorer.neighbors import QUERIES, around, nearest_rows
from explorer.step import Progress

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
        patch.setattr(explorer.neighbors, "ROWS", data.draw(st.integers(1, 12)))
        patch.setattr(explorer.neighbors, "QUERIES", data.draw(st.integers(1, 3)))
        patch.setattr(explorer.neighbors, "PAIRS", data.draw(st.integers(1, 20)))
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
