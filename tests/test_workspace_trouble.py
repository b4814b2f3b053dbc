"""A workspace whose place fails it: read-only, removed, taken, locked, full or of another format; nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from test_workspace import IDS, VECTORS, N, assign, dataset

from explorer import InputError
from explorer.step import find
from explorer.workspace import FORMAT, Workspace, journal

HERE = str(Path(__file__).parent)
root_only = pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="becomes another user, or mounts a file system")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(dataset(), tmp_path / "w")
    yield made
    made.close()


def run(code: str, *arguments: object) -> subprocess.CompletedProcess:
    """Code in another process, which knows what is in the tests."""
    first = f"import os, sys; sys.path.insert(0, {HERE!r}); from test_workspace import *; folder = sys.argv[1]\n"
    command = [sys.executable, "-c", first + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def reopened(folder: Path) -> dict[str, str]:
    with closing(Workspace(dataset(), folder)) as again:
        assert not again.trouble
        return dict(again.labels)


def refusal(workspace: Workspace, row: int, name: str) -> str:
    """Why a label is not saved; empty where it is."""
    try:
        assign(workspace, [f"item-{row}"], name)
    except InputError as problem:
        return str(problem) if "not saved" in str(problem) else pytest.fail(f"it does not say so: {problem}")
    return ""


# Read-only


@root_only
def test_a_read_only_workspace_shows_its_labels_and_takes_none() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = Path(place) / "w"
        with closing(Workspace(dataset(), folder)) as made:
            assign(made, ["item-3"], "x")
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        done = run(
            """
            for step in ("extract", "reduce"):  # with all that they import, which another user may not be allowed to
                warm = Session(dataset()) if step == "extract" else warm
                getattr(warm, step)({"extract": "vectors", "reduce": "pca"}[step])
            os.setuid(65534)
            workspace = Workspace(dataset(), folder)
            print(dict(workspace.labels), workspace.trouble, sep="\\n")
            session = Session(workspace.dataset, workspace)
            session.extract("vectors")
            print(session.reduce("pca").values.shape, workspace.recall().keys())
            session.select(Ids(["item-4"]))
            session.save_selection("mine")
            print(list(workspace.selections()))
            try:
                session.label("y")
            except InputError as problem:
                print(problem)
            print(dict(session.labels), workspace.catch_up(), dict(workspace.labels))
            workspace.close()
            """,
            folder,
        )
        assert done.returncode == 0, done.stderr
        labels, trouble, results, selections, problem, after = done.stdout.splitlines()
        assert labels == "{'item-3': 'x'}"
        assert f"{folder} cannot be written (Permission denied)" in trouble
        assert results == "(50, 2) dict_keys(['features', 'layout'])"
        assert selections == "['mine']"
        assert problem.startswith("not saved: ")
        assert after == "{'item-3': 'x'} False {'item-3': 'x'}"
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        assert reopened(folder) == {"item-3": "x"}


def test_items_that_came_since_have_labels_to_see_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A source that has grown, and a journal that cannot take its new items."""
    with closing(Workspace(dataset(IDS[:40]), tmp_path / "w")) as workspace:
        assign(workspace, ["item-3"], "x")
        workspace.snapshot()
    data = bytearray((tmp_path / "w" / "journal.sqlite").read_bytes())
    (tmp_path / "w" / "journal.sqlite").write_bytes(bytes(data[:4096]))
    with closing(Workspace(dataset(IDS[::-1]), tmp_path / "w")) as grown:
        assert grown.trouble
        assert dict(grown.labels) == {"item-3": "x"}
        assert len(grown.labels.codes) == N


def test_a_folder_that_cannot_be_written_with_a_source_that_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Workspace(dataset(IDS[:40]), tmp_path / "w")) as workspace:
        assign(workspace, ["item-3"], "x")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("explorer.workspace.opening.writable", refuse)  # root may write anywhere
    with closing(Workspace(dataset(IDS[::-1]), tmp_path / "w")) as grown:
        assert "Permission denied" in grown.trouble
        assert dict(grown.labels) == {"item-3": "x"}
        assert grown.dataset_folder().is_relative_to(grown.spare)


