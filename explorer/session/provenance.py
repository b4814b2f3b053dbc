"""Where labels come from: for every item the row of the journal that gave it its label, and what each user gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from explorer.labels import Change, Labels
from explorer.workspace import Entry, Workspace


def given(workspace: Workspace, label_set: str, labels: Labels) -> pd.DataFrame:
    """Each item's ``label, labeller, labelled_at, rule``, indexed by id; see `Session.given`."""
    seqs = sources(workspace, label_set, labels)
    known = {entry.seq: entry for entry in workspace.entries()}
    numbers, places = np.unique(seqs, return_inverse=True)
    entries = [known.get(int(seq)) for seq in numbers]
    columns: dict[str, list[Any]] = {
        "labeller": [entry and entry.user for entry in entries],
        "labelled_at": [entry and entry.time for entry in entries],
        "rule": [_text(workspace.rule_of(entry.seq)) if entry else None for entry in entries],
    }
    index = labels.index.rename("id")
    made = {name: pd.Series(_objects(values)[places], index, dtype=object) for name, values in columns.items()}
    return pd.DataFrame({"label": pd.Series(labels.values(), index, dtype=object)} | made, index)


def sources(workspace: Workspace, label_set: str, labels: Labels) -> np.ndarray:
    """``(n,)`` int: the row that gave each item the label it has; 0 without a label, or where that cannot be told.

    What was undone is looked through: a label that came back by an undo is of the row that had given it first.
    """
    found = np.where(labels.codes > 0, workspace.last_rows(label_set), 0).astype(np.int64)
    kinds = {entry.seq: entry for entry in workspace.entries() if entry.kind != "do"}
    for seq in np.unique(found).tolist():
        if seq in kinds and kinds[seq].kind == "redo":
            found[found == seq] = kinds[seq].of or seq
    undone = [seq for seq in np.unique(found).tolist() if seq in kinds]
    if undone:
        _look_through(workspace, labels, found, np.isin(found, undone))
    return found


def _look_through(workspace: Workspace, labels: Labels, found: np.ndarray, open_: np.ndarray) -> None:
    """Walk the journal backwards until every open item has met the row that gave it its code."""
    upto = int(found[open_].max())
    found[open_] = 0
    open_ = open_.copy()
    for entry in reversed([entry for entry in workspace.entries() if entry.seq < upto and entry.kind == "do" and entry.items]):
        _, change, _ = workspace.row(entry.seq)
        rows = workspace.rows_of(change)
        hit = (rows >= 0) & (change.after == labels.codes[rows]) & open_[rows]
        found[rows[hit]] = entry.seq
        open_[rows[hit]] = False
        if not open_.any():
            return


def origin(workspace: Workspace, label_set: str, row: int, code: int) -> tuple[Entry, dict[str, Any] | None]:
    """The row that gave one item its code, and the rule that it came by."""
    seq = int(workspace.last_rows(label_set)[row])
    entry, _, rule = workspace.row(seq)
    if entry.kind == "redo" and entry.of is not None:
        entry, _, rule = workspace.row(entry.of)
    if entry.kind == "undo":
        for earlier, change, found in _backwards(workspace, label_set, seq):
            if earlier.kind == "do" and (change.after[workspace.rows_of(change) == row] == code).any():
                return earlier, found
    return entry, rule


def _backwards(workspace: Workspace, label_set: str, before: int) -> Iterator[tuple[Entry, Change, dict[str, Any] | None]]:
    for entry in reversed(workspace.entries()):
        if entry.seq < before and entry.label_set == label_set and entry.items:
            yield workspace.row(entry.seq)


def ratings(workspace: Workspace, label_set: str, labels: Labels) -> tuple[dict[str, np.ndarray], list[str]]:
    """What each user labelled last, whoever labelled it after: ``(n,)`` int32 codes by user, 0 for nothing; and the codes' names.

    A label of a category that was merged or deleted since counts no more, nor does what was undone.
    """
    names = ["", *(labels.categories[code].name if code in labels.categories else "" for code in range(1, labels.next_code))]
    entries = [entry for entry in workspace.entries() if entry.label_set == label_set and entry.items]
    undone: set[int] = set()
    for entry in entries:
        if entry.of is not None:
            (undone.add if entry.kind == "undo" else undone.discard)(entry.of)
    found: dict[str, np.ndarray] = {}
    for entry in entries:
        if entry.kind != "do" or entry.seq in undone:
            continue
        _, change, _ = workspace.row(entry.seq)
        rows = workspace.rows_of(change)
        here = rows >= 0
        mine = found.setdefault(entry.user, np.zeros(len(labels.codes), np.int32))
        if change.categories and any(new is None for _, new in change.categories.values()):  # a merge moves everybody's
            _moved(found, change)
        else:
            mine[rows[here]] = change.after[here]
    there = np.array([code in labels.categories for code in range(len(names))])
    return {user: np.where(there[codes], codes, 0).astype(np.int32) for user, codes in found.items() if codes.any()}, names


def _moved(found: dict[str, np.ndarray], change: Change) -> None:
    """Follow a merge (or a deletion) in what everybody gave."""
    gone = [code for code, (_, new) in change.categories.items() if new is None]
    for code in gone:
        into = change.after[change.before == code]
        target = int(into[0]) if len(into) else 0
        for codes in found.values():
            codes[codes == code] = target


def _text(rule: dict[str, Any] | None) -> str | None:
    return None if rule is None else json.dumps(rule, ensure_ascii=False, separators=(",", ":"))


def _objects(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made
