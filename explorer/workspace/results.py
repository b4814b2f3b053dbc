"""Results by their key, the dataset as a child process reads it, saved selections: all of a workspace but its labels."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

import param

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.grid import Grid
from explorer.step import Result
from explorer.workspace.files import read_json, write_json


class Results(param.Parameterized):
    """What one dataset's steps made.

    `folder` is where things are read from; what is new goes to `spare` where that is set, because the folder cannot be written.
    """

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        super().__init__()
        self.dataset = dataset
        self.folder = folder
        self.spare: Path | None = None
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
            if read_json(place / "manifest.json").get("fingerprint") != self.dataset.fingerprint:
                place = self.writable_folder / "dataset"
                if read_json(place / "manifest.json").get("fingerprint") != self.dataset.fingerprint:
                    self._replace_dataset(place)
        return place

    def _replace_dataset(self, folder: Path) -> None:
        fresh, before = (Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent)) for _ in range(2))
        try:
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
        return kept if self.spare is None or (kept / "settings.json").exists() else self.spare / below

    def get(self, kind: str, method: str, key: str) -> Result | None:
        """A result computed before, or None.

        Raises
        ------
        InputError
            When it is there and damaged.
        """
        folder = self.result_folder(kind, method, key)
        if not (folder / "settings.json").exists():
            return None
        try:
            return Result.load(folder)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as problem:
            raise InputError(f"{folder} is damaged ({problem}); delete that folder, and it is computed again") from problem

    def put(self, result: Result) -> Result:
        """Keep a result; it is whole on disk or absent."""
        folder = self.result_folder(result.kind, result.method, result.key)
        try:
            result.save(folder)
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"the {result.method} result cannot be kept in {folder} ({why}); free some disk") from problem
        return result

    def grid(self, layout: Result) -> Grid:
        """A layout's grid, made once for all the sessions that look at it."""
        with self._grids_lock:
            made = self._grids.get(layout.key)
            if made is None:
                self._grids[layout.key] = made = Grid.of(layout.values)
            return made

    def remember(self, results: dict[str, Result | None]) -> None:
        """Write down which results are the current ones, so that the next visit begins with them."""
        current = {name: [r.kind, r.method, r.key] for name, r in results.items() if r is not None}
        try:
            write_json(self.writable_folder / "current.json", {"fingerprint": self.dataset.fingerprint, "results": current})
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"{self.writable_folder} cannot be written ({why}); free some disk, then do it again") from problem

    def recall(self) -> dict[str, Result]:
        """The results that were current when the workspace was last used with this same dataset."""
        known = read_json(self.folder / "current.json")
        if known.get("fingerprint") != self.dataset.fingerprint:
            return {}
        try:
            found = {str(name): self.get(*map(str, address)) for name, address in known["results"].items()}
        except (TypeError, AttributeError, KeyError) as problem:
            raise InputError(f"{self.folder}/current.json is damaged ({problem}); delete it: it holds no labels") from problem
        return {name: result for name, result in found.items() if result is not None and len(result.values) == len(self.dataset)}

    def selections(self) -> dict[str, Any]:
        """The saved selections as plain values by name, in the order in which they were made."""
        found = read_json(self.writable_folder / "selections.json") or read_json(self.folder / "selections.json")
        found = found.get("selections", {})
        if not isinstance(found, dict):
            raise InputError(f"{self.folder}/selections.json is damaged; restore or delete it, the labels are not in it")
        return found
