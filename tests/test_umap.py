"""UMAP's engine: it means what umap-learn means, gives the same bytes on any number of cores, and Stop keeps what it has."""

from __future__ import annotations

import math
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import Cancelled
from explorer.neighbors import METRICS, neighbor_graph
from explorer.progress import Progress
from explorer.reduction import umap
from explorer.reduction.umap import UMAP, sketch
from explorer.reduction.umap.curve import curve
from explorer.reduction.umap.fuzzy import fuzzy_graph
from explorer.reduction.umap.settling import NEGATIVES, Settling, settled
from explorer.reduction.umap.sketch import MANY, SOME
from explorer.reduction.umap.start import _gathered, _spectral
from explorer.step import Result


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().data, np.float32)


@pytest.fixture(scope="module")
def reference(digits: np.ndarray) -> Result:
    return UMAP(n_epochs=200, engine="umap-learn").run(digits)


@pytest.fixture
def umap_learn() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # its note that TensorFlow is missing
        import umap.umap_ as library
    return library


def recall(vectors: np.ndarray, layout: np.ndarray) -> float:
    near = [neighbor_graph(np.ascontiguousarray(space, np.float32), 15).indices for space in (vectors, layout)]
    return float(np.mean([len(set(a) & set(b)) / 15 for a, b in zip(*near, strict=True)]))


def test_the_map_is_worth_as_much_as_umap_learns(digits: np.ndarray, reference: Result) -> None:
    from sklearn.manifold import trustworthiness

    ours = UMAP(n_epochs=200).run(digits).values
    for measure in (recall, lambda a, b: trustworthiness(a, b, n_neighbors=15), lambda a, b: trustworthiness(b, a, n_neighbors=15)):
        assert measure(digits, ours) > measure(digits, reference.values) - 0.01


def test_the_graph_is_umap_learns(digits: np.ndarray, umap_learn: Any) -> None:
    rows = digits[:400]
    neighbors = neighbor_graph(rows, 14)
    indices = np.hstack([np.arange(400)[:, None], neighbors.indices])
    distances = np.hstack([np.zeros((400, 1), np.float32), neighbors.distances])
    state = np.random.RandomState(0)
    expected = umap_learn.fuzzy_simplicial_set(rows, 15, state, "euclidean", knn_indices=indices, knn_dists=distances)[0]
    assert abs(fuzzy_graph(neighbors) - expected).max() < 1e-4


def test_the_curve_is_umap_learns(umap_learn: Any) -> None:
    for spread, least in ((1.0, 0.1), (1.0, 0.0), (2.0, 0.5), (0.5, 0.5)):
        assert np.allclose(curve(spread, least), umap_learn.find_ab_params(spread, least), rtol=1e-5)


def test_the_curve_fits_for_every_spread_that_is_allowed() -> None:
    low, high = UMAP.param.spread.bounds
    for spread in (low, 0.2, 5.0, high):
        for least in (0.0, 0.3 * spread, spread):
            a, b = curve(spread, least)
            alike = curve(1.0, least / spread)  # a map drawn `spread` times as wide
            assert np.allclose((a * spread ** (2 * b), b), alike, rtol=1e-6)
            assert min(a, b) > 0


def test_the_start_is_the_graphs_spectrum(digits: np.ndarray) -> None:
    import scipy.sparse as sparse
    from scipy.sparse.csgraph import laplacian

    graph = fuzzy_graph(neighbor_graph(digits, 30))
    found, _ = np.linalg.qr(_spectral(digits, graph, 0, Progress()))
    exact = np.linalg.eigh(laplacian(graph, normed=True).toarray())[1][:, 1:3]
    assert sparse.issparse(graph)
    assert np.linalg.svd(exact.T @ found)[1].min() > 0.99  # the planes' cosines


def test_a_few_that_hardly_belong_leave_the_others_the_map() -> None:
    rng = np.random.default_rng(0)
    places = np.vstack([rng.normal(size=(990, 2)), rng.normal(size=(10, 2)) + np.array([300, 0])])
    near = _gathered(places)
    assert np.array_equal(near.argsort(axis=0), places.argsort(axis=0)), "all stay in their order"
    assert np.abs(near[:990] - places[:990]).max() < 0.6, "and most stay where they are"
    assert 10 < near[990:, 0].min() < near[990:, 0].max() < 25
    assert np.isfinite(_gathered(np.ones((4, 2)))).all()


