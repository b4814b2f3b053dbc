"""Several views side by side that follow each other: two layouts, two models, two datasets, by the items' ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import panel as pn
import param
from panel.viewable import Viewer

from explorer.errors import InputError, unknown
from explorer.raster import bounds
from explorer.selection import Ids
from explorer.session import Session
from explorer.session.history import Selected
from explorer.views.explorer import Explorer
from explorer.views.map import Map
from explorer.views.shared import SharedLabels

SYNC = ("selection", "camera", "hovered", "color_by", "filters", "labels")


class Composed(Viewer):
    """Views beside each other; what is done in one is done in the others, as far as it can be.

    A selection, what is pointed at and labels go over by id: ids that the other does not have are left out. Of labels, only what
    somebody changes from then on goes over; what either had before stays. A camera goes over as it is between maps of one layout;
    between others as the same share of the whole. A filter or a colour that the other does not know stays where it is.
    """

    def __init__(self, views: Sequence[Explorer], sync: Sequence[str], own: Sequence[Explorer] = ()) -> None:
        super().__init__()
        self._own = tuple(own)  # made for this, and so closed with it
        self.views = tuple(views)
        self.sync = tuple(sync)
        # Of each thread its own: a notebook's page speaks in another than its cells.
        self._following: ContextVar[bool] = ContextVar("following", default=False)
        self._labels = SharedLabels(self.views)
        self._begin_alike()
        self._watchers = [(view, view.param.watch(self._follow, list(self.sync))) for view in self.views] if self.sync else []

    def __panel__(self) -> pn.Row:
        return pn.Row(*self.views, sizing_mode="stretch_width")

    @property
    def widget(self) -> Any:
        """All of them in one ipywidget."""
        from explorer.views.cell import beside

        return beside([view.widget for view in self.views])

    def _ipython_display_(self) -> None:
        from explorer.views.cell import show

        show([view.whole for view in self.views])

    def _display_(self) -> Any:
        return self.widget

    def unlink(self) -> None:
        """Let each go its own way again."""
        for view, watcher in self._watchers:
            view.param.unwatch(watcher)
        self._watchers = []

    def close(self) -> None:
        """Let each go its own way, and close the views that were made for this; those that were given go on."""
        self.unlink()
        for view in self._own:
            view.close()
        self._own = ()

    def _begin_alike(self) -> None:
        """What is so in one when they are put together is so in all; the first that has something leads."""
        has: dict[str, Callable[[Explorer], bool]] = {
            "color_by": lambda view: True, "filters": lambda view: bool(view.filters),
            "camera": lambda view: view.camera is not None, "selection": lambda view: bool(view.session.selection.any()),
        }  # fmt: skip
        for name in (name for name in has if name in self.sync):
            leader = next((view for view in self.views if has[name](view)), None)
            for other in self.views:
                if leader is not None and other is not leader:
                    carry(name, leader, other)

    def _follow(self, *events: param.parameterized.Event) -> None:
        for event in events:
            if event.name == "labels":  # which know themselves what came from another view
                self._labels.changed(event.obj)
        if self._following.get():
            return
        with self._alone():
            for event in events:
                for other in self.views:
                    if other is not event.obj and event.name != "labels":
                        carry(event.name, event.obj, other)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        before = self._following.set(True)
        try:
            yield
        finally:
            self._following.reset(before)


def carry(name: str, one: Explorer, other: Explorer) -> None:
    """Give a value of one view to another, as far as it means something there."""
    if name == "camera":
        other.camera = _looking(one, other)
    elif name == "selection":
        _carry_selection(one.session, other.session)
    elif name == "hovered":
        other.hovered = next(iter(_known([one.hovered], other)), None) if one.hovered is not None else None
    else:
        try:
            setattr(other, name, getattr(one, name))
        except InputError:  # it has no such column
            return


def _carry_selection(one: Session, other: Session) -> None:
    """By masks: of a million items, ids are looked up only where the two have other ones."""
    mask = one.selection
    if not (one.dataset is other.dataset or one.dataset.index.equals(other.dataset.index)):
        rows = other.dataset.index.get_indexer(one.dataset.index[mask])
        mask = np.zeros(len(other.dataset), bool)
        mask[rows[rows >= 0]] = True
    if not np.array_equal(mask, other.selection):
        other._brush(Selected(mask.copy(), Ids(other.dataset.ids[mask]) if mask.any() else None))


def _known(ids: Any, view: Explorer) -> list[Any]:
    """Those of some ids that a view has, too."""
    return view.session.dataset.known(ids)


def _looking(one: Explorer, other: Explorer) -> tuple[float, ...] | None:
    """Where the other would look if it looked as this one does."""
    layouts = one.session.layout, other.session.layout
    camera = one.camera
    if camera is None or layouts[0] is None or layouts[1] is None or layouts[0].key == layouts[1].key:
        return camera
    boxes = [bounds(layout.values) for layout in layouts if layout is not None]
    if boxes[0] is None or boxes[1] is None:
        return None
    made: list[float] = []
    for axis in (0, 2):
        (low, high), (to_low, to_high) = boxes[0][axis : axis + 2], boxes[1][axis : axis + 2]
        scale = (to_high - to_low) / (high - low or 1.0)
        made += [to_low + (side - low) * scale for side in camera[axis : axis + 2]]
    return tuple(made)


def compose(*views: Any, sync: Sequence[str] = ("selection", "camera")) -> Composed:
    """Show several views side by side, linked by ids.

    Parameters
    ----------
    views
        `Explorer` or `Map` objects, or anything that a `Map` takes.
    sync
        What they share: of "selection", "camera", "hovered", "color_by", "filters" and "labels".

    Raises
    ------
    InputError
        For fewer than two views, or something else to share.

    Examples
    --------
    >>> explorer.compose(explorer.Map(first), explorer.Map(second))    # doctest: +SKIP
    """
    names = (sync,) if isinstance(sync, str) else tuple(sync)
    for name in names:
        if name not in SYNC:
            raise unknown("thing to share", name, list(SYNC))
    if len(views) < 2:
        raise InputError(f"compose shows several views side by side, and was given {len(views)}; pass two or more")
    shown = [view if isinstance(view, Explorer) else Map(view) for view in views]
    return Composed(shown, names, [made for made, given in zip(shown, views, strict=True) if made is not given])


__all__ = ["SYNC", "Composed", "carry", "compose"]