@root_only
def test_a_read_only_workspace_with_a_log_that_nobody_took_over() -> None:
    """Its last labels are in the write-ahead log, which SQLite cannot read where it cannot write."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = Path(place) / "w"
        run("workspace = Workspace(dataset(), folder); assign(workspace, ['item-3'], 'x'); os.kill(os.getpid(), 9)", folder)
        assert (folder / "journal.sqlite-wal").stat().st_size
        code = "os.setuid(65534); workspace = Workspace(dataset(), folder); print(dict(workspace.labels), workspace.seq)"
        assert run(code, folder).stdout == "{'item-3': 'x'} 1\n"


# Removed, and taken


def test_a_folder_that_was_removed_is_written_anew_with_the_next_label(workspace: Workspace, tmp_path: Path) -> None:
    assign(workspace, ["item-1"], "x")
    shutil.rmtree(tmp_path / "w")
    assert not workspace.catch_up()
    assert f"{tmp_path / 'w'} was removed" in workspace.trouble
    assert dict(workspace.labels) == {"item-1": "x"}
    assert not (tmp_path / "w").exists()
    assign(workspace, ["item-2"], "y")
    assert workspace.trouble == ""
    assert any("written anew" in note for note in workspace.notes)
    assert dict(workspace.labels) == {"item-1": "x", "item-2": "y"} == reopened(tmp_path / "w")
    assign(workspace, ["item-3"], "y")
    assert workspace.undo(1)
    assert reopened(tmp_path / "w") == {"item-2": "y", "item-3": "y"}
    assert workspace.put(find("reduce", "pca").run(VECTORS))
    workspace.keep_selections(lambda kept: kept | {"a": {"rule": {"rule": "all"}, "on": {}}})


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_part_of_the_journal_that_was_removed(workspace: Workspace, tmp_path: Path, ending: str) -> None:
    """As between two steps of `rm -r`: the write-ahead log without its journal, or the journal without it."""
    known = {}
    for row in range(30):
        assign(workspace, [f"item-{row}"], f"name {row % 4}")
        known[f"item-{row}"] = f"name {row % 4}"
    (tmp_path / "w" / f"journal.sqlite{ending}").unlink()
    for row in range(30, 34):
        assign(workspace, [f"item-{row}"], "after")
        known[f"item-{row}"] = "after"
    assert dict(workspace.labels) == known
    shutil.copytree(tmp_path / "w", tmp_path / "killed")  # what is on the disk now
    workspace.close()
    assert reopened(tmp_path / "w") == known == reopened(tmp_path / "killed")


def test_the_log_of_another_journal_is_not_taken_for_its_own(workspace: Workspace, tmp_path: Path) -> None:
    with closing(Workspace(dataset(), tmp_path / "other")) as other:
        for row in range(20):
            assign(other, [f"item-{row}"], f"theirs {row}")
        assign(workspace, ["item-1"], "x")
        shutil.rmtree(tmp_path / "w")
        (tmp_path / "w").mkdir()
        shutil.copy(tmp_path / "other" / "journal.sqlite-wal", tmp_path / "w" / "journal.sqlite-wal")
    assign(workspace, ["item-2"], "y")
    assert dict(workspace.labels) == {"item-1": "x", "item-2": "y"} == reopened(tmp_path / "w")
    assert len(list((tmp_path / "w").glob("journal.damaged-*.sqlite-wal"))) == 1


def test_a_folder_that_is_removed_again_and_again(tmp_path: Path) -> None:
    """Another process removes it at random moments; what was acknowledged last is there when it stops."""
    folder, known = tmp_path / "w", {}
    with closing(Workspace(dataset(), folder)) as workspace:
        code = f"import shutil, time, random\nwhile True: shutil.rmtree({str(folder)!r}, True); time.sleep(random.random() / 30)"
        remover = subprocess.Popen([sys.executable, "-c", code])
        until = time.monotonic() + 4
        while time.monotonic() < until:
            row = len(known) % N
            if not refusal(workspace, row, name := f"name {len(known)}"):
                known[f"item-{row}"] = name
            assert dict(workspace.labels) == known, "what was refused is not there"
            if len(known) >= N:
                break
        remover.kill()
        remover.wait()
        assign(workspace, ["item-49"], "last")
        known["item-49"] = "last"
        assert dict(workspace.labels) == known
        assert reopened(folder) == known


def test_a_file_in_the_place_of_the_folder(workspace: Workspace, tmp_path: Path) -> None:
    assign(workspace, ["item-1"], "x")
    shutil.rmtree(tmp_path / "w")
    (tmp_path / "w").write_text("mine")
    for _ in range(2):
        with pytest.raises(InputError, match=r"not saved: .*w cannot be written .*; the labels are as before"):
            assign(workspace, ["item-2"], "y")
        workspace.catch_up()
        assert "not saved" in workspace.trouble
        assert dict(workspace.labels) == {"item-1": "x"}
    assert (tmp_path / "w").read_text() == "mine"
    (tmp_path / "w").unlink()
    assign(workspace, ["item-2"], "y")
    assert workspace.trouble == ""
    assert reopened(tmp_path / "w") == {"item-1": "x", "item-2": "y"}


def test_another_journal_in_its_place_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    assign(workspace, ["item-1"], "x")
    with closing(Workspace(dataset(), tmp_path / "other")) as other:
        assign(other, ["item-7"], "theirs")
    shutil.rmtree(tmp_path / "w")
    shutil.copytree(tmp_path / "other", tmp_path / "w")
    with pytest.raises(InputError, match=r"not saved: .*another journal is in the place"):
        assign(workspace, ["item-2"], "y")
    assert dict(workspace.labels) == {"item-1": "x"}
    assert reopened(tmp_path / "w") == {"item-7": "theirs"}


def test_two_openings_of_a_folder_that_was_removed_write_one_journal(workspace: Workspace, tmp_path: Path) -> None:
    with closing(Workspace(dataset(), tmp_path / "w")) as other:
        assign(workspace, ["item-1"], "x")
        shutil.rmtree(tmp_path / "w")
        assign(other, ["item-2"], "y")
        assign(workspace, ["item-3"], "z")
        assert dict(workspace.labels) == {"item-1": "x", "item-2": "y", "item-3": "z"}
        other.catch_up()
        assert dict(other.labels) == dict(workspace.labels) == reopened(tmp_path / "w")


@pytest.mark.parametrize("snapshot", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
def test_a_journal_that_is_gone_is_not_taken_for_a_new_one(tmp_path: Path, *, emptied: bool, snapshot: bool) -> None:
    folder = tmp_path / "w"
    with closing(Workspace(dataset(), folder)) as workspace:
        assign(workspace, ["item-1"], "x")
        if snapshot:
            workspace.snapshot()
    (folder / "journal.sqlite").unlink()
    if emptied:
        (folder / "journal.sqlite").touch()
    if not snapshot:
        with pytest.raises(InputError, match=r"journal\.sqlite is damaged.*restore it"):
            Workspace(dataset(), folder)
    else:
        with closing(Workspace(dataset(), folder)) as again:
            assert dict(again.labels) == {"item-1": "x"}
            assert str(folder / "journal.sqlite") in again.trouble
            with pytest.raises(InputError, match="not saved"):
                assign(again, ["item-2"], "y")
    assert (folder / "journal.sqlite").exists() == emptied


def test_a_journal_that_ends_before_its_snapshot(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with closing(Workspace(dataset(), folder)) as workspace:
        assign(workspace, ["item-1"], "x")
    shutil.copy(folder / "journal.sqlite", tmp_path / "old")
    with closing(Workspace(dataset(), folder)) as workspace:
        assign(workspace, ["item-2"], "y")
        workspace.snapshot()
    shutil.copy(tmp_path / "old", folder / "journal.sqlite")
    with closing(Workspace(dataset(), folder)) as again:
        assert dict(again.labels) == {"item-1": "x", "item-2": "y"}
        assert "ends at row 1, and labels.snapshot beside it is of row 2" in again.trouble


# Locked


def test_a_journal_that_another_process_keeps_locked(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assign(workspace, ["item-1"], "x")
    workspace._journal.connection.execute("PRAGMA busy_timeout = 100")
    monkeypatch.setattr(journal, "PATIENCE", 0.1)
    with closing(sqlite3.connect(tmp_path / "w" / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match=r"not saved: .*database is locked"):
            assign(workspace, ["item-2"], "y")
        assert "locked" in workspace.trouble
        assert dict(workspace.labels) == {"item-1": "x"} == reopened(tmp_path / "w")
        other.execute("ROLLBACK")
    workspace.catch_up()
    assert workspace.trouble == ""
    assign(workspace, ["item-2"], "y")
    assert len(reopened(tmp_path / "w")) == 2


def test_a_journal_that_cannot_even_be_opened_for_a_lock_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback journal, as on a network home, under an exclusive lock: nobody else can read it."""
    folder = tmp_path / "w"
    with closing(Workspace(dataset(), folder)) as workspace:
        assign(workspace, ["item-1"], "x")
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = TRUNCATE")
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(journal, "PATIENCE", 0.1)
        monkeypatch.setattr(journal, "LONGER", 0.2)
        with closing(Workspace(dataset(), folder)) as again:
            assert dict(again.labels) == {"item-1": "x"}
            assert "locked" in again.trouble
            with pytest.raises(InputError, match="not saved"):
                assign(again, ["item-2"], "y")
        other.execute("ROLLBACK")
    assert reopened(folder) == {"item-1": "x"}


