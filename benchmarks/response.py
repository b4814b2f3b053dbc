"""How soon the map follows a pan while another visit computes UMAP and HDBSCAN: in a child process, or in a thread of the server.

    python benchmarks/response.py [--rows 100000] [--alone 60] [--most 300]

Visit A presses Run; visit B drags the map three times a second until A's map is there (at most so many seconds), whether or not the
last picture has come. Measured in B's browser: from each mouse event to the paint of the first picture that was asked for after it.
Last comes where the time of one picture goes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from startup import chromium, machine

RATE = 3  # pans a second
COLUMNS = 64
CARD = "section.step[aria-label='{}']"
PROMISE = 300  # milliseconds that 95 of 100 pans stay under
# Notes the time of each mouse event on the map, of each question for a picture, and of each picture once it is painted.
WATCH = r"""
window.log = {events: [], asked: [], painted: []}
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (data) {
  const found = typeof data === "string" && data.includes('"view"') && /"sequence"\W+(\d+)/.exec(data)
  if (found) window.log.asked.push([performance.now(), Number(found[1])])
  return send.call(this, data)
}
window.follow = (canvas) => {
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) window.log.events.push(event.timeStamp) }, {capture: true})
  const painted = () => window.log.painted.push([performance.now(), Number(canvas.dataset.sequence)])
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(painted))).observe(canvas, {attributeFilter: ["data-frames"]})
}
"""
# Whether the picture of the last event has come.
ANSWERED = "log.asked.at(-1)?.[0] >= log.events.at(-1) && log.painted.at(-1)?.[1] >= log.asked.at(-1)[1]"


def main() -> None:
    """Measure each case for so many seconds and print a row a case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, default in (("--rows", 100_000), ("--alone", 60), ("--most", 300)):
        parser.add_argument(name, type=int, default=default)
    given = parser.parse_args()
    print(machine(), f"\n\n{given.rows:,} × {COLUMNS}, {RATE} pans a second\n")
    heads = "what the other visit does | pans | median, ms | p95, ms | max, ms | over 300 ms | p95 ≤ 300 ms | it ran for"
    print(f"| {heads} |\n|---|--:|--:|--:|--:|--:|---|---|", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, chromium() as browser:
        file = f"{folder}/cloud.npy"
        np.save(file, cloud(given.rows, COLUMNS))
        ours = [sys.executable, "-m", "explorer.cli", "open", file, "--no-browser", "--reduce", "pca", "--cluster", "kmeans"]
        thread = [sys.executable, __file__, "--in-thread", file]
        works = (
            ("UMAP, then HDBSCAN on the layout, in a child process", ours, True),
            ("the same, in a thread of the server", thread, True),
        )
        for what, command, work in (("nothing", ours, False), *works):
            with served(command, folder) as link:  # a fresh server for each, so that nothing is left running or compiled
                row(what, measured(browser, link, given.most if work else given.alone, works=work))
    print(f"\n{picture_costs(given.rows)}")


def cloud(rows: int, columns: int, groups: int = 40) -> np.ndarray:
    """A mixture of gaussians, ``(rows, columns)`` float32."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(groups, columns)) * 1.5
    return (centres[random.integers(0, groups, rows)] + random.normal(size=(rows, columns))).astype(np.float32)


def serve_in_thread(file: str) -> None:
    """The same dashboard, but steps run in a thread of the server: what one gets without a child process."""
    import explorer
    from explorer import worker
    from explorer.step import find
    from explorer.views import hosting, server
    from explorer.worker import doing

    class InThread(worker.Worker):
        def submit(self, request: dict[str, Any], beside: Any = None) -> worker.Job:
            return self.run_here(lambda progress: Path(doing.run_step(request, progress)))

        def warm(self) -> None: ...

    hosting.Worker = InThread
    steps = {"reduce": find("reduce", "pca"), "cluster": find("cluster", "kmeans")}
    server.serve(explorer.read(file), steps=steps, open_browser=False)


@contextmanager
def served(command: list[str], folder: str) -> Iterator[str]:
    """A server in a process of its own, by the link that it prints; what it leaves on the disk is left in `folder`."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": folder})
    try:
        link = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield link
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        process.wait()


