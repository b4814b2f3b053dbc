"""Work off the event loop of which only the newest wish counts: what was asked before it and has not begun is forgotten."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

from explorer.errors import Cancelled

_LOG = logging.getLogger("explorer")
Wish = TypeVar("Wish")


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that this very thread runs, as a server's own does and a pool's does not."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Newest(Generic[Wish]):
    """Does one thing at a time in a pool's thread; what takes long asks `outdated` now and then, and ends where it is."""

    def __init__(self, pool: ThreadPoolExecutor, do: Callable[[Wish], None]) -> None:
        self._pool = pool
        self._do = do
        self._lock = threading.RLock()
        self._wanted: Wish | None = None
        self._queued = False  # whether a thread is at it or will be
        self._stopped = False  # whether what is being done is no longer wanted

    def ask(self, wish: Wish) -> None:
        """Have it done."""
        with self._lock:
            self._wanted = wish
            if self._queued:
                return
            self._queued = True
        self._pool.submit(self._run)

    def stop(self) -> bool:
        """Forget what was asked; says whether there was something that is not done yet."""
        with self._lock:
            ran = self._wanted is not None or (self._queued and not self._stopped)
            self._wanted, self._stopped = None, True
        return ran

    @property
    def busy(self) -> bool:
        """Whether something is being done, or will be."""
        return self._queued

    @property
    def outdated(self) -> bool:
        """Whether what is being done is not wanted any more: something newer waits, or it was stopped."""
        return self._wanted is not None or self._stopped

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """A moment in which what is being done stays wanted, so that nothing of it is told after its end was.

        Raises
        ------
        Cancelled
            Where it was stopped, or something newer waits.
        """
        with self._lock:
            if self.outdated:
                raise Cancelled
            yield

    def _run(self) -> None:
        with self._lock:
            wish, self._wanted, self._stopped = self._wanted, None, False
        try:
            if wish is not None:
                self._do(wish)
        except Cancelled:  # it saw that it was outdated
            pass
        except Exception as problem:  # the pool's last door: without it nothing would ever be done again
            if not self._stopped:  # else what it worked on may have been closed meanwhile
                _LOG.error("what was asked could not be worked out", exc_info=problem)
        with self._lock:
            self._queued = again = self._wanted is not None
        if again:
            self._pool.submit(self._run)  # behind the others: who asks without end must not keep a thread for themselves


__all__ = ["Newest", "running_loop"]
