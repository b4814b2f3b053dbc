"""What a child says to its parent while a job goes on: how far it is, and what there is so far to look at."""

from __future__ import annotations

import json
import threading
import time
from typing import IO, Any

from explorer.progress import Progress

PAUSE = 0.1  # seconds between two messages of progress


class Speaker:
    """One JSON line a message; progress at most ten times a second, and the last one soon, however long the step is silent then."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._last = 0.0
        self._held: list[Any] | None = None
        self._change = threading.Condition()
        threading.Thread(target=self._late, daemon=True).start()

    def __call__(self, message: dict[str, Any]) -> None:
        with self._change:
            self._held = None  # the job is over
            self._write(message)

    def progress(self, fraction: float, note: str) -> None:
        """How far the job is, said soon."""
        with self._change:
            if time.monotonic() - self._last > PAUSE:
                self._tell([fraction, note])
            else:
                self._held = [fraction, note]
                self._change.notify()

    def aside(self, message: dict[str, Any]) -> None:
        """Something to hear while the job goes on."""
        with self._change:
            self._write(message)

    def _late(self) -> None:
        while True:
            with self._change:
                while self._held is None:
                    self._change.wait()
            time.sleep(PAUSE)
            with self._change:
                if self._held is not None:
                    self._tell(self._held)

    def _tell(self, progress: list[Any]) -> None:
        self._last, self._held = time.monotonic(), None
        self._write({"progress": progress})

    def _write(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


class Watched(Progress):
    """Tells the parent what Stop would keep, and that a stopped step puts it away, which may take longer than `GRACE`."""

    def show(self, values: Any, *, sketch: bool = False) -> None:
        """Show what there is so far, and say whether Stop would keep it."""
        if isinstance(self._look, Live):
            self._look.kept = self.keeps or not sketch
        super().show(values, sketch=sketch)

    def stopped(self) -> bool:
        """Whether Stop was pressed; the parent hears of it where something is kept."""
        kept = super().stopped()
        if kept and isinstance(self._look, Live):
            self._look.keeping()
        return kept


class Live:
    """Puts what a step has so far into a file that the parent maps; a picture may hold places of two rounds, which nobody sees."""

    def __init__(self, place: str, say: Speaker) -> None:
        self._place, self._say, self._shown, self.kept = place, say, 0, False
        self._file: Any = None

    def __call__(self, values: Any) -> None:
        import numpy as np

        try:
            if self._file is None:
                self._file = np.lib.format.open_memmap(self._place, "w+", np.float32, values.shape)
            self._file[:] = values
        except OSError:  # a full disk: then there is no picture before the result
            return
        self._shown += 1
        self._say.aside({"shown": self._shown, "kept": self.kept})

    def keeping(self) -> None:
        """Say that a stopped step puts away what it has."""
        self._say.aside({"keeping": True})


__all__ = ["Live", "Speaker", "Watched"]
