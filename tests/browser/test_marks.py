"""Close up in a real browser: thumbnails on the map, the neighbours of one that is clicked, and ids to copy."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import SAMPLES, lasso, wait_for_frame
from waiting import until

from explorer.step import Result

LAYOUT = Result.load(SAMPLES / "emoji.results" / "layout").values
FEATURES = Result.load(SAMPLES / "emoji.results" / "features").values
TABLE = pq.read_table(SAMPLES / "emoji.parquet", columns=["id", "name"])
IDS, NAMES = TABLE["id"].to_pylist(), TABLE["name"].to_pylist()


def apart() -> int:
    """The row whose nearest other place is neither near nor far: there is room for its picture, and a few others are in view."""
    gaps = np.sqrt(((LAYOUT[:, None].astype(np.float64) - LAYOUT[None]) ** 2).sum(axis=2))
    np.fill_diagonal(gaps, np.inf)
    middle = np.abs(LAYOUT - np.median(LAYOUT, axis=0)).sum(axis=1) < np.ptp(LAYOUT, axis=0).min() / 4
    return int(np.where(middle, gaps.min(axis=1), -1).argmax())


def nearest(row: int, k: int, metric: str = "cosine") -> list[tuple[str, float]]:
    """Names and distances of the neighbours, by looking at all pairs."""
    rows = FEATURES.astype(np.float64)
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        far = 1 - rows @ rows[row]
    else:
        far = np.sqrt(((rows - rows[row]) ** 2).sum(axis=1))
    far[row] = np.inf
    order = np.argsort(far, kind="stable")[:k]
    return [(NAMES[one], float(far[one])) for one in order]


def canvas(page: Any) -> Any:
    return page.locator("canvas.map-canvas")


def pixel(page: Any, row: int) -> tuple[float, float]:
    """Where an item is on the page."""
    box = canvas(page).bounding_box()
    x0, x1, y0, y1 = json.loads(canvas(page).get_attribute("data-viewport"))
    x, y = LAYOUT[row].astype(float)
    return box["x"] + (x - x0) / (x1 - x0) * box["width"], box["y"] + (y1 - y) / (y1 - y0) * box["height"]


def frames(page: Any) -> int:
    return int(canvas(page).get_attribute("data-frames"))


def turn(page: Any, row: int) -> None:
    """Turn the wheel once over an item, and wait for the map's next picture."""
    before = frames(page)
    page.mouse.move(*pixel(page, row))
    page.mouse.wheel(0, -120)
    until(lambda: frames(page) > before, "the next picture")


def zoom_to(page: Any, row: int) -> None:
    """Turn the wheel over an item until it is a thumbnail that the mouse hits, which it is when its picture is there."""
    for _ in range(40):
        if canvas(page).get_attribute("data-marks") == "thumbnails":
            break
        turn(page, row)
    assert canvas(page).get_attribute("data-marks") == "thumbnails"
    for _ in range(5):
        turn(page, row)
    until(lambda: points_at(page, row), "the item's picture")


def points_at(page: Any, row: int) -> bool:
    """Whether the corner of an item's picture, farther than a point's reach, is hit; moves the mouse, as only that asks."""
    x, y = pixel(page, row)
    page.mouse.move(x + 16, y + 17)
    page.mouse.move(x + 17, y + 17)
    page.wait_for_timeout(100)  # until the tip has come
    return page.locator(".tip:not([hidden]) b", has_text=NAMES[row]).count() == 1


def listed(page: Any) -> list[tuple[str, float]]:
    """The list of neighbours on the page."""
    script = "all => all.map(one => ['.name', '.distance'].map(part => one.querySelector(part).textContent))"  # at one moment
    return [(name, float(far.removeprefix("hidden "))) for name, far in page.locator(".near-item").evaluate_all(script)]


def matches(page: Any, wanted: list[tuple[str, float]]) -> bool:
    found = listed(page)
    close = len(found) == len(wanted) and np.allclose([far for _, far in found], [far for _, far in wanted], atol=6e-4)
    return bool(close and [name for name, _ in found] == [name for name, _ in wanted])


def test_from_afar_every_item_is_a_disc_of_its_colour(demo: Any) -> None:
    assert canvas(demo).get_attribute("data-marks") == "discs"
    at = pixel(demo, apart())
    assert spread(demo, at) > 60, "a disc is there"


def spread(page: Any, at: tuple[float, float], half: int = 3) -> float:
    """How much the canvas's colours differ from white around a place."""
    script = """(canvas, [x, y, half]) => {
      const box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width, side = 2 * half * ratio
      const corner = [(x - box.left - half) * ratio, (y - box.top - half) * ratio]
      return [...canvas.getContext("2d").getImageData(...corner, side, side).data] }"""
    data = np.array(canvas(page).evaluate(script, [*at, half]), float).reshape(-1, 4)
    return float((data[:, 3:] / 255 * (255 - data[:, :3])).max())


