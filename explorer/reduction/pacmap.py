"""PaCMAP: near pairs are pulled together, far pairs pushed apart, and pairs in between hold the large shape."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import param

from explorer.errors import MissingExtra
from explorer.installation.takes import Takes
from explorer.neighbors import NeighborGraph
from explorer.neighbors.takes import graph_takes
from explorer.reduction.alone import alone
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.pca import principal_plane
from explorer.step import Output, Progress

FEWEST = 10  # different rows; a pair in between is the second nearest of six drawn by lot, and there must be six to draw
DRAWN = 6
SPARE = 50  # neighbours looked at beyond those that become pairs: pairs are the nearest by a distance scaled to the density
EARLY, MIDDLE = 100, 100  # rounds of the first two phases, as in the paper
METRICS = {"euclidean": 0, "cosine": 2, "correlation": 2, "manhattan": 1}  # and pacmap's number for each


class Pairs(NamedTuple):
    """Rows that attract or repel each other, each ``(m, 2)`` int32, those of row 0 first."""

    near: np.ndarray
    middle: np.ndarray
    far: np.ndarray


class PaCMAP(NeighborReducer):
    """Keeps both small groups and how they lie to each other; needs little tuning.

    Wang, Huang, Rudin & Shaposhnik (2021), JMLR 22(201), by the kernels of the library pacmap, without its reduction to 100 columns
    first. Near pairs come from the graph of neighbours that all methods share. It gives the same bytes on any number of threads.
    """

    method = "pacmap"
    packages = ("pacmap", "numba", "scikit-learn")

    n_neighbors = param.Integer(
        10, bounds=(2, 200), softbounds=(5, 60), allow_None=True,
        doc="How many near items each is pulled to; none takes 10, and more beyond 10,000 items.",
    )  # fmt: skip
    metric = param.Selector(objects=list(METRICS))  # of those the library has
    MN_ratio = param.Number(
        0.5, bounds=(0.0, 10.0), softbounds=(0.0, 3.0), step=0.1,
        doc="Pairs at middle distance for each near one: more keeps the large shape better.",
    )  # fmt: skip
    FP_ratio = param.Number(
        2.0, bounds=(0.1, 20.0), softbounds=(0.5, 5.0), step=0.1,
        doc="Far pairs for each near one: more spreads the groups further apart.",
    )  # fmt: skip
    num_iters = param.Integer(
        250, bounds=(1, 10_000), softbounds=(100, 1_000), precedence=1,
        doc="How many rounds the small groups are improved, after 200 rounds for the large shape.",
    )  # fmt: skip
    learning_rate = param.Number(
        1.0, bounds=(1e-3, 100.0), softbounds=(0.1, 5.0), step=0.1, precedence=1, doc="How far items move in a round."
    )
    init = param.Selector(
        default="pca", objects=["pca", "random"], precedence=1,
        doc="Where the items start: along the main directions of the vectors, which keeps the large shape, or anywhere.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, 2)``.

        Raises
        ------
        MissingExtra
            When pacmap is not installed.
        """
        if find_spec("pacmap") is None:
            raise MissingExtra("the pacmap layout", "layouts")
        if len(vectors) < FEWEST:
            return self.by_pca(vectors, FEWEST, "PaCMAP", progress)
        rows, notes = tamed(vectors)
        counts = self.counts(len(rows))
        if counts[0] < (self.n_neighbors or 0):
            notes = (*notes, f"n_neighbors is {counts[0]} here: there are {len(rows)} different rows")
        k = min(counts[0] + SPARE, len(rows) - 1)
        graph = self.graph(rows, k, progress.part(0.0, 0.3))
        with alone(progress):
            pairs = self.pairs(rows, graph, counts, progress.part(0.3, 0.5))
            made = self._improved(self._start(rows), pairs, progress.part(0.5, 1.0))
        return made._replace(notes=(*notes, *made.notes))

    def takes(self, n: int, d: int) -> Takes:
        """Neighbours, six distances for each pair at middle distance, then rounds over all pairs."""
        near, middle, far = self.counts(max(n, FEWEST))
        pairs, k = near + middle + far, near + SPARE
        rounds = (EARLY + MIDDLE + self.num_iters) * (1e-8 * n * pairs + 3e-4)
        lots = DRAWN * middle * n * (1e-9 * d + 2e-8)
        return graph_takes(n, d, k).then(Takes(sparse=3 + rounds + lots, memory=16 * n * k + 8 * n * pairs + 8 * n * d + 2e8))

    def counts(self, n: int) -> tuple[int, int, int]:
        """How many near, middle and far pairs each of `n` rows has; fewer than asked for where there are few rows."""
        near = self.n_neighbors or (10 if n <= 10_000 else round(10 + 15 * (np.log10(n) - 4)))
        if near * (1 + self.MN_ratio + self.FP_ratio) >= n - 1:
            near = max(1, int((n - 1) / (1 + self.MN_ratio + self.FP_ratio)))
        middle, far = round(near * self.MN_ratio), max(1, round(near * self.FP_ratio))
        # Pairs are drawn by lot until they are all different: there must be as many others to draw, or it never ends.
        return near, min(middle, n - DRAWN), min(far, n - 1 - near)

    def pairs(self, rows: np.ndarray, graph: NeighborGraph, counts: tuple[int, int, int], progress: Progress) -> Pairs:
        """The pairs of all rows, those drawn by lot the same for the same `random_state`."""
        progress(0.0, "loading pacmap (half a minute the first time on a machine, which it compiles for)")
        from pacmap import pacmap as library

        near_count, middle_count, far_count = counts
        seed = int(self.random_state) & 0x7FFFFFFF  # pacmap takes a signed number
        if self.metric == "correlation":  # is the cosine of rows less their mean
            rows = rows - rows.mean(axis=1, keepdims=True)
        rows = np.ascontiguousarray(rows)
        progress(0.2, "pairing near items")
        near = _near(library, rows, graph, near_count)
        progress(0.4, "pairing items at middle distance")
        middle = library.sample_MN_pair_deterministic(rows, middle_count, seed, METRICS[self.metric])
        progress(0.9, "pairing far items")
        return Pairs(near, middle, library.sample_FP_pair_deterministic(rows, near, near_count, far_count, seed))

    def _start(self, rows: np.ndarray) -> np.ndarray:
        """Places ``(n, 2)`` float32 to begin from: pacmap's, of vectors that span 1."""
        if self.init == "random":
            state = np.random.RandomState(self.random_state)
            return state.normal(scale=1e-4, size=(len(rows), 2)).astype(np.float32)
        span = float(rows.max()) - float(rows.min()) or 1.0
        places, _ = principal_plane((rows - rows.mean(axis=0, dtype=np.float64)) / span, self.random_state)
        if not places[:, 1].any():  # all on one line, and no force would ever lead away from it
            places[:, 1] = np.random.RandomState(self.random_state).normal(scale=1e-4, size=len(places))
        return (0.01 * places).astype(np.float32)

    def _improved(self, layout: np.ndarray, pairs: Pairs, progress: Progress) -> Output:
        """The layout ``(n, 2)`` after all rounds, or what there is when Stop is pressed; the rounds are those of the library."""
        from pacmap import pacmap as library

        speed, size = np.zeros_like(layout), np.zeros_like(layout)
        phases = (EARLY, MIDDLE, self.num_iters)
        rounds, stopped = sum(phases), ""
        for step in range(rounds):
            middle, near, far = library.find_weight(1000.0, step, num_iters=phases)
            gradient = library.pacmap_grad(layout, *pairs, near, middle, far)
            library.update_embedding_adam(layout, gradient, speed, size, 0.9, 0.999, self.learning_rate, step)
            if progress.due:
                progress.show(layout)
            progress.tell((step + 1) / rounds, f"improving the layout, round {step + 1} of {rounds}")
            if step + 1 < rounds and progress.stopped():
                stopped = f"round {step + 1} of {rounds}"
                break
        return Output(layout, stopped=stopped)


def _near(library: Any, rows: np.ndarray, graph: NeighborGraph, count: int) -> np.ndarray:
    """Pairs ``(n * count, 2)`` with the nearest by distance over density: each row's density goes by its 4th to 6th neighbour."""
    n, k = graph.indices.shape
    found = graph.indices >= 0
    own = np.arange(n, dtype=np.int32)[:, None]
    indices = np.ascontiguousarray(np.where(found, graph.indices, own), np.int32)
    # pacmap's angular distance is the chord between directions, not 1 - cos.
    apart = np.sqrt(2 * graph.distances) if graph.metric in ("cosine", "correlation") else graph.distances
    distances = np.ascontiguousarray(np.where(found, apart, np.float32(np.inf)), np.float32)
    around = np.where(found, distances, 0.0)[:, 3:6].mean(axis=1) if k > 3 else np.ones(n)
    with np.errstate(over="ignore"):
        scaled = library.scale_dist(distances, np.maximum(around, 1e-10).astype(np.float32), indices)
    return library.sample_neighbors_pair(rows, scaled, indices, count)
