"""One child process as its parent sees it: a request in, messages out, Stop, and what it said before it died."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from explorer.worker.job import Job

GRACE = 1.0  # seconds a step has to notice Stop before its process is ended
ROUND = 15.0  # the same for one that has shown what it has: it asks between rounds, and one of a million items takes seconds
KEEPING = 60.0  # seconds it has to put away what it keeps, once it has said that it does
DYING = 5.0  # seconds in which a process that said something odd may end by itself
ODD_SHOWN = 100  # characters of that which are shown
LOG_TAIL = 2_000  # characters of the child's log that a crash message may hold


class Child:
    """One child process."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._killed = False
        self._jobs = 0  # Stop names its job, so that one that comes too late does not stop the next
        # OpenMP's threads would else spin while they wait, on cores that others need: t-SNE beside other work took a third longer.
        environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | {"PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env=environment, text=True, encoding="utf-8", errors="replace",
            process_group=0,  # Ctrl-C in a terminal is the server's to handle
        )  # fmt: skip

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()

    def clear(self) -> None:
        """End it and close what led to it."""
        self.end()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # a pipe into a process that is gone

    def serve(self, job: Job) -> bool:
        """Run a job to its end; whether the child can take another."""
        ended = threading.Event()
        self._jobs += 1
        watcher = threading.Thread(target=self._watch_stop, args=(job, self._jobs, ended), daemon=True)
        watcher.start()
        try:
            self._send(job.request | {"number": self._jobs})
            alive = self._listen(job)
        finally:
            ended.set()
            watcher.join()  # it may have lost patience as the job ended, and the next one must not get a process that was killed
        return alive and not self._killed

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the child is gone: `_listen` says how

    def _listen(self, job: Job) -> bool:
        assert self._process.stdout is not None
        odd = ""
        for line in self._process.stdout:
            try:
                if self._heard(job, json.loads(line)):
                    return True
            except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
                odd = line  # it died while it wrote this, or a step wrote where messages go: the end of the job may have been in it
                break
        if job._stop.is_set():
            job._end("stopped")
        else:
            job._end("failed", job.message or self._died(odd), bug=not job.message)
        return False

    def _heard(self, job: Job, message: dict[str, Any]) -> bool:
        """Take up what the child says; whether the job is over."""
        if "progress" in message:
            job.fraction, job.note = message["progress"]
        elif "shown" in message:
            job.shown, job.kept = message["shown"], message["kept"]
        elif "keeping" in message:
            job._keeps.set()
        else:
            self._over(job, message)
            return True
        return False

    @staticmethod
    def _over(job: Job, message: dict[str, Any]) -> None:
        if "done" in message:
            job.fraction, job.folder = 1.0, Path(message["done"]) if message["done"] else None
            unwanted = job._stop.is_set() and job.request.get("do") == "read"  # it was quicker than Stop, and nobody wants it
            job._end("stopped" if unwanted else "done")
        elif "stopped" in message:
            job._end("stopped")
        else:
            job._end("failed", message["failed"], bug=message["bug"])

    def _watch_stop(self, job: Job, number: int, ended: threading.Event) -> None:
        while not ended.wait(0.02):
            limit = job.request.get("seconds")
            if limit and job.seconds > limit:
                job.message = f"gave up after {limit:g} seconds"
                self._kill()
                return
            if job._stop.is_set():
                self._send({"do": "stop", "number": number})
                if not ended.wait(ROUND if job.kept else GRACE) and not (job._keeps.is_set() and ended.wait(KEEPING)):
                    self._kill()
                return

    def _kill(self) -> None:
        self._killed = True
        self._process.kill()

    def _died(self, odd: str) -> str:
        """How it ended, or the `odd` thing that it said and did not end after."""
        try:
            code = self._process.wait(DYING if odd else None)
        except subprocess.TimeoutExpired:
            shown = repr(odd.strip()[:ODD_SHOWN])
            return f"the computation's process said what is no message: {shown}; a step may print, but write to no other's file"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - LOG_TAIL))
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()
        why = "it may have run out of memory" if code == -9 else f"exit code {code}"
        return f"the computation's process ended by itself ({why})" + (f": {said[-1]}" if said else "")


__all__ = ["GRACE", "KEEPING", "ROUND", "Child"]
