"""AnnData: files and folders in the published format, written by hand, by our own export, and by anndata itself."""

from __future__ import annotations

import json
import os
import pickle
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import explorer
from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features import suggest
from explorer.step import Result
from explorer.worker import read_apart

h5py = pytest.importorskip("h5py")
N, D = 9, 6
MUTATIONS = int(os.environ.get("EXPLORER_MUTATIONS", "60"))


def counts(n: int = N, d: int = D, form: str = "csr") -> Any:
    made = sp.random(n, d, 0.5, format="csr", random_state=0, dtype=np.float64)
    made.data = np.ceil(made.data * 9)
    return made.asformat(form)


def says(node: Any, kind: str, **more: Any) -> Any:
    node.attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"} | more)
    return node


def texts(group: Any, name: str, values: list[str]) -> None:
    if isinstance(group, h5py.Group):
        says(group.create_dataset(name, data=np.array(values, dtype=object), dtype=h5py.string_dtype()), "string-array")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr, of text whose form may change
        made = group.create_array(name, shape=(len(values),), dtype=str)
        made[:] = np.array(values, dtype=np.dtypes.StringDType())
    says(made, "string-array")


def array(group: Any, name: str, values: Any) -> None:
    values = np.asarray(values)
    says(
        group.create_dataset(name, data=values) if isinstance(group, h5py.Group) else group.create_array(name, data=values), "array"
    )


def sparse(group: Any, name: str, matrix: Any) -> None:
    made = says(group.create_group(name), f"{matrix.format}_matrix", shape=list(matrix.shape))
    for part in ("data", "indices", "indptr"):
        array(made, part, getattr(matrix, part))


def masked(group: Any, name: str, kind: str, values: Any, mask: Any) -> None:
    made = says(group.create_group(name), kind)
    array(made, "values", values)
    array(made, "mask", mask)


def fill(root: Any, x: Any, obsm: dict[str, np.ndarray] | None = None, names: list[str] | None = None) -> None:
    """A whole store: every form of column in obs, X dense or sparse."""
    says(root, "anndata")
    columns = ["size", "good", "sort", "old", "count", "sure", "note"]
    obs = says(root.create_group("obs"), "dataframe", _index="_index")
    obs.attrs["column-order"] = columns
    texts(obs, "_index", names or [f"cell-{row}" for row in range(N)])
    array(obs, "size", np.arange(N) / 4)
    array(obs, "good", np.arange(N) % 2 == 0)
    sort = says(obs.create_group("sort"), "categorical", ordered=False)
    array(sort, "codes", np.array([0, 1, -1, 2, 0, 1, 2, 0, 1], np.int8))
    texts(sort, "categories", ["NA", "", "é"])
    masked(obs, "count", "nullable-integer", np.arange(N), np.arange(N) == 3)
    masked(obs, "sure", "nullable-boolean", np.arange(N) > 4, np.arange(N) == 3)
    texts(obs, "note", [f"a longer note on cell number {row}, in words" for row in range(N)])
    says(obs.create_group("old"), "of the future")
    var = says(root.create_group("var"), "dataframe", _index="_index")
    var.attrs["column-order"] = []
    texts(var, "_index", [f"gene {place}" for place in range(D)])
    beside = says(root.create_group("obsm"), "dict")
    for name, values in (obsm or {}).items():
        array(beside, name, values)
    array(says(root.create_group("layers"), "dict"), "raw", np.zeros((N, D)))
    if x is not None:
        sparse(root, "X", x) if sp.issparse(x) else array(root, "X", x)


def h5ad(path: Path, *args: Any, **options: Any) -> Path:
    with h5py.File(path, "w") as root:
        fill(root, *args, **options)
    return path


def zarr_folder(path: Path, *args: Any, **options: Any) -> Path:
    zarr = pytest.importorskip("zarr")
    fill(zarr.open_group(str(path), mode="w"), *args, **options)
    return path


WRITERS: dict[str, Callable[..., Path]] = {"t.h5ad": h5ad, "t.zarr": zarr_folder}
EMBEDDINGS = {"X_pca": np.arange(N * 3.0).reshape(N, 3), "X_umap": np.arange(N * 2.0).reshape(N, 2), "spatial": np.ones((N, 2))}
every_form = pytest.mark.parametrize("name", list(WRITERS))


