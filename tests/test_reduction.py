"""Layouts make sense: neighbours stay neighbours, equal rows share a place, nothing is left out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.reduction.pca import PCA
from explorer.reduction.umap import UMAP
from explorer.step import Progress, Result


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().data, np.float32)


@pytest.fixture(scope="module")
def layout(digits: np.ndarray) -> Result:
    return UMAP(n_epochs=200).run(digits)


def quick(**settings: object) -> UMAP:
    return UMAP(n_epochs=10, **settings)


def test_umap_keeps_neighbours(digits: np.ndarray, layout: Result) -> None:
    from sklearn.manifold import trustworthiness

    assert trustworthiness(digits, layout.values, n_neighbors=15) > 0.95


def test_umap_keeps_digits_together(layout: Result) -> None:
    from sklearn.datasets import load_digits
    from sklearn.neighbors import KNeighborsClassifier

    digit = load_digits().target
    assert KNeighborsClassifier(10).fit(layout.values[::2], digit[::2]).score(layout.values[1::2], digit[1::2]) > 0.9


def test_a_layout_says_what_it_is(layout: Result) -> None:
    assert layout.values.dtype == np.float32
    assert layout.values.shape == (1797, 2)
    assert layout.settings["n_epochs"] == 200
    assert {"umap-learn", "numpy"} <= set(layout.versions)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan", "chebyshev"])
def test_every_metric_lays_out_rows_of_zeros(metric: str) -> None:
    rows = np.vstack([np.random.default_rng(0).normal(size=(60, 5)), np.zeros((3, 5)), np.full((1, 5), 7.0)])
    made = quick(metric=metric).run(rows)
    assert np.isfinite(made.values).all()
    assert (made.values[60:63] == made.values[60]).all()


@pytest.mark.parametrize("init", ["spectral", "pca", "random"])
@pytest.mark.parametrize("n", [3, 4, 5, 8, 12, 20])
def test_umap_of_a_few_rows(n: int, init: str) -> None:
    for d in (1, 4):
        made = quick(init=init).run(np.random.default_rng(n).normal(size=(n, d)))
        assert np.isfinite(made.values).all()
    assert any("PCA" in note for note in made.notes) == (n < 5)
    assert any("n_neighbors is" in note for note in made.notes) == (5 <= n <= 15)


def test_groups_without_a_way_between_them() -> None:
    far = np.vstack([np.random.default_rng(0).normal(size=(30, 4)) + 1e6 * group for group in range(4)])
    made = quick(n_neighbors=5).run(far)
    assert np.isfinite(made.values).all()


def test_equal_rows_share_a_place() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows = np.vstack([rows, np.repeat(rows[:1], 300, axis=0)])
    for step in (PCA(), quick()):
        made = step.run(rows).values
        assert (made[40:] == made[0]).all()
        assert len(np.unique(made, axis=0)) == 40
    assert any("300 rows are equal" in note for note in quick().run(rows).notes)


def test_rows_without_features_get_no_place() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3))
    rows[[3, 7], 1] = np.nan
    made = quick().run(rows)
    assert np.flatnonzero(~made.valid).tolist() == [3, 7]
    with pytest.raises(InputError, match="at least 3"):
        quick().run(np.where(np.arange(40)[:, None] < 2, rows, np.nan))


def test_a_huge_stand_in_for_missing_values_is_said_and_spoils_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    plain = quick().run(rows).values
    rows[5, 1] = 3e38
    made = quick().run(rows)
    assert np.isfinite(made.values).all()
    assert any("clipped" in note for note in made.notes)
    assert np.ptp(made.values[np.arange(60) != 5], axis=0).min() > np.ptp(plain, axis=0).min() / 4


def test_a_seed_changes_the_layout_and_nothing_else_does() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    assert not np.array_equal(quick(random_state=1).run(rows).values, quick(random_state=2).run(rows).values)
    np.random.seed(7)
    first = quick().run(rows).values
    np.random.seed(8)
    assert np.array_equal(first, quick().run(rows).values)


def test_progress_tells_of_every_round() -> None:
    fractions: list[float] = []
    rows = np.random.default_rng(0).normal(size=(60, 4))
    quick(n_neighbors=5).run(rows, Progress(lambda fraction, _: fractions.append(fraction)))
    assert len(set(fractions)) > 10
    assert fractions == sorted(fractions)


def test_pca_finds_the_plane_and_does_not_mirror_it() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(200, 2)) * [5, 2]
    rows = plane @ np.linalg.qr(rng.normal(size=(6, 2)))[0].T + 1000
    made = PCA().run(rows)
    distances = np.linalg.norm(rows[:50, None] - rows[None, :50], axis=2)
    kept = np.linalg.norm(made.values[:50, None] - made.values[None, :50], axis=2)
    assert np.allclose(distances, kept, atol=1e-3)
    assert np.allclose(made.values, PCA(random_state=5).run(rows[::-1]).values[::-1], atol=1e-3)
    assert made.notes == ("the two axes hold 100% of the variance",)


def test_pca_keeps_small_variance_on_a_large_offset() -> None:
    rows = np.random.default_rng(0).normal(size=(100, 3)) * [10, 1, 1] + [0, 5e5, 0]
    assert abs(np.corrcoef(PCA().run(rows).values[:, 0], rows[:, 0])[0, 1]) > 0.99


def test_pca_of_what_has_one_direction_or_none() -> None:
    line = PCA().run(np.arange(10.0)[:, None])
    assert np.allclose(line.values[:, 1], 0)
    assert np.allclose(np.diff(line.values[:, 0]), 1)
    flat = PCA().run(np.ones((10, 4)))
    assert not flat.values.any()
    assert flat.notes == ("all rows are equal: they share one place",)


def test_importing_a_method_imports_no_library_of_it() -> None:
    code = "import sys, explorer.reduction.umap, explorer.reduction.pca, explorer.clustering.hdbscan, explorer.clustering.kmeans\n"
    code += "print(*sorted({'umap', 'sklearn', 'numba', 'fast_hdbscan', 'torch', 'panel'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
