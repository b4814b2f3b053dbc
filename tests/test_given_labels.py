"""Labels out of files: every text comes through as it was written, and no id is dropped without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer import InputError
from explorer.dataset import Dataset
from explorer.exports import table, write
from explorer.sources.given_labels import GivenLabels, matched, read_labels
from explorer.sources.spreadsheets import RUNS, guarded, unguarded
from explorer.worker import read_labels_apart

ENDINGS = [".csv", ".parquet", ".jsonl"]
HARD = [
    "NA", "None", "", "null", "nan", "NaN", "true", "1e3", "1.0", "+5", "2020-01-01", 'a"b', "a,b", "a;b", "a\tb", "a\nb", "a\rb",
    "a\r\nb", "🙂", "مرحبا", " x ", " ", "=1+1", "007", "7", "#N/A", "\t", "\ufeff", "\x1b[31m", "\x00", "'", "''", "'=1", "''=1",
    "  =1", "' =1", "\\", "[1, 2]", '"', "-",
]  # fmt: skip
nasty = st.one_of(
    st.sampled_from(HARD),
    st.text(),
    st.text(alphabet=["'", '"', *RUNS, " ", ",", ";", "\\", "N", "A", "0", "7"], max_size=6),
)


def frame(ids: np.ndarray | list[str], labels: list[str | None], **more: list[str | None]) -> pd.DataFrame:
    named = {name.replace("_", ".", 1): np.array(texts, dtype=object) for name, texts in more.items()}
    array = ids if isinstance(ids, np.ndarray) else np.array(ids, dtype=object)
    return table(array, None, None, np.array(labels, dtype=object), named)


def dataset(ids: list[Any]) -> Dataset:
    array = np.array(ids, dtype=np.int64 if isinstance(ids[0], int) else object)
    return Dataset("things", array, pa.table({"n": np.arange(len(ids))}), {"n": "number"})


def labels(ids: list[Any], texts: list[str | None], **sets: list[str | None]) -> GivenLabels:
    array = np.array(ids, dtype=np.int64 if ids and isinstance(ids[0], int) else object)
    return GivenLabels("labels.csv", array, texts, "id", "label", sets)


def texts_as_written(given: GivenLabels) -> list[str]:
    return [str(each) for each in given.ids.tolist()]


# There and back


@pytest.mark.parametrize("for_spreadsheets", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_our_own_exports_come_back(ending: str, for_spreadsheets: bool, tmp_path: Path) -> None:
    names = [*HARD, "last"]
    out = tmp_path / f"out{ending}"
    write(frame(names, [*HARD, None], label_quality=[None, *HARD]), out, {}, for_spreadsheets=for_spreadsheets)
    back = read_labels(out)
    assert back.ids.tolist() == names
    assert back.labels == [*HARD, None]
    assert back.sets == {"quality": [None, *HARD]}
    assert (back.name, back.id_column, back.label_column) == (out.name, "id", "label")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(nasty, st.none() | nasty, st.none() | nasty), min_size=1, max_size=6, unique_by=lambda row: row[0]),
    ending=st.sampled_from(ENDINGS),
    for_spreadsheets=st.booleans(),
)
def test_any_text_comes_back(
    rows: list[tuple[str, str | None, str | None]], ending: str, for_spreadsheets: bool, tmp_path: Path
) -> None:
    names, first, second = (list(column) for column in zip(*rows, strict=True))
    out = tmp_path / f"out{ending}"
    write(frame(names, first, label_more=second), out, {}, force=True, for_spreadsheets=for_spreadsheets)
    back = read_labels(out)
    assert texts_as_written(back) == names
    assert back.labels == first
    assert back.sets == {"more": second}


@pytest.mark.parametrize("ending", ENDINGS)
def test_numbers_as_ids_come_back(ending: str, tmp_path: Path) -> None:
    out = write(frame(np.array([7, -1, 2**62, 0]), ["a", None, "", "NA"]), tmp_path / f"out{ending}", {})
    back = read_labels(out)
    assert (back.ids.dtype, back.ids.tolist()) == (np.int64, [7, -1, 2**62, 0])
    assert back.labels == ["a", None, "", "NA"]


@given(nasty)
def test_the_apostrophe_is_taken_off_just_where_it_was_put(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).lstrip().startswith(RUNS)


def test_an_apostrophe_stays_where_no_spreadsheet_was_meant(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("id,label\n'=a,'=1\n")
    back = read_labels(tmp_path / "plain.csv")
    assert (back.ids.tolist(), back.labels) == (["'=a"], ["'=1"])
    (tmp_path / "marked.csv").write_text("id,label\n'=a,'=1\nb,'tis\n", "utf-8-sig")
    back = read_labels(tmp_path / "marked.csv")
    assert (back.ids.tolist(), back.labels) == (["=a", "b"], ["=1", "'tis"])
    assert "the apostrophe was taken off 2 texts, as they are written for spreadsheets" in back.notes


# Other people's files


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'id,label\n007,NA\n7,\nx,""\n1e3,\'\n'),
        ("a.tsv", 'id\tlabel\n007\tNA\n7\t\nx\t""\n1e3\t\'\n'),
        ("a.txt", 'id\tlabel\n007\tNA\n7\t\nx\t""\n1e3\t\'\n'),
        ("semicolons.csv", 'id;label\r\n007;NA\r\n7;\r\nx;""\r\n1e3;\'\r\n'),
        ("a.jsonl", '{"id": "007", "label": "NA"}\n{"id": 7}\n{"id": "x", "label": ""}\n{"id": "1e3", "label": "\'"}\n'),
        (
            "a.json",
            '[{"id": "007", "label": "NA"}, {"id": "7", "label": null}, {"id": "x", "label": ""}, {"label": "\'", "id": "1e3"}]',
        ),
    ],
)
def test_cells_are_taken_as_they_are_written(name: str, text: str, tmp_path: Path) -> None:
    back = read_labels(written(tmp_path / name, text))
    assert back.ids.tolist() == ["007", "7", "x", "1e3"]
    assert back.labels == ["NA", None, "", "'"]


def test_labels_that_are_numbers_or_flags_are_their_text(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    columns = {
        "id": [1, 2, 3],
        "label": [1.0, None, 2.0],
        "label.half": [0.5, None, float("nan")],
        "label.flag": [True, False, None],
    }
    columns |= {
        "label.whole": [1, None, 3],
        "label.none": pa.nulls(3),
        "label.class": pa.array(["a", None, ""]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), out)
    back = read_labels(out)
    assert back.labels == ["1", None, "2"]
    assert back.sets == {
        "half": ["0.5", None, None], "flag": ["true", "false", None], "whole": ["1", None, "3"], "none": [None] * 3,
        "class": ["a", None, ""],
    }  # fmt: skip


def test_whole_numbers_that_pandas_made_floats_are_ids(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1.0, float("nan"), 3.0, None], "label": ["a", "b", "c", "d"]}), tmp_path / "a.parquet")
    back = read_labels(tmp_path / "a.parquet")
    assert (back.ids.tolist(), back.labels) == ([1, 3], ["a", "c"])
    assert "2 rows have no id and were left out (row 2, 4)" in back.notes


@pytest.mark.parametrize("values", [[["a"], None], [{"a": 1}, None], [b"\xff", None]])
def test_what_is_no_text_is_no_label(values: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2], "label": values}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="labels are text: say which column holds them"):
        read_labels(tmp_path / "a.parquet")


def test_rows_without_an_id_are_told(tmp_path: Path) -> None:
    back = read_labels(written(tmp_path / "a.csv", 'id,label\na,x\n,y\n"",z\n,\n'))
    assert (back.ids.tolist(), back.labels) == (["a", ""], ["x", "z"])
    assert "2 rows have no id and were left out (row 2, 4)" in back.notes


def test_quotes_around_nothing_are_told_where_they_may_mean_none(tmp_path: Path) -> None:
    quoted = read_labels(written(tmp_path / "a.csv", '"id","label"\n"a","x"\n"b",""\n'))
    assert quoted.labels == ["x", ""]
    assert '1 labels are "" in quotes, which is the empty label and not none' in quoted.notes
    ours = read_labels(written(tmp_path / "b.csv", 'id,label\n"a","x"\n"b",""\n"c",\n'))
    assert not any("quotes" in note for note in ours.notes)


# Which columns


@pytest.mark.parametrize(
    ("header", "known", "options", "expected"),
    [
        ("id,label", None, {}, ("id", "label")),
        ("ID,Category", None, {}, ("ID", "Category")),
        ("label,other,filename", None, {}, ("filename", "label")),
        ("filename,kind", None, {}, ("filename", "kind")),  # the only other one
        ("id,class,category", None, {}, ("id", "category")),
        ("id,other,label.a,label.b", None, {}, ("id", "label.a")),
        ("other,path,tag", ["2a", "2b"], {}, ("path", "tag")),  # by what is in them
        ("id,path,tag", ["2a"], {}, ("path", "tag")),  # nothing in `id` is known
        ("id,path,tag", ["1a", "2a", "2b"], {}, ("id", "tag")),  # something is
        ("id,path,tag", ["nothing"], {}, ("id", "tag")),
        ("id,path,label", ["1a"], {"id": "path"}, ("path", "label")),
        ("id,path,label", ["1a"], {"label": "path"}, ("id", "path")),
        ("id,path,label", None, {"id": " label ", "label": "id"}, ("label", "id")),
    ],
)
def test_the_columns_are_guessed_or_named(
    header: str, known: list[str] | None, options: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    width = header.count(",") + 1
    rows = [",".join(f"{place}{row}" for place in range(1, width + 1)) for row in "abc"]
    out = written(tmp_path / "a.csv", "\n".join([header, *rows]) + "\n")
    back = read_labels(out, known=None if known is None else np.array(known, dtype=object), **options)
    assert (back.id_column, back.label_column) == expected
    assert any(note.startswith(f"ids are taken from the column {expected[0]!r}") for note in back.notes) == ("id" not in options)
    assert (f"labels are taken from the column {expected[1]!r}" in back.notes) == ("label" not in options)


def test_a_row_of_numbers_is_not_taken_for_ids_before_more_of_them(tmp_path: Path) -> None:
    out = written(tmp_path / "a.csv", "cluster,number,label\n0,10,a\n1,11,b\n0,12,c\n")
    assert read_labels(out, known=np.arange(20)).id_column == "number"


@pytest.mark.parametrize(
    ("name", "text", "options", "says"),
    [
        ("none.csv", None, {}, "there is no file"),
        ("a\x00.csv", None, {}, "a.*csv"),
        ("a.xlsx", "x", {}, "ends in '.xlsx'; give a file of ids and labels ending in .csv"),
        ("empty.csv", "", {}, "is empty"),
        ("a.csv", "a,b\n1,2\n", {}, "no column looks like the ids; say which holds them .columns are 'a', 'b'"),
        ("a.csv", "id,a,b\n1,2,3\n", {}, "no column looks like labels; say which holds them .columns are 'a', 'b'"),
        ("a.csv", "id\n1\n", {}, "no column beside the ids"),
        ("a.csv", "id,label\n1,2\n", {"label": "lable"}, "did you mean 'label'"),
        ("a.csv", "id,label\n1,2\n", {"id": "label", "label": "label"}, "cannot hold both"),
        ("a.csv", "id,label,label\n1,2,3\n", {}, "must be unique"),
        ("a.csv", "id,label\n,2\n", {}, "'id' is empty in all 1 rows"),
        ("a.csv", "id,label\n1,2,3\n", {}, "line 2 has 3 cells"),
        ("a.jsonl", '{"id": 1, "label": ["a"]}\n', {}, "labels are text"),
        ("a.jsonl", "[1]\n", {}, "not an object"),
        ("a.parquet", "PAR1 this is none", {}, "no Parquet file"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name: str, text: str | None, options: dict[str, str], says: str, tmp_path: Path) -> None:
    out = tmp_path / name
    if text is not None:
        written(out, text)
    with pytest.raises(InputError, match=says) as caught:
        read_labels(out, **options)
    assert "\n" not in str(caught.value)


# Which items


def test_items_are_found_by_id_and_what_is_not_is_listed() -> None:
    given = labels(["c", "x", "a", "c", "b", "y", "x"], ["1", "2", "", "3", None, None, "4"])
    found = matched(given, dataset(["a", "b", "c", "d"]))
    assert found.rows.tolist() == [0, 2]
    assert found.labels.tolist() == ["", "3"]
    assert found.unknown == ["x", "y"]
    assert found.twice == ["c"]
    assert found.without == 2


def test_the_same_label_twice_is_no_quarrel_and_none_takes_nothing_away() -> None:
    found = matched(labels([5, 5, 7, 7], ["a", "a", "b", None]), dataset([7, 6, 5]))
    assert (found.rows.tolist(), found.labels.tolist(), found.twice, found.unknown) == ([0, 2], ["b", "a"], [], [])


@pytest.mark.parametrize(
    ("in_file", "in_dataset", "rows", "unknown"),
    [
        ([7, 8, 9], ["7", "007", "9"], [0, 2], [8]),
        (["7", "007", "9"], [7, 8, 9], [0, 2], ["007"]),
        (["7", "+7", "7.0", " 7", "-0"], [0, 7, 8], [1], ["+7", "7.0", " 7", "-0"]),
        (["A", "a"], ["a", "B", "b"], [0], ["A"]),
        ([2**62 + 1], [2**62, 2**62 + 1, 0], [1], []),
    ],
)
def test_ids_match_by_their_exact_text(in_file: list[Any], in_dataset: list[Any], rows: list[int], unknown: list[Any]) -> None:
    found = matched(labels(in_file, ["x"] * len(in_file)), dataset(in_dataset))
    assert (found.rows.tolist(), found.unknown) == (rows, unknown)


def test_a_further_set_is_matched_by_its_name() -> None:
    given = labels(["a", "b"], ["1", None], quality=[None, "good"])
    assert matched(given, dataset(["b", "a", "c"]), "quality").labels.tolist() == ["good"]
    with pytest.raises(InputError, match="did you mean 'quality'"):
        matched(given, dataset(["b", "a", "c"]), "qualty")


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdexy"), st.sampled_from([None, "", "p", "q"])), max_size=12))
def test_as_a_plain_loop_says(rows: list[tuple[str, str | None]]) -> None:
    here = ["d", "a", "c", "b"]
    last: dict[str, str] = {}
    ever: dict[str, set[str]] = {}
    for identifier, label in rows:
        if identifier in here and label is not None:
            last[identifier] = label
            ever.setdefault(identifier, set()).add(label)
    found = matched(labels([row[0] for row in rows], [row[1] for row in rows]), dataset(here))
    assert dict(zip([here[row] for row in found.rows], found.labels.tolist(), strict=True)) == last
    assert found.twice == [identifier for identifier in here if len(ever.get(identifier, ())) > 1]
    assert found.unknown == list(dict.fromkeys(identifier for identifier, _ in rows if identifier not in here))
    assert found.without == sum(label is None for _, label in rows)


# In a child process


def test_what_is_read_apart_is_the_same(tmp_path: Path) -> None:
    out = write(frame([*HARD, "last"], [*HARD, None], label_quality=[None, *HARD]), tmp_path / "out.csv", {})
    here, there = read_labels(out, known=np.array(HARD, dtype=object)), read_labels_apart(out, np.array(HARD, dtype=object))
    for name in ("name", "labels", "id_column", "label_column", "sets", "notes"):
        assert getattr(here, name) == getattr(there, name)
    assert here.ids.tolist() == there.ids.tolist()
    assert here.ids.dtype == there.ids.dtype


def test_a_bad_file_is_a_sentence_from_there_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column looks like labels"):
        read_labels_apart(written(tmp_path / "a.csv", "id,a,b\n1,2,3\n"), np.arange(3))
    with pytest.raises(InputError, match=r"did you mean 'id'"):
        read_labels_apart(written(tmp_path / "a.csv", "id,a,b\n1,2,3\n"), id="idd")
