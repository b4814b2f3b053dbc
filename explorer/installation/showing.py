"""What can show the page: a browser, or a window of its own; and what stands between, such as SSH, WSL or a container."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from explorer.installation.commands import pip_line
from explorer.installation.finding import Finding
from explorer.installation.packages import OURS, installed

PORT = 5006  # of the example; any free one does


def browser_findings() -> Iterator[Finding]:
    """What would open, and where the page is to be opened instead."""
    try:
        name = getattr(webbrowser.get(), "name", "") or "the system's own"
    except webbrowser.Error:
        advice = "explorer prints the address: open it in a browser that reaches this computer (with --no-browser it does not try)"
        yield Finding("browser", "browser", "note", "none can be opened from here", advice)
    else:
        yield Finding("browser", "browser", "ok", f"{name} opens")
    yield from _between()


def window_findings() -> Iterator[Finding]:
    """Whether a native window can be had: pywebview, and on Linux a screen."""
    found = installed("pywebview")
    if not found:
        advice = "if you want it: " + pip_line(f"{OURS}[desktop]")
        yield Finding("desktop", "window", "note", "pywebview is not installed, so the page opens in the browser", advice)
    elif not _screen():
        yield Finding("desktop", "window", "note", f"pywebview {found}, but no screen (DISPLAY is not set)", "use the browser")
    else:
        yield Finding("desktop", "window", "ok", f"pywebview {found}")


def hub_advice() -> str:
    """How to see pages on a JupyterHub, where a browser reaches this computer by the Hub's address only; empty elsewhere."""
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if not prefix:
        return ""
    return (
        "show it in a notebook's cell, explorer.Explorer(SOURCE), which needs no port; or panel serve apps/dashboard.py "
        f"--port {PORT} --allow-websocket-origin THE-HUBS-NAME, opened at {prefix.rstrip('/')}/proxy/{PORT}/dashboard "
        "(needs jupyter-server-proxy)"
    )


def places() -> list[str]:
    """What this shell runs in, of ``ssh``, ``wsl`` and ``container``."""
    tests = {
        "ssh": bool(os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY")),
        "wsl": "microsoft" in _text("/proc/sys/kernel/osrelease").lower(),
        "container": Path("/.dockerenv").exists() or Path("/run/.containerenv").exists() or "container" in os.environ
        or "KUBERNETES_SERVICE_HOST" in os.environ,
    }  # fmt: skip
    return [name for name, here in tests.items() if here]


def _between() -> Iterator[Finding]:
    here = places()
    if advice := hub_advice():
        yield Finding("browser", "jupyterhub", "note", "this is a JupyterHub: a page served here is not on your screen", advice)
    if "ssh" in here:
        advice = f"start with --port {PORT} --no-browser; on your own computer: ssh -L {PORT}:127.0.0.1:{PORT} THIS-COMPUTER"
        yield Finding("browser", "ssh", "note", "you are here through SSH, so a browser opened here is not on your screen", advice)
    if "wsl" in here:
        found = "this is WSL: a page that is served here opens in Windows' browser under 127.0.0.1"
        yield Finding("browser", "wsl", "note", found, "" if _opens() else "open the printed address there")
    if "container" in here:
        advice = f"publish a port (docker run -p 127.0.0.1:{PORT}:{PORT}) and start with --host 0.0.0.0 --port {PORT} --no-browser"
        yield Finding(
            "browser", "container", "note", "this is a container, which a browser outside reaches by a published port", advice
        )


def _opens() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _screen() -> bool:
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


__all__ = ["browser_findings", "hub_advice", "places", "window_findings"]
