"""Labels that go from view to view by the items' ids: only what somebody changed, so that nobody's other labels are touched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import InputError
from explorer.labels import Labels

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.views.explorer import Explorer

SOURCE = "the view beside"  # what the journal says of them
_LOG = logging.getLogger("explorer")


class SharedLabels:
    """Gives each view the labels that changed in another since they were last looked at; who was last goes before.

    One thread gives at a time, and another that labels meanwhile leaves its part to it instead of waiting: each holds the lock of
    the labels that it changed, and would wait for the other's.
    """

    def __init__(self, views: Sequence[Explorer]) -> None:
        self._views = views
        self._known = {id(view): dict(view.session.sets) for view in views}  # each view's label sets when last looked at
        self._current = {id(view): view.session.label_set for view in views}
        self._changed: dict[int, Explorer] = {}  # views to look at, in the order of their changes
        self._giving = threading.Lock()

    def changed(self, view: Explorer) -> None:
        """Labels of a view are others now."""
        self._changed[id(view)] = view
        while self._changed and self._giving.acquire(blocking=False):
            try:
                while self._changed:
                    self._give(self._changed.pop(next(iter(self._changed))))
            finally:
                self._giving.release()

    def _give(self, view: Explorer) -> None:
        session, known = view.session, self._known[id(view)]
        now, names = session.sets, dict.fromkeys([self._current[id(view)], session.label_set])
        others = [other for other in self._views if other.session.workspace is not session.workspace]  # else they have them
        states = [(_of(known, name, session), _of(now, name, session)) for name in names]
        taken = [self._give_set(view, other, old, new) for other in others for old, new in states]
        if all(taken):  # else it is tried again with the next change
            self._known[id(view)], self._current[id(view)] = dict(now), session.label_set

    def _give_set(self, view: Explorer, other: Explorer, old: Labels, new: Labels) -> bool:
        """Give what is different between two states of a view's labels to another view; says whether it was taken."""
        rows = new.differing(old)
        there = _rows_in(other.session, view.session, rows)
        rows, there = rows[there >= 0], there[there >= 0]
        session, known = other.session, self._known[id(other)]
        name, names = session.label_set, new.values(rows)
        now, before = _of(session.sets, name, session), _of(known, name, session)
        wanted = now.values(there) != names
        wanted &= ~np.isin(there, now.differing(before))  # somebody labelled them there since: these come from there
        there, names = there[wanted], names[wanted]
        if len(there):
            try:
                session.import_rows(there, names, SOURCE)
            except InputError as problem:  # a full disk, say: the label is kept where it was given
                _LOG.warning("labels did not go over to the view beside: %s", problem)
                view._toast(f"the view beside did not take the label: {problem}", "error")
                return False
            known[name] = before.give(there, names)  # what came from here is no news from there
        return True


def _of(sets: dict[str, Labels], name: str, session: Session) -> Labels:
    found = sets.get(name)
    return Labels.empty(session.dataset.index) if found is None else found


def _rows_in(there: Session, here: Session, rows: np.ndarray) -> np.ndarray:
    """Where some rows' items are in another session, -1 where they are not."""
    if not len(rows):
        return rows
    return np.asarray(there.dataset.index.get_indexer(here.dataset.index[rows]))


__all__ = ["SOURCE", "SharedLabels"]
