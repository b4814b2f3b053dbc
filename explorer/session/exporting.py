"""What a session exports: gathered here as plain values, so that it can be written in another thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from explorer.errors import InputError, unknown
from explorer.exports import CHOICES, Content, Drawing, Labelling, Legend, export, format_of, gone, options, writable, write
from explorer.labels import Labels
from explorer.raster import NUMBER_SCALE
from explorer.session.coloring import Coloring, Known, coloring, ends
from explorer.session.names import names
from explorer.session.provenance import given
from explorer.step import Progress

if TYPE_CHECKING:
    from explorer.session import Session

MOST_SETS = 4  # label sets beside the current one that a map in a file may be coloured by


def exported(
    session: Session, path: str | Path, only: str, *, force: bool, for_spreadsheets: bool, settings: dict[str, Any],
    progress: Progress | None,
) -> Path:  # fmt: skip
    """Write a session to a file or folder; see `Session.export`."""
    chosen = options(path, for_spreadsheets=for_spreadsheets, **settings)
    writable(path, force=force)
    return export(gathered(session, only), path, chosen, force=force, progress=progress)


def gathered(session: Session, only: str = "all") -> Content:
    """What a session exports as it is now; what takes long to gather is gathered when it is written.

    Raises
    ------
    InputError
        For a choice that is none, or where nothing is selected or labelled.
    """
    mask = _mask(session, only)
    content = Content(
        session.dataset, session.layout, session.clusters, session.features, session.label_set, _labelled(session),
        _drawn(session, mask), None, session.record() | {"label_set": session.label_set, "only": only},
    )  # fmt: skip
    return content if mask is None else content.only(mask)


def _mask(session: Session, only: str) -> np.ndarray | None:
    """``(n,)`` bool, the items that leave; None for all."""
    if only not in CHOICES:
        raise unknown("choice of what to export", only, CHOICES)
    if only == "all":
        return None
    mask = session.selection if only == "selected" else session.labels.mask(None)
    if not mask.any():
        how = "select some first" if only == "selected" else "label some first"
        raise InputError(f"nothing is {only}, so there is nothing to export; {how}, or export everything (only='all')")
    return np.asarray(mask)


def _labelled(session: Session) -> Callable[[], dict[str, Labelling]]:
    sets = {name: session.labels_of(name) for name in session.label_sets}

    def labelled() -> dict[str, Labelling]:
        return {name: _labelling(session, name, labels) for name, labels in sets.items()}

    return labelled


def _labelling(session: Session, name: str, labels: Labels) -> Labelling:
    try:
        found = given(session.workspace, name, labels)  # as they were: the categories beside them are of that moment, too
        label, labeller, at, rule = (found[column].to_numpy(object) for column in ("label", "labeller", "labelled_at", "rule"))
        return Labelling(label, labeller, at, rule, tuple(labels.names))
    except InputError:  # the journal cannot be read: what the labels are is known all the same, and must be had out of here
        nothing = np.full(len(labels.codes), None, dtype=object)
        return Labelling(labels.values(), nothing, nothing, nothing, tuple(labels.names))


def _drawn(session: Session, mask: np.ndarray | None) -> Callable[[], Drawing]:
    """The map's legends, what is chosen now before the others, and its names; all as they are when this is called here."""
    clusters = None if session.clusters is None else session.clusters.values
    known = Known(session.dataset, clusters, session.labels, session.cluster_names, session.labels_of)
    others = [name for name in session.label_sets if name != session.label_set][:MOST_SETS]
    offered = [*(["cluster"] if clusters is not None else []), *(["label"] if len(session.labels) else [])]
    offered += [f"label:{name}" for name in others if len(session.labels_of(name))]
    now = session.color_by if session.color_by != "density" else "none"
    asked = list(dict.fromkeys([now, *offered])) if now != "none" else (offered or ["none"])

    stale = session.stale("cluster") if clusters is not None else False
    named = {"layout": session.layout, "clusters": session.clusters, "cluster_names": known.cluster_names, "labels": session.labels}
    then = cast("Session", SimpleNamespace(**named, stale=lambda kind: stale))  # what `names` looks at, as it is now

    def drawn() -> Drawing:
        made = ((by, coloring(by, known)) for by in asked)
        return Drawing(tuple(_legend(by, one) for by, one in made), tuple(names(then, mask)))

    return drawn


def _legend(by: str, colors: Coloring) -> Legend:
    title = by.removeprefix("label:") if by.startswith("label:") else colors.title
    legend = Legend(title, colors.codes, tuple(colors.names), tuple(colors.colors))
    if colors.values is None:
        return legend
    low, high = ends(colors)
    return Legend(title, legend.codes, legend.names, legend.colors, colors.values, colors.bounds, NUMBER_SCALE, (low, high))


def exported_gone(session: Session, path: str | Path, *, force: bool, for_spreadsheets: bool) -> int:
    """Write the labels of items that are no longer in the source, as a table, and say how many they are.

    Raises
    ------
    InputError
        Where there are none, or for a format that is no table.
    """
    format_of(path)
    rows = gone(session.gone(), session.label_set)
    if not len(rows):
        raise InputError("no label is of an item that is gone from the source; leave --gone out to export what is there")
    record = session.record() | {"label_set": session.label_set, "only": "gone"}
    write(rows, path, record, force=force, for_spreadsheets=for_spreadsheets)
    return len(rows)
