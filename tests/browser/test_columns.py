"""The columns beside the map, the legend and the filters' chips, with a mouse and with keys."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import lasso, wait_for_frame
from test_dashboard import said, selected
from waiting import until

N = 600
NUMBER = np.arange(N) % 30
KIND = np.array(["alpha", "beta", "<b>gamma</b>"])[np.arange(N) % 3]


@pytest.fixture(scope="module")
def path(tmp_path_factory: Any) -> Path:
    rng = np.random.default_rng(0)
    columns = {
        "id": [f"i{row}" for row in range(N)], "number": NUMBER, "kind": KIND,
        "group": [f"group {row}" for row in np.arange(N) % 17], "x": rng.normal(size=N), "y": rng.normal(size=N),
    } | {f"more {column}": rng.normal(size=N) for column in range(30)}  # fmt: skip
    where: Path = tmp_path_factory.mktemp("columns") / "table.parquet"
    pq.write_table(pa.table(columns), where)
    return where


@pytest.fixture
def page(served: Any, open_page: Any, path: Path) -> Any:
    page = open_page(served("open", str(path), "--layout", "x,y", "--cluster", "kmeans").url)
    wait_for_frame(page)
    return page


def drawn(page: Any) -> int:
    return int(re.match(r"([\d,]+) of", said(page))[1].replace(",", ""))  # type: ignore[index]


def facet(page: Any, name: str) -> Any:
    return page.locator(".facet").filter(has=page.get_by_role("heading", name=name, exact=True))


def drag(page: Any, canvas: Any, start: float, stop: float) -> None:
    """Along a histogram, as shares of its width."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    across, down = (lambda share: box["x"] + share * box["width"]), box["y"] + box["height"] / 2
    page.mouse.move(across(start), down)
    page.mouse.down()
    page.mouse.move(across((start + stop) / 2), down, steps=3)
    page.mouse.move(across(stop), down, steps=3)
    page.mouse.up()


def open_tab(page: Any) -> None:
    page.get_by_role("tab", name="Columns").click()
    facet(page, "number").wait_for()


def test_a_drag_over_a_histogram_filters_and_its_chip_takes_it_away(page: Any) -> None:
    open_tab(page)
    canvas = facet(page, "number").locator("canvas")
    drag(page, canvas, 0.21, 0.49)  # 30 bars of 20 items: from the seventh to the fifteenth
    until(lambda: drawn(page) == np.count_nonzero((NUMBER >= 6) & (NUMBER <= 14)), "nine values of thirty")
    chip = page.locator(".filters .chip")
    assert chip.inner_text().split() == ["number", "6", "–", "14", "×"]
    drag(page, canvas, 0.5, 0.79)  # the upper end itself is dragged
    until(lambda: drawn(page) == np.count_nonzero((NUMBER >= 6) & (NUMBER <= 23)), "the range is wider")
    lasso(page, 0.5, 0.5, 0.48)
    until(lambda: selected(page), "a selection")
    page.keyboard.press("Escape")
    until(lambda: selected(page) == 0, "nothing is selected")
    assert chip.count() == 1, "Escape takes no filter away"
    page.get_by_role("button", name="remove the filter on number").first.click()
    until(lambda: drawn(page) == N, "everything")
    assert page.locator(".filters").is_hidden()


def test_a_click_takes_a_range_away_and_keys_move_it(page: Any) -> None:
    open_tab(page)
    canvas = facet(page, "number").locator("canvas")
    canvas.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    until(lambda: drawn(page) == np.count_nonzero(NUMBER < 27), "without the last three bars")
    page.keyboard.press("Delete")
    until(lambda: drawn(page) == N, "everything")
    drag(page, canvas, 0.3, 0.6)
    until(lambda: drawn(page) < N, "a range")
    canvas.click()
    until(lambda: drawn(page) == N, "everything again")


FAR = """
  window.WebSocket = class extends WebSocket { // what the server says arrives late, in its order
    set onmessage(hear) { super.onmessage = (event) => setTimeout(() => hear(event), 350) }
  }
"""


@pytest.fixture
def far(served: Any, open_page: Any, path: Path) -> Any:
    """A page far from its server."""
    page = open_page("about:blank")
    page.add_init_script(FAR)
    page.goto(served("open", str(path), "--layout", "x,y", "--cluster", "kmeans").url)
    wait_for_frame(page)
    return page


