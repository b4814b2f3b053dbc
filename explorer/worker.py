"""Runs a step, or reads a file, in a child process: memory-mapped in and out, with progress, Stop and a memory limit.

The parent writes one JSON line a job to the child's standard input and reads JSON lines back: ``{"progress": [fraction, note]}``
and at last ``{"done": folder}`` or ``{"failed": sentence, "bug": bool}``. Whatever the child's libraries print goes to a log, never
into the protocol. A child that dies is a message.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from explorer.errors import Cancelled, InputError
from explorer.step import Progress

GRACE = 1.0  # seconds a step has to notice Stop before its process is ended
PAUSE = 0.1  # seconds between two messages of progress
LOG_TAIL = 2_000  # characters of the child's log that a crash message may hold


@dataclass
class Job:
    """A step that runs somewhere else. Read its fields from any thread; `stop` and `wait` as you like."""

    request: dict[str, Any]
    state: str = "waiting"  # waiting, running, done, failed or stopped
    fraction: float = 0.0
    note: str = ""
    folder: Path | None = None
    message: str = ""
    bug: bool = False
    started: float = field(default_factory=time.monotonic)
    _finished: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._finished.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been going."""
        return time.monotonic() - self.started

    def stop(self) -> None:
        """Ask for the end; the child has `GRACE` seconds to leave by itself."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> Job:
        """Wait for the end and give the job back."""
        self._finished.wait(timeout)
        return self

    def _end(self, state: str, message: str = "", *, bug: bool = False) -> None:
        self.state, self.message, self.bug = state, message, bug
        self._finished.set()


class Worker:
    """Child processes, kept warm: at most `limit` at once, further jobs wait their turn."""

    def __init__(self, limit: int | None = None) -> None:
        self._places = threading.Semaphore(limit or max(2, (os.cpu_count() or 2) // 2))
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: dict[_Child, Job] = {}
        self._coming: dict[str, Job] = {}
        self._closed = False

    def submit(self, request: dict[str, Any]) -> Job:
        """Start a job and return at once; where the same result is on its way already, that job is given.

        So a page that is loaded again finds its run going on, and two visits that want the same thing wait for it together.
        """
        out = request.get("out")
        with self._lock:
            known = self._coming.get(out) if out else None
            if known is not None and not known.finished and not known._stop.is_set():
                return known
            job = Job(request)
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
            job.folder = run(Progress(report, job._stop.is_set))
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
        """End all children; a job that runs is stopped."""
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
            if job._stop.is_set():
                return job._end("stopped")
        try:
            child = self._take(job)
            job.state, job.started = "running", time.monotonic()
            self._put_back(child, alive=child.serve(job))
        except OSError as problem:
            job._end("failed", f"no child process could be started ({problem})", bug=True)
        finally:
            self._places.release()
        return None

    def _put_back(self, child: _Child, *, alive: bool) -> None:
        with self._lock:
            del self._busy[child]
            if alive and not self._closed:
                self._idle.append(child)
                return
        child.clear()

    def _take(self, job: Job) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    break
                child.clear()
            else:
                child = _Child()
            self._busy[child] = job
            return child


class _Child:
    """One child process."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._jobs = 0  # Stop names its job, so that one that comes too late does not stop the next
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env=environment, text=True, encoding="utf-8", process_group=0,  # Ctrl-C in a terminal is the server's to handle
        )  # fmt: skip

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
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
        threading.Thread(target=self._watch_stop, args=(job, self._jobs, ended), daemon=True).start()
        try:
            self._send(job.request | {"number": self._jobs})
            alive = self._listen(job)
        finally:
            ended.set()
        return alive

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the child is gone: `_listen` says how

    def _listen(self, job: Job) -> bool:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "progress" in message:
                job.fraction, job.note = message["progress"]
            elif "done" in message:
                job.fraction, job.folder = 1.0, Path(message["done"]) if message["done"] else None
                job._end("done")
                return True
            elif "stopped" in message:
                job._end("stopped")
                return True
            else:
                job._end("failed", message["failed"], bug=message["bug"])
                return True
        if job._stop.is_set():
            job._end("stopped")
        else:
            job._end("failed", job.message or self._died(), bug=not job.message)
        return False

    def _watch_stop(self, job: Job, number: int, ended: threading.Event) -> None:
        while not ended.wait(0.02):
            limit = job.request.get("seconds")
            if limit and job.seconds > limit:
                job.message = f"gave up after {limit:g} seconds"
                self._process.kill()
                return
            if job._stop.is_set():
                self._send({"do": "stop", "number": number})
                if not ended.wait(GRACE):
                    self._process.kill()
                return

    def _died(self) -> str:
        code = self._process.wait()
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - LOG_TAIL))
        said = self._log.read().decode("utf-8", "replace").strip().splitlines()
        why = "it may have run out of memory" if code == -9 else f"exit code {code}"
        return f"the computation's process ended by itself ({why})" + (f": {said[-1]}" if said else "")


