"""Damage to any file of a workspace: it opens or names the file, loses no more than what was hit, says so, and deletes nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from explorer import Box, InputError, Session
from explorer.dataset import Dataset
from explorer.workspace import By, Workspace

N, ROWS = 60, 45
IDS = np.array([f"item-{number}" for number in range(N)], dtype=object)
VECTORS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
NAMES = [f"name {row % 3}" for row in range(ROWS)]
TRUTH = {f"item-{row}": NAMES[row] for row in range(ROWS)}


def dataset() -> Dataset:
    table = pa.table({"n": pa.array(range(N))})
    return Dataset("things", IDS, table, {"n": "number"}, vectors=VECTORS)


def label(workspace: Workspace, row: int, name: str) -> int:
    """One item labelled; every seventh with a rule too long for one page of SQLite."""
    rng = random.Random(row)
    path = [[rng.random(), rng.random()] for _ in range(400)] if row % 7 == 3 else [[0, 0], [1, 1]]
    rule = {"rule": {"rule": "lasso", "points": path}, "on": {}}
    action = f"action-{row}" if row % 2 else None
    change = lambda labels: labels.assign(workspace.lift(np.arange(N) == row), name)  # noqa: E731
    return workspace.change(change, f"label {name!r}", rule, By("ann" if row % 4 else "bob", action=action)).seq


def build(folder: Path, *, snapshot: bool, killed: bool) -> None:
    """A workspace with a bit of everything: row n + 1 of its journal labels item n."""
    workspace = Workspace(dataset(), folder)
    session = Session(workspace.dataset, workspace)
    session.extract("vectors")
    session.reduce("pca")
    session.select(Box(-1, -1, 1, 1))
    session.save_selection("middle")
    for row in range(ROWS):
        assert label(workspace, row, NAMES[row]) == row + 1
        if row == 14:
            workspace.keep_view("ann", {"x": list(range(200))})
        if row == 19:
            workspace._journal.connection.execute("PRAGMA wal_checkpoint(RESTART)")
        if row == 29 and snapshot:
            workspace.snapshot()
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    workspace.close()
    if not snapshot:  # closing makes one of more than twenty rows
        (folder / "labels.snapshot").unlink()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A workspace of each sort, which nobody may change."""
    made = {}
    for killed in (False, True):
        for snapshot in (False, True):
            folder = tmp_path_factory.mktemp("built") / "w"
            made[f"{'killed' if killed else 'closed'}{', with a snapshot' * snapshot}"] = folder
            code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_workspace_damage as t, pathlib; "
            code += f"t.build(pathlib.Path({str(folder)!r}), snapshot={snapshot}, killed={killed})"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            assert done.returncode == (-signal.SIGKILL if killed else 0), done.stderr
            assert (folder / "journal.sqlite-wal").exists() == killed
            assert (folder / "labels.snapshot").exists() == snapshot
    return made


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory where there is such a thing: what the disk keeps is not what is tried here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


# What is a row made of, on disk


def varint(number: int) -> bytes:
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))


def column(value: object) -> tuple[int, bytes]:
    if value is None:
        return 0, b""
    if isinstance(value, int):
        size = next(size for size in (1, 2, 3, 4, 6, 8) if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1)
        kind = {1: 1, 2: 2, 3: 3, 4: 4, 6: 5, 8: 6}[size]
        return (8 + value, b"") if value in (0, 1) else (kind, value.to_bytes(size, "big", signed=True))
    data = value.encode() if isinstance(value, str) else bytes(value)
    return 12 + 2 * len(data) + isinstance(value, str), data


def cell(row: tuple) -> list[bytes]:
    """A journal's row as SQLite writes it: the part in the leaf, then those on overflow pages."""
    kinds, bodies = zip(*(column(value) for value in (None, *row[1:])), strict=True)
    head = b"".join(map(varint, kinds))
    payload = varint(len(head) + 1) + head + b"".join(bodies)
    local = len(payload)
    if local > 4061:
        local = 489 + (len(payload) - 489) % 4092
        local = local if local <= 4061 else 489
    rest = [payload[at : at + 4092] for at in range(local, len(payload), 4092)]
    return [varint(len(payload)) + varint(row[0]) + payload[:local], *rest]


@dataclass
class Rows:
    """Where the rows of a pristine workspace are; and which are whole in damaged files."""

    pieces: list[list[bytes]]

    @classmethod
    def of(cls, folder: Path, place: Path) -> Rows:
        shutil.copytree(folder, place)
        with closing(sqlite3.connect(place / "journal.sqlite")) as journal:
            rows = journal.execute("SELECT * FROM journal ORDER BY seq").fetchall()
        assert len(rows) == ROWS
        return cls([cls._pieces(cell(row), journal_bytes(folder)) for row in rows])

    @staticmethod
    def _pieces(parts: list[bytes], data: bytes) -> list[bytes]:
        """The parts with the numbers of the pages that follow, which SQLite puts behind the first and before the others."""
        found = [parts[0]]
        if len(parts) > 1:
            at = data.rindex(parts[0]) + len(parts[0])
            found[0] += data[at : at + 4]
        for part in parts[1:]:
            at = data.rindex(part)
            found.append(data[at - 4 : at] + part)
        return found

    def whole(self, data: bytes) -> set[int]:
        return {row for row, pieces in enumerate(self.pieces) if all(piece in data for piece in pieces)}


