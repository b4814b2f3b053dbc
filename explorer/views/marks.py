"""Marks of their own on the map while few items are in view: where each is, its colour and title, its picture when asked for."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from explorer import drawing
from explorer.dataset import Dataset
from explorer.raster.points import own_colors
from explorer.views import items
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.raster import Frame, Points

ASKED = 200  # places that are asked for their nearest
TITLED = 48  # marks in view that have their titles beside them
LETTERS = 48  # of a title on the map
SHEET = 64  # pictures in one sheet at most
ACROSS = 8  # pictures in a row of a sheet
PATIENCE = 0.3  # seconds after which a sheet is sent with the pictures that are ready

_SPRITES = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-sprites")


class Marks(Part):
    """Sends with a picture of few items what the page needs to draw each of them, and sheets of their thumbnails."""

    def drawn(self, frame: Frame, points: Points) -> dict[str, Any]:
        """The marks of a frame's rows as bytes of plain arrays; None where they are too many."""
        if frame.rows is None:
            return {"marks": None}
        rows, dataset = frame.rows, self.session.dataset
        places = np.asarray(points.layout[rows], np.float32)
        made: dict[str, Any] = {"rows": rows.astype(np.int32).tobytes(), "x": places[:, 0].tobytes(), "y": places[:, 1].tobytes()}
        made |= {"color": np.rint(own_colors(points, rows) * 255).astype(np.uint8).tobytes(), "density": points.density}
        made["on"] = None if points.selected is None else points.selected[rows].astype(np.uint8).tobytes()
        pictures = drawing.drawable(dataset)
        made["spacing"] = spacing(places) if pictures else None
        made["titles"] = [caption(dataset, int(row)) for row in rows] if len(rows) <= TITLED and not pictures else None
        return {"marks": made}

    def on_sprites(self, rows: list[int]) -> None:
        """Send a sheet of thumbnails of some rows, as many as are ready soon; the page asks again for the others."""
        n = len(self.session.dataset)
        wanted = [row for row in rows if isinstance(row, int) and not isinstance(row, bool) and 0 <= row < n]
        if drawing.drawable(self.session.dataset) and wanted:
            _SPRITES.submit(self._send, wanted[:SHEET])

    def _send(self, rows: list[int]) -> None:
        pictures = soon(rows, self.view.thumbs.get)
        self.view.page.send(sprites={"rows": rows[: len(pictures)]} | sheet(pictures))


def spacing(places: np.ndarray) -> float | None:
    """The median distance from a place to the nearest other one, in the layout's units; None where there is no other.

    Of many places only some are asked for theirs, evenly chosen: loading a library for it would hold the first picture up.
    """
    places = np.unique(places.astype(np.float64), axis=0)  # what lies on one place covers itself at any size
    if len(places) < 2:
        return None
    some = places[:: -(-len(places) // ASKED)]
    square = ((some[:, None] - places[None]) ** 2).sum(axis=-1)
    square[square == 0] = np.inf  # itself
    made = float(np.median(np.sqrt(square.min(axis=1))))
    return made if 0 < made < np.inf else None  # places nearer than numbers tell apart


def caption(dataset: Dataset, row: int) -> str:
    """What stands beside a mark: the item's title, or how its text begins."""
    name = items.title(dataset, row)
    if name == str(dataset.ids[row]) and "text" in dataset.roles:
        name = " ".join(dataset.texts(np.array([row]))[0][: 4 * LETTERS].split()) or name
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1].rstrip()}…"


def soon(rows: list[int], thumbnail: Callable[[int], bytes]) -> list[bytes]:
    """The thumbnails of the first rows, at least one, until patience ends."""
    until, made = time.monotonic() + PATIENCE, []
    for row in rows:
        made.append(thumbnail(row))
        if time.monotonic() > until:
            break
    return made


def sheet(pictures: list[bytes]) -> dict[str, Any]:
    """Thumbnails side by side in one WebP; `sizes` has each one's width and height, 0 where a picture could not be read."""
    down = -(-len(pictures) // ACROSS)
    whole = Image.new("RGBA", (ACROSS * items.THUMB, down * items.THUMB))
    sizes: list[int] = []
    for place, content in enumerate(pictures):
        small = Image.open(io.BytesIO(content)) if content else Image.new("RGBA", (0, 0))
        whole.paste(small, (place % ACROSS * items.THUMB, place // ACROSS * items.THUMB))
        sizes += small.size
    out = io.BytesIO()
    whole.save(out, "WEBP", quality=82, method=0)
    return {"sheet": out.getvalue(), "sizes": sizes, "across": ACROSS, "cell": items.THUMB}
