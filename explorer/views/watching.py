"""Watches values without keeping alive who watches: a session lives longer than the views that were made of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import param


def watch(values: param.Parameterized, callback: Callable[..., None], names: Sequence[str]) -> Callable[[], None]:
    """Call a method back when one of the values changes, until its object is gone or what is returned is called.

    It has to be a method: a function that is held weakly would be gone at once.
    """
    method = weakref.WeakMethod(callback)

    def heard(*events: Any) -> None:
        alive = method()
        if alive is not None:
            alive(*events)

    end = weakref.finalize(callback.__self__, _unwatch, values, values.param.watch(heard, list(names)))  # type: ignore[attr-defined]
    end.atexit = False
    return end


def _unwatch(values: param.Parameterized, watcher: Any) -> None:
    values.param.unwatch(watcher)


__all__ = ["watch"]
