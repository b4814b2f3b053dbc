"""The three steps of a page: which method and settings are chosen, what runs now and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from explorer.errors import InputError
from explorer.session import SLOTS, Session
from explorer.step import KINDS, Result, Step, find, names
from explorer.views.estimates import Estimates
from explorer.worker import Job

TITLES = {"extract": "Features", "reduce": "Layout", "cluster": "Clusters"}
PREVIEW = "pca"  # shown at once, while a slower layout is on its way
FEW = 2_000  # items whose features are computed at once, without asking how long it takes
PATIENCE = 300.0  # seconds of extraction that begin by themselves
MANY = 500_000  # items beyond which nothing that takes hours begins by itself


class Pipeline:
    """Runs steps one after another in a child process. `poll` moves it on; nothing here waits."""

    def __init__(self, session: Session, chosen: dict[str, Step], notify: Callable[[str], None]) -> None:
        self.session = session
        self._asked = frozenset(chosen)
        self.steps = {kind: chosen[kind].copy() if kind in chosen else self._current(kind) for kind in KINDS}
        self.messages = dict.fromkeys(KINDS, "")
        self._remembered: dict[tuple[str, str], Step] = {}
        self._notify = notify
        self._queue: list[Step] = []
        self._job: Job | None = None
        self._running: Step | None = None
        self._estimates = Estimates(session)
        self._weighing = False  # whether a fresh page waits to hear how long the extraction takes
        self._asked_since = False  # whether what waits was asked for after what runs had begun: how that ends is not its affair

    def _current(self, kind: str) -> Step:
        """The step of the current result, so that a reopened page shows the settings it was made with."""
        result = getattr(self.session, SLOTS[kind])
        if result is not None and result.method in names(kind):
            return find(kind, result.method, **result.settings)
        return self.session.step(kind)

    @property
    def busy(self) -> bool:
        """Whether a step runs or waits."""
        return self._job is not None or bool(self._queue)

    @property
    def moving(self) -> bool:
        """Whether `poll` is to be called again."""
        return self.busy or self._estimates.busy

    def choose(self, kind: str, method: str) -> None:
        """Take another method; the settings of the earlier one are kept for when it is chosen again."""
        old = self.steps[kind]
        self._remembered[kind, old.method] = old
        self.steps[kind] = self._remembered.get((kind, method)) or find(kind, method)
        self.messages[kind] = ""

    def change(self, kind: str, name: str, value: Any) -> None:
        """Change a setting; what runs already is not touched."""
        declared = type(self.steps[kind]).param[name] if name in self.steps[kind].setting_names() else None
        if isinstance(value, float) and declared is not None and value.is_integer() and type(declared).__name__ == "Integer":
            value = int(value)
        self.messages[kind] = ""
        self.steps[kind].set(**{name: value})

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

    def _follows(self, later: str, changed: str) -> bool:
        if later == "reduce":
            return changed == "extract" and (self.session.layout is None or self.session.layout.method != "given")
        return changed == "extract" or self.steps["cluster"].settings().get("on") == "layout"

    def start(self) -> None:
        """What a fresh page does by itself: whatever was asked for or has no result yet, a quick layout first."""
        missing = self._missing()
        if missing[:1] == ["extract"] and "extract" not in self._asked and self._may_take_long(self.steps["extract"]):
            self._weighing = True
            self._estimates.of(self.steps["extract"], still=0.0)
        else:
            self._start(missing)

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
        if "reduce" in slow and self.session.layout is None:
            self._queue = sorted([*self._queue, find("reduce", PREVIEW)], key=lambda step: KINDS.index(step.kind))
        for kind in slow:
            self.messages[kind] = f"{len(self.session.dataset):,} items take long: press Run when you want to wait for it"
        self._next()

    def _lacks(self, kind: str) -> bool:
        result = getattr(self.session, SLOTS[kind])
        asked = kind in self._asked and result is not None and result.method != "given"
        step = self.steps[kind]
        return result is None or (asked and not _made_by(result, step))

    def stop(self, kind: str) -> None:
        """Stop the step of this kind and whatever was to come after it; what is there stays."""
        waiting = [step for step in self._queue if KINDS.index(step.kind) < KINDS.index(kind)]
        self._queue = waiting
        if self._job is not None and self._running is not None and self._running.kind == kind:
            self._job.stop()
        self._notify(kind)

    def poll(self) -> None:
        """Take over what has finished and start what is next. Call it on the session's own thread."""
        self._estimates.poll()
        if self._weighing:
            self._weighed()
        if self._job is None or self._running is None:
            return
        job, step = self._job, self._running
        if not job.finished:
            return
        self._job = self._running = None
        try:
            if job.state == "done":
                self.session.finish(job)
            else:
                self._give_up(step.kind, "" if job.state == "stopped" else job.message)
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
            "schema": step.describe(), "doc": (type(step).__doc__ or "").strip().partition("\n")[0],
            "ready": ready, "why": why, "message": self.messages[kind], "changed": self._changed(kind),
            "notes": [] if result is None else list(result.notes), "summary": self._summary(kind),
            "estimate": self._estimate(kind), **self._progress(kind),
        }  # fmt: skip

    def _methods(self, kind: str) -> list[str]:
        known = self._extractors if kind == "extract" else names(kind)
        return known if self.steps[kind].method in known else [*known, self.steps[kind].method]

    @cached_property
    def _extractors(self) -> list[str]:
        from explorer.features import fitting

        return fitting(self.session.dataset)

    def _ready(self, kind: str) -> tuple[bool, str]:
        on_layout = kind == "cluster" and self.steps[kind].settings().get("on") == "layout"
        if kind == "extract" or (self.session.layout if on_layout else self.session.features) is not None:
            return True, ""
        return False, f"first there must be {'a layout' if on_layout else 'features'}"

    def _changed(self, kind: str) -> bool:
        """Whether Run would compute something else than what is shown."""
        result = getattr(self.session, SLOTS[kind])
        if result is None or result.method == "given":
            return False
        step = self.steps[kind]
        return self.session.stale(kind) or not _made_by(result, step)

    def _estimate(self, kind: str) -> str:
        """What Run would take, as far as it is known."""
        computes = self.session.features is None or self._changed(kind)
        if kind != "extract" or not computes or self.busy:
            return ""
        guess = self._estimates.of(self.steps[kind])
        return "measuring how long it takes" if guess is None else str(guess)

    def _progress(self, kind: str) -> dict[str, Any]:
        if self._running is not None and self._running.kind == kind and self._job is not None:
            note = self._job.note or ("starting" if self._job.state == "running" else "waiting for its turn")
            preview = "quick PCA first: " if self._running.method == PREVIEW != self.steps[kind].method else ""
            return {"state": "running", "fraction": self._job.fraction, "note": preview + note}
        if any(step.kind == kind for step in self._queue):
            return {"state": "waiting", "fraction": 0.0, "note": "comes next"}
        return {"state": "empty" if getattr(self.session, SLOTS[kind]) is None else "done", "fraction": 0.0, "note": ""}

    def _summary(self, kind: str) -> str:
        result = getattr(self.session, SLOTS[kind])
        if result is None:
            return "not computed yet"
        took = f" · {result.seconds:.1f} s" if result.seconds >= 0.05 else ""
        stale = "of other features: run again · " if self.session.stale(kind) else ""
        if kind == "cluster":
            count, noise = int(result.values.max(initial=-1)) + 1, float((result.values < 0).mean())
            if not count and "min_cluster_size" in result.settings:
                return f"{stale}all noise: no group has {result.settings['min_cluster_size']} items; lower min_cluster_size{took}"
            on = {"layout": "on the layout", "pca": "on principal components", "vectors": "on the vectors"}[result.settings["on"]]
            return f"{stale}{count} clusters · {'<1%' if 0 < noise < 0.01 else f'{noise:.0%}'} noise · {on}{took}"
        shape = " × ".join(f"{side:,}" for side in result.values.shape)
        return f"{stale}{result.method} · {shape}{took}"


def _made_by(result: Result, step: Step) -> bool:
    """Whether a step of these settings made a result; what was no setting then counts as it is where nobody sets it."""
    return result.method == step.method and type(step)().settings() | result.settings == step.settings()
