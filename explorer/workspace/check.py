"""Verify a workspace: every file, every row, every sum; what is wrong is said, and nothing is changed."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.selection import from_json
from explorer.step import KINDS, Progress, Result, sha256
from explorer.workspace import opening
from explorer.workspace.files import read_json
from explorer.workspace.formats import bring_up
from explorer.workspace.journal import FORMAT, Damaged, Journal
from explorer.workspace.replay import SNAPSHOT, Replay, check_fits, read_snapshot
from explorer.workspace.rescue import raw, readable
from explorer.workspace.results import address_of, read_result

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)


@dataclass(frozen=True)
class Finding:
    """One thing that was found, as a sentence about a file or folder; `harmless` where nothing is wrong or lost by it."""

    place: Path
    said: str
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"


@dataclass
class Report:
    """What a workspace holds, and what was found."""

    path: Path
    findings: list[Finding] = field(default_factory=list)
    changes: int = 0
    people: int = 0
    labels: int = 0
    sets: int = 0
    results: int = 0

    @property
    def damaged(self) -> list[Finding]:
        """What is wrong."""
        return [one for one in self.findings if not one.harmless]

    def add(self, place: Path, said: object, *, harmless: bool = False) -> None:
        """Take a finding in."""
        self.findings.append(Finding(place, str(said), harmless))

    @property
    def summary(self) -> str:
        """``photos.explorer: 1,234 changes by 3 people, 5,678 labels in 2 sets, 4 results: all is well``."""
        wrong = len(self.damaged)
        verdict = "all is well" if not wrong else f"{_count(wrong, 'thing')} {'is' if wrong == 1 else 'are'} damaged"
        people = f"{self.people:,} {'person' if self.people == 1 else 'people'}"
        held = f"{_count(self.changes, 'change')} by {people}, {_count(self.labels, 'label')} in {_count(self.sets, 'set')}"
        return f"{self.path.name}: {held}, {_count(self.results, 'result')}: {verdict}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def check(path: Path, progress: Progress | None = None) -> Report:
    """Verify the workspace at `path`. Nothing in it is changed: the journal is read in a copy.

    Raises
    ------
    InputError
        When there is no workspace, or one of a newer format.
    """
    if not any((path / name).exists() for name in ("manifest.json", opening.JOURNAL)):
        raise InputError(f"{path} is not a workspace (no manifest.json in it); give the folder that --workspace named")
    progress, report = progress or Progress(), Report(path)
    try:
        known = _manifest(report)
        progress(0.02, "the dataset")
        dataset = _dataset(report, known)
        progress(0.1, "the journal")
        _journal(report, known, progress.part(0.1, 0.5))
        _results(report, dataset, progress.part(0.5, 1.0))
        _current(report)
        _selections(report)
        _leftovers(report)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror or problem})") from problem
    return report


def _manifest(report: Report) -> dict[str, Any]:
    place = report.path / "manifest.json"
    try:
        known = read_json(place)
        newest = int(known.get("format", FORMAT))
    except (InputError, TypeError, ValueError):
        report.add(place, "it is damaged; it can be made again from the journal and the dataset")
        return {}
    if newest > FORMAT:
        raise InputError(f"{report.path} is of a newer explorer (format {newest}): pip install -U embedding-explorer")
    if not known:
        report.add(place, "it is not there; it can be made again from the journal and the dataset")
    return known


def _dataset(report: Report, known: dict[str, Any]) -> Dataset | None:
    place = report.path / "dataset"
    try:
        dataset = Dataset.load(place)
        said = dataset.__dict__.pop("fingerprint")
        dataset.table.validate(full=True)
        now = dataset.fingerprint
    except _UNREADABLE as problem:
        report.add(place, f"it cannot be read ({problem}); open the source again, and it is written anew")
        return None
    if now != said and "image" in dataset.roles:
        report.add(place, "the pictures have changed since the workspace was last opened, or it is damaged", harmless=True)
    elif now != said:
        report.add(place, "it is not as it was written; open the source again, and it is written anew")
    if known and known.get("fingerprint") != said:
        report.add(place, "manifest.json speaks of another state of the source; open the source again", harmless=True)
    dataset.__dict__["fingerprint"] = said
    return dataset


# The journal


def _journal(report: Report, known: dict[str, Any], progress: Progress) -> None:
    place = report.path / opening.JOURNAL
    try:
        if lost := opening.check_journal(report.path, known):
            report.add(place.with_name(f"{place.name}-wal"), f"it is damaged ({lost}): SQLite would leave out what follows")
    except Damaged as problem:
        report.add(place, f"{problem}{_instead(report)}")
        return
    if not place.exists():
        return
    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        copy = Path(folder) / place.name
        opening.copy_files(report.path, Path(folder))
        try:
            if wrong := bring_up(copy):
                report.findings += [Finding(place, said) for said in wrong]
            with closing(raw(copy)) as journal:
                _tables(report, journal, known, progress)
        except (sqlite3.Error, ValueError) as problem:
            report.add(place, f"it cannot be read to its end ({problem}){_instead(report)}")


def _instead(report: Report) -> str:
    """What is left where SQLite cannot read the journal."""
    _, rows = readable(report.path)
    snapshot = " and the snapshot" if (report.path / SNAPSHOT).exists() else ""
    return f"; {_count(len(rows), 'change')}{snapshot} can be read all the same"


def _tables(report: Report, journal: Journal, known: dict[str, Any], progress: Progress) -> None:
    place = report.path / opening.JOURNAL
    for (said,) in journal.connection.execute("PRAGMA integrity_check(20)").fetchall():
        if said != "ok":
            report.findings += [Finding(place, line) for line in str(said).splitlines() if not line.startswith("***")]
    journal.uuid = journal.about("uuid") or ""
    if not journal.uuid:
        report.add(place, "its name is not in it")
    elif known.get("journal") not in {None, journal.uuid}:
        report.add(place, "it is another journal than the one manifest.json speaks of")
    index = pd.Index(opening.ids_of(journal))
    replay = _rows(report, journal, index, progress)
    report.changes, report.people = len(journal.numbers()), len({entry.user for entry in journal.entries()})
    labelled = [one.labels for one in replay.sets.values() if one.labels.categories]
    report.labels, report.sets = sum(map(len, labelled)), len(labelled)


def _rows(report: Report, journal: Journal, index: pd.Index, progress: Progress) -> Replay:
    """Replay all rows, each held to its digest, and compare with the snapshot when its row is reached."""
    place, replay, before, whole = report.path / opening.JOURNAL, Replay(index), 0, True
    head, last = _snapshot(report, journal), max(1, journal.last)
    for entry in journal.entries():
        progress(entry.seq / last, f"row {entry.seq:,} of {last:,}")
        if entry.seq != before + 1:
            missing = f"row {before + 1:,} is" if entry.seq == before + 2 else f"the rows {before + 1:,} to {entry.seq - 1:,} are"
            report.add(place, f"{missing} missing")
            whole = False
        before = entry.seq
        try:
            _, change, _ = journal.read(entry.seq)
            check_fits(change, len(index))
            replay.take(entry, change)
        except Damaged as problem:
            report.add(place, f"{problem} ({entry.verb} by {entry.user} at {entry.time})")
            whole = False
        if head is not None and head["seq"] == entry.seq:
            _compare(report, replay, journal, whole=whole)
    return replay


def _snapshot(report: Report, journal: Journal) -> dict[str, Any] | None:
    place = report.path / SNAPSHOT
    try:
        head, _ = read_snapshot(place)
    except FileNotFoundError:
        return None
    except _UNREADABLE as problem:
        report.add(place, f"it is damaged ({problem}); the journal says it all, and it is made again", harmless=True)
        return None
    if head["uuid"] != journal.uuid:
        report.add(place, "it is of another journal, and not used", harmless=True)
        return None
    if head["seq"] > journal.last:
        report.add(report.path / opening.JOURNAL, f"it ends at row {journal.last:,}, and {SNAPSHOT} is of row {head['seq']:,}")
    elif journal.seal(head["seq"]) != head["seal"]:
        report.add(place, "the journal says something else than when it was made, and it is not used", harmless=True)
        return None
    return dict(head)


def _compare(report: Report, replay: Replay, journal: Journal, *, whole: bool) -> None:
    """Whether the snapshot has the labels that the journal has at its row."""
    _, sets = read_snapshot(report.path / SNAPSHOT)
    for name in sorted(sets.keys() | replay.sets.keys()):
        about, codes, last = sets.get(name, ({"categories": {}}, np.zeros(0, np.int32), np.zeros(0, np.int32)))
        one = replay.of(name)
        kept = {int(code): category for code, category in about["categories"].items()}
        now = {code: vars(category) for code, category in one.labels.categories.items()}
        same = all(np.array_equal(kept_, _cut(now_, len(kept_))) for kept_, now_ in ((codes, one.labels.codes), (last, one.last)))
        if whole and not (same and kept == now):
            report.add(report.path / SNAPSHOT, f"its labels of the set {name!r} are not those of the journal")


def _cut(values: np.ndarray, count: int) -> np.ndarray:
    """The first so many, where the others are zero: items that came after a snapshot had no labels in it."""
    return values[:count] if not values[count:].any() else values


# Results, and the small files


def _results(report: Report, dataset: Dataset | None, progress: Progress) -> None:
    folders = list(result_folders(report.path))
    items = {} if dataset is None else {dataset.fingerprint: len(dataset)}
    for place, folder in enumerate(folders):
        progress(place / len(folders), "/".join(folder.parts[-3:]))
        try:
            result = check_result(folder, items)
            items[result.key] = len(result.values)
            report.results += 1
        except ValueError as problem:
            report.add(folder, f"it is damaged ({problem}); moved away, it is computed again")


def result_folders(path: Path) -> Iterator[Path]:
    """The results' folders, those first that others are made from."""
    for kind in KINDS:
        found = sorted((path / "results" / kind).glob("*/*"))
        yield from (folder for folder in found if folder.is_dir() and not _spare(folder))


