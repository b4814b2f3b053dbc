"""In a real JupyterLab: a cell shows the map, and a brush made in the cell is read by the next cell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import lasso, wait_for_frame
from playwright.sync_api import TimeoutError

CELLS = [
    "import numpy as np, explorer\n"
    "points = np.random.default_rng(0).normal(size=(300, 2)).astype('float32')\n"
    "session = explorer.Session(points)\n"
    "session.extract('vectors'); session.reduce('pca'); session.cluster('kmeans', n_clusters=3)\n"
    "explorer.Explorer(session)",
    "print('SELECTED', int(session.selection.sum()), len(session.selected_ids))",
    "session.select(explorer.InCluster(0)); print('CLUSTER', int(session.selection.sum()))",
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a notebook in a JupyterLab of its own."""
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [empty | {"id": f"c{place}", "source": cell} for place, cell in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (tmp_path / "brush.ipynb").write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=secret",
        f"--ServerApp.root_dir={tmp_path}", "--allow-root", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    address: list[str] = []
    found = threading.Event()

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if not address and (match := re.search(r"http://127\.0\.0\.1:\d+/", line)):
                address.append(match[0])
                found.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert found.wait(60), "JupyterLab did not start"
    yield f"{address[0]}lab/tree/brush.ipynb?token=secret"
    process.terminate()
    process.wait(30)
    thread.join(10)
    assert process.stderr is not None
    process.stderr.close()


def run_cell(page: Any) -> None:
    """Run the cell that has the focus and go to the next."""
    page.keyboard.press("Shift+Enter")


def output_with(page: Any, word: str) -> str:
    return page.locator(".jp-OutputArea-output pre", has_text=re.compile(word)).first.inner_text(timeout=60_000)


def test_a_brush_in_a_cell_reaches_python_and_back(lab: str, open_page: Any) -> None:
    page = open_page(lab, width=1500, height=1150)
    choose = page.get_by_role("button", name="Select Kernel")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    with suppress(TimeoutError):  # JupyterLab asks only where it cannot tell
        choose.first.click(timeout=10_000)
    page.locator(".jp-Cell .cm-content").first.click()
    run_cell(page)
    canvas = page.locator("canvas.map-canvas")
    canvas.wait_for(timeout=90_000)
    wait_for_frame(page)
    assert "300 of 300 items drawn" in page.locator(".sentence").inner_text()

    lasso(page, 0.5, 0.5, 0.22)
    chosen = _selected(page)
    assert 0 < chosen < 300

    page.locator(".jp-Cell .cm-content").nth(1).click()
    run_cell(page)
    assert output_with(page, "SELECTED").split() == ["SELECTED", str(chosen), str(chosen)]

    run_cell(page)
    of_cluster = int(output_with(page, "CLUSTER").split()[1])
    deadline = time.monotonic() + 20
    while _selected(page) != of_cluster and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _selected(page) == of_cluster


def _selected(page: Any) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = re.search(r"([\d,]+) selected", page.locator(".sentence").inner_text())
        if found and found[1] != "0":
            return int(found[1].replace(",", ""))
        time.sleep(0.1)
    raise AssertionError(page.locator(".sentence").inner_text())
