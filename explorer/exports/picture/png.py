"""PNG: the points as they are drawn, with text and legend drawn over them; the resolution is written into the file."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from explorer.exports.picture.figure import Figure
from explorer.exports.picture.fonts import font
from explorer.exports.picture.marks import Dot, Line, Mark, Ramp, Text, clean
from explorer.exports.picture.points import drawn
from explorer.exports.picture.settings import PictureSettings
from explorer.exports.picture.sheet import Sheet, arranged
from explorer.raster.points import hex_colors

ENDING = ".png"
NAME = "PNG"
DOC = "Pixels, at any size; for a screen, a slide or a printed page."
HALO = 1.8  # units of a name's outline
_FINE = 4  # times finer that a dot is drawn, for a smooth edge
_ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}


def encode(figure: Figure, settings: PictureSettings, file: BinaryIO) -> None:
    """Write the picture into an open file."""
    sheet = arranged(figure, settings)
    image = _ground(sheet)
    _lay(image, drawn(figure.points, sheet), (_pixel(sheet.pane.x, sheet), _pixel(sheet.pane.y, sheet)))
    pen = ImageDraw.Draw(image)
    for mark in (*sheet.marks, *sheet.names):
        _draw(mark, image, pen, sheet.ratio)
    image.save(file, "PNG", dpi=(settings.dpi, settings.dpi), pnginfo=_about(figure))


def _ground(sheet: Sheet) -> Image.Image:
    # Nothing is white, not black: a smooth edge is mixed with it.
    return Image.new("RGB", sheet.pixels, sheet.paper) if sheet.paper else Image.new("RGBA", sheet.pixels, (255, 255, 255, 0))


def _lay(image: Image.Image, rgba: np.ndarray, at: tuple[int, int]) -> None:
    picture = Image.fromarray(rgba)
    if image.mode == "RGB":
        image.paste(picture, at, picture)
    else:  # as it is, where there is something: what is not drawn stays white
        image.paste(picture, at, picture.getchannel("A").point(lambda alpha: 255 if alpha else 0))


def _pixel(units: float, sheet: Sheet) -> int:
    return round(units * sheet.ratio)


def _about(figure: Figure) -> PngImagePlugin.PngInfo:
    from explorer import __version__

    known = PngImagePlugin.PngInfo()
    for name, text in (("Title", figure.title), ("Description", figure.about), ("Software", f"embedding-explorer {__version__}")):
        known.add_itxt(name, clean(text))
    return known


def _draw(mark: Mark, image: Image.Image, pen: Any, ratio: float) -> None:
    if isinstance(mark, Text):
        _write(mark, pen, ratio)
    elif isinstance(mark, Dot):
        _dot(mark, image, ratio)
    elif isinstance(mark, Line):
        _line(mark, pen, ratio)
    else:
        _ramp(mark, image, ratio)


def _write(text: Text, pen: Any, ratio: float) -> None:
    halo = {"stroke_width": max(1, round(HALO * ratio)), "stroke_fill": text.halo} if text.halo else {}
    letters = font(text.text, text.size * ratio, bold=text.bold)
    pen.text((text.x * ratio, text.y * ratio), text.text, text.color, letters, _ANCHORS[text.anchor], **halo)


def _dot(dot: Dot, image: Image.Image, ratio: float) -> None:
    left, top = int((dot.x - dot.radius) * ratio) - 1, int((dot.y - dot.radius) * ratio) - 1
    side = int(2 * dot.radius * ratio) + 4
    fine = Image.new("L", (side * _FINE, side * _FINE))
    middle, reach = ((dot.x * ratio - left) * _FINE, (dot.y * ratio - top) * _FINE), dot.radius * ratio * _FINE
    ImageDraw.Draw(fine).ellipse([middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach], fill=255)
    image.paste(dot.color, (left, top), fine.resize((side, side), Image.Resampling.BOX))


def _line(line: Line, pen: Any, ratio: float) -> None:
    thick = max(1, round(line.width * ratio))
    x0, x1, y0, y1 = (round(edge * ratio - thick / 2) for edge in (line.x0, line.x1, line.y0, line.y1))
    pen.rectangle([x0, y0, x1 + thick - 1, y1 + thick - 1], fill=line.color)


def _ramp(ramp: Ramp, image: Image.Image, ratio: float) -> None:
    wide, tall = max(1, round(ramp.width * ratio)), max(1, round(ramp.height * ratio))
    stops = hex_colors(ramp.stops).astype(np.float64) * 255
    along = np.linspace(0, len(stops) - 1, wide)
    row = np.stack([np.interp(along, np.arange(len(stops)), stops[:, channel]) for channel in range(3)], axis=-1)
    picture = Image.fromarray(np.broadcast_to(np.round(row).astype(np.uint8), (tall, wide, 3)).copy())
    image.paste(picture, (round(ramp.x * ratio), round(ramp.y * ratio)))
