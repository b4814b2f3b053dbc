"""From the command typed to the first map painted: `explorer demo` beside `panel serve` of a minimal rasterized scatter.

    python benchmarks/startup.py [--runs 5]

A browser runs already. Both stop at the same thing: a canvas on the page with a coloured pixel (axes, names and ground are grey);
ours also needs its first frame to be drawn. The two take turns, after one round that is not counted (it warms the disk).
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SAMPLES = Path(__file__).parent.parent / "sample_data"
STAGES = ("process → listening", "listening → canvas on the page", "canvas → first picture")
PATIENCE = 90  # seconds

# What somebody would write who has a layout and wants to see it: points through Datashader, so that their number does not matter.
PLAIN = """
import sys
import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
from holoviews.operation.datashader import dynspread, rasterize

hv.extension("bokeh")
layout = np.load(sys.argv[1], mmap_mode="r")
frame = pd.DataFrame({"x": layout[:, 0], "y": layout[:, 1]})
points = hv.Points(frame, ["x", "y"])
plot = dynspread(rasterize(points)).opts(cmap="viridis", responsive=True, tools=["hover"])
pn.pane.HoloViews(plot, sizing_mode="stretch_both").servable()
"""

# Notes, in milliseconds since 1970, when the first canvas is there and when one has a coloured pixel.
WATCH = """
window.seen = {}
const canvases = (root) => [...root.querySelectorAll("*")].flatMap((el) =>
  (el.tagName === "CANVAS" ? [el] : []).concat(el.shadowRoot ? canvases(el.shadowRoot) : []))
const small = new OffscreenCanvas(160, 100)
const context = small.getContext("2d", {willReadFrequently: true})
const colored = (canvas) => {
  if (!canvas.width || !canvas.height || (canvas.classList.contains("map-canvas") && !canvas.dataset.frames)) return false
  context.clearRect(0, 0, 160, 100)
  context.drawImage(canvas, 0, 0, 160, 100)
  const {data} = context.getImageData(0, 0, 160, 100)
  for (let at = 0; at < data.length; at += 4) {
    const most = Math.max(data[at], data[at + 1], data[at + 2]), least = Math.min(data[at], data[at + 1], data[at + 2])
    if (data[at + 3] > 20 && most - least > 60) return true
  }
  return false
}
const look = () => {
  const found = canvases(document)
  const now = performance.timeOrigin + performance.now()
  if (found.length) window.seen.canvas ??= now
  if (found.some(colored)) window.seen.picture = performance.timeOrigin + performance.now()
  else setTimeout(look, 15)
}
document.addEventListener("DOMContentLoaded", look)
"""


def main() -> None:
    """Print where the time goes, for both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    print(machine(), "\n")
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plain.py").write_text(PLAIN)
        ways = {"`explorer demo`": demo, "`panel serve` of `rasterize`": lambda port: plain(Path(folder), port)}
        taken: dict[str, list[list[float]]] = {name: [] for name in ways}
        for _ in range(given.runs + 1):
            for name, command in ways.items():
                taken[name].append(timed(browser, command))
    print("| what | seconds to the first map, median | worst | " + " | ".join(f"{stage}, median" for stage in STAGES) + " |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, runs in taken.items():
        counted = runs[1:]
        totals = [sum(run) for run in counted]
        parts = [statistics.median(run[stage] for run in counted) for stage in range(len(STAGES))]
        cells = [statistics.median(totals), max(totals), *parts]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")
    print(f"\n{imports('explorer.views.server')}")


def machine() -> str:
    """The machine's size, and nothing else of it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = f"{os.getloadavg()[0]:.1f} programs wanted a core in the last minute"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}; {busy}"


@contextmanager
def _launched() -> Any:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        browser.new_page().goto("about:blank")
        yield browser
        browser.close()


def chromium() -> AbstractContextManager[Any]:
    """A browser that runs already."""
    made: AbstractContextManager[Any] = _launched()
    return made


def demo(port: int) -> list[str]:
    return [sys.executable, "-m", "explorer.cli", "demo", "--no-browser", "--port", str(port)]


def plain(folder: Path, port: int) -> list[str]:
    layout = str(SAMPLES / "emoji.results" / "layout" / "values.npy")
    return [sys.executable, "-m", "panel", "serve", str(folder / "plain.py"), "--port", str(port), "--args", layout]


def timed(browser: Any, command: Callable[[int], list[str]]) -> list[float]:
    """Seconds of each stage of one start."""
    port = free_port()
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(WATCH)
    started = time.time()
    process = subprocess.Popen(command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_listening(process, port)
        listening = time.time()
        page.goto(f"http://localhost:{port}/", wait_until="commit")
        page.wait_for_function("window.seen && window.seen.picture", timeout=PATIENCE * 1000)
        seen = page.evaluate("window.seen")
    finally:
        page.context.close()
        process.terminate()
        process.wait(20)
    marks = [started, listening, seen["canvas"] / 1000, seen["picture"] / 1000]
    return [after - before for before, after in itertools.pairwise(marks)]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise SystemExit(f"the server did not start (exit code {process.poll()})")


def imports(module: str, most: int = 12) -> str:
    """Which packages an import spends its own time in, from ``python -X importtime``, in a fresh process on a warm disk."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    own: Counter[str] = Counter()
    for micros, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", said):
        own[name.split(".")[0]] += int(micros)
    packages = ", ".join(f"{name} {spent / 1e6:.2f}" for name, spent in own.most_common(most))
    return f"`import {module}`: {sum(own.values()) / 1e6:.2f} s (measured with -X importtime, which slows it), of which {packages}"


if __name__ == "__main__":
    main()
