"""Whether what was acknowledged is there again: after kills, from many processes at once, and at a million items.

    python benchmarks/durability.py [PART ...] [--kills 200] [--items 1000000] [--actions 10000]

Without names, all but `browsers`, which needs Debian's chromium and an hour. `kill` ends a process in which two people label at
random moments, `browsers` a served dashboard under two pages, `processes` lets eight label at once, `big` ends a process in the
middle of an action of 100,000 items, `scale` labels regions drawn around a million points, `bites` takes the safeguards out one by
one to see red.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from startup import chromium, machine

import explorer
from explorer import Ids, Lasso, Session
from explorer.step import Result
from explorer.workspace import Workspace, open_workspace
from explorer.workspace.journal import Journal

ROOT = Path(__file__).resolve().parents[1]
JOURNAL = "journal.sqlite"
HALF = 5_000  # items that each of two people has to label
NAMES = 5
ACK, DEEP = 50, 200  # milliseconds that an action of 1,000 and one of 100,000 items may take, the median
OPENING, BYTES = 2.0, 1.0  # seconds, and bytes an item


def main() -> None:
    """Print a table for each part that was named."""
    parts: dict[str, Callable[[argparse.Namespace], Any]] = {
        "kill": kill, "browsers": browsers, "processes": processes, "big": big, "scale": scale, "bites": bites,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}")
    for name, default in (("--kills", 200), ("--items", 1_000_000), ("--actions", 10_000)):
        parser.add_argument(name, type=int, default=default)
    given = parser.parse_args()
    print(machine(), "\n")
    for name in given.parts or [name for name in parts if name != "browsers"]:
        parts[name](given)
        print(flush=True)


# Processes that are ended


@contextmanager
def child(work: Callable[[Callable[[str], None]], None]) -> Iterator[tuple[int, int]]:
    """A process that does `work` and tells what it did line by line; its number, and where to read.

    It is forked, so that nothing is imported anew 200 times: whoever calls this has no journal open and no thread.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    number = os.fork()
    if not number:
        os.close(reading)
        try:
            work(lambda line: _tell(writing, line))
        finally:
            os._exit(0)
    os.close(writing)
    try:
        yield number, reading
    finally:
        os.close(reading)
        os.kill(number, signal.SIGKILL)
        os.waitpid(number, 0)


def _tell(writing: int, line: str) -> None:
    os.write(writing, f"{line}\n".encode())  # at once: less than a pipe takes whole


def told(number: int, reading: int, after: float) -> list[str]:
    """End a process so many seconds after its first line; the lines after that one which came whole."""
    data = b""
    while b"\n" not in data:
        if not (more := os.read(reading, 1 << 16)):
            raise RuntimeError("the process failed before it began")
        data += more
    until = time.monotonic() + after
    os.set_blocking(reading, False)
    while time.monotonic() < until:
        time.sleep(min(0.002, max(0, until - time.monotonic())))
        data += _now(reading)
    os.kill(number, signal.SIGKILL)
    os.set_blocking(reading, True)
    while more := os.read(reading, 1 << 16):
        data += more
    return data.decode().split("\n")[1:-1]


def _now(reading: int) -> bytes:
    try:
        return os.read(reading, 1 << 16)
    except BlockingIOError:
        return b""


# Two people


def halves() -> pd.DataFrame:
    return pd.DataFrame({"id": [f"i{row}" for row in range(2 * HALF)]})


def two_people(path: Path, begun: int, tell: Callable[[str], None]) -> None:
    """Two sessions of one workspace, a thread each, label and undo without end; each action is told once the call has returned."""
    first = Session(halves(), path, user="0")
    sessions = [first, Session(first.dataset, first.workspace, user="1")]
    threads = [threading.Thread(target=_person, args=(who, session, begun, tell)) for who, session in enumerate(sessions)]
    tell("ready")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _person(who: int, session: Session, begun: int, tell: Callable[[str], None]) -> None:
    rng = random.Random(begun * 2 + who)
    ids = session.dataset.ids[who * HALF : (who + 1) * HALF]
    for step in range(10**9):
        if rng.random() < 0.2:
            action = f"{who}:{begun}.{step}:undo"
            with session.acting(action):
                session.undo()
        else:
            count = int(10 ** rng.uniform(0, np.log10(HALF)))
            start, name = rng.randrange(HALF - count + 1), rng.randrange(NAMES)
            action = f"{who}:{begun}.{step}:label:{name}:{start}:{count}"
            with session.acting(action):
                session.label(f"{who}-{name}", Ids(ids[start : start + count]))
        if session.entry and session.entry.action == action:
            tell(f"{session.entry.seq} {action}")


