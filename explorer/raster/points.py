"""What is drawn: places, colours, what is shown and what is selected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explorer.grid import Grid

NUMBER_SCALE = ("#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725")  # viridis, colour-blind-safe
STEPS = 1024  # shades of a number
SCALINGS = ("log", "linear", "equal")  # by the count's logarithm, by the count, by its rank among the pixels


@dataclass(frozen=True, eq=False)
class Points:
    """What is drawn.

    Attributes
    ----------
    layout
        ``(n, 2)``; rows with NaN are not drawn.
    codes
        ``(n,)`` int into `palette`; ignored where `values` are given and known.
    palette
        ``(k, 3)`` float32 in 0..1.
    values
        ``(n,)`` float in 0..1 along the number scale, NaN for what is missing (then `codes` colour it), or None.
    shown
        ``(n,)`` bool or None for all.
    selected
        ``(n,)`` bool or None for no selection: then nothing is dimmed.
    density
        Whether the colour says how many points a pixel holds, along the number scale.
    scaling
        How a crowd's opacity grows with the points of a pixel, one of `SCALINGS`.
    grid
        The layout's grid where there is one already.
    """

    layout: np.ndarray
    codes: np.ndarray
    palette: np.ndarray
    values: np.ndarray | None = None
    shown: np.ndarray | None = None
    selected: np.ndarray | None = None
    density: bool = False
    scaling: str = "log"
    grid: Grid | None = None


def hex_colors(colors: tuple[str, ...] | list[str]) -> np.ndarray:
    """``(k, 3)`` float32 in 0..1 of ``#rrggbb``."""
    parts = [[int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)] for color in colors]
    return np.array(parts, np.float32).reshape(-1, 3)


def scale(values: np.ndarray) -> np.ndarray:
    """``(m, 3)`` float32, the number scale's colours of values in 0..1."""
    stops = hex_colors(NUMBER_SCALE)
    along = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(values, along, stops[:, channel]) for channel in range(3)], axis=-1).astype(np.float32)


def own_colors(points: Points, rows: np.ndarray) -> np.ndarray:
    """``(m, 3)`` float32, each point's own colour."""
    colors = points.palette[points.codes[rows]]
    if points.values is not None:
        values = points.values[rows]
        known = ~np.isnan(values)
        colors[known] = scale(values[known])
    return colors