def journal_bytes(folder: Path) -> bytes:
    files = [folder / f"journal.sqlite{ending}" for ending in ("", "-wal")]
    return b"\1\2\3".join(file.read_bytes() for file in files if file.exists())


@pytest.fixture(scope="module")
def rows(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    found = {name: Rows.of(folder, tmp_path_factory.mktemp("copy") / "w") for name, folder in built.items()}
    for name, one in found.items():
        assert one.whole(journal_bytes(built[name])) == set(range(ROWS)), "the oracle finds every row where nothing is damaged"
    return found


# Damage anywhere


def damage(file: Path, rng: random.Random, kind: str) -> str:
    data = bytearray(file.read_bytes())
    if kind == "cut":
        at = rng.choice([rng.randrange(len(data)), rng.randrange(len(data)) // 4096 * 4096])
        data = data[:at]
        said = f"cut at {at}"
    elif kind == "sector":
        at = rng.randrange(len(data)) // 512 * 512
        data[at : at + 512] = bytes(len(data[at : at + 512]))
        said = f"512 bytes at {at} zeroed"
    else:
        at, bit = rng.randrange(len(data)), rng.randrange(8)
        data[at] ^= 1 << bit
        said = f"bit {bit} of byte {at} flipped"
    file.write_bytes(bytes(data))
    return said


def attempt(folder: Path) -> tuple[Workspace | None, str]:
    """Open it as a page does; what it says."""
    try:
        workspace = Workspace(dataset(), folder)
    except InputError as problem:
        return None, str(problem)
    try:
        session = Session(workspace.dataset, workspace)
        session.extract("vectors")
        session.reduce("pca")
        session.close()
    except BaseException:
        workspace.close()
        raise
    return workspace, " ".join([*workspace.notes, workspace.trouble])


def labels_of(workspace: Workspace) -> dict[str, str]:
    """Quicker than `dict(workspace.labels)`."""
    values = workspace.labels.values()
    return {IDS[row]: values[row] for row in np.flatnonzero(workspace.labels.codes).tolist()}


def names_of(folder: Path) -> set[str]:
    passing = ("journal.sqlite-wal", "journal.sqlite-shm")
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name not in passing}


def check(folder: Path, file: Path, whole: set[int], *, snapshot: bool) -> None:
    """Open what was damaged, and hold it to the promise. `whole` are the rows that are as they were written."""
    before = names_of(folder)
    workspace, said = attempt(folder)
    for name in before - names_of(folder):
        assert list(folder.glob(f"{Path(name).parent}.damaged-*")), "something was deleted, and not moved aside"
    if workspace is None:
        assert str(folder) in said
        assert not snapshot or file.name != "journal.sqlite"
        assert not whole, "there are rows that can be read"
        return
    present = {f"item-{row}" for row in (whole | set(range(30)) if snapshot else whole)}
    found = labels_of(workspace)
    try:
        assert present <= found.keys(), "labels of undamaged rows are missing"
        wrong = {item: name for item, name in found.items() if name != TRUTH.get(item)}
        assert all(name.startswith("recovered ") for name in wrong.values()), "a label that nobody gave"
        if found != TRUTH:
            assert str(folder) in said, "labels are missing, and nothing is said"
        if not workspace.trouble:
            label(workspace, ROWS, "after")
            found["item-45"] = "after"
    finally:
        workspace.close()
    with closing(Workspace(dataset(), folder)) as again:
        assert labels_of(again) == found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sort", ["closed", "closed, with a snapshot", "killed", "killed, with a snapshot"])
def test_damage_anywhere(sort: str, seed: int, built: dict[str, Path], rows: dict[str, Rows], place: Path) -> None:
    """A cut, a flipped bit or a sector of zeros in any file; in the journal more often than in the others."""
    rng, pristine = random.Random(f"{sort} {seed}"), built[sort]
    files = sorted(path.relative_to(pristine) for path in pristine.rglob("*") if path.is_file())
    files += [name for name in files if name.name.startswith("journal.sqlite")] * 5
    for trial in range(32):
        folder, name = place / f"{trial}" / "w", rng.choice(files)
        shutil.copytree(pristine, folder)
        said = damage(folder / name, rng, rng.choice(["cut", "flip", "flip", "sector"]))
        try:
            whole = rows[sort].whole(journal_bytes(folder))
            check(folder, folder / name, whole, snapshot="snapshot" in sort)
        except BaseException as problem:
            problem.add_note(f"{sort}: {name}, {said}")
            raise
        shutil.rmtree(folder)