# The child's side. Everything heavy is imported there, when a job needs it.


def main() -> None:
    """Serve jobs from standard input until it closes."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    if hasattr(os, "nice"):
        os.nice(10)  # a page is drawn before a layout is computed
    say = _Speaker(out)
    requests = _Requests()
    threading.Thread(target=requests.read, args=(sys.stdin,), daemon=True).start()
    while True:
        request = requests.next()
        say(_answer(request, Progress(say.progress, requests.stop_of(request["number"]))))


class _Speaker:
    """One JSON line a message; progress at most ten times a second, and the last one soon, however long the step is silent then."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._last = 0.0
        self._held: list[Any] | None = None
        self._change = threading.Condition()
        threading.Thread(target=self._late, daemon=True).start()

    def __call__(self, message: dict[str, Any]) -> None:
        with self._change:
            self._held = None  # the job is over
            self._write(message)

    def progress(self, fraction: float, note: str) -> None:
        with self._change:
            if time.monotonic() - self._last > PAUSE:
                self._tell([fraction, note])
            else:
                self._held = [fraction, note]
                self._change.notify()

    def _late(self) -> None:
        while True:
            with self._change:
                while self._held is None:
                    self._change.wait()
            time.sleep(PAUSE)
            with self._change:
                if self._held is not None:
                    self._tell(self._held)

    def _tell(self, progress: list[Any]) -> None:
        self._last, self._held = time.monotonic(), None
        self._write({"progress": progress})

    def _write(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


class _Requests:
    """Reads ahead, so that Stop and the parent's end are noticed while a step runs."""

    def __init__(self) -> None:
        self.stopped = 0  # the number of the last job that was to stop
        self._waiting: list[dict[str, Any]] = []
        self._ready = threading.Condition()

    def read(self, source: IO[str]) -> None:
        try:
            for line in source:
                request = json.loads(line)
                if request["do"] == "stop":
                    self.stopped = request["number"]
                    continue
                with self._ready:
                    self._waiting.append(request)
                    self._ready.notify()
        finally:
            os._exit(0)  # the parent is gone, perhaps in the middle of a line

    def stop_of(self, number: int) -> Callable[[], bool]:
        return lambda: self.stopped >= number

    def next(self) -> dict[str, Any]:
        with self._ready:
            while not self._waiting:
                self._ready.wait()
            return self._waiting.pop(0)


def _answer(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    import traceback

    does: dict[str, Callable[..., str | None]] = {
        "run": _run_step, "estimate": _estimate, "read": _read_source, "labels": _read_labels, "warm": _warm,
    }  # fmt: skip
    try:
        return {"done": does[request["do"]](request, progress)}
    except Cancelled:
        return {"stopped": True}
    except InputError as problem:
        return {"failed": str(problem), "bug": False}
    except MemoryError:
        return {"failed": "not enough memory for this; use fewer items or another method", "bug": False}
    except OSError as problem:
        if problem.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            traceback.print_exc()
            return {"failed": f"{type(problem).__name__}: {problem}", "bug": True}
        return {"failed": f"the result cannot be kept ({problem.strerror}); free some disk, then run it again", "bug": False}
    except Exception as problem:  # the child's last door: the parent must hear of everything
        traceback.print_exc()
        return {"failed": f"{type(problem).__name__}: {problem}", "bug": True}


def _run_step(request: dict[str, Any], progress: Progress) -> str:
    import numpy as np

    from explorer.dataset import Dataset
    from explorer.step import find

    step = find(request["kind"], request["method"], **request["settings"])
    place = Path(request["data"])
    data: Any = Dataset.load(place) if place.is_dir() else np.load(place, mmap_mode="r", allow_pickle=False)
    out = Path(request["out"])
    step.run(data, progress, fingerprint=request["fingerprint"], store=out.parent).save(out)
    return request["out"]


def _estimate(request: dict[str, Any], progress: Progress) -> str:
    from explorer.dataset import Dataset
    from explorer.features.estimate import estimated
    from explorer.step import find

    step: Any = find("extract", request["method"], **request["settings"])
    out = Path(request["out"])
    estimated(step, Dataset.load(Path(request["data"])), progress, Path(request["store"])).save(out)
    return str(out)


def _read_source(request: dict[str, Any], progress: Progress) -> str:
    from explorer.sources import read

    _limit_memory(request.get("memory"))
    read(request["source"], **request["options"]).save(Path(request["out"]))
    return request["out"]


def _read_labels(request: dict[str, Any], progress: Progress) -> str:
    from explorer.sources.given_labels import kept_ids, read_labels

    _limit_memory(request.get("memory"))
    known = kept_ids(Path(request["known"])) if request["known"] else None
    read_labels(request["source"], known=known, **request["options"]).save(Path(request["out"]))
    return request["out"]


def _limit_memory(limit: int | None) -> None:
    if limit and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # not RLIMIT_AS: a mapped file may be larger than memory


def _warm(request: dict[str, Any], progress: Progress) -> None:
    """Run the slowest steps to start on a handful of points: numba compiles umap-learn anew in every process."""
    import numpy as np

    from explorer.step import find

    points = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    layout = find("reduce", "umap", n_epochs=10).run(points, progress).values
    find("cluster", "hdbscan").run(layout, progress)


def read_apart(source: str, out: Path, **options: Any) -> Any:
    """Read a source in a child process, so that a file that crashes, hangs or eats memory costs a message and nothing else.

    Returns
    -------
    Dataset
        Memory-mapped from `out`, which must outlive it.
    """
    from explorer.dataset import Dataset

    return Dataset.load(_apart({"do": "read", "source": str(source), "options": options, "out": str(out)}))


def read_labels_apart(path: str | Path, known: Any = None, **options: Any) -> Any:
    """Read a file of labels (`explorer.sources.given_labels.read_labels`) in a child process, for the same reasons.

    Returns
    -------
    GivenLabels
    """
    from explorer.sources.given_labels import GivenLabels, keep_ids

    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        ids, out = Path(folder) / "ids.arrow", Path(folder) / "labels.arrow"
        if known is not None:
            keep_ids(known, ids)
        request = {"do": "labels", "source": str(path), "options": options, "known": None if known is None else str(ids)}
        return GivenLabels.load(_apart(request | {"out": str(out)}))


def _apart(request: dict[str, Any]) -> Path:
    """Where a child of its own, which may take so much memory and time, has put what it read."""
    worker = Worker(limit=1)
    try:
        job = worker.submit(request | {"memory": _memory_allowed(), "seconds": 3600}).wait()
    finally:
        worker.close()
    if job.state != "done" or job.folder is None:
        raise InputError(job.message if not job.bug else f"{request['source']} cannot be read: {job.message}")
    return job.folder


def _memory_allowed() -> int | None:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.75)
    except (ValueError, OSError, AttributeError):
        return None


if __name__ == "__main__":
    main()
