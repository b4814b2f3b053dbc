"""Results by their key, the dataset as a child process reads it, saved selections: all of a workspace but its labels."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
import weakref
from pathlib import Path
from tokenize import TokenError
from typing import Any

import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.grid import Grid
from explorer.selection import from_json
from explorer.step import KINDS, Result
from explorer.workspace.earlier import IDS, Earlier, carried, keep_ids, read_ids
from explorer.workspace.files import copy_aside, move_aside, read_json, write_json

# What numpy and json raise at damaged files.
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, OverflowError, SyntaxError, MemoryError, TokenError,
    RecursionError,
)  # fmt: skip


class Results(param.Parameterized):
    """What one dataset's steps made.

    `folder` is where things are read from; what is new goes to `spare` where that is set, because the folder cannot be written.
    """

    path: Path | None = None  # the folder that outlives this process, where there is one

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        super().__init__()
        self.dataset = dataset
        self.folder = folder
        self.spare: Path | None = None
        self.notes: list[str] = []  # what was found to be damaged or missing, in sentences
        self._broken: set[Path] = set()  # damaged results that could not be moved aside
        self._lock = threading.RLock()
        self._grids: weakref.WeakValueDictionary[str, Grid] = weakref.WeakValueDictionary()
        self._grids_lock = threading.Lock()

    @property
    def writable_folder(self) -> Path:
        """Where what is new goes."""
        return self.folder if self.spare is None else self.spare

    def dataset_folder(self) -> Path:
        """The dataset as a child process maps it into memory; written the first time it is asked for."""
        place = self.folder / "dataset"
        with self._lock:
            if not self._is_of(place):
                place = self.writable_folder / "dataset"
                if not self._is_of(place):
                    self._replace_dataset(place)
        return place

    def _is_of(self, place: Path) -> bool:
        """Whether there is this dataset, as far as its manifest says; a damaged one is written anew."""
        try:
            return bool(read_json(place / "manifest.json").get("fingerprint") == self.dataset.fingerprint)
        except InputError:
            return False

    def _replace_dataset(self, folder: Path) -> None:
        fresh, before = (folder.parent / f".writing-{uuid.uuid4().hex}" for _ in range(2))
        try:
            before.mkdir()
            self.dataset.save(fresh)
            if folder.exists():  # of an earlier state of the source; kept until the new one is whole
                os.rename(folder, before / "dataset")
            os.rename(fresh, folder)
        except OSError:
            if not folder.exists():  # another process may have written the same just now; then there is nothing to do
                raise
        finally:
            shutil.rmtree(before, ignore_errors=True)
            shutil.rmtree(fresh, ignore_errors=True)

    def result_folder(self, kind: str, method: str, key: str) -> Path:
        """Where a result is or will be."""
        below = Path("results") / kind / method / key
        kept = self.folder / below
        here = self.spare is None or ((kept / "settings.json").exists() and kept not in self._broken)
        return kept if here or self.spare is None else self.spare / below

    def get(self, kind: str, method: str, key: str) -> Result | None:
        """A result computed before, or None; a damaged one is moved aside, noted, and None too, so that it is computed again.

        Raises
        ------
        InputError
            When a damaged one cannot be moved.
        """
        folder = self.result_folder(kind, method, key)
        if not folder.exists():
            return None
        try:
            return read_result(folder, kind)
        except ValueError as problem:
            self._move_aside(folder, str(problem))
            return None

    def _move_aside(self, folder: Path, problem: str) -> None:
        try:
            kept = f"it was kept as {move_aside(folder).name}"
        except OSError as why:
            if self.spare is None:
                raise InputError(f"{folder} is damaged ({problem}) and cannot be moved ({why.strerror or why})") from why
            self._broken.add(folder)
            kept = "it is left as it is"
        self._note(f"{folder} is damaged ({problem}); {kept}, and what was in it is computed again")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def put(self, result: Result) -> Result:
        """Keep a result; it is whole on disk or absent."""
        folder = self.result_folder(result.kind, result.method, result.key)
        try:
            result.save(folder)
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"the {result.method} result cannot be kept in {folder} ({why}); free some disk") from problem
        return result if result.kept is None else Result.load(folder)  # what it was mapped from is gone

    def grid(self, layout: Result) -> Grid:
        """A layout's grid, made once for all the sessions that look at it."""
        with self._grids_lock:
            made = self._grids.get(layout.key)
            if made is None:
                self._grids[layout.key] = made = Grid.of(layout.values)
            return made

    def remember(self, results: dict[str, Result | None]) -> None:
        """Write down which results are the current ones, so that the next visit begins with them.

        Where the collection was another before, the layout that was shown then is remembered as its `earlier` one.
        """
        current = {name: [r.kind, r.method, r.key] for name, r in results.items() if r is not None}
        before = self._earlier()
        kept = {"fingerprint": self.dataset.fingerprint, "results": current} | ({"earlier": before} if before else {})
        try:
            if self.path is not None and "layout" in current:
                keep_ids(self.writable_folder, self.dataset, before["fingerprint"] if before else "")
            write_json(self.writable_folder / "current.json", kept)
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"{self.writable_folder} cannot be written ({why}); free some disk, then do it again") from problem

    def _earlier(self) -> dict[str, Any] | None:
        place = next((one for one in self._places("current.json") if one.exists()), None)
        try:
            return None if place is None else carried(read_json(place), self.dataset.fingerprint)
        except InputError:  # damaged: `recall` says so
            return None

    @property
    def has_earlier(self) -> bool:
        """Whether a layout is kept that was shown before the collection changed; it may turn out damaged."""
        return self._earlier() is not None

    def earlier(self) -> Earlier | None:
        """The layout that was shown before the collection changed, with its items' ids; None where there is none."""
        found = self._earlier()
        if found is None:
            return None
        try:
            folder = self.result_folder(*address_of(found["layout"]))
            place = next((one for one in dict.fromkeys([self.folder, self.writable_folder]) if (one / IDS).exists()), self.folder)
            ids = read_ids(place, str(found["fingerprint"]))
            return Earlier(ids, read_result(folder, "reduce", len(ids)))
        except (OSError, ValueError, KeyError):
            return None

    def recall(self) -> dict[str, Result]:
        """The results that were current when the workspace was last used with this same dataset.

        One that is missing or damaged is left out and noted, and so is the list of them itself.
        """
        place = next((one for one in self._places("current.json") if one.exists()), None)
        if place is None:
            return {}
        try:
            known = read_json(place)
            if known.get("fingerprint") != self.dataset.fingerprint:
                return {}
            listed = {str(name): address_of(address) for name, address in known["results"].items()}
        except (ValueError, TypeError, AttributeError, KeyError):
            self._note(f"{place} is damaged; it holds no labels, only which results are shown: choose them again")
            return {}
        found = {name: self._recalled(name, address) for name, address in listed.items()}
        return {name: result for name, result in found.items() if result is not None}

    def _recalled(self, name: str, address: tuple[str, str, str]) -> Result | None:
        folder = self.result_folder(*address)
        if not folder.exists():
            self._note(f"the last {name} cannot be shown: {folder} is not there; compute that again")
            return None
        try:
            return read_result(folder, address[0], len(self.dataset))
        except ValueError as problem:
            self._note(f"the last {name} cannot be shown: {folder} is damaged ({problem}); compute that again")
            return None

    def _places(self, name: str) -> list[Path]:
        """Where a small file is looked for, the newest first."""
        return list(dict.fromkeys([self.writable_folder / name, self.folder / name]))

    def selections(self) -> dict[str, Any]:
        """The saved selections as plain values by name, in the order in which they were made.

        One that is damaged is left out and noted.
        """
        for place in self._places("selections.json"):
            try:
                found = read_json(place).get("selections", {})
                items = list(found.items())
            except (InputError, AttributeError):
                self._note(f"{place} is damaged, so the saved selections in it are not there; the labels are not in that file")
                continue
            if items:
                return {name: kept for name, kept in items if self._readable(place, name, kept)}
        return {}

    def _readable(self, place: Path, name: str, kept: Any) -> bool:
        try:
            from_json(kept["rule"])
            {slot: address_of(address) for slot, address in kept["on"].items()}
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as problem:
            self._note(f"the saved selection {name!r} in {place} is damaged ({problem}) and left out")
            return False
        return True

    def _keep_damaged(self, name: str) -> None:
        """Keep a copy of a small file that is about to be replaced, where something in it is damaged."""
        place = self.folder / name
        if self.spare is None and any(str(place) in note for note in self.notes) and place.exists():
            kept = copy_aside(place)
            self.notes = [note for note in self.notes if str(place) not in note]
            self._note(f"a damaged {name} was kept as {kept}")


