"""The journal: rows packed and sealed, written once and by many, taken back by their user, and asked where a label comes from."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import Ids, InputError, Lasso, Session
from explorer.labels import Category, Change, Labels
from explorer.selection import Seen
from explorer.step import Result
from explorer.workspace import DEFAULT_SET, Workspace
from explorer.workspace.files import write_whole
from explorer.workspace.journal import By, Damaged, Entry, Journal
from explorer.workspace.packing import pack, pack_categories, pack_rule, unpack, unpack_rule
from explorer.workspace.replay import SNAPSHOT, read_snapshot

N = 40
FRAME = pd.DataFrame({"id": [f"i{row}" for row in range(N)], "n": np.arange(N) / 7})


@pytest.fixture
def begin(tmp_path: Path):
    """Begins sessions by name of user in one folder, each with an opening of its own; closed in the end."""
    made = []

    def begin_(user: str = "ann", frame: pd.DataFrame = FRAME) -> Session:
        made.append(Session(frame, tmp_path / "w", user=user))
        return made[-1]

    yield begin_
    for session in made:
        session.workspace.close()


def give(session: Session, rows: Any, name: str) -> int:
    return session.label(name, Ids([f"i{row}" for row in rows]))


# Packing

CODES = st.integers(0, 2**31 - 1)
CATEGORIES = st.builds(Category, st.text(), st.just("#123456"), st.none() | st.integers(1, 9), st.text())
CHANGES = st.builds(
    lambda touched, pairs: Change(
        "verb",
        np.array(sorted(touched), np.int64),
        np.array([touched[row][0] for row in sorted(touched)], np.int32),
        np.array([touched[row][1] for row in sorted(touched)], np.int32),
        pairs,
    ),
    st.dictionaries(st.integers(0, 2**40) | st.integers(0, 300), st.tuples(CODES, CODES) | st.just((0, 1)), max_size=80),
    st.dictionaries(st.integers(1, 2**31 - 1), st.tuples(st.none() | CATEGORIES, st.none() | CATEGORIES), max_size=4),
)


@given(CHANGES)
def test_what_is_packed_comes_out_again(change: Change) -> None:
    again = unpack(pack(change), "verb", pack_categories(change.categories))
    for name in ("rows", "before", "after"):
        assert np.array_equal(getattr(again, name), getattr(change, name))
    assert again.before.dtype == again.after.dtype == np.int32
    assert again.categories == change.categories


@given(CHANGES, st.data())
def test_bytes_that_nobody_packed_are_refused_or_some_change(change: Change, data: st.DataObject) -> None:
    packed = bytearray(pack(change))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):  # which its reader expects
        unpack(bytes(packed), "verb", "{}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_rules_come_out_again(rule: Any) -> None:
    assert unpack_rule(pack_rule({"rule": rule})) == {"rule": rule}
    assert unpack_rule(pack_rule(None)) is None


def test_a_lassoed_region_takes_less_than_a_byte_an_item() -> None:
    """A million points whose places say nothing of their order: the gaps between numbers are as random as can be."""
    random = np.random.default_rng(0)
    group = random.integers(0, 40, 1_000_000)
    layout = (random.normal(size=(40, 2))[group] * 10 + random.normal(size=(1_000_000, 2))).astype(np.float32)
    seen = Seen(None, layout)  # type: ignore[arg-type]
    total = items = 0
    for centre, radius in zip(layout[random.integers(0, 1_000_000, 12)], np.geomspace(0.3, 8, 12), strict=True):
        turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        rows = np.flatnonzero(Lasso(centre + radius * np.c_[np.cos(turns), np.sin(turns)]).mask(seen))
        before = random.integers(0, 2, len(rows)).astype(np.int32) * 3  # some had a label
        total += len(pack(Change("label", rows, before, np.full(len(rows), 4, np.int32))))
        items += len(rows)
    assert items > 200_000
    assert total / items <= 1


# Rows


def test_a_row_is_sealed_whole(begin: Callable[..., Session]) -> None:
    session = begin()
    with session.acting("a1"):
        give(session, [1, 2], "x")
    path = session.workspace.path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as raw, closing(Journal(path)) as journal:
        columns = [name for _, name, *_ in raw.execute("PRAGMA table_info(journal)")]
        row = dict(zip(columns, raw.execute("SELECT * FROM journal").fetchone(), strict=True))
        journal.read(1)
        for name in columns:
            other = {bytes: b"\x01", int: 7, str: "other", type(None): 5}[type(row[name])]
            raw.execute(f"UPDATE journal SET {name} = ?", (other,))
            raw.commit()
            with pytest.raises(Damaged, match="is not as it was written"):
                journal.read(7 if name == "seq" else 1)
            raw.execute(f"UPDATE journal SET {name} = ?", (row[name],))
            raw.commit()
        journal.read(1)
    assert len(columns) == 14


def test_an_action_that_is_sent_twice_stands_once(begin: Callable[..., Session]) -> None:
    session, other = begin(), begin("bob")
    for sender in (session, session, other):
        with sender.acting("a1"):
            assert give(sender, [1, 2], "x") == 2
    assert (other.entry.user, other.entry.again) == ("ann", True)
    assert not other.can_undo
    assert session.undo()
    assert not session.can_undo
    assert len(session.workspace.entries()) == 2


def test_an_undo_that_is_sent_twice_takes_back_one_thing(begin: Callable[..., Session]) -> None:
    session = begin()
    give(session, [1], "x")
    give(session, [2], "y")
    for _ in range(2):  # the answer to the first was lost
        with session.acting("back"):
            assert session.undo() == "label 'y'"
    assert dict(session.labels) == {"i1": "x"}
    assert session.redo() == "label 'y'"
    assert session.redo() is None
    assert [session.undo(), session.undo(), session.undo()] == ["label 'y'", "label 'x'", None]


def test_two_verbs_within_one_action_both_stand_and_once(begin: Callable[..., Session]) -> None:
    session = begin()
    for _ in range(2):
        with session.acting("both"):
            give(session, [1], "x")
            session.create_category("empty")
    assert session.labels.counts == {"x": 1, "empty": 0}
    assert len(session.workspace.entries()) == 2


def test_others_work_is_shown_even_where_the_own_verb_fails(begin: Callable[..., Session]) -> None:
    """It is read before the verb, and a later look at the journal finds nothing new."""
    session, other = begin(), begin("bob")
    give(other, [1], "x")
    with pytest.raises(InputError, match="no category"):
        session.delete_category("y")
    assert dict(session.labels) == {"i1": "x"}


# Processes

LABELLER = """
    import sys
    import numpy as np, pandas as pd
    import explorer
    path, who, count, action = sys.argv[1:]
    frame = pd.DataFrame({"id": [f"i{row}" for row in range(320)]})
    session = explorer.Session(frame, workspace=path, user=who)
    print("ready", flush=True)
    sys.stdin.readline()
    for step in range(int(count)):
        session.select([f"i{int(who) * 40 + step}"])
        with session.acting(action or None):
            session.label(f"name {step % 5}")
        print(f"{session.entry.seq} {session.selected_ids[0]}", flush=True)
