"""The page as an ipywidget, by anywidget: it sits in ipywidgets' layouts and works wherever those do, and asks no network."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from explorer.installation import comm_advice
from explorer.views.cell import arrived
from explorer.views.component import script, style
from explorer.views.mirror import MIRRORED, Mirrored, Told

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

MOST_SHOWN = 4  # pages of one widget: some were closed without a word


class Value(traitlets.Any):
    """A trait that is a value of the view's: what is assigned to it goes there, and who observes it hears what came of it."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The view's value; None of a widget whose view is gone."""
        view = obj.view()
        return None if view is None else getattr(view, str(self.name))

    def set(self, obj: Any, value: Any) -> None:
        """Give it to the view, or take over what the view tells."""
        if isinstance(value, Told):
            super().set(obj, value.value)
        elif (view := obj.view()) is not None:
            setattr(view, str(self.name), value)


class Widget(anywidget.AnyWidget):
    """A view's page, or areas of it, in a notebook.

    Jupyter keeps every widget for ever. So the widget holds its view only while a page shows it: a cell that is run again, or an
    output that is cleared, lets the view go, with its session and the data.
    """

    _esm = script()
    sheet = traitlets.Unicode(style()).tag(sync=True)  # not "style", which ipywidgets takes for a model of its own
    areas = traitlets.List(traitlets.Unicode()).tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)
    advice = traitlets.Unicode().tag(sync=True)

    def __init__(self, view: Explorer, areas: tuple[str, ...], height: int, still: str) -> None:
        self.view = weakref.ref(view)
        self.add_traits(**{name: Value(help=Mirrored.param[name].doc) for name in MIRRORED})  # not sent: the page gets pictures
        super().__init__(areas=list(areas), height=height, still=still, advice=comm_advice())
        self._held: Explorer | None = None
        self._shown: dict[str, None] = {}  # the pages that show it, who spoke last at the end
        self._lasting = still == view.whole.identity  # it is observed though no page shows it; a part that went is made again
        self.on_msg(self._hear)
        self._follow(view)
        weakref.finalize(view, self.close).atexit = False

    def __repr__(self) -> str:
        return f"<{'Map' if self.areas == ['map'] else 'Explorer'} widget>"

    def _follow(self, view: Explorer) -> None:
        """Hear what the view tells, on the page and as traits."""
        if self not in view._traits:
            view._traits.append(self)
            view.page.add(self)

    def _leave(self) -> None:
        view = self.view()
        if view is not None and self in view._traits:
            view._traits.remove(self)
            view.page.remove(self)

    def close(self) -> None:
        """Take it out of the notebook's page."""
        self._held = None
        self._leave()
        super().close()

    def deliver(self, message: dict[str, Any]) -> None:
        """Bring a message to the page."""
        buffers: list[Any] = []
        self.send(packed(message, buffers), buffers)

    def _hear(self, widget: Any, content: Any, buffers: Any) -> None:
        view = self.view()
        if view is None or not isinstance(content, dict):
            return
        page = str(content.get("of", ""))
        if content.get("verb") in ("ready", "view"):
            self._note(page, view)
        elif content.get("verb") == "gone":
            self._shown.pop(page, None)
            if not self._shown and not self._lasting:
                self._leave()
        self._held = view if self._shown else None
        view.page.heard(content, self)

    def _note(self, page: str, view: Explorer) -> None:
        """A page shows it. Of many the one that has been silent longest is taken for gone; when it speaks it is there again."""
        self._shown.pop(page, None)
        self._shown[page] = None
        while len(self._shown) > MOST_SHOWN:
            silent = next(iter(self._shown))
            del self._shown[silent]
            view._forget(silent)
        arrived(view)
        self._follow(view)


def packed(value: Any, buffers: list[Any]) -> Any:
    """A message as plain JSON: ``{"$": place}`` stands for bytes, which go into `buffers`, a name for a number that JSON has not.

    >>> kept = []
    >>> packed({"picture": b"abc", "x": float("nan")}, kept), kept
    ({'picture': {'$': 0}, 'x': {'$': 'NaN'}}, [b'abc'])
    """
    if isinstance(value, dict):
        return {str(name): packed(part, buffers) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [packed(part, buffers) for part in value]
    if isinstance(value, np.ndarray):
        return packed(value.tolist(), buffers)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes | bytearray | memoryview):
        buffers.append(value)
        return {"$": len(buffers) - 1}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return value


__all__ = ["Widget", "packed"]
