"""Layouts known from elsewhere are what they are there; two stages are one after the other; costs are said before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import step as step_module
from explorer.errors import Cancelled, InputError
from explorer.installation import takes
from explorer.installation.takes import Takes, room, speed
from explorer.neighbors import neighbor_graph
from explorer.reduction.base import Reducer, firsts
from explorer.reduction.ica import ICA
from explorer.reduction.isomap import Isomap
from explorer.reduction.kernel_pca import KernelPCA
from explorer.reduction.links import joined, linked, pieces, weighed
from explorer.reduction.lpp import LPP, smoothest
from explorer.reduction.pca import PCA
from explorer.reduction.spectral import Spectral, shelves
from explorer.reduction.svd import SVD
from explorer.reduction.waves import waves
from explorer.session import Session
from explorer.sources import read
from explorer.step import Output, Progress, find
from explorer.views.pipeline import Pipeline

RANDOM = np.random.default_rng(0)
PLAIN = (RANDOM.normal(size=(120, 7)) * np.arange(1, 8) + 3).astype(np.float32)
OURS: list[type[Reducer]] = [SVD, ICA, KernelPCA, LPP, Isomap, Spectral]


def roll(n: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """A rolled sheet, and how far along it each item is."""
    from sklearn.datasets import make_swiss_roll

    rows, along = make_swiss_roll(n, random_state=0)
    return rows.astype(np.float32), along


def agree(one: np.ndarray, two: np.ndarray, tolerance: float = 1e-3) -> bool:
    """Whether two layouts are the same but for the direction of their axes."""
    size = np.abs(two).max()
    return all(
        min(np.abs(a - b).max(), np.abs(a + b).max()) < tolerance * size for a, b in zip(one.T, two.T, strict=True)
    )  # fmt: skip


def unit(places: np.ndarray) -> np.ndarray:
    return (places - places.mean(axis=0)) / places.std(axis=0)


# what they are elsewhere


def test_svd_is_that_of_scikit_learn() -> None:
    from sklearn.decomposition import TruncatedSVD

    assert agree(SVD().run(PLAIN).values, TruncatedSVD(2, algorithm="arpack", random_state=0).fit_transform(PLAIN.astype(float)))
    assert SVD().run(np.abs(PLAIN)).values[:, 0].min() > 0, "signs are fixed: of positive numbers the first axis is how much"


def test_ica_finds_what_was_mixed_as_scikit_learn_does() -> None:
    from sklearn.decomposition import FastICA

    time = np.linspace(0, 8, 2000)
    sources = np.column_stack([np.sign(np.sin(3 * time)), np.sin(2 * time)])
    mixed = (sources @ np.array([[1.0, 2, 0.5], [0.5, 1, 3]])).astype(np.float32)
    ours = ICA().run(mixed).values
    found = np.abs(np.corrcoef(ours.T, sources.T)[:2, 2:])
    assert (found.max(axis=1) > 0.99).all()
    theirs = FastICA(2, random_state=0, whiten="unit-variance").fit_transform(mixed.astype(float))
    assert agree(ours, theirs, 0.02) or agree(ours, theirs[:, ::-1], 0.02)
    assert np.allclose(ours.std(axis=0), 1, atol=1e-3)


def test_ica_says_when_it_was_not_done() -> None:
    made = ICA(max_iter=1, tol=1e-9).run(PLAIN)
    assert any("raise max_iter" in note for note in made.notes)


@pytest.mark.parametrize(
    ("kernel", "more"), [("rbf", {}), ("poly", {"degree": 2}), ("sigmoid", {}), ("cosine", {}), ("linear", {})]
)
@pytest.mark.parametrize("n", [120, 700])
def test_kernel_pca_is_that_of_scikit_learn(kernel: str, more: dict[str, Any], n: int) -> None:
    from sklearn.decomposition import KernelPCA as Theirs

    rows = np.random.default_rng(n).normal(size=(n, 4)).astype(np.float32) * [1, 2, 3, 4]
    ours = KernelPCA(kernel=kernel, gamma=0.02, **more).run(rows).values
    theirs = Theirs(2, kernel=kernel, gamma=0.02, **more, random_state=0, eigen_solver="dense").fit_transform(rows)
    assert agree(ours, theirs)


def test_kernel_pca_takes_rings_apart() -> None:
    from sklearn.datasets import make_circles

    rows, ring = make_circles(400, factor=0.3, noise=0.03, random_state=0)
    ours, plain = KernelPCA().run(rows).values, PCA().run(rows).values

    def parted(places: np.ndarray) -> float:
        return max(abs(np.corrcoef(axis, ring)[0, 1]) for axis in places.T)

    assert parted(ours) > 0.9 > 0.1 > parted(plain)


def test_kernel_pca_of_a_default_gamma_knows_no_unit() -> None:
    assert agree(KernelPCA().run(PLAIN).values, KernelPCA().run(PLAIN * 1e-6).values)


def test_a_kernel_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="lower gamma or degree"):
        KernelPCA(kernel="poly", degree=10, gamma=1e12).run(PLAIN.astype(np.float64) * 1e12)


def test_isomap_is_that_of_scikit_learn_and_unrolls() -> None:
    from sklearn.manifold import Isomap as Theirs

    rows, along = roll(1_000)
    ours = Isomap(n_neighbors=10).run(rows)
    assert agree(ours.values, Theirs(n_neighbors=10).fit_transform(rows))
    assert abs(np.corrcoef(ours.values[:, 0], along)[0, 1]) > 0.95
    assert not any("pieces" in note for note in ours.notes)


def test_spectral_is_that_of_scikit_learn() -> None:
    from sklearn.manifold import SpectralEmbedding

    for n in (200, 900):  # all eigenvectors at once, and by the Lanczos method
        rows, _ = roll(n)
        weights = weighed(linked(neighbor_graph(rows, 15)), "binary")
        theirs = SpectralEmbedding(2, affinity="precomputed", random_state=0).fit_transform(weights.toarray())
        assert agree(unit(Spectral().run(rows).values), unit(theirs), 0.01)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(12, 60), d=st.integers(2, 6), heat=st.booleans())
def test_lpp_solves_the_equations_of_the_paper(seed: int, n: int, d: int, heat: bool) -> None:
    """Against the dense generalised eigenproblem ``X'LX a = l X'DX a`` on the centred vectors themselves."""
    from scipy.linalg import eigh

    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    k = min(5, n - 1)
    made = LPP(n_neighbors=k, weights="heat" if heat else "binary").run(rows).values
    weights = weighed(linked(neighbor_graph(rows, k)), "heat" if heat else "binary").toarray()
    centred = (rows - rows.mean(axis=0)).astype(np.float64)
    degrees = np.diag(weights.sum(axis=1))
    values, slow = eigh(centred.T @ (degrees - weights) @ centred, centred.T @ degrees @ centred)
    clear = len(values) < 3 or min(np.diff(values[:3])) > 1e-3
    if clear and np.diff(values[:2]).min() > 1e-3:
        assert agree(unit(made), unit(centred @ slow[:, :2]), 0.02)


def test_lpp_of_more_columns_than_rows() -> None:
    rows = RANDOM.normal(size=(40, 300)).astype(np.float32)
    made = LPP().run(rows)
    assert np.allclose(made.values.std(axis=0), 1, atol=1e-3)


def test_lpp_keeps_neighbours_where_spread_misleads() -> None:
    """Two groups in one column beside wider ones of noise: PCA shows the noise, LPP the groups."""
    group = np.arange(400) % 2
    noise = np.random.default_rng(1)
    rows = np.column_stack([group * 3.0 + noise.normal(0, 0.05, 400), noise.uniform(-3.5, 3.5, (400, 5))])
    parted = np.abs(np.corrcoef(LPP().run(rows).values[:, 0], group)[0, 1])
    assert parted > 0.95 > np.abs(np.corrcoef(PCA().run(rows).values[:, 0], group)[0, 1])


def test_smoothest_directions_come_in_order() -> None:
    weights = weighed(linked(neighbor_graph(PLAIN, 6)), "binary")
    white = (PLAIN - PLAIN.mean(axis=0)) / PLAIN.std(axis=0)
    one, two = smoothest(white, weights, 1), smoothest(white, weights, 3)
    assert two.shape == (7, 3)
    assert agree(one, two[:, :1])


# landmarks


def test_landmarks_that_are_all_change_nothing() -> None:
    rows, _ = roll(300)
    for step in (KernelPCA, Isomap):
        assert np.array_equal(step(landmarks=300).run(rows).values, step(landmarks=5_000).run(rows).values)


@pytest.mark.parametrize("step", [KernelPCA, Isomap])
def test_landmarks_give_about_the_same(step: Callable[..., Reducer]) -> None:
    rows = np.random.default_rng(0).normal(size=(1_500, 3)) * [9, 4, 1]
    few, every = step(landmarks=500).run(rows), step(landmarks=1_500).run(rows)
    assert any("500 of 1,500 items" in note for note in few.notes)
    one, two = unit(few.values), unit(every.values)
    assert all(abs(np.mean(a * b)) > 0.95 for a, b in zip(one.T, two.T, strict=True))
    assert np.array_equal(few.values, step(landmarks=500).run(rows).values)
    assert not np.array_equal(few.values, step(landmarks=500, random_state=1).run(rows).values)


def test_a_landmark_stands_where_the_scaling_put_it() -> None:
    """Triangulation of a landmark gives back its own place: the projection of all others is by the same formula."""
    from explorer.reduction.isomap import _placed

    flat = np.random.default_rng(0).normal(size=(60, 2))
    ways = np.linalg.norm(flat[:, None] - flat, axis=2)
    marks = np.arange(0, 60, 2)
    placed = _placed(ways[marks].astype(np.float32), marks, 2, 0, Progress())
    own = _placed(ways[np.ix_(marks, marks)].astype(np.float32), np.arange(30), 2, 0, Progress())
    assert np.allclose(placed[marks], own, atol=1e-4)
    assert np.allclose(np.linalg.norm(placed[:, None] - placed, axis=2), ways, atol=1e-3), "a flat thing is laid out as it is"


# a graph in pieces


def far_groups(d: int = 4) -> np.ndarray:
    return np.vstack([RANDOM.normal(size=(30 + 5 * group, d)) + 1e3 * group for group in range(4)]).astype(np.float32)


def test_isomap_joins_pieces_by_their_shortest_links() -> None:
    rows = far_groups()
    links = linked(neighbor_graph(rows, 5))
    assert pieces(links)[0] == 4
    whole, count = joined(links, rows, "euclidean", 0, Progress())
    assert (count, pieces(whole)[0]) == (4, 1)
    assert whole.nnz == links.nnz + 2 * 3, "as a tree: one link fewer than pieces, in both directions"
    added = (whole - links).tocoo()
    _, of = pieces(links)
    for one, two, far in zip(added.row, added.col, added.data, strict=True):
        if far > 0:
            between = np.linalg.norm(rows[of == of[one]][:, None].astype(float) - rows[of == of[two]], axis=2)
            assert far == pytest.approx(between.min(), rel=1e-5)
    made = Isomap(n_neighbors=5).run(rows)
    assert made.valid.all()
    assert any("4 pieces" in note for note in made.notes)
    assert list(np.argsort([made.values[of == piece, 0].mean() for piece in range(4)])) in ([0, 1, 2, 3], [3, 2, 1, 0])


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan", "chebyshev"])
def test_every_metric_joins_pieces_of_many(metric: str) -> None:
    rows = np.vstack([RANDOM.normal(size=(6, 5)) * 0.01 + RANDOM.normal(size=5) * 10 for _ in range(40)]).astype(np.float32)
    for step in (Isomap(n_neighbors=3, metric=metric), Spectral(n_neighbors=3, metric=metric)):
        made = step.run(rows)
        assert made.valid.all()
        assert any("pieces" in note for note in made.notes)


def test_links_are_looked_for_in_a_sample_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.reduction.links.ASKED", 40)
    rows = far_groups()
    made = Isomap(n_neighbors=5).run(rows)
    assert made.valid.all()
    assert np.array_equal(made.values, Isomap(n_neighbors=5).run(rows).values)


def test_spectral_lays_pieces_side_by_side() -> None:
    rows = far_groups()
    made = Spectral(n_neighbors=5).run(rows)
    assert any("4 pieces, laid out side by side" in note for note in made.notes)
    _, of = pieces(linked(neighbor_graph(rows, 5)))
    boxes = [(made.values[of == piece].min(axis=0), made.values[of == piece].max(axis=0)) for piece in range(4)]
    for one in range(4):
        assert np.ptp(boxes[one], axis=0).max() > 1
        for two in range(one):
            assert (boxes[one][0] > boxes[two][1]).any() or (boxes[two][0] > boxes[one][1]).any(), "no box lies in another"


def chain(n: int, tube: float = 1e-3) -> tuple[np.ndarray, np.ndarray]:
    """Items ``(n, 3)`` along a winding path, and how far along it each is, from 0 to 1."""
    along = np.linspace(0, 1, n)
    rows = np.column_stack([100 * along, np.sin(20 * along), np.cos(20 * along)])
    return (rows + tube * np.random.default_rng(0).normal(size=rows.shape)).astype(np.float32), along


def test_spectral_unrolls_a_long_chain() -> None:
    """The waves of a path are known: cosines; by a band, and the same by products with the graph."""
    rows, along = chain(4_000)
    made = Spectral().run(rows).values
    for column in range(2):
        assert abs(np.corrcoef(made[:, column], np.cos((column + 1) * np.pi * along))[0, 1]) > 0.9999


def test_a_band_and_products_with_the_graph_give_the_same_waves(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = chain(900, 0.05)
    asked = Progress()
    weights = weighed(linked(neighbor_graph(rows, 8)), "heat")
    by_band = waves(weights, 4, 0, asked)
    monkeypatch.setattr("explorer.reduction.waves.WORK", 0)
    assert agree(unit(by_band), unit(waves(weights, 4, 0, asked)), 1e-3)


def test_a_long_chain_takes_few_products(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    rows, _ = chain(10_000)
    Spectral().run(rows, Progress(lambda _, note: notes.append(note)))
    assert sum("round" in note for note in notes) < 200, "the Lanczos method alone took sixteen thousand"


def test_what_hardly_hangs_together_is_in_pieces() -> None:
    """By heat a small group far away hangs by links of exp(-36): its wave cannot be told from the constant."""
    crowd = RANDOM.normal(size=(800, 5))
    made = Spectral(weights="heat").run(np.vstack([crowd, RANDOM.normal(size=(10, 5)) / 2 + 200]).astype(np.float32))
    assert made.values[:800].std(axis=0).min() > 1
    assert any("2 pieces" in note and "weights=binary" in note for note in made.notes)
    alone = Spectral(weights="heat").run(np.vstack([crowd, np.full((1, 5), 60.0)]).astype(np.float32))
    assert not any("pieces" in note for note in alone.notes), "one item far away stays with its neighbours"
    assert alone.values[:800].std(axis=0).min() > 0.3
    loose = Spectral(weights="heat").run(np.vstack([crowd, RANDOM.normal(size=(20, 5)) * 8]).astype(np.float32))
    assert loose.values[:800].std(axis=0).min() > 0.3


def test_spectral_gives_as_many_columns_as_are_wanted() -> None:
    step = Spectral()
    step.width = 6
    made = step.compute(roll(500)[0], Progress())
    assert isinstance(made, Output)
    assert made.values.shape == (500, 6)
    assert np.abs(np.corrcoef(made.values.T) - np.eye(6)).max() < 0.1
    assert np.abs(made.values[:, :2] - Spectral().run(roll(500)[0]).values).max() < 1e-3


@given(st.lists(st.floats(1, 30), min_size=1, max_size=60))
def test_shelves_never_overlap(sides: list[float]) -> None:
    falling = np.sort(sides)[::-1]
    corners = shelves(falling)
    for one, (x, y) in enumerate(corners):
        for two in range(one):
            apart = np.maximum([x, y] - corners[two] - falling[two], corners[two] - [x, y] - falling[one])
            assert apart.max() > -1e-9


# what all of them share


@pytest.mark.parametrize("step", OURS, ids=lambda step: step.method)
def test_order_of_rows_and_another_seed_do_not_mirror(step: type[Reducer]) -> None:
    rows, _ = roll(250)
    one, two = step().run(rows).values, step(random_state=7).run(rows).values
    assert np.abs(one - two).max() < 0.02 * np.abs(one).max() or step is ICA


@pytest.mark.parametrize("step", OURS, ids=lambda step: step.method)
def test_stop_is_noticed_within(step: type[Reducer]) -> None:
    """Each has places at which it looks; in the long loops more than those few."""
    rows, _ = roll(1_200)
    many = {KernelPCA: {"landmarks": 400}, Isomap: {"landmarks": 400}}.get(step, {})
    notes: list[str] = []
    step(**many).run(rows, Progress(lambda _, note: notes.append(note)))
    assert len(notes) >= 3
    for stop in range(1, len(notes), max(1, len(notes) // 5)):
        said: list[str] = []
        with pytest.raises(Cancelled):
            step(**many).run(
                rows, Progress(lambda _, note, said=said: said.append(note), lambda said=said, at=stop: len(said) >= at)
            )
        assert len(said) == stop


# two stages


def test_first_offers_what_can_give_more_than_two_columns() -> None:
    assert firsts() == ["none", "pca", "svd", "ica", "kernel-pca", "lpp", "isomap", "spectral", "tldr"]
    for step in OURS:
        assert ((step.widest or 3) > 2) == (step.method in firsts())
    rows = {row["name"]: row for row in LPP.describe()}
    assert rows["first"] == {
        "name": "first", "default": "none", "type": "choice", "choices": firsts(), "advanced": True, "optional": False,
        "doc": rows["first"]["doc"],
    }  # fmt: skip
    for wrong in ("umap", "pcaa", 3):
        with pytest.raises(InputError, match="first takes one of none, pca, svd"):
            LPP(first=wrong)
    assert LPP.parse("first", "pca") == "pca"


class Wide(Reducer):
    """The columns as they are, as somebody's package registers it."""

    method = "wide"
    widest = 4

    def compute(self, vectors: np.ndarray, progress: Progress) -> np.ndarray:
        progress(0.5, "taking columns")
        return vectors[:, : self.width]


