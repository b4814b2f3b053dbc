"""An item as a small picture: a picture made smaller, a time series as lines, a sound as its waveform over its spectrogram.

The same drawing serves the map, hover, card, gallery, focus mode and the exported page. What is not a picture is drawn on nothing,
in colours that read on a light ground and on a dark one.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from explorer.dataset import Dataset
from explorer.dataset.sounds import check_sound
from explorer.drawing.lines import bounds_of, draw_series
from explorer.drawing.spectrogram import draw_sound
from explorer.drawing.words import FEWEST, duration, label_series, label_sound, number
from explorer.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

DRAWN = ("image", "audio", "series")  # roles, in the order in which an item is called by them; a text is shown as text
SMALL = 256  # pixels on the longer side, up to which a drawing is half as wide again as it is high; beyond, twice as wide


def drawn_role(dataset: Dataset) -> str | None:
    """What of an item is drawn: the first of "image", "audio" and "series" that the dataset has, or None."""
    return next((role for role in DRAWN if role in dataset.roles), None)


def drawable(dataset: Dataset) -> bool:
    """Whether the items can be drawn."""
    return drawn_role(dataset) is not None


def shape(dataset: Dataset, size: int) -> tuple[int, int]:
    """Width and height in pixels that no drawing of a size is beyond; those of series and sound have just these."""
    if drawn_role(dataset) in {"image", None}:
        return size, size
    return size, size * 2 // 3 if size <= SMALL else size // 2


def picture(dataset: Dataset, row: int, size: int) -> Picture | None:
    """An item's drawing, `size` pixels on its longer side at most; None where the item cannot be read, or there is nothing in it.

    A photograph keeps its shape, and what is transparent stays so. From 1,024 pixels on, a series and a sound say their bounds.
    """
    try:
        role = drawn_role(dataset)
        return None if role is None else _DRAW[role](dataset, row, size)
    except InputError:  # unreadable; what it is goes to who asks for the item itself
        return None


def draw(dataset: Dataset, row: int, size: int) -> bytes:
    """As `picture`, as the bytes of a PNG; empty where there is none."""
    made = picture(dataset, row, size)
    if made is None:
        return b""
    out = io.BytesIO()
    made.save(out, "PNG", compress_level=3)
    return out.getvalue()


def facts(dataset: Dataset, row: int) -> list[tuple[str, str]]:
    """What is worth saying beside the drawing of a series or a sound, as name and value."""
    try:
        role = drawn_role(dataset)
        return _FACTS[role](dataset, row) if role in _FACTS else []
    except InputError as problem:
        return [("unreadable", str(problem))]


def _draw_image(dataset: Dataset, row: int, size: int) -> Picture | None:
    image = dataset.picture(row, background=None, at_least=size)  # the page's own ground shows through
    image.thumbnail((size, size))
    return image


def _draw_audio(dataset: Dataset, row: int, size: int) -> Picture | None:
    sound = dataset.sound(row)
    made = draw_sound(sound.samples, sound.rate, *shape(dataset, size))
    return label_sound(made, sound.seconds, sound.rate) if size >= FEWEST else made


def _draw_series(dataset: Dataset, row: int, size: int) -> Picture | None:
    values, (width, height) = dataset.series(row), shape(dataset, size)
    if size < FEWEST:
        return draw_series(values, width, height)
    return label_series(values, dataset.channels, width, height)


def _audio_facts(dataset: Dataset, row: int) -> list[tuple[str, str]]:
    given = dataset.table.column(dataset.roles["audio"])[row].as_py()
    header = check_sound(given, dataset.root, "the sound")
    start, stop = (given.get("start") or 0.0, given.get("stop")) if isinstance(given, dict) else (0.0, None)
    seconds = (header.seconds if stop is None else min(stop, header.seconds)) - start
    return [("length", duration(seconds)), ("rate", f"{header.rate:,} samples a second")]


def _series_facts(dataset: Dataset, row: int) -> list[tuple[str, str]]:
    values = dataset.series(row)
    channels, length = values.shape
    said = [("length", f"{length:,} value{'s' * (length != 1)}" + (f" in each of {channels:,} channels" if channels > 1 else ""))]
    known = bounds_of(values)
    return said if known is None else [*said, ("range", f"{number(known[0])} to {number(known[1])}")]


_DRAW = {"image": _draw_image, "audio": _draw_audio, "series": _draw_series}
_FACTS = {"audio": _audio_facts, "series": _series_facts}

__all__ = ["draw", "drawable", "drawn_role", "facts", "picture", "shape"]
