"""Where the items start: by the smoothest functions on the graph of neighbours, piece by piece where it falls apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.neighbors.threads import in_blocks
from explorer.progress import Progress

WIDTH = 10.0  # of the start, as in umap-learn
DENSE = 600  # items up to which all eigenvectors are computed
_BLOCK, _ROUNDS, _DEGREE = 6, 4, 16  # vectors searched together, how often, and how many products with the graph each time
_POWERS = 8  # products with the vectors and back, by which the main directions come out
TAIL = 3.0  # times the width of the middle half, from where on the start is drawn near
_NOISE = 1e-4  # parts what would start at one place


def started(name: str, vectors: np.ndarray, graph: Any, seed: int, progress: Progress) -> np.ndarray:
    """Places ``(n, 2)`` float32, from 0 to `WIDTH`: "spectral", "pca" or "random"."""
    state = np.random.default_rng(seed)
    if name == "random":
        return state.uniform(0, WIDTH, (len(vectors), 2)).astype(np.float32)
    places = _plane(vectors, seed) if name == "pca" else _by_pieces(vectors, graph, seed, progress)
    places = places * (WIDTH / (np.abs(places).max() or 1.0)) + state.normal(scale=_NOISE, size=places.shape)
    low, high = places.min(axis=0), places.max(axis=0)
    return (WIDTH * (places - low) / np.where(high > low, high - low, 1.0)).astype(np.float32)


def _plane(vectors: np.ndarray, seed: int) -> np.ndarray:
    """The vectors on their two main directions, ``(n, 2)``, near enough to start from (Halko, Martinsson & Tropp 2011).

    Not by scikit-learn, whose import alone takes longer than this does for ten thousand items.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(vectors.dtype)
    centred /= np.abs(centred).max() or 1.0
    basis = np.random.default_rng(seed).normal(size=(vectors.shape[1], min(6, vectors.shape[1])))
    for _ in range(_POWERS):
        basis = np.linalg.qr(centred.T @ (centred @ basis.astype(centred.dtype)).astype(centred.dtype))[0]
    image = (centred @ basis.astype(centred.dtype)).astype(np.float64)
    _, turn = np.linalg.eigh(image.T @ image)
    plane = np.zeros((len(vectors), 2))
    plane[:, : min(2, image.shape[1])] = (image @ turn)[:, ::-1][:, :2]
    return _signed(plane)


def _by_pieces(vectors: np.ndarray, graph: Any, seed: int, progress: Progress) -> np.ndarray:
    """Each connected piece by its own spectrum, around where the mean of its vectors lies among those of the others."""
    from scipy.sparse.csgraph import connected_components

    count, piece = connected_components(graph, directed=False)
    if count == 1:
        return _gathered(_spectral(vectors, graph, seed, progress))
    sizes = np.bincount(piece)
    middles = np.zeros((count, vectors.shape[1]))
    for column in range(vectors.shape[1]):
        middles[:, column] = np.bincount(piece, vectors[:, column], count) / sizes
    centres = _plane(middles, seed) if count > 2 else np.array([[-1.0, 0.0], [1.0, 0.0]])
    room = _room(centres)
    places = centres[piece]
    order = np.argsort(piece, kind="stable")
    ends = np.cumsum(sizes)
    for number in np.flatnonzero(sizes > 2):
        rows = order[ends[number] - sizes[number] : ends[number]]
        own = _gathered(_spectral(vectors[rows], graph[rows][:, rows], seed, progress))
        places[rows] += own * (room[number] / (np.abs(own).max() or 1.0))
    return places


def _room(centres: np.ndarray) -> np.ndarray:
    """``(count,)``: half the way from each centre to the next one."""
    from scipy.spatial import cKDTree

    apart = cKDTree(centres).query(centres, 2)[0][:, 1]
    usual = np.median(apart[apart > 0]) if (apart > 0).any() else 1.0
    return np.asarray(np.where(apart > 0, apart, usual) / 2)


