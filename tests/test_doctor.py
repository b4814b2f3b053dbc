"""`explorer doctor` in environments that are really there: made with venv, with packages in them, and wrong in one way each."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import until

from explorer.installation import comm_advice, hub, questions, takes
from explorer.installation.child import NoAnswer, answer, output
from explorer.installation.commands import pip_line, shown
from explorer.installation.computing import compiled_findings
from explorer.installation.finding import Finding, worst
from explorer.installation.packages import lacking
from explorer.installation.room import memory, memory_left, memory_limit, usable_cores, writable

ROOT = Path(__file__).parents[1]
MANAGER = "@jupyter-widgets/jupyterlab-manager"


class Environment:
    """A virtual environment in which the packages have a name, a version and nothing in them."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        self.packages = next((folder / "lib").glob("python*")) / "site-packages"
        (self.packages / "checkout.pth").write_text(f"{ROOT}\n")

    def install(self, **versions: str) -> Environment:
        for name, version in versions.items():
            about = self.packages / f"{name}-{version}.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            (self.packages / name).mkdir(exist_ok=True)
            (self.packages / name / "__init__.py").touch()
        return self

    def real(self, *names: str) -> Environment:
        """Packages of the environment that the tests run in."""
        for name in names:
            (self.packages / name).symlink_to(Path(importlib.import_module(name).__file__ or "").parent)
            about = self.packages / f"{name}-{distribution(name).version}.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(distribution(name).read_text("METADATA") or "")
        return self

    def page_half(self, **versions: str) -> Environment:
        for name, version in versions.items():
            part = self.folder / "share/jupyter/labextensions" / (MANAGER if name == "manager" else name)
            part.mkdir(parents=True)
            (part / "package.json").write_text(json.dumps({"name": part.name, "version": version}))
        return self

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("JPY", "PYTHON", "VSCODE", "COLAB", "SSH"))
        }
        env = kept | {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "COLUMNS": "100"} | variables
        return subprocess.run([self.python, *words], capture_output=True, text=True, timeout=60, env=env, cwd=self.folder)

    def doctor(self, *more: str, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
        """The exit status, and the findings by name."""
        done = self.run("-m", "explorer.cli", "doctor", "--json", "--quick", *more, **variables)
        return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["findings"]}

    def advice(self, **variables: str) -> str:
        return self.run("-c", "from explorer.installation import comm_advice; print(comm_advice())", **variables).stdout.strip()


