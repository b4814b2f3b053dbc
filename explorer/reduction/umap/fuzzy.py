"""The fuzzy graph of UMAP: how firmly each item holds to its neighbours, also where other labels are known to part them."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.neighbors import NeighborGraph
from explorer.neighbors.threads import in_blocks

WEIGHT = 0.5  # how much a target counts, from 0 to 1, as umap-learn's target_weight
FAR, UNKNOWN = 2.5, 1.0  # how much less two items belong together whose targets differ, at weight 0, and where one has none
_APART = 1e12  # the same at weight 1: not at all


def fuzzy_graph(neighbors: NeighborGraph) -> Any:
    """The symmetric fuzzy union of all items' neighbourhoods, ``(n, n)`` CSR float32 (McInnes, Healy & Melville 2018)."""
    import scipy.sparse as sparse

    from explorer.reduction.umap.kernels import weigh

    n, k = neighbors.indices.shape
    distances = np.ascontiguousarray(neighbors.distances, np.float32)
    known = np.isfinite(distances)
    usual = float(distances[known].sum(dtype=np.float64) / max(1, known.sum() + n))  # an item is its own neighbour, at 0
    weights = np.zeros((n, k), np.float32)
    in_blocks(lambda low, high: weigh(distances, low, high, usual, weights), n)
    weights[~known] = 0
    columns = np.where(known, neighbors.indices, 0).ravel()
    directed = sparse.csr_matrix((weights.ravel(), columns, np.arange(0, n * k + 1, k, dtype=np.int64)), shape=(n, n))
    directed.eliminate_zeros()
    return united(directed)


def united(directed: Any) -> Any:
    """Two items hold together as firmly as at least one of them says: ``a + b - ab``."""
    back = directed.T.tocsr()
    graph = (directed + back - directed.multiply(back)).tocsr()
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def parted(graph: Any, target: np.ndarray, weight: float = WEIGHT) -> Any:
    """The graph with less between items of different targets, ``(n,)`` codes and -1 where none is known (supervised UMAP)."""
    import scipy.sparse as sparse

    far = FAR * (1 / (1 - weight)) if weight < 1 else _APART
    edges = graph.tocoo()
    one, other = target[edges.row], target[edges.col]
    less = np.where((one < 0) | (other < 0), np.exp(-UNKNOWN), np.where(one == other, 1.0, np.exp(-far)))
    weaker = sparse.csr_matrix((edges.data * less, (edges.row, edges.col)), shape=graph.shape)
    most = np.asarray(weaker.max(axis=1).todense()).ravel()  # each item holds fully to what is nearest to it, again
    scaled = sparse.diags_array(np.where(most > 0, 1 / np.where(most > 0, most, 1), 0)) @ weaker
    return united(scaled.tocsr().astype(np.float32))
