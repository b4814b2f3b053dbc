"""The start page in a real browser: a sample from choosing to its map, roles, what is dropped, what is wrong, keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import wait_for_frame
from waiting import until

PATIENCE = 180_000  # milliseconds for a child process on a busy machine
# A drop as the browser makes it, with files of these names and texts.
DROP = """([selector, files]) => {
  const transfer = new DataTransfer()
  for (const [name, text] of files) transfer.items.add(new File([text], name))
  const target = document.querySelector(selector)
  for (const type of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true, composed: true}))
  }
}"""
# Text that is too small, and controls without a name, of what can be seen.
FAULTS = """() => {
  const size = (el) => el.getBoundingClientRect()
  const seen = (el) => size(el).width > 1 && size(el).height > 1 && getComputedStyle(el).visibility !== "hidden"
  const named = (el) => el.getAttribute("aria-label") || el.labels?.length || (el.matches("button, a") && el.textContent.trim())
  const faults = []
  for (const el of document.querySelectorAll("body *")) {
    if (!seen(el)) continue
    const text = [...el.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
    if (text && parseFloat(getComputedStyle(el).fontSize) < 12) faults.push(`small: ${el.textContent}`)
    if (el.matches("button, a[href], input, select") && !named(el)) faults.push(`no name: ${el.outerHTML}`)
  }
  const {scrollWidth, scrollHeight} = document.documentElement
  if (scrollWidth > innerWidth || scrollHeight > innerHeight) faults.push("it scrolls")
  return faults
}"""
TABLE = "id,words,kind\n" + "\n".join(f"i{row},some words on item {row},{'ab'[row % 2]}" for row in range(40))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("home")
    (made / "things.csv").write_text(TABLE)
    (made / "<img src=x onerror=alert(1)>.csv").write_text(TABLE.replace("words", "<img src=x onerror=alert(1)>", 1))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"XDG_STATE_HOME": made / "state", "XDG_DATA_HOME": made / "data", "HOME": made}.items():
            patch.setenv(name, str(value))
        patch.setenv("EXPLORER_RECENT", "1")
        yield made


@pytest.fixture
def start(home: Path, served: Any, open_page: Any) -> Any:
    page = open_page(served("--port", "0").url, height=720)
    page.locator(".steps button").first.wait_for()
    return page


def found(page: Any) -> Any:
    page.get_by_role("button", name="Start", exact=True).wait_for(timeout=PATIENCE)
    return page


def test_the_sample_from_choosing_to_its_map_and_back(start: Any) -> None:
    start.get_by_role("button", name=re.compile("^Emoji")).click()
    found(start)
    assert start.get_by_role("heading", name=re.compile("1,911 pictures")).is_visible()
    assert start.title() == "emoji.parquet · explorer"
    until(lambda: start.evaluate("[...document.querySelectorAll('.drawn img')].every((img) => img.naturalWidth > 0)"), "pictures")
    assert start.evaluate(FAULTS) == []
    start.get_by_role("button", name="Start", exact=True).click()
    wait_for_frame(start)
    assert re.search("/open/[0-9a-f]{10}", start.url)
    start.get_by_role("link", name="All files").click()
    recent = start.locator(".shelf.recent")
    recent.get_by_role("button", name=re.compile("^emoji.parquet")).wait_for()
    assert "1,911 pictures" in recent.inner_text()
    start.locator(".shelf", has_text="Open now").get_by_role("link").click()
    wait_for_frame(start)


def test_a_role_is_changed_and_what_is_wrong_with_it_is_said(start: Any, home: Path) -> None:
    start.locator("#path").fill(str(home / "things.csv"))
    start.keyboard.press("Enter")
    found(start)
    assert "New: things.explorer" in start.locator(".kept").inner_text()
    start.locator("#role-id").select_option("kind")
    start.locator(".problem", has_text="ids must be unique").wait_for(timeout=PATIENCE)
    assert not start.get_by_role("button", name="Start", exact=True).is_visible()
    start.get_by_role("button", name="Undo the last choice").click()
    found(start)
    start.locator("#role-label").select_option("kind")
    start.locator(".role.chosen #role-label").wait_for(timeout=PATIENCE)
    found(start)
    assert start.evaluate("document.activeElement.id") == "role-label", "the focus stays where somebody is"
    start.get_by_role("button", name="Start", exact=True).click()
    start.get_by_text("40 of 40 labelled").wait_for(timeout=PATIENCE)
    start.goto(re.sub("/open/.*", "/start", start.url))
    start.locator(".shelf.recent").get_by_role("button", name=re.compile("^things.csv")).click()
    found(start)
    assert "Continues things.explorer: 40 labels." in start.locator(".kept").inner_text()


def test_keys_alone_choose_a_folder_a_file_and_start(start: Any, home: Path) -> None:
    until(lambda: start.evaluate("document.activeElement.id") == "path", "the focus in the field")
    start.keyboard.type(str(home / "data"))
    start.locator("#completions option").first.wait_for(state="attached")
    start.keyboard.press("Control+a")
    start.keyboard.press("Delete")
    start.locator(".browse .entry", has_text="things.csv").wait_for()
    for _ in range(12):
        start.keyboard.press("Tab")
        if start.evaluate("document.activeElement.closest('.entries') !== null"):
            break
    start.keyboard.press("t")
    assert start.evaluate("document.activeElement.querySelector('.name').textContent") == "things.csv"
    assert start.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "one sees where one is"
    start.keyboard.press("Enter")
    found(start)
    until(lambda: start.evaluate("document.activeElement.textContent") == "Start", "the focus on what comes next")
    start.keyboard.press("Escape")
    start.locator(".browse").wait_for()
    start.go_back()
    found(start)
    until(lambda: start.evaluate("document.activeElement.textContent") == "Start", "the focus again")
    start.keyboard.press("Enter")
    start.wait_for_url("**/open/*", timeout=PATIENCE)


def test_a_dropped_file_is_copied_and_read(start: Any, home: Path) -> None:
    start.evaluate(DROP, ["main", [["dropped.csv", TABLE]]])
    found(start)
    assert start.locator("h2.what").inner_text() == "dropped.csv"
    assert str(home / "data" / "explorer" / "dropped") in start.locator(".place").inner_text()
    assert not start.locator("#over").is_visible()


def test_a_dropped_file_that_is_no_collection_is_said(start: Any) -> None:
    start.evaluate(DROP, ["main", [["letter.docx", "hello"]]])
    problem = start.locator(".problem")
    problem.wait_for(timeout=PATIENCE)
    assert "letter.docx" in problem.inner_text()
    start.get_by_role("button", name="Choose another file").click()
    start.locator("#path").fill("/nowhere/at/all.csv")
    start.keyboard.press("Enter")
    start.locator(".problem", has_text="no such file or folder").wait_for(timeout=PATIENCE)


def test_a_name_that_is_markup_is_text(start: Any, home: Path) -> None:
    start.on("dialog", lambda dialog: pytest.fail("a script ran"))
    start.locator(".browse .entry", has_text="onerror").click()
    found(start)
    assert start.locator("h2.what").inner_text() == "<img src=x onerror=alert(1)>.csv"
    assert start.locator("img[src='x']").count() == 0


def test_recent_files_go_and_come(start: Any, home: Path) -> None:
    gone = home / "short lived.csv"
    gone.write_text(TABLE)
    start.locator("#path").fill(str(gone))
    start.keyboard.press("Enter")
    found(start)
    start.get_by_label("In memory only").check()
    start.get_by_role("button", name="Start", exact=True).click()
    start.wait_for_url("**/open/*", timeout=PATIENCE)
    gone.unlink()
    start.goto(re.sub("/open/.*", "/start", start.url))
    row = start.locator(".shelf.recent li.gone")
    row.wait_for()
    assert "not found" in row.inner_text()
    assert row.locator(".entry").is_disabled()
    start.get_by_role("button", name="Remove short lived.csv from the list").click()
    row.wait_for(state="detached")
    start.get_by_role("button", name="Clear the list of recent files").click()
    start.get_by_text("Files that you open are listed here").wait_for()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable(width: int, height: int, scheme: str, home: Path, served: Any, open_page: Any) -> None:
    page = open_page(served("--port", "0").url, width, height, color_scheme=scheme)
    page.locator(".browse .entry").first.wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate(FAULTS) == []
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") != scheme
    page.reload()
    page.locator(".browse .entry").first.wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") != scheme, "the choice is kept"


def test_a_file_dropped_onto_a_dashboard_opens_in_another_tab(home: Path, served: Any, open_page: Any) -> None:
    source = home / "other.csv"
    pd.DataFrame({"id": range(30), "x": range(30)}).to_csv(source, index=False)
    page = open_page(served("open", str(source)).url)
    page.get_by_text("0 of 30 labelled").wait_for(timeout=PATIENCE)
    page.evaluate(DROP, ["body", [["labels.csv", TABLE]]])
    page.get_by_role("dialog", name="Open labels.csv?").wait_for()
    assert page.url.endswith("/") or "#" in page.url or "?" in page.url, "the dashboard is still there"
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Open in a new tab").click()
    found(popup.value)
    assert popup.value.locator("h2.what").inner_text() == "labels.csv"
    assert not page.get_by_role("link", name="All files").is_visible(), "only where files are chosen"
    page.evaluate(DROP, ["body", []])
    assert page.get_by_role("dialog").count() == 0