def address_of(plain: Any) -> tuple[str, str, str]:
    """Kind, method and key of a result, as a list in JSON has them.

    Raises
    ------
    ValueError
        When they are not the names of folders.
    """
    if not isinstance(plain, list) or len(plain) != 3 or not all(map(_name, plain)) or plain[0] not in KINDS:
        raise ValueError(f"{plain!r} is not the address of a result")
    return plain[0], plain[1], plain[2]


def _name(part: Any) -> bool:
    """Whether it names a folder, and none but in its place."""
    return isinstance(part, str) and part not in {"", ".", ".."} and not set(part) & set("/\\\0:")


def read_result(folder: Path, kind: str, items: int | None = None) -> Result:
    """A result that is whole as far as can be seen without reading all of it.

    Raises
    ------
    ValueError
        When it is damaged; in words, without the folder's name.
    """
    try:
        result = Result.load(folder)
        for name in read_json(folder / "sums.json"):
            if not (folder / name).exists():
                raise ValueError(f"{name} is not there")
    except FileNotFoundError as problem:
        raise ValueError(f"{Path(problem.filename).name} is not there") from problem
    except _UNREADABLE as problem:
        raise ValueError(str(problem) or type(problem).__name__) from problem
    values = result.values
    rows = (items or len(values)) if values.ndim else 0
    shape = {"extract": (rows, *values.shape[1:2]), "reduce": (rows, 2), "cluster": (rows,)}[kind]
    sort = "i" if kind == "cluster" else "f"
    if result.kind != kind or values.dtype.kind != sort or values.ndim != len(shape) or values.shape != shape or 0 in shape:
        raise ValueError(f"its values are {values.dtype} of shape {values.shape}")
    for name, array in result.arrays.items():
        if len(array) != rows:
            raise ValueError(f"array-{name}.npy has {len(array):,} rows, not {rows:,}")
    return result