class Model:
    """What the labels must be after the journal's actions: each person has the own half, so that undo is the earlier half."""

    def __init__(self) -> None:
        self.now = [np.full(HALF, -1), np.full(HALF, -1)]
        self.past: list[list[np.ndarray]] = [[], []]
        self.seq = 0

    def take(self, action: str) -> None:
        who, _, verb, *given = action.split(":")
        if verb == "undo":
            self.back(int(who))
            return
        name, start, count = map(int, given)
        self.past[int(who)].append(self.now[int(who)])
        self.now[int(who)] = self.now[int(who)].copy()
        self.now[int(who)][start : start + count] = name

    def back(self, who: int) -> None:
        self.now[who] = self.past[who].pop()

    def values(self) -> list[str | None]:
        return [None if name < 0 else f"{who}-{name}" for who in range(2) for name in self.now[who].tolist()]


def compare(path: Path, model: Model, said: list[str]) -> tuple[int, bool, bool, float]:
    """How many of the acknowledged actions are gone, whether the labels are the model's, whether undo works; seconds to open."""
    with closing(Journal(path / JOURNAL)) as journal:
        rows = {str(entry.action): entry.seq for entry in journal.entries()}
    lost = 0
    for line in said:
        seq, action = line.split(" ")
        lost += rows.get(action) != int(seq)
    for action, seq in sorted(rows.items(), key=lambda row: row[1]):
        if seq > model.seq:
            model.take(action)
            model.seq = seq
    dataset = Session(halves()).dataset
    began = time.perf_counter()
    workspace = Workspace(dataset, path)
    took = time.perf_counter() - began
    same = workspace.labels.values().tolist() == model.values()
    return lost, same, _undone(workspace, model), took


def _undone(workspace: Workspace, model: Model) -> bool:
    """Undo one thing of each person after the restart."""
    fine = True
    for who in range(2):
        session = Session(workspace.dataset, workspace, user=str(who))
        if model.past[who]:
            with session.acting(f"{who}:again{workspace.seq}:undo"):
                fine = fine and session.undo() is not None
            model.back(who)
            model.seq = session.entry.seq
        fine = fine and session.labels.values().tolist() == model.values()
        session.close()
    workspace.close()
    return fine


def kill(given: argparse.Namespace) -> None:
    """`kill -9` at random moments while two people label; everything is compared after each."""
    rng, model = random.Random(0), Model()
    acknowledged = lost = differing = stuck = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w"
        for round_ in range(given.kills):
            with child(lambda tell, round_=round_: two_people(path, round_, tell)) as (number, reading):
                said = told(number, reading, rng.uniform(0, 0.4))
            gone, same, fine, took = compare(path, model, said)
            acknowledged, lost = acknowledged + len(said), lost + gone
            differing, stuck, slowest = differing + (not same), stuck + (not fine), max(slowest, took)
    print(
        f"`kill -9` at {given.kills} random moments, two people in a process, 1 to {HALF:,} items an action, one in five an undo\n"
    )
    print("| acknowledged | found | lost | restarts with other labels | restarts where undo failed | slowest opening, s |")
    print("|--:|--:|--:|--:|--:|--:|")
    print(f"| {acknowledged:,} | {acknowledged - lost:,} | {lost} | {differing} | {stuck} | {slowest:.2f} |")
    if lost or differing or stuck:
        raise SystemExit(1)


def big(given: argparse.Namespace) -> None:
    """An action of 100,000 items, ended in its middle."""
    frame, rng = pd.DataFrame({"id": np.arange(100_000) * 3}), random.Random(0)
    dataset = Session(frame).dataset

    def work(path: Path, name: str, tell: Callable[[str], None]) -> None:
        session = Session(dataset, path)
        mask = np.ones(len(dataset), bool)
        tell("ready")
        session.workspace.change(lambda labels: labels.assign(session.workspace.lift(mask), name), "label")
        tell("done")
        time.sleep(60)

    whole = absent = partial = lost = 0
    with tempfile.TemporaryDirectory() as folder:
        path, before = Path(folder) / "w", ""
        Workspace(dataset, path).close()
        for round_ in range(60):
            name = f"name {round_}"
            with child(lambda tell, name=name: work(path, name, tell)) as (number, reading):
                said = told(number, reading, rng.uniform(0, 0.08))
            workspace = Workspace(dataset, path)
            found = set(workspace.labels.values().tolist()) - ({None} if not before else set())
            workspace.close()
            there = found == {name}
            whole, absent = whole + there, absent + (found == ({before} if before else set()))
            partial += not there and found != ({before} if before else set())
            lost += bool(said) and not there
            before = name if there else before
    print("An action of 100,000 items, `kill -9` at 60 random moments of it\n")
    print("| whole | absent | partial | acknowledged and lost |\n|--:|--:|--:|--:|")
    print(f"| {whole} | {absent} | {partial} | {lost} |")
    if partial or lost:
        raise SystemExit(1)


