"""The promises that every registered step keeps, ours and those of installed plug-ins."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sound_models
from scipy.sparse import csr_matrix

from explorer.dataset import Dataset
from explorer.dataset.sparse import from_blocks
from explorer.errors import Cancelled, InputError, MissingExtra
from explorer.step import KINDS, Output, Progress, Result, Step, find, names, registered

FOLDER = tempfile.TemporaryDirectory(prefix="explorer-tests-")
ALL = [(kind, method) for kind in KINDS for method in names(kind)]
ON_ARRAYS = [(kind, method) for kind, method in ALL if kind != "extract"]
every_step = pytest.mark.parametrize(("kind", "method"), ALL)


def brisk(kind: str, method: str, **settings: Any) -> Step:
    """The step, with few rounds where it counts rounds: quality is not what is tested here."""
    step = find(kind, method)
    if "n_epochs" in step.setting_names():
        step.set(n_epochs=10)
    if method == "join":
        step.set(parts=["columns", "vectors=2"])  # the others have tests of their own
    if method == "audio" and find_spec("torch") and find_spec("transformers"):
        step.set(model=str(sound_models.wav2vec2(Path(FOLDER.name))))  # the default one would have to be fetched
    step.set(**settings)
    return step


def run(step: Step, data: Any, progress: Progress | None = None) -> Result:
    try:
        return step.run(data, progress)
    except MissingExtra as problem:
        pytest.skip(str(problem))


def dataset(n: int = 12, *, same: bool = False, vectors: np.ndarray | None = None) -> Dataset:
    """Items with everything: numbers, a category, text, picture, time series, vectors and counts; `same` makes them all alike."""
    rng = np.random.default_rng(0)
    numbers = np.zeros(n) if same else np.arange(n, dtype=float)
    words = ["red fox runs", "blue whale swims", "green tree grows", "grey stone lies", "white snow falls"]
    table = pa.table(
        {
            "size": numbers,
            "weight": pa.array([None if row == 1 and not same else float(value) ** 2 for row, value in enumerate(numbers)]),
            "colour": ["red" if same else ("red", "blue", "green")[row % 3] for row in range(n)],
            "words": [f"{words[0 if same else row % 5]} by the {('river', 'hill')[0 if same else row % 2]}" for row in range(n)],
            "picture": pa.array([{"bytes": picture(0 if same else row), "path": None} for row in range(n)]),
            "trace": pa.array([trace(0 if same else row) for row in range(n)]),
            "tone": pa.array([{"bytes": sound(0 if same else row), "start": 0.0, "stop": 0.3} for row in range(n)]),
        }
    )
    kinds = {"size": "number", "weight": "number", "colour": "category", "words": "text", "picture": "image", "trace": "series"}
    kinds["tone"] = "audio"
    given = vectors if vectors is not None else np.ones((n, 5), np.float32) if same else rng.normal(size=(n, 5)).astype(np.float32)
    counts = np.ones((n, 6)) if same else rng.poisson(2.0, (n, 6)).astype(float)
    roles = {"text": "words", "image": "picture", "series": "trace", "audio": "tone"}
    return Dataset(
        "sample", np.arange(n), table, kinds, roles, given,
        matrix=from_blocks(iter([csr_matrix(counts)]), 6),
    )  # fmt: skip


def trace(row: int) -> list[list[float]]:
    """Two channels, of another length in every row."""
    return np.random.default_rng(row).normal(size=(2, 30 + row)).tolist()


@cache
def picture(row: int) -> bytes:
    from PIL import Image

    made = io.BytesIO()
    pixels = np.random.default_rng(row).integers(0, 255, (16, 16, 3)) // (1 + row % 3)
    Image.fromarray(pixels.astype(np.uint8)).save(made, "PNG")
    return made.getvalue()


@cache
def sound(row: int) -> bytes:
    return sound_models.wav(sound_models.tone(200.0 + 150 * row, 0.3)) if find_spec("soundfile") else b"none"


@cache
def data(kind: str) -> Any:
    return dataset() if kind == "extract" else np.random.default_rng(0).normal(size=(60, 6))


@cache
def made(kind: str, method: str) -> Result:
    return run(brisk(kind, method), data(kind))


def other(row: dict[str, Any]) -> Any:
    """A value that is allowed and not the default; None where there is none to be had."""
    default = row["default"]
    if row["type"] == "choice":
        return next((choice for choice in row["choices"] if choice != default), None)
    if row["type"] == "switch":
        return not default
    if row["type"] in {"integer", "number"}:
        low, high = row["bounds"]
        return low if low is not None and low != default else high if high is not None else (default or 0) + 1
    return {"list": ["size"], "text": "another"}[row["type"]]


def same(one: Result, two: Result) -> bool:
    arrays = one.arrays.keys() == two.arrays.keys() and all(one.arrays[k].tobytes() == two.arrays[k].tobytes() for k in one.arrays)
    return one.values.tobytes() == two.values.tobytes() and arrays


# what it declares


@every_step
def test_it_is_what_its_entry_point_says(kind: str, method: str) -> None:
    step = find(kind, method)
    assert (step.kind, step.method) == (kind, method)
    assert registered(kind, method)
    assert (type(step).__doc__ or "").split("\n")[0].endswith(".")


@every_step
def test_every_setting_is_documented_and_bounded(kind: str, method: str) -> None:
    rows = find(kind, method).describe()
    assert "random_state" in [row["name"] for row in rows]
    for row in rows:
        assert row["doc"], row["name"]
        assert row["doc"].endswith("."), row["name"]
        if row["type"] in {"integer", "number"}:
            low, high = row["bounds"]
            assert low is not None, row["name"]
            assert high is not None or row["softbounds"][1] is not None, row["name"]
        if row["type"] == "choice":
            assert row["default"] in row["choices"], row["name"]
    assert json.loads(json.dumps(rows)) == rows


@every_step
def test_the_text_of_a_default_means_the_default(kind: str, method: str) -> None:
    step = find(kind, method)
    for row in step.describe():
        default = row["default"]
        text = ",".join(default) if isinstance(default, list) else "none" if default is None else str(default)
        assert step.parse(row["name"], text) == default


# what it refuses


@every_step
def test_a_wrong_name_is_answered_with_the_closest(kind: str, method: str) -> None:
    with pytest.raises(InputError, match=f"did you mean '{method}'"):
        find(kind, f"{method}x")
    for name in find(kind, method).setting_names():
        with pytest.raises(InputError, match=f"did you mean '{name}'"):
            find(kind, method, **{f"{name}x": 1})


@every_step
def test_a_wrong_value_is_answered_with_what_is_allowed(kind: str, method: str) -> None:
    step = find(kind, method)
    before = step.settings()
    for row in step.describe():
        wrong = 5 if row["type"] in {"list", "text"} else "no such value"
        with pytest.raises(InputError, match=f"{row['name']} takes ") as said:
            step.set(**{row["name"]: wrong})
        assert step.allowed(row["name"]) in str(said.value)
        if row["type"] in {"integer", "number"} and row["bounds"][0] is not None:
            with pytest.raises(InputError, match="is not allowed"):
                step.set(**{row["name"]: row["bounds"][0] - 1})
    assert step.settings() == before


@every_step
def test_settings_change_all_or_none(kind: str, method: str) -> None:
    step = find(kind, method)
    before = step.settings()
    changed = {row["name"]: value for row in step.describe() if (value := other(row)) is not None and row["name"] != "random_state"}
    with pytest.raises(InputError, match="random_state"):
        step.set(**changed, random_state=-1)
    assert step.settings() == before


def test_a_step_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match=r"session\.reduce"):
        find("cluster", find("reduce", "pca"))


# what it gives


@every_step
def test_the_same_again_gives_the_same(kind: str, method: str) -> None:
    assert same(made(kind, method), run(brisk(kind, method), data(kind)))


@pytest.mark.parametrize("method", names("reduce"))
def test_the_number_of_cores_changes_no_layout(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_limits

    rows, given = np.random.default_rng(0).normal(size=(1_500, 300)).astype(np.float32), []
    for threads in (1, 2):
        monkeypatch.setenv("EXPLORER_THREADS", str(threads))
        with threadpool_limits(threads):
            given.append(run(brisk("reduce", method), rows))
    assert same(*given)


@every_step
def test_rows_in_are_rows_out(kind: str, method: str) -> None:
    result = made(kind, method)
    n = len(data(kind))
    assert len(result.values) == n
    assert result.values.dtype == (np.int32 if kind == "cluster" else np.float32)
    assert result.values.ndim == (1 if kind == "cluster" else 2)
    assert result.valid.all()
    assert all(len(array) == n for array in result.arrays.values())
    if kind == "reduce":
        assert result.values.shape == (n, 2)


@every_step
def test_a_record_is_plain_and_whole(kind: str, method: str) -> None:
    record = made(kind, method).record()
    assert json.loads(json.dumps(record)) == record
    assert record["settings"] == brisk(kind, method).settings()
    assert record["versions"]["embedding-explorer"]


@every_step
def test_given_by_name_class_or_object_is_the_same(kind: str, method: str) -> None:
    named = find(kind, method)
    assert find(kind, type(named)).key("x") == named.key("x") == find(kind, named).key("x")
    assert find(kind, named) is not named


@every_step
def test_every_setting_counts_for_the_key(kind: str, method: str) -> None:
    step = find(kind, method)
    keys = {step.key("x"), step.key("y")}
    changed = [(row["name"], value) for row in step.describe() if (value := other(row)) is not None]
    keys |= {find(kind, method, **{name: value}).key("x") for name, value in changed}
    assert len(keys) == 2 + len(changed)


def test_keys_are_the_same_in_every_process() -> None:
    code = "from explorer.step import *\nfor k in KINDS:\n for m in names(k): print(k, m, find(k, m).key('x'))"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == [f"{kind} {method} {find(kind, method).key('x')}" for kind, method in ALL]


@every_step
def test_a_result_is_read_back_as_it_was(kind: str, method: str, tmp_path: Path) -> None:
    result = made(kind, method)
    result.save(tmp_path / "results" / result.key)
    back = Result.load(tmp_path / "results" / result.key)
    assert same(result, back)
    assert back.record() == result.record()
    assert not back.values.flags.writeable
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    result.save(tmp_path / "results" / result.key)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files


def test_a_result_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("explorer.step.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        made("reduce", "pca").save(tmp_path / "result")
    assert list(tmp_path.iterdir()) == []


# how it runs


@every_step
def test_a_setting_moved_during_the_run_changes_nothing(kind: str, method: str) -> None:
    step = brisk(kind, method)
    before = step.settings()
    changed = {
        row["name"]: value for row in step.describe() if row["type"] not in {"list", "text"} and (value := other(row)) is not None
    }
    result = run(step, data(kind), Progress(lambda *_: step.set(**changed)))
    assert step.settings() == before | changed
    assert result.settings == before
    assert same(result, made(kind, method))


@every_step
def test_progress_goes_forward_to_the_end(kind: str, method: str) -> None:
    told: list[float] = []
    run(brisk(kind, method), data(kind), Progress(lambda fraction, _: told.append(fraction)))
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    assert len(told) >= 3, "compute itself must call progress too"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one and the one for temporary files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@every_step
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_stop_ends_the_run_and_leaves_nothing(kind: str, method: str, calls: int, empty: Path) -> None:
    made(kind, method)  # skips where packages are missing
    told: list[str] = []
    step = brisk(kind, method)
    before = step.settings()
    with pytest.raises(Cancelled):
        step.run(data(kind), Progress(lambda _, note: told.append(note), lambda: len(told) >= calls))
    assert len(told) == calls, "it went on after Stop"
    assert list(empty.iterdir()) == []
    assert step.settings() == before
    assert same(run(step, data(kind)), made(kind, method))


@every_step
def test_data_is_left_as_it_is(kind: str, method: str) -> None:
    given = dataset() if kind == "extract" else np.random.default_rng(0).normal(size=(60, 6))
    array = given.vectors if isinstance(given, Dataset) else given
    assert array is not None
    before = array.copy()
    array.flags.writeable = False
    assert same(run(brisk(kind, method), given), made(kind, method))
    assert np.array_equal(array, before)


@pytest.mark.parametrize(("kind", "method"), ON_ARRAYS)
def test_the_order_of_bytes_in_memory_changes_nothing(kind: str, method: str) -> None:
    expected = made(kind, method)
    given = data(kind)
    wide = np.zeros((120, 12))
    wide[::2, ::2] = given
    for form in (np.asfortranarray(given), given.astype(np.float32), given.astype(">f8"), wide[::2, ::2]):
        assert same(run(brisk(kind, method), form), expected)


# what it survives


@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize(("kind", "method"), [pair for pair in ALL if pair[0] == "extract"])
def test_three_items_and_items_that_are_alike(method: str, kind: str, alike: bool) -> None:
    for n in (3, 9):
        try:
            result = run(brisk(kind, method), dataset(n, same=alike))
        except InputError as problem:
            if alike and "same value" in str(problem):
                continue  # numbers that never vary say nothing about any item
            raise
        assert len(result.values) == n
        assert result.valid.all()
        if alike:
            assert np.allclose(result.values, result.values[0], atol=1e-5)


def degenerate() -> dict[str, np.ndarray]:
    """What arrives in practice, and what a test pilot would send."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(60, 6))

    def with_(row: int, column: int | slice, value: float) -> np.ndarray:
        changed = plain.copy()
        changed[row, column] = value
        return changed

    return {
        "a row of NaN": with_(3, slice(None), np.nan),
        "one inf": with_(3, 2, np.inf),
        "one 3e38": with_(3, 2, 3e38),
        "all about 3e38": np.where(plain > 0, 3e38, -3e38),
        "beyond float32": plain * 1e300,
        "denormal": plain * 1e-40,
        "beneath float32": plain * 1e-300,
        "one outlier of 1e9": with_(0, slice(None), 1e9),
        "a large offset": plain + 1e6,
        "one column": plain[:, :1],
        "more columns than rows": rng.normal(size=(10, 300)),
        "constant columns": np.hstack([plain[:, :2], np.ones((60, 3))]),
        "300 equal rows": np.ones((300, 5)),
        "300 equal rows among others": np.vstack([plain, np.repeat(plain[:1], 300, axis=0)]),
        "two different rows": np.repeat([[0.0, 0], [1, 1]], 30, axis=0),
        "all zeros": np.zeros((50, 4)),
        "some rows of zeros": np.vstack([plain, np.zeros((5, 6))]),
        "points on a line": np.outer(np.arange(60.0), np.ones(5)),
        "a grid of ties": np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2),
        "whole numbers": rng.integers(0, 5, (60, 4)),
        "bytes": rng.integers(0, 255, (60, 4)).astype(np.uint8),
        "true and false": plain > 0,
        "float16": plain.astype(np.float16),
        "three rows": plain[:3],
        "four rows, two of them bad": np.array([[0.0, 1], [np.nan, 1], [np.inf, 1], [2, 2]]),
        "nothing but NaN": np.full((20, 3), np.nan),
    }


