"""Keeps how a person left the page, with where the map looked, and takes it up again on the next visit."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from explorer.session.look import look, take_up
from explorer.views.part import Part
from explorer.workspace import DEFAULT_SET

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

LATER = 0.4  # seconds after a change


class Look(Part):
    """What is kept is a comfort: nothing waits for it, and labels do not depend on it."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._waiting: Any = None
        self._changed = False
        self._kept = self.session.workspace.view(self.session.user) if self._keeps else {}
        session = self.session
        if session.selection.any() or session.filters or session.color_by != "none" or session.label_set != DEFAULT_SET:
            self._kept = {}  # somebody has done something with this session already: it is theirs
        take_up(self.session, self._kept)
        self.watch(self._note, "color_by", "density_scale", "hidden", "filters", "selection", "label_set")

    @property
    def _keeps(self) -> bool:
        return self.session.workspace.path is not None

    def ready(self) -> None:
        """Where the map looked, if it still is the same map."""
        camera, self._kept = self._camera_of(self._kept), {}
        if camera is not None and self.view.camera is None:
            self.view.page.set(camera=camera)

    def _camera_of(self, kept: dict[str, Any]) -> list[float] | None:
        found, layout = kept.get("camera"), self.session.layout
        if layout is None or not isinstance(found, list) or len(found) != 5 or found[0] != layout.key:
            return None
        sides = found[1:]
        return sides if all(isinstance(side, int | float) and math.isfinite(side) for side in sides) else None

    def looked(self, request: dict[str, Any]) -> None:
        """The map looks somewhere else now."""
        self._note()

    def _note(self, *events: Any) -> None:
        self._changed = True
        loop = self.view._loop
        if self._keeps and self._waiting is None and loop is not None and loop.is_running():
            self._waiting = False  # on its way: the loop may be another thread's, as a notebook's page speaks beside the cells
            loop.call_soon_threadsafe(self._wait, loop)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting is False:
            self._waiting = loop.call_later(LATER, self._keep)

    def _keep(self) -> None:
        self._waiting = None
        if not self._changed or not self._keeps:
            return
        self._changed = False
        layout = self.session.layout
        sides = self.view.camera
        camera = {} if sides is None or layout is None else {"camera": [layout.key, *sides]}
        self.session.workspace.keep_view(self.session.user, look(self.session) | camera)

    def close(self) -> None:
        """The visit is over: what changed last is kept too."""
        super().close()
        if self._waiting:
            self._waiting.cancel()
        self._waiting = None
        self._keep()
