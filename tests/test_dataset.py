"""Dataset: frozen items with unique ids, kept and read back whole; pictures that nobody should trust."""

from __future__ import annotations

import dataclasses
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from explorer.dataset import Dataset
from explorer.dataset.columns import guess, numbers_rows
from explorer.dataset.pictures import check_picture, open_picture
from explorer.errors import InputError


def made(n: int = 6, **changes: Any) -> Dataset:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "name": [f"thing {row}" if row % 3 else None for row in range(n)],
            "size": pa.array([1.5, None, 3, 4, 5, 6][:n] + [7.0] * (n - 6), pa.float64()),
            "sort": pa.array(["a", "b", "NA"] * n, pa.string()).slice(0, n),
        }
    )
    given: dict[str, Any] = {
        "name": "things",
        "ids": np.array([f"id{row}" for row in range(n)], dtype=object),
        "table": table,
        "kinds": {"name": "text", "size": "number", "sort": "category"},
        "roles": {"text": "name"},
        "vectors": rng.normal(size=(n, 3)).astype(np.float32),
        "layout": rng.normal(size=(n, 2)).astype(np.float32),
        "notes": ("read",),
    }
    return Dataset(**(given | changes))


# --- what a dataset is


def test_it_is_frozen_and_says_what_it_is() -> None:
    dataset = made()
    assert repr(dataset) == "<Dataset things: 6 texts · 3 columns · vectors of 3>"
    assert dataset.guesses == [("name", "text (the item)"), ("size", "number"), ("sort", "category")]
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]
    assert dataset.notes == ("read",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n": 2}, "2 items; a map needs at least 3"),
        ({"n": 1}, "1 item; a map needs at least 3"),
        ({"ids": np.array([1, 2, 2, 3, 3, 3])}, "2, 3 stand more than once"),
        ({"ids": np.arange(5)}, "5 ids but 6 rows of table"),
        ({"vectors": np.zeros((5, 2), np.float32)}, "6 ids but 5 rows of vectors"),
        ({"layout": np.zeros((7, 2), np.float32)}, "6 ids but 7 rows of layout"),
        ({"vectors": np.zeros((6, 0), np.float32)}, "shape (6, 0)"),
        ({"kinds": {"name": "txt"}}, "did you mean 'text'"),
    ],
)
def test_what_cannot_be_a_dataset(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        made(**changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_are_found_by_id() -> None:
    dataset = made()
    assert list(dataset.rows(["id4", "id0"])) == [4, 0]
    assert list(dataset.rows([])) == []
    with pytest.raises(InputError, match="no item with id 'id9', 7; ids look like 'id0'"):
        dataset.rows(["id1", "id9", 7])
    numbered = made(ids=np.arange(6, dtype=np.int64))
    assert list(numbered.rows([5])) == [5]
    with pytest.raises(InputError, match="no item with id '5'"):
        numbered.rows(["5"])


def test_columns_keep_what_is_missing() -> None:
    dataset = made()
    assert dataset.column("name").tolist()[:2] == [None, "thing 1"]
    assert dataset.column("size").tolist()[0] == 1.5
    assert np.isnan(dataset.column("size")[1])
    assert dataset.column("sort").tolist()[2] == "NA"
    assert dataset.texts()[:2] == ["", "thing 1"]
    assert dataset.texts(np.array([2, 1])) == ["thing 2", "thing 1"]
    assert list(dataset.to_frame().index) == list(dataset.ids)
    with pytest.raises(InputError, match="did you mean 'size'"):
        dataset.column("sizes")
    with pytest.raises(InputError, match="--image"):
        dataset.picture(0)
    with pytest.raises(InputError, match="--text"):
        made(roles={}).texts()


# --- kept on disk


@pytest.mark.parametrize("ids", [np.arange(6) + 2**60, np.array(["a", "b\0", "ü" * 500, "", "x", "1"], dtype=object)])
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, ids: np.ndarray) -> None:
    dataset = made(ids=ids, root=tmp_path)
    dataset.save(tmp_path / "kept")
    back = Dataset.load(tmp_path / "kept")
    assert back.fingerprint == dataset.fingerprint
    assert dataclasses.replace(back).fingerprint == dataset.fingerprint  # hashed again, not remembered
    assert list(back.ids) == list(ids)
    assert back.ids.dtype == ids.dtype
    assert back.table.equals(dataset.table)
    assert np.array_equal(back.vectors, dataset.vectors)
    assert np.array_equal(back.layout, dataset.layout)
    assert (back.kinds, back.roles, back.notes, back.root, back.name) == (
        dataset.kinds, dataset.roles, dataset.notes, dataset.root, dataset.name,
    )  # fmt: skip
    assert isinstance(back.vectors, np.memmap)


def test_the_fingerprint_follows_the_values_and_not_how_they_lie_in_memory() -> None:
    dataset = made()
    longer = pa.concat_tables([dataset.table.slice(0, 2), dataset.table])
    assert made(table=longer.slice(2)).fingerprint == dataset.fingerprint
    assert made(table=pa.concat_tables([dataset.table.slice(0, 4), dataset.table.slice(4)])).fingerprint == dataset.fingerprint
    different = [
        made(ids=np.arange(6)),
        made(vectors=np.zeros((6, 3), np.float32)),
        made(layout=None),
        made(roles={}),
        made(kinds={"name": "text", "size": "number", "sort": "id"}),
        made(table=dataset.table.set_column(1, "size", pa.array([1.5, 0, 3, 4, 5, 6]))),
        made(table=dataset.table.set_column(2, "sort", pa.array(["a", "b", None, "a", "b", "NA"]))),
        made(table=dataset.table.set_column(2, "sort", pa.array(["a", "b", "N", "Aa", "b", "NA"]))),
    ]
    assert len({each.fingerprint for each in [dataset, *different]}) == 1 + len(different)


def test_the_fingerprint_sees_dictionaries_and_picture_files(tmp_path: Path) -> None:
    def coded(words: list[str]) -> str:
        return made(table=pa.table({"c": pa.array(words * 2).dictionary_encode()}), kinds={"c": "category"}, roles={}).fingerprint

    assert coded(["a", "b", "c"]) != coded(["x", "y", "z"])
    table = pa.table({"p": pa.array(["a.png", "b\0.png", None] * 2, pa.large_string())})

    def pictured() -> str:
        return made(table=table, kinds={"p": "image"}, roles={"image": "p"}, root=tmp_path).fingerprint

    before = pictured()
    (tmp_path / "a.png").write_bytes(b"now it is there")
    assert pictured() != before


# --- what a column is


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, None], "flag"),
        ([1, 2], "number"),
        ([1.5, None], "number"),
        (["red", "blue", "red"], "category"),
        (["u-1", "u-2", "u-3"], "id"),
        ([None, "", None], "other"),
        (["a long note", "about other things", "and words here"], "text"),
        (["今日は天気がとてもいいですね", "明日は雨が降るかもしれません", "昨日は友達と映画を見ました"], "text"),
        (["a/b.png", "c.JPG", "d"], "image"),
        (["http://x/b.png", "https://x/c.jpg", "s3://x/d.png"], "id"),
        ([b"\x89PNG....", b"\xff\xd8\xff..."], "image"),
        ([b"other", b"bytes"], "other"),
        ([{"bytes": b"x", "path": None}], "image"),
        ([{"bytes": None, "path": None}], "other"),
        ([{"x": 1}], "other"),
        ([[1.0, 2.0], None], "vectors"),
        ([["a"], ["b"]], "other"),
        ([pd.Timestamp("2020-01-01"), None], "date"),
        ([pd.Timedelta(1), None], "other"),
        ([None, None], "other"),
    ],
)
def test_guesses(values: list[Any], kind: str) -> None:
    column = pa.chunked_array([pa.array(values)])
    assert guess(column) == ("category" if values == [None, "", None] else kind)


