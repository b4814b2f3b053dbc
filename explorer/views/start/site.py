"""What a server with a start page holds: what is being read, what is open, what is on its way, and the list of recent files."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from threading import RLock
from typing import Any

from explorer.errors import InputError
from explorer.sources.options import is_address
from explorer.views.start.opened import Open, address_key, opened
from explorer.views.start.reading import Reading, checked_roles, checked_source
from explorer.views.start.recent import Opened, Recent
from explorer.views.start.samples import samples
from explorer.views.start.uploads import LARGEST, PIECE, Uploads

START, OPEN = "/start", "/open"
MOST_READINGS = 8  # that are remembered; the oldest that is not open goes first
_LOG = logging.getLogger("explorer")


class Site:
    """The start page's own state; one a server. Its methods may be called from any thread.

    Parameters
    ----------
    user
        Whose the labels are, or "" for who runs this.
    follow
        Called with each workspace that is opened, on the server's thread, so that what others write into it is shown.
    """

    def __init__(self, user: str = "", follow: Callable[[Any], None] = lambda workspace: None) -> None:
        self.user, self.follow = user, follow
        self.recent, self.uploads = Recent(), Uploads()
        self.open: dict[str, Open] = {}
        self.in_window = False  # whether a window of our own shows the pages
        self._readings: dict[str, Reading] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="explorer-"))
        self._lock = RLock()

    def state(self) -> dict[str, Any]:
        """What the page shows before anything is chosen."""
        self.count()
        with self._lock:
            shown = [{"name": one.dataset.name, "address": f"{OPEN}/{key}", "source": one.source} for key, one in self.open.items()]
        return {
            "recent": [_recent(one) for one in self.recent.entries()], "kept": self.recent.kept, "list": str(self.recent.path),
            "samples": [{"source": str(path), "title": one.title, "about": one.about} for one, path in samples()],
            "open": shown, "piece": PIECE, "largest": LARGEST, "dropped": str(self.uploads.folder), "home": os.path.expanduser("~"),
        }  # fmt: skip

    def read(self, source: Any, roles: Any) -> Reading:
        """Begin to read a source.

        Raises
        ------
        InputError
            When it is no path and no address, or a role is not known.
        """
        place, chosen = checked_source(source), checked_roles(roles)
        with self._lock:
            known = [one.known for one in self._readings.values() if one.source == place]
            for one in self._readings.values():
                if one.source == place and not one.job.finished:
                    one.stop()
            reading = Reading(place, chosen, self._folder / token_hex(8))
            reading.known = known[-1] if known else []
            self._readings[reading.key] = reading
            self._forget()
        return reading

    def reading(self, key: str) -> Reading:
        """One that is being read, or was.

        Raises
        ------
        InputError
            When the server does not know it, as after a restart.
        """
        found = self._readings.get(key)
        if found is None:
            raise InputError("this server does not know what was chosen there; choose the file again")
        return found

    def start(self, key: str, *, memory: bool = False) -> str:
        """Open what was read and give its address; what is open already is not opened twice.

        Raises
        ------
        InputError
            When it is not read yet, or its workspace cannot be opened.
        """
        reading = self.reading(key)
        reading.state()
        if reading.dataset is None:
            raise InputError("this is not read yet; wait for it, or choose the file again")
        with self._lock:
            name = address_key(reading.source, reading.dataset, reading.roles.get("label", "") if memory else None)
            known = self.open.get(name)
            if known is None or ("label" in reading.roles and known.roles.get("label") != reading.roles["label"]):
                made = opened(reading, name, self.user, memory=memory)
                if known is not None:
                    made.close()  # the same journal, from which those who look at it hear of the new labels
                else:
                    self.open[name] = known = made
                    self.follow(made.workspace)
            reading.said["opened"] = True
            self.note(known.source, known.dataset, known.labels, reading.roles)
        return f"{OPEN}/{name}"

    def note(self, source: str, dataset: Any, labels: int, roles: dict[str, str] | None = None) -> None:
        """Put a file first in the list of recent ones."""
        self.recent.note(Opened(source, dataset.name, dataset.subject, len(dataset), labels, roles=dict(roles or {})))

    def count(self) -> None:
        """Write down how many labels there are by now."""
        with self._lock:
            for one in self.open.values():
                self.recent.count(one.source, one.labels)

    def close(self) -> None:
        """The server ends."""
        self.count()
        self.uploads.close()
        for reading in self._readings.values():
            reading.close()
        for one in self.open.values():
            try:
                one.close()
            except InputError as problem:
                _LOG.warning("%s", problem)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _forget(self) -> None:
        idle = [key for key, one in self._readings.items() if not one.said.get("opened")]
        for key in idle[: max(0, len(idle) - MOST_READINGS)]:
            self._readings.pop(key).close()


def _recent(one: Opened) -> dict[str, Any]:
    address = is_address(one.source)
    folder = one.source.rpartition("/")[0] if address else str(Path(one.source).parent)
    return vars(one) | {"there": one.there, "folder": folder, "address": address}


__all__ = ["OPEN", "START", "Site"]
