"""Where labels come from: for every item the row of the journal that gave it its label, and what each user gave."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from explorer.labels import Change, Labels
from explorer.workspace import Entry, Workspace

SPLIT = "split "  # what the verb of a split begins with


def given(workspace: Workspace, label_set: str, labels: Labels) -> pd.DataFrame:
    """Each item's ``label, labeller, labelled_at, rule``, indexed by id; see `Session.given`."""
    seqs = sources(workspace, label_set, labels.codes > 0)
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


def sources(workspace: Workspace, label_set: str, wanted: np.ndarray) -> np.ndarray:
    """``(n,)`` int: the row that gave each wanted item (``(n,)`` bool) the label it has; 0 for others, and where it cannot be told.

    What was undone is looked through: a label that came back by an undo is of the row that had given it first.
    """
    found = np.where(wanted, workspace.last_rows(label_set), 0).astype(np.int64)
    turns = {entry.seq: entry for entry in workspace.entries() if entry.of is not None and entry.label_set == label_set}
    met = [turns[seq] for seq in np.unique(found).tolist() if seq in turns]
    open_ = np.isin(found, [entry.seq for entry in met if entry.kind == "undo"])
    for entry in met:
        found[found == entry.seq] = entry.of or 0
    if open_.any():
        _look_through(workspace, label_set, found, open_)
    return found


def _look_through(workspace: Workspace, label_set: str, found: np.ndarray, open_: np.ndarray) -> None:
    """Walk the journal backwards until each open item has met the row that touched it last before the one that was undone.

    `found` holds the row that was undone, and in the end the one that was met; where that is an undo too, it goes on from there.
    """
    upto = np.where(open_, found, 0)
    found[open_] = 0
    for entry in reversed(workspace.entries()):
        if entry.label_set != label_set or not entry.items or entry.seq >= upto.max():
            continue
        _, change, _ = workspace.row(entry.seq)
        rows = workspace.rows_of(change)
        rows = rows[rows >= 0]
        rows = rows[upto[rows] > entry.seq]
        upto[rows] = (entry.of or 0) if entry.kind == "undo" else 0
        if entry.kind != "undo":
            found[rows] = entry.of or entry.seq
        if not upto.any():
            return


def origin(workspace: Workspace, label_set: str, row: int) -> tuple[Entry, dict[str, Any] | None]:
    """The row that gave one item its label, and the rule that it came by."""
    entry, _, rule = workspace.row(int(workspace.last_rows(label_set, np.array([row]))[0]))
    if entry.of is None:  # as nearly always: nobody has to look at ten million others for it
        return entry, rule
    wanted = np.zeros(len(workspace.dataset), bool)
    wanted[row] = True
    entry, _, rule = workspace.row(int(sources(workspace, label_set, wanted)[row]))
    return entry, rule


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
        elif entry.verb.startswith(SPLIT):  # so does a split: nobody has looked at an item anew
            _parted(found, rows[here], change.before[here], change.after[here])
        else:
            mine[rows[here]] = change.after[here]
    most = max([len(names) - 1, *(int(codes.max(initial=0)) for codes in found.values())])  # others may have made more since
    there = np.array([code in labels.categories for code in range(most + 1)])
    return {user: np.where(there[codes], codes, 0).astype(np.int32) for user, codes in found.items() if codes.any()}, names


def _moved(found: dict[str, np.ndarray], change: Change) -> None:
    """Follow a merge (or a deletion) in what everybody gave."""
    gone = [code for code, (_, new) in change.categories.items() if new is None]
    for code in gone:
        into = change.after[change.before == code]
        target = int(into[0]) if len(into) else 0
        for codes in found.values():
            codes[codes == code] = target


def _parted(found: dict[str, np.ndarray], rows: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    """Follow a split in what everybody gave: who said what the items were, says now which part."""
    for codes in found.values():
        same = codes[rows] == before
        codes[rows[same]] = after[same]


def _text(rule: dict[str, Any] | None) -> str | None:
    return None if rule is None else json.dumps(rule, ensure_ascii=False, separators=(",", ":"))


def _objects(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), object)
    made[:] = values
    return made
