"""Lines around the densest parts of a group on the map."""

from __future__ import annotations

import numpy as np

SHARES = (0.5, 0.9)  # of the items that the lines enclose
_CELLS = 160  # along the longer side
_SMOOTH = 0.6  # of Scott's bandwidth: groups of several islands keep their gaps
_SAMPLE = 100_000  # items whose density decides where the lines run
_FEWEST = 5  # items; fewer have no density to speak of

Line = list[tuple[float, float]]


def contours(places: np.ndarray, shares: tuple[float, ...] = SHARES) -> list[tuple[float, list[Line]]]:
    """For each share, the closed lines around the densest part that holds so much of ``(n, 2)`` places.

    The density is a histogram smoothed by a Gaussian (Scott's rule, narrowed); its lines are contourpy's, in the layout's units.
    Places with NaN are left out; fewer than five, or all in one point, have no lines.
    """
    known = places[np.isfinite(places).all(axis=1)].astype(np.float64)
    if len(known) < _FEWEST or not np.ptp(known, axis=0).max() > 0:
        return []
    low, size, shape, sigma = _grid(known)
    with np.errstate(over="ignore", invalid="ignore"):
        at = np.clip((known - low) / size, 0, np.array(shape) - 1).astype(np.int64)
    cells = at[:, 1] * shape[0] + at[:, 0]
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape[1], shape[0]).astype(np.float64)
    density = _smooth(counts, sigma / size)
    dense = _at(density, (known[:: max(1, len(known) // _SAMPLE)] - low) / size)
    levels = np.minimum(np.quantile(dense, [1 - share for share in shares]), 0.97 * density.max())  # there is no line around a peak
    return [(share, _lines(density, float(level), low, size)) for share, level in zip(shares, levels, strict=True)]


def _grid(known: np.ndarray) -> tuple[np.ndarray, float, tuple[int, int], float]:
    """The lower left corner, a cell's side, how many cells there are along x and y, and the Gaussian's width.

    What lies far out does not make the cells coarse: it falls into the outermost ones.
    """
    low, high = np.quantile(known, [0.01, 0.99], axis=0)
    spread = float((high - low).max()) or float(np.ptp(known, axis=0).max())
    sigma = max(_SMOOTH * spread / 4 * len(known) ** (-1 / 6), 1.5 * spread / _CELLS)  # 98 % of a Gaussian are 4.6 deviations
    low, high = low - 5 * sigma, high + 5 * sigma
    size = float((high - low).max()) / _CELLS
    across, down = (int(np.clip(np.ceil(length / size), 1, _CELLS)) for length in high - low)
    return low, size, (across, down), sigma


def _smooth(counts: np.ndarray, sigma: float) -> np.ndarray:
    """Convolved with a Gaussian along both axes, nothing beyond the edges."""
    reach = max(1, int(np.ceil(4 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        counts = np.apply_along_axis(lambda line: np.convolve(line, kernel)[reach:-reach], axis, counts)
    return counts


def _at(density: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The density at places given in cells, between the cells' middles as the lines see it."""
    padded = np.pad(density, 1)
    x, y = np.clip(places.T + 0.5, 0, np.array(padded.shape)[::-1, None] - 1.001)
    column, row = x.astype(np.int64), y.astype(np.int64)
    right, up = x - column, y - row
    low = padded[row, column] * (1 - right) + padded[row, column + 1] * right
    high = padded[row + 1, column] * (1 - right) + padded[row + 1, column + 1] * right
    return low * (1 - up) + high * up


def _lines(density: np.ndarray, level: float, low: np.ndarray, size: float) -> list[Line]:
    from contourpy import contour_generator

    padded = np.pad(density, 1)  # so that every line closes
    found = contour_generator(z=padded).lines(level)
    digits = int(np.clip(3 - np.floor(np.log10(size)), 0, 300))
    return [[(round(x, digits), round(y, digits)) for x, y in (low + (np.asarray(line) - 0.5) * size).tolist()] for line in found]
