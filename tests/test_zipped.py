"""Zipped sources: read as what is in them; nothing is written outside the cache; bombs, secrets and damage said in one sentence."""

from __future__ import annotations

import io
import os
import random
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import InputError
from explorer.sources import cache, zipped

ROWS = b"id,words\na,one thing\nb,two things\nc,three things\n"


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unpacked"


def picture(shade: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 6), (shade, 0, 0)).save(held, "PNG")
    return held.getvalue()


def zipped_up(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


PICTURES = {f"photos/{name}.png": picture(place) for place, name in enumerate("abc")}


def refused(path: Path) -> str:
    with pytest.raises(InputError) as problem:
        explorer.read(path)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_one_file_is_read_as_that_file(tmp_path: Path) -> None:
    dataset = explorer.read(zipped_up(tmp_path / "t.zip", {"deep/t.csv": ROWS, "__MACOSX/deep/._t.csv": b"x"}), text="words")
    assert dataset.ids.tolist() == ["a", "b", "c"]
    assert dataset.roles == {"text": "words"}
    assert dataset.name == "t"


def test_a_table_beside_what_cannot_be_read(tmp_path: Path) -> None:
    assert len(explorer.read(zipped_up(tmp_path / "t.zip", {"t.csv": ROWS, "LICENCE": b"all mine", "read.md": b"me"}))) == 3
    assert "'a.npy', 'b.npy'" in refused(zipped_up(tmp_path / "two.zip", {"a.npy": b"1", "b.npy": b"2"}))


def test_a_folder_of_pictures_and_one_of_sounds(tmp_path: Path) -> None:
    dataset = explorer.read(zipped_up(tmp_path / "p.zip", PICTURES))
    assert dataset.ids.tolist() == ["a.png", "b.png", "c.png"], "the one top folder is stepped into"
    assert dataset.picture(2).getpixel((0, 0)) == (2, 0, 0)
    soundfile = pytest.importorskip("soundfile")
    held = io.BytesIO()
    soundfile.write(held, np.zeros(800, np.float32), 8000, format="WAV")
    calls = explorer.read(zipped_up(tmp_path / "s.zip", {f"{name}/x.wav": held.getvalue() for name in "abc"}))
    assert calls.roles == {"audio": "sound"}


def test_arrays_are_a_file_like_others(tmp_path: Path) -> None:
    held = io.BytesIO()
    np.save(held, np.eye(4, dtype=np.float32))
    assert explorer.read(zipped_up(tmp_path / "v.zip", {"v.npy": held.getvalue()})).vectors.shape == (4, 4)


def test_a_second_time_it_is_not_unpacked_and_a_changed_one_is(tmp_path: Path, shelf: Path) -> None:
    path = zipped_up(tmp_path / "p.zip", PICTURES)
    first = explorer.read(path)
    (entry,) = shelf.iterdir()
    kept = first.root / "a.png"
    os.utime(entry, (0, 0))
    inode = kept.stat().st_ino
    assert explorer.read(path).fingerprint == first.fingerprint
    assert kept.stat().st_ino == inode
    assert time.time() - entry.stat().st_mtime < 100, "it is known to be in use"
    zipped_up(path, PICTURES | {"photos/d.png": picture(9)})
    assert len(explorer.read(path)) == 4


def test_unpacked_again_it_is_the_same_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped_up(tmp_path / "p.zip", PICTURES)
    first = explorer.read(path).fingerprint
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "other"))
    time.sleep(0.02)
    assert explorer.read(path).fingerprint == first


def test_what_is_unused_for_a_month_goes(tmp_path: Path, shelf: Path) -> None:
    explorer.read(zipped_up(tmp_path / "old.zip", PICTURES))
    (old,) = shelf.iterdir()
    (shelf / ".part-dead").mkdir()
    (shelf / ".part-live").mkdir()
    for path, age in ((old, cache.UNUSED + 9), (shelf / ".part-dead", cache.ABANDONED + 9)):
        os.utime(path, (time.time() - age,) * 2)
    explorer.read(zipped_up(tmp_path / "new.zip", {"t.csv": ROWS}))
    assert not old.exists()
    assert {path.name for path in shelf.iterdir() if path.name.startswith(".")} == {".part-live"}


def test_nothing_is_written_outside(tmp_path: Path, shelf: Path) -> None:
    hostile = [
        "../up.png",
        "photos/../../up.png",
        f"{tmp_path}/abs.png",
        "C:/drive.png",
        "c:x.png",
        "..\\back.png",
        "a\\b.png",
        "x/\x1b.png",
    ]
    path = zipped_up(tmp_path / "p.zip", PICTURES | dict.fromkeys(hostile, picture(7)))
    before = everything_below(tmp_path)
    dataset = explorer.read(path)
    assert len(dataset) == 3
    assert any(f"{len(hostile)} files in the zip have names that may lead outside" in note for note in dataset.notes)
    new = everything_below(tmp_path) - before
    assert {Path(name).name for name in new if name.endswith(".png")} == {"a.png", "b.png", "c.png"}
    assert explorer.read(path).notes == dataset.notes, "said again where it was unpacked before"


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    path = zipped_up(tmp_path / "p.zip", PICTURES)
    with zipfile.ZipFile(path, "a") as archive:
        for name, kind in (("link", 0o120777), ("device", 0o060644), ("pipe", 0o010644)):
            member = zipfile.ZipInfo(f"photos/{name}.png")
            member.create_system, member.external_attr = 3, kind << 16
            archive.writestr(member, "/etc/passwd")
    dataset = explorer.read(path)
    assert len(dataset) == 3
    assert any("3 files in the zip are links or devices" in note for note in dataset.notes)
    assert not any(each.is_symlink() for each in dataset.root.rglob("*"))


