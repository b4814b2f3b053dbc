"""Child processes, kept warm, and which job goes to which of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Cancelled, InputError
from explorer.progress import Progress
from explorer.worker import files
from explorer.worker.job import Job
from explorer.worker.process import Child

if TYPE_CHECKING:
    import numpy as np


class Worker:
    """Child processes, kept warm: at most `limit` at once, further jobs wait their turn."""

    def __init__(self, limit: int | None = None) -> None:
        self._places = threading.Semaphore(limit or max(2, (os.cpu_count() or 2) // 2))
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: dict[Child, Job] = {}
        self._coming: dict[str, Job] = {}
        self._closed = False

    def submit(self, request: dict[str, Any], beside: Mapping[str, np.ndarray] | None = None) -> Job:
        """Start a job and return at once; where the same result is on its way already, that job is given.

        So a page that is loaded again finds its run going on, and two visits that want the same thing wait for it together.
        What a step has `beside` the data goes to the child in files, which are removed when the job is over.

        Raises
        ------
        InputError
            Where there is no room for these files.
        """
        out = request.get("out")
        with self._lock:
            known = self._coming.get(out) if out else None
            if known is not None and not known.finished and not known._stop.is_set():
                return known
            job = Job(request | files.made(beside or {}, live=request.get("kind") == "reduce"))
            if out:
                self._coming = {place: one for place, one in self._coming.items() if not one.finished} | {out: job}
        threading.Thread(target=self._run, args=(job,), name="explorer-job", daemon=True).start()
        return job

    def run_here(self, run: Callable[[Progress], Path]) -> Job:
        """Run a step that a child could not find by its name (one written in a notebook's cell) in a thread of this process."""
        job = Job({}, state="running")
        threading.Thread(target=self._here, args=(job, run), name="explorer-step", daemon=True).start()
        return job

    @staticmethod
    def _here(job: Job, run: Callable[[Progress], Path]) -> None:
        def report(fraction: float, note: str) -> None:
            job.fraction, job.note = fraction, note

        try:
            progress = Progress(report, job._stop.is_set, lambda values: job.look(values, kept=progress.keeps))
            job.folder = run(progress)
        except Cancelled:
            job._end("stopped")
        except InputError as problem:
            job._end("failed", str(problem))
        except Exception as problem:  # somebody else's step: whatever it raises is a message on the page
            job._end("failed", f"{type(problem).__name__}: {problem}", bug=True)
        else:
            job.fraction = 1.0
            job._end("done")

    def warm(self) -> None:
        """Have a child ready that has imported and compiled what takes long, unless there is one that works already."""
        with self._lock:
            if self._busy or self._idle or self._closed:
                return
        self.submit({"do": "warm"})

    def close(self) -> None:
        """End all children; a job that runs, waits or comes yet is stopped."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for child, job in self._busy.items():
                job.stop()
                child.end()  # whoever listens to it clears it away
        for child in idle:
            child.clear()

    def _run(self, job: Job) -> None:
        while not self._places.acquire(timeout=0.05):
            if job._stop.is_set() or self._closed:
                return job._end("stopped")
        try:
            child = self._take(job)
            if child is None:
                return job._end("stopped")
            job.state, job.started = "running", time.monotonic()
            alive = False
            try:
                alive = child.serve(job)
            finally:
                self._put_back(child, alive=alive)
        except OSError as problem:
            job._end("failed", f"no child process could be started ({problem})", bug=True)
        finally:
            self._places.release()
        return None

    def _put_back(self, child: Child, *, alive: bool) -> None:
        with self._lock:
            del self._busy[child]
            if alive and not self._closed:
                self._idle.append(child)
                return
        child.clear()

    def _take(self, job: Job) -> Child | None:
        """A child for a job; None where all is closed."""
        with self._lock:
            if self._closed:
                return None
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    break
                child.clear()
            else:
                child = Child()
            self._busy[child] = job
            return child


__all__ = ["Worker"]
