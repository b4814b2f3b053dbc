"""In other people's apps: parts of the page in a Panel app under `panel serve`, and the whole of it in a FastAPI app."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SAMPLES, lasso, wait_for_frame
from serving import drained
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect
from waiting import until

from explorer.selection import inside
from explorer.step import Result
from explorer.views.pages import AREAS

APPS = Path(__file__).parents[2] / "apps"
LAYOUT = Result.load(SAMPLES / "emoji.results" / "layout").values
# Panel does not wait for all parts of a message (`_run_write_futures`), so asyncio reports those that a closed page did not get; an
# app of Panel alone says the same (docs/decisions.md, "What Panel says of pages that were closed"). This report and no other:
LEFT = re.compile(
    r"Task exception was never retrieved\n"
    r"future: <Task finished name='[^']*' coro=<(?:WebSocketProtocol13\.write_message\.<locals>\.wrapper|_dispatch_msgs)\(\)[^\n]*"
    r"exception=WebSocketClosedError\(\)>\n"
    r"Traceback \(most recent call last\):\n(?:(?!Task exception)[^\n]*\n)*?tornado\.websocket\.WebSocketClosedError\n"
)
EVIL = "<img src=x onerror=document.title='ran'>"

# Beside the app: how many views there are, two linked maps that count their brushes, and every area and pair of areas.
ALIVE = """
import gc, explorer, panel as pn
gc.collect()
pn.pane.Str("").servable(title=f"alive {sum(isinstance(one, explorer.Explorer) for one in gc.get_objects())}")
"""
LINKED = """
import explorer, numpy, panel as pn
def made(seed):
    session = explorer.Session(numpy.random.default_rng(seed).normal(size=(300, 2)).astype("float32"))
    session.extract("vectors"); session.reduce("pca"); session.cluster("kmeans", n_clusters=3)
    return explorer.Map(session, height=400)
a, b = made(0), made(1)
heard = pn.pane.Str("heard 0 0")
counts = [0, 0]
for place, view in enumerate((a, b)):
    def count(event, place=place):
        counts[place] += 1
        heard.object = f"heard {counts[0]} {counts[1]}"
    view.param.watch(count, "selection")
three = pn.widgets.Button(label="three")
three.on_click(lambda click: setattr(b, "selection", [0, 1, 2]))
pn.Column(pn.Row(explorer.compose(a, b), sizing_mode="stretch_width"), three, heard, a.part("header")).servable()
"""
WAITING = """
import explorer, numpy, panel as pn
view = explorer.Map(numpy.random.default_rng(0).normal(size=(80, 2)).astype("float32"), steps={"extract": "lsa"}, height=400)
def mend(click):
    for kind, method in (("extract", "vectors"), ("reduce", "pca"), ("cluster", "kmeans")):
        view.pipeline.choose(kind, method)
    view._show("steps")
mended = pn.widgets.Button(label="mend")
mended.on_click(mend)
pn.Column(view, mended).servable()
"""
OVERTAKEN = """
import threading, explorer, numpy, panel as pn
session = explorer.Session(numpy.random.default_rng(0).normal(size=(80, 2)).astype("float32"))
session.extract("vectors"); session.reduce("pca")
view = explorer.Map(session, height=400)
page = view.page
def overtake(click):
    told = threading.Thread(target=lambda: page.set(growing={"fraction": 0.5, "of": 7}))
    told.start(); told.join()
    page.set(growing=None)
    threading.Thread(target=lambda: page.send(toast={"text": "all is told", "tone": "info"})).start()
button = pn.widgets.Button(label="overtake")
button.on_click(overtake)
pn.Column(view, button).servable()
"""
MISLED = """
import sys, threading, explorer, numpy, panel as pn
from bokeh.io.doc import patch_curdoc
from contextlib import ExitStack
session = explorer.Session(numpy.random.default_rng(0).normal(size=(80, 2)).astype("float32"))
session.extract("vectors"); session.reduce("pca")
view = explorer.Map(session, height=400)
doc, met = pn.state.curdoc, []
at_work = ExitStack()
def between(frame, event, argument):
    if frame.f_code.co_name == "_unblocked":  # Panel's: is it this document that is worked on, and in this thread?
        at_work.enter_context(patch_curdoc(doc))
    elif frame.f_code.co_name == "_thread_id":
        met.append(at_work.close())
