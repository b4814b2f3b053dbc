"""Small pictures of all items on a few large ones, so that one file holds thousands of them without a request."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.step import Progress

FEW = 5_000  # pictures; more would make the file too large to send
SIZE = 64  # pixels of a small picture's longer side
ACROSS = 16  # small pictures across a sheet, and down
QUALITY = 78


def sprites(dataset: Dataset, rows: np.ndarray, progress: Progress) -> dict[str, Any] | None:
    """Sheets as base64 of WebP, or None where there are too many; a picture that cannot be read leaves its place empty.

    The picture of the k-th of `rows` is in sheet ``k // across²``, line by line.
    """
    if len(rows) > FEW:
        return None
    per = ACROSS * ACROSS
    sheets = []
    for start in range(0, len(rows), per):
        progress(start / len(rows), f"{start:,} of {len(rows):,} small pictures")
        sheets.append(_sheet(dataset, rows[start : start + per].tolist()))
    return {"size": SIZE, "across": ACROSS, "sheets": sheets}


def _sheet(dataset: Dataset, rows: list[int]) -> str:
    from PIL import Image

    down = -(-len(rows) // ACROSS)
    sheet = Image.new("RGBA", (ACROSS * SIZE, down * SIZE))
    for place, row in enumerate(rows):
        try:
            picture = dataset.picture(row, background=None, at_least=SIZE)
        except InputError:
            continue
        picture.thumbnail((SIZE, SIZE))
        y, x = divmod(place, ACROSS)
        sheet.paste(picture, (x * SIZE + (SIZE - picture.width) // 2, y * SIZE + (SIZE - picture.height) // 2))
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=QUALITY, method=4)
    return base64.b64encode(out.getvalue()).decode("ascii")
