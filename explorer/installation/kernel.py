"""Whether a kernel of this interpreter starts, and a widget in it hears the page: tried, not guessed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from explorer.installation.child import NoAnswer, answer
from explorer.installation.comm import AREA, kernel_faults
from explorer.installation.commands import pip_line, quoted, shown
from explorer.installation.finding import Finding
from explorer.installation.packages import installed
from explorer.installation.questions import KERNEL_LIMIT


def kernel_findings(*, quick: bool) -> Iterator[Finding]:
    """The kernels that run this interpreter, and (unless `quick`) a widget's answer from one."""
    if not installed("ipykernel"):
        found = "ipykernel is not installed, so no notebook can run explorer from this environment"
        yield Finding(AREA, "kernel", "note", found, "to use it in notebooks: " + pip_line("embedding-explorer[notebook]"))
        return
    yield from _named()
    if quick:
        yield Finding(AREA, "comm", "note", "not tried (--quick)", "without --quick a kernel is started and a widget asked")
    elif not installed("jupyter_client"):
        yield Finding(AREA, "comm", "note", "not tried, since jupyter_client is not installed here", pip_line("jupyter_client"))
    elif not list(kernel_faults()):  # else what is missing has been said
        yield _tried()


def _tried() -> Finding:
    try:
        found = answer("comm", KERNEL_LIMIT + 2)  # it keeps the limit itself, and needs a moment to end its kernel
    except NoAnswer as problem:
        what = f"a kernel with a widget in it did not answer: {problem}"
        advice = "try once more when the machine is not busy; if it stays, " + pip_line(
            "ipykernel", "ipywidgets", "anywidget", upgrade=True
        )
        return Finding(AREA, "comm", "problem", what, advice)
    if not found["answered"]:
        advice = pip_line("ipykernel", "ipywidgets", "anywidget", upgrade=True)
        return Finding(AREA, "comm", "problem", "a widget in a kernel does not hear what the page sends it", advice)
    return Finding(AREA, "comm", "ok", f"a widget in a kernel of this interpreter heard and answered ({found['seconds']:.1f} s)")


def _named() -> Iterator[Finding]:
    """The kernels by name; where none runs this interpreter, notebooks use another environment than this one."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return
    folders = KernelSpecManager().find_kernel_specs()
    ours = sorted(name for name, folder in folders.items() if _runs_this(Path(folder)))
    if ours:
        yield Finding(AREA, "kernel", "ok", f"{', '.join(ours)} runs this interpreter")
    else:
        name = Path(sys.prefix).name
        line = quoted(sys.executable, "-m", "ipykernel", "install", "--user", "--name", name)
        found = f"none of the kernels ({', '.join(sorted(folders)) or 'there are none'}) runs {shown(sys.executable)}"
        yield Finding(AREA, "kernel", "note", found, f"to choose this environment in a notebook: {line}")


def _runs_this(folder: Path) -> bool:
    """Whether a kernel's command is this interpreter; a bare ``python`` in this environment's own folder is."""
    try:
        argv = json.loads((folder / "kernel.json").read_text("utf-8"))["argv"]
    except (OSError, ValueError, KeyError, TypeError):
        return Path(folder).name == "resources"  # ipykernel's own, from its package
    command = str(argv[0]) if argv else ""
    if os.path.isabs(command):
        return os.path.normpath(command) in {os.path.normpath(sys.executable), os.path.join(sys.prefix, "bin", Path(command).name)}
    return Path(sys.prefix) in folder.parents or Path(folder).name == "resources"


__all__ = ["kernel_findings"]
