"""How far a map can be trusted: against scikit-learn and slow references, and as the session's verbs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

import explorer
from explorer import InputError, Session
from explorer.errors import Cancelled
from explorer.insight.quality import Torn, Trust, measure, measuring, places, ranks, stability, torn
from explorer.insight.quality.dimension import dimension
from explorer.insight.quality.job import kept, measured
from explorer.insight.quality.places import Places, common
from explorer.insight.quality.shepard import PAIRS, _pairs, shepard
from explorer.insight.quality.ties import settled
from explorer.neighbors import METRICS, neighbor_graph
from explorer.step import Progress, Result, find
from explorer.worker import Worker

RNG = np.random.default_rng(0)
N = 120
VECTORS = RNG.normal(size=(N, 6)).astype(np.float32)
LAYOUT = (VECTORS[:, :2] + 0.3 * RNG.normal(size=(N, 2))).astype(np.float32)
CDIST = {"manhattan": "cityblock"}

few = settings(max_examples=25, deadline=None)


def slow(vectors: np.ndarray, layout: np.ndarray, k: int) -> np.ndarray:
    """``(n,)`` trustworthiness of each item by its definition, where of equally far rows none is nearer."""
    n = len(vectors)
    far, drawn = (cdist(np.float64(each), np.float64(each)) for each in (vectors, layout))
    penalty = np.zeros(n)
    for row in range(n):
        others = np.delete(np.arange(n), row)
        near = others[np.argsort(drawn[row, others], kind="stable")[:k]]
        rank = [(np.delete(far[row], row) < far[row, one]).sum() + 1 for one in near]
        penalty[row] = np.maximum(np.array(rank) - k, 0).sum()
    return 1 - 2 * penalty / (k * (2 * n - 3 * k - 1))


# Against references


@few
@given(st.integers(12, 80), st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_both_measures_are_scikit_learns(n: int, k: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, layout = rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)
    made = measure(vectors, layout, k)
    wide = vectors.astype(np.float64), layout.astype(np.float64)
    assert made.trustworthiness.value == pytest.approx(trustworthiness(*wide, n_neighbors=k), abs=1e-9)
    assert made.continuity.value == pytest.approx(trustworthiness(*wide[::-1], n_neighbors=k), abs=1e-9)
    assert made.trustworthiness.of_items == pytest.approx(slow(vectors, layout, k), abs=1e-6)


@few
@given(st.integers(9, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_equally_far_rows_are_given_the_benefit_of_the_doubt(n: int, k: int, seed: int) -> None:
    """On a coarse grid nearly all distances are shared, and many rows are equal."""
    rng = np.random.default_rng(seed)
    vectors, layout = rng.integers(0, 3, (n, 2)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)
    made = measure(vectors, layout, k)
    assert made.trustworthiness.of_items == pytest.approx(slow(vectors, layout, k), abs=1e-6)
    same = measure(vectors, vectors, k)
    assert (same.trustworthiness.value, same.continuity.value) == (1.0, 1.0)


@pytest.mark.parametrize("metric", METRICS)
def test_ranks_are_those_of_a_sorted_list(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "QUERIES", 17)
    monkeypatch.setattr(ranks, "ROWS", 31)
    rows = (VECTORS + 50).astype(np.float32)
    far = cdist(rows.astype(float), rows.astype(float), CDIST.get(metric, metric))
    np.fill_diagonal(far, -1)
    wanted = np.argsort(np.argsort(far, axis=1), axis=1)
    asked = np.arange(0, N, 3)
    others = RNG.integers(0, N, (len(asked), 5))
    others[others == asked[:, None]] = -1
    found = ranks.ranks(ranks.Space(rows, metric), asked, others)
    assert np.array_equal(found, np.where(others >= 0, wanted[asked[:, None], others], 0))


def test_recall_is_the_share_of_neighbours_that_both_have() -> None:
    made = measure(VECTORS, LAYOUT, 10)
    near = [np.argsort(cdist(each, each) + np.diag([np.inf] * N), axis=1)[:, :10] for each in (VECTORS, LAYOUT)]
    wanted = [len(set(one) & set(other)) / 10 for one, other in zip(*near, strict=True)]
    assert made.recall.of_items == pytest.approx(wanted)
    assert made.recall.value == pytest.approx(np.mean(wanted))
    spread = 1.96 * np.std(wanted, ddof=1) / np.sqrt(N)
    assert (made.recall.low, made.recall.high) == pytest.approx((made.recall.value - spread, made.recall.value + spread))


def test_a_sample_is_ranked_as_all_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure(VECTORS, LAYOUT, 7)
    monkeypatch.setattr(measuring, "EXACT", 50)
    monkeypatch.setattr(measuring, "SOON", 0.0)
    monkeypatch.setattr(measuring, "SAMPLE", 40)
    made = measure(VECTORS, LAYOUT, 7)
    known = np.isfinite(made.trustworthiness.of_items)
    assert (known.sum(), made.sampled, made.items) == (40, 40, N)
    for name in ("trustworthiness", "continuity"):
        some, everything = getattr(made, name), getattr(whole, name)
        assert np.array_equal(some.of_items[known], everything.of_items[known])
        assert some.low < everything.value < some.high
    assert np.array_equal(made.recall.of_items, whole.recall.of_items)
    assert "of 40 items picked at random" in made.note
    everyone = measure(VECTORS, LAYOUT, 7, items="all")
    assert np.array_equal(everyone.trustworthiness.of_items, whole.trustworthiness.of_items)
    assert (everyone.whole, made.whole) == (True, False)
    again = measure(VECTORS, LAYOUT, 7)
    assert np.array_equal(again.trustworthiness.of_items, made.trustworthiness.of_items, equal_nan=True)


def test_chance_is_about_a_half() -> None:
    made = measure(RNG.normal(size=(600, 8)), RNG.normal(size=(600, 2)), 5)
    assert made.trustworthiness.value == pytest.approx(0.5, abs=0.03)
    assert made.continuity.value == pytest.approx(0.5, abs=0.03)
    assert made.recall.value < 0.05


# Equal rows


def heap(spread: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """300 equal rows of 900, which the map has on one spot, or as far apart as said."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(900, 8)).astype(np.float32)
    layout = vectors[:, :2] + 0.3 * rng.normal(size=(900, 2)).astype(np.float32)
    vectors[::3], layout[::3] = vectors[0], layout[0] + spread * rng.normal(size=(300, 2))
    return vectors, layout


