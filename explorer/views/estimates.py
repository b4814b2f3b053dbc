"""What the next extraction will take, shown before its Run button: measured in a child process once the settings stand still."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from explorer.errors import InputError
from explorer.installation.amounts import size
from explorer.step import Step

if TYPE_CHECKING:
    from explorer.features.estimate import Estimate
    from explorer.session import Session
    from explorer.worker import Job

STILL = 0.7  # seconds that settings stay as they are before anything is measured
LONGEST = 60.0  # seconds that measuring may take: a slow model has said enough by then


class Estimates:
    """One estimate at a time, of the step that was last asked about; `poll` moves it on and nothing here waits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, Estimate | str] = {}  # by the step's key; a text says why there is none
        self._wanted: tuple[str, Step, float] | None = None
        self._job: tuple[str, Job] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is measured, or soon will be."""
        return self._job is not None or self._wanted is not None

    def of(self, step: Step, *, still: float = STILL) -> Estimate | str | None:
        """The estimate, or why there is none; None while it is measured, which begins when the step has stood still so long."""
        key = step.key(self._session.dataset.fingerprint)
        if key in self._known:
            return self._known[key]
        if self._job is not None and self._job[0] == key:
            return None
        if self._wanted is None or self._wanted[0] != key:
            self._drop()
            self._wanted = (key, step.copy(), time.monotonic() + still)
        return None

    def forget(self) -> None:
        """Features were computed, or are now: what was known of how much is left is no longer true."""
        self._drop()
        self._known.clear()

    def _drop(self) -> None:
        self._wanted = None
        if self._job is not None:
            self._job[1].stop()
            self._job = None

    def poll(self) -> None:
        """Begin what has waited long enough, and take over what was found."""
        if self._wanted is not None and time.monotonic() >= self._wanted[2]:
            key, step, _ = self._wanted
            self._wanted = None
            self._begin(key, step)
        if self._job is not None and self._job[1].finished:
            key, job = self._job
            self._job = None
            if job.state == "stopped":  # by another visit that shared it: it is asked for again
                return
            try:
                self._known[key] = self._session.estimated(job)
            except (InputError, OSError, ValueError) as problem:
                self._known[key] = "" if job.bug else str(problem)
        elif self._job is not None and self._job[1].seconds > LONGEST:
            self._known[self._job[0]] = "a few items take over a minute"
            self._drop()

    def _begin(self, key: str, step: Step) -> None:
        try:
            job = self._session.start_estimate(step)
        except (InputError, OSError) as problem:
            self._known[key] = str(problem)
            return
        if job is None:
            self._known[key] = ""
        else:
            self._job = key, job

    def short_of_disk(self, needed: int) -> str:
        """What to say where that many bytes do not fit beside the other results; empty where they do."""
        free = shutil.disk_usage(self._session.workspace.writable_folder).free
        if needed < free:
            return ""
        return f"the features need {size(needed)} of disk and {size(free)} are free: free some, or set precision=float16"