def test_one_name_is_one_file(tmp_path: Path) -> None:
    path = zipped_up(tmp_path / "p.zip", PICTURES)
    with zipfile.ZipFile(path, "a") as archive:
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("photos/a.png", picture(99))
        archive.writestr("photos/a.png/below.png", picture(98))
        archive.writestr(f"photos/{'x' * 300}.png", picture(97))
    dataset = explorer.read(path)
    assert len(dataset) == 3
    assert dataset.picture(0).getpixel((0, 0)) == (0, 0, 0), "the first stays"
    assert any("2 files in the zip have the name of another file" in note for note in dataset.notes)
    assert any("1 files in the zip have names that are too long" in note for note in dataset.notes)


def test_names_in_utf8_that_do_not_say_so(tmp_path: Path) -> None:
    path = zipped_up(tmp_path / "p.zip", {f"photos/{name}.png": picture(1) for name in ("ä", "猫", "a")})
    data = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data = mark.join(
            part[: at - 4] + struct.pack("<H", 0) + part[at - 2 :] if place else part for place, part in enumerate(data.split(mark))
        )
    path.write_bytes(data)
    assert explorer.read(path).ids.tolist() == ["a.png", "ä.png", "猫.png"]


def test_bombs_are_refused_before_they_grow(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped_up(tmp_path / "bomb.zip", {"t.csv": bytes(zipped.SUSPECT + 1)})
    assert "would grow more than 200 times" in refused(bomb)
    path = zipped_up(tmp_path / "p.zip", PICTURES)
    monkeypatch.setattr(cache, "MOST_BYTES", 10)
    assert "are allowed" in refused(path)
    monkeypatch.setattr(cache, "MOST_BYTES", 1 << 60)
    monkeypatch.setattr(cache, "LEFT_FREE", 1 << 60)
    assert "EXPLORER_CACHE" in refused(path)
    monkeypatch.undo()
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(zipped, "MOST_MEMBERS", 2)
    assert "holds 3 files; 2 are allowed" in refused(path)
    assert not list(shelf.iterdir()), "nothing half made is left"


def test_a_member_that_is_larger_than_it_says(tmp_path: Path, shelf: Path) -> None:
    path = zipped_up(tmp_path / "t.zip", {"t.csv": ROWS * 1000})
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 40)
    path.write_bytes(data)
    assert "cannot be unpacked" in refused(path)
    assert not list(shelf.iterdir())


def encrypted(path: Path) -> None:
    data = bytearray(zipped_up(path, PICTURES).read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)


CASES: list[tuple[Callable[[Path], object], str]] = [
    (encrypted, "is encrypted"),
    (lambda path: zipped_up(path, {}), "has nothing in it"),
    (lambda path: zipped_up(path, {"../x.csv": ROWS}), "has nothing in it"),
    (lambda path: zipped_up(path, {"in.zip": b"PK"}), "holds another zip"),
    (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "cannot be unpacked"),
]


@pytest.mark.parametrize(("make", "says"), CASES)
def test_what_cannot_be_unpacked_says_so(tmp_path: Path, make: Callable[[Path], object], says: str) -> None:
    make(tmp_path / "x.zip")
    assert says in refused(tmp_path / "x.zip")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "file"))
    assert "set EXPLORER_CACHE" in refused(zipped_up(tmp_path / "p.zip", PICTURES))


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.place() == tmp_path / "cache"
    monkeypatch.delenv("EXPLORER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.place() == tmp_path / "embedding-explorer"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.place() == Path.home() / ".cache" / "embedding-explorer"


def test_damaged_zips_give_a_dataset_or_one_sentence(tmp_path: Path, shelf: Path) -> None:
    good = zipped_up(tmp_path / "p.zip", PICTURES | {"photos/big.png": picture(3) * 50}).read_bytes()
    chance, read, said = random.Random(3), 0, set()
    for case in range(300):
        data = bytearray(good)
        for _ in range(chance.choice((1, 3, 20))):
            data[chance.randrange(len(data) // 2 if case % 2 else 0, len(data))] = chance.randrange(256)
        path = tmp_path / f"{case}.zip"
        path.write_bytes(data[: chance.randrange(1, len(data))] if case % 6 == 0 else data)
        try:
            read += len(explorer.read(path)) > 0
        except InputError as problem:
            said.add(str(problem))
    assert read
    assert said
    assert not [each for each in said if "\n" in each]
    assert not [path for path in shelf.iterdir() if path.name.startswith(cache.MARK)]
