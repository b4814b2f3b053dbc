"""Many items labelled at once: all that is shown, what has no label yet, a whole cluster; and the clusters for the palette."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.selection import HasLabel, Ids, InCluster, Not, Rule
from explorer.session.saved import exact
from explorer.views.others import others_lost
from explorer.views.part import Part

MOST_CLUSTERS = 2_000  # that the palette knows by name, the largest first

_EVERYTHING = Not(Ids(()))


class Bulk(Part):
    """Each verb is one row of the journal, with the rule that says which items were meant. Sends ``clusters``."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self.watch(self._clusters_changed, "clusters")

    def ready(self) -> None:
        """Send the clusters."""
        self.view.page.set(clusters=self._clusters())

    def on_label_shown(self, name: str) -> None:
        """Label everything that the filters and the legend leave on the map."""
        self._label(name, _EVERYTHING)

    def on_label_unlabelled(self, name: str) -> None:
        """Label what has no label yet, of the selection, or of all that is shown when nothing is selected."""
        session = self.session
        chosen = session.selection.any()
        rule = (exact(session.rule, session.selection, session.seen) if chosen else _EVERYTHING) & HasLabel(None)
        wanted = rule.mask(session.seen)
        if not (wanted if session.shown is None else wanted & session.shown).any():
            raise InputError(f"everything that is {'selected' if chosen else 'shown'} has a label already; nothing is labelled")
        self._label(name, rule)

    def on_label_cluster(self, cluster: int, name: str | None = None) -> None:
        """Label a cluster's items with a name, or with the cluster's own where none is given."""
        number = self._known(cluster)
        if name is not None and not isinstance(name, str):
            raise InputError(f"a category's name is text, not {name!r}")
        own = self.session.cluster_names.get(number, f"cluster {number}")
        self._label((name or "").strip() or own, InCluster(number))

    def _known(self, cluster: Any) -> int:
        """The number of a cluster that is there."""
        clusters = self.session.clusters
        if clusters is None:
            raise InputError("there are no clusters yet; run the third step on the left first")
        most = int(clusters.values.max(initial=-1))
        if isinstance(cluster, bool) or not isinstance(cluster, int) or not 0 <= cluster <= most:
            raise InputError(f"there is no cluster {cluster!r} (they go from 0 to {most}); noise is none, select it in the legend")
        return cluster

    def _label(self, name: str, rule: Rule) -> None:
        session = self.session
        count = session.label(name, rule)
        if session.color_by == "none":
            session.color_by = "label"
        done = f"{count:,} labelled “{name}”{others_lost(session)} · Ctrl+Z to undo"
        self.view._toast(done if count else f"all of them were “{name}” already")

    def _clusters_changed(self, *events: Any) -> None:
        self.ready()

    def _clusters(self) -> list[dict[str, Any]]:
        """Each cluster's number, name and size, the largest first."""
        session = self.session
        if session.clusters is None:
            return []
        values, names = session.clusters.values, session.cluster_names
        sizes = np.bincount(values[values >= 0])
        order = np.argsort(-sizes, kind="stable")[:MOST_CLUSTERS].tolist()
        return [{"cluster": one, "name": names.get(one, f"cluster {one}"), "size": int(sizes[one])} for one in order if sizes[one]]


__all__ = ["Bulk"]
