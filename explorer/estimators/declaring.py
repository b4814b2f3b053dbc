"""An estimator's settings declared like any step's, so that the page and the record need to know nothing of estimators."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import param

from explorer.errors import InputError
from explorer.estimators.writing import is_estimator, params_of, short_name, written
from explorer.step import ADVANCED

MAIN = 3  # settings that a card shows at once
QUIET = {"verbose", "copy", "copy_x", "copy_X", "n_jobs", "random_state"}  # what nobody looks for first
FIXED = {"memory"}  # a folder on the server's disk: not for a page to choose
SAID = 300  # characters of an estimator's own words about a setting, or about what went wrong


def copied(estimator: Any, **values: Any) -> Any:
    """An unfitted copy (`sklearn.base.clone`) with some settings changed.

    Raises
    ------
    InputError
        When it cannot be copied or does not take a value, with its own words.
    """
    from sklearn.base import clone

    try:
        if "deep" not in inspect.signature(estimator.get_params).parameters:  # somebody else's class: all that clone needs but this
            return type(estimator)(**(params_of(estimator, deep=False) | values))
        made = clone(estimator)
        if values and hasattr(made, "set_params"):
            return made.set_params(**values)
        return type(made)(**(params_of(made, deep=False) | values)) if values else made
    except Exception as problem:  # whatever somebody else's class raises
        raise InputError(f"{short_name(estimator)}: {shortened(problem)}") from problem


def seeded(estimator: Any) -> Any:
    """A copy in which every ``random_state`` that is None is 0, so that the same data and settings give the same result."""
    unset = {name: 0 for name, value in ordered(estimator).items() if _leaf(name) == "random_state" and value is None}
    return copied(estimator, **unset)


def ordered(estimator: Any) -> dict[str, Any]:
    """The settings by name, also those of estimators within it ("tsne__perplexity"), in the order in which a class has them."""
    deep = params_of(estimator, deep=True)

    groups = list(dict.fromkeys(["", *map(_within, deep)]))

    def place(name: str) -> tuple[int, int]:
        signature = list(_signature(_owner(name, estimator, deep)))
        return groups.index(_within(name)), signature.index(_leaf(name)) if _leaf(name) in signature else len(signature)

    return {name: deep[name] for name in sorted(deep, key=place)}


def plain(estimator: Any, lost: set[str]) -> dict[str, Any]:
    """The settings as plain JSON values; see `written`. Estimators within it are named where they stand, their settings beside."""
    params = ordered(estimator)
    owners = {_within(name) for name in params}
    brief = frozenset(id(value) for name, value in params.items() if name in owners and is_estimator(value))
    return {name: written(value, lost, brief) for name, value in params.items()}


def declared(estimator: Any, fixed: tuple[str, ...] = ()) -> dict[str, Any]:
    """A `param` declaration for each setting: a switch, a number or a text by its type; what has no control is constant."""
    params, values = ordered(estimator), plain(estimator, set())
    kinds = {name: _kind(value, _signature(_owner(name, estimator, params)).get(_leaf(name))) for name, value in params.items()}
    kinds |= {name: (param.Parameter, {}) for name in params if name in fixed or _leaf(name) in FIXED}
    quiet = QUIET.union(fixed)
    main = _main([name for name, (kind, _) in kinds.items() if kind is not param.Parameter and _leaf(name) not in quiet])
    made = {}
    for name, (kind, options) in kinds.items():
        about = {"doc": _said_of(_owner(name, estimator, params), _leaf(name)), "precedence": 0 if name in main else ADVANCED}
        made[name] = kind(values[name], constant=kind is param.Parameter, **options, **about)
    return made


def _main(names: list[str]) -> list[str]:
    """What a card shows at once: the first settings of the estimator itself, or of the last one within it, as in a Pipeline."""
    own = [name for name in names if not _within(name)]
    last = [name for name in names if _within(name) == _within(names[-1])]
    return (own or last)[:MAIN]


def _kind(value: Any, default: Any) -> tuple[Any, dict[str, Any]]:
    """What declares a setting, by its value and the class's default: 20 for a default of 30.0 is a number, not a whole one."""
    if isinstance(value, bool):
        return param.Boolean, {}
    if isinstance(value, str):
        return param.String, {}
    known = [one for one in (value, default) if isinstance(one, int | float) and not isinstance(one, bool)]
    if not known or not isinstance(value, int | float | None) or not all(map(_countable, known)):
        return param.Parameter, {}
    options = {"allow_None": value is None or default is None}
    return (param.Number if any(isinstance(one, float) for one in known) else param.Integer), options


def _countable(number: float) -> bool:
    """Whether a control can count with it: Python's whole numbers have no end, those of pages have."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _owner(name: str, estimator: Any, params: dict[str, Any]) -> Any:
    """The estimator whose setting it is."""
    within = _within(name)
    return params.get(within, estimator) if within else estimator


def _within(name: str) -> str:
    return name.rpartition("__")[0]


def _leaf(name: str) -> str:
    return name.rpartition("__")[2]


def _signature(estimator: Any) -> dict[str, Any]:
    """The class's settings with their defaults, in their order; empty where it does not say."""
    try:
        found = inspect.signature(type(estimator)).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {one.name: one.default for one in found}


def _said_of(estimator: Any, name: str) -> str:
    """What the class's documentation says of a setting, where it has a numpydoc entry of it."""
    doc = inspect.getdoc(type(estimator)) or ""
    found = re.search(rf"^{re.escape(name)} ?:.*\n((?:[ \t]+.*\n?)+)", doc, re.MULTILINE)
    return shortened(found[1] if found else f"A setting of {type(estimator).__name__}.")


def shortened(problem: object) -> str:
    """An estimator's own words on one line, cut where they are long."""
    said = " ".join(str(problem).split()) or type(problem).__name__
    return said if len(said) <= SAID else said[: SAID - 1] + "…"