def tell():
    sys.settrace(between)
    view.page.send(toast={"text": "told by a thread", "tone": "info"})
    sys.settrace(None)
    view.page.send(toast={"text": f"met {len(met) > 0}", "tone": "info"})
button = pn.widgets.Button(label="tell")
button.on_click(lambda click: threading.Timer(0.5, tell).start())  # the server is at rest again by then
pn.Column(view, button).servable()
"""
AREAS_APP = """
import itertools, explorer, numpy, panel as pn
from explorer.views.pages import AREAS
workspace = explorer.Workspace(explorer.read(numpy.random.default_rng(0).normal(size=(80, 2)).astype("float32")))
session = explorer.Session(workspace.dataset, workspace)
session.extract("vectors"); session.reduce("pca"); session.cluster("kmeans", n_clusters=3)
shown = [*itertools.combinations(AREAS, 1), *itertools.combinations(AREAS, 2)]
high = lambda areas: None if set(areas) <= {"header", "labels"} else 300
pn.Column(*(explorer.Explorer(workspace, show=one, height=high(one)) for one in shown)).servable()
"""


class Process:
    """A server in a process of its own, at an address that it says itself."""

    def __init__(self, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True,
            env=os.environ | environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.said = ""
        lines = map(self.note, self.process.stdout)
        self.url = next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))

    def note(self, line: str) -> str:
        self.said += line
        return line

    def text(self, path: str, **headers: str) -> str:
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", headers=headers), timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    def close(self) -> None:
        self.process.terminate()
        out, _ = self.process.communicate(timeout=60)
        self.said += out

    @property
    def faults(self) -> str:
        """From the first traceback on, but for Panel's own of a message to a page that was closed while it was sent."""
        said = LEFT.sub("", self.said)
        return said[said.index("Traceback") :] if "Traceback" in said else ""


@pytest.fixture(scope="module")
def panel_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The shipped app under `panel serve`, with ours beside it in the same process."""
    folder = tmp_path_factory.mktemp("apps")
    others = {"alive": ALIVE, "linked": LINKED, "waiting": WAITING, "overtaken": OVERTAKEN, "misled": MISLED, "areas": AREAS_APP}
    for name, source in others.items():
        (folder / f"{name}.py").write_text(source)
    command = ["panel", "serve", str(APPS / "panel_app.py"), *(str(folder / f"{name}.py") for name in others)]
    command += ["--port", "0", "--address", "127.0.0.1", "--unused-session-lifetime", "3000", "--check-unused-sessions", "500"]
    served = Process(*command)
    yield served
    served.close()
    assert not served.faults, served.faults


@pytest.fixture(scope="module")
def fastapi_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The shipped FastAPI app, which says in this test also how many views there are, and waits less before it drops one."""
    pytest.importorskip("bokeh_fastapi")
    folder = tmp_path_factory.mktemp("api")
    (folder / "tried_app.py").write_text("""
import gc, functools, panel.io.fastapi as integration
quick = {"check_unused_sessions_milliseconds": 500, "unused_session_lifetime_milliseconds": 3000}
integration.add_applications = functools.partial(integration.add_applications, **quick)
from fastapi_app import app, explorer
@app.get("/alive")
async def alive() -> int:
    gc.collect()
    return sum(isinstance(one, explorer.Explorer) for one in gc.get_objects())
""")
    path = os.pathsep.join([str(folder), str(APPS)])
    served = Process("uvicorn", "tried_app:app", "--port", "0", PYTHONPATH=path)
    yield served
    served.close()
    assert not served.faults, served.faults


def sentence(page: Any) -> str:
    return str(page.locator(".sentence").inner_text())


def selected(page: Any) -> int:
    return int(re.search(r"([\d,]+)\s+selected", sentence(page))[1].replace(",", ""))  # type: ignore[index]


def expected(page: Any, points: list[tuple[float, float]]) -> int:
    """How many emoji are within a line that was drawn, worked out from the shipped layout."""
    canvas = page.locator("canvas.map-canvas")
    box, (x0, x1, y0, y1) = canvas.bounding_box(), json.loads(canvas.get_attribute("data-viewport"))
    corners = [(x0 + (x - box["x"]) / box["width"] * (x1 - x0), y1 - (y - box["y"]) / box["height"] * (y1 - y0)) for x, y in points]
    return int(inside(LAYOUT, np.asarray(corners)).sum())


