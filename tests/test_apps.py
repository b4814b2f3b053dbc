"""The front doors in apps/: they run as a reader would run them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np

APPS = Path(__file__).parents[1] / "apps"


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", f"--output-dir={tmp_path}"]
    made = subprocess.run([*command, str(APPS / "notebook.ipynb")], capture_output=True, text=True, timeout=240)
    assert made.returncode == 0, made.stderr[-2000:]
    written = (tmp_path / "notebook.ipynb").read_text()
    assert "labels.parquet" in written
    outputs = [output for cell in json.loads(written)["cells"] for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output["output_type"] in {"error", "stream"}]
    shown = [output["data"] for output in outputs if output["output_type"] == "display_data"]
    assert sum("application/vnd.jupyter.widget-view+json" in data for data in shown) == 2, "the page, and two maps side by side"
    said = ["".join(data["text/plain"]).split(" · ")[-1] for data in shown if "text/html" in data]
    assert said == ["100 selected"] * 3, "as at the end of all: the second map began with what was selected in the first"


def test_a_notebook_that_no_page_shows_has_a_picture(tmp_path: Path) -> None:
    """The first two cells of anybody, run by a program: the steps are waited for."""
    cells = [
        "import numpy as np, pandas as pd, explorer\n"
        "df = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 4)), columns=list('abcd'))",
        "explorer.Explorer(df, steps={'reduce': 'pca', 'cluster': 'kmeans'})",
    ]  # fmt: skip
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [empty | {"id": f"c{place}", "source": cell} for place, cell in enumerate(cells)]
    (tmp_path / "two.ipynb").write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--inplace", str(tmp_path / "two.ipynb")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr[-2000:]
    outputs = json.loads((tmp_path / "two.ipynb").read_text())["cells"][1]["outputs"]
    said = "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert "data:image/png;base64," in said
    assert "was not computed" not in said


def test_the_repository_keeps_no_outputs() -> None:
    cells = json.loads((APPS / "notebook.ipynb").read_text())["cells"]
    assert not [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_panel_serves_the_dashboard(tmp_path: Path) -> None:
    np.save(tmp_path / "cloud.npy", np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32))
    command = [sys.executable, "-m", "panel", "serve", str(APPS / "dashboard.py"), "--port", "0", "--address", "127.0.0.1"]
    command += ["--args", str(tmp_path / "cloud.npy")]
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        link = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+/dashboard", line)))
        with urllib.request.urlopen(link, timeout=60) as answer:
            page = answer.read().decode()
        assert answer.status == 200
        assert "cloud.npy" in page
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()
