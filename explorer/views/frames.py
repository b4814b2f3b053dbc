"""Draws the map off the event loop: of a burst of requests only the last is drawn, and visitors do not wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

from explorer.raster import Frame, Points, Scene, Viewport
from explorer.raster.picture import edges
from explorer.session import Session
from explorer.views.newest import Newest

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-frame")  # threads without state; numba lets the GIL go
LARGEST = 4096  # pixels on a side that a page may ask for


class Scenes:
    """What a visit's pictures show, made in their threads: what one of them worked out is there for the next."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._last: Scene | None = None

    @property
    def last(self) -> Scene | None:
        """The scene that was drawn last."""
        return self._last

    def of(self, points: Points) -> Scene:
        """The scene of some points."""
        with self._lock:
            if self._last is None or not _same(self._last.points, points):
                layout = self._session.layout
                fitting = points.grid is None and layout is not None and layout.values is points.layout
                self._last = Scene(replace(points, grid=self._session.make_grid()) if fitting else points, self._last)
            return self._last


def _same(one: Points, other: Points) -> bool:
    """Whether two are of the same arrays."""
    return all(getattr(one, part.name) is getattr(other, part.name) for part in fields(Points) if part.name != "grid")


class Frames:
    """The pictures of one map; of a burst of wishes only the last is drawn."""

    def __init__(self, scenes: Scenes, send: Callable[[Frame, Points, dict[str, Any]], None]) -> None:
        self._scenes = scenes
        self._send = send
        self._newest = Newest(_POOL, self._draw)

    def ask(self, points: Points, request: dict[str, Any]) -> None:
        """Have a picture drawn and sent; an earlier wish that is not begun yet is forgotten."""
        self._newest.ask((points, request))

    def _draw(self, wish: tuple[Points, dict[str, Any]]) -> None:
        points, request = wish
        frame = self._scenes.of(points).draw(viewport(request))
        view = frame.view
        made = {"picture": frame.webp(), "viewport": [view.x0, view.x1, view.y0, view.y1], "sequence": request["sequence"]}
        made |= {"seen": frame.seen, "of": len(points.layout), "counts": frame.counts.tolist(), "by": request.get("by", "")}
        self._send(frame, points, made | {"densest": frame.densest, "crowd": frame.crowd})


def viewport(request: dict[str, Any]) -> Viewport:
    """A page's wish as a viewport; sizes are held within what a screen can have."""
    x0, x1, y0, y1 = edges(request["viewport"])
    ratio = min(2.0, max(0.5, float(request.get("ratio") or 1.0)))
    width, height = (int(min(LARGEST / max(1.0, ratio), max(1, float(request[side])))) for side in ("width", "height"))
    return Viewport(x0, x1, y0, y1, width, height, ratio)


__all__ = ["LARGEST", "Frames", "Scenes", "viewport"]
