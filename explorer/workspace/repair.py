"""Repair a damaged workspace out of what can be read of it; whatever was there is kept aside, and nothing is deleted."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.labels import Change
from explorer.workspace import opening
from explorer.workspace.check import Report, check_result, result_folders
from explorer.workspace.files import aside_of, copy_aside, flush, move_aside
from explorer.workspace.journal import Damaged, Entry, Journal, row_of
from explorer.workspace.replay import SNAPSHOT, Replay, check_fits, replayed
from explorer.workspace.rescue import readable, rescued

REPAIR, RECOVERED = "explorer check", "recovered"  # who adds a row, and what it says that it did
NOTHING = Change("lost", np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32))


def repair(report: Report) -> list[str]:
    """Mend what `check` found, and say what was done, in sentences.

    The journal is written anew where it is damaged: with the rows that can be read as they were, one that says "lost" in the place
    of each that cannot, and one more for each label set that the snapshot knows better. Damaged results are moved away, so that
    they are computed again.

    Nothing else may have the workspace open.

    Raises
    ------
    InputError
        When nothing of the journal can be read, or the folder cannot be written; what was there stays.
    """
    path, done = report.path, list[str]()
    hit = {one.place for one in report.damaged}
    try:
        dataset = _dataset(path)
        journal = any(one.name.startswith(opening.JOURNAL) for one in hit if one.parent == path)
        if journal:
            done += _journal(path, dataset)
        done += _results(path, hit, dataset)
        if journal or path / "manifest.json" in hit:
            done += _manifest(path, dataset)
    except OSError as problem:
        raise InputError(f"{path} cannot be written ({problem.strerror or problem}); nothing of it was deleted") from problem
    return done


def _dataset(path: Path) -> Dataset | None:
    try:
        return Dataset.load(path / "dataset")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        return None


def _journal(path: Path, dataset: Dataset | None) -> list[str]:
    index = pd.Index([]) if dataset is None else dataset.index
    wanted = rescued(path, index)
    _, rows = readable(path)
    temporary = path / f".writing-{uuid.uuid4().hex}"
    try:
        made = _written(temporary, wanted, rows.values())
        flush(temporary)
        kept = [copy_aside(found) for ending in opening.FILES if (found := path / f"{opening.JOURNAL}{ending}").exists()]
        if (path / SNAPSHOT).exists():
            kept.append(move_aside(path / SNAPSHOT))  # it is of the journal that was
        for ending in (*opening.FILES[1:], "-shm"):  # else SQLite would take them for the new journal's
            (path / f"{opening.JOURNAL}{ending}").unlink(missing_ok=True)
        os.replace(temporary, path / opening.JOURNAL)
        flush(path)
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            temporary.with_name(temporary.name + ending).unlink(missing_ok=True)
    what = ", ".join(one.name for one in kept) or "nothing, there was none"
    return [f"{path / opening.JOURNAL}: written anew with {len(rows):,} changes as they were{made}; kept of it: {what}"]


def _written(temporary: Path, wanted: Replay, rows: Iterable[tuple[Any, ...]]) -> str:
    """Write a new journal, and say how many labels stand in it that none of its rows gave."""
    journal = Journal(temporary)
    try:
        with journal.transaction():
            journal.add_ids(opening.as_ids(wanted.index))
            for row in rows:
                try:
                    check_fits(row_of(row)[1], len(wanted.index))
                except Damaged:
                    continue
                while journal.last + 1 < row[0]:
                    journal.add(Entry(0, user=REPAIR, kind="lost", verb="lost"), NOTHING)
                journal.put_back(row)
            replay, _ = replayed(journal, wanted.index)
            items = 0
            for name, one in wanted.sets.items():
                if change := replay.of(name).labels.change_to(one.labels, RECOVERED):
                    items += len(change.rows)
                    journal.add(Entry(0, user=REPAIR, label_set=name, verb=RECOVERED), change)
    finally:
        journal.close()
    return f", and {items:,} labels out of the snapshot" if items else ""


def _results(path: Path, hit: set[Path], dataset: Dataset | None) -> list[str]:
    items = {} if dataset is None else {dataset.fingerprint: len(dataset)}
    broken = []
    for folder in result_folders(path):
        if folder in hit:
            try:
                check_result(folder, items)  # it may have been made again meanwhile
            except ValueError:
                broken.append(folder)
    if not broken:
        return []
    away = aside_of(path / "results")
    for folder in broken:
        to = away.joinpath(*folder.parts[-3:])
        to.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, to)
    return [f"{away}: what was damaged ({len(broken):,}) was moved here, and is computed again when it is asked for"]


def _manifest(path: Path, dataset: Dataset | None) -> list[str]:
    if dataset is None:
        return [f"{path / 'manifest.json'}: it is written anew when the source is opened again with --workspace {path}"]
    journal = opening.journal(path)
    try:
        opening.write_manifest(path, dataset, journal.uuid)
    finally:
        journal.close()
    return [f"{path / 'manifest.json'}: written anew"]


__all__ = ["repair"]
