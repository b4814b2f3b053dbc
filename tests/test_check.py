"""`explorer check`: what is whole is well, what is damaged is named, and repair loses nothing that can be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from test_workspace_damage import NAMES, ROWS, TRUTH, build, dataset, label

from explorer import InputError
from explorer.cli import main
from explorer.step import Progress
from explorer.workspace import Workspace, open_workspace
from explorer.workspace.check import check
from explorer.workspace.repair import repair


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "w"
    build(folder, snapshot=True, killed=False)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "w"))


def state(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def found(folder: Path) -> list[str]:
    """What is wrong, with the file's place in the workspace; nothing of it was changed by looking."""
    before = state(folder)
    report = check(folder)
    assert state(folder) == before
    return [f"{one.place.relative_to(folder)}: {one.said}" for one in report.damaged]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(bytes(data))


def execute(folder: Path, command: str) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        journal.execute(command)
        journal.commit()


def test_a_whole_workspace_is_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out == "explorer: w: 45 changes by 2 people, 45 labels in 1 set, 2 results: all is well\n"
    assert err == ""
    with closing(Workspace(dataset(), folder)) as workspace:  # open, with a log that is not taken over yet
        label(workspace, ROWS, "new")
        assert main(["check", str(folder), "--repair"]) == 0
        assert "46 changes" in capsys.readouterr().out


def test_it_says_how_far_it_is(folder: Path) -> None:
    seen: list[float] = []
    check(folder, Progress(lambda fraction, note: seen.append(fraction)))
    assert seen == sorted(seen)
    assert len(seen) > ROWS


def test_what_is_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "is not a workspace" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("manifest.json", -40), ("current.json", -100), ("selections.json", 60), ("dataset/ids.arrow", 400),
        ("dataset/vectors.npy", -9), ("dataset/manifest.json", 3), ("results/extract/vectors/*/values.npy", -1),
        ("results/reduce/pca/*/values.npy", -1), ("results/reduce/pca/*/settings.json", 40), ("results/reduce/pca/*/sums.json", 30),
        ("journal.sqlite", 30), ("journal.sqlite", 4096 * 3),
    ],
)  # fmt: skip
def test_a_flipped_bit_is_found(folder: Path, name: str, at: int) -> None:
    (path,) = folder.glob(name)
    flip(path, at)
    said = found(folder)
    assert said
    assert all(one.startswith((name.split("/")[0], "manifest.json")) for one in said)


def test_each_kind_of_damage_to_the_journal_is_named(folder: Path, pristine: Path) -> None:
    def damaged(*commands: str) -> list[str]:
        shutil.copy(pristine / "journal.sqlite", folder / "journal.sqlite")
        for command in commands:
            execute(folder, command)
        return found(folder)

    assert damaged() == []
    assert damaged("UPDATE journal SET user = 'eve' WHERE seq = 7")[0].startswith(
        "journal.sqlite: row 7 is not as it was written ("
    )
    assert "row 7 is not" in damaged("UPDATE journal SET time = 'yesterday' WHERE seq = 7")[0]
    assert damaged("DELETE FROM journal WHERE seq IN (8, 9)") == ["journal.sqlite: the rows 8 to 9 are missing"]
    assert damaged("DELETE FROM journal WHERE seq = 8") == ["journal.sqlite: row 8 is missing"]
    assert damaged("DELETE FROM journal WHERE seq > 25") == ["journal.sqlite: it ends at row 25, and labels.snapshot is of row 30"]
    assert "the ids from 0" in damaged("UPDATE ids SET packed = x'00'")[0]
    assert damaged("UPDATE about SET value = 'x'") == ["journal.sqlite: it is another journal than the one manifest.json speaks of"]
    assert damaged("DELETE FROM about") == ["journal.sqlite: its name is not in it"]


def test_a_snapshot_that_says_something_else_is_found(folder: Path) -> None:
    """Sealed like a good one: only the replay tells."""
    from explorer.workspace.replay import made_of, read_snapshot, save_snapshot

    head, sets = read_snapshot(folder / "labels.snapshot")
    replay = made_of(sets, dataset().index, head["seq"])
    replay.sets["labels"].labels = replay.sets["labels"].labels.rename("name 1", "other")
    save_snapshot(folder / "labels.snapshot", {name: value for name, value in head.items() if name != "sets"}, replay.sets)
    assert found(folder) == ["labels.snapshot: its labels of the set 'labels' are not those of the journal"]


