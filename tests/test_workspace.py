"""The workspace: what was acknowledged is there again, whoever was killed, and damage is named."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from explorer import Box, Ids, InputError, Session
from explorer.dataset import Dataset
from explorer.labels import Labels
from explorer.sources import read
from explorer.step import Result, find
from explorer.workspace import FORMAT, Workspace, open_workspace
from explorer.workspace.packing import pack

N = 50
IDS = np.array([f"item-{number}" for number in range(N)], dtype=object)
VECTORS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)


def dataset(ids: np.ndarray = IDS) -> Dataset:
    return Dataset("things", ids, pa.table({"n": pa.array(range(len(ids)))}), {"n": "number"}, vectors=VECTORS[: len(ids)])


def assign(workspace: Workspace, ids: list[str], name: str) -> None:
    mask = np.isin(workspace.dataset.ids, ids)
    workspace.change(lambda labels: labels.assign(workspace.lift(mask), name), "label")


@pytest.fixture
def opened(tmp_path: Path):
    """Opens workspaces in one folder, and closes them."""
    made = []

    def open_(given: Dataset | None = None) -> Workspace:
        made.append(Workspace(given or dataset(), tmp_path / "w"))
        return made[-1]

    yield open_
    for workspace in made:
        workspace.close()


def test_labels_are_there_again(opened) -> None:
    first = opened()
    assign(first, ["item-1", "item-2"], "x")
    entry = first.change(lambda labels: labels.rename("x", "\ud800 ünï 🙂"), "rename")
    first.close()
    second = opened()
    assert dict(second.labels) == dict.fromkeys(["item-1", "item-2"], "\ud800 ünï 🙂")
    assert second.undo(entry.seq)
    assert not second.undo(entry.seq), "it was undone already"
    assert opened().labels.names == ["x"]


def test_in_memory_nothing_stays(tmp_path: Path) -> None:
    workspace = Workspace(dataset())
    assign(workspace, ["item-1"], "x")
    folder = workspace.folder
    workspace.put(find("reduce", "pca").run(VECTORS))
    assert dict(workspace.labels) == {"item-1": "x"}
    assert not workspace.catch_up()
    workspace.close()
    assert not folder.exists()


def test_labels_go_by_ids_and_not_by_rows(opened) -> None:
    assign(opened(), ["item-0", "item-7"], "x")
    fewer = opened(dataset(IDS[::-1][:45]))  # other order, and items 0 to 4 are gone
    assert dict(fewer.labels) == {"item-7": "x"}
    assert dict(opened().labels) == dict.fromkeys(["item-0", "item-7"], "x")


def test_results_of_another_state_of_the_source_are_not_recalled(opened) -> None:
    first = opened()
    result = first.put(find("reduce", "pca").run(VECTORS))
    first.remember({"layout": result, "features": None})
    assert opened().recall()["layout"].key == result.key
    assert opened(dataset(IDS[::-1])).recall() == {}


def test_a_result_is_kept_and_not_computed_again(opened) -> None:
    workspace = opened()
    session = Session(workspace.dataset, workspace)
    session.features = workspace.put(Result(VECTORS, "extract", "vectors", {}, "f", "k"))
    first = session.reduce("pca")
    folder = workspace.result_folder("reduce", "pca", first.key)
    stamp = (folder / "values.npy").stat().st_mtime_ns
    again = Session(workspace.dataset, opened())
    assert again.layout.key == first.key
    assert np.array_equal(again.layout.values, first.values)
    assert again.reduce("pca").seconds == first.seconds
    assert (folder / "values.npy").stat().st_mtime_ns == stamp
    assert not again.layout.values.flags.writeable


def test_watchers_hear_of_a_change_once_it_is_on_disk(opened, tmp_path: Path) -> None:
    workspace, seen = opened(), []

    def look(event) -> None:
        with sqlite3.connect(tmp_path / "w" / "journal.sqlite") as journal:
            seen.append((len(event.new["labels"]), journal.execute("SELECT count(*) FROM journal").fetchone()[0]))
        journal.close()

    workspace.param.watch(look, "sets")
    assign(workspace, ["item-1"], "x")
    assign(workspace, ["item-1"], "x")  # nothing new
    assert seen == [(1, 1)]


def test_a_verb_that_fails_changes_nothing(opened) -> None:
    workspace = opened()
    assign(workspace, ["item-1"], "x")
    with pytest.raises(InputError, match="no category"):
        workspace.change(lambda labels: labels.delete("y"), "delete")
    assign(workspace, ["item-2"], "x")  # the transaction is closed
    assert len(opened().labels) == 2


def test_two_sessions_of_one_process_share_labels_live(opened) -> None:
    workspace = opened()
    one, two = Session(workspace.dataset, workspace), Session(workspace.dataset, workspace)
    one.select(Ids(["item-1"]))
    one.label("x")
    assert two.labels["item-1"] == "x"
    two.close()
    one.label("y")
    assert two.labels["item-1"] == "x"


def test_two_openings_of_one_folder_make_one_category(opened) -> None:
    """As two processes do: neither has seen the other's when it writes."""
    one, two = opened(), opened()
    assign(one, ["item-1"], "cat")
    assign(two, ["item-2"], "dog")  # would be the same code, were it not read first
    assign(one, ["item-3"], "dog")
    expected = {"item-1": "cat", "item-2": "dog", "item-3": "dog"}
    assert dict(one.labels) == expected
    assert two.catch_up()
    assert not two.catch_up()
    assert dict(two.labels) == expected
    assert dict(opened().labels) == expected
    assert one.labels.names == ["cat", "dog"]


