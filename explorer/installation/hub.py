"""Whether models can be fetched by name: the Hugging Face hub, its settings, and the folder it fetches into."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from explorer.installation.commands import shown
from explorer.installation.finding import Finding
from explorer.installation.room import writable

AREA = "models"
LIMIT = 3.0  # seconds
TRUE = {"1", "TRUE", "YES", "ON"}  # as huggingface_hub reads its variables
WITHOUT = "what ships works without it; a model in a local folder too (model=FOLDER)"


def hub_findings(*, network: bool) -> Iterator[Finding]:
    """The hub's settings, whether it answers (asked only with `network`), and whether its folder can be written."""
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE
    if offline:
        yield Finding(AREA, "hub", "note", "HF_HUB_OFFLINE is set: nothing is fetched", "unset it to fetch models by name")
    elif not network:
        advice = "explorer doctor --network asks it once, for its front page only"
        yield Finding(AREA, "hub", "note", "not tried: nothing leaves this computer unasked", advice)
    else:
        yield _reached()
    folder, which = hub_folder()
    mark, found = writable(folder)
    advice = "" if mark == "ok" else "set HF_HOME to a folder with room, to fetch models by name"
    yield Finding(AREA, "hub folder", "ok" if mark == "ok" else "note", f"{shown(folder)} ({which}): {found}", advice)


def hub_folder() -> tuple[Path, str]:
    """Where fetched models lie, and what says so; as huggingface_hub works it out."""
    for name, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if given := os.environ.get(name):
            return Path(os.path.expandvars(given)).expanduser() / below, name
    return Path.home() / ".cache" / "huggingface" / "hub", "HF_HOME is not set"


def _reached() -> Finding:
    address = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    parts = urlsplit(address)
    name = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not name:
        return Finding(AREA, "hub", "problem", "HF_ENDPOINT is no http or https address", "unset it, or give one")
    said = _asked(address)
    through = " through the proxy that is set" if parts.scheme in urllib.request.getproxies() else ""
    if said:
        return Finding(
            AREA, "hub", "problem", f"{name} cannot be reached{through} ({said})", f"ask who runs the network; {WITHOUT}"
        )
    return Finding(AREA, "hub", "ok", f"{name} answers{through}")


def _asked(address: str) -> str:
    """Why the hub did not answer in time; empty when it did, be it with an error. In a thread: looking up its name has no limit."""
    said = [f"no answer within {LIMIT:g} s"]

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "explorer"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT):
                said[0] = ""
        except urllib.error.HTTPError:  # it is there, and has its own opinion of a HEAD
            said[0] = ""
        except (OSError, ValueError) as problem:
            said[0] = str(getattr(problem, "reason", problem))[:120]

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LIMIT)
    return said[0]


__all__ = ["hub_findings", "hub_folder"]
