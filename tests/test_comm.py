"""What passes between a kernel and a notebook's page, without a notebook: for VS Code and Colab, which cannot be run here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

CELL = """
import numpy as np, explorer
points = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
session = explorer.Session(points)
session.extract("vectors"); session.reduce("pca"); session.cluster("kmeans", n_clusters=3)
w = explorer.Map(session)
heard = []
w.observe(lambda change: heard.append(len(change["new"])), "selection")
w
"""
VIEW = {"viewport": [-3.0, 3.0, -3.0, 3.0], "width": 400, "height": 300, "sequence": 1, "ratio": 1}
PATIENCE = 60  # seconds; nothing here takes more than a few


class FrontEnd:
    """The other end of the wire, as every front end that knows ipywidgets is."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.seen: list[dict[str, Any]] = []

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; gives what came of it, errors being failures."""
        asked = self.client.execute(code)
        return self.until(lambda message: _idle(message) and message["parent_header"].get("msg_id") == asked)

    def until(self, check: Any) -> list[dict[str, Any]]:
        """All messages up to one that is looked for."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            assert message["msg_type"] != "error", message["content"]["traceback"]
            found.append(message)
            self.seen.append(message)
            if check(message):
                return found
        raise AssertionError([message["msg_type"] for message in found])

    def say(self, comm: str, **content: Any) -> None:
        """A widget's custom message, as the page sends it."""
        body = {"comm_id": comm, "data": {"method": "custom", "content": content | {"of": "a-page"}}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", body))

    def answer(self, key: str) -> dict[str, Any]:
        """The next of our messages that has something to say of `key`."""
        return self.until(lambda message: key in _custom(message) or key in _custom(message).get("set", {}))[-1]


def _idle(message: dict[str, Any]) -> bool:
    return bool(message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")


def _custom(message: dict[str, Any]) -> dict[str, Any]:
    data = message["content"].get("data") or {}
    content = data.get("content") if message["msg_type"] == "comm_msg" and data.get("method") == "custom" else None
    return content if isinstance(content, dict) else {}


@pytest.fixture(scope="module")
def front() -> Iterator[FrontEnd]:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield FrontEnd(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def opened(front: FrontEnd) -> dict[str, Any]:
    """The messages of the cell that shows a map, by kind."""
    messages = front.run(CELL)
    ours = [message for message in messages if message["msg_type"] == "comm_open" and "_esm" in _state(message)]
    assert len(ours) == 1
    shown = [message for message in messages if message["msg_type"] == "display_data"]
    return {"open": ours[0], "shown": shown, "comm": ours[0]["content"]["comm_id"]}


def _state(message: dict[str, Any]) -> dict[str, Any]:
    state = message["content"].get("data", {}).get("state", {})
    return state if isinstance(state, dict) else {}


def test_the_widget_is_one_that_every_front_end_knows(opened: dict[str, Any]) -> None:
    content, state = opened["open"]["content"], _state(opened["open"])
    assert content["target_name"] == "jupyter.widget"
    assert opened["open"]["metadata"]["version"].startswith("2.")  # of the widgets' protocol
    assert (state["_model_module"], state["_model_name"], state["_view_name"]) == ("anywidget", "AnyModel", "AnyView")
    assert state["_model_module_version"].startswith("~0.")
    assert "export default" in state["_esm"]
    assert ".explorer" in state["sheet"]
    assert "style" not in state  # DOMWidgetView takes it for a model
    for asks in ("import ", "https://", "http://"):
        assert not [line for line in state["_esm"].splitlines() if line.strip().startswith(asks)]


def test_a_picture_comes_first_and_the_live_page_after_it(opened: dict[str, Any]) -> None:
    still, live = opened["shown"]
    assert "data:image/png;base64," in still["content"]["data"]["text/html"]
    assert "300 vectors" in still["content"]["data"]["text/plain"]
    assert still["content"]["transient"]["display_id"].startswith("explorer-")
    view = live["content"]["data"]["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == opened["comm"]


def test_a_page_that_says_ready_is_told_everything(front: FrontEnd, opened: dict[str, Any]) -> None:
    front.say(opened["comm"], verb="ready")
    told: set[str] = set()
    for message in front.until(lambda message: "items_of" in _custom(message).get("set", {})):
        told |= set(_custom(message).get("set", {}))
    assert {"data", "steps", "labels", "selection", "color", "map"} <= told


def test_a_view_is_answered_with_a_picture_beside_the_json(front: FrontEnd, opened: dict[str, Any]) -> None:
    front.say(opened["comm"], verb="view", **VIEW)
    message = front.answer("frame")
    frame = _custom(message)["frame"]
    place = _first_place(frame)
    assert bytes(message["buffers"][place])[:4] == b"RIFF"
    assert bytes(message["buffers"][place])[8:12] == b"WEBP"


def _first_place(value: Any) -> int:
    """Where in the buffers a message's first bytes are."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and isinstance(value.get("$"), int):
        return int(value["$"])
    return next((place for part in parts if (place := _first_place(part)) >= 0), -1)


def test_a_brush_reaches_python_and_the_picture_in_the_notebook(front: FrontEnd, opened: dict[str, Any]) -> None:
    box = {"rule": "box", "x0": -1.0, "x1": 1.0, "y0": -1.0, "y1": 1.0}
    front.say(opened["comm"], verb="select", rule=box, mode="replace")
    count = _custom(front.answer("selection"))["set"]["selection"]["count"]
    assert 0 < count < 300
    named = opened["shown"][0]["content"]["transient"]["display_id"]
    updated = front.until(lambda message: message["msg_type"] == "update_display_data")[-1]
    assert updated["content"]["transient"]["display_id"] == named
    assert f"{count} selected" in updated["content"]["data"]["text/plain"]
    assert _printed(front.run("print(len(w.selection), heard)")) == f"{count} [{count}]"


def test_python_reaches_the_page(front: FrontEnd, opened: dict[str, Any]) -> None:
    messages = front.run("w.selection = [3, 4]; w.camera = (-1, 1, -1, 1)")
    sets: dict[str, Any] = {}
    for message in messages:
        sets |= _custom(message).get("set", {})
    assert sets["selection"]["count"] == 2
    assert sets["camera"] == [-1, 1, -1, 1]


def test_nonsense_from_the_page_changes_nothing(front: FrontEnd, opened: dict[str, Any]) -> None:
    number = {"comm_id": opened["comm"], "data": {"method": "custom", "content": 7}}
    front.client.shell_channel.send(front.client.session.msg("comm_msg", number))
    front.say(opened["comm"], verb=["select"])
    front.say(opened["comm"], verb="select", rule={"rule": "spell"}, mode="replace")
    assert _custom(front.answer("toast"))["toast"]["tone"] == "error"
    assert _printed(front.run("print(len(w.selection))")) == "2"


def test_a_closed_widget_closes_its_comm(front: FrontEnd, opened: dict[str, Any]) -> None:
    messages = front.run("w.widget.close()")
    closed = [message["content"]["comm_id"] for message in messages if message["msg_type"] == "comm_close"]
    assert opened["comm"] in closed
    assert _printed(front.run("w.selection = [1]; print(len(w.selection))")) == "1"


def _printed(messages: list[dict[str, Any]]) -> str:
    said = [message["content"]["text"] for message in messages if message["msg_type"] == "stream"]
    return "".join(said).strip()
