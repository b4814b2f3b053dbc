"""Print what is installed here and what this machine can do, for a person who helps from afar, or as data."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from explorer import __version__
from explorer.cli.text import count, one_line
from explorer.errors import InputError
from explorer.installation.checks import findings
from explorer.installation.finding import Finding, worst
from explorer.installation.packages import versions

_MARK, _NAME = 11, 16  # letters of the first two columns
_INDENT = " " * (_MARK + _NAME)


def doctor(given: Namespace) -> None:
    """Say all that is found, line by line as it is found.

    Raises
    ------
    InputError
        When something is a problem, so that the exit status says so.
    """
    found: list[Finding] = []
    for finding in findings(_cache(), quick=given.quick, network=given.network):
        if not given.json:
            _print(finding, first=not found or found[-1].area != finding.area)
        found.append(finding)
    areas = {area: worst([each for each in found if each.area == area]) for area in dict.fromkeys(each.area for each in found)}
    if given.json:
        data = {"explorer": __version__, "executable": sys.executable, "versions": versions(), "areas": areas}
        print(json.dumps(data | {"findings": [asdict(each) for each in found]}, indent=1))
    problems, notes = (sum(each.mark == mark for each in found) for mark in ("problem", "note"))
    if problems:
        raise InputError(f"{count(problems, 'problem')} and {count(notes, 'note')}; what to do stands under each")
    if not given.json:
        print(f"\nexplorer: no problem, {count(notes, 'note')}")


def _cache() -> Path:
    """The cache's folder; the room that knows it needs packages that may be what is missing."""
    try:
        from explorer.sources.cache import place
    except ImportError:
        return Path.home() / ".cache"
    return place()


def _print(finding: Finding, *, first: bool) -> None:
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 132)
    if first:
        print(f"\n{finding.area}" if finding.area != "packages" else finding.area)
    start = f"  {finding.mark:<{_MARK - 2}}{finding.name:<{_NAME}}"
    print("\n".join(_wrapped(finding.found, start, width)))
    if finding.advice:
        print(f"{_INDENT}-> {one_line(finding.advice)}")  # not wrapped: a command is copied from it
    sys.stdout.flush()


def _wrapped(text: str, start: str, width: int) -> list[str]:
    """Lines of that width; a path is never broken, so that it can be copied."""
    lines = textwrap.TextWrapper(width, start, _INDENT, break_long_words=False, break_on_hyphens=False)
    return lines.wrap(one_line(text))


__all__ = ["doctor"]
