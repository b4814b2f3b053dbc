"""Linked views: bars of the columns that follow the map and filter it; counted in a thread, only while somebody looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.raster.points import scale as shades
from explorer.selection import Rule
from explorer.session.bins import KINDS, Bins, Ranges, Values, marks
from explorer.session.coloring import Coloring
from explorer.session.filters import describe, own_keys
from explorer.views.newest import Newest
from explorer.views.pages import Moment
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.views.explorer import Explorer

MOST = 24  # columns shown at a time
LIVE = 200_000  # items up to which the map follows a drag while it goes on
PATIENCE = 0.5  # seconds until the first columns are shown while others are being counted
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-columns")  # numpy lets the interpreter go on


@dataclass(frozen=True, eq=False)
class Wish:
    """What to count: the columns of the tab, the one that colours the map, and under which masks."""

    keys: tuple[str, ...]
    more: int
    total: int
    colored: Coloring | None
    column: str
    marks: tuple[np.ndarray | None, np.ndarray]
    filters: dict[str, Rule]
    moment: Moment
    open: bool


class Columns(Part):
    """The tab of columns, the legend's histogram, and the filters' chips."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._open = False
        self._search = ""
        self._newest: Newest[Wish] = Newest(_POOL, self._count)
        self.watch(self._changed, "selection", "filters", "hidden", "color_by", "clusters", "labels")

    def ready(self) -> None:
        """Send the chips, and what is looked at."""
        self._show()

    def close(self) -> None:
        """The visit is over."""
        super().close()
        self._open = False

    # Verbs

    def on_columns(self, open: bool, search: str) -> None:
        """The tab is opened, closed or searched."""
        self._open, self._search = bool(open), str(search)[:200]
        self._ask()

    def on_filter_range(self, column: str, low: float | None, high: float | None) -> None:
        """Show only what lies between two values of a column; an end that is None is open."""
        bins = self.session.bins(column)
        if not isinstance(bins, Ranges):
            raise InputError(f"{column!r} has no values to take a range of")
        self._filter(column, bins.rule(low, high))

    def on_filter_values(self, column: str, values: Sequence[str]) -> None:
        """Show only these bars of a column; none of them takes the filter away."""
        bins = self.session.bins(column)
        if isinstance(bins, Ranges) and values == ["(missing)"]:
            self._filter(column, bins.missing())
        elif isinstance(bins, Values):
            self._filter(column, bins.rule(values))
        else:
            raise InputError(f"{column!r} has no values to choose from")

    def on_unfilter(self, column: str) -> None:
        """Take one filter away."""
        self._filter(column, None)

    def _filter(self, column: str, rule: Rule | None) -> None:
        before = self.session.filters
        self.session.filter(column, rule)
        if self.session.filters is before:
            self._ask()  # nothing tells of it otherwise, and the page waits to hear that its message has come

    def on_unfilter_all(self) -> None:
        """Show everything again: no filter, and nothing hidden by the legend."""
        self.session.param.update(filters={}, hidden=frozenset())

    # To the page

    def _changed(self, *events: Any) -> None:
        self.view._later(self._show)  # it may have been another visit's thread that labelled

    def _show(self) -> None:
        self.view.page.set(filters=chips(self.session, self.view._colors()))
        self._ask()

    def _ask(self) -> None:
        session, colors = self.session, self.view._colors()
        colored = colors if colors.kind == "number" and session.color_by.startswith("column:") else None
        if not self._open and colored is None:
            return
        found = [key for key, name in known(session) if self._search.casefold() in name.casefold()] if self._open else []
        masks = (session.shown, session.selection)
        column = session.color_by.removeprefix("column:")
        total = len(known(session))
        listed, more = tuple(found[:MOST]), max(0, len(found) - MOST)
        self._newest.ask(Wish(listed, more, total, colored, column, masks, session.filters, self.view.page.now, self._open))

    def _count(self, wish: Wish) -> None:
        """In the pool's thread: count, and send; the first columns before the last are counted, if those take long."""
        marked = marks(*wish.marks)
        histogram = None
        if wish.colored is not None and (bins := self.session.bins(wish.column)) is not None:
            histogram = facet(self.session, wish.column, bins, marked, wish.filters) | {"colors": scale(bins, wish.colored)}
        self.view.page.set(wish.moment, histogram=histogram)
        made: list[dict[str, Any]] = []
        sent = time.monotonic()
        for key in wish.keys:
            if self._newest.outdated:
                return
            if (bins := self.session.bins(key)) is not None:
                made.append(facet(self.session, key, bins, marked, wish.filters))
            if time.monotonic() - sent > PATIENCE:
                sent = time.monotonic()
                self._send(wish, made, counting=True)
        if wish.open:
            self._send(wish, made, counting=False)

    def _send(self, wish: Wish, made: list[dict[str, Any]], *, counting: bool) -> None:
        shown = {"facets": list(made), "more": wish.more, "total": wish.total, "counting": counting}
        self.view.page.set(wish.moment, columns=shown)


