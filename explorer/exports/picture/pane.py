"""The map's box on a sheet, and where in it a place of the layout is; one scale for both axes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pane:
    """A box in units, and the part of the layout ``(x0, x1, y0, y1)`` that it shows."""

    x: float
    y: float
    width: int
    height: int
    view: tuple[float, float, float, float]

    @classmethod
    def fitted(cls, x: float, y: float, width: float, height: float, viewport: tuple[float, float, float, float]) -> Pane:
        """The box of whole units that shows all of a viewport, and more on two sides where it has another shape."""
        wide, tall = max(1, int(width)), max(1, int(height))
        x0, x1, y0, y1 = viewport
        scale = max((x1 - x0) / wide, (y1 - y0) / tall)
        middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), (scale * wide / 2, scale * tall / 2)
        return cls(x, y, wide, tall, (middle[0] - half[0], middle[0] + half[0], middle[1] - half[1], middle[1] + half[1]))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the sheet a place of the layout is."""
        x0, x1, y0, y1 = self.view
        return self.x + (x - x0) / (x1 - x0) * self.width, self.y + (y1 - y) / (y1 - y0) * self.height
