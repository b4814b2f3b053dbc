"""The page in a window of its own, through pywebview: the window on the main thread, the server on another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import InputError, MissingExtra
from explorer.views.start.site import START, Site
from explorer.views.window_downloads import SCRIPT, SavedFile

WIDTH, HEIGHT = 1360, 860
SMALLEST = (900, 600)
PATIENCE = 15.0  # seconds that the server has for its end
_TITLE = "explorer"
_FOLLOW_TITLE = """
(() => {
  const tell = () => window.pywebview.api.titled(document.title)
  new MutationObserver(tell).observe(document.head, {subtree: true, childList: true, characterData: true})
  tell()
})()
"""


@dataclass
class _Server:
    """The server on its thread: what it said when it was ready, or why it never was."""

    link: str = ""
    server: Any = None
    problem: BaseException | None = None
    told: threading.Event = field(default_factory=threading.Event)

    def ready(self, server: Any, link: str) -> None:
        self.server, self.link = server, link
        server.io_loop.add_callback(self.told.set)  # it answers from now on

    def run(self, serve: Callable[[Callable[[Any, str], None]], None]) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            serve(self.ready)
        except BaseException as problem:  # said by the main thread
            self.problem = problem
        finally:
            self.told.set()
            loop.close()

    def stop(self) -> None:
        if self.server is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self.server.io_loop.add_callback(self.server.io_loop.stop)


def in_window(serve: Callable[[Callable[[Any, str], None]], None], site: Site | None) -> None:
    """Serve on another thread and show the page in a window until it is closed; the server ends with it.

    Parameters
    ----------
    serve
        Serves until its end; it is given what to call with the server and its link when it answers.
    site
        Takes a file that is dropped onto the window, by its path.

    Raises
    ------
    MissingExtra
        When pywebview is not installed.
    InputError
        When no window can be shown, or the server cannot start.
    """
    try:
        import webview  # type: ignore[import-not-found,unused-ignore]
    except ImportError as problem:
        raise MissingExtra("a window of its own", "desktop") from problem
    running = _Server()
    thread = threading.Thread(target=running.run, args=(serve,), name="explorer-server")
    thread.start()
    try:
        running.told.wait()
        if running.problem is None:
            _show(webview, running, site)
    finally:
        running.stop()
        thread.join(PATIENCE)
    if running.problem is not None:
        raise running.problem


def _show(webview: Any, running: _Server, site: Site | None) -> None:
    if not os.environ.get("EXPLORER_DEBUG"):
        logging.getLogger("pywebview").setLevel(logging.CRITICAL)  # it tells of each toolkit that is not installed
    window = webview.create_window(_TITLE, running.link, width=WIDTH, height=HEIGHT, min_size=SMALLEST, text_select=True)
    window.expose(_Titles(window).titled, SavedFile(webview, window).save_piece)
    window.events.loaded += lambda: _loaded(webview, window, running, site)
    try:
        webview.start()
    except (webview.WebViewException, ImportError) as problem:
        raise InputError(
            f"no window can be shown ({problem}): install what pywebview draws with, pip install 'pywebview[qt]', "
            "or leave --desktop out and use the browser"
        ) from problem


class _Titles:
    """The one thing that the page may ask of this program: to say in the window's frame what the page is called."""

    def __init__(self, window: Any) -> None:
        self._window = window

    def titled(self, title: object) -> None:
        """Take over the page's title."""
        self._window.set_title(" ".join(str(title).split())[:200] or _TITLE)


def _loaded(webview: Any, window: Any, running: _Server, site: Site | None) -> None:
    """Follow the page's title, and take files by their path."""
    from webview.dom import DOMEventHandler  # type: ignore[import-not-found,unused-ignore]

    window.evaluate_js(_FOLLOW_TITLE)
    window.evaluate_js(SCRIPT)
    if site is not None:
        events = window.dom.document.events
        events.drop += DOMEventHandler(lambda event: _dropped(event, window, running, site), prevent_default=True)
        events.dragover += DOMEventHandler(lambda event: None, prevent_default=True)


def _dropped(event: dict[str, Any], window: Any, running: _Server, site: Site) -> None:
    """One file or folder is opened where it lies; several are copied by the page, as in a browser."""
    files = event.get("dataTransfer", {}).get("files") or []
    paths = [path for one in files if (path := one.get("pywebviewFullPath"))]
    if len(paths) != 1 or len(files) != 1:
        return
    reading = site.read(paths[0], {})
    window.load_url(f"{running.link.partition('/start')[0].rstrip('/')}{START}#reading={reading.key}")


__all__ = ["in_window"]
