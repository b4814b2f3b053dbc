"""Folders of recordings and long recordings: windows, ids and columns; the same samples in any order; damage; and hostile bytes."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer
from explorer import InputError
from explorer.dataset.sounds import STRETCH, Header, check_sound, open_sound
from explorer.sources import sounds
from explorer.sources.sounds import windows_of

soundfile = pytest.importorskip("soundfile")
RATE = 8000
FORMS = {"wav": None, "flac": None, "ogg": None, "mp3": None}


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    """A tone that rises, with noise: nearly every moment is unlike every other."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(time * (300 + time)) + np.random.default_rng(0).normal(0, 0.02, len(time))).astype(np.float32)


def record(path: Path, seconds: float, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(seconds, rate), rate)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four short recordings of four forms, one of them deeper, and one of 17.4 s."""
    for place, form in enumerate(FORMS):
        record(tmp_path / "calls" / ("deep" if form == "ogg" else "") / f"{form}.{form}", 1 + place)
    record(tmp_path / "calls" / "long.wav", 17.4)
    return tmp_path / "calls"


def test_a_folder_of_recordings(folder: Path) -> None:
    (folder / "cover.png").write_bytes(b"")
    (folder / ".hidden.wav").write_bytes(b"")
    dataset = explorer.read(folder)
    assert dataset.roles == {"audio": "sound"}
    assert dataset.subject == "sounds"
    cut = ["long.wav@00-05", "long.wav@05-10", "long.wav@10-17"]
    assert dataset.ids.tolist() == ["deep/ogg.ogg", "flac.flac", *cut, "mp3.mp3", "wav.wav"]
    assert sorted(dataset.ids) == dataset.ids.tolist()
    assert dataset.column("file").tolist() == ["deep/ogg.ogg", "flac.flac", *["long.wav"] * 3, "mp3.mp3", "wav.wav"]
    assert dataset.column("folder").tolist() == ["deep", *[""] * 6]
    assert dataset.column("start").tolist() == [0, 0, 0, 5, 10, 0, 0]
    assert dataset.column("seconds").tolist() == pytest.approx([3, 2, 5, 5, 7.4, 4, 1], abs=1e-3)
    assert set(dataset.column("rate")) == {RATE}
    assert dataset.kinds["folder"] == dataset.kinds["file"] == "category"
    assert dataset.title_column is None, "windows of one recording are told apart by their ids"
    (note,) = dataset.notes
    assert "1 recording longer than 15 s was cut" in note
    assert "--window" in note
    assert dataset.table.column("sound")[6].as_py() == {"path": "wav.wav", "start": None, "stop": None}
    lasts = [dataset.sound(row).seconds for row in range(len(dataset))]
    assert lasts == pytest.approx(dataset.column("seconds").tolist(), abs=1e-3)
    np.testing.assert_allclose(dataset.sound(3).samples, tone(17.4)[5 * RATE : 10 * RATE], atol=1e-4)


def test_a_window_is_a_choice(folder: Path) -> None:
    dataset = explorer.read(folder, window=2.5)
    assert [name for name in dataset.ids if name.startswith("long")][:2] == ["long.wav@00.0-02.5", "long.wav@02.5-05.0"]
    assert "mp3.mp3@0.0-2.5" in dataset.ids.tolist()
    assert not dataset.notes
    assert explorer.read(dataset, audio="sound", columns="file").roles == {"audio": "sound"}, "read again, it is what it was"


def test_recordings_that_are_all_short_are_items(tmp_path: Path) -> None:
    for name in "abc":
        record(tmp_path / f"{name}.wav", 1)
    dataset = explorer.read(tmp_path)
    assert dataset.ids.tolist() == ["a.wav", "b.wav", "c.wav"]
    assert dataset.kinds == {"sound": "audio", "file": "id", "seconds": "number", "rate": "number"}


@pytest.mark.parametrize("form", FORMS)
def test_one_long_recording(tmp_path: Path, form: str) -> None:
    dataset = explorer.read(record(tmp_path / f"night.{form}", 31))
    assert dataset.ids.tolist() == [
        f"night.{form}@{start:02}-{stop:02}" for start, stop in zip((0, 5, 10, 15, 20, 25), (5, 10, 15, 20, 25, 31), strict=True)
    ]
    assert len(dataset.sound(5).samples) == 6 * RATE
    assert dataset.name == f"night.{form}"


def test_a_recording_too_short_for_a_map_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lasts 9 s, which is 2 windows of 5 s.*--window"):
        explorer.read(record(tmp_path / "short.wav", 9))
    assert len(explorer.read(tmp_path / "short.wav", window=3)) == 3


def test_what_cannot_be_read_is_left_out_and_named(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF and no more")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    outside = record(tmp_path / "secret.wav", 1)
    (folder / "link.wav").symlink_to(outside)
    notes = explorer.read(folder).notes
    assert any("2 recordings cannot be read" in note and "'broken.wav'" in note for note in notes)
    assert any("1 link leads out" in note for note in notes)
    for place in range(6):
        (folder / f"{place}.mp3").write_bytes(b"no sound at all")
    with pytest.raises(InputError, match="8 of 13 recordings cannot be read"):
        explorer.read(folder)


def test_a_folder_with_more_pictures_is_one_of_pictures(folder: Path) -> None:
    assert sounds.fits(folder)
    for place in range(5):
        (folder / f"{place}.png").write_bytes(b"")
    assert not sounds.fits(folder)


@given(st.lists(st.floats(0.01, 500), min_size=1, max_size=8), st.floats(0.1, 60), st.sampled_from([0.0, 15.0]))
def test_windows_cover_every_recording_once(seconds: list[float], window: float, whole: float) -> None:
    """Against walking along each recording."""
    cut = windows_of(np.array(seconds), window, whole)
    rows = []
    for of, length in enumerate(seconds):
        starts = [0.0]
        while length > whole and length - (starts[-1] + window) >= window / 2 - 1e-9:
            starts.append(starts[-1] + window)
        rows += [(of, start, stop, len(starts) > 1) for start, stop in zip(starts, [*starts[1:], length], strict=True)]
    got = list(zip(*(part.tolist() for part in cut), strict=True))
    if len(got) == len(rows):  # else an end lies on the very border of half a window
        np.testing.assert_allclose(np.array(got, float), np.array(rows, float), atol=1e-4)
    for of, length in enumerate(seconds):
        mine = cut.of == of
        assert cut.start[mine][0] == 0
        assert cut.stop[mine][-1] == length
        assert (cut.start[mine][1:] == cut.stop[mine][:-1]).all()
    assert abs(len(got) - len(rows)) <= len(seconds)


def test_a_million_windows_and_no_more_than_twenty() -> None:
    found = sounds._found("x", Path(), [(f"{name}.wav", Header(36_000.0, 44_100, 1)) for name in range(140)], None, 15.0)
    assert found.rows == 140 * 7_200
    assert len(set(found.ids)) == found.rows
    with pytest.raises(InputError, match="give a longer --window"):
        windows_of(np.full(100, 1e6), 1.0, 0.0)


@pytest.mark.parametrize("form", FORMS)
def test_a_window_is_the_same_samples_whatever_was_read_before(tmp_path: Path, form: str) -> None:
    path = str(record(tmp_path / f"long.{form}", 2 * STRETCH + 17))
    spans = [(start, start + 7) for start in range(0, 2 * STRETCH + 7, 7)]

    def read(span: tuple[int, int]) -> bytes:
        return open_sound({"path": path, "start": float(span[0]), "stop": float(span[1])}, None, "x").samples.tobytes()

    in_order = [read(span) for span in spans]
    mixed = random.Random(1).sample(spans, len(spans))
    with ThreadPoolExecutor(4) as pool:
        assert dict(zip(mixed, pool.map(read, mixed), strict=True)) == dict(zip(spans, in_order, strict=True))
    whole = open_sound(path, None, "x").samples
    for (start, stop), samples in zip(spans, in_order, strict=True):
        np.testing.assert_allclose(np.frombuffer(samples, np.float32), whole[start * RATE : stop * RATE], atol=1e-5)


def test_the_stretches_of_an_mp3_start_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its frames lean on those before: 20 of 59 stretches began with noise where decoding began just there."""
    monkeypatch.setattr("explorer.dataset.sounds.STRETCH", 3)
    noise = np.random.default_rng(0).normal(0, 0.02, 60 * 22_050)
    path = str(tmp_path / "a.mp3")
    soundfile.write(path, 0.4 * np.sin(np.arange(len(noise)) * 0.05) + noise, 22_050)
    whole = open_sound(path, None, "x").samples
    for start in range(0, 57, 3):
        samples = open_sound({"path": path, "start": float(start), "stop": start + 3.0}, None, "x").samples
        np.testing.assert_allclose(samples, whole[start * 22_050 :][: len(samples)], atol=1e-4)


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    data = bytearray(record(tmp_path / "a.mp3", 20).read_bytes())
    frames = next(data.index(mark) + 8 for mark in (b"Xing", b"Info") if mark in data)
    told = int.from_bytes(data[frames : frames + 4], "big")
    data[frames : frames + 4] = (told * 100).to_bytes(4, "big")
    with pytest.raises(InputError, match="header is damaged"):
        check_sound(bytes(data), None, "x")


def test_other_formats_are_not_opened(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.au", tone(1), RATE)
    with pytest.raises(InputError, match="not a sound that can be read"):
        check_sound((tmp_path / "a.au").read_bytes(), None, "x")


@pytest.mark.parametrize("form", FORMS)
def test_damaged_bytes_give_sound_or_one_sentence(tmp_path: Path, form: str, capfd: Any) -> None:
    good = record(tmp_path / f"a.{form}", 1.5).read_bytes()
    chance, path, read = random.Random(2), tmp_path / f"b.{form}", 0
    said: list[str] = []
    for case in range(200):
        data = bytearray(good)
        for _ in range(chance.choice((1, 4, 30))):
            data[chance.randrange(min(len(data), 200) if case % 2 else len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.randrange(1, len(data))] if case % 5 == 0 else data)
        try:
            header = check_sound(str(path), None, "x")
            for asked in (str(path), {"path": str(path), "start": 0.5, "stop": 1.0}, bytes(data)):
                samples = open_sound(asked, None, "x").samples
                assert samples.dtype == np.float32
                assert np.isfinite(samples).all()
            read += header.seconds > 0
        except InputError as problem:
            said.append(str(problem))
    assert read, "some are harmless"
    assert not [each for each in said if "\n" in each]
