"""Real JupyterLab servers, and what the tests do in a notebook's page: run cells, ask the kernel, read outputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from waiting import until

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

POINTS = """
import numpy as np, explorer
points = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
session = explorer.Session(points)
session.extract("vectors"); session.reduce("pca"); session.cluster("kmeans", n_clusters=3)
"""

# Runs a line in the notebook's kernel by the page's own connection, beside the cells, and gives what it printed.
_ASK = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel
  const running = kernel.requestExecute({code, store_history: false})
  let said = ""
  running.onIOPub = (message) => {
    if (message.header.msg_type === "stream") said += message.content.text
    if (message.header.msg_type === "error") said += "ERROR " + message.content.ename + ": " + message.content.evalue
  }
  await running.done
  return said.trim()
}"""


def apart(folder: Path) -> dict[str, str]:
    """The environment of a Jupyter that keeps what it keeps in a folder; kernels and extensions are those of this Python."""
    places = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    made = {f"JUPYTER_{name}_DIR": str(folder / place) for name, place in places.items()}
    return os.environ | made | {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"), "IPYTHONDIR": str(folder / "ipython")}


class Jupyter:
    """A Jupyter server of its own on a folder; `options` are command line arguments, `settings` environment variables.

    It keeps what it keeps beside that folder: two of them at once with one home lose each other's workspaces and signatures.
    """

    def __init__(self, root: Path, *options: str, module: str = "jupyterlab", **settings: str) -> None:
        command = [
            sys.executable, "-m", module, "--no-browser", "--port=0", "--ServerApp.ip=127.0.0.1", "--allow-root",
            "--IdentityProvider.token=secret", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True", *options,
        ]  # fmt: skip
        self.root = root
        self.said: list[str] = []
        self._ready = threading.Event()
        self.environment = apart(root.with_name(f"{root.name}-jupyter")) | settings
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self._ready.wait(180), f"Jupyter did not start: {self.said}"
        assert self.address, f"Jupyter did not start: {self.said}"

    address = ""

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line)
            if not self.address and (found := re.search(r"http://127\.0\.0\.1:\d+/", line)):
                self.address = found[0]
                self._ready.set()
        self._ready.set()

    def notebook(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells; gives its address in JupyterLab."""
        write(self.root / name, cells)
        return self.url(name)

    def url(self, name: str, kind: str = "lab/tree") -> str:
        return f"{self.address}{kind}/{name}?token=secret&reset"  # without the tabs of the notebook before

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._listener.join(60)
        assert self._process.stderr is not None
        self._process.stderr.close()


def write(path: Path, cells: Sequence[str]) -> None:
    empty: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [empty | {"id": f"c{place}", "source": cell} for place, cell in enumerate(cells)]
    path.write_text(json.dumps({"cells": made, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}))


def opened(page: Any) -> Any:
    """Wait until the notebook and its kernel are there."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=180_000)
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'", timeout=180_000
    )
    return page


def run(page: Any, place: int, *, wait: bool = True) -> Any:
    """Run a cell with Shift+Enter; gives its output, when it has run or, without `wait`, has begun to."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(place)
    cell.locator(".cm-content").first.click()
    prompt = cell.locator(".jp-InputPrompt").first
    before = prompt.inner_text()
    page.keyboard.press("Shift+Enter")
    if wait:
        ran = re.compile(r"^\s*\[\d+\]:")
        until(lambda: (now := prompt.inner_text()) != before and ran.match(now), f"cell {place} to have run", 180)
    else:
        until(lambda: "*" in prompt.inner_text(), f"cell {place} to run")
    return cell.locator(".jp-OutputArea").first


def ask(page: Any, code: str) -> str:
    """What a line prints in the notebook's kernel."""
    said = str(page.evaluate(_ASK, code))
    if said.startswith("ERROR"):
        pytest.fail(f"{code}: {said}")
    return said


def command(page: Any, name: str) -> None:
    """Have JupyterLab do something, as its menu does."""
    page.evaluate("(name) => { window.jupyterapp.commands.execute(name) }", name)
