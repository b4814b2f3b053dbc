"""How far reading is, on standard error, where it takes longer than a moment."""

from __future__ import annotations

import sys
import time
from types import TracebackType

QUIET, EVERY = 2.0, 0.5  # seconds before the first word, and between two


class Patience:
    """Called with a fraction and a note; writes them over each other on one line, which is gone at the end."""

    def __init__(self) -> None:
        self._next = time.monotonic() + QUIET
        self._wide = 0

    def __enter__(self) -> Patience:
        return self

    def __call__(self, fraction: float, note: str = "") -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        said = note or f"{fraction:.0%}"
        self._write(said)

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._wide:
            self._write("")
            sys.stderr.write("\r")

    def _write(self, said: str) -> None:
        sys.stderr.write("\r" + said.ljust(self._wide))
        sys.stderr.flush()
        self._wide = max(self._wide, len(said))


__all__ = ["Patience"]
