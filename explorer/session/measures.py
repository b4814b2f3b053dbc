"""What is known of how far the map can be trusted, and what of it can colour the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.insight.quality import Stability, Trust

COLOR = "trust:"  # how `color_by` begins
TITLES = {
    "trust:trustworthiness": "trustworthiness", "trust:continuity": "continuity", "trust:recall": "neighbours kept",
    "trust:stability": "stability",
}  # fmt: skip
NOTES = {
    "trust:trustworthiness": "1: its neighbours on the map are near it in the features; about 0.5: as by chance",
    "trust:continuity": "1: its neighbours in the features are near it on the map; about 0.5: as by chance",
    "trust:recall": "the share of its nearest in the features that are among its nearest on the map",
    "trust:stability": "1: it stays at its place under other seeds; 0: it may lie anywhere",
}


class Quality(NamedTuple):
    """What is known of the current layout; None where it is not measured yet."""

    trust: Trust | None = None
    stability: Stability | None = None

    def colors(self) -> dict[str, np.ndarray]:
        """By what `color_by` may be: ``(n,)`` float32 from 0 to 1, NaN where it is not known."""
        found: dict[str, np.ndarray] = {}
        if self.trust is not None:
            found |= {f"{COLOR}{name}": getattr(self.trust, name).of_items for name in ("trustworthiness", "continuity", "recall")}
        if self.stability is not None:
            found[f"{COLOR}stability"] = self.stability.of_items
        return found


def not_measured(by: str) -> InputError:
    """Why the map cannot be coloured by that yet."""
    if by not in TITLES:
        return InputError(f"{by!r} is no measure of trust; there are {', '.join(map(repr, TITLES))}")
    do = "session.stability()" if by == f"{COLOR}stability" else "session.trust()"
    return InputError(f"{TITLES[by]} is not measured yet for this layout; first call {do}")


__all__ = ["COLOR", "NOTES", "TITLES", "Quality", "not_measured"]
