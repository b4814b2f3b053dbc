"""The map's engine and its page beside Datashader and HoloViews: the same points, the same browser, the same run.

    python benchmarks/map.py [engine] [many] [lasso] [browser] [open] [visitors] [--points 10000000] [--page 5000000]

Without names, all. `engine` and `many` draw without a page, `browser` turns the wheel and draws a lasso on a page of ours and
on one of `hv.operation.datashader.rasterize`, `open` waits for the first picture of a page, `visitors` lets four pages pan at once.
See `rivals.py` for jupyter-scatter and embedding-atlas.
"""

from __future__ import annotations

import argparse
import gc
import math
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import response
from startup import chromium, machine

WIDTH, HEIGHT, CATEGORIES = 900, 700, 20
WHOLE = (-32.0, 32.0, -25.0, 25.0)
ROUNDS = 7
OURS = [sys.executable, "-m", "explorer.cli", "open"]

# What somebody would write for the same map: categories through Datashader, again for every range.
STOCK = """
import sys
import datashader as ds
import holoviews as hv
import pandas as pd
import panel as pn
from holoviews.operation.datashader import datashade, rasterize

hv.extension("bokeh")
frame = pd.read_parquet(sys.argv[1])
frame["kind"] = frame["kind"].astype("category")
points = hv.Points(frame, ["x", "y"], ["kind"])
if sys.argv[2] == "datashade":
    plot = datashade(points, aggregator=ds.count_cat("kind"))
else:
    plot = rasterize(points, aggregator="count").opts(cnorm="log")  # which knows no categories
plot = plot.opts(width=900, height=700, active_tools=["wheel_zoom"], tools=["lasso_select"])
pn.pane.HoloViews(plot).servable()
"""

# Notes each message of the server with its size, and when the page had painted after it.
WIRE = """
window.wire = []
const Plain = window.WebSocket
window.WebSocket = class extends Plain {
  constructor(...given) {
    super(...given)
    this.addEventListener("message", ({data}) => {
      const size = typeof data === "string" ? data.length : data.byteLength ?? data.size
      const entry = {at: performance.now(), size, painted: null}
      window.wire.push(entry)
      requestAnimationFrame(() => setTimeout(() => { entry.painted = performance.now() }))
    })
  }
}
"""


def main() -> None:
    """Print a table for each part that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "engine": engine, "many": many, "lasso": lasso, "browser": browser, "open": opened, "visitors": visitors,
    }  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}")
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--page", type=int, default=5_000_000)
    given = parser.parse_args()
    print(machine(), f"; {WIDTH} × {HEIGHT} pixels, {CATEGORIES} categories\n")
    for name in given.parts or parts:
        parts[name](given)
        print(flush=True)


def cloud(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Fifty gaussians of different sizes: a layout ``(rows, 2)`` float32 and codes ``(rows,)`` int32 of 20 categories."""
    random = np.random.default_rng(0)
    centres, scales, group = random.normal(size=(50, 2)) * 10, random.uniform(0.2, 2, 50), random.integers(0, 50, rows)
    layout = np.empty((rows, 2), np.float32)
    for start in range(0, rows, 5_000_000):
        part = group[start : start + 5_000_000]
        layout[start : start + 5_000_000] = centres[part] + random.normal(size=(len(part), 2)) * scales[part][:, None]
    return layout, (group % CATEGORIES).astype(np.int32)


