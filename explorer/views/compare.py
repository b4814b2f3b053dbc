"""Comparing labellers on the page: how far they agree, where they differ; worked out off the event loop, only while it is open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.insight.agreement import Agreement, compare
from explorer.labels import Labels
from explorer.selection import Ids
from explorer.views.newest import Newest
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

MOST = 30  # pairs of people that are listed; those with most items in common first
CONFUSED = 8  # pairs of categories that are listed
RELIABLE, TENTATIVE = 0.8, 2 / 3  # K. Krippendorff, "Content Analysis" (2004), chapter 11
_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-compare")  # a code an item and a person at a time


@dataclass(frozen=True, eq=False)
class Wish:
    """Which labels to compare."""

    labels: Labels
    label_set: str
    number: int


class Compare(Part):
    """Sends ``comparison`` while that section is open, and selects what people disagree on."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._open = False
        self._asked = 0  # comparisons; the page takes the last for busy until it has that one, in whatever order it hears
        self._newest: Newest[Wish] = Newest(_POOL, self._compare)
        self._found: tuple[Labels, np.ndarray] | None = None  # of which labels, and what they disagree on
        self.watch(self._changed, "sets", "label_set")

    def ready(self) -> None:
        """The page is there, perhaps anew: nobody looks until it says so."""
        self._shut()

    def close(self) -> None:
        """The visit is over."""
        self._shut()
        super().close()

    def on_compare(self, open: bool) -> None:
        """The section is opened or closed."""
        if open:
            self._open = True
            self._ask()
        else:
            self._shut()

    def on_select_disputed(self, mode: str) -> None:
        """Select the shown items that two people labelled differently."""
        if self._found is None or self._found[0] is not self.session.labels:
            raise InputError("the comparison is not there yet; open “Labellers” and wait until it is")
        shown = self.session.shown
        mask = self._found[1] if shown is None else self._found[1] & shown
        if not mask.any():
            raise InputError("none of the items that they disagree on is shown now; nothing is selected")
        self.session.select(Ids(self.session.dataset.ids[mask]), mode)

    def _shut(self) -> None:
        self._open, self._found = False, None
        self._newest.stop()

    def _changed(self, *events: Any) -> None:
        self.view._later(self._ask)

    def _ask(self) -> None:
        if self._open:
            self._asked += 1
            self.view.page.set(comparing=self._asked)
            self._newest.ask(Wish(self.session.labels, self.session.label_set, self._asked))

    def _compare(self, wish: Wish) -> None:
        """In the pool's thread."""
        try:
            ratings, names = self.session.ratings(wish.label_set)
            found = compare(ratings, top=CONFUSED)
        except InputError as problem:
            disagree, comparison = None, {"why": str(problem)}
        else:
            disagree, comparison = (wish.labels, found.disagree), told(found, names)
        with self._newest.wanted():
            self._found = disagree
            self.view.page.set(comparison=comparison | {"set": wish.label_set, "number": wish.number})


def told(found: Agreement, names: list[str]) -> dict[str, Any]:
    """A comparison as the page shows it; `names` are the categories by code."""
    pairs = sorted((pair for pair in found.pairs if pair.both), key=lambda pair: -pair.both)
    return {
        "why": "", "alpha": found.alpha, "verdict": verdict(found), "compared": found.compared,
        "labelled": sorted(found.labelled.items(), key=lambda one: -one[1]),
        "pairs": [
            {"first": one.first, "second": one.second, "both": one.both, "raw": one.raw, "kappa": one.kappa}
            for one in pairs[:MOST]
        ],
        "more": max(0, len(pairs) - MOST), "apart": len(found.pairs) - len(pairs),
        "disagree": int(np.count_nonzero(found.disagree)),
        "confused": [{"first": names[one], "second": names[other], "times": times} for one, other, times in found.confused],
    }  # fmt: skip


def verdict(found: Agreement) -> str:
    """How to read alpha, in a sentence."""
    if found.compared == 0:
        return "Nobody has labelled an item that somebody else labelled too, so there is nothing to compare yet."
    if found.alpha is None:
        return "All these items have one and the same label, which says nothing of agreement: chance would do as well."
    if found.alpha >= RELIABLE:
        return "Reliable: 0.80 or more is usually asked for before conclusions are drawn (Krippendorff 2004)."
    if found.alpha >= TENTATIVE:
        return "Good enough for tentative conclusions: between 0.667 and 0.80 (Krippendorff 2004)."
    return "Too low to rely on: below 0.667 the categories need clearer notes or examples (Krippendorff 2004)."


__all__ = ["Compare", "told", "verdict"]
