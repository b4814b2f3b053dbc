"""Sources: every format there and back, and every malformed file answered with one sentence."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.errors import InputError
from explorer.sources import read

PAYLOAD = '<img src=x onerror="alert(1)">'
MUTATIONS = int(os.environ.get("EXPLORER_MUTATIONS", "60"))


def png(width: int = 9, height: int = 8, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose header claims to be huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def refused(source: object, **options: object) -> str:
    """The message of the refusal, which must be one line."""
    with pytest.raises(InputError) as caught:
        read(source, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert 10 < len(message) < 600
    return message


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"g{n:03}" for n in range(60)],
            "size": rng.normal(size=60),
            "count": rng.integers(0, 9, 60),
            "sort": rng.choice(["NA", "None", "red"], 60),
            "note": [f"a note about the thing numbered {n}, at some length" for n in rng.permutation(60)],
            "seen": pd.date_range("2020-01-01", periods=60),
            "good": rng.integers(0, 2, 60).astype(bool),
        }
    )


WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "t.csv": lambda frame, path: frame.to_csv(path, index=False),
    "t.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "t.parquet": lambda frame, path: frame.to_parquet(path),
}
KINDS = {"id": "id", "size": "number", "count": "number", "sort": "category", "note": "text", "seen": "date", "good": "flag"}


# --- every format, there and back


@pytest.mark.parametrize("name", [*WRITERS, "memory"])
def test_a_table_comes_back_as_it_was_written(tmp_path: Path, frame: pd.DataFrame, name: str) -> None:
    if name != "memory":
        WRITERS[name](frame, tmp_path / name)
    dataset = read(frame if name == "memory" else tmp_path / name)
    assert dataset.kinds == KINDS
    assert dataset.roles == {"text": "note"}
    assert list(dataset.ids) == list(frame["id"])
    for column in frame:
        assert list(dataset.column(column)) == list(frame[column]), column
    assert any("'id'" in note for note in dataset.notes)
    assert ("note", "text (the item)") in dataset.guesses


def test_numbers_and_dates_written_for_people_are_what_they_are(tmp_path: Path) -> None:
    rows = [
        "income,share,when,code,phone,note",
        *(f'"{n},{n:03}",{n} %,{n}/12/2021,00{n},"555 {n}{n}{n}{n}",n{n}' for n in range(1, 9)),
    ]
    dataset = read(write(tmp_path, "t.csv", "\n".join(rows)))
    assert [dataset.kinds[name] for name in ("income", "share", "when")] == ["number", "number", "date"]
    assert dataset.column("income").tolist() == [1001.0 * n for n in range(1, 9)]
    assert dataset.column("when").dt.day.tolist() == list(range(1, 9))
    assert dataset.column("code").tolist() == [f"00{n}" for n in range(1, 9)], "a code keeps its zeros"
    assert "'income' is written as text ('1,001') and was read as numbers" in dataset.notes
    assert any("day/month/year" in note for note in dataset.notes)
    assert read(write(tmp_path, "u.csv", "\n".join(rows)), text="income").texts()[0] == "1,001", "what is named as text stays so"


def test_json_lines(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame = frame.assign(seen=frame["seen"].astype(str), v=[[1, n / 2] for n in range(60)])
    path = tmp_path / "t.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in frame.to_dict("records")))
    dataset = read(path)
    assert dataset.kinds == KINDS
    meant = frame.assign(seen=pd.to_datetime(frame["seen"]))  # JSON has no dates: they are told by how they are written
    for column in KINDS:
        assert list(dataset.column(column)) == list(meant[column]), column
    assert dataset.vectors is not None
    assert np.array_equal(dataset.vectors, np.array(frame["v"].tolist(), np.float32))
    (tmp_path / "t.json").write_text(json.dumps(frame.to_dict("records")))
    assert read(tmp_path / "t.json").fingerprint == dataset.fingerprint


def test_json_lines_whose_types_change_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.jsonlines.CHUNK", 2)
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": 1}, {"a": 2.5, "c": [1]}, {"b": True}, {"b": {"d": 1}, "a": None, "c": [1.5]}]
    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    dataset = read(tmp_path / "t.jsonl", columns="a,b")
    assert dataset.column("a").tolist()[:3] == [1, 2, 2.5]
    assert dataset.column("b").tolist() == ["x", "1", None, "True", '{"d": 1}']


def test_numbers_too_long_for_a_number_keep_their_digits(tmp_path: Path) -> None:
    long = ["12345678901234567890123", "12345678901234567890124", "1"]
    (tmp_path / "t.csv").write_text("n\n" + "\n".join(long))
    (tmp_path / "t.jsonl").write_text("\n".join(f'{{"n": {value}}}' for value in long))
    assert list(read(tmp_path / "t.csv", id="n").ids) == long
    assert list(read(tmp_path / "t.jsonl", id="n").ids) == long


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "NA", "", "3"], "number", [1, None, None, 3]),
        (["1.5", "nan", "2e3", "-.5"], "number", [1.5, None, 2000, -0.5]),
        (["NA", "nan", "None", "NA"], "category", ["NA", "nan", "None", "NA"]),
        (["null", "", "x", "x"], "category", ["null", None, "x", "x"]),
        (["007", "012", "013", "007"], "category", ["007", "012", "013", "007"]),
        (["true", "false", "true", ""], "flag", [True, False, True, None]),
        (["2020-02-30", "2020-01-01", "x", "x"], "category", ["2020-02-30", "2020-01-01", "x", "x"]),
        ([" a", "a ", " a", ""], "category", [" a", "a ", " a", None]),
        ([PAYLOAD, "=1+1", PAYLOAD, "javascript:1"], "category", [PAYLOAD, "=1+1", PAYLOAD, "javascript:1"]),
    ],
)
def test_what_a_column_of_csv_is(tmp_path: Path, cells: list[str], kind: str, values: list[object]) -> None:
    with open(tmp_path / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([["c", "n"], *([cell, "1"] for cell in cells)])
    dataset = read(tmp_path / "t.csv")
    assert dataset.kinds["c"] == kind
    assert [None if pd.isna(value) else value for value in dataset.column("c")] == values


nasty = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "NA",
        "nan",
        "None",
        "null",
        "",
        "007",
        "a\nb",
        "a\r\nb",
        "\r",
        '"',
        '""',
        "a,b",
        "\t",
        " x ",
        "=1+1",
        PAYLOAD,
        "﻿",
        "[1, 2]",
        "\x00",
    ]
)


@given(rows=st.lists(st.tuples(nasty, nasty), min_size=3, max_size=12), ending=st.sampled_from(["csv", "tsv"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_csv(tmp_path: Path, rows: list[tuple[str, str]], ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if ending == "tsv" else ",").writerows([("k", "a", "b"), *(("x", *row) for row in rows)])
    try:
        dataset = read(path, text="a", image="b")
    except InputError:
        assert not all(any(row[place].strip() for row in rows) for place in (0, 1))  # refused: a column with nothing in it
        return
    for place, name in enumerate("ab"):
        assert [value or "" for value in dataset.table.column(name).to_pylist()] == [row[place] for row in rows]


def test_csv_with_a_mark_semicolons_or_lists(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("﻿näme;v\nä;[1, 2.5]\nb;[1 3]\nc;\n".encode())
    dataset = read(tmp_path / "t.csv")
    assert dataset.columns == ["näme"]
    assert dataset.vectors is not None
    assert np.array_equal(dataset.vectors[:2], [[1, 2.5], [1, 3]])
    assert any("semicolons" in note for note in dataset.notes)
    assert any("1 of 3 rows" in note for note in dataset.notes)


def test_a_row_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.delimited.BLOCK", 1 << 10)
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{'long ' * 3000}{n},1\n" for n in range(4)))
    assert len(read(tmp_path / "t.csv").texts()[3]) == 15_001


def test_lines_of_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("one thing\n\nanother thing\nNA\n")
    dataset = read(tmp_path / "t.txt")
    assert dataset.texts() == ["one thing", "another thing", "NA"]
    (tmp_path / "tabs.txt").write_text("a\tb\n1\t2\n3\t4\n5\t6\n")
    assert read(tmp_path / "tabs.txt").columns == ["a", "b"]


def test_parquet_with_pictures_vectors_and_named_classes(tmp_path: Path) -> None:
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    table = pa.table(
        {
            "image": [{"bytes": png(), "path": "x.png"}] * 4,
            "raw": [png()] * 4,
            "v": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 3),
            "label": [0, 1, 1, None],
        }
    ).replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, tmp_path / "t.parquet")
    dataset = read(tmp_path / "t.parquet")
    assert dataset.kinds == {"image": "image", "raw": "image", "label": "category"}
    assert dataset.roles == {"image": "image"}
    assert dataset.picture(3).size == (9, 8)
    assert dataset.column("label").tolist() == ["cat", "dog", "dog", None]
    assert dataset.vectors is not None
    assert dataset.vectors.dtype == np.float32
    assert np.array_equal(dataset.vectors, vectors)
    assert read(tmp_path / "t.parquet", image="raw").roles == {"image": "raw"}


def test_paths_to_pictures_start_at_the_table(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(png())
    rows = ["file,url,gone", "in/a.png,http://h/a.png,x.png", f"{tmp_path}/in/a.png,http://h/b.png,y.png", "no.png,,z.png"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    dataset = read(tmp_path / "t.csv")
    assert dataset.roles == {"image": "file"}
    assert dataset.kinds == {"file": "image", "url": "id", "gone": "id"}
    assert any("'gone'" in note for note in dataset.notes)
    assert dataset.picture(0).size == dataset.picture(1).size == (9, 8)
    with pytest.raises(InputError, match=r"no such picture: 'no\.png'"):
        dataset.picture(2)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i1", "u8", "?", "c8"])
def test_arrays_of_every_number(tmp_path: Path, dtype: str) -> None:
    array = np.arange(12).reshape(6, 2).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    np.save(tmp_path / "f.npy", np.asfortranarray(array))
    for source in (tmp_path / "a.npy", tmp_path / "f.npy", array):
        vectors = read(source).vectors
        assert vectors is not None
        assert vectors.dtype == np.float32
        wanted = np.hstack([array.real, array.imag]) if dtype == "c8" else array.astype(np.float32)
        assert np.array_equal(vectors, wanted)


def test_a_dataset_does_not_change_when_its_array_does() -> None:
    array = np.zeros((5, 2), np.float32)
    dataset = read(array)
    array[:] = 1
    assert dataset.vectors is not None
    assert not dataset.vectors.any()


def test_several_arrays(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"emb": rng.normal(size=(5, 4)), "xy": rng.normal(size=(5, 2)), "label": np.array(list("aabba")), "seed": np.array(3)}
    np.savez(tmp_path / "a.npz", **arrays)
    assert "(emb, xy)" in refused(tmp_path / "a.npz")
    for source in (tmp_path / "a.npz", arrays):
        dataset = read(source, vectors="emb", layout="xy")
        assert dataset.vectors is not None
        assert dataset.layout is not None
        assert np.array_equal(dataset.layout, arrays["xy"].astype(np.float32))
        assert dataset.kinds == {"label": "category"}
        assert any("'seed'" in note for note in dataset.notes)
        assert read(source, layout="xy").vectors is not None  # only one is left that fits
    assert read({"a": [1, 2, 3], "b": ["x", None, "x"]}).kinds == {"a": "number", "b": "category"}


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder, outside = tmp_path / "pics", tmp_path / "outside.png"
    for place in ("b", "a/deep", ".hidden"):
        (folder / place).mkdir(parents=True)
    picture = Image.open(io.BytesIO(png()))
    for name in ("b/1.png", "a/2.JPG", "a/deep/3.webp", "4.gif", "5.bmp", "6.tiff", ".hidden/7.png", ".8.png"):
        picture.save(folder / name)
    picture.save(outside)
    os.symlink(outside, folder / "link.png")
    os.symlink(tmp_path, folder / "up")
    os.mkfifo(folder / "pipe.png")
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "bomb.png").write_bytes(bomb(20_000, 20_000))
    dataset = read(folder)
    assert list(dataset.ids) == ["4.gif", "5.bmp", "6.tiff", "a/2.JPG", "a/deep/3.webp", "b/1.png"]
    assert dataset.column("folder").tolist() == ["", "", "", "a", "a/deep", "b"]
    assert set(dataset.column("width")) == {9}
    assert set(dataset.column("height")) == {8}
    assert dataset.roles == {"image": "file"}
    notes = " ".join(dataset.notes)
    assert "3 pictures cannot be read" in notes
    assert "'bad.png', 'bomb.png', 'pipe.png'" in notes
    assert "1 link leads out" in notes
    assert all(dataset.picture(row).size == (9, 8) for row in range(len(dataset)))


def test_dataframes_of_everything() -> None:
    class Odd:
        def __repr__(self) -> str:
            return "odd"

    frame = pd.DataFrame(
        {
            "interval": pd.interval_range(0, 4),
            "span": pd.to_timedelta([1, 2, 3, 4], unit="s"),
            "complex": [1j, 2, 3, 4],
            "mixed": [1, "a", None, {2}],
            "bytes": ["a", b"b", "c", None],
            "v": [np.array([1, 2.0]), [1, 2], None, (3, 4)],
            "sparse": pd.arrays.SparseArray([0, 0, 1, 2]),
            "whole": pd.array([1, None, 3, 4], dtype="Int64"),
            "zone": pd.date_range("2020", periods=4, tz="Europe/Paris"),
            "lone": pd.Series(["\ud800", "b", "c", "d"], [9, 9, 3, 1], dtype=object),
            "decimal": [Decimal("1.5")] * 4,
            "day": [datetime.date(2020, 1, n) for n in range(1, 5)],
            "clock": [datetime.time(n) for n in range(4)],
            "big": [2**70, 1, 2, 3],
            "object": [Odd()] * 4,
            "block": [np.zeros((2, 2))] * 4,
            "picture": [Image.new("RGB", (4, 5))] * 4,
            "class": pd.Categorical([1, 2, 1, 2]),
            7: [1.0, np.nan, np.inf, 2],
        },
        index=[9, 9, 3, 1],
    )
    dataset = read(frame)
    kinds = {"interval": "other", "span": "other", "complex": "other", "clock": "other", "picture": "image", "class": "category"}
    kinds |= {"sparse": "number", "whole": "number", "decimal": "number", "zone": "date", "day": "date", "7": "number"}
    assert {name: dataset.kinds[name] for name in kinds} == kinds
    assert list(dataset.ids) == [0, 1, 2, 3]
    assert dataset.column("mixed").tolist() == ["1", "a", None, "{2}"]
    assert dataset.column("lone").tolist()[0] == "?"
    assert dataset.picture(0).size == (4, 5)
    for name in dataset.columns:
        assert len(dataset.column(name)) == 4
    assert len(dataset.to_frame()) == 4


def test_a_named_index_gives_the_ids() -> None:
    frame = pd.DataFrame({"a": [1.5, 2, 3]}, index=pd.Index(["x", "y", "z"], name="key"))
    assert list(read(frame).ids) == ["x", "y", "z"]
    repeated = read(frame.set_axis(pd.Index(["x", "x", "z"], name="key")))
    assert list(repeated.ids) == [0, 1, 2]
    assert any("'key'" in note for note in repeated.notes)
    assert list(read(frame, id="a").ids) == ["1.5", "2.0", "3.0"]


def test_arrow_tables_and_what_speaks_arrow() -> None:
    table = pa.table({"c": pa.array(["a", "b", "a"]).dictionary_encode(), "l": pa.array(["x", "y", "z"], pa.large_string())})

    class Speaks:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return table.__arrow_c_stream__(requested_schema)

    assert read(table).kinds == {"c": "category", "l": "id"}
    assert read(Speaks()).fingerprint == read(table).fingerprint


def test_rare_arrow_types_become_plain() -> None:
    table = pa.table(
        {
            "ends": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3]), pa.array(["a", "b"])),
            "seen": pa.array(["a", "b", "a"], pa.string_view()),
            "lists": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_view(pa.float64())),
            "half": pa.array(np.ones(3, np.float16)),
            "large": pa.array([2**63 + 5, 1, 2], pa.uint64()),
        }
    )
    dataset = read(table, id="large")
    assert dataset.kinds == {"ends": "category", "seen": "category", "half": "number", "large": "id"}
    assert list(dataset.ids) == ["9223372036854775813", "1", "2"]
    assert dataset.vectors is not None
    assert np.array_equal(dataset.vectors, [[1, 2], [np.nan] * 2, [3, 4]], equal_nan=True)
    fixed = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2))
    assert np.array_equal(read(pa.table({"v": fixed})).vectors, dataset.vectors, equal_nan=True)


def test_offsets_that_lead_out_of_the_data_are_never_followed() -> None:
    offsets = pa.array([0, 2**30, 5, 7], pa.int32()).buffers()[1]
    broken = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"abcdefg"))
    assert "damaged" in refused(pa.table({"text": broken}))


def test_a_dataset_is_given_back_or_read_again(frame: pd.DataFrame) -> None:
    dataset = read(frame.assign(v=[[1.0, 2.0]] * 60))
    assert read(dataset) is dataset
    again = read(dataset, text="sort", columns="size,count", layout="size,count")
    assert again.roles == {"text": "sort"}
    assert again.columns == ["id", "size", "count", "sort"] or set(again.columns) == {"size", "count", "sort"}
    assert np.array_equal(again.vectors, dataset.vectors)
    assert again.layout is not None
    assert list(again.ids) == list(dataset.ids)


# --- options


def test_options_overrule_the_guesses(tmp_path: Path, frame: pd.DataFrame) -> None:
    dataset = read(frame, id="note", text="sort", columns=["size"], layout="size,count")
    assert dataset.columns == ["size", "sort", "note"]
    assert dataset.kinds == {"size": "number", "sort": "text", "note": "id"}
    assert dataset.roles == {"text": "sort"}
    assert dataset.layout is not None
    assert np.allclose(dataset.layout[:, 0], frame["size"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert read(tmp_path / "t.csv", columns="size, count").of_kind("number") == ["size", "count"]


def test_characters_of_named_columns_are_kept(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,code\n1.0,1e3\n2.0,2e3\n3.50,3\n")
    dataset = read(tmp_path / "t.csv", id="id", text="code")
    assert list(dataset.ids) == ["1.0", "2.0", "3.50"]
    assert dataset.texts() == ["1e3", "2e3", "3"]


def test_whole_numbers_are_ids_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key,id,x\n5,1,1\n7,1,2\n9,2,3\n")
    named = read(tmp_path / "t.csv", id="key")
    assert named.ids.dtype == np.int64
    assert list(named.ids) == [5, 7, 9]
    assert named.kinds["key"] == "id"
    repeated = read(tmp_path / "t.csv")
    assert list(repeated.ids) == [0, 1, 2]
    assert any("'id' has missing or repeated" in note for note in repeated.notes)


def test_row_counters_are_not_numbers_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",PassengerId,x\n0,1,5\n1,2,6\n2,3,8\n")
    assert read(tmp_path / "t.csv").kinds == {"column 1": "id", "PassengerId": "id", "x": "number"}
    assert read(tmp_path / "t.csv", columns="PassengerId").kinds == {"PassengerId": "number"}


def test_letters_that_are_none_are_replaced(tmp_path: Path) -> None:
    lone = np.array(["a\ud800", "b", "c"])
    beyond = np.array([0x7FFFFFFF, 98, 99], np.uint32).view("<U1")  # no letter has such a number
    np.savez(tmp_path / "t.npz", v=np.eye(3), lone=lone, bytes=np.array([b"\xff", b"b", b"c"]))
    for source in (tmp_path / "t.npz", {"v": np.eye(3), "lone": lone}, {"v": np.eye(3), "lone": lone.astype(object)}):
        assert list(read(source).column("lone")) == ["a?", "b", "c"]
    assert read(tmp_path / "t.npz").column("bytes")[0] == "\N{REPLACEMENT CHARACTER}"
    assert "beyond" in refused({"v": np.eye(3), "beyond": beyond})


def test_the_first_pictures_and_the_longest_texts_are_the_item() -> None:
    frame = pd.DataFrame(
        {
            "short": [f"a few words {n}" for n in range(60)],
            "long": [f"many more words than in the other one {n}" for n in range(60)],
            "日本": [f"これは短い日本語の文章です{n}" for n in range(60)],
            "p1": [png()] * 60,
            "p2": [png()] * 60,
        }
    )
    dataset = read(frame)
    assert dataset.roles == {"image": "p1", "text": "long"}
    assert dataset.kinds["日本"] == "text"
    assert len([note for note in dataset.notes if "name another with" in note]) == 2
    assert next(iter(read(frame, text="short").roles)) == "text"  # what was asked for comes first


def test_rows_without_a_vector_are_kept_and_counted() -> None:
    dataset = read(pd.DataFrame({"v": [[1.0, 2.0], None, [np.inf, 1.0], [3.0, 4.0]], "a": [1, 2, 3, 4]}))
    assert dataset.vectors is not None
    assert len(dataset) == 4
    assert np.isnan(dataset.vectors[1]).all()
    assert any("2 of 4 rows" in note for note in dataset.notes)


# --- what is refused, in one line


def write(folder: Path, name: str, content: bytes | str) -> Path:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / name


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


HUGE = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000), }".ljust(117) + b"\n"
ROWS = "a,b\n1,x\n2,y\n3,z\n"
REFUSED: list[tuple[str, bytes | str, dict[str, object], list[str]]] = [
    ("t.csv", "", {}, ["t.csv", "empty"]),
    ("t.csv", "\n\n", {}, ["t.csv", "empty"]),
    ("t.csv", "a,b\n", {}, ["t.csv", "0 items", "at least 3"]),
    ("t.csv", "a,b\n1,2\n", {}, ["1 item;", "at least 3"]),
    ("t.csv", "a,b\n1,2\n3,4\n", {}, ["2 items", "at least 3"]),
    ("t.csv", 'a,b\n1,2\n"x\ny",3\n1\n', {}, ["t.csv", "line 5", "1 cells", "2"]),
    ("t.csv", 'a,b\n1,2\n3,"x\n5,6\n7,8\n', {}, ["t.csv", "line 2", "never closed"]),
    ("t.csv", "a,b,a\n1,2,3\n4,5,6\n7,8,9\n", {}, ["'a'", "more than once"]),
    ("t.csv", "name\nok\ncafé\nx\n".encode("latin-1"), {}, ["line 3", "byte 11", "iconv"]),
    ("t.csv", "name\nok\n".encode("utf-16"), {}, ["UTF-16", "iconv"]),
    ("t.csv", b"\x00\x01PK\xff\xfe" * 9, {}, ["t.csv is no text", "CSV UTF-8"]),
    ("t.csv", ROWS, {"text": "bb"}, ["'bb'", "known are a, b"]),
    ("t.csv", ROWS, {"columns": "a,c"}, ["'c'", "a, b"]),
    ("t.csv", ROWS, {"vectors": "a"}, ["'a'", "--vectors"]),
    ("t.csv", ROWS, {"layout": "a,b"}, ["'b'", "numbers", "--layout"]),
    ("t.csv", ROWS, {"layout": "a,b,c"}, ["layout", "3 were given"]),
    ("t.csv", ROWS, {"series": "a"}, ["'a'", "no time series", "--id", "--series t0:t99"]),
    ("t.parquet", parquet(a=[1, 2, 3]), {"audio": "a"}, ["'a'", "int64", "--audio"]),
    ("t.csv", ROWS, {"text": 3}, ["text=3"]),
    ("t.csv", "a,b\n1,x\n1,y\n2,z\n", {"id": "a"}, ["unique", "1", "--id"]),
    ("t.csv", "a,b\n1,x\n,y\n2,z\n", {"id": "a"}, ["complete", "row 2", "--id"]),
    ("t.csv", "a,b\n1,\n2,\n3, \n", {"text": "b"}, ["'b'", "empty in all 3 rows"]),
    ("t.csv", 'a,b\n1,"[1,2]"\n2,"[1,2,3]"\n3,"[1,2]"\n', {}, ["'b'", "row 2", "3", "2"]),
    ("t.tsv", "a\tb\n1\n", {}, ["t.tsv", "line 2"]),
    ("t.txt", b"ok\n\xff\n", {}, ["t.txt", "line 2", "iconv"]),
    ("t.xlsx", "x", {}, ["'.xlsx'", ".csv", ".parquet"]),
    ("t", "x", {}, ["'t'", ".csv"]),
    ("t.jsonl", '{"a":1}\n[1]\n', {}, ["line 2", "a list", "object"]),
    ("t.jsonl", '{"a":1}\n{"a"\n', {}, ["line 2", "not JSON"]),
    ("t.jsonl", b'{"a":"\xff"}\n', {}, ["line 1", "UTF-8", "iconv"]),
    ("t.jsonl", "\n \n", {}, ["no items"]),
    ("t.jsonl", "{}\n{}\n{}\n", {}, ["no columns"]),
    ("t.json", "[" * 100_000, {}, ["t.json", "not JSON"]),
    ("t.json", '{"a": ' + "9" * 9000 + "}", {}, ["t.json", "not JSON"]),
    ("t.json", "[1, 2, 3]", {}, ["item 1", "a number"]),
    ("t.jsonl", '{"v":[1,2]}\n{"v":[1]}\n{"v":[1,2]}', {}, ["'v'", "row 2"]),
    ("t.parquet", parquet(a=[1, 2, 3])[:-20], {}, ["t.parquet", "cut off or damaged"]),
    ("t.parquet", b"PAR1 nonsense PAR1", {}, ["t.parquet", "damaged"]),
    ("t.parquet", parquet(), {}, ["no columns"]),
    ("t.parquet", parquet(v=[[1.0], [1.0, 2.0], [3.0]]), {}, ["'v'", "row 2"]),
    ("t.parquet", parquet(v=[[float("nan")]] * 3), {}, ["'v'", "no number at all"]),
    ("t.parquet", parquet(v=pa.array([None] * 3, pa.list_(pa.float32()))), {}, ["'v'", "no vector at all"]),
    ("t.parquet", parquet(v=[[1.0]] * 3, w=[[1.0]] * 3), {}, ["(v, w)", "--vectors"]),
    ("t.parquet", parquet(v=[[1.0, 2.0]] * 3), {"image": "v"}, ["'v'", "--image"]),
    ("t.npy", saved(np.zeros(4)), {}, ["(4,)", "(n, d)"]),
    ("t.npy", saved(np.zeros((4, 2, 2, 2))), {}, ["(4, 2, 2, 2)", "(n, d)"]),
    ("t.npy", saved(np.zeros((4, 0))), {}, ["(4, 0)", "(n, d)"]),
    ("t.npy", saved(np.zeros(())), {}, ["()", "(n, d)"]),
    ("t.npy", saved(np.array([["a", "b"]] * 4)), {}, ["text", "(n, d)"]),
    ("t.npy", saved(np.zeros(4, dtype=[("a", "f4")])), {}, ["records", "(n, d)"]),
    ("t.npy", saved(np.full((4, 2), np.nan)), {}, ["no number at all"]),
    ("t.npy", saved(np.array([{}, []], dtype=object)), {}, ["pickle", "never opened"]),
    ("t.npy", saved(np.zeros((4, 2)))[:-8], {}, ["damaged", "56 bytes"]),
    ("t.npy", HUGE + b"\0" * 64, {}, ["damaged", "(4000000000, 4000)"]),
    ("t.npy", pickle.dumps([1, 2]), {}, ["no numpy array"]),
    ("t.npy", saved(np.zeros((4, 2))), {"text": "name"}, ["'name'"]),
    ("t.npz", zipped(a=saved(np.array([{}], dtype=object))), {}, ["'a'", "pickle"]),
    ("t.npz", zipped(a=HUGE), {}, ["'a'", "damaged"]),
    ("t.npz", zipped(), {}, ["no arrays"]),
    ("t.npz", zipped(a=saved(np.zeros((4, 2)))), {"vectors": "b"}, ["'b'", "known are a"]),
    ("t.npz", zipped(a=saved(np.zeros((4, 2, 2, 2)))), {}, ["a (4, 2, 2, 2)"]),
    ("t.npz", zipped(a=saved(np.zeros((4, 3))), b=saved(np.zeros((4, 3)))), {"layout": "b"}, ["'b'", "(4, 3)", "(n, 2)"]),
    ("t.npz", zipped(a=saved(np.zeros((4, 3))), b=saved(np.zeros((5, 2)))), {"layout": "b"}, ["4 ids", "5 rows of layout"]),
    ("t.npz", b"PK\x03\x04 no zip", {}, ["t.npz", "damaged"]),
]


@pytest.mark.parametrize(("name", "content", "options", "says"), REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | str, options: dict[str, object], says: list[str]
) -> None:
    message = refused(write(tmp_path, name, content), **options)
    assert all(part in message for part in says), message


def test_a_large_array_zipped_small_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.arrays.MOST_BYTES", 1 << 20)
    np.savez_compressed(tmp_path / "t.npz", a=np.zeros((1000, 500)))
    assert "unpacks to" in refused(tmp_path / "t.npz")


def test_a_parquet_file_that_declares_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.parquet.MOST_CELLS", 1000)
    path = write(tmp_path, "t.parquet", parquet(a=np.zeros(2000)))
    assert "2,000 rows" in refused(path)


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    write(tmp_path, "photos.csv", ROWS)
    assert "did you mean" in refused(tmp_path / "photo.csv")
    assert "photos.csv" in refused(str(tmp_path / "photo.csv"))
    assert "cannot be fetched" in refused("https://nowhere.invalid/photos.csv")
    assert "nor the folder" in refused(tmp_path / "no" / "photos.csv")
    refused("no\0such")
    refused("x" * 5000)
    refused("two\nlines.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert "neither a file nor a folder" in refused(tmp_path / "pipe.csv")
    assert "'int' objects cannot be read" in refused(3)


def test_folders_without_pictures(tmp_path: Path) -> None:
    assert "it is empty" in refused(tmp_path)
    write(tmp_path, "data.xml", ROWS)
    assert "'data.xml'" in refused(tmp_path)
    for name in ("1.png", "2.png", "3.png"):
        write(tmp_path, name, b"no picture")
    assert "3 of 3 pictures cannot be read ('1.png'" in refused(tmp_path)
    write(tmp_path, "4.png", png())
    assert "3 of 4" in refused(tmp_path)


def test_frames_that_are_no_tables() -> None:
    assert "no columns" in refused(pd.DataFrame())
    assert "'a'" in refused(pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]))
    assert "0 items" in refused(pd.DataFrame({"a": []}))
    assert "no arrays" in refused({})


def test_names_and_values_that_attack_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", f'"{PAYLOAD.replace(chr(34), chr(34) * 2)}","a\nb"\n{"x,1" + chr(10)}{"y,2" + chr(10)}z,3\n')
    assert read(path).columns == [PAYLOAD, "a b"]
    assert PAYLOAD in refused(path, text="nothing")
    assert "column of t.csv" in refused(path, text="two\nlines")


# --- damage


def samples(folder: Path, frame: pd.DataFrame) -> dict[str, Path]:
    frame = frame.assign(v=[[float(n), 1.0] for n in range(60)])
    frame.to_csv(folder / "m.csv", index=False)
    frame.assign(raw=[png()] * 60, sort=frame["sort"].astype("category")).to_parquet(folder / "m.parquet")
    frame.assign(seen=frame["seen"].astype(str)).to_json(folder / "m.jsonl", orient="records", lines=True)
    np.save(folder / "m.npy", np.random.default_rng(0).normal(size=(60, 4)))
    np.savez_compressed(folder / "m.npz", v=np.zeros((60, 4)), label=frame["sort"].to_numpy().astype("U"))
    return {path.suffix: path for path in folder.glob("m.*")}


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Cut off, flip, overwrite, repeat or remove; near the ends more often, where formats keep what they say of themselves."""
    data, way = bytearray(content), rng.randrange(5)
    if way == 0:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.choice([1, 3, 20])):
        end = min(300, len(data))
        at = rng.choice([rng.randrange(len(data)), rng.randrange(end), -rng.randrange(1, end)])
        if way == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 2:
            data[at] = rng.choice([0, 255, 0x7F, 0x80, 10, 34])
        elif way == 3:
            data[at:at] = data[at : at + rng.randrange(1, 40)]
        elif len(data) > 400:
            del data[at : at + rng.randrange(1, 40)]
    return bytes(data)


