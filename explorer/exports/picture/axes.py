"""Axes in the layout's units: two lines with round numbers, one step for both since they have one scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from explorer.exports.picture.fonts import shortened
from explorer.exports.picture.marks import Line, Mark, Text, clean
from explorer.exports.picture.pane import Pane

if TYPE_CHECKING:
    from explorer.exports.picture.sheet import Ink

MARGINS = (44.0, 36.0)  # units at the left and below
APART = 64.0  # units between two ticks, at least
SIZE = 10.0
TICK = 4.0


def axes(pane: Pane, titles: tuple[str, str], ink: Ink) -> list[Mark]:
    """Lines, ticks, their numbers, and what the axes are called."""
    left, bottom, right = pane.x, pane.y + pane.height, pane.x + pane.width
    step = nice((pane.view[1] - pane.view[0]) / pane.width * APART)
    marks: list[Mark] = [Line(left, bottom, right, bottom, 0.8, ink.line), Line(left, pane.y, left, bottom, 0.8, ink.line)]
    for value in ticks(pane.view[0], pane.view[1], step):
        x = pane.place(value, 0.0)[0]
        marks.append(Line(x, bottom, x, bottom + TICK, 0.8, ink.line))
        marks.append(Text(x, bottom + TICK + 7, said(value, step), SIZE, ink.muted, "middle"))
    for value in ticks(pane.view[2], pane.view[3], step):
        y = pane.place(0.0, value)[1]
        marks.append(Line(left - TICK, y, left, y, 0.8, ink.line))
        marks.append(Text(left - TICK - 3, y, said(value, step), SIZE, ink.muted, "end"))
    across, up = (shortened(clean(title), SIZE, pane.width / 2) for title in titles)
    marks.append(Text(right, bottom + TICK + 22, across, SIZE, ink.text, "end"))
    return [*marks, Text(left + 6, pane.y + 6, up, SIZE, ink.text, halo=ink.paper)]


def nice(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not under `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * times for times in (1, 2, 5, 10, 20) if power * times >= least)


def ticks(low: float, high: float, step: float) -> list[float]:
    """The multiples of `step` from `low` to `high`."""
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(step * number) for number in range(first, min(last, first + 100) + 1)]


def said(value: float, step: float) -> str:
    """A tick's number, with as many digits as the step asks for."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    plain = digits <= 4 and abs(value) < 1e6
    text = f"{value:.{digits}f}" if plain else np.format_float_scientific(value, max(0, _order(value) - _order(step)), trim="-")
    return text.replace("-", "−")


def _order(value: float) -> int:
    return math.floor(math.log10(abs(value)) + 1e-9) if value else 0