"""


def processes(path: Path, count: int, steps: int, action: str = "") -> list[list[str]]:
    """What each of some processes was told that is saved, as ``row id``; they begin together, and none may fail."""
    code, given = textwrap.dedent(LABELLER), {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(who), str(steps), action], text=True, **given)
        for who in range(count)
    ]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    told = [child.communicate() for child in children]
    assert [errors for _, errors in told] == [""] * count
    return [lines.splitlines() for lines, _ in told]


def test_eight_processes_lose_none_of_320(tmp_path: Path) -> None:
    told = [line for lines in processes(tmp_path / "w", 8, 40) for line in lines]
    session = Session(pd.DataFrame({"id": [f"i{row}" for row in range(320)]}), tmp_path / "w")
    assert dict(session.labels) == {f"i{row}": f"name {row % 40 % 5}" for row in range(320)}
    assert sorted(session.labels.names) == [f"name {number}" for number in range(5)]
    assert sorted(int(line.split()[0]) for line in told) == list(range(1, 321))
    assert session.why("i45")["user"] == "1"
    session.workspace.close()


def test_an_action_sent_by_two_processes_stands_once(tmp_path: Path) -> None:
    """A page that was connected to one server sends what was pending to the next."""
    told = processes(tmp_path / "w", 2, 1, action="the same")
    assert {line.split()[0] for lines in told for line in lines} == {"1"}
    with closing(Journal(tmp_path / "w" / "journal.sqlite")) as journal:
        assert journal.numbers() == [1]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_disk_has_what_is_acknowledged(tmp_path: Path) -> None:
    """After a kill the kernel still has what was never flushed, so the calls are counted: a flush after the last write."""
    traced = ["strace", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(tmp_path / "calls")]
    command = [*traced, sys.executable, "-c", textwrap.dedent(LABELLER), str(tmp_path / "w"), "0", "8", ""]
    done = subprocess.run(command, input="\n", capture_output=True, text=True)
    if "ptrace" in done.stderr.lower():
        pytest.skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    flushed = acknowledged = 0
    wrote = False
    for call in (tmp_path / "calls").read_text().splitlines():
        log = "journal.sqlite-wal>" in call
        if re.search(r"fsync|fdatasync", call) and log:
            flushed, wrote = flushed + wrote, False
        elif "pwrite64" in call and log:
            wrote = True
        elif re.search(r'write\(1<.*"\d+ i\d+', call):
            acknowledged += 1
            assert not wrote, "it was acknowledged before it was flushed"
            assert flushed >= acknowledged
    assert acknowledged == 8


def test_a_file_that_cannot_be_written_whole_stays_as_it_was(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from explorer.workspace.files import write_whole
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_whole(Path(sys.argv[1]), b"new " * 1000)
        except OSError:
            print("refused")
    """)
    write_whole(tmp_path / "file", b"old")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]


