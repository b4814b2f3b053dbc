"""A session's labels: given and taken, in categories and label sets; undo that survives a restart; why an item has its label."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import param

from explorer.errors import InputError
from explorer.labels import Labels
from explorer.selection import Ids, Rule, count_ids, from_json
from explorer.session.filters import fitting
from explorer.session.history import Brushed, History, Labelled
from explorer.session.provenance import SPLIT, given, origin, ratings
from explorer.session.saved import entry as kept_rule
from explorer.workspace import DEFAULT_SET, By, Entry, Workspace

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.selection import Seen
    from explorer.step import Result

LONGEST_SET = 60  # characters of a label set's name
_MOST_IDS = 200  # that a rule lists; more are those of the change itself


class Labelling(param.Parameterized):
    """The verbs about labels; `Session` adds what is computed and selected."""

    labels = param.Parameter(None, doc="The current `Labels`: ids -> category; shared by all sessions of one workspace.")
    sets = param.Parameter({}, doc="The `Labels` of every label set, by its name.")
    label_set = param.String(DEFAULT_SET, doc="The label set that labels are given in; see `use_label_set`.")

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace
        selection: np.ndarray
        clusters: Result | None
        filters: dict[str, Rule]

        @property
        def seen(self) -> Seen: ...
        @property
        def rule(self) -> Rule | None: ...
        @property
        def cluster_names(self) -> dict[int, str]: ...
        @property
        def shown(self) -> np.ndarray | None: ...
        @property
        def shown_rule(self) -> Rule | None: ...
        @property
        def _results(self) -> dict[str, Result | None]: ...
        def select(self, rule: Any, mode: str = "replace") -> np.ndarray: ...
        def _show(self, selected: Any) -> np.ndarray: ...

    def _begin_labelling(self, user: str | None) -> None:
        self.user = user or _system_user()
        self.visit = uuid.uuid4().hex[:12]
        self.entry = Entry(0)  # what the last verb wrote
        self._action: str | None = None
        self._verbs = 0  # done within that action
        self._history = History()
        for rows, known in zip(self.workspace.stacks(self.user), (self._history.done, self._history.undone), strict=True):
            known.extend(Labelled(seq, self.workspace.verb_of(seq)) for seq in rows)
        self.param.update(sets=self.workspace.sets, labels=self.workspace.labels_of(self.label_set))

    # Items

    def label(self, name: str, rule: Rule | None = None) -> int:
        """Label the selected items, or those that a rule selects of the ones that are shown, and say how many.

        The category is made where it is not there yet.

        Raises
        ------
        InputError
            When nothing is selected, or it cannot be saved: then nothing is changed.
        """
        chosen, why = self._meant(rule)
        return self._relabel(lambda labels: labels.assign(self.workspace.lift(chosen), name), f"label {name!r}", why, chosen)

    def unlabel(self, rule: Rule | None = None) -> int:
        """Take the labels of the selected items away, or of those that a rule selects, and say how many."""
        chosen, why = self._meant(rule)
        return self._relabel(lambda labels: labels.remove(self.workspace.lift(chosen)), "remove labels", why)

    def label_item(self, item: Any, name: str | None) -> int:
        """Label one item (given by its id), selected or not and shown or not; None takes its label away. 1, or 0 if it was so."""
        mask = np.zeros(len(self.dataset), bool)
        mask[self.dataset.rows([item])] = True

        def verb(labels: Labels) -> Labels:
            lifted = self.workspace.lift(mask)
            return labels.remove(lifted) if name is None else labels.assign(lifted, name)

        return self._relabel(
            verb, "remove labels" if name is None else f"label {name!r}", Ids([item]), None if name is None else mask
        )

    def import_labels(self, given: Mapping[Any, str | None], source: str = "import") -> int:
        """Label items by id; None takes a label away.

        Parameters
        ----------
        given
            Ids of the dataset with their categories; see `explorer.sources.given_labels` for files.
        source
            Where they come from: it stands in the journal.

        Raises
        ------
        InputError
            For ids that the dataset does not have: nothing is labelled then.
        """
        return self.import_rows(self.dataset.rows(list(given)), np.array(list(given.values()), dtype=object), source)

    def import_rows(self, rows: np.ndarray, names: np.ndarray, source: str = "import") -> int:
        """Label items by their ``(m,)`` rows, each once, with the ``(m,)`` object names beside them; as `import_labels`."""
        labelled = np.zeros(len(self.dataset), bool)
        labelled[rows[names != None]] = True  # noqa: E711  item by item

        def verb(labels: Labels) -> Labels:
            return labels.give(self.workspace.numbers(rows), names)

        return self._relabel(verb, f"import from {source}", None, labelled)

    def _meant(self, rule: Rule | None) -> tuple[np.ndarray, Rule | None]:
        """The ``(n,)`` mask of the items that a verb is about, and why they are."""
        if rule is None:
            return self._chosen(), self.rule
        mask, limits = rule.mask(self.seen), self.shown_rule
        mask = mask if self.shown is None else mask & self.shown
        if not mask.any():
            raise InputError("nothing that is shown is meant by this; nothing is labelled")
        return mask, rule if limits is None else rule & limits

    def _chosen(self) -> np.ndarray:
        if not self.selection.any():
            raise InputError("nothing is selected; draw a box or a lasso on the map first, or call session.select(...)")
        return self.selection

    # Categories

    def create_category(self, name: str, color: str | None = None) -> None:
        """Make an empty category; ``parent/child`` makes it a part of another."""
        self._relabel(lambda labels: labels.create(name, color), f"create {name!r}")

    def rename_category(self, old: str, new: str) -> None:
        """Give a category another name; those below it move with it."""
        self._relabel(lambda labels: labels.rename(old, new), f"rename {old!r} to {new!r}")

    def recolor_category(self, name: str, color: str) -> None:
        """Give a category another colour, ``#rrggbb``."""
        self._relabel(lambda labels: labels.recolor(name, color), f"recolour {name!r}")

    def annotate_category(self, name: str, note: str) -> None:
        """Note something about a category."""
        self._relabel(lambda labels: labels.annotate(name, note), f"note on {name!r}")

    def bind_category(self, name: str, key: int | None) -> None:
        """Let a category be given by a key 1–9, or by none."""
        self._relabel(lambda labels: labels.bind(name, key), f"key of {name!r}")

    def merge_category(self, name: str, into: str) -> int:
        """Give a category's items to another, drop it, and say how many items moved."""
        return self._relabel(lambda labels: labels.merge(name, into), f"merge {name!r} into {into!r}")

    def split_category(self, name: str) -> int:
        """Give a category's items to new ones below it, one for each cluster that they are in; noise stays where it is.

        Raises
        ------
        InputError
            When there are no clusters yet, or all its items are in one.
        """
        self.workspace.catch_up()  # or what others have labelled since would not be split
        groups = self.split_groups(name)
        assert self.clusters is not None
        values = self.clusters.values

        def verb(labels: Labels) -> Labels:
            return labels.split(name, {group: self.workspace.lift(values == cluster) for group, (cluster, _) in groups.items()})

        return self._relabel(verb, f"{SPLIT}{name!r} by cluster")

    def split_groups(self, name: str) -> dict[str, tuple[int, int]]:
        """What `split_category` would make: by a part's name its cluster and how many items it gets; raises as that does."""
        if self.clusters is None:
            raise InputError("there are no clusters yet to split by; first call session.cluster()")
        values, names = self.clusters.values, self.cluster_names
        inside = values[self.labels.mask(name)]
        counts = np.bincount(inside[inside >= 0])
        there = np.flatnonzero(counts).tolist()
        if len(there) < 2:
            raise InputError(f"the items of {name!r} are in {len(there)} cluster; there is nothing to split by")
        groups: dict[str, tuple[int, int]] = {}
        for cluster in there:
            title = names.get(cluster, f"cluster {cluster}")
            groups[title if title not in groups else f"{title} ({cluster})"] = cluster, int(counts[cluster])
        return groups

    def delete_category(self, name: str) -> int:
        """Drop a category and say how many items lost their label."""
        return self._relabel(lambda labels: labels.delete(name), f"delete {name!r}")

    # Label sets

    @property
    def label_sets(self) -> list[str]:
        """The label sets' names; there is always one."""
        return list(dict.fromkeys([DEFAULT_SET, *self.sets, self.label_set]))

    def labels_of(self, label_set: str) -> Labels:
        """The labels of a set; empty ones for one that is not there."""
        return self.labels if label_set == self.label_set else self.workspace.labels_of(label_set)

    def use_label_set(self, name: str) -> None:
        """Give labels in this set from now on; one of a new name is made with its first category.

        Raises
        ------
        InputError
            For a name of no characters, or a long one.
        """
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_SET or not name.strip().isprintable():
            raise InputError(f"a label set's name is a text of 1 to {LONGEST_SET} characters, such as species or quality")
        name = name.strip()
        labels = self.workspace.labels_of(name)
        kept = fitting(self.filters, labels.names)  # those of a category that this set does not have mean nothing in it
        self.param.update(label_set=name, labels=labels, **({} if len(kept) == len(self.filters) else {"filters": kept}))

    # Undo

    def undo(self) -> str | None:
        """Take back the last thing that was done to labels or selection; says what, or None when there is nothing.

        It begins with what this session did, and goes on with what its user did before: the journal knows.
        """
        return self._walk(self._history.back, self.workspace.undo)

    def redo(self) -> str | None:
        """Do again what was undone; says what, or None when there is nothing."""
        return self._walk(self._history.forth, self.workspace.redo)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._history.done)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._history.undone)

    def _walk(self, step: Callable[[], Any], turn: Callable[[int, By], Entry]) -> str | None:
        back, by = step == self._history.back, self._by()
        if by.action is not None and (sent_before := self.workspace.find(by.action)) is not None:
            self.entry = sent_before
            return sent_before.verb
        while (action := step()) is not None:
            if isinstance(action, Brushed):
                self._show(action.before if back else action.after)
                return "selection"
            try:
                self.entry = turn(action.seq, by)
            except InputError:  # not saved, so not done either
                (self._history.forth if back else self._history.back)()
                raise
            if self.entry:
                return action.verb
        return None  # all of it had been undone in another visit

    # Why

    def given(self, label_set: str | None = None) -> pd.DataFrame:
        """Who gave each item its label, when and by which rule: n rows of ``label, labeller, labelled_at, rule``, indexed by id.

        None where there is no label; `labelled_at` is UTC as ISO text, `rule` is JSON text, None where it was given one by one.
        """
        name = label_set or self.label_set
        return given(self.workspace, name, self.labels_of(name))

    def gone(self, label_set: str | None = None) -> pd.DataFrame:
        """The labels of items that are no longer in the source, as `given` tells them."""
        found = self.workspace.gone(label_set or self.label_set)
        return pd.DataFrame({"label": found}, found.index.rename("id"))

    def why(self, item: Any) -> dict[str, Any] | None:
        """Why an item (given by its id) has the label that it has: ``label, user, time, verb, rule, on``; None without a label.

        Raises
        ------
        InputError
            When the item is not in the dataset, or the journal cannot be read.
        """
        row = int(self.dataset.rows([item])[0])
        labels = self.labels  # read once: another thread may label meanwhile
        code = int(labels.codes[row])
        if not code:
            return None
        entry, rule = origin(self.workspace, self.label_set, row)
        about = {"label": labels.categories[code].name, "user": entry.user, "time": entry.time, "verb": entry.verb}
        return about | {"rule": (rule or {}).get("rule"), "on": (rule or {}).get("on", {}), "items": entry.items, "seq": entry.seq}

    def replay(self, rule: int | dict[str, Any] | Rule, mode: str = "replace") -> np.ndarray:
        """Select what a rule of the journal selects here: on the layout and the data as they are now.

        Parameters
        ----------
        rule
            A row's number, the rule that `why` tells, or a `Rule`.

        Raises
        ------
        InputError
            When it needs what is not there (a layout, a column), or the row has no rule.
        """
        if isinstance(rule, int):
            _, change, found = self.workspace.row(rule)
            rows = self.workspace.rows_of(change)
            rule = Ids(self.dataset.ids[rows[rows >= 0]]) if found is None else found
        if isinstance(rule, dict):
            plain = rule.get("rule")
            rule = from_json(plain if isinstance(plain, dict) else rule)
        return self.select(rule, mode)

    def ratings(self, label_set: str | None = None) -> tuple[dict[str, np.ndarray], list[str]]:
        """What each user labelled, whoever labelled it after: ``(n,)`` codes by user, 0 for nothing; and the codes' names."""
        name = label_set or self.label_set
        return ratings(self.workspace, name, self.labels_of(name))

    # To the journal

    @contextmanager
    def acting(self, action: str | None) -> Iterator[None]:
        """What is done within goes by the name of an action: sent twice, it is done once. A second verb within has its own name."""
        before = self._action, self._verbs
        self._action, self._verbs = action, 0
        try:
            yield
        finally:
            self._action, self._verbs = before

    def _by(self) -> By:
        self._verbs += 1
        action = self._action if self._action is None or self._verbs == 1 else f"{self._action}/{self._verbs}"
        return By(self.user, self.visit, self.label_set, action)

    def _relabel(
        self, verb: Callable[[Labels], Labels], name: str, rule: Rule | None = None, meant: np.ndarray | None = None
    ) -> int:
        why = None if rule is None or count_ids(rule) > _MOST_IDS else kept_rule(rule, self._results)
        self.entry = self.workspace.change(verb, name, why, self._by(), meant)
        if self.entry and not self.entry.again:
            self._history.add(Labelled(self.entry.seq, self.entry.verb))
        return self.entry.items


def _system_user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return "someone"


__all__ = ["Labelling"]
