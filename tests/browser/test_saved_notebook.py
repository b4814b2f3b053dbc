"""A saved notebook: opened where nothing runs, by strangers, or as one HTML file, it still shows the map and its counts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from notebooks import POINTS, Jupyter, apart, write
from waiting import until

CELL = POINTS + "w = explorer.Explorer(session)\nw.labels = {0: 'odd', 1: 'odd', 2: 'even'}\nw"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that was run and saved, without a signature of this machine's."""
    path = tmp_path_factory.mktemp("saved") / "saved.ipynb"
    write(path, [CELL])
    _convert("notebook", "--execute", "--inplace", str(path))
    return path


def _convert(to: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", to, *arguments]
    with tempfile.TemporaryDirectory(prefix="explorer-nbconvert-") as kept:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=apart(Path(kept)))
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def jupyter(executed: Path) -> Iterator[Jupyter]:
    server = Jupyter(executed.parent)
    yield server
    server.close()


_DRAWN = """(canvas) => {
  const blank = document.createElement("canvas")
  ;[blank.width, blank.height] = [canvas.width, canvas.height]
  return canvas.toDataURL() !== blank.toDataURL()
}"""


def _moved(frame: Any) -> bool:
    """Whether the small map in a frame, once it is drawn, moves when the wheel is turned."""
    canvas, over = frame.locator("canvas.points"), frame.locator("canvas.over")
    canvas.wait_for()
    until(lambda: canvas.evaluate(_DRAWN), "points")
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    over.hover(position={"x": 200, "y": 200})
    canvas.page.mouse.wheel(0, -400)
    return bool(until(lambda: canvas.evaluate("canvas => canvas.toDataURL()") != before, "another part of it"))


def test_a_strangers_notebook_shows_picture_and_words(jupyter: Jupyter, open_page: Any) -> None:
    page = open_page(jupyter.url("saved.ipynb"), width=1300, height=1000)
    output = page.locator(".jp-OutputArea-output").first
    output.locator("img[src^='data:image/png']").wait_for()
    assert "300 vectors" in output.inner_text()  # Jupyter leaves neither style nor frames in it
    assert "odd 2" in output.inner_text()
    _not_sorry(page)


def _not_sorry(page: Any) -> None:
    page.wait_for_timeout(6000)  # after five seconds it says how a live map comes
    for sorry in ("model not found", "Error displaying widget", "Loading widget"):
        assert not [found for found in page.get_by_text(sorry).all() if found.is_visible()], sorry


def test_trusted_it_pans(jupyter: Jupyter, open_page: Any) -> None:
    command = [sys.executable, "-m", "jupyter", "trust", str(jupyter.root / "saved.ipynb")]
    trusted = subprocess.run(command, capture_output=True, timeout=180, env=jupyter.environment)
    assert trusted.returncode == 0, trusted.stderr
    page = open_page(jupyter.url("saved.ipynb"), width=1300, height=1000)
    page.locator("[data-explorer-still] iframe").wait_for()
    assert _moved(page.frame_locator("[data-explorer-still] iframe"))
    _not_sorry(page)


def test_the_html_of_a_notebook_keeps_the_map(executed: Path, open_page: Any, tmp_path: Path) -> None:
    _convert("html", str(executed), "--output-dir", str(tmp_path))
    path = tmp_path / "saved.html"
    path.write_text(_SCRIPT.sub(_without_network, path.read_text()))
    with _served(tmp_path) as address:  # and `open_page` sees whether what is left asks any other
        page = open_page(f"{address}/saved.html")
        page.locator("[data-explorer-still] iframe").wait_for()
        assert _moved(page.frame_locator("[data-explorer-still] iframe"))
        assert "odd 2" in page.locator("[data-explorer-still]").inner_text()


_SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL)


def _without_network(found: re.Match[str]) -> str:
    """nbconvert's own template asks others for its formulas and its player of widgets; that is not ours."""
    return "" if re.search(r"unpkg\.com|cdnjs\.cloudflare\.com", found[0]) else found[0]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def test_a_saved_map_is_small(executed: Path) -> None:
    outputs = json.loads(executed.read_text())["cells"][0]["outputs"]
    assert sum(len(json.dumps(output)) for output in outputs) < 1_000_000
