"""Time series out of arrays, tables, lists and .ts files: every shape against a slow reference, and every error one line."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.sources import read
from explorer.sources.series import KIND

CUBE = np.random.default_rng(0).normal(size=(5, 2, 7))


def refused(source: object, **options: Any) -> str:
    """The message of the refusal, which must be one line."""
    with pytest.raises(InputError) as caught:
        read(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert 10 < len(message) < 600
    return message


def every(dataset: Dataset) -> list[np.ndarray]:
    """All series of a dataset, whose column must have the one form and come back whole from disk."""
    column = dataset.table.column(dataset.roles["series"])
    assert column.type == KIND
    column.validate(full=True)
    assert dataset.kinds[dataset.roles["series"]] == "series"
    assert len(dataset.fingerprint) == 24
    return [dataset.series(row) for row in range(len(dataset))]


def same(found: list[np.ndarray], wanted: list[Any]) -> bool:
    """Whether all series are equal, as float32."""
    pairs = zip(found, wanted, strict=True)
    return all(np.array_equal(one, np.atleast_2d(np.asarray(two, np.float32)), equal_nan=True) for one, two in pairs)


def noted(dataset: Dataset, part: str) -> bool:
    return any(part in note for note in dataset.notes)


# --- arrays


def test_an_array_of_items_channels_and_moments_is_time_series(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", CUBE)
    for source in (tmp_path / "a.npy", CUBE, np.asfortranarray(CUBE), CUBE.astype(">f8")):
        dataset = read(source)
        assert same(every(dataset), list(CUBE))
        assert dataset.vectors is None
        assert dataset.roles == {"series": "series"}
        assert noted(dataset, "5 time series of 2 channels and up to 7 moments")
    assert same(every(read((CUBE * 9).astype(np.int16))), list((CUBE * 9).astype(np.int16)))
    assert same(every(read(CUBE > 0)), list(CUBE > 0))
    assert noted(read(np.zeros((4, 50, 3))), "transpose(0, 2, 1)")


@pytest.mark.parametrize("name", ["series", "values", "array", "data", "vectors"])
def test_an_array_of_items_and_moments_is_time_series_when_that_is_said(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "a.npy", CUBE[:, 0])
    dataset = read(tmp_path / "a.npy", series=name)
    assert same(every(dataset), list(CUBE[:, 0]))
    assert dataset.vectors is None
    plain = read(tmp_path / "a.npy")
    assert plain.vectors is not None
    assert plain.roles == {}


def test_arrays_beside_time_series_are_columns_vectors_and_channels(tmp_path: Path) -> None:
    y, flat = np.array(list("abcab")), CUBE[:, 0]
    np.savez(tmp_path / "a.npz", x=CUBE, y=y, v=flat, id=np.arange(5) + 10)
    dataset = read(tmp_path / "a.npz")
    assert same(every(dataset), list(CUBE))
    assert dataset.ids.tolist() == [10, 11, 12, 13, 14]
    assert dataset.vectors is not None
    assert dataset.vectors.shape == (5, 7)
    assert dataset.column("y").tolist() == list(y)
    assert same(every(read(tmp_path / "a.npz", series="v")), list(flat))
    assert read(tmp_path / "a.npz", series="v").vectors is None
    both = read({"a": flat, "b": flat[:, :3], "y": y}, series="a,b")
    assert both.channels == ["a", "b"]
    wanted = [np.stack([row, np.r_[row[:3], [np.nan] * 4]]) for row in flat]
    assert same(every(both), wanted)
    assert read({"x": CUBE, "y": y}, columns="y").roles == {}
    assert "did you mean 'x'" in refused({"x": CUBE, "y": y}, series="xx")
    assert "'x', 'flat' are not as long" in refused({"x": flat, "flat": flat[:4]}, series="x,flat")
    assert "several channels already" in refused({"x": CUBE, "flat": flat}, series="x,flat")
    assert "name one with --series" in refused({"x": CUBE, "z": CUBE})
    aside = read({"x": CUBE, "z": CUBE, "flat": flat})
    assert aside.roles == {}
    assert noted(aside, "'x' of shape (5, 2, 7) was left out")
    assert "5 time series but 4 rows" in refused({"x": CUBE, "z": flat[:4], "y": np.arange(4)}, series="x", vectors="z")


def test_missing_values_at_the_end_of_all_channels_are_padding() -> None:
    array = CUBE.astype(np.float32)
    array[1, :, 4:] = array[1, :, 2] = np.nan  # shorter, with a gap
    array[2, 0, 3:] = np.nan  # one channel alone: missing
    array[3] = np.nan  # nothing at all
    array[4, :, 2] = np.nan  # a gap
    dataset = read(array)
    assert same(every(dataset), [array[0], array[1, :, :4], array[2], np.empty((2, 0)), array[4]])
    assert noted(dataset, "2 of 5 time series are shorter than 7")


def test_what_float32_cannot_hold_is_missing() -> None:
    array = CUBE.copy()
    array[0, 0, 0], array[1, 1, 1] = 1e300, -np.inf
    dataset = read(array)
    array[0, 0, 0] = array[1, 1, 1] = np.nan
    assert same(every(dataset), list(array))
    assert noted(dataset, "2 values of array are infinite or too large")


@pytest.mark.parametrize(
    ("array", "options", "says"),
    [
        (np.zeros((4, 2), complex), {"series": "values"}, "complex128"),
        (np.zeros((4, 2, 3, 1)), {"series": "values"}, "(4, 2, 3, 1)"),
        (np.zeros((4, 0)), {"series": "values"}, "(4, 0)"),
        (np.full((4, 2, 3), np.nan), {}, "no number at all"),
        (np.zeros((4, 2)), {"series": "wrong"}, "'wrong'"),
        (np.zeros((2, 2, 3)), {}, "at least 3"),
        (np.zeros((4, 2, 3)), {"vectors": "vectors"}, "(n, d)"),
    ],
)
def test_arrays_that_are_no_time_series_are_refused(array: np.ndarray, options: dict[str, str], says: str) -> None:
    assert says in refused(array, **options)


# --- lists


LISTS = [[1.0, 2.0, 3.0], [4.0], None, [], [5.0, None]]
WANTED = [[1, 2, 3], [4], np.empty((1, 0)), np.empty((1, 0)), [5, np.nan]]
NESTED = [[[1.0, 2.0], [3.0, 4.0]], [[5.0], [6.0, 7.0]], None, [[], []]]
WANTED_NESTED = [[[1, 2], [3, 4]], [[5, np.nan], [6, 7]], np.empty((1, 0)), np.empty((2, 0))]


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.int8())])
def test_a_column_of_lists(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"x": pa.array(LISTS, kind), "y": list("abcde")})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    for source in (table, table.slice(0), pa.concat_tables([table.slice(0, 2), table.slice(2)]), tmp_path / "t.parquet"):
        assert same(every(read(source, series="x")), WANTED)
    assert same(every(read(table.slice(1), series="x")), WANTED[1:])
    assert "--series reads lists of any lengths" in refused(table)


def test_lists_of_lists_are_time_series_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.jsonlines.CHUNK", 1)  # so that whole numbers and others meet
    table = pa.table({"x": NESTED, "n": [1, 2, 3, 4]})
    fixed = pa.array([[[1, 2], [3, 4]], None, [[5, 6], [7, 8]]], pa.list_(pa.list_(pa.int16(), 2), 2))
    for source, options in ((table, {}), (table, {"series": "x"}), (table.to_pandas(), {}), (table.to_pandas(), {"series": "x"})):
        assert same(every(read(source, **options)), WANTED_NESTED)
    assert same(every(read(pa.table({"x": fixed}))), [[[1, 2], [3, 4]], np.empty((1, 0)), [[5, 6], [7, 8]]])
    frame = pd.DataFrame({"x": [np.ones((2, 3)), np.zeros((2, 4)), np.ones((2, 1))]})
    assert same(every(read(frame)), list(frame["x"]))
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"x": [[1, 2], [3, 4]]}\n{"x": [[5], [6.5, 7]]}\n{"x": null}\n{"x": [[], []]}\n')
    assert every(read(lines))[1][1, 0] == 6.5


def test_lists_written_as_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('x,y,z\n"[1, 2, 3]","[[1,2],[3,NaN]]",a\n[4],"[[5],[6]]",b\n"[7 8]","[[null],[1]]",c\n')
    assert same(every(read(path, series="x")), [[1, 2, 3], [4], [7, 8]])
    assert same(every(read(path, series="y")), [[[1, 2], [3, np.nan]], [[5], [6]], [[np.nan], [1]]])
    assert "row 1 is not a list" in refused(path, series="z")
    path.write_text('y\n"[[1],[2]]"\n"[[1],[[2]]]"\n"[[1],[2]]"\n')
    assert "row 2 is not a list of lists" in refused(path, series="y")


def test_columns_of_lists_side_by_side_are_channels() -> None:
    table = pa.table({"a": LISTS, "b": [[9.0]] * 5, "y": list("abcde")})
    dataset = read(table, series=["a", "b"])
    assert dataset.channels == ["a", "b"]
    wanted = [[[1, 2, 3], [9, np.nan, np.nan]], [[4], [9]], [[np.nan], [9]], [[np.nan], [9]], [[5, np.nan], [9, np.nan]]]
    assert same(every(dataset), wanted)
    assert dataset.columns == ["y", "series"]


def test_a_dataset_keeps_its_series_and_their_names_when_read_again(tmp_path: Path) -> None:
    table = pa.table({"a": LISTS, "b": LISTS, "y": list("abcde")})
    dataset = read(table, series="a,b")
    dataset.save(tmp_path)
    for again in (read(dataset, id="y"), Dataset.load(tmp_path), read(Dataset.load(tmp_path), columns="y")):
        assert again.channels == ["a", "b"]
        assert same(every(again), every(dataset))
    pq.write_table(dataset.table, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").channels == ["a", "b"]
    for lie in (b"{", b'["a"]', b"[1,2]", b"\xff", b"[" * 9999):
        field = dataset.table.schema.field("series").with_metadata({b"channels": lie})
        assert read(dataset.table.cast(dataset.table.schema.set(1, field))).channels == []


@pytest.mark.parametrize(
    ("values", "options", "says"),
    [
        ([["a"], ["b"], ["c"]], {"series": "x"}, "lists of numbers"),
        ([[[["a"]]]] * 3, {"series": "x"}, "lists of numbers"),
        ([[[1.0]], [[1.0], [2.0]], [[3.0]]], {"series": "x"}, "row 2 has 2, most have 1"),
        ([[float("nan")], [None], None], {"series": "x"}, "no number at all"),
        ([b"a", b"b", b"c"], {"series": "x"}, "holds binary"),
    ],
)
def test_columns_that_are_no_time_series_are_refused(values: list[Any], options: dict[str, str], says: str) -> None:
    assert says in refused(pa.table({"x": values}), **options)


def test_lists_of_lists_that_are_no_series_do_not_stop_the_rest() -> None:
    table = pa.table({"polygon": [[[1.0, 2.0]], [[1.0], [2.0]], [[3.0]]], "words": [[["a"]]] * 3, "n": [1, 2, 3]})
    dataset = read(table)
    assert dataset.roles == {}
    assert dataset.kinds == {"polygon": "other", "words": "other", "n": "number"}


# --- long tables


def long_reference(frame: pd.DataFrame, values: list[str]) -> dict[Any, np.ndarray]:
    """Slowly, an id at a time."""
    made = {}
    for who in frame["who"].unique():
        rows = frame[frame["who"] == who].sort_values("when", kind="stable")
        made[who] = rows[values].to_numpy(np.float32).T
    return made


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(-5, 5), st.floats(width=32, allow_infinity=False), st.integers(-9, 9)),
        min_size=4,
        max_size=40,
    ),
    st.sampled_from(["whole", "float", "date", "text"]),
    st.booleans(),
)
def test_long_tables_are_what_grouping_by_hand_gives(rows: list[tuple[str, int, float, int]], times: str, chunked: bool) -> None:
    frame = pd.DataFrame(rows, columns=["who", "when", "x", "y"])
    frame["site"] = frame["who"].map({"a": "north", "b": None, "c": "north", "d": "", "e": "south", "f": "west"})
    wanted = long_reference(frame, ["x", "y"])
    if len(wanted) < 3 or len(wanted) == len(frame):
        return
    dates = pd.Timestamp("2024-01-03T12:00") + pd.to_timedelta(frame["when"], unit="h")
    frame["when"] = {"whole": frame["when"], "float": frame["when"] / 7, "date": dates, "text": dates.dt.strftime("%Y-%m-%dT%H")}[
        times
    ]
    table = pa.Table.from_pandas(frame)
    if chunked:
        table = pa.concat_tables([table.slice(0, 3), table.slice(3)])
    dataset = read(table, id="who", series="x,y", time="when")
    assert dataset.ids.tolist() == list(wanted)
    assert same(every(dataset), list(wanted.values()))
    assert dataset.channels == ["x", "y"]
    sites = frame.groupby("who", sort=False)["site"].first()
    assert dataset.column("site").tolist() == [None if pd.isna(sites[who]) else sites[who] for who in wanted]


LONG = "who,time,x,y,site,label\n2,1,1.5,7,n,\n1,2,3.5,,s,k\n2,0,0.5,8,n,\n1,1,NA,9,s,l\n7,1,,1,n,k\n7,1,4.5,2,n,k\n"


@pytest.fixture
def long_csv(tmp_path: Path) -> Path:
    (tmp_path / "long.csv").write_text(LONG)
    return tmp_path / "long.csv"


def test_a_long_table_of_csv(long_csv: Path) -> None:
    dataset = read(long_csv, id="who", series="x")
    assert dataset.ids.tolist() == [2, 1, 7]
    assert same(every(dataset), [[0.5, 1.5], [np.nan, 3.5], [np.nan, 4.5]])
    assert dataset.columns == ["who", "site", "series"]
    assert dataset.channels == []
    for part in ("6 rows were read as 3 time series of 'x', one for each 'who', in the order of 'time', of 2 moments",
                 "1 rows have the same id and 'time'", "left out: 'y', 'label'"):  # fmt: skip
        assert noted(dataset, part), dataset.notes
    assert same(every(read(long_csv, id="who", series="y,x"))[:1], [[[8, 7], [0.5, 1.5]]])


def test_a_value_that_never_changes_is_a_channel_and_no_column(long_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.long.PEEK", 2)
    frame = pd.read_csv(long_csv).assign(level=lambda frame: frame["who"])
    dataset = read(frame, id="who", series="x,level")
    assert dataset.columns == ["who", "site", "series"]
    assert [each[1].tolist() for each in every(dataset)] == [[2, 2], [1, 1], [7, 7]]


def test_without_times_the_rows_order_counts(long_csv: Path) -> None:
    frame = pd.read_csv(long_csv).drop(columns="time")
    dataset = read(frame, id="who", series="x")
    assert same(every(dataset), [[1.5, 0.5], [3.5, np.nan], [np.nan, 4.5]])
    assert noted(dataset, "in the rows' order (say when they are with --time)")
    uneven = pd.DataFrame({"id": list("aaabbbccc"), "t": [0, 1, 5] * 3, "x": range(9)})
    assert noted(read(uneven, series="x"), "not equally long")
    assert not noted(read(uneven.assign(t=[0, 2, 4] * 3), series="x"), "not equally long")


@pytest.mark.parametrize("name", ["Time (s)", "timestamp", "event_time", "Date", "step", "t"])
def test_the_column_of_times_is_known_by_its_name(name: str) -> None:
    frame = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], name: [2, 1] * 3, "x": range(6)})
    dataset = read(frame, series="x")
    assert same(every(dataset), [[1, 0], [3, 2], [5, 4]])
    assert noted(dataset, f"in the order of {name!r}")


def test_a_table_of_moments_that_is_read_as_rows_says_how_it_becomes_time_series() -> None:
    frame = pd.DataFrame({"id": np.repeat(list("abc"), 4), "time": [3, 2, 1, 0] * 3, "x": np.arange(12.0), "y": np.arange(12.0)})
    assert noted(read(frame), "(for one time series per id: --series x,y --id id --time time)")
    assert same(every(read(frame, series="x", id="id", time="time")), [[3, 2, 1, 0], [7, 6, 5, 4], [11, 10, 9, 8]])
    many = frame.assign(**{f"v{place}": 0.5 for place in range(5)})
    assert noted(read(many), "--series COLUMNS --id id")
    assert not noted(read(frame.drop(columns="time")), "--series")
    assert not noted(read(frame.assign(id=[*range(11), None])), "--series"), "missing, not repeated"


def test_a_long_table_is_known_by_its_ids_and_times(long_csv: Path) -> None:
    frame = pd.DataFrame(
        {"who": np.repeat(list("abc"), 4), "time": [3, 2, 1, 0] * 3, "x": np.arange(12.0), "n": np.repeat([1, 2, 3], 4)}
    )
    dataset = read(frame, id="who")
    assert same(every(dataset), [[3, 2, 1, 0], [7, 6, 5, 4], [11, 10, 9, 8]])
    assert dataset.columns == ["who", "n", "series"]
    assert noted(dataset, "--series to have others")
    assert read(frame).roles == {}
    few = refused(long_csv, id="who")
    assert "unique" in few
    assert "say what changes over 'time' with --series COL" in few
    assert "--series" not in refused(frame.drop(columns="time"), id="who")


def test_a_frame_indexed_by_item_and_time() -> None:
    frame = pd.DataFrame({"who": list("aabbcc"), "when": [1, 0] * 3, "x": range(6)})
    for levels in (["who", "when"], ["who"], ["when"]):
        dataset = read(frame.set_index(levels), id="who", time="when", series="x")
        assert same(every(dataset), [[1, 0], [3, 2], [5, 4]])
        assert dataset.ids.tolist() == list("abc")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"id": "who", "series": "xx"}, "did you mean 'x'"),
        ({"id": "who", "series": "x", "time": "tim"}, "did you mean 'time'"),
        ({"id": "whom", "series": "x"}, "did you mean 'who'"),
        ({"id": "who", "series": "x,site"}, "'site' holds string beside columns of numbers"),
        ({"id": "who", "series": "x,who"}, "cannot be a value"),
        ({"id": "who", "series": "x", "time": "x"}, "cannot be a value"),
        ({"id": "who", "series": "x", "time": "site"}, "row 1 says 'n'"),
        ({"id": "who", "series": "x", "time": "y"}, "row 2 says no time"),
        ({"id": "label", "series": "x"}, "2 are missing (row 1, 3)"),
        ({"id": "who", "series": "x", "text": "label"}, "'label' differs within one 'who'"),
        ({"series": "x"}, "is no time series"),
        ({"series": "x", "time": "time"}, "no column says whose"),
        ({"time": "time"}, "--time is for tables with a row for every moment"),
    ],
)
def test_long_tables_that_cannot_be_told_apart_are_refused(long_csv: Path, options: dict[str, str], says: str) -> None:
    assert says in refused(long_csv, **options)


# --- wide tables


def wide_frame(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(np.arange(4.0 * len(names)).reshape(4, -1), columns=names)


def test_columns_of_moments_by_name_range_and_star(tmp_path: Path) -> None:
    frame = wide_frame(["t0", "t2", "t10", "t1", "total"]).assign(y=list("abcd"), id=[5, 6, 7, 8])
    frame.loc[1, "t10"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    for source in (frame, tmp_path / "t.csv"):
        assert every(read(source, series="t10,t0"))[0].tolist() == [[2, 0]]
        assert every(read(source, series="t0:t10"))[0].tolist() == [[0, 1, 2]]
        assert every(read(source, series="t*"))[0].tolist() == [[0, 3, 1, 2]]
        assert every(read(source, series="to*,t0"))[0].tolist() == [[4, 0]]
        dataset = read(source, series="t0:t10")
        assert every(dataset)[1].tolist() == [[5, 6]]
        assert dataset.columns == ["t1", "total", "y", "id", "series"]
        assert dataset.ids.tolist() == [5, 6, 7, 8]
        assert noted(dataset, "the 3 columns 't0' to 't10' were read as one time series a row")
        assert "runs backwards" in refused(source, series="t10:t0")
        assert "did you mean 't10'" in refused(source, series="t0:t100")
        assert "'z*'" in refused(source, series="z*")
        assert "stands more than once" in refused(source, id="id", series="t0,t1", time="t2")
    odd = wide_frame(["a:b", "a", "b", "c*"])
    assert every(read(odd, series="a:b,c*"))[0].tolist() == [[0, 3]]


def test_many_columns_that_count_on_are_one_series_a_row() -> None:
    names = [f"t_{number:03}" for number in range(20)]
    dataset = read(wide_frame(names[::-1]).assign(y=list("abcd")))
    assert every(dataset)[0].tolist() == [list(range(19, -1, -1))]
    assert dataset.columns == ["y", "series"]
    assert noted(dataset, "--columns t_000,t_001,...")
    assert read(wide_frame(names), columns="t_000,t_001").roles == {}
    years = [f"t{n}" for n in range(1980, 2020)]
    for others in ([f"pixel{n}" for n in range(20)], [str(n) for n in range(20)], [f"V{n}" for n in range(1, 29)],
                   [f"t{n}" for n in range(15)], [f"t{n}" for n in range(0, 60, 2)], years):  # fmt: skip
        assert read(wide_frame(others)).roles == {}, others


def test_names_that_are_taken_are_not_taken_again() -> None:
    dataset = read(wide_frame(["a", "b", "series"]), series="a,b")
    assert dataset.roles == {"series": "series 2"}
    assert dataset.columns == ["series", "series 2"]


# --- .ts files

TS = """# a comment
@problemName Small
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength false
@classLabel true Red Blue
@data
1,2.5,-3e2:4,5,6:Red
% another comment

