"""What the page is given: positions, legends, names and titles as plain JSON values, arrays as base64 of little-endian numbers."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from explorer.drawing import drawable
from explorer.errors import InputError
from explorer.exports.content import Content, Legend
from explorer.exports.html.sprites import sprites
from explorer.step import Progress

NAMED = 100_000  # items up to which each has its title; beyond, the file would grow by them over twenty megabytes
WORDED = 20_000  # items up to which texts are shown as one hovers
TITLE, TEXT = 120, 240  # characters of each that are kept
STEPS = 65_535  # places across the layout, on each axis: finer than a screen at the page's deepest zoom


def check_map(content: Content) -> None:
    """Raise an InputError where there is no map to draw."""
    if content.layout is None:
        raise InputError("there is no layout yet to draw a map of; first run the layout step (session.reduce), or export .csv")
    if not content.take(content.layout.valid).any():
        raise InputError("no item has a place in this layout (its rows are NaN), so there is no map to draw; export .csv instead")


def payload(content: Content, progress: Progress, *, titles: bool, thumbnails: bool) -> dict[str, Any]:
    """All that the page shows, of the items that have a place."""
    assert content.layout is not None
    rows = content.rows[content.take(content.layout.valid)]
    progress(0.02, "naming groups")
    drawing = content.drawn()
    made = _about(content, len(rows)) | _places(np.asarray(content.layout.values)[rows])
    made["legends"] = [_legend(legend, rows) for legend in drawing.legends]
    made["names"] = [
        {"text": one["text"], "x": one["x"], "y": one["y"], "size": one["size"], "color": one.get("color", "")}
        for one in drawing.names
    ]
    if titles and len(rows) <= NAMED:
        progress(0.1, "titles")
        made |= _titles(content, rows)
    if thumbnails and drawable(content.dataset):
        made["sprites"] = sprites(content.dataset, rows, progress.part(0.15, 0.95))
    return made


def _about(content: Content, drawn: int) -> dict[str, Any]:
    assert content.layout is not None
    dataset = content.dataset
    parts = [f"{drawn:,} {dataset.subject}", f"layout {content.layout.method}"]
    if content.clusters is not None:
        parts.append(f"clusters {content.clusters.method}")
    return {"title": dataset.name, "about": " · ".join(parts), "count": drawn, "homeless": len(content) - drawn}


def _places(layout: np.ndarray) -> dict[str, Any]:
    """Positions as steps of the layout's box, ``[left, bottom, width, height]``."""
    low, high = layout.min(axis=0).astype(np.float64), layout.max(axis=0).astype(np.float64)
    size = np.where(high > low, high - low, 1.0)
    steps = np.rint((layout.astype(np.float64) - low) / size * STEPS).astype("<u2")
    return {"box": [*low.tolist(), *size.tolist()], "x": encoded(steps[:, 0]), "y": encoded(steps[:, 1])}


def _legend(legend: Legend, rows: np.ndarray) -> dict[str, Any]:
    """One legend; codes are bytes where there are few entries, which is nearly always."""
    wide = len(legend.names) > 256
    made: dict[str, Any] = {"title": legend.title, "names": list(legend.names), "colors": list(legend.colors), "wide": wide}
    made["codes"] = encoded(legend.codes[rows].astype("<u2" if wide else "u1"))
    if legend.values is not None:
        made["values"] = encoded(legend.values[rows].astype("<f4"))
        made |= {"bounds": list(legend.bounds), "scale": list(legend.scale), "ends": list(legend.ends)}
    return made


def _titles(content: Content, rows: np.ndarray) -> dict[str, Any]:
    dataset = content.dataset
    ids = [str(identifier)[:TITLE] for identifier in dataset.ids[rows].tolist()]
    column = dataset.title_column
    texts = dataset.texts(rows) if "text" in dataset.roles else []
    if column is not None:
        import pyarrow as pa

        found = ["" if value is None else str(value) for value in dataset.table.column(column).take(pa.array(rows)).to_pylist()]
    else:
        found = texts or ids
    made: dict[str, Any] = {"titles": [title[:TITLE] or own for title, own in zip(found, ids, strict=True)]}
    if made["titles"] != ids:
        made["ids"] = ids
    if texts and len(rows) <= WORDED:
        made["texts"] = ["" if text == title else text[:TEXT] for text, title in zip(texts, found, strict=True)]
        if not any(made["texts"]):
            del made["texts"]
    return made


def encoded(array: np.ndarray) -> str:
    """An array's bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(array).data).decode("ascii")
