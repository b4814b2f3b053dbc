"""The tab of traits in a real browser: words marked in the texts, lanes of series with examples, columns that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import lasso, wait_for_frame
from test_dashboard import selected
from waiting import until

N = 120
LEFT = np.arange(N) < N // 3  # one group on the map's left, the others on its right


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    made: Path = tmp_path_factory.mktemp("traits")
    place = {"id": [f"i{row}" for row in range(N)], "x": np.where(LEFT, -5, 5) + rng.normal(size=N), "y": rng.normal(size=N)}
    words = [f"please <b>send</b> {'a refund, REFUND' if left else 'the password'} number {row}" for row, left in enumerate(LEFT)]
    ticket = {"text": words, "size": np.where(LEFT, 40, 4) + rng.normal(size=N), "noise": rng.normal(size=N)}
    pq.write_table(pa.table(place | ticket), made / "tickets.parquet")
    waves = [[np.sin(np.arange(80) / (4 if left else 9)).tolist(), rng.normal(size=80).tolist()] for left in LEFT]
    trace = pa.array(waves, pa.large_list(pa.large_list(pa.float32())))
    pq.write_table(pa.table(place | {"trace": trace}), made / "traces.parquet")
    return made


@pytest.fixture
def tickets(served: Any, open_page: Any, folder: Path) -> Any:
    page = open_page(served("open", str(folder / "tickets.parquet"), "--layout", "x,y", "--text", "text", "--extract", "lsa").url)
    wait_for_frame(page)
    return page


@pytest.fixture
def traces(served: Any, open_page: Any, folder: Path) -> Any:
    page = open_page(served("open", str(folder / "traces.parquet"), "--layout", "x,y", "--series", "trace").url)
    wait_for_frame(page)
    return page


def brush(page: Any) -> None:
    """Select the group on the left."""
    lasso(page, 0.24, 0.5, 0.28)
    until(lambda: selected(page) > 20, "the group on the left")


def open_tab(page: Any) -> None:
    page.get_by_role("tab", name="Traits").click()


def done(page: Any) -> None:
    until(lambda: page.locator(".traits").get_attribute("aria-busy") == "false", "the end of the telling")


def marks(page: Any, within: str) -> set[str]:
    return {text.lower() for text in page.locator(f"{within} mark").all_inner_texts()}


def test_words_are_listed_and_marked_in_the_texts(tickets: Any) -> None:
    open_tab(tickets)
    assert "Brush a group" in tickets.locator(".traits [role=status]").inner_text()
    assert tickets.locator("mark").count() == 0
    brush(tickets)
    row = tickets.locator(".traits button.share-of", has_text="refund")
    row.wait_for()
    done(tickets)
    head = tickets.locator(".traits > header").inner_text()
    assert f"{selected(tickets)} selected" in head
    assert f"{N - selected(tickets)} others" in head
    assert row.inner_text().split() == ["refund", "100", "%", "0", "%"]
    assert tickets.locator(".differing header .name").first.inner_text() in {"size", "cluster", "x"}
    size = tickets.locator(".differing", has=tickets.get_by_text("size", exact=True))
    assert "median" in size.inner_text()
    assert tickets.locator(".differing", has=tickets.get_by_text("noise", exact=True)).count() == 0
    tickets.get_by_role("tab", name="Items").click()
    until(lambda: marks(tickets, ".inner .text") == {"refund"}, "marked words in the cards")
    tickets.locator(".items .group button", has_text="table").click()
    until(lambda: marks(tickets, ".inner .row") == {"refund"}, "marked words in the table")
    assert "<b>send</b>" in tickets.locator(".inner .row").nth(1).inner_text()
    tickets.locator(".inner button.row").first.click()
    until(lambda: marks(tickets, ".detail") == {"refund"}, "marked words on the item's card")
    tickets.keyboard.press("Escape")
    tickets.locator("canvas.map-canvas").focus()
    tickets.keyboard.press("e")
    until(lambda: marks(tickets, ".stage") == {"refund"}, "marked words in focus mode")
    tickets.keyboard.press("Escape")
    tickets.keyboard.press("Escape")
    until(lambda: selected(tickets) == 0, "nothing is selected")
    until(lambda: tickets.locator(".right mark").count() == 0, "no marks")


def test_lanes_have_examples_that_can_be_opened_and_left_out(traces: Any) -> None:
    brush(traces)
    open_tab(traces)
    traces.locator(".traits figure").first.wait_for()
    done(traces)
    assert traces.locator(".traits figcaption .name").all_inner_texts() == ["channel 1", "channel 2"]

    def inked() -> str:
        return str(traces.locator(".traits figure canvas").first.evaluate("canvas => canvas.toDataURL()"))

    with_examples = inked()
    assert len(with_examples) > 1000
    traces.get_by_role("checkbox", name="examples").uncheck()
    assert inked() != with_examples
    traces.get_by_role("checkbox", name="examples").check()
    assert inked() == with_examples
    names = traces.locator(".traits .examples button")
    assert names.count() == 5
    names.nth(1).hover()
    assert inked() != with_examples
    title = names.nth(1).inner_text()
    names.nth(1).click()
    until(lambda: traces.locator(".detail b").inner_text() == title, "the example's card")
