"""Fonts to measure and draw text with: the system's where it has them, else the one inside Pillow, which covers Latin letters."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from PIL import ImageFont

# The page's own font first, then what systems ship, then those for other scripts; looked for by name in the system's folders.
PLAIN = ("Inter-Regular.otf", "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf")
BOLD = (
    "Inter-SemiBold.otf",
    "DejaVuSans-Bold.ttf",
    "LiberationSans-Bold.ttf",
    "NotoSans-Bold.ttf",
    "Arial Bold.ttf",
    "arialbd.ttf",
)
SCRIPTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKjp-Regular.otf", "wqy-zenhei.ttc", "PingFang.ttc", "msyh.ttc", "meiryo.ttc",
    "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf",
    "Arial Unicode.ttf", "segoeui.ttf", "seguisym.ttf", "NotoSansSymbols2-Regular.ttf", "unifont.ttf",
)  # fmt: skip
FAMILY = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', 'Noto Sans', sans-serif"  # of the text in an SVG
_PROBE = 24  # pixels, at which it is looked whether a font has a letter
_NOBODY = "\U0010fffd"  # a letter of private use that fonts do not have: drawn as the box for what is missing


@lru_cache(maxsize=256)
def font(text: str, size: float, *, bold: bool = False) -> Any:
    """The font for a text: the first that has all of its letters, else the one that lacks the fewest."""
    names = _there(bold=bold)
    lacks = [sum(not _has(name, letter) for letter in set(text) if letter.isprintable()) for name in names]
    return _load(names[lacks.index(min(lacks))], size)


@lru_cache(maxsize=4096)
def width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is, in the units of `size`."""
    measured = font(text, _PROBE, bold=bold).getlength(text)  # at one size, so that a large picture breaks as a small one
    return float(measured) * size / _PROBE


def shortened(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it is wider than `room`."""
    if width(text, size, bold=bold) <= room:
        return text
    short, long = 0, len(text)
    while short < long:
        middle = (short + long + 1) // 2
        fits = width(text[:middle].rstrip() + "…", size, bold=bold) <= room
        short, long = (middle, long) if fits else (short, middle - 1)
    return text[:short].rstrip() + "…"


@cache
def _there(*, bold: bool) -> tuple[str, ...]:
    """The fonts that this machine has; the empty name is Pillow's own, and always there."""
    return (*(name for name in ((*BOLD, *PLAIN) if bold else PLAIN) if _is_there(name)), "", *filter(_is_there, SCRIPTS))


def _is_there(name: str) -> bool:
    try:
        _load(name, _PROBE)
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def _load(name: str, size: float) -> Any:
    return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)


@lru_cache(maxsize=8192)
def _has(name: str, letter: str) -> bool:
    return bool(letter.isspace()) or _ink(name, letter) != _ink(name, _NOBODY)


@lru_cache(maxsize=1024)
def _ink(name: str, letter: str) -> tuple[Any, bytes]:
    mask = _load(name, _PROBE).getmask(letter)
    return mask.size, bytes(mask)
