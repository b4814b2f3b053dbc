"""A session's steps: run here or in a child process, kept in the workspace, and what they will take."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import param

from explorer.errors import InputError
from explorer.session.beside import with_beside
from explorer.session.filters import fitting
from explorer.session.saved import frozen
from explorer.step import Progress, Result, Step, find, registered
from explorer.worker import Job, Worker

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.features.estimate import Estimate
    from explorer.labels import Labels
    from explorer.selection import Rule, Seen
    from explorer.workspace import Workspace

SLOTS = {"extract": "features", "reduce": "layout", "cluster": "clusters"}


class Computing(param.Parameterized):
    """The verbs about steps; `Session` adds what is selected and marked."""

    features = param.Parameter(None, doc="The current features, a `Result` of (n, d) float32, or None.")
    layout = param.Parameter(None, doc="The current layout, a `Result` of (n, 2) float32, or None.")
    clusters = param.Parameter(None, doc="The current clusters, a `Result` of (n,) int32 where -1 is noise, or None.")

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace
        labels: Labels
        filters: dict[str, Rule]
        saved: dict[str, Rule]
        _worker: Worker | None

        @property
        def seen(self) -> Seen: ...

    def extract(self, method: Any = None, progress: Progress | None = None, **settings: Any) -> Result:
        """Compute features, ``(n, d)`` float32; without a method, by the one that fits the data.

        Raises
        ------
        InputError
            For a wrong method or setting, or data that it cannot use.
        """
        return self._run("extract", method, progress, settings)

    def reduce(self, method: Any = "umap", progress: Progress | None = None, **settings: Any) -> Result:
        """Compute a layout, ``(n, 2)`` float32, from the features.

        Parameters
        ----------
        method
            A method's name, a `Step`, or any transformer with scikit-learn's `get_params` and `fit_transform`, such as ``TSNE()``.
        """
        return self._run("reduce", method, progress, settings)

    def cluster(self, method: Any = "hdbscan", progress: Progress | None = None, **settings: Any) -> Result:
        """Compute clusters, ``(n,)`` int32 with -1 for noise, on what the setting `on` says.

        Parameters
        ----------
        method
            A method's name, a `Step`, or any clusterer with scikit-learn's `get_params` and `fit_predict`, such as ``Birch()``.
        """
        return self._run("cluster", method, progress, settings)

    def step(self, kind: str, method: Any = None, **settings: Any) -> Step:
        """The step of that name with these settings; without a name, the one that fits."""
        if method is None:
            from explorer.features import suggest

            method = {"extract": suggest(self.dataset), "reduce": "umap", "cluster": "hdbscan"}[kind]
        return find(kind, method, **settings)

    def _run(self, kind: str, method: Any, progress: Progress | None, settings: dict[str, Any]) -> Result:
        step = with_beside(self, self.step(kind, method, **settings))
        data, fingerprint = self._input(step)
        kept = self.workspace.get(kind, step.method, step.key(fingerprint))
        store = self.workspace.result_folder(kind, step.method, step.key(fingerprint)).parent
        result = kept or self.workspace.put(step.run(data, progress, fingerprint=fingerprint, store=store))
        return self.adopt(result)

    def _input(self, step: Step) -> tuple[Any, str]:
        """What a step runs on, and its fingerprint."""
        if step.kind == "extract":
            return self.dataset, self.dataset.fingerprint
        slot = "layout" if step.kind == "cluster" and step.settings().get("on") == "layout" else "features"
        result = getattr(self, slot)
        if result is None:
            do_first = "session.extract()" if slot == "features" else "session.reduce()"
            raise InputError(f"there {'are no features' if slot == 'features' else 'is no layout'} yet; first call {do_first}")
        return result.values, result.key

    def adopt(self, result: Result) -> Result:
        """Make a result the current one of its kind."""
        kept = fitting(self.filters, self.labels.names, clusters=result.kind != "cluster")
        current = getattr(self, SLOTS[result.kind])
        if current is not None and current.key != result.key:  # what was drawn on what it replaces
            kept = frozen(kept, SLOTS[result.kind], self.seen)
            if self.saved:
                self.saved = frozen(self.saved, SLOTS[result.kind], self.seen)
        same = len(kept) == len(self.filters) and all(kept[name] is rule for name, rule in self.filters.items())
        self.param.update(**{SLOTS[result.kind]: result}, **({} if same else {"filters": kept}))
        self.workspace.remember({slot: getattr(self, slot) for slot in SLOTS.values()})
        return result

    def start(self, step: Step) -> Job:
        """Run a step in a child process and return at once; give the job to `finish` when it has finished.

        Raises
        ------
        InputError
            When there is nothing to run it on yet.
        """
        step = with_beside(self, step)
        data, fingerprint = self._input(step)
        key = step.key(fingerprint)
        known = self.workspace.get(step.kind, step.method, key) is not None  # a damaged one is moved aside by this
        out = self.workspace.result_folder(step.kind, step.method, key)
        worker = self._worker = self._worker or self._own_worker()
        if known:
            return worker.run_here(lambda progress: out)
        if not registered(step.kind, step.method):
            return worker.run_here(lambda progress: self._kept(step.run(data, progress, fingerprint=fingerprint, store=out.parent)))
        place = self.workspace.dataset_folder() if step.kind == "extract" else self._values_file(step)
        request = {"do": "run", "kind": step.kind, "method": step.method, "settings": step.settings(), "data": str(place)}
        return worker.submit(request | {"fingerprint": fingerprint, "out": str(out)}, step.beside)

    def _own_worker(self) -> Worker:
        worker = Worker()
        weakref.finalize(self, worker.close)
        return worker

    def _kept(self, result: Result) -> Path:
        self.workspace.put(result)
        return self.workspace.result_folder(result.kind, result.method, result.key)

    def _values_file(self, step: Step) -> Path:
        slot = "layout" if step.kind == "cluster" and step.settings().get("on") == "layout" else "features"
        return self._kept(getattr(self, slot)) / "values.npy"

    def finish(self, job: Job) -> Result:
        """Take over the result of a job that is done.

        Raises
        ------
        InputError
            With the job's message, when it failed.
        """
        if job.state != "done" or job.folder is None:
            raise InputError(job.message or "the step was stopped")
        return self.adopt(Result.load(job.folder))

    def estimate(self, method: Any = None, **settings: Any) -> Estimate:
        """What extracting features would take: seconds, disk and memory, by computing a few of the items here and now.

        Raises
        ------
        InputError
            As `extract` does.
        """
        from explorer.features.estimate import estimated

        step = self.step("extract", method, **settings)
        store = self.workspace.result_folder("extract", step.method, step.key(self.dataset.fingerprint)).parent
        return estimated(step, self.dataset, Progress(), store)

    def start_estimate(self, step: Step) -> Job | None:
        """The same in a child process; give the job to `estimated`. None for a step that no child could find by its name."""
        if not registered(step.kind, step.method):
            return None
        key = step.key(self.dataset.fingerprint)
        store = self.workspace.result_folder("extract", step.method, key).parent
        worker = self._worker = self._worker or self._own_worker()
        request = {"do": "estimate", "method": step.method, "settings": step.settings(), "store": str(store)}
        place = self.workspace.dataset_folder()
        return worker.submit(request | {"data": str(place), "out": str(store / f".estimate-{key}.json")})

    @staticmethod
    def estimated(job: Job) -> Estimate:
        """What a job of `start_estimate` found.

        Raises
        ------
        InputError
            With the job's message, when it failed.
        """
        from explorer.features.estimate import Estimate

        if job.state != "done" or job.folder is None:
            raise InputError(job.message or "the estimate was stopped")
        return Estimate.load(job.folder)

    def stale(self, kind: str) -> bool:
        """Whether a result was made from other features (or another layout) than the current ones."""
        result = getattr(self, SLOTS[kind])
        if result is None or kind == "extract" or result.method == "given":
            return False
        sources = [self.layout] if result.settings.get("on") == "layout" else [self.features]
        return all(source is None or source.key != result.input for source in sources)


__all__ = ["SLOTS", "Computing"]
