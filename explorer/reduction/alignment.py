"""One layout laid over another: turned, mirrored, scaled and moved as a whole, so that only what differs is left."""

from __future__ import annotations

import numpy as np


def aligned(onto: np.ndarray, places: np.ndarray, *, same_size: bool = False) -> np.ndarray:
    """`places` as near to `onto` as turning, mirroring, one scale and one shift bring them.

    Orthogonal Procrustes with scale (Gower and Dijksterhuis, "Procrustes Problems", 2004): least squares over the rows that have
    a place in both; the others are moved along, and NaN rows stay NaN.

    Parameters
    ----------
    onto, places
        ``(n, d)``; a NaN row has no place. Where fewer than two different places are common, `places` is only moved, not turned.
    same_size
        Whether both are to be equally large (the root mean square distance from the middle) rather than as near as can be: least
        squares shrink what agrees little.

    Returns
    -------
    ``(n, d)`` float32, in `onto`'s coordinates.
    """
    target, moving = np.asarray(onto), np.asarray(places)
    both = np.isfinite(target).all(axis=1) & np.isfinite(moving).all(axis=1)
    if not both.any():
        return np.array(moving, np.float32)
    here, there = target[both].astype(float), moving[both].astype(float)
    middle, centre = here.mean(axis=0), there.mean(axis=0)
    here, there = here - middle, there - centre
    turn, size = _turn(here, there, same_size=same_size)
    with np.errstate(over="ignore"):  # a place beyond what float32 holds has none
        out = ((moving - centre) @ turn * size + middle).astype(np.float32)
    out[~np.isfinite(out).all(axis=1)] = np.nan
    return out


def _turn(here: np.ndarray, there: np.ndarray, *, same_size: bool) -> tuple[np.ndarray, float]:
    """The rotation or mirroring and the scale that bring `there` to `here`; both are centred."""
    scale = float(np.abs(there).max(initial=0.0)), float(np.abs(here).max(initial=0.0))
    if min(scale) == 0.0:
        return np.eye(there.shape[1]), 1.0
    here, there = here / scale[1], there / scale[0]  # squares of large coordinates must not overflow
    left, strength, right = np.linalg.svd(there.T @ here)
    agreeing = strength[0] > 1e-12 * len(here)
    turn = left @ right if agreeing else np.eye(there.shape[1])
    square = (there**2).sum()
    size = np.sqrt((here**2).sum() / square) if same_size or not agreeing else strength.sum() / square
    return turn, float(size) * scale[1] / scale[0]


__all__ = ["aligned"]
