"""Remakes every picture in docs/images, or with ``--only`` some: ``python docs/screenshots.py [--only demo|start|...]``.

The demo's need nothing else. ``pixels`` draws ten million real points, pixels of the emoji at the size at which Debian's
fonts-noto-color-emoji has them, laid out by the colours of their 3 × 3 surroundings.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SHOTS = [
    ("demo-light", 1440, 900, "light"), ("demo-dark", 1440, 900, "dark"), ("demo-1280", 1280, 720, "light"),
    ("demo-full-hd", 1920, 1080, "light"), ("demo-wide", 2560, 1440, "light"),
]  # fmt: skip
FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
SIDE = 136  # of the font's pictures, in pixels
TEN_MILLION = 10_000_000


def main() -> None:
    """Take the pictures, or some of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    takes = {take.__name__: take for take in (demo, start, deep, labels, trust, tutorial, notebook, pixels)}
    parser.add_argument("--only", choices=takes)
    only = parser.parse_args().only
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, take in takes.items():
            if only in {None, name}:
                take(browser)
        browser.close()


@contextmanager
def served(*arguments: str, home: Path | None = None) -> Iterator[str]:
    """A server in a process of its own, in a home of its own where one is given; gives its address."""
    command = [sys.executable, "-m", "explorer.cli", *arguments, "--no-browser"]
    place = {} if home is None else {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state")}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | place)
    assert server.stderr is not None
    try:
        yield next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
    finally:
        server.terminate()
        server.wait(20)


def opened(browser: Any, link: str, width: int, height: int, scheme: str = "light") -> Any:
    """A page with its first picture."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(link)
    page.locator("canvas[data-frames]").wait_for(timeout=120_000)
    return page


def demo(browser: Any) -> None:
    """Brush and label the demo as a person would, in windows of several sizes."""
    with served("demo") as link:
        for place, (name, width, height, scheme) in enumerate(SHOTS):
            page = opened(browser, link, width, height, scheme)
            if place == 0:
                label(page)
            brush(page, "Smileys & Emotion")
            time.sleep(1.5)
            page.screenshot(path=IMAGES / f"{name}.png")
            page.close()


def start(browser: Any) -> None:
    """The start page, in a home with the files that people have."""
    with tempfile.TemporaryDirectory() as home:
        for name in ("bird calls/dawn.wav", "slides/a.png", "galaxies.parquet", "papers.jsonl", "tickets.csv", "sensors.npy"):
            (Path(home) / name).parent.mkdir(exist_ok=True)
            (Path(home) / name).write_bytes(bytes(4096))
        shoot_start(browser, Path(home))


def shoot_start(browser: Any, home: Path) -> None:
    """Its picture."""
    with served("--port", "0", home=home) as link:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(link)
        page.get_by_role("button", name=re.compile("^Emoji")).wait_for(timeout=60_000)
        time.sleep(1)
        page.screenshot(path=IMAGES / "start.png")
        page.close()


def deep(browser: Any) -> None:
    """Turn the wheel over the smileys until points are pictures, and click one of them."""
    with served("demo") as link:
        page = opened(browser, link, 1440, 900)
        page.locator(".legend .entry", has_text="Smileys & Emotion").click()
        time.sleep(1)
        across, down = page.evaluate(CENTRE)
        page.get_by_role("button", name="Show all").click()
        box = page.locator("canvas.map-canvas").bounding_box()
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        for _ in range(9):
            page.mouse.wheel(0, -120)
            time.sleep(0.5)
        time.sleep(2)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        time.sleep(1)
        page.get_by_role("tab", name="Neighbours").click()
        time.sleep(2)
        page.mouse.move(box["x"] + 4, box["y"] + 4)
        time.sleep(0.5)
        page.screenshot(path=IMAGES / "deep-zoom.png")
        page.close()


def labels(browser: Any) -> None:
    """The Labels tab, and one item after another."""
    with served("demo") as link:
        page = opened(browser, link, 1440, 900)
        label(page)
        page.locator(".top select, .legend select").first.select_option("label")
        page.get_by_role("tab", name="Labels").click()
        time.sleep(2)
        page.screenshot(path=IMAGES / "labels.png")
        page.locator("canvas.map-canvas").focus()
        page.keyboard.press("e")
        time.sleep(2)
        page.screenshot(path=IMAGES / "focus.png")
        page.close()


def trust(browser: Any) -> None:
    """How far the map holds for a group, with lines to what lies elsewhere; then another layout beside it."""
    with served("demo") as link:
        page = opened(browser, link, 1440, 900)
        brush(page, "Smileys & Emotion", 0.08)
        page.get_by_role("tab", name="Trust").click()
        page.get_by_role("button", name="Show the lines").click(timeout=60_000)
        time.sleep(2)
        page.screenshot(path=IMAGES / "trust.png")
        page.get_by_role("button", name="Hide the lines").click()
        page.get_by_label("Layout method").select_option("pca")
        page.locator(".card", has=page.get_by_label("Layout method")).get_by_role("button", name="Run").click()
        page.get_by_text(re.compile("pca · 1,911")).wait_for(timeout=60_000)
        page.get_by_role("button", name="Compare…").click()
        page.locator(".layouts .pick").first.click()
        time.sleep(4)
        page.screenshot(path=IMAGES / "compare.png")
        page.close()


def tutorial(browser: Any) -> None:
    """The steps of docs/tutorial.md, as a person does them: look, lasso the faces, read, name, export."""
    with served("demo") as link:
        page = opened(browser, link, 1280, 800)
        time.sleep(1.5)
        page.screenshot(path=IMAGES / "tutorial-map.png")
        brush(page, "Smileys & Emotion", 0.08)
        time.sleep(1.5)
        page.screenshot(path=IMAGES / "tutorial-lasso.png")
        page.get_by_role("tab", name="Traits").click()
        time.sleep(2)
        page.screenshot(path=IMAGES / "tutorial-traits.png", clip={"x": 975, "y": 45, "width": 305, "height": 687})
        page.locator("canvas.map-canvas").focus()
        page.keyboard.press("n")
        page.get_by_label("category name").fill("faces")
        page.keyboard.press("Enter")
        time.sleep(1)
        page.screenshot(path=IMAGES / "tutorial-named.png", clip={"x": 0, "y": 732, "width": 1280, "height": 60})
        page.get_by_role("button", name="Export").click()
        time.sleep(1)
        page.locator("dialog").screenshot(path=IMAGES / "tutorial-export.png")
        page.close()


NOTEBOOK = [
    "import explorer\nfrom explorer.sample import sample\nfrom explorer.step import Result\n\n"
    'session = explorer.Session(sample("emoji.parquet"))\n'
    'for slot in ("features", "layout", "clusters"):\n    session.adopt(Result.load(sample("emoji.results") / slot))\n'
    "w = explorer.Explorer(session)\nw",
    'w.selected["subcategory"].value_counts().head(4)',
]


def notebook(browser: Any) -> None:
    """A lasso in a cell of a real JupyterLab, and what the next cell reads of it."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    import notebook as jupyter  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder, jupyter.lab(Path(folder)) as address:
        page = jupyter.opened(browser, Path(folder), address, NOTEBOOK)
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        for news in page.get_by_role("button", name="No", exact=True).all():
            news.click()
        jupyter.run(page, 0)
        page.locator(jupyter.DRAWN).wait_for(timeout=120_000)
        time.sleep(2)
        brush(page, "Smileys & Emotion", 0.1)
        time.sleep(1)
        jupyter.run(page, 1)
        jupyter.finished(page)
        time.sleep(1)
        page.locator(".jp-WindowedPanel-outer, .jp-Notebook").first.evaluate("(el) => el.scrollTo(0, 120)")
        time.sleep(1)
        page.screenshot(path=IMAGES / "notebook.png")
        page.context.close()


def pixels(browser: Any) -> None:
    """Ten million points: everything, and a part of it with a selection."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/pixels-of-emoji.parquet"
        write_pixels(file)
        with served("open", file, "--layout", "x,y") as link:
            page = opened(browser, link, 1440, 900)
            time.sleep(2)
            page.screenshot(path=IMAGES / "ten-million.png")
            box = page.locator("canvas.map-canvas").bounding_box()
            page.mouse.move(box["x"] + 0.35 * box["width"], box["y"] + 0.3 * box["height"])
            for _ in range(6):
                page.mouse.wheel(0, -120)
                time.sleep(0.5)
            circle(page, 0.45, 0.5, 0.25)
            time.sleep(2)
            page.get_by_role("tab", name="Columns").click()
            time.sleep(3)
            page.screenshot(path=IMAGES / "ten-million-part.png")
            page.close()


def write_pixels(file: str) -> None:
    """Ten million opaque pixels with the first two principal components of their surroundings' colours, and their own colour."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    import explorer
    from explorer.sample import sample

    dataset = explorer.read(sample("emoji.parquet"))
    found = [surroundings(identifier) for identifier in dataset.ids]
    item = np.repeat(np.arange(len(found)), [len(part) for part in found])
    keep = np.linspace(0, len(item) - 1, TEN_MILLION).astype(int)
    patches, item = np.concatenate(found)[keep].astype(np.float32), item[keep]
    colors = patches[:, 12:15].copy()
    patches -= patches.mean(axis=0)
    _, axes = np.linalg.eigh(patches.T @ patches / len(patches))
    layout = patches @ axes[:, :-3:-1]
    categories, codes = np.unique(dataset.column("category").to_numpy().astype(str)[item], return_inverse=True)
    kinds = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(categories))
    columns = {"x": layout[:, 0], "y": layout[:, 1], "category": kinds}
    pq.write_table(pa.table(columns | dict(zip(("red", "green", "blue"), colors.T, strict=True))), file)


