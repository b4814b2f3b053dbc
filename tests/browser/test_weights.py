"""Columns ranked, those of noise dropped, weights moved: in a browser, to the settings of the result."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Served, wait_for_frame
from waiting import until

NOISE = 20


def wine() -> pd.DataFrame:
    """scikit-learn's wines, 13 measures, with columns of noise; one of the names is markup."""
    from sklearn.datasets import load_wine

    rng = np.random.default_rng(0)
    frame = load_wine(as_frame=True).data.rename(columns={"hue": "hue <b>="})
    return frame.assign(**{f"noise {one}": rng.normal(size=len(frame)) for one in range(NOISE)}).round(4)


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """Where a page of these is served and kept: the page's address, and its workspace's folder."""
    source = tmp_path / "wine.csv"
    wine().to_csv(source, index=False)
    running = Served("open", str(source), "--workspace", str(tmp_path / "wine.explorer"), "--reduce", "pca", "--cluster", "kmeans")
    yield running.url, tmp_path / "wine.explorer"
    running.close()


def result_settings(workspace: Path) -> list[dict[str, Any]]:
    return [
        json.loads(path.read_text("utf-8"))["settings"] for path in workspace.glob("**/results/extract/columns/*/settings.json")
    ]


def test_noise_is_dropped_with_one_click_and_weights_are_kept(kept: Any, open_page: Any) -> None:
    url, workspace = kept
    page = open_page(url, 1280, 720)
    wait_for_frame(page)
    step = page.locator(".card.step[aria-label=extract]")
    until(lambda: step.get_attribute("data-state") == "done", "features")
    assert "178 × 33" in step.inner_text()
    page.get_by_role("button", name="Columns and weights…").click()
    dialog = page.locator("dialog.weighing")
    rows = dialog.locator(".weights li")
    until(lambda: rows.count() == 33, "all columns")
    assert "33 of 33 columns on" in dialog.inner_text()
    dialog.get_by_role("button", name="Rank columns").click()
    drop = dialog.get_by_role("button", name=re.compile("^Drop"))
    drop.wait_for()
    noise = int(re.search(r"Drop (\d+) noise", drop.inner_text())[1])  # type: ignore[index]
    assert 15 <= noise <= NOISE
    first = rows.first.locator(".name").inner_text()
    assert not first.startswith("noise"), "those that agree most come first"
    drop.click()
    until(lambda: f"{33 - noise} of 33 columns on" in dialog.inner_text(), "without noise")
    assert drop.is_hidden()
    dialog.get_by_role("button", name="All on").click()
    until(lambda: "33 of 33 columns on" in dialog.inner_text(), "undone")
    drop.click()
    heavy = dialog.get_by_label("weight of hue <b>= as a number")
    heavy.fill("2.5")
    heavy.press("Tab")
    dialog.get_by_label("use alcohol", exact=True).click()
    until(lambda: f"{32 - noise} of 33 columns on" in dialog.inner_text(), "one less")
    dialog.get_by_role("button", name="Close").click()
    run = step.get_by_role("button", name="Run")
    until(lambda: "primary" in (run.get_attribute("class") or ""), "there is something to run")
    run.click()
    until(lambda: f"178 × {32 - noise}" in step.inner_text(), "other features")
    weights = next(settings["weights"] for settings in result_settings(workspace) if settings["weights"])
    assert "hue <b>==2.5" in weights
    assert "alcohol=0" in weights
    assert sum(entry.startswith("noise") and entry.endswith("=0") for entry in weights) == noise


def test_a_slider_weighs_and_a_refused_weight_goes_back(kept: Any, open_page: Any) -> None:
    page = open_page(kept[0], 1280, 720)
    wait_for_frame(page)
    page.get_by_role("button", name="Columns and weights…").click()
    dialog = page.locator("dialog.weighing")
    slider = dialog.get_by_label("weight of alcohol", exact=True)
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    box = dialog.get_by_label("weight of alcohol as a number")
    until(lambda: box.input_value() == "2.5", "two and a half")
    dialog.get_by_label("find a column to weigh").fill("NOISE 1")
    until(lambda: dialog.locator(".weights li").count() == 11, "found by name")
    dialog.get_by_label("find a column to weigh").fill("")
    page.keyboard.press("Escape")
    until(lambda: dialog.count() == 0, "closed")
    page.get_by_role("button", name="Columns and weights…").click()
    until(lambda: box.input_value() == "2.5", "still")