# Undo, by user


def test_each_user_goes_on_undoing_after_a_restart(begin: Callable[..., Session]) -> None:
    ann, bob = begin("ann"), begin("bob")
    give(ann, [1], "x")
    give(bob, [2], "y")
    give(ann, [3], "x")
    give(ann, [4], "z")
    assert ann.undo() == "label 'z'"
    for one in (ann, bob):
        one.workspace.close()
    ann, bob = begin("ann"), begin("bob")
    assert not begin("carol").can_undo
    assert bob.undo() == "label 'y'"
    assert bob.undo() is None
    assert ann.redo() == "label 'z'"
    assert [ann.undo(), ann.undo(), ann.undo(), ann.undo()] == ["label 'z'", "label 'x'", "label 'x'", None]
    assert dict(ann.labels) == {}
    again = begin("ann")
    assert [again.redo(), again.redo(), again.redo(), again.redo()] == ["label 'x'", "label 'x'", "label 'z'", None]
    assert dict(again.labels) == {"i1": "x", "i3": "x", "i4": "z"}


def test_what_somebody_overwrote_is_counted(begin: Callable[..., Session]) -> None:
    ann, bob = begin("ann"), begin("bob")
    give(ann, range(5), "x")
    give(ann, range(2), "y")
    assert ann.entry.overwrote == {}, "one's own"
    give(bob, range(1, 8), "z")
    assert bob.entry.overwrote == {"ann": 4}
    ann.workspace.catch_up()
    assert [(entry.user, entry.overwrote) for entry in ann.workspace.news] == [("bob", {"ann": 4})]
    same = Session(ann.dataset, ann.workspace, user="carol")
    give(same, range(4, 10), "z")
    assert same.entry.overwrote == {}, "they have that label already"
    give(same, [0, 3, 4, 39], "w")  # of 4, carol had said the same last
    assert same.entry.overwrote == {"ann": 1, "bob": 1}


