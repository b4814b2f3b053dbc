"""The nearest neighbours of the item that is looked at, and growing a selection by them; computed off the event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from explorer import drawing
from explorer.errors import InputError, unknown
from explorer.neighbors import ROW_METRICS
from explorer.selection import Ids
from explorer.session.nearby import Nearby, metric_of
from explorer.step import Progress, Result
from explorer.views import items
from explorer.views.newest import Newest
from explorer.views.part import Part

MOST = 100  # neighbours in the list
MOST_GROWN = 1_000  # neighbours of each selected item
QUIET = 1.0  # seconds of growing before the page says so
OFTEN = 0.2  # seconds between two reports
COPIED = 100_000  # ids that go to the clipboard at once

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-neighbours")  # BLAS lets the GIL go


class Search(NamedTuple):
    """An item whose neighbours are wanted."""

    row: int
    k: int
    metric: str
    features: Result
    shown: np.ndarray | None


class Growth(NamedTuple):
    """A selection that is to grow."""

    selection: np.ndarray
    k: int
    metric: str
    features: Result


class Neighbours(Part):
    """Lists an item's neighbours, selects them, grows the selection, and copies ids.

    Neighbours are the nearest of all items, whatever is hidden: hidden ones are listed as such, and neither drawn nor selected.
    """

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._finding: Newest[Search] = Newest(_POOL, self._find)
        self._growing: Newest[Growth] = Newest(_POOL, self._grow)
        self._row = -1
        self._found = np.zeros(0, np.int64)
        self.watch(self._selection_changed, "selection")
        self.watch(self._features_changed, "features")

    def ready(self) -> None:
        """The page is there, perhaps anew: nothing is looked at."""
        self.view.page.set(neighbours=None, growing=None)

    # An item's neighbours

    def on_neighbours(self, row: int, k: int, metric: str | None) -> None:
        """Find an item's neighbours, and send them when they are found."""
        session = self.session
        if not isinstance(row, int) or not 0 <= row < len(session.dataset):
            raise InputError(f"there is no item in row {row!r}")
        if session.features is None:  # a map that was given: there is nothing to be near in, and nobody asked for it in words
            self.view.page.set(neighbours={"row": row, "missing": "There are no features yet: run the first step on the left."})
            return
        chosen, many = metric or metric_of(session.features), whole_number(k, MOST)
        if chosen not in ROW_METRICS:
            raise unknown("metric", chosen, ROW_METRICS)
        self._finding.ask(Search(row, many, chosen, session.features, session.shown))

    def on_neighbours_off(self) -> None:
        """No item is looked at any more."""
        self._finding.stop()
        self._row = -1
        self.view.page.set(neighbours=None)

    def on_select_neighbours(self, row: int, mode: str) -> None:
        """Select the item that is looked at with the neighbours that are listed."""
        if row != self._row:  # the page was quicker than the answer
            return
        rows = np.concatenate([[self._row], self._found])
        shown = self.session.shown
        rows = rows if shown is None else rows[shown[rows]]
        self.session.select(Ids(self.session.dataset.ids[rows]), mode)

    @property
    def _nearby(self) -> Nearby:
        found: Nearby = self.session._nearby
        return found

    def _find(self, wish: Search) -> None:
        row, k, metric, features, shown = wish
        stop = Progress(cancelled=lambda: self._finding.outdated)
        rows, distances = self._nearby.nearest(features, np.array([row]), k, metric, stop)
        rows, distances = rows[0][rows[0] >= 0], distances[0][rows[0] >= 0]
        about = {"row": row, "title": items.title(self.session.dataset, row)}
        listed = about | {"k": k, "metric": metric, "metrics": list(ROW_METRICS)}
        listed |= {"items": [self._about(int(one), float(far), shown) for one, far in zip(rows, distances, strict=True)]}
        pictures = [self._thumb(int(one)) for one in (row, *rows)]
        with self._finding.wanted():
            self._row, self._found = row, rows
            self.view.page.set(neighbours=listed | {"pictures": pictures})

    def _about(self, row: int, distance: float, shown: np.ndarray | None) -> dict[str, Any]:
        """One line of the list."""
        session = self.session
        about = {"row": row, "title": items.title(session.dataset, row), "distance": distance, "x": None, "y": None}
        if session.layout is not None and session.layout.valid[row]:
            about |= dict(zip("xy", map(float, session.layout.values[row]), strict=True))
        text = session.dataset.texts(np.array([row]))[0] if "text" in session.dataset.roles else ""
        about["text"] = "" if text == about["title"] else text[: items.WORDS]
        return about | {"hidden": bool(shown is not None and not shown[row])}

    def _thumb(self, row: int) -> bytes | None:
        return (self.view.thumbs.get(row) or None) if drawing.drawable(self.session.dataset) else None

    def _features_changed(self, *events: Any) -> None:
        self._finding.stop()
        self._growing.stop()
        self.view.page.set(neighbours=None)

    # Growing the selection

    def on_grow(self, k: int = 1) -> None:
        """Add the neighbours of every selected item to the selection."""
        session = self.session
        metric = metric_of(session.features)
        if not session.selection.any():
            raise InputError("nothing is selected that could grow; draw a box or a lasso on the map first")
        many = whole_number(k, MOST_GROWN)
        self._growing.ask(Growth(session.selection, many, metric, session.features))

    def on_grow_stop(self) -> None:
        """Leave the selection as it is."""
        if self._growing.stop():
            self.view.page.set(growing=None)

    def _grow(self, wish: Growth) -> None:
        rows = np.flatnonzero(wish.selection)

        def report(fraction: float) -> None:
            with self._growing.wanted():
                self.view.page.set(growing={"fraction": fraction, "of": len(rows)})

        tell = Told(report)
        found = self._nearby.around(wish.features, rows, wish.k, wish.metric, Progress(tell, lambda: self._growing.outdated))
        if not self._growing.outdated:
            self.view._later(lambda: self._grown(found, wish.k, wish.selection))

    def _grown(self, found: np.ndarray, k: int, selection: np.ndarray) -> None:
        self.view.page.set(growing=None)
        if selection is not self.session.selection:  # something else was selected meanwhile
            return
        before = int(self.session.selection.sum())
        after = int(self.session.add_rows(found).sum())
        added = f"{after - before:,} added" if after > before else "nothing to add"
        self.view._toast(f"{added}: the {f'{k} nearest neighbours' if k > 1 else 'nearest neighbour'} of every selected item")

    def _selection_changed(self, *events: Any) -> None:
        if self._growing.stop():  # it would grow what is no longer selected
            self.view.page.set(growing=None)

    # Ids

    def on_ids(self) -> None:
        """Send the selected ids, one a line, to be copied."""
        count = int(self.session.selection.sum())
        if count > COPIED:
            raise InputError(f"{count:,} ids are too many for the clipboard ({COPIED:,} are allowed): use Export")
        if count:
            self.view.page.answer(ids={"text": "\n".join(map(str, self.session.selected_ids)), "count": count})


class Told:
    """Hands on how far something is: not within the first second, and then a few times a second."""

    def __init__(self, say: Callable[[float], None]) -> None:
        self._say = say
        self._next = time.monotonic() + QUIET

    def __call__(self, fraction: float, note: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + OFTEN
            self._say(fraction)


def whole_number(value: Any, most: int) -> int:
    """A count from the page within what is allowed."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= most or value != int(value):
        raise InputError(f"how many neighbours takes a whole number from 1 to {most:,}, not {value!r}")
    return int(value)
