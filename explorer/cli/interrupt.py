"""Ctrl-C is never lost: where a library swallows it (while it is imported, say), the run ends at the next step all the same."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_PRESSED = threading.Event()


def listen() -> None:
    """Note Ctrl-C besides raising KeyboardInterrupt; of the process's own command line only."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def pressed() -> bool:
    """Whether Ctrl-C was pressed."""
    return _PRESSED.is_set()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _PRESSED.set()
    raise KeyboardInterrupt
