"""t-SNE: each item draws its nearest neighbours close, and pushes all others away."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import param

from explorer.errors import MissingExtra
from explorer.installation.takes import Takes
from explorer.neighbors import NeighborGraph
from explorer.neighbors.takes import graph_takes
from explorer.neighbors.threads import threads
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.pca import principal_plane
from explorer.step import Output, Progress

FEWEST = 5  # different rows; with fewer there is no neighbourhood to keep
START = 1e-4  # spread of the first layout: openTSNE's, small enough that the first rounds are about neighbours alone
LOOK, LOOK_OFTEN = 5, 1  # rounds between two looks at Stop; every round where one takes long
TREE = 10_000  # rows up to which openTSNE goes over a tree
LONG_ROUNDS = 50_000  # rows from which a round takes a tenth of a second and more
NEW_PERPLEXITY, NEW_MEDIAN, NEW_ROUNDS = 5.0, 25, 250  # of new rows on a layout: openTSNE's
ONE_THREAD = 5_000  # rows up to which a second thread costs more than it brings


class TSNE(NeighborReducer):
    """Small groups stand out clearly; how far apart groups lie, and how large they are drawn, means little.

    van der Maaten & Hinton (2008), by openTSNE (Poličar, Stražar & Zupan, 2024): Barnes-Hut up to 10,000 rows, by interpolation
    and Fourier transforms beyond (Linderman et al., 2019), on the graph of neighbours that all methods share. It gives the same
    bytes on one thread and on several.
    """

    method = "tsne"
    packages = ("openTSNE", "scikit-learn", "scipy")

    perplexity = param.Number(
        30.0, bounds=(2.0, 200.0), softbounds=(5.0, 100.0), step=1.0,
        doc="About how many neighbours each item is drawn to: few shows small groups, many shows the large shape.",
    )  # fmt: skip
    exaggeration = param.Number(
        1.0, bounds=(0.5, 20.0), softbounds=(1.0, 5.0), step=0.1,
        doc="How strongly neighbours attract each other: more makes groups tighter and the space between them wider.",
    )  # fmt: skip
    n_iter = param.Integer(
        500, bounds=(1, 10_000), softbounds=(100, 2_000), precedence=1,
        doc="How many rounds the layout is improved after the early ones.",
    )  # fmt: skip
    early_exaggeration = param.Number(
        12.0, bounds=(1.0, 100.0), softbounds=(4.0, 30.0), step=1.0, precedence=1,
        doc="How strongly neighbours attract each other in the early rounds, in which groups find together.",
    )  # fmt: skip
    early_iter = param.Integer(
        250, bounds=(0, 5_000), softbounds=(0, 1_000), precedence=1,
        doc="How many early rounds there are; none starts with the final attraction at once.",
    )  # fmt: skip
    learning_rate = param.Number(
        None, bounds=(1e-3, 1e7), softbounds=(10.0, 10_000.0), allow_None=True, precedence=1,
        doc="How far items move in a round; none takes the number of items divided by the exaggeration, which suits most data.",
    )  # fmt: skip
    dof = param.Number(
        1.0, bounds=(0.1, 100.0), softbounds=(0.3, 2.0), step=0.1, precedence=1,
        doc="How soon the pull between distant items fades: below 1 shows finer groups within groups.",
    )  # fmt: skip
    init = param.Selector(
        default="pca", objects=["pca", "random"], precedence=1,
        doc="Where the items start: along the main directions of the vectors, which keeps the large shape, or anywhere.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, 2)``.

        Raises
        ------
        MissingExtra
            When openTSNE is not installed.
        """
        if find_spec("openTSNE") is None:
            raise MissingExtra("the tsne layout", "layouts")
        if len(vectors) < FEWEST:
            return self.by_pca(vectors, FEWEST, "t-SNE", progress)
        rows, notes = tamed(vectors)
        perplexity = min(self.perplexity, (len(rows) - 1) / 3)
        if perplexity < self.perplexity:
            notes = (*notes, f"perplexity is {perplexity:.3g} here: there are {len(rows)} different rows")
        k = min(len(rows) - 1, int(3 * perplexity))
        graph = self.graph(rows, k, progress.part(0.0, 0.2))
        progress(0.2, "weighing neighbours")
        attraction = affinities(graph, perplexity, threads_for(len(rows)))
        progress(0.25, "starting the layout")
        made = self._improved(self._start(rows), attraction, progress.part(0.25, 1.0))
        return made._replace(notes=(*notes, *made.notes))

    def placed(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """New rows settled among the old ones, which stay, with what openTSNE's `transform` takes for its settings."""
        from explorer.reduction.placing import nearest

        if find_spec("openTSNE") is None or len(old) < FEWEST:
            return super().placed(old, layout, new, progress)
        from openTSNE import TSNEEmbedding, initialization
        from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
        from openTSNE.tsne import PartialTSNEEmbedding
        from scipy.sparse import csr_matrix

        perplexity = min(NEW_PERPLEXITY, (len(old) - 1) / 3)
        rows, distances = nearest(old, new, NEW_MEDIAN, self.metric, progress.part(0.0, 0.5))
        start = initialization.median(layout.astype(np.float64), rows)
        close = int(3 * perplexity)
        pulls = joint_probabilities_nn(
            rows[:, :close], distances[:, :close].astype(np.float64), [perplexity], symmetrize=False,
            normalization="point-wise", n_reference_samples=len(old), n_jobs=1,
        )  # fmt: skip
        watch = _Watch(NEW_ROUNDS, Progress(progress.part(0.5, 1.0)))
        nothing = PrecomputedAffinities(csr_matrix((len(old), len(old))), normalize=False)  # what held ones pull at each other
        held = TSNEEmbedding(layout.astype(np.float64), nothing, n_jobs=1, dof=self.dof)
        placed = PartialTSNEEmbedding(start, held, pulls, n_jobs=1, dof=self.dof, callbacks=watch, callbacks_every_iters=LOOK)
        placed.optimize(NEW_ROUNDS, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25, inplace=True)
        return Output(np.asarray(placed, np.float32))

    def takes(self, n: int, d: int) -> Takes:
        """Neighbours, then rounds that go over a tree up to 10,000 items, and over a grid beyond."""
        k = int(3 * self.perplexity)
        round_ = 7e-6 * n if n < TREE else 0.025 + 2.2e-6 * n
        rounds = self.early_iter + self.n_iter
        return graph_takes(n, d, k).then(Takes(sparse=2e-5 * n + rounds * round_, memory=72 * n * k + 200 * n + 1e8))

    def _start(self, rows: np.ndarray) -> np.ndarray:
        """Places ``(n, 2)`` float64 to begin from, `START` wide along the first axis."""
        state = np.random.RandomState(self.random_state)
        if self.init == "random":
            return state.normal(scale=START, size=(len(rows), 2))
        centred = rows - rows.mean(axis=0, dtype=np.float64)
        places, _ = principal_plane(centred / (np.abs(centred).max() or 1.0), self.random_state)
        places *= START / (places[:, 0].std() or 1.0)
        return places + state.normal(scale=START / 100, size=places.shape)  # parts what would start at one place

    def _improved(self, start: np.ndarray, attraction: Any, progress: Progress) -> Output:
        """The layout after the early rounds and the others, or what there is when Stop is pressed."""
        from openTSNE import TSNEEmbedding

        watch = _Watch(self.early_iter + self.n_iter, progress)
        every = LOOK_OFTEN if len(start) > LONG_ROUNDS else LOOK
        common = {"n_jobs": threads_for(len(start)), "dof": self.dof, "callbacks": watch, "callbacks_every_iters": every}
        rate = "auto" if self.learning_rate is None else self.learning_rate
        layout = TSNEEmbedding(start, attraction, momentum=0.8, learning_rate=rate, **common)
        for rounds, strength in ((self.early_iter, self.early_exaggeration), (self.n_iter, self.exaggeration)):
            if rounds and not watch.stopped:
                layout.optimize(rounds, inplace=True, exaggeration=strength)
                watch.before += rounds
        return Output(np.asarray(layout, np.float32), stopped=watch.stopped)


class _Watch:
    """What openTSNE calls between rounds: tells how far it is, shows the layout, and says whether to stop."""

    def __init__(self, rounds: int, progress: Progress) -> None:
        self.rounds, self.progress, self.before, self.stopped = rounds, progress, 0, ""

    def __call__(self, iteration: int, _error: float, layout: np.ndarray) -> bool:
        done = self.before + iteration
        if self.progress.due:
            self.progress.show(np.asarray(layout, np.float32))
        self.progress.tell(done / self.rounds, f"improving the layout, round {done} of {self.rounds}")
        if self.progress.stopped():
            self.stopped = f"round {done} of {self.rounds}"
        return bool(self.stopped)


def affinities(graph: NeighborGraph, perplexity: float, n_jobs: int) -> Any:
    """openTSNE's affinities on a graph of neighbours; where it found none, nothing attracts."""
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    missing = graph.indices < 0
    indices, distances = graph.indices, graph.distances.astype(np.float64)
    if missing.any():  # the row itself stands in, at the distance of its farthest neighbour, and is taken out again below
        farthest = np.where(missing, 0.0, distances).max(axis=1, keepdims=True)
        distances = np.where(missing, farthest, distances)
        indices = np.where(missing, np.arange(len(indices), dtype=indices.dtype)[:, None], indices)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(openTSNE|scipy)\.")
        made = PerplexityBasedNN(knn_index=PrecomputedNeighbors(indices, distances), perplexity=perplexity, n_jobs=n_jobs)
    if missing.any():
        made.P.setdiag(0.0)
        made.P.eliminate_zeros()
        made.P /= made.P.sum()
    return made


def threads_for(rows: int) -> int:
    """How many threads to use; the result does not depend on it."""
    return 1 if rows <= ONE_THREAD else threads()