LABELLER = """
    import sys
    import numpy as np, pyarrow as pa
    from explorer.dataset import Dataset
    from explorer.workspace import Workspace
    ids = np.array([f"item-{number}" for number in range(50)], dtype=object)
    workspace = Workspace(Dataset("things", ids, pa.table({"n": pa.array(range(50))}), {"n": "number"}), sys.argv[1])
    who, count = sys.argv[2], int(sys.argv[3])
    rng = np.random.default_rng(int(who))
    print("ready", flush=True)
    for step in range(count):
        row = int(rng.integers(len(workspace.dataset))) if int(sys.argv[4]) else int(who) * 10 + step % 10
        mask = np.arange(len(workspace.dataset)) == row
        workspace.change(lambda labels: labels.assign(workspace.lift(mask), f"{who}.{step}"), "label")
        print(row, f"{who}.{step}", flush=True)
"""


def labeller(folder: Path, who: int, count: int, anywhere: int) -> subprocess.Popen:
    code = textwrap.dedent(LABELLER)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(who), str(count), str(anywhere)], stdout=subprocess.PIPE, text=True
    )


def test_killed_while_labelling_no_acknowledged_label_is_lost(tmp_path: Path) -> None:
    """Each round kills at a random moment; the label in the making may be there or not, all others must."""
    rng, folder, known = random.Random(0), tmp_path / "w", {}
    for kill in range(20):
        with labeller(folder, kill % 5, 10**9, 1) as child:
            assert child.stdout.readline() == "ready\n"
            said = [child.stdout.readline() for _ in range(rng.randint(0, 6))]  # however slow the machine, some labels are known
            time.sleep(rng.uniform(0.0, 0.04))
            child.kill()
            acknowledged = [line.split() for line in (*said, *child.stdout) if line.endswith("\n")]
        known |= {f"item-{row}": name for row, name in acknowledged}
        workspace = Workspace(dataset(), folder)
        found = dict(workspace.labels)
        workspace.close()
        differing = [identifier for identifier, name in known.items() if found.get(identifier) != name]
        assert len(differing) <= 1  # one that was on disk before it could be said
        assert known.keys() <= found.keys()
        known = found
    assert len(known) > 10


def test_processes_that_label_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    children = [labeller(folder, who, 40, 0) for who in range(4)]
    for child in children:
        with child:
            assert len(child.stdout.readlines()) == 41
        assert child.returncode == 0
    workspace = Workspace(dataset(), folder)
    expected = {f"item-{who * 10 + place}": f"{who}.{30 + place}" for who in range(4) for place in range(10)}
    assert dict(workspace.labels) == expected
    workspace.close()
    with sqlite3.connect(folder / "journal.sqlite") as journal:
        assert journal.execute("SELECT count(*) FROM journal").fetchone() == (160,)
    journal.close()


# What is not a workspace, or is damaged


