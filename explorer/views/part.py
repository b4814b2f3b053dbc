"""A part of the page beyond its core: it hears verbs of its own and sends what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.views.newest import Newest
from explorer.views.watching import watch

if TYPE_CHECKING:
    from explorer.raster import Frame, Points
    from explorer.views.explorer import Explorer


class Part:
    """Subclasses answer the page's verb ``name`` in a method ``on_name`` whose arguments are the message's fields.

    What a handler raises as `InputError` is shown to the person; fields come from the wire and may be anything.
    """

    def __init__(self, view: Explorer) -> None:
        self.view = view
        self.session = view.session
        self._watching: list[Callable[[], None]] = []

    def watch(self, callback: Callable[..., None], *names: str) -> None:
        """Call a method back when one of the session's parameters changes, until the view is closed or gone."""
        self._watching.append(watch(self.session, callback, names))

    def verbs(self) -> dict[str, Callable[..., None]]:
        """What it answers to."""
        return {name.removeprefix("on_"): getattr(self, name) for name in dir(self) if name.startswith("on_")}

    def ready(self) -> None:
        """The page is there, perhaps anew: send it everything."""

    def drawn(self, frame: Frame, points: Points) -> dict[str, Any]:
        """Plain values to go with a picture of some points to the page.

        Called in a thread of the pictures, while the session goes on: what was drawn is to be had from the points alone.
        """
        return {}

    def looked(self, request: dict[str, Any]) -> None:
        """The page asks for a picture: the map looks somewhere else, perhaps."""

    def close(self) -> None:
        """The visit is over: what runs for it stops, before its session ends."""
        for work in vars(self).values():
            if isinstance(work, Newest):
                work.stop()
        for end in self._watching:
            end()
        self._watching = []
