"""What a large drawing says about itself: least and greatest value, names of channels, lengths, frequencies."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.drawing.inks import CHANNELS, GREY
from explorer.drawing.lines import bounds_of, draw_series, lanes
from explorer.drawing.spectrogram import edges, split_at

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FEWEST = 1_024  # pixels that a drawing with words is wide at least
MARGIN = 0.09  # of the width, right of a series
LETTERS = 18  # of a channel's name
TICKS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)  # Hz


def number(value: float) -> str:
    """A value with four digits, or all those before the point."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds with three digits, or all those before the point."""
    return f"{seconds:.{2 if seconds < 10 else 1 if seconds < 100 else 0}f} s"


def label_series(values: np.ndarray, names: list[str], width: int, height: int) -> Picture | None:
    """A series drawn with each channel's name and bounds right of it, and its length below."""
    from PIL import Image

    size = _letter(width)
    inner, high = width - round(MARGIN * width), height - round(1.8 * size)
    drawn = draw_series(values, inner, high)
    if drawn is None:
        return None
    made = Image.new("RGBA", (width, height))
    made.alpha_composite(drawn)
    for channel, (top, bottom) in enumerate(lanes(len(values), high)):
        if bottom - top >= 1.2 * size:  # else their words would lie on one another
            ink = CHANNELS[channel] if len(values) <= len(CHANNELS) else GREY
            _beside(made, values[channel], _name(names, channel, len(values)), (inner + size // 2, top, bottom), ink)
    _write(made, (2, height - size * 1.3), "1", GREY)
    _write(made, (inner - 2, height - size * 1.3), f"{values.shape[1]:,}", GREY, "ra")
    return made


def label_sound(drawn: Picture, seconds: float, rate: int) -> Picture:
    """A drawn sound with frequencies at its left edge and its length at its lower right."""
    size, split = _letter(drawn.width), split_at(drawn.height)
    bands = drawn.height - split
    at = edges(rate, bands)
    for tick in TICKS:
        y = drawn.height - float(np.interp(tick, at, np.arange(bands + 1)))
        if split + size < y < drawn.height - size:
            _write(drawn, (size // 2, y), f"{tick // 1000} kHz" if tick >= 1000 else f"{tick} Hz", "#ffffff", "lm", halo=True)
    _write(drawn, (drawn.width - size // 2, drawn.height - size // 2), duration(seconds), "#ffffff", "rd", halo=True)
    return drawn


def _name(names: list[str], channel: int, count: int) -> str:
    """A channel's name, where the font has its letters; else its number, where there are several."""
    name = names[channel] if channel < len(names) else ""
    if not name.isascii() or not name.isprintable():
        name = ""
    return name[:LETTERS] or (f"channel {channel + 1}" if count > 1 else "")


def _beside(made: Picture, values: np.ndarray, name: str, place: tuple[int, int, int], ink: str) -> None:
    left, top, bottom = place
    size, known = _letter(made.width), bounds_of(values)
    room = bottom - top
    if known is None or room < 4 * size:  # the name alone, or nothing to say
        _write(made, (left, (top + bottom) / 2), name or "", ink, "lm")
        return
    _write(made, (left, top + size * 0.2), number(known[1]), GREY)
    _write(made, (left, bottom - size * 0.2), number(known[0]), GREY, "ld")
    _write(made, (left, (top + bottom) / 2), name, ink, "lm")


def _letter(width: int) -> int:
    return max(14, width // 72)


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _write(made: Picture, place: tuple[float, float], text: str, ink: str, anchor: str = "la", *, halo: bool = False) -> None:
    from PIL import ImageDraw

    around: dict[str, Any] = {"stroke_width": 2, "stroke_fill": "#000000a0"} if halo else {}
    ImageDraw.Draw(made).text(place, text, fill=ink, font=_font(_letter(made.width)), anchor=anchor, **around)
