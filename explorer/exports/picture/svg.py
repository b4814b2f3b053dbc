"""SVG: the points as one embedded picture, and all text, dots and lines as shapes that a drawing program can edit."""

from __future__ import annotations

import base64
import io
from typing import BinaryIO
from xml.etree import ElementTree as ET

from explorer.exports.picture.figure import Figure
from explorer.exports.picture.fonts import FAMILY
from explorer.exports.picture.marks import Dot, Line, Mark, Text, clean
from explorer.exports.picture.points import drawn
from explorer.exports.picture.settings import PictureSettings
from explorer.exports.picture.sheet import Sheet, arranged

ENDING = ".svg"
NAME = "SVG"
DOC = "Text and legend that a drawing program can edit; the points are a picture in it."
HALO = 3.6  # units of the outline behind a name, both sides together
SPACE, LINKS = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_MIDDLE = 0.36  # of its size that a text's baseline is below its middle: not all programs know dominant-baseline


def encode(figure: Figure, settings: PictureSettings, file: BinaryIO) -> None:
    """Write the picture into an open file."""
    sheet = arranged(figure, settings)
    root = _root(sheet, settings.dpi)
    _add(root, "title").text = clean(figure.title)
    _add(root, "desc").text = clean(figure.about)
    if sheet.paper:
        _add(root, "rect", width=sheet.width, height=sheet.height, fill=sheet.paper)
    _embed(root, figure, sheet)
    beside = _add(root, "g", **{"class": "legend"})
    for place, mark in enumerate(sheet.marks):
        _draw(beside, mark, place)
    halos = _add(root, "g", **{"class": "halos", "aria-hidden": "true"})  # a group of its own: paint-order is not known everywhere
    names = _add(root, "g", **{"class": "names"})
    for mark in sheet.names:
        if isinstance(mark, Text):
            _halo(halos, mark)
            _write(names, mark)
        else:
            _draw(names, mark, 0)
    ET.ElementTree(root).write(file, "utf-8", xml_declaration=True)


def _root(sheet: Sheet, dpi: float) -> ET.Element:
    wide, tall = (f"{side / dpi:.6g}in" for side in sheet.pixels)
    box = f"0 0 {sheet.width:.6g} {sheet.height:.6g}"
    known = {"xmlns": SPACE, "xmlns:xlink": LINKS, "width": wide, "height": tall, "viewBox": box, "font-family": FAMILY}
    return ET.Element("svg", known)


def _add(parent: ET.Element, tag: str, **values: str | float) -> ET.Element:
    """A shape; a name's underscores stand for the hyphens of SVG."""
    said = {name.replace("_", "-"): value if isinstance(value, str) else f"{value:.6g}" for name, value in values.items()}
    return ET.SubElement(parent, tag, said)


def _embed(root: ET.Element, figure: Figure, sheet: Sheet) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(drawn(figure.points, sheet)).save(picture, "PNG")
    data = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    pane = sheet.pane
    known = {"preserveAspectRatio": "none", "xlink:href": data}
    _add(root, "image", x=pane.x, y=pane.y, width=pane.width, height=pane.height, **known)


def _draw(parent: ET.Element, mark: Mark, place: int) -> None:
    if isinstance(mark, Text):
        if mark.halo:
            _halo(parent, mark)
        _write(parent, mark)
    elif isinstance(mark, Dot):
        _add(parent, "circle", cx=mark.x, cy=mark.y, r=mark.radius, fill=mark.color)
    elif isinstance(mark, Line):
        _add(parent, "line", x1=mark.x0, y1=mark.y0, x2=mark.x1, y2=mark.y1, stroke=mark.color, stroke_width=mark.width)
    else:
        slope = _add(parent, "linearGradient", id=f"scale{place}")
        for number, stop in enumerate(mark.stops):
            _add(slope, "stop", offset=number / max(1, len(mark.stops) - 1), stop_color=stop)
        _add(parent, "rect", x=mark.x, y=mark.y, width=mark.width, height=mark.height, fill=f"url(#scale{place})")


def _write(parent: ET.Element, text: Text, **more: str | float) -> None:
    known: dict[str, str | float] = {"x": text.x, "y": text.y + _MIDDLE * text.size, "font-size": text.size, "fill": text.color}
    known |= {"text-anchor": text.anchor} | ({"font-weight": "600"} if text.bold else {})
    _add(parent, "text", **(known | more)).text = text.text


def _halo(parent: ET.Element, text: Text) -> None:
    outline: dict[str, str | float] = {"fill": text.halo, "stroke": text.halo, "stroke_width": HALO, "stroke_linejoin": "round"}
    _write(parent, text, **outline)
