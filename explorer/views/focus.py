"""One item after another: a queue of the selected items, each sent before it is looked at, and what was decided about it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer import drawing
from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.labels import NONE
from explorer.session.turns import ORDERS, Space, by_cluster, by_likeness, space
from explorer.step import Progress
from explorer.views import items
from explorer.views.about import cluster_name
from explorer.views.newest import Newest
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

AHEAD = 4  # items that the page has: the one on screen and the next three
MOST = 8  # items in one question of the page
TOLD = 64  # of the last items that the page has seen: their labels are told as they change
LARGE = 1_024  # pixels on the longer side of a picture that fills the page
FINE = 1_536  # of a series or a sound, which are drawn for it
EXACT = 256  # up to so many it is sent as it is, dot by dot
LONGEST = 20_000  # characters of a text

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-focus")


class Beginning(NamedTuple):
    """A queue that is wanted: `chosen` is the ``(n,)`` mask of the items to go through."""

    version: int
    chosen: np.ndarray
    clusters: np.ndarray | None
    order: str
    known: Space | None


class Likeness(NamedTuple):
    """Rows that are to be brought into the order of their likeness to an item."""

    version: int
    row: int
    rows: np.ndarray
    known: Space | None


class Focus(Part):
    """Sends ``focus``: how long the queue is, its next items, their labels as they change, and where an undo leads back to.

    The page has the place it is at. The first `_fixed` places of the queue are known to it and stay as they are; what comes after
    them may be brought into another order, or be taken out when somebody else labels it.
    """

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._beginning: Newest[Beginning] = Newest(_POOL, self._begin)
        self._making: Newest[tuple[int, list[tuple[int, int]]]] = Newest(_POOL, self._make)
        self._ordering: Newest[Likeness] = Newest(_POOL, self._order_by_likeness)
        self._version = 0
        self._acting = False
        self._end()
        self.watch(self._labels_changed, "labels")

    def _end(self) -> None:
        self._rows: np.ndarray | None = None
        self._fixed = 0
        self._order, self._unlabelled = "listed", True
        self._heard = 0  # decisions; the page has labels of its own until they are
        self._done = self._undone = 0  # decisions that can be taken back, and done again

    def ready(self) -> None:
        """The page is there, perhaps anew, and looks at the map."""
        self.on_focus_off()
        self.view.page.set(orders=list(ORDERS.items()))

    def close(self) -> None:
        """The visit is over: what runs for it stops."""
        self.on_focus_off()
        super().close()

    # The queue

    def on_focus(self, unlabelled: bool, order: str) -> None:
        """Begin with what is selected, or with what is shown; the first items are sent when the queue is there."""
        if order not in ORDERS:
            raise unknown("order", order, ORDERS)
        session = self.session
        self.on_focus_off()
        self._order, self._unlabelled = order, bool(unlabelled)
        chosen = session.selection
        if not chosen.any():
            chosen = np.ones(len(session.dataset), bool) if session.shown is None else session.shown
        chosen = chosen & (session.labels.codes == NONE) if self._unlabelled else chosen
        clusters = None if session.clusters is None else session.clusters.values
        self._beginning.ask(Beginning(self._version, chosen, clusters, order, space(session)))

    def on_focus_off(self) -> None:
        """Nobody goes through items any more."""
        for work in (self._beginning, self._making, self._ordering):
            work.stop()
        self._version += 1
        self._end()

    def _begin(self, wish: Beginning) -> None:
        rows = np.flatnonzero(wish.chosen)
        if wish.order == "clusters":
            rows = by_cluster(rows, wish.clusters)
        if wish.order == "alike" and len(rows):
            outdated = Progress(cancelled=lambda: self._beginning.outdated)
            rows = np.concatenate([rows[:1], by_likeness(rows[1:], int(rows[0]), wish.known, outdated)])
        if not self._beginning.outdated:
            self.view._later(lambda: self._begun(wish.version, rows))

    def _begun(self, version: int, rows: np.ndarray) -> None:
        if version != self._version:
            return
        self._rows = rows
        self._send(total=len(rows))
        self._ask(list(range(min(AHEAD, len(rows)))))

    def on_focus_at(self, version: int, need: list[int]) -> None:
        """The page looks at an item, and needs those at some places of the queue."""
        if self._rows is None or version != self._version or not isinstance(need, list):
            return
        self._ask([place for place in need[:MOST] if _whole(place) and 0 <= place < len(self._rows)])

    def _ask(self, places: list[int]) -> None:
        if self._rows is None or not places:
            return
        self._fixed = max(self._fixed, max(places) + 1)
        self._making.ask((self._version, [(place, int(self._rows[place])) for place in places]))

    def _make(self, wish: tuple[int, list[tuple[int, int]]]) -> None:
        version, wanted = wish
        for place, row in wanted:
            if self._making.outdated or version != self._version:
                return
            self._send(items=[self._item(place, row)])

    def _item(self, place: int, row: int) -> dict[str, Any]:
        """All that the page shows of an item."""
        dataset = self.session.dataset
        about = {"place": place, "row": row, "id": str(dataset.ids[row]), "title": items.title(dataset, row)}
        about |= {"cluster": cluster_name(self.session, row), "label": self._label(row), "text": _text(dataset, row)}
        return about | {"lines": items.lines(dataset, row, None, ""), "picture": large_picture(dataset, row)}

    def _label(self, row: int) -> str | None:
        labels = self.session.labels
        category = labels.categories.get(int(labels.codes[row]))
        return None if category is None else category.name

    # Decisions

    def on_focus_label(self, row: int, item: str, name: str | None) -> None:
        """Label one item, or take its label away; `item` is its id as the page has it, for what was sent to an earlier server."""
        if name is not None and not isinstance(name, str):
            raise InputError(f"a category's name is text, not {name!r}")
        self._heard += 1
        ids = self.session.dataset.ids
        if not _whole(row) or not 0 <= row < len(ids) or str(ids[row]) != item:
            raise InputError(f"the item {item!r} is not where it was, so it is not labelled; leave focus mode and begin again")
        self._acting = True
        try:
            self.session.label_item(ids[row], name)
        except InputError:
            self._lead_to(row)  # it is as it was before
            raise
        finally:
            self._acting = False
        if self._rows is None:
            return
        entry = self.session.entry
        if entry and not entry.again:
            self._done, self._undone = self._done + 1, 0
        if self._order == "alike":
            self._ordering.ask(Likeness(self._version, row, self._rows[self._fixed :], space(self.session)))
        self._send(undo=self._done, redo=self._undone)

    def on_focus_undo(self) -> None:
        """Take the last decision back, and lead back to its item."""
        self._turn(back=True)

    def on_focus_redo(self) -> None:
        """Make the decision again that was taken back."""
        self._turn(back=False)

    def _turn(self, *, back: bool) -> None:
        if self._rows is None or not (self._done if back else self._undone):
            raise InputError("nothing has been decided here that could be " + ("undone" if back else "done again"))
        self._acting = True
        try:
            done = self.session.undo() if back else self.session.redo()
        finally:
            self._acting = False
        step = -1 if back else 1
        self._done, self._undone = self._done + step, self._undone - step
        self._send(undo=self._done, redo=self._undone)
        if done in {None, "selection"} or not self.session.entry:  # somebody else had undone it
            return
        _, change, _ = self.session.workspace.row(self.session.entry.seq)
        for row in self.session.workspace.rows_of(change).tolist()[:1]:
            self._lead_to(row)

    def _lead_to(self, row: int) -> None:
        """Have the page look at an item that it had, with the label that it has now."""
        if self._rows is None:
            return
        places = np.flatnonzero(self._rows[: self._fixed] == row).tolist()
        if places:
            self._send(go=places[0], marks=[[places[0], self._label(row)]], heard=self._heard)

    def _order_by_likeness(self, wish: Likeness) -> None:
        outdated = Progress(cancelled=lambda: self._ordering.outdated)
        rows = by_likeness(wish.rows, wish.row, wish.known, outdated)
        if not self._ordering.outdated:
            self.view._later(lambda: self._ordered(wish.version, rows))

    def _ordered(self, version: int, rows: np.ndarray) -> None:
        """Take over an order for what the page does not know yet; some of it may have been sent, or taken out, meanwhile."""
        if self._rows is None or version != self._version:
            return
        left = np.zeros(len(self.session.dataset), bool)
        left[self._rows[self._fixed :]] = True
        self._rows = np.concatenate([self._rows[: self._fixed], rows[left[rows]]])

    # What others do

    def _labels_changed(self, *events: Any) -> None:
        if self._rows is not None:
            mine, version = self._acting, self._version
            self.view._later(lambda: self._tell(version, mine))  # it may have been another visit's thread that labelled

    def _tell(self, version: int, mine: bool) -> None:
        """Send the labels of the items that the page knows; what somebody else has labelled of the others is left out."""
        if self._rows is None or version != self._version:
            return
        if not mine and self._unlabelled:
            rest = self._rows[self._fixed :]
            self._rows = np.concatenate([self._rows[: self._fixed], rest[self.session.labels.codes[rest] == NONE]])
        start = max(0, self._fixed - TOLD)
        marks = [[start + place, self._label(int(row))] for place, row in enumerate(self._rows[start : self._fixed])]
        self._send(marks=marks, heard=self._heard, total=len(self._rows), by=None if mine else self._somebody())

    def _somebody(self) -> str:
        """Who wrote last, where it was not this visit."""
        entries = self.session.workspace.entries(1)
        return entries[-1].user if entries else ""

    def _send(self, **message: Any) -> None:
        self.view.page.send(focus={"version": self._version} | message)


def large_picture(dataset: Dataset, row: int) -> bytes | None:
    """A drawing to fill the page with: a small picture exactly as it is, a large one made smaller; None where there is none."""
    role = drawing.drawn_role(dataset)
    image = drawing.picture(dataset, row, LARGE if role == "image" else FINE)
    if image is None:
        return None
    out = io.BytesIO()
    exact = role == "series" or max(image.size) <= EXACT  # lines are small as they are, and would blur
    image.save(out, "PNG", compress_level=3) if exact else image.save(out, "WEBP", quality=90, method=1)
    return out.getvalue()


def _text(dataset: Dataset, row: int) -> str:
    return dataset.texts(np.array([row]))[0][:LONGEST] if "text" in dataset.roles else ""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


__all__ = ["AHEAD", "Focus", "large_picture"]