# Formats


def test_a_newer_format_of_the_journal_is_named(tmp_path: Path) -> None:
    Workspace(dataset(), tmp_path / "w").close()
    with closing(sqlite3.connect(tmp_path / "w" / "journal.sqlite")) as found:
        found.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = (tmp_path / "w" / "journal.sqlite").read_bytes()
    with pytest.raises(InputError, match=r"journal\.sqlite is of a newer explorer .* pip install -U"):
        Workspace(dataset(), tmp_path / "w")
    assert (tmp_path / "w" / "journal.sqlite").read_bytes() == before


def format_1(folder: Path) -> None:
    """A workspace as the first version wrote it."""
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "name": "things", "fingerprint": dataset().fingerprint}))
    made = {"name": "x", "color": "#0072b2", "key": 1}
    changes = [
        ("label", ["item-7", "item-3"], 0, 1, {"1": [None, made]}),
        ("label", ["item-4", "gone-1"], 0, 1, {}),
        ("rename", [], [], [], {"1": [made, made | {"name": "\ud800 y"}]}),
        ("label", ["item-3", "item-5"], [1, 0], [2, 2], {"2": [None, {"name": "z", "color": "#e69f00", "key": 2}]}),
    ]
    with closing(sqlite3.connect(folder / "journal.sqlite")) as found:
        found.execute("PRAGMA journal_mode = WAL")
        found.execute(
            "CREATE TABLE journal (seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, verb TEXT NOT NULL, "
            "change BLOB NOT NULL, rule TEXT)"
        )
        for verb, ids, before, after, categories in changes:
            plain = {"ids": ids, "before": before, "after": after, "categories": categories, "verb": verb}
            packed = zlib.compress(json.dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            rule = json.dumps({"rule": {"rule": "all"}, "on": {}}) if verb == "label" else None
            found.execute(
                "INSERT INTO journal (time, verb, change, rule) VALUES ('2025-01-02T03:04:05', ?, ?, ?)", (verb, packed, rule)
            )
        found.commit()


FROM_FORMAT_1 = {"item-7": "\ud800 y", "item-4": "\ud800 y", "item-3": "z", "item-5": "z"}


def test_format_1_is_brought_up_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    format_1(folder)
    with closing(Workspace(dataset(), folder)) as workspace:
        assert dict(workspace.labels) == FROM_FORMAT_1
        assert [(one.seq, one.time, one.verb, one.items) for one in workspace.entries()] == [
            (1, "2025-01-02T03:04:05", "label", 2), (2, "2025-01-02T03:04:05", "label", 2),
            (3, "2025-01-02T03:04:05", "rename", 0), (4, "2025-01-02T03:04:05", "label", 2),
        ]  # fmt: skip
        assert workspace.rule_of(1) == {"rule": {"rule": "all"}, "on": {}}
        assert workspace.gone("labels").to_dict() == {"gone-1": "\ud800 y"}
        assert workspace.undo(4)
        assert workspace.labels["item-3"] == "\ud800 y"
    assert json.loads((folder / "manifest.json").read_text())["format"] == FORMAT
    with closing(sqlite3.connect(folder / "journal.format-1.sqlite")) as kept:
        assert kept.execute("SELECT count(*) FROM journal").fetchone() == (4,)
        assert kept.execute("PRAGMA user_version").fetchone() == (0,)
    assert len(reopened(folder)) == 3


def test_format_1_is_brought_up_once_by_two_processes(tmp_path: Path) -> None:
    for round_ in range(3):
        folder = tmp_path / f"w{round_}"
        format_1(folder)
        code = f"import sys; sys.path.insert(0, {HERE!r}); from test_workspace import *; sys.stdin.readline(); "
        code += f"w = Workspace(dataset(), {str(folder)!r}); print(len(w.labels), w.seq, w.notes, repr(w.trouble)); w.close()"
        both = [
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in "ab"
        ]
        time.sleep(1.5)  # both have loaded what they need, or nearly
        for one in both:
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.communicate()[0] for one in both] == ["4 4 [] ''\n"] * 2
        assert reopened(folder) == FROM_FORMAT_1
        assert (folder / "journal.format-1.sqlite").exists()


