"""One source that is being read in a child process, as a file nobody should trust, and what was found in it."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.sources.options import is_address
from explorer.views.start.found import ROLES, arrays_of, found, said
from explorer.views.start.samples import kept_in
from explorer.worker import Job, Worker, reading
from explorer.workspace.beside import beside
from explorer.workspace.glance import labels_in

LONGEST = 4096  # characters of a path or address


@dataclass(eq=False)
class Reading:
    """A source with the roles that a person chose, on its way to a dataset.

    Attributes
    ----------
    key
        What the page calls it; nobody can guess it.
    known
        Columns and arrays of the source that an earlier reading of it found: a role may be given to them again.
    """

    source: str
    roles: dict[str, str]
    folder: Path
    known: list[str] = field(default_factory=list)
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    dataset: Dataset | None = None
    said: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._worker = Worker(limit=1)
        options = {name: column for name, column in self.roles.items() if name != "label"}
        self.job: Job = reading(self._worker, self.source, self.folder, **options)

    @property
    def workspace(self) -> Path:
        """Where its labels are kept, unless somebody says otherwise."""
        return kept_in(self.source) or beside(self.source)

    def state(self) -> dict[str, Any]:
        """How far it is; once read, what was found. It may take a moment: not for the thread that answers."""
        told: dict[str, Any] = {"source": self.source, "roles": self.roles, "state": self.job.state}
        if not self.job.finished:
            return told | {"seconds": round(self.job.seconds, 1), "note": self.job.note, "fraction": self.job.fraction}
        with self._lock:
            if not self.said:
                self.said = self._finish()
        return told | self.said

    def _finish(self) -> dict[str, Any]:
        self._worker.close()
        if self.job.state == "stopped":
            return {"state": "stopped", "message": "stopped; nothing was opened"}
        if self.job.state != "done" or self.job.folder is None:
            why = self.job.message if not self.job.bug else f"{self.source!r} cannot be read: {self.job.message}"
            return {"state": "failed", "message": said(why), "columns": self.known}
        try:
            dataset = Dataset.load(self.job.folder)
            self._check_label(dataset)
        except InputError as problem:
            return {"state": "failed", "message": said(str(problem)), "columns": self.known}
        self.dataset = dataset
        self.known = list(dict.fromkeys([*dataset.columns, *self.known, *arrays_of(self.source)]))
        return {"state": "done", "found": found(dataset), "columns": self.known, "kept": self.kept()}

    def _check_label(self, dataset: Dataset) -> None:
        label = self.roles.get("label")
        if label is not None and label not in dataset.kinds:
            raise unknown(f"column of {dataset.name}", label, dataset.columns)

    def kept(self) -> dict[str, Any]:
        """Where labels go, how many are there already, or why that place cannot be used."""
        assert self.dataset is not None
        place = self.workspace
        told: dict[str, Any] = {"folder": str(place.absolute()), "name": place.name, "labels": None, "problem": ""}
        try:
            told["labels"] = labels_in(place, self.dataset)
        except InputError as problem:
            told["problem"] = str(problem).replace("choose another --workspace", "keep labels in memory, or move that folder")
        return told

    def stop(self) -> None:
        """End it, where it is going on."""
        self.job.stop()

    def close(self) -> None:
        """Let it go, with what was read: only for what is not open, or no longer."""
        self.job.stop()
        self._worker.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def checked_source(given: Any) -> str:
    """A path, made absolute, or an address, as a person typed it.

    Raises
    ------
    InputError
        When it is neither.
    """
    text = given.strip() if isinstance(given, str) else ""
    if not text or len(text) > LONGEST or "\0" in text:
        raise InputError("no file was named; give the path of a file or folder on this computer, or an https:// address")
    if is_address(text):
        return text
    return str(Path(os.path.expanduser(text)).absolute())


def checked_roles(given: Any) -> dict[str, str]:
    """The roles that were chosen, by name.

    Raises
    ------
    InputError
        For a role that is not known, or a column that is no name.
    """
    if not isinstance(given, dict):
        raise InputError("the roles are not right; choose the columns again")
    for role, column in given.items():
        if role not in ROLES:
            raise unknown("role", role, ROLES)
        if not isinstance(column, str) or len(column) > LONGEST:
            raise InputError(f"the column for “{ROLES[role]}” is not a name; choose it again")
    return {role: column for role, column in given.items() if column}


__all__ = ["Reading", "checked_roles", "checked_source"]
