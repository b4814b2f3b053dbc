"""Work off the event loop of which only the newest wish counts: what was asked before it and has not begun is forgotten."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

_LOG = logging.getLogger("explorer")
Wish = TypeVar("Wish")


class Newest(Generic[Wish]):
    """Does one thing at a time in a pool's thread."""

    def __init__(self, pool: ThreadPoolExecutor, do: Callable[[Wish], None]) -> None:
        self._pool = pool
        self._do = do
        self._lock = threading.Lock()
        self._wanted: Wish | None = None
        self._busy = False

    def ask(self, wish: Wish) -> None:
        """Have it done."""
        with self._lock:
            self._wanted = wish
            if self._busy:
                return
            self._busy = True
        self._pool.submit(self._run)

    @property
    def outdated(self) -> bool:
        """Whether something newer waits for what is being done now."""
        return self._wanted is not None

    def _run(self) -> None:
        with self._lock:
            wish, self._wanted = self._wanted, None
        try:
            if wish is not None:
                self._do(wish)
        except Exception as problem:  # the pool's last door: without it nothing would ever be done again
            _LOG.error("what was asked could not be worked out", exc_info=problem)
        with self._lock:
            self._busy = again = self._wanted is not None
        if again:
            self._pool.submit(self._run)  # behind the others: who asks without end must not keep a thread for themselves


__all__ = ["Newest"]
