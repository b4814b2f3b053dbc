"""Exports to download: written in a thread so that nobody's page waits, said how far they are, and stopped when asked."""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, BinaryIO

from explorer.errors import Cancelled, InputError, unknown
from explorer.exports import Content, check, download, formats, options
from explorer.session.exporting import gathered
from explorer.step import Progress, Settings
from explorer.views.downloads import send_file
from explorer.views.part import Part

OFTEN = 0.2  # seconds between two words of how far it is
MOST = 1 << 30  # bytes that a page is sent; it holds all of them in memory

_FILES = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-export")
_LOG = logging.getLogger("explorer")


class Exporting(Part):
    """Writes what the page asks for and sends it as a download; the page's value `exporting` says how far it is, or None."""

    _stop: threading.Event | None = None

    def ready(self) -> None:
        """Send what may be asked for."""
        self.view.page.set(formats=_offered(self._pictured), exporting=None)

    @property
    def _pictured(self) -> bool:
        return "image" in self.session.dataset.roles

    def on_export(self, ending: str, only: str = "all", settings: dict[str, Any] | None = None) -> None:
        """Write the items as they are now; one export at a time."""
        if self._stop is not None:
            raise InputError("an export is being written already; wait for it, or stop it")
        try:
            endings = [known["ending"] for known in formats()]
            if ending not in endings:
                raise unknown("format", ending, endings)
            chosen = options(ending, **(settings or {}))
            content = gathered(self.session, only)
            check(content, ending)
        except Exception:
            self.view.page.set(exporting=None)
            raise
        self._stop = threading.Event()
        self.view.page.set(exporting={"fraction": 0.0, "note": ""})
        _FILES.submit(copy_context().run, self._write, content, ending, chosen, self._stop)  # the page that asks gets the file

    def on_stop_export(self) -> None:
        """Stop what is being written; nothing of it is sent."""
        if self._stop is not None:
            self._stop.set()

    def close(self) -> None:
        """The visit is over, and so is what was written for it."""
        self.on_stop_export()
        super().close()

    def _write(self, content: Content, ending: str, chosen: Settings, stop: threading.Event) -> None:
        try:
            with tempfile.TemporaryFile(prefix="explorer-export-") as file:
                ending = download(content, ending, chosen, file, Progress(_Seldom(self._say), stop.is_set))
                name = f"{self.session.dataset.name.rsplit('.', 1)[0] or 'items'}-labels{ending}"
                self._send(name, file, stop)
            about = content.about | {"export": {"rows": len(content), "settings": chosen.settings()}}
            self.view._download(f"{name}.settings.json", json.dumps(about, indent=1).encode())
        except Cancelled:
            self.view._toast("stopped; nothing was written")
        except InputError as problem:
            self.view._toast(str(problem), "error")
        except MemoryError:
            self.view._toast("there is not enough memory for this export; export fewer items, or use explorer export", "error")
        except OSError as problem:
            self.view._toast(f"the export could not be written ({problem.strerror}); free some disk where it runs", "error")
        except Exception as problem:  # the pool's last door: without it a failure would leave the page waiting without a word
            _LOG.error("an export could not be made", exc_info=problem)
            self.view._toast("the export could not be made", "error")
        finally:
            self._stop = None  # first: who hears of the end may begin the next one at once
            self.view.page.set(exporting=None)

    def _say(self, fraction: float, note: str) -> None:
        self.view.page.set(exporting={"fraction": fraction, "note": note})

    def _send(self, name: str, file: BinaryIO, stop: threading.Event) -> None:
        size = file.seek(0, 2)
        if size > MOST:
            said = f"{size / (1 << 30):.1f} GB is too much for a download"
            raise InputError(f"{said}; run explorer export WORKSPACE -o {name}, or leave pictures or features out")

        def look() -> None:
            if stop.is_set():
                raise Cancelled

        send_file(self.view.page, name, file, look)


def _offered(pictured: bool) -> list[dict[str, Any]]:
    """The formats that fit the items; a download has its files in it, so that links are no choice."""
    fitting = [known for known in formats() if pictured or known["needs"] != "pictures"]
    return [known | {"settings": [one for one in known["settings"] if one["name"] != "files"]} for known in fitting]


class _Seldom:
    """Passes on how far it is a few times a second, however often it is told."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self._next = 0.0

    def __call__(self, fraction: float, note: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + OFTEN
            self._say(fraction, note)


__all__ = ["Exporting"]
