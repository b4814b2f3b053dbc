"""t-SNE, PaCMAP and TLDR: they are what their libraries and papers say, show themselves, and keep what there is when stopped."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from explorer.errors import InputError, MissingExtra
from explorer.neighbors import NeighborGraph, neighbor_graph
from explorer.reduction.base import Reducer
from explorer.reduction.encoder import Encoder, scales, standardised
from explorer.reduction.pacmap import PaCMAP
from explorer.reduction.pca import principal_plane
from explorer.reduction.tldr import TLDR
from explorer.reduction.tsne import TSNE, affinities
from explorer.step import Progress, find


def lacking(module: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed")


needs_tsne, needs_pacmap, needs_torch = lacking("openTSNE"), lacking("pacmap"), lacking("torch")
METHODS = [
    pytest.param(TSNE, {"early_iter": 100, "n_iter": 150}, marks=needs_tsne),
    pytest.param(PaCMAP, {}, marks=needs_pacmap),
    pytest.param(TLDR, {"n_epochs": 12, "batch_size": 32}, marks=needs_torch),
]
every_method = pytest.mark.parametrize(("method", "brisk"), METHODS)


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(4), 60)
    return (rng.normal(scale=4.0, size=(4, 8))[group] + rng.normal(size=(240, 8))).astype(np.float32), group


@pytest.fixture(scope="module")
def hidden_groups() -> tuple[np.ndarray, np.ndarray]:
    """Forty groups in 20 columns, turned together with 6 columns of noise that vary more than they."""
    rng = np.random.default_rng(0)
    group = rng.integers(40, size=1_500)
    rows = np.hstack([rng.normal(size=(40, 20))[group] + 0.35 * rng.normal(size=(1_500, 20)), 2 * rng.normal(size=(1_500, 6))])
    return (rows @ np.linalg.qr(rng.normal(size=(26, 26)))[0]).astype(np.float32), group


def together(rows: np.ndarray, group: np.ndarray) -> float:
    """The share of the 10 nearest that are of one's own group."""
    near = neighbor_graph(np.ascontiguousarray(rows, np.float32), 10).indices
    return float((group[near] == group[:, None]).mean())


class Looker:
    """Somebody who looks on, and presses Stop once so many pictures were shown."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.pictures: list[np.ndarray] = []
        self.notes: list[str] = []
        self.stop_after = stop_after
        self.progress = Progress(
            lambda _, note: self.notes.append(note),
            lambda: len(self.pictures) >= self.stop_after,
            lambda values: self.pictures.append(np.array(values)),
        )


# what all three do


@every_method
def test_groups_are_kept_apart(method: type[Reducer], brisk: dict[str, Any], blobs: tuple[np.ndarray, np.ndarray]) -> None:
    from sklearn.metrics import silhouette_score

    rows, group = blobs
    assert silhouette_score(method(**brisk).run(rows).values, group) > 0.5


@every_method
def test_the_layout_is_shown_while_it_settles(
    method: type[Reducer], brisk: dict[str, Any], blobs: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.progress.PICTURES", 0.0)
    rows = np.vstack([blobs[0], blobs[0][:5], np.full((1, 8), np.nan)])  # equal rows and one without features are in the picture
    looker = Looker()
    made = method(**brisk).run(rows, looker.progress)
    assert len(looker.pictures) > 5
    for picture in looker.pictures:
        assert picture.shape == (246, 2)
        assert np.isfinite(picture[:245]).all()
        assert np.isnan(picture[245]).all()
    assert not np.array_equal(looker.pictures[0][:245], looker.pictures[-1][:245])
    assert np.array_equal(made.values, method(**brisk).run(rows).values, equal_nan=True), "to look on changes nothing"
    assert made.stopped == ""


@every_method
def test_stop_keeps_what_was_shown(
    method: type[Reducer], brisk: dict[str, Any], blobs: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.progress.PICTURES", 0.0)
    looker = Looker(stop_after=4)
    made = method(**brisk).run(blobs[0], looker.progress)
    assert len(looker.pictures) == 4, "it went on after Stop"
    assert made.stopped.startswith("round ")
    assert made.stopped in looker.notes[-2], "the last note before the end says the same round"
    assert made.valid.all()
    assert np.allclose(made.values, looker.pictures[-1], atol=1e-5)
    whole = method(**brisk).run(blobs[0])
    assert not np.array_equal(made.values, whole.values)
    assert made.key != whole.key


@every_method
def test_a_seed_counts_and_the_global_one_does_not(
    method: type[Reducer], brisk: dict[str, Any], blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    np.random.seed(7)
    before = np.random.get_state()[1]
    first = method(**brisk).run(blobs[0]).values
    assert np.array_equal(before, np.random.get_state()[1])
    np.random.seed(8)
    assert np.array_equal(first, method(**brisk).run(blobs[0]).values)
    assert not np.array_equal(first, method(**brisk, random_state=1).run(blobs[0]).values)


@every_method
def test_a_few_rows(method: type[Reducer], brisk: dict[str, Any]) -> None:
    for n in (3, 4, 5, 7, 9, 10, 11, 12, 16, 20):
        made = method(**brisk).run(np.random.default_rng(n).normal(size=(n, 4)))
        assert made.valid.all()
        assert any("PCA was used" in note for note in made.notes) == (n < (10 if method is PaCMAP else 5))


@every_method
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan"])
def test_every_metric_lays_out_rows_of_zeros(method: type[Reducer], brisk: dict[str, Any], metric: str) -> None:
    rows = np.vstack([np.random.default_rng(0).normal(size=(60, 5)), np.zeros((3, 5)), np.full((1, 5), 7.0)])
    made = method(**brisk, metric=metric).run(rows)
    assert made.valid.all()
    assert (made.values[60:63] == made.values[60]).all()


@pytest.mark.parametrize(
    ("method", "module", "extra"),
    [("tsne", "openTSNE", "layouts"), ("pacmap", "pacmap", "layouts"), ("tldr", "torch", "models")],
)
def test_without_its_library_a_method_is_listed_and_says_what_to_install(
    method: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(f"explorer.reduction.{method}.find_spec", lambda name: None if name == module else real(name))
    step = find("reduce", method)
    assert step.describe()
    with pytest.raises(MissingExtra, match=rf"the {method} layout needs .*pip install 'embedding-explorer\[{extra}\]'"):
        step.run(np.random.default_rng(0).normal(size=(20, 3)))


def test_importing_them_imports_no_library() -> None:
    code = "import sys, explorer.reduction.tsne, explorer.reduction.pacmap, explorer.reduction.tldr\n"
    code += "print(*sorted({'openTSNE', 'pacmap', 'faiss', 'torch', 'numba', 'sklearn', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@every_method
def test_one_thread_and_two_give_the_same_bytes(method: type[Reducer], brisk: dict[str, Any]) -> None:
    code = f"""