def shows(page: Any, text: str) -> None:
    page.get_by_text(text, exact=True).first.wait_for()


def opened(open_page: Callable[..., Any], url: str, **options: Any) -> Any:
    page = open_page(url, height=720, **options)
    wait_for_frame(page)
    return page


# Parts under panel serve


def test_a_lasso_with_the_mouse_is_the_apps_selection(panel_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app")
    shows(page, "0 of 1,911 selected")
    until(lambda: page.locator(".thumb img").count() > 20, "the items' pictures")
    points = lasso(page, 0.45, 0.5, 0.2)
    count = until(lambda: selected(page), "a selection")
    assert count == expected(page, points)
    shows(page, f"{count} of 1,911 selected")
    until(lambda: page.locator("table tbody tr").count() == 5, "the app's own table follows")
    assert page.locator(".items h2").inner_text() == f"{count} selected", "and the other part follows"


def test_what_is_set_in_python_shows_on_the_map(panel_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app")
    page.get_by_role("button", name="Select the flags").click()
    until(lambda: selected(page) == 270, "the flags")
    assert page.locator("table tbody tr").first.inner_text().split()[-1] == "Flags"
    page.get_by_label("Colour", exact=True).select_option("cluster")
    legend = page.get_by_label("colour by")
    until(lambda: legend.input_value() == "cluster", "the legend of the clusters")
    legend.select_option("density")
    until(lambda: page.get_by_label("Colour", exact=True).input_value() == "density", "the app's own menu")


def test_a_map_alone_says_why_it_is_empty_and_runs(panel_app: Process, open_page: Any, tmp_path: Path) -> None:
    """No card of a step is there to say it: a step that fails, and Run once what was wrong is mended."""
    page = open_page(f"{panel_app.url}/waiting", height=720)
    waiting = page.locator(".map-waiting")
    waiting.get_by_role("status").filter(has_text="Features (lsa): ").wait_for(timeout=30_000)
    until(lambda: "bad" in waiting.get_by_role("status").get_attribute("class"), "the reason")
    assert page.get_by_text("steps on the left").count() == 0
    page.screenshot(path=tmp_path / "waiting.png")
    page.get_by_role("button", name="mend").click()
    waiting.get_by_role("status").filter(has_text="Features (vectors): ").wait_for(timeout=30_000)
    waiting.get_by_role("button", name="Run").click()
    wait_for_frame(page)
    waiting.wait_for(state="detached")


def test_what_was_told_before_does_not_stand_in_the_end(panel_app: Process, open_page: Callable[..., Any]) -> None:
    """What a thread says waits for Panel's next turn; what the visit itself says goes at once."""
    page = open_page(f"{panel_app.url}/overtaken")
    wait_for_frame(page)
    page.get_by_role("button", name="overtake").click()
    page.locator(".toast", has_text="all is told").wait_for()
    assert page.locator(".growing").is_hidden()


def test_a_thread_is_heard_whatever_the_server_works_on_meanwhile(panel_app: Process, open_page: Callable[..., Any]) -> None:
    """Panel asks twice what the server works on, which may be over between the two: then the thread passed for the server's own."""
    page = open_page(f"{panel_app.url}/misled")
    wait_for_frame(page)
    page.get_by_role("button", name="tell").click()
    page.locator(".toast", has_text="told by a thread").wait_for()
    page.locator(".toast", has_text="met True").wait_for()


def test_a_part_has_its_dialogs_and_says_once_what_was_done(panel_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app")
    lasso(page, 0.45, 0.5, 0.1)
    count = until(lambda: selected(page), "a selection")
    page.locator(".labelbar button.primary").click()
    page.locator("dialog input").fill(EVIL)
    page.locator("dialog button.primary").click()
    toast = page.locator(".toast")
    toast.first.wait_for()
    assert toast.all_inner_texts() == [f"{count} labelled “{EVIL}”"]
    box = toast.first.bounding_box()
    assert box["y"] + box["height"] <= 720, "it lies within the window, though the part is lower than it"
    until(lambda: EVIL in page.locator("table tbody").inner_text(), "the label in the app's own table")
    assert page.title() != "ran"
    assert page.locator("table img").count() == 0
    page.locator(".labelbar button", has_text="Undo").click()
    until(lambda: EVIL not in page.locator("table tbody").inner_text(), "no label any more")


def test_focus_covers_the_app_from_a_part_of_one_line(panel_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app")
    page.locator(".labelbar button", has_text="Focus").click()
    stage = page.locator(".stage img")
    stage.wait_for()
    cover = page.locator(".focus:popover-open").bounding_box()
    assert cover["width"] > 1000
    assert cover["height"] > 600
    page.keyboard.press("Escape")
    page.locator(".focus").first.wait_for(state="hidden")
    assert page.locator(".focus:popover-open").count() == 0


@pytest.mark.parametrize(("query", "scheme", "theme"), [("", "dark", "light"), ("?theme=dark", "light", "dark")])
def test_a_part_is_as_dark_as_the_app_around_it(panel_app: Process, open_page: Any, query: str, scheme: str, theme: str) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app{query}", color_scheme=scheme)
    themes = lambda: page.locator(".explorer").evaluate_all("all => all.map((one) => one.dataset.theme)")  # noqa: E731
    until(lambda: themes() == [theme] * 4, f"{theme} parts")
    other = {"dark": "#ffffff", "light": "oklch(0.2 0 0)"}[theme]
    page.evaluate("color => { for (const el of document.querySelectorAll('body, body *')) el.style.background = color }", other)
    until(lambda: theme not in themes(), "parts that follow an app which changes its theme")


def test_keys_are_the_parts_own_while_it_has_the_focus(panel_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{panel_app.url}/panel_app")
    tool = page.locator(".toolbar [aria-pressed=true]").first
    page.get_by_label("Colour", exact=True).focus()
    page.keyboard.press("b")
    page.locator("body").click(position={"x": 640, "y": 30})
    page.keyboard.press("b")
    assert tool.inner_text() == "Lasso"
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("b")
    assert tool.inner_text() == "Box"


def test_every_area_alone_and_in_pairs_fits_its_place(panel_app: Process, open_page: Any) -> None:
    page = open_page(f"{panel_app.url}/areas", height=2000)
    count = len(AREAS) + math.comb(len(AREAS), 2)
    until(lambda: page.locator(".explorer").count() == count, "all of them")
    maps = sum("map" in (one, other) for place, one in enumerate(AREAS) for other in AREAS[place:])
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == maps, "their maps")
    fitting = """all => all.map((el) => ({
        wide: el.scrollWidth - el.clientWidth, high: el.scrollHeight - el.clientHeight,
        small: Math.min(...[...el.children].filter((one) => /head|left|map|right|bar/.test(one.className))
            .map((one) => one.offsetHeight)),
        room: el.parentElement.getBoundingClientRect().height - el.getBoundingClientRect().height}))"""
    for place, found in enumerate(page.locator(".explorer").evaluate_all(fitting)):
        assert found["wide"] <= 0, (place, found)
        assert found["high"] <= 0, (place, found)
        assert found["small"] >= 30, (place, found)
        assert abs(found["room"]) <= 1, (place, found)


# Two maps, and a file


def test_linked_maps_follow_each_other_and_observers_hear_once_a_brush(panel_app: Process, open_page: Any) -> None:
    page = open_page(f"{panel_app.url}/linked", width=1280, height=720)
    canvases = page.locator("canvas.map-canvas[data-frames]")
    until(lambda: canvases.count() == 2, "two maps")
    both = lambda: [re.search(r"(\d+) selected", one)[1] for one in page.locator(".sentence").all_inner_texts()]  # type: ignore[index]  # noqa: E731
    box = canvases.first.bounding_box()
    for brush in (1, 2):
        corners = [(0.4, 0.4), (0.5, 0.3), (0.6, 0.5), (0.5, 0.5 + brush / 10)]
        path = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
        page.mouse.move(*path[0])
        page.mouse.down()
        for point in path[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()
        shows(page, f"heard {brush} {brush}")
        until(lambda: both()[0] == both()[1] != "0", "one selection")
    page.get_by_role("button", name="three").click()
    until(lambda: both() == ["3", "3"], "what Python selected in the other one")
    shows(page, "heard 3 3")
    before = canvases.nth(1).get_attribute("data-viewport")
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -300)
    until(lambda: canvases.nth(1).get_attribute("data-viewport") != before, "the other one looks elsewhere")


def test_only_the_page_that_asks_gets_the_file(panel_app: Process, open_page: Any) -> None:
    page = open_page(f"{panel_app.url}/linked", width=1280, height=720)
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == 2, "two maps")
    files: list[str] = []
    page.on("download", lambda download: files.append(download.suggested_filename))
    page.get_by_role("button", name="Export").click()
    page.locator("dialog button.primary").click()
    page.locator("dialog").wait_for(state="detached")
    until(lambda: (page.wait_for_timeout(50), len(files) >= 2)[1], "two files")  # Playwright hears of them while it waits
    page.wait_for_timeout(500)  # for one too many
    assert sorted(files) == ["array-labels.csv", "array-labels.csv.settings.json"]


def test_closing_the_page_frees_the_session(panel_app: Process, open_page: Any) -> None:
    alive = lambda: int(re.search(r"<title>alive (\d+)", panel_app.text("/alive"))[1])  # type: ignore[index]  # noqa: E731
    until(lambda: alive() == 0, "the visits of other tests to end")
    page = opened(open_page, f"{panel_app.url}/panel_app")
    lasso(page, 0.45, 0.5, 0.2)
    until(lambda: alive() == 1, "this visit alone")
    page.context.close()
    until(lambda: alive() == 0, "the visit to be gone")


def test_a_page_that_connects_late_asks_no_other_host(panel_app: Process, open_page: Any) -> None:
    """The visit that was made for it is over by then, and another one is made by the socket."""
    page = open_page("about:blank", width=1280, height=720)
    page.route("**/bokeh.min.js*", lambda route: (page.wait_for_timeout(6000), route.continue_()))
    page.goto(f"{panel_app.url}/linked")
    until(lambda: page.locator("canvas.map-canvas[data-frames]").count() == 2, "two maps")


# FastAPI


def test_the_page_in_a_fastapi_app(fastapi_app: Process, open_page: Any) -> None:
    page = opened(open_page, f"{fastapi_app.url}/map")
    assert page.locator("html").evaluate("() => document.querySelector('body').scrollHeight <= innerHeight")
    until(lambda: page.locator(".thumb img").count() > 20, "the items' pictures")
    points = lasso(page, 0.45, 0.5, 0.2)
    count = until(lambda: selected(page), "a selection")
    assert count == expected(page, points)
    page.keyboard.press("n")
    page.locator("dialog input").fill(EVIL)
    page.locator("dialog button.primary").click()
    until(lambda: len(json.loads(fastapi_app.text("/labels"))) == count, "the labels at the app's own address")
    assert set(json.loads(fastapi_app.text("/labels")).values()) == {EVIL}
    with page.expect_download() as coming:
        page.get_by_role("button", name="Export").click()
        page.locator("dialog button.primary").click()
    assert coming.value.suggested_filename.startswith("emoji-labels.csv")
    page.context.close()
    until(lambda: fastapi_app.text("/alive") == "0", "the visit to be gone")


def test_the_fastapi_app_lets_no_other_sites_page_in(fastapi_app: Process) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        fastapi_app.text("/map", Host="evil.example")
    token = re.search(r'"token":"([^"]+)"', fastapi_app.text("/map"))[1]  # type: ignore[index]

    async def answer(origin: str) -> int:
        request = HTTPRequest(f"{fastapi_app.url.replace('http', 'ws')}/map/ws", headers={"Origin": origin})
        try:
            socket = await websocket_connect(request, subprotocols=["bokeh", token])
        except HTTPClientError as refused:
            return int(refused.code)
        await socket.read_message()
        socket.close()
        await drained(socket)
        return 101

    with ThreadPoolExecutor(1) as pool:  # Playwright has an event loop in this thread
        answers = [pool.submit(asyncio.run, answer(origin)).result() for origin in ("http://evil.example", "null", fastapi_app.url)]
    assert answers == [403, 403, 101]
