"""The three steps of a page: which method and settings are chosen, what runs now and what comes next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

from explorer.clustering import Clusterer
from explorer.errors import InputError
from explorer.estimators import Recorded
from explorer.reduction import Reducer
from explorer.session import SLOTS, Session
from explorer.session.beside import targets
from explorer.step import KINDS, Result, Step, find, names
from explorer.views.estimates import Estimates
from explorer.worker import Job

TITLES = {"extract": "Features", "reduce": "Layout", "cluster": "Clusters"}
PREVIEW = "pca"  # shown at once, while a slower layout is on its way
FEW = 2_000  # items whose features are computed at once, without asking how long it takes
PATIENCE = 300.0  # seconds of extraction that begin by themselves
_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-earlier")
LIVE = 10.0  # seconds that may be spent on clusters because a slider was moved
MANY = 500_000  # items beyond which nothing that takes hours begins by itself


class Pipeline:
    """Runs steps one after another in a child process. `poll` moves it on; nothing here waits."""

    def __init__(self, session: Session, chosen: Mapping[str, Any], notify: Callable[[str], None]) -> None:
        self.session = session
        self._asked = frozenset(chosen)
        self.steps = {kind: find(kind, chosen[kind]) if kind in chosen else self._current(kind) for kind in KINDS}
        self.messages = dict.fromkeys(KINDS, "")
        self._remembered: dict[tuple[str, str], Step] = {}
        self._notify = notify
        self._queue: list[Step] = []
        self._job: Job | None = None
        self._running: Step | None = None
        self._estimates = Estimates(session)
        self._weighing = False  # whether a fresh page waits to hear how long the extraction takes
        self._asked_since = False  # whether what waits was asked for after what runs had begun: how that ends is not its affair
        self._clustered = ""  # the key of the last clusters that this page found
        self._keeping = False  # whether Stop was pressed on what then keeps what it has
        self._begun = False  # whether what is missing was begun once; from then on a person decides
        self._polling = threading.RLock()  # `save` waits in a cell while the page's timer looks, too: one at a time takes over

    def _current(self, kind: str) -> Step:
        """The step of the current result, so that a reopened page shows the settings it was made with."""
        result = getattr(self.session, SLOTS[kind])
        if result is not None and result.method in names(kind):
            with suppress(InputError):  # of a time when other values were allowed
                return find(kind, result.method, **result.settings)
            return find(kind, result.method)
        if result is not None and "." in result.method:
            return Recorded.of(result)
        return self.session.step(kind)

    @property
    def busy(self) -> bool:
        """Whether a step runs or waits."""
        return self._job is not None or bool(self._queue)

    @property
    def working(self) -> bool:
        """Whether a step runs or waits, or it is being measured whether one begins by itself."""
        return self.busy or self._weighing

    @property
    def lacks_map(self) -> bool:
        """Whether there is no layout, or nothing was begun yet of what was asked for and is not there."""
        return self.session.layout is None or (not self._begun and any(map(self._lacks, self._asked)))

    @property
    def progress(self) -> tuple[float, str]:
        """How far what runs is, and what it says."""
        job, step = self._job, self._running
        return (0.0, "") if job is None or step is None else (job.fraction, f"{step.kind} {step.method}: {job.note or 'starting'}")

    @property
    def trouble(self) -> str:
        """Why there is no map, or not what was asked for: what the first step that is in the way says."""
        kinds = KINDS if self.session.layout is None else [kind for kind in KINDS if kind in self._asked]
        return next((f"{kind} {self.steps[kind].method}: {self.messages[kind]}" for kind in kinds if self.messages[kind]), "")

    @property
    def settling(self) -> Job | None:
        """The layout that runs and has shown what it has so far."""
        return self._job if self._job is not None and self._runs("reduce") and self._job.shown else None

    def _runs(self, kind: str) -> bool:
        return self._job is not None and self._running is not None and self._running.kind == kind

    @property
    def moving(self) -> bool:
        """Whether `poll` is to be called again."""
        looks = "_earlier_items" in self.__dict__ and not self._earlier_items.done()
        return self.busy or self._estimates.busy or looks

    def choose(self, kind: str, method: str) -> None:
        """Take another method; the settings of the earlier one are kept for when it is chosen again."""
        old = self.steps[kind]
        self._remembered[kind, old.method] = old
        self.steps[kind] = self._remembered.get((kind, method)) or find(kind, method)
        self.messages[kind] = ""

    def change(self, kind: str, name: str, value: Any) -> None:
        """Change a setting; what runs already is not touched. Clusters that are found at once are looked for at once."""
        self.messages[kind] = ""
        step = self.steps[kind]
        step.set(**{name: step.taken(name, value)})
        if kind == "cluster" and self._follows_slider():
            self._asked_since = self._job is not None
            self._queue = [step.copy()]
            if self._job is None:
                self._next()

    def _follows_slider(self) -> bool:
        """Whether clusters are looked for without Run: it takes little, and nothing else is computed or hangs on them."""
        others = any(step.kind != "cluster" for step in (self._running, *self._queue) if step is not None)
        if others or "cluster" in self.session.filters or not self._recuts() or not self._changed("cluster"):
            return False
        step, rows = self.steps["cluster"], self._rows("cluster")
        takes = step.estimate(*rows.values.shape) if isinstance(step, Clusterer) and rows is not None else None
        return self._tree_is_there() or (takes is not None and (takes.seconds or LIVE) < LIVE)

    def _recuts(self) -> bool:
        """Whether the clusters that are shown would only be cut anew."""
        step, result = self.steps["cluster"], self.session.clusters
        if result is None or not isinstance(step, Clusterer) or result.method != step.method or self.session.stale("cluster"):
            return False
        return step.recuts(result.settings)

    def _tree_is_there(self) -> bool:
        """Whether the clusters that are shown were found by this page, so that what it cuts is kept."""
        return self.session.clusters is not None and self.session.clusters.key == self._clustered

    def run(self, kind: str) -> None:
        """Run a step, then the later ones that were made from its earlier result."""
        self._weighing = False
        self._estimates.forget()  # what measures would take a core from what computes
        kinds = [later for later in KINDS[KINDS.index(kind) :] if later == kind or self._follows(later, kind)]
        asked = [self.steps[later].copy() for later in kinds]
        if kinds[:2] == ["extract", "reduce"] and self.steps["reduce"].method != PREVIEW:
            asked.insert(1, find("reduce", PREVIEW))
        waiting = [step for step in self._queue if step.kind not in kinds]  # of an earlier run that still goes
        self._queue = sorted([*waiting, *asked], key=lambda step: KINDS.index(step.kind))
        self.messages.update(dict.fromkeys(KINDS[KINDS.index(kind) :], ""))
        self._asked_since = self._job is not None
        if self._job is None:
            self._next()

    def refit(self) -> None:
        """Lay out from the map that the collection had before it changed."""
        step = self.session.refit_step()
        self.choose("reduce", step.method)
        self.steps["reduce"] = step
        self.run("reduce")

    def _follows(self, later: str, changed: str) -> bool:
        if later == "reduce":
            return changed == "extract" and (self.session.layout is None or self.session.layout.method != "given")
        if self.session.clusters is not None and self.session.clusters.method == "given":
            return False
        return changed == "extract" or self.steps["cluster"].settings().get("on") == "layout"

    def start(self) -> None:
        """What a fresh page does by itself: whatever was asked for or has no result yet, a quick layout first."""
        if self.busy:  # `save` has begun it
            return
        self._begun = True
        missing = self._missing()
        if missing[:1] == ["extract"] and "extract" not in self._asked and self._may_take_long(self.steps["extract"]):
            self._weighing = True
            self._estimates.of(self.steps["extract"], still=0.0)
        else:
            self._start(missing)

    def begin(self) -> None:
        """The same for who waits for it, however long it takes."""
        self._begun, self._weighing = True, False
        self._start(self._missing())

    def cancel(self) -> None:
        """Nobody waits any more: stop what runs, and begin nothing after it."""
        self._queue, self._weighing = [], False
        if self._job is not None:
            self._job.stop()

    def _may_take_long(self, step: Step) -> bool:
        """Whether each item is looked at by a model, and there are many."""
        from explorer.features import ItemExtractor

        return isinstance(step, ItemExtractor) and len(self.session.dataset) > FEW

    def _missing(self) -> list[str]:
        missing = [kind for kind in KINDS if self._lacks(kind)]
        given = self.session.layout is not None and self.session.layout.method == "given"
        if given and "extract" not in self._asked and self.steps["cluster"].settings().get("on") == "layout":
            missing = [kind for kind in missing if kind != "extract"]  # nothing here needs features
        return missing

    def _weighed(self) -> None:
        """Begin by itself what does not take long; of anything else say what it takes."""
        guess = self._estimates.of(self.steps["extract"])
        if guess is None:
            return
        self._weighing = False
        if isinstance(guess, str):
            self._start(self._missing())  # what stands in the way is said by the run itself
            return
        lacking = self._estimates.short_of_disk(guess.disk)
        if lacking:
            self.messages["extract"] = lacking
        elif guess.seconds > PATIENCE:
            self.messages["extract"] = "this takes a while: press Run when you want to wait for it"
        else:
            self._start(self._missing())

    def _start(self, missing: list[str]) -> None:
        if len(self.session.dataset) > MANY:
            self._start_quick(missing)
        elif missing and missing[0] == "extract":
            self.run("extract")
        elif missing:
            self._queue = [self.steps[kind].copy() for kind in missing]
            if "reduce" in missing and self.steps["reduce"].method != PREVIEW:
                self._queue.insert(0, find("reduce", PREVIEW))
            self._next()

    def _start_quick(self, missing: list[str]) -> None:
        """Of what is missing, what takes minutes at most; the others say why they wait, unless they were asked for."""
        slow = [kind for kind in missing if kind != "extract" and kind not in self._asked]
        self._queue = [self.steps[kind].copy() for kind in missing if kind not in slow]
        if "reduce" in missing and self.session.layout is None and self.steps["reduce"].method != PREVIEW:
            self._queue = sorted([find("reduce", PREVIEW), *self._queue], key=lambda step: KINDS.index(step.kind))
        for kind in slow:
            self.messages[kind] = f"{len(self.session.dataset):,} items take long: press Run when you want to wait for it"
        self._next()

    def _lacks(self, kind: str) -> bool:
        result = getattr(self.session, SLOTS[kind])
        asked = kind in self._asked and result is not None and result.method != "given"
        step = self.steps[kind]
        return result is None or (asked and not _made_by(result, step))

    def stop(self, kind: str) -> None:
        """Stop the step of this kind and whatever was to come after it; what is there stays.

        A layout that has shown what it has is kept as it is, and what was to be made from it still is: who stops it has seen enough
        of it and wants to go on with it.
        """
        if self._job is not None and self._runs(kind):
            self._keeping = self.settling is not None and self.settling.kept
            self._job.stop()
        if not (self._keeping and self._runs(kind)):
            self._queue = [step for step in self._queue if KINDS.index(step.kind) < KINDS.index(kind)]
        self._notify(kind)

    def poll(self) -> None:
        """Take over what has finished and start what is next. Call it on the session's own thread."""
        with self._polling:
            self._poll()

    def _poll(self) -> None:
        self._estimates.poll()
        if self._weighing:
            self._weighed()
        if self._job is None or self._running is None:
            return
        job, step = self._job, self._running
        if not job.finished:
            return
        self._job = self._running = None
        kept, self._keeping = self._keeping, False
        try:
            if job.state == "done":
                made = self.session.finish(job)
                self._clustered = made.key if step.kind == "cluster" else self._clustered
            elif job.state == "stopped":
                self._give_up(step.kind, f"stopped; {step.method} keeps nothing of an unfinished run" if kept else "")
            else:
                self._give_up(step.kind, job.message)
        except (InputError, OSError, ValueError) as problem:
            self._give_up(step.kind, str(problem))
        self._notify(step.kind)
        self._next()

    def _give_up(self, kind: str, message: str) -> None:
        """Drop what was to follow, and say why."""
        if not self._asked_since:
            self._queue = []
        self.messages[kind] = message

    def _next(self) -> None:
        if not self._queue:
            return
        self._asked_since = False
        step = self._queue.pop(0)
        try:
            self._job = self.session.start(step)
            self._running = step
        except (InputError, OSError) as problem:
            self._give_up(step.kind, str(problem))
        self._notify(step.kind)

    def close(self) -> None:
        """The visit is over. What runs goes on to its end: the page may be loaded again, and the result is kept."""
        self._queue = []
        self._estimates.forget()

    # What the page shows

    def describe(self, kind: str) -> dict[str, Any]:
        """One step's card, as plain values."""
        step, result = self.steps[kind], getattr(self.session, SLOTS[kind])
        ready, why = self._ready(kind)
        return {
            "title": TITLES[kind], "method": step.method, "methods": self._methods(kind), "settings": step.settings(),
            "schema": self._schema(step), "doc": (type(step).__doc__ or "").strip().partition("\n")[0],
            "ready": ready, "why": why, "message": self.messages[kind] or self._refused(kind), "changed": self._changed(kind),
            "notes": [] if result is None else list(result.notes), "summary": self._summary(kind),
            "estimate": self._estimate(kind), "grown": self._grown(kind), **self._progress(kind),
        }  # fmt: skip

    def _schema(self, step: Step) -> list[dict[str, Any]]:
        """The settings as they are declared; a target is one of those that the collection has."""
        rows = step.describe()
        for row in rows:
            if (row["name"], row["type"]) == ("target", "text"):
                chosen = str(step.settings()["target"])
                row |= {"type": "choice", "choices": list(dict.fromkeys(["", *self._targets, chosen]))}
        return rows

    @cached_property
    def _targets(self) -> list[str]:
        return targets(self.session)

    @cached_property
    def _earlier_items(self) -> Future[int]:
        """Looked up in a thread, where there is something to look up: in a collection of a million it takes a second."""
        if self.session.workspace.has_earlier:
            return _POOL.submit(self.session.earlier_items)
        none: Future[int] = Future()
        none.set_result(0)
        return none

    def _grown(self, kind: str) -> str:
        """That the layout could start from the one that the collection had before it changed; empty where it did, or cannot."""
        layout = self.session.layout
        if kind != "reduce" or layout is None or self.busy or layout.settings.get("keep") or layout.method == "given":
            return ""
        known = self._earlier_items.result() if self._earlier_items.done() else 0
        return f"{known:,} of {len(self.session.dataset):,} were on an earlier map" if known else ""

    def _methods(self, kind: str) -> list[str]:
        known = self._extractors if kind == "extract" else names(kind)
        given = [method for of, method in self._remembered if of == kind]  # a step that was given can be gone back to
        return list(dict.fromkeys([*known, *given, self.steps[kind].method]))

    @cached_property
    def _extractors(self) -> list[str]:
        from explorer.features import fitting

        return fitting(self.session.dataset)

    def _ready(self, kind: str) -> tuple[bool, str]:
        if refused := self._refused(kind):
            return False, refused
        if kind == "extract" or self._rows(kind) is not None:
            return True, ""
        return False, f"first there must be {'a layout' if self._on_layout(kind) else 'features'}"

    def _changed(self, kind: str) -> bool:
        """Whether Run would compute something else than what is shown."""
        result = getattr(self.session, SLOTS[kind])
        if result is None or result.method == "given":
            return False
        step = self.steps[kind]
        return bool(result.stopped) or self.session.stale(kind) or not _made_by(result, step)

    def _estimate(self, kind: str) -> str:
        """What Run would take, as far as it is known."""
        if kind != "extract":
            return self._by_formula(kind)
        computes = self.session.features is None or self._changed(kind)
        if not computes or self.busy:
            return ""
        guess = self._estimates.of(self.steps[kind])
        return "measuring how long it takes" if guess is None else str(guess)

    def _by_formula(self, kind: str) -> str:
        """What Run would take by its method's formula; empty where it has none, or where nothing is to be computed."""
        step, rows, result = self.steps[kind], self._rows(kind), getattr(self.session, SLOTS[kind])
        computes = result is None or self._changed(kind)
        if rows is None or not computes or self.busy or self._refused(kind):
            return ""
        (n, d), takes = rows.values.shape, None
        if isinstance(step, Reducer) or (isinstance(step, Clusterer) and not (self._recuts() and self._tree_is_there())):
            takes = step.estimate(n, d)
        return "" if takes is None else str(takes)

    def _rows(self, kind: str) -> Result | None:
        """What a layout or clusters would be computed of."""
        return self.session.layout if self._on_layout(kind) else self.session.features

    def _on_layout(self, kind: str) -> bool:
        return kind == "cluster" and self.steps[kind].settings().get("on") == "layout"

    def _refused(self, kind: str) -> str:
        """Why the chosen layout cannot be computed on this machine; empty where it can, or where it is not known."""
        step, features = self.steps[kind], self.session.features
        if kind != "reduce" or not isinstance(step, Reducer) or features is None:
            return ""
        return step.refused(*features.values.shape)

    def _progress(self, kind: str) -> dict[str, Any]:
        if self._running is not None and self._running.kind == kind and self._job is not None:
            note = self._job.note or ("starting" if self._job.state == "running" else "waiting for its turn")
            before = "quick PCA first: " if self._running.method == PREVIEW != self.steps[kind].method else ""
            before = "stopping, and keeping what is there: " if self._keeping else before
            keeps = kind == "reduce" and self.settling is not None and self.settling.kept
            return {"state": "running", "fraction": self._job.fraction, "note": before + note, "keeps": keeps}
        if any(step.kind == kind for step in self._queue):
            return {"state": "waiting", "fraction": 0.0, "note": "comes next"}
        return {"state": "empty" if getattr(self.session, SLOTS[kind]) is None else "done", "fraction": 0.0, "note": ""}

    def _summary(self, kind: str) -> str:
        result = getattr(self.session, SLOTS[kind])
        if result is None:
            return "not computed yet"
        took = f" · {result.seconds:.1f} s" if result.seconds >= 0.05 else ""
        of = "of another layout" if result.settings.get("on") == "layout" else "of other features"
        stale = f"{of}: run again · " if self.session.stale(kind) else ""
        if kind == "cluster":
            count, noise = int(result.values.max(initial=-1)) + 1, float((result.values < 0).mean())
            if not count and "min_cluster_size" in result.settings:
                return f"{stale}all noise: no group has {result.settings['min_cluster_size']} items; lower min_cluster_size{took}"
            on = {"layout": "on the layout", "pca": "on principal components", "vectors": "on the vectors"}.get(
                result.settings.get("on", ""), "given"
            )
            return f"{stale}{count} clusters · {'<1%' if 0 < noise < 0.01 else f'{noise:.0%}'} noise · {on}{took}"
        if result.stopped:
            return f"{stale}{result.method} · stopped at {result.stopped} · Run again for the whole"
        shape = " × ".join(f"{side:,}" for side in result.values.shape)
        return f"{stale}{result.method} · {shape}{took}"


def _made_by(result: Result, step: Step) -> bool:
    """Whether a step of these settings made a result; what was no setting then counts as it is where nobody sets it."""
    return result.method == step.method and type(step)().settings() | result.settings == step.settings()
