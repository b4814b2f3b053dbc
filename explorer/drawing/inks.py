"""The colours of drawings: each reads on a light ground and on a dark one, and no two are told apart by hue alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

GREY = "#868f9c"  # lines at zero, and words
# In the labels' order and near to their colours, each with a contrast of 2.8 at least on white and on near-black.
CHANNELS = ("#2f6fde", "#c77700", "#c0609a", "#009e73", "#cf4a3f", "#8b62d0")


def laid(ink: str, cover: np.ndarray) -> Picture:
    """A colour ``(h, w)`` as thick as its cover says, 0 to 1."""
    from PIL import Image, ImageColor

    made = np.empty((*cover.shape, 4), np.uint8)
    made[..., :3] = ImageColor.getrgb(ink)[:3]
    made[..., 3] = np.rint(cover * 255)
    return Image.fromarray(made)


@cache
def ramp() -> np.ndarray:
    """``(256, 3)`` uint8, dark to light and perceptually even: colorcet's blue, magenta, yellow (Kovesi, 2015)."""
    from colorcet import bmy

    return np.array([[int(color[place : place + 2], 16) for place in (1, 3, 5)] for color in bmy], np.uint8)


def shaded(values: np.ndarray, width: int, height: int) -> Picture:
    """A table ``(h, w)`` of values from 0 to 1, NaN for nothing, as a picture of the ramp's colours."""
    from PIL import Image

    known = np.isfinite(values)
    made = np.zeros((*values.shape, 4), np.uint8)
    made[known, :3] = ramp()[np.rint(np.clip(values[known], 0, 1) * 255).astype(np.uint8)]
    made[..., 3] = known * np.uint8(255)
    return Image.fromarray(made).resize((width, height), Image.Resampling.BOX)
