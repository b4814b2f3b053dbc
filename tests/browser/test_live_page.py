"""A layout that settles in a real browser: the map moves, the camera follows, nothing can be brushed, and Stop keeps it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import lasso, wait_for_frame
from serving import Server
from waiting import until

# A page whose layout grows round by round, for longer than any test looks at it: each stops it. It is no registered method, as one
# of a plug-in that somebody is writing.
APP = """
import sys, time
import numpy as np, panel as pn
from explorer import Explorer, Reducer, Session, read
from explorer.step import Output

class Settles(Reducer):
    method = "settles"

    def compute(self, vectors, progress):
        for step in range(1, 1001):
            time.sleep(0.1)
            places = vectors[:, :2] * step
            progress.tell(step / 1000, f"round {step} of 1000")
            progress.show(places)
            if progress.stopped():
                return Output(places, stopped=f"round {step} of 1000")
        return places

data = read(np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32))
made = {"steps": {"extract": "vectors", "reduce": Settles(), "cluster": "kmeans"}, "served": True}
server = pn.serve(lambda: Explorer(Session(data), **made), port=0, address="127.0.0.1", show=False, start=False)
server.start()
print(f"http://127.0.0.1:{server.port}", file=sys.stderr, flush=True)
server.io_loop.start()
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place: Path = tmp_path_factory.mktemp("live") / "app.py"
    place.write_text(APP)
    server = Server(place, command=(sys.executable, str(place)))
    yield server.link
    server.end()


def canvas(page: Any) -> Any:
    return page.locator("canvas.map-canvas").first


def number_of(page: Any, name: str) -> int:
    return int(canvas(page).get_attribute(f"data-{name}") or 0)


def viewport(page: Any) -> list[float]:
    made: list[float] = json.loads(canvas(page).get_attribute("data-viewport"))
    return made


@pytest.fixture
def page(url: str, open_page: Any) -> Any:
    """A page on which a layout has begun to settle, PCA's before it."""
    made = open_page(url, 1280, 720)
    wait_for_frame(made)
    made.locator(".settling").wait_for(state="visible")
    return made


def test_the_map_moves_and_the_camera_follows(page: Any) -> None:
    frames, wide = number_of(page, "frames"), viewport(page)
    until(lambda: number_of(page, "frames") >= frames + 6, "further pictures")
    assert "brush when it is done or stopped" in page.locator(".settling").inner_text()
    until(lambda: viewport(page)[1] > 1.5 * wide[1] > 0, "the camera")
    assert page.locator(".step").nth(1).locator("[data-key=reduce-stop]").inner_text() == "Stop and keep"
    page.locator(".settling button").click()
    until(lambda: not page.locator(".settling").is_visible(), "the end")


def test_one_looks_but_does_not_brush_until_it_is_stopped(page: Any) -> None:
    lasso(page, 0.5, 0.5, 0.3)
    page.mouse.wheel(0, -300)
    until(lambda: number_of(page, "frames") > 3, "pictures")
    assert " 0 selected" in page.locator(".sentence").inner_text()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")  # the wheel is painted
    stayed = viewport(page)
    frames = number_of(page, "frames")
    until(lambda: number_of(page, "frames") >= frames + 4, "further pictures")
    assert viewport(page) == stayed, "where a person has moved it, the camera stays"
    page.locator("[data-key=reduce-stop]").click()
    until(lambda: "stopped at round" in page.locator(".step").nth(1).inner_text(), "what is kept")
    assert "primary" in page.locator("[data-key=reduce-run]").get_attribute("class"), "Run computes the whole"
    until(lambda: "10 clusters" in page.locator(".step").nth(2).inner_text(), "clusters on what is kept")
    page.keyboard.press("f")
    page.wait_for_timeout(500)
    lasso(page, 0.5, 0.5, 0.4)
    until(lambda: " 0 selected" not in page.locator(".sentence").inner_text(), "a selection")
