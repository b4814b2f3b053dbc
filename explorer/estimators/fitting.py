"""Runs an estimator: one at a time, its warnings as notes, and whatever it raises as one sentence."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from explorer.errors import InputError
from explorer.estimators.declaring import shortened
from explorer.step import Progress

NOTES = 5  # warnings that are told; the others are counted
OURS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)  # about the code that calls, not about the data

# Estimators run in threads of this process. numba's workqueue, all there is on some machines, ends the whole process where two
# threads enter it (two visits with umap.UMAP), and Python's record of warnings is one for all threads.
_TURN = threading.Lock()


class Fitted(NamedTuple):
    """What an estimator gave, and its warnings in sentences."""

    value: Any
    notes: tuple[str, ...]


def fit(name: str, work: Callable[[], Any], progress: Progress) -> Fitted:
    """Call `work` when it is its turn.

    Nothing can look at Stop while an estimator computes, and the note says so. One thread of OpenMP, as in our own k-means: with
    three or more the order in which sums are added is a matter of chance, and so would be the result.

    Raises
    ------
    InputError
        With the estimator's own words, shortened, or when there is not enough memory.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    while not _TURN.acquire(timeout=0.1):
        progress(0.02, "waiting for another estimator to finish")
    try:
        progress(0.05, f"{name} computes; it cannot be interrupted, so Stop waits until it has finished")
        with threadpool_limits(limits=1, user_api="openmp"), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            value = work()
    except InputError:
        raise
    except MemoryError as problem:
        raise InputError(f"{name}: not enough memory for this; use fewer items or another method") from problem
    except Exception as problem:  # whatever somebody else's class raises
        raise InputError(f"{name} cannot be used on this data: {shortened(problem)}") from problem
    finally:
        _TURN.release()
    return Fitted(value, _sentences([one for one in said if not issubclass(one.category, OURS)]))


def _sentences(said: list[warnings.WarningMessage]) -> tuple[str, ...]:
    different = list(dict.fromkeys(shortened(one.message) for one in said))
    more = (f"and {len(different) - NOTES:,} more warnings",) if len(different) > NOTES else ()
    return (*different[:NOTES], *more)
