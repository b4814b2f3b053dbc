"""Arrays of pixels as pictures: kept as PNG, and numbers that are no bytes put on one scale for all of them, which is said."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from explorer.errors import InputError

CHANNELS = (1, 3, 4)
LOOKED_AT = 256  # pictures whose least and greatest value make the scale of all
WHITE = 255.0


class Pixels:
    """Takes pictures one by one, as arrays ``(h, w)``, ``(h, w, c)`` or ``(c, h, w)`` with c of 1, 3 or 4, and keeps them as PNG.

    Bytes (uint8) are pixels as they are and flags are black and white. Of other numbers the first 256 pictures make the scale:
    0 to 1 where all lie between, else black is the least of them and white the greatest.

    Parameters
    ----------
    what
        What messages call a picture.
    channels_first
        What an array is taken for that could be either: torch's ``(c, h, w)`` or else numpy's ``(h, w, c)``.
    """

    def __init__(self, what: str, *, channels_first: bool = False) -> None:
        self._what, self._first = what, channels_first
        self._made: list[bytes | None] = []
        self._waiting: list[np.ndarray | None] = []  # until the scale is known
        self._scale: tuple[float, float] | None = None
        self._beyond = False
        self._scaled = False

    def add(self, array: np.ndarray | None) -> None:
        """The next picture, or None where there is none.

        Raises
        ------
        InputError
            For another shape, or what is not numbers.
        """
        self._waiting.append(None if array is None else self._upright(array))
        if self._scale is not None or len(self._waiting) >= LOOKED_AT:
            self._flush()

    def done(self) -> tuple[list[bytes | None], list[str]]:
        """All pictures as PNG, and what is to be said about their scale."""
        self._flush()
        if not self._scaled or self._scale is None:
            return self._made, []
        low, high = self._scale
        if (low, high) == (0.0, 1.0):
            return self._made, ["the pictures are numbers from 0 to 1: 0 is shown black and 1 white"]
        many = f" in the first {LOOKED_AT} of them" if len(self._made) > LOOKED_AT else ""
        cut = "; what lies beyond is cut off" if self._beyond else ""
        return self._made, [
            f"the pictures are numbers from {low:.3g} to {high:.3g}{many}: the least is black, the greatest white{cut}"
        ]

    def _upright(self, array: np.ndarray) -> np.ndarray:
        """The same as ``(h, w)`` or ``(h, w, 3 or 4)``."""
        if array.dtype.kind not in "buif":
            raise InputError(f"{self._what} holds {array.dtype}; pixels are numbers")
        shape = array.shape
        if array.ndim == 3:
            first, last = shape[0] in (CHANNELS if self._first else CHANNELS[:2]), shape[2] in CHANNELS
            if first and (self._first or not last):
                array = array.transpose(1, 2, 0)
            if array.shape[2] == 1:
                array = array[:, :, 0]
        if array.ndim not in (2, 3) or not array.size or (array.ndim == 3 and array.shape[2] not in CHANNELS):
            raise InputError(f"{self._what} has the shape {shape}; a picture is (h, w), (h, w, 3), (h, w, 4) or (3, h, w)")
        return array

    def _flush(self) -> None:
        numbers = [one for one in self._waiting if one is not None and one.dtype not in (np.uint8, np.bool_)]
        if numbers and self._scale is None:
            self._scale = _scale_of(numbers)
        self._made += [None if one is None else _png(self._in_bytes(one)) for one in self._waiting]
        self._waiting = []

    def _in_bytes(self, array: np.ndarray) -> np.ndarray:
        if array.dtype == np.uint8:
            return array
        if array.dtype == np.bool_:
            return array.astype(np.uint8) * np.uint8(WHITE)
        self._scaled = True
        low, high = self._scale or (0.0, 1.0)
        values = (array.astype(np.float64) - low) * (WHITE / (high - low))
        self._beyond = self._beyond or bool((values < -0.5).any() or (values > WHITE + 0.5).any())
        return np.rint(np.clip(np.nan_to_num(values, nan=0.0, posinf=WHITE, neginf=0.0), 0.0, WHITE)).astype(np.uint8)


def _scale_of(arrays: list[np.ndarray]) -> tuple[float, float]:
    """What is black and what is white: 0 and 1 where all values lie between, else the least and the greatest."""
    finite = [values for array in arrays if (values := array[np.isfinite(array)]).size]
    low = min((float(values.min()) for values in finite), default=0.0)
    high = max((float(values.max()) for values in finite), default=1.0)
    if (low >= 0.0 and high <= 1.0) or low == high:
        return (0.0, 1.0) if 0.0 <= low <= 1.0 else (low, low + 1.0)
    return low, high


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def pictures_of(array: Any, what: str) -> tuple[list[bytes | None], list[str]]:
    """The pictures of an array ``(n, h, w)`` or ``(n, h, w, 3 or 4)``, and notes; raises as `Pixels.add` does."""
    pixels = Pixels(f"each picture of {what}")
    for one in array:
        pixels.add(np.asarray(one))
    return pixels.done()


__all__ = ["LOOKED_AT", "Pixels", "pictures_of"]
