"""Features of a collection of any size: the same bytes however often a run is broken, and nothing computed twice."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import param
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.dataset import Dataset
from explorer.errors import Cancelled, InputError
from explorer.features.base import ItemExtractor
from explorer.features.estimate import Estimate, estimated
from explorer.features.partial import Partial
from explorer.features.stream import Encoded, Encoder
from explorer.session import Session
from explorer.step import Progress, Result

SEEN: list[str] = []  # the texts that were encoded, for tests in one thread


class Letters(ItemExtractor):
    """How often each letter stands in a text."""

    method = "letters"
    needs = "text"

    factor = param.Number(1.0, bounds=(0.0, 1e6), doc="What the counts are multiplied by.")
    workers = param.Integer(1, bounds=(1, 8), doc="Threads.")
    pause = param.Number(0.0, bounds=(0.0, 1.0), doc="Seconds a batch takes.")
    learned = param.String("", doc="What is learned from the dataset.")

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """Counts letters; a text with a ``!`` cannot be read, one with a ``?`` has features that are no numbers."""

        def encode(rows: Sequence[int]) -> Encoded:
            time.sleep(self.pause)
            texts = dict(zip(rows, data.texts(np.array(rows)), strict=True))
            SEEN.extend(texts.values())
            kept = [row for row, text in texts.items() if "!" not in text]
            counts = np.array([[texts[row].count(letter) for letter in "abcde"] for row in kept], np.float32).reshape(-1, 5)
            counts[["?" in texts[row] for row in kept]] = np.nan
            lost = [(row, "it shouts") for row in texts if row not in kept]
            return Encoded(kept, counts * self.factor + np.float32(1 / 3), lost)

        def cost(rows: np.ndarray) -> np.ndarray:
            return np.array([len(text) for text in data.texts(rows)])

        yield Encoder(encode, "texts", 5, 4, block=16, workers=self.workers, fit=self.learned, cost=cost)


def texts(words: Sequence[str | None]) -> Dataset:
    return Dataset(
        "texts", np.arange(len(words)), pa.table({"text": pa.array(words, pa.string())}), {"text": "text"}, {"text": "text"}
    )


def some(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("abcdef"), rng.integers(0, 30))) + f" {seed}.{row}" for row in range(n)]


def stored(result: Result, store: Path) -> bytes:
    """The file of values that a result leaves."""
    result.save(store / result.key)
    return (store / result.key / "values.npy").read_bytes()


def left(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir() if path.name.startswith("."))


def test_the_values_are_the_same_with_and_without_a_store(tmp_path: Path) -> None:
    data = texts(some(100))
    in_memory = Letters().run(data)
    kept = Letters().run(data, store=tmp_path)
    assert isinstance(kept.values, np.memmap)
    assert in_memory.values.tobytes() == np.asarray(kept.values).tobytes()
    expected = np.array([[text.count(letter) for letter in "abcde"] for text in data.texts()], np.float32) + np.float32(1 / 3)
    assert np.array_equal(in_memory.values, expected)
    kept.save(tmp_path / kept.key)
    assert left(tmp_path) == []
    assert Result.load(tmp_path / kept.key).values.tobytes() == in_memory.values.tobytes()


@pytest.mark.parametrize("blocks", [0, 1, 3, 5])
def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, blocks: int) -> None:
    data = texts(some(100))
    whole = stored(Letters().run(data, store=tmp_path / "whole"), tmp_path / "whole")
    SEEN.clear()

    def stop() -> bool:
        return len(SEEN) > 16 * blocks + 5

    with pytest.raises(Cancelled):
        Letters().run(data, Progress(cancelled=stop), store=tmp_path / "broken")
    computed = len(SEEN)
    SEEN.clear()
    assert stored(Letters().run(data, store=tmp_path / "broken"), tmp_path / "broken") == whole
    assert len(SEEN) == 100 - 16 * blocks <= 100 - computed + 24  # no more than a block, and what ran ahead, is computed twice
    assert left(tmp_path / "broken") == []


KILLED = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from test_streaming import Letters, some, texts
Letters(pause=0.002, workers=2).run(texts(some(400)), store=Path({store!r}))
"""


