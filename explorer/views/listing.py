"""The list of items beside the map: the selected ones, else all that is shown, as pictures, cards or a table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.views import items
from explorer.views.about import cluster_name
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

_LISTS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-items")


class Listing(Part):
    """Answers ``items`` with some of the rows that `listed` announced."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._tiles = items.Thumbnails(self.session.dataset, 400, items.TILE)
        self._version = 0

    def listed(self) -> dict[str, Any]:
        """What the list is now: a version of its own, how many rows, and what it is called."""
        if not self.view.page.greeting:  # or what the pages that are there ask for would be of yesterday
            self._version += 1
        dataset, visible = self.session.dataset, self.session.shown
        count = int(np.count_nonzero(self.session.selection))
        rows = count or (len(dataset) if visible is None else int(np.count_nonzero(visible)))
        everything = f"All {rows:,} {dataset.subject}" if rows == len(dataset) else f"{rows:,} of {len(dataset):,} shown"
        title = f"{count:,} selected" if count else everything
        listed = {"version": self._version, "count": rows, "title": title, "selected": bool(count)}
        return listed | {"modes": items.modes(dataset), "columns": items.heads(dataset, self._marks())}

    def on_items(self, mode: str, version: int, start: int, count: int, size: int = items.THUMB) -> None:
        """Send some rows of the latest list."""
        if version != self._version or mode not in items.modes(self.session.dataset):
            return
        rows = self._rows()[max(0, start) : max(0, start) + max(0, min(count, items.MOST))]
        thumbs = self._tiles if size > items.THUMB else self.view.thumbs
        asked = {"mode": mode, "version": version, "start": start, "size": size}
        _LISTS.submit(copy_context().run, self._send, asked, rows, self._marks(), thumbs)

    def _rows(self) -> np.ndarray:
        selection, visible = self.session.selection, self.session.shown
        if selection.any():
            return np.flatnonzero(selection)
        return np.arange(len(selection)) if visible is None else np.flatnonzero(visible)

    def _marks(self) -> items.Marks:
        session = self.session
        names = None if session.clusters is None else lambda row: cluster_name(session, row)
        return items.Marks(session.labels.values() if len(session.labels) else None, names)

    def _send(self, asked: dict[str, Any], rows: np.ndarray, marks: items.Marks, small: items.Thumbnails) -> None:
        window = items.window(self.session.dataset, rows, asked["mode"], marks)
        thumbs = [small.get(int(row)) for row in rows] if asked["mode"] == "gallery" else []
        offsets = np.cumsum([0, *map(len, thumbs)]).tolist()
        self.view.page.answer(items=asked | {"rows": window, "blob": b"".join(thumbs), "offsets": offsets if thumbs else None})
