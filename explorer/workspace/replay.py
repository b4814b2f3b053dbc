"""The labels as the journal's rows made them, over all items there ever were; and a snapshot of them, so that opening is quick."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explorer.labels import Category, Change, Labels
from explorer.workspace.files import write_whole
from explorer.workspace.journal import DEFAULT_SET, FORMAT, Damaged, Entry, Journal
from explorer.workspace.packing import spread, squeeze

SNAPSHOT = "labels.snapshot"
_JUMP = 10_000_000  # rows that are not missing: the number of the next is damaged


@dataclass(eq=False)
class Set:
    """One label set: its labels over all numbers, and for each number the row that touched it last (0 for none)."""

    labels: Labels
    last: np.ndarray


@dataclass(eq=False)
class Replay:
    """What the rows up to `seq` have made. `index` are the ids by number."""

    index: pd.Index
    sets: dict[str, Set] = field(default_factory=dict)
    seq: int = 0
    users: list[str] = field(default_factory=lambda: [""])  # by row
    undone: set[int] = field(default_factory=set)
    stacks: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)
    verbs: dict[int, str] = field(default_factory=dict)
    turned: dict[int, int] = field(default_factory=dict)  # by row: the one that undid it, or did it again, last

    def __post_init__(self) -> None:
        self.of(DEFAULT_SET)

    def of(self, name: str) -> Set:
        """A set; a name that has none gets an empty one."""
        if name not in self.sets:
            self.sets[name] = Set(Labels.empty(self.index), np.zeros(len(self.index), np.int32))
        return self.sets[name]

    def grow(self, index: pd.Index) -> None:
        """Take items in that are new; they follow those that are known."""
        more = len(index) - len(self.index)
        self.index = index
        for one in self.sets.values():
            codes = np.concatenate([one.labels.codes, np.zeros(more, np.int32)])
            one.labels = Labels(index, codes, one.labels.categories, one.labels.next_code)
            one.last = np.concatenate([one.last, np.zeros(more, np.int32)])

    def take(self, entry: Entry, change: Change) -> dict[str, int]:
        """Replay one row; which users' labels it overwrote, with how many items."""
        self.note(entry)
        one = self.of(entry.label_set)
        overwrote = self._overwritten(entry, change, one.last) if entry.kind == "do" else {}
        one.labels = one.labels.replayed(change)
        if len(change.rows):
            one.last = one.last.copy()  # a snapshot of it may be in the making
            one.last[change.rows] = entry.seq
        return overwrote

    def _overwritten(self, entry: Entry, change: Change, last: np.ndarray) -> dict[str, int]:
        before = last[change.rows[(change.before > 0) & (change.before != change.after)]]
        counts = np.bincount(before) if len(before) else np.zeros(0, np.int64)
        found: dict[str, int] = {}
        for seq in np.flatnonzero(counts).tolist():
            user = self.user_of(seq)
            if seq and user != entry.user:
                found[user] = found.get(user, 0) + int(counts[seq])
        return found

    def user_of(self, seq: int) -> str:
        """Who wrote a row."""
        return self.users[seq] if 0 <= seq < len(self.users) else ""

    def note(self, entry: Entry) -> None:
        """Take in who wrote a row and what it undoes, without its change."""
        self.users += [""] * (entry.seq + 1 - len(self.users))
        self.users[entry.seq] = entry.user
        self.seq = max(self.seq, entry.seq)
        done, undone = self.stacks.setdefault(entry.user, ([], []))
        if entry.kind == "do":
            done.append(entry.seq)
            undone.clear()
            self.verbs[entry.seq] = entry.verb
        elif entry.of is not None:
            self.turned[entry.of] = entry.seq
            (self.undone.add if entry.kind == "undo" else self.undone.discard)(entry.of)
            source, target = (done, undone) if entry.kind == "undo" else (undone, done)
            if entry.of in source:
                source.remove(entry.of) if source[-1] != entry.of else source.pop()
                target.append(entry.of)


# Snapshots


