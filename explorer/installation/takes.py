"""What a computation will take, before it is begun: time and memory by a formula for each method, scaled to this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from explorer.installation.amounts import about, size
from explorer.installation.room import memory, memory_left

# Seconds of `speed`'s two loops on the machine on which the methods' constants were measured by benchmarks/step_costs.py.
DENSE, SPARSE = 0.0130, 0.0082  # on one core
_SIDE = 768  # of the matrices that are multiplied
_CELLS = 4_000_000  # numbers that are read in no order, more than a processor keeps at hand
_READS = 300_000
_TIMES = 4  # the quickest of so many counts: whatever else the machine does only makes it slower
_WITHIN = 0.1, 30.0  # factors beyond these are a clock's fault


@dataclass(frozen=True, kw_only=True)
class Takes:
    """What a computation takes.

    Attributes
    ----------
    memory
        Bytes that are held at once while it is computed, the vectors themselves not counted.
    dense, sparse
        Seconds on the machine of the constants: in matrix products, and in all that waits for memory instead.
    known
        Whether anything is known of the time.
    """

    memory: float
    dense: float = 0.0
    sparse: float = 0.0
    known: bool = True

    @property
    def seconds(self) -> float | None:
        """Until it is there, on this machine, which is looked at only now; None where nothing is known of it."""
        if not self.known:
            return None
        products, reads = speed()
        return self.dense * products + self.sparse * reads

    def __str__(self) -> str:
        needed = f"{size(int(self.memory))} of memory"
        return needed if self.seconds is None else f"{about(self.seconds)} · {needed}"

    def then(self, later: Takes) -> Takes:
        """Both, one after the other: times add up, and the larger memory is what is needed."""
        return Takes(
            memory=max(self.memory, later.memory), dense=self.dense + later.dense, sparse=self.sparse + later.sparse,
            known=self.known and later.known,
        )  # fmt: skip

    def beside(self, held: int) -> Takes:
        """The same while so many bytes more are held."""
        return replace(self, memory=self.memory + held)


@cache
def speed() -> tuple[float, float]:
    """How many times as long as on the machine of the constants this one takes for matrix products, and for scattered reads.

    Looked at once in a process, for about 50 ms. On one thread, as the steps have BLAS: those that compute on more divide by them.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-not-found,import-untyped,unused-ignore]

    random = np.random.default_rng(0)
    square = random.random((_SIDE, _SIDE), np.float32)
    cells = np.ones(_CELLS)  # not zeros: a system keeps those that nobody wrote in one page, and reading them is no memory's work
    places = random.integers(0, _CELLS, _READS)
    low, high = _WITHIN
    with threadpool_limits(1, user_api="blas"):
        products = _quickest(lambda: square @ square)
    found = (products / DENSE, _quickest(lambda: cells[places]) / SPARSE)
    return min(max(found[0], low), high), min(max(found[1], low), high)


def _quickest(work: Callable[[], object]) -> float:
    """Seconds that the quickest of a few runs took."""
    times = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def room(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes of memory there are for a new computation, with what a container's limit leaves; 0 where this is not known."""
    _, free = memory()
    left = memory_left(root, own)
    if left is None:
        return free
    return max(1, min(free, left) if free else left)  # 0 would say that nothing is known


__all__ = ["DENSE", "SPARSE", "Takes", "room", "speed"]
