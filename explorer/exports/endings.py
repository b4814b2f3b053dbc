"""A file's ending picks its format: the menu of the formats there are, and the one that an ending means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from explorer.errors import InputError


def menu(formats: Mapping[str, ModuleType]) -> list[dict[str, Any]]:
    """The formats for a menu: ``{"ending": ".csv", "name": "CSV", "doc": "..."}``."""
    return [{"ending": ending, "name": module.NAME, "doc": module.DOC} for ending, module in formats.items()]


def chosen(formats: Mapping[str, ModuleType], path: str | Path, known: str) -> ModuleType:
    """The format of a file's ending, or of an ending itself, capitals or not; an ending may have two dots.

    Parameters
    ----------
    known
        How the endings are listed where it is none of them: ``known are .csv, .parquet``.

    Raises
    ------
    InputError
        For an ending that is not known.
    """
    given = str(path)
    name = Path(given).name.lower()
    for ending in sorted(formats, key=len, reverse=True):
        if name.endswith(ending):
            return formats[ending]
    suffix = given if given.startswith(".") and "." not in given[1:] else Path(path).suffix
    said = f"the ending {suffix!r}" if suffix else "no ending"
    raise InputError(f"{given!r} has {said}, but the ending picks the format; {known}")
