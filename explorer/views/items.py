"""The items beside the map: a window of pictures, cards or table rows, made when it scrolls into view."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

import numpy as np
import pyarrow as pa

from explorer import drawing
from explorer.dataset import Dataset

THUMB = 96  # pixels on the longer side of a thumbnail, sharp on a screen of two device pixels
TILE = 256  # of a large one, for a gallery of large tiles
LARGE = 512  # of the drawing on an item's card
MOST = 400  # items in one answer; a page asks for a screenful
WORDS = 320  # characters of a text that a card needs


class Thumbnails:
    """Small drawings of items, the latest few thousand kept; several threads may ask."""

    def __init__(self, dataset: Dataset, keep: int = 4_000, size: int = THUMB) -> None:
        self._dataset = dataset
        self._keep = keep
        self._size = size
        self._made: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, row: int) -> bytes:
        """An item's thumbnail as PNG; empty where it cannot be read or drawn."""
        with self._lock:
            if row in self._made:
                self._made.move_to_end(row)
                return self._made[row]
        made = drawing.draw(self._dataset, row, self._size)
        with self._lock:
            self._made[row] = made
            if len(self._made) > self._keep:
                self._made.popitem(last=False)
        return made

    def __contains__(self, row: int) -> bool:
        """Whether it is there already, and nothing need be decoded for it."""
        with self._lock:
            return row in self._made


def modes(dataset: Dataset) -> list[str]:
    """How items can be looked at, the best first."""
    return [*(["gallery"] * drawing.drawable(dataset)), *(["cards"] * ("text" in dataset.roles)), "table"]


@dataclass(frozen=True, eq=False)
class Marks:
    """What was found and given for the items: each one's label (None without) and cluster's name, or None where there are none."""

    labels: np.ndarray | None
    clusters: Callable[[int], str] | None


def columns(dataset: Dataset) -> list[str]:
    """The dataset's own columns that a table or a card shows."""
    own = dataset.of_kind("number", "category", "text", "date", "flag", "id")
    return [name for name in own if not _is_id(dataset, name)]


def heads(dataset: Dataset, marks: Marks) -> list[str]:
    """The table's columns: id, label and cluster where there are any, then the dataset's own."""
    return ["id", *(["label"] * (marks.labels is not None)), *(["cluster"] * (marks.clusters is not None)), *columns(dataset)]


def _is_id(dataset: Dataset, name: str) -> bool:
    """Whether a column only says the ids again; its ends tell."""
    rows = [0, len(dataset) // 2, len(dataset) - 1]
    return bool(_plain(dataset, name, rows) == dataset.ids[rows].tolist())


def _plain(dataset: Dataset, name: str, rows: list[int] | np.ndarray) -> list[Any]:
    """A column's values at some rows; dates that Python has no value for (the year 12,000) are text."""
    column = dataset.table.column(name)
    taken = [column[int(row)] for row in rows]  # not `take`, which first joins all the chunks of a column
    try:
        return [value.as_py() for value in taken]
    except (ValueError, OverflowError):
        return [value.cast(pa.string()).as_py() for value in taken]


def title(dataset: Dataset, row: int) -> str:
    """What an item is called: by the column that names items best, else its id."""
    named = "" if dataset.title_column is None else str(dataset.table.column(dataset.title_column)[row].as_py() or "")
    return named if 0 < len(named) <= 120 else str(dataset.ids[row])


def cell(value: Any) -> Any:
    """A value as the page can show it: a number, or text; None where missing."""
    if value is None or value != value:
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        number = value.item() if isinstance(value, np.number) else value
        return number if abs(number) < 2**53 and np.isfinite(number) else str(number)
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time.min:
        return str(value.date())  # a day that a reader of tables has made a moment of
    return str(value)[:WORDS]


def lines(dataset: Dataset, row: int, label: str | None, cluster: str, most: int | None = None) -> list[tuple[str, Any]]:
    """An item's columns as name and value, label and cluster first."""
    own = [name for name in columns(dataset) if name != dataset.roles.get("text")]  # the text is shown for itself
    found = [(name, cell(_plain(dataset, name, [row])[0])) for name in own]
    known = [("label", label), ("cluster", cluster or None)]
    kept = [(name, value) for name, value in [*known, *found] if value is not None]
    return kept if most is None else kept[:most]


def window(dataset: Dataset, rows: np.ndarray, mode: str, marks: Marks) -> list[dict[str, Any]]:
    """The items of `rows` as plain values for one of the modes."""
    if mode == "gallery":
        return [{"row": int(row), "title": title(dataset, row)} for row in rows]
    if mode == "cards":
        texts = dataset.texts(rows)
        labels = [None if marks.labels is None else marks.labels[row] for row in rows]
        return [
            {"row": int(row), "title": title(dataset, row), "label": label, "text": text[:WORDS]}
            for row, label, text in zip(rows, labels, texts, strict=True)
        ]
    taken = [_plain(dataset, name, rows) for name in columns(dataset)]
    return [
        {"row": int(row), "cells": [str(dataset.ids[row]), *_marked(marks, int(row)), *(cell(column[place]) for column in taken)]}
        for place, row in enumerate(rows)
    ]


def _marked(marks: Marks, row: int) -> list[Any]:
    label = [] if marks.labels is None else [marks.labels[row]]
    return label if marks.clusters is None else [*label, marks.clusters(row)]