def test_a_plug_in_that_gives_more_columns_can_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, here = step_module._entry_points("reduce"), sys.modules[__name__].__name__
    plugged = {name: EntryPoint(name, f"{here}:{of}", "explorer.reduce") for name, of in (("wide", "Wide"), ("deep", "Deep"))}
    broken = {"broken": EntryPoint("broken", "no_such_package:Step", "explorer.reduce")}
    monkeypatch.setattr(step_module, "_entry_points", lambda kind: ours | plugged | broken)
    assert firsts()[-2:] == ["tldr", "wide"], "neither what gives two columns nor what cannot be loaded"
    made = LPP(first="wide", first_components=6).run(PLAIN)
    assert np.array_equal(made.values, LPP().run(PLAIN[:, :4]).values), "no more columns than it can give"
    assert any(note.startswith("first 4 components by wide") for note in made.notes)


def test_a_step_at_its_defaults_loads_no_other_method() -> None:
    code = "import sys; from explorer.reduction.svd import SVD; SVD().copy(); "
    code += "print(sorted(name for name in sys.modules if name in ('explorer.reduction.umap', 'explorer.reduction.isomap')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("first", ["pca", "svd", "ica", "kernel-pca", "lpp", "isomap", "spectral"])
def test_two_stages_are_one_after_the_other(first: str) -> None:
    rows = (RANDOM.normal(size=(80, 12)) * np.arange(1, 13)).astype(np.float32)
    stage = find("reduce", first)
    assert isinstance(stage, Reducer)
    stage.width = 5
    by_hand = stage.compute(rows, Progress())
    columns = by_hand.values if isinstance(by_hand, Output) else by_hand
    assert columns.shape == (80, 5)
    assert (np.abs(columns).max(axis=0) > 0).all()
    made = LPP(first=first, first_components=5).run(rows)
    assert np.array_equal(made.values, LPP().run(columns).values)
    assert any(note.startswith(f"first 5 components by {first}") for note in made.notes)


