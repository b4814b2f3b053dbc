"""A session: what is chosen, computed and marked by one visit; verbs in, watched values out. No widget is known here."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.grid import Grid
from explorer.neighbors import NeighborGraph
from explorer.raster import SCALINGS, SMALL
from explorer.selection import All, HasLabel, Ids, Not, Rule, Seen, combine, combine_rules, walk
from explorer.session.bins import Bins, of_clusters, of_column, of_labels
from explorer.session.coloring import Coloring, Known, choices, coloring
from explorer.session.comparing import Comparing
from explorer.session.computing import SLOTS, Computing
from explorer.session.filters import FilterRules, Filters, Masks, fitting, of_legend, own_keys
from explorer.session.giving import Giving, given_names
from explorer.session.growing import Growing
from explorer.session.history import Brushed, Selected
from explorer.session.labelling import Labelling
from explorer.session.nearby import Nearby, metric_of
from explorer.session.saved import needs, recalled
from explorer.session.saving import Saving
from explorer.session.trust import Trusting
from explorer.step import Progress, Result
from explorer.worker import Worker
from explorer.workspace import Workspace


class Session(Trusting, Computing, Growing, Comparing, Giving, Saving, Labelling):
    """One visit to a dataset.

    Parameters
    ----------
    dataset
        A `Dataset`, or whatever `explorer.read` takes.
    workspace
        A folder to keep results and labels in, a `Workspace` shared with other sessions, or None: in memory.
    user
        Who labels, as the journal says it; None is the system's user.

    Examples
    --------
    >>> import numpy, explorer
    >>> session = explorer.Session(numpy.random.default_rng(0).normal(size=(200, 8)))
    >>> session.extract("vectors").values.shape, session.reduce("pca").values.shape
    ((200, 8), (200, 2))
    """

    selection = param.Parameter(None, doc="(n,) bool, read only; change it with `select`.")
    color_by = param.String(
        "none",
        doc='What colours the map: "none", "density", "cluster", "label" (or "label:SET", "parent"), "column:NAME", or '
        '"trust:MEASURE" of what `trust` or `stability` measured.',
    )
    density_scale = param.Selector(
        default=SCALINGS[0], objects=list(SCALINGS), doc="How opacity grows with the items that share a pixel: by their logarithm, "
        "their number, or their rank among the pixels."
    )  # fmt: skip
    measures = param.Parameter({}, doc="`Measure`s by name: numbers worked out for every item, to colour by as measure:NAME.")
    hidden = param.Parameter(frozenset(), doc="Names of the legend's entries that are not drawn and not brushed.")
    filters = FilterRules(Filters(), doc="Rules by a column's name; items that fail one are not drawn and not brushed.")

    def __init__(
        self, dataset: Any, workspace: Workspace | str | Path | None = None, *, worker: Worker | None = None,
        user: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if not isinstance(dataset, Dataset):
            from explorer.sources import read

            dataset = read(dataset)
        self.dataset: Dataset = dataset
        self.workspace = workspace if isinstance(workspace, Workspace) else Workspace(dataset, workspace)
        self.color_chosen = False  # whether somebody wanted no colours: no view then chooses some
        self._worker = worker
        self._rule: Rule | None = None
        self._on: dict[str, str] = {}  # what that rule looked at
        self._names: tuple[str, dict[int, str]] = ("", {})
        self._shown: tuple[tuple[Any, ...], np.ndarray | None, tuple[Rule, ...]] = ((), None, ())
        self._grid: tuple[Result, Grid] | None = None
        self._nearby = Nearby(self.workspace.writable_folder / "results" / "neighbors")
        self._masks = Masks()
        nothing = _read_only(np.zeros(len(dataset), bool))
        self._begin_labelling(user)
        self._begin_trusting()
        self.param.update(selection=nothing, **self._recalled())
        self.saved = recalled(self.workspace, self.seen, self._results)
        self._watcher = self.workspace.param.watch(_Follow(self), "sets")
        weakref.finalize(self, _unwatch, self.workspace, self._watcher)

    def __repr__(self) -> str:
        made = [f"{slot} {getattr(self, slot).method}" for slot in SLOTS.values() if getattr(self, slot) is not None]
        so_far = ", ".join(made) or "nothing computed yet"
        return f"<Session of {self.dataset.name}: {so_far}; {int(self.selection.sum()):,} selected>"

    def _recalled(self) -> dict[str, Result]:
        found = {slot: result for slot, result in self.workspace.recall().items() if slot in SLOTS.values()}
        if "layout" not in found and self.dataset.layout is not None:
            given = np.ascontiguousarray(self.dataset.layout, np.float32)
            key = f"given-{self.dataset.fingerprint}"
            found["layout"] = self.workspace.put(Result(given, "reduce", "given", {}, self.dataset.fingerprint, key))
        return found

    def close(self) -> None:
        """Stop following the workspace; the session's values stay readable."""
        _unwatch(self.workspace, self._watcher)

    # Selections

    @property
    def seen(self) -> Seen:
        """What a rule looks at now."""
        layout, clusters = (None if result is None else result.values for result in (self.layout, self.clusters))
        return Seen(self.dataset, layout, clusters, self._labelled, self.grid)

    def _labelled(self, category: str | None, label_set: str | None = None) -> np.ndarray:
        return (self.labels if label_set is None else self.labels_of(label_set)).mask(category)

    @property
    def grid(self) -> Grid | None:
        """The layout's points in a grid, where they are many and `make_grid` was called."""
        return self._grid[1] if self._grid is not None and self._grid[0] is self.layout else None

    def make_grid(self) -> Grid | None:
        """The layout's points in a grid, where they are many; made in seconds for ten million, so better not by an event loop."""
        layout = self.layout
        if layout is None or len(layout.values) <= SMALL:
            return None
        if self._grid is None or self._grid[0] is not layout:
            self._grid = (layout, self.workspace.grid(layout))
        return self._grid[1]

    @property
    def rule(self) -> Rule | None:
        """Why the selected items are selected; None when there are none.

        Where what it looked at has been replaced since, it is their ids: a lasso of another layout would select others on this one.
        """
        if self._rule is not None and self._on != self._looked_at(self._rule):
            self._rule, self._on = Ids(self.selected_ids), {}
        return self._rule

    @property
    def selected_ids(self) -> np.ndarray:
        """The ids of the selected items, in the dataset's order."""
        return self.dataset.ids[self.selection]

    def select(self, rule: Rule | Iterable[Any], mode: str = "replace") -> np.ndarray:
        """Select by a rule, or the items of a list of ids.

        Parameters
        ----------
        mode
            How it combines with what is selected: "replace", "add", "subtract" or "intersect".

        Returns
        -------
        numpy.ndarray
            ``(n,)`` bool, the new selection.
        """
        if not isinstance(rule, Rule):
            rule = Ids(rule)
        mask = combine(self.selection, rule.mask(self.seen), mode)
        return self._brush(Selected(mask, combine_rules(self.rule, rule, mode) if mask.any() else None))

    def invert(self) -> np.ndarray:
        """Select what is shown and not selected."""
        rule = Not(Ids(()) if self.rule is None else self.rule)
        shown, limits = self.shown, self.shown_rule
        mask = ~self.selection if shown is None else ~self.selection & shown
        return self._brush(Selected(mask, (rule if limits is None else rule & limits) if mask.any() else None))

    @property
    def _results(self) -> dict[str, Result | None]:
        return {slot: getattr(self, slot) for slot in SLOTS.values()}

    def clear(self) -> np.ndarray:
        """Select nothing."""
        return self._brush(Selected(np.zeros(len(self.dataset), bool)))

    # Neighbours

    @property
    def metric(self) -> str:
        """How features are compared where no metric is named: "cosine" for embeddings and unit vectors, else "euclidean"."""
        return metric_of(self.features)

    def neighbors(self, item: Any, k: int = 12, metric: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The ids of the `k` items nearest to one (given by its id) in feature space, nearest first, and their distances."""
        row = self.dataset.rows([item])
        rows, distances = self._nearby.nearest(self._featured(), row, k, metric or self.metric)
        return self.dataset.ids[rows[0][rows[0] >= 0]], distances[0][rows[0] >= 0]

    def grow(self, k: int = 1, metric: str | None = None, progress: Progress | None = None) -> np.ndarray:
        """Add the `k` nearest neighbours in feature space of every selected item, those that are shown; the new selection."""
        rows = self._nearby.around(self._featured(), np.flatnonzero(self._chosen()), k, metric or self.metric, progress)
        return self.add_rows(rows)

    def add_rows(self, rows: np.ndarray) -> np.ndarray:
        """Add the shown ones of some rows to the selection; ``(n,)`` bool, the new selection."""
        rows = rows if self.shown is None else rows[self.shown[rows]]
        return self.select(Ids(self.dataset.ids[rows]), "add") if len(rows) else self.selection

    def neighbor_graph(self, k: int = 15, metric: str | None = None, progress: Progress | None = None) -> NeighborGraph:
        """The `k` nearest of every item in feature space, kept in the workspace for all that need them.

        Rows are the dataset's; an item without features has no neighbours: its indices are -1.
        """
        return self._nearby.graph(self._featured(), k, metric or self.metric, progress)

    def _featured(self) -> Result:
        metric_of(self.features)  # says what to do where there are none
        found: Result = self.features
        return found

    def _brush(self, after: Selected) -> np.ndarray:
        after = Selected(after.mask, after.rule, self._looked_at(after.rule))
        if not np.array_equal(after.mask, self.selection):
            self._history.add(Brushed(Selected(self.selection, self.rule, self._on), after))
        return self._show(after)

    def _show(self, selected: Selected) -> np.ndarray:
        self._rule = selected.rule
        self._on = self._looked_at(selected.rule) if selected.on is None else selected.on
        self.selection = _read_only(selected.mask)
        return self.selection

    def _looked_at(self, rule: Rule | None) -> dict[str, str]:
        """What a rule means besides the data, by what it is: the layout's key, the clusters', the current label set's name."""
        if rule is None:
            return {}
        found = {slot: result.key for slot in needs(rule) if (result := getattr(self, slot)) is not None}
        current = any(isinstance(part, HasLabel) and part.label_set is None for part in walk(rule))
        return found | ({"label_set": self.label_set} if current else {})

    # What is shown

    def filter(self, column: str, rule: Rule | None) -> None:
        """Show only the items that a rule selects; a later rule of the same name takes its place, None takes it away.

        Parameters
        ----------
        column
            What it filters: a column's name, "cluster" or "label".

        Raises
        ------
        InputError
            For a name that is not there, or a rule that does not fit.
        """
        if column not in (known := self._filterable):
            raise unknown("column", column, known)
        others = {name: kept for name, kept in self.filters.items() if name != column}
        self.filter_by(others if rule is None else {**others, column: rule})

    def filter_by(self, filters: Mapping[str, Rule]) -> None:
        """Show only the items that all these rules select, by what each is about; they take the place of all filters before.

        Raises
        ------
        InputError
            For a name that is not there, or a rule that does not fit: nothing is filtered otherwise then.
        """
        known = self._filterable
        for column, rule in filters.items():
            if column not in known:
                raise unknown("column", column, known)
            if not isinstance(rule, Rule):
                raise InputError(f"a filter takes a rule such as Where('year', '>=', 2020), not {rule!r}")
        self._masks.of(list(filters.values()), self.seen, self._looked_through)  # what does not fit is said now
        self.filters = dict(filters)

    @property
    def _filterable(self) -> list[str]:
        return [*self.dataset.columns, *own_keys(self.dataset.columns).values()]

    def clear_filters(self) -> None:
        """Take all filters away; what the legend hides stays hidden."""
        self.filters = {}

    def bins(self, column: str) -> Bins | None:
        """The bars of a column, of "cluster" or of "label"; None where there are none.

        Raises
        ------
        InputError
            For a name that is not there.
        """
        own = own_keys(self.dataset.columns)
        if column == own["cluster"]:
            return None if self.clusters is None else of_clusters(self.clusters.values, self.cluster_names)
        return of_labels(self.labels) if column == own["label"] else of_column(self.dataset, column)

    @property
    def shown(self) -> np.ndarray | None:
        """``(n,)`` bool, read only: the items that the legend and the filters leave on the map; None where they leave all."""
        return self._limits()[0]

    @property
    def shown_rule(self) -> Rule | None:
        """Why those items are shown: the filters, and what the legend hides; None when nothing is hidden."""
        parts = self._limits()[1]
        return None if not parts else parts[0] if len(parts) == 1 else All(parts)

    def _limits(self) -> tuple[np.ndarray | None, tuple[Rule, ...]]:
        """The mask of what is shown and the rules that make it, worked out once for as long as what they look at is the same."""
        now = (self.hidden, self.filters, self.color_by, *self._looked_through)
        known, mask, rules = self._shown
        if len(known) != len(now) or any(old is not new for old, new in zip(known, now, strict=True)):
            rules = (*self.filters.values(), *((self._legend_rule(),) if self.hidden else ()))
            mask = self._masks.of(rules, self.seen, self._looked_through)
            mask = None if mask is None else _read_only(mask)
            self._shown = (now, mask, rules)
        return mask, rules

    @property
    def _looked_through(self) -> tuple[Any, ...]:
        """What filters and the legend may be about besides the data; of another label set, too."""
        return self.clusters, self.labels, self.sets

    def _legend_rule(self) -> Rule:
        """What the legend leaves: by values, clusters or categories where they say it, so that a selection says why."""
        colors = self.coloring()
        drawn = np.array([name not in self.hidden for name in colors.names])
        if drawn.all():
            return Not(Ids(()))  # what was hidden has another name now
        left, by_value = drawn[colors.codes], of_legend(self.color_by, colors, drawn, self.labels.names)
        fits = by_value is not None and np.array_equal(by_value.mask(self.seen), left)
        return by_value if by_value is not None and fits else Ids(self.dataset.ids[left])

    # Colours

    @property
    def color_choices(self) -> list[dict[str, Any]]:
        """What `color_by` may be, with the name to show."""
        others = [name for name in self.label_sets if name != self.label_set]
        nested = any("/" in name for name in self.labels.names)
        clustered, measured = self.clusters is not None, self.quality.colors()
        measures = {name: measure.title for name, measure in self.measures.items()}
        return choices(self.dataset, clustered=clustered, label_sets=others, nested=nested, measured=measured, measures=measures)

    def coloring(self) -> Coloring:
        """The colours of `color_by` as they are now."""
        clusters = None if self.clusters is None else self.clusters.values
        measured = self.quality.colors()
        known = Known(self.dataset, clusters, self.labels, self.cluster_names, self.labels_of, measured, self.measures)
        return coloring(self.color_by, known)

    @property
    def cluster_names(self) -> dict[int, str]:
        """A name for each cluster: its own, or one from what its items have in common; worked out once a clustering."""
        if self.clusters is None:
            return {}
        if self._names[0] != self.clusters.key:
            from explorer.insight.naming import name_clusters

            known = given_names(self.clusters)
            self._names = (self.clusters.key, name_clusters(self.dataset, self.clusters.values) if known is None else known)
        return self._names[1]

    # Out

    def record(self) -> dict[str, Any]:
        """Everything that is needed to make the exported rows again, as plain JSON values."""
        steps = [getattr(self, slot).record() for slot in SLOTS.values() if getattr(self, slot) is not None]
        found = {"name": self.dataset.name, "items": len(self.dataset), "fingerprint": self.dataset.fingerprint}
        categories = [vars(category) for category in self.labels.categories.values()]
        return {"dataset": found | {"notes": list(self.dataset.notes)}, "steps": steps, "categories": categories}

    def export(
        self, path: str | Path, *, only: str = "all", force: bool = False, for_spreadsheets: bool = False,
        progress: Progress | None = None, **settings: Any,
    ) -> Path:  # fmt: skip
        """Write the items with layout, clusters and labels; the ending picks the format, ``OUT.settings.json`` stands beside it.

        Parameters
        ----------
        only
            "all", "selected" or "labelled": the items that are written.
        force
            Replace a file, or a folder that an export wrote, that is there.
        for_spreadsheets
            Put an apostrophe before text cells that a spreadsheet would run as a formula (CSV only changes with this).
        settings
            Those of the format: ``files`` of .folders, ``thumbnails`` of .html; `explorer.exports.formats` lists them.

        Raises
        ------
        InputError
            For an ending, choice or setting that is not known, what is there already, or where nothing is selected or labelled.
        """
        from explorer.session.exporting import exported

        return exported(self, path, only, force=force, for_spreadsheets=for_spreadsheets, settings=settings, progress=progress)

    def picture(
        self, path: str | Path | None = None, *, viewport: Sequence[float] | None = None, force: bool = False, **settings: Any
    ) -> Path | bytes:
        """Write the map as it is now, with names and legend; the ending picks PNG or SVG, ``OUT.settings.json`` stands beside it.

        Parameters
        ----------
        path
            None gives the bytes of a PNG instead.
        viewport
            ``(x0, x1, y0, y1)`` that must be seen, in the layout's units; None for all of it.
        force
            Replace a file that is there.
        settings
            Those of `explorer.exports.picture.PictureSettings`: width, height, dpi, text_size, legend, names, axes, ground.

        Raises
        ------
        InputError
            For a wrong setting or ending, a file that is there already, or where there is no layout yet.
        """
        from explorer.exports.picture import PictureSettings, to_bytes, writable, write
        from explorer.session.picture import figure

        chosen = PictureSettings(**settings)
        if path is None:
            return to_bytes(figure(self, viewport), chosen)
        writable(path, force=force)
        return write(figure(self, viewport), chosen, path, self.record() | {"color_by": self.color_by}, force=force)


class _Follow:
    """Hands the workspace's labels to a session without keeping the session alive."""

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)

    def __call__(self, event: param.parameterized.Event) -> None:
        session = self._session()
        if session is not None:
            labels = event.new.get(session.label_set, session.labels)
            kept = fitting(session.filters, labels.names)
            session.param.update(sets=event.new, labels=labels, **({} if len(kept) == len(session.filters) else {"filters": kept}))


def _unwatch(workspace: Workspace, watcher: Any) -> None:
    if watcher in workspace.param.watchers.get("sets", {}).get("value", []):
        workspace.param.unwatch(watcher)


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.view()
    array.flags.writeable = False
    return array


__all__ = ["SLOTS", "Session"]