def _spare(place: Path) -> bool:
    return place.name.startswith(".writing-") or ".damaged-" in place.name


def check_result(folder: Path, items: dict[str, int]) -> Result:
    """A result of which every byte was looked at; `items` are how many rows each input has, by its fingerprint or key.

    Raises
    ------
    ValueError
        When something is wrong, in words.
    """
    kind, method, key = folder.parts[-3:]
    result = read_result(folder, kind)
    for name, kept in read_json(folder / "sums.json").items():
        if sha256(folder / name) != kept:
            raise ValueError(f"{name} is not as it was written")
    if (result.method, result.key) != (method, key):
        raise ValueError(f"it is the result {result.kind}/{result.method}/{result.key}")
    rows = items.get(result.input, len(result.values))
    if len(result.values) != rows:
        raise ValueError(f"it has {len(result.values):,} rows, and what it was made from {rows:,}")
    return result


def _current(report: Report) -> None:
    place = report.path / "current.json"
    try:
        results = read_json(place).get("results", {})
        for name, address in results.items():
            if not report.path.joinpath("results", *address_of(address)).exists():
                report.add(place, f"the {name} it speaks of are not there, and are computed again", harmless=True)
    except _UNREADABLE as problem:
        report.add(place, f"it is damaged ({problem}); only which results are shown is in it")


def _selections(report: Report) -> None:
    place = report.path / "selections.json"
    try:
        selections = dict(read_json(place).get("selections", {}))
    except _UNREADABLE as problem:
        report.add(place, f"it is damaged ({problem}); the saved selections in it are not shown")
        return
    for name, kept in selections.items():
        try:
            from_json(kept["rule"])
            for address in kept["on"].values():
                if not report.path.joinpath("results", *address_of(address)).exists():
                    report.add(place, f"{name!r} was drawn on a result that is not there, and is not shown", harmless=True)
        except (*_UNREADABLE, RecursionError) as problem:
            report.add(place, f"{name!r} is damaged ({problem}) and not shown")


def _leftovers(report: Report) -> None:
    for place in sorted(report.path.rglob("*")):
        if place.name.startswith(".writing-") and place.parent.name != "dataset":
            report.add(place, "left by a process that was stopped while writing; it may be deleted", harmless=True)
        elif ".damaged-" in place.name and ".damaged-" not in str(place.parent.relative_to(report.path)):
            report.add(place, "kept of damage that was found before; it may be deleted when nothing is missed", harmless=True)


__all__ = ["Finding", "Report", "check", "check_result", "result_folders"]