def test_the_first_stage_says_what_it_keeps() -> None:
    made = Isomap(first="pca", first_components=3).run(PLAIN)
    assert any(note.startswith("first 3 components by pca (") and note.endswith("% of the variance)") for note in made.notes)
    assert made.settings["first"] == "pca"


def test_a_first_stage_that_would_do_nothing_is_skipped() -> None:
    made = Isomap(first="pca", first_components=7).run(PLAIN)
    assert np.array_equal(made.values, Isomap().run(PLAIN).values)
    assert any("pca is not used first: the vectors have 7 columns" in note for note in made.notes)


def test_equal_rows_share_a_place_after_two_stages() -> None:
    rows = np.vstack([PLAIN, np.repeat(PLAIN[:1], 30, axis=0)])
    for first in ("pca", "lpp"):
        made = Isomap(first=first, first_components=3).run(rows)
        assert (made.values[120:] == made.values[0]).all()
        assert sum("are equal to another" in note for note in made.notes) == 1


def test_progress_of_two_stages_goes_forward() -> None:
    told: list[float] = []
    Isomap(first="kernel-pca", first_components=3).run(PLAIN, Progress(lambda fraction, _: told.append(fraction)))
    assert told == sorted(told)
    assert any(0 < fraction < 0.3 for fraction in told)


