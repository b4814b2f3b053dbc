"""The labelling desk: what is labelled and what is left to do, what was done, and the verbs that change categories."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.labels import Labels
from explorer.selection import Ids
from explorer.step import Result
from explorer.views import past
from explorer.views.newest import Newest
from explorer.views.part import Part
from explorer.views.unnamed import unnamed

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-desk")  # numpy lets the interpreter go on


@dataclass(frozen=True, eq=False)
class Wish:
    """What to count."""

    labels: Labels
    sets: dict[str, Labels]
    label_set: str
    clusters: Result | None


class LabelDesk(Part):
    """Sends ``desk``, while somebody looks at it: label sets, clusters without a name, the journal's end, who labelled."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._open = False
        self._newest: Newest[Wish] = Newest(_POOL, self._count)
        self._upto = 0  # the journal's rows whose users are known
        self._users: dict[str, dict[str, None]] = {}  # by label set, in the order of their first label
        self.watch(self._changed, "sets", "label_set", "clusters")

    def ready(self) -> None:
        """The page is there, perhaps anew: nobody looks until it says so."""
        self._open = False

    def close(self) -> None:
        """The visit is over."""
        self._open = False
        super().close()

    # Verbs

    def on_desk(self, open: bool) -> None:
        """The tab is opened or closed."""
        self._open = bool(open)
        self._ask()

    def on_note(self, name: str, note: str) -> None:
        """Note something about a category."""
        if not isinstance(note, str) or len(note) > 2_000:
            raise InputError("a note is a text of at most 2,000 characters")
        self.session.annotate_category(name, note)

    def on_bind(self, name: str, key: int | None) -> None:
        """Let a category be given by a key, or by none."""
        if key is not None and not isinstance(key, int):
            raise InputError(f"{str(key)[:40]!r} is no key; give a whole number from 1 to 9, or none")
        self.session.bind_category(name, key)

    def on_split(self, name: str) -> None:
        """Split a category by cluster."""
        moved = self.session.split_category(name)
        self.view._toast(f"{moved:,} items of “{name}” are in parts of it now, one for each cluster")

    def on_merge_preview(self, name: str, into: str) -> None:
        """Say what merging two categories would make."""
        counts = self.session.labels.counts
        for one in (name, into):
            self.session.labels.code(one)  # says which are there
        if name == into:
            raise InputError(f"{name!r} cannot be merged into itself; choose another category")
        told = {"verb": "merge", "name": name, "into": into, "count": counts[name], "has": counts[into]}
        self.view.page.set(preview=told)

    def on_split_preview(self, name: str) -> None:
        """Say what splitting a category by cluster would make."""
        self.session.labels.code(name)  # says which are there
        told: dict[str, Any] = {"verb": "split", "name": name, "parts": [], "stays": 0, "why": ""}
        try:
            groups = self.session.split_groups(name)
        except InputError as problem:
            self.view.page.set(preview=told | {"why": str(problem)})
            return
        parts = sorted(((group, count) for group, (_, count) in groups.items()), key=lambda part: -part[1])
        stays = self.session.labels.counts[name] - sum(count for _, count in parts)
        self.view.page.set(preview=told | {"parts": parts, "stays": stays})

    def on_entry(self, seq: int) -> None:
        """Say why a row of the journal touched its items: by which rule."""
        rule = self.session.workspace.rule_of(self._row(seq))
        words = past.in_words(rule, self.session.cluster_names if rule else {})
        self.view.page.set(entry={"seq": seq, "rule": rule is not None, "words": words})

    def on_entry_items(self, seq: int, mode: str) -> None:
        """Select the items that a row of the journal touched, those that are shown."""
        _, change, _ = self.session.workspace.row(self._row(seq))
        rows = self.session.workspace.rows_of(change)
        gone = int(np.count_nonzero(rows < 0))
        self._select(rows[rows >= 0], mode, f"{gone:,} of its items are no longer in the source" if gone else "")

    def on_replay(self, seq: int, mode: str) -> None:
        """Select by a row's rule again, on the layout and the data as they are now."""
        self.session.replay(self._row(seq), mode)

    def _row(self, seq: object) -> int:
        last = self.session.workspace.seq
        if isinstance(seq, bool) or not isinstance(seq, int) or not 0 < seq <= last:
            raise InputError(f"there is no row {str(seq)[:40]} in the journal; it has rows 1 to {last:,}")
        return seq

    def _select(self, rows: np.ndarray, mode: str, note: str = "") -> None:
        shown = self.session.shown
        left = rows if shown is None else rows[shown[rows]]
        if not len(left):
            raise InputError("none of these items is shown now; nothing is selected" + (f" ({note})" if note else ""))
        self.session.select(Ids(self.session.dataset.ids[np.sort(left)]), mode)
        if note:
            self.view._toast(note)

    # To the page

    def _changed(self, *events: Any) -> None:
        self.view._later(self._ask)  # it may have been another visit's thread that labelled

    def _ask(self) -> None:
        if self._open:
            session = self.session
            self._newest.ask(Wish(session.labels, session.sets, session.label_set, session.clusters))

    def _count(self, wish: Wish) -> None:
        """In the pool's thread: count, and send."""
        names = self.session.cluster_names if wish.clusters is not None else {}
        clusters = None if wish.clusters is None else unnamed(wish.clusters.values, wish.labels, names)
        entries = self._read_on()
        sets = wish.sets | {wish.label_set: wish.labels}
        first = [name for name in self.session.label_sets if name in sets]
        told = {
            "set": wish.label_set, "me": self.session.user, "clusters": clusters,
            "sets": [{"name": name, "labelled": len(sets[name])} for name in first],
            "history": past.listed(entries), "users": list(self._users.get(wish.label_set, {})),
        }  # fmt: skip
        if self._open:
            with self._newest.wanted():
                self.view.page.set(desk=told)

    def _read_on(self) -> list[Any]:
        """The journal's newest rows; whoever labelled in a row that was not read before is noted. Only one thread is ever here."""
        workspace = self.session.workspace
        entries = workspace.entries(last=max(past.MOST, workspace.seq - self._upto + past.MOST))
        for entry in entries:
            if entry.seq > self._upto and entry.items:
                self._users.setdefault(entry.label_set, {})[entry.user] = None
        self._upto = max([self._upto, *(entry.seq for entry in entries[-1:])])
        return entries


__all__ = ["LabelDesk"]
