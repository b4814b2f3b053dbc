"""In a real JupyterLab: a cell shows the map, what is done there is read in Python, and what Python says is seen there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import lasso, wait_for_frame
from notebooks import POINTS, Jupyter, ask, command, opened, run
from waiting import until

SHOWN = (
    POINTS
    + """
w = explorer.Explorer(session)
w
"""
)

# How much colour there is on the map: what is not selected is drawn grey.
_COLOUR = """(canvas) => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let sum = 0
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, solid] = data.subarray(at, at + 4)
    sum += ((Math.max(red, green, blue) - Math.min(red, green, blue)) * solid) / 65025
  }
  return sum
}"""


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    server = Jupyter(tmp_path_factory.mktemp("notebooks"))
    yield server
    server.close()


@pytest.fixture
def notebook(jupyter: Jupyter, open_page: Any) -> Any:
    """Open a new notebook of some cells."""

    def open_(name: str, *cells: str) -> Any:
        return opened(open_page(jupyter.notebook(name, cells), width=1500, height=1150))

    return open_


def sentence(page: Any, place: int = 0) -> str:
    return str(page.locator(".sentence").nth(place).inner_text())


def selected(page: Any, place: int = 0) -> int:
    found = re.search(r"([\d,]+) selected", sentence(page, place))
    return int(found[1].replace(",", "")) if found else 0


def colour(page: Any, place: int = 0) -> float:
    return float(page.locator("canvas.map-canvas").nth(place).evaluate(_COLOUR))


def numbers(page: Any, expression: str) -> Any:
    """A value in the kernel, by way of JSON."""
    return json.loads(ask(page, f"import json; print(json.dumps({expression}, default=lambda one: one.tolist()))"))


def wheel(page: Any, turns: int, place: int = 0) -> None:
    box = page.locator("canvas.map-canvas").nth(place).bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.wheel(0, turns)


def test_a_brush_in_a_cell_reaches_python_and_back(notebook: Any) -> None:
    watching = (
        'heard = []\nw.param.watch(lambda event: heard.append(("param", len(event.new))), "selection")\n'
        'w.observe(lambda change: heard.append(("trait", len(change["new"]))), "selection")'
    )
    page = notebook(
        "brush.ipynb",
        SHOWN,
        watching,
        "print(len(w.selection), len(w.selected), heard)",
        "w.selection = w.session.dataset.ids[:20]",
    )
    run(page, 0)
    wait_for_frame(page)
    assert "300 of 300 items drawn" in sentence(page)
    bright = colour(page)
    run(page, 1)
    lasso(page, 0.5, 0.5, 0.22)
    chosen = until(lambda: selected(page), "a brush")
    assert 0 < chosen < 300
    assert run(page, 2).inner_text().strip() == f"{chosen} {chosen} [('param', {chosen}), ('trait', {chosen})]"
    assert numbers(page, "[w.selection, w.selected.index]")[0] == numbers(page, "w.selected.index")

    run(page, 3)
    until(lambda: selected(page) == 20, "what Python selected")
    until(lambda: 0 < colour(page) < 0.8 * bright, f"the others to be dimmed: {bright:.0f}, {colour(page):.0f}")
    assert numbers(page, "[len(heard), w.widget.selection]") == [4, list(range(20))]


def test_what_a_cell_sets_is_seen_and_what_the_page_does_is_read(notebook: Any) -> None:
    page = notebook("values.ipynb", SHOWN)
    run(page, 0)
    wait_for_frame(page)
    ask(page, "w.camera = (-1, 1, -1, 1)")
    drawn = "canvas => Number(canvas.dataset.frames)"
    canvas = page.locator("canvas.map-canvas")
    until(lambda: not sentence(page).startswith("300 of 300"), "fewer points on a closer map")
    near = numbers(page, "w.camera")
    assert near[0] <= -1
    assert near[1] >= 1
    before = canvas.evaluate(drawn)
    wheel(page, -300)
    until(lambda: canvas.evaluate(drawn) > before, "the map to come nearer")
    until(lambda: numbers(page, "w.camera")[1] < near[1], "the wheel to be read")
    ask(page, "w.camera = None")
    until(lambda: sentence(page).startswith("300 of 300"), "all of the map")

    ask(page, "w.color_by = 'density'")
    until(lambda: "density" in page.locator(".legend").inner_text().lower(), "the colours that Python chose")
    ask(page, "w.hovered = 7")
    until(lambda: page.locator(".tip:visible").count(), "the item that Python points at")
    ask(page, "import numpy as np; w.clusters = np.arange(300) % 2; w.color_by = 'cluster'")
    until(lambda: page.locator(".legend").inner_text().count("150") == 2, "the clusters that Python gave")
    ask(page, "w.labels = {0: 'odd', 1: 'odd'}")
    until(lambda: "2 of 300 labelled" in page.locator(".labelbar").inner_text(), "the labels that Python gave")

    lasso(page, 0.5, 0.5, 0.22)
    chosen = until(lambda: selected(page), "a brush")
    page.keyboard.press("1")
    until(lambda: numbers(page, "len(w.labels)") >= chosen, "the label of the label bar")


def test_one_view_in_several_places(notebook: Any) -> None:
    beside = "import ipywidgets\nipywidgets.HBox([w.widget, ipywidgets.IntSlider(description='beside')])"
    interact = "ipywidgets.interact(lambda n: setattr(w, 'selection', w.session.dataset.ids[:n]), n=(0, 300))"
    page = notebook("places.ipynb", SHOWN.replace("Explorer(session)", "Map(session, height=300)"), beside, interact, "w")
    run(page, 0)
    wait_for_frame(page)
    run(page, 1)
    run(page, 2)
    page.locator(".widget-slider").first.wait_for()
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == 2, "the map beside a slider")
    until(lambda: [selected(page, 0), selected(page, 1)] == [150, 150], "both to show what the slider selected")
    run(page, 3)
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == 3, "a third")
    page.locator(".jp-Notebook .jp-Cell").nth(3).locator(".cm-content").first.click()
    command(page, "notebook:create-output-view")
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() >= 4, "the output in a tab of its own")


def test_linked_maps_follow_each_other(notebook: Any) -> None:
    other = (
        "ids = [str(one) for one in range(300)]\nimport pandas as pd\n"
        "one = explorer.Map(session, height=300)\n"
        "turned = explorer.Session(explorer.read(points[100:, ::-1].copy()))\n"
        "turned.extract('vectors'); turned.reduce('pca')\n"
        "two = explorer.Map(turned, height=300)\nlinked = explorer.compose(one, two)\nlinked"
    )
    page = notebook("linked.ipynb", POINTS + other)
    run(page, 0)
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == 2, "two maps")
    ask(page, "moves = []\nfor one_of in (one, two): one_of.param.watch(lambda event: moves.append(event.new), 'camera')")
    ask(page, "one.selection = list(range(200))")
    until(lambda: selected(page, 1) == 200, "the second to follow by id")  # its ids are its own: 0 to 199
    before = numbers(page, "[one.camera, two.camera]")
    wheel(page, -300)
    until(lambda: numbers(page, "one.camera") != before[0] and numbers(page, "two.camera") != before[1], "both to come nearer")

    def rest() -> bool:
        before = numbers(page, "[one.camera, two.camera, len(moves)]")
        page.wait_for_timeout(1500)
        return bool(numbers(page, "[one.camera, two.camera, len(moves)]") == before)

    until(rest, "no further moves: a ping-pong would go on")


def working(until_there: Path, work: str) -> str:
    """A cell that works until a file is there, for two minutes at most."""
    return f"import os, time\nend = time.time() + 120\nwhile time.time() < end and not os.path.exists({str(until_there)!r}): {work}"


def test_a_map_answers_while_a_cell_runs(notebook: Any, tmp_path: Path) -> None:
    """JupyterLab 4.4 and ipykernel 7 bring a page's messages to a thread beside the cells; without that, the page says so."""
    enough = tmp_path / "enough"
    page = notebook("busy.ipynb", SHOWN, working(enough, "sum(range(1000))") + "\nprint('over')")
    run(page, 0)
    wait_for_frame(page)
    run(page, 1, wait=False)
    lasso(page, 0.5, 0.5, 0.22)
    until(lambda: selected(page), "a brush during a cell")
    assert "over" not in page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea").inner_text()
    enough.touch()
    page.locator(".jp-OutputArea-output pre", has_text="over").wait_for()