class Deep(Reducer):
    """Three columns, one of them for depth, shown on the way."""

    method = "deep"

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        progress(0.5, "half way")
        progress.show(vectors[:, :3])
        return Output(vectors[:, :3], {"weight": vectors[:, 0]})


def test_a_third_column_is_z_and_is_exported() -> None:
    from explorer.exports.content import Content
    from explorer.exports.rows import frame

    rows = PLAIN.copy()
    rows[4, 0] = np.nan
    shown: list[np.ndarray] = []
    made = Deep().run(rows, Progress(look=shown.append))
    assert made.values.shape == (120, 2)
    assert [one.shape for one in shown] == [(120, 2)]
    assert made.arrays.keys() == {"z", "weight"}
    assert np.array_equal(made.arrays["z"], np.where(np.arange(120) == 4, np.nan, rows[:, 2]), equal_nan=True)
    assert len(made.arrays["weight"]) == 120
    written = frame(Content(read(PLAIN), layout=made))
    assert np.allclose(written["z"].to_numpy()[5:], rows[5:, 2])


# what it takes


def test_costs_are_said_in_words() -> None:
    unknown = Takes(memory=12_000_000, known=False)
    assert str(unknown) == "12 MB of memory"
    assert Takes(memory=5, dense=1.0, sparse=2.0).then(Takes(memory=3, dense=2.0)) == Takes(memory=5, dense=3.0, sparse=2.0)
    assert Takes(memory=5).then(unknown).seconds is None


