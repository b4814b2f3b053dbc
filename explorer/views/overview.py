"""The small picture of everything in the map's corner."""

from __future__ import annotations

import threading
from typing import Any

from explorer.raster import Frame, Points
from explorer.session.points import drawn
from explorer.views.frames import Frames, viewport
from explorer.views.part import Part

LATER = 0.3  # seconds after a change: the map's own picture comes first


class Overview(Part):
    """Drawn while the page asks for it (zoomed in, that is), and again when colours, selection or layout change."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._frames = Frames(view.scenes, self._send)
        self._request: dict[str, Any] | None = None
        self._timer: threading.Timer | None = None
        self.watch(self._changed, "layout", "selection", "color_by", "hidden", "density_scale", "filters", "clusters", "labels")

    def on_overview(self, request: dict[str, Any] | None) -> None:
        """Draw what the request (as that of ``view``) looks at from now on; None for nothing."""
        if request is not None:
            view = viewport(request)
            edges = [view.x0, view.x1, view.y0, view.y1]
            request = {"viewport": edges, "width": view.width, "height": view.height, "ratio": view.ratio} | {
                "sequence": request.get("sequence")
            }
        self._request = request
        self._draw()

    def _changed(self, *events: Any) -> None:
        if self._request is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(LATER, lambda: self.view._later(self._draw))  # perhaps it is another visit's thread now
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """The visit is over."""
        if self._timer is not None:
            self._timer.cancel()
        super().close()

    def _draw(self) -> None:
        session = self.session
        if self._request is None or session.layout is None:
            return
        self._frames.ask(drawn(session, self.view._colors()), self._request)

    def _send(self, frame: Frame, points: Points, message: dict[str, Any]) -> None:
        self.view.page.send(overview={name: message[name] for name in ("picture", "viewport", "sequence")})
