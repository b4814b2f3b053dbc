"""What sets the selection apart from what else is shown, worked out in a thread while somebody looks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.session.bins import marks
from explorer.views import contrast
from explorer.views.columns import known
from explorer.views.contrast import Sides
from explorer.views.newest import Newest
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

MOST = 12  # columns shown
PATIENCE = 0.5  # seconds between two reports

_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-telling")  # numpy lets the interpreter go on


@dataclass(frozen=True, eq=False)
class Wish:
    """A selection to tell about; `open` says whether all is wanted, or only the words that are marked in the texts."""

    number: int
    shown: np.ndarray | None
    selection: np.ndarray
    features: np.ndarray | None
    columns: tuple[tuple[str, str], ...]
    open: bool


class Telling(Part):
    """The tab of traits. Once it was open, the words stay marked in the texts until nothing is selected.

    It sends ``telling``, what is compared and what is being done, and ``telling_series``, ``_sounds``, ``_words`` and ``_columns``,
    each as soon as it is known, under the number of its wish.
    """

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._open = False
        self._marking = False
        self._number = 0
        self._newest: Newest[Wish] = Newest(_POOL, self._tell)
        self.watch(self._changed, "selection", "filters", "hidden", "color_by", "clusters", "labels", "features")

    def ready(self) -> None:
        """The page is there, perhaps anew: what it was told may be lost."""
        self._ask()

    def close(self) -> None:
        """The visit is over."""
        self._open = self._marking = False
        super().close()

    def on_telling(self, open: bool) -> None:
        """The tab is opened or closed."""
        self._open = bool(open)
        if self._open:
            self._marking = "text" in self.session.dataset.roles
            self._ask()
        elif not self._marking:
            self._newest.stop()

    def _changed(self, *events: Any) -> None:
        self.view._later(self._ask)  # it may have been another visit's thread that labelled

    def _ask(self) -> None:
        session = self.session
        if not session.selection.any():
            self._newest.stop()
            self._marking = self._open and "text" in session.dataset.roles
            if self._open:
                self.view.page.set(telling={"number": self._next(), "selected": 0, "rest": 0, "busy": ""})
        elif self._open or self._marking:
            features = None if session.features is None else session.features.values
            columns = tuple(known(session)) if self._open else ()
            self._newest.ask(Wish(self._next(), session.shown, session.selection, features, columns, self._open))

    def _next(self) -> int:
        self._number += 1
        return self._number

    # In the pool's thread

    def _tell(self, wish: Wish) -> None:
        dataset = self.session.dataset
        marked = marks(wish.shown, wish.selection)
        sides = Sides(np.flatnonzero(marked == 2), np.flatnonzero(marked == 1), wish.features)
        saying = _Saying(self, wish, sides)
        saying("looking", at_once=True)
        if len(sides.inside) and len(sides.outside):
            if "text" in dataset.roles:
                saying.send("words", contrast.words(dataset, sides))
            if wish.open and "series" in dataset.roles:
                saying.send("series", contrast.series(dataset, sides, saying))
            if wish.open:
                self._tell_columns(wish, marked, sides, saying)
            if wish.open and "audio" in dataset.roles:  # last, since it takes longest
                saying.send("sounds", contrast.sounds(dataset, sides, saying))
        saying("", at_once=True)

    def _tell_columns(self, wish: Wish, marked: np.ndarray, sides: Sides, saying: _Saying) -> None:
        """The columns that differ most first; those known so far before the others are counted, if these take long."""
        found: list[dict[str, Any]] = []
        sent = time.monotonic()
        for place, (key, name) in enumerate(wish.columns):
            saying("counting")
            if (one := contrast.column(self.session, key, name, marked)) is not None:
                found = sorted([*found, one], key=lambda each: -each["beyond"])[:MOST]
            if found and time.monotonic() - sent > PATIENCE:
                sent = time.monotonic()
                saying.send("columns", {"columns": found, "of": len(wish.columns), "left": len(wish.columns) - place - 1})
        for one in found:
            saying("counting")
            one["medians"] = contrast.medians(self.session.dataset, one["key"], sides)
        saying.send("columns", {"columns": found, "of": len(wish.columns), "left": 0})


class _Saying:
    """Sends for one wish what is known and, now and then, what is being done; raises Cancelled when another wish is newer."""

    def __init__(self, part: Telling, wish: Wish, sides: Sides) -> None:
        self._part = part
        self._head = {"number": wish.number, "selected": len(sides.inside), "rest": len(sides.outside)}
        self._sent = 0.0

    def __call__(self, busy: str, *, at_once: bool = False) -> None:
        with self._part._newest.wanted():
            if at_once or time.monotonic() - self._sent > PATIENCE:
                self._sent = time.monotonic()
                self._part.view.page.set(telling=self._head | {"busy": busy})

    def send(self, what: str, known: dict[str, Any] | None) -> None:
        """What is known of one kind of thing."""
        with self._part._newest.wanted():
            self._part.view.page.set(**{f"telling_{what}": (known or {}) | {"number": self._head["number"]}})


__all__ = ["Telling"]