def test_costs_are_scaled_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(0.1 <= factor <= 30 for factor in speed())
    monkeypatch.setattr(takes, "speed", lambda: (2.0, 10.0))
    assert Takes(memory=0, dense=1.0, sparse=1.0).seconds == 12
    assert str(Takes(memory=1_400_000_000, dense=30.0, sparse=7.0)) == "about 2 min 10 s · 1.4 GB of memory"
    assert room() > 0


@pytest.mark.parametrize("step", [PCA, *OURS], ids=lambda step: step.method)
def test_costs_grow_with_what_there_is(step: type[Reducer]) -> None:
    sizes = [(1_000, 20), (10_000, 20), (10_000, 500), (1_000_000, 500)]
    found = [step().estimate(*size) for size in sizes]
    assert all(one is not None and one.seconds is not None for one in found)
    seconds, memory = [one.seconds for one in found], [one.memory for one in found]
    assert seconds == sorted(seconds)
    assert memory == sorted(memory)


def test_landmarks_and_a_first_stage_make_it_cheaper() -> None:
    few, many = KernelPCA(landmarks=1_000).estimate(20_000, 50), KernelPCA(landmarks=20_000).estimate(20_000, 50)
    assert few is not None
    assert many is not None
    assert 20 * few.memory < many.memory
    wide, narrow = Spectral().estimate(40_000, 2_000), Spectral(first="svd").estimate(40_000, 2_000)
    assert wide is not None
    assert narrow is not None
    assert wide.seconds is not None
    assert narrow.seconds is not None
    assert narrow.seconds < wide.seconds


