"""The tab about trust: how far the map can be believed, measured in a child process, and what a brushed group has lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import Cancelled, InputError
from explorer.selection import Ids
from explorer.session.trust import K
from explorer.step import Progress, Result, Step
from explorer.views import verdicts
from explorer.views.newest import Newest
from explorer.views.part import Part
from explorer.worker import Job

if TYPE_CHECKING:
    from explorer.insight.quality import Stability, Torn
    from explorer.insight.quality import Trust as Quality
    from explorer.views.explorer import Explorer

FEW = 20_000  # items up to which opening the tab measures at once
SEEDS = 3
OFTEN = 0.2  # seconds between two reports

_POOL = ThreadPoolExecutor(max_workers=4, thread_name_prefix="explorer-trust")  # they wait for child processes, or numpy works


@dataclass(frozen=True, eq=False)
class Seeds:
    """Layouts under other seeds, one after another: the one that runs, what is to come and what is there."""

    layout: str  # the key of the one they are compared with
    job: Job | None
    left: tuple[Step, ...]
    made: tuple[Result, ...] = field(default_factory=tuple)

    @property
    def of(self) -> int:
        """How many there will be."""
        return len(self.left) + len(self.made) + (self.job is not None)

    def far(self) -> tuple[float, str]:
        """How far it is, with comparing as the last share, and what is being done."""
        if self.job is None:
            return self.of / (self.of + 1), "comparing"
        return (len(self.made) + self.job.fraction) / (self.of + 1), f"layout {len(self.made) + 1} of {self.of}"


@dataclass(frozen=True, eq=False)
class Group:
    """A selection whose neighbourhood is looked for."""

    mask: np.ndarray
    shown: np.ndarray | None
    k: int


class Trust(Part):
    """Sends ``trust``, what is known of the map, and ``torn``, what of the selection's neighbourhood lies elsewhere on it."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._open = False
        self._why = {"trust": "", "seeds": ""}  # what went wrong the last time
        self._busy: dict[str, dict[str, Any]] = {}  # how far what runs is, by the same words
        self._told = 0.0
        self._reporting = threading.Lock()  # what has ended is not said to go on
        self._measuring: Newest[Job] = Newest(_POOL, self._follow)
        self._seeding: Newest[Seeds] = Newest(_POOL, self._follow_seed)
        self._runs: dict[str, Job | Seeds] = {}  # what runs, by the same words; the end of anything else is no news
        self._tearing: Newest[Group] = Newest(_POOL, self._tear)
        self._elsewhere: tuple[np.ndarray, np.ndarray] | None = None  # of which selection, and the rows
        self.watch(self._changed, "quality")
        self.watch(self._replaced, "layout", "features")
        self.watch(self._ask, "selection", "hidden", "filters")

    def ready(self) -> None:
        """The page is there, perhaps anew; it says which tab is open."""
        self._show()
        self._ask()

    def close(self) -> None:
        """The visit is over: what computes for it stops, even where nobody has begun to wait for it."""
        super().close()
        self._end_all()

    # Verbs

    def on_trust(self, open: bool) -> None:
        """The tab is opened or closed; where it takes no time, what is not measured yet is."""
        self._open = bool(open)
        self._begin()
        self._ask()

    def on_trust_run(self) -> None:
        """Measure the map in a child process."""
        self._run(self._k, "sample")

    def on_trust_all(self) -> None:
        """Measure all items, where only a sample was ranked."""
        known = self.session.quality.trust
        self._run(self._k if known is None else known.k, "all")

    def _run(self, k: int, items: str) -> None:
        if "trust" in self._busy:
            return
        self._why["trust"] = ""
        try:
            job = self.session.start_trust(k, items)
        except InputError as problem:
            self._why["trust"] = str(problem)
        else:
            self._busy["trust"] = {"fraction": 0.0, "note": "starting"}
            self._runs["trust"] = job
            self._measuring.ask(job)
        self._show()

    def on_trust_stop(self) -> None:
        """Leave it."""
        self._measuring.stop()
        self._end("trust")
        self._show()

    def on_stability_run(self) -> None:
        """Compute the layout under other seeds, one after another, and compare them."""
        if "seeds" in self._busy:
            return
        self._why["seeds"] = ""
        try:
            first, *left = self.session.seed_steps(SEEDS)
            self._next_seed(Seeds(self.session.layout.key, self.session.start(first), tuple(left)))
        except InputError as problem:
            self._give_up(str(problem))

    def on_stability_stop(self) -> None:
        """Leave them; the layouts that are done are kept."""
        self._seeding.stop()
        self._end("seeds")
        self._show()

    def _end_all(self) -> None:
        for what in list(self._runs):
            self._end(what)

    def _end(self, what: str) -> None:
        runs = self._over(what)
        job = runs.job if isinstance(runs, Seeds) else runs
        if job is not None:
            job.stop()

    def _over(self, what: str) -> Job | Seeds | None:
        with self._reporting:
            self._busy.pop(what, None)
        return self._runs.pop(what, None)

    def on_select_torn(self, mode: str) -> None:
        """Select the shown items that lie elsewhere though they are the selection's nearest."""
        if self._elsewhere is None or self._elsewhere[0] is not self.session.selection:
            raise InputError("what lies elsewhere is not known yet; select a group and wait a moment")
        rows, shown = self._elsewhere[1], self.session.shown
        rows = rows if shown is None else rows[shown[rows]]
        if not len(rows):
            raise InputError("none of the items that lie elsewhere is shown now; nothing is selected")
        self.session.select(Ids(self.session.dataset.ids[rows]), mode)

    # Measuring

    def _begin(self) -> None:
        """Where somebody looks and it takes seconds, what is not measured yet is."""
        few = len(self.session.dataset) <= FEW
        if self._open and few and self._can and self.session.quality.trust is None and not self._why["trust"]:
            self.on_trust_run()

    @property
    def _k(self) -> int:
        """15 neighbours, or as many as few items allow."""
        layout = self.session.layout
        return K if layout is None else max(1, min(K, (int(layout.valid.sum()) - 1) // 2))

    @property
    def _can(self) -> bool:
        return self.session.features is not None and self.session.layout is not None

    def _follow(self, job: Job) -> None:
        """In the pool's thread: wait for the child."""
        self._wait(job, "trust", self._measuring, lambda: (job.fraction, job.note or "starting"))
        self.view._later(partial(self._measured, job))

    def _wait(self, job: Job, what: str, work: Newest[Any], far: Callable[[], tuple[float, str]]) -> None:
        while not job.wait(0.05).finished:
            if work.outdated:
                job.stop()
                raise Cancelled
            self._report(what, *far())

    def _report(self, what: str, fraction: float, note: str) -> None:
        with self._reporting:
            if time.monotonic() - self._told <= OFTEN or what not in self._busy:
                return
            self._told = time.monotonic()
            self._busy[what] = {"fraction": fraction, "note": note}
        self._show()

    def _measured(self, job: Job) -> None:
        if self._runs.get("trust") is not job:  # it was stopped, perhaps for the one that runs now
            return
        self._over("trust")
        try:
            self.session.finish_trust(job)
        except InputError as problem:
            self._why["trust"] = "" if job.state == "stopped" else str(problem)
        self._show()

    # Other seeds

    def _next_seed(self, seeds: Seeds) -> None:
        self._busy["seeds"] = dict(zip(("fraction", "note"), seeds.far(), strict=True))
        self._runs["seeds"] = seeds
        self._seeding.ask(seeds)
        self._show()

    def _follow_seed(self, seeds: Seeds) -> None:
        """In the pool's thread: wait for one layout, or compare all of them."""
        if seeds.job is not None:
            self._wait(seeds.job, "seeds", self._seeding, seeds.far)
            self.view._later(partial(self._seeded, seeds))
            return
        done = Progress(partial(self._report, "seeds"), lambda: self._seeding.outdated).part(seeds.far()[0], 1.0)
        try:
            made = self.session.compared(seeds.made, done)
        except InputError as problem:
            self.view._later(partial(self._not_compared, seeds, str(problem)))
        else:
            self.view._later(partial(self._compared, seeds, made))

    def _seeded(self, seeds: Seeds) -> None:
        """One layout is there, or there will be none."""
        job = seeds.job
        if job is None or self._moved_on(seeds):
            return
        if job.state != "done" or job.folder is None:
            self._give_up("" if job.state == "stopped" else job.message)
            return
        try:
            made, left = Result.load(job.folder), seeds.left
            if made.stopped:  # by another visit that shared it: half a layout says nothing of the seed
                self._give_up("one of the layouts was stopped before it was done; compare again")
                return
            job = self.session.start(left[0]) if left else None
            self._next_seed(replace(seeds, job=job, left=left[1:], made=(*seeds.made, made)))
        except (InputError, OSError, ValueError) as problem:
            self._give_up(str(problem))

    def _compared(self, seeds: Seeds, made: Stability) -> None:
        if not self._moved_on(seeds):
            self._over("seeds")
            self.session.learn(made)

    def _not_compared(self, seeds: Seeds, why: str) -> None:
        if not self._moved_on(seeds):
            self._give_up(why)

    def _moved_on(self, seeds: Seeds) -> bool:
        """Whether it was stopped, or the layout is another one by now."""
        layout = self.session.layout
        return self._runs.get("seeds") is not seeds or layout is None or layout.key != seeds.layout

    def _give_up(self, why: str) -> None:
        self._over("seeds")
        self._why["seeds"] = why
        self._show()

    # The brushed group

    def _ask(self, *events: Any) -> None:
        session = self.session
        if self._elsewhere is not None and self._elsewhere[0] is not session.selection:
            self._elsewhere = None
            self.view.page.set(torn=None)
        if not (self._open and self._can and session.quality.trust is not None and session.selection.any()):
            self._tearing.stop()
            if self._open:
                self.view.page.set(torn=None)
        elif self._elsewhere is None or events:
            self._tearing.ask(Group(session.selection, session.shown, session.quality.trust.k))

    def _tear(self, group: Group) -> None:
        """In the pool's thread."""
        try:
            found = self.session.torn(group.mask, group.k, Progress(cancelled=lambda: self._tearing.outdated))
        except InputError:  # another layout, or no features any more: it is asked for again
            return
        if not self._tearing.outdated:
            self.view._later(partial(self._torn, group, found))

    def _torn(self, group: Group, found: Torn) -> None:
        session = self.session
        if session.selection is not group.mask or session.layout is None:
            return
        self._elsewhere = (group.mask, found.rows)
        self.view.page.set(torn=torn(found, session.layout.values, group.shown) | {"k": group.k, "selected": int(group.mask.sum())})

    # To the page

    def _replaced(self, *events: Any) -> None:
        """Of another layout, other things are known."""
        for work in (self._measuring, self._seeding, self._tearing):
            work.stop()
        self._end_all()
        self._why, self._elsewhere = {"trust": "", "seeds": ""}, None
        self.view.page.set(torn=None)
        self._show()
        self.view._later(self._begin)

    def _changed(self, *events: Any) -> None:
        self.view._later(self._known)

    def _known(self) -> None:
        self.view._show("color")  # there is more to choose from, or less
        self._show()
        self._ask()

    def _show(self) -> None:
        now = self.view.page.now  # reports come from other threads, and what is found now may be sent after what is found later
        self.view.page.set(now, trust=self._told_of())

    def _told_of(self) -> dict[str, Any]:
        session, (trust, stability) = self.session, self.session.quality
        lacks = "features" if session.features is None else "layout" if session.layout is None else ""
        seeds = {"busy": self._busy.get("seeds"), "why": self._why["seeds"], "count": SEEDS}
        known: dict[str, Any] = {"lacks": lacks, "busy": self._busy.get("trust"), "why": self._why["trust"]}
        known["known"] = trust is not None
        known["seeds"] = seeds | ({"said": "", "color": ""} if stability is None else verdicts.settled(stability))
        if trust is not None:
            known |= {"scores": verdicts.scores(trust), "note": trust.note, "k": trust.k}
            known["sample"] = None if trust.whole else self._sample(trust)
            known |= {"dimension": verdicts.spread(trust.dimension), "shepard": verdicts.diagram(trust.shepard)}
        return known

    def _sample(self, trust: Quality) -> dict[str, Any]:
        """How many items have two of the colours, and what all would take."""
        return {"ranked": trust.sampled, "items": trust.items, "takes": str(self.session.trust_takes())}


def torn(found: Torn, layout: np.ndarray, shown: np.ndarray | None) -> dict[str, Any]:
    """What lies elsewhere, with lines ``[x0, y0, x1, y1]`` to those that are shown."""
    keep = slice(None) if shown is None else shown[found.neighbours] & shown[found.members]
    ends = np.hstack([layout[found.members[keep]], layout[found.neighbours[keep]]]).astype(float)
    share = verdicts.percent(found.share)
    there = int(len(found.rows) if shown is None else shown[found.rows].sum())
    return {"share": share, "count": found.count, "of": found.of, "items": len(found.rows), "shown": there, "lines": ends.tolist()}


__all__ = ["Trust", "torn"]
