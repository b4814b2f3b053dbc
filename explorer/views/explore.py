"""Scikit-learn's way in: whatever somebody has in Python already, on a map, in one call."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from explorer.dataset import Dataset
from explorer.errors import InputError, unknown
from explorer.session import Session
from explorer.session.giving import word
from explorer.sources.fitted import is_estimator
from explorer.sources.options import Options
from explorer.sources.order import Order, missing, objects, plain
from explorer.sources.together import Beside, together
from explorer.step import find, names
from explorer.views.explorer import Explorer
from explorer.views.patience import Patience
from explorer.workspace import Workspace

# What other libraries call these.
MEANT = {
    "y": "labels", "target": "labels", "targets": "labels", "hue": "labels", "c": "labels", "color": "labels", "label": "labels",
    "embedding": "layout", "embeddings": "X", "data": "X", "coords": "layout", "xy": "layout", "basis": "layout",
    "reducer": "layout", "image": "images", "imgs": "images", "pictures": "images", "text": "texts", "documents": "texts",
    "docs": "texts", "sounds": "audio", "id": "ids", "index": "ids", "cluster": "clusters", "clusterer": "clusters",
    "metadata": "columns", "obs": "columns", "df": "X", "title": "name",
}  # fmt: skip
READING = ("vectors", "time", "window", "allow_download")  # keywords of `read` that are handed on
SHOWING = ("steps", "served", "show", "height")
MOST_CATEGORIES = 1_000


def explore(
    X: Any = None,  # noqa: N803  as scikit-learn calls it
    *, ids: Any = None, labels: Any = None, clusters: Any = None, layout: Any = None, images: Any = None, texts: Any = None,
    series: Any = None, audio: Any = None, columns: Any = None,
    workspace: Workspace | str | Path | None = None, name: str | None = None, **options: Any,
) -> Explorer:  # fmt: skip
    """The dashboard on arrays, tables, pictures, texts and what other libraries hold; it shows itself in a cell.

    Parameters
    ----------
    X
        An array ``(n, d)`` or a scipy sparse matrix; a DataFrame; a list of texts, pictures or arrays; an ``AnnData``, a
        ``datasets.Dataset``, a fitted ``umap.UMAP``, a torch ``DataLoader`` or ``Dataset``; or whatever `explorer.read` takes.
        None where pictures, texts, series or sounds are all that there is.
    ids
        ``(n,)`` names that the items go by, or the column that holds them.
    labels
        ``(n,)`` labels that are known, or a column's name; None, NaN and the empty text are no label. They are given in one action
        that Undo takes back, and only once in a workspace: what a person has changed since stays.
    clusters
        ``(n,)`` whole numbers (negative is noise) or names, a fitted clusterer, a column's name, or a method to cluster by.
    layout
        ``(n, 2)``, a fitted object with `embedding_`, two columns ``"x,y"``, an AnnData's ``"X_umap"``, or a method to reduce by.
    images
        Paths, Pillow pictures, bytes, an array ``(n, h, w)`` or ``(n, h, w, 3 or 4)``; or a column's name.
    texts, audio
        Texts; paths to sound files or their bytes; or a column's name.
    series
        An array ``(n, t)`` or ``(n, channels, t)``, a list of arrays, or columns' names.
    columns
        A DataFrame, or a mapping of names to values: further columns.
    workspace
        A folder to keep results and labels in; None: in memory.
    name
        What the page calls it.
    options
        Of `Explorer` (``steps``, ``height``, ...) and of `explorer.read` (``vectors``, ``window``, ``time``, ``allow_download``).

    Series, DataFrames and mappings go by id; all else has a value for each item, in the items' order.

    Raises
    ------
    InputError
        In one line: what was given, what is allowed, and what to do.

    Examples
    --------
    >>> import numpy, explorer
    >>> points = numpy.random.default_rng(0).normal(size=(60, 8))
    >>> w = explorer.explore(points, labels=["left" if x < 0 else "right" for x in points[:, 0]])
    >>> w.session.labels.counts["left"] + w.session.labels.counts["right"]
    60
    """
    _check(options)
    reading = {key: options.pop(key) for key in READING if key in options}
    beside = {"ids": ids, "images": images, "texts": texts, "series": series, "audio": audio, "columns": columns}
    session, order = _begun(X, beside, layout, workspace, name, reading)
    steps = dict(options.pop("steps", None) or {})
    if layout is not None and not _is_read(layout, X):
        steps |= _placed(session, order, layout)
    if clusters is not None:
        steps |= _grouped(session, order, clusters)
    if labels is not None:
        _label(session, order, labels)
    return Explorer(session, steps=steps or None, **options)


def _check(options: dict[str, Any]) -> None:
    """Raise an InputError for a keyword that nothing takes, with the one that may be meant."""
    own = [each for each in inspect.signature(explore).parameters if each != "options"]
    showing = [each for each in inspect.signature(Explorer.__init__).parameters if each not in {"self", "session", "params"}]
    known = list(dict.fromkeys([*own, *SHOWING, *showing, *READING]))
    for given in options:
        if given not in known:
            if given.lower() in MEANT:
                raise InputError(f"explore takes no {given!r}: did you mean {MEANT[given.lower()]!r}? known are {', '.join(known)}")
            raise unknown("keyword of explore", given, known)


# --- the dataset


def _begun(
    source: Any, beside: dict[str, Any], layout: Any, workspace: Any, name: str | None, reading: dict[str, Any]
) -> tuple[Session, Order]:
    """A session on all that was given, and what the items are called by."""
    if isinstance(source, Session):
        others = {"workspace": workspace, "name": name} | reading
        if given := [key for key, values in others.items() if values is not None]:
            raise InputError(
                f"a session has its data and its workspace already, so {', '.join(given)} cannot be given with it: "
                "give them to Session or read, or give what the session was made of instead"
            )
        if given := [key for key, values in beside.items() if values is not None]:
            raise InputError(
                f"a session has its items already; {', '.join(given)} cannot be added: give what it was made of instead"
            )
        return source, Order(source.dataset.index)
    named, values = _columns_and_values(beside)
    if layout is not None and _is_read(layout, source):
        named["layout"] = layout
    with Patience() as progress:
        options = Options.given(**named, **reading, progress=progress)
        dataset, order = together(source, Beside(**values), options)
    if name is not None:
        dataset = replace(dataset, name=str(name))
    return Session(dataset, workspace), order


def _columns_and_values(beside: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What names a column goes to `read`, what holds values lies beside."""
    called = {"ids": "id", "images": "image", "texts": "text", "series": "series", "audio": "audio"}
    named = {called[key]: given for key, given in beside.items() if key in called and isinstance(given, str)}
    return named, {key: given for key, given in beside.items() if key not in called or not isinstance(given, str)}


