"""Lets a layout settle: UMAP's pulls and pushes, block by block on all cores, with the same bytes whatever the number of cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explorer.neighbors.threads import in_blocks, threads
from explorer.progress import Progress
from explorer.reduction.umap.density import Density

NEGATIVES = 5  # strangers an item is pushed from whenever it is pulled, as in umap-learn
_BLOCK = 1_250  # points in a block at least: smaller ones would spend their time waiting for each other
_BLOCKS = 64  # and at most so many blocks
_BITS = 12  # of a coordinate, in the order of points


@dataclass(frozen=True)
class Settling:
    """How a layout settles: the curve's a and b, how many epochs, the first learning rate, the seed and densMAP's wishes."""

    a: float
    b: float
    epochs: int
    seed: int = 0
    rate: float = 1.0
    density: Density | None = None


def settled(
    graph: Any, start: np.ndarray, how: Settling, progress: Progress, movable: int | None = None, *, sketch: bool = False
) -> tuple[np.ndarray, str]:  # fmt: skip
    """Places ``(n, 2)`` or ``(n, 3)`` float32 after all epochs or those until Stop, and how far it came then (else "").

    The objective and the sampling are those of McInnes, Healy & Melville (2018). Within a block each pull moves both ends at
    once, as umap-learn does; between blocks each end follows where the other was before the epoch; pushes come from where all
    were then. So blocks do not wait for each other, and nothing depends on the number of threads.

    Parameters
    ----------
    graph
        ``(n, n)`` CSR of fuzzy weights.
    start
        ``(n, 2)`` or ``(n, 3)`` where the items are; what is shown meanwhile are the first two columns.
    movable
        The first so many move and the others stay; None is all. Density is a wish of all of them together.
    sketch
        Whether what is shown is none to keep.
    """
    field = _Field(graph, start, how, len(start) if movable is None else movable)
    with ThreadPoolExecutor(threads()) as pool:
        for epoch in range(1, how.epochs):
            field.step(epoch, pool)
            if progress.due:
                progress.show(field.layout()[:, :2], sketch=sketch)
            if progress.stopped():
                return field.layout(), f"round {epoch} of {how.epochs}"
            progress.tell(epoch / how.epochs, f"settling: round {epoch} of {how.epochs}")
    return field.layout(), ""


class _Field:
    """The points in an order in which neighbours are mostly near in memory, cut into blocks, and their edges."""

    def __init__(self, graph: Any, start: np.ndarray, how: Settling, movable: int) -> None:
        self.how, self.n, self.movable, self.wide = how, len(start), movable, start.shape[1]
        self.order = np.concatenate([_along_the_curve(start[:movable, :2]), np.arange(movable, self.n)])
        self.places = np.ascontiguousarray(start[self.order], np.float32).ravel()
        self.before = self.places.copy()
        self._edges(graph.tocoo())
        self._strangers()
        self.wanted = None if how.density is None else replace(how.density, radii=how.density.radii[self.order])
        self.sums = np.zeros((self.n if how.density else 1, 2), np.float32)

    def _edges(self, edges: Any) -> None:
        import scipy.sparse as sparse

        rank = np.empty(self.n, np.int32)
        rank[self.order] = np.arange(self.n, dtype=np.int32)
        share = edges.data / edges.data.max(initial=np.float32(1e-30))
        kept = (share >= 1 / self.how.epochs) & (rank[edges.row] < self.movable)
        share = share[kept].astype(np.float64)
        self.weight = float(share.sum())
        rows = sparse.csr_matrix((share, (rank[edges.row[kept]], rank[edges.col[kept]])), shape=(self.n, self.n))
        rows.sort_indices()  # by head, then by tail, in a sixth of the time that sorting all edges at once takes
        self.starts, self.tails = rows.indptr.astype(np.int64), rows.indices.astype(np.int32, copy=False)
        self.heads = np.repeat(np.arange(self.n, dtype=np.int32), np.diff(self.starts))
        self.often = np.minimum(rows.data * 2**32, 2**32 - 1).astype(np.uint32)
        self._cut(np.bincount(self.heads, rows.data, self.movable))

    def _cut(self, work: np.ndarray) -> None:
        """Blocks of about as much work each; how many there are depends on the points, not on the machine."""
        from explorer.reduction.umap.kernels import CHUNK

        count = int(np.clip(self.movable // _BLOCK, 1, _BLOCKS))
        done = np.cumsum(work + 0.1)
        cuts = np.searchsorted(done, np.linspace(0, done[-1], count + 1)[1:-1])
        self.bounds = [0, *(int(cut) for cut in cuts), self.movable]
        ends = np.minimum(np.arange(self.movable) + CHUNK, self.movable)
        most = int((self.starts[ends] - self.starts[: self.movable]).max(initial=0)) + 1
        self.rooms = [(np.zeros(most, np.int64), np.zeros(CHUNK, np.int64)) for _ in range(count)]

    def _strangers(self) -> None:
        """Points in random order, in groups of `LANES`: where there are held ones, those alone push."""
        from explorer.reduction.umap.kernels import LANES

        random = np.random.default_rng(self.how.seed)
        pushing = random.permutation(np.arange(self.movable if self.movable < self.n else 0, self.n))
        groups = -(-len(pushing) // LANES)
        self.pushing = np.resize(pushing, groups * LANES).astype(np.int64)
        self.strangers = np.zeros((groups, self.wide + 1, LANES), np.float32)
        self.strangers[:, self.wide] = self.pushing.astype(np.int32).view(np.float32).reshape(groups, LANES)
        self.seeds = random.integers(2**62, size=self.how.epochs)
        self._arrange()

    def _arrange(self) -> None:
        from explorer.reduction.umap.kernels import arrange

        flat = self.strangers.reshape(-1)
        in_blocks(lambda low, high: arrange(self.before, self.wide, self.pushing, low, high, flat), len(self.strangers))

    def step(self, epoch: int, pool: ThreadPoolExecutor) -> None:
        """One epoch; the learning rate falls to 0."""
        from explorer.reduction.umap.kernels import LANES, sweep

        how = self.how
        rate = how.rate * (1 - (epoch - 1) / how.epochs)
        rates = np.array([rate, how.a, how.b, rate * NEGATIVES / LANES], np.float32)
        flat, seed = self.strangers.reshape(-1), int(self.seeds[epoch])
        dense = self.wanted is not None and self.wanted.counts(epoch, how.epochs)
        moved, leaning = sweep(self.wide, dense), self._leaning(rates) if dense else np.zeros(1, np.float32)

        def block(number: int) -> None:
            moved(
                self.places, self.before, flat, self.starts, self.heads, self.tails, self.often, self.bounds[number],
                self.bounds[number + 1], self.movable, epoch, seed, rates, leaning, *self.rooms[number],
            )  # fmt: skip

        list(pool.map(block, range(len(self.rooms))))
        self.before[:] = self.places
        if self.movable == self.n:
            self._arrange()

    def _leaning(self, rates: np.ndarray) -> np.ndarray:
        """What density asks of each point, from where all are before the epoch."""
        from explorer.reduction.umap.kernels import local_sums

        assert self.wanted is not None
        edges = self.before, self.wide, self.starts, self.tails, rates
        in_blocks(lambda low, high: local_sums(*edges, low, high, self.sums), self.movable, _BLOCK)
        return self.wanted.leaning(self.sums, self.weight)

    def layout(self) -> np.ndarray:
        """Places in the order in which they were given."""
        made = np.empty((self.n, self.wide), np.float32)
        made[self.order] = self.places.reshape(-1, self.wide)
        return made


def widened(start: np.ndarray, wide: int, seed: int) -> np.ndarray:
    """A start ``(n, 2)`` as one of `wide` columns: a third begins near 0."""
    more = np.random.default_rng(seed).normal(scale=1.0, size=(len(start), wide - 2))
    return np.hstack([start, more]).astype(np.float32)


def _along_the_curve(start: np.ndarray) -> np.ndarray:
    """Rows in the order of a Z-shaped curve through their places (Morton 1966)."""
    low, high = start.min(axis=0, initial=np.inf), start.max(axis=0, initial=-np.inf)
    cells = ((start - low) / np.where(high > low, high - low, 1) * (2**_BITS - 1)).astype(np.int64)
    code = np.zeros(len(start), np.int64)
    for bit in range(_BITS):
        for axis in range(2):
            code |= ((cells[:, axis] >> bit) & 1) << (2 * bit + axis)
    return np.argsort(code, kind="stable")