def test_what_nobody_knows_is_not_said() -> None:
    assert Deep().estimate(10, 10) is None
    known = Deep(first="pca", first_components=3).estimate(1_000, 10)
    assert known is not None
    assert known.seconds is None


def test_what_does_not_fit_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.reduction.base.room", lambda: 300_000)
    told: list[float] = []
    with pytest.raises(InputError) as said:
        KernelPCA().run(PLAIN, Progress(lambda fraction, _: told.append(fraction)))
    sentence = str(said.value)
    assert sentence.startswith("kernel-pca on 120 items × 7 columns takes ")
    assert "of memory and there are 300 kB: set landmarks lower, take fewer items or choose another method (" in sentence
    assert "pca" in sentence.partition("another method (")[2]
    assert told == [0.0], "nothing but the step's own first word"
    monkeypatch.setattr("explorer.reduction.base.room", lambda: 0)
    assert KernelPCA().run(PLAIN).valid.all(), "where it is not known what there is, it is tried"


def test_the_page_says_what_a_layout_takes_and_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(read(PLAIN))
    session.extract()
    pipeline = Pipeline(session, {}, lambda kind: None)
    pipeline.choose("reduce", "isomap")
    assert pipeline.describe("reduce")["estimate"].endswith("of memory")
    assert pipeline.describe("reduce")["ready"]
    monkeypatch.setattr("explorer.reduction.base.room", lambda: 300_000)
    card = pipeline.describe("reduce")
    assert not card["ready"]
    assert card["why"] == card["message"] != ""
    assert card["estimate"] == ""
    pipeline.choose("reduce", "pca")
    assert pipeline.describe("reduce")["ready"]
    session.reduce("pca")
    assert pipeline.describe("reduce")["estimate"] == "", "there is nothing to compute"


def test_an_estimator_has_no_stages_and_works_as_before() -> None:
    from sklearn.decomposition import NMF

    step = find("reduce", NMF(2))
    assert "first" not in step.setting_names()
    assert step.run(np.abs(PLAIN)).valid.all()
