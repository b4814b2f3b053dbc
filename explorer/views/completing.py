"""Waits for the steps where somebody wants the map itself and not a page: for `save`, and for a notebook that no page shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.views.patience import Patience

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer
    from explorer.views.pipeline import Pipeline

LOOK = 0.03  # seconds between two looks at what runs


def complete(view: Explorer, path: str | Path, *, force: bool) -> None:
    """Have what `save` writes: run what a page would run by itself, however long it takes, or wait for what runs already.

    Raises
    ------
    InputError
        When a step fails, in its words; before anything runs, for an ending that nothing writes or a file that is there already.
    """
    pipeline = view.pipeline
    begins = pipeline.lacks_map and not pipeline.busy
    if not begins and not pipeline.busy:
        return
    _check(path, force=force)  # what stands in the way is said before minutes are spent
    if begins:
        pipeline.begin()
    with Patience() as progress:
        _wait(pipeline, progress, begun_here=begins)
    view._show_steps()
    if why := pipeline.trouble if begins else "":
        raise InputError(why)
    if begins and (why := pipeline.messages["reduce"]):  # what is saved is the quick layout that came first
        print(f"explorer: {why}", file=sys.stderr)


def _check(path: str | Path, *, force: bool) -> None:
    """The ending and the place, as what writes them checks again."""
    if Path(path).suffix.lower() == ".html":
        from explorer.exports import writable
    else:
        from explorer.exports.picture import writable
    writable(path, force=force)


def settle(view: Explorer) -> None:
    """Begin what a page begins by itself, and wait for it: nothing that takes long, as its start does not."""
    if view.pipeline.lacks_map and not view.pipeline.busy:
        view.pipeline.start()
    _wait(view.pipeline, lambda fraction, note: None, begun_here=True)


def nobody_looks() -> bool:
    """Whether the cell that runs is run by a program, as ``nbconvert --execute`` does, and no page will ever answer.

    A person's front end lets a cell ask for a line of input; a program that runs notebooks says that it cannot.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    parent: dict[str, Any] = getattr(getattr(shell, "kernel", None), "get_parent", dict)() or {}
    return parent.get("content", {}).get("allow_stdin") is False


def _wait(pipeline: Pipeline, progress: Callable[[float, str], None], *, begun_here: bool) -> None:
    """Until nothing runs or waits. Ctrl-C ends a run that was begun for this, and only such a one."""
    try:
        while pipeline.working:
            pipeline.poll()
            progress(*pipeline.progress)
            time.sleep(LOOK)
    except KeyboardInterrupt:
        if begun_here:
            pipeline.cancel()
        raise


__all__ = ["complete", "nobody_looks", "settle"]
