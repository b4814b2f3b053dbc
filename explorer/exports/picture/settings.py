"""How a picture is made: each setting is declared here once, and options, checks and messages follow from it."""

from __future__ import annotations

import param

from explorer.step import Settings

MOST = 12_000  # pixels on a side
WIDE = 900.0  # units that a large picture's longer side counts where no size of text is asked for; a unit is at least a pixel
TEXT = 12.0  # units, the size of a name on the map; all else is drawn in proportion


class PictureSettings(Settings):
    """What a picture of the map is like."""

    method = "picture"

    width = param.Integer(2000, bounds=(100, MOST), doc="Pixels from left to right.")
    height = param.Integer(
        None, bounds=(100, MOST), allow_None=True, doc="Pixels from top to bottom; none: as the map's own shape asks."
    )
    dpi = param.Number(300.0, bounds=(10, 2400), doc="Pixels an inch, written into the file: how large it is when printed.")
    text_size = param.Number(
        None, bounds=(2, 100), allow_None=True, doc="Points, of the names when printed; none: in proportion to the picture."
    )
    legend = param.Boolean(True, doc="A legend at the right: what the colours mean.")
    names = param.Boolean(True, doc="Names of clusters and categories on the map.")
    axes = param.Boolean(False, doc="A frame with ticks in the layout's units.")
    ground = param.Selector(default="light", objects=["light", "dark", "transparent"], doc="What is behind the points.")

    @property
    def ratio(self) -> float:
        """Pixels a unit: sizes of text and points are in units, so that a large picture is one for a screen, magnified."""
        if self.text_size is not None:
            return float(self.text_size / 72 * self.dpi / TEXT)
        return max(1.0, float(max(self.width, self.height or 0)) / WIDE)
