"""Points, colours and a viewport to a picture: every point counts, as a disc while they are few and in its pixel beyond."""

from explorer.grid import SMALL, bounds
from explorer.raster.picture import Frame, Viewport
from explorer.raster.points import NUMBER_SCALE, SCALINGS, Points
from explorer.raster.scene import FEW, Scene, nearest, render

__all__ = ["FEW", "NUMBER_SCALE", "SCALINGS", "SMALL", "Frame", "Points", "Scene", "Viewport", "bounds", "nearest", "render"]