@pytest.mark.parametrize("lines", [0, 1, 7, 20])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, lines: int) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent), store=str(tmp_path / "killed"))
    child = subprocess.Popen([sys.executable, "-c", script])
    done = tmp_path / "killed"
    while child.poll() is None and sum(path.read_bytes().count(b"\n") for path in done.glob(".partial-*/done.jsonl")) < lines:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.wait()
    again = Letters(pause=0.002, workers=2)
    SEEN.clear()
    resumed = stored(again.run(texts(some(400)), store=done), done)
    assert len(SEEN) <= 400 - 16 * lines
    assert resumed == stored(again.run(texts(some(400)), store=tmp_path / "whole"), tmp_path / "whole")


def test_damage_to_what_is_on_its_way_costs_the_blocks_after_it(tmp_path: Path) -> None:
    data, random = texts(some(100)), np.random.default_rng(0)
    whole = stored(Letters().run(data, store=tmp_path / "whole"), tmp_path / "whole")
    for turn in range(40):
        store = tmp_path / f"{turn}"
        SEEN.clear()
        with pytest.raises(Cancelled):
            Letters().run(data, Progress(cancelled=lambda: len(SEEN) > 70), store=store)
        folder = next(path for path in store.glob(".partial-*") if path.is_dir())
        victim = folder / ("values.bin", "digests.bin", "done.jsonl")[turn % 3]
        content = bytearray(victim.read_bytes())
        place = int(random.integers(len(content)))
        if turn % 2:
            content = content[:place]
        else:
            content[place] ^= 1 << int(random.integers(8))
        victim.write_bytes(content)
        made = Letters().run(data, store=store)
        assert stored(made, store) == whole


def test_only_what_is_new_is_computed(tmp_path: Path) -> None:
    before, new = some(60), some(30, seed=1)
    stored(Letters().run(texts(before), store=tmp_path), tmp_path)
    grown = [text for pair in zip(before[:30], new, strict=True) for text in pair] + before[40:]  # in another order, and some gone
    SEEN.clear()
    result = Letters().run(texts(grown), store=tmp_path)
    assert sorted(SEEN) == sorted(new)
    assert np.asarray(result.values).tobytes() == Letters().run(texts(grown)).values.tobytes()
    assert result.notes == (f"50 of {len(grown)} texts were computed for an earlier state of the data and taken over",)
    stored(result, tmp_path)
    SEEN.clear()
    assert Letters(factor=2.0).run(texts(before), store=tmp_path).notes == ()
    assert Letters(learned="otherwise").run(texts(before), store=tmp_path).notes == ()
    assert len(SEEN) == 120  # other settings, and another thing learned, are other features


def test_equal_items_are_computed_once(tmp_path: Path) -> None:
    SEEN.clear()
    result = Letters().run(texts(["abc", "de", "abc", None, "", "abc"]))
    assert sorted(SEEN) == ["", "", "abc", "de"]  # a missing text and an empty one are not the same item
    assert np.array_equal(result.values[0], result.values[2])
    assert np.array_equal(result.values[0], result.values[5])


def test_what_cannot_be_read_is_said_and_kept_as_a_row(tmp_path: Path) -> None:
    result = Letters().run(texts(["ab!", "a?", *some(40), "ab!"]), store=tmp_path)
    assert np.flatnonzero(~result.valid).tolist() == [0, 1, 42]
    assert result.lost == {"0": "it shouts", "1": "its features are not finite", "42": "it shouts"}
    assert result.notes == ("3 of 43 texts have no features: it shouts, its features are not finite",)
    stored(result, tmp_path)
    again = Result.load(tmp_path / result.key)
    assert (again.lost, again.notes) == (result.lost, result.notes)
    SEEN.clear()
    Letters().run(texts(["ab!", *some(40), "c"]), store=tmp_path)
    assert sorted(SEEN) == ["ab!", "c"]  # it is tried again: a file may have been mended
    with pytest.raises(InputError, match="3 of 5 texts give no features: it shouts"):
        Letters().run(texts(["!a", "!b", "!c", "d", "e"]))


def test_half_precision_on_disk(tmp_path: Path) -> None:
    data = texts(some(50))
    exact, half = Letters().run(data), Letters(precision="float16").run(data, store=tmp_path)
    half.save(tmp_path / half.key)
    assert np.load(tmp_path / half.key / "values.npy").dtype == np.float16
    read = Result.load(tmp_path / half.key).values
    assert read.dtype == np.float32
    assert np.allclose(read, exact.values, rtol=1e-3)
    assert np.array_equal(read, Letters(precision="float16").run(data).values)
    large = Letters(precision="float16", factor=1e6).run(texts(["abcde" * 3, "a", "b"])).values
    assert np.isfinite(large).all()


