"""The child process: it computes, says how far it is, stops when asked, and when it dies that is a message."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from waiting import until

from explorer import InputError
from explorer.step import Progress, Result
from explorer.worker import GRACE, Job, Worker, process, read_apart

# A plug-in as somebody else would install it: steps that wait, die, fail and talk.
PLUGIN = """
    import os, sys, time
    import numpy as np, param
    from explorer import Reducer, InputError

    class Odd(Reducer):
        "Does what it is told."
        method = "odd"
        what = param.String("nothing")

        def compute(self, vectors, progress):
            print("a library that prints into the protocol")
            os.write(1, b"even past Python\\n")
            if self.what == "wait":
                for step in range(3_000):
                    progress(step / 3_000, f"step {step}")
                    time.sleep(0.01)
            if self.what == "hang":
                progress(0.5, "hanging")
                time.sleep(60)
            if self.what == "die":
                sys.stderr.write("last words\\n")
                sys.stderr.flush()
                os.kill(os.getpid(), 9)
            if self.what == "half":
                os.write(3, b'{"progress": [0.')  # where the child's messages go
                os.kill(os.getpid(), 9)
            if self.what == "odd":
                os.write(3, b'{"progress": [0.{"done": "where"}\\n')
                time.sleep(60)
            if self.what == "exit":
                os._exit(3)
            if self.what == "bug":
                raise RuntimeError("a mistake \\u2028 in it")
            if self.what == "input":
                raise InputError("too few rows; give more")
            if self.what == "memory":
                raise MemoryError
            progress(1.0)
            return vectors[:, :2] * 2
"""


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "vectors.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory):
    """One worker for all, whose children know the plug-in."""
    place = tmp_path_factory.mktemp("plugin")
    (place / "odd_plugin.py").write_text(textwrap.dedent(PLUGIN))
    about = place / "odd_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[explorer.reduce]\nodd = odd_plugin:Odd\n")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(place) + (os.pathsep + before if before else "")
    worker = Worker(limit=1)
    yield worker
    worker.close()
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture
def odd(worker: Worker, vectors: Path, tmp_path: Path):
    """Starts the plug-in's step."""

    started = []

    def start(what: str) -> Job:
        started.append(worker.submit(request("odd", vectors, tmp_path / f"out-{what}", what=what)))
        return started[-1]

    yield start
    for job in started:
        job.stop()
        job.wait(60)


def request(method: str, data: Path, out: Path, **settings) -> dict:
    step = {"do": "run", "kind": "reduce", "method": method, "settings": settings}
    return step | {"data": str(data), "fingerprint": "f", "out": str(out)}


def test_a_step_in_a_child_gives_what_it_gives_here(worker: Worker, vectors: Path, tmp_path: Path) -> None:
    from explorer.step import find

    job = worker.submit(request("pca", vectors, tmp_path / "out")).wait(60)
    assert (job.state, job.message, job.fraction, job.folder) == ("done", "", 1.0, tmp_path / "out")
    result = Result.load(job.folder)
    here = find("reduce", "pca").run(np.load(vectors), fingerprint="f")
    assert np.array_equal(result.values, here.values)
    assert (result.key, result.settings) == (here.key, here.settings)


def test_two_who_want_the_same_result_wait_for_one_job(odd) -> None:
    first = odd("hang")
    assert odd("hang") is first
    assert odd("nothing") is not first
    first.stop()
    assert first.wait(50).state == "stopped"
    assert odd("hang") is not first


def test_what_a_library_prints_does_no_harm(odd) -> None:
    assert odd("nothing").wait(60).state == "done"


