"""All that can be done to labels, in any order, by two people in two openings of one folder, beside a plain model of dicts."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from explorer import Ids, InputError, Session
from explorer.dataset import Dataset
from explorer.labels import PALETTE, Labels
from explorer.session.history import Selected
from explorer.step import Result
from explorer.workspace import DEFAULT_SET, Workspace
from explorer.workspace.journal import Journal
from explorer.workspace.replay import SNAPSHOT, from_snapshot, replayed

N = 8
IDS = np.arange(N) * 10 + 7  # numbers: an index of text takes most of the time
KNOWN = IDS.tolist()
CLUSTERS = np.array([0, 0, 0, 1, 1, 2, -1, -1], np.int32)
TITLES = {0: "one", 1: "two", 2: "two"}  # two of the same name
USERS = ("ann", "bob")
SETS = (DEFAULT_SET, "quality")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # what is tried here is the order of things, not the disk

NAMES = st.sampled_from(["x", "x/a", "y", "", "NA", "x/one"])
WHO = st.integers(0, 1)
ROWS = st.sets(st.integers(0, N - 1), min_size=1)

THOROUGH = os.environ.get("EXPLORER_THOROUGH") == "1"


def dataset() -> Dataset:
    return Dataset("things", IDS, pa.table({"n": pa.array(range(N))}), {"n": "number"})


@cache
def made_once() -> Path:
    """A folder with an empty workspace in it, to copy."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY))
    Workspace(dataset(), folder / "w").close()
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "w"


# The model