def test_two_runs_of_the_same_at_once_do_not_meet(tmp_path: Path) -> None:
    data, made = texts(some(200)), []

    def run() -> None:
        made.append(Letters(pause=0.001).run(data, store=tmp_path))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({np.asarray(one.values).tobytes() for one in made}) == 1
    for one in made:
        one.save(tmp_path / one.key)
    assert left(tmp_path) == []


FULL = """
import sys; sys.path.insert(0, {tests!r})
import resource, signal
from pathlib import Path
from test_streaming import Letters, some, texts
from explorer.errors import InputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))
try:
    Letters().run(texts(some(400)), store=Path({store!r}))
except InputError as problem:
    print(problem)
"""


@pytest.mark.parametrize("most", [100, 1_000, 4_000, 7_000])
def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path, most: int) -> None:
    script = FULL.format(tests=str(Path(__file__).parent), store=str(tmp_path), most=most)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "cannot be kept" in said
    assert "free some disk" in said
    SEEN.clear()
    data = texts(some(400))
    result = Letters().run(data, store=tmp_path)
    assert np.asarray(result.values).tobytes() == Letters().run(data).values.tobytes()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(InputError, match=r"cannot be kept in .*store .*free some disk"):
        Letters().run(texts(some(5)), store=tmp_path / "store")


def test_what_could_not_be_read_is_tried_again_once_it_is_mended(tmp_path: Path) -> None:
    data = texts([*some(30), *(f"{word}!" for word in some(40, seed=1))])
    with pytest.raises(InputError, match="40 of 70 texts give no features: it shouts"):
        Letters().run(data, store=tmp_path)
    with pytest.raises(InputError, match="40 of 70"):
        Letters().run(data, store=tmp_path)
    SEEN.clear()
    mended = _Mended().run(data, store=tmp_path)
    assert len(SEEN) == 40
    assert mended.lost == {}
    assert np.asarray(mended.values).tobytes() == _Mended().run(data).values.tobytes()


class _Mended(Letters):
    """As if what could not be read now can be."""

    @contextmanager
    def encoder(self, data: Dataset, progress: Progress) -> Iterator[Encoder]:
        """Reads what shouts too."""
        with super().encoder(data, progress) as made:

            def encode(rows: Sequence[int]) -> Encoded:
                SEEN.extend(data.texts(np.array(rows)))
                counts = [[text.count(letter) for letter in "abcde"] for text in data.texts(np.array(rows))]
                return Encoded(rows, np.array(counts, np.float32) * self.factor + np.float32(1 / 3))

            yield replace(made, encode=encode)


def test_damage_to_an_earlier_result_is_not_taken_over(tmp_path: Path) -> None:
    words = some(40)
    first = Letters().run(texts(words), store=tmp_path)
    first.save(tmp_path / first.key)
    values = tmp_path / first.key / "values.npy"
    data = bytearray(values.read_bytes())
    data[-1] ^= 1
    values.chmod(0o644)
    values.write_bytes(bytes(data))
    grown = texts([*words, *some(3, seed=1)])
    assert np.asarray(Letters().run(grown, store=tmp_path).values).tobytes() == Letters().run(grown).values.tobytes()


def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening a lock's file and locking it, whoever held it may have removed it."""
    fcntl = pytest.importorskip("fcntl")
    whole, removed = fcntl.flock, []

    def late(file: object, how: int) -> None:
        if not removed:
            removed.append(True)
            (tmp_path / ".partial-key.lock").unlink()
        whole(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    first = Partial(tmp_path, "key")
    second = Partial(tmp_path, "key")
    assert first.folder != second.folder
    first.discard()
    second.discard()
    assert left(tmp_path) == []


def test_texts_are_not_looked_for_on_disk(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("once")
    data = replace(texts(["note", "other", "third"]), root=tmp_path)
    before = data.digests("text", np.arange(3))
    (tmp_path / "note").write_text("and again")
    assert np.array_equal(data.digests("text", np.arange(3)), before)


def test_a_few_rows_cost_no_copy_of_the_column() -> None:
    words = [f"{number:06}" * 50 for number in range(20_000)]
    column = pa.chunked_array([words[start : start + 2_000] for start in range(0, len(words), 2_000)], pa.string())
    data = Dataset("texts", np.arange(len(words)), pa.table({"text": column}), {"text": "text"}, {"text": "text"})
    rows = np.array([19_999, 3, 2_000, 3])
    before, held = pa.total_allocated_bytes(), pa.default_memory_pool().max_memory()
    assert data.texts(rows) == [words[row] for row in rows]
    few = data.take(np.array([19_999, 3, 2_000]))
    assert few.texts() == [words[19_999], words[3], words[2_000]]
    assert few.ids.tolist() == [19_999, 3, 2_000]
    assert pa.default_memory_pool().max_memory() - max(held, before) < column.nbytes / 10


numbers = st.lists(st.integers(0, 8), min_size=3, max_size=60)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=3, max_size=60), st.lists(st.integers(0, 8), min_size=3, max_size=60))
def test_any_two_collections_share_what_they_share(
    tmp_path_factory: pytest.TempPathFactory, one: list[int], two: list[int]
) -> None:
    store = tmp_path_factory.mktemp("store")
    stored(Letters().run(texts([f"a{number}" * number for number in one]), store=store), store)
    SEEN.clear()
    words = [f"a{number}" * number for number in two]
    result = Letters().run(texts(words), store=store)
    assert np.asarray(result.values).tobytes() == Letters().run(texts(words)).values.tobytes()
    assert len(SEEN[: -len(set(words))]) == len(set(two) - set(one))


