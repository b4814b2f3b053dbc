"""What a sheet is made of, in units from its top left corner: text, dots, lines and a colour scale."""

from __future__ import annotations

from dataclasses import dataclass

UNREADABLE = "\ufffd"


@dataclass(frozen=True)
class Text:
    """A line of text; `x` is where it starts, its middle or its end, as `anchor` says, and `y` the middle of its height."""

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: str = "start"
    bold: bool = False
    halo: str = ""  # the colour of an outline that keeps it readable over points


@dataclass(frozen=True)
class Dot:
    """A disc."""

    x: float
    y: float
    radius: float
    color: str


@dataclass(frozen=True)
class Line:
    """A line along one of the axes."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float
    color: str


@dataclass(frozen=True)
class Ramp:
    """A box whose colour goes from the first stop at its left to the last at its right."""

    x: float
    y: float
    width: float
    height: float
    stops: tuple[str, ...]


Mark = Text | Dot | Line | Ramp


def clean(text: str) -> str:
    """Text on one line, without what cannot be written: control characters, halves of characters, what XML has no place for."""
    return "".join(letter if _writable(letter) else UNREADABLE for letter in " ".join(text.split()))


def _writable(letter: str) -> bool:
    code = ord(letter)
    control = code < 0x20 or 0x7F <= code <= 0x9F
    return not (control or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE)
