"""One HTML file with the map in it, that opens anywhere, asks nothing of any network, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from pathlib import Path
from typing import BinaryIO

import param

from explorer.exports.content import Content
from explorer.exports.html.payload import NAMED, check_map, payload
from explorer.exports.html.sprites import FEW
from explorer.step import Progress, Settings

ENDING = ".html"
NAME = "Map in one HTML file"
DOC = "The map to open in any browser, offline: pan, zoom, hover, legend, names. For a colleague who has nothing installed."
KIND = "file"
NEEDS = "layout"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<noscript>This map is drawn by a script, and scripts are switched off in this browser.</noscript>
<main id="map-page"></main>
<script type="application/json" id="data">"""

_END = """</script>
<script>{script}</script>
</body>
</html>
"""


class Options(Settings):
    """What the file holds."""

    method = ENDING

    titles = param.Boolean(True, doc=f"What each item is called, to hover and to search; up to {NAMED:,} items.")
    thumbnails = param.Boolean(
        True, doc=f"Small pictures to hover, also of series and of sounds, which are not played; up to {FEW:,}."
    )


def encode(content: Content, file: BinaryIO, options: Settings, progress: Progress) -> None:
    """Write the page: every item that has a place is a point, however many they are.

    Raises
    ------
    InputError
        Where there is no layout, or no item has a place in it.
    """
    check_map(content)
    chosen = options.settings()
    made = payload(content, progress, titles=chosen["titles"], thumbnails=chosen["thumbnails"])
    style, script = _read("page.css"), _read("page.js")
    title = html.escape(content.dataset.name.encode("utf-8", "replace").decode())
    file.write(_PAGE.format(policy=policy(style, script), title=title, style=style).encode())
    for part in json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).iterencode(made):
        file.write(harmless(part))
    file.write(_END.format(script=script).encode())


def harmless(text: str) -> bytes:
    """JSON that ends no script element and opens no comment in one; half a character is escaped as JSON does it."""
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "backslashreplace")


def policy(style: str, script: str) -> str:
    """What the page may do: run this script, use this style, show pictures that it holds itself, and nothing else."""
    sources = {"style-src": style, "script-src": script}
    hashes = [
        f"{name} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for name, text in sources.items()
    ]
    return "; ".join(["default-src 'none'", *hashes, "img-src data:", "base-uri 'none'", "form-action 'none'"])


@cache
def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
