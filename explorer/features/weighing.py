"""How much each of several things counts: weights written as NAME=WEIGHT, one a thing."""

from __future__ import annotations

import math
from collections.abc import Iterable

from explorer.errors import InputError, unknown

MOST = 1_000.0


def weights(entries: Iterable[str], what: str, known: Iterable[str], *, bare: bool = False) -> dict[str, float]:
    """``["name=2.5"]`` as ``{"name": 2.5}``; of a name that stands there twice the last counts. A name may hold "=" itself.

    Parameters
    ----------
    what, known
        What the names are, and which there are.
    bare
        Whether a name may stand alone, with weight 1.

    Raises
    ------
    InputError
        For a name that is not known (the closest right one is offered), or a weight that is none.
    """
    names = list(known)
    made: dict[str, float] = {}
    for entry in entries:
        name, equals, number = entry.rpartition("=")
        if bare and (not equals or (entry in names)):
            name, number = entry, "1"
        elif not equals:
            raise InputError(f"the weight {entry!r} is not NAME=WEIGHT; write it like {entry}=2, or {entry}=0 to leave it out")
        if name.strip() not in names and name not in names:
            raise unknown(what, name, names)
        made[name if name in names else name.strip()] = _weight(name, number)
    return made


def _weight(name: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0.0 <= weight <= MOST:  # not a number neither
        allowed = f"a number from 0 to {MOST:,.0f}, and 0 leaves it out"
        raise InputError(f"the weight {number!r} of {name!r} is not allowed; a weight is {allowed}")
    return weight
