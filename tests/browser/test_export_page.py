"""The map in one file in a real browser without a network, and exports out of the dialog of a real page."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import lasso
from PIL import Image
from waiting import until

import explorer
from explorer import Session
from explorer.step import Result

PAYLOADS = [
    "<img src=x onerror=\"document.title='run'\">", "</script><script>document.title='run'</script>", "<!--<script>", "مرحبا 🙂",
    "javascript:document.title='run'", "{{7*7}}", "]]>", "\u2028", "</style><b>x", "&lt;b&gt;",
]  # fmt: skip
PLACES = [(x, y) for y in (0.0, 1.0, 2.0) for x in (0.0, 1.0, 2.0, 3.0)]


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a file offline; at the end nothing may have been asked for but the file, and no script may have failed."""
    contexts, asked, troubles = [], [], []

    def open_(path: Path, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: request.url.startswith("data:") or asked.append(request.url))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: said.type == "error" and troubles.append(said.text))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.goto(path.as_uri())
        page.locator(".entries li").first.wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert len(asked) == len(contexts)
    assert troubles == []


def hostile(tmp_path: Path) -> Session:
    """Twelve pictures on a grid; payloads for titles, labels, clusters, columns and the file's name."""
    pictures = []
    for row in range(12):
        out = io.BytesIO()
        Image.new("RGB", (40, 40), (20 * row, 200, 255 - 20 * row)).save(out, "PNG")
        pictures.append({"bytes": out.getvalue(), "path": None})
    names = [*PAYLOADS, "plain one", "plain two"]
    table = pd.DataFrame({"id": [f"{name}#" for name in names], "name": names, PAYLOADS[0]: PAYLOADS[:6] * 2, "picture": pictures})
    source = tmp_path / "<svg onload=alert(1)>.parquet"
    table.to_parquet(source)
    session = Session(explorer.read(source, id="id"))
    prints = session.dataset.fingerprint
    session.adopt(Result(np.array(PLACES, np.float32), "reduce", "umap", {}, prints, "places"))
    session.adopt(Result(np.repeat([0, 1, -1], 4).astype(np.int32), "cluster", "<b>", {"on": "layout"}, "places", "clusters"))
    for row, name in enumerate(PAYLOADS):
        session.select([f"{name}#"])
        session.label(PAYLOADS[-1 - row])
    session.color_by = "cluster"
    return session


def inked(page: Any) -> int:
    """How many separate spots the points' canvas has."""
    return page.evaluate("""() => {
      const canvas = document.querySelector(".points"), {width, height} = canvas
      const {data} = canvas.getContext("2d").getImageData(0, 0, width, height)
      const seen = new Uint8Array(width * height)
      let spots = 0
      for (let start = 0; start < seen.length; start++) {
        if (seen[start] || !data[start * 4 + 3]) continue
        spots++
        const open = [start]
        seen[start] = 1
        while (open.length) {
          const at = open.pop()
          for (const next of [at - 1, at + 1, at - width, at + width]) {
            if (!seen[next] && data[next * 4 + 3]) { seen[next] = 1; open.push(next) }
          }
        }
      }
      return spots
    }""")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_map_opens_offline_and_runs_nothing_of_the_data(scheme: str, tmp_path: Path, opened: Callable[..., Any]) -> None:
    session = hostile(tmp_path)
    page = opened(session.export(tmp_path / "map.html"), color_scheme=scheme)
    assert page.title() == "<svg onload=alert(1)>.parquet"
    assert page.locator("h1").inner_text() == "<svg onload=alert(1)>.parquet"
    assert page.locator(".sentence").inner_text() == "12 of 12 drawn"
    assert inked(page) == 12, "every item is a point of its own"
    assert page.evaluate("() => document.querySelectorAll('img, b:not(.tip b), svg, iframe').length") == 0
    paper = page.evaluate("() => getComputedStyle(document.querySelector('.map')).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 25, 31)"}[scheme]


def test_hover_says_what_an_item_is(tmp_path: Path, opened: Callable[..., Any]) -> None:
    session = hostile(tmp_path)
    page = opened(session.export(tmp_path / "map.html"))
    labels = session.labels.values()
    for row in (0, 1, 3, 11):
        x, y = page.evaluate(f"() => toPixel(xs[{row}], ys[{row}])")
        box = page.locator("canvas.over").bounding_box()
        page.mouse.move(box["x"] + x, box["y"] + y)
        said = page.locator(".tip").inner_text()
        assert [*PAYLOADS, "plain one", "plain two"][row].strip() in said
        assert (labels[row] or "no label") in said
        assert page.locator(".tip canvas").count() == 1
        middle = "document.querySelector('.tip canvas').getContext('2d').getImageData(32, 32, 1, 1).data"
        page.wait_for_function(f"() => {middle}[3]")
        red = page.evaluate(f"() => {middle}[0]")
        assert abs(red - 20 * row) < 12, "the picture is the item's own"