@dataclass(frozen=True)
class State:
    """One label set: names by id, and the categories as ``[name, colour, key, note]`` in the order in which they were made."""

    names: dict[int, str] = field(default_factory=dict)
    categories: tuple[tuple[str, str, int | None, str], ...] = ()

    def has(self, name: str) -> bool:
        return any(one[0] == name for one in self.categories)

    def create(self, name: str, color: str | None = None) -> State:
        if self.has(name):
            return self
        hue = color or next(free for free in PALETTE if free not in {one[1] for one in self.categories})
        key = next((key for key in range(1, 10) if key not in {one[2] for one in self.categories}), None)
        return replace(self, categories=(*self.categories, (name, hue, key, "")))

    def give(self, given: dict[int, str | None]) -> State:
        state = self
        for name in dict.fromkeys(given.values()):
            state = state if name is None else state.create(name)
        names = {one: name for one, name in (self.names | given).items() if name is not None}
        return replace(state, names=names)

    def edit(self, change: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> State:
        return replace(self, categories=tuple(change(one) for one in self.categories))

    def rename(self, old: str, new: str) -> State:
        def moved(name: str) -> str:
            below = old and name.startswith(old + "/")
            return new if name == old else new + name[len(old) :] if below else name

        state = self.edit(lambda one: (moved(one[0]), *one[1:]))
        return replace(state, names={one: moved(name) for one, name in self.names.items()})

    def delete(self, name: str) -> State:
        left = tuple(one for one in self.categories if one[0] != name)
        return State({one: other for one, other in self.names.items() if other != name}, left)

    def merge(self, name: str, into: str) -> State:
        moved = {one: into for one, other in self.names.items() if other == name}
        return self if name == into else replace(self.create(into), names=self.names | moved).delete(name)

    def split(self, name: str) -> State:
        mine = [row for row in range(N) if self.names.get(KNOWN[row]) == name and CLUSTERS[row] >= 0]
        titles = {0: "one", 1: "two", 2: "two (2)"} if {1, 2} <= {int(CLUSTERS[row]) for row in mine} else TITLES
        order = sorted(mine, key=lambda row: CLUSTERS[row])
        return self.give({KNOWN[row]: (f"{name}/" if name else "") + titles[int(CLUSTERS[row])] for row in order})


@dataclass
class Row:
    """A thing that was done: in which label set, what it was before and after, with the numbers of those states.

    `moved` are the ids that got another label, `agreed` those whose label was said again by another user than had given it;
    `turn` is the row of the journal that did or undid it last.
    """

    label_set: str
    verb: str
    before: tuple[State, int]
    after: tuple[State, int]
    moved: set[int]
    agreed: set[int]
    turn: int


class Openings(RuleBasedStateMachine):
    """Two openings of one folder, as two processes have it, and what can happen to them."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.path = self.folder / "w0"
        shutil.copytree(made_once(), self.path)
        self.left: list[Workspace] = []
        self.workspaces = [Workspace(dataset(), self.path) for _ in USERS]
        self.sessions = [self._session(who) for who in range(2)]
        self.written = 0  # rows
        self.began()

    def began(self) -> None:
        """What else there is to begin with."""

    def _session(self, who: int) -> Session:
        workspace = self.workspaces[who]
        session = Session(workspace.dataset, workspace, user=USERS[who])
        session.clusters = Result(CLUSTERS, "cluster", "given", {}, "", "c")
        session._names = ("c", TITLES)
        return session

    def teardown(self) -> None:
        for workspace in [*self.workspaces, *self.left]:
            workspace.close()
        shutil.rmtree(self.folder)

    def _select(self, who: int, rows: set[int]) -> Session:
        mask = np.zeros(N, bool)
        mask[sorted(rows)] = True
        self.sessions[who]._show(Selected(mask, Ids(IDS[mask])))  # past the history: brushing is tried elsewhere
        return self.sessions[who]

    # What happens to an opening

    def opened(self, who: int) -> None:
        """An opening was made anew."""

    def _open(self, who: int) -> None:
        self.workspaces[who] = Workspace(dataset(), self.path)
        assert not self.workspaces[who].notes
        self.sessions[who] = self._session(who)
        self.opened(who)

    @rule(who=WHO, how=st.sampled_from(["close", "crash", "crash of both"]))
    def open_again(self, who: int, how: str) -> None:
        """After a close; after a crash, when nothing of the old opening is called any more; or after one of both."""
        if how == "crash of both":
            self._crash()
        elif how == "crash":
            self.left.append(self.workspaces[who])
        else:
            self.workspaces[who].close()
        for each in range(2) if how == "crash of both" else [who]:
            self._open(each)

    def _crash(self) -> None:
        """What lies on the disk at this moment, with the write-ahead log as it is, is all that is left."""
        self.left += self.workspaces
        there, self.path = self.path, self.folder / f"w{len(self.left)}"
        shutil.copytree(there, self.path, ignore=shutil.ignore_patterns("*-shm"))

    @rule(who=WHO)
    def snapshot(self, who: int) -> None:
        self.workspaces[who].snapshot()

    @rule(who=WHO)
    def catch_up(self, who: int) -> None:
        self.workspaces[who].catch_up()
        self.opened(who)


class InAnyOrder(Openings):
    """Against the model; what somebody undoes is what nobody has built on since (see `Interleaved` for the rest)."""

    def began(self) -> None:
        self.now = {name: (State(), 0) for name in SETS}
        self.seen = [dict(self.now), dict(self.now)]  # by each opening
        self.states = self.shades = 0  # numbers given to states, and to colours
        self.last: dict[str, dict[int, int]] = {name: {} for name in SETS}  # by id: the row that touched it last
        self.writers: dict[int, int] = {}  # by row
        self.equal: dict[int, tuple[Labels, State]] = {}  # compared before
        self.done: list[list[Row]] = [[], []]
        self.undone: list[list[Row]] = [[], []]

    def opened(self, who: int) -> None:
        self.seen[who] = dict(self.now)

    @invariant()
    def each_opening_shows_what_it_has_read(self) -> None:
        for session, seen in zip(self.sessions, self.seen, strict=True):
            for name in SETS:
                labels, (state, _) = session.labels_of(name), seen[name]
                if self.equal.get(id(labels)) == (labels, state):
                    continue
                assert labels.values().tolist() == [state.names.get(one) for one in KNOWN]
                categories = [tuple(vars(one).values()) for one in labels.categories.values()]
                assert categories == list(state.categories), (categories, state.categories)
                self.equal[id(labels)] = (labels, state)

    @contextmanager
    def _does(
        self, who: int, change: Callable[[State], State], meant: Iterable[int] = (), *, fails: bool = False, moves: bool = True
    ) -> Iterator[Session]:
        """Do it in the session within, and here.

        `meant` are the ids that are given a label, `fails` says that it must be refused, `moves` whether items move between
        categories (a new name moves none).
        """
        session = self.sessions[who]
        label_set = session.label_set
        before = self.now[label_set]
        try:
            yield session
        except InputError:
            assert fails
            self.opened(who)  # it has read what there was
            return
        assert not fails
        after, last = change(before[0]), self.last[label_set]
        moved = {one for one in KNOWN if moves and before[0].names.get(one) != after.names.get(one)}
        agreed = {one for one in meant if before[0].names.get(one) == after.names[one] and self.writers[last[one]] != who}
        assert bool(session.entry) == (after != before[0] or bool(agreed))
        if session.entry:
            self.states += 1
            self.now[label_set] = (after, self.states)
            self._wrote(who, label_set, moved | agreed)
            self.done[who].append(Row(label_set, session.entry.verb, before, self.now[label_set], moved, agreed, self.written))
            self.undone[who].clear()
        self.opened(who)

    def _wrote(self, who: int, label_set: str, touched: set[int]) -> None:
        entry = self.sessions[who].entry
        self.written += 1
        assert (entry.seq, entry.user, entry.label_set, entry.items) == (self.written, USERS[who], label_set, len(touched))
        self.writers[entry.seq] = who
        self.last[label_set] |= dict.fromkeys(touched, entry.seq)

    def _has(self, who: int, name: str) -> bool:
        return self.now[self.sessions[who].label_set][0].has(name)

    @rule(who=WHO, name=st.sampled_from(SETS))
    def use_label_set(self, who: int, name: str) -> None:
        self.sessions[who].use_label_set(name)

    @rule(who=WHO, rows=ROWS, name=NAMES)
    def label(self, who: int, rows: set[int], name: str) -> None:
        with self._does(who, lambda state: state.give({KNOWN[row]: name for row in rows}), [KNOWN[row] for row in rows]):
            self._select(who, rows).label(name)

    @rule(who=WHO, rows=ROWS)
    def unlabel(self, who: int, rows: set[int]) -> None:
        with self._does(who, lambda state: state.give({KNOWN[row]: None for row in rows})):
            self._select(who, rows).unlabel()

    @rule(who=WHO, given=st.dictionaries(st.sampled_from(KNOWN), NAMES | st.none(), min_size=1))
    def import_labels(self, who: int, given: dict[int, str | None]) -> None:
        with self._does(who, lambda state: state.give(given), [one for one, name in given.items() if name is not None]) as session:
            session.import_labels(given)

    def _shade(self) -> str:
        """A colour that nothing has: one that comes back gives up a colour that another has by now."""
        self.shades += 1
        return f"#{self.shades:06x}"

    @rule(who=WHO, name=NAMES, own=st.booleans())
    def create(self, who: int, name: str, own: bool) -> None:
        color = self._shade() if own else None
        with self._does(who, lambda state: state.create(name, color)) as session:
            session.create_category(name, color)

    @rule(who=WHO, old=NAMES, new=NAMES)
    def rename(self, who: int, old: str, new: str) -> None:
        state = self.now[self.sessions[who].label_set][0]
        names = [one[0] for one in state.rename(old, new).categories]
        fails = not state.has(old) or len(set(names)) < len(names)
        with self._does(who, lambda state: state.rename(old, new), fails=fails, moves=False) as session:
            session.rename_category(old, new)

    @rule(who=WHO, name=NAMES)
    def recolour(self, who: int, name: str) -> None:
        color = self._shade()
        change = lambda one: (name, color, *one[2:]) if one[0] == name else one  # noqa: E731
        with self._does(who, lambda state: state.edit(change), fails=not self._has(who, name)) as session:
            session.recolor_category(name, color)

    @rule(who=WHO, name=NAMES, note=st.sampled_from(["", "look again"]))
    def annotate(self, who: int, name: str, note: str) -> None:
        change = lambda one: (*one[:3], note) if one[0] == name else one  # noqa: E731
        with self._does(who, lambda state: state.edit(change), fails=not self._has(who, name)) as session:
            session.annotate_category(name, note)

    @rule(who=WHO, name=NAMES, key=st.sampled_from([None, 1, 2, 9]))
    def bind_key(self, who: int, name: str, key: int | None) -> None:
        def change(one: tuple[Any, ...]) -> tuple[Any, ...]:
            own = key if one[0] == name else None if one[2] == key else one[2]
            return (*one[:2], own, one[3])

        with self._does(who, lambda state: state.edit(change), fails=not self._has(who, name)) as session:
            session.bind_category(name, key)

    @rule(who=WHO, name=NAMES, into=NAMES)
    def merge(self, who: int, name: str, into: str) -> None:
        with self._does(who, lambda state: state.merge(name, into), fails=not self._has(who, name) and name != into) as session:
            session.merge_category(name, into)

    @rule(who=WHO, name=NAMES)
    def split(self, who: int, name: str) -> None:
        names = self.now[self.sessions[who].label_set][0].names
        there = {int(CLUSTERS[row]) for row in range(N) if names.get(KNOWN[row]) == name} - {-1}
        with self._does(who, lambda state: state.split(name), fails=len(there) < 2) as session:
            session.split_category(name)

    @rule(who=WHO, name=NAMES)
    def delete(self, who: int, name: str) -> None:
        with self._does(who, lambda state: state.delete(name), fails=not self._has(who, name)) as session:
            session.delete_category(name)

    @rule(who=WHO)
    def undo(self, who: int) -> None:
        self._turn(who, self.done[who], self.undone[who], "undo")

    @rule(who=WHO)
    def redo(self, who: int) -> None:
        self._turn(who, self.undone[who], self.done[who], "redo")

    def _turn(self, who: int, source: list[Row], target: list[Row], kind: str) -> None:
        session = self.sessions[who]
        assert (session.can_undo if kind == "undo" else session.can_redo) == bool(source)
        if not source:
            assert getattr(session, kind)() is None
            return
        row = source[-1]
        then, meant = (row.after, row.before) if kind == "undo" else (row.before, row.after)
        kept = {one for one in row.agreed if self.last[row.label_set][one] == row.turn}
        if self.now[row.label_set][1] != then[1] or not (kept or meant[0] != then[0]):
            return  # somebody else has changed something since
        assert getattr(session, kind)() == row.verb
        target.append(source.pop())
        self.now[row.label_set] = meant
        self._wrote(who, row.label_set, row.moved | kept)
        row.turn = self.written
        self.opened(who)

    def teardown(self) -> None:
        if hasattr(self, "now"):
            with closing(Journal(self.path / "journal.sqlite")) as journal:
                assert journal.numbers() == list(range(1, self.written + 1))
        super().teardown()


class Interleaved(Openings):
    """Two people who undo and redo each other's ground: what must hold whatever becomes of it."""

    def began(self) -> None:
        self.acknowledged: list[tuple[int, str, str]] = []

    def _did(self, who: int) -> None:
        entry = self.sessions[who].entry
        if entry:
            self.acknowledged.append((entry.seq, entry.user, entry.verb))

    @rule(who=WHO, rows=ROWS, name=NAMES)
    def label(self, who: int, rows: set[int], name: str) -> None:
        self._select(who, rows).label(name)
        self._did(who)

    @rule(who=WHO, rows=ROWS)
    def unlabel(self, who: int, rows: set[int]) -> None:
        self._select(who, rows).unlabel()
        self._did(who)

    @rule(who=WHO, verb=st.sampled_from(["rename", "merge", "delete", "split", "create"]), name=NAMES, other=NAMES)
    def edit(self, who: int, verb: str, name: str, other: str) -> None:
        done = getattr(self.sessions[who], f"{verb}_category")
        try:
            done(*((name, other) if verb in {"rename", "merge"} else (name,)))
        except InputError:
            return
        self._did(who)

    @rule(who=WHO, verb=st.sampled_from(["undo", "redo"]))
    def turn(self, who: int, verb: str) -> None:
        self.workspaces[who].catch_up()
        session, workspace = self.sessions[who], self.workspaces[who]
        codes = workspace.labels.codes
        if getattr(session, verb)() is None:
            return
        self._did(who)
        _, change, _ = workspace.row(session.entry.of or 0)
        touched = np.isin(np.arange(N), change.rows)
        assert (workspace.labels.codes == codes)[~touched].all(), "an undo is about the items of what it undoes"

    @invariant()
    def nothing_acknowledged_is_missing(self) -> None:
        for workspace in self.workspaces:
            labels = workspace.labels
            assert set(np.unique(labels.codes).tolist()) - {0} <= labels.categories.keys()
            assert len(set(labels.names)) == len(labels.names)
            assert labels.next_code > max(labels.categories, default=0)

    @precondition(lambda self: self.acknowledged)
    @rule()
    def the_journal_says_what_is_shown(self) -> None:
        for workspace in self.workspaces:
            workspace.catch_up()
        shown = [same(workspace.labels) for workspace in self.workspaces]
        assert shown[0] == shown[1]
        with closing(Journal(self.path / "journal.sqlite")) as journal:
            index = pd.Index(IDS)
            whole, wrong = replayed(journal, index)
            assert not wrong
            assert same(whole.of(DEFAULT_SET).labels) == shown[0]
            rows = {(entry.seq, entry.user, entry.verb) for entry in journal.entries()}
            assert rows == set(self.acknowledged)
            begun = from_snapshot(self.path / SNAPSHOT, journal, index)
            if begun is not None:
                tail, _ = replayed(journal, index, begun)
                assert same(tail.of(DEFAULT_SET).labels) == shown[0]
                assert np.array_equal(tail.of(DEFAULT_SET).last, whole.of(DEFAULT_SET).last)
                assert (tail.stacks, tail.undone) == (whole.stacks, whole.undone)


def same(labels: Any) -> tuple[Any, ...]:
    return labels.codes.tolist(), labels.categories, labels.next_code


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples * 4 if THOROUGH else examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


TestInAnyOrder = InAnyOrder.TestCase
TestInAnyOrder.settings = _settings(500)
TestInterleaved = Interleaved.TestCase
TestInterleaved.settings = _settings(100)
