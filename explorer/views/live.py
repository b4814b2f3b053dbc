"""The map while it moves: what a running layout has so far, or the way from one layout to another, instead of the session's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.grid import SMALL, Grid, bounds
from explorer.raster import Frame, Points
from explorer.selection import Rule
from explorer.session.points import points
from explorer.session.saved import needs
from explorer.views import state
from explorer.views.newest import Newest
from explorer.views.part import Part
from explorer.worker import Job

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

REST = 0.3  # of the time that a picture took, before the next is begun: a core must be left for the other visits
LOST = 3.0  # seconds after which a picture that no page got is not waited for
FASTEST = 0.04  # seconds between two pictures of a change from one layout to another
LASTS = 1.1  # seconds of such a change

_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-live")  # one grid at a time, whoever looks
_NUMBERS = count(1)


@dataclass(frozen=True, eq=False)
class Moving:
    """Places ``(n, 2)`` float32 at one moment, a NaN row where there is none, and their grid where they are many."""

    places: np.ndarray
    grid: Grid | None
    box: tuple[float, float, float, float] | None

    @classmethod
    def of(cls, places: np.ndarray) -> Moving:
        """What a picture needs; 0.1 s for a million places."""
        return cls(places, Grid.of(places) if len(places) > SMALL else None, bounds(places))


@dataclass(eq=False)
class Change:
    """A way from one layout to another: `then` is called at its end."""

    start: np.ndarray
    stop: np.ndarray
    said: str
    then: Callable[[], None]
    lasts: float = LASTS
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return time.monotonic() - self.began >= self.lasts

    def now(self) -> np.ndarray:
        """The places at this moment: slow at both ends."""
        share = min(1.0, (time.monotonic() - self.began) / self.lasts)
        eased = np.float32(share * share * (3 - 2 * share))
        made: np.ndarray = self.start + (self.stop - self.start) * eased
        return made


class Live(Part):
    """Shows ``map`` and pictures of places that are no result: nothing can be brushed on them, pointed at, or kept."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._work: Newest[Job | Change] = Newest(_POOL, self._take)
        self._what: Job | Change | None = None
        self._seen = 0  # pictures of the job
        self._now: Moving | None = None
        self._key = ""  # of the map that moves, and of the last one that did
        self._began = self._due = 0.0
        self._awaited = False  # whether a picture is being drawn

    @property
    def moving(self) -> bool:
        """Whether what is shown is no result."""
        return self._now is not None

    def look(self) -> None:
        """See what there is of a running layout; on the session's thread, as often as jobs are looked at."""
        job = self.view.pipeline.settling
        if job is None:
            if isinstance(self._what, Job):
                self.stop()
            return
        if job is not self._what:
            self._begin(job)
        waits = self._awaited and time.monotonic() - self._began < LOST
        if job.shown > self._seen and not waits and not self._work.busy and time.monotonic() >= self._due:
            self._seen = job.shown
            self._work.ask(job)

    def play(self, start: np.ndarray, stop: np.ndarray, said: str, then: Callable[[], None], lasts: float = LASTS) -> None:
        """Move from some places to others, both ``(n, 2)``, and call `then` on the session's thread when that is over.

        Raises
        ------
        InputError
            While a layout settles.
        """
        if isinstance(self._what, Job):
            raise InputError("a layout settles; wait for it, or stop it first")
        change = Change(start, stop, said, then, lasts)
        self._begin(change)
        self._work.ask(change)

    def _begin(self, what: Job | Change) -> None:
        self._what, self._seen, self._due, self._awaited = what, 0, 0.0, False
        if not (isinstance(what, Change) and self.moving):
            self._key = f"moving-{next(_NUMBERS)}"

    def _take(self, what: Job | Change) -> None:
        """In the pool's thread."""
        self._began = time.monotonic()
        places = what.so_far() if isinstance(what, Job) else what.now()
        if places is None or places.shape != (len(self.session.dataset), 2):  # it is over, or what is shown is no layout
            return
        made = Moving.of(places)
        self._due = time.monotonic() + REST * (time.monotonic() - self._began)
        self.view._later(partial(self._show, what, made))

    def _show(self, what: Job | Change, made: Moving) -> None:
        if what is not self._what:
            return
        first, self._now = self._now is None, made
        self._awaited = bool(self.view._requests)
        if first:
            self.view.page.set(map=self.map_(), names=[], given=[], hover=None)
        else:
            self.view.page.set(map=self.map_())
        self.view._redraw()
        if isinstance(what, Change):
            self._go_on(what)

    def _go_on(self, change: Change) -> None:
        """The next picture of a change when this one is drawn, and its end after the last."""
        timer = threading.Timer(FASTEST, lambda: self.view._later(lambda: self._next(change)))
        timer.daemon = True
        timer.start()

    def _next(self, change: Change) -> None:
        if change is not self._what:
            return
        if self._awaited and time.monotonic() - self._began < LOST:
            self._go_on(change)
        elif change.done:
            self._what = None  # where it led is shown until somebody says what is next
            change.then()
        else:
            self._work.ask(change)

    def drawn(self, frame: Frame, points: Points) -> dict[str, Any]:
        """A picture goes to a page."""
        now = self._now
        if now is not None and points.layout is now.places:
            self._awaited = False
            self._due = time.monotonic() + REST * (time.monotonic() - self._began)
        return {}

    def end(self) -> bool:
        """Show the session's layout from the next picture on; says whether another was shown."""
        was, self._now, self._what = self._now is not None, None, None
        self._work.stop()
        return was

    def stop(self) -> None:
        """Go back to the session's layout, which is the one it was before."""
        if self.end():
            self.view._show("map", "names", "given", "selection")
            self.view._redraw()

    def close(self) -> None:
        """The visit is over."""
        self.end()
        super().close()

    # What the view shows

    def map_(self) -> dict[str, Any]:
        """What there is to look at, as `state.map_`; `follows` is the moving map whose end a layout is."""
        if self._now is None:
            return state.map_(self.session) | {"follows": self._key}
        box = self._now.box
        known = {"bounds": box, "extent": 0.0, "without": 0, "key": self._key, "title": "", "hint": "", "settling": self._said()}
        return known | {"stops": isinstance(self._what, Job)}

    def _said(self) -> str:
        if isinstance(self._what, Change):
            return self._what.said
        note = self._what.note if isinstance(self._what, Job) else ""
        said = note if note.startswith("settling") else f"settling: {note}" if note else "settling"
        return f"{said} — brush when it is done or stopped"

    def points(self) -> Points | None:
        """What is drawn now; None where there is no map."""
        session, now = self.session, self._now
        if now is None and session.layout is None:
            return None
        places = session.layout.values if now is None else now.places
        made = points(places, self.view._colors(), session.shown, session.selection, session.density_scale)
        return made if now is None else replace(made, grid=now.grid)

    def check(self, rule: Rule) -> None:
        """See that a rule is not drawn on what moves.

        Raises
        ------
        InputError
            When it is.
        """
        if self.moving and "layout" in needs(rule):
            raise InputError("the map still moves; brush when it is done, or stop it first")


__all__ = ["LASTS", "Live", "Moving"]
