"""Lines on the map around the densest parts of what was chosen by its name, or is pointed at in the legend."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from explorer.insight.contours import contours
from explorer.selection import HasLabel, InCluster, Rule, Where, leaves
from explorer.views.newest import Newest
from explorer.views.part import Part

_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-contours")


class Contours(Part):
    """Sends ``contours`` for the selection and ``pointed`` for an entry of the legend."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._work = {what: Newest(_POOL, partial(self._work_out, what)) for what in ("contours", "pointed")}
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

    def close(self) -> None:
        """The visit is over: nothing more is worked out for it."""
        for work in self._work.values():
            work.stop()
        super().close()

    def _begin(self, what: str, mask: np.ndarray | None, color: str = "") -> None:
        """Work the lines out in a thread; of several wishes only the last is answered."""
        layout, shown = self.session.layout, self.session.shown
        if mask is None or layout is None:
            self._work[what].stop()
            self.view.page.set(**{what: None})
        else:
            self._work[what].ask((layout.values, mask if shown is None else mask & shown, color))

    def _work_out(self, what: str, wish: tuple[np.ndarray, np.ndarray, str]) -> None:
        layout, mask, color = wish
        lines = [{"share": share, "lines": found} for share, found in contours(layout[mask])]
        with self._work[what].wanted():
            self.view.page.set(**{what: {"rings": lines, "color": color}})


def by_name(rule: Rule) -> bool:
    """Whether a rule is of a cluster, a category or a column's value, perhaps with what is shown, and of no region or list."""
    return all(isinstance(part, InCluster | HasLabel | Where) for part in leaves(rule))