def test_leftovers_are_named_and_harmless(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".writing-abc").write_text("half")
    (folder / "results" / "reduce" / "pca" / ".writing-def").mkdir()
    assert main(["check", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.count("it may be deleted") == 2
    assert "all is well" in out


# Repair


def repaired(folder: Path) -> list[str]:
    """Mend it; nothing that was there is gone from the folder."""
    manifest = check(folder).damaged[0].place.name == "manifest.json"  # a whole one is only brought up to date
    files = [path for path in folder.rglob("*") if path.is_file() and (manifest or path != folder / "manifest.json")]
    before = [path.read_bytes() for path in files]
    done = repair(check(folder))
    after = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert [one for one in before if one not in after] == [], "something was deleted"
    return done


def test_a_lost_row_is_known_from_the_snapshot(folder: Path) -> None:
    """Its label comes back in a row that says so; the other rows are as they were, with their users, times and rules."""
    with closing(Workspace(dataset(), folder)) as workspace:
        entries, rules = workspace.entries(), [workspace.rule_of(seq) for seq in range(1, ROWS + 1)]
    execute(folder, "UPDATE journal SET change = x'00' WHERE seq = 20")
    assert len(repaired(folder)) == 2
    assert found(folder) == []
    with closing(Workspace(dataset(), folder)) as workspace:
        assert dict(workspace.labels) == TRUTH
        again = workspace.entries()
        assert [one for one in again if one.seq not in (20, ROWS + 1)] == [one for one in entries if one.seq != 20]
        assert [(one.kind, one.verb, one.items) for one in (again[19], again[-1])] == [("lost", "lost", 0), ("do", "recovered", 1)]
        assert [workspace.rule_of(seq) for seq in range(21, ROWS + 1)] == rules[20:]
        assert not workspace.trouble
        assert not workspace.notes
        label(workspace, ROWS, "after")
        assert workspace.undo(5)


def test_without_a_snapshot_the_rest_is_there(folder: Path) -> None:
    (folder / "labels.snapshot").unlink()
    execute(folder, "UPDATE journal SET change = x'00' WHERE seq = 20")
    repaired(folder)
    assert found(folder) == []
    with closing(Workspace(dataset(), folder)) as workspace:
        assert dict(workspace.labels) == {item: name for item, name in TRUTH.items() if item != "item-19"}


def test_a_journal_that_sqlite_cannot_read_is_repaired(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = (folder / "journal.sqlite").read_bytes()
    (folder / "journal.sqlite").write_bytes(bytes(4096) + data[4096:])
    (folder / "labels.snapshot").unlink()
    assert main(["check", str(folder)]) == 2
    assert "45 changes can be read all the same" in capsys.readouterr().out
    with closing(Workspace(dataset(), folder)) as workspace:
        assert "explorer check" in workspace.trouble
        assert dict(workspace.labels) == TRUTH
    assert main(["check", str(folder), "--repair"]) == 0
    assert "all is well" in capsys.readouterr().out
    assert len(list(folder.glob("journal.damaged-*.sqlite"))) == 1
    with closing(open_workspace(folder)) as workspace:
        assert dict(workspace.labels) == TRUTH
        assert not workspace.trouble


def test_a_journal_that_is_not_there_is_made_of_the_snapshot(folder: Path) -> None:
    (folder / "journal.sqlite").unlink()
    repaired(folder)
    assert found(folder) == []
    with closing(Workspace(dataset(), folder)) as workspace:
        assert dict(workspace.labels) == {f"item-{row}": NAMES[row] for row in range(30)}, "all that it knew"


def test_where_nothing_can_be_read_nothing_is_written(folder: Path) -> None:
    (folder / "journal.sqlite").write_bytes(b"x" * 5000)
    (folder / "labels.snapshot").write_bytes(b"y")
    before = state(folder)
    with pytest.raises(InputError, match="so is what could stand in for it"):
        repair(check(folder))
    assert state(folder) == before


def test_damaged_results_are_moved_away(folder: Path) -> None:
    (values,) = folder.glob("results/reduce/pca/*/values.npy")
    flip(values, -1)
    assert len(repaired(folder)) == 1
    assert found(folder) == []
    assert len(list(folder.glob("results.damaged-*/reduce/pca/*/values.npy"))) == 1


def test_a_damaged_manifest_is_written_anew(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    for text in (None, "", "{", "[]"):
        (folder / "manifest.json").unlink() if text is None else (folder / "manifest.json").write_text(text)
        assert [one.split(":")[0] for one in found(folder)] == ["manifest.json"]
        repaired(folder)
        assert found(folder) == []
        assert json.loads((folder / "manifest.json").read_text()) == manifest