def test_a_page_without_an_answer_says_that_python_is_busy(notebook: Any, tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    page = notebook("waiting.ipynb", SHOWN, working(enough, "time.sleep(0.1)"))
    kernel = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
    page.evaluate(f"() => {{ {kernel}.commsOverSubshells = 'disabled' }}")
    run(page, 0)
    wait_for_frame(page)
    run(page, 1, wait=False)
    wheel(page, -300)
    page.locator(".silence", has_text="busy").wait_for()
    enough.touch()
    page.locator(".silence").wait_for(state="hidden")


def resting(page: Any) -> int:
    """How much memory the kernel holds, when that does not change within a second; else 0."""
    read = lambda: psutil.Process(int(ask(page, "import gc, os; gc.collect(); print(os.getpid())"))).memory_info().rss  # noqa: E731
    before = read()
    page.wait_for_timeout(1000)
    return now if abs((now := read()) - before) < 0.01 * before else 0


def test_restarts_leave_no_error_and_no_memory_behind(notebook: Any) -> None:
    page = notebook("restart.ipynb", SHOWN.replace("\nw\n", "\ndisplay(w)\n"), "print('done')")
    run(page, 0)
    wait_for_frame(page)
    command(page, "kernelmenu:restart")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".silence", has_text="Run this cell again").wait_for()

    used = []
    for _ in range(2):
        command(page, "notebook:restart-run-all")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        page.locator("canvas.map-canvas").wait_for(state="hidden")
        wait_for_frame(page)
        assert page.locator(".silence:visible").count() == 0
        assert (
            page.locator(
                "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']"
            ).count()
            == 0
        )
        used.append(until(lambda: resting(page), "memory at rest"))
    assert used[1] < used[0] * 1.05

    for _ in range(3):  # each time another map is in the cell, and nobody holds the last
        frames = ask(page, "import weakref; last = weakref.ref(w); print(1)")
        assert frames == "1"
        run(page, 0)
        wait_for_frame(page)
        until(lambda: ask(page, "import gc; gc.collect(); print(last() is None)") == "True", "the map before to be let go")


def test_without_the_pages_half_a_picture_and_the_advice_are_there(tmp_path: Path, open_page: Any) -> None:
    settings = tmp_path / "settings"
    (settings / "labconfig").mkdir(parents=True)
    (settings / "labconfig" / "page_config.json").write_text('{"disabledExtensions": {"anywidget": true}}')
    (tmp_path / "notebooks").mkdir()
    server = Jupyter(tmp_path / "notebooks", JUPYTER_CONFIG_DIR=str(settings))
    try:
        page = opened(open_page(server.notebook("without.ipynb", [SHOWN]), width=1500, height=1150))
        run(page, 0)
        page.locator("[data-explorer-still] iframe").wait_for()
        advice = page.locator("[data-explorer-still] .no-live")
        until(lambda: advice.evaluate("said => getComputedStyle(said).opacity") == "1", "the advice")
        assert "jupyter labextension enable anywidget" in advice.inner_text()
        assert not page.get_by_text("Click to show javascript error").is_visible()
    finally:
        server.close()
