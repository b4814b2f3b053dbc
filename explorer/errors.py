"""The three things that can go wrong on purpose: bad input, a missing extra, and a person pressing Stop."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input or arguments.

    The message is one sentence or two: what was given, what is allowed, and what to do next. The command line prints it
    on one line and exits with status 2; the page shows it as it is.
    """


class MissingExtra(InputError):
    """A method needs packages that are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs packages that are not installed: pip install 'embedding-explorer[{extra}]'")


class Cancelled(Exception):
    """The user pressed Stop; raised out of a `Progress` call."""


def listed(names: Iterable[object], limit: int = 5) -> str:
    """Name the first few of many, and say how many more there are.

    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    given = [str(name) for name in names]
    shown, more = given[:limit], len(given) - limit
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def unknown(what: str, given: object, allowed: Iterable[object]) -> InputError:
    """Say that a name is not known, with the closest right one and the list of them all."""
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    known = f"known are {listed(names, 12)}" if names else "there are none"
    return InputError(f"no {what} is called {str(given)!r}: {hint}{known}")
