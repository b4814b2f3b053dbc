"""Two layouts side by side in a real browser: one selection, one camera, the overlap as a colour, the way from one to the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import wait_for_frame
from waiting import until

from explorer import Session, Workspace, read
from explorer.step import Result


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file and a workspace with three layouts of it."""
    rng = np.random.default_rng(0)
    centers = rng.normal(0, 6, (6, 8))
    vectors = (centers[rng.integers(0, 6, 900)] + rng.normal(0, 0.6, (900, 8))).astype(np.float32)
    folder = tmp_path_factory.mktemp("compare")
    np.save(folder / "points.npy", vectors)
    data = read(str(folder / "points.npy"))
    workspace = Workspace(data, folder / "points.explorer")
    session = Session(data, workspace)
    session.extract("vectors")
    turned = vectors[:, 2:4] @ np.array([[0, 1], [-1, 0]], np.float32) * 40 + 500
    workspace.put(Result(turned, "reduce", "turned", {"angle": 90}, session.features.key, "turned90"))
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=6)
    workspace.close()
    return folder / "points.npy", folder / "points.explorer"


@pytest.fixture(params=[(1280, 720, "light"), (700, 900, "dark")], ids=str)
def page(request: pytest.FixtureRequest, kept: tuple[Path, Path], served: Any, open_page: Any) -> Any:
    width, height, scheme = request.param
    url = served("open", str(kept[0]), "--workspace", str(kept[1])).url
    made = open_page(url, width, height, color_scheme=scheme)
    wait_for_frame(made)
    made.locator("[data-key=compare-layouts]").click()
    made.locator("[data-key=beside-turned90]").wait_for()
    yield made
    if made.locator("[data-key=beside-close]").is_visible():
        made.locator("[data-key=beside-close]").click()
        until(lambda: made.locator(".second").count() == 0, "one map again")


def maps(page: Any) -> tuple[Any, Any]:
    return page.locator("canvas.map-canvas").nth(0), page.locator(".second canvas.map-canvas")


def viewport(canvas: Any) -> list[float]:
    made: list[float] = json.loads(canvas.get_attribute("data-viewport"))
    return made


def begin(page: Any) -> None:
    page.locator("[data-key=beside-turned90]").click()
    page.locator(".second canvas[data-frames]").wait_for()
    until(lambda: "neighbours shared" in page.locator(".beside-bar").inner_text(), "the overlap")


def test_the_list_says_what_each_layout_is(page: Any) -> None:
    said = page.locator(".layouts").inner_text()
    assert "turned" in said
    assert "angle 90" in said
    assert "pca" not in said, "that one is shown already"
    page.keyboard.press("Escape")
    assert not page.locator(".layouts").is_visible()


def test_both_maps_show_one_selection_and_one_camera(page: Any) -> None:
    begin(page)
    first, second = maps(page)
    one, other = first.bounding_box(), second.bounding_box()
    if page.viewport_size["width"] > 1000:
        assert abs(one["y"] - other["y"]) < 2, "beside each other"
        assert abs(one["width"] - other["width"]) < 4
    for box in (one, other):
        assert box["width"] > 200, box
        assert box["height"] > 120, box
    before = int(second.get_attribute("data-frames"))
    page.locator("[data-key=tool-box]").click()
    page.mouse.move(other["x"] + 5, other["y"] + 40)
    page.mouse.down()
    page.mouse.move(other["x"] + 0.6 * other["width"], other["y"] + 0.7 * other["height"], steps=4)
    page.mouse.up()
    until(lambda: " 0 selected" not in page.locator(".sentence").first.inner_text(), "a selection")
    until(lambda: int(second.get_attribute("data-frames")) > before, "its picture on the second map")
    page.mouse.move(one["x"] + 0.5 * one["width"], one["y"] + 0.5 * one["height"])
    whole = viewport(first)
    for _ in range(4):
        page.mouse.wheel(0, -120)

    def together() -> bool:
        return bool(np.allclose(viewport(first)[0::2], viewport(second)[0::2], atol=abs(np.ptp(viewport(first))) / 20))

    until(lambda: viewport(first) != whole and together(), "one camera")
    page.locator("[data-key=link-cameras]").uncheck()
    page.mouse.wheel(0, -240)
    until(lambda: viewport(first) != viewport(second), "two cameras")
    page.locator("[data-key=link-cameras]").check()
    page.keyboard.press("Escape")


def test_the_overlap_those_that_moved_and_the_way_there(page: Any) -> None:
    begin(page)
    page.locator("[data-key=color-overlap]").click()
    until(lambda: "nearest on one map" in page.locator(".legend").inner_text(), "the legend's words")
    page.locator("[data-key=moved]").click()
    until(lambda: " 9 selected" in page.locator(".sentence").first.inner_text(), "one in a hundred of 900")
    frames = lambda: int(maps(page)[0].get_attribute("data-frames"))  # noqa: E731

    def there_and_back() -> bool:
        """Whether there were pictures on the way, which lasts about a second: a machine may be too busy to draw them in one."""
        before = frames()
        page.locator("[data-key=morph]").click()
        until(lambda: page.locator("[data-key=morph]").inner_text() == "Move back", "the way there")
        moved = frames() > before + 2
        assert "laid onto this map" in page.locator(".settling").first.inner_text()
        page.locator("[data-key=morph]").click()
        until(lambda: page.locator("[data-key=morph]").inner_text() == "Move to it", "the way back")
        until(lambda: not page.locator(".settling").first.is_visible(), "the layout itself")
        return moved

    until(there_and_back, "pictures on the way")
    page.locator("[data-key=color-overlap]").click()
    page.keyboard.press("Escape")


def test_the_other_layout_can_be_used_and_the_first_again(page: Any) -> None:
    begin(page)
    page.locator("[data-key=use-beside]").click()
    until(lambda: "turned · 900" in page.locator(".step").nth(1).inner_text(), "the other layout")
    until(lambda: page.locator(".second .map-name").inner_text() == "pca", "the first beside it")
    page.locator("[data-key=use-beside]").click()
    until(lambda: "pca · 900" in page.locator(".step").nth(1).inner_text(), "the first again")
    until(lambda: page.locator(".second .map-name").inner_text() == "turned", "and the other beside it")