def measured(browser: Any, link: str, seconds: int, *, works: bool) -> dict[str, Any]:
    """Let visit A do its work and visit B pan."""
    with browser.new_context() as mine, browser.new_context(viewport={"width": 1280, "height": 800}) as other:
        first, second = mine.new_page(), other.new_page()
        first.goto(link)
        for kind in ("extract", "reduce", "cluster"):
            first.wait_for_selector(CARD.format(kind) + "[data-state=done]", state="attached", timeout=300_000)
        second.add_init_script(WATCH)
        second.goto(link)
        canvas = second.wait_for_selector("canvas.map-canvas[data-frames]", timeout=60_000)
        canvas.evaluate("(canvas) => window.follow(canvas)")
        second.keyboard.press("v")  # the tool that pans
        second.wait_for_timeout(20_000)  # its items have come, and the child process has made itself ready
        if works:
            start(first)
        ran = pan(second, canvas.bounding_box(), seconds, first.locator(".step.running") if works else None)
        second.wait_for_function(ANSWERED, timeout=120_000)
        return second.evaluate("log") | {"ran": ran}


def start(page: Any) -> None:
    """Choose UMAP and HDBSCAN on a page and press Run."""
    for kind, method in (("cluster", "hdbscan"), ("reduce", "umap")):
        page.locator(CARD.format(kind)).locator("select.method").select_option(method)
    page.wait_for_timeout(500)
    page.locator("[data-key='reduce-run']").click()
    page.wait_for_selector(".step.running", state="attached", timeout=60_000)


def pan(page: Any, box: dict[str, float], seconds: int, running: Any | None) -> str:
    """Drag to and fro, one mouse event a pan, until nothing runs or the time is up; says how long that was."""
    x, y, started = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, time.monotonic()
    page.mouse.move(x, y)
    page.mouse.down()
    for turn in range(seconds * RATE):
        time.sleep(max(0.0, started + turn / RATE - time.monotonic()))
        page.mouse.move(x + (30 if turn % 2 else -30), y + turn % 7)
        if running and turn % 15 == 0 and not running.count():
            return f"{time.monotonic() - started:.0f} s, to its end"
    return f"{time.monotonic() - started:.0f} s" + (", not finished" if running else "")


def row(what: str, log: dict[str, Any]) -> None:
    """Print one case."""
    taken = np.array(delays(log))
    p95 = float(np.percentile(taken, 95))
    cells = [what, len(taken), f"{np.median(taken):.0f}", f"{p95:.0f}", f"{taken.max():.0f}", int((taken > PROMISE).sum())]
    print("| " + " | ".join(map(str, [*cells, "yes" if p95 <= PROMISE else "no", log["ran"]])) + " |", flush=True)


def delays(log: dict[str, Any]) -> list[float]:
    """Milliseconds from each mouse event to the first painted picture that was asked for after it."""
    wanted = [next(number for asked, number in log["asked"] if asked >= at) for at in log["events"]]
    came = [next(when for when, number in log["painted"] if number >= least) for least in wanted]
    return [when - at for when, at in zip(came, log["events"], strict=True)]


def picture_costs(rows: int) -> str:
    """The median milliseconds of each part of one picture with all points on it, in this process alone."""
    from explorer.raster import render
    from explorer.session.coloring import Coloring
    from explorer.session.points import points
    from explorer.views.frames import viewport

    layout, codes, selection = cloud(rows, 2), np.arange(rows) % 10, np.zeros(rows, bool)
    colors = Coloring(
        "category", "cluster", codes, list("abcdefghij"), [f"#{hue:02x}60{255 - hue:02x}" for hue in range(0, 250, 25)]
    )
    view = viewport({"viewport": [-6, 6, -5, 5], "width": 640, "height": 560})
    drawn = points(layout, colors, None, selection)
    frame = render(drawn, view)
    made = {"what to draw": lambda: points(layout, colors, None, selection), "render": lambda: render(drawn, view),
            f"the file of {len(frame.webp()) / 1000:.0f} kB": frame.webp}  # fmt: skip
    took = {part: np.median(timeit.repeat(make, number=1, repeat=10)) * 1000 for part, make in made.items()}
    return f"One picture of {rows:,} points, {view.width} × {view.height}, in ms: " + ", ".join(
        f"{k} {v:.1f}" for k, v in took.items()
    )


if __name__ == "__main__":
    serve_in_thread(sys.argv[2]) if sys.argv[1:2] == ["--in-thread"] else main()
