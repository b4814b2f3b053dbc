"""Exports: what is read back is what was there, and a file is whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer import InputError
from explorer.exports import formats, table, to_bytes, writable, write

ENDINGS = [".csv", ".parquet", ".jsonl"]
HARD = [
    "NA", "None", "", "null", "nan", 'a"b', "a,b", "a\nb", "a\rb", "a\r\nb", "🙂", "مرحبا", " x ", "=1+1", "007", "#N/A",
    "\t", "\ufeff", "\x1b[31m", "'", "\\",
]  # fmt: skip


def frame(labels: list[str | None], ids: list[str] | None = None, **arrays: np.ndarray) -> pd.DataFrame:
    n = len(labels)
    layout = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    clusters = np.arange(n, dtype=np.int32) - 1
    named = np.array(ids or [f"id {row}" for row in range(n)], dtype=object)
    return table(named, layout, clusters, np.array(labels, dtype=object), arrays)


def read_arrow(data: bytes) -> pd.DataFrame:
    """The exact way to read our CSV, as its module says."""
    convert = pacsv.ConvertOptions(
        null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        column_types={"id": "string", "label": "string"},
    )  # fmt: skip
    return pacsv.read_csv(io.BytesIO(data), None, pacsv.ParseOptions(newlines_in_values=True), convert).to_pandas()


# The table


def test_the_five_columns_are_always_there() -> None:
    ids = np.array([3, 1, 2])
    made = table(ids, None, None, np.array([None, "", "x"], dtype=object), {})
    assert list(made) == ["id", "x", "y", "cluster", "label"]
    assert made["id"].tolist() == [3, 1, 2]
    assert made[["x", "y", "cluster"]].isna().all(axis=None)
    assert made["label"].tolist() == [None, "", "x"]
    assert [str(kind) for kind in made.dtypes] == ["int64", "float32", "float32", "Int64", "object"]


def test_what_the_clustering_gave_comes_after() -> None:
    made = frame(["a", "b"], probability=np.array([0.5, 1], np.float32), x=np.array([1, 2]), membership=np.eye(2))
    assert list(made)[5:] == ["probability", "cluster_x", "membership_0", "membership_1"]
    assert made["cluster"].tolist() == [-1, 0]


# There and back


@pytest.mark.parametrize("ending", ENDINGS)
def test_hard_labels_and_ids_come_back(ending: str, tmp_path: Path) -> None:
    made = frame([*HARD, None], [*HARD, "last"], probability=np.linspace(0, 1, len(HARD) + 1).astype(np.float32))
    out = write(made, tmp_path / f"out{ending}", {})
    if ending == ".csv":
        back = read_arrow(out.read_bytes())
    elif ending == ".parquet":
        back = pq.read_table(out).to_pandas()
    else:
        back = pd.DataFrame([json.loads(line) for line in out.read_text("utf-8").split("\n")[:-1]])
    assert back["id"].tolist() == made["id"].tolist()
    assert [None if pd.isna(label) else label for label in back["label"]] == made["label"].tolist()
    assert back["cluster"].tolist() == made["cluster"].tolist()
    for name in ("x", "y", "probability"):
        assert back[name].to_numpy(np.float32).tobytes() == made[name].to_numpy().tobytes()


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(HARD)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(text, st.none() | text), min_size=1, max_size=8))
def test_any_text_comes_back_from_csv(rows: list[tuple[str, str | None]]) -> None:
    ids, labels = map(list, zip(*rows, strict=True))
    data = to_bytes(frame(labels, ids), ".csv")
    plain = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [row[0] for row in plain[1:]] == ids
    assert [row[4] for row in plain[1:]] == [label or "" for label in labels]
    back = read_arrow(data)
    assert back["id"].tolist() == ids
    assert [None if pd.isna(label) else label for label in back["label"]] == labels


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(text, st.none() | text), min_size=1, max_size=8))
def test_any_text_comes_back_to_pandas_as_the_docstring_says(rows: list[tuple[str, str | None]]) -> None:
    ids, labels = map(list, zip(*rows, strict=True))
    numbers = {name: [""] for name in ("x", "y", "cluster", "probability")}
    back = pd.read_csv(
        io.BytesIO(to_bytes(frame(labels, ids), ".csv")), keep_default_na=False, na_values=numbers,
        dtype={"id": str, "label": str, "cluster": "Int64"},
    )  # fmt: skip
    assert back["id"].tolist() == ids
    assert back["label"].tolist() == [label or "" for label in labels]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=9), st.none() | st.text(max_size=9)), min_size=1, max_size=8))
def test_any_text_even_half_characters_comes_back_from_json_lines(rows: list[tuple[str, str | None]]) -> None:
    ids, labels = map(list, zip(*rows, strict=True))
    back = [json.loads(line) for line in to_bytes(frame(labels, ids), ".jsonl").split(b"\n")[:-1]]
    assert [row["id"] for row in back] == ids
    assert [row["label"] for row in back] == labels


@given(st.lists(st.floats(width=32), min_size=1))
def test_every_float32_comes_back_by_its_shortest_digits(values: list[float]) -> None:
    given_ = np.array(values, np.float32)
    made = frame(["x"] * len(values), probability=given_)
    for ending, missing in ((".csv", ""), (".jsonl", None)):
        lines = to_bytes(made, ending).decode().splitlines()
        by_comma = [row[5] for row in csv.reader(lines[1:])] if ending == ".csv" else []
        cells = by_comma or [json.loads(line)["probability"] for line in lines]
        for value, cell in zip(given_, cells, strict=True):
            if np.isnan(value) or (ending == ".jsonl" and math.isinf(value)):
                assert cell == missing
            else:
                assert np.float32(cell).tobytes() == value.tobytes()
                digits = str(cell).split("e")[0].translate({ord(sign): None for sign in "+-."}).strip("0")
                assert len(digits) <= 9 or math.isinf(value)  # and not the 17 of the float64 next to it


def test_numbers_as_ids_stay_numbers(tmp_path: Path) -> None:
    made = table(np.array([2**53 + 1, -5, 0]), None, None, np.array([None] * 3, dtype=object), {})
    assert read_text(made, ".csv").splitlines()[1] == "9007199254740993,,,,"
    assert json.loads(read_text(made, ".jsonl").splitlines()[0])["id"] == 2**53 + 1
    assert pq.read_table(io.BytesIO(to_bytes(made, ".parquet")))["id"].to_pylist() == [2**53 + 1, -5, 0]


def read_text(made: pd.DataFrame, ending: str) -> str:
    return to_bytes(made, ending).decode()


@pytest.mark.parametrize("ending", ENDINGS)
def test_our_own_reader_brings_it_back(ending: str, tmp_path: Path) -> None:
    labels = ["NA", "a,b", "a\rb", "🙂 x", None, "=1", 'q"q', "None", "z", "z"]
    out = write(frame(labels), tmp_path / f"out{ending}", {})
    back = explorer.read(str(out))
    assert back.ids.tolist() == [f"id {row}" for row in range(10)]
    assert back.table.column("label").to_pylist() == labels
    assert back.column("cluster").tolist() == list(range(-1, 9))


@pytest.mark.parametrize("ending", ENDINGS)
def test_parquet_and_the_others_have_nulls_for_what_is_missing(ending: str) -> None:
    made = table(np.array(["a", "b", "c"], dtype=object), None, None, np.array([None, None, ""], dtype=object), {})
    if ending == ".csv":
        assert read_text(made, ending) == 'id,x,y,cluster,label\n"a",,,,\n"b",,,,\n"c",,,,""\n'
    elif ending == ".jsonl":
        first = json.loads(read_text(made, ending).splitlines()[0])
        assert first == dict.fromkeys(["x", "y", "cluster", "label"]) | {"id": "a"}
    else:
        found = pq.read_table(io.BytesIO(to_bytes(made, ending)))
        assert {name: str(found[name].type) for name in found.column_names} == {
            "id": "string", "x": "float", "y": "float", "cluster": "int64", "label": "string",
        }  # fmt: skip
        assert found["x"].null_count == 3
        assert found["label"].to_pylist() == [None, None, ""]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_half_a_character_is_refused_where_it_cannot_be(ending: str) -> None:
    with pytest.raises(InputError, match=r"label '.ud800'.*export .jsonl"):
        to_bytes(frame(["\ud800"]), ending)


def test_many_rows_in_chunks() -> None:
    n = 250_001
    made = table(np.arange(n), np.zeros((n, 2), np.float32), np.zeros(n, np.int32), np.full(n, None, dtype=object), {})
    assert to_bytes(made, ".csv").count(b"\n") == n + 1


# Spreadsheets


def test_text_that_a_spreadsheet_would_run_is_made_harmless_only_when_asked() -> None:
    runs = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1", "  =1", "=cmd|' /C calc'!A0"]
    harmless = ["a=1", "1", "", None, "'a=1", "x-y"]
    made = frame([*runs, *harmless], [*runs, "i", "j", "k", "l", "m", "n"], kind=np.array(["=x"] * 19, dtype=object))
    plain = list(csv.reader(io.StringIO(to_bytes(made, ".csv").decode(), newline="")))[1:]
    assert [row[4] for row in plain] == [*runs, *(label or "" for label in harmless)]
    safe = list(csv.reader(io.StringIO(to_bytes(made, ".csv", for_spreadsheets=True).decode("utf-8-sig"), newline="")))[1:]
    assert [row[4] for row in safe] == [*("'" + label for label in runs), *(label or "" for label in harmless)]
    assert [row[0] for row in safe][:13] == ["'" + identifier for identifier in runs]
    assert {row[5] for row in safe} == {"'=x"}
    assert [row[1:4] for row in safe] == [row[1:4] for row in plain]  # -0.13 is a number
    assert to_bytes(made, ".jsonl", for_spreadsheets=True) == to_bytes(made, ".jsonl")


# Files


def test_formats_for_the_menu() -> None:
    assert [entry["ending"] for entry in formats()] == [*ENDINGS, ".h5ad", ".coco.json", ".hf", ".folders", ".html"]
    assert all(set(entry) == {"ending", "name", "doc", "needs", "folder", "settings"} for entry in formats())
    assert all(entry["name"] and entry["doc"].endswith(".") for entry in formats())
    assert {entry["ending"] for entry in formats() if entry["folder"]} == {".hf", ".folders"}
    assert [one["name"] for entry in formats() for one in entry["settings"] if entry["ending"] == ".csv"] == ["for_spreadsheets"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_bytes_are_the_files_and_the_same_each_time(ending: str, tmp_path: Path) -> None:
    made = frame(["a", None, ""])
    out = write(made, tmp_path / f"Out{ending.upper()}", {})
    assert out.read_bytes() == to_bytes(made, ending) == to_bytes(made, ending)


def test_settings_stand_beside(tmp_path: Path) -> None:
    out = write(frame(["a", None]), tmp_path / "out.csv", {"steps": [{"method": "umap \ud800"}]}, for_spreadsheets=True)
    record = json.loads((tmp_path / "out.csv.settings.json").read_text("utf-8"))
    assert record["steps"] == [{"method": "umap \ud800"}]
    about = record["export"]
    assert about["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert about["rows"] == 2
    assert about["explorer"] == explorer.__version__
    assert about["time"].endswith("+00:00")
    assert about["columns"] == {"id": "object", "x": "float32", "y": "float32", "cluster": "Int64", "label": "object"}
    assert (about["file"], about["format"], about["settings"]) == ("out.csv", "CSV", {"for_spreadsheets": True})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.settings.json"]


def test_a_file_that_is_there_stays_without_force(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    for attempt in (lambda: write(frame(["a"]), out, {}), lambda: writable(out)):
        with pytest.raises(InputError, match=r"there already; give --force \(force=True\)"):
            attempt()
    assert out.read_text() == "mine"
    write(frame(["a"]), out, {}, force=True)
    assert out.read_text().startswith("id,")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("out.xlsx", r"known are .csv, .parquet, .jsonl"),
        ("out", "no ending"),
        ("out.csv.gz", "known are"),
        ("nowhere/out.csv", "is not there; make it first"),
        ("folder.csv", "is a folder"),
        ("x" * 300 + ".csv", "cannot be written"),
        ("nul\x00.csv", "cannot be written"),
    ],
)
def test_places_that_cannot_be(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=says):
        write(frame(["a"]), tmp_path / name, {})
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_a_link_leads_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "out.csv").symlink_to(tmp_path / "there" / "real.csv")
    write(frame(["a"]), tmp_path / "out.csv", {})
    assert (tmp_path / "out.csv").is_symlink()
    assert (tmp_path / "there" / "real.csv").read_text().startswith("id,")


def test_a_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        out = write(frame(["a"]), tmp_path / "out.csv", {})
    finally:
        os.umask(before)
    assert out.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_what_was_there(ending: str, there: bool, tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk's, at several places of the file."""
    out = tmp_path / f"out{ending}"
    if there:
        write(frame(["old"]), out, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code = textwrap.dedent("""
        import resource, signal, sys
        sys.path.insert(0, sys.argv[1])
        from test_exports import *
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        made = frame(["x"] * 20_000)
        for limit in (0, 1, 4_096, 30_000, 100_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                write(made, sys.argv[2], {}, force=True)
            except InputError as problem:
                assert "nothing was" in str(problem), problem
            else:
                raise AssertionError(limit)
    """)
    subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(out)], check=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_killed_while_writing_there_is_no_half_file(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_exports import *
        made = [frame([name] * 3_000) for name in "ab"]
        print("ready", flush=True)
        while True:
            for each in made:
                write(each, sys.argv[2], {}, force=True)
    """)
    whole = {to_bytes(frame([name] * 3_000), ".csv") for name in "ab"}
    out = tmp_path / "out.csv"
    for wait in (0.01, 0.03, 0.05, 0.1):
        with subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent), str(out)], stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(wait)
            child.kill()
        if out.exists():
            assert out.read_bytes() in whole
    assert out.exists()
