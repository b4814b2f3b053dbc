"""The served page in a real browser: the whole loop from the demo's map to the exported labels."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import SAMPLES, lasso, wait_for_frame
from waiting import until

from explorer.selection import inside
from explorer.step import Result


def said(page: Any) -> str:
    return page.locator(".sentence").inner_text()


def selected(page: Any) -> int:
    return int(re.search(r"([\d,]+) selected", said(page))[1].replace(",", ""))  # type: ignore[index]


def expected_in(page: Any, points: list[tuple[float, float]]) -> np.ndarray:
    """The demo's items within a line drawn on the page, worked out from the shipped arrays."""
    box = page.locator("canvas.map-canvas").bounding_box()
    x0, x1, y0, y1 = json.loads(page.locator("canvas.map-canvas").get_attribute("data-viewport"))
    corners = [(x0 + (x - box["x"]) / box["width"] * (x1 - x0), y1 - (y - box["y"]) / box["height"] * (y1 - y0)) for x, y in points]
    return inside(LAYOUT, np.asarray(corners))


LAYOUT = Result.load(SAMPLES / "emoji.results" / "layout").values
CLUSTERS = Result.load(SAMPLES / "emoji.results" / "clusters").values
CATEGORY = np.array(pq.read_table(SAMPLES / "emoji.parquet", columns=["category"])["category"].to_pylist())


def place(page: Any, where: np.ndarray) -> tuple[float, float]:
    """A place of the layout as shares of the map."""
    x0, x1, y0, y1 = json.loads(page.locator("canvas.map-canvas").get_attribute("data-viewport"))
    return float((where[0] - x0) / (x1 - x0)), float((y1 - where[1]) / (y1 - y0))


def circle(page: Any, category: str, radius: float = 0.12) -> list[tuple[float, float]]:
    """Lasso the middle of a category's items."""
    return lasso(page, *place(page, np.median(LAYOUT[category == CATEGORY], axis=0)), radius)


def test_the_demo_opens_on_a_finished_map(demo: Any) -> None:
    assert said(demo) == "1,911 of 1,911 items drawn · 0 selected"
    assert demo.title() == "emoji.parquet · explorer"
    assert "386" in demo.locator(".legend li", has_text="People & Body").inner_text()
    until(lambda: demo.locator(".thumb img").count() > 20, "thumbnails")
    assert demo.locator(".thumb img").count() < 150, "no more than about a screenful of pictures is loaded"


def test_brush_label_undo_and_export(served: Any, open_page: Any) -> None:
    page = open_page(served("demo", "--port", "0").url)
    wait_for_frame(page)
    points = circle(page, "Smileys & Emotion")
    until(lambda: selected(page), "a selection")
    expected = expected_in(page, points)
    assert abs(selected(page) - expected.sum()) <= max(1, 0.01 * expected.sum())
    assert expected.sum() > 20
    chosen = selected(page)

    page.get_by_role("button", name="+ new category").click()
    page.get_by_label("category name").fill("NA")
    page.keyboard.press("Enter")
    until(lambda: page.locator(".chip .give").count() == 1, "a category")
    page.keyboard.press("1")
    until(lambda: f"{chosen:,} of 1,911 labelled" in page.locator(".labelbar").inner_text(), "labels")
    page.keyboard.press("Control+z")
    until(lambda: "0 of 1,911 labelled" in page.locator(".labelbar").inner_text(), "undo")
    page.keyboard.press("Control+Shift+z")
    until(lambda: f"{chosen:,} of 1,911 labelled" in page.locator(".labelbar").inner_text(), "redo")

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"), newline="")))
    assert len(rows) == 1911
    assert sum(row["label"] == "NA" for row in rows) == chosen
    assert np.array_equal(np.array([[row["x"], row["y"]] for row in rows]).astype(np.float32), LAYOUT)
    ids = pq.read_table(SAMPLES / "emoji.parquet", columns=["id"])["id"].to_pylist()
    assert [row["id"] for row in rows] == ids


def test_modes_hide_and_solo(demo: Any) -> None:
    circle(demo, "Smileys & Emotion")
    first = until(lambda: selected(demo), "a selection")
    demo.get_by_role("button", name="Add", exact=True).click()
    circle(demo, "Flags", 0.05)
    both = until(lambda: selected(demo) > first and selected(demo), "more after adding")
    demo.get_by_role("button", name="Subtract", exact=True).click()
    circle(demo, "Flags", 0.05)
    until(lambda: selected(demo) == first, f"{first} again after subtracting from {both}")
    demo.keyboard.press("Escape")
    until(lambda: selected(demo) == 0, "nothing after Escape")

    demo.locator(".legend .entry", has_text="Flags").click()
    until(lambda: said(demo).startswith("270 of"), "only the flags on the map")
    demo.get_by_role("button", name="Replace", exact=True).click()
    lasso(demo, 0.5, 0.5, 0.48)
    until(lambda: 0 < selected(demo) <= 270, "what is hidden is not brushed")
    demo.get_by_role("button", name="Show all").click()
    until(lambda: said(demo).startswith("1,911 of"), "everything again")


