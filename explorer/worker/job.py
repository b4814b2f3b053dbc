"""A step that runs somewhere else, as whoever waits for it sees it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.worker.files import remove

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Job:
    """A step that runs somewhere else. Read its fields from any thread; `stop` and `wait` as you like."""

    request: dict[str, Any]
    state: str = "waiting"  # waiting, running, done, failed or stopped
    fraction: float = 0.0
    note: str = ""
    folder: Path | None = None
    message: str = ""
    bug: bool = False
    started: float = field(default_factory=time.monotonic)
    shown: int = 0  # how often the step has shown what it has so far
    kept: bool = False  # whether something whole was shown, which Stop keeps
    _finished: threading.Event = field(default_factory=threading.Event)
    _keeps: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _live: np.ndarray | None = None

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._finished.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been going."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """Ask for the end; the child has `GRACE` seconds to leave by itself."""
        self._stop.set()

    def so_far(self) -> np.ndarray | None:
        """What the step has so far, ``(n, 2)`` float32 for a layout; None where it has shown nothing, or is over."""
        if self._live is not None or not self.shown or self.finished:
            return self._live
        import numpy as np

        try:
            return np.array(np.load(self.request["live"], mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError):  # it ended this very moment
            return None

    def wait(self, timeout: float | None = None) -> Job:
        """Wait for the end and give the job back."""
        self._finished.wait(timeout)
        return self

    def look(self, values: np.ndarray, *, kept: bool) -> None:
        """Show what a step has so far that runs in this process."""
        self._live = values.astype("float32")  # a copy
        self.shown, self.kept = self.shown + 1, kept

    def _end(self, state: str, message: str = "", *, bug: bool = False) -> None:
        self._live = None
        remove(self.request)
        self.state, self.message, self.bug = state, message, bug
        self._finished.set()


__all__ = ["Job"]