def test_a_damaged_row_of_format_1_costs_that_row(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    format_1(folder)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as found:
        found.execute("UPDATE journal SET change = x'00' WHERE seq = 2")
        found.commit()
    with closing(Workspace(dataset(), folder)) as workspace:
        assert dict(workspace.labels) == {item: name for item, name in FROM_FORMAT_1.items() if item != "item-4"}
        assert any(str(folder / "journal.sqlite") in note and "row 2" in note for note in workspace.notes)


# A full disk


@contextmanager
def disk(place: Path, size: int) -> Iterator[Path]:
    """A small file system of its own."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, left: int) -> None:
    """Leave so many bytes free."""
    free = shutil.disk_usage(place).free
    with open(place / "filler", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - left))


@root_only
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Free space in steps of 4 KiB: some labels are taken, the next are not, and all are when there is room again."""
    counts = []
    with disk(tmp_path / "disk", 6 << 20) as place:
        for pages in range(0, 60, 2):
            folder = place / f"w{pages}"
            with closing(Workspace(dataset(), folder)) as workspace:
                assign(workspace, ["item-0"], "first")
                fill(place, 4096 * pages)
                known = {"item-0": "first"}
                for row in range(1, 12):
                    if refusal(workspace, row, f"name {row}" * 100):
                        assert str(folder) in workspace.trouble
                        assert dict(workspace.labels) == known
                        workspace.catch_up()
                        assert workspace.trouble, "there is no room yet"
                        break
                    known[f"item-{row}"] = f"name {row}" * 100
                counts.append(len(known))
                assert dict(workspace.labels) == known
                with closing(Workspace(dataset(), folder)) as other:
                    assert dict(other.labels) == known, "what was acknowledged is there while the disk is full"
                os.unlink(place / "filler")
                workspace.catch_up()
                assert workspace.trouble == ""
                assign(workspace, ["item-40"], "room")
                known["item-40"] = "room"
            assert reopened(folder) == known
            shutil.rmtree(folder)
    assert min(counts) < 3
    assert max(counts) == 12
    assert len(set(counts)) > 4


@root_only
def test_a_workspace_opens_on_a_full_disk(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 4 << 20) as place:
        with closing(Workspace(dataset(), place / "w")) as workspace:
            assign(workspace, ["item-1"], "x")
        fill(place, 0)
        with closing(Workspace(dataset(), place / "w")) as again:
            assert dict(again.labels) == {"item-1": "x"}
            with pytest.raises(InputError, match="not saved"):
                assign(again, ["item-2"], "y")
            assert str(place / "w") in again.trouble
        with pytest.raises(InputError, match=r"cannot be (opened|written)"):
            Workspace(dataset(), place / "new")
        os.unlink(place / "filler")
        assert reopened(place / "w") == {"item-1": "x"}