def _spectral(vectors: np.ndarray, graph: Any, seed: int, progress: Progress) -> np.ndarray:
    """The two eigenvectors of the normalised graph that change least from neighbour to neighbour, ``(n, 2)`` (Belkin & Niyogi)."""
    import scipy.sparse as sparse

    degree = np.asarray(graph.sum(axis=1), np.float64).ravel()
    root = np.sqrt(np.where(degree > 0, degree, 1.0))
    scale = sparse.diags_array(1 / root)
    matrix = (scale @ graph @ scale).tocsr().astype(np.float32)
    constant = root / np.linalg.norm(root)
    if len(root) <= DENSE:
        _, all_of_them = np.linalg.eigh(matrix.toarray().astype(np.float64))
        found = all_of_them[:, -3:-1][:, ::-1] if len(root) > 2 else np.zeros((len(root), 2))
    else:
        found = _smoothest(matrix, constant, vectors, seed, progress)
    return _signed(found)


def _signed(found: np.ndarray) -> np.ndarray:
    """An eigenvector's sign means nothing: the largest entry is made positive, so that maps do not come out mirrored."""
    largest = np.abs(found).argmax(axis=0)
    return found * np.where(found[largest, np.arange(found.shape[1])] < 0, -1.0, 1.0)


def _gathered(places: np.ndarray) -> np.ndarray:
    """What lies far from the middle half drawn near, in its order.

    A few items that hardly hang together with the rest take a whole eigenvector, and would leave the rest a corner of the map.
    """
    low, middle, high = np.quantile(places, [0.25, 0.5, 0.75], axis=0)
    unit = TAIL * np.where(high > low, high - low, 1.0)
    return np.asarray(middle + unit * np.arcsinh((places - middle) / unit))


def _smoothest(matrix: Any, constant: np.ndarray, vectors: np.ndarray, seed: int, progress: Progress) -> np.ndarray:
    """By subspace iteration with a Chebyshev filter (Zhou, Saad, Tiago & Chelikowsky 2006): little but products with the graph.

    It begins at the vectors' main directions. Eigenvectors need not be exact here: the layout goes on from them.
    """
    from scipy.linalg import eigh

    block = np.random.default_rng(seed).normal(size=(matrix.shape[0], _BLOCK))
    block[:, :2] = _plane(vectors, seed)
    border = 0.9  # eigenvalues above this are looked for
    found = block
    for round_ in range(_ROUNDS):
        progress(round_ / _ROUNDS, "finding where to start")
        block = _filtered(matrix, _apart(block, constant).astype(np.float32), border)
        block = _apart(block.astype(np.float64), constant)
        image = product(matrix, np.ascontiguousarray(block, np.float32)).astype(np.float64)
        values, turn = eigh(_symmetric(block.T @ image))
        block = block @ turn
        found = block[:, ::-1][:, :2]
        border = float(np.clip(values[0], 0.5, 0.9995))
    return found


def _apart(block: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Orthonormal columns, none of them along the constant, which is the smoothest of all and says nothing."""
    block = block - constant[:, None] * (constant @ block)
    return np.asarray(np.linalg.qr(block)[0])


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _filtered(matrix: Any, block: np.ndarray, border: float) -> np.ndarray:
    """A Chebyshev polynomial of the matrix, small on eigenvalues in [-1, border] and steeply growing above."""
    middle, half = np.float32((border - 1) / 2), np.float32((border + 1) / 2)
    before, now = block, (product(matrix, block) - middle * block) / half
    for _ in range(_DEGREE - 1):
        before, now = now, 2 * (product(matrix, now) - middle * now) / half - before
        size = np.abs(now).max()
        if size > 1e12:
            before, now = before / size, now / size
    return now / (np.abs(now).max() or 1.0)


def product(matrix: Any, block: np.ndarray) -> np.ndarray:
    """A CSR matrix ``(n, n)`` float32 times ``(n, m)`` float32, on all cores."""
    from explorer.reduction.umap.kernels import spread_out

    out = np.empty_like(block)
    parts = matrix.indptr, matrix.indices, matrix.data
    in_blocks(lambda low, high: spread_out(*parts, block, low, high, out), len(block))
    return out
