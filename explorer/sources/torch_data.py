"""Data as torch has it, without importing torch: a `DataLoader`, a `Dataset` by place or as a stream, an `ImageFolder`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.dataset.columns import PICTURE_ENDINGS
from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.items import Items
from explorer.sources.options import Options, tidy_name
from explorer.sources.order import plain

MOST = 100_000  # items of a stream, which may have no end
TELL = 100  # items between two words about how far it is
FILE, CLASS = "file", "class"
Report = Callable[[float, str], None]


def fits(source: Any) -> bool:
    """Whether it is one of torch's, or looks like torchvision's folders."""
    modules = [each.__module__ for each in type(source).__mro__]
    return any(module.startswith(("torch.utils.data", "torchvision.datasets")) for module in modules) or _is_folder(source)


def is_map(source: Any) -> bool:
    """Whether items can be had by their places, as those of any torch dataset: nothing else is asked of one."""
    wanted = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return wanted and not isinstance(source, str | bytes | type) and not hasattr(source, "__array__")


def read_object(source: Any, options: Options) -> Found:
    """The items in the dataset's own order, whatever a loader would make of it: never shuffled, no batches, nothing left out.

    Pictures ``(c, h, w)`` stay pictures, ``(d,)`` are vectors, ``(c, t)`` time series; the second part of an item is its label.

    Raises
    ------
    InputError
        When there are no items, or one is of another kind than those before it.
    """
    progress = options.progress or (lambda fraction, note: None)
    notes: list[str] = []
    dataset = source
    if _is_loader(source):
        dataset = source.dataset
        notes += _of_loader(source)
    if _is_folder(dataset):
        found = _folder(dataset, None)
    elif _is_folder(getattr(dataset, "dataset", None)) and hasattr(dataset, "indices"):  # a torch `Subset` of one
        found = _folder(dataset.dataset, [int(place) for place in dataset.indices])
    elif _is_stream(dataset):
        found = read_stream(dataset, _name(dataset), progress)
    else:
        found = _by_place(dataset, progress)
    found.notes = [*notes, *found.notes]
    return found


def read_stream(stream: Iterable[Any], name: str, progress: Report, classes: Iterable[str] = ()) -> Found:
    """Items of what can be gone through once, to a limit that is stated."""
    items = Items(name, list(classes))
    rest = iter(stream)
    for place, item in enumerate(rest):
        if place == MOST:
            found = items.found()
            found.notes.append(f"a stream is read up to {MOST:,} items, and there are more; what comes after them is not here")
            return found
        _tell(progress, place, MOST)
        items.add(item)
    return _filled(items, name)


def _by_place(dataset: Any, progress: Report) -> Found:
    name, total = _name(dataset), len(dataset)
    items = Items(name, _classes(dataset))
    for place, item in enumerate(_each(dataset, total)):
        _tell(progress, place, total)
        items.add(item)
    found = _filled(items, name)
    if total and not _same(dataset[0], dataset[0]):
        found.notes.append(
            "an item is another each time it is asked for (a random transform?): a workspace will not find its results again; "
            "give the dataset without it"
        )
    return found


def _each(dataset: Any, total: int) -> Iterator[Any]:
    return (dataset[place] for place in range(total))


def _filled(items: Items, name: str) -> Found:
    if not items.rows:
        raise InputError(f"{name} holds no items; give one with at least three")
    return items.found()


def _tell(progress: Report, place: int, total: int) -> None:
    if place % TELL == 0:
        progress(place / max(1, total), f"reading item {place:,}" + (f" of {total:,}" if total < MOST or place else ""))


def _of_loader(loader: Any) -> list[str]:
    """What of a loader does not count here."""
    sampler, dataset = getattr(loader, "sampler", None), loader.dataset
    try:
        few, all_of_them = len(sampler), len(dataset)  # type: ignore[arg-type]
    except TypeError:
        return []
    if few == all_of_them:
        return []
    return [f"the loader's sampler picks {few:,} of {all_of_them:,} items; all are read: give a torch Subset to have only those"]


# --- folders of pictures in classes


def _is_folder(source: Any) -> bool:
    """Whether it is an `ImageFolder` (https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html)."""
    samples = getattr(source, "samples", None)
    if not isinstance(samples, list | tuple) or not samples or not hasattr(source, "classes"):
        return False
    first = samples[0]
    whole = isinstance(first, tuple | list) and len(first) == 2 and isinstance(first[0], str | os.PathLike)
    return whole and str(first[0]).lower().endswith(PICTURE_ENDINGS)


def _folder(dataset: Any, places: list[int] | None) -> Found:
    samples = dataset.samples if places is None else [dataset.samples[place] for place in places]
    paths = [os.path.abspath(os.fspath(path)) for path, _ in samples]
    root = Path(os.path.abspath(dataset.root)) if getattr(dataset, "root", None) else Path(os.path.commonpath(paths))
    names = [Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path for path in paths]
    classes = [tidy_name(each) for each in dataset.classes]
    of = [classes[int(place)] if 0 <= int(place) < len(classes) else None for _, place in samples]
    table = pa.table({FILE: pa.array(names, pa.string()), CLASS: pa.array(of, pa.string())})
    found = Found(root.name, table, kinds={FILE: "image", CLASS: "category"}, root=root)
    if len(set(names)) == len(names):
        found.ids = np.array(names, dtype=object)
    if getattr(dataset, "transform", None) is not None:
        found.notes.append("pictures are read from their files as they are: the transform is not applied")
    return found


# --- what it is


def _is_loader(source: Any) -> bool:
    return hasattr(source, "dataset") and hasattr(source, "batch_size") and hasattr(source, "collate_fn")


def _is_stream(dataset: Any) -> bool:
    named = any(each.__name__ == "IterableDataset" for each in type(dataset).__mro__)
    return named or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"))


def _name(dataset: Any) -> str:
    return type(dataset).__name__


def _classes(dataset: Any) -> list[str]:
    """The names of the classes, as torchvision's datasets have them."""
    classes = getattr(dataset, "classes", None)
    return list(map(str, classes)) if isinstance(classes, list | tuple) else []


def _same(one: Any, other: Any) -> bool:
    """Whether two items are the same, as far as arrays and pictures tell."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    one, other = plain(one), plain(other)
    if type(one).__module__.startswith("PIL."):
        one, other = np.asarray(one), np.asarray(other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.dtype.kind in "biuf":
        return bool(one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    return True


__all__ = ["MOST", "fits", "is_map", "read_object", "read_stream"]
