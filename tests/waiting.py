"""Waiting for what happens in another thread, process or browser; no test sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(check: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Wait until a check holds and give what it gave; says what was waited for when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for: {what}")