# Many processes

LABELLER = """
import sys
import pandas as pd
import explorer
path, who, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
session = explorer.Session(pd.DataFrame({"id": range(10_000)}), workspace=path, user=f"user {who}")
print("ready", flush=True)
sys.stdin.readline()
for step in range(count):
    session.select([who * count + step])
    session.label(f"name {step % 7}")
    print(who * count + step, f"name {step % 7}", flush=True)
"""


def processes(given: argparse.Namespace, count: int = 8, labels: int = 200) -> bool:
    """Many processes that label one item after another through the public API; whether all went well."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w"
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, "-c", LABELLER, str(path)]
        children = [subprocess.Popen([*command, str(who), str(labels)], text=True, **pipes) for who in range(count)]
        for one in children:
            one.stdout.readline()
        began = time.perf_counter()
        answers = _together(children)
        took = time.perf_counter() - began
        said = [line.split(" ", 1) for lines, _ in answers for line in lines.splitlines()]
        workspace = open_workspace(path)
        found = sum(workspace.labels.get(int(item)) == name for item, name in said)
        rows = len(workspace.entries())
        workspace.close()
    errors = sum(bool(text) for _, text in answers)
    print("| processes × labels | acknowledged | found | lost | rows | errors | seconds |\n|--:|--:|--:|--:|--:|--:|--:|")
    print(f"| {count} × {labels} | {len(said):,} | {found:,} | {len(said) - found} | {rows:,} | {errors} | {took:.1f} |")
    return found == len(said) == rows == count * labels and not errors


def _together(children: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """Let them begin, and what each wrote."""
    found: list[tuple[str, str]] = [("", "")] * len(children)

    def wait(place: int) -> None:
        found[place] = children[place].communicate("\n")

    threads = [threading.Thread(target=wait, args=(place,)) for place in range(len(children))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# A million


def clusters_of(items: int) -> np.ndarray:
    """``(items, 2)`` float32: sixty round clusters; the order of the rows says nothing of the place."""
    rng = np.random.default_rng(0)
    centres, scales, group = rng.normal(size=(60, 2)) * 10, rng.uniform(0.3, 2, 60), rng.integers(0, 60, items)
    return (centres[group] + rng.normal(size=(items, 2)) * scales[group][:, None]).astype(np.float32)


def lassos(layout: np.ndarray, count: int) -> Iterator[Lasso]:
    """Wavy closed lines around places of the layout, which hold 100 to 100,000 of a million points, as many of each size."""
    rng = np.random.default_rng(1)
    sample = layout[rng.choice(len(layout), min(len(layout), 50_000), replace=False)].astype(float)
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for _ in range(count):
        centre = layout[rng.integers(len(layout))].astype(float)
        share = 10 ** rng.uniform(-4, -1)
        reach = np.quantile(np.hypot(*(sample - centre).T), share)
        waves = reach * (1 + 0.25 * np.sin(3 * turns + rng.uniform(0, 6)))
        yield Lasso(centre + np.c_[waves * np.cos(turns), waves * np.sin(turns)])


def scale(given: argparse.Namespace) -> None:
    """Regions drawn around many points: how soon each is acknowledged, how soon all of it opens again, and how large it is."""
    layout = clusters_of(given.items)
    dataset = Session(pd.DataFrame({"id": [f"item-{row}" for row in range(given.items)]})).dataset
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w"

        def work(tell: Callable[[str], None]) -> None:
            session = Session(dataset, path)
            session.adopt(session.workspace.put(Result(layout, "reduce", "given", {}, dataset.fingerprint, "layout")))
            session.make_grid()
            for place, lasso in enumerate(lassos(layout, given.actions)):
                session.select(lasso)
                began = time.perf_counter()
                items = session.label(f"category {place % 10}") if session.selection.any() else 0
                tell(f"{int(session.selection.sum())} {items} {time.perf_counter() - began}")
            tell("end")
            time.sleep(600)

        with child(work) as (number, reading):
            lines = _until_end(reading)
            os.kill(number, signal.SIGKILL)
        _scale_table(given, [list(map(float, line.split())) for line in lines])
        _opening(dataset, path)


def _until_end(reading: int) -> list[str]:
    with os.fdopen(os.dup(reading)) as file:
        lines = []
        for line in file:
            if line == "end\n":
                return lines
            lines.append(line)
    raise RuntimeError("the process failed")


def _scale_table(given: argparse.Namespace, rows: list[list[float]]) -> None:
    took = np.array(rows)
    print(f"{given.items:,} items, {len(took):,} actions, {int(took[:, 1].sum()):,} labels given\n")
    print("| items selected | actions | median, ms | p95, ms | slowest, ms | must, median |\n|---|--:|--:|--:|--:|--:|")
    for low, high, must in ((100, 800, 0), (800, 1_250, ACK), (1_250, 80_000, 0), (80_000, 130_000, DEEP)):
        some = took[(took[:, 0] >= low) & (took[:, 0] < high), 2] * 1000
        if len(some):
            median, p95 = np.quantile(some, (0.5, 0.95))
            print(f"| {low:,} to {high:,} | {len(some):,} | {median:.1f} | {p95:.1f} | {some.max():.0f} | {must or ''} |")


def _opening(dataset: Any, path: Path) -> None:
    """Seconds to open the workspace, after the kill and after a clean close; and the journal's size."""
    took: dict[str, list[float]] = {"kill -9": [], "a clean close": []}
    for what in (*took, *took):
        there = path if what != "kill -9" else Path(shutil.copytree(path, path.with_name(f"copy{len(took[what])}")))
        if what == "kill -9" and took["a clean close"]:
            continue
        began = time.perf_counter()
        workspace = Workspace(dataset, there)
        took[what].append(time.perf_counter() - began)
        workspace.close()
    began = time.perf_counter()
    alone = open_workspace(path)
    took["a clean close, with the dataset read from it"] = [time.perf_counter() - began]
    began = time.perf_counter()
    alone_session = Session(alone.dataset, alone)
    alone_session.given()
    provenance = time.perf_counter() - began
    alone.close()
    print("\n| opened after | s | must |\n|---|--:|--:|")
    for what, seconds in took.items():
        print(f"| {what} | {min(seconds):.2f} | {OPENING} |")
    with closing(Journal(path / JOURNAL)) as journal:
        items, change, rule = journal.connection.execute(
            "SELECT sum(items), sum(length(change)), sum(length(rule)) FROM journal"
        ).fetchone()
        ids = journal.connection.execute("SELECT sum(length(packed)) FROM ids").fetchone()[0]
    size = (path / JOURNAL).stat().st_size
    print(
        "\n| journal, MB | of it ids | changes | rules | bytes a labelled item, without the ids | must |\n|--:|--:|--:|--:|--:|--:|"
    )
    parts = " | ".join(f"{part / 1e6:.1f}" for part in (size, ids, change, rule))
    print(f"| {parts} | {(size - ids) / items:.2f} | {BYTES} |")
    print(f"\n`session.given()` of all of it: {provenance:.1f} s")