def test_folders_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        Workspace(dataset(), tmp_path / "file")
    with pytest.raises(InputError, match="folder of something else"):
        Workspace(dataset(), tmp_path / "photos")
    with pytest.raises(InputError, match="is not a workspace"):
        open_workspace(tmp_path / "photos")
    with pytest.raises(InputError, match="is not a workspace"):
        open_workspace(tmp_path / "nothing")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def test_a_first_opening_cut_short_can_be_opened_again(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".writing-abc").write_text("{")
    Workspace(dataset(), tmp_path / "w").close()


def test_a_place_that_cannot_be_written_is_one_sentence() -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        Workspace(dataset(), "/proc/explorer")


def test_a_newer_format_is_named(opened, tmp_path: Path) -> None:
    opened().close()
    (tmp_path / "w" / "manifest.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(InputError, match=r"newer explorer .* pip install -U"):
        opened()


def test_a_damaged_row_is_named_and_the_others_stand(opened, tmp_path: Path) -> None:
    workspace = opened()
    for number in range(3):
        assign(workspace, [f"item-{number}"], "x")
    workspace.close()
    expected = {"item-0": "x", "item-2": "x"}
    with sqlite3.connect(tmp_path / "w" / "journal.sqlite") as journal:
        packed = journal.execute("SELECT change FROM journal WHERE seq = 2").fetchone()[0]
        for damaged in (packed[:-3], b"", b"x", None, 3, "text"):
            kept = damaged if damaged is not None else packed[::-1]
            journal.execute("UPDATE journal SET change = ? WHERE seq = 2", (kept,))
            journal.commit()
            again = opened()
            assert dict(again.labels) == expected
            assert [f"{tmp_path / 'w' / 'journal.sqlite'} is damaged" in note for note in again.notes] == [True]
            assert "row 2" in again.notes[0]
            assert again.trouble == ""
            again.close()
        journal.execute("DELETE FROM journal WHERE seq = 2")
        journal.commit()
    journal.close()
    again = opened()
    assert dict(again.labels) == expected
    assert "the rows 2 to 2 are missing" in again.notes[0]
    assign(again, ["item-4"], "y")
    assert again.undo(3)
    assert dict(opened().labels) == {"item-0": "x", "item-4": "y"}


def test_a_workspace_opens_alone(opened, tmp_path: Path) -> None:
    workspace = opened()
    assign(workspace, ["item-3"], "x")
    workspace.close()
    alone = open_workspace(tmp_path / "w")
    assert alone.dataset.ids.tolist() == IDS.tolist()
    assert dict(alone.labels) == {"item-3": "x"}
    alone.close()
    shutil.rmtree(tmp_path / "w" / "dataset")
    with pytest.raises(InputError, match=r"dataset is damaged .* its labels are kept"):
        open_workspace(tmp_path / "w")
    assert dict(opened().labels) == {"item-3": "x"}


def test_nothing_half_written_stays(opened, tmp_path: Path) -> None:
    workspace = opened()
    assign(workspace, ["item-3"], "x")
    workspace.put(find("reduce", "pca").run(VECTORS))
    workspace.remember({"layout": None})
    opened(dataset(IDS[::-1]))
    assert list(tmp_path.rglob(".writing-*")) == []


@pytest.mark.parametrize("disk", [4_096 * pages for pages in (1, 3, 9, 20, 40)])
def test_a_full_disk_while_labelling_loses_nothing(tmp_path: Path, disk: int) -> None:
    """The limit on a file's size stands in for the disk's: writes come short or fail in the middle."""
    code = textwrap.dedent("""
        import resource, signal, sys
        sys.path.insert(0, sys.argv[2])
        from test_workspace import *
        workspace = Workspace(dataset(), sys.argv[1])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
        for step in range(300):
            try:
                assign(workspace, [f"item-{step % 50}"], f"name {step}")
                print(step, flush=True)
            except InputError as problem:
                assert "not saved" in str(problem), problem
                assert f"name {step}" not in workspace.labels.names
                break
    """)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w"), str(Path(__file__).parent), str(disk)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    acknowledged = [int(line) for line in done.stdout.split()]
    workspace = Workspace(dataset(), tmp_path / "w")
    for step in acknowledged[-50:]:
        assert workspace.labels[f"item-{step % 50}"] == f"name {step}"
    workspace.close()
    assert len(acknowledged) < 300


def test_labels_value_of_an_index_of_numbers() -> None:
    labels = Labels.empty(pd.Index([3, 1, 2])).assign(np.array([True, False, False]), "x")
    assert dict(labels) == {3: "x"}


def test_other_data_does_not_get_the_labels(tmp_path: Path) -> None:
    """Row numbers say nothing of an item, and other ids are other items: both are refused, and the workspace is as it was."""
    for first, other in (
        (pd.DataFrame({"a": range(50)}), pd.DataFrame({"b": np.arange(60) / 7})),
        (pd.DataFrame({"id": [f"x{row}" for row in range(50)]}), pd.DataFrame({"id": [f"y{row}" for row in range(50)]})),
    ):
        path = tmp_path / f"{'id' in first}.explorer"
        session = Session(first, path)
        session.select(list(session.dataset.ids[:10]))
        session.label("mine")
        session.workspace.close()
        with pytest.raises(InputError, match=r"belongs to .* with 50 items"):
            Session(other, path)
        again = open_workspace(path)
        assert list(again.dataset.ids) == list(session.dataset.ids)
        assert len(again.labels) == 10
        again.close()


def test_a_collection_that_has_changed_keeps_its_labels_and_says_so(tmp_path: Path) -> None:
    ids = [f"x{row}" for row in range(60)]

    def opened(chosen: list[str], start: int = 0) -> Session:
        return Session(pd.DataFrame({"id": chosen, "a": range(start, start + len(chosen))}), tmp_path / "w")

    session = opened(ids[:50])
    session.select(["x3", "x7"])
    session.label("mine")
    assert session.workspace.notes == []
    session.workspace.close()
    for again, said in (
        (opened(ids[::-1]), "10 of its 60 items are new. Labels go by id"),
        (opened(ids[::-1], 7), "the items are the same and what stands in them, or their order, is not"),
        (opened(ids[5:]), "5 items that were there are gone (1 labels of theirs are kept: explorer export"),
    ):
        assert [said in note for note in again.workspace.notes] == [True]
        assert dict(again.labels) == {name: "mine" for name in ("x3", "x7") if name in again.dataset.ids}
        again.workspace.close()
    last = opened(ids[5:])
    assert last.workspace.notes == []
    assert last.gone().label.to_dict() == {"x3": "mine"}
    last.rename_category("mine", "ours")
    assert last.gone().label.to_dict() == {"x3": "ours"}, "a category is of all items there ever were"
    last.workspace.close()
    back = opened(ids)
    assert dict(back.labels) == {"x3": "ours", "x7": "ours"}
    back.workspace.close()


def test_items_of_a_large_map_are_numbered_as_it_lies_and_labels_are_of_the_right_ones(tmp_path: Path) -> None:
    """Two openings before there are numbers; the one that labels first gives them in the order of its map."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"x{row}" for row in range(70_000)], "x": rng.normal(size=70_000), "y": rng.normal(size=70_000)})
    frame.loc[5, ["x", "y"]] = np.nan
    data = read(frame, layout="x,y")
    with closing(Workspace(data, tmp_path / "w")) as one, closing(Workspace(data, tmp_path / "w")) as two:
        first, second = Session(data, one, user="anna"), Session(data, two, user="ben")
        second.make_grid()
        with pytest.raises(InputError, match="no category"):
            second.delete_category("nothing")  # its numbers come to nothing
        chosen = (frame.x > 0.5).to_numpy() & (frame.y < 0).to_numpy()
        second.label("right", Box(0.5, -100, 100, -1e-9))
        second.label("placeless", Ids(["x5"]))
        expected = dict.fromkeys(frame.id[chosen], "right") | {"x5": "placeless"}
        assert one.catch_up()
        assert dict(first.labels) == expected
        first.label("some", Ids(["x7", "x69999"]))
        two.catch_up()
        expected |= {"x7": "some", "x69999": "some"}
        assert dict(second.labels) == dict(first.labels) == expected
        first.undo()
        second.undo()
        expected = dict.fromkeys(frame.id[chosen], "right")
        assert first.why(next(iter(expected)))["user"] == "ben"
        _, change, _ = one.row(1)
        assert len(pack(change)) < chosen.sum() / 10, "what lies together is listed in few bytes"
    shuffled = read(frame.sample(frac=1, random_state=1), layout="x,y")
    with closing(Workspace(shuffled, tmp_path / "w")) as again:
        assert dict(again.labels) == expected
