"""Whether a widget's two halves, the one in the kernel and the one in the page, are there and fit each other."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from explorer.installation.commands import pip_line, quoted, shown
from explorer.installation.finding import Finding, Mark
from explorer.installation.jupyter import environment, lab_part, lab_python, switched_off
from explorer.installation.packages import installed

AREA = "notebook"
MANAGER = "@jupyter-widgets/jupyterlab-manager"
IN_KERNEL = ("ipywidgets", "anywidget")
IN_PAGE = {MANAGER: "jupyterlab_widgets", "anywidget": "anywidget"}  # the part of the page, and the package that brings it
FITTING = {"7": "3", "8": "5"}  # first number of ipywidgets: of jupyterlab-manager; 8 and 5 were seen here


@dataclass(frozen=True)
class Fault:
    """What keeps widgets from working, and the line that mends it."""

    name: str
    what: str
    do: str


def comm_advice() -> str:
    """What to say in a cell whose widget does not come up: one or two sentences with the package, the line and where.

    Looks at files and metadata only (some milliseconds), and names the first thing that is wrong; when all packages are in place it
    says what else it is then.
    """
    frontend = notebook_kind()
    for fault in kernel_faults():
        return _said(fault)
    if frontend == "vscode":
        return "The packages are all here. In VS Code, update the extension 'Jupyter' and reload the window."
    if frontend == "colab":
        return "Colab shows widgets only after: from google.colab import output; output.enable_custom_widget_manager()"
    if frontend == "marimo":
        return "The packages are all here. In marimo, run the cell again, or restart marimo and reload the page."
    for fault in page_faults() if frontend == "jupyter" else ():
        return _said(fault)
    if frontend == "jupyter" and not lab_python():
        where = f"In the environment that JupyterLab runs in, run {_anywhere(*IN_PAGE.values())}, then restart JupyterLab."
        return f"The packages in the kernel are in place. {where}"
    return "The packages are all in place. Restart the notebook server and reload the page: both know only what was there before."


def notebook_kind() -> str:
    """Which program shows this kernel's cells, as far as it gives itself away: vscode, colab, marimo or jupyter."""
    if "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ:
        return "colab"
    if "marimo" in sys.modules:
        return "marimo"
    return "vscode" if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ else "jupyter"


def kernel_faults() -> Iterator[Fault]:
    """What is wrong with the half in the kernel, which is this environment."""
    missing = [name for name in IN_KERNEL if not installed(name) or find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing)} {_are(missing)} not installed in the kernel's environment ({shown(sys.prefix)})"
        yield Fault("kernel half", what, f"run {pip_line(*missing)}, then restart the kernel")


def page_faults() -> Iterator[Fault]:
    """What is wrong with the half in JupyterLab's page; nothing is known of it where JupyterLab cannot be found from here."""
    python = lab_python()
    if not python:
        return
    where = f"in the environment that JupyterLab runs in ({shown(environment(python))})"
    missing = [package for part, package in IN_PAGE.items() if not lab_part(part)[0]]
    if missing:
        what = f"{' and '.join(missing)}, whose half for the page JupyterLab loads, {_are(missing)} not found {where}"
        yield Fault("page half", what, f"run {pip_line(*missing, python=python)}, then restart JupyterLab and reload the page")
    yield from _unfit(python, where)
    for part, package in IN_PAGE.items():
        if file := switched_off(part):
            do = quoted(python, "-m", "jupyter", "labextension", "enable", part)
            yield Fault(package, f"{part} is switched off in {shown(file)}", f"run {do}, then reload the page")


def _unfit(python: str, where: str) -> Iterator[Fault]:
    """Two halves of which one is too old for the other; the newer major version is what both should be brought to."""
    kernel, page = installed("ipywidgets"), lab_part(MANAGER)[0]
    wanted = FITTING.get(kernel.partition(".")[0])
    if page and wanted and page.partition(".")[0] != wanted:
        what = f"ipywidgets {kernel} in the kernel and {MANAGER} {page} {where} do not fit each other"
        yield Fault("halves", what, _both("ipywidgets", "jupyterlab_widgets", python))
    kernel, page = installed("anywidget"), lab_part("anywidget")[0]
    if kernel and page and kernel.split(".")[:2] != page.split(".")[:2]:  # the kernel asks the page for ~MAJOR.MINOR
        what = f"anywidget {kernel} in the kernel and {page} {where} do not fit each other"
        yield Fault("halves", what, _both("anywidget", "anywidget", python))


def _both(in_kernel: str, in_page: str, python: str) -> str:
    if python == sys.executable:
        return f"run {pip_line(*dict.fromkeys((in_kernel, in_page)), upgrade=True)}, then restart JupyterLab"
    here, there = pip_line(in_kernel, upgrade=True), pip_line(in_page, python=python, upgrade=True)
    return f"run {here} and {there}, then restart JupyterLab"


def comm_findings() -> Iterator[Finding]:
    """The two halves, one line each; a fault is a problem where notebooks are used from this environment, else a note."""
    mark: Mark = "problem" if used_here() else "note"
    there = " and ".join(f"{name} {installed(name)}" for name in IN_KERNEL)
    yield from _half(kernel_faults(), mark, "kernel half", f"{there} in {shown(sys.prefix)}")
    python = lab_python()
    if not python:
        advice = f"in the environment that JupyterLab runs in: {_anywhere(*IN_PAGE.values())}"
        yield Finding(AREA, "page half", "note", "no JupyterLab is found from here, so its half cannot be looked at", advice)
        return
    there = " and ".join(f"{part} {lab_part(part)[0]}" for part in IN_PAGE)
    yield from _half(page_faults(), mark, "page half", f"{there} for JupyterLab in {shown(environment(python))}")


def _half(faults: Iterator[Fault], mark: Mark, name: str, whole: str) -> Iterator[Finding]:
    found = [Finding(AREA, fault.name, mark, fault.what, fault.do) for fault in faults]
    yield from found or [Finding(AREA, name, "ok", whole)]


def used_here() -> bool:
    """Whether notebooks are used from this environment: one of Jupyter's own packages is in it."""
    return any(installed(name) for name in ("ipykernel", "jupyterlab", "notebook"))


def _anywhere(*packages: str) -> str:
    return quoted("python", "-m", "pip", "install", *packages)


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _said(fault: Fault) -> str:
    return f"{fault.what}. {fault.do[:1].upper()}{fault.do[1:]}."


__all__ = ["AREA", "Fault", "comm_advice", "comm_findings", "kernel_faults", "notebook_kind", "page_faults", "used_here"]
