"""What a picture of a session's map is of: gathered here as plain values, so that it can be drawn in another thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import InputError
from explorer.exports.picture import Entry, Figure, Legend, Name
from explorer.raster import NUMBER_SCALE, bounds
from explorer.raster.picture import edges
from explorer.session.coloring import GREY, Coloring, ends
from explorer.session.names import names
from explorer.session.points import drawn

if TYPE_CHECKING:
    from explorer.session import Session

ACRONYM = 4  # letters of a method's name that are written as capitals: UMAP, PCA
AROUND = 0.04  # of the layout's larger side that is left free on each side


def figure(session: Session, viewport: Sequence[float] | None = None, coloring: Coloring | None = None) -> Figure:
    """The map as it is now: what is shown, its colours, its selection and its names.

    Parameters
    ----------
    viewport
        ``(x0, x1, y0, y1)`` that must be seen; None for all of it.
    coloring
        The session's own, where it is known already.

    Raises
    ------
    InputError
        Where there is no layout, or no item has a place in it, or for a viewport that is none.
    """
    if session.layout is None:
        raise InputError("there is no layout yet to make a picture of; first call session.reduce(), or run the layout step")
    view = _everything(session) if viewport is None else _checked(viewport)
    coloring = coloring or session.coloring()
    layout, shown = session.layout, session.shown
    named = tuple(Name(one["text"], one["x"], one["y"], tuple(one["more"]), one.get("color", "")) for one in names(session, shown))
    method = layout.method.upper() if len(layout.method) <= ACRONYM else layout.method
    axes = ("x", "y") if method == "given" else (f"{method} 1", f"{method} 2")
    legend = _legend(coloring, _seen(session, view))
    return Figure(drawn(session, coloring), view, named, legend, axes, session.dataset.name, _about(session))


def _everything(session: Session) -> tuple[float, float, float, float]:
    box = bounds(session.layout.values)
    if box is None:
        raise InputError("no item has a place in this layout (its rows are NaN), so there is nothing to make a picture of")
    x0, x1, y0, y1 = box
    free = AROUND * max(x1 - x0, y1 - y0)
    return x0 - free, x1 + free, y0 - free, y1 + free


def _checked(viewport: Sequence[float]) -> tuple[float, float, float, float]:
    try:
        return edges(viewport)
    except ValueError as problem:
        wanted = "give (x0, x1, y0, y1) in the layout's units, with x0 < x1 and y0 < y1"
        raise InputError(f"{viewport!r} is not a viewport; {wanted}") from problem


def _seen(session: Session, view: tuple[float, float, float, float]) -> np.ndarray:
    """``(n,)`` bool: the items that are shown and within the viewport, which the legend counts."""
    x, y = session.layout.values[:, 0], session.layout.values[:, 1]
    x0, x1, y0, y1 = np.array(view, np.float64)  # or numpy rounds the edges to the layout's float32
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    return inside if session.shown is None else inside & session.shown


def _legend(coloring: Coloring, seen: np.ndarray) -> Legend:
    if coloring.kind == "category":
        listed = zip(coloring.names, coloring.colors, coloring.counts(seen), strict=True)
        entries = [Entry(name, color, int(count), color == GREY) for name, color, count in listed if count]
        return Legend(coloring.title, tuple(entries))
    if coloring.kind == "number":
        low, high = ends(coloring)
        missing = int(coloring.counts(seen)[1])
        without = (Entry(coloring.names[1], coloring.colors[1], missing, True),) if missing else ()
        return Legend(coloring.title, without, NUMBER_SCALE, (low, high))
    return Legend("density", (), NUMBER_SCALE, ("few", "many")) if coloring.kind == "density" else Legend()


def _about(session: Session) -> str:
    made = [f"layout {session.layout.method}", *([] if session.clusters is None else [f"clusters {session.clusters.method}"])]
    colored = "" if session.color_by == "none" else f"; coloured by {session.color_by.removeprefix('column:')}"
    return f"{len(session.dataset):,} items of {session.dataset.name}; {', '.join(made)}{colored}"