def press(page: Any, keys: int = 5) -> None:
    """Keys as a person presses them, so that answers to the first ones come in between."""
    for _ in range(keys):
        page.keyboard.press("ArrowLeft")
        time.sleep(0.2)


def test_no_key_is_lost_far_from_the_server(far: Any) -> None:
    open_tab(far)
    facet(far, "number").locator("canvas").focus()
    press(far)
    until(lambda: drawn(far) == np.count_nonzero(NUMBER < 25), "without the last five bars")
    far.keyboard.press("Delete")
    until(lambda: drawn(far) == N, "everything")
    far.locator("select[aria-label='colour by']").select_option("column:number")
    canvas = far.locator(".legend canvas.bars")
    canvas.wait_for()  # it is hidden until its column is counted
    canvas.focus()
    press(far)
    until(lambda: drawn(far) == np.count_nonzero(NUMBER < 25), "the same in the legend")
    assert canvas.evaluate("bars => bars.matches(':focus')"), "the legend's bars keep the focus"


def test_a_slider_goes_on_from_where_it_was_moved_far_from_the_server(far: Any) -> None:
    of_clusters = ".step[aria-label=cluster] input[aria-label=n_clusters]"
    slider, box = (far.locator(f"{of_clusters}[type={kind}]") for kind in ("range", "number"))
    before = int(slider.input_value())
    slider.focus()
    for _ in range(4):
        far.keyboard.press("ArrowRight")
        time.sleep(0.3)  # so that the answer to the first comes after the second was sent
    time.sleep(1)
    assert [slider.input_value(), box.input_value()] == [str(before + 4)] * 2
    slider.evaluate("one => { one.value = one.max; one.max = 1e6; one.value = 1e6; one.dispatchEvent(new Event('input')) }")
    until(lambda: slider.input_value() == str(before + 4), "what is not allowed gives way to what is set")


def test_what_was_chosen_goes_before_what_the_server_says_of_a_moment_ago(far: Any) -> None:
    open_tab(far)
    values = facet(far, "kind").locator(".value")
    values.filter(has_text="alpha").click()
    values.filter(has_text="<b>gamma</b>").click(modifiers=["Shift"])
    until(lambda: drawn(far) == 400, "alpha and gamma, although the second click came before the answer to the first")
    far.get_by_role("button", name="Clear all").click()
    until(lambda: drawn(far) == N, "everything")
    canvas = facet(far, "number").locator("canvas")
    drag(far, canvas, 0.3, 0.6)
    canvas.click()
    until(lambda: far.locator(".filters .chip").count() == 0 and drawn(far) == N, "a click takes away what nobody has counted yet")
    color = far.locator("select[aria-label='colour by']")
    color.focus()
    before = color.evaluate("one => one.selectedIndex")
    for _ in range(4):
        far.keyboard.press("ArrowDown")
        time.sleep(0.3)
    assert color.evaluate("one => one.selectedIndex") == before + 4
    method = far.locator("select[aria-label='Clusters method']")
    method.focus()
    far.keyboard.press("ArrowUp")
    until(lambda: far.locator(".step[aria-label=cluster] [aria-label=n_clusters]").count() == 0, "another method's settings")
    assert method.evaluate("one => one.matches(':focus')"), "the card is built anew, and keeps the focus"


def test_bars_of_values_and_what_the_legend_hides_are_one_state(page: Any) -> None:
    open_tab(page)
    values = facet(page, "kind").locator(".value")
    values.filter(has_text="alpha").click()
    until(lambda: drawn(page) == 200, "alpha")
    values.filter(has_text="<b>gamma</b>").click(modifiers=["Shift"])
    until(lambda: drawn(page) == 400, "alpha and gamma")
    until(lambda: facet(page, "kind").locator(".value[aria-pressed=true]").count() == 2, "both pressed")
    page.locator("select[aria-label='colour by']").select_option("column:kind")
    alpha = page.locator(".legend .entry", has_text="alpha")
    until(lambda: re.search(r"200\D+200", alpha.inner_text()), "the legend's counts of what the filter leaves")
    alpha.click()
    until(lambda: drawn(page) == 200, "only alpha by the legend")
    until(lambda: page.locator(".filters .chip").count() == 2, "both as chips")
    page.get_by_role("button", name="Clear all").click()
    until(lambda: drawn(page) == N, "everything")
    until(lambda: page.locator(".filters .chip").count() == 0, "no chip")
    until(lambda: page.locator(".legend li.hidden").count() == 0, "an open legend")