def surroundings(identifier: str) -> np.ndarray:
    """``(m, 27)`` float16, the colours around each opaque pixel of an emoji."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGBA", (SIDE, SIDE))
    text = "".join(chr(int(code, 16)) for code in identifier.split("-"))
    ImageDraw.Draw(picture).text((0, 0), text, font=ImageFont.truetype(FONT, 109), embedded_color=True)
    shades = np.asarray(picture).astype(np.float16) / 255
    down, across = np.nonzero(shades[1:-1, 1:-1, 3] > 0.5)
    near = [shades[down + row, across + column, :3] for row in range(3) for column in range(3)]
    return np.stack(near, axis=1).reshape(len(down), 27)


def label(page: Any) -> None:
    """Give three categories, so that the bar below is not empty."""
    for entry, name in (("Flags", "flags"), ("Food & Drink", "food"), ("Animals & Nature", "animals")):
        page.locator(".legend .entry", has_text=entry).click()
        time.sleep(0.4)
        circle(page, 0.5, 0.5, 0.49)
        time.sleep(0.4)
        page.keyboard.press("n")
        page.get_by_label("category name").fill(name)
        page.keyboard.press("Enter")
        time.sleep(0.4)
        page.get_by_role("button", name="Show all").click()
    page.keyboard.press("Escape")


def brush(page: Any, entry: str, radius: float = 0.12) -> None:
    """Lasso the place where a (blue) legend entry's items lie closest, found by soloing it; `radius` is a share of the height."""
    page.locator(".legend .entry", has_text=entry).click()
    time.sleep(1.5)
    across, down = page.evaluate(CENTRE)
    page.locator(".legend .entry", has_text=entry).click()
    time.sleep(0.4)
    circle(page, across, down, radius)


