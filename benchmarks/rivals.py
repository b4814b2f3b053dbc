"""What jupyter-scatter and embedding-atlas show of five million points in a browser on a machine without a GPU.

    python benchmarks/rivals.py --python /tmp/rivals/bin/python [--rows 5000000 1000000 100000] [--only TOOL] [--pictures /tmp]

They live in an environment of their own, whose Python is given; the pictures of what they showed go to a folder. Each gets the same
file, first with the flags of our browser tests (no GPU: Chromium has WebGL in software and no WebGPU) and, if it shows no map, with
WebGPU in software asked for too. Fewer rows are tried only if no map is shown. Seconds to the first picture are from the command
(embedding-atlas, in a window of 900 × 700) or from the start of a cell that imports, reads and shows (jupyter-scatter, a map of
900 × 700 in JupyterLab, its kernel running already); megabytes are what a relay counts from the server to the browser from then to
the end. When a picture was shown is told by Chromium's screencast, which has a frame whenever something on the page changed.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from playwright.sync_api import Error, TimeoutError, sync_playwright
from startup import CHROMIUM, FLAGS, free_port, machine

PATIENCE = 120  # seconds for the first picture, and for the server to listen
WHEELS = 5
STILL = 10.0  # seconds without a new picture: the map has come to rest; or three times what a picture took, if that is more
SOFTWARE = ["--enable-unsafe-swiftshader", "--use-angle=swiftshader", "--enable-unsafe-webgpu"]
MODES = {"no GPU": FLAGS, "software WebGPU": [flag for flag in FLAGS if flag != "--disable-gpu"] + SOFTWARE}
HEADS = (
    "tool", "version", "Chromium", "rows", "what the page showed", "seconds to the first picture",
    "seconds from wheel to new picture, median (all)", "MB sent to the browser", "GB of the browser",
)  # fmt: skip
INSTALL = "python -m venv /tmp/rivals && /tmp/rivals/bin/python -m pip install jupyter-scatter embedding-atlas jupyterlab"
TROUBLE = re.compile(r"[^\n]*(?:WebG[LP]|Error|Failed|unavailable|not supported|out of memory|Kernel Restarting)[^\n]*")
CELL = """import pandas as pd, jscatter
df = pd.read_parquet({file!r})
jscatter.Scatter(data=df, x='x', y='y', color_by='kind', width=900, height=700).show()"""
# The largest canvas that can be seen, [left, top, width, height], or null.
MAP = """() => {
  const canvases = (root) => [...root.querySelectorAll("*")].flatMap((el) =>
    (el.tagName === "CANVAS" ? [el] : []).concat(el.shadowRoot ? canvases(el.shadowRoot) : []))
  const boxes = canvases(document).map((canvas) => canvas.getBoundingClientRect())
  const large = boxes.filter((box) => box.width > 200 && box.height > 150)
  const box = large.sort((one, other) => other.width * other.height - one.width * one.height)[0]
  return box ? [box.left, box.top, box.width, box.height] : null
}"""


def main() -> None:
    """Print a row for each tool, way to start Chromium, and number of rows that was tried."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", help="the Python of an environment with both tools and JupyterLab")
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000, 1_000_000, 100_000])
    parser.add_argument("--pictures", type=Path, default=Path(tempfile.gettempdir()), help="folder for the screenshots")
    parser.add_argument("--only", choices=list(TOOLS), help="one tool alone")
    given = parser.parse_args()
    versions = installed(given.python)
    print(f"{machine()}\n\n| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in [given.only] if given.only else TOOLS:
            for mode in MODES:
                if tried(name, versions[name], mode, given, Path(folder)):
                    break


def installed(python: str | None) -> dict[str, str]:
    """The versions of both tools; without them says how to get them and ends."""
    ask = "import importlib.metadata as of, json, jupyterlab; print(json.dumps({{name: of.version(name) for name in {names}}}))"
    with suppress(OSError, subprocess.CalledProcessError):
        if python:
            command = [python, "-c", ask.format(names=list(TOOLS))]
            answered: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            return answered
    print(INSTALL, file=sys.stderr)
    raise SystemExit(2)


def cloud(rows: int, file: Path) -> Path:
    """Fifty gaussians in a Parquet file: float32 x and y, and kind, a dictionary of 20 categories."""
    if not file.exists():
        rng = np.random.default_rng(0)
        centres, scales = rng.normal(size=(50, 2)) * 10, rng.uniform(0.2, 2, 50)
        group = rng.integers(0, 50, rows)
        points = (centres[group] + rng.normal(size=(rows, 2)) * scales[group, None]).astype(np.float32)
        kind = pa.DictionaryArray.from_arrays(pa.array((group % 20).astype(np.int32)), pa.array([f"kind {at}" for at in range(20)]))
        pq.write_table(pa.table({"x": points[:, 0], "y": points[:, 1], "kind": kind}), file)
    return file


def tried(name: str, version: str, mode: str, given: argparse.Namespace, folder: Path) -> bool:
    """Print a row for the most points, and for fewer until a map is shown; whether one was."""
    for rows in given.rows:
        file = cloud(rows, folder / f"{rows}.parquet")
        picture = given.pictures / f"rivals_{name}_{rows}_{mode.replace(' ', '_')}.png"
        found = measured(TOOLS[name], given.python, file, MODES[mode], picture)
        cells = [f"`{name}`", version, mode, f"{rows:,}", found.words, seconds(found.first), wheels(found.wheels)]
        print("| " + " | ".join([*cells, f"{found.sent / 1e6:.1f}", f"{found.memory / 2**30:.1f}"]) + " |", flush=True)
        if found.first is not None:
            return True
    return False


def seconds(taken: float | None) -> str:
    return "-" if taken is None else f"{taken:.1f}"


def wheels(taken: list[float]) -> str:
    return f"{statistics.median(taken):.2f} ({', '.join(f'{one:.2f}' for one in taken)})" if taken else "-"


@dataclass
class Found:
    """What came of one try."""

    words: str = ""
    first: float | None = None
    wheels: list[float] = field(default_factory=list)
    sent: int = 0
    memory: int = 0


class Relay:
    """Passes connections on to a port and counts the bytes that come back."""

    def __init__(self, port: int) -> None:
        self.sent, self._to = 0, port
        self._taking = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._taking.getsockname()[1])
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                browser, _ = self._taking.accept()
                server = socket.create_connection(("localhost", self._to))
                threading.Thread(target=self._pass, args=(browser, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, browser, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 18):
                self.sent += len(data) * counted
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._taking.close()


class Film:
    """The frames of a page, each with the time at which it was shown."""

    def __init__(self, page: Any) -> None:
        self.page, self.frames = page, [(0.0, b"")]
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 80})

    def _keep(self, event: dict[str, Any]) -> None:
        self.frames.append((float(event["metadata"]["timestamp"]), base64.b64decode(event["data"])))
        with suppress(Error):  # the page was closed
            self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def look(self, at: int, box: list[float]) -> np.ndarray:
        """The pixels of one frame within a box of the page, ``(height, width, 3)``."""
        if not self.frames[at][1]:
            return np.zeros((1, 1, 3), np.int16)
        image = Image.open(io.BytesIO(self.frames[at][1])).convert("RGB")
        scale = image.width / self.page.viewport_size["width"]
        left, top, width, height = box
        return np.asarray(image.crop([round(edge * scale) for edge in (left, top, left + width, top + height)])).astype(np.int16)

    def wait(self, seconds: float = 0.02) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def changed(self, start: int, box: list[float], patience: float) -> float | None:
        """When the box first looked different from how it did in frame `start`."""
        before, at, until = self.look(start, box), start + 1, time.monotonic() + patience
        while time.monotonic() < until:
            while at < len(self.frames):
                if differs(before, self.look(at, box)):
                    return self.frames[at][0]
                at += 1
            self.wait()
        return None

    def settle(self, box: list[float], still: float) -> None:
        """Wait until the box has looked the same for so many seconds."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.changed(len(self.frames) - 1, box, still) is not None:
            pass


def differs(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether more than 1 in 100 pixels are others."""
    return before.shape != after.shape or bool((abs(before - after).max(axis=2) > 40).mean() > 0.01)


