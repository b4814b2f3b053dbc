"""How much each column counts: the list behind the button of the first step, and the ranking that finds noise."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.features.columns.reading import usable
from explorer.features.infinite import Ranked, rank_columns
from explorer.step import Progress
from explorer.views.newest import Newest
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

OFTEN = 0.2  # seconds between two reports
RANKING = "column ranking"  # where all visits of a dataset find it

_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-ranking")  # BLAS lets the interpreter go on


class Weights(Part):
    """Lists the columns that the method `columns` can use, and ranks them; what is chosen of them is a setting of the step."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._ranking: Newest[Dataset] = Newest(_POOL, self._rank)
        self._told = 0.0

    def ready(self) -> None:
        """The page is there, perhaps anew; nobody looks at the list yet."""
        self.view.page.set(weights=None)

    # Verbs

    def on_weigh(self) -> None:
        """Send the list."""
        self._send()

    def on_rank(self) -> None:
        """Rank the columns, and send the list again when that is done."""
        self._send(busy=0.0)
        self._ranking.ask(self.session.dataset)

    def on_rank_stop(self) -> None:
        """Leave it."""
        self._ranking.stop()
        self._send()

    # To the page

    def _rank(self, dataset: Dataset) -> None:
        """In the pool's thread."""
        try:
            dataset.derived[RANKING] = rank_columns(dataset, progress=Progress(self._report, lambda: self._ranking.outdated))
        except InputError as problem:
            self.view._toast(str(problem), "error")
        with self._ranking.wanted():
            self._send()

    def _report(self, fraction: float, note: str) -> None:
        if time.monotonic() - self._told > OFTEN:
            self._told = time.monotonic()
            with self._ranking.wanted():
                self._send(busy=fraction)

    def _send(self, busy: float | None = None) -> None:
        dataset = self.session.dataset
        listed = [{"name": name, "kind": _kind(dataset.kinds[name])} for name in usable(dataset)]
        ranked: list[Ranked] | None = dataset.derived.get(RANKING)
        told: list[dict[str, Any]] | None = None if ranked is None else [one._asdict() for one in ranked]
        self.view.page.set(weights={"columns": listed, "ranked": told, "busy": busy})


def _kind(kind: str) -> str:
    """What a column is, in the list's words."""
    return "as text" if kind in {"id", "text"} else kind


__all__ = ["Weights"]
