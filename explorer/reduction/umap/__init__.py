"""UMAP: neighbours stay neighbours; umap-learn's graph and objective with a layout engine of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError
from explorer.installation.takes import Takes
from explorer.neighbors import NeighborGraph, comparable, neighbor_graph
from explorer.neighbors.takes import graph_takes
from explorer.neighbors.threads import threads
from explorer.progress import Progress
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.umap.sketch import MANY, Sketch, chosen
from explorer.step import Output

if TYPE_CHECKING:
    from explorer.reduction.umap.settling import Settling

FEWEST = 5  # different rows; with fewer there is no neighbourhood to keep
SPECTRAL = 12  # different rows; with fewer the graph of neighbours says nothing about where to start
_PULL, _PULL_BY_UMAP_LEARN = 2e-8, 1.4e-7  # seconds of one core for a neighbour and an epoch (benchmarks/reduction.py)
_THREE, _DENSE = 1.07, 1.2  # times as long with three columns, and with densMAP
_COMPILED = 15.0  # seconds in which umap-learn's own loops are compiled, and so long again for densMAP's
_EDGE = 150  # bytes held for a neighbour while the graph is made
_MANY, _LONG, _SHORT = 10_000, 500, 200  # umap-learn's epochs: 500 for so many items, and 200 for more


class UMAP(NeighborReducer):
    """Neighbours stay neighbours: shows groups and what lies between them; the axes and the gaps' widths mean nothing.

    McInnes, Healy & Melville (2018), arXiv:1802.03426. The graph and the objective are umap-learn's; the layout is computed by an
    engine of ours on all cores, with the same result for the same seed; `engine="umap-learn"` is the library itself.
    """

    method = "umap"
    version = 4
    packages = ("scikit-learn", "scipy", "numba", "umap-learn")

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is compared with: few shows small groups, many shows the large shape.",
    )  # fmt: skip
    min_dist = param.Number(
        0.1, bounds=(0.0, 10.0), softbounds=(0.0, 1.0), step=0.01,
        doc="How close items may be drawn: 0 packs each group tightly, larger values spread it out.",
    )  # fmt: skip
    spread = param.Number(
        1.0, bounds=(0.1, 10.0), softbounds=(0.5, 3.0), step=0.1, precedence=1,
        doc="How widely the groups as a whole are drawn apart.",
    )  # fmt: skip
    n_epochs = param.Integer(
        None, bounds=(1, 10_000), softbounds=(50, 1_000), allow_None=True, precedence=1,
        doc="How many rounds the layout is improved; none means 500 for up to 10,000 items, else 200; with densmap 200 on top.",
    )  # fmt: skip
    init = param.Selector(
        default="spectral", objects=["spectral", "pca", "random"], precedence=1,
        doc="Where the items start: from the graph of neighbours, from the main directions of the vectors, or anywhere.",
    )  # fmt: skip
    n_components = param.Selector(
        default=2, objects=[2, 3], precedence=1,
        doc="Columns of the layout: the map shows the first two, and a third is exported as z.",
    )  # fmt: skip
    densmap = param.Boolean(False, precedence=1, doc="Whether dense groups are drawn dense and loose ones loose (densMAP).")
    dens_lambda = param.Number(
        2.0, bounds=(0.0, 20.0), softbounds=(0.0, 5.0), step=0.1, precedence=1,
        doc="With densmap: how much density counts beside the neighbours.",
    )  # fmt: skip
    engine = param.Selector(
        default="explorer", objects=["explorer", "umap-learn"], precedence=1,
        doc="What computes it: our engine, on all cores, or umap-learn from neighbours to layout, on one, as a reference.",
    )  # fmt: skip

    target = param.String(
        "", precedence=1,
        doc="Draws items apart by what is known of them: label, cluster, or column:NAME; empty goes by the vectors alone.",
    )  # fmt: skip
    target_weight = param.Number(
        0.5, bounds=(0.0, 1.0), step=0.01, precedence=1,
        doc="With target: how much it counts beside the vectors; at 1 items of different targets are no neighbours.",
    )  # fmt: skip
    keep = param.Boolean(
        False, precedence=1,
        doc="When the collection has changed: start from its earlier layout, so that items stay about where they were.",
    )  # fmt: skip

    def wants(self) -> dict[str, str]:
        """Codes of the target, and places in the earlier layout."""
        return ({"target": self.target} if self.target else {}) | ({"earlier": "layout"} if self.keep else {})

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Lay out ``(n, d)`` vectors, all different, as ``(n, n_components)``."""
        if len(vectors) < FEWEST:
            return self.by_pca(vectors, FEWEST, "UMAP", progress)
        safe, notes = tamed(vectors)
        if self.engine == "umap-learn":
            return self._by_umap_learn(safe, notes, progress)
        sketch = self._sketch(safe, progress.part(0.0, 0.05))
        neighbors = self.neighbors(safe, progress.part(0.05, 0.4))
        k = neighbors.indices.shape[1] + 1
        if k < self.n_neighbors:
            notes = (*notes, f"n_neighbors is {k} here: there are {len(vectors):,} different rows")
        notes = (*notes, *self._narrowed())
        graph = self._by_target(self.fuzzy(neighbors, progress.part(0.4, 0.45)))
        kept = self._grown(neighbors, graph, progress.part(0.45, 1.0)) if self.keep else ""
        if isinstance(kept, Output):
            return kept._replace(notes=(*notes, *_said(neighbors), *kept.notes))
        notes = (*notes, kept) if kept else notes
        start = self.start(safe, graph, progress.part(0.45, 0.55), sketch)
        places, stopped = self._placed(neighbors, graph, start, progress.part(0.55, 1.0))
        places, more = _aside(places, graph)
        return Output(places, notes=(*notes, *_said(neighbors), *more), stopped=stopped)

    def neighbors(self, vectors: np.ndarray, progress: Progress) -> NeighborGraph:
        """The graph of neighbours; an item counts as the first of its own, so there are one fewer than `n_neighbors`."""
        k = max(1, min(self.n_neighbors, len(vectors)) - 1)
        return self.graph(vectors, k, progress)

    def fuzzy(self, neighbors: NeighborGraph, progress: Progress) -> Any:
        """The fuzzy graph, ``(n, n)`` CSR float32."""
        from explorer.reduction.umap.fuzzy import fuzzy_graph

        progress(0.0, "weighing neighbours")
        return fuzzy_graph(neighbors)

    def start(self, vectors: np.ndarray, graph: Any, progress: Progress, sketch: Sketch | None = None) -> np.ndarray:
        """Where the items start, ``(n, 2)`` float32."""
        from explorer.reduction.umap.sketch import amid, carried
        from explorer.reduction.umap.start import started

        progress(0.0, "finding where to start")
        if sketch is not None:

            def missed(rows: np.ndarray) -> np.ndarray:
                return amid(vectors, sketch, rows, self.metric, progress)

            return carried(sketch, graph, self.random_state, missed)
        name = "pca" if self.init == "spectral" and len(vectors) < SPECTRAL else self.init
        return started(name, comparable(vectors, self.metric), graph, self.random_state, progress)

    def _sketch(self, vectors: np.ndarray, progress: Progress) -> Sketch | None:
        """A map of some of many items, which soon moves on the screen, and from which all of them start; None for fewer items."""
        if len(vectors) < MANY or self.init != "spectral" or self.keep:
            return None
        from explorer.reduction.umap.curve import curve
        from explorer.reduction.umap.settling import Settling, settled
        from explorer.reduction.umap.sketch import bonded

        rows = chosen(len(vectors), self.random_state)
        some, quiet = np.ascontiguousarray(vectors[rows]), Progress()

        def linked(own: np.ndarray, progress: Progress) -> Any:
            k = min(self.n_neighbors, len(own)) - 1
            return self.fuzzy(neighbor_graph(own, k, self.metric, random_state=self.random_state, progress=progress), quiet)

        graph = self._by_target(linked(some, progress), rows)
        graph = bonded(graph, lambda middles: linked(some[middles], quiet))
        how = Settling(*curve(self.spread, min(self.min_dist, self.spread)), _SHORT, self.random_state)

        def among(places: np.ndarray) -> np.ndarray:
            whole = np.full((len(vectors), 2), np.nan, np.float32)
            whole[rows] = places
            return whole

        return Sketch(rows, settled(graph, self.start(some, graph, quiet), how, progress.drawn(among), sketch=True)[0])

    def takes(self, n: int, d: int) -> Takes:
        """The graph, then each round's pulls and pushes."""
        if self.engine == "umap-learn":
            fixed, pull = _COMPILED * (2 if self.densmap else 1), _PULL_BY_UMAP_LEARN
        else:
            fixed, pull = 0.8, _PULL * (_THREE if self.n_components == 3 else 1) * (_DENSE if self.densmap else 1) / threads()
        seconds = fixed + n * self.n_neighbors * self.rounds(n) * pull
        return graph_takes(n, d, self.n_neighbors).then(Takes(sparse=seconds, memory=n * (_EDGE * self.n_neighbors + 200)))

    def rounds(self, n: int) -> int:
        """How many epochs there are for `n` items."""
        return self.n_epochs or (_LONG if n <= _MANY else _SHORT) + (_SHORT if self.densmap else 0)

    def placed(self, old: np.ndarray, layout: np.ndarray, new: np.ndarray, progress: Progress) -> Output:
        """New rows on a layout of 2 or 3 columns, as umap-learn's `transform` places them.

        On a layout by umap-learn itself, and on two columns of three, which do not say how far items are apart, they come amid
        their neighbours.
        """
        from explorer.reduction.umap.placing import placed

        if self.engine == "umap-learn" or layout.shape[1] != self.n_components or len(old) < FEWEST:
            return super().placed(old, layout, new, progress)
        return placed(self, old, layout, new, progress)

    def _by_target(self, graph: Any, rows: np.ndarray | None = None) -> Any:
        """The graph of all items, or of some rows, with less between items of different targets."""
        codes = self._codes()
        if codes is None:
            return graph
        from explorer.reduction.umap.fuzzy import parted

        return parted(graph, codes if rows is None else codes[rows], self.target_weight)

    def _grown(self, neighbors: NeighborGraph, graph: Any, progress: Progress) -> Output | str:
        """The layout from the earlier one, or why it does not start there."""
        from explorer.reduction.umap import growing

        earlier = self.beside_of("earlier")
        if self.n_components > 2:
            return "keep is left aside: of an earlier layout the two drawn columns are known, so one of three starts anew"
        if earlier is None or np.isfinite(earlier).all(axis=1).sum() < growing.FEWEST:
            return "keep: there is no layout from before the collection changed, so this one starts anew"
        made = growing.grown(graph, earlier, self._settling(neighbors, graph), progress)
        places, notes = _aside(made.places, graph)
        places, far, said = growing.moved(places, earlier)
        return Output(places, {"moved": far}, (*notes, said), stopped=made.stopped)

    def _placed(self, neighbors: NeighborGraph, graph: Any, start: np.ndarray, progress: Progress) -> tuple[np.ndarray, str]:
        """Places ``(n, n_components)`` float32 from a start ``(n, 2)``, and how far they came."""
        from explorer.reduction.umap.settling import settled, widened

        wide = widened(start, self.n_components, self.random_state)
        return settled(graph, wide, self._settling(neighbors, graph), progress)

    def _settling(self, neighbors: NeighborGraph, graph: Any) -> Settling:
        from explorer.reduction.umap.curve import curve
        from explorer.reduction.umap.density import Density, local_radii
        from explorer.reduction.umap.settling import Settling

        a, b = curve(self.spread, min(self.min_dist, self.spread))
        epochs = self.rounds(graph.shape[0])
        dense = Density(local_radii(neighbors, graph, epochs), self.dens_lambda) if self.densmap else None
        return Settling(a, b, epochs, self.random_state, density=dense)

    def _by_umap_learn(self, vectors: np.ndarray, notes: tuple[str, ...], progress: Progress) -> Output:
        """By the library alone: its own neighbours, start and layout."""
        from explorer.reduction.umap.reference import fitted

        said = ("keep is left aside: a layout by umap-learn starts anew",) if self.keep else ()
        made, graph, more = fitted(self, vectors, self._codes(), progress)
        places, lost = _aside(made, graph)
        return Output(places, notes=(*notes, *self._narrowed(), *said, *more, *lost))

    def _narrowed(self) -> tuple[str, ...]:
        return (f"min_dist is {self.spread:g} here: it cannot be larger than spread",) if self.min_dist > self.spread else ()

    def _codes(self) -> np.ndarray | None:
        """The target's codes; None where there is no target."""
        codes = self.beside_of("target") if self.target else None
        if self.target and codes is None:
            raise InputError(f"umap: target={self.target!r} is looked up by a session; without one, give step.beside['target']")
        return codes


def _said(neighbors: NeighborGraph) -> tuple[str, ...]:
    if neighbors.exact:
        return ()
    return (f"neighbours are approximate: about {neighbors.recall:.0%} of them are the true ones",)


def _aside(places: np.ndarray, graph: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Put what has no neighbours, or got no place, in a row below the rest."""
    lost = ~np.isfinite(places).all(axis=1) | (np.asarray(graph.sum(axis=1)).ravel() == 0)
    if not lost.any():
        return places, ()
    kept = places[~lost] if (~lost).any() else np.zeros((1, places.shape[1]), np.float32)
    low, high = kept.min(axis=0), kept.max(axis=0)
    below = low[1] - max(0.1 * float(high[1] - low[1]), 1.0)
    placed = places.copy()
    placed[lost] = 0
    placed[lost, 0] = np.linspace(low[0], high[0], int(lost.sum()))
    placed[lost, 1] = below
    return placed, (f"{int(lost.sum()):,} rows have no neighbours and stand in a row below the others",)