# Two pages

PAGE_ITEMS = 2_000


def browsers(given: argparse.Namespace) -> None:
    """Two pages of a served dashboard label by keys while it is killed; what they showed as saved must be there, in order."""
    sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tests")]
    from conftest import Served, lasso, wait_for_frame
    from waiting import until

    rng, said, lost, stuck, presses = random.Random(0), 0, 0, 0, [0, 0]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        arguments = _to_serve(Path(folder))
        pages = [browser.new_page(viewport={"width": 1100, "height": 800}) for _ in range(2)]
        for page in pages:
            page.set_default_navigation_timeout(120_000)
        for number in range(given.kills):
            if number and not number % 20:
                print(f"{number} kills: {said - lost:,} of {said:,} found", file=sys.stderr, flush=True)
            served = Served(*arguments)
            for page, across in zip(pages, (0.3, 0.7), strict=True):
                page.goto(served.url)
                wait_for_frame(page)
                lasso(page, across, 0.5, 0.1)
                until(lambda page=page: " selected" in page.locator(".labelbar .primary").inner_text(), "something is selected")
            threading.Timer(rng.uniform(0.1, 2), served.process.kill).start()
            while served.process.poll() is None:
                for place, page in enumerate(pages):
                    presses[place] += 1
                    page.keyboard.press(str(presses[place] % 9 + 1))
            served.close()
            time.sleep(0.2)  # what the server sent before it died arrives
            shown = [page.evaluate("window.explorerSaved") for page in pages]
            gone, fine = _in_the_journal(Path(folder) / "w", shown)
            said, lost, stuck = said + sum(map(len, shown)), lost + gone, stuck + (not fine)
    print(
        f"`kill -9` of a served dashboard at {given.kills} random moments, two pages that label by keys, {sum(presses):,} presses\n"
    )
    print("| shown as saved | found | lost | restarts where undo or the order failed |\n|--:|--:|--:|--:|")
    print(f"| {said:,} | {said - lost:,} | {lost} | {stuck} |")
    if lost or stuck:
        raise SystemExit(1)


