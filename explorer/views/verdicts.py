"""What the numbers about a map mean, in words that need no statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.insight.quality import Dimension, Score, Shepard, Stability, Trust
from explorer.session.measures import COLOR

# From which value on which sentence holds; the last holds for all that is lower.
_STRANGERS = (
    (0.95, "Items that lie side by side are nearly always alike."),
    (0.85, "Of an item's neighbours on the map, few are strangers to it."),
    (0.7, "Some of an item's neighbours on the map are strangers: look into a group before you believe it."),
    (-1.0, "Many neighbours on the map are strangers that chance put there; by chance alone this would be about 0.5."),
)
_CARRIED = (
    (0.95, "What is alike nearly always lies together."),
    (0.85, "Little of what is alike was carried off to other places."),
    (0.7, "Some of what is alike was carried off: a group may continue elsewhere."),
    (-1.0, "Much of what is alike lies far apart on the map; by chance alone this would be about 0.5."),
)
_DISTANCES = (
    (0.8, "closely: who is far apart on the map is so in the features too"),
    (0.5, "roughly: near and far can be told, but not how far"),
    (0.2, "loosely: how far apart two groups lie says little"),
    (-2.0, "hardly: how far apart two groups lie says nothing"),
)
_MOVES = (
    (0.6, "The map comes out very differently: believe what several maps have in common."),
    (0.25, "Whole groups change their place from seed to seed, so where a group lies says little."),
    (0.08, "Groups keep their place, single items move within them."),
    (-1.0, "The map comes out nearly the same."),
)


def scores(trust: Trust) -> list[dict[str, Any]]:
    """The three numbers as the page shows them, each with its sentence."""
    kept = f"Of the {trust.k} items most like it, an item has {percent(trust.recall.value)} among the {trust.k} nearest on the map."
    return [
        _score("trustworthiness", "Trustworthiness", trust.trustworthiness, _said(_STRANGERS, trust.trustworthiness.value)),
        _score("continuity", "Continuity", trust.continuity, _said(_CARRIED, trust.continuity.value)),
        _score("recall", "Neighbours kept", trust.recall, kept),
    ]


def _score(key: str, name: str, score: Score, means: str) -> dict[str, Any]:
    text, interval = figures(score)
    ends = {"value": score.value, "low": score.low, "high": score.high}
    return ends | {"name": name, "text": text, "between": interval, "means": means, "color": COLOR + key}


def figures(score: Score) -> tuple[str, str]:
    """The mean and its interval as they are read, with a third digit in both where two would show no interval.

    >>> figures(Score(0.9772, 0.9761, 0.9783, np.empty(0)))
    ('0.977', '0.976–0.978')
    """
    digits = 2 if round(score.low, 2) != round(score.high, 2) else 3
    return f"{score.value:.{digits}f}", f"{score.low:.{digits}f}–{score.high:.{digits}f}"


def percent(part: float) -> str:
    r"""A share to the nearest percent, which no end of a line parts from its sign; 0 stands for none.

    >>> percent(0.314), percent(0.004), percent(0)
    ('31\xa0%', 'less than 1\xa0%', '0\xa0%')
    """
    return "less than 1\xa0%" if 0 < part < 0.01 else f"{100 * part:.0f}\xa0%"


def _said(sentences: Sequence[tuple[float, str]], value: float) -> str:
    return next(sentence for least, sentence in sentences if value >= least)


def spread(found: Dimension | None) -> str:
    """In how many directions the vectors spread."""
    if found is None:
        return "The features are equal wherever they are near: they spread in no direction."
    many = f"{found.value:.1f}" if found.value < 3 else f"{found.value:.0f}"
    shown = "the map can show all of that" if found.value < 2.3 else "two can show part of that"
    return f"Near an item, the features spread in about {many} direction{'' if many == '1.0' else 's'}; {shown}."


def diagram(found: Shepard) -> dict[str, Any]:
    """The Shepard diagram: shades of its cells from 0 to 1, from the bottom up, and what they say."""
    top = float(found.counts.max(initial=0)) or 1.0
    known = np.isfinite(found.correlation)
    said = f"Distances on the map follow those of the features {_said(_DISTANCES, found.correlation)}." if known else ""
    return {
        "shades": np.round(np.sqrt(found.counts / top), 3).tolist(), "said": said,
        "ends": [f"{found.reach[0]:.3g}", f"{found.reach[1]:.3g}"],
        "correlation": f"{found.correlation:.2f}" if known else "–", "pairs": found.pairs,
    }  # fmt: skip


def settled(found: Stability) -> dict[str, Any]:
    """How far items move under other seeds."""
    seeds = len(found.seeds)
    if found.spread.value < 1e-6 and found.overlap.value == 1.0:
        said = "The map is the same under every seed: this method leaves nothing to chance."
    else:
        moves = percent(found.spread.value) if found.spread.value < 0.01 else f"about {percent(found.spread.value)}"
        said = (
            f"Under {seeds} other seed{'s' if seeds > 1 else ''} an item moves by {moves} of the map's radius and keeps "
            f"{percent(found.overlap.value)} of its neighbours. {_said(_MOVES, found.spread.value)}"
        )
    return {"said": said, "color": f"{COLOR}stability"}


__all__ = ["diagram", "figures", "percent", "scores", "settled", "spread"]
