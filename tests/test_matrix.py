"""The extractor of sparse matrices: what it finds is what a dense PCA of scaled and logged counts finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.dataset.sparse import Sparse, from_blocks
from explorer.errors import InputError
from explorer.features import suggest
from explorer.features.matrix import Matrix
from explorer.step import Progress


def dataset(matrix: Any) -> Dataset:
    made = sp.csr_matrix(matrix)
    return Dataset("m", np.arange(made.shape[0]), pa.table({}), {}, matrix=from_blocks(iter([made]), made.shape[1]))


def counts(n: int = 200, d: int = 60, seed: int = 0) -> np.ndarray:
    """Three kinds of cells, counted to different depths."""
    rng = np.random.default_rng(seed)
    kinds = np.exp(2 * rng.normal(size=(3, d)))[rng.integers(0, 3, n)]
    return rng.poisson(kinds * rng.gamma(2, 0.5, (n, 1))).astype(np.float64)


def reference(table: np.ndarray, k: int, *, normalize: bool = True, log: bool = True) -> np.ndarray:
    """Dense and in the plainest way."""
    made = np.array(table, np.float64)
    if normalize:
        totals = made.sum(axis=1, keepdims=True)
        made = made / np.where(totals > 0, totals, 1) * np.median(totals[totals > 0])
    made = np.log1p(made) if log else made
    made -= made.mean(axis=0)
    left, strengths, _ = np.linalg.svd(made, full_matrices=False)
    return left[:, :k] * strengths[:k]


def distances(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(values[:, None] - values[None], axis=2)


@pytest.mark.parametrize(("normalize", "log"), [(True, True), (True, False), (False, True), (False, False)])
def test_it_is_the_dense_pca(normalize: bool, log: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sparse.blocks, "__defaults__", (500,))  # many blocks
    table = counts()
    table[7] = 0  # nothing counted
    step = Matrix(n_components=3, n_features=None, normalize=normalize, log=log)
    found, expected = step.run(dataset(table)).values, reference(table, 3, normalize=normalize, log=log)
    signs = np.sign((found * expected).sum(axis=0))
    assert found.dtype == np.float32
    assert np.allclose(found * signs, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@given(st.integers(3, 12), st.integers(1, 10), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_all_components_keep_all_distances(n: int, d: int, seed: int) -> None:
    table = np.random.default_rng(seed).poisson(0.7, (n, d)).astype(float)
    found = Matrix(n_components=50).run(dataset(table)).values
    assert found.shape[1] <= min(n - 1, d)
    expected = distances(reference(table, d)) if table.any() else np.zeros((n, n))
    assert np.allclose(distances(found), expected, atol=1e-3 * max(1.0, expected.max()))


def test_only_what_varies_most_is_kept() -> None:
    table = counts()
    table[:, 10:20] = 1000 * table.mean(axis=1, keepdims=True).round()  # much, and the same for all once scaled
    result = Matrix(n_components=5, n_features=30).run(dataset(table))
    scaled = np.log1p(table / np.maximum(table.sum(axis=1, keepdims=True), 1) * np.median(table.sum(axis=1)))
    kept = np.sort(np.argsort(-scaled.var(axis=0), kind="stable")[:30])
    centred = scaled[:, kept] - scaled[:, kept].mean(axis=0)
    strengths = np.linalg.svd(centred, compute_uv=False)[:5]
    assert np.allclose(np.linalg.norm(result.values, axis=0), strengths, rtol=1e-3)
    assert any("30 of 60 columns" in note for note in result.notes)


def test_many_directions_settle() -> None:
    table = np.random.default_rng(0).poisson(1.0, (400, 300)).astype(float)  # noise: no direction stands out
    found = Matrix(n_components=20, n_features=None).run(dataset(table)).values
    strengths = np.linalg.norm(reference(table, 20), axis=0)
    assert np.allclose(np.linalg.norm(found, axis=0), strengths, rtol=0.05)


def test_what_is_no_count_is_said() -> None:
    table = counts()
    table[0, 0], table[1, 1] = np.nan, np.inf
    said = " ".join(Matrix().run(dataset(table)).notes)
    assert "2 values of the matrix are missing or infinite" in said
    negative = counts() - 1
    result = Matrix(n_components=2, n_features=None, normalize=False).run(dataset(negative))
    assert "no logarithm" in " ".join(result.notes)
    assert np.allclose(np.abs(result.values), np.abs(reference(negative, 2, normalize=False, log=False)), rtol=1e-2, atol=0.05)
    assert "no whole numbers" in " ".join(Matrix().run(dataset(counts() / 3)).notes)
    assert np.isfinite(Matrix().run(dataset(np.zeros((5, 4)))).values).all()


def test_it_is_the_same_again_and_stays_as_it_was() -> None:
    data = dataset(counts())
    assert data.matrix is not None
    before = data.matrix.data.copy()
    for part in (data.matrix.data, data.matrix.indices, data.matrix.indptr):
        part.flags.writeable = False
    one, two = Matrix().run(data), Matrix().run(data)
    assert one.values.tobytes() == two.values.tobytes()
    assert np.array_equal(data.matrix.data, before)
    told: list[float] = []
    Matrix().run(data, Progress(lambda fraction, _: told.append(fraction)))
    assert told == sorted(told)


def test_a_column_that_stands_twice_counts_once() -> None:
    table = counts()
    row, column = 3, int(table[3].argmax())
    made = sp.csr_matrix(table)
    split = Sparse(
        np.concatenate([made.data[: made.indptr[4]], [-1.0 + 2.0], made.data[made.indptr[4] :]]).astype(np.float32),
        np.concatenate([made.indices[: made.indptr[4]], [column], made.indices[made.indptr[4] :]]),
        made.indptr + (np.arange(len(made.indptr)) > row), made.shape,
    )  # fmt: skip
    table[row, column] += 1
    twice = Dataset("m", np.arange(len(table)), pa.table({}), {}, matrix=split)
    assert np.allclose(Matrix().run(twice).values, Matrix().run(dataset(table)).values, atol=1e-4)


def test_it_is_what_a_matrix_alone_is_embedded_by() -> None:
    assert suggest(dataset(counts())) == "matrix"
    with pytest.raises(InputError, match="needs a sparse matrix"):
        Matrix().run(Dataset("v", np.arange(3), pa.table({}), {}, vectors=np.ones((3, 2), np.float32)))
    with pytest.raises(InputError, match="matrix is empty"):
        Matrix().run(dataset(np.zeros((4, 0))))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 20))
def test_blocks_cover_every_row_once(sizes: list[int], most: int) -> None:
    ends = np.concatenate([[0], np.cumsum(sizes)])
    matrix = Sparse(np.ones(ends[-1], np.float32), np.zeros(ends[-1], np.int32), ends, (len(sizes), 1))
    blocks = list(matrix.blocks(most))
    assert [row for start, stop in blocks for row in range(start, stop)] == list(range(len(sizes)))
    assert all(ends[stop] - ends[start] <= most or stop == start + 1 for start, stop in blocks)