@pytest.fixture
def here(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Environment:
    """The environment that JupyterLab runs in, another one; its command can be put on the path."""
    made = Environment(tmp_path / "there")
    command = made.folder / "bin" / "jupyter-lab"
    command.write_text(f"#!{made.python}\nimport time\ntime.sleep(60)\n")
    command.chmod(0o755)
    return made


# The whole report


def test_an_empty_environment_is_reported_whole_and_exits_with_2(here: Environment) -> None:
    """Not one library of explorer's own is there, and the doctor still says all it can."""
    about = here.packages / "embedding_explorer-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(distribution("embedding-explorer").read_text("METADATA") or "")
    done = here.run("-m", "explorer.cli", "doctor", "--quick")
    assert done.returncode == 2
    assert done.stderr.startswith("explorer: 1 problem and ")
    assert len(done.stderr.splitlines()) == 1
    lines = done.stdout.splitlines()
    assert {"packages", "notebook", "browser", "desktop", "models", "machine"} <= set(lines)
    assert {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "} == {"ok", "note", "problem"}
    status, found = here.doctor()
    assert status == 2
    assert found["needed"]["mark"] == "problem"
    assert found["kernel half"]["mark"] == "note", "nobody uses notebooks from here"
    assert not [each for each in found.values() if "could not be looked at" in each["found"]]


def test_this_installation_answers_as_text_and_as_data() -> None:
    command = [sys.executable, "-m", "explorer.cli", "doctor", "--quick"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    data = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=True).stdout)
    assert data["versions"]["panel"]
    assert data["executable"] == sys.executable
    assert set(data["areas"].values()) <= {"ok", "note"}
    said = " ".join(text.split())
    for each in data["findings"]:
        assert f"{each['mark']} {each['name']}" in said
        assert each["advice"] or each["mark"] == "ok" or each["name"] == "wsl", each
    assert text.splitlines()[-1].startswith("explorer: no problem")
    lines = [line for line in text.splitlines() if line.startswith("  ") and line[2] != " "]
    assert {len(line[:27].rstrip()) < 27 and line[27] != " " for line in lines} == {True}, "the columns are aligned"


def test_the_doctor_imports_no_heavy_library() -> None:
    script = (
        "import sys; from explorer.cli import main; main(['doctor', '--quick']);"
        "from explorer.installation import comm_advice; comm_advice(); print(*sys.modules, file=sys.stderr)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr.split()
    assert "explorer.installation.kernel" in loaded
    assert not {"panel", "bokeh", "torch", "numba", "umap", "sklearn", "anywidget", "ipywidgets"} & set(loaded)


def test_an_output_of_few_letters_is_noted(here: Environment) -> None:
    _, found = here.doctor(PYTHONIOENCODING="latin-1")
    assert found["letters"]["mark"] == "note"
    assert "PYTHONUTF8" in found["letters"]["advice"]


def test_ssh_and_a_missing_browser_are_said(here: Environment) -> None:
    status, found = here.doctor(SSH_CONNECTION="1.2.3.4 5 6.7.8.9 22", BROWSER="no-such-browser-here %s", DISPLAY="")
    assert "ssh -L" in found["ssh"]["advice"]
    assert found["browser"]["mark"] in {"ok", "note"}
    assert status in {0, 2}


def test_a_jupyterhub_is_said(here: Environment) -> None:
    """By the doctor, and by `explorer open` where it would print its link."""
    _, found = here.doctor(JUPYTERHUB_SERVICE_PREFIX="/user/ada/", BROWSER="no-such-browser-here %s", DISPLAY="")
    assert "/user/ada/proxy/5006/dashboard" in found["jupyterhub"]["advice"]
    _, found = here.doctor(BROWSER="no-such-browser-here %s", DISPLAY="", JUPYTERHUB_SERVICE_PREFIX="")
    assert "jupyterhub" not in found


def test_open_on_a_jupyterhub_says_how_to_see_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.views.showing import showing

    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    shown = showing(open_browser=True, window=False)
    assert not shown.browser
    assert "/user/ada/proxy/5006/" in shown.said


def test_a_look_that_fails_hides_no_other(here: Environment) -> None:
    (here.packages / "broken-1.dist-info").mkdir()
    here.install(ipykernel="7.0", jupyter_client="8.0")
    (here.packages / "jupyter_client" / "kernelspec.py").write_text("raise RuntimeError('broken\x1b[31m here')")
    status, found = here.doctor()
    assert status == 2
    assert "RuntimeError" in found["kernel"]["found"]
    assert "memory" in found
    assert "\x1b" not in here.run("-m", "explorer.cli", "doctor", "--quick").stdout


# Packages and extras, as the metadata of the installed distribution says


def _ours(environment: Environment, *lines: str) -> None:
    about = environment.packages / "embedding_explorer-0.9.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", "Name: embedding-explorer", "Version: 0.9", *lines, ""]))


def test_what_is_needed_and_does_not_fit_is_named_with_the_interpreter(here: Environment) -> None:
    here.real("packaging")
    here.install(numpy="1.20", panel="2.0rc1")
    _ours(
        here,
        "Requires-Dist: numpy>=1.26",
        "Requires-Dist: panel>=1.9",
        "Requires-Dist: other; sys_platform == 'amiga'",
        "Requires-Dist: here; python_version > '3'",
    )
    _, found = here.doctor()
    assert found["needed"]["found"] == "numpy>=1.26 is asked for, 1.20 is installed; here is not installed"
    assert here.python in found["needed"]["advice"]
    assert "numpy>=1.26" in found["needed"]["advice"]
    assert "panel" not in found["needed"]["advice"]


