"""The nearest neighbours in feature space: of a few items at once, and of all as a graph that is computed once and shared."""

from explorer.neighbors.angles import ANGULAR, comparable
from explorer.neighbors.graph import METRICS, NeighborGraph, known_graph, neighbor_graph
from explorer.neighbors.kept import graphs_beside
from explorer.neighbors.rows import ROW_METRICS, around, nearest_rows

__all__ = [
    "ANGULAR",
    "METRICS",
    "ROW_METRICS",
    "NeighborGraph",
    "around",
    "comparable",
    "graphs_beside",
    "known_graph",
    "nearest_rows",
    "neighbor_graph",
]