def test_progress_goes_up_and_stop_leaves_nothing(odd, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE", 30)  # the step hears Stop and leaves by itself: its process is not ended
    job = odd("wait")
    until(lambda: job.fraction > 0, "progress")
    assert (job.state, job.finished) == ("running", False)
    first = job.fraction
    until(lambda: job.fraction > first, "progress")
    assert job.note.startswith("step ")
    (child,) = worker._busy
    job.stop()
    assert job.wait(60).state == "stopped"
    until(lambda: worker._idle == [child], "the same child to rest")
    assert child.alive
    assert list(tmp_path.iterdir()) == []
    assert odd("nothing").wait(60).state == "done"  # a Stop is not left for the next


def test_a_process_that_was_ended_as_its_job_came_to_its_end_gets_no_other(odd, monkeypatch: pytest.MonkeyPatch) -> None:
    real, killed = Job._end, threading.Event()
    monkeypatch.setattr(process, "GRACE", 0.3)
    monkeypatch.setattr(process.Child, "_kill", lambda self: (self._process.kill(), setattr(self, "_killed", True), killed.set()))
    monkeypatch.setattr(Job, "_end", lambda self, *args, **more: (killed.wait(30), real(self, *args, **more)))
    child, job = process.Child(), Job({"do": "run"})  # a request without settings, which fails at once
    job.stop()
    try:
        assert child.serve(job) is False
    finally:
        child.clear()


def test_a_step_that_hears_nothing_is_ended(odd, worker: Worker, tmp_path: Path) -> None:
    job = odd("hang")
    until(lambda: job.fraction > 0, "progress")
    (child,) = worker._busy
    asked = time.monotonic()
    job.stop()
    assert job.wait(50).state == "stopped", "before it would have come to its end"
    assert time.monotonic() - asked > GRACE * 0.9
    until(lambda: child._process.returncode == -signal.SIGKILL, "its process to be ended")
    assert list(tmp_path.iterdir()) == []
    assert odd("nothing").wait(60).state == "done"


def test_a_job_can_be_stopped_while_it_waits_its_turn(odd) -> None:
    first, second = odd("hang"), odd("nothing")
    until(lambda: first.fraction > 0, "progress")
    assert second.state == "waiting"
    second.stop()
    assert second.wait(30).state == "stopped"
    first.stop()
    first.wait(60)


@pytest.mark.parametrize(
    ("what", "says", "bug"),
    [
        ("die", "ended by itself (it may have run out of memory): last words", True),
        ("half", "ended by itself", True),
        ("odd", """said what is no message: '{"progress": [0.{"done": "where"}'; a step may print""", True),
        ("exit", "ended by itself (exit code 3)", True),
        ("bug", "RuntimeError: a mistake \u2028 in it", True),
        ("input", "too few rows; give more", False),
        ("memory", "not enough memory", False),
    ],
)
def test_what_goes_wrong_is_a_message_and_the_next_job_works(odd, tmp_path: Path, what: str, says: str, bug: bool) -> None:
    job = odd(what).wait(60)
    assert job.state == "failed"
    assert says in job.message
    assert job.bug is bug
    assert list(tmp_path.iterdir()) == []
    assert odd("nothing").wait(60).state == "done"


def test_a_child_that_is_killed_from_outside_is_a_message(odd, worker: Worker) -> None:
    job = odd("hang")
    until(lambda: job.fraction > 0, "progress")
    (child,) = worker._busy  # kept warm: one for all jobs
    os.kill(child._process.pid, signal.SIGKILL)
    assert job.wait(50).state == "failed"
    assert "ended by itself" in job.message
    assert odd("nothing").wait(60).state == "done"


def test_unknown_methods_and_settings_are_a_sentence(worker: Worker, vectors: Path, tmp_path: Path) -> None:
    job = worker.submit(request("pac", vectors, tmp_path / "out")).wait(60)
    assert (job.state, job.bug) == ("failed", False)
    assert "did you mean 'pca'" in job.message
    job = worker.submit(request("pca", vectors, tmp_path / "out", random_state=-1)).wait(60)
    assert "random_state=-1 is not allowed" in job.message


def test_closing_leaves_no_process(vectors: Path, tmp_path: Path) -> None:
    worker = Worker(limit=2)
    worker.warm()
    assert worker.submit(request("pca", vectors, tmp_path / "out")).wait(60).state == "done"
    until(lambda: worker._idle and not worker._busy, "a child that rests")
    children = [child._process for child in worker._idle]
    worker.close()
    assert all(process.returncode == -signal.SIGKILL for process in children)


def test_closing_while_a_job_runs_stops_it(vectors: Path, tmp_path: Path) -> None:
    worker = Worker(limit=1)
    seen = []
    old, threading.excepthook = threading.excepthook, lambda given: seen.append(given)
    try:
        job = worker.submit({"do": "warm"})
        until(lambda: bool(worker._busy), "a child that works")
        waiting = worker.submit(request("pca", vectors, tmp_path / "out"))
        worker.close()
        assert job.wait(50).state == "stopped"
        assert waiting.wait(50).state == "stopped"
        assert worker.submit(request("pca", vectors, tmp_path / "late")).wait(50).state == "stopped"
        until(lambda: not worker._busy, "no child that works")
    finally:
        threading.excepthook = old
    assert seen == []


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    import subprocess

    code = textwrap.dedent("""
        import os, time
        from explorer.worker import Worker
        worker = Worker()
        worker.submit({"do": "import", "modules": ["json"]}).wait(60)
        while not worker._idle:
            time.sleep(0.01)
        print([child._process.pid for child in worker._idle], flush=True)
        os.kill(os.getpid(), 9)
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    (pid,) = json.loads(done.stdout)
    until(lambda: _gone(pid), "the end of the child")


def _gone(pid: int) -> bool:
    """Whether there is no such process, or only its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return True


def test_the_files_of_a_job_end_with_the_parent_too(odd, vectors: Path, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "files").mkdir()
    code = textwrap.dedent(f"""
        import os, time
        import numpy as np
        from explorer.worker import Worker
        wanted = {request("odd", vectors, tmp_path / "out", what="wait")!r}
        job = Worker().submit(wanted, {{"earlier": np.zeros((60, 2), np.float32)}})
        while not job.fraction:
            time.sleep(0.01)
        print(len(os.listdir({str(tmp_path / "files")!r})), flush=True)
        os.kill(os.getpid(), 9)
    """)
    environment = os.environ | {"TMPDIR": str(tmp_path / "files")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout == "2\n"
    until(lambda: not os.listdir(tmp_path / "files"), "no file")


def test_where_a_job_has_no_room_it_is_a_sentence(
    worker: Worker, vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource
    import tempfile

    (tmp_path / "files").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "files"))
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))  # files can be no larger: as a disk that is full
    try:
        with pytest.raises(InputError, match=r"has no room .* free some disk"):
            worker.submit(request("pca", vectors, tmp_path / "out"), {"few": np.zeros(3), "many": np.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not os.listdir(tmp_path / "files")


def test_a_step_of_this_process_runs_in_a_thread(tmp_path: Path) -> None:
    worker = Worker()

    def run(progress: Progress) -> Path:
        for step in range(1_000):
            progress(step / 1_000, "here")
            time.sleep(0.005)
        return tmp_path

    job = worker.run_here(run)
    until(lambda: job.fraction > 0, "progress")
    job.stop()
    assert job.wait(60).state == "stopped"
    assert worker.run_here(lambda progress: tmp_path).wait(60).folder == tmp_path

    def fails(progress: Progress) -> Path:
        raise InputError("no")

    def breaks(progress: Progress) -> Path:
        raise KeyError("no")

    assert (worker.run_here(fails).wait(60).message, worker.run_here(fails).wait(60).bug) == ("no", False)
    assert worker.run_here(breaks).wait(60).bug


# Files that nobody should trust


def test_a_good_file_is_read_apart(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("name,n\na,1\nb,2\nc,3\n")
    dataset = read_apart(str(tmp_path / "good.csv"), tmp_path / "out", id="name")
    assert dataset.ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("bad.parquet", b"PAR1 this is none", "bad.parquet"),
        ("bad.csv", b"a,b\n1,2,3\n", "bad.csv"),
        ("bad.npy", b"\x93NUMPY\x01\x00", "bad.npy"),
        ("empty.csv", b"", "empty"),
        ("bad.xyz", b"x", "ends in"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=says):
        read_apart(str(tmp_path / name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_takes_too_long_is_given_up() -> None:
    worker = Worker(limit=1)
    try:
        job = worker.submit({"do": "import", "modules": ["umap"], "seconds": 0.01}).wait(60)
    finally:
        worker.close()
    assert job.state == "failed"
    assert "gave up after 0.01 seconds" in job.message
    assert not job.bug
