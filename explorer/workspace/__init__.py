"""What is kept: results by their key, and the labels as a journal of changes; in a folder on disk, or for this process only."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import param
import pyarrow as pa

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.labels import Change, Labels
from explorer.workspace import opening, wal
from explorer.workspace.files import copy_aside, write_json
from explorer.workspace.journal import DEFAULT_SET, FORMAT, By, Damaged, Entry, Journal
from explorer.workspace.numbering import LARGE, Numbering, places
from explorer.workspace.replay import SNAPSHOT, Replay, Set, check_fits, from_snapshot, replayed, save_snapshot
from explorer.workspace.results import Results

# A snapshot is written when so many rows, or so many items in them, came since the last one.
_ROWS, _ITEMS = 500, 2_000_000


class Workspace(Results):
    """One dataset's results and labels, shared by all visits of a server.

    With a `path`, every change of labels is one row of an SQLite journal (``synchronous=FULL``), committed before `change` returns;
    the labels are the replay of the journal. Without one, results go to a temporary folder and labels live as long as the process.

    Where the folder cannot be written, or its journal is damaged, the labels that can be read are there, and `trouble` says why no
    new ones are taken.

    Raises
    ------
    InputError
        When the folder is of a newer format or of other data, or nothing of its journal can be read.
    """

    sets = param.Parameter({}, doc="The current `Labels` by label set; watch it to hear of every change, whoever made it.")
    news = param.Parameter((), doc="The journal's entries that led to the current labels from those before.")
    trouble = param.String("", doc="Why labels cannot be saved now, as a sentence; empty where they can.")

    def __init__(self, dataset: Dataset, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else None
        super().__init__(dataset, self.path or Path(tempfile.mkdtemp(prefix="explorer-")))
        self._frozen = False  # whether it stays as it is, because it cannot be written or is damaged
        self._since = [0, 0]  # rows and items since the last snapshot
        self._shown: dict[str, tuple[Labels, Labels]] = {}  # by set: the labels over all numbers, and over the dataset's items
        self._unheard: list[Entry] = []  # replayed, and not yet told to those who watch
        self._snapshots = threading.Lock()
        self._journal: Journal | None = None
        if self.path is None:
            self._forget = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
            self._begin(Journal(None))
            return
        try:
            self._open(self.path)
        except (OSError, sqlite3.Error) as problem:
            self.close()
            raise InputError(f"the workspace {self.path} cannot be opened ({problem}); choose another --workspace") from problem
        except InputError:
            self.close()
            raise

    def _open(self, path: Path) -> None:
        opening.check_folder(path)
        known, notes = opening.manifest(path, self.dataset)
        self.notes += notes
        try:
            opening.writable(path)
        except OSError as problem:
            if not (path / opening.JOURNAL).exists():
                raise
            self._shadow(path, f"{path} cannot be written ({problem.strerror or problem})")
            return
        try:
            lost = opening.check_journal(path, known)
            log = copy_aside(path / f"{opening.JOURNAL}-wal") if (path / f"{opening.JOURNAL}-wal").exists() and lost else None
            self._journal = opening.journal(path, self.notes)
            if lost:
                self.notes.append(self._put_back(lost, log))
            opening.check_sound(path, self._journal)
            if known.get("journal") not in {None, self._journal.uuid}:
                self.notes.append(f"{path / 'manifest.json'} speaks of another journal; it is written anew")
            if notes or known.get("journal") not in {None, self._journal.uuid}:
                opening.check_ids(path, self._journal, self.dataset)
            before = self._journal.known
            self._begin(self._journal)
            if known.get("fingerprint") not in {None, self.dataset.fingerprint}:
                self.notes.append(self._changed(before))
        except (sqlite3.DatabaseError, Damaged, UnicodeDecodeError) as problem:
            if isinstance(problem, sqlite3.OperationalError) and not opening.damaged(problem):
                if not (known or notes):
                    raise
                self._shadow(path, f"{path} cannot be written ({problem})")
                return
            self._rescue(path, problem)
            return
        opening.write_manifest(path, self.dataset, self._journal.uuid)
        self.dataset_folder()

    def _changed(self, before: int) -> str:
        """What is different in the source since the workspace was last opened, and what that means for labels."""
        new, gone = len(self._numbering.index) - before if before else 0, self._numbering.gone
        labelled = sum(int(((one.labels.codes > 0) & gone).sum()) for one in self._replay.sets.values())
        said = []
        if new:
            said.append(f"{new:,} of its {len(self.dataset):,} items are new")
        if gone.any():
            kept = f" ({labelled:,} labels of theirs are kept: explorer export {self.path} --gone)" if labelled else ""
            said.append(f"{int(gone.sum()):,} items that were there are gone{kept}")
        what = " and ".join(said) or "the items are the same and what stands in them, or their order, is not"
        return f"{self.dataset.name} has changed since: {what}. Labels go by id; results are computed anew"

    def _put_back(self, lost: str, log: Path | None) -> str:
        assert self.path is not None
        assert self._journal is not None
        count = 0 if log is None else opening.put_back(self._journal, log)
        kept = "" if log is None else f", and the file was copied to {log.name}"
        return (
            f"{self.path / opening.JOURNAL}-wal, the end of the journal, is damaged ({lost}): {count:,} changes were read out "
            f"of it all the same, others may be missing{kept}"
        )

    def _begin(self, journal: Journal, snapshots: Path | None = None) -> None:
        """Read the labels out of a journal."""
        self._journal = journal
        self._numbering = opening.numbered(journal, self.dataset, add=not self._frozen)
        self._numbered = journal.known > 0
        index, place = self._numbering.index, snapshots or self.path
        begun = None if place is None else from_snapshot(place / SNAPSHOT, journal, index)
        head = 0 if begun is None else begun.seq
        self._replay, wrong = replayed(journal, index, begun)
        if wrong:
            kept = "all else is there" if len(wrong) > 1 else "what it did is left out, all else is there"
            self.notes.append(f"{journal.path} is damaged: {'; '.join(wrong[:3])}; {kept}. See: explorer check {self.path}")
        self._since = [self._replay.seq - head, 0]
        self.sets = self._seen()

    def _shadow(self, path: Path, why: str) -> None:
        """Work on a copy, because the folder cannot be written: SQLite could not even read a journal there."""
        if self._journal is not None:
            self._journal.close()
        self._aside(f"{why}: labels can be looked at and exported, not changed. When it can be written again, open it again")
        assert self.spare is not None
        try:
            lost = wal.lost(path / f"{opening.JOURNAL}-wal")
            opening.copy_files(path, self.spare)
            self._journal = opening.journal(self.spare, self.notes)
            if lost:
                raise Damaged(f"the end of it, {opening.JOURNAL}-wal: {lost}")
            opening.check_sound(path, self._journal)
            self._begin(self._journal, path)
        except (sqlite3.DatabaseError, Damaged) as problem:
            self._rescue(path, problem)

    def _rescue(self, path: Path, problem: Exception) -> None:
        """Show the labels that can still be read; the damaged files stay as they are."""
        if self._journal is not None:
            self._journal.close()
        self._aside(
            f"{path / opening.JOURNAL} is damaged ({problem}): the labels that could be read are shown and can be exported, "
            f"not changed. Restore it from a copy, or run: explorer check {path} --repair"
        )
        from explorer.workspace.rescue import rescued

        self._replay = rescued(path, self.dataset.index)
        self._journal = Journal(None)
        with self._journal.transaction():
            self._journal.add_ids(opening.as_ids(self._replay.index))
        self._numbering, self._numbered = Numbering(self._replay.index, self.dataset.index), True
        self.sets = self._seen()

    def _aside(self, why: str) -> None:
        self._frozen, self.trouble = True, why
        if self.spare is None:
            self.spare = Path(tempfile.mkdtemp(prefix="explorer-"))
            self._forget_spare = weakref.finalize(self, shutil.rmtree, self.spare, ignore_errors=True)

    # Labels

    @property
    def labels(self) -> Labels:
        """The labels of the first set."""
        return self.labels_of(DEFAULT_SET)

    def labels_of(self, label_set: str) -> Labels:
        """The labels of a set; empty ones for a set that is not there."""
        found = self.sets.get(label_set)
        return Labels.empty(self.dataset.index) if found is None else found

    @property
    def seq(self) -> int:
        """The number of the last row that is in the labels."""
        return self._replay.seq

    @property
    def uuid(self) -> str:
        """The journal's name, by which it is known again after a restart."""
        with self._lock:
            return self._need().uuid

    def lift(self, mask: np.ndarray) -> np.ndarray:
        """A mask over the dataset's items as one over all items there ever were: what the labels given to a verb are about."""
        return self._numbering.lift(mask)

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The numbers of some of the dataset's rows."""
        return self._numbering.numbers(rows)

    def change(
        self, verb: Callable[[Labels], Labels], name: str, rule: dict[str, Any] | None = None, by: By | None = None,
        meant: np.ndarray | None = None,
    ) -> Entry:  # fmt: skip
        """Do a verb on the labels as everybody has left them, and say what was written.

        The verb gets labels over all items there ever were (see `lift`). It is on disk before this returns, and nobody writes in
        between: a category that two processes make at once is one category. Of the items that are `meant`, ``(n,)`` bool, those are
        written too that have the label already because somebody else gave it: that two agree is worth knowing.

        Raises
        ------
        InputError
            When it cannot be saved; the labels are then as before.
        """
        by = by or By()
        asked = Entry(0, user=by.user, visit=by.visit, action=by.action, label_set=by.label_set, verb=name)

        def make(labels: Labels) -> Change:
            new = verb(labels)
            change = labels.change_to(new, name)
            return change if meant is None else change.with_kept(self._agreed(by, labels, new, meant), labels.codes)

        return self._commit(asked, make, rule)

    def _agreed(self, by: By, labels: Labels, new: Labels, meant: np.ndarray) -> np.ndarray:
        """The numbers whose label stays as somebody else gave it."""
        numbers = np.flatnonzero(self.lift(meant) & (labels.codes == new.codes) & (labels.codes > 0))
        last = self._set(by.label_set).last[numbers]
        others = [seq for seq in np.flatnonzero(np.bincount(last)).tolist() if self._replay.user_of(seq) != by.user]
        return numbers[np.isin(last, others)]

    def undo(self, seq: int, by: By | None = None) -> Entry:
        """Take a row back; what somebody else has changed since is left alone. A false entry says that it was undone before."""
        return self._turn("undo", seq, by or By())

    def redo(self, seq: int, by: By | None = None) -> Entry:
        """Do a row again that was undone."""
        return self._turn("redo", seq, by or By())

    def _turn(self, kind: str, seq: int, by: By) -> Entry:
        with self._lock:
            self.catch_up()
            if (seq in self._replay.undone) == (kind == "undo"):
                return Entry(0)
            entry, change, _ = self.row(seq)
            change = change.inverse() if kind == "undo" else change
            asked = Entry(
                0, user=by.user, visit=by.visit, action=by.action, label_set=entry.label_set, kind=kind, of=seq, verb=entry.verb
            )

            def make(labels: Labels) -> Change:
                kept = change.rows[(change.before == change.after) & (labels.codes[change.rows] == change.after)]
                last = self._set(entry.label_set).last[kept]
                kept = kept[last == self._replay.turned.get(seq, seq)]
                return labels.change_to(labels.apply(change), entry.verb).with_kept(kept, labels.codes)

            return self._commit(asked, make, None)

    def row(self, seq: int) -> tuple[Entry, Change, dict[str, Any] | None]:
        """One row of the journal whole: entry, change (over numbers), rule.

        Raises
        ------
        InputError
            When it cannot be read.
        """
        with self._lock:
            try:
                return self._need().read(seq)
            except (Damaged, sqlite3.Error) as problem:
                raise InputError(
                    f"the journal of {self.folder} cannot be read ({problem}); run: explorer check {self.folder}"
                ) from problem

    def find(self, action: str) -> Entry | None:
        """The row that an action wrote, or None where it was not done."""
        with self._lock:
            return self._need().by_action(action)

    def rule_of(self, seq: int) -> dict[str, Any] | None:
        """The rule that a row's items came from, with the results that it is about; None where there was none."""
        with self._lock:
            return self._need().rule(seq)

    def stacks(self, user: str) -> tuple[list[int], list[int]]:
        """The rows that a user can undo, and redo; the last one first to go."""
        with self._lock:
            done, undone = self._replay.stacks.get(user, ([], []))
            return list(done), list(undone)

    def verb_of(self, seq: int) -> str:
        """What a row that can be undone did, in words."""
        return self._replay.verbs.get(seq, "")

    def catch_up(self) -> bool:
        """Take over what other processes wrote since, and say whether there was anything; quick enough to ask every second."""
        with self._lock:
            if self._journal is None or self._frozen:
                return False
            self._look_after()
            try:
                self._read_on(self._journal)
            except (sqlite3.Error, Damaged) as problem:
                raise InputError(
                    f"the journal of {self.path} cannot be read ({problem}); run: explorer check {self.path}"
                ) from problem
            return self._show()

    def _commit(self, asked: Entry, make: Callable[[Labels], Change], rule: dict[str, Any] | None) -> Entry:
        with self._lock:
            if self._frozen:
                raise InputError(f"not saved: {self.trouble}")
            try:
                if not self._need().there:
                    self._come_back()
                written = self._write(self._need(), asked, make, rule)
                if not self._need().there:  # removed while it was written: it went nowhere
                    try:
                        self._come_back()
                    except BaseException:
                        self._forget_row(written)
                        raise
            except (sqlite3.Error, OSError, Damaged) as problem:
                why = f"{self.path} cannot be written ({getattr(problem, 'strerror', None) or problem})"
                self.trouble = f"{why}; labels given now are not saved. It is tried again with the next one"
                self._show()
                raise InputError(f"not saved: {why}; the labels are as before") from problem
            except InputError:  # the verb's own; what others wrote was read before it, and nobody reads it again
                self._show()
                raise
            self.trouble = ""
            self._show()
            return written

    def _write(self, journal: Journal, asked: Entry, make: Callable[[Labels], Change], rule: dict[str, Any] | None) -> Entry:
        with self._numbers_for(journal), journal.transaction():
            self._number(journal)
            self._read_on(journal)
            if (done := journal.by_action(asked.action)) is not None:
                return done
            change = make(self._set(asked.label_set).labels)
            if not change:
                return Entry(0, label_set=asked.label_set)
            entry = journal.add(asked, change, rule)
        return self._taken(entry, change)

    @contextmanager
    def _numbers_for(self, journal: Journal) -> Iterator[None]:
        """Numbers that were given in a transaction which comes to nothing are given again in the next."""
        numbered = self._numbered
        try:
            yield
        except BaseException:
            self._numbered = numbered
            raise

    def _number(self, journal: Journal) -> None:
        """Give the items their numbers, or take those that another process gave; within a transaction, before the first label."""
        if self._numbered:
            return
        new = self._in_order() if not journal.known else opening.missing(journal, self.dataset)
        journal.add_ids(self.dataset.ids[new])
        ids = opening.ids_of(journal)
        self._numbering = Numbering(pd.Index(ids), self.dataset.index, places(ids, self.dataset.ids))
        self._replay = Replay(self._numbering.index)  # there was no row before
        self._numbered = True

    def _in_order(self) -> np.ndarray:
        """The dataset's rows as the map has them: what is lassoed together then has numbers side by side, which take few bytes."""
        rows = np.arange(len(self.dataset))
        if len(rows) < LARGE or not self._grids_lock.acquire(blocking=False):  # one that is in the making is not waited for
            return rows
        try:
            grid = next(iter(self._grids.values()), None)
        finally:
            self._grids_lock.release()
        if grid is None:
            return rows
        placeless = np.ones(len(rows), bool)
        placeless[grid.rows] = False
        return np.concatenate([grid.rows, np.flatnonzero(placeless)])

    def _taken(self, entry: Entry, change: Change) -> Entry:
        """Replay a row that is on disk."""
        entry = replace(entry, overwrote=self._replay.take(entry, change))
        self._since = [self._since[0] + 1, self._since[1] + entry.items]
        self._unheard.append(entry)
        return entry

    def _read_on(self, journal: Journal) -> None:
        """Replay the rows that others have written since."""
        if journal.last == self._replay.seq:
            return
        if not self._numbered:
            with self._numbers_for(journal), journal.transaction():
                self._number(journal)
        if journal.known > len(self._numbering.index):
            ids = opening.ids_of(journal)
            self._numbering = Numbering(pd.Index(ids), self.dataset.index, places(ids, self.dataset.ids))
            self._replay.grow(self._numbering.index)
        for entry in journal.entries(self._replay.seq):
            try:
                _, change, _ = journal.read(entry.seq)
                check_fits(change, len(self._numbering.index))
            except Damaged as problem:
                self.notes.append(f"{journal.path} is damaged: {problem}; all else is there")
                self._replay.note(entry)
                continue
            self._taken(entry, change)

    def _show(self) -> bool:
        """Tell those who watch what was replayed since they last heard, and say whether there was anything."""
        if not self._unheard:
            return False
        news, self._unheard = tuple(self._unheard), []
        self.param.update(sets=self._seen(), news=news)
        if self._since[0] >= _ROWS or self._since[1] >= max(_ITEMS, 2 * len(self.dataset)):
            threading.Thread(target=self.snapshot, daemon=True, name="explorer-snapshot").start()
        return True

    def _seen(self) -> dict[str, Labels]:
        """Each set's labels over the dataset's items; those of sets that did not change are the same values."""
        before = self._shown
        self._shown = {name: (one.labels, self._restricted(one, before.get(name))) for name, one in self._replay.sets.items()}
        return {name: labels for name, (_, labels) in self._shown.items()}

    def _restricted(self, one: Set, known: tuple[Labels, Labels] | None) -> Labels:
        if known is not None and known[0] is one.labels:
            return known[1]
        return self._numbering.restricted(one.labels)

    def _set(self, label_set: str) -> Set:
        """A label set over all numbers; an empty one, which is not kept, for one that is not there."""
        found = self._replay.sets.get(label_set)
        return Set(Labels.empty(self._replay.index), np.zeros(len(self._replay.index), np.int32)) if found is None else found

    def _need(self) -> Journal:
        if self._journal is None:
            raise InputError(f"the workspace {self.folder} is closed; open it again")
        return self._journal

    # When the folder goes away, and comes back

    def _look_after(self) -> None:
        journal = self._need()
        if not journal.there and not self.trouble:
            self.trouble = f"{self.path} was removed or moved; the labels are kept in memory, and written anew with the next one"
        elif self.trouble and journal.there and opening.has_room(self.folder):
            self.trouble = ""

    def _come_back(self) -> None:
        """Write the journal again from what this process still has open; where another one is in its place, leave that alone."""
        journal, path = self._need(), self.path
        assert path is not None
        if journal.on_disk:  # let go of files that are gone, or SQLite would mistake them for those that come in their place
            self._journal = journal = journal.in_memory()
        path.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process was first, or only the write-ahead log was removed
            journal.copy_to(path / opening.JOURNAL)
        again = opening.journal(path)
        if not again.follow(journal):
            again.close()
            raise OSError(f"another journal is in the place of {path / opening.JOURNAL}; move it away, or open the workspace again")
        self._journal = again
        journal.close()
        opening.write_manifest(path, self.dataset, again.uuid)
        self.dataset_folder()
        self._note(f"{path} had been removed; its labels were written anew")

    def _forget_row(self, written: Entry) -> None:
        """Take a row back that went into a file that was removed meanwhile and could not be written anew: it is not saved."""
        journal = self._need()
        with suppress(sqlite3.Error):  # else it stays, and is seen again when it is written
            if written and not written.again and journal.last == written.seq:
                with journal.transaction():
                    journal.connection.execute("DELETE FROM journal WHERE seq = ?", (written.seq,))
        self._replay, _ = replayed(journal, self._numbering.index)
        self._unheard = [entry for entry in self._unheard if entry.seq != written.seq]

    # Snapshots, saved selections, views

    def snapshot(self) -> None:
        """Write down the labels as they are, so that the next opening need not replay all; it may fail without harm."""
        if self.path is None or self._frozen or not self._snapshots.acquire(blocking=False):
            return
        try:
            with self._lock:
                if self._journal is None or not self._journal.there:
                    return
                seq, self._since = self._replay.seq, [0, 0]
                head = {"format": FORMAT, "uuid": self._journal.uuid, "seq": seq, "seal": self._journal.seal(seq)}
                head |= {"items": len(self._replay.index)}
                sets = {name: Set(one.labels, one.last) for name, one in self._replay.sets.items()}
            save_snapshot(self.path / SNAPSHOT, head, sets)
        except (OSError, sqlite3.Error):
            pass  # a full disk: the journal says it all
        finally:
            self._snapshots.release()

    def keep_selections(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Replace the saved selections by what `change` makes of those on disk; they are there when this returns.

        The journal's lock is held meanwhile, so that processes which save at once do not overwrite each other's.

        Raises
        ------
        InputError
            When they cannot be written; what was there stays.
        """
        with self._lock:
            try:
                with nullcontext() if self.path is None or self._frozen else self._need().transaction():
                    kept = change(self.selections())
                    self._keep_damaged("selections.json")
                    write_json(self.writable_folder / "selections.json", {"selections": kept})
            except (OSError, sqlite3.Error) as problem:
                why = getattr(problem, "strerror", None) or problem
                raise InputError(f"not saved: {self.folder} cannot be written ({why})") from problem

    def keep_view(self, user: str, state: dict[str, Any]) -> None:
        """Remember how a user left the page; a comfort, so that a disk that does not take it is no error."""
        with self._lock:
            if self._journal is not None and not self._frozen:
                try:
                    self._journal.keep_view(user, state)
                except sqlite3.Error:
                    return

    def view(self, user: str) -> dict[str, Any]:
        """How a user left the page, or nothing."""
        with self._lock:
            try:
                return self._need().view(user)
            except sqlite3.Error:
                return {}

    # What happened

    def entries(self, last: int | None = None) -> list[Entry]:
        """The entries that led to the current labels, oldest first; with `last` only so many of the newest."""
        with self._lock:
            after = 0 if last is None else max(0, self._replay.seq - last)
            try:
                # Another process may have written more, of items and categories that are not known here yet.
                return [entry for entry in self._need().entries(after) if entry.seq <= self._replay.seq]
            except sqlite3.Error as problem:
                raise InputError(
                    f"the journal of {self.folder} cannot be read ({problem}); run: explorer check {self.folder}"
                ) from problem

    def last_rows(self, label_set: str, of: np.ndarray | None = None) -> np.ndarray:
        """For each item, or only for those `of` some of the dataset's rows: the journal's row that touched its label last, or 0."""
        with self._lock:
            last = self._set(label_set).last
            return self._numbering.seen(last) if of is None else last[self._numbering.numbers(of)]

    def rows_of(self, change: Change) -> np.ndarray:
        """The dataset's rows of a change's items; -1 for one that is gone from the source."""
        return self._numbering.rows(change.rows)

    def gone(self, label_set: str) -> pd.Series:
        """The labels of items that are no longer in the source, by id."""
        with self._lock:
            one = self._set(label_set).labels
            numbers = np.flatnonzero(self._numbering.gone & (one.codes > 0))
            return pd.Series(one.values()[numbers], self._numbering.index[numbers], dtype=object, name="label")

    def close(self) -> None:
        """Let the files go; in memory, the results too."""
        with self._lock:
            journal, fresh = self._journal, self._since[0]
        if journal is not None:
            if fresh > 20 or self._since[1] > 100_000:  # what is replayed in no time needs no snapshot
                self.snapshot()
            with self._lock:
                journal.close()
                self._journal = None
        if self.path is None:
            self._forget()
        if self.spare is not None:
            self._forget_spare()


def open_workspace(path: str | Path) -> Workspace:
    """A workspace that is there already, with the dataset as it was when it was last opened.

    Raises
    ------
    InputError
        When there is none at `path`.
    """
    folder = Path(path)
    if not any((folder / name).exists() for name in ("manifest.json", opening.JOURNAL)):
        raise InputError(f"{folder} is not a workspace (no manifest.json in it); give the folder that --workspace named")
    try:
        dataset = Dataset.load(folder / "dataset")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as problem:
        why = f"{folder / 'dataset'} is damaged ({problem})"
        raise InputError(f"{why}; open the source again with --workspace {folder}: its labels are kept") from problem
    return Workspace(dataset, folder)


__all__ = ["DEFAULT_SET", "FORMAT", "By", "Entry", "Workspace", "open_workspace"]
