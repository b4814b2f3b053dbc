"""The page: its scripts and its style, and the component that brings it into a Panel app."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import param
from bokeh.document import Document
from panel.custom import JSComponent
from panel.io.state import set_curdoc

from explorer.views.newest import running_loop
from explorer.views.pages import AREAS, Pages

_FOLDER = Path(__file__).parent / "page"
# One module in this order; the browser gets no imports, so that nothing is ever fetched from anywhere.
_SCRIPTS = (
    "wire", "dom", "store", "player", "camera", "names", "saved", "tools", "map", "crosshair", "overview", "contours", "beside",
    "steps",
    "histogram", "legend", "columns", "chips", "items",
    "categories", "importing", "compare", "past", "desk", "right",
    "marks", "neighbours", "lanes", "telling", "trust", "copy", "saving", "labelbar",
    "palette", "renaming", "focus", "help", "picture", "export", "voice", "dialogs",
    "dropping", "waiting", "weights", "address", "title", "theme", "page",
)  # fmt: skip


@cache
def script() -> str:
    """The page's module, whatever brings it into the browser."""
    return "\n".join(_read(f"{name}.js") for name in _SCRIPTS)


@cache
def style() -> str:
    """The page's style sheet."""
    return _read("page.css")


def _read(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


class Page(JSComponent):
    """The page, or areas of it, as a Panel component."""

    served = param.Boolean(False, doc="Whether the page has the window for itself, rather than a notebook's cell.")
    areas = param.List(list(AREAS), doc="What is shown of the page.")

    _esm: ClassVar[str] = script()
    _stylesheets: ClassVar[list[str]] = [style()]

    def __init__(self, pages: Pages, **params: Any) -> None:
        super().__init__(**params)
        self._pages = pages
        pages.add(self)

    def deliver(self, message: dict[str, Any]) -> None:
        """Bring a message to the page.

        A thread without an event loop says which document it is about. Else Panel asks twice what the process works on just now
        (`_unblocked` in ``panel.io.state``), and where the server's thread has left the document in between, this one passes for it
        and writes where it must not: the message was lost.
        """
        with nullcontext() if running_loop() else set_curdoc(self._document):
            self._send_msg(message)

    @property
    def _document(self) -> Document | None:
        """A document that a server keeps for it."""
        documents = (model.document for model, _ in self._models.copy().values())
        return next((document for document in documents if document is not None and document.session_context), None)

    def _handle_msg(self, data: Any) -> None:
        self._pages.heard(data, self)