def test_a_session_keeps_and_finds_them(tmp_path: Path) -> None:
    def named(words: Sequence[str]) -> Dataset:
        table = pa.table({"text": list(words)})
        return Dataset("texts", np.array([f"text {word}" for word in words], object), table, {"text": "text"}, {"text": "text"})

    words = some(50)
    session = Session(named(words), tmp_path / "w.explorer")
    first = session.extract(Letters())
    session.close()
    SEEN.clear()
    grown = Session(named([*words, "new a"]), tmp_path / "w.explorer")
    result = grown.extract(Letters())
    assert SEEN == ["new a"]
    assert np.array_equal(result.values[:50], first.values)
    assert left(tmp_path / "w.explorer" / "results" / "extract" / "letters") == []


def test_blocks_stay_when_a_run_is_dropped(tmp_path: Path) -> None:
    partial = Partial(tmp_path, "key")
    partial.append(np.ones((3, 2), np.float32), np.arange(6, dtype=np.uint64).reshape(3, 2), [(1, "why")])
    del partial
    again = Partial(tmp_path, "key")
    assert (again.rows, again.width, again.lost) == (3, 2, [(1, "why")])
    assert again.digests().tolist() == [[0, 1], [2, 3], [4, 5]]
    assert json.loads((again.folder / "done.jsonl").read_text())["rows"] == 3
    other = Partial(tmp_path, "key")
    assert other.rows == 0  # somebody else works on it
    other.discard()
    again.discard()
    assert os.listdir(tmp_path) == []


def test_an_estimate_counts_what_is_left(tmp_path: Path) -> None:
    words = some(600)
    session = Session(texts(words))
    guess = session.estimate(Letters(pause=0.01))
    assert (guess.items, guess.known) == (600, 0)
    assert 0.8 < guess.seconds < 15  # 150 batches of 0.01 s at least
    assert guess.disk == 600 * (5 * 4 + 16)
    assert guess.sample < 600
    assert session.features is None
    session.extract(Letters(pause=0.01))
    assert session.estimate(Letters(pause=0.01)).items == 0
    SEEN.clear()
    store = tmp_path / "broken"
    with pytest.raises(Cancelled):
        Letters().run(texts(words), Progress(cancelled=lambda: len(SEEN) > 100), store=store)
    assert estimated(Letters(), texts(words), Progress(), store).known >= 80


def test_an_estimate_in_words(tmp_path: Path) -> None:
    guess = Estimate(1_000, 200, 754.0, 1_200_000_000, 900_000_000, 40)
    assert str(guess) == "about 13 min 0 s · 1.2 GB on disk · 900 MB of memory · 200 known already"
    assert str(Estimate(3, 0, 0.2, 100, 2_000_000, 3)) == "under a second · 1 kB on disk · 2.0 MB of memory"
    guess.save(tmp_path / "one.json")
    assert Estimate.load(tmp_path / "one.json") == guess


def test_a_page_asks_a_child_for_its_estimate() -> None:
    rows = np.arange(90.0)
    session = Session(Dataset("t", np.arange(90), pa.table({"a": rows, "b": rows**2}), {"a": "number", "b": "number"}))
    job = session.start_estimate(session.step("extract", "columns"))
    assert job is not None
    guess = session.estimated(job.wait(120))
    assert (guess.items, guess.sample, guess.disk) == (90, 90, 90 * 2 * 4)
    assert session.start_estimate(Letters()) is None
