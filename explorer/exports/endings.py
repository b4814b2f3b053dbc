"""A file's ending picks its format: the menu of the formats there are, and the one that an ending means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from explorer.errors import InputError


def menu(formats: Mapping[str, ModuleType]) -> list[dict[str, str]]:
    """The formats for a menu: ``{"ending": ".csv", "name": "CSV", "doc": "..."}``."""
    return [{"ending": ending, "name": module.NAME, "doc": module.DOC} for ending, module in formats.items()]


def chosen(formats: Mapping[str, ModuleType], path: str | Path, known: str) -> ModuleType:
    """The format of a file's ending, or of an ending itself, capitals or not.

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
    ending = given if given.startswith(".") and "." not in given[1:] else Path(path).suffix
    if ending.lower() not in formats:
        said = f"the ending {ending!r}" if ending else "no ending"
        raise InputError(f"{given!r} has {said}, but the ending picks the format; {known}")
    return formats[ending.lower()]
