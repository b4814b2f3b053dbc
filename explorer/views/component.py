"""The page as one Panel component: its scripts, its style, and messages in both directions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

_FOLDER = Path(__file__).parent / "page"
# One module in this order; the browser gets no imports, so that nothing is ever fetched from anywhere.
_SCRIPTS = (
    "dom", "store", "player", "camera", "names", "saved", "tools", "map", "overview", "contours", "steps",
    "histogram", "legend", "columns", "chips", "items",
    "categories", "importing", "compare", "past", "desk", "right",
    "marks", "neighbours", "lanes", "telling", "copy", "saving", "labelbar",
    "palette", "renaming", "focus", "help", "picture", "export", "dialogs", "weights", "page",
)  # fmt: skip


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


class Page(JSComponent):
    """Sends values to the page and hears its verbs."""

    served = param.Boolean(False, doc="Whether the page has the window for itself, rather than a notebook's cell.")

    _esm: ClassVar[str] = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    _stylesheets: ClassVar[list[str]] = [_read("page.css")]

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message
        self._sending = threading.RLock()

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("verb"), str):
            self._on_message(data)

    def send(self, **message: Any) -> None:
        """Send a message; safe from any thread.

        In a notebook Panel takes what is to be sent out of a list that it replaces: a message that another thread added in between
        would be lost, and a message's parts would mix with another's.
        """
        with self._sending:
            self._send_msg(message)

    def set(self, **values: Any) -> None:
        """Set values that the page shows."""
        self.send(set=values)
