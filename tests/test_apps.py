"""The front doors in apps/: they run as a reader would run them."""

from __future__ import annotations

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
    assert "labels.parquet" in (tmp_path / "notebook.ipynb").read_text()


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
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