def median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Seconds of one go, the median after one that is not counted."""
    work()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def palette() -> np.ndarray:
    """``(20, 3)`` float32."""
    return np.random.default_rng(1).uniform(0.1, 0.9, (CATEGORIES, 3)).astype(np.float32)


def closer(layout: np.ndarray, share: float) -> tuple[float, float, float, float]:
    """A viewport around the middle of the layout that holds a share of the points."""
    middle = np.median(layout[:100_000], axis=0).astype(float)
    reach = np.quantile(np.maximum(*np.abs((layout[::10] - middle) / (1, HEIGHT / WIDTH)).T), share)
    return middle[0] - reach, middle[0] + reach, middle[1] - reach * HEIGHT / WIDTH, middle[1] + reach * HEIGHT / WIDTH


# Without a page


def engine(given: argparse.Namespace) -> None:
    """Ours against Datashader's aggregate and shade: everything, and one per cent of the points."""
    import datashader
    import pandas as pd
    from datashader import transfer_functions

    from explorer.raster import Points, Scene, Viewport

    layout, codes = cloud(given.points)
    colors = palette()
    kinds = pd.Categorical.from_codes(codes, [f"{code:02}" for code in range(CATEGORIES)])
    frame = pd.DataFrame({"x": layout[:, 0], "y": layout[:, 1], "kind": kinds})
    key = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.rint(colors * 255).astype(int).tolist()]
    started = time.perf_counter()
    scene = Scene(Points(layout, codes, colors))
    scene.draw(Viewport(*WHOLE, WIDTH, HEIGHT))
    ready = time.perf_counter() - started
    print(f"{given.points:,} points; ours is ready to draw {ready:.1f} s after the arrays are there, once a layout\n")
    print("| view | points in it | Datashader aggregate + shade, ms | ours, ms | times faster | must |\n|---|--:|--:|--:|--:|--:|")
    for what, edges, least in (("all of it", WHOLE, 4), ("1 % of the points", closer(layout, 0.01), 10)):
        view = Viewport(*edges, WIDTH, HEIGHT)
        canvas = datashader.Canvas(WIDTH, HEIGHT, edges[:2], edges[2:])

        def stock(canvas: Any = canvas) -> None:
            counted = canvas.points(frame, "x", "y", datashader.count_cat("kind"))
            transfer_functions.shade(counted, color_key=key, how="log")

        theirs, mine = median(stock), median(lambda view=view: scene.draw(view))
        seen = scene.draw(view).seen
        print(f"| {what} | {seen:,} | {theirs * 1000:.0f} | {mine * 1000:.1f} | {theirs / mine:.1f} | ≥ {least} |", flush=True)
    several(layout, codes, colors, scene)


def several(layout: np.ndarray, codes: np.ndarray, colors: np.ndarray, scene: Any) -> None:
    """What else a page asks of the engine."""
    from explorer.raster import Points, Scene, Viewport

    view, random = Viewport(*WHOLE, WIDTH, HEIGHT), np.random.default_rng(2)
    chosen = [random.random(len(layout)) < 0.2 for _ in range(2)]
    turn = iter(range(1_000))

    def select() -> None:
        Scene(Points(layout, codes, colors, selected=chosen[next(turn) % 2]), scene).draw(view)

    selected, values = Scene(Points(layout, codes, colors, selected=chosen[0]), scene), random.random(len(layout))
    number = Scene(Points(layout, codes, colors, values), scene)
    picture = scene.draw(view)
    costs = {
        "with a fifth selected": lambda: selected.draw(view), "the first picture of a new selection": select,
        "by a number's mean": lambda: number.draw(view), "the picture's file": picture.webp,
    }  # fmt: skip
    parts = ", ".join(f"{what} {median(work, 5) * 1000:.0f} ms" for what, work in costs.items())
    print(f"\nOurs, all of it: {parts} ({len(picture.webp()) / 1000:.0f} kB).")


def many(given: argparse.Namespace) -> None:
    """Fifty million beside ten: a frame of everything, and the memory beside the layout."""
    from explorer.raster import Points, Scene, Viewport

    view, rows = Viewport(*WHOLE, WIDTH, HEIGHT), (given.points, 5 * given.points)
    print("| points | ready to draw after, s | all in view, ms | with a fifth selected, ms | bytes a point beside the layout |")
    print("|--:|--:|--:|--:|--:|")
    took = []
    for count in rows:
        layout, codes = cloud(count)
        started = time.perf_counter()
        scene = Scene(Points(layout, codes, palette()))
        scene.draw(view)
        ready = time.perf_counter() - started
        took.append(median(lambda scene=scene: scene.draw(view)))
        chosen = np.random.default_rng(2).random(count) < 0.2
        selected = Scene(Points(layout, codes, palette(), selected=chosen), scene)
        with_selection = median(lambda scene=selected: scene.draw(view), 3)
        size = held(selected) / count  # which has everything: ink of its own, and two layers of cells
        print(f"| {count:,} | {ready:.1f} | {took[-1] * 1000:.1f} | {with_selection * 1000:.1f} | {size:.1f} |", flush=True)
        del scene, selected, layout, codes, chosen
        gc.collect()
    print(f"\n{rows[1]:,} take {took[1] / took[0]:.2f} times as long as {rows[0]:,} (must: ≤ 2), and ≤ 24 bytes a point.")


