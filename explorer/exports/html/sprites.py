"""Small drawings of all items on a few large pictures, so that one file holds thousands of them without a request."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from explorer.dataset import Dataset
from explorer.drawing import drawn_role, picture, shape
from explorer.step import Progress

FEW = 5_000  # pictures; more would make the file too large to send
SIZE = 64  # pixels of a small picture's longer side
WIDE = 96  # of a series or a sound, which are less high
ACROSS = 16  # small pictures across a sheet, and down
QUALITY = 78


def sprites(dataset: Dataset, rows: np.ndarray, progress: Progress) -> dict[str, Any] | None:
    """Sheets as base64 of WebP, or None where there are too many; an item that cannot be read leaves its place empty.

    The picture of the k-th of `rows` is in sheet ``k // across²``, line by line.
    """
    if len(rows) > FEW:
        return None
    per = ACROSS * ACROSS
    wide, tall = shape(dataset, SIZE if drawn_role(dataset) == "image" else WIDE)
    sheets = []
    for start in range(0, len(rows), per):
        progress(start / len(rows), f"{start:,} of {len(rows):,} small pictures")
        sheets.append(_sheet(dataset, rows[start : start + per].tolist(), wide, tall))
    return {"size": wide, "tall": tall, "across": ACROSS, "sheets": sheets}


def _sheet(dataset: Dataset, rows: list[int], wide: int, tall: int) -> str:
    from PIL import Image

    down = -(-len(rows) // ACROSS)
    sheet = Image.new("RGBA", (ACROSS * wide, down * tall))
    for place, row in enumerate(rows):
        small = picture(dataset, row, wide)
        if small is not None:
            y, x = divmod(place, ACROSS)
            sheet.paste(small, (x * wide + (wide - small.width) // 2, y * tall + (tall - small.height) // 2))
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=QUALITY, method=4)
    return base64.b64encode(out.getvalue()).decode("ascii")
