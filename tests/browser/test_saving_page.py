"""Labels in a real browser while the server is killed, restarted, or used by somebody else at the same time."""

from __future__ import annotations

import getpass
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from conftest import Served, lasso, wait_for_frame
from waiting import until

from explorer.workspace import open_workspace


class Restarted:
    """A server of one workspace at one port, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"id": [f"i{row}" for row in range(600)], "x": rng.normal(size=600), "y": rng.normal(size=600)})
        frame.to_csv(folder / "points.csv", index=False)
        self.workspace = folder / "points.explorer"
        self.arguments = ("open", str(folder / "points.csv"), "--layout", "x,y", "--workspace", str(self.workspace))
        self.port = 0  # one that is free
        self.start()
        self.port = urlsplit(self.served.url).port or 0

    def start(self) -> None:
        self.served = Served(*self.arguments, "--port", str(self.port))

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.served.process.send_signal(number)
        if number == signal.SIGKILL:
            self.served.process.wait(60)
            self.served.close()

    def view(self) -> dict[str, Any]:
        found = open_workspace(self.workspace)
        view = found.view(getpass.getuser())
        found.close()
        return view | {"rules": view.get("rules", {})}

    def labels(self) -> dict[str, str]:
        found = open_workspace(self.workspace)
        labels = dict(found.labels)
        found.close()
        return labels


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Restarted]:
    made = Restarted(tmp_path)
    yield made
    made.served.close()


def label(page: Any, name: str, across: float = 0.5, down: float = 0.5) -> None:
    lasso(page, across, down, 0.12)
    until(lambda: page.locator(".labelbar .primary").is_enabled(), "something is selected")
    page.keyboard.press("n")
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def saved(page: Any) -> list[str]:
    return page.evaluate("window.explorerSaved || []")


def loaded_again(page: Any) -> None:
    """Wait until the page has come back by itself."""
    page.wait_for_function("window.stillTheOldPage === undefined")
    wait_for_frame(page)


def test_what_the_page_calls_saved_outlives_the_server(server: Restarted, open_page: Any) -> None:
    page = open_page(server.served.url)
    wait_for_frame(page)
    label(page, "bird/owl")
    until(lambda: saved(page), "it is saved")
    assert page.locator(".saving").inner_text() == "all saved"
    until(lambda: "selection" in server.view()["rules"], "how the page looks is kept too")
    page.evaluate("window.stillTheOldPage = true")
    server.kill()
    until(lambda: page.locator(".explorer.offline").count(), "the page says that the server is gone")
    assert page.locator(".labelbar").evaluate("el => el.inert"), "labelling is off"
    page.keyboard.press("1")
    assert len(saved(page)) == 1
    known = server.labels()
    assert set(known.values()) == {"bird/owl"}
    server.start()
    loaded_again(page)
    assert f"{len(known)} of 600 labelled" in page.locator(".labelbar").inner_text()
    assert page.locator(".labelbar .primary").inner_text().startswith(f"Label {len(known)} selected"), "what was selected is again"
    page.keyboard.press("Control+z")
    until(lambda: "0 of 600 labelled" in page.locator(".labelbar").inner_text(), "undo knows what was done before the restart")


def test_what_was_on_its_way_is_sent_again_and_stands_once(server: Restarted, open_page: Any) -> None:
    page = open_page(server.served.url)
    wait_for_frame(page)
    label(page, "first", 0.4)
    until(lambda: saved(page), "it is saved")
    server.kill(signal.SIGSTOP)  # it hears nothing any more, and dies so
    label_count = page.locator(".labelbar .primary").inner_text()
    page.keyboard.press("n")
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    until(lambda: "saving 1" in page.locator(".saving").inner_text(), "the page says that it is not saved yet")
    page.evaluate("window.stillTheOldPage = true")
    server.kill()
    until(lambda: "1 not yet saved" in page.locator(".saving").inner_text(), "nor when the server is gone")
    assert set(server.labels().values()) == {"first"}
    server.start()
    loaded_again(page)
    until(lambda: "all saved" in page.locator(".saving").inner_text() and saved(page), "it is sent again and saved")
    known = server.labels()
    assert set(known.values()) == {"second"}
    assert f"Label {len(known)} selected" in label_count
    page.reload()
    wait_for_frame(page)
    found = open_workspace(server.workspace)
    assert [entry.verb for entry in found.entries()] == ["label 'first'", "label 'second'"]
    found.close()


def test_two_people_see_each_others_labels(server: Restarted, open_page: Any) -> None:
    one, two = open_page(server.served.url), open_page(server.served.url)
    for page in (one, two):
        wait_for_frame(page)
    label(one, "x")
    until(lambda: "x" in two.locator(".labelbar .chips").inner_text(), "the other page has the category")
    other = open_workspace(server.workspace)  # as a notebook would
    other.change(lambda labels: labels.create("from elsewhere"), "create 'from elsewhere'")
    other.close()
    for page in (one, two):
        until(lambda page=page: "from elsewhere" in page.locator(".labelbar .chips").inner_text(), "another process's category")


def test_a_folder_that_cannot_be_written_is_said_on_the_page(server: Restarted, open_page: Any) -> None:
    page = open_page(server.served.url)
    wait_for_frame(page)
    label(page, "x")
    until(lambda: saved(page), "it is saved")
    moved = server.workspace.with_name("moved")
    server.workspace.rename(moved)
    server.workspace.write_text("in its place")
    page.keyboard.press("n")
    page.keyboard.type("y")
    page.keyboard.press("Enter")
    until(lambda: "cannot be written" in page.locator(".trouble").inner_text(), "the page says so")
    assert "not saved" in page.locator(".saving").inner_text()
    assert "y" not in page.locator(".labelbar .chips").inner_text().split()
    server.workspace.unlink()
    moved.rename(server.workspace)
    page.keyboard.press("n")
    page.keyboard.type("z")
    page.keyboard.press("Enter")
    until(lambda: len(saved(page)) == 2, "labelling goes on")
    until(lambda: page.locator(".trouble").is_hidden(), "all is well again")
