"""What is measured of a layout against the vectors it was made from, and how that is kept."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.insight.quality.dimension import Dimension, dimension
from explorer.insight.quality.places import Places, common
from explorer.insight.quality.ranks import Space, narrowed, ranks
from explorer.insight.quality.scores import Score
from explorer.insight.quality.shepard import Shepard, shepard
from explorer.insight.quality.takes import ranks_take
from explorer.insight.quality.ties import settled
from explorer.neighbors import NeighborGraph, neighbor_graph
from explorer.step import Progress

EXACT = 10_000  # items up to which all of them are ranked
SOON = 2.0  # seconds, on the machine of the constants, in which all of them are ranked too
SAMPLE = 2_000  # items that are ranked among all where they are more
ITEMS = ("sample", "all")
SCORES = ("trustworthiness", "continuity", "recall")
VERSION = 2  # raise it when the same input begins to give something else


@dataclass(frozen=True, eq=False)
class Trust:
    """How far a layout can be trusted.

    Attributes
    ----------
    trustworthiness
        How few of an item's neighbours on the map are strangers to it in the vectors; 1: none, about 0.5: as many as by chance.
    continuity
        How few of its neighbours in the vectors the map has carried away; on the same scale.
    recall
        The share of its nearest neighbours in the vectors that are among its nearest on the map.
    dimension
        In how many directions the vectors spread near an item; None where equal rows leave nothing to measure.
    shepard
        Distances on the map against those of the vectors.
    k, metric
        How many neighbours were looked at, and how vectors were compared.
    items, sampled
        How many items were looked at, and how many of these were ranked among all the others: all of them, or a sample.
    graph
        The estimated share of true neighbours in the graph of the vectors; 1.0 where it is exact.
    """

    trustworthiness: Score
    continuity: Score
    recall: Score
    dimension: Dimension | None
    shepard: Shepard
    k: int
    metric: str
    items: int
    sampled: int
    graph: float = 1.0

    def __repr__(self) -> str:
        """One line for a cell: the three numbers with their intervals."""
        return f"<Trust, {self.k} neighbours: {', '.join(f'{name} {getattr(self, name)}' for name in SCORES)}>"

    @property
    def whole(self) -> bool:
        """Whether all items were ranked, not a sample."""
        return self.sampled == self.items

    @property
    def note(self) -> str:
        """A sentence on what the numbers rest on."""
        said = f"{self.k} neighbours of each of {self.items:,} items, compared by {self.metric}"
        if self.sampled < self.items:
            said += f"; trustworthiness and continuity of {self.sampled:,} items picked at random"
        if self.graph < 1.0:
            said += f"; about {self.graph:.1%} of the neighbours are the true ones"
        return said

    def save(self, path: Path) -> None:
        """Write to one file that `load` reads back, whole or not at all."""
        about: dict[str, Any] = {name: getattr(self, name) for name in ("k", "metric", "items", "sampled", "graph")}
        about |= {name: [score.value, score.low, score.high] for name in SCORES for score in [getattr(self, name)]}
        about["dimension"] = None if self.dimension is None else [self.dimension.value, self.dimension.low, self.dimension.high]
        about["shepard"] = [*self.shepard.reach, self.shepard.correlation, self.shepard.pairs]
        arrays = {name: getattr(self, name).of_items for name in SCORES} | {"counts": self.shepard.counts}
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".writing-{uuid.uuid4().hex}")
        try:
            with open(made, "wb") as file:
                np.savez(file, about=np.array(json.dumps(about)), **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(made, path)
        finally:
            made.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read back what `save` wrote.

        Raises
        ------
        OSError, ValueError, KeyError, TypeError
            Where it is not there or damaged.
        """
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:  # numpy leaves a damaged one open
            about = json.loads(str(file["about"]))
            near_by, held, kept = (_score(about.pop(name), file[name]) for name in SCORES)
            *reach, correlation, pairs = about.pop("shepard")
            drawn = Shepard(file["counts"], (reach[0], reach[1]), correlation, pairs)
        spread = about.pop("dimension")
        return cls(near_by, held, kept, None if spread is None else Dimension(*spread), drawn, **about)


def _score(of_all: list[float], of_items: np.ndarray) -> Score:
    value, low, high = of_all
    return Score(value, low, high, of_items)