def test_zoom_pan_and_fit(demo: Any) -> None:
    box = demo.locator("canvas.map-canvas").bounding_box()
    demo.mouse.move(box["x"] + 30, box["y"] + 30)
    demo.mouse.wheel(0, -800)
    until(lambda: not said(demo).startswith("1,911 of"), "fewer items in view")
    demo.keyboard.press("f")
    until(lambda: said(demo).startswith("1,911 of"), "all items after F")
    demo.keyboard.press("v")
    demo.mouse.down()
    demo.mouse.move(box["x"] + 400, box["y"] + 30, steps=4)
    demo.mouse.up()
    until(lambda: not said(demo).startswith("1,911 of"), "some items out of view after a pan")


def test_hover_shows_the_item_and_click_its_card(demo: Any) -> None:
    box = demo.locator("canvas.map-canvas").bounding_box()
    across, down = place(demo, LAYOUT[lonely()])
    at = (box["x"] + across * box["width"], box["y"] + down * box["height"])
    demo.mouse.move(at[0] - 3, at[1])
    demo.mouse.move(*at)
    demo.locator(".tip:not([hidden]) img").wait_for()
    demo.mouse.click(*at)
    until(lambda: selected(demo) == 1, "one item")
    demo.locator(".detail img").wait_for()


def lonely() -> int:
    """The row of the item of no cluster that is farthest from all others: no name stands on it."""
    gaps = np.hypot(*(LAYOUT[:, None] - LAYOUT[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    return int(np.where(CLUSTERS < 0, gaps.min(axis=1), -1).argmax())


def test_a_name_on_the_map_and_an_entry_of_the_legend_select_their_items(demo: Any) -> None:
    demo.locator("select[aria-label='colour by']").select_option("cluster")
    demo.locator(".legend li", has_text="Smileys & Emotion").first.hover()
    demo.get_by_role("button", name="select Smileys & Emotion", exact=True).click()
    entry = until(lambda: selected(demo), "a cluster")
    demo.keyboard.press("Escape")
    until(lambda: selected(demo) == 0, "nothing")
    cluster = np.bincount(CLUSTERS[(CATEGORY == "Smileys & Emotion") & (CLUSTERS >= 0)]).argmax()
    assert np.count_nonzero(cluster == CLUSTERS) == entry
    places = LAYOUT[cluster == CLUSTERS].astype(np.float64)
    middle = np.median(places, axis=0)
    across, down = place(demo, places[np.abs(places - middle).sum(axis=1).argmin()])
    box = demo.locator("canvas.map-canvas").bounding_box()
    demo.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    until(lambda: selected(demo) == entry, "the cluster again, by its name")


def test_while_the_server_is_away_nothing_can_be_labelled(served: Any, open_page: Any) -> None:
    server = served("demo", "--host", "localhost")
    page = open_page(server.url)
    wait_for_frame(page)
    circle(page, "Flags")
    until(lambda: selected(page), "a selection")
    server.close()
    page.locator(".top .bad", has_text="disconnected").wait_for()
    page.keyboard.press("n")
    time.sleep(0.3)
    assert page.locator("dialog[open]").count() == 0
    assert page.locator(".labelbar").evaluate("bar => bar.inert")


def test_two_tabs_share_labels_and_nothing_else(served: Any, open_page: Any) -> None:
    url = served("demo", "--host", "127.0.0.1").url
    one, two = open_page(url), open_page(url)
    wait_for_frame(one)
    wait_for_frame(two)
    circle(one, "Smileys & Emotion")
    chosen = until(lambda: selected(one), "a selection in the first tab")
    assert selected(two) == 0
    one.keyboard.press("n")
    one.get_by_label("category name").fill("mine")
    one.keyboard.press("Enter")
    until(lambda: "mine" in two.locator(".labelbar").inner_text(), "the label in the other tab")
    two.keyboard.press("Control+z")
    time.sleep(0.5)  # it would go on its way
    until(lambda: f"{chosen:,} of 1,911 labelled" in one.locator(".labelbar").inner_text(), "undo takes back one's own work only")
    one.reload()
    wait_for_frame(one)
    until(lambda: f"{chosen:,} of 1,911 labelled" in one.locator(".labelbar").inner_text(), "labels after the page is loaded again")


def test_a_run_shows_progress_and_stops(served: Any, open_page: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("run")
    np.save(folder / "cloud.npy", np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32))
    page = open_page(served("open", str(folder / "cloud.npy")).url)
    wait_for_frame(page)  # a PCA at once, while UMAP runs
    card = page.locator(".step[aria-label=reduce]")
    until(lambda: card.get_attribute("data-state") == "running", "UMAP runs")
    card.get_by_role("button", name="Stop").click()
    until(lambda: card.get_attribute("data-state") == "done", "it stops")
    assert "pca" in card.inner_text()
    card.locator("select.method").select_option("pca")
    card.get_by_role("button", name="Run").click()
    until(lambda: page.locator(".step[aria-label=cluster]").get_attribute("data-state") == "done", "clusters follow the layout")
    assert "on the layout" in page.locator(".step[aria-label=cluster]").inner_text()


def test_a_value_that_is_not_allowed_is_said(demo: Any) -> None:
    box = demo.locator(".step[aria-label=reduce] input[type=number][data-key=n_neighbors]")
    box.fill("100000")
    box.press("Enter")
    demo.locator(".toast.error", has_text="n_neighbors takes a whole number from").wait_for()
    demo.locator("canvas.map-canvas").click(position={"x": 5, "y": 5})
    until(lambda: box.input_value() == "12", "the value goes back")


def test_clusters_follow_their_slider(demo: Any) -> None:
    card = demo.locator(".step[aria-label=cluster]")
    card.locator("input[type=range][data-key=min_cluster_size-slider]").focus()
    for _ in range(12):
        demo.keyboard.press("ArrowRight")
    box = card.locator("input[type=number][data-key=min_cluster_size]")
    until(lambda: box.input_value() == "24", "the slider moves")
    until(lambda: (shown := card.inner_text()) and "clusters" in shown and "49 clusters" not in shown, "others, without Run")
    box.fill("12")
    box.press("Enter")
    until(lambda: "49 clusters" in card.inner_text(), "the clusters of before")


PAYLOADS = [
    "<img src=x onerror='window.ran=(window.ran||0)+1'>", "<script>window.ran=1</script>",
    "{{constructor.constructor('window.ran=1')()}}", "\"><svg onload='window.ran=1'>", "javascript:window.ran=1",
    "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>", "=1+1",
]  # fmt: skip


def test_text_from_the_data_is_never_markup(served: Any, open_page: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    n = 60
    table = pa.table({
        "id": [f"{PAYLOADS[row % len(PAYLOADS)]}{row}" for row in range(n)],
        "<img src=x onerror='window.ran=1'>": [PAYLOADS[row % len(PAYLOADS)] for row in range(n)],
        "text": [f"{PAYLOADS[row % len(PAYLOADS)]} some words of item {row}" for row in range(n)],
        "vectors": np.random.default_rng(0).normal(size=(n, 4)).tolist(),
    })  # fmt: skip
    path = folder / "<img src=x onerror=window.ran=1>.parquet"
    pq.write_table(table, path)
    page = open_page(served("open", str(path), "--reduce", "pca", "--cluster", "kmeans", "--set", "cluster.n_clusters=3").url)
    wait_for_frame(page)
    until(lambda: page.locator(".step[aria-label=cluster]").get_attribute("data-state") == "done", "clusters")
    page.locator("select[aria-label='colour by']").select_option(label="<img src=x onerror='window.ran=1'>")
    lasso(page, 0.5, 0.5, 0.48)
    until(lambda: selected(page), "a selection")
    for payload in PAYLOADS[:3]:
        page.keyboard.press("n")
        page.get_by_label("category name").fill(payload)
        page.keyboard.press("Enter")
        until(lambda payload=payload: payload in page.locator(".labelbar").inner_text(), payload)
    for mode in ("cards", "table"):
        page.get_by_role("button", name=mode, exact=True).click()
        page.locator(".inner > button").first.click()
        page.locator(".detail").wait_for()
    page.locator(".top .file").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="edit category").first.click()
    page.keyboard.press("Escape")
    page.mouse.move(*_middle(page))
    time.sleep(1)
    assert page.evaluate("window.ran || 0") == 0
    assert page.locator("img[src=x], svg[onload], iframe").count() == 0


def _middle(page: Any) -> tuple[float, float]:
    box = page.locator("canvas.map-canvas").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_click_is_not_lost_when_the_legend_is_built_anew_under_it(demo: Any) -> None:
    entry = demo.locator(".legend .entry", has_text="Flags")
    box = entry.bounding_box()
    demo.mouse.move(box["x"] + 20, box["y"] + 5)
    demo.mouse.down()
    demo.keyboard.press("i")  # everything is selected: every entry has another count
    until(lambda: selected(demo) == 1911, "the selection, while the button is pressed")
    demo.mouse.up()
    until(lambda: said(demo).startswith("270 of"), "only the flags")
    counted = entry.locator(".chosen")  # out of sight: the counts of an entry that is pointed at make room for its buttons
    until(lambda: counted.text_content() == "270", "how many of them are selected")