def slowly(graph: np.ndarray, start: np.ndarray, how: Settling, strangers: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The last of three epochs of a few points, in float64 and one number after the other: one block, so both ends move."""
    places = start.astype(np.float64)
    before = places.copy()
    rate = how.rate * (1 - 1 / 3)
    edges = [(i, j) for i in range(len(start)) for j in range(len(start)) if graph[i, j] == 1]
    step = -(-len(edges) // 8)
    groups = strangers.reshape(-1, 8)
    for turn in range(step):
        for i, j in edges[turn::step]:
            apart = places[i] - places[j]
            d2 = max(float(apart @ apart), 1e-12)
            pull = -2 * how.a * how.b * d2 ** (how.b - 1) / (1 + how.a * d2**how.b)
            move = np.clip(pull * apart, -4, 4) * rate
            places[i] += move
            places[j] -= move
            push = np.zeros(2)
            for other in groups[first[i]]:
                if other != i:
                    apart = places[i] - before[other]
                    d2 = max(float(apart @ apart), 1e-12)
                    push += np.clip(2 * how.b / ((0.001 + d2) * (1 + how.a * d2**how.b)) * apart, -4, 4)
            places[i] += push * rate * NEGATIVES / 8
            first[i] = (first[i] + 1) % len(groups)
    return places


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 7), st.integers(0, 2**31), st.sampled_from([(1.0, 0.1), (1.0, 0.9), (3.0, 0.0)]))
def test_one_epoch_is_what_the_formulas_say(n: int, seed: int, shape: tuple[float, float]) -> None:
    import scipy.sparse as sparse

    from explorer.reduction.umap.settling import _Field

    random = np.random.default_rng(seed)
    links = np.triu(random.random((n, n)) < 0.3, 1)
    graph = (links | links.T).astype(np.float32)
    graph[0, 1] = graph[1, 0] = 1  # at least one
    start = random.uniform(0, 10, (n, 2)).astype(np.float32)
    how = Settling(*curve(*shape), 3, seed)  # an edge of full weight is first due in the epoch of number 2
    made = settled(sparse.csr_matrix(graph), start, how, Progress())[0]
    field = _Field(sparse.csr_matrix(graph), start, how, n)
    groups = len(field.strangers)
    first = np.array([_group(row, int(field.seeds[2]), groups) for row in range(n)])
    ordered = graph[np.ix_(field.order, field.order)]
    expected = np.empty((n, 2))
    expected[field.order] = slowly(ordered, start[field.order], how, field.pushing, first)
    apart = np.abs(made - expected)
    assert np.median(apart) < 5e-3
    assert (apart < 0.05).mean() > 0.7  # points that come very close magnify what float32 rounds


def _group(row: int, seed: int, groups: int) -> int:
    """splitmix64 of a row and a seed, as a group's number."""
    mask = 2**64 - 1
    x = (row + seed) * 0x9E3779B97F4A7C15 & mask
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
    return ((x ^ (x >> 31)) >> 32) * groups >> 32


def clouds(n: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(8, 10))[random.integers(0, 8, n)] * 4 + random.normal(size=(n, 10))).astype(np.float32)


def test_the_same_bytes_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for threads in ("1", "2", "5", ""):
        monkeypatch.setenv("EXPLORER_THREADS", threads)
        made.append(UMAP(n_epochs=30).run(clouds(6_000)).values.tobytes())
    assert len(set(made)) == 1


