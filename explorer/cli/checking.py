"""Verify a workspace, and mend it where that was asked for: what was found goes out line by line, then one line that sums up."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.cli.text import one_line
from explorer.errors import InputError
from explorer.step import Progress

_LARGE = 50_000_000  # bytes from which on it is shown how far it is


def check(given: Namespace) -> None:
    """Say all that is found.

    Raises
    ------
    InputError
        When something is damaged, so that the exit status says so.
    """
    from explorer.workspace.check import Report
    from explorer.workspace.check import check as look
    from explorer.workspace.repair import repair

    path = Path(given.workspace)

    def found() -> Report:
        with _progress(path) as progress:
            report = look(path, progress)
        for finding in report.findings:
            print(f"explorer: {one_line(str(finding))}")
        return report

    report = found()
    if given.repair and report.damaged:
        for done in repair(report):
            print(f"explorer: {one_line(done)}")
        report = found()
    if report.damaged:
        hint = "what is left cannot be repaired" if given.repair else f"explorer check {path} --repair mends what can be mended"
        raise InputError(f"{report.summary}; {hint}")
    print(f"explorer: {one_line(report.summary)}")


@contextmanager
def _progress(path: Path) -> Iterator[Progress]:
    size = sum(one.stat().st_size for one in path.rglob("*") if one.is_file()) if sys.stderr.isatty() else 0
    if size < _LARGE:
        yield Progress()
        return
    from explorer.cli.progress import bar

    with bar(f"check {path.name}") as progress:
        yield progress


__all__ = ["check"]