def coloured(pixels: np.ndarray) -> float:
    """The share of pixels that are not grey."""
    return float((pixels.max(axis=2) - pixels.min(axis=2) > 40).mean())


def measured(tool: Callable[..., Any], python: str, file: Path, flags: list[str], picture: Path) -> Found:
    """Let one tool show one file in a browser of its own."""
    found, console, asked = Found(), [], set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            page = browser.new_context().new_page()
            page.on("console", lambda said: console.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: console.append(str(error)))
            page.context.on("request", lambda request: asked.add(outside(request.url)))
            with tool(python, file, page) as (film, relay, started):
                try:
                    watch(film, started, found)
                except Error as error:
                    found.words = f"the browser failed: {str(error).splitlines()[0]}"
                found.sent, found.memory = relay.sent, memory()
                with suppress(Error):
                    page.screenshot(path=picture, timeout=60_000)
        finally:
            browser.close()
    tell = [line.strip()[:160] for line in dict.fromkeys(console) if re.search("WebG[LP]|memory", line)]
    found.words += "".join(f"; its console: “{line}”" for line in tell[:2])
    found.words += "".join(f"; it asked for {host}" for host in sorted(asked - {""}))
    return found


def outside(url: str) -> str:
    """The other machine that an address is of, or nothing."""
    there = re.match(r"(?:https?|wss?)://([^/:]+)", url)
    return there[1] if there and there[1] not in ("localhost", "127.0.0.1") else ""


