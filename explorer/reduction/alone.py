"""One layout by a library's numba threads at a time: two at once abort the process (umap#665)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.progress import Progress

_LOCK = threading.Lock()


@contextmanager
def alone(progress: Progress) -> Iterator[None]:
    """Wait for other layouts, and keep numba to this thread, so that the order in which it adds is fixed (as umap-learn does)."""
    import numba

    while not _LOCK.acquire(timeout=0.2):
        progress(0.0, "waiting for another layout")
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
        _LOCK.release()