def test_row_numbers_go_by_name_and_values() -> None:
    counting = pa.chunked_array([pa.array(range(1, 9))])
    assert numbers_rows("PassengerId", counting)
    assert not numbers_rows("year", counting)
    assert not numbers_rows("id", pa.chunked_array([pa.array([1, 2, 4, 3, 5, 6, 7, 8])]))
    assert not numbers_rows("id", pa.chunked_array([pa.array([1.0, 2.0, 3.0])]))


# --- pictures


def encoded(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def claims(width: int, height: int) -> bytes:
    """A small PNG with that size in its header."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def opened(data: Any) -> Image.Image:
    picture = open_picture(data, None, "item 1")
    assert picture.mode == "RGB"
    return picture


def test_transparency_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert opened(encoded(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    assert open_picture(encoded(clear, "PNG"), None, "x", background=(0, 0, 9)).getpixel((0, 0)) == (0, 0, 9)
    assert opened(encoded(Image.new("LA", (4, 4), (0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)
    indexed = Image.new("P", (4, 4), 1)
    indexed.putpalette([0, 0, 0, 9, 9, 200])
    assert opened(encoded(indexed, "PNG")).getpixel((0, 0)) == (9, 9, 200)
    assert opened(encoded(indexed, "PNG", transparency=1)).getpixel((0, 0)) == (255, 255, 255)
    assert opened(encoded(indexed, "PNG", transparency=b"\xff\x00")).getpixel((0, 0)) == (255, 255, 255)


def test_pictures_are_turned_upright() -> None:
    sideways = Image.new("RGB", (8, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert opened(encoded(sideways, "JPEG", exif=exif)).size == (4, 8)
    broken = encoded(sideways, "JPEG", exif=b"Exif\0\0II*\0" + b"\xff" * 30)
    assert opened(broken).size == (8, 4)


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", np.uint16), ("TIFF", np.uint16), ("TIFF", np.int32), ("TIFF", np.float32)])
def test_deep_pictures_use_the_whole_range(kind: str, dtype: type) -> None:
    values = np.linspace(1000, 5000, 64).reshape(8, 8).astype(dtype)
    grey = np.asarray(opened(encoded(Image.fromarray(values), kind)))[..., 0]
    assert (grey.min(), grey.max()) == (0, 255)
    assert 100 < grey.mean() < 155
    if dtype == np.float32:
        values[0, 0] = np.nan
        assert np.asarray(opened(encoded(Image.fromarray(values), kind))).max() == 255
        assert not np.asarray(opened(encoded(Image.fromarray(np.full_like(values, np.nan)), kind))).any()
    assert not np.asarray(opened(encoded(Image.fromarray(np.full_like(values, 7)), kind))).any()


def test_ink_is_turned_into_light() -> None:
    red = opened(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")).getpixel((4, 4))
    assert red[0] > 200
    assert max(red[1:]) < 60


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_of_a_film_the_first_picture_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    pixel = opened(encoded(frames[0], kind, save_all=True, append_images=frames[1:])).getpixel((4, 4))
    assert pixel[0] > 200
    assert max(pixel[1:]) < 60


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"", "there is no picture"),
        (None, "there is no picture"),
        ({"bytes": None, "path": None}, "there is no picture"),
        (b"no picture", "not a picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture that can be read"),
        (claims(20_000, 20_000), "over 100 megapixels"),
        (claims(11_000, 10_000), "over 100 megapixels (11,000 × 10,000)"),
        (claims(500, 500), "corrupt"),
        (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:400], "corrupt"),
        ("no/such.png", "no such picture: 'no/such.png'"),
        ({"bytes": None, "path": "gone.png"}, "no such picture: 'gone.png'"),
        ("a\0b.png", "not a file's name"),
        ("/dev/null", "is not a file"),
        ("x" * 5000 + ".png", "cannot be opened"),
    ],
)
def test_pictures_that_are_none(given: Any, says: str) -> None:
    with pytest.raises(InputError) as caught:
        open_picture(given, None, "item 1")
    assert str(caught.value).startswith("item 1: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_the_header_is_read_to_check(tmp_path: Path) -> None:
    assert check_picture(claims(500, 400), None, "x") == (500, 400)
    (tmp_path / "a.png").write_bytes(claims(7, 9))
    assert check_picture("a.png", tmp_path, "x") == (7, 9)


def test_a_picture_of_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (3, 2)), "PNG"))
    table = pa.table({"p": ["a.png", str(tmp_path / "a.png"), "b.png"]})
    dataset = made(3, table=table, kinds={"p": "image"}, roles={"image": "p"}, root=tmp_path)
    assert dataset.picture(0).size == dataset.picture(1).size == (3, 2)
    assert dataset.subject == "pictures"
    with pytest.raises(InputError, match=r"item 'id2': no such picture: 'b\.png'"):
        dataset.picture(2)
