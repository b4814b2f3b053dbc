"""Shows views in a notebook's cell: first a picture that stays in the saved notebook, then the live page in its place."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.installation import comm_advice
from explorer.views.completing import nobody_looks, settle
from explorer.views.still import still
from explorer.views.watching import watch

if TYPE_CHECKING:
    from explorer.views.area import Area

_LOG = logging.getLogger("explorer")
MOST = 8  # cells whose pictures follow
LATER = 1.5  # seconds after a change, and between two: the picture is written into the notebook anew
_AWAITED: list[Any] = []  # the views that were shown last, as long as no page of theirs has spoken
CHANGES = ("selection", "sets", "label_set", "layout", "clusters", "color_by", "hidden", "filters")


def show(areas: Sequence[Area]) -> None:
    """Show areas side by side in the cell that runs; their pictures follow every change, so that a saved notebook has the last."""
    if nobody_looks():
        for area in areas:
            settle(area.view)
    for area in areas:
        area.picture.show()
    try:
        widgets = [area.widget for area in areas]
    except InputError as problem:
        _display({"text/plain": str(problem)})
        return
    from IPython.display import display

    _AWAITED[:] = [area.view for area in areas]  # nothing else may hold them until their pages speak
    display(widgets[0] if len(widgets) == 1 else beside(widgets))


def beside(widgets: Sequence[Any]) -> Any:
    """Widgets next to each other, each as wide as the others."""
    import ipywidgets

    for widget in widgets:
        widget.layout.flex = "1 1 0"
        widget.layout.min_width = "0"
    row = ipywidgets.HBox(list(widgets))
    for widget in widgets:
        view = widget.view()
        if view is not None:  # ipywidgets keeps the row for ever, and with it the widgets
            weakref.finalize(view, row.close).atexit = False
    return row


def arrived(view: Any) -> None:
    """A page shows it, and the widget holds it now."""
    _AWAITED[:] = [one for one in _AWAITED if one is not view]


class Picture:
    """The still picture of an area, in every cell that shows it, kept up to date for as long as its view is there."""

    def __init__(self, area: Area) -> None:
        self._area = weakref.ref(area)
        self._timer: threading.Timer | None = None
        self._names: list[str] = []
        self._unwatch = watch(area.view.session, self._changed, CHANGES)
        area.view.at_end(self._end)

    def show(self) -> None:
        """Put it into the cell that runs."""
        area = self._area()
        if area is not None:
            name = f"explorer-{area.identity}-{len(self._names)}"
            _display(self._made(area), name)
            self._names = [*self._names, name][-MOST:]

    def _made(self, area: Area) -> dict[str, str]:
        return still(area.view.session, area.identity, hint=comm_advice(), why=area.view.pipeline.trouble)

    def _changed(self, *events: Any) -> None:
        if self._timer is None and self._names:
            self._timer = threading.Timer(LATER, self._again)
            self._timer.daemon = True
            self._timer.start()

    def _again(self) -> None:
        self._timer = None
        area = self._area()
        if area is None:
            return
        try:
            made = self._made(area)
            for name in self._names:
                _display(made, name, update=True)
        except Exception as problem:  # a thread's last door: the session goes on meanwhile, and its next change makes it again
            _LOG.debug("the still picture was not made anew", exc_info=problem)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._unwatch()


def _display(bundle: dict[str, str], name: str | None = None, *, update: bool = False) -> None:
    from IPython.display import display

    named = {} if name is None else {"display_id": name, "update": update}
    display(bundle, raw=True, **named)


__all__ = ["beside", "show"]
