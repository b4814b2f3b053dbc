"""Work on all cores in threads of our own, with progress and Stop: BLAS and our loops let the GIL go, numba's threads may abort."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import TypeVar

from explorer.installation.room import usable_cores
from explorer.step import Progress

ASKED = "EXPLORER_THREADS"  # an environment variable: compute on so many
_ROWS = 16_384  # in a block
_OFTEN = 0.1  # seconds between two looks at Stop

T = TypeVar("T")


def threads() -> int:
    """How many threads compute: what comes out never depends on it."""
    asked = os.environ.get(ASKED, "")
    return int(asked) if asked.isdecimal() and int(asked) else usable_cores()


def in_blocks(run: Callable[[int, int], None], n: int, rows: int = _ROWS) -> None:
    """Call ``run(low, high)`` for blocks of `n` rows that are quickly done; their order must not matter."""
    blocks = [(low, min(low + rows, n)) for low in range(0, n, rows)]
    if len(blocks) == 1 or threads() == 1:
        for low, high in blocks:
            run(low, high)
        return
    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(lambda block: run(*block), blocks))


def in_threads(work: Callable[[T], object], tasks: Sequence[T], progress: Progress, note: str = "finding neighbours") -> None:
    """Do every task, in their order as far as there are threads; each one should take well under half a second.

    Raises
    ------
    Cancelled
        Out of the progress, when Stop was pressed: tasks that have begun are finished first.
    """
    todo, lock, stop = iter(tasks), threading.Lock(), threading.Event()
    done = [0]

    def worker() -> None:
        while not stop.is_set():
            with lock:
                task = next(todo, None)
                if task is None:
                    return
                done[0] += 1
            work(task)

    progress(0.0, note)
    with ThreadPoolExecutor(max_workers=threads(), thread_name_prefix="explorer-neighbors") as pool:
        waiting = {pool.submit(worker) for _ in range(min(threads(), len(tasks)))}
        try:
            while waiting:
                finished, waiting = wait(waiting, timeout=_OFTEN)
                for one in finished:
                    one.result()
                progress(min(done[0], len(tasks) - 1) / max(1, len(tasks)), note)
        finally:
            stop.set()
    progress(1.0, note)


def stretches(length: int, most: int) -> list[tuple[int, int]]:
    """``range(length)`` as stretches of about the same length, none longer than `most`."""
    count = -(-length // most)
    return list(pairwise([length * part // count for part in range(count + 1)])) if count else []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it BLAS uses the thread that calls it: what it sums does not depend on the number of cores, and ours are busy."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-not-found,import-untyped,unused-ignore]

    with threadpool_limits(1, user_api="blas"):
        yield


__all__ = ["in_blocks", "in_threads", "one_blas_thread", "stretches", "threads"]