def _to_serve(folder: Path) -> tuple[str, ...]:
    """The arguments that serve some points with nine categories, always at the same port."""
    rng = np.random.default_rng(0)
    ids = [f"i{row}" for row in range(PAGE_ITEMS)]
    frame = pd.DataFrame({"id": ids, "x": rng.uniform(size=PAGE_ITEMS), "y": rng.uniform(size=PAGE_ITEMS)})
    frame.to_csv(folder / "points.csv", index=False)
    session = Session(explorer.read(folder / "points.csv", layout="x,y"), folder / "w")
    for number in range(9):
        session.create_category(f"name {number}")
    session.workspace.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ("open", str(folder / "points.csv"), "--layout", "x,y", "--workspace", str(folder / "w"), "--port", str(port))


def _in_the_journal(path: Path, shown: list[list[str]]) -> tuple[int, bool]:
    """How many of the actions that were shown as saved are gone; whether each page's stand in order and can be undone."""
    workspace = open_workspace(path)
    rows = {entry.action: entry.seq for entry in workspace.entries()}
    gone = sum(action not in rows for actions in shown for action in actions)
    fine = all(found == sorted(found) for found in ([rows[one] for one in actions if one in rows] for actions in shown))
    session = Session(workspace.dataset, workspace)
    before = session.labels.values().tolist()
    if any(shown):
        fine = fine and session.undo() is not None and session.labels.values().tolist() != before
        fine = fine and session.redo() is not None and session.labels.values().tolist() == before
    workspace.close()
    return gone, fine


# What happens without a safeguard: file of the package, what stands in it, what takes its place, the test that must see it
BITES = {
    "the log is flushed before a label is acknowledged": (
        "workspace/journal.py", "synchronous=FULL", "synchronous=OFF", "test_the_disk_has_what_is_acknowledged",
    ),
    "one writes at a time (`BEGIN IMMEDIATE`)": (
        "workspace/journal.py", "BEGIN IMMEDIATE", "BEGIN", "test_eight_processes_lose_none_of_320",
    ),
    "a file is written beside, then renamed": (
        "workspace/files.py", 'open(temporary, "xb")', 'open(path, "wb")',
        "test_a_file_that_cannot_be_written_whole_stays_as_it_was",
    ),
    "a snapshot must be of the journal beside it": (
        "workspace/replay.py", 'journal.seal(head["seq"]) != head["seal"]', "0", "test_a_snapshot_is_not_trusted_over_the_journal",
    ),
    "a row's seal is compared": (
        "workspace/journal.py", "!= sealed:", "== b'':", "test_a_row_is_sealed_whole",
    ),
    "an action is looked up before it is done": (
        "workspace/__init__.py", "journal.by_action(asked.action)", "None", "test_an_action_that_is_sent_twice_stands_once",
    ),
}  # fmt: skip


def bites(given: argparse.Namespace) -> None:
    """The tests of tests/test_journal.py with a safeguard taken out, in a copy of the package."""
    print("| safeguard | with it | without it |\n|---|---|---|")
    fine = True
    for what, (name, there, instead, test) in BITES.items():
        with tempfile.TemporaryDirectory() as folder:
            for part in ("explorer", "tests"):
                shutil.copytree(ROOT / part, Path(folder) / part, ignore=shutil.ignore_patterns("__pycache__"))
            with_it = _passes(Path(folder), test)
            file = Path(folder) / "explorer" / name
            text = file.read_text()
            if there not in text:
                raise RuntimeError(f"{name} has no {there!r} any more; say here what stands for it")
            file.write_text(text.replace(there, instead))
            without = _passes(Path(folder), test)
        fine = fine and with_it and not without
        print(f"| {what} | {'passes' if with_it else 'FAILS'} | {'PASSES' if without else 'fails'} |", flush=True)
    if not fine:
        raise SystemExit(1)


def _passes(folder: Path, test: str) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(folder),
    ]
    command += [f"tests/test_journal.py::{test}"]
    found = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True)
    if found.returncode not in {0, 1}:
        raise RuntimeError(found.stdout + found.stderr)
    return found.returncode == 0


if __name__ == "__main__":
    main()