# --- layout and clusters


def _is_read(layout: Any, source: Any) -> bool:
    """Whether a layout is named by columns or by a key of the source, which the reader finds."""
    if isinstance(layout, list | tuple) and len(layout) == 2 and all(isinstance(part, str) for part in layout):
        return True
    if not isinstance(layout, str):
        return False
    keys = _keys(source)
    if layout in keys or layout in names("reduce"):
        return layout in keys
    if "," not in layout and not isinstance(source, str | Path | Dataset):
        raise unknown("method to reduce, and no part of what was given,", layout, [*names("reduce"), *keys])
    return True


def _keys(source: Any) -> list[str]:
    """What of a source may be a layout: a table's columns, the arrays of an AnnData or of a dict."""
    if isinstance(source, pd.DataFrame):
        return list(map(str, source.columns))
    return list(map(str, source if isinstance(source, Mapping) else getattr(source, "obsm", ())))


def _placed(session: Session, order: Order, layout: Any) -> dict[str, Any]:
    """Give the layout; for a method's name, the step that makes it."""
    if isinstance(layout, str):
        return {"reduce": find("reduce", layout)}
    session.give(layout=layout if is_estimator(layout) else _in_order(order, layout, "layout", session))
    return {}


def _grouped(session: Session, order: Order, clusters: Any) -> dict[str, Any]:
    if isinstance(clusters, str):
        if clusters in session.dataset.columns:
            session.give(clusters=session.dataset.column(clusters).to_numpy())
            return {}
        if clusters in names("cluster"):
            return {"cluster": find("cluster", clusters)}
        raise unknown("column or method to cluster", clusters, [*session.dataset.columns, *names("cluster")])
    session.give(clusters=clusters if is_estimator(clusters) else _in_order(order, clusters, "clusters", session))
    return {}


def _in_order(order: Order, values: Any, what: str, session: Session) -> Any:
    """The values in the order of the items; a mapping goes by the ids that the session knows."""
    values = plain(values)
    if not isinstance(values, pd.Series | pd.DataFrame):
        return values
    made = order.taken(values, what)
    return made.set_axis(session.dataset.index, axis=0)


# --- labels


def _label(session: Session, order: Order, labels: Any) -> int:
    """Label the items that have a label, in one action that is done once in a workspace; how many."""
    if isinstance(labels, str):
        labels = session.dataset.column(labels)
        given = objects(labels.to_numpy())
    else:
        by = Order(session.dataset.index) if isinstance(labels, Mapping) else order
        given = objects(by.taken(plain(labels), "labels"))
    made = np.array([None if missing(value) else word(value) or None for value in given], dtype=object)
    _check_names(given, made)
    rows = np.flatnonzero(made != None)  # noqa: E711  item by item
    if not len(rows):
        return 0
    told = json.dumps([session.label_set, session.dataset.fingerprint, made.tolist()])
    with session.acting(f"explore-{hashlib.sha256(told.encode()).hexdigest()[:24]}"):
        return session.import_rows(rows, made[rows], "Python")


def _check_names(given: list[Any], made: np.ndarray) -> None:
    if broken := next((value for value in given if isinstance(value, float) and value == value and not value.is_integer()), None):
        raise InputError(
            f"labels holds numbers such as {broken:g}; labels are names: give measured values as columns={{'name': ...}}"
        )
    count = len({name for name in made if name is not None})
    if count > MOST_CATEGORIES:
        raise InputError(f"labels has {count:,} different names; at most {MOST_CATEGORIES:,} are taken: give them as columns=")


__all__ = ["explore"]
