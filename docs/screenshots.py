"""Remakes every picture in docs/images from the running demo: ``python docs/screenshots.py``."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SHOTS = [
    ("demo-light", 1440, 900, "light"), ("demo-dark", 1440, 900, "dark"), ("demo-1280", 1280, 720, "light"),
    ("demo-full-hd", 1920, 1080, "light"),
]  # fmt: skip


def main() -> None:
    """Serve the demo, brush and label as a person would, and take the pictures."""
    IMAGES.mkdir(exist_ok=True)
    server = subprocess.Popen([sys.executable, "-m", "explorer.cli", "demo", "--no-browser"], stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    link = next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for place, (name, width, height, scheme) in enumerate(SHOTS):
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.goto(link)
                page.locator("canvas[data-frames]").wait_for()
                if place == 0:
                    label(page)
                brush(page, "Smileys & Emotion")
                time.sleep(1.5)
                page.screenshot(path=IMAGES / f"{name}.png")
                page.close()
            browser.close()
    finally:
        server.terminate()


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


def brush(page: Any, entry: str) -> None:
    """Lasso the place where most items of a legend's entry are, found by soloing it."""
    page.locator(".legend .entry", has_text=entry).click()
    time.sleep(0.6)
    across, down = page.evaluate(CENTRE)
    page.locator(".legend .entry", has_text=entry).click()
    time.sleep(0.4)
    circle(page, across, down, 0.12)


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
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
  return [middle(xs) / width, middle(ys) / height]
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
