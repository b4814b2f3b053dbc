"""What the caller says about a source: the same options in Python and on the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import InputError, unknown

Names = str | Sequence[str] | None
SHORTEST, LONGEST = 0.01, 600.0  # seconds of a window of sound


def tidy_name(given: object) -> str:
    """A column's name on one line: it is shown in messages, menus and headings."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(given))
    return " ".join(text.split())


def is_address(source: str | Path) -> bool:
    """Whether it is the address of something rather than a path: ``https://...``, ``s3://...``, but not ``C:/...``."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+:(/|:)", str(source)))


def _split(given: Names) -> tuple[str, ...]:
    parts: Iterable[str] = given.split(",") if isinstance(given, str) else given or ()
    return tuple(name for part in parts if (name := tidy_name(part)))


def _seconds(given: Any) -> float | None:
    if given is None:
        return None
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if not SHORTEST <= seconds <= LONGEST:
        raise InputError(f"window={given!r} is not allowed; it takes seconds, from {SHORTEST:g} to {LONGEST:g}")
    return seconds


@dataclass(frozen=True)
class Options:
    """Which columns are what; nothing given means that it is guessed.

    Attributes
    ----------
    series
        One column of time series; or several, one a channel; or of a long table its columns of values, one a channel; or of a wide
        table its columns in time's order, also as ``t0:t99`` or ``t*``.
    window
        Seconds of sound that are one item each; None leaves a short recording whole.
    allow_download
        Whether pictures and sounds that a column names by address may be fetched.
    progress
        Hears how far reading is, where that takes long: a fraction and a note.
    """

    id: str | None = None
    text: str | None = None
    image: str | None = None
    audio: str | None = None
    vectors: str | None = None
    time: str | None = None
    series: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    window: float | None = None
    allow_download: bool = False
    progress: Callable[[float, str], None] | None = field(default=None, compare=False)

    @classmethod
    def given(
        cls, *, series: Names = None, columns: Names = None, layout: Names = None, window: Any = None, allow_download: bool = False,
        progress: Callable[[float, str], None] | None = None, **plain: str | None,
    ) -> Options:  # fmt: skip
        """Options as `read` and the command line take them; lists may be one string with commas."""
        for option, value in plain.items():
            if value is not None and not isinstance(value, str):
                raise InputError(f"{option}={value!r} is not a column's name; give the name as text")
        names: dict[str, Any] = {option: tidy_name(value) if value else None for option, value in plain.items()}
        lists: dict[str, Any] = {"series": _split(series), "columns": _split(columns), "layout": _split(layout)}
        made = cls(**names, **lists, window=_seconds(window), allow_download=bool(allow_download), progress=progress)
        if len(made.layout) > 2:
            raise InputError(f"layout takes two columns (X,Y) or one array's name, but {len(made.layout)} were given")
        return made

    @property
    def any(self) -> bool:
        """Whether anything was said at all."""
        return self != Options()

    @property
    def raw(self) -> set[str]:
        """Columns whose characters matter, so that nothing may be read into them (``1e3`` is a text, not 1000)."""
        return {name for name in (self.text, self.image, self.audio) if name}

    def check(self, names: Iterable[str], source: str) -> None:
        """Raise an InputError for an option that names a column which is not there."""
        known = list(names)
        named = (self.id, self.text, self.image, self.audio, self.vectors, self.time)
        for given in (*named, *self.series, *self.columns, *self.layout):
            if given and given not in known:
                raise unknown(f"column of {source}", given, known)
