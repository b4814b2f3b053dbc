"""Lines on the map around the densest parts of what was chosen by its name, or is pointed at in the legend."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from explorer.insight.contours import contours
from explorer.selection import HasLabel, InCluster, Rule, Where
from explorer.session.saved import walk
from explorer.views.part import Part

_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-contours")
_LOG = logging.getLogger("explorer")


class Contours(Part):
    """Sends ``contours`` for the selection and ``pointed`` for an entry of the legend."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._latest = {"contours": 0, "pointed": 0}
        self.watch(self._changed, "selection", "layout", "filters", "hidden")

    def ready(self) -> None:
        """Send those of the selection."""
        self._changed()

    def on_point(self, name: str | None) -> None:
        """Show where an entry of the legend is densest; None for none."""
        colors = self.view._colors()
        if name is None or name not in colors.names:
            self._begin("pointed", None)
        else:
            place = colors.names.index(name)
            self._begin("pointed", colors.codes == place, colors.colors[place])

    def _changed(self, *events: Any) -> None:
        rule = self.session.rule
        self._begin("contours", self.session.selection if rule is not None and by_name(rule) else None)

    def _begin(self, what: str, mask: np.ndarray | None, color: str = "") -> None:
        """Work the lines out in a thread; of several wishes only the last is answered."""
        self._latest[what] += 1
        layout, shown = self.session.layout, self.session.shown
        if mask is None or layout is None:
            self.view.page.set(**{what: None})
        else:
            _POOL.submit(self._work_out, what, self._latest[what], (layout.values, mask if shown is None else mask & shown), color)

    def _work_out(self, what: str, wish: int, seen: tuple[np.ndarray, np.ndarray], color: str) -> None:
        if wish != self._latest[what]:
            return
        try:
            layout, mask = seen
            lines = [{"share": share, "lines": found} for share, found in contours(layout[mask])]
        except Exception as problem:  # the pool's last door
            _LOG.error("the contours could not be worked out", exc_info=problem)
            return
        if wish == self._latest[what]:
            self.view.page.set(**{what: {"rings": lines, "color": color}})


def by_name(rule: Rule) -> bool:
    """Whether a rule is of a cluster, a category or a column's value, perhaps with what is shown, and of no region or list."""
    leaves = [part for part in walk(rule) if not hasattr(part, "part") and not hasattr(part, "parts")]
    return all(isinstance(part, InCluster | HasLabel | Where) for part in leaves)
