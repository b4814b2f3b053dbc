"""One row an item: its id, place, cluster and label, who gave the label and why, and what else layout and clustering gave."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from explorer.exports.content import Content

FIXED = ("id", "x", "y", "cluster", "label")
GIVEN = ("label_set", "labeller", "labelled_at", "rule")


def table(
    ids: np.ndarray,
    layout: np.ndarray | None,
    clusters: np.ndarray | None,
    labels: np.ndarray,
    arrays: dict[str, np.ndarray],
    given: dict[str, np.ndarray] | None = None,
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
    given
        What is known of the labels, each ``(n,)`` text or None; it stands right after them.
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
    columns |= {name: pd.Series(values, dtype=object) for name, values in (given or {}).items()}
    for name, array in _flat(arrays).items():
        fresh = name
        while fresh in columns:
            fresh = f"cluster_{fresh}"
        columns[fresh] = pd.Series(array, dtype=object if array.dtype.kind in "OU" else None)
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


def frame(content: Content) -> pd.DataFrame:
    """The rows of what is exported; after what layout and clustering gave, ``label.NAME`` and so on for every further label set."""
    layout, clusters = (None if result is None else content.take(result.values) for result in (content.layout, content.clusters))
    arrays = {  # of the layout's, `z` where it has three columns
        name: content.take(one) for result in (content.layout, content.clusters) if result for name, one in result.arrays.items()
    }
    made = table(content.ids, layout, clusters, content.labels, arrays, _given(content))
    for name, labelling in content.sets.items():
        if name != content.label_set:
            for what, values in (
                ("label", labelling.labels),
                ("labeller", labelling.labeller),
                ("labelled_at", labelling.labelled_at),
            ):
                made[f"{what}.{name}"] = pd.Series(content.take(values), dtype=object)
    return made


def _given(content: Content) -> dict[str, np.ndarray]:
    """Who labelled each item, when and by which rule; None where there is no label.

    A long rule is ``{"rule":"long","number":3}``: it stands in the settings file under ``rules`` as ``"3"``.
    """
    labelled = np.array([label is not None for label in content.labels], bool)
    nothing = np.full(len(content), None, dtype=object)
    named = np.where(labelled, np.array(content.label_set, dtype=object), nothing)
    known = content.sets.get(content.label_set)
    if known is None:
        return dict.fromkeys(GIVEN, nothing) | {"label_set": named}
    made = {"label_set": named} | {name: content.take(getattr(known, name)) for name in GIVEN[1:]}
    if long := content.long_rules:
        said = {rule: json.dumps({"rule": "long", "number": number}, separators=(",", ":")) for rule, number in long.items()}
        made["rule"] = np.array([said.get(rule, rule) for rule in made["rule"].tolist()], dtype=object)
    return made


def gone(given: pd.DataFrame, label_set: str) -> pd.DataFrame:
    """The rows of labelled items that the source has no more: `given` has their ids as index and ``label, labeller, ...``."""
    ids = given.index.to_numpy()
    known = {name: given[name].to_numpy(object) for name in GIVEN[1:] if name in given}
    named = np.full(len(ids), label_set, dtype=object)
    return table(ids, None, None, given["label"].to_numpy(object), {}, {"label_set": named} | known)


__all__ = ["FIXED", "GIVEN", "frame", "gone", "table"]
