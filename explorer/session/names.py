"""Names on the map: where each is written and which comes first; the page and pictures leave out those without room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from explorer.session import Session

MOST_NAMES = 300  # names on the map; those without room are left out where they are drawn
_SAMPLE = 1_500  # items of a group that its places are found among
_HALVINGS = 3  # a group is halved so often for its further places: eight parts
_SMALLEST = 6  # items of a part that is worth a place


def names(session: Session, shown: np.ndarray | None = None) -> list[dict[str, Any]]:
    """The names of categories and clusters that are shown as they get room: given names first, then larger ones first."""
    found = (category_names(session, shown), cluster_names(session, shown))
    return [name for kind in found for name in sorted(kind, key=lambda name: -name["size"])]


def cluster_names(session: Session, shown: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Names of the clusters that are shown, larger ones first, each at the item nearest to the median: on one of its own.

    `more` are places on other parts of the group, for a map that does not show the first.
    """
    if session.clusters is None or session.layout is None or session.stale("cluster"):
        return []
    known = session.cluster_names
    found = _groups(session.clusters.values, session.layout.values, shown)
    named = [(cluster, known.get(cluster, f"cluster {cluster}"), at) for cluster, at in found[:MOST_NAMES]]
    return [{"text": text, "cluster": cluster} | at for cluster, text, at in named]


def category_names(session: Session, shown: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Names of the categories that shown items are labelled with, in their colours."""
    labels = session.labels  # read once: another thread may label meanwhile
    if session.layout is None or not len(labels):
        return []
    categories = labels.categories
    found = _groups(labels.codes - 1, session.layout.values, shown)
    named = [(categories[code + 1], at) for code, at in found]
    return [{"text": one.name, "category": one.name, "color": one.color} | at for one, at in named if one.name.strip()][:MOST_NAMES]


def _groups(codes: np.ndarray, layout: np.ndarray, shown: np.ndarray | None) -> list[tuple[int, dict[str, Any]]]:
    """Each group with its place, its further places and its size; codes below 0 are of no group."""
    placed = np.isfinite(layout[:, 0]) & np.isfinite(layout[:, 1])
    rows = np.flatnonzero((codes >= 0) & placed & (True if shown is None else shown))
    own = codes[rows]
    if own.max(initial=0) < 1 << 15:
        own = own.astype(np.int16)  # sorted in one pass
    order = rows[np.argsort(own, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(own))])
    found = []
    for group, (start, stop) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
        if stop > start:
            places = layout[order[start : stop : max(1, (stop - start) // _SAMPLE)]].astype(np.float64)
            (x, y), more = _middle(places), [_middle(part) for part in _parts(places, _HALVINGS)]
            found.append((group, {"x": x, "y": y, "more": more, "size": stop - start}))
    return found


def _middle(places: np.ndarray) -> tuple[float, float]:
    """The item nearest to the median."""
    x, y = places[np.abs(places - np.median(places, axis=0)).sum(axis=1).argmin()]
    return float(x), float(y)


def _parts(places: np.ndarray, times: int) -> list[np.ndarray]:
    """Halves of halves across the wider side, none of them of few items."""
    half = len(places) // 2
    if not times or half < _SMALLEST:
        return [places]
    axis = int(np.ptp(places, axis=0).argmax())
    places = places[np.argpartition(places[:, axis], half)]
    return _parts(places[:half], times - 1) + _parts(places[half:], times - 1)
