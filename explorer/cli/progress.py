"""How far a run is: bars on a terminal, one line a step elsewhere, nothing when quiet; always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from explorer.cli.text import one_line, seconds
from explorer.step import Progress, Result

Run = Callable[[Progress], Result]
Show = Callable[[str, Run], Result]


@contextmanager
def shown(*, quiet: bool) -> Iterator[Show]:
    """What runs a named step and shows how far it is."""
    if quiet:
        yield lambda name, run: run(Progress())
    elif sys.stderr.isatty():
        with _bars() as show:
            yield show
    else:
        yield _line


def _line(name: str, run: Run) -> Result:
    print(f"{name} ...", file=sys.stderr, flush=True)
    result = run(Progress())
    print(f"{name}: {seconds(result.seconds)}", file=sys.stderr, flush=True)
    return result


@contextmanager
def _bars() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    # Names and notes may come from data or a plug-in, so nothing in them is read as markup.
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TimeElapsedColumn(), TextColumn("{task.fields[note]}", markup=False))  # fmt: skip
    with Bars(*columns, console=Console(stderr=True)) as bars:

        def show(name: str, run: Run) -> Result:
            task = bars.add_task(name, total=1.0, note="")
            report = Progress(lambda fraction, note: bars.update(task, completed=fraction, note=one_line(note)[:60]))
            result = run(report)
            bars.update(task, completed=1.0, note="")
            return result

        yield show
