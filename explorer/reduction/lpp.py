"""LPP: the plane in which neighbours stay as near as a plane allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.installation.takes import Takes
from explorer.neighbors.takes import graph_takes
from explorer.reduction.directions import filled, upright
from explorer.reduction.links import linked, weighed
from explorer.reduction.magnitude import tamed
from explorer.reduction.nearby import NeighborReducer
from explorer.reduction.pca import ALL_EQUAL, PCA, main_directions, to_centre
from explorer.step import Output, Progress

FEWEST = 4  # different rows; with fewer there is no neighbourhood to keep


class LPP(NeighborReducer):
    """Neighbours stay as near as a flat view allows: between PCA, which looks at spread, and UMAP, which bends.

    Locality preserving projections (He & Niyogi, 2003) of the graph of neighbours; linear, so each axis is a sum of columns. The
    vectors are brought to their main directions first, which makes equations solvable that have more columns than rows. One of the
    four methods of the anti-money-laundering study "Combating Financial Crimes with Unsupervised Learning Techniques".
    """

    method = "lpp"
    packages = ("scikit-learn", "scipy")
    widest = None
    linear = True

    n_neighbors = param.Integer(
        15, bounds=(2, 200), softbounds=(2, 100),
        doc="How many neighbours each item is held near to: few keeps small groups, many nears PCA.",
    )  # fmt: skip
    weights = param.Selector(
        default="heat", objects=["heat", "binary"], precedence=1,
        doc="Whether nearer neighbours count for more (heat: less and less with the squared distance) or all the same (binary).",
    )  # fmt: skip
    pca_components = param.Integer(
        200, bounds=(2, 2_000), softbounds=(10, 500), precedence=1,
        doc="How many main directions are kept before: what lies beyond is mostly noise, which looks near to everything.",
    )  # fmt: skip

    def compute(self, vectors: np.ndarray, progress: Progress) -> Output:
        """Project ``(n, d)`` vectors, all different, to ``(n, width)``; each axis has variance 1, the smoothest comes first."""
        if len(vectors) < FEWEST:
            return self.by_pca(vectors, FEWEST, "LPP", progress)
        rows, notes = tamed(vectors)
        k = min(self.n_neighbors, len(rows) - 1)
        graph = self.graph(rows, k, progress.part(0.0, 0.6))
        progress(0.6, "finding the main directions")
        centred, _ = to_centre(rows)
        components, white = _white(centred, self.pca_components, self.random_state)
        if not len(components):
            return Output(filled(white, self.width), notes=(*notes, ALL_EQUAL))
        progress(0.9, "finding directions that keep neighbours")
        turned = smoothest(white, weighed(linked(graph), self.weights), self.width)
        places = upright(white @ turned, turned.T @ components)
        return Output(filled(places / (places.std(axis=0) + np.finfo(float).tiny), self.width), notes=notes)

    def takes(self, n: int, d: int) -> Takes:
        """Measured: exact neighbours, PCA, and products of the main directions with the graph."""
        kept = min(d, n, self.pca_components)
        products = Takes(
            dense=3e-11 * n * kept**2, sparse=2e-9 * n * self.n_neighbors * kept,
            memory=5 * 8 * n * kept + 5 * 12 * n * self.n_neighbors,
        )  # fmt: skip
        before = PCA()
        before.width = kept
        return graph_takes(n, d, self.n_neighbors).then(before.takes(n, d)).then(products)


def smoothest(white: np.ndarray, weights: Any, count: int) -> np.ndarray:
    """Directions ``(r, k)`` along which linked rows of ``(n, r)`` differ least: ``Z'LZ a = l Z'DZ a``, smallest l first."""
    from scipy.linalg import eigh

    degrees = np.asarray(weights.sum(axis=1)).ravel()
    held = white.T @ (degrees[:, None] * white)
    apart = held - white.T @ (weights @ white)
    held += np.eye(len(held)) * (1e-10 * np.trace(held) / len(held))
    count = min(count, len(held))
    return np.asarray(eigh((apart + apart.T) / 2, (held + held.T) / 2, subset_by_index=(0, count - 1))[1])


def _white(centred: np.ndarray, count: int, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Loadings ``(r, d)``, and rows ``(n, r)`` on these directions with variance 1; r is at most `count`."""
    places, components = main_directions(centred, random_state, count)
    spread = places.std(axis=0)
    kept = spread > 1e-6 * spread.max(initial=0.0)
    return components[kept] / spread[kept, None], places[:, kept] / spread[kept]
