"""Series, sounds and pictures in a real browser: the same drawing everywhere, one sound at a time, and tiles of any size."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from conftest import wait_for_frame
from test_dashboard import said
from waiting import until

N = 24
MANY = 400_000
TOGGLED = {0, 1, 2, 5}  # sounds that tests start and stop: these are not over before
RNG = np.random.default_rng(0)


def places() -> dict[str, Any]:
    """Items on a grid of six columns."""
    return {"id": [f"i{row}" for row in range(N)], "x": np.arange(N) % 6 * 1.0, "y": np.arange(N) // 6 * 1.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("kinds")
    waves = [[np.sin(np.arange(200 + 3 * row) / (row + 3)), RNG.normal(size=150).cumsum()] for row in range(N)]
    trace = pa.array([[one.tolist() for one in item] for item in waves], pa.large_list(pa.large_list(pa.float32())))
    pq.write_table(pa.table(places() | {"trace": trace}), made / "traces.parquet")
    clips = []
    for row in range(N):
        out = io.BytesIO()
        samples = np.arange(8_000 * (20 if row in TOGGLED else 3))
        soundfile.write(out, 0.2 * np.sin(2 * np.pi * 200 * (row + 1) * samples / 8_000), 8_000, format="WAV")
        clips.append(b"broken" if row == 3 else out.getvalue())
    pq.write_table(pa.table(places() | {"clip": clips}), made / "clips.parquet")
    numbers = RNG.normal(size=(2, MANY)).astype(np.float32)
    pq.write_table(pa.table({"id": np.arange(MANY), "x": numbers[0], "y": numbers[1]}), made / "many.parquet")
    return made


@pytest.fixture
def opened(folder: Path, served: Any, open_page: Any) -> Callable[..., Any]:
    def open_(name: str, *options: str, **page: Any) -> Any:
        made = open_page(served("open", str(folder / name), "--layout", "x,y", *options).url, **page)
        wait_for_frame(made)
        return made

    return open_


@pytest.fixture
def traces(opened: Any) -> Any:
    return opened("traces.parquet", "--series", "trace")


@pytest.fixture
def clips(opened: Any) -> Any:
    return opened("clips.parquet", "--audio", "clip")


def pixel(page: Any, row: int) -> tuple[float, float]:
    """Where an item is on the page."""
    box = page.locator("canvas.map-canvas").bounding_box()
    x0, x1, y0, y1 = json.loads(page.locator("canvas.map-canvas").get_attribute("data-viewport"))
    return box["x"] + (row % 6 - x0) / (x1 - x0) * box["width"], box["y"] + (y1 - row // 6) / (y1 - y0) * box["height"]


def loaded(image: Any) -> list[int]:
    """The size of a picture that has been decoded."""
    found: list[int] = until(
        lambda: image.evaluate("image => image.complete && [image.naturalWidth, image.naturalHeight]"), "a picture"
    )
    return found


def states(page: Any) -> list[str]:
    """Of every drawn sound whether it plays, and where the line is."""
    return list(page.locator(".sound").evaluate_all("all => all.map(one => one.dataset.state)"))


# The same drawing


@pytest.mark.parametrize(("fixture", "length"), [("traces", "203 values in each of 2 channels"), ("clips", "20.0 s")])
def test_the_same_drawing_is_everywhere(fixture: str, length: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(fixture)
    assert page.locator(".items .group button").all_inner_texts() == ["gallery", "table"]
    assert loaded(page.locator(".thumb img").first) == [96, 64]
    until(lambda: page.locator("canvas.map-canvas").get_attribute("data-marks") == "thumbnails", "thumbnails on the map")
    page.mouse.move(pixel(page, 1)[0] - 4, pixel(page, 1)[1])
    page.mouse.move(*pixel(page, 1))
    assert loaded(page.locator(".tip:not([hidden]) img")) == [96, 64]
    page.mouse.click(*pixel(page, 1))
    assert loaded(page.locator(".detail img")) == [512, 256]
    assert length in page.locator(".detail dl").inner_text()
    page.get_by_role("tab", name="Neighbours").click()
    page.get_by_role("tab", name="Items").click()
    page.keyboard.press("Escape")
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    assert loaded(page.locator(".stage img")) == [1536, 768]
    page.keyboard.press("ArrowRight")
    until(lambda: page.locator(".about b").inner_text() == "i2" or page.locator(".about b").inner_text() == "i1", "the next item")
    page.keyboard.press("Escape")


@pytest.mark.parametrize("fixture", ["traces", "clips"])
def test_the_exported_page_has_the_drawing(fixture: str, tmp_path: Path, chromium: Any, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(fixture)
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label("format", exact=True).select_option(".html")
    with page.expect_download(lambda file: file.suggested_filename.endswith(".html")) as download:
        dialog.get_by_role("button", name="Download").click()
    file = tmp_path / "map.html"
    file.write_bytes(Path(download.value.path()).read_bytes())
    made = chromium.new_page()
    made.goto(file.as_uri())
    box = made.locator("canvas.over").bounding_box()
    at = made.evaluate("() => toPixel(xs[8], ys[8])")
    made.mouse.move(box["x"] + at[0], box["y"] + at[1])
    drawn = made.locator(".tip canvas")
    until(
        lambda: drawn.evaluate("canvas => [...canvas.getContext('2d').getImageData(0, 0, 96, 64).data].some(Boolean)"), "a drawing"
    )
    assert drawn.evaluate("canvas => [canvas.width, canvas.height, canvas.offsetWidth, canvas.offsetHeight]") == [96, 64, 96, 64]
    assert made.locator("audio, .play").count() == 0
    made.close()


# One sound at a time


def test_starting_a_sound_stops_the_one_before(clips: Any) -> None:
    tiles = clips.locator(".thumb .sound")
    until(lambda: tiles.count() >= 12, "sounds")
    for place in (0, 2, 1):
        tiles.nth(place).hover()
        tiles.nth(place).locator(".play").click()
        until(lambda at=place: [one for one, state in enumerate(states(clips)) if state] == [at], f"only sound {place} plays")
    line = tiles.nth(1).locator(".at")
    first = until(lambda: float(line.evaluate("line => parseFloat(line.style.left)")), "the line moves")
    until(lambda: float(line.evaluate("line => parseFloat(line.style.left)")) > first, "the line moves on")
    tiles.nth(1).locator(".play").click()
    assert not any(states(clips))


def test_a_card_plays_its_sound_and_is_quiet_when_it_is_closed(clips: Any) -> None:
    clips.locator(".thumb .open").nth(5).click()
    play = clips.locator(".detail .play")
    play.click()
    until(lambda: clips.locator(".detail .sound").get_attribute("data-state") == "playing", "it plays")
    assert sum(map(bool, states(clips))) == 2, "its tile says so too"
    assert play.get_attribute("aria-label") == "stop"
    clips.locator(".detail").get_by_role("button", name="close").click()
    until(lambda: not any(states(clips)), "quiet")


def test_a_sound_ends_by_itself_and_a_broken_one_says_why(clips: Any) -> None:
    clips.locator(".thumb .open").nth(4).click()
    clips.locator(".detail .play").click()
    until(lambda: any(states(clips)), "it plays")
    until(lambda: not any(states(clips)), "its end")
    broken = clips.locator(".thumb").nth(3)
    assert broken.inner_text() == "?"
    broken.click()
    until(lambda: "not a sound" in clips.locator(".detail dl").inner_text(), "why")
    assert clips.locator(".detail .play").count() == 0


def test_the_space_key_plays(clips: Any) -> None:
    until(lambda: clips.locator(".thumb .open").count() >= 6, "sounds")
    clips.locator(".thumb .open").nth(2).focus()
    clips.keyboard.press(" ")
    until(lambda: states(clips)[2:3] == ["playing"], "the tile plays")
    assert clips.locator(".detail").is_hidden(), "and is not opened"
    clips.keyboard.press(" ")
    until(lambda: not any(states(clips)), "quiet")
    clips.locator("canvas.map-canvas").focus()
    clips.keyboard.press("e")
    stage = clips.locator(".stage .sound")
    stage.wait_for()
    clips.keyboard.press(" ")
    until(lambda: stage.get_attribute("data-state") == "playing", "it plays")
    title = clips.locator(".about b").inner_text()
    clips.keyboard.press(" ")
    until(lambda: stage.get_attribute("data-state") == "", "quiet")
    assert clips.locator(".about b").inner_text() == title, "it is not skipped"
    clips.keyboard.press(" ")
    until(lambda: stage.get_attribute("data-state") == "playing", "it plays again")
    clips.keyboard.press("ArrowRight")
    until(lambda: clips.locator(".about b").inner_text() != title and not any(states(clips)), "the next item, and quiet")
    clips.keyboard.press("Escape")


# Tiles


FULL = """(gallery) => {
  const width = gallery.clientWidth - 2
  const size = Number(gallery.getRootNode().querySelector("[aria-label='size of the tiles']").value)
  return Math.floor(width / Math.max(1, Math.floor(width / size))) - 4
}"""  # how wide tiles are that fill their rows


def tile(page: Any) -> float:
    """How wide the first tile is; waits while the gallery is laid out anew."""
    width: float = until(
        lambda: page.locator(".thumb").evaluate_all("all => all.length ? all[0].getBoundingClientRect().width : 0"), "a tile"
    )
    return width


def first_seen(page: Any) -> int:
    """The row of the item in the upper left corner of the gallery; -1 while there is none."""
    box = page.locator(".scroller[data-mode=gallery]").bounding_box()
    found = page.locator(".thumb").evaluate_all(
        "all => all.map(one => [one.dataset.row, one.getBoundingClientRect().top, one.getBoundingClientRect().bottom])"
    )
    return next((int(row) for row, top, bottom in found if row is not None and top - 6 <= box["y"] < bottom), -1)


def test_tiles_are_as_large_as_one_likes(demo: Any) -> None:
    until(lambda: demo.locator(".thumb img").count() > 20, "tiles")
    slider = demo.get_by_label("size of the tiles")
    assert loaded(demo.locator(".thumb img").first)[0] <= 96
    for size, low, high in ((256, 200, 270), (32, 26, 36), (128, 110, 145)):
        slider.fill(str(size))
        until(lambda least=low, most=high: least <= tile(demo) <= most, f"tiles of {size}")
    gallery = demo.locator(".scroller[data-mode=gallery]")
    before = tile(demo)
    gallery.focus()
    demo.keyboard.press("+")
    until(lambda: tile(demo) > before, "+ enlarges")
    assert said(demo).startswith("1,911 of 1,911"), "and the map is not zoomed"
    demo.keyboard.press("-")
    until(lambda: tile(demo) == before, "− makes smaller")
    box = gallery.bounding_box()
    demo.mouse.move(box["x"] + 50, box["y"] + 50)
    demo.keyboard.down("Control")
    demo.mouse.wheel(0, 120)
    demo.keyboard.up("Control")
    until(lambda: tile(demo) < before, "the wheel with Ctrl too")
    across = demo.locator(".right").bounding_box()["width"]
    demo.get_by_role("button", name="Wide", exact=True).click()
    until(lambda: demo.locator(".right").bounding_box()["width"] > 1.5 * across, "as much room as the map")
    map_ = demo.locator(".map").bounding_box()["width"]
    assert abs(demo.locator(".right").bounding_box()["width"] - map_) < 2
    until(lambda: tile(demo) == gallery.evaluate(FULL), "tiles that fill the wider gallery")
    smaller = tile(demo)
    demo.reload()
    wait_for_frame(demo)
    until(lambda: demo.locator(".thumb img").count() and tile(demo) == smaller, "it is remembered")
    assert demo.locator(".right").bounding_box()["width"] > 1.5 * across
    demo.get_by_role("button", name="Wide", exact=True).click()
    until(lambda: demo.locator(".right").bounding_box()["width"] == across, "and taken back")


def test_one_does_not_lose_ones_place_when_tiles_grow(demo: Any) -> None:
    until(lambda: demo.locator(".thumb img").count() > 20, "tiles")
    gallery = demo.locator(".scroller[data-mode=gallery]")
    gallery.evaluate("el => { el.scrollTop = 4000 }")
    place = until(lambda: (row := first_seen(demo)) > 0 and row, "a later part")
    for size in (256, 90, 40):
        before = tile(demo)
        demo.get_by_label("size of the tiles").fill(str(size))
        until(lambda before=before: tile(demo) != before and demo.locator(".thumb img").count() > 0, "tiles of this size")
        row = until(lambda: (row := first_seen(demo)) > 0 and row, "a place")
        assert abs(row - place) < 9, "within a row of small tiles"
    until(lambda: all(loaded(one)[0] for one in demo.locator(".thumb img").all()[:10]), "pictures")


def test_every_row_of_a_long_table_can_be_reached(opened: Any) -> None:
    page = opened("many.parquet")
    table = page.locator(".scroller[data-mode=table]")
    ids = page.locator(".inner > button.row span:first-child")
    until(lambda: ids.count() > 5, "rows")
    table.evaluate("el => { el.scrollTop = 1e9 }")
    until(lambda: str(MANY - 1) in ids.all_inner_texts(), "the last row")
    height = page.locator(".inner > button.row").evaluate_all("all => all[0].getBoundingClientRect().height")
    table.evaluate("el => { el.scrollTop = el.scrollHeight / 2 }")
    until(lambda: ids.count() > 5 and abs(int(ids.first.inner_text()) - MANY / 2) < 500, "the middle")
    box = table.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 100)
    before = int(ids.first.inner_text())
    page.mouse.wheel(0, 5 * height)
    until(lambda: ids.count() > 5 and int(ids.first.inner_text()) == before + 5, "five rows on")
    assert re.fullmatch(r"[\d,]+ of 400,000 items drawn · 0 selected", said(page))