def test_extras_are_read_from_the_metadata_through_one_another(here: Environment) -> None:
    here.real("packaging")
    here.install(torch="2.13.0+cpu", pieces="3")
    _ours(
        here, "Provides-Extra: models", "Provides-Extra: voice", "Provides-Extra: all", "Provides-Extra: test",
        "Requires-Dist: torch==2.13.0; extra == 'models'", "Requires-Dist: pieces>=1; extra == 'models'",
        "Requires-Dist: embedding-explorer[models]; extra == 'voice'", "Requires-Dist: speech; extra == 'voice'",
        "Requires-Dist: embedding-explorer[voice,all]; extra == 'all'", "Requires-Dist: nothing-here; extra == 'test'",
    )  # fmt: skip
    _, found = here.doctor()
    assert found["extras"]["found"] == "whole: models", "a build of torch for one kind of machine is that version"
    assert found["extra voice"]["found"] == found["extra all"]["found"] == "speech is not installed"
    assert "'embedding-explorer[voice]'" in found["extra voice"]["advice"]
    assert "extra test" not in found


def test_our_own_metadata_is_understood() -> None:
    assert lacking(distribution("embedding-explorer")) == []


# The comm: one environment for the kernel, perhaps another for JupyterLab

WHOLE = {"ipykernel": "7.4.0", "ipywidgets": "8.1.9", "anywidget": "0.11.0"}


def test_all_halves_in_place(here: Environment) -> None:
    here.install(**WHOLE, jupyterlab="4.6").page_half(manager="5.0.16", anywidget="0.11.3")
    _, found = here.doctor()
    assert found["kernel half"]["mark"] == found["page half"]["mark"] == "ok"
    assert "Restart" in here.advice()


def test_the_half_in_the_kernel_is_missing(here: Environment) -> None:
    here.install(ipykernel="7.4.0", ipywidgets="8.1.9", jupyterlab="4.6").page_half(manager="5.0.16", anywidget="0.11.0")
    status, found = here.doctor()
    assert status == 2
    assert found["kernel half"]["mark"] == "problem"
    said = here.advice()
    assert said.startswith("anywidget is not installed in the kernel's environment")
    assert f"{here.python} -m pip install anywidget" in said or f"--python {here.python} anywidget" in said


def test_a_package_whose_files_are_gone_is_missing(here: Environment) -> None:
    here.install(**WHOLE)
    (here.packages / "anywidget" / "__init__.py").unlink()
    (here.packages / "anywidget").rmdir()
    assert here.advice().startswith("anywidget is not installed")


@pytest.mark.parametrize("real", [(), ("jupyter_core", "traitlets", "platformdirs")])
def test_the_half_in_the_page_is_missing_where_jupyterlab_runs(
    here: Environment, there: Environment, real: tuple[str, ...]
) -> None:
    """JupyterLab of another environment is on the path: the line names that environment's interpreter, not this one."""
    here.real(*real).install(**WHOLE).page_half(manager="5.0.16", anywidget="0.11.0")
    there.page_half(manager="5.0.16")
    path = f"{there.folder / 'bin'}:/usr/bin:/bin"
    status, found = here.doctor(PATH=path)
    assert status == 2
    assert f"{there.python} -m pip install anywidget" in found["page half"]["advice"]
    assert here.python not in found["page half"]["advice"]
    assert f"{there.python} -m pip install anywidget" in here.advice(PATH=path)


@pytest.mark.parametrize("first", ["#!/bin/sh", "#!/usr/bin/env python3", "MZ\0"])
def test_a_command_that_does_not_name_its_interpreter_lies_beside_it(here: Environment, there: Environment, first: str) -> None:
    """As pip writes it where the environment's path is long, and as a link from a folder on the path."""
    here.install(**WHOLE)
    (there.folder / "bin" / "jupyter-lab").write_text(f"{first}\n")
    (there.folder / "links").mkdir()
    (there.folder / "links" / "jupyter-lab").symlink_to(there.folder / "bin" / "jupyter-lab")
    assert f"{there.python} -m pip install" in here.advice(PATH=f"{there.folder / 'links'}:/usr/bin:/bin")