# Snapshots


def labels_again(begin: Callable[..., Session]) -> dict[str, str]:
    return dict(begin().labels)


def test_a_snapshot_is_not_trusted_over_the_journal(begin: Callable[..., Session], tmp_path: Path) -> None:
    session = begin()
    for row in range(5):
        give(session, [row], f"name {row}")
    session.workspace.snapshot()
    place = tmp_path / "w" / SNAPSHOT
    early = place.read_bytes()
    shutil.copytree(tmp_path / "w", tmp_path / "copied", ignore=shutil.ignore_patterns("*-shm"))
    give(session, [0], "other")
    session.workspace.snapshot()
    expected = dict(session.labels)
    late = place.read_bytes()
    session.workspace.close()

    place.write_bytes(early)
    assert labels_again(begin) == expected, "of an earlier row, and the rest from the journal"
    place.write_bytes(late.replace(b"other", b"OTHER"))
    assert labels_again(begin) == expected, "edited"
    place.write_bytes(late[: len(late) // 2])
    assert labels_again(begin) == expected, "cut"

    (tmp_path / "copied" / SNAPSHOT).write_bytes(late)
    copied = Session(FRAME, tmp_path / "copied")
    assert copied.workspace.trouble, "of a row that this journal has not: it has lost one"
    copied.workspace.close()
    (tmp_path / "copied" / SNAPSHOT).unlink()
    copied = Session(FRAME, tmp_path / "copied")
    give(copied, [1], "else")  # row 6, as the other was
    copied.workspace.close()
    (tmp_path / "copied" / SNAPSHOT).write_bytes(late)
    copied = Session(FRAME, tmp_path / "copied")
    assert (copied.labels["i0"], copied.labels["i1"]) == ("name 0", "else"), "of another row of that number"
    copied.workspace.close()

    other = Session(FRAME, tmp_path / "other")
    for row in range(6):
        give(other, [row], "mine")
    other.workspace.close()
    (tmp_path / "other" / SNAPSHOT).write_bytes(late)
    other = Session(FRAME, tmp_path / "other")
    assert set(other.labels.values().tolist()) == {"mine", None}, "of another journal"
    other.workspace.close()


def test_a_snapshot_spares_the_replay_and_tells_the_same(begin: Callable[..., Session], tmp_path: Path) -> None:
    session = begin()
    for row in range(30):
        give(session, [row], f"name {row % 3}")
    session.undo()
    session.workspace.close()
    head, sets = read_snapshot(tmp_path / "w" / SNAPSHOT)
    assert head["seq"] == 31
    assert (sets[DEFAULT_SET][1] > 0).sum() == 29
    with_it = begin()
    (tmp_path / "w" / SNAPSHOT).unlink()
    without = begin()
    assert dict(with_it.labels) == dict(without.labels)
    assert with_it.given().equals(without.given())
    assert with_it.workspace.stacks("ann") == without.workspace.stacks("ann")


# Why

DEEDS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["label", "label", "unlabel", "merge", "undo", "undo", "redo"]),
        st.sets(st.integers(0, 5), min_size=1),
        st.sampled_from(["x", "y", "z"]),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(DEEDS)
def test_where_labels_come_from_beside_a_slow_reference(deeds: list[tuple[int, str, set[int], str]]) -> None:
    """The reference walks forward: an undo gives each item that it changes the source that it had before what is undone."""
    frame = pd.DataFrame({"id": [f"i{row}" for row in range(6)]})
    first = Session(frame, user="ann")
    sessions = [first, Session(first.dataset, first.workspace, user="bob")]
    elsewhere = Session(first.dataset, first.workspace, user="carol")
    elsewhere.use_label_set("another set")  # with the same codes
    source: dict[str, int] = {}
    last: dict[str, int] = {}  # the row that touched it last
    before_row: dict[int, dict[str, int]] = {}
    agreed: dict[int, list[str]] = {}  # by row: what somebody else had labelled so already
    turn: dict[int, int] = {}  # by row: what did or undid it last
    for who, verb, rows, name in deeds:
        session, known = sessions[who], first.labels.to_frame()["label"]
        give(elsewhere, rows, name)
        try:
            if verb == "label":
                give(session, rows, name)
            elif verb == "unlabel":
                session.unlabel(Ids([f"i{row}" for row in rows]))
            elif verb == "merge":
                session.merge_category(name, "y")
            elif getattr(session, verb)() is None:
                continue
        except InputError:
            continue
        entry, now = session.entry, first.labels.to_frame()["label"]
        changed = [one for one in now.index if now[one] != known[one]]
        if not entry or (entry.kind == "do" and entry.seq in before_row):
            continue
        done = entry.of or entry.seq
        if entry.kind == "do":
            same = {f"i{row}" for row in rows} - set(changed) if verb == "label" else set()
            writers = {row.seq: row.user for row in first.workspace.entries()}
            before_row[done], agreed[done] = dict(source), [one for one in same if writers[last[one]] != entry.user]
        else:
            agreed[done] = [one for one in agreed[done] if last[one] == turn[done]]
        for one in [*changed, *agreed[done]]:
            source[one] = before_row[done].get(one, 0) if entry.kind == "undo" else done
            last[one] = entry.seq
        turn[done] = entry.seq
    given = first.given()
    entries = {entry.seq: entry for entry in first.workspace.entries()}
    for one, name in first.labels.to_frame()["label"].items():
        if name is None:
            assert given.loc[one].isna().all()
            assert first.why(one) is None
            continue
        row, why = entries[source[one]], first.why(one)
        assert (why["seq"], why["label"], why["user"], why["time"]) == (row.seq, name, row.user, row.time)
        assert tuple(given.loc[one])[:3] == (name, row.user, row.time)
    first.workspace.close()


def test_why_tells_the_rule_and_the_rule_can_be_used_elsewhere(begin: Callable[..., Session]) -> None:
    session = begin()
    layout = np.c_[np.arange(N), np.zeros(N)].astype(np.float32)
    session.adopt(session.workspace.put(Result(layout, "reduce", "given", {}, session.dataset.fingerprint, "forth")))
    session.select(Lasso([(-0.5, -1), (9.5, -1), (9.5, 1), (-0.5, 1)]))
    assert session.label("left") == 10
    why = begin("bob").why("i3")
    assert (why["label"], why["user"], why["verb"], why["items"]) == ("left", "ann", "label 'left'", 10)
    assert why["rule"]["rule"] == "lasso"
    assert why["on"] == {"layout": ["reduce", "given", "forth"]}
    assert session.given().loc["i3", "rule"].startswith('{"rule":{"rule":"lasso"')
    session.adopt(session.workspace.put(Result(layout[::-1].copy(), "reduce", "given", {}, session.dataset.fingerprint, "back")))
    for rule in (why["seq"], why, why["rule"]):
        session.select([])
        assert np.flatnonzero(session.replay(rule)).tolist() == list(range(30, 40))
    give(session, [5, 6], "by id")
    assert np.flatnonzero(session.replay(session.entry.seq)).tolist() == [5, 6]
    with pytest.raises(InputError, match="cannot be read"):
        session.replay(99)


def test_an_items_label_that_nobody_gave_has_no_reason(begin: Callable[..., Session]) -> None:
    assert begin().why("i3") is None
    with pytest.raises(InputError):
        begin().why("nobody")


# Users, sets, sources


def test_ratings_are_what_each_gave_last_and_still_stands(begin: Callable[..., Session]) -> None:
    ann, bob = begin("ann"), begin("bob")
    give(ann, [0, 1, 2], "x")
    give(bob, [1, 2, 3], "y")
    give(bob, [3], "z")
    give(ann, [4], "y")
    ann.undo()
    give(bob, [9], "w")
    bob.merge_category("w", "x")
    give(ann, [5], "v")
    ann.delete_category("v")
    found, names = bob.ratings()
    told = {user: {row: names[code] for row, code in enumerate(codes) if code} for user, codes in found.items()}
    assert told == {"ann": {0: "x", 1: "x", 2: "x"}, "bob": {1: "y", 2: "y", 3: "z", 9: "x"}}


def test_label_sets_stand_side_by_side(begin: Callable[..., Session]) -> None:
    session = begin()
    give(session, [1, 2], "owl")
    session.use_label_set("quality")
    give(session, [2, 3], "bad")
    assert session.label_sets == [DEFAULT_SET, "quality"]
    assert dict(session.labels) == {"i2": "bad", "i3": "bad"}
    assert dict(session.labels_of(DEFAULT_SET)) == {"i1": "owl", "i2": "owl"}
    assert session.why("i2")["label"] == "bad"
    assert session.given(DEFAULT_SET).loc["i2", "label"] == "owl"
    session.use_label_set(DEFAULT_SET)
    assert session.undo() == "label 'bad'", "the last thing done, whichever set it was in"
    assert dict(session.labels) == {"i1": "owl", "i2": "owl"}
    session.redo()
    again = begin("bob")
    assert {name: dict(labels) for name, labels in again.sets.items()} == {
        DEFAULT_SET: {"i1": "owl", "i2": "owl"},
        "quality": {"i2": "bad", "i3": "bad"},
    }


def test_items_that_go_and_come_keep_number_and_label(begin: Callable[..., Session]) -> None:
    first = begin()
    give(first, range(10), "x")
    first.workspace.close()
    grown = pd.DataFrame({"id": [f"i{row}" for row in range(N + 9, 4, -1)], "n": np.arange(N + 5) / 7})  # 0 to 4 are gone
    second = begin(frame=grown)
    assert dict(second.labels) == {f"i{row}": "x" for row in range(9, 4, -1)}
    assert second.gone()["label"].to_dict() == {f"i{row}": "x" for row in range(5)}
    give(second, [N + 3, 5], "new")
    second.rename_category("x", "ex")
    assert second.gone()["label"].unique().tolist() == ["ex"]
    assert second.why(f"i{N + 3}")["label"] == "new"
    assert second.given().loc["i7", "labeller"] == "ann"
    second.workspace.close()
    third = begin()
    assert dict(third.labels) == {f"i{row}": "ex" if row != 5 else "new" for row in range(10)}
    assert third.gone()["label"].to_dict() == {f"i{N + 3}": "new"}
    assert third.undo() == "rename 'x' to 'ex'"
    assert third.undo() == "label 'new'"
    assert not len(third.gone())


def test_an_opening_learns_of_items_that_another_brought(begin: Callable[..., Session]) -> None:
    first = begin()
    give(first, [1], "x")
    second = begin("bob", pd.DataFrame({"id": [f"i{row}" for row in range(N + 5)], "n": np.arange(N + 5) / 7}))
    give(second, [2, N + 1], "y")
    assert first.workspace.catch_up()
    assert dict(first.labels) == {"i1": "x", "i2": "y"}
    give(first, [3], "z")
    second.workspace.catch_up()
    assert dict(second.labels) == {"i1": "x", "i2": "y", "i3": "z", f"i{N + 1}": "y"}


def test_a_journal_in_memory_is_one_too() -> None:
    with closing(Journal(None)) as journal:
        change = Labels.empty(pd.Index([5, 6])).change_to(Labels.empty(pd.Index([5, 6])).create("x"), "create")
        with journal.transaction():
            journal.add_ids(np.array([5, 6]))
            entry = journal.add(Entry(0, user=By().user, verb="create"), change)
        assert entry.seq == 1
        assert journal.ids() == [5, 6]
        assert journal.read(1)[1].categories == change.categories


def test_the_system_says_who_it_is(tmp_path: Path) -> None:
    import getpass

    if os.name == "posix":
        assert Session(FRAME).user == getpass.getuser()
    workspace = Workspace(Session(FRAME).dataset)
    assert Session(workspace.dataset, workspace, user="ann").user == "ann"