def answered(call: Callable[[], Any]) -> Any:
    """What the call gives, or None where it was refused in one line; anything else that is raised fails the test."""
    refusal = ""
    try:
        return call()
    except InputError as problem:
        refusal = str(problem)
    assert "\n" not in refusal
    return None


def read_wholly(path: Path) -> bool:
    """Read a file, and everything of the dataset that a page would show; False when it was refused."""
    dataset = answered(lambda: read(path))
    if dataset is None:
        return False
    for name in dataset.columns:
        dataset.column(name)
    dataset.to_frame()
    assert len(dataset.fingerprint) == 24
    if "image" in dataset.roles:
        for row in range(min(3, len(dataset))):
            answered(lambda row=row: dataset.picture(row))
    return True


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl", ".npy", ".npz"])
def test_damaged_files_give_a_dataset_or_one_line(tmp_path: Path, frame: pd.DataFrame, ending: str) -> None:
    path = samples(tmp_path, frame)[ending]
    content = path.read_bytes()
    assert read_wholly(path)
    read_anyway = 0
    for seed in range(MUTATIONS):
        path.write_bytes(mutated(content, random.Random(seed)))
        read_anyway += read_wholly(path)
    assert read_anyway < MUTATIONS


def test_damaged_arrays_in_a_whole_zip_give_a_dataset_or_one_line(tmp_path: Path) -> None:
    """A zip's checksums would hide the damage; here they are right."""
    members = {"v": saved(np.ones((9, 3))), "name": saved(np.array(list("abcabcabc"))), "day": saved(np.arange(9).astype("M8[D]"))}
    for seed in range(MUTATIONS):
        rng = random.Random(seed)
        victim = rng.choice(list(members))
        read_wholly(write(tmp_path, "t.npz", zipped(**(members | {victim: mutated(members[victim], rng)}))))


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif", "bmp", "tiff"])
def test_damaged_pictures_give_a_dataset_or_one_line(tmp_path: Path, kind: str) -> None:
    for number in range(4):
        Image.open(io.BytesIO(png(seed=number))).save(tmp_path / f"{number}.{kind}")
    content = (tmp_path / f"0.{kind}").read_bytes()
    for seed in range(MUTATIONS // 3):
        (tmp_path / f"0.{kind}").write_bytes(mutated(content, random.Random(seed)))
        assert read_wholly(tmp_path)


def test_importing_sources_is_light() -> None:
    code = "import sys, explorer.sources; print([m for m in ('PIL', 'sklearn', 'torch', 'umap', 'panel') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_named_columns_are_what_is_embedded(tmp_path: Path) -> None:
    from explorer.features import suggest

    text = [f"a long remark on the sample of number {row}, and then some more" for row in range(30)]
    frame = pd.DataFrame({"alcohol": np.arange(30) / 3, "remark": text})
    assert suggest(read(frame)) in {"sentence", "lsa"}
    named = read(frame, columns="alcohol")
    assert named.roles == {}
    assert suggest(named) == "columns"


def test_dates_and_names_beside_measurements_are_not_what_the_items_are() -> None:
    measured = {f"m{place}": np.arange(30) / (place + 2) for place in range(4)}
    days, who = [f"{row % 28 + 1:02}/09/2023" for row in range(30)], [f"Ann B{row}" for row in range(30)]
    frame = pd.DataFrame(measured | {"sampled on": days, "who": who})
    assert read(frame).roles == {}
    assert read(frame, text="who").roles == {"text": "who"}
