"""The tab about trust in a real browser: measured, coloured by, torn groups joined by lines; for everybody, in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import lasso, wait_for_frame
from test_dashboard import selected
from test_page_for_all import check
from waiting import until

N = 150


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups in the vectors; the map given with them carries a part of the first off to the right."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 0, 1], [60, 30, 60])
    vectors = 9 * np.eye(3)[group] @ np.ones((3, 4)) * group[:, None] + rng.normal(size=(N, 4))
    place = rng.normal(size=(N, 2)) + np.repeat([[-9, 0], [9, 6], [9, -6]], [60, 30, 60], axis=0)
    columns = {"id": [f"i{row}" for row in range(N)], "x": place[:, 0], "y": place[:, 1], "group": [f"g{one}" for one in group]}
    made: Path = tmp_path_factory.mktemp("trust") / "split.parquet"
    pq.write_table(pa.table(columns | {"v": pa.array(vectors.tolist(), pa.list_(pa.float64(), 4))}), made)
    return made


@pytest.fixture(params=["light", "dark"])
def page(request: Any, served: Any, open_page: Any, table: Path) -> Any:
    url = served("open", str(table), "--layout", "x,y", "--vectors", "v", "--extract", "vectors").url
    made = open_page(url, 1280, 720, color_scheme=request.param, reduced_motion="reduce")
    wait_for_frame(made)
    return made


def open_tab(page: Any) -> None:
    """By keys alone."""
    page.get_by_role("tab", name="Items").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", name="Trust").get_attribute("aria-selected") == "true"
    page.locator(".trust .gauge").first.wait_for()


def test_the_map_is_measured_and_coloured_and_a_torn_group_has_lines(page: Any) -> None:
    open_tab(page)
    assert "Brush a group" in page.locator(".trust").inner_text()
    figures = page.locator(".trust .figure b").all_inner_texts()
    assert all(0 <= float(figure) <= 1 for figure in figures[:3])
    assert page.locator(".shepard canvas").evaluate(
        "el => el.getContext('2d').getImageData(0, 0, el.width, el.height).data.some(value => value)"
    ), "the picture of distances"
    check(page, "measured")

    paint = page.get_by_role("button", name="colour the map by neighbours kept")
    paint.focus()
    page.keyboard.press("Enter")
    until(lambda: paint.get_attribute("aria-pressed") == "true", "the pressed button")
    assert page.locator("[data-key=color-by]").input_value() == "trust:recall"
    until(lambda: page.locator(".legend .ramp + .ends").inner_text().split() == ["0", "1"], "the scale")
    assert "share of its nearest" in page.locator(".legend").inner_text()

    lasso(page, 0.17, 0.5, 0.22)
    until(lambda: 20 < selected(page) <= 60, "the group on the left")
    lines = page.locator("[data-key=torn-lines]")
    lines.wait_for()
    assert "torn:" in page.locator(".trust").inner_text()
    assert page.locator("canvas.map-canvas").get_attribute("data-torn") == "0"
    lines.focus()
    page.keyboard.press("Enter")
    until(lambda: int(page.locator("canvas.map-canvas").get_attribute("data-torn")) > 10, "the lines")
    assert lines.get_attribute("aria-pressed") == "true"
    check(page, "a torn group")
    there = page.locator("[data-key=select-torn]")
    count = int("".join(filter(str.isdigit, there.inner_text())))
    there.focus()
    page.keyboard.press("Enter")
    until(lambda: selected(page) == count, "those that lie elsewhere")
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("Escape")
    until(lambda: selected(page) == 0, "nothing is selected")
    until(lambda: page.locator("canvas.map-canvas").get_attribute("data-torn") == "0", "no lines")


def test_other_seeds_of_a_map_that_was_given_are_said_to_be_none(page: Any) -> None:
    open_tab(page)
    page.locator("[data-key=stability-run]").click()
    said = page.locator(".trust .message")
    said.wait_for()
    assert "cannot be computed again" in said.inner_text()
    check(page, "a message")


def test_other_seeds_and_a_colour_from_them(served: Any, open_page: Any, table: Path) -> None:
    page = open_page(served("open", str(table), "--vectors", "v", "--reduce", "pca").url, 1920, 1080)
    wait_for_frame(page)
    until(lambda: page.locator(".step[data-state=done]").count() == 3, "three steps")
    open_tab(page)
    page.locator("[data-key=stability-run]").click()
    paint = page.locator("[data-key='paint-trust:stability']")
    paint.wait_for()
    assert "the same under every seed" in page.locator(".trust").inner_text()
    paint.click()
    until(lambda: page.locator("[data-key=color-by]").input_value() == "trust:stability", "the colour")


def test_all_tabs_have_room(page: Any) -> None:
    for width in (1280, 1330, 1920):
        page.set_viewport_size({"width": width, "height": 720})
        bar = page.locator(".right .tabs")
        assert bar.evaluate("el => el.scrollWidth <= el.clientWidth"), width
        for tab in bar.get_by_role("tab").all():
            tab.click()
            assert bar.evaluate("el => el.scrollWidth <= el.clientWidth"), (width, tab.inner_text())