def test_the_server_that_started_the_kernel_is_asked_first(here: Environment, there: Environment) -> None:
    here.install(**WHOLE, jupyterlab="4.6").page_half(manager="5.0.16", anywidget="0.11.0")
    server = subprocess.Popen([there.python, str(there.folder / "bin" / "jupyter-lab")])
    try:
        said = here.advice(JPY_PARENT_PID=str(server.pid))
    finally:
        server.kill()
        server.wait(60)
    assert f"{there.python} -m pip install jupyterlab_widgets anywidget" in said
    assert "Restart the notebook server" in here.advice(JPY_PARENT_PID=str(server.pid)), "that server is gone"


@pytest.mark.parametrize(
    ("in_kernel", "in_page", "named"),
    [
        ({"ipywidgets": "7.7.5"}, {}, "ipywidgets 7.7.5"),
        ({}, {"manager": "3.1.9"}, f"{MANAGER} 3.1.9"),
        ({}, {"anywidget": "0.9.2"}, "anywidget 0.11.0 in the kernel and 0.9.2"),
    ],
)
def test_halves_that_do_not_fit(here: Environment, in_kernel: dict[str, str], in_page: dict[str, str], named: str) -> None:
    here.install(**(WHOLE | in_kernel), jupyterlab="4.6").page_half(**({"manager": "5.0.16", "anywidget": "0.11.0"} | in_page))
    status, found = here.doctor()
    assert status == 2
    assert named in found["halves"]["found"]
    assert "--upgrade" in found["halves"]["advice"]
    assert named in here.advice()


def test_halves_of_two_environments_are_brought_together_in_both(here: Environment, there: Environment) -> None:
    here.install(**WHOLE)
    there.page_half(manager="3.1.9", anywidget="0.11.0")
    said = here.advice(PATH=f"{there.folder / 'bin'}:/usr/bin:/bin")
    assert "--upgrade" in said
    assert f"{there.python} -m pip install --upgrade jupyterlab_widgets" in said
    assert here.python in said


def test_one_environment_under_two_names_is_one(here: Environment) -> None:
    """Jupyter's commands say python3 where a kernel says python."""
    here.install(**WHOLE).page_half(manager="3.1.9", anywidget="0.11.0")
    command = here.folder / "bin" / "jupyter-lab"
    command.write_text("import time\ntime.sleep(60)\n")
    server = subprocess.Popen([f"{here.python}3", str(command)])
    try:
        said = here.advice(JPY_PARENT_PID=str(server.pid))
    finally:
        server.kill()
        server.wait(60)
    assert "ipywidgets jupyterlab_widgets, then restart JupyterLab" in said
    assert f"{here.python}3" not in said


def test_a_part_that_is_switched_off(here: Environment) -> None:
    here.install(**WHOLE, jupyterlab="4.6").page_half(manager="5.0.16", anywidget="0.11.0")
    config = here.folder / "etc/jupyter/labconfig/page_config.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps({"disabledExtensions": {"anywidget": True, MANAGER: False}}))
    _, found = here.doctor()
    assert found["anywidget"]["mark"] == "problem"
    assert "labextension enable anywidget" in here.advice()
    config.write_text("[1, 2")
    assert "Restart" in here.advice()


def test_no_jupyterlab_in_sight(here: Environment) -> None:
    here.install(**WHOLE)
    _, found = here.doctor()
    assert found["page half"]["mark"] == "note"
    assert "In the environment that JupyterLab runs in, run python -m pip install jupyterlab_widgets anywidget" in here.advice()


def test_programs_that_bring_the_half_in_the_page_themselves(here: Environment) -> None:
    here.install(**WHOLE, jupyterlab="4.6")
    assert "VS Code" in here.advice(VSCODE_PID="1")
    assert "enable_custom_widget_manager" in here.advice(COLAB_RELEASE_TAG="release-1")
    assert "page" in here.advice()


def test_advice_is_one_or_two_sentences_here() -> None:
    assert 1 <= comm_advice().count(". ") + 1 <= 2


# A real kernel