def test_several_layouts_at_once_do_not_disturb_each_other() -> None:
    rows, made = clouds(3_000), []
    alone = UMAP(n_epochs=30).run(rows).values
    several = [threading.Thread(target=lambda: made.append(UMAP(n_epochs=30).run(rows).values)) for _ in range(3)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert [np.array_equal(alone, other) for other in made] == [True] * 3


def test_held_points_stay_and_the_others_come_to_their_neighbours() -> None:
    import scipy.sparse as sparse

    held = np.array([[0, 0], [0, 1], [6, 6], [6, 7]], np.float32)
    start = np.vstack([np.full((2, 2), 3, np.float32), held])
    edges = np.zeros((6, 6), np.float32)
    edges[0, [2, 3]] = edges[1, [4, 5]] = 1
    made, _ = settled(sparse.csr_matrix(edges), start, Settling(*curve(1.0, 0.1), 200), Progress(), movable=2)
    assert np.array_equal(made[2:], held)
    assert np.linalg.norm(made[0] - [0, 0.5]) < 2
    assert np.linalg.norm(made[1] - [6, 6.5]) < 2


class Looked:
    """Somebody who looks on, and presses Stop after so many pictures."""

    def __init__(self, patience: float = math.inf) -> None:
        self.pictures: list[np.ndarray] = []
        self.patience = patience
        self.progress = Progress(None, lambda: len(self.pictures) >= patience, lambda values: self.pictures.append(values.copy()))


def test_the_map_moves_while_it_settles() -> None:
    looked = Looked()
    rows = np.vstack([clouds(12_000), [[np.nan] * 10]])
    made = UMAP(n_epochs=200).run(rows, looked.progress).values
    assert len(looked.pictures) > 1
    assert all(one.shape == made.shape and np.isnan(one[-1]).all() and np.isfinite(one[:-1]).all() for one in looked.pictures)
    assert not np.array_equal(looked.pictures[0], looked.pictures[1], equal_nan=True)


def test_of_many_items_some_are_laid_out_first() -> None:
    looked = Looked()
    rows = clouds(MANY)
    made = UMAP(n_epochs=40).run(rows, looked.progress).values
    seen = [int(np.isfinite(one).all(axis=1).sum()) for one in looked.pictures]
    assert seen[0] == SOME
    assert seen[-1] == MANY
    assert np.isfinite(made).all()
    kept = recall(rows, made)
    assert kept > recall(rows, UMAP(n_epochs=40, init="pca").run(rows).values) - 0.01


def groups(pieces: int, of: int, kinds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of tight pieces that hold no edge to each other, in random order; the piece of each row, and the kind of each piece."""
    random = np.random.default_rng(0)
    kind = np.arange(pieces) % kinds
    middles = 4 * random.normal(size=(kinds, 16))[kind] + random.normal(size=(pieces, 16))
    piece = random.permutation(np.arange(pieces * of) % pieces)
    return (middles[piece] + 0.02 * random.normal(size=(len(piece), 16))).astype(np.float32), piece, kind


def alike(layout: np.ndarray, piece: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Of each piece, the share of its 5 nearest pieces on a layout that are of its kind."""
    sizes = np.bincount(piece)
    middles = np.column_stack([np.bincount(piece, layout[:, axis]) / sizes for axis in (0, 1)])
    near = neighbor_graph(np.ascontiguousarray(middles, np.float32), 5).indices
    return np.asarray((kind[near] == kind[:, None]).mean(axis=1))


@pytest.fixture
def small_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sketches of 300 items, of any 2,000."""
    monkeypatch.setattr(umap, "MANY", 2_000)
    monkeypatch.setattr(sketch, "SOME", 300)


@pytest.mark.usefixtures("small_sketch")
def test_groups_that_the_sketch_missed_stand_among_what_is_alike() -> None:
    rows, piece, kind = groups(pieces=240, of=20, kinds=8)
    met = np.zeros(len(kind), bool)
    met[piece[sketch.chosen(len(rows), 0)]] = True
    assert 40 < (~met).sum() < 120
    share = alike(UMAP(n_epochs=60).run(rows).values, piece, kind)
    assert share[~met].mean() > share[met].mean() - 0.1
    assert share[~met].mean() > 0.5  # where they started in the middle: 0.13


@pytest.mark.usefixtures("small_sketch")
def test_groups_that_the_sketch_met_stand_among_what_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "SOME", 600)
    rows, piece, kind = groups(pieces=60, of=40, kinds=12)
    assert len(np.unique(piece[sketch.chosen(len(rows), 0)])) == 60
    ours, by_pca = (UMAP(n_epochs=100, n_neighbors=6, init=init).run(rows).values for init in ("spectral", "pca"))
    assert alike(ours, piece, kind).mean() > alike(by_pca, piece, kind).mean()  # without bonds 0.26 and 0.38, with them 0.48


@pytest.mark.usefixtures("small_sketch")
def test_what_the_sketch_missed_starts_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch, "SOME", 100)
    monkeypatch.setattr(sketch, "_ASKED", 10)  # several goes
    rows, piece, _ = groups(pieces=110, of=20, kinds=8)
    assert len(np.unique(piece[sketch.chosen(len(rows), 0)])) < 90
    for metric in ("euclidean", "manhattan"):
        made = []
        for threads in ("1", "2", "5"):
            monkeypatch.setenv("EXPLORER_THREADS", threads)
            made.append(UMAP(n_epochs=5, metric=metric).run(rows).values.tobytes())
        assert len(set(made)) == 1


@pytest.mark.parametrize("metric", METRICS)
def test_what_the_sketch_missed_starts_beside_its_nearest(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.spatial.distance import cdist

    monkeypatch.setattr(sketch, "NEAR", 1)
    monkeypatch.setattr(sketch, "_ASKED", 50)
    random = np.random.default_rng(0)
    vectors = (random.normal(size=(900, 6)) * random.uniform(0.1, 3, (900, 1)) + 5).astype(np.float32)
    rows, asked = np.arange(0, 900, 3), np.arange(1, 900, 7)
    places = random.normal(size=(300, 2)).astype(np.float32)
    named = {"manhattan": "cityblock"}.get(metric, metric)
    nearest = cdist(vectors[asked].astype(float), vectors[rows].astype(float), named).argmin(axis=1)
    assert np.array_equal(sketch.amid(vectors, sketch.Sketch(rows, places), asked, metric, Progress()), places[nearest])


def test_a_sketchs_pieces_are_bonded_into_one_and_what_has_no_neighbour_still_starts() -> None:
    import scipy.sparse as sparse

    pairs = sparse.block_diag([np.array([[0, 1], [1, 0]])] * 8, "csr").astype(np.float32)

    def chain(middles: np.ndarray) -> Any:
        """Two and two hold together: it takes three goes until all do."""
        many = len(middles) // 2
        return sparse.block_diag([np.array([[0, 1], [1, 0]])] * many, "csr").astype(np.float32)

    whole = sketch.bonded(pairs, chain)
    assert len(sketch.pieces(pairs)[1]) == 8
    assert len(sketch.pieces(whole)[1]) == 1
    assert abs(whole - whole.T).max() == 0
    assert len(sketch.pieces(sketch.bonded(pairs, lambda some: sparse.csr_matrix((len(some),) * 2, dtype=np.float32)))[1]) == 8
    asked: list[int] = []

    def missed(rows: np.ndarray) -> np.ndarray:
        asked.extend(rows)
        return np.full((len(rows), 2), 7, np.float32)

    alone = sparse.block_diag([pairs, sparse.csr_matrix((2, 2), dtype=np.float32)], "csr")
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    made = sketch.carried(sketch.Sketch(np.arange(4), corners), alone, 0, missed)
    assert len(asked) == 6, "one of each pair that has not been met, and nothing of what stands alone"
    assert np.abs(made[4:16] - 7).max() < 0.02
    assert np.abs(made[16:] - 0.5).max() < 0.02


def test_stop_in_the_sketch_leaves_nothing() -> None:
    looked = Looked(1)
    with pytest.raises(Cancelled):
        UMAP().run(clouds(MANY), looked.progress)
    assert np.isfinite(looked.pictures[-1]).all(axis=1).sum() == SOME


def test_stop_keeps_what_was_seen() -> None:
    looked = Looked(2)
    step, rows = UMAP(n_epochs=5_000), clouds(12_000)
    made = step.run(rows, looked.progress)
    assert made.stopped.startswith("round ")
    assert made.stopped.endswith(" of 5000")
    assert np.isfinite(made.values).all()
    assert made.key != step.key(made.input)
    assert made.settings == step.settings()


def test_stop_before_anything_was_seen_leaves_nothing() -> None:
    notes: list[str] = []
    progress = Progress(lambda _, note: notes.append(note), lambda: any("settling" in note for note in notes))
    with pytest.raises(Cancelled):
        UMAP(n_epochs=500).run(clouds(100), progress)


def test_stop_of_the_reference_is_noticed_within_a_round_and_leaves_umap_as_it_was() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)
        from umap import layouts

    before, notes = layouts.tqdm, []
    rows = np.random.default_rng(0).normal(size=(60, 4))
    progress = Progress(lambda _, note: notes.append(note), lambda: any("round 3 of" in note for note in notes))
    with pytest.raises(Cancelled):
        UMAP(n_epochs=500, engine="umap-learn").run(rows, progress)
    assert notes[-1] == "settling: round 3 of 500"
    assert layouts.tqdm is before
    assert UMAP(n_epochs=10, engine="umap-learn").run(rows).valid.all()  # and the lock is free


# Three columns, densMAP, and the library itself


def blobs() -> np.ndarray:
    """Five groups of 160 items: the tightest is 20 times as tight as the loosest."""
    random, wide = np.random.default_rng(0), np.repeat([0.2, 0.5, 1, 2, 4], 160)[:, None]
    return (np.repeat(random.normal(size=(5, 10)) * 12, 160, axis=0) + random.normal(size=(800, 10)) * wide).astype(np.float32)


def radii(places: np.ndarray) -> np.ndarray:
    distances = neighbor_graph(np.ascontiguousarray(places, np.float32), 15).distances.astype(float)
    return np.asarray(np.log((distances**2).mean(axis=1)))


def density_kept(rows: np.ndarray, layout: np.ndarray) -> float:
    return float(np.corrcoef(radii(rows), radii(layout))[0, 1])


def in_three(made: Result) -> np.ndarray:
    return np.column_stack([made.values, made.arrays["z"]])


@pytest.fixture(scope="module")
def dense_by_umap_learn() -> np.ndarray:
    """densMAP of `blobs` by the library, whose loops compile for most of a minute."""
    return UMAP(densmap=True, engine="umap-learn").run(blobs()).values


def test_the_engine_umap_learn_is_the_library(digits: np.ndarray, umap_learn: Any) -> None:
    rows = digits[:300]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = umap_learn.UMAP(n_neighbors=10, n_epochs=50, n_components=3, random_state=3).fit_transform(rows)
    made = UMAP(n_neighbors=10, n_epochs=50, n_components=3, random_state=3, engine="umap-learn").run(rows)
    assert in_three(made).tobytes() == np.ascontiguousarray(expected, np.float32).tobytes()


def test_three_columns_are_worth_as_much_as_umap_learns(digits: np.ndarray) -> None:
    from sklearn.manifold import trustworthiness

    rows = digits[:600]
    ours, theirs = (in_three(UMAP(n_components=3, n_epochs=100, engine=name).run(rows)) for name in ("explorer", "umap-learn"))
    kept = trustworthiness(rows, ours, n_neighbors=15)
    assert kept > trustworthiness(rows, theirs, n_neighbors=15) - 0.02
    assert kept > trustworthiness(rows, ours[:, :2], n_neighbors=15), "the third says something"


def test_densmap_keeps_density_and_neighbours_as_well_as_umap_learns(dense_by_umap_learn: np.ndarray) -> None:
    """At the settings that people get; the mean of three seeds."""
    rows, seeds = blobs(), range(3)
    plain = UMAP().run(rows).values
    dense = [UMAP(densmap=True, random_state=seed).run(rows).values for seed in seeds]
    kept = np.mean([density_kept(rows, layout) for layout in dense])
    assert kept > density_kept(rows, dense_by_umap_learn) - 0.05
    assert kept > density_kept(rows, plain) + 0.3
    assert np.mean([recall(rows, layout) for layout in dense]) > recall(rows, dense_by_umap_learn) - 0.02


def test_dens_lambda_of_nothing_is_the_map_without() -> None:
    rows = blobs()
    plain = UMAP(n_epochs=30).run(rows).values
    assert np.array_equal(plain, UMAP(n_epochs=30, densmap=True, dens_lambda=0).run(rows).values)


def test_radii_are_those_of_the_paper(umap_learn: Any) -> None:
    from explorer.reduction.umap.density import local_radii

    neighbors = neighbor_graph(blobs(), 14)
    graph = fuzzy_graph(neighbors)
    weights, apart = graph.toarray().astype(float), np.zeros(graph.shape)
    for row in range(len(apart)):
        apart[row, neighbors.indices[row]] = neighbors.distances[row]
    apart = np.maximum(apart, apart.T)
    weights[weights < weights.max() / 100] = 0
    logs = np.log((weights * apart**2).sum(axis=1) / weights.sum(axis=1))
    assert np.allclose(local_radii(neighbors, graph, 100), (logs - logs.mean()) / logs.std(), atol=1e-5)


MORE = [{"n_components": 3}, {"densmap": True}, {"n_components": 3, "densmap": True}]


@pytest.mark.parametrize("more", MORE, ids=str)
def test_the_same_bytes_with_three_columns_and_with_density(more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for threads in ("1", "3", "3"):
        monkeypatch.setenv("EXPLORER_THREADS", threads)
        found = UMAP(n_epochs=20, **more).run(clouds(4_000))
        made.append(found.values.tobytes() + b"".join(array.tobytes() for array in found.arrays.values()))
    assert len(set(made)) == 1
    assert made[0] != UMAP(n_epochs=20).run(clouds(4_000)).values.tobytes()


@pytest.mark.parametrize("more", MORE, ids=str)
def test_such_maps_move_and_stop_keeps_them(more: dict[str, Any]) -> None:
    looked = Looked(2)
    made = UMAP(n_epochs=5_000, **more).run(clouds(3_000), looked.progress)
    assert made.stopped.startswith("round ")
    assert [one.shape for one in looked.pictures] == [(3_000, 2)] * 2
    assert not np.array_equal(*looked.pictures)
    assert np.isfinite(made.values).all()
    assert all(np.isfinite(array).all() for array in made.arrays.values())


def test_a_grown_densmap_stays_and_keeps_its_densities() -> None:
    rows = blobs()
    earlier = UMAP(n_epochs=100, densmap=True).run(rows).values
    before, some = earlier.copy(), np.arange(0, len(rows), 4)
    before[some] = np.nan
    step = UMAP(n_epochs=100, densmap=True, keep=True)
    step.beside = {"earlier": before}
    made = step.run(rows)
    assert np.nanmean(made.arrays["moved"]) < 0.15
    assert density_kept(rows, made.values) > density_kept(rows, earlier) - 0.1


@pytest.mark.parametrize("more", [{"n_components": 3}, {"engine": "umap-learn"}], ids=str)
def test_what_cannot_start_at_an_earlier_map_says_why(more: dict[str, Any]) -> None:
    rows = clouds(200)
    step = UMAP(n_epochs=20, keep=True, **more)
    step.beside = {"earlier": np.zeros((200, 2), np.float32)}
    made = step.run(rows)
    assert any(note.startswith("keep is left aside: ") for note in made.notes)
    assert np.array_equal(made.values, UMAP(n_epochs=20, **more).run(rows).values)


def test_new_items_are_placed_in_three_columns_and_on_a_densmap() -> None:
    rows = blobs()
    new = rows[::5] + np.float32(0.01)
    three, dense = UMAP(n_components=3, n_epochs=60), UMAP(densmap=True, n_epochs=60)
    whole, flat = in_three(three.run(rows)), dense.run(rows).values
    for step, layout in ((three, whole), (dense, flat)):
        made = step.place(rows, layout, new, Progress())
        assert made.values.shape == (len(new), layout.shape[1])
        assert not made.notes, "by our own placing"
        assert np.median(np.linalg.norm(made.values - layout[::5], axis=1)) < 0.1 * np.ptp(layout, axis=0).max()
    drawn = three.place(rows, whole[:, :2], new, Progress())
    assert drawn.values.shape == (len(new), 2)
    assert "nearest neighbours" in drawn.notes[0]