CENTRE = """() => {
  const inside = (root) => [...root.querySelectorAll("*")].map((el) => el.shadowRoot && find(el.shadowRoot)).find(Boolean)
  const find = (root) => root.querySelector("canvas.map-canvas") || inside(root)
  const canvas = find(document)
  const {width, height} = canvas
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data
  const xs = [], ys = []
  for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) {
    const at = 4 * (y * width + x)
    if (pixels[at + 3] > 120 && pixels[at + 2] > pixels[at] + 60) { xs.push(x); ys.push(y) }
  }
  const cell = height / 24, sums = new Map()
  const at = (x, y) => `${Math.floor(x / cell)},${Math.floor(y / cell)}`
  xs.forEach((x, place) => sums.set(at(x, ys[place]), (sums.get(at(x, ys[place])) || 0) + 1))
  const [fullest] = [...sums].sort((a, b) => b[1] - a[1])[0]
  const [column, row] = fullest.split(",").map(Number)
  const away = ([x, y]) => Math.hypot(x / cell - column - 0.5, y / cell - row - 0.5)
  const near = xs.map((x, place) => [x, ys[place]]).filter((point) => away(point) < 2)
  const mean = (axis) => near.reduce((sum, point) => sum + point[axis], 0) / near.length
  return [mean(0) / width, mean(1) / height]
}"""


def circle(page: Any, across: float, down: float, radius: float) -> None:
    """Draw a lasso with the mouse, as shares of the map."""
    box = page.locator("canvas.map-canvas").bounding_box()
    x, y, reach = box["x"] + across * box["width"], box["y"] + down * box["height"], radius * box["height"]
    turns = [math.pi + turn * math.pi / 24 for turn in range(48)]
    page.mouse.move(x + reach * math.cos(turns[0]), y + reach * math.sin(turns[0]))
    page.mouse.down()
    for turn in turns[1:]:
        page.mouse.move(x + reach * math.cos(turn), y + reach * math.sin(turn))
    page.mouse.up()
    page.mouse.move(box["x"] + 4, box["y"] + 4)


if __name__ == "__main__":
    main()
