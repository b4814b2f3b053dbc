"""Files on their way to a page: in pieces, since a message over twenty megabytes would end the connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from explorer.views.pages import Pages

PIECE = 4 << 20  # bytes of a file in one message


def send_file(page: Pages, name: str, file: BinaryIO, look: Callable[[], None] = lambda: None) -> None:
    """Send an open file from its beginning to the page that asked; `look` is called before each piece and may end it."""
    left = file.seek(0, 2)
    file.seek(0)
    while True:
        look()
        piece = file.read(PIECE)
        left -= len(piece)
        page.answer(part={"name": name, "bytes": piece, "last": left <= 0})
        if left <= 0:
            return
