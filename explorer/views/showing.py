"""In what the page is shown: a browser of this computer, a window of our own, or as a link to open."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from explorer.errors import InputError, MissingExtra
from explorer.installation.showing import hub_advice

# Browsers of a terminal, which Python offers too: the page cannot be shown in one, and it would take the terminal.
_OF_TERMINALS = {"www-browser", "links", "elinks", "lynx", "w3m"}
_NO_BROWSER = (
    "explorer: no browser was found on this computer: open the link in one (from elsewhere through a tunnel: "
    "ssh -L PORT:127.0.0.1:PORT), or see it in a window of its own: pip install 'embedding-explorer[desktop]'"
)


@dataclass(frozen=True)
class Shown:
    """Where a page is shown; neither means that its link is printed."""

    browser: bool = False
    window: bool = False
    said: str = ""  # what to do, where it is shown nowhere though that was asked

    def show(self, link: str, later: Callable[..., Any]) -> None:
        """Open the browser, as soon as the server answers, or say what to do."""
        if self.browser:
            later(webbrowser.open, link)
        elif self.said:
            print(self.said, file=sys.stderr, flush=True)


def showing(*, open_browser: bool, window: bool) -> Shown:
    """A window where that was asked for; else the browser; where there is none a window, and where that cannot be, the link.

    Raises
    ------
    MissingExtra
        When a window was asked for and pywebview is not installed.
    InputError
        When a window was asked for and there is no screen.
    """
    if window:
        if find_spec("webview") is None:
            raise MissingExtra("a window of its own (--desktop)", "desktop")
        if not has_screen():
            raise InputError("--desktop needs a screen and there is none here: leave it out, and open the link that is printed")
        return Shown(window=True)
    if advice := hub_advice():
        return Shown(said=f"explorer: this is a JupyterHub, whose address this server does not answer to: {advice}")
    if not open_browser:
        return Shown()
    if has_browser():
        return Shown(browser=True)
    if find_spec("webview") is not None and has_screen():
        return Shown(window=True)
    return Shown(said=_NO_BROWSER)


def has_browser() -> bool:
    """Whether Python knows a browser that shows pictures."""
    try:
        name = getattr(webbrowser.get(), "name", "")
    except webbrowser.Error:
        return False
    return os.path.basename(name) not in _OF_TERMINALS


def has_screen() -> bool:
    """Whether there is something to show a window on."""
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


__all__ = ["Shown", "has_browser", "has_screen", "showing"]