def test_close_up_items_are_their_pictures_and_the_picture_is_what_is_hit(demo: Any) -> None:
    row = apart()
    zoom_to(demo, row)
    x, y = pixel(demo, row)
    until(lambda: points_at(demo, row), "its tip")
    demo.mouse.click(x + 17, y + 17)
    demo.locator(".detail dd", has_text=IDS[row]).wait_for()
    assert re.search(r"· 1 selected", demo.locator(".sentence").inner_text())


def test_the_neighbours_of_a_clicked_item_are_listed_and_drawn(demo: Any) -> None:
    row = apart()
    zoom_to(demo, row)
    demo.mouse.click(*pixel(demo, row))
    demo.locator(".detail").wait_for()
    demo.get_by_role("tab", name="Neighbours").click()
    until(lambda: matches(demo, nearest(row, 12)), f"{nearest(row, 12)}, not {listed(demo)}")
    until(lambda: canvas(demo).get_attribute("data-lines") == "12", "lines to all twelve")
    demo.get_by_role("button", name="more neighbours").click()
    until(lambda: matches(demo, nearest(row, 13)), "one more")
    demo.locator("select[aria-label=distance]").select_option("euclidean")
    until(lambda: matches(demo, nearest(row, 13, "euclidean")), "the same by another metric")
    demo.get_by_role("button", name="Select them").click()
    until(lambda: "· 14 selected" in demo.locator(".sentence").inner_text(), "the item and its neighbours")
    other = NAMES.index(nearest(row, 1, "euclidean")[0][0])
    demo.locator(".near-item").first.click()
    until(lambda: demo.locator(".neighbours h2").inner_text() == NAMES[other], "the neighbour's neighbours")
    until(lambda: matches(demo, nearest(other, 13, "euclidean")), "they are listed")
    x, y = pixel(demo, other)
    box = canvas(demo).bounding_box()
    assert box["x"] < x < box["x"] + box["width"]
    assert box["y"] < y < box["y"] + box["height"]


def test_what_is_hidden_is_no_mark_and_a_greyed_neighbour(demo: Any) -> None:
    row = apart()
    category = pq.read_table(SAMPLES / "emoji.parquet", columns=["category"])["category"].to_pylist()
    wanted = nearest(row, 12)
    mine = [name for name, _ in wanted if category[NAMES.index(name)] == category[row]]
    assert 0 < len(mine) < 12
    zoom_to(demo, row)
    demo.mouse.click(*pixel(demo, row))
    demo.locator(".detail").wait_for()
    demo.locator(".legend .entry", has_text=category[row]).click()  # only this category
    demo.get_by_role("tab", name="Neighbours").click()
    demo.get_by_role("button", name="more neighbours").click()
    demo.get_by_role("button", name="fewer neighbours").click()
    until(lambda: demo.locator(".near-item").count() == 12, "the list")
    until(lambda: demo.locator(".near-item:not(.hidden) .name").all_inner_texts() == mine, f"{mine} are shown")
    until(lambda: canvas(demo).get_attribute("data-lines") == str(len(mine)), "lines to what is shown")
    demo.get_by_role("button", name="Select them").click()
    until(lambda: f"· {len(mine) + 1} selected" in demo.locator(".sentence").inner_text(), "what is shown of them")


@pytest.fixture
def copying(served: Any, open_page: Any) -> Any:
    page = open_page(served("demo").url, permissions=["clipboard-read", "clipboard-write"])
    wait_for_frame(page)
    return page


def test_ids_are_copied(copying: Any) -> None:
    lasso(copying, 0.3, 0.5, 0.15)
    count = until(lambda: int(re.search(r"([\d,]+) selected", copying.locator(".sentence").inner_text())[1]), "a selection")  # type: ignore[index]
    copying.get_by_role("button", name="Copy ids").click()
    copying.locator(".toast", has_text=f"{count:,} ids copied").wait_for()
    copied = copying.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(copied) == count
    assert set(copied) <= set(IDS)
    copying.locator(".inner > button").first.click()
    copying.get_by_role("button", name="copy the id").click()
    copying.locator(".toast", has_text="the id copied").wait_for()
    assert (
        copying.evaluate("navigator.clipboard.readText()")
        == copying.locator(".detail dd").first.inner_text().removesuffix("Copy").strip()
    )


def test_without_a_clipboard_ids_are_copied_or_shown(demo: Any) -> None:
    lasso(demo, 0.3, 0.5, 0.15)
    demo.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    demo.get_by_role("button", name="Copy ids").click()
    demo.locator(".toast", has_text="ids copied").wait_for()
    demo.evaluate("document.execCommand = () => false")
    demo.get_by_role("button", name="Copy ids").click()
    shown = demo.locator("textarea.to-copy").input_value().splitlines()
    assert len(shown) > 5
    assert set(shown) <= set(IDS)
