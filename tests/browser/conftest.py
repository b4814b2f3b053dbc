"""A real Chromium and a real server; without a browser on the machine these tests are skipped, and say so."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SAMPLES = Path(__file__).parents[2] / "sample_data"
PATIENCE = 90_000  # milliseconds for what a page does at once on a machine with nothing else to do
FIRST = 240_000  # the same for what a server imports and compiles first


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason="needs Debian's chromium: apt-get install chromium"))


@pytest.fixture(scope="module")  # Playwright keeps an event loop running in this thread: it must end before other tests begin
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of its own; at the end, no script of it may have failed and nothing may have been asked of another machine."""
    contexts, troubles = [], []

    def open_(url: str, width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
        page.on("request", lambda request: _is_local(request.url) or troubles.append(f"asked for {request.url}"))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not troubles, troubles


def _is_local(url: str) -> bool:
    return bool(re.match(r"(https?|wss?)://(localhost|127\.0\.0\.1)[:/]|data:|blob:|about:", url))


class Served:
    """``explorer open`` or ``demo`` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        if arguments[0] == "open" and "--workspace" not in arguments:
            arguments = (*arguments, "--no-workspace")  # or a test would find the page as the one before it left it
        command = [sys.executable, "-m", "explorer.cli", *arguments, "--no-browser"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._ready = threading.Event()
        self.url = ""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self._ready.wait(FIRST / 1000), f"not served: {self.said}"
        assert self.url, f"not served: {self.said}"

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://\S+", line):
                self.url = found[0]
                self._ready.set()
        self._ready.set()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self._listener.join(60)
        if self.process.stderr is not None:
            self.process.stderr.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Callable[..., Served]]:
    """Serve something for as long as the tests run; the same arguments are served once."""
    running: dict[tuple[str, ...], Served] = {}

    def serve(*arguments: str) -> Served:
        if arguments not in running:
            running[arguments] = Served(*arguments)
        return running[arguments]

    yield serve
    for one in running.values():
        one.close()


@pytest.fixture
def demo(served: Any, open_page: Any) -> Any:
    """A page of the demo with its first picture."""
    page = open_page(served("demo").url)
    wait_for_frame(page)
    return page


def wait_for_frame(page: Any, after: int = 0) -> None:
    """Wait until the server has drawn a picture (one more than `after`)."""
    page.locator(f"canvas.map-canvas[data-frames]:not([data-frames='{after}'])").wait_for(timeout=FIRST)


def lasso(page: Any, across: float, down: float, radius: float) -> list[tuple[float, float]]:
    """Draw a circle with the mouse, its centre and radius as shares of the map; gives the points in page pixels."""
    import math

    box = page.locator("canvas.map-canvas").bounding_box()
    middle = (box["x"] + across * box["width"], box["y"] + down * box["height"])
    reach = radius * min(box["width"], box["height"])
    turns = [math.pi + turn * math.pi / 18 for turn in range(36)]  # begins at the left, on the map; the rest may leave it
    points = [(middle[0] + reach * math.cos(turn), middle[1] + reach * math.sin(turn)) for turn in turns]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()
    return points