import hashlib, numpy as np
from explorer.reduction import tsne
from explorer.step import find
tsne.ONE_THREAD = 0
rows = np.random.default_rng(0).normal(size=(1_200, 300)) * np.linspace(1, 3, 300)
print(hashlib.sha256(find("reduce", {method.method!r}, **{brisk!r}).run(rows).values.tobytes()).hexdigest())
"""
    said = set()
    for count in ("1", "2"):
        environment = os.environ | dict.fromkeys(
            ("EXPLORER_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        said.add(done.stdout)
    assert len(said) == 1


# t-SNE


@needs_tsne
def test_tsne_is_that_of_opentsne(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    import openTSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    rows, _ = blobs
    step = TSNE(perplexity=20, early_iter=60, n_iter=80, exaggeration=1.5)
    graph = neighbor_graph(rows, 60)
    reference = openTSNE.TSNE(early_exaggeration_iter=60, early_exaggeration=12, n_iter=80, exaggeration=1.5, n_jobs=1)
    weights = PerplexityBasedNN(knn_index=PrecomputedNeighbors(graph.indices, graph.distances), perplexity=20)
    expected = reference.fit(affinities=weights, initialization=step._start(rows))
    assert np.allclose(step.run(rows).values, expected, atol=1e-4 * np.abs(expected).max())


@needs_tsne
def test_tsne_leaves_out_neighbours_that_were_not_found() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    whole = neighbor_graph(rows, 9)
    cut = NeighborGraph(whole.indices.copy(), whole.distances.copy(), "euclidean", False, 0.9, "test")
    cut.indices[3, 5:], cut.distances[3, 5:] = -1, np.inf
    made = affinities(cut, 3.0, 1).P.toarray()
    assert np.isfinite(made).all()
    assert not made.diagonal().any()
    assert made.sum() == pytest.approx(1.0)
    others = [row for row in whole.indices[3, 5:] if 3 not in whole.indices[row]]
    assert not made[3, others].any()


# PaCMAP


@needs_pacmap
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_pacmap_is_that_of_the_library_on_the_same_pairs(metric: str, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns that a fixed seed is slower
        import pacmap

        rows, _ = blobs
        step = PaCMAP(metric=metric, num_iters=40, random_state=3)
        counts = step.counts(len(rows))
        pairs = step.pairs(rows, neighbor_graph(rows, counts[0] + 50, metric), counts, Progress())
        reference = pacmap.PaCMAP(
            n_neighbors=10, num_iters=40, random_state=3, distance=metric, apply_pca=False, pair_neighbors=pairs.near
        )
        expected = reference.fit_transform(rows, init="pca")
    assert np.array_equal(reference.pair_MN, pairs.middle)
    assert np.array_equal(reference.pair_FP, pairs.far)
    assert np.allclose(step.run(rows).values, expected, atol=1e-2 * np.ptp(expected))


@needs_pacmap
def test_near_pairs_are_those_of_the_graph_by_distance_over_density(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    rows, _ = blobs
    graph = neighbor_graph(rows, 60, "cosine")
    near = PaCMAP(metric="cosine").pairs(rows, graph, (10, 5, 20), Progress()).near.reshape(240, 10, 2)
    chord = np.sqrt(2 * graph.distances.astype(np.float64))
    density = chord[:, 3:6].mean(axis=1)
    scaled = chord**2 / density[:, None] / density[graph.indices]
    assert (near[:, :, 0] == np.arange(240)[:, None]).all()
    for row in range(240):
        assert set(near[row, :, 1]) == set(graph.indices[row, np.argsort(scaled[row])[:10]])


def test_there_are_always_enough_others_to_draw_pairs_from() -> None:
    for n in range(10, 400, 7):
        for ratio in (0.0, 0.5, 10.0):
            for wanted in (2, 10, 200):
                near, middle, far = PaCMAP(n_neighbors=wanted, MN_ratio=ratio, FP_ratio=20.0).counts(n)
                assert near >= 1
                assert far >= 1
                assert near + far <= n - 1
                assert 0 <= middle <= n - 6


# TLDR


@needs_torch
@pytest.mark.parametrize("encoder", ["linear", "mlp"])
def test_tldr_finds_groups_that_hide_beneath_noise(encoder: str, hidden_groups: tuple[np.ndarray, np.ndarray]) -> None:
    rows, group = hidden_groups
    step = TLDR(encoder=encoder)
    step.width = 8
    learned = step.fit(rows, Progress())
    from sklearn.decomposition import PCA as Sklearn  # noqa: N811  two classes of one name

    assert together(Sklearn(8, random_state=0).fit_transform(rows), group) < 0.4
    assert together(learned.transform(rows), group) > 0.9
    assert learned.losses[-1] < learned.losses[0] / 3


@needs_torch
def test_on_a_map_tldr_keeps_more_neighbours_than_pca() -> None:
    from sklearn.datasets import load_digits

    digits = np.asarray(load_digits().data, np.float32)
    plane, _ = principal_plane(digits - digits.mean(axis=0), 0)
    near = neighbor_graph(digits, 10).indices

    def kept(places: np.ndarray) -> float:
        found = neighbor_graph(np.ascontiguousarray(places, np.float32), 10).indices
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near, found, strict=True)]))

    assert kept(TLDR().run(digits).values) > kept(plane) + 0.05


@needs_torch
@pytest.mark.parametrize("encoder", ["linear", "mlp"])
def test_the_encoder_is_the_network_and_places_new_rows(encoder: str, blobs: tuple[np.ndarray, np.ndarray]) -> None:
    import torch

    from explorer.reduction.tldr import _Twins

    rows, _ = blobs
    rows = rows + 1000.0
    step = TLDR(encoder=encoder, n_epochs=5)
    step.width = 3
    learned = step.fit(rows, Progress())
    assert learned.width == 3
    assert np.allclose(learned.transform(rows[:7]), learned.transform(rows)[:7], atol=1e-4)
    made = learned.transform(rows).astype(np.float64)
    assert np.allclose(made.mean(axis=0), 0, atol=1e-3 * np.abs(made).max())
    spread = np.cov(made, rowvar=False)
    assert np.allclose(spread, np.diag(np.diag(spread)), atol=1e-4 * spread.max()), "turned to its main directions"
    assert (np.diff(np.diag(spread)) <= 0).all()
    assert np.isnan(learned.transform(np.full((1, 8), np.nan, np.float32))).all()

    twins = _Twins(step, 8)
    inputs = torch.from_numpy(standardised(rows, *scales(rows)))
    for _ in range(3):
        twins.step(inputs[:100], inputs[100:200], 0.01)
    plain = Encoder(*scales(rows), twins.layers(), np.zeros(0)).transform(rows)
    with torch.no_grad():
        assert np.allclose(plain, twins.encoder.eval()(inputs).numpy(), atol=1e-4)


@needs_torch
def test_the_loss_is_that_of_barlow_twins(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    import torch

    from explorer.reduction.tldr import _Twins

    twins = _Twins(TLDR(projector=16, redundancy=0.02), 8)
    ones, others = torch.from_numpy(blobs[0][:100]), torch.from_numpy(blobs[0][100:200])
    with torch.no_grad():
        a, b = (twins.projector(twins.encoder(rows)).double() for rows in (ones, others))
        c = np.asarray((a.T @ b / 100).numpy())
    expected = sum((1 - c[i, i]) ** 2 if i == j else 0.02 * c[i, j] ** 2 for i in range(16) for j in range(16)) / 16
    assert twins.step(ones, others, 0.0) == pytest.approx(expected, rel=1e-4)


@needs_torch
def test_tldr_leaves_torch_as_it_was(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    import torch

    before, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        TLDR(n_epochs=1).run(blobs[0])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(before, torch.get_rng_state())


@needs_torch
def test_tldr_gives_any_width_also_of_a_few_rows() -> None:
    step = TLDR(n_epochs=2)
    step.width = 7
    for n in (3, 4, 5, 30):
        assert step.compute(np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32), Progress()).values.shape == (n, 7)
    with pytest.raises(InputError, match="at least 5 different rows"):
        step.fit(np.ones((4, 3), np.float32), Progress())
