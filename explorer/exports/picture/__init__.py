"""Pictures of the map for a page, a slide or a printer: what is seen, with its names, legend and axes, at any size."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType
from typing import Any

from explorer.exports.endings import chosen, menu
from explorer.exports.picture import png, svg
from explorer.exports.picture.figure import Entry, Figure, Legend, Name
from explorer.exports.picture.settings import PictureSettings
from explorer.exports.whole import replace_both, sha256
from explorer.exports.whole import writable as _writable

FORMATS: dict[str, ModuleType] = {module.ENDING: module for module in (png, svg)}


def formats() -> list[dict[str, str]]:
    """The formats for a menu: ``{"ending": ".png", "name": "PNG", "doc": "..."}``."""
    return menu(FORMATS)


def writable(path: str | Path, *, force: bool = False) -> Path:
    """The file that a picture at `path` will be, checked before anything is drawn.

    Raises
    ------
    InputError
        For an ending that is not known, a folder that is not there or may not be written, or a file that is there already.
    """
    _format_of(path)
    return _writable(Path(path), force=force)


def _format_of(path: str | Path) -> ModuleType:
    return chosen(FORMATS, path, f"of a picture it is {' or '.join(FORMATS)}")


def to_bytes(figure: Figure, settings: PictureSettings, ending: str = ".png") -> bytes:
    """The bytes that `write` would put into a file."""
    file = io.BytesIO()
    _format_of(ending).encode(figure, settings, file)
    return file.getvalue()


def write(figure: Figure, settings: PictureSettings, path: str | Path, record: dict[str, Any], *, force: bool = False) -> Path:
    """Write a picture to `path` and ``OUT.settings.json`` beside it, each whole or not at all.

    Parameters
    ----------
    record
        What made the layout and the colours (`Session.record`); the picture's own settings are added under ``"picture"``.
    force
        Replace a file that is there.

    Raises
    ------
    InputError
        For an ending that is not known, a file that is there already, a size that leaves no room, or a disk that does not take it.
    """
    out, form = writable(path, force=force), _format_of(path)
    about = {"file": Path(path).name, "format": form.NAME, "viewport": list(figure.viewport)} | settings.settings()

    def beside(written: Path) -> dict[str, Any]:
        return record | {"picture": about | {"sha256": sha256(written)}}

    replace_both(out, lambda file: form.encode(figure, settings, file), beside)
    return Path(path)


__all__ = ["Entry", "Figure", "Legend", "Name", "PictureSettings", "formats", "to_bytes", "writable", "write"]
