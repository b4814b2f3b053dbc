"""What leaves the house: one file or folder a format, written whole or not at all, with a record of how it was made beside it."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import pandas as pd

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.exports import coco, csv, folders, h5ad, html, huggingface, jsonl, parquet
from explorer.exports.content import CHOICES, Content, Drawing, Labelling, Legend
from explorer.exports.endings import chosen, menu
from explorer.exports.html.payload import check_map
from explorer.exports.originals import check_pictures
from explorer.exports.rows import frame, gone, table
from explorer.exports.whole import replace_both, replace_folder, sha256, writable_folder
from explorer.exports.whole import writable as _writable
from explorer.exports.zipped import zip_folder
from explorer.step import Progress, Settings

FORMATS: dict[str, ModuleType] = {module.ENDING: module for module in (csv, parquet, jsonl, h5ad, coco, huggingface, folders, html)}
TABLES = {ending: module for ending, module in FORMATS.items() if module.KIND == "table"}


def formats() -> list[dict[str, Any]]:
    """The formats for a menu: ``{"ending": ".csv", "name": "CSV", "doc": "..."}``, with what each ``needs`` ("", "layout" or
    "pictures"), whether it is a ``folder``, and its ``settings`` as `Settings.describe` gives them."""
    return [
        entry | {"needs": form.NEEDS, "folder": form.KIND == "folder", "settings": form.Options.describe()}
        for entry, form in zip(menu(FORMATS), FORMATS.values(), strict=True)
    ]


def format_of(path: str | Path) -> ModuleType:
    """The format of a file's ending, or of an ending itself, capitals or not.

    Raises
    ------
    InputError
        For an ending that is not known.
    """
    return chosen(FORMATS, path, f"known are {', '.join(FORMATS)}")


def writable(path: str | Path, *, force: bool = False) -> Path:
    """The file or folder that an export to `path` will write, checked before anything is computed.

    Raises
    ------
    InputError
        For an ending that is not known or a package that is missing, a folder that is not there or may not be written, or what is
        there already.
    """
    form = format_of(path)
    if hasattr(form, "check"):
        form.check()
    place = Path(path)
    return writable_folder(place, force=force) if form.KIND == "folder" else _writable(place, force=force)


def options(path: str | Path, *, for_spreadsheets: bool = False, **settings: Any) -> Settings:
    """The settings of the format of an ending; `for_spreadsheets` is only for those that have it.

    Raises
    ------
    InputError
        For an ending or a setting that is not known, or a value that is not allowed.
    """
    declared: type[Settings] = format_of(path).Options
    if for_spreadsheets and "for_spreadsheets" in declared.setting_names():
        settings = {"for_spreadsheets": True} | settings
    return declared(**settings)


def check_items(dataset: Dataset, path: str | Path) -> None:
    """Raise an InputError where a format is of pictures and the items are none."""
    form = format_of(path)
    if form.NEEDS == "pictures":
        check_pictures(dataset, form.NAME)


def check(content: Content, path: str | Path) -> None:
    """Raise an InputError where a format is of what the items have not: pictures or a layout."""
    check_items(content.dataset, path)
    if format_of(path).NEEDS == "layout":
        check_map(content)


def export(content: Content, path: str | Path, chosen: Settings, *, force: bool = False, progress: Progress | None = None) -> Path:
    """Write what is exported to `path` and ``OUT.settings.json`` beside it, each whole or not at all.

    Parameters
    ----------
    chosen
        The format's own settings; `options` makes them.
    force
        Replace a file, or a folder that an export wrote, that is there.

    Raises
    ------
    InputError
        For an ending that is not known, what is there already, what the format cannot hold, or a disk that does not take it; then
        nothing is changed.
    Cancelled
        When `progress` says that Stop was pressed; nothing is left behind.
    """
    out, form, progress = writable(path, force=force), format_of(path), progress or Progress()
    check(content, path)
    progress(0.0)
    about = {"file": Path(path).name, "format": form.NAME, "rows": len(content), "only": content.record.get("only", "all")}
    about |= {"settings": chosen.settings()}
    what: Any = content
    if form.KIND == "table":
        what = frame(content)
        about |= _columns(what)
    make = form.fill if form.KIND == "folder" else form.encode

    def made(place: Any) -> None:
        make(what, place, chosen, progress)
        progress(1.0)  # the last moment at which it can be stopped

    replace = replace_folder if form.KIND == "folder" else replace_both
    replace(out, made, _settings(content.about, about, is_folder=form.KIND == "folder"))
    return Path(path)


def download(content: Content, ending: str, chosen: Settings, file: BinaryIO, progress: Progress) -> str:
    """Write what `export` would into an open file, a folder as a ZIP archive, and give the ending that the file then has.

    Raises
    ------
    InputError, Cancelled
        As `export` does.
    """
    form = format_of(ending)
    if hasattr(form, "check"):
        form.check()
    check(content, ending)
    if form.KIND == "table":
        form.encode(frame(content), file, chosen, progress)
    elif form.KIND == "file":
        form.encode(content, file, chosen, progress)
    else:
        with tempfile.TemporaryDirectory(prefix="explorer-export-", ignore_cleanup_errors=True) as made:
            form.fill(content, Path(made), chosen, progress.part(0.0, 0.7))
            zip_folder(Path(made), file, progress.part(0.7, 1.0))
        return f"{ending}.zip"
    return ending


def to_bytes(rows: pd.DataFrame, ending: str, *, for_spreadsheets: bool = False) -> bytes:
    """The bytes that `write` would put into a file.

    Raises
    ------
    InputError
        For an ending that is not a table's, or text that the format cannot hold.
    """
    file = io.BytesIO()
    _table(ending).encode(rows, file, options(ending, for_spreadsheets=for_spreadsheets), Progress())
    return file.getvalue()


def write(
    rows: pd.DataFrame, path: str | Path, record: dict[str, Any], *, force: bool = False, for_spreadsheets: bool = False
) -> Path:
    """Write a table to `path` and ``OUT.settings.json`` beside it, each whole or not at all.

    Parameters
    ----------
    record
        What made the rows (`Session.record`); the file's name, hash, rows, columns and time are added under ``"export"``.
    force
        Replace a file that is there.
    for_spreadsheets
        Make text cells that a spreadsheet would run harmless; only CSV has such cells.

    Raises
    ------
    InputError
        For an ending that is not a table's, a file that is there already, or a disk that does not take it; nothing is changed then.
    """
    form = _table(path)
    out, chosen = _writable(Path(path), force=force), options(path, for_spreadsheets=for_spreadsheets)
    about = {"file": Path(path).name, "format": form.NAME, "rows": len(rows), "settings": chosen.settings()} | _columns(rows)
    replace_both(out, lambda file: form.encode(rows, file, chosen, Progress()), _settings(record, about))
    return Path(path)


def _table(path: str | Path) -> ModuleType:
    """The format of an ending, where it is a table of rows.

    Raises
    ------
    InputError
        For another.
    """
    form = format_of(path)
    if form.KIND != "table":
        raise InputError(f"{str(path)!r} is no table; rows alone can be written to {', '.join(TABLES)}")
    return form


def _columns(rows: pd.DataFrame) -> dict[str, Any]:
    return {"columns": {str(name): str(kind) for name, kind in rows.dtypes.items()}}


def _settings(record: dict[str, Any], about: dict[str, Any], *, is_folder: bool = False) -> Callable[[Path], dict[str, Any]]:
    """What stands beside an export, made when it is written: a file's hash, or how many files a folder has."""

    def settings(written: Path) -> dict[str, Any]:
        if not is_folder:
            return record | {"export": about | _when() | {"sha256": sha256(written)}}
        return record | {"export": about | _when() | {"files": sum(len(names) for _, _, names in os.walk(written))}}

    return settings


def _when() -> dict[str, str]:
    from datetime import UTC, datetime

    from explorer import __version__

    return {"explorer": __version__, "time": datetime.now(UTC).isoformat(timespec="seconds")}


__all__ = [
    "CHOICES", "FORMATS", "TABLES", "Content", "Drawing", "Labelling", "Legend", "check", "check_items", "download", "export",
    "format_of", "formats", "gone", "options", "table", "to_bytes", "writable", "write",
]  # fmt: skip
