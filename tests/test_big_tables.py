"""Tables that do not fit into memory: mapped or put on disk, with the same content as those that do."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import explorer
from explorer.errors import InputError
from explorer.sources import scratch
from explorer.worker import read_apart

MUTATIONS = int(os.environ.get("EXPLORER_MUTATIONS", "60"))


def table(n: int = 500) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "size": rng.normal(size=n),
            "count": pa.array([None if row == 3 else row * row for row in range(n)], pa.int32()),
            "sort": pa.array([("red", "blue", None)[row % 3] for row in range(n)]).dictionary_encode(),
            "note": pa.array([f"a remark on the thing of number {row}" for row in range(n)], pa.large_string()),
            "when": pa.array([row * 86_400_000 for row in range(n)], pa.date64()),
            "v": pa.array([None if row == 7 else [row, 1.0, -row] for row in range(n)], pa.list_(pa.float32())),
        }
    )


def write(path: Path, made: pa.Table) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(made, path, row_group_size=120)
    elif path.suffix == ".feather":
        feather.write_feather(made, str(path), compression="zstd", chunksize=100)
    elif path.name.startswith("stream"):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, made.schema) as writer:
            writer.write_table(made, max_chunksize=100)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, made.schema) as writer:
            writer.write_table(made, max_chunksize=100)
    return path


NAMES = ("t.parquet", "t.feather", "stream.arrow", "file.arrow")
every_form = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is small enough for memory."""
    for module in ("scratch", "arrow", "parquet"):
        monkeypatch.setattr(f"explorer.sources.{module}.IN_MEMORY", 0)
    monkeypatch.setattr("explorer.sources.parquet.PART", 2_000)
    monkeypatch.setattr("explorer.sources.scratch.ROWS", 64)


@every_form
@pytest.mark.parametrize("plain", [True, False])
def test_large_is_read_as_small_is(tmp_path: Path, name: str, plain: bool, request: pytest.FixtureRequest) -> None:
    made = table()
    made = made.select(["size", "count"]) if plain else made  # with plain types alone, an Arrow file is mapped as it lies
    path = write(tmp_path / name, made)
    small = explorer.read(path)
    request.getfixturevalue("tight")
    large = explorer.read(path)
    assert large.table.column_names == small.table.column_names
    assert large.table.to_pydict() == small.table.to_pydict()
    assert (large.kinds, large.roles, large.notes) == (small.kinds, small.roles, small.notes)
    assert large.fingerprint == small.fingerprint
    if not plain:
        assert isinstance(large.vectors, scratch.Scratch)
        assert np.array_equal(large.vectors, small.vectors, equal_nan=True)
        assert not large.vectors.flags.writeable


def test_nothing_large_is_in_memory(tmp_path: Path) -> None:
    """Measured in a process of its own, where Arrow says what it holds."""
    n = 800_000
    made = pa.table({f"c{place}": np.random.default_rng(place).normal(size=n) for place in range(24)})  # 154 MB
    code = (
        "import sys, pyarrow as pa, explorer\n"
        "dataset = explorer.read(sys.argv[1])\n"
        "print(dataset.table.nbytes, pa.total_allocated_bytes(), pa.default_memory_pool().max_memory())"
    )
    for name in ("t.parquet", "stream.arrow"):
        path = write(tmp_path / name, made)
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        size, held, most = map(int, done.stdout.split())
        assert size > 140 << 20
        assert held < 8 << 20, name
        assert most < scratch.IN_MEMORY + (80 << 20), name


@every_form
def test_it_comes_through_a_child_process(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, table())
    apart, here = read_apart(str(path), tmp_path / "out"), explorer.read(path)
    assert apart.table.to_pydict() == here.table.to_pydict()
    assert apart.fingerprint == here.fingerprint


@pytest.mark.parametrize("name", ["file.arrow", "stream.arrow"])
def test_arrow_files_of_plain_types_need_no_disk(tmp_path: Path, tight: None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.scratch.LEFT_FREE", 1 << 60)
    assert len(explorer.read(write(tmp_path / name, table().select(["size", "count"])))) == 500


def test_a_disk_without_room_is_said(tmp_path: Path, tight: None, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.parquet", table())
    monkeypatch.setattr("explorer.sources.scratch.LEFT_FREE", 1 << 60)
    with pytest.raises(InputError, match="set TMPDIR to a folder with more room"):
        explorer.read(path)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, tight: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little the file says that it holds: a text that stands there once may be meant a million times."""
    text = "x" * 10_000
    path = write(tmp_path / "t.parquet", pa.table({"a": [text] * 2_000, "b": np.arange(2_000)}))
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("explorer.sources.parquet.MOST_BYTES", 1 << 20)
    with pytest.raises(InputError, match="unpacks to more than"):
        explorer.read(path)


def test_parts_must_have_the_same_columns() -> None:
    rows = scratch.Rows("t")
    rows.add(pa.table({"a": [1, 2], "b": ["x", "y"]}))
    rows.add(pa.table({"b": ["z"], "a": pa.array([3], pa.int32())}), "second")
    assert rows.whole().to_pydict() == {"a": [1, 2, 3], "b": ["x", "y", "z"]}
    for part, said in (({"a": [1]}, "third lacks 'b'"), ({"a": [1], "b": ["x"], "c": [1]}, "third has also 'c'")):
        with pytest.raises(InputError, match=said):
            rows.add(pa.table(part), "third")
    with pytest.raises(InputError, match="unique"):
        scratch.Rows("t").add(pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]))


@every_form
def test_damaged_files_give_a_dataset_or_one_line(tmp_path: Path, name: str, tight: None) -> None:
    from test_sources import answered, mutated

    content = write(tmp_path / name, table(60)).read_bytes()
    path: Any = tmp_path / name
    read = 0
    for seed in range(MUTATIONS):
        path.write_bytes(mutated(content, random.Random(seed)))
        dataset = answered(lambda: explorer.read(path))
        if dataset is not None:
            dataset.to_frame()
            assert len(dataset.fingerprint) == 24
            read += 1
        del dataset  # it may be mapped: the file must not change under it
        path.unlink()
    assert read < MUTATIONS
