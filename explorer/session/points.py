"""What the raster draws for a session: its layout, colours, shown items and selection."""

from __future__ import annotations

import numpy as np

from explorer.raster import Points
from explorer.session.coloring import Coloring


def points(layout: np.ndarray, coloring: Coloring, shown: np.ndarray | None, selection: np.ndarray) -> Points:
    """What the raster draws for a session's layout, colours, shown items and selection."""
    chosen = selection if selection.any() else None
    return Points(layout, coloring.codes, coloring.palette, coloring.shades, shown, chosen, density=coloring.kind == "density")