def test_a_widget_in_a_real_kernel_answers() -> None:
    assert answer("comm", 60)["answered"]


def test_a_widget_library_that_does_not_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anywidget.py").write_text("raise ImportError('cannot import name x')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(NoAnswer, match="cannot import name x"):
        answer("comm", 60)


def test_a_kernel_that_never_answers_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("import time; time.sleep(120)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(questions, "KERNEL_LIMIT", 1.5)
    with pytest.raises(RuntimeError):
        questions.comm()
    children = psutil.Process().children(recursive=True)
    until(lambda: not [one for one in children if "ipykernel_launcher" in words(one)], "the kernel has ended")


def words(process: psutil.Process) -> list[str]:
    """A process's command; none where it is gone, or only its exit code is left."""
    try:
        return process.cmdline() if process.is_running() else []
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def test_a_child_that_hangs_fails_or_says_nothing() -> None:
    with pytest.raises(NoAnswer, match=r"more than 0\.5 s"):
        output([sys.executable, "-c", "import time; time.sleep(60)"], 0.5)
    with pytest.raises(NoAnswer, match="ZeroDivisionError"):
        output([sys.executable, "-c", "1/0"], 60)
    with pytest.raises(NoAnswer, match="No such file"):
        output(["/no/such/command"], 5)
    with pytest.raises(NoAnswer, match="KeyError"):
        answer("nonsense", 60)


def test_a_place_for_compiled_code_is_looked_for_as_numba_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import explorer

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (kept,) = compiled_findings()
    assert (kept.mark, kept.advice) == ("ok", "")
    assert Path(explorer.__file__).parent.name in kept.found
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    (named,) = compiled_findings()
    assert named.mark == "ok"
    assert str(tmp_path / "new") in named.found
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "below"))
    (lost,) = compiled_findings()
    assert lost.mark == "note"
    assert "cannot be kept" in lost.found
    assert "NUMBA_CACHE_DIR" in lost.advice
    assert "compiles anew" in lost.advice


def test_numba_says_its_threads() -> None:
    assert answer("threads", 120)["layer"] in {"tbb", "omp", "workqueue"}


# The hub


