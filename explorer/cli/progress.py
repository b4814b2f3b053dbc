"""How far a run is: bars on a terminal, one line a step elsewhere, nothing when quiet; always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.cli.interrupt import pressed
from explorer.cli.text import one_line, seconds
from explorer.step import Progress, Result

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

Run = Callable[[Progress], Result]
Show = Callable[[str, Run, str], Result]  # the step's name, what runs it, and what is said before: what it will take, or nothing


@contextmanager
def shown(*, quiet: bool) -> Iterator[Show]:
    """What runs a named step and shows how far it is."""
    if quiet:
        yield lambda name, run, before: run(Progress(cancelled=pressed))
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _line


@contextmanager
def bar(name: str) -> Iterator[Progress]:
    """How far one thing is, as a bar."""
    with _drawn() as bars:
        yield _report(bars, name)


def _line(name: str, run: Run, before: str) -> Result:
    if before:
        print(f"{name}: {before}", file=sys.stderr, flush=True)
    print(f"{name} ...", file=sys.stderr, flush=True)
    result = run(Progress(cancelled=pressed))
    print(f"{name}: {seconds(result.seconds)}", file=sys.stderr, flush=True)
    return result


@contextmanager
def _bars() -> Iterator[Show]:
    with _drawn() as bars:

        def show(name: str, run: Run, before: str) -> Result:
            if before:
                bars.console.print(f"{name}: {before}", markup=False, highlight=False)
            report = _report(bars, name)
            result = run(report)
            report(1.0)
            return result

        yield show


def _report(bars: Bars, name: str) -> Progress:
    task = bars.add_task(name, total=1.0, note="")
    return Progress(lambda fraction, note: bars.update(task, completed=fraction, note=one_line(note)[:60]), pressed)


@contextmanager
def _drawn() -> Iterator[Bars]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    # Names and notes may come from data or a plug-in, so nothing in them is read as markup.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TimeElapsedColumn(), TextColumn("{task.fields[note]}", markup=False))  # fmt: skip
    with Bars(*columns, console=Console(stderr=True)) as bars:
        yield bars