def memory() -> int:
    """Bytes that all processes of the browser hold, what they share counted once."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss if "chrom" in process.name() else 0
    return total


def watch(film: Film, started: float, found: Found) -> None:
    """Wait for the map, then turn the wheel on it."""
    box, words = wait_for_map(film)
    if box is None:
        found.words = words
        return
    film.settle(box, STILL)
    share = coloured(film.look(-1, box))
    # the box may have been something else before: the first picture has at least half of the colour of the one it came to
    found.first = next(when for at, (when, _) in enumerate(film.frames) if coloured(film.look(at, box)) > share / 2) - started
    found.words = f"a map, {box[2]:.0f} × {box[3]:.0f}, {share:.0%} of it coloured"
    for turn in range(WHEELS):
        taken = wheel(film, box, -120 if turn % 2 == 0 else 120, max([STILL, *(3 * one for one in found.wheels)]))
        if taken is None:
            found.words += f"; wheel {turn + 1} changed nothing in {PATIENCE} s"
            return
        found.wheels.append(taken)


def wait_for_map(film: Film) -> tuple[list[float] | None, str]:
    """The box of a canvas with colours on it, or what the page says instead."""
    until, box, words = time.monotonic() + PATIENCE, None, ""
    while time.monotonic() < until:
        film.wait(0.25)
        box = film.page.evaluate(MAP)
        words = film.page.inner_text("body")
        if trouble := TROUBLE.search(words):
            film.wait(5)  # for the screenshot
            return None, f"no map: “{trouble[0].strip()}”"
        if box and coloured(film.look(-1, box)) > 0.01:
            return box, ""
    what = "a canvas without colours" if box else "no canvas"
    return None, f"no map after {PATIENCE} s, {what}: “{' '.join(words.split())[:120]}”"


def wheel(film: Film, box: list[float], by: int, still: float) -> float | None:
    """Seconds from one turn of the wheel in the middle of the map, once it is still, to the first other picture of it."""
    film.page.mouse.move(box[0] + box[2] / 2, box[1] + box[3] / 2)
    film.settle(box, still)
    last, turned = len(film.frames) - 1, time.time()
    film.page.mouse.wheel(0, by)
    shown = film.changed(last, box, PATIENCE)
    return None if shown is None else shown - turned


@contextmanager
def serving(command: list[str], port: int) -> Iterator[Relay]:
    """A server behind a relay; it and its children are ended."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    relay = Relay(port)
    try:
        until = time.monotonic() + PATIENCE
        while not listening(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the server did not start: {' '.join(command)}")
            time.sleep(0.05)
        yield relay
    finally:
        relay.close()
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            with suppress(psutil.Error):
                one.kill()
        process.wait()


def listening(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("localhost", port), timeout=1).close()
        return True
    return False


@contextmanager
def atlas(python: str, file: Path, page: Any) -> Iterator[tuple[Film, Relay, float]]:
    """embedding-atlas by its command, on given coordinates, with DuckDB where it puts it itself."""
    port, started = free_port(), time.time()
    command = [str(Path(python).parent / "embedding-atlas"), str(file), "--x", "x", "--y", "y", "--disable-projection"]
    page.set_viewport_size({"width": 900, "height": 700})
    with serving([*command, "--port", str(port), "--no-auto-port"], port) as relay:
        film = Film(page)
        page.goto(f"http://localhost:{relay.port}/", wait_until="commit")
        yield film, relay, started


@contextmanager
def scatter(python: str, file: Path, page: Any) -> Iterator[tuple[Film, Relay, float]]:
    """jupyter-scatter in one cell of a notebook in JupyterLab."""
    port, folder = free_port(), file.parent
    empty = {"cell_type": "code", "id": "c0", "metadata": {}, "outputs": [], "execution_count": None}
    cell = empty | {"source": CELL.format(file=str(file))}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (folder / "map.ipynb").write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    command = [
        python, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=secret",
        f"--ServerApp.root_dir={folder}", "--allow-root", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    page.set_viewport_size({"width": 1400, "height": 1000})  # JupyterLab's own parts take the rest
    with serving(command, port) as relay:
        page.goto(f"http://localhost:{relay.port}/lab/tree/map.ipynb?token=secret")
        ready(page)
        film, relay.sent, started = Film(page), 0, time.time()
        page.keyboard.press("Control+Enter")
        yield film, relay, started


def ready(page: Any) -> None:
    """Wait for the notebook's kernel and put the focus into its cell."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE * 1000)
    with suppress(TimeoutError):  # JupyterLab asks only where it cannot tell
        page.get_by_role("button", name="Select Kernel").first.click(timeout=10_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=PATIENCE * 1000)
    page.locator(".jp-Cell .cm-content").first.click()


TOOLS: dict[str, Callable[..., Any]] = {"jupyter-scatter": scatter, "embedding-atlas": atlas}


if __name__ == "__main__":
    main()
