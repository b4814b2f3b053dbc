"""Torn neighbourhoods: how many of a group's nearest neighbours in the vectors the map shows somewhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explorer.insight.quality.places import Places
from explorer.insight.quality.ties import of_few, on_map, replaced
from explorer.neighbors import NeighborGraph
from explorer.step import Progress

LINES = 200
AROUND = 3  # times k nearest on the map are a member's surroundings


@dataclass(frozen=True, eq=False)
class Torn:
    """What a group has lost.

    Attributes
    ----------
    share
        Of its members' nearest neighbours in the vectors, the part that lies elsewhere on the map; 0.0 where there are none.
    count, of
        How many those are, a neighbour once for each member, and of how many.
    rows
        ``(r,)`` the items that lie elsewhere, each once.
    members, neighbours
        ``(m,)`` rows of at most `LINES` such pairs, those that lie farthest apart first.
    """

    share: float
    count: int
    of: int
    rows: np.ndarray = field(repr=False)
    members: np.ndarray = field(repr=False)
    neighbours: np.ndarray = field(repr=False)


def torn(
    graph: NeighborGraph, places: Places, group: np.ndarray, progress: Progress | None = None, *, vectors: np.ndarray | None = None
) -> Torn:
    """How far the map has torn a group apart.

    A neighbour lies elsewhere when it is not of the group and not among the 3 k items that are nearest on the map to one of the
    group's members: neither in the group's area nor around it. What lies at the same place as one of these, or no farther from the
    member than the last of them, is around it too; and where rows are equally far in the vectors, those around are the neighbours.

    Parameters
    ----------
    graph, places, group
        Of the same ``n`` rows: their neighbours ``(n, k)``, their places, and ``(n,)`` bool, who is of the group.
    vectors
        ``(n, d)`` that the graph is of; without them, none of its neighbours gives way to another that is as far.
    """
    inside = np.flatnonzero(group)
    near = graph.indices[inside].astype(np.int64)
    of, away = int((near >= 0).sum()), (near >= 0) & ~group[near]
    if away.any():
        around = places.nearest(inside, AROUND * near.shape[1], progress)
        away &= ~_around(places, inside, near, around, group)
        some = np.flatnonzero(away.any(axis=1))
        if vectors is not None and len(some):
            pairs = of_few(vectors, graph.metric, inside[some], near[some], around[some])
            away[some] = replaced(pairs, inside[some], near[some], away[some], around[some])
    member, neighbour = np.repeat(inside, away.sum(axis=1)), near[away]
    far = np.linalg.norm(places.places[member] - places.places[neighbour], axis=1)
    order = np.lexsort((neighbour, member, -far))[:LINES]
    share = len(neighbour) / of if of else 0.0
    return Torn(share, len(neighbour), of, np.unique(neighbour), member[order], neighbour[order])


def _around(places: Places, inside: np.ndarray, near: np.ndarray, around: np.ndarray, group: np.ndarray) -> np.ndarray:
    """``(m, k)`` bool: which neighbours are of the group, nearest to a member on the map, or as near as those are."""
    about = group.copy()
    about[around] = True
    rows = np.unique(near[(near >= 0) & ~about[near]])
    about[rows] = np.isin(_spots(places.places[rows]), _spots(places.places[about]))
    far = on_map(places)
    reach, off = far(inside, around[:, -1])
    drawn = far(np.repeat(inside, near.shape[1]), near.ravel())[0].reshape(near.shape)
    return np.asarray(about[near] | (drawn <= (reach + off)[:, None]))


def _spots(places: np.ndarray) -> np.ndarray:
    """``(m,)``: places that can be told to be the same."""
    return np.asarray(places[:, 0] + 1j * places[:, 1])


__all__ = ["LINES", "Torn", "torn"]