@pytest.mark.parametrize("spread", [0.0, 1e-3], ids=["one spot", "a small area"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_equal_rows_that_lie_together_are_kept(spread: float, metric: str) -> None:
    vectors, layout = heap(spread)
    made = measure(vectors, layout, 15, metric)
    for name in ("trustworthiness", "continuity", "recall"):
        assert (getattr(made, name).of_items[::3] == 1).all(), name
    one = np.arange(900) == 0
    graph, drawn = neighbor_graph(vectors, 15, metric), Places(layout)
    assert torn(graph, drawn, one, vectors=vectors).count == 0
    if not spread:
        assert torn(graph, drawn, one).count == 0, "on one spot nothing lies elsewhere"


def test_different_rows_on_one_spot_are_kept_as_far_as_they_can_be() -> None:
    vectors, layout = heap()
    vectors = VECTORS[np.arange(900) % N] + np.arange(900)[:, None].astype(np.float32) / 50
    made = measure(vectors, layout, 15)
    graph = neighbor_graph(vectors, 15)
    on_spot = (graph.indices[::3] % 3 == 0).sum(axis=1) / 15
    assert made.recall.of_items[::3] == pytest.approx(on_spot)


def test_equal_rows_that_the_map_has_parted_are_torn() -> None:
    """Beside it are fewer than k of them, so that some of its nearest are elsewhere, whichever these are."""
    vectors, layout = heap()
    layout[15::3] += 100  # five of 300 stay
    one = np.arange(900) == 0
    found = torn(neighbor_graph(vectors, 15), Places(layout), one, vectors=vectors)
    assert (found.count, found.of) == (11, 15)
    assert measure(vectors, layout, 15).recall.of_items[0] == pytest.approx(4 / 15)


@few
@given(st.integers(8, 13), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_no_choice_among_ties_would_keep_fewer(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, layout = (rng.integers(0, 3, (n, 2)).astype(np.float32) for _ in range(2))
    made = measure(vectors, layout, k)
    near, drawn = neighbor_graph(vectors, k).indices, Places(layout).nearest(np.arange(n), k)
    assert (made.recall.of_items >= common(near, drawn) / np.float32(k) - 1e-6).all()
    best = [_best(cdist(vectors, vectors)[row], cdist(layout, layout)[row], row, k) for row in range(n)]
    assert (made.recall.of_items <= np.array(best) + 1e-6).all()
    assert (measure(vectors, vectors, k).recall.of_items == 1).all()


def _best(far: np.ndarray, drawn: np.ndarray, row: int, k: int) -> float:
    """The largest share of neighbours that both can have."""
    others = [other for other in range(len(far)) if other != row]
    choices = []
    for one in (far, drawn):
        last = np.sort(one[others])[k - 1]
        sure = [other for other in others if one[other] < last]
        loose = [other for other in others if one[other] == last]
        choices.append([{*sure, *more} for more in combinations(loose, k - len(sure))])
    return max(len(some & other) for some in choices[0] for other in choices[1]) / k


@few
@given(st.integers(12, 80), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_without_ties_neighbours_are_those_that_were_found(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, layout = rng.normal(size=(n, 4)).astype(np.float32), rng.normal(size=(n, 2))
    near, drawn = neighbor_graph(vectors, k).indices, Places(layout).nearest(np.arange(n), k)
    found = settled(ranks.Space(vectors), near, Places(layout), drawn)
    assert np.array_equal(found[0], near)
    assert np.array_equal(found[1], drawn)


# What is odd


def test_rows_without_features_or_a_place_are_left_out() -> None:
    vectors, layout = VECTORS.copy(), LAYOUT.copy()
    vectors[3], layout[[5, 8], 0] = np.nan, np.inf
    left = np.setdiff1d(np.arange(N), [3, 5, 8])
    made, wanted = measure(vectors, layout, 6), measure(VECTORS[left], LAYOUT[left], 6)
    assert np.isnan(made.trustworthiness.of_items[[3, 5, 8]]).all()
    assert np.array_equal(made.trustworthiness.of_items[left], wanted.trustworthiness.of_items)
    assert made.items == len(left)


@pytest.mark.parametrize("values", [np.ones((N, 4)), np.zeros((N, 4)), np.full((N, 4), 3e38), 1e8 + VECTORS[:, :4] % 3])
def test_equal_and_huge_rows_give_numbers(values: np.ndarray) -> None:
    made = measure(values, LAYOUT, 6)
    for name in ("trustworthiness", "continuity", "recall"):
        score = getattr(made, name)
        assert 0 <= score.low <= score.value <= score.high <= 1
    assert made.shepard.counts.sum() == made.shepard.pairs


def test_where_all_rows_are_equal_there_is_no_direction() -> None:
    made = measure(np.ones((N, 4)), LAYOUT, 6)
    assert made.dimension is None
    assert np.isnan(made.shepard.correlation)
    assert made.trustworthiness.value == 1.0, "nobody is a stranger where all are the same"


@pytest.mark.parametrize(
    ("vectors", "layout", "k", "said"),
    [
        (VECTORS, LAYOUT[1:], 5, "not of the same items"),
        (VECTORS, VECTORS, 5, "not of the same items"),
        (VECTORS, LAYOUT, 0, "a whole number of at least 1, not 0"),
        (VECTORS, LAYOUT, 2.5, "a whole number of at least 1"),
        (VECTORS, LAYOUT, True, "a whole number of at least 1"),
        (VECTORS, LAYOUT, 60, "60 neighbours need more than 120 items .* and there are 120: take k up to 59"),
        (VECTORS[:2], LAYOUT[:2], 1, "there are 2: compute features and a layout of at least 3"),
        (np.full((9, 3), np.nan), LAYOUT[:9], 1, "there are 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_a_sentence(vectors: np.ndarray, layout: np.ndarray, k: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        measure(vectors, layout, k)


def test_stop_ends_it() -> None:
    with pytest.raises(Cancelled):
        measure(VECTORS, LAYOUT, 5, progress=Progress(cancelled=lambda: True))


def test_progress_goes_on() -> None:
    heard: list[float] = []
    measure(VECTORS, LAYOUT, 5, progress=Progress(lambda fraction, note: heard.append(fraction)))
    assert heard == sorted(heard)
    assert heard[-1] >= 0.95


# Neighbours on the map


@few
@given(st.integers(3, 60), st.integers(1, 8), st.booleans(), st.integers(0, 2**32 - 1))
def test_the_nearest_on_the_map(n: int, k: int, coarse: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 3, (n, 2)).astype(float) if coarse else rng.normal(size=(n, 2))
    rows = np.flatnonzero(rng.random(n) < 0.6)
    found = Places(spots).nearest(rows, k)
    assert found.shape == (len(rows), min(k, n - 1))
    far = cdist(spots, spots)
    for row, near in zip(rows, found, strict=True):
        assert row not in near
        assert len(set(near)) == len(near)
        assert np.sort(far[row, near]) == pytest.approx(np.sort(np.delete(far[row], row))[: len(near)])


def test_a_thousand_items_on_one_spot() -> None:
    spots = np.vstack([np.zeros((1_000, 2)), RNG.normal(size=(50, 2))])
    found = Places(spots).nearest(np.arange(1_000), 5)
    assert (found < 1_000).all()
    assert len(np.unique(found)) > 900, "not always the same few"
    far_away = Places(np.full((1_000, 2), 1e12)).nearest(np.arange(1_000), 5)
    assert len(np.unique(far_away)) > 900


def test_nobody_is_their_own_neighbour_on_a_spot_that_nothing_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_SHIFT", 0.0)
    found = Places(np.zeros((100, 2))).nearest(np.arange(100), 5)
    assert not (found == np.arange(100)[:, None]).any()


@given(st.integers(0, 2**32 - 1))
def test_what_two_lists_have_in_common(seed: int) -> None:
    rng = np.random.default_rng(seed)
    some, others = (np.array([rng.permutation(12)[:5] for _ in range(9)]) - 1 for _ in range(2))
    wanted = [len((set(one) & set(other)) - {-1}) for one, other in zip(some, others, strict=True)]
    assert common(some, others).tolist() == wanted


# Dimension and distances


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_the_directions_of_a_flat_sheet_are_counted(d: int, metric: str) -> None:
    rng = np.random.default_rng(d)
    sheet = rng.uniform(-1, 1, (2_000, d)) @ rng.normal(size=(d, 20))
    found = dimension(neighbor_graph((sheet + (30 if metric == "cosine" else 0)).astype(np.float32), 15, metric))
    assert found is not None
    assert found.value == pytest.approx(d, rel=0.15)
    assert found.low < found.value < found.high


def test_the_diagram_of_a_perfect_map() -> None:
    made = shepard(ranks.Space(LAYOUT), LAYOUT.astype(float))
    assert made.correlation == pytest.approx(1)
    assert made.pairs == made.counts.sum() == N * (N - 1) // 2
    down, across = np.nonzero(made.counts)
    assert np.abs(down / made.counts.shape[0] - across / made.counts.shape[1]).max() < 0.05, "a diagonal"


def test_the_diagram_of_many_is_a_sample() -> None:
    spots = RNG.normal(size=(1_000, 2))
    made, again = (shepard(ranks.Space(np.float32(spots @ [[1, 0, 1], [0, 1, 1]])), spots) for _ in range(2))
    assert made.pairs == PAIRS
    one, other = _pairs(1_000)
    assert not (one == other).any()
    assert np.ptp(np.bincount(np.r_[one, other], minlength=1_000)) < 100, "all as often"
    assert made.correlation == again.correlation > 0.9, "the same sample every time"
    assert np.isnan(shepard(ranks.Space(spots.astype(np.float32)), np.zeros((1_000, 2))).correlation)


# Torn


def split() -> tuple[np.ndarray, np.ndarray]:
    """One group of vectors of which the map shows a third far away, and another group."""
    rng = np.random.default_rng(1)
    vectors = np.vstack([rng.normal(size=(60, 5)), 40 + rng.normal(size=(60, 5))]).astype(np.float32)
    layout = rng.normal(size=(120, 2)) + np.repeat([[0, 0], [100, 0], [0, 100]], [40, 20, 60], axis=0)
    return vectors, layout


def test_a_torn_group_has_its_neighbours_elsewhere() -> None:
    vectors, layout = split()
    graph = neighbor_graph(vectors, 10)
    here = np.arange(120) < 40
    found = torn(graph, Places(layout), here)
    wanted = (graph.indices[here] >= 40).sum()
    assert (found.count, found.of) == (wanted, 400)
    assert found.share == pytest.approx(wanted / 400)
    assert 0.2 < found.share < 0.5
    assert np.isin(found.rows, np.arange(40, 60)).all()
    pairs = set(zip(found.members.tolist(), found.neighbours.tolist(), strict=True))
    assert len(pairs) == min(wanted, 200)
    assert all(other in graph.indices[member] and here[member] and not here[other] for member, other in pairs)
    far = np.linalg.norm(layout[found.members] - layout[found.neighbours], axis=1)
    assert (np.diff(far) <= 1e-9).all()
    whole = torn(graph, Places(layout), np.arange(120) < 60)
    assert (whole.share, whole.count, len(whole.rows), len(whole.members)) == (0, 0, 0, 0)


def test_what_is_around_a_group_is_not_elsewhere() -> None:
    graph = neighbor_graph(LAYOUT, 8)
    for group in (np.arange(N) == 7, LAYOUT[:, 0] > 0, np.ones(N, bool), np.zeros(N, bool)):
        assert torn(graph, Places(LAYOUT), group).count == 0


# Other seeds


def test_turning_mirroring_and_scaling_is_no_change() -> None:
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    made = stability(LAYOUT, [3 * LAYOUT @ turn + 7, LAYOUT], [1, 2], 5)
    assert made.spread.value == pytest.approx(0, abs=1e-5)
    assert made.overlap.value > 0.999
    assert made.of_items == pytest.approx(1, abs=1e-5)


def test_an_item_that_moves_is_told_from_those_that_stay() -> None:
    moved = LAYOUT.copy()
    moved[4] += 3 * LAYOUT.std()
    gone = LAYOUT.copy()
    gone[9] = np.nan
    made = stability(LAYOUT, [moved, gone], [1, 2], 5)
    assert np.nanargmax(made.spread.of_items) == 4
    assert np.nanargmin(made.overlap.of_items) == 4
    assert np.isnan(made.spread.of_items[9])
    assert made.of_items[4] < 0.5 < np.nanmedian(made.of_items)
    radius = np.sqrt(((LAYOUT - np.delete(LAYOUT, 9, 0).mean(axis=0)) ** 2).sum(axis=1)[np.arange(N) != 9].mean())
    assert made.spread.of_items[4] == pytest.approx(3 * LAYOUT.std() / radius, rel=0.2), "in one of two; laying over takes a little"


def test_stability_needs_something_to_compare() -> None:
    with pytest.raises(InputError, match="give at least 1"):
        stability(LAYOUT, [], [])
    with pytest.raises(InputError, match="2 items have a place"):
        stability(LAYOUT[:2], [LAYOUT[:2]], [1])
    assert stability(np.zeros((5, 2)), [LAYOUT[:5]], [1]).spread.value >= 0


# Kept


def test_what_was_measured_is_read_back(tmp_path: Path) -> None:
    out = tmp_path / "trust" / "a.npz"
    made = measured(VECTORS, LAYOUT, 5, "euclidean", tmp_path / "graphs", out)
    known = kept(out)
    assert known is not None
    assert repr(known) == repr(made)
    assert known.note == made.note
    assert known.dimension == made.dimension
    assert np.array_equal(known.recall.of_items, made.recall.of_items)
    assert np.array_equal(known.shepard.counts, made.shepard.counts)
    assert known.shepard.correlation == made.shepard.correlation
    assert [path.name for path in out.parent.iterdir()] == ["a.npz"]
    content = out.read_bytes()
    for damaged in (b"", content[:400], content[:-30], b"PK\x03\x04" + content[4:90], b"nonsense", np.zeros(3).tobytes()):
        out.write_bytes(damaged)
        assert kept(out) is None
    assert repr(measured(VECTORS, LAYOUT, 5, "euclidean", tmp_path / "graphs", out)) == repr(made)
    assert kept(out) is not None


def test_a_file_with_pickled_values_is_not_read(tmp_path: Path) -> None:
    out = tmp_path / "a.npz"
    np.savez(out, about=np.array({"k": 5}, object), allow_pickle=True)
    assert kept(out) is None


# The session's verbs


@pytest.fixture
def session() -> Any:
    made = Session(VECTORS)
    made.extract("vectors")
    made.reduce("pca")
    yield made
    made.workspace.close()


def test_trust_is_measured_once(session: Session) -> None:
    made = session.trust()
    assert isinstance(made, Trust)
    assert made.k == 15
    assert session.trust() is made
    assert session.quality.trust is made
    assert session.trust(5).k == 5
    wanted = measure(VECTORS, session.layout.values, 15, made.metric)
    assert np.array_equal(wanted.trustworthiness.of_items, made.trustworthiness.of_items)
    assert "<Trust, 15 neighbours: trustworthiness 0." in repr(made)


def test_all_items_are_measured_where_that_is_asked_for(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("EXACT", 50), ("SAMPLE", 40), ("SOON", 0.0)):
        monkeypatch.setattr(measuring, name, value)
    assert np.isfinite(session.trust().trustworthiness.of_items).sum() == 40
    assert session.trust_takes().memory > 0
    made = session.trust(items="all")
    assert np.isfinite(made.trustworthiness.of_items).all()
    assert session.quality.trust is session.trust() is made
    session._qualities.clear()
    session.quality = type(session.quality)()
    assert session.trust().whole, "kept in the workspace, and better than a sample"
    with pytest.raises(InputError, match="'sample' or 'all', not 'some'"):
        session.trust(items="some")


def test_what_takes_a_moment_is_measured_of_all() -> None:
    assert measuring.ranked(10_000, 4_000) == 10_000
    assert measuring.ranked(measuring.EXACT + 500, 2) == measuring.EXACT + 500
    assert measuring.ranked(50_000, 64) == measuring.SAMPLE
    assert measuring.ranked(50_000, 64, "all") == 50_000


def test_a_layout_is_judged_by_its_own_metric(session: Session) -> None:
    session.reduce("umap", n_epochs=5, metric="cosine")
    assert session.trust().metric == "cosine"


def test_trust_needs_features_and_a_layout() -> None:
    session = Session(VECTORS)
    with pytest.raises(InputError, match=r"no features yet to compare the layout with; first call session\.extract"):
        session.trust()
    session.extract("vectors")
    for verb in (session.trust, session.torn, session.stability, session.start_trust):
        with pytest.raises(InputError, match=r"no layout yet; first call session\.reduce|nothing is selected"):
            verb()


def test_the_map_is_coloured_by_it_once_it_is_measured(session: Session) -> None:
    session.color_by = "density"
    with pytest.raises(InputError, match=r"neighbours kept is not measured yet for this layout; first call session\.trust\(\)"):
        session.color_by = "trust:recall"
    with pytest.raises(InputError, match=r"first call session\.stability\(\)"):
        session.color_by = "trust:stability"
    with pytest.raises(InputError, match="no measure of trust; there are 'trust:trustworthiness'"):
        session.color_by = "trust:nonsense"
    assert session.color_by == "density"
    assert not [one for one in session.color_choices if one["value"].startswith("trust:")]
    made = session.trust()
    offered = {one["value"]: one["name"] for one in session.color_choices}
    assert offered["trust:trustworthiness"] == "trustworthiness"
    assert offered["trust:recall"] == "neighbours kept"
    assert "trust:stability" not in offered
    session.color_by = "trust:recall"
    colors = session.coloring()
    assert (colors.kind, colors.title, colors.bounds) == ("number", "neighbours kept", (0.0, 1.0))
    assert np.array_equal(colors.values, made.recall.of_items)
    assert session.picture()


def test_on_another_layout_the_colour_is_what_it_was_before(session: Session) -> None:
    session.color_by = "density"
    before = session.layout
    session.trust()
    session.color_by = "trust:recall"
    session.color_by = "trust:continuity"
    session.adopt(Result(LAYOUT, "reduce", "given", {}, "", "other"))
    assert session.color_by == "density"
    assert session.quality == (None, None)
    with pytest.raises(InputError, match="not measured yet"):
        session.color_by = "trust:recall"
    session.adopt(before)
    assert session.quality.trust is not None, "it is known of that layout still"
    session.color_by = "trust:recall"
    session.cluster("kmeans", n_clusters=3)
    assert session.color_by == "trust:recall"
    session.adopt(Result(VECTORS * 2, "extract", "vectors", {}, "", "other"))
    assert session.color_by == "density"


def test_a_selection_is_torn(session: Session) -> None:
    with pytest.raises(InputError, match="nothing is selected"):
        session.torn()
    session.select(explorer.Box(-1, -1, 1, 1))
    found = session.torn(k=10)
    assert isinstance(found, Torn)
    same = session.torn(session.selection, 10)
    assert np.array_equal(found.rows, same.rows)
    assert found.of == 10 * session.selection.sum()
    assert not session.selection[found.rows].any()
    with pytest.raises(InputError, match="mask of shape"):
        session.torn(np.zeros(3, bool))


def test_torn_rows_are_the_datasets_where_some_are_left_out() -> None:
    vectors, layout = split()
    odd = np.insert(vectors, [0, 30], np.nan, axis=0)
    session = Session(odd)
    session.extract("vectors")
    session.adopt(Result(np.insert(layout, [0, 30], np.nan, axis=0).astype(np.float32), "reduce", "given", {}, "", "l"))
    group = np.zeros(len(odd), bool)
    group[:42] = True
    found = session.torn(group, 10)
    assert found.of == 400
    assert np.isin(found.rows, np.arange(42, 62)).all()
    assert group[found.members].all()


def test_stability_is_that_of_other_seeds_and_their_layouts_are_kept(session: Session) -> None:
    session.reduce("umap", n_epochs=5, random_state=7)
    heard: list[float] = []
    made = session.stability(2, Progress(lambda fraction, note: heard.append(fraction)))
    assert made.seeds == (8, 9)
    assert heard == sorted(heard)
    assert 0 < made.spread.value < 2
    step = find("reduce", "umap", n_epochs=5, random_state=8)
    assert session.workspace.get("reduce", "umap", step.key(session.features.key)) is not None
    assert session.layout.settings["random_state"] == 7, "the current one stays"
    session.color_by = "trust:stability"
    assert np.array_equal(session.coloring().values, made.of_items)
    session.trust(5)
    assert session.quality.stability is made


def test_a_method_without_chance_is_stable(session: Session) -> None:
    assert session.stability(1).spread.value == 0


def test_other_seeds_need_a_step_and_the_same_features(session: Session) -> None:
    for seeds in (0, 21, 2.5, True, "3"):
        with pytest.raises(InputError, match="a whole number from 1 to 20"):
            session.stability(seeds)
    made = session.layout
    session.adopt(Result(LAYOUT, "reduce", "given", {}, "", "g"))
    with pytest.raises(InputError, match="this layout is 'given', which cannot be computed again"):
        session.stability()
    session.adopt(made)
    session.adopt(Result(VECTORS * 2, "extract", "vectors", {}, "", "other"))
    with pytest.raises(InputError, match="made from other features"):
        session.stability()


def test_it_is_measured_in_a_child_process(session: Session) -> None:
    worker = Worker(limit=1)
    session._worker = worker
    try:
        job = session.start_trust(6).wait(60)
        assert job.state == "done", job.message
        made = session.finish_trust(job)
        assert made is session.quality.trust
        wanted = measure(VECTORS, session.layout.values, 6)
        assert np.array_equal(made.continuity.of_items, wanted.continuity.of_items)
        assert session.start_trust(6).wait(60).state == "done", "read back"
        session.adopt(Result(LAYOUT, "reduce", "given", {}, "", "g"))
        assert session.finish_trust(job) is None, "of another layout"
        assert session.quality.trust is None
    finally:
        worker.close()


def test_how_a_page_was_left_is_no_reason_to_fail(tmp_path: Path) -> None:
    """The next visit has not measured anything yet."""
    from explorer.session.look import look, take_up

    session = Session(VECTORS, tmp_path / "w")
    session.extract("vectors")
    session.reduce("pca")
    session.trust(5)
    session.color_by = "trust:recall"
    left = look(session)
    session.workspace.close()
    again = Session(VECTORS, tmp_path / "w")
    take_up(again, left)
    assert again.color_by == "none"
    again.workspace.close()
