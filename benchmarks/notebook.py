"""A notebook's cell in a real JupyterLab: from Shift+Enter to the map, the kernel's memory over restarts, the saved file's size.

    python benchmarks/notebook.py [--runs 3] [--items 60000]

The emoji with their shipped results are shown by an `Explorer` on anywidget, and the same page by Panel's own connection
(`pn.extension(inline=True)`), which is what somebody would write who knows Panel. Each run has a fresh kernel; the first, which
warms the disk, is not counted. Memory: "Restart Kernel and Run All Cells" three times on `items` × 40 numbers, and Run All four
times in one kernel.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
READY = """
import explorer
from explorer.sample import sample
from explorer.step import Result
session = explorer.Session(sample("emoji.parquet"))
for slot in ("features", "layout", "clusters"):
    session.adopt(Result.load(sample("emoji.results") / slot))
w = explorer.Explorer(session)
"""
WAYS = {"anywidget": "w", "Panel's connection": "import panel as pn\npn.extension(inline=True)\npn.panel(w)"}
DRAWN = "canvas.map-canvas[data-frames]"
KERNEL = "window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel"
ENOUGH = 120_000  # milliseconds


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--items", type=int, default=60_000)
    given = parser.parse_args()
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}\n")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as address:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        print("| the emoji in a cell | Shift+Enter to the map, fresh kernel | saved notebook |\n|---|--:|--:|")
        for name, last in WAYS.items():
            taken = [first_map(browser, Path(folder), address, last) for _ in range(given.runs + 1)][1:]
            seconds, size = (statistics.median(one) for one in zip(*taken, strict=True))
            print(f"| {name} | {seconds:.1f} s | {size / 1e6:.2f} MB |", flush=True)
        print(f"\n| {given.items:,} × 40, kernel's memory | MB |\n|---|--:|")
        for name, seen in memory(browser, Path(folder), address, given.items):
            print(f"| {name} | {', '.join(f'{one / 1e6:.0f}' for one in seen)} |", flush=True)
        browser.close()


@contextmanager
def lab(root: Path) -> Iterator[str]:
    """A JupyterLab of its own."""
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ServerApp.ip=127.0.0.1", "--allow-root",
        "--IdentityProvider.token=secret", f"--ServerApp.root_dir={root}", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        yield next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
    finally:
        threading.Thread(target=server.stderr.read, daemon=True).start()
        server.terminate()
        server.wait(30)


def opened(browser: Any, root: Path, address: str, cells: list[str]) -> Any:
    """A page with a notebook of these cells and an idle kernel."""
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [empty | {"id": f"c{place}", "source": cell} for place, cell in enumerate(cells)]
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (root / "n.ipynb").write_text(json.dumps({"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}))
    page = browser.new_context(viewport={"width": 1500, "height": 1100}).new_page()
    page.goto(f"{address}lab/tree/n.ipynb?token=secret&reset")
    page.wait_for_function(f"window.jupyterapp && {KERNEL}?.status === 'idle'", timeout=ENOUGH)
    return page


def run(page: Any, place: int) -> None:
    """Run a cell."""
    page.locator(".jp-Notebook .jp-Cell").nth(place).locator(".cm-content").first.click()
    page.keyboard.press("Shift+Enter")


def finished(page: Any) -> None:
    """Wait until the kernel has nothing to do."""
    time.sleep(0.5)
    page.wait_for_function(f"{KERNEL}?.status === 'idle'", timeout=ENOUGH)


def first_map(browser: Any, root: Path, address: str, last: str) -> tuple[float, int]:
    """Seconds from Shift+Enter to a drawn map in a fresh kernel; bytes of the saved notebook."""
    page = opened(browser, root, address, [READY + last])
    start = time.perf_counter()
    run(page, 0)
    page.locator(DRAWN).first.wait_for(timeout=ENOUGH)
    taken = time.perf_counter() - start
    time.sleep(3)  # the still picture follows
    page.keyboard.press("Control+s")
    time.sleep(3)
    page.evaluate(f"{KERNEL}.shutdown()")
    page.context.close()
    return taken, (root / "n.ipynb").stat().st_size


def memory(browser: Any, root: Path, address: str, items: int) -> Iterator[tuple[str, list[int]]]:
    """The kernel's resident memory after each "Restart and Run All", then after each Run All in one kernel."""
    cells = [
        "import os, numpy, explorer\nfrom IPython.display import display\n"
        f"session = explorer.Session(numpy.random.default_rng(0).normal(size=({items}, 40)).astype('float32'))\n"
        "session.extract('vectors'); session.reduce('pca'); session.cluster('kmeans', n_clusters=5)",
        "w = explorer.Explorer(session); display(w)",
        "both = explorer.compose(explorer.Map(session), explorer.Map(session)); display(both)",
        "w.selection = explorer.InCluster(0); print(len(w.selection))",
    ]
    page = opened(browser, root, address, cells)
    for name, command, times in (
        ("Restart and Run All", "runmenu:restart-and-run-all", 3),
        ("Run All in one kernel", "runmenu:run-all", 4),
    ):
        seen = []
        for _ in range(times):
            page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{command}') }}")  # it ends after the dialog that it opens
            accept = page.locator(".jp-Dialog .jp-mod-accept")
            if "restart" in command:
                accept.first.click(timeout=10_000)
            page.locator(".jp-OutputArea-output pre", has_text=re.compile(r"^\d+\s*$")).first.wait_for(timeout=ENOUGH)
            time.sleep(6)
            finished(page)
            seen.append(rss(page))
        yield name, seen
    page.context.close()


def rss(page: Any) -> int:
    """Bytes of the notebook's kernel, asked beside its cells."""
    code = "import gc, os; gc.collect(); print(os.getpid())"
    said = page.evaluate(
        "async (code) => { const running = " + KERNEL + ".requestExecute({code, store_history: false}); let said = '';"
        " running.onIOPub = (message) => { if (message.header.msg_type === 'stream') said += message.content.text };"
        " await running.done; return said }", code
    )  # fmt: skip
    return psutil.Process(int(said)).memory_info().rss


if __name__ == "__main__":
    main()
