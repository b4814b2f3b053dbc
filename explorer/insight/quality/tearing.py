"""Torn neighbourhoods: how many of a group's nearest neighbours in the vectors the map shows somewhere else."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explorer.insight.quality.places import Places
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


def torn(graph: NeighborGraph, places: Places, group: np.ndarray, progress: Progress | None = None) -> Torn:
    """How far the map has torn a group apart.

    A neighbour lies elsewhere when it is not of the group and not among the 3 k items that are nearest on the map to one of the
    group's members: neither in the group's area nor around it.

    Parameters
    ----------
    graph, places, group
        Of the same ``n`` rows: their neighbours ``(n, k)``, their places, and ``(n,)`` bool, who is of the group.
    """
    inside = np.flatnonzero(group)
    near = graph.indices[inside]
    member, neighbour = np.repeat(inside, near.shape[1]), near.ravel().astype(np.int64)
    member, neighbour = member[neighbour >= 0], neighbour[neighbour >= 0]
    of, away = len(neighbour), ~group[neighbour]
    member, neighbour = member[away], neighbour[away]
    if len(neighbour):
        about = group.copy()
        about[places.nearest(inside, AROUND * near.shape[1], progress)] = True
        away = ~about[neighbour]
        member, neighbour = member[away], neighbour[away]
    far = np.linalg.norm(places.places[member] - places.places[neighbour], axis=1)
    order = np.lexsort((neighbour, member, -far))[:LINES]
    share = len(neighbour) / of if of else 0.0
    return Torn(share, len(neighbour), of, np.unique(neighbour), member[order], neighbour[order])


__all__ = ["LINES", "Torn", "torn"]
