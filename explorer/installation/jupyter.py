"""Where JupyterLab runs, seen from a kernel or a shell: which interpreter, and which parts of widgets its pages find there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explorer.installation.packages import installed

COMMANDS = ("jupyter-lab", "jupyter-notebook", "jupyter-server")


@cache
def lab_python() -> str:
    """The interpreter that JupyterLab (or Notebook) runs in; empty when none can be found from here.

    Inside a kernel the server that started it is asked, where the system shows processes' command lines (Linux); else it is this
    environment when JupyterLab is installed in it, else that of the `jupyter-lab` command on the path.
    """
    server = _server()
    if server:  # python and python3 of one environment are the same
        return sys.executable if environment(server) == Path(sys.prefix) else server
    if installed("jupyterlab") or installed("notebook"):
        return sys.executable
    found = next((path for name in COMMANDS if (path := shutil.which(name))), "")
    return _interpreter(Path(found)) if found else ""


def lab_part(name: str) -> tuple[str, str]:
    """The version and the folder of an installed part of JupyterLab's page; both empty when it is not there."""
    for folder in lab_folders():
        about = folder / name / "package.json"
        found = _read(about)
        if "version" in found:
            return str(found["version"]), str(about.parent)
    return "", ""


def switched_off(name: str) -> str:
    """The file that switches a part of JupyterLab's page off; empty when none does."""
    for folder in _config_folders():
        file = folder / "labconfig" / "page_config.json"
        off = _read(file).get("disabledExtensions", {})
        known = off if isinstance(off, dict) else dict.fromkeys(off if isinstance(off, list) else (), True)
        if any(value and str(key).partition(":")[0] == name for key, value in known.items()):
            return str(file)
    return ""


def lab_folders() -> list[Path]:
    """The folders in which JupyterLab, where it runs, looks for parts of its page; the first counts."""
    return [folder / "labextensions" for folder in _jupyter_folders("share/jupyter", "jupyter_path")]


def _config_folders() -> list[Path]:
    return _jupyter_folders("etc/jupyter", "jupyter_config_path")


def _jupyter_folders(below: str, asked: str) -> list[Path]:
    """As jupyter_core lists them for this environment, with that of JupyterLab in the place of this one."""
    prefix = environment(lab_python() or sys.executable)
    if find_spec("jupyter_core") is None:
        user = Path.home() / (".local/share/jupyter" if "share" in below else ".jupyter")
        return [
            prefix / below,
            user,
            Path("/usr/local") / below,
            Path("/usr") / below if "share" in below else Path("/etc/jupyter"),
        ]
    from jupyter_core import paths

    here = Path(sys.prefix) / below
    return [prefix / below if folder == here else folder for folder in map(Path, getattr(paths, asked)())]


def environment(python: str) -> Path:
    """The folder of the environment an interpreter belongs to: two above ``bin/python``, one above ``python.exe``."""
    if python == sys.executable:
        return Path(sys.prefix)
    folder = Path(python).parent
    return folder.parent if folder.name.lower() in {"bin", "scripts"} else folder


def _server() -> str:
    """The interpreter of the Jupyter server that started this kernel."""
    started_by = os.environ.get("JPY_PARENT_PID", "")
    if not started_by.isdigit():
        return ""
    try:
        words = Path(f"/proc/{started_by}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:  # another system, or the server is gone
        return ""
    python, rest = words[0], " ".join(words[1:3])
    return python if "jupyter" in rest and os.path.isabs(python) and "python" in Path(python).name else ""


def _interpreter(script: Path) -> str:
    """The interpreter that a command runs in: as its first line says, else the one that lies beside the command.

    The first line names a shell or `env` where the path of the environment was too long for it, and on Windows there is none.
    """
    try:
        with script.open("rb") as opened:
            first = opened.readline(1024)
    except OSError:
        return ""
    named = first[2:].decode("utf-8", "replace").strip() if first.startswith(b"#!") else ""
    if "python" in Path(named).name and Path(named).is_file():
        return named
    folder = script.resolve().parent
    beside = [folder / "python", folder / "python.exe", folder.parent / "python.exe"]
    return next((str(python) for python in beside if python.is_file()), "")


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


__all__ = ["environment", "lab_folders", "lab_part", "lab_python", "switched_off"]