1, ?,nan:+7 , 8.,.5:Blue
9:10:Red
:1,2:Blue
"""


def ts(folder: Path, text: str | bytes) -> Path:
    (folder / "a.ts").write_bytes(text.encode() if isinstance(text, str) else text)
    return folder / "a.ts"


def test_ts(tmp_path: Path) -> None:
    wanted = [[[1, 2.5, -300], [4, 5, 6]], [[1, np.nan, np.nan], [7, 8, 0.5]], [[9], [10]], [[np.nan, np.nan], [1, 2]]]
    for text in (TS, "\ufeff" + TS, TS.replace("\n", "\r\n")):
        dataset = read(ts(tmp_path, text))
        assert same(every(dataset), wanted)
        assert dataset.column("label").tolist() == ["Red", "Blue", "Red", "Blue"]
        assert dataset.kinds == {"series": "series", "label": "category"}
        assert dataset.notes == ("4 time series of 2 channels and 1 to 3 moments",)


def test_ts_block_after_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = every(read(ts(tmp_path, TS)))
    monkeypatch.setattr("explorer.sources.ts.BLOCK", 20)
    dataset = read(tmp_path / "a.ts")
    assert dataset.table.column("series").num_chunks > 1
    assert same(every(dataset), whole)


@pytest.mark.parametrize(
    ("tags", "lines", "wanted", "labels"),
    [
        ("@univariate true\n@classLabel false", "1,2\n3,4\n5", [[1, 2], [3, 4], [5]], None),
        ("@targetLabel true", "1,2:0.5\n3,4:-1\n5:?", [[1, 2], [3, 4], [5]], [0.5, -1, None]),
        ("@classLabel true a b", "1,2:a\n3,4:b\n5:", [[1, 2], [3, 4], [5]], ["a", "b", None]),
        ("", "1,2:a\n3,4:b\n5:c", [[1, 2], [3, 4], [5]], ["a", "b", "c"]),
        ("@univariate true", "1,2\n3,4\n5", [[1, 2], [3, 4], [5]], None),
        ("@dimension 2", "1:2\n3:4\n5:6", [[[1], [2]], [[3], [4]], [[5], [6]]], None),
        ("@TIMESTAMPS TRUE\n@classLabel true a", "(2007-01-01 00:00:00,-1),(b,2) :a\n(0,3):a\n(0,?):a",
         [[-1, 2], [3], [np.nan]], ["a"] * 3),
        ("@timeStamps true\n@classLabel false", "(0,1),(1,2):(0,3)\n(0,1):(0,2)\n(0,4):(1,?)",
         [[[1, 2], [3, np.nan]], [[1], [2]], [[4], [np.nan]]], None),
    ],
)  # fmt: skip
def test_ts_with_other_tags(tmp_path: Path, tags: str, lines: str, wanted: list[Any], labels: list[Any] | None) -> None:
    dataset = read(ts(tmp_path, f"{tags}\n@data\n{lines}\n"))
    assert same(every(dataset), wanted)
    column = "target" if "target" in tags else "label"
    assert (column in dataset.columns) == (labels is not None)
    if labels is not None:
        assert dataset.kinds[column] == ("number" if column == "target" else "category")
        assert dataset.column(column).astype(object).where(dataset.column(column).notna(), None).tolist() == labels


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("export const x = 1;\n", "line 1 is no tag, but 'export const x = 1;'"),
        (b"G\x40\x11\x10\x00\xff\xff", "line 1 is not text in UTF-8"),
        ("@problemName a\n", "no line @data"),
        ("@data\n", "no items after @data"),
        ("@timeStamps perhaps\n@data\n", "line 1: @timeStamps".lower()),
        ("@dimensions two\n@data\n", "not 'two'"),
        ("@data\n1,2:a\n1,b:a\n1,2:a\n", "line 3 holds 'b'"),
        ("@data\n1,2:a\n1,,2:a\n1,2:a\n", "line 3 holds ''"),
        ("@data\n1,2:a\n1,1_0:a\n1,2:a\n", "line 3 holds '1_0'"),
        ("@classLabel true a\n@data\n1,2:a\n\n1,2\n1,2:a\n", "line 5 has no label"),
        ("@classLabel false\n@data\n1:2\n1:2:3\n1:2\n", "line 4 has 3 channels, but the items before it have 2"),
        ("@targetLabel true\n@data\n1:2\n1:x\n1:2\n", "one ends in 'x'"),
        ("@timeStamps true\n@data\n1,2:a\n", "line 3 ends in '1,2:a'"),
        ("@timeStamps true\n@data\n(1):a\n", "('1') is no pair"),
        ("@timeStamps true\n@classLabel false\n@data\nx(1,2)\n", "'x(1,2' is no pair"),
        ("@classLabel false\n@data\n?,?\n?\n?\n", "no number at all"),
        ("@classLabel false\n@data\n1\n2\n", "at least 3"),
    ],
)
def test_ts_that_cannot_be_read_names_the_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refused(ts(tmp_path, text))


def test_ts_whose_tags_are_wrong_says_so(tmp_path: Path) -> None:
    text = (
        TS.replace("@equalLength false", "@equalLength true")
        .replace("@dimensions 2", "@dimensions 3")
        .replace("Red Blue", "Red Bl")
    )
    dataset = read(ts(tmp_path, text))
    for part in ("@equalLength says", "there are 3 channels, but there are 2", "does not list the labels 'Blue'"):
        assert noted(dataset, part), dataset.notes


def test_an_endless_line_of_ts_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.sources.ts.LONGEST_LINE", 100)
    assert "line 2 is over" in refused(ts(tmp_path, "@data\n" + "1," * 1000))


def test_damaged_ts_gives_a_dataset_or_one_line(tmp_path: Path) -> None:
    timed = "@timeStamps true\n@classLabel true a b\n@data\n(0,1),(1,2):(0,3):a\n(0,1):(0,2):b\n(0,1):(0,2):b\n(0,1):(0,2):b\n"
    read_anyway = 0
    for seed in range(600):
        rng = random.Random(seed)
        data = bytearray((timed if seed % 3 == 0 else TS).encode())
        for _ in range(rng.choice([1, 3, 20])):
            way, at = rng.randrange(4), rng.randrange(len(data))
            if way == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif way == 1:
                data[at] = rng.choice(b"\0\xff\n\r:,()?@ e-")
            elif way == 2:
                data[at:at] = data[at : at + rng.randrange(1, 40)]
            elif len(data) > 60:
                del data[at : at + rng.randrange(1, 40)]
        path = ts(tmp_path, bytes(data))
        refusal = ""
        try:
            every(read(path))
            read_anyway += 1
        except InputError as problem:
            refusal = str(problem)
        assert "\n" not in refusal
    assert 20 < read_anyway < 580
