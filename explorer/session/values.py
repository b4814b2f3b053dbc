"""Every value of a column, of the clusters or of the labels, where bars show but the most frequent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.labels import NONE
from explorer.session.bins import MISSING, OTHER, Bins
from explorer.session.coloring import apart, encoded
from explorer.session.filters import own_keys

if TYPE_CHECKING:
    from explorer.session import Session

MOST = 1_000  # values told apart; the rest share one


@dataclass(frozen=True, eq=False)
class Named(Bins):
    """Bars with a name each; `codes` is ``(n,)`` uint16."""

    names: tuple[str, ...] = ()


def every_value(session: Session, key: str) -> Named:
    """The values of a column, of "cluster" or of "label" as `Session.bins` calls them; a column's are kept with the dataset."""
    own = own_keys(session.dataset.columns)
    if key == own["cluster"] and session.clusters is not None:
        clusters, known = session.clusters.values, session.cluster_names
        names = [known.get(cluster, f"cluster {cluster}") for cluster in range(int(clusters.max(initial=-1)) + 1)]
        return _named(clusters, names, "noise")
    if key == own["label"]:
        labels = session.labels
        given = {code: category.name for code, category in labels.categories.items()}
        names = [given.get(code, "") for code in range(labels.next_code)]
        return _named(np.where(labels.codes == NONE, -1, labels.codes), names, "no label")
    kept = f"values {key}"
    if kept not in session.dataset.derived:
        codes, values = encoded(session.dataset.table.column(key))
        session.dataset.derived[kept] = _named(codes, [_word(value) for value in values[: MOST + 1]], MISSING)
    made: Named = session.dataset.derived[kept]
    return made


def _named(codes: np.ndarray, names: Sequence[str], rest: str) -> Named:
    """Bars for the first values, one for all others, and the last for codes below 0, which may be that of nothing."""
    words = [*names[:MOST], OTHER, rest]
    made = np.minimum(codes, len(words) - 2)
    return Named(np.where(codes < 0, len(words) - 1, made).astype(np.uint16), len(words), tuple(apart(words)))


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


__all__ = ["MOST", "Named", "every_value"]