def measure(
    vectors: np.ndarray, layout: np.ndarray, k: int = 15, metric: str = "euclidean", *, items: str = "sample",
    store: Path | None = None, progress: Progress | None = None,
) -> Trust:  # fmt: skip
    """Trustworthiness, continuity and recall of a layout, its Shepard diagram, and the vectors' intrinsic dimension.

    Trustworthiness and continuity are those of Venna & Kaski ("Neighborhood Preservation in Nonlinear Projection Methods", 2001),
    for each item; their mean is what `sklearn.manifold.trustworthiness` gives, and that with the two sides changed over. Of
    equally far rows none counts as nearer, and those are taken for neighbours that are neighbours on the other side too
    (scikit-learn takes them as they come). Recall is of all items at any size.

    Parameters
    ----------
    vectors, layout
        ``(n, d)`` and ``(n, 2)``; a row that is not finite in both is left out.
    items
        Which are ranked among all for trustworthiness and continuity: "all", or a "sample" of 2,000 where all would take longer
        than about 2 seconds (and are more than 10,000); see `ranked`.
    store
        A folder of kept graphs of neighbours.

    Raises
    ------
    InputError
        For shapes that do not belong together, a `k` that is no whole number of at least 1, too few items for it, or other `items`.
    """
    rows = checked(vectors, layout, k)
    count = ranked(len(rows), vectors.shape[1], items)
    done, n = progress or Progress(), len(vectors)
    some, places = narrowed(vectors, rows), Places(layout[rows])
    graph = neighbor_graph(some, k, metric, store=store, progress=done.part(0.0, 0.4)).first(k)
    everyone = np.arange(len(rows))
    space, drawn = Space(some, metric), places.nearest(everyone, k, done.part(0.4, 0.48))
    near, drawn = settled(space, graph.indices, places, drawn, done.part(0.48, 0.5))
    kept = Score.of(common(near, drawn) / k, rows, n)
    asked = everyone if count == len(rows) else np.sort(np.random.default_rng(0).choice(len(rows), count, replace=False))
    strangers = ranks(space, asked, drawn[asked], done.part(0.5, 0.8))
    carried = ranks(Space(places.places), asked, near[asked], done.part(0.8, 0.95))
    near_by, held = (Score.of(_closeness(each, k, len(rows)), rows[asked], n) for each in (strangers, carried))
    done(0.95, "comparing distances")
    pairs = shepard(space, places.places)
    return Trust(near_by, held, kept, dimension(graph), pairs, k, metric, len(rows), len(asked), _recall(graph))


def ranked(n: int, d: int, items: str = "sample") -> int:
    """How many of `n` items with `d` columns are ranked among all.

    Where "sample" stands for all of them goes by a formula of n and d, not by how quick this machine is: everywhere the same.

    Raises
    ------
    InputError
        For `items` other than "sample" and "all".
    """
    if items not in ITEMS:
        raise InputError(f"items is which items are ranked, 'sample' or 'all', not {items!r}")
    return n if items == "all" or n <= EXACT or ranks_take(n, d).dense <= SOON else min(n, SAMPLE)


def _recall(graph: NeighborGraph) -> float:
    return 1.0 if graph.exact else float(graph.recall)


def _closeness(found: np.ndarray, k: int, n: int) -> np.ndarray:
    """``(m,)``: 1 where no rank ``(m, k)`` is beyond k, 0 where all are as far as can be."""
    return np.asarray(1 - np.maximum(found - k, 0).sum(axis=1) * (2.0 / (k * (2.0 * n - 3.0 * k - 1.0))))


def checked(vectors: np.ndarray, layout: np.ndarray, k: Any) -> np.ndarray:
    """The rows with features and a place, ``(m,)``; raises where they cannot be compared."""
    if vectors.ndim != 2 or layout.shape != (len(vectors), 2):
        raise InputError(f"vectors {vectors.shape} and a layout {layout.shape} are not of the same items; give (n, d) and (n, 2)")
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise InputError(f"k is how many neighbours to look at, a whole number of at least 1, not {k!r}")
    rows = np.flatnonzero(np.isfinite(layout).all(axis=1) & np.isfinite(vectors).all(axis=1))
    if 2 * k >= len(rows):
        most = (len(rows) - 1) // 2
        do = f"take k up to {most}" if most >= 1 else "compute features and a layout of at least 3"
        raise InputError(f"{k} neighbours need more than {2 * k} items with features and a place, and there are {len(rows)}: {do}")
    return rows


__all__ = ["EXACT", "ITEMS", "SAMPLE", "SCORES", "VERSION", "Trust", "checked", "measure", "narrowed", "ranked"]
