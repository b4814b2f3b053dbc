"""What a step wants besides the data, found in a session: codes of what is known of the items, their earlier places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError, unknown
from explorer.labels import NONE
from explorer.session.coloring import encoded
from explorer.step import Step

if TYPE_CHECKING:
    from explorer.session.computing import Computing

MOST = 1_000  # different targets; more are no groups
OFFERED = 100  # different values of a column that is offered as one
COLUMN = "column:"


def with_beside(session: Computing, step: Step) -> Step:
    """The step itself where it wants nothing, else a copy that has what it wants.

    Raises
    ------
    InputError
        For what is not there: with what is.
    """
    wants = step.wants()
    if not wants:
        return step
    made = step.copy()
    found = {name: _find(session, name, what) for name, what in wants.items()}
    made.beside = {name: array for name, array in found.items() if array is not None}
    return made


def _find(session: Computing, name: str, what: str) -> np.ndarray | None:
    if name == "target":
        return codes(session, what)
    if name == "earlier":
        earlier = session.workspace.earlier()
        return None if earlier is None else earlier.places(session.dataset)
    raise InputError(f"a step wants {name!r}, which no session has: it may want target and earlier")


def codes(session: Computing, target: str) -> np.ndarray:
    """``(n,)`` int32, -1 where nothing is known, of "label", "cluster" or "column:NAME".

    Raises
    ------
    InputError
        For another target, or one that tells no groups apart.
    """
    if target == "label":
        if not (session.labels.codes != NONE).any():
            raise InputError("target='label': no item has a label yet; label some first, or name another target")
        return np.where(session.labels.codes == NONE, -1, session.labels.codes).astype(np.int32)
    if target == "cluster":
        if session.clusters is None:
            raise InputError("target='cluster': there are no clusters yet; first call session.cluster()")
        return np.asarray(session.clusters.values, np.int32)
    if not target.startswith(COLUMN):
        columns = [f"{COLUMN}{name}" for name in _columns(session)]
        raise unknown("target", target, ["label", "cluster", *columns])
    return _of_column(session, target.removeprefix(COLUMN))


def targets(session: Computing) -> list[str]:
    """What a person is offered as a target: labels, clusters, and each column of a few values that items share."""
    few = [name for name in session.dataset.of_kind("category", "flag") if 2 <= session.dataset.distinct(name) <= OFFERED]
    return ["label", "cluster", *(f"{COLUMN}{name}" for name in few)]


def _columns(session: Computing) -> list[str]:
    return session.dataset.of_kind("category", "flag", "number", "text", "date", "id")


def _of_column(session: Computing, name: str) -> np.ndarray:
    if name not in (known := _columns(session)):
        raise unknown("column (for the target)", name, known)
    found, values = encoded(session.dataset.table.column(name))
    if not 1 <= len(values) <= min(MOST, len(found) // 2):
        most = f"at most {min(MOST, len(found) // 2):,}, so that items share them"
        raise InputError(f"target='{COLUMN}{name}': it holds {len(values):,} different values; a target takes {most}: name another")
    unset = [place for place, value in enumerate(values) if _nothing(value)]
    return np.where(np.isin(found, unset), -1, found).astype(np.int32)


def _nothing(value: Any) -> bool:
    """Whether a value says nothing: an empty text, a number that is none."""
    return bool(value == "" or value != value)
