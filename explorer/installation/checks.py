"""All that is looked at, in the order in which it is read: packages, notebook, browser, desktop, models, machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from explorer.installation.comm import comm_findings
from explorer.installation.computing import compiled_findings, gpu_findings, letter_findings, thread_findings
from explorer.installation.finding import Finding
from explorer.installation.hub import hub_findings
from explorer.installation.kernel import kernel_findings
from explorer.installation.packages import package_findings
from explorer.installation.room import core_findings, disk_findings, memory_findings
from explorer.installation.showing import browser_findings, window_findings

Look = Callable[[], Iterator[Finding]]


def findings(cache: Path, *, quick: bool = False, network: bool = False) -> Iterator[Finding]:
    """What is found, as it is found.

    Parameters
    ----------
    cache
        The folder that explorer keeps fetched and unpacked files in.
    quick
        Leave out what takes seconds: starting a kernel, importing torch, numba's threads.
    network
        Ask the Hugging Face hub whether it can be reached; without it nothing leaves this computer.
    """
    looks: dict[str, list[Look]] = {
        "packages": [package_findings],
        "notebook": [comm_findings, partial(kernel_findings, quick=quick)],
        "browser": [browser_findings],
        "desktop": [window_findings],
        "models": [partial(hub_findings, network=network)],
        "machine": [
            memory_findings, core_findings, partial(disk_findings, cache), partial(gpu_findings, quick=quick),
            partial(thread_findings, quick=quick), compiled_findings, letter_findings,
        ],
    }  # fmt: skip
    for area, each in looks.items():
        for look in each:
            yield from _found(area, look)


def _found(area: str, look: Look) -> Iterator[Finding]:
    """Its findings; one look that fails in a broken installation must not hide the others."""
    try:
        yield from look()
    except Exception as problem:  # a broken installation breaks in ways nobody listed; this is where it is to be seen
        name = getattr(look, "func", look).__name__.removesuffix("_findings")
        yield Finding(area, name, "problem", f"could not be looked at ({type(problem).__name__}: {problem})", "please report this")


__all__ = ["findings"]