def test_legend_search_zoom_and_pan(tmp_path: Path, opened: Callable[..., Any]) -> None:
    page = opened(hostile(tmp_path).export(tmp_path / "map.html"))
    page.get_by_label("colour by").select_option(label="label")
    assert page.locator(".entries li").count() == 11
    page.get_by_label("colour by").select_option(label="cluster")
    first = page.locator(".entries li").first
    assert first.locator(".count").inner_text() == "4"
    first.locator(".entry").click()
    page.wait_for_function("() => document.querySelector('.sentence').textContent === '4 of 12 drawn'")
    assert inked(page) == 4
    page.get_by_role("button", name="Show all").click()
    first.hover()
    first.get_by_role("button", name="hide").click()
    page.wait_for_function("() => document.querySelector('.sentence').textContent === '8 of 12 drawn'")
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("find a title").fill("PLAIN")
    assert page.locator(".search output").inner_text() == "2"
    page.keyboard.press("Enter")
    page.locator(".tip", has_text="plain one").wait_for()
    page.get_by_label("find a title").fill("")
    page.get_by_role("button", name="Fit").click()
    page.wait_for_function("() => document.querySelector('.sentence').textContent === '12 of 12 drawn'")
    over = page.locator("canvas.over")
    over.focus()
    for _ in range(8):
        page.keyboard.press("+")
    page.wait_for_function("() => !document.querySelector('.sentence').textContent.startsWith('12 ')")
    page.keyboard.press("0")
    page.wait_for_function("() => document.querySelector('.sentence').textContent === '12 of 12 drawn'")
    box = over.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    before = page.evaluate("() => camera.x")
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 300, steps=3)
    page.mouse.up()
    moved = page.evaluate(f"() => (camera.x - {before}) * camera.scale")
    assert moved == pytest.approx(100, abs=1)


# The dialog


def asked(page: Any, ending: str, only: str | None = None) -> Any:
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_label("format", exact=True).select_option(ending)
    if only is not None:
        dialog.get_by_label("items", exact=True).select_option(only)
    return dialog


def downloaded(page: Any, dialog: Any, name: str) -> Path:
    with page.expect_download(lambda file: file.suggested_filename == name) as download:  # not its settings'
        dialog.get_by_role("button", name="Download").click()
    path = Path(download.value.path())
    dialog.wait_for(state="detached")
    return path


def test_the_dialog_gives_the_map(demo: Any, tmp_path: Path, opened: Callable[..., Any]) -> None:
    dialog = asked(demo, ".html")
    assert dialog.get_by_label("thumbnails").is_checked()
    path = tmp_path / "map.html"
    path.write_bytes(downloaded(demo, dialog, "emoji-labels.html").read_bytes())
    page = opened(path)
    assert page.locator(".sentence").inner_text() == "1,911 of 1,911 drawn"


def test_the_dialog_gives_only_what_is_selected(demo: Any) -> None:
    lasso(demo, 0.35, 0.8, 0.2)
    count = until(lambda: chosen(demo), "a selection")
    dialog = asked(demo, ".parquet", "selected")
    assert dialog.get_by_label("items", exact=True).locator("option", has_text="labelled (0)").is_disabled()
    assert pq.read_table(downloaded(demo, dialog, "emoji-labels.parquet")).num_rows == count


def chosen(page: Any) -> int:
    title = page.locator(".items h2").inner_text()
    return int(title.removesuffix(" selected").replace(",", "")) if title.endswith(" selected") else 0


def test_the_dialog_packs_folders(demo: Any) -> None:
    dialog = asked(demo, ".folders")
    assert "ZIP" in dialog.inner_text()
    assert dialog.get_by_label("files").count() == 0
    with zipfile.ZipFile(downloaded(demo, dialog, "emoji-labels.folders.zip")) as archive:
        assert len(archive.namelist()) == 1912
        assert archive.testzip() is None


def test_coco_out_of_the_dialog(demo: Any) -> None:
    made = json.loads(downloaded(demo, asked(demo, ".coco.json"), "emoji-labels.coco.json").read_text("utf-8"))
    assert len(made["images"]) == 1911