def save_snapshot(path: Path, head: dict[str, Any], sets: dict[str, Set]) -> None:
    """Write a snapshot, whole or not at all: a SHA-256 of what follows, a line of JSON, then each set's codes and last rows."""
    described, parts = [], []
    for name, one in sets.items():
        squeezed = [squeeze(one.labels.codes), squeeze(one.last)]
        categories = {str(code): vars(category) for code, category in one.labels.categories.items()}
        lengths = [[width, len(data)] for width, data in squeezed]
        described.append({"name": name, "categories": categories, "next_code": one.labels.next_code, "parts": lengths})
        parts += [data for _, data in squeezed]
    body = b"\n".join([json.dumps(head | {"sets": described}).encode(), b"".join(parts)])
    write_whole(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def read_snapshot(path: Path) -> tuple[dict[str, Any], dict[str, tuple[dict[str, Any], np.ndarray, np.ndarray]]]:
    """What `save_snapshot` wrote.

    Raises
    ------
    Damaged
        When it is not as it was written.
    FileNotFoundError
        When there is none.
    """
    head, data = _sealed(path)
    found, at = {}, 0
    for one in head["sets"]:
        arrays = []
        for width, length in one["parts"]:
            arrays.append(spread(data[at : at + length], width, head["items"]).astype(np.int32))
            at += length
        found[one["name"]] = (one, *arrays)
    return head, found


def _sealed(path: Path) -> tuple[dict[str, Any], bytes]:
    seal, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise Damaged(f"{path.name} is not as it was written")
    line, _, data = body.partition(b"\n")
    return json.loads(line), data


def snapshot_head(path: Path) -> dict[str, Any] | None:
    """What a snapshot says of itself, without its labels; None where there is none that is whole."""
    try:
        return _sealed(path)[0]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def from_snapshot(path: Path, journal: Journal, index: pd.Index) -> Replay | None:
    """The labels as a snapshot has them, where the journal still says what it said when the snapshot was made; else None."""
    try:
        head, sets = read_snapshot(path)
    except (OSError, Damaged, ValueError, KeyError, TypeError):
        return None  # the journal says it all
    if head["format"] != FORMAT or head["uuid"] != journal.uuid or head["items"] > len(index):
        return None
    if journal.seal(head["seq"]) != head["seal"]:
        return None
    return made_of(sets, index[: head["items"]], head["seq"])


def made_of(sets: dict[str, tuple[dict[str, Any], np.ndarray, np.ndarray]], index: pd.Index, seq: int) -> Replay:
    """The labels that a snapshot holds, up to a row."""
    replay = Replay(index, seq=seq)
    for name, (about, codes, last) in sets.items():
        categories = {int(code): Category(**category) for code, category in about["categories"].items()}
        codes.flags.writeable = False
        replay.sets[name] = Set(Labels(index, codes, categories, int(about["next_code"])), last)
    return replay


def replayed(journal: Journal, index: pd.Index, begun: Replay | None = None) -> tuple[Replay, list[str]]:
    """All of the journal's rows, from a snapshot's on where there is one; and what is wrong with those that cannot be read."""
    replay = begun or Replay(index)
    upto, before, wrong = replay.seq, 0, []
    if len(replay.index) < len(index):
        replay.grow(index)
    for entry in journal.entries():
        if entry.seq - before > _JUMP:
            raise Damaged(f"row {before} is followed by row {entry.seq}")
        if entry.seq != before + 1:
            wrong.append(f"the rows {before + 1} to {entry.seq - 1} are missing")
        before = entry.seq
        if entry.seq <= upto:
            replay.note(entry)
            continue
        try:
            _, change, _ = journal.read(entry.seq)
            check_fits(change, len(index))
            replay.take(entry, change)
        except Damaged as problem:
            replay.note(entry)
            wrong.append(f"{problem} ({entry.verb} by {entry.user} at {entry.time})")
    return replay, wrong


def check_fits(change: Change, items: int) -> None:
    """Refuse a change of items that there are not."""
    if len(change.rows) and (change.rows[0] < 0 or change.rows[-1] >= items):
        raise Damaged("a row is about items that are not known")


__all__ = [
    "SNAPSHOT", "Replay", "Set", "check_fits", "from_snapshot", "made_of", "read_snapshot", "replayed", "save_snapshot",
    "snapshot_head",
]  # fmt: skip
