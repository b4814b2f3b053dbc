"""What leaves the house: one row an item, in one file a format, written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from explorer.exports import csv, jsonl, parquet
from explorer.exports.endings import chosen, menu
from explorer.exports.whole import replace_both, sha256
from explorer.exports.whole import writable as _writable

FORMATS: dict[str, ModuleType] = {module.ENDING: module for module in (csv, parquet, jsonl)}
FIXED = ("id", "x", "y", "cluster", "label")


def table(
    ids: np.ndarray,
    layout: np.ndarray | None,
    clusters: np.ndarray | None,
    labels: np.ndarray,
    arrays: dict[str, np.ndarray],
) -> pd.DataFrame:
    """One row an item: ``id, x, y, cluster, label`` and what else the clustering gave. The five are always there.

    Parameters
    ----------
    ids
        ``(n,)`` integers or text.
    layout
        ``(n, 2)``, kept as float32 in ``x`` and ``y``; None gives NaN.
    clusters
        ``(n,)`` int where -1 is noise, kept as ``Int64``; None gives NA.
    labels
        ``(n,)`` category names, None without one (the empty name is a name).
    arrays
        Further columns, each ``(n,)``; one of ``(n, k)`` becomes k columns ``name_0 ...``, and a name that is taken gets
        ``cluster_`` put before it.
    """
    places = np.full((len(ids), 2), np.nan, np.float32) if layout is None else np.asarray(layout, np.float32)
    found = pd.array([pd.NA] * len(ids), dtype="Int64") if clusters is None else pd.array(np.asarray(clusters), dtype="Int64")
    columns: dict[str, Any] = {
        "id": pd.Series(ids, dtype=object if ids.dtype.kind in "OU" else None),
        "x": places[:, 0],
        "y": places[:, 1],
        "cluster": found,
        "label": pd.Series(labels, dtype=object),
    }
    for name, array in _flat(arrays).items():
        columns[f"cluster_{name}" if name in FIXED else name] = pd.Series(array, dtype=object if array.dtype.kind in "OU" else None)
    return pd.DataFrame(columns)


def _flat(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    flat = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            flat[name] = np.asarray(array)
        else:
            sides = np.asarray(array).reshape(len(array), -1).T
            flat |= {f"{name}_{place}": side for place, side in enumerate(sides)}
    return flat


def formats() -> list[dict[str, str]]:
    """The formats for a menu: ``{"ending": ".csv", "name": "CSV", "doc": "..."}``."""
    return menu(FORMATS)


def writable(path: str | Path, *, force: bool = False) -> Path:
    """The file that an export to `path` will write, checked before anything is computed.

    Raises
    ------
    InputError
        For an ending that is not known, a folder that is not there or may not be written, or a file that is there already.
    """
    format_of(path)
    return _writable(Path(path), force=force)


def format_of(path: str | Path) -> ModuleType:
    """The format of a file's ending, or of an ending itself, capitals or not.

    Raises
    ------
    InputError
        For an ending that is not known.
    """
    return chosen(FORMATS, path, f"known are {', '.join(FORMATS)}")


def to_bytes(frame: pd.DataFrame, ending: str, *, for_spreadsheets: bool = False) -> bytes:
    """The bytes that `write` would put into a file, for a download in the browser.

    Raises
    ------
    InputError
        For an ending that is not known, or text that the format cannot hold.
    """
    file = io.BytesIO()
    format_of(ending).encode(frame, file, for_spreadsheets=for_spreadsheets)
    return file.getvalue()


def write(
    frame: pd.DataFrame, path: str | Path, record: dict[str, Any], *, force: bool = False, for_spreadsheets: bool = False
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
        For an ending that is not known, a file that is there already, or a disk that does not take it; nothing is changed then.
    """
    out, form = writable(path, force=force), format_of(path)
    about = {"file": Path(path).name, "format": form.NAME, "rows": len(frame)}
    about |= {"columns": {str(name): str(kind) for name, kind in frame.dtypes.items()}, "for_spreadsheets": for_spreadsheets}

    def settings(written: Path) -> dict[str, Any]:
        return record | {"export": about | _when() | {"sha256": sha256(written)}}

    replace_both(out, lambda file: form.encode(frame, file, for_spreadsheets=for_spreadsheets), settings)
    return Path(path)


def _when() -> dict[str, str]:
    from datetime import UTC, datetime

    from explorer import __version__

    return {"explorer": __version__, "time": datetime.now(UTC).isoformat(timespec="seconds")}


__all__ = ["format_of", "formats", "table", "to_bytes", "writable", "write"]