def refused(*args: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        explorer.read(*args, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@every_form
def test_every_form_of_column(tmp_path: Path, name: str) -> None:
    dataset = explorer.read(WRITERS[name](tmp_path / name, counts(), EMBEDDINGS))
    assert list(dataset.ids) == [f"cell-{row}" for row in range(N)]
    kinds = {"size": "number", "good": "flag", "sort": "category", "count": "number", "sure": "flag", "note": "text"}
    assert dataset.kinds == kinds
    assert dataset.table.column("size").to_pylist() == [row / 4 for row in range(N)]
    assert dataset.table.column("good").to_pylist() == [row % 2 == 0 for row in range(N)]
    assert dataset.table.column("sort").to_pylist() == ["NA", "", None, "é", "NA", "", "é", "NA", ""]
    assert dataset.table.column("count").to_pylist() == [0, 1, 2, None, 4, 5, 6, 7, 8]
    assert dataset.table.column("sure").to_pylist() == [False, False, False, None, False, True, True, True, True]
    said = " ".join(dataset.notes)
    assert "'old'" in said
    assert "spatial" in said
    assert "raw" in said


@every_form
@pytest.mark.parametrize("form", ["csr", "csc"])
def test_a_sparse_matrix_stays_sparse(tmp_path: Path, name: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.counts.BLOCK", 5)
    dataset = explorer.read(WRITERS[name](tmp_path / name, counts(form=form)))
    assert dataset.matrix is not None
    assert dataset.vectors is None
    assert np.array_equal(dataset.matrix.rows(0, N).toarray(), counts().toarray())
    assert dataset.matrix.rows(0, N).has_canonical_format
    assert dataset.matrix.names[:2] == ("gene 0", "gene 1")
    assert suggest(dataset) == "matrix"


@every_form
def test_embeddings_become_vectors_and_layout(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, counts(), EMBEDDINGS)
    dataset = explorer.read(path)
    assert dataset.vectors is not None
    assert np.array_equal(dataset.vectors, EMBEDDINGS["X_pca"])
    assert dataset.layout is not None
    assert np.array_equal(dataset.layout, EMBEDDINGS["X_umap"])
    named = explorer.read(path, vectors="spatial", layout="spatial")
    assert named.vectors is not None
    assert named.layout is not None
    assert (named.vectors == 1).all()
    assert (named.layout == 1).all()
    matrix = explorer.read(path, vectors="X", layout="size,count")
    assert matrix.vectors is None
    assert matrix.matrix is not None
    assert matrix.layout is not None
    assert matrix.layout[2].tolist() == [0.5, 2]
    assert explorer.read(path, columns="size").vectors is None
    assert "did you mean 'X_pca'" in refused(path, vectors="X_pc")
    assert "did you mean 'X_umap'" in refused(path, layout="X_uma")
    assert "(n, 2) is needed" in refused(path, layout="X_pca")


def test_a_layout_that_was_found_is_the_layout(tmp_path: Path) -> None:
    session = explorer.Session(explorer.read(h5ad(tmp_path / "t.h5ad", counts(), EMBEDDINGS)))
    assert session.layout is not None
    assert session.layout.method == "given"


@every_form
def test_a_dense_matrix_is_the_vectors(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.counts.BLOCK", 8)
    dense = counts().toarray()
    dense[0, 0] = np.nan
    path = WRITERS[name](tmp_path / name, dense)
    dataset = explorer.read(path)
    assert dataset.vectors is not None
    assert np.array_equal(dataset.vectors, dense.astype(np.float32), equal_nan=True)
    assert any("NaN" in note for note in dataset.notes)
    monkeypatch.setattr("explorer.sources.counts.memory", lambda: 100)
    assert "sparse" in refused(path)
    path = WRITERS[name](tmp_path / f"again-{name}", dense, EMBEDDINGS)
    monkeypatch.setattr("explorer.sources.counts.memory", lambda: 2 * EMBEDDINGS["X_pca"].size * 4)
    assert "--vectors X_pca" in refused(path, vectors="X")
    assert explorer.read(path).vectors is not None


def test_rows_go_by_number_where_names_repeat(tmp_path: Path) -> None:
    dataset = explorer.read(h5ad(tmp_path / "t.h5ad", counts(), names=["a"] * N))
    assert dataset.ids.tolist() == list(range(N))
    assert any("repeated" in note for note in dataset.notes)
    assert explorer.read(h5ad(tmp_path / "u.h5ad", counts(), names=[str(7 * n) for n in range(N)])).ids.tolist() == [
        *range(0, 7 * N, 7)
    ]


def test_our_own_export_reads_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [f"i{n}" for n in range(N)], "v": np.arange(N) / 3, "w": ["x", "NA", None] * 3})
    dataset = explorer.read(frame, id="id", columns="v,w")
    session = explorer.Session(dataset)
    places = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
    session.adopt(Result(np.eye(N, 4, dtype=np.float32), "extract", "columns", {}, dataset.fingerprint, "e"))
    session.adopt(Result(places, "reduce", "pca", {}, "e", "k"))
    session.adopt(Result(np.arange(N, dtype=np.int32) % 3 - 1, "cluster", "kmeans", {}, "e", "c"))
    session.select(dataset.ids[:4])
    session.label("NA")
    back = explorer.read(session.export(tmp_path / "out.h5ad"))
    assert back.ids.tolist() == dataset.ids.tolist()
    assert back.layout is not None
    assert np.array_equal(back.layout, places)
    assert back.vectors is not None
    assert np.array_equal(back.vectors, np.eye(N, 4))
    assert back.table.column("label").to_pylist() == ["NA"] * 4 + [None] * 5
    assert back.table.column("cluster").to_pylist() == [n % 3 - 1 for n in range(N)]
    assert back.table.column("w").to_pylist() == ["x", "NA", None] * 3


def test_what_anndata_writes(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata = pytest.importorskip("anndata")
        obs = pd.DataFrame(
            {"sort": pd.Categorical([*list("abcabcab"), None]), "number": pd.array([1, None] * 4 + [2], dtype="Int64")}
        )
        obs.index = pd.Index([f"c{n}" for n in range(N)], dtype=object)
        made = anndata.AnnData(
            X=counts(), obs=obs, obsm={"X_pca": np.ones((N, 3)), "table": pd.DataFrame({"a": range(N)}, obs.index)}
        )
        anndata.settings.allow_write_nullable_strings = True
        made.write_h5ad(tmp_path / "t.h5ad", compression="gzip")
        paths = [tmp_path / "t.h5ad"]
        for version in (2, 3):
            anndata.settings.zarr_write_format = version
            made.write_zarr(tmp_path / f"{version}.zarr")
            (tmp_path / f"{version}.zarr").rename(tmp_path / f"folder {version}")  # known by what is in it
            paths.append(tmp_path / f"folder {version}")
    for path in paths:
        dataset = explorer.read(path)
        assert dataset.ids.tolist() == obs.index.tolist()
        assert dataset.table.column("sort").to_pylist() == [*"abcabcab", None]
        assert dataset.table.column("number").to_pylist() == [1, None] * 4 + [2]
        assert dataset.matrix is not None
        assert np.array_equal(dataset.matrix.rows(0, N).toarray(), counts().toarray())
        assert dataset.vectors is not None


# --- files that nobody should trust


def test_what_lies_elsewhere_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as root:
        root["passwords"] = np.ones((N, D))
        root["x"] = np.ones((N, D))
    for way in ("external", "soft", "virtual", "raw"):
        path = h5ad(tmp_path / f"{way}.h5ad", None)
        with h5py.File(path, "a") as root:
            if way == "external":
                root["X"] = h5py.ExternalLink(str(secret), "passwords")
            elif way == "soft":
                root["X"] = h5py.SoftLink("/layers/raw")
            elif way == "virtual":
                layout = h5py.VirtualLayout((N, D), float)
                layout[:] = h5py.VirtualSource(str(secret), "passwords", (N, D))
                root.create_virtual_dataset("X", layout)
            else:
                root.create_dataset("X", (N, D), float, external=[(str(secret), 0, N * D * 8)])
        assert "which is not" in refused(path), way


def test_a_folder_is_not_left_and_nothing_is_unpickled(tmp_path: Path) -> None:
    path = zarr_folder(tmp_path / "t.zarr", counts())
    (tmp_path / "secret").mkdir()
    (path / "X" / "more").symlink_to(tmp_path / "secret")
    assert "leads out of the folder" in refused(path)
    import zarr

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "p.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=2)
    says(root.create_group("obs"), "dataframe", _index="_index").create_array("_index", data=np.arange(3))
    about = json.loads((path / "obs/_index/.zarray").read_text())
    (path / "obs/_index/.zarray").write_text(json.dumps(about | {"compressor": {"id": "pickle", "protocol": 4}}))
    (path / "obs/_index/0").write_bytes(pickle.dumps(Payload()))
    assert "pickle" in refused(path)
    (path / "obs/_index/.zarray").write_text(json.dumps(about | {"compressor": {"id": "adler32"}}))
    assert "'adler32', which is not unpacked" in refused(path)
    assert not (tmp_path / "ran").exists()


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    def spoilt(part: str, value: Any) -> str:
        path = h5ad(tmp_path / f"{part.replace('/', '-')}.h5ad", counts(), EMBEDDINGS)
        with h5py.File(path, "a") as root:
            old = dict(root[part].attrs)
            del root[part]
            if value is not None:
                root[part] = value
                root[part].attrs.update(old)
        return refused(path)

    assert "columns or rows" in spoilt("X/indices", np.full(counts().nnz, D))
    assert "do not fit" in spoilt("X/data", np.ones(3))
    assert "do not begin" in spoilt("X/indptr", np.array([0, 5, 3, *[counts().nnz] * (N - 2)]))
    assert "not numbers" in spoilt("X/indices", np.ones(counts().nnz))
    assert "beside 9 rows" in spoilt("obs/size", np.ones(N - 1))
    assert "a category that is not there" in spoilt("obs/sort/codes", np.full(N, 3))
    assert "its mask does not fit" in spoilt("obs/count/mask", np.ones(2, bool))
    assert "no index" in spoilt("obs/_index", None)
    assert "before 2019" in spoilt("obs", np.zeros(N, [("a", float)]))
    (tmp_path / "no.h5ad").write_bytes(b"no such thing")
    assert "no HDF5 file" in refused(tmp_path / "no.h5ad")
    (tmp_path / "no.zarr").mkdir()
    assert "no Zarr folder" in refused(tmp_path / "no.zarr")
    (tmp_path / "file.zarr").write_bytes(b"x")
    assert "is a file" in refused(tmp_path / "file.zarr")
    with h5py.File(tmp_path / "huge.h5ad", "w") as root:
        fill(root, None)
        root.create_dataset("X", (N, 1 << 30), np.float64, chunks=(N, 1 << 26))
    assert "too much at once" in refused(tmp_path / "huge.h5ad")


def test_damaged_files_give_a_dataset_or_one_line(tmp_path: Path) -> None:
    """In a child process, since HDF5 may crash or go round in circles (h5py#2088)."""
    from test_sources import mutated

    from explorer.worker import Worker

    content = h5ad(tmp_path / "t.h5ad", counts(), EMBEDDINGS).read_bytes()
    worker = Worker(limit=1)
    read = 0
    try:
        for seed in range(MUTATIONS):
            path = tmp_path / "m.h5ad"
            path.write_bytes(mutated(content, random.Random(seed)))
            out = tmp_path / f"out-{seed}"
            request = {"do": "read", "source": str(path), "options": {}, "out": str(out), "memory": 8 << 30, "seconds": 20}
            job = worker.submit(request).wait()
            if job.state == "done":
                assert len(Dataset.load(out).fingerprint) == 24
                read += 1
            else:
                died = "ended by itself" in job.message or "gave up" in job.message  # HDF5's own doing: a message all the same
                assert died or not job.bug, (seed, job.message)
                assert "\n" not in job.message
    finally:
        worker.close()
    assert 0 < read < MUTATIONS


def test_it_comes_through_a_child_process(tmp_path: Path) -> None:
    dataset = read_apart(str(h5ad(tmp_path / "t.h5ad", counts(), EMBEDDINGS)), tmp_path / "out")
    assert dataset.matrix is not None
    assert np.array_equal(dataset.matrix.rows(0, N).toarray(), counts().toarray())
    assert np.array_equal(dataset.layout, EMBEDDINGS["X_umap"])