class _Hub(BaseHTTPRequestHandler):
    asked: list[str]
    status = 200

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    handler = type("Handler", (_Hub,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        for name in ("HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield handler
        server.shutdown()


def _hub(*, network: bool) -> Finding:
    return next(each for each in hub.hub_findings(network=network) if each.name == "hub")


def test_nothing_is_asked_of_the_network_unasked(served: type[_Hub]) -> None:
    assert _hub(network=False).mark == "note"
    assert served.asked == []
    assert _hub(network=True).mark == "ok"
    assert len(served.asked) == 1


def test_offline_means_offline(served: type[_Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in _hub(network=True).found
    assert served.asked == []


def test_a_hub_that_refuses_a_head_is_there(served: type[_Hub]) -> None:
    served.status = 405
    assert _hub(network=True).mark == "ok"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://", "nonsense", "http://127.0.0.1:1"])
def test_a_hub_that_is_not_there(served: type[_Hub], monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    found = _hub(network=True)
    assert found.mark == "problem"
    assert found.advice


def test_a_password_in_the_address_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://me:secret@127.0.0.1:1")
    assert "secret" not in str(_hub(network=True))


def test_a_hub_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub, "LIMIT", 0.5)
        assert _hub(network=True).mark == "problem"


# The machine


def test_the_smallest_limit_of_a_control_group_counts(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    own = tmp_path / "cgroup"
    own.write_text("0::/outer/inner\n")
    assert memory_limit(tmp_path, own) == 0
    (inner / "memory.max").write_text("max\n")
    (tmp_path / "outer" / "memory.max").write_text("4294967296\n")
    assert memory_limit(tmp_path, own) == 4 * 2**30
    (inner / "memory.max").write_text("1073741824\n")
    assert memory_limit(tmp_path, own) == 2**30


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    (tmp_path / "memory" / "job").mkdir(parents=True)
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (tmp_path / "cgroup").write_text("5:cpu:/other\n4:memory:/job\n")
    assert memory_limit(tmp_path, tmp_path / "cgroup") == 0, "a huge number is no limit"
    (tmp_path / "memory" / "job" / "memory.limit_in_bytes").write_text("2147483648\n")
    assert memory_limit(tmp_path, tmp_path / "cgroup") == 2 * 2**30
    assert memory_limit(tmp_path, tmp_path / "none") == 0


def grouped(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")


def test_room_is_what_is_left_of_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takes, "memory", lambda: (64 * 2**30, 32 * 2**30))
    own = tmp_path / "cgroup"
    own.write_text("0::/hub/one\n")
    one = tmp_path / "hub" / "one"
    grouped(one, {"memory.max": "max", "memory.current": "99"})
    assert (memory_left(tmp_path, own), takes.room(tmp_path, own)) == (None, 32 * 2**30), "no limit"
    grouped(one, {"memory.max": f"{8 * 2**30}"})
    assert takes.room(tmp_path, own) == 8 * 2**30 - 99, "without memory.stat"
    grouped(one, {"memory.current": f"{7 * 2**30}", "memory.stat": f"anon 5\ninactive_file {2**30}\nactive_file 7"})
    assert memory_left(tmp_path, own) == takes.room(tmp_path, own) == 2 * 2**30
    grouped(tmp_path / "hub", {"memory.max": f"{16 * 2**30}", "memory.current": f"{15 * 2**30}"})
    assert takes.room(tmp_path, own) == 2**30, "what holds all of them has less"
    grouped(one, {"memory.current": f"{12 * 2**30}"})
    assert memory_left(tmp_path, own) == 0
    assert takes.room(tmp_path, own) == 1, "0 would say that nothing is known"
    grouped(one, {"memory.max": f"{80 * 2**30}"})
    grouped(tmp_path / "hub", {"memory.max": "max"})
    assert takes.room(tmp_path, own) == 32 * 2**30, "never more than the system has free"
    monkeypatch.setattr(takes, "memory", lambda: (0, 0))
    assert takes.room(tmp_path, own) == 69 * 2**30, "a system that does not say"


def test_room_in_the_first_version_of_control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takes, "memory", lambda: (64 * 2**30, 32 * 2**30))
    own = tmp_path / "cgroup"
    own.write_text("4:memory:/job\n")
    grouped(tmp_path / "memory", {"memory.limit_in_bytes": "9223372036854771712", "memory.usage_in_bytes": f"{40 * 2**30}"})
    assert takes.room(tmp_path, own) == 32 * 2**30
    stated = f"inactive_file 3\ntotal_inactive_file {2**30}"
    used = {"memory.usage_in_bytes": f"{6 * 2**30}", "memory.stat": stated}
    grouped(tmp_path / "memory" / "job", {"memory.limit_in_bytes": f"{8 * 2**30}"} | used)
    assert takes.room(tmp_path, own) == 3 * 2**30


def test_memory_and_cores_are_what_the_system_says() -> None:
    total, free = memory()
    assert total == psutil.virtual_memory().total
    assert 0 < free <= total
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_a_folder_that_is_not_there_yet_can_be_written_where_it_would_be_made(tmp_path: Path) -> None:
    assert writable(tmp_path / "a" / "b")[1].startswith("can be written")
    assert list(tmp_path.iterdir()) == [], "nothing is left"
    (tmp_path / "file").touch()
    assert writable(tmp_path / "file" / "b")[0] == "problem"
    assert writable(Path("/proc/none"))[0] == "problem"


def test_lines_to_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pip_line("a>=1", python="/opt/my lab/bin/python") == "'/opt/my lab/bin/python' -m pip install 'a>=1'"
    monkeypatch.setenv("HOME", "/home/someone")
    assert shown("/home/someone/x") == "~/x"
    assert shown("/home/someoneelse/x") == "/home/someoneelse/x"
    assert worst([]) == "ok"
    assert worst([Finding("a", "b", mark, "") for mark in ("note", "problem", "ok")]) == "problem"  # type: ignore[arg-type]
