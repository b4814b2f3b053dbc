"""Work in batches: threads that run ahead by a little, and a note of how fast it goes and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from explorer.installation import room
from explorer.installation.amounts import duration
from explorer.step import Progress

Job = TypeVar("Job")
Made = TypeVar("Made")

MOST_WORKERS = 32  # past this the interpreter's lock, not the model, is what they wait for
AHEAD = 2  # jobs a worker may be ahead of the one who takes the results


class Pace:
    """Turns "so many done" into a fraction and a note: ``1,024 of 5,000 pictures, 96 a second, 41 s left``.

    Parameters
    ----------
    total
        How many items there are.
    what
        The items, in the plural.
    work
        The whole work in any unit, where items differ in cost (long and short texts); the fraction and the time left go by it.
    """

    def __init__(self, progress: Progress, total: int, what: str, work: float | None = None) -> None:
        self._progress = progress
        self._total, self._what = total, what
        self._work = float(work or total)
        self._items, self._done = 0, 0.0
        self._started = time.perf_counter()

    def add(self, items: int, work: float | None = None) -> None:
        """Say that so many more are done. Raises Cancelled when Stop was pressed."""
        self._items += items
        self._done += items if work is None else work
        fraction = min(self._done / self._work, 1.0)
        seconds = max(time.perf_counter() - self._started, 1e-9)
        left = seconds * (1.0 - fraction) / fraction if fraction else 0.0
        rate = self._items / seconds
        speed = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
        self._progress(fraction, f"{self._items:,} of {self._total:,} {self._what}, {speed} a second, {duration(left)} left")


def ahead(
    work: Callable[[Job], Made], jobs: Iterable[Job], workers: int, ready: Callable[[], object] | None = None
) -> Generator[Made, None, None]:
    """The results of `work` on each job, in the jobs' order, made by threads that keep at most a few jobs ahead.

    Memory stays flat: jobs are drawn only as results are taken. Close it (`contextlib.closing`) so that a stop or an error ends the
    threads at once; then the jobs under way are waited for and the others never begin.

    Parameters
    ----------
    ready
        Called once in each thread before its first job.
    """
    waiting: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="features", initializer=ready)
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def usable_cores() -> int:
    """The cores this process may use: its affinity, or the share a container gives it where that is less."""
    return min(room.usable_cores(), MOST_WORKERS)


@contextmanager
def one_thread_each() -> Iterator[Callable[[], None]]:
    """Torch computes every operation in the thread that asks for it; afterwards it is as it was. Gives `ready` for `ahead`.

    Torch's own way, many threads inside each operation that meet at a barrier, collapses as soon as one core is busy with something
    else (measured: 4 pictures a second instead of 110, see docs/decisions.md). Many batches, each in one thread, have no barrier,
    and give the same bytes whatever the number of cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield lambda: torch.set_num_threads(1)
    finally:
        torch.set_num_threads(before)