def test_a_picture_that_is_decoded_late_replaces_no_newer_one(page: Any) -> None:
    page.locator("select[aria-label='colour by']").select_option("column:kind")
    alpha = page.locator(".legend .entry", has_text="alpha")
    alpha.wait_for()
    time.sleep(0.5)  # its pictures have come
    page.evaluate("""() => {
      const decode = window.createImageBitmap
      window.late = []
      window.createImageBitmap = async (...how) => {
        const bitmap = await decode(...how)
        if (window.late.push(how) === 1) await new Promise((done) => setTimeout(() => { window.done = true; done() }, 2000))
        return bitmap
      }
    }""")
    alpha.click()
    until(lambda: page.evaluate("window.late.length") >= 1, "the picture of alpha alone, on its way")
    page.get_by_role("button", name="Show all").click()
    until(lambda: page.evaluate("window.late.length") >= 2 and drawn(page) == N, "everything")
    until(lambda: page.evaluate("window.done"), "the earlier picture")
    time.sleep(0.3)
    assert drawn(page) == N


def test_a_selection_shows_in_the_bars(page: Any) -> None:
    open_tab(page)
    lasso(page, 0.5, 0.5, 0.3)
    until(lambda: selected(page), "a selection")

    def told() -> int:
        texts = facet(page, "kind").locator(".chosen").all_inner_texts()
        return sum(int(text) for text in texts if text)

    until(lambda: told() == selected(page), "the selected of each kind")


def test_many_columns_are_found_by_name(page: Any) -> None:
    open_tab(page)
    until(lambda: "more columns" in page.locator(".columns [role=status]").inner_text(), "that all are counted")
    assert page.locator(".facet").count() == 24
    page.get_by_label("find a column").fill("MORE 29")
    until(lambda: page.locator(".facet h2").all_inner_texts() == ["more 29"], "one column")


def test_the_legend_finds_an_entry_and_counts_what_is_in_view(page: Any) -> None:
    page.locator("select[aria-label='colour by']").select_option("column:group")
    find = page.get_by_label("find an entry")
    find.fill("group 16")
    until(lambda: page.locator(".legend .entry").count() == 1, "one entry")
    assert page.locator(".legend .seen").first.inner_text() == "", "a picture by another colour counts nothing here"
    page.locator(".map-canvas").hover()
    for _ in range(3):
        page.mouse.wheel(0, -900)
    count = np.count_nonzero(np.arange(N) % 17 == 16)
    until(lambda: 0 < int(page.locator(".legend .entry .seen").inner_text() or 0) < count, "fewer in view than there are")
    assert page.locator(".legend .entry .count").inner_text() == str(count)
    find.fill("")
    until(lambda: page.locator(".legend .entry").count() == 17, "all entries")
    seen = page.locator(".legend .entry .seen")
    until(lambda: sum(int(text) for text in seen.all_inner_texts()) == drawn(page), "all that is in view, by group")


def test_the_legend_of_numbers_is_dragged_and_stays_while_it_is(page: Any) -> None:
    page.locator("select[aria-label='colour by']").select_option("column:number")
    canvas = page.locator(".legend canvas")
    canvas.wait_for()
    box = canvas.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 1, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=3)
    until(lambda: drawn(page) < N, "the map follows while the drag goes on")
    page.mouse.move(box["x"] + 0.32 * box["width"], middle + 150, steps=5)
    page.mouse.up()
    until(lambda: drawn(page) == np.count_nonzero(NUMBER <= 9), "the first third")
    assert page.locator(".filters .chip").count() == 1
    page.locator("select[aria-label='colour by']").select_option("density")
    until(lambda: "items a pixel" in page.locator(".legend").inner_text(), "the scale of density")
    assert drawn(page) == np.count_nonzero(NUMBER <= 9), "another colour keeps the filter"
