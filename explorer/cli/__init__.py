"""The command line: arguments in, session calls, messages out, and an exit status that scripts can trust."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from explorer.cli.arguments import parse
from explorer.cli.interrupt import listen
from explorer.errors import Cancelled, InputError

DONE, BUG, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 2 bad input or arguments (one line on standard error), 1 a bug.

    ``EXPLORER_DEBUG=1`` in the environment shows a bug's traceback and the libraries' warnings.
    """
    if argv is None:
        _calm()
        listen()
    try:
        return _command(sys.argv[1:] if argv is None else argv)
    except InputError as problem:
        return _complain(str(problem), BAD_INPUT)
    except MemoryError:
        return _complain("there is not enough memory for this; use fewer items, or another method", BAD_INPUT)
    except (KeyboardInterrupt, Cancelled):
        return _complain("stopped; what was not finished is not written", INTERRUPTED)
    except BrokenPipeError:  # `explorer methods | head`: nobody reads on, which is not for us to judge
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as problem:  # the last door: a bug is one line too
        if os.environ.get("EXPLORER_DEBUG"):
            raise
        what = f"{type(problem).__name__}: {problem}"
        return _complain(f"this is a bug ({what}); please report it with what EXPLORER_DEBUG=1 shows", BUG)


def _calm() -> None:
    """Leave the libraries' warnings to those who debug, and let no character stop a message."""
    import warnings

    if not (sys.warnoptions or os.environ.get("EXPLORER_DEBUG")):
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str, status: int) -> int:
    from explorer.cli.text import one_line

    print(f"explorer: {one_line(message)}", file=sys.stderr)
    return status


def _command(argv: Sequence[str]) -> int:
    given = parse(argv)
    if given is None:  # --help or --version has answered
        return DONE
    commands: dict[str, Callable[[Namespace], None]] = {
        "login": _login, "demo": _demo, "open": _open, "run": _run, "export": _export, "picture": _picture, "methods": _methods,
        "check": _check, "doctor": _doctor, "start": _start,
    }  # fmt: skip
    commands[given.command](given)
    sys.stdout.flush()
    return DONE


def _demo(given: Namespace) -> None:
    _views().serve_demo(**_serving(given))


def _start(given: Namespace) -> None:
    _views().serve_start(**_serving(given))


def _open(given: Namespace) -> None:
    from explorer.cli.choices import Choices
    from explorer.cli.keeping import check_place, workspace_for
    from explorer.cli.running import reading

    choices = Choices.given(given)
    check_place(given)
    serving = _serving(given)
    with reading(given) as dataset:
        steps = choices.steps(dataset)
        _views().serve(dataset, workspace=workspace_for(given, dataset), steps=steps, source=_place(given.source), **serving)


def _place(source: str) -> str:
    """A source as the list of recent files has it: an address, or an absolute path."""
    from explorer.sources.options import is_address

    return source if is_address(source) else str(Path(source).expanduser().absolute())


def _views() -> ModuleType:
    """The views, never searched for what could be let go: that took 0.3 s of the start, and all of Panel and Bokeh stays."""
    gc.disable()
    try:
        views = importlib.import_module("explorer.views")
        views.serve  # noqa: B018  is fetched now
        return views
    finally:
        gc.freeze()
        gc.enable()


def _serving(given: Namespace) -> dict[str, Any]:
    """How it is served; a wrong name or login file, or a window that cannot be, is said before anything is read."""
    login = None if given.login is None else Path(given.login)
    if login is not None or given.user is not None:
        from explorer.views.server import admission

        admission(given.user, login)
    serving = {"host": given.host, "port": given.port, "open_browser": not given.no_browser, "user": given.user, "login": login}
    if not given.desktop:
        return serving
    from explorer.views.showing import showing

    showing(open_browser=True, window=True)
    return serving | {"window": True}


def _login(given: Namespace) -> None:
    from explorer.cli.login import login

    login(given)


def _run(given: Namespace) -> None:
    from explorer.cli.running import run

    run(given)


def _export(given: Namespace) -> None:
    from explorer.cli.running import export

    export(given)


def _check(given: Namespace) -> None:
    from explorer.cli.checking import check

    check(given)


def _doctor(given: Namespace) -> None:
    from explorer.cli.doctor import doctor

    doctor(given)


def _picture(given: Namespace) -> None:
    from explorer.cli.picturing import picture

    picture(given)


def _methods(given: Namespace) -> None:
    from explorer.cli.listing import methods_json, methods_text

    print(methods_json() if given.json else methods_text())


__all__ = ["main"]
