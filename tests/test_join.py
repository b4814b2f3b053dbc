"""Extractors side by side: each counts as it should, parts are used again, and an item that lacks one is no loss."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.dataset import Dataset
from explorer.errors import Cancelled, InputError
from explorer.features import fitting, join
from explorer.features.base import Extractor
from explorer.features.columns import Columns
from explorer.features.join import Join, usual
from explorer.features.lsa import LSA
from explorer.features.vectors import Vectors
from explorer.step import PARTIAL, Progress, Result, find

N = 60
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(N, 7)).astype(np.float32) * 100
WORDS = ["red fox runs home", "blue whale swims far", "green tree grows tall", "grey stone lies still"]


def things(*, vectors: np.ndarray | None = VECTORS, **more: Any) -> Dataset:
    columns: dict[str, Any] = {"size": RNG.normal(size=N), "colour": [("red", "blue", "green")[row % 3] for row in range(N)],
                               "words": [f"{WORDS[row % 4]} {WORDS[row % 3]}" for row in range(N)]} | more  # fmt: skip
    kinds = {"size": "number", "colour": "category", "words": "text"}
    return Dataset("things", np.arange(N), pa.table(columns), kinds, {"text": "words"}, vectors)


def part(made: np.ndarray, start: int, width: int) -> np.ndarray:
    return made[:, start : start + width].astype(np.float64)


def length(values: np.ndarray) -> float:
    """The mean squared length."""
    return float((values**2).sum(axis=1).mean())


def test_each_part_counts_the_same_or_as_its_weight_says(tmp_path: Path) -> None:
    data = things()
    for store in (None, tmp_path / "join"):
        made = Join(parts=["vectors", "columns=4", "lsa=0.25"]).run(data, store=store).values
        assert made.dtype == np.float32
        widths = [find("extract", name).run(data).values.shape[1] for name in ("vectors", "columns", "lsa")]
        assert made.shape == (N, sum(widths))
        at = np.cumsum([0, *widths])
        for start, width, weight in zip(at, widths, (1.0, 4.0, 0.25), strict=False):
            assert length(part(made, start, width)) == pytest.approx(weight, rel=1e-4)
            assert np.allclose(part(made, start, width).mean(axis=0), 0.0, atol=1e-5)
        shape = VECTORS - VECTORS.mean(axis=0)
        assert np.allclose(part(made, 0, 7), shape / np.sqrt(length(shape)), atol=1e-4), "only moved and scaled"


def test_in_blocks_is_the_same_as_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = things()
    whole = Join(parts=["vectors", "columns"]).run(data).values
    monkeypatch.setattr(join, "VALUES", 40)
    cut = Join(parts=["vectors", "columns"]).run(data, store=tmp_path / "join")
    assert isinstance(cut.values, np.memmap)
    assert np.allclose(whole, cut.values, atol=1e-6)


def test_without_names_there_is_one_part_for_each_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "find_spec", lambda name: None)
    assert usual(things()) == ["vectors", "lsa", "columns"]
    assert usual(things(vectors=None)) == ["lsa", "columns"]
    result = Join().run(things())
    assert result.settings["parts"] == []
    assert length(result.values) == pytest.approx(3.0, rel=1e-4)


def test_it_is_offered_where_two_parts_fit() -> None:
    alone = Dataset("alone", np.arange(N), pa.table({}), {}, vectors=VECTORS)
    assert "join" not in fitting(alone)
    assert "join" in fitting(things())
    with pytest.raises(InputError, match="at least two parts can be joined, and only 'vectors' is there"):
        Join().run(alone)
    with pytest.raises(InputError, match="only 'columns' is there"):
        Join(parts=["columns", "lsa=0"]).run(things())


def test_a_wrong_part_is_answered_with_what_fits() -> None:
    wrong = {
        ("colums", "lsa"): "did you mean 'columns'",
        ("columns", "join"): "no method to extract is called 'join'",
        ("image", "lsa"): "the part 'image' needs image.*parts that fit are",
        ("lsa=much", "columns"): "a weight is a number",
    }
    for parts, why in wrong.items():
        with pytest.raises(InputError, match=why):
            Join(parts=list(parts)).run(things())


def test_an_item_that_lacks_a_part_counts_as_its_mean_and_one_that_lacks_all_has_none(tmp_path: Path) -> None:
    vectors = VECTORS.copy()
    vectors[[3, 5]] = np.nan
    result = Join(parts=["vectors", "columns"]).run(things(vectors=vectors), store=tmp_path / "join")
    assert result.valid.all()
    assert not np.asarray(result.values)[[3, 5], :7].any()
    assert "vectors: 2 items have no features of it and count as its mean" in result.notes
    data = Dataset("two", np.arange(N), pa.table({"words": [f"{WORDS[row % 4]}" if row != 5 else "" for row in range(N)]}),
                   {"words": "text"}, {"text": "words"}, vectors)  # fmt: skip
    empty = Join(parts=["vectors", "lsa"]).run(data)
    lsa = LSA().run(data).valid
    assert np.flatnonzero(~empty.valid).tolist() == [row for row in (3, 5) if not lsa[row]]


def test_a_part_that_is_the_same_for_every_item_is_left_out() -> None:
    made = Join(parts=["vectors", "columns"]).run(things(vectors=np.ones((N, 4), np.float32)))
    assert "vectors: left out, since it is the same for every item" in made.notes
    assert length(made.values) == pytest.approx(1.0, rel=1e-4)


def test_parts_nobody_named_that_cannot_run_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "find_spec", lambda name: None)
    table = {"size": np.zeros(N), "colour": ["red"] * N}
    made = Join().run(things(**table))
    assert any(note.startswith("columns: left out, since") for note in made.notes)
    with pytest.raises(InputError, match="same value"):
        Join(parts=["vectors", "columns"]).run(things(**table))


# -- what is on disk --------------------------------------------------------------------------------------------------------------


def test_a_finished_part_is_read_and_a_new_one_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, ran = things(), []
    run = Extractor.run

    def counted(self: Any, *given: Any, **named: Any) -> Result:
        ran.append(self.method)
        return run(self, *given, **named)

    monkeypatch.setattr(Extractor, "run", counted)
    own = Vectors().run(data)
    own.save(tmp_path / "vectors" / own.key)
    ran.clear()
    result = Join(parts=["vectors", "columns"]).run(data, store=tmp_path / "join")
    assert ran == ["join", "columns"]
    kept = Result.load(tmp_path / "columns" / Columns().key(data.fingerprint))
    assert np.array_equal(kept.values, Columns().run(data).values)
    ran.clear()
    again = Join(parts=["vectors", "columns=2"]).run(data, store=tmp_path / "join")
    assert ran == ["join"]
    again.save(tmp_path / "join" / again.key)
    result.save(tmp_path / "join" / result.key)
    assert [path.name for path in (tmp_path / "join").iterdir() if path.name.startswith(PARTIAL)] == []
    assert np.array_equal(Result.load(tmp_path / "join" / result.key).values, Join(parts=["vectors", "columns"]).run(data).values)


def test_a_damaged_part_is_computed_again(tmp_path: Path) -> None:
    data = things()
    place = tmp_path / "columns" / Columns().key(data.fingerprint) / "values.npy"
    expected = Join(parts=["vectors", "columns"]).run(data, store=tmp_path / "join").values.copy()
    flipped = bytearray(place.read_bytes())
    flipped[-1] ^= 0x40
    for damage in (bytes(flipped), b"not an array", b""):
        place.write_bytes(damage)
        assert np.array_equal(Join(parts=["vectors", "columns"]).run(data, store=tmp_path / "join").values, expected)


def stopped(store: Path, calls: int) -> list[str]:
    """What was said until it was stopped after so many calls, or all, where it came to its end before."""
    told: list[str] = []
    progress = Progress(lambda _, note: told.append(note), lambda: len(told) >= calls)
    try:
        Join(parts=["vectors", "columns"]).run(things(), progress, store=store)
    except Cancelled:
        assert len(told) == calls
    return told


def test_stop_leaves_finished_parts_and_nothing_else(tmp_path: Path) -> None:
    """At every moment at which it can be stopped, but the last: then what is there is swept away by the next run."""
    whole = len(stopped(tmp_path / "whole" / "join", 100))
    for calls in range(whole - 1):
        store = tmp_path / str(calls) / "join"
        stopped(store, calls)
        left = {path.relative_to(store.parent).parts[0] for path in store.parent.rglob("settings.json")}
        assert left <= {"vectors", "columns"}
        assert not list(store.glob(f"{PARTIAL}*"))
    store = tmp_path / "last" / "join"
    assert stopped(store, whole - 1)[-1] == "putting them together"
    result = Join(parts=["vectors", "lsa"]).run(things(), store=store)
    result.save(store / result.key)
    assert not list(store.glob(f"{PARTIAL}*"))


def test_pictures_stream_and_are_taken_over(tmp_path: Path) -> None:
    """A part that writes blocks leaves nothing of them behind."""
    pytest.importorskip("torch")
    from PIL import Image as Pillow

    def png(row: int) -> bytes:
        file = io.BytesIO()
        Pillow.fromarray(np.random.default_rng(row).integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    n = 6
    table = pa.table({"picture": pa.array([{"bytes": png(row) if row else b"no picture", "path": None} for row in range(n)]),
                      "size": np.arange(float(n))})  # fmt: skip
    data = Dataset("pictures", np.arange(n), table, {"picture": "image", "size": "number"}, {"image": "picture"})
    try:
        result = Join(parts=["image", "columns"]).run(data, store=tmp_path / "join")
    except InputError as problem:
        pytest.skip(str(problem))
    assert result.valid.all()
    assert "image: 1 item has no features of it and counts as its mean" in result.notes
    assert not list((tmp_path / "image").glob(f"{PARTIAL}*"))
    assert result.kept is not None
    result.kept.discard()
