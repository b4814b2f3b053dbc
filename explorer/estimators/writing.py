"""An estimator's settings as plain JSON values: what they are called in a record, and which of them no record can hold."""

from __future__ import annotations

import importlib.metadata
import math
from functools import cache
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.step import fingerprint_array

HERE = "main"  # what stands for the package of a class that was written in a cell or a script


def is_estimator(value: Any) -> bool:
    """Whether it is an object with settings of its own, as scikit-learn's `get_params` gives them."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def short_name(estimator: Any) -> str:
    """A short name that is never imported again: the top-level package and the class, "sklearn.TSNE".

    Only letters, digits, "_" and one "." are in it, because results are kept in a folder of that name.
    """
    top = _top(type(estimator))
    parts = (HERE if top == "__main__" else top, type(estimator).__name__)
    return ".".join("".join(letter if letter.isalnum() or letter == "_" else "_" for letter in part) for part in parts)


def distributions(estimators: list[Any]) -> tuple[str, ...]:
    """The installed distributions that these estimators are of, for their versions; those of a cell or a script are of none."""
    found = {name for one in estimators for name in _installed().get(_top(type(one)), ())}
    return tuple(sorted(found))


def written(value: Any, lost: set[str], brief: frozenset[int] = frozenset()) -> Any:
    """A setting's value as plain JSON values.

    Parameters
    ----------
    lost
        What cannot be written down faithfully (functions, objects without `get_params`, classes of no installed package) is added
        here in words. Those words hold no address: they are the same in every process.
    brief
        The `id` of estimators whose own settings stand elsewhere in the record; of them the class is enough.
    """
    value = value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0) else value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [written(one, lost, brief) for one in value]
    if isinstance(value, dict):
        return _pairs(value, lost, brief)
    if is_estimator(value):
        return _estimator(value, lost, brief)
    return _other(value, lost)


def _pairs(value: dict[Any, Any], lost: set[str], brief: frozenset[int]) -> Any:
    """A mapping; as pairs where its keys are not text, since JSON would make 1 and "1" the same."""
    if all(isinstance(key, str) for key in value):
        return {key: written(one, lost, brief) for key, one in value.items()}
    return [[written(key, lost, brief), written(one, lost, brief)] for key, one in value.items()]


def _estimator(value: Any, lost: set[str], brief: frozenset[int]) -> dict[str, Any]:
    if not _installed().get(_top(type(value))):
        lost.add(f"the class {type(value).__name__}, which is of no installed package")
    if id(value) in brief:
        return {"class": short_name(value)}
    params = params_of(value, deep=False)
    return {"class": short_name(value), "params": {name: written(one, lost, brief) for name, one in params.items()}}


def _other(value: Any, lost: set[str]) -> Any:
    """An array by a fingerprint of its bytes, a type by its name; anything else is lost."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return {"array": fingerprint_array(value), "shape": list(value.shape)}
    if hasattr(value, "tocsr"):  # scipy's sparse arrays
        rows = value.tocsr()
        parts = [fingerprint_array(np.asarray(part)) for part in (rows.data, rows.indices, rows.indptr)]
        return {"sparse": parts, "shape": list(value.shape)}
    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, type) and (_top(value) == "builtins" or _installed().get(_top(value))):
        return f"{value.__module__}.{value.__qualname__}"
    called = getattr(value, "__name__", "")
    said = f"{type(value).__name__} {called}".strip()
    lost.add(said)
    return said


def params_of(estimator: Any, *, deep: bool) -> dict[str, Any]:
    """What `get_params` gives; of somebody else's class that knows no `deep`, all there is.

    Raises
    ------
    InputError
        When it fails, with its own words.
    """
    try:
        try:
            return dict(estimator.get_params(deep=deep))
        except TypeError:
            return dict(estimator.get_params())
    except Exception as problem:  # whatever somebody else's class raises
        why = f"{type(problem).__name__}: {problem}"[:200]
        raise InputError(f"{short_name(estimator)} does not tell its settings ({why}); mend its get_params") from problem


def _top(cls: type) -> str:
    return cls.__module__.partition(".")[0]


@cache
def _installed() -> dict[str, list[str]]:
    """Distributions by the packages they brought; half a second, so once."""
    return dict(importlib.metadata.packages_distributions())
