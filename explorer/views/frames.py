"""Draws the map off the event loop: of a burst of requests only the last is drawn, and visitors do not wait for each other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from explorer.raster import Frame, Points, Viewport, render
from explorer.session.coloring import Coloring

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-frame")  # threads without state; numpy lets the GIL go
_LOG = logging.getLogger("explorer")
LARGEST = 4096  # pixels on a side that a page may ask for


class Frames:
    """The pictures of one visit."""

    def __init__(self, send: Callable[[Frame, dict[str, Any]], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._wanted: tuple[Points, dict[str, Any]] | None = None
        self._drawing = False

    def ask(self, points: Points, request: dict[str, Any]) -> None:
        """Have a picture drawn and sent; an earlier wish that is not begun yet is forgotten."""
        with self._lock:
            self._wanted = (points, request)
            if self._drawing:
                return
            self._drawing = True
        _POOL.submit(self._draw)

    def _draw(self) -> None:
        while True:
            with self._lock:
                if self._wanted is None:
                    self._drawing = False
                    return
                (points, request), self._wanted = self._wanted, None
            try:
                view = viewport(request)
                frame = render(points, view)
                made = {"picture": frame.webp(), "viewport": request["viewport"], "sequence": request["sequence"]}
                told = {"seen": frame.seen, "of": len(points.layout), "counts": frame.counts.tolist(), "densest": frame.densest}
                self._send(frame, made | told)
            except Exception as problem:  # the pool's last door: without it a failure would leave the map blank without a word
                _LOG.error("the map could not be drawn", exc_info=problem)


def viewport(request: dict[str, Any]) -> Viewport:
    """A page's wish as a viewport; sizes are held within what a screen can have."""
    x0, x1, y0, y1 = (float(edge) for edge in request["viewport"])
    if not all(np.isfinite((x0, x1, y0, y1))) or x1 <= x0 or y1 <= y0:
        raise ValueError(f"not a viewport: {request['viewport']!r}")
    ratio = min(2.0, max(0.5, float(request.get("ratio") or 1.0)))
    width, height = (int(min(LARGEST / ratio, max(1, float(request[side])))) for side in ("width", "height"))
    return Viewport(x0, x1, y0, y1, width, height, ratio)


def points(layout: np.ndarray, coloring: Coloring, shown: np.ndarray | None, selection: np.ndarray) -> Points:
    """What the raster draws for a session's layout, colours, shown items and selection."""
    palette = np.array([[int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)] for color in coloring.colors], np.float32)
    values = None
    if coloring.values is not None:
        low, high = coloring.bounds
        values = np.clip((coloring.values - low) / ((high - low) or 1.0), 0.0, 1.0)
    return Points(layout, coloring.codes, palette, values, shown, selection if selection.any() else None)
