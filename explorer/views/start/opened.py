"""One source that is open on the server: its dataset, and the workspace that all its visits share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.session import Session
from explorer.views.start.reading import Reading
from explorer.views.start.samples import with_results
from explorer.workspace import Workspace
from explorer.workspace.beside import workspace_at

MOST_CATEGORIES = 500  # different values of a column that labels are taken from
ADDRESS = 10  # characters of a source's own part of the address


@dataclass(eq=False)
class Open:
    """A dataset with its workspace, at ``/open/<key>``."""

    key: str
    source: str
    dataset: Dataset
    workspace: Workspace
    roles: dict[str, str] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)  # whose folders it is mapped from

    @property
    def labels(self) -> int:
        """How many labels there are, in all sets."""
        return sum(len(one) for one in self.workspace.sets.values())

    def close(self) -> None:
        """Let the workspace go."""
        self.workspace.close()


def address_key(source: str, dataset: Dataset, memory: str | None = None) -> str:
    """What a source's address ends in: the same for the same file with the same content and roles, also after a restart.

    `memory` is None where labels are kept on disk; else what tells those in memory apart.
    """
    told = repr((source, dataset.fingerprint, memory))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:ADDRESS]


def opened(reading: Reading, key: str, user: str, *, memory: bool) -> Open:
    """Open what was read: its workspace beside it, or in memory.

    Raises
    ------
    InputError
        When the workspace cannot be opened or made, or the column of labels cannot be one.
    """
    dataset, label = reading.dataset, reading.roles.get("label")
    assert dataset is not None
    if label is not None:
        _check_labels(dataset, label)
    if memory:
        workspace = Workspace(dataset)
    else:
        place = reading.workspace
        place.parent.mkdir(parents=True, exist_ok=True)
        workspace, why = workspace_at(place, dataset)
        if why:
            workspace.close()
            raise InputError(f"{why}; choose to keep labels in memory only, and export them before the end")
    try:
        with_results(reading.source, workspace)
        if label is not None:
            _give_labels(workspace, label, user)
    except BaseException:
        workspace.close()
        raise
    return Open(key, reading.source, dataset, workspace, dict(reading.roles), [reading])


def _check_labels(dataset: Dataset, column: str) -> None:
    different = dataset.distinct(column) if dataset.kinds[column] not in {"image", "audio", "series", "vectors"} else None
    if different is None:
        raise InputError(
            f"the column {column!r} holds {dataset.kinds[column]}, which cannot be labels; choose another for “Labels”"
        )
    if different > MOST_CATEGORIES:
        raise InputError(
            f"the column {column!r} has {different:,} different values and at most {MOST_CATEGORIES} can be labels; "
            "choose another for “Labels”, or none"
        )


def _give_labels(workspace: Workspace, column: str, user: str) -> None:
    """Label the items that have no label yet with a column's values, as one action that can be undone."""
    dataset = workspace.dataset
    values = dataset.table.column(column).to_pylist()
    wanted = np.array([None if value is None or str(value) == "" else str(value) for value in values], dtype=object)
    free = np.flatnonzero((workspace.labels.codes == 0) & (wanted != None))  # noqa: E711  item by item
    if not len(free):
        return
    session = Session(dataset, workspace, user=user or None)
    try:
        session.import_rows(free, wanted[free], source=f"the column {column!r}")
    finally:
        session.close()


__all__ = ["Open", "address_key", "opened"]