def known(session: Session) -> list[tuple[str, str]]:
    """What has bars, as ``(key, name)``: the clusters and the labels, then the columns in their order."""
    own = own_keys(session.dataset.columns)
    first = [(own["cluster"], "cluster")] if session.clusters is not None else []
    second = [(own["label"], "label")] if len(session.labels) else []
    return [*first, *second, *((name, name) for name in session.dataset.of_kind(*KINDS))]


def facet(session: Session, key: str, bins: Bins, marked: np.ndarray, filters: dict[str, Rule]) -> dict[str, Any]:
    """One column's bars as the page draws them."""
    hidden, plain, chosen = bins.counts(marked)
    counts = {"all": hidden + plain + chosen, "shown": plain + chosen, "selected": chosen}
    rule = filters.get(key)
    name = next((word for word, own in own_keys(session.dataset.columns).items() if own == key), key)
    made: dict[str, Any] = {"key": key, "name": name, "filtered": rule is not None, "live": len(marked) <= LIVE}
    if isinstance(bins, Ranges):
        bars = {name: count[:-1].tolist() for name, count in counts.items()}
        missing = {name: int(count[-1]) for name, count in counts.items()}
        place = bins.place(rule)
        return made | bars | {
            "kind": "range", "edges": bins.edges.tolist(), "texts": texts(bins), "missing": missing, "whole": bins.whole,
            "dates": bins.time is not None,
            "place": list(place) if place is not None else None, "lacking": rule == bins.missing(),
        }  # fmt: skip
    assert isinstance(bins, Values)
    rows = zip(bins.names, bins.chosen(rule), *(count.tolist() for count in counts.values()), strict=True)
    fields = ("name", "on", *counts)
    return made | {"kind": "values", "bars": [dict(zip(fields, row, strict=True)) for row in rows]}


def texts(bins: Ranges) -> list[str]:
    """The edges in words; where a bar at the end holds what lies beyond, its edge says so."""
    made = bins.texts()
    below, above = bins.beyond
    return [f"≤ {made[1]}" if below else made[0], *made[1:-1], f"≥ {made[-2]}" if above else made[-1]]


def scale(bins: Bins, coloring: Coloring) -> list[str]:
    """The colour of each bar of a column that colours the map."""
    assert isinstance(bins, Ranges)
    low, high = coloring.bounds
    middles = bins.edges[:-1] / 2 + bins.edges[1:] / 2
    along = np.clip((middles - low) / ((high - low) or 1.0), 0.0, 1.0)
    return [f"#{bytes(one).hex()}" for one in np.rint(shades(along) * 255).astype(np.uint8)]


def chips(session: Session, coloring: Coloring) -> list[dict[str, Any]]:
    """The filters, and what the legend hides, in words; the legend's has no key."""
    own = {key: word for word, key in own_keys(session.dataset.columns).items()}
    clusters = session.cluster_names if any(key in own for key in session.filters) else {}
    made = [{"key": key, "name": own.get(key, key), "text": describe(rule, clusters)} for key, rule in session.filters.items()]
    hidden = [name for name in coloring.names if name in session.hidden]
    if not hidden:
        return made
    left = [name for name, count in zip(coloring.names, coloring.counts(), strict=True) if name not in session.hidden and count]
    words = f"only {_some(left)}" if len(left) < len(hidden) and left else f"without {_some(hidden)}"
    return [*made, {"key": None, "name": coloring.title, "text": words}]


def _some(names: list[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(name or "(empty)" for name in names[:most]) + (f" + {more:,} more" if more > 0 else "")


__all__ = ["Columns", "chips", "facet", "known", "scale"]
