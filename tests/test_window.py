"""The native window with a stand-in for pywebview, which needs a screen: what is asked of it, and what becomes of the server."""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from explorer.errors import InputError, MissingExtra
from explorer.views import window
from explorer.views.start.site import START


class Hook(list[Callable[..., Any]]):
    """One of pywebview's events, to which ``+=`` adds."""

    def __iadd__(self, heard: Any) -> Hook:  # type: ignore[override, misc]
        self.append(heard)
        return self


class Shown:
    """A window that keeps what is done with it."""

    def __init__(self, title: str, link: str, **options: Any) -> None:
        self.title, self.link = title, link
        self.events = SimpleNamespace(loaded=Hook())
        self.dom = SimpleNamespace(document=SimpleNamespace(events=SimpleNamespace(drop=Hook(), dragover=Hook())))
        self.exposed: list[Any] = []
        self.scripts: list[str] = []
        self.loaded: list[str] = []

    def expose(self, *functions: Any) -> None:
        self.exposed += functions

    def evaluate_js(self, script: str) -> None:
        self.scripts.append(script)

    def set_title(self, title: str) -> None:
        self.title = title

    def load_url(self, link: str) -> None:
        self.loaded.append(link)


class WebView(types.ModuleType):
    """The module: `during` is what a person does until the window is closed."""

    WebViewException = type("WebViewException", (Exception,), {})

    def __init__(self) -> None:
        super().__init__("webview")
        self.windows: list[Shown] = []
        self.during: Callable[[Shown], None] = lambda shown: None

    def create_window(self, title: str, link: str, **options: Any) -> Shown:
        self.windows.append(Shown(title, link, **options))
        return self.windows[-1]

    def start(self) -> None:
        shown = self.windows[-1]
        for heard in shown.events.loaded:
            heard()
        self.during(shown)


@pytest.fixture
def webview(monkeypatch: pytest.MonkeyPatch) -> WebView:
    made, dom = WebView(), types.ModuleType("webview.dom")
    dom.DOMEventHandler = lambda call, **options: call  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "webview", made)
    monkeypatch.setitem(sys.modules, "webview.dom", dom)
    return made


class Site:
    """A start page that keeps what it is asked to read."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, path: str, options: Any) -> Any:
        self.asked.append(path)
        return SimpleNamespace(key="k7")


def serve(ready: Callable[[Any, str], None]) -> None:
    """A server that serves nothing, until its loop is stopped."""
    loop = IOLoop.current()
    ready(SimpleNamespace(io_loop=loop), f"http://127.0.0.1:5006{START}")
    loop.start()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "explorer-server"]


def test_closing_the_window_ends_the_server(webview: WebView) -> None:
    alive: list[str] = []
    webview.during = lambda shown: alive.extend(threads())
    window.in_window(serve, None)
    assert alive == ["explorer-server"], "it serves while the window is there"
    assert threads() == []
    (shown,) = webview.windows
    assert shown.link.startswith("http://127.0.0.1:5006")
    assert not shown.dom.document.events.drop, "without a start page nothing is taken"


def test_a_server_that_cannot_start_shows_no_window(webview: WebView) -> None:
    def fails(ready: Any) -> None:
        raise InputError("cannot listen on 127.0.0.1:5006")

    with pytest.raises(InputError, match="cannot listen"):
        window.in_window(fails, None)
    assert webview.windows == []
    assert threads() == []


def test_a_window_that_cannot_be_shown_is_said_and_leaves_no_server(webview: WebView) -> None:
    def none(shown: Shown) -> None:
        raise webview.WebViewException("no toolkit")

    webview.during = none
    with pytest.raises(InputError, match=r"no toolkit.*leave --desktop out"):
        window.in_window(serve, None)
    assert threads() == []


def test_without_pywebview_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webview", None)
    with pytest.raises(MissingExtra, match="desktop"):
        window.in_window(serve, None)


def test_the_frame_has_the_pages_title_on_one_line(webview: WebView) -> None:
    titles: list[str] = []

    def told(shown: Shown) -> None:
        for title in ("photos\n · explorer", "", "x" * 999):
            shown.exposed[0](title)
            titles.append(shown.title)

    webview.during = told
    window.in_window(serve, None)
    assert titles == ["photos · explorer", "explorer", "x" * 200]
    assert any("document.title" in script for script in webview.windows[0].scripts)


def test_one_dropped_file_is_opened_where_it_lies(webview: WebView) -> None:
    site = Site()

    def dropped(shown: Shown) -> None:
        (drop,) = shown.dom.document.events.drop
        here, there = ({"pywebviewFullPath": path} for path in ("/data/a.csv", "/data/b.csv"))
        for files in ([here, there], [{"name": "a.csv"}], [], [here]):
            drop({"dataTransfer": {"files": files}})

    webview.during = dropped
    window.in_window(serve, site)  # type: ignore[arg-type]
    assert site.asked == ["/data/a.csv"], "several, and what has no path, the page copies as in a browser"
    assert webview.windows[0].loaded == [f"http://127.0.0.1:5006{START}#reading=k7"]
