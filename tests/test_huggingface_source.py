"""Dataset folders: what `datasets` saves, shards of tables, and pictures or sounds beside a file of metadata."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import explorer
from explorer.errors import InputError


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 9, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def wav(seconds: float = 0.1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((np.sin(np.arange(int(8000 * seconds)) / 3) * 9000).astype("<i2").tobytes())
    return buffer.getvalue()


def put(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FEATURES = {"kind": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "thing": {"_type": "Image"}, "v": {"_type": "Sequence"}}


def table(n: int = 4, start: int = 0) -> pa.Table:
    made = pa.table(
        {
            "number": np.arange(start, start + n) / 2,
            "kind": pa.array([row % 3 if row % 3 < 2 else None for row in range(n)], pa.int64()),
            "thing": pa.array([{"bytes": png(row), "path": None} for row in range(n)]),
            "v": pa.array([[row, 1.0] for row in range(n)], pa.list_(pa.float32())),
        }
    )
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": FEATURES}})})


def saved(folder: Path, shards: list[pa.Table], *, told: bool = True) -> Path:
    """As `save_to_disk` writes one split."""
    names = [f"data-{place:05d}-of-{len(shards):05d}.arrow" for place in range(len(shards))]
    folder.mkdir(parents=True)
    for name, shard in zip(names, shards, strict=True):
        shard = shard if told else shard.replace_schema_metadata(None)
        with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_stream(file, shard.schema) as writer:
            writer.write_table(shard, max_chunksize=2)
    put(folder / "state.json", json.dumps({"_data_files": [{"filename": name} for name in names], "_split": None}))
    put(folder / "dataset_info.json", json.dumps({"features": FEATURES}))
    return folder


def refused(*args: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        explorer.read(*args, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("mapped", [True, False])
def test_a_saved_dataset(tmp_path: Path, told: bool, mapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.arrow.IN_MEMORY", 0 if mapped else 1 << 20)
    dataset = explorer.read(saved(tmp_path / "d", [table(4), table(3, 4)], told=told))
    assert dataset.table.column("number").to_pylist() == [row / 2 for row in range(7)]
    assert dataset.table.column("kind").to_pylist() == ["cat", "dog", None, "cat", "cat", "dog", None]
    assert dataset.kinds == {"number": "number", "kind": "category", "thing": "image"}
    assert dataset.roles == {"image": "thing"}
    assert dataset.picture(5).size == (9, 8)
    assert dataset.vectors is not None
    assert dataset.vectors[5].tolist() == [1, 1]


def test_all_splits_are_read(tmp_path: Path) -> None:
    saved(tmp_path / "d" / "train", [table(4)])
    saved(tmp_path / "d" / "test", [table(2), table(1)])
    put(tmp_path / "d" / "dataset_dict.json", json.dumps({"splits": ["train", "test"]}))
    dataset = explorer.read(tmp_path / "d")
    assert dataset.table.column("split").to_pylist() == ["train"] * 4 + ["test"] * 3
    assert dataset.kinds["split"] == "category"


def test_what_datasets_itself_saves(tmp_path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets = pytest.importorskip("datasets")
        features = datasets.Features({"t": datasets.Value("string"), "label": datasets.ClassLabel(names=["a", "b"])})
        one = datasets.Dataset.from_dict({"t": ["x y z", "u v w", "s t r"], "label": [0, 1, 1]}, features)
        datasets.DatasetDict({"train": one, "test": one}).save_to_disk(str(tmp_path / "d"))
    dataset = explorer.read(tmp_path / "d")
    assert dataset.table.column("label").to_pylist() == ["a", "b", "b"] * 2
    assert dataset.table.column("split").to_pylist() == ["train"] * 3 + ["test"] * 3


def test_our_own_export_reads_back(tmp_path: Path) -> None:
    session = explorer.Session(explorer.read(pd.DataFrame({"id": list("abcde"), "v": np.arange(5) / 3}), id="id"))
    session.extract("columns")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=2)
    session.select(["b", "c"])
    session.label("NA")
    assert session.features is not None
    back = explorer.read(session.export(tmp_path / "o.hf"))
    assert list(back.ids) == list("abcde")
    assert back.table.column("label").to_pylist() == [None, "NA", "NA", None, None]
    assert back.vectors is not None
    assert np.array_equal(back.vectors, session.features.values)


@pytest.mark.parametrize(
    "name", ["data/{}-00000-of-00001.parquet", "data/x_{}-00000-of-00001.parquet", "default/{}/0000.parquet", "{}.parquet"]
)
def test_shards_of_parquet(tmp_path: Path, name: str) -> None:
    for place, split in enumerate(("test", "train")):
        path = tmp_path / name.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(3, place * 3), path)
    put(tmp_path / "README.md", "# about")
    before = "x_" if "x_" in name else ""
    dataset = explorer.read(tmp_path)
    assert dataset.table.column("number").to_pylist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert dataset.table.column("split").to_pylist() == [f"{before}test"] * 3 + [f"{before}train"] * 3
    assert dataset.roles == {"image": "thing"}


def test_files_of_one_table(tmp_path: Path) -> None:
    put(tmp_path / "2023.csv", "b,a\n1,x\n2,y\n")
    put(tmp_path / "2024.csv", "a,b\nz,2.5\n")
    dataset = explorer.read(tmp_path)
    assert dataset.table.column("b").to_pylist() == [1, 2, 2.5]
    assert dataset.table.column("a").to_pylist() == ["x", "y", "z"]
    assert any("2 files were read as one table" in note for note in dataset.notes)
    put(tmp_path / "2025.csv", "a,c\nz,2.5\n")
    assert "different columns ('b', 'c')" in refused(tmp_path)
    put(tmp_path / "2025.csv", "")
    assert "'2025.csv' is empty" in refused(tmp_path)
    (tmp_path / "2025.csv").unlink()
    put(tmp_path / "more.jsonl", '{"a": 1}')
    assert "several kinds (.csv, .jsonl)" in refused(tmp_path)
    for place, rows in enumerate((['{"a": 1}', '{"a": 2}'], ['{"a": 2.5}'])):
        put(tmp_path / "j" / f"{place}.jsonl", "\n".join(rows))
    assert explorer.read(tmp_path / "j").table.column("a").to_pylist() == [1, 2, 2.5]
    for place, values in enumerate(([1, 2], ["x"])):
        (tmp_path / "p").mkdir(exist_ok=True)
        pq.write_table(pa.table({"a": values}), tmp_path / "p" / f"{place}.parquet")
    assert "'a' is string, not int64" in refused(tmp_path / "p")


def test_pictures_with_metadata(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for place in range(3):
            put(tmp_path / split / f"{place}.png", png(place))
        rows = "\n".join(f"{place}.png,{split} number {place}" for place in range(2))
        put(tmp_path / split / "metadata.csv", f"file_name,caption\n{rows}\ngone.png,not there\n../../secret.png,elsewhere\n")
    put(tmp_path.parent / "secret.png", png())
    dataset = explorer.read(tmp_path)
    assert dataset.roles["image"] == "file_name"
    paths = dataset.table.column("file_name").to_pylist()
    assert paths == ["test/0.png", "test/1.png", None, None, "train/0.png", "train/1.png", None, None]
    assert dataset.table.column("folder").to_pylist()[:2] == ["test", "test"]
    assert dataset.picture(4).size == (9, 8)
    said = " ".join(dataset.notes)
    assert "4 files that the metadata names are not there" in said
    assert "2 files that the metadata does not name" in said
    put(tmp_path / "none" / "metadata.csv", "name,b\n1,2\n")
    put(tmp_path / "none" / "1.png", png())
    assert "no column 'file_name'" in refused(tmp_path / "none")


def test_sounds_with_metadata(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    for place in range(3):
        put(tmp_path / "clips" / f"{place}.wav", wav())
    put(tmp_path / "metadata.jsonl", "\n".join(json.dumps({"file_name": f"clips/{n}.wav", "word": "ab"[n % 2]}) for n in range(3)))
    dataset = explorer.read(tmp_path)
    assert dataset.roles == {"audio": "file_name"}
    assert list(dataset.ids) == [f"clips/{place}.wav" for place in range(3)]
    assert dataset.sound(2).rate == 8000


def test_folders_of_classes_stay_what_they_were(tmp_path: Path) -> None:
    for place in range(4):
        put(tmp_path / "ab"[place % 2] / f"{place}.png", png())
    put(tmp_path / "labels.csv", "a,b\n1,2\n")
    dataset = explorer.read(tmp_path)
    assert dataset.table.column("folder").to_pylist() == ["a", "a", "b", "b"]


def test_bytes_and_paths_of_sounds_are_told_from_pictures(tmp_path: Path) -> None:
    held = [{"bytes": wav(), "path": "x"}] * 3
    said = {"huggingface": json.dumps({"info": {"features": {"s": {"_type": "Audio"}}}})}
    for name, column in {"told": [{"bytes": None, "path": "clip"}] * 3, "seen": held, "bytes": [wav()] * 3}.items():
        made = pa.table({"s": column, "n": [1, 2, 4]})
        pq.write_table(made.replace_schema_metadata(said) if name == "told" else made, tmp_path / "t.parquet")
        assert explorer.read(tmp_path / "t.parquet").roles == {"audio": "s"}, name
    webp = io.BytesIO()
    Image.new("RGB", (4, 4)).save(webp, "WEBP")
    assert explorer.read(pa.table({"p": [webp.getvalue()] * 3})).roles == {"image": "p"}
    put(tmp_path / "t.csv", "clip,n\na.wav,1\nb.wav,2\nc.flac,4\n")
    assert any("'clip' names sounds" in note for note in explorer.read(tmp_path / "t.csv").notes)
    put(tmp_path / "a.wav", wav())
    assert explorer.read(tmp_path / "t.csv").roles == {"audio": "clip"}


def test_saved_folders_that_nobody_should_trust(tmp_path: Path) -> None:
    put(tmp_path / "out.arrow", b"secret")
    folder = saved(tmp_path / "d", [table(4)])
    state = (folder / "state.json").read_text()
    for wrong in ("../out.arrow", "/etc/passwd", 7, None):
        put(folder / "state.json", json.dumps({"_data_files": [{"filename": wrong}]}))
        assert "not in the folder" in refused(folder)
    (folder / "link.arrow").symlink_to(tmp_path / "out.arrow")
    put(folder / "state.json", json.dumps({"_data_files": [{"filename": "link.arrow"}]}))
    assert "not in the folder" in refused(folder)
    put(folder / "state.json", json.dumps({"_data_files": [{"filename": "gone.arrow"}]}))
    assert "'gone.arrow' is missing" in refused(folder)
    for wrong in ("[]", "{", "[" * 100_000, "\0", '{"_data_files": []}', '{"_data_files": 7}'):
        put(folder / "state.json", wrong)
        assert "state.json" in refused(folder)
    put(folder / "state.json", state[:-1] + ', "_indices_data_files": [{"filename": "i.arrow"}]}')
    assert "flatten_indices" in refused(folder)
    put(folder / "state.json", state)
    for wrong in ("[]", '{"features": 7}', '{"features": {"kind": {"_type": "ClassLabel", "names": 7}, "thing": 3}}'):
        put(folder / "dataset_info.json", wrong)
        try:
            explorer.read(folder)
        except InputError as problem:
            assert "dataset_info.json" in str(problem)  # noqa: PT017
    put(tmp_path / "dataset_dict.json", '{"splits": ["../d"]}')
    assert "are not names" in refused(tmp_path)
