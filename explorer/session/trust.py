"""How far the map can be trusted: what is measured of the current layout, and colours the map where a person wants it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import param

from explorer.errors import InputError
from explorer.neighbors import METRICS, neighbor_graph
from explorer.session.measures import COLOR, Quality, not_measured
from explorer.session.nearby import metric_of
from explorer.session.seeds import K, Seeding
from explorer.step import Progress, Result

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.insight.quality import Torn, Trust
    from explorer.insight.quality.places import Places
    from explorer.installation.takes import Takes
    from explorer.neighbors import NeighborGraph
    from explorer.worker import Job, Worker
    from explorer.workspace import Workspace


class Near(NamedTuple):
    """Who is near whom in the vectors and on the map, among the ``(m,)`` rows that have both."""

    rows: np.ndarray
    graph: NeighborGraph
    places: Places


class Trusting(Seeding):
    """The verbs about trust; `Session` adds what is computed and selected."""

    quality = param.Parameter(
        Quality(), doc="What is known of the current layout, a `Quality` of `trust` and `stability`; read only."
    )
    color_by = param.String("none")

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace
        features: Any
        layout: Any
        selection: np.ndarray
        _worker: Worker | None

        def _own_worker(self) -> Worker: ...

    def _begin_trusting(self) -> None:
        self._qualities: dict[tuple[str, str], Quality] = {}
        self._near: tuple[tuple[str, str, int], Near] | None = None
        self._color_before = "none"  # what colours the map again when its trust is no longer known
        self.param.watch(self._color_asked, "color_by")

    def _color_asked(self, event: Any) -> None:
        """Refuse what is not measured yet; else remember what was there before."""
        if event.new.startswith(COLOR) and event.new not in self.quality.colors():
            self.color_by = event.old
            raise not_measured(event.new)
        if not event.new.startswith(COLOR):
            self._color_before = event.new

    def adopt(self, result: Result) -> Result:
        """Make a result the current one of its kind; of another layout, or of other features, other things are known."""
        if result.kind == "cluster":
            return self._adopted(result)
        slot = "features" if result.kind == "extract" else "layout"
        current = getattr(self, slot)
        if current is None or current.key != result.key:
            if self.color_by.startswith(COLOR):
                self.color_by = self._color_before
            self.quality = Quality()
        made = self._adopted(result)
        self.quality = self._qualities.get(self._compared(), Quality())
        return made

    def _adopted(self, result: Result) -> Result:
        made: Result = super().adopt(result)  # of `Computing`, which comes after this one
        return made

    # How near who is

    def trust(self, k: int = K, progress: Progress | None = None, *, items: str = "sample") -> Trust:
        """Measure how far the layout can be trusted: whether who is near in the features is near on the map.

        Parameters
        ----------
        k
            How many neighbours of each item are looked at; fewer than half the items.
        items
            Which get a trustworthiness and a continuity: "all", or a "sample" of 2,000 where all would take longer than about 2
            seconds. All are given for the sample too where they have been measured already.

        Returns
        -------
        explorer.insight.quality.Trust
            `trustworthiness`, `continuity` and `recall`, each with ``.value``, the 95 % interval ``.low`` to ``.high`` and
            ``.of_items`` ``(n,)``; the intrinsic `dimension` and the `shepard` diagram. Then the map can be coloured by them:
            ``session.color_by = "trust:recall"``.

        Raises
        ------
        InputError
            Where there are no features or no layout, or too few items for `k`.
        """
        from explorer.insight.quality.job import measured

        features, layout = self._both()
        known, out = self.quality.trust, self._trust_out(k, items)
        if known is not None and known.k == k and known.metric == self._metric() and (items == "sample" or known.whole):
            return known
        made = measured(features.values, layout.values, k, self._metric(), self._graphs, out, progress, out.parent.name)
        return self._learnt(self._compared(), trust=made)

    def start_trust(self, k: int = K, items: str = "sample") -> Job:
        """The same in a child process; give the job to `finish_trust` when it has finished.

        Raises
        ------
        InputError
            Where there are no features or no layout, or too few items for `k`.
        """
        from explorer.insight.quality.measuring import checked

        features, layout = self._both()
        checked(features.values, layout.values, k)
        folders = {name: str(self._folder(result)) for name, result in (("features", features), ("layout", layout))}
        worker, out = self._worker or self._own_worker(), self._trust_out(k, items)
        self._worker = worker
        request = {"do": "trust", "k": int(k), "metric": self._metric(), "store": str(self._graphs), "items": out.parent.name}
        return worker.submit(request | folders | {"out": str(out)})

    def trust_takes(self) -> Takes:
        """What `trust` of all items takes, once neighbours are known.

        Raises
        ------
        InputError
            Where there are no features or no layout.
        """
        from explorer.insight.quality.takes import ranks_take

        features, layout = self._both()
        return ranks_take(int(layout.valid.sum()), features.values.shape[1])

    def finish_trust(self, job: Job) -> Trust | None:
        """Take over what a job found; None where the layout is another one by now.

        Raises
        ------
        InputError
            With the job's message, when it failed.
        """
        from explorer.insight.quality.job import kept
        from explorer.insight.quality.measuring import ITEMS

        if job.state != "done" or job.folder is None:
            raise InputError(job.message or "the measuring was stopped")
        made = kept(job.folder)
        if made is None:
            raise InputError(f"{job.folder} cannot be read; measure again")
        if self.features is None or self.layout is None or job.folder not in [self._trust_file(made.k, items) for items in ITEMS]:
            return None
        return self._learnt(self._compared(), trust=made)

    # What is torn

    def torn(self, mask: np.ndarray | None = None, k: int = K, progress: Progress | None = None) -> Torn:
        """How much of a group's neighbourhood in the features the map shows somewhere else.

        Parameters
        ----------
        mask
            ``(n,)`` bool, who is of the group; None takes the selection.
        k
            How many neighbours of each item are looked at.

        Returns
        -------
        explorer.insight.quality.Torn
            `share` of the members' neighbours that lie elsewhere, the `rows` of these, and pairs to draw lines between.

        Raises
        ------
        InputError
            Where there are no features or no layout, nothing is selected, or too few items are there for `k`.
        """
        from explorer.insight.quality import torn

        group = self._group(self.selection if mask is None else mask)
        near = self._neighbourhood(k, progress)
        values = self._both()[0].values
        vectors = values if len(near.rows) == len(values) else values[near.rows]
        found = torn(near.graph, near.places, group[near.rows], progress, vectors=vectors)
        of = {name: near.rows[getattr(found, name)] for name in ("rows", "members", "neighbours")}
        return type(found)(found.share, found.count, found.of, **of)

    def _group(self, mask: np.ndarray) -> np.ndarray:
        group = np.asarray(mask)
        if group.shape != (len(self.dataset),) or group.dtype != bool:
            raise InputError(f"a group is a mask of shape ({len(self.dataset)},) of bool, not {group.shape} of {group.dtype}")
        if not group.any():
            raise InputError("nothing is selected, and a group is asked about; select some items first")
        return group

    def _neighbourhood(self, k: int, progress: Progress | None = None) -> Near:
        """Neighbours in the features and on the map, kept for the current ones."""
        from explorer.insight.quality.measuring import checked, narrowed
        from explorer.insight.quality.places import Places

        features, layout = self._both()
        key = (features.key, layout.key, k)
        known = self._near
        if known is None or known[0] != key:
            rows = checked(features.values, layout.values, k)
            some, metric = narrowed(features.values, rows), self._metric()
            graph = neighbor_graph(some, k, metric, store=self._graphs, progress=progress).first(k)
            known = self._near = (key, Near(rows, graph, Places(layout.values[rows])))
        return known[1]

    # What all of them need

    def _both(self) -> tuple[Result, Result]:
        if self.features is None:
            raise InputError("there are no features yet to compare the layout with; first call session.extract()")
        if self.layout is None:
            raise InputError("there is no layout yet; first call session.reduce()")
        return self.features, self.layout

    def _compared(self) -> tuple[str, str]:
        return ("" if self.features is None else self.features.key, "" if self.layout is None else self.layout.key)

    def _learnt(self, of: tuple[str, str], **known: Any) -> Any:
        self._qualities[of] = self._qualities.get(of, Quality())._replace(**known)
        self.quality = self._qualities[of]
        return next(iter(known.values()))

    def _metric(self) -> str:
        """The layout's own, where it has one: it is to be judged by what it was told to keep."""
        own = None if self.layout is None else self.layout.settings.get("metric")
        return own if own in METRICS else metric_of(self.features)

    @property
    def _results_folder(self) -> Path:
        return self.workspace.result_folder("reduce", "method", "key").parents[2]

    @property
    def _graphs(self) -> Path:
        """Where every reducer keeps its graphs of neighbours too."""
        return self._results_folder / "neighbors"

    def _trust_out(self, k: int, items: str) -> Path:
        """Where what is measured of these items is kept; of all of them, where that is there already."""
        from explorer.insight.quality.measuring import ranked

        ranked(1, 1, items)
        everything = self._trust_file(k, "all")
        return everything if everything.exists() else self._trust_file(k, items)

    def _trust_file(self, k: int, items: str) -> Path:
        from explorer.insight.quality.measuring import VERSION

        identity = json.dumps([*self._compared(), int(k), self._metric(), VERSION])
        return self._results_folder / "trust" / items / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npz"

    def _folder(self, result: Result) -> Path:
        self.workspace.put(result)
        return self.workspace.result_folder(result.kind, result.method, result.key)


__all__ = ["K", "Near", "Trusting"]
