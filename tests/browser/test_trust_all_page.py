"""The button that measures all items, where only a sample was: a map of more items than are ranked in a moment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import wait_for_frame
from test_page_for_all import check
from waiting import until

N = 16_000


@pytest.fixture(params=["light", "dark"])
def page(request: Any, served: Any, open_page: Any, tmp_path: Path) -> Any:
    rng = np.random.default_rng(0)
    made = tmp_path / "many.npy"
    np.save(made, rng.normal(size=(N, 4)).astype(np.float32))
    page = open_page(served("open", str(made), "--reduce", "pca").url, 1280, 720, color_scheme=request.param)
    wait_for_frame(page)
    until(lambda: page.locator(".step[data-state=done]").count() >= 2, "a layout", 60)
    return page


def test_all_items_are_measured_by_a_button_that_says_what_it_takes(page: Any, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Trust").click()
    button = page.locator("[data-key=trust-all]")
    button.wait_for(timeout=90_000)
    assert button.inner_text() == "Measure all 16,000 items"
    assert "of memory" in page.locator(".trust").inner_text()
    button.scroll_into_view_if_needed()
    check(page, "a sample")
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{page.evaluate('matchMedia(`(prefers-color-scheme: dark)`).matches')}.png")
    button.focus()
    page.keyboard.press("Enter")
    until(lambda: button.count() == 0 and page.locator("[data-key=trust_stop]").count() == 0, "all items", 120)
    assert "picked at random" not in page.locator(".trust").inner_text()