@pytest.mark.parametrize("name", degenerate())
@pytest.mark.parametrize(("kind", "method"), ON_ARRAYS)
def test_any_array_gives_an_answer_or_one_sentence(kind: str, method: str, name: str) -> None:
    array = degenerate()[name]
    valid = np.isfinite(array).all(axis=1)
    variants: list[dict[str, Any]] = [{}]
    if kind == "cluster":
        variants.append({"on": "pca", "n_components": 2})
    for settings in variants:
        if valid.sum() < 3:
            with pytest.raises(InputError, match="at least 3"):
                run(brisk(kind, method, **settings), array)
            continue
        result = run(brisk(kind, method, **settings), array)
        assert len(result.values) == len(array)
        if kind == "reduce":
            assert (result.valid == valid).all()
        else:
            assert result.values.min() >= -1
            assert (result.values[~valid] == -1).all()
        assert all(np.isfinite(more).all() for more in result.arrays.values())


@pytest.mark.parametrize("name", degenerate())
def test_vectors_and_columns_take_any_array_too(name: str) -> None:
    array = degenerate()[name]
    wide = array.shape[1] > 50
    columns = {f"c{column}": array[:, column] for column in range(array.shape[1])}
    table = pa.table({name: pa.array(values) for name, values in columns.items()} if not wide else {"c": np.zeros(len(array))})
    with np.errstate(over="ignore"):
        vectors = array.astype(np.float32)
    given = Dataset("odd", np.arange(len(array)), table, dict.fromkeys(table.column_names, "number"), vectors=vectors)
    for method in ("vectors", "columns"):
        try:
            result = run(find("extract", method), given)
        except InputError:
            continue  # one sentence, tested where the sentence is made
        assert len(result.values) == len(array)
        assert not np.isinf(result.values).any()


# what the base class says to who writes a step


def test_a_step_without_compute_says_so() -> None:
    class Forgot(Step):
        kind, method = "reduce", "forgot"

    with pytest.raises(TypeError, match="Forgot has no compute method"):
        Forgot().run(np.ones((3, 2)))


def test_a_step_from_a_notebook_cell_can_be_given() -> None:
    class Mine(Step):
        kind, method = "reduce", "mine"

        def compute(self, data: np.ndarray, progress: Progress) -> Output:
            progress(0.5, "half way")
            return Output(data[:, :2], {"weight": data[:, 0]}, ("a note",))

    result = find("reduce", Mine).run(np.ones((3, 2), np.float32))
    assert result.notes == ("a note",)
    assert not registered("reduce", "mine")
