"""What the raster draws for a session: its layout, colours, shown items and selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.raster import SCALINGS, Points
from explorer.session.coloring import Coloring

if TYPE_CHECKING:
    from explorer.session import Session


def drawn(session: Session, coloring: Coloring) -> Points:
    """What the map of a session with a layout shows now, by the session's own coloring."""
    return points(session.layout.values, coloring, session.shown, session.selection, session.density_scale)


def points(
    layout: np.ndarray, coloring: Coloring, shown: np.ndarray | None, selection: np.ndarray, scaling: str = SCALINGS[0]
) -> Points:
    """What the raster draws for a session's layout, colours, shown items and selection."""
    chosen = selection if selection.any() else None
    density = coloring.kind == "density"
    return Points(layout, coloring.codes, coloring.palette, coloring.shades, shown, chosen, density, scaling)
