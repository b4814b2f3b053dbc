"""Lists of items: texts, paths, pictures, arrays, numbers or rows as dicts."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import InputError
from explorer.sources.arrays import as_array, from_array
from explorer.sources.found import Found
from explorer.sources.frames import from_frame
from explorer.sources.items import Items
from explorer.sources.options import Options

NAME = "list"


def fits(source: Any) -> bool:
    """Whether it is a list or a tuple."""
    return isinstance(source, list | tuple)


def read_object(source: Any, options: Options) -> Found:
    """One item an entry: text (also a path to a picture or a sound), a Pillow picture, an array, bytes, or a dict as a row.

    Lists of equally many numbers are an array.

    Raises
    ------
    InputError
        When it is empty, or holds several kinds of things.
    """
    if not len(source):
        raise InputError("the list is empty; give at least three items")
    there = [item for item in source if item is not None]
    if there and all(isinstance(item, dict) for item in there):
        return from_frame(pd.DataFrame([{} if item is None else item for item in source]), options)
    if there and not any(isinstance(item, str | bytes | os.PathLike) for item in there):
        array = as_array(source) if all(isinstance(item, list | tuple | int | float | np.generic) for item in there) else None
        if array is not None and array.dtype.kind in "biuf":
            return from_array(array.reshape(len(array), -1) if array.ndim == 1 else array, NAME)
    items = Items(NAME, channels_first=False)
    for item in source:
        items.add({"item": os.fspath(item) if isinstance(item, os.PathLike) else item})
    return items.found()


__all__ = ["fits", "read_object"]
