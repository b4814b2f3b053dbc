"""The line to type, which names the interpreter: most advice about packages fails because pip puts them somewhere else."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def pip_line(*packages: str, python: str = "", upgrade: bool = False) -> str:
    """What installs packages for an interpreter (without one: this interpreter).

    >>> pip_line("anywidget", python="/opt/lab/bin/python")
    '/opt/lab/bin/python -m pip install anywidget'
    """
    where = python or sys.executable or "python"
    flags = ["--upgrade"] if upgrade else []
    if where == sys.executable and find_spec("pip") is None:  # uv makes environments without pip
        return quoted("uv", "pip", "install", "--python", where, *flags, *packages)
    return quoted(where, "-m", "pip", "install", *flags, *packages)


def quoted(*words: str) -> str:
    """Words as one line for this system's shell."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def shown(path: str | Path) -> str:
    """A path with the home folder as ``~``: reports are pasted into forums, and a user's name need not be in them."""
    home, given = os.path.expanduser("~"), str(path)
    if len(home) > 1 and (given == home or given.startswith(home + os.sep)):
        return "~" + given[len(home) :]
    return given


__all__ = ["pip_line", "quoted", "shown"]
