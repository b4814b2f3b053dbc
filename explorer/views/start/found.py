"""What was found in a dataset, as plain values: its columns with three example values each, and who is taken for what."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.dataset import Dataset
from explorer.drawing import drawable
from explorer.errors import listed

# The roles a person may give, in the page's order, with the words for them.
ROLES = {
    "id": "Ids", "text": "Texts", "image": "Pictures", "series": "Time series", "time": "Moments", "audio": "Sounds",
    "vectors": "Vectors", "layout": "Layout", "label": "Labels",
}  # fmt: skip
EXAMPLES, LONGEST, LOOKED_AT = 3, 60, 2_000  # values of a column, characters of one, rows among which they are sought
MOST_COLUMNS = 300  # that are shown
DRAWN = 16  # items that are drawn


def found(dataset: Dataset) -> dict[str, Any]:
    """What the page says of a dataset."""
    items = set(dataset.roles.values())
    columns = [
        {"name": name, "kind": kind, "item": name in items, "examples": examples(dataset.table.column(name))}
        for name, kind in list(dataset.kinds.items())[:MOST_COLUMNS]
    ]
    return {
        "name": dataset.name, "items": len(dataset), "subject": dataset.subject, "summary": dataset.summary,
        "notes": [said(note) for note in dataset.notes], "columns": columns,
        "left": max(0, len(dataset.kinds) - MOST_COLUMNS), "roles": dict(dataset.roles), "ids": _ids(dataset),
        "vectors": None if dataset.vectors is None else int(dataset.vectors.shape[1]),
        "layout": dataset.layout is not None, "drawn": _drawn(dataset),
    }  # fmt: skip


def said(message: str) -> str:
    """A sentence that speaks of the command line's options, in the page's own words.

    >>> said("pictures are taken from the column 'a' (name another with --image)")
    "pictures are taken from the column 'a' (choose another for “Pictures”)"
    """
    message = message.replace("name another with --", "choose another for --")
    return re.sub(rf"--({'|'.join(ROLES)})\b", lambda option: f"“{ROLES[option[1]]}”", message)


def examples(column: pa.ChunkedArray) -> list[str]:
    """The first different values of a column, as short texts on one line."""
    shown: list[str] = []
    for value in column.slice(0, LOOKED_AT):
        if value.is_valid and (text := _short(value)) not in shown:
            shown.append(text)
            if len(shown) == EXAMPLES:
                break
    return shown


def _short(value: pa.Scalar) -> str:
    kind = value.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"{len(value.values):,} values" if value.is_valid else ""
    plain = value.as_py()
    if isinstance(plain, dict):
        plain = plain.get("path") or plain.get("bytes")
    if isinstance(plain, bytes):
        return f"{len(plain):,} bytes"
    if isinstance(plain, float):
        return "missing" if math.isnan(plain) else f"{plain:.6g}"
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(plain)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _drawn(dataset: Dataset) -> list[int]:
    """The rows of some items from the first to the last, where items can be drawn."""
    if not drawable(dataset):
        return []
    count = min(DRAWN, len(dataset))
    return sorted({round(place * (len(dataset) - 1) / (count - 1)) for place in range(count)})


def _ids(dataset: Dataset) -> str:
    shown = [str(one)[:LONGEST] for one in dataset.ids[:EXAMPLES].tolist()]
    return listed(shown) + (" …" if len(dataset) > EXAMPLES else "")


def arrays_of(source: str) -> list[str]:
    """The arrays by name of an .npz, which a role may be given to beside the columns; none for any other source."""
    path = Path(source).expanduser()
    if path.suffix.lower() != ".npz" or not path.is_file():
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()[:MOST_COLUMNS]]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return []
    return [name for name in names if name.isprintable()]


__all__ = ["ROLES", "arrays_of", "examples", "found", "said"]