def held(scene: Any) -> int:
    """The bytes of all arrays that a scene keeps beside what it was given."""
    crowd = scene._crowd
    kept = [scene.grid.x, scene.grid.y, scene.grid.rows, scene.grid.starts, crowd.tint.codes]
    kept += [crowd.ink] if crowd.ink is not crowd.tint.codes else []
    kept += [crowd.cells] if "cells" in vars(crowd) else []
    return sum(array.nbytes for array in kept)


def lasso(given: argparse.Namespace) -> None:
    """A lasso of 200 corners: ours over all points, HoloViews' with shapely over a tenth of them; ours checked by brute force."""
    from holoviews.element.selection import spatial_select_columnar

    from explorer.grid import Grid
    from explorer.grid.polygon import enclosed
    from explorer.selection import inside

    layout, _ = cloud(given.points)
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    reach = 12 + 3 * np.sin(5 * angle)
    polygon = np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    grid = Grid.of(layout)

    def ours() -> np.ndarray:
        mask = np.zeros(len(layout), bool)
        enclosed(grid, polygon, inside, mask)
        return mask

    few = layout[: given.points // 10]
    started = time.perf_counter()
    theirs = spatial_select_columnar(few[:, 0], few[:, 1], polygon, "shapely")
    slow, quick = (time.perf_counter() - started) / len(few), median(ours) / len(layout)
    mask = ours()
    wrong = int((mask != brute(layout, polygon)).sum())
    print("| lasso of 200 corners | points | seconds | ns a point | times faster | must |\n|---|--:|--:|--:|--:|--:|")
    print(f"| HoloViews with shapely | {len(few):,} | {slow * len(few):.2f} | {slow * 1e9:.0f} | | |")
    print(f"| ours | {len(layout):,} | {quick * len(layout):.3f} | {quick * 1e9:.1f} | {slow / quick:.0f} | ≥ 200 |")
    other = int((mask[: len(few)] != theirs).sum())
    print(f"\n{mask.sum():,} enclosed; {wrong} differ from brute force; {other} differ from HoloViews'.")


def brute(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd, every point against every edge."""
    x, y = points.astype(np.float64).T
    odd = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        (low_x, low_y), (high_x, high_y) = ((x0, y0), (x1, y1)) if y0 < y1 else ((x1, y1), (x0, y0))
        odd ^= (y >= low_y) & (y < high_y) & ((x - low_x) * (high_y - low_y) < (y - low_y) * (high_x - low_x))
    return odd


# With a page


def table_of(rows: int, folder: str) -> str:
    """The cloud as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout, codes = cloud(rows)
    kinds = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([f"kind {code:02}" for code in range(CATEGORIES)]))
    file = f"{folder}/cloud-{rows}.parquet"
    pq.write_table(pa.table({"x": layout[:, 0], "y": layout[:, 1], "kind": kinds}), file)
    return file


def ours_of(file: str) -> list[str]:
    """The command that serves it."""
    return [*OURS, file, "--layout", "x,y", "--no-browser"]


def fitted(page: Any, canvas: Any) -> dict[str, float]:
    """Make the window so large that the map is 900 × 700, and give its place."""
    size, box = page.viewport_size, canvas.bounding_box()
    wide, high = size["width"] + WIDTH - box["width"], size["height"] + HEIGHT - box["height"]
    page.set_viewport_size({"width": round(wide), "height": round(high)})
    page.wait_for_timeout(1_500)
    return canvas.bounding_box()


def browser(given: argparse.Namespace) -> None:
    """The wheel, and for ours the lasso, on a page."""
    print(f"{given.page:,} points in headless Chromium\n")
    print("| page | wheel to new picture, median s | worst s | kB a picture | lasso released to count and picture, median s |")
    print("|---|--:|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, chromium() as chrome:
        file = table_of(given.page, folder)
        stock = Path(folder) / "stock.py"
        stock.write_text(STOCK)
        zooms: dict[str, list[tuple[float, int]]] = {}
        with response.served(ours_of(file), folder) as link, chrome.new_context(viewport={"width": 1500, "height": 950}) as context:
            page = context.new_page()
            page.add_init_script(WIRE)
            page.goto(link)
            canvas = page.wait_for_selector("canvas.map-canvas[data-frames]", timeout=300_000)
            box = fitted(page, canvas)
            page.wait_for_timeout(8_000)
            zooms["ours"] = wheel(page, box)
            loops = lassos(page, canvas, box)
        line("ours", zooms["ours"], f"{statistics.median(loops):.2f}")
        for way in ("rasterize", "datashade"):
            port = free_port()
            command = [sys.executable, "-m", "panel", "serve", str(stock), "--port", str(port), "--args", file, way]
            with served_at(command, port) as link, chrome.new_context(viewport={"width": 1000, "height": 800}) as context:
                page = context.new_page()
                page.add_init_script(WIRE)
                page.goto(link, timeout=300_000)
                canvas = page.wait_for_selector(".bk-Figure canvas, canvas", timeout=300_000)
                page.wait_for_timeout(15_000)
                zooms[way] = wheel(page, {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT})
            line(f"`{way}` of HoloViews", zooms[way], "")
    mine, theirs = (statistics.median(at for at, _ in zooms[name]) for name in ("ours", "rasterize"))
    small, large = (statistics.median(size for _, size in zooms[name]) for name in ("ours", "rasterize"))
    faster, fewer, longer = theirs / mine, large / max(small, 1), statistics.median(loops) / mine
    print(f"\nAgainst `rasterize`: {faster:.1f} times faster (must: ≥ 5), 1/{fewer:.1f} of the bytes (must: ≤ 1/8); "
          f"a lasso takes {longer:.2f} of a zoom's time (must: ≤ 1.5).")  # fmt: skip


def line(name: str, zooms: list[tuple[float, int]], lassoed: str) -> None:
    """Print one page's row."""
    seconds, sizes = zip(*zooms, strict=True)
    size = statistics.median(sizes) / 1000
    print(f"| {name} | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {size:.0f} | {lassoed} |", flush=True)


def wheel(page: Any, box: dict[str, float]) -> list[tuple[float, int]]:
    """Zoom in and out by one notch; seconds from the event to the paint after the last large message, and all bytes that came."""
    found = []
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for turn in range(2 * ROUNDS):
        page.evaluate("""() => {
          window.wire.length = 0
          window.turned = null
          window.addEventListener("wheel", (event) => { window.turned ??= performance.now() }, {capture: true, once: true})
        }""")
        page.mouse.wheel(0, -120 if turn % 4 < 2 else 120)
        page.wait_for_function("window.wire.some((one) => one.size > 5000 && one.painted)", timeout=120_000)
        quiet(page)
        log = page.evaluate("({turned: window.turned, wire: window.wire})")
        large = [one for one in log["wire"] if one["size"] > 5_000]
        found.append(((large[-1]["painted"] - log["turned"]) / 1000, sum(one["size"] for one in log["wire"])))
    return found[2:]  # the first ones compile


def quiet(page: Any) -> None:
    """Wait until no large message has come for two seconds."""
    page.wait_for_function("performance.now() - window.wire.filter((one) => one.size > 5000).at(-1).at > 2000", timeout=120_000)


def lassos(page: Any, canvas: Any, box: dict[str, float]) -> list[float]:
    """Draw lassos; seconds from letting go to the count and the picture that show it."""
    page.keyboard.press("l")
    taken = []
    for turn in range(ROUNDS):
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        reach = 120 + 8 * turn
        page.mouse.move(x + reach, y)
        page.mouse.down()
        for step in range(1, 100):
            page.mouse.move(x + reach * math.cos(step / 16), y + reach * math.sin(step / 16))
        page.evaluate("""() => {
          window.sentence ??= find(document, ".sentence")
          const map = find(document, "canvas.map-canvas")
          const before = window.sentence.textContent, frames = map.dataset.frames
          window.done = null
          window.addEventListener("pointerup", () => { window.released = performance.now() }, {capture: true, once: true})
          const look = () => {
            if (window.sentence.textContent !== before && map.dataset.frames !== frames) window.done = performance.now()
            else requestAnimationFrame(look)
          }
          requestAnimationFrame(look)
          function find(root, selector) {
            const here = root.querySelector(selector)
            if (here) return here
            for (const el of root.querySelectorAll("*")) {
              const there = el.shadowRoot && find(el.shadowRoot, selector)
              if (there) return there
            }
            return null
          }
        }""")
        page.mouse.up()
        page.wait_for_function("window.done", timeout=120_000)
        taken.append(page.evaluate("window.done - window.released") / 1000)
        page.wait_for_timeout(2_000)
    return taken[1:]


def opened(given: argparse.Namespace) -> None:
    """From the address typed to the first picture, of a file that is on disk and a server that has read it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, chromium() as chrome:
        file = table_of(given.points, folder)
        started = time.perf_counter()
        with response.served(ours_of(file), folder) as link:
            ready = time.perf_counter() - started
            taken = []
            for _ in range(3):
                with chrome.new_context(viewport={"width": 1280, "height": 900}) as context:
                    page = context.new_page()
                    started = time.perf_counter()
                    page.goto(link)
                    page.wait_for_selector("canvas.map-canvas[data-frames]", timeout=300_000)
                    taken.append(time.perf_counter() - started)
                    page.wait_for_timeout(2_000)
    later = statistics.median(taken[1:])
    print(f"{given.points:,} points: the server has read the file after {ready:.1f} s; the first page shows its first picture "
          f"after {taken[0]:.1f} s, later pages after {later:.1f} s.")  # fmt: skip


def visitors(given: argparse.Namespace) -> None:
    """One page that pans, then four at once."""
    print("1,000,000 points, each page pans three times a second for 20 s\n")
    print("| pages | pans | median, ms | p95, ms | of the last pan, a picture came |\n|--:|--:|--:|--:|---|", flush=True)
    medians = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, chromium() as chrome:
        file = table_of(1_000_000, folder)
        for count in (1, 4):
            with response.served(ours_of(file), folder) as link:
                taken, answered = panned(chrome, link, count)
            medians.append(statistics.median(taken))
            late = np.percentile(taken, 95)
            print(f"| {count} | {len(taken)} | {medians[-1]:.0f} | {late:.0f} | {answered} of {count} |", flush=True)
    print(f"\nFour at once: {medians[1] / medians[0]:.1f} times one alone (must: ≤ 4).")


def panned(chrome: Any, link: str, count: int) -> tuple[list[float], int]:
    """Let so many pages pan in turns; milliseconds from each event to its picture, and how many got the last one."""
    contexts = [chrome.new_context(viewport={"width": 1280, "height": 900}) for _ in range(count)]
    pages, boxes = [context.new_page() for context in contexts], []
    for page in pages:
        page.add_init_script(response.WATCH)
        page.goto(link)
        canvas = page.wait_for_selector("canvas.map-canvas[data-frames]", timeout=120_000)
        canvas.evaluate("(canvas) => window.follow(canvas)")
        page.keyboard.press("v")
        boxes.append(canvas.bounding_box())
    pages[-1].wait_for_timeout(8_000)
    for page, box in zip(pages, boxes, strict=True):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
    started = time.monotonic()
    for turn in range(20 * response.RATE):
        time.sleep(max(0.0, started + turn / response.RATE - time.monotonic()))
        for page, box in zip(pages, boxes, strict=True):
            page.mouse.move(box["x"] + box["width"] / 2 + (30 if turn % 2 else -30), box["y"] + box["height"] / 2 + turn % 7)
    taken, answered = [], 0
    for page in pages:
        page.wait_for_timeout(3_000)
        answered += bool(page.evaluate(response.ANSWERED))
        taken += response.delays(page.evaluate("log"))
    for context in contexts:
        context.close()
    return taken, answered


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served_at(command: list[str], port: int) -> Iterator[str]:
    """A `panel serve` in a process of its own, once it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    link = f"http://localhost:{port}/stock"
    try:
        for _ in range(600):
            with suppress(OSError):
                urllib.request.urlopen(link, timeout=120).read()
                break
            time.sleep(0.2)
        yield link
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
