"""What sets selected items apart from others, worked out as plain values that the page draws: series, sounds, words, columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.dataset import Dataset
from explorer.drawing.words import TICKS, number
from explorer.errors import InputError
from explorer.insight.distributions import by_chance, difference
from explorer.insight.profiles import Axis, Profile, axis_of, placed, profile, spread
from explorer.insight.spectra import BANDS, average_spectrum, levels, pitches
from explorer.insight.words import telling_words
from explorer.session.bins import OTHER, Ranges, Values
from explorer.session.values import Named, every_value
from explorer.views import items

if TYPE_CHECKING:
    from explorer.session import Session

SERIES, SOUNDS, TEXTS = 300, 60, 3_000  # looked at of each side, at most
LANES, LOOKED_AT = 6, 24  # channels that are drawn, and of how many they are the most different
VALUES = 10_000_000  # values of series held of each side
EXAMPLES, SPREAD_OVER = 5, 200  # items drawn for themselves, and out of how many they are chosen
BARS = 4  # of a column of values: those whose shares differ most
ROOM = 0.12  # of a lane, above and below what is drawn

Tell = Callable[[str], None]  # says what is being done; raises Cancelled when nobody wants it any more


class Sides(NamedTuple):
    """The rows of the selected items and of the others that are shown, in their order; `features` ``(n, d)`` or None."""

    inside: np.ndarray
    outside: np.ndarray
    features: np.ndarray | None


def some(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows: one at a random place of each of `most` equal stretches, the same ones every time.

    Not every k-th: what repeats along the rows, such as channels of a recorder, would be met always or never.
    """
    if len(rows) <= most:
        return rows
    ends = np.linspace(0, len(rows), most + 1).astype(np.int64)
    return np.asarray(rows[ends[:-1] + (np.random.default_rng(0).random(most) * np.diff(ends)).astype(np.int64)])


# Series


def series(dataset: Dataset, sides: Sides, tell: Tell) -> dict[str, Any] | None:
    """Lanes of the channels that differ most: mean and band of both sides, and examples of the selected; None without values."""
    chosen = [some(rows, SERIES) for rows in sides[:2]]
    read = [_read_series(dataset, rows, tell) for rows in chosen]
    axis = axis_of([one for side in read for one in side])
    if axis is None:
        return None
    profiles = [profile(side, axis=axis) for side in read]
    order = _most_different(profiles)
    shown = [(int(row), dataset.series(int(row))) for row in examples(sides)]
    told = [{"row": row, "title": items.title(dataset, row)} for row, _ in shown]
    lines = [placed(one[:LOOKED_AT], axis) if one.shape[1] else np.full((0, 1), np.nan) for _, one in shown]
    names = dataset.channels
    lanes = [
        lane(
            names[channel] if channel < len(names) else f"channel {channel + 1}" if len(order) > 1 else "",
            [_of_channel(one, channel) for one in profiles],
            [line[channel] if channel < len(line) else line[:0].ravel() for line in lines],
        )
        for channel in sorted(order[:LANES])
    ]
    ticks = [[0.0, "start"], [1.0, "end"]] if axis.relative else [[0.0, "1"], [1.0, f"{axis.length:,}"]]
    what = "share of each series" if axis.relative else "moments"
    return {"lanes": lanes, "examples": told, "ticks": ticks, "axis": what, "more": len(order) - len(lanes)} | looked_at(
        sides, SERIES
    )


def _read_series(dataset: Dataset, rows: np.ndarray, tell: Tell) -> list[np.ndarray]:
    """The series of some rows; where they are so long that they would not fit, every second, fourth, ... of them."""
    kept: list[np.ndarray] = []
    step = 1
    for place, row in enumerate(rows):
        tell("reading series")
        if place % step == 0:
            kept.append(dataset.series(int(row))[:LOOKED_AT])
        if len(kept) > EXAMPLES and sum(one.size for one in kept) > VALUES:
            kept, step = kept[::2], 2 * step
    return kept


def _of_channel(one: Profile | None, channel: int) -> list[np.ndarray] | None:
    if one is None or channel >= len(one.mean):
        return None
    return [one.mean[channel], one.low[channel], one.high[channel]]


def _most_different(profiles: Sequence[Profile | None]) -> list[int]:
    """The channels, first those whose means lie apart the most, in widths of their bands."""
    count = max(len(one.mean) for one in profiles if one is not None)
    here, there = profiles
    if here is None or there is None:
        return list(range(count))
    both = min(len(here.mean), len(there.mean))
    apart = np.abs(here.mean[:both] - there.mean[:both])
    wide = (here.high - here.low)[:both] + (there.high - there.low)[:both]
    gaps, widths = (np.nan_to_num(one).mean(axis=1) for one in (apart, wide))
    score = np.zeros(count)
    score[:both] = gaps / np.maximum(widths, np.finfo(np.float32).tiny)
    return [int(channel) for channel in np.argsort(-score, kind="stable")]


def examples(sides: Sides) -> np.ndarray:
    """Rows of a few selected items that are as different as they come, by their features where there are any."""
    rows = some(sides.inside, SPREAD_OVER)
    chosen = rows[spread(np.asarray(sides.features[rows]), EXAMPLES)] if sides.features is not None else rows[:0]
    return chosen if len(chosen) else some(sides.inside, EXAMPLES)


# Sounds


def sounds(dataset: Dataset, sides: Sides, tell: Tell) -> dict[str, Any] | None:
    """One lane of how loud the sounds of both sides are at each pitch; None where none can be heard."""
    chosen = [some(rows, SOUNDS) for rows in sides[:2]]
    heard: list[list[tuple[np.ndarray, int]]] = [[], []]
    total = sum(map(len, chosen))
    for place, (side, row) in enumerate((side, row) for side, rows in enumerate(chosen) for row in rows):
        tell(f"listening to {place + 1} of {total}")
        try:
            sound = dataset.sound(int(row))
        except InputError:  # its card says why it cannot be heard
            continue
        heard[side].append((average_spectrum(*sound), sound.rate))
    top = max((rate for side in heard for _, rate in side), default=0)
    if not top:
        return None
    levels_of = [[levels(power, rate, top)[None] for power, rate in side] for side in heard]
    profiles = [profile(side, axis=Axis(BANDS, relative=False)) for side in levels_of]
    middles = pitches(top)
    places = [
        (float(np.interp(tick, middles, np.linspace(0, 1, BANDS))), tick) for tick in TICKS if middles[0] < tick < middles[-1]
    ]
    ticks = [[place, f"{tick // 1000} kHz" if tick >= 1000 else f"{tick} Hz"] for place, tick in places]
    lanes = [lane("", [_of_channel(one, 0) for one in profiles], [], "dB")]
    return {"lanes": lanes, "examples": [], "ticks": ticks, "axis": "pitch", "more": 0} | looked_at(sides, SOUNDS)


# Lanes


def lane(name: str, sides: Sequence[list[np.ndarray] | None], lines: Sequence[np.ndarray], unit: str = "") -> dict[str, Any]:
    """A lane with all its values as shares of its height, so that the page need know no numbers; None where there is no value.

    `sides` are the selected and the others, each as mean, low and high ``(p,)``; a line may leave the lane.
    """
    known = np.concatenate([values for side in sides if side is not None for values in side])
    known = known[np.isfinite(known)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    span = high - low

    def up(values: np.ndarray) -> list[float | None]:
        flat = np.full(len(values), 0.5)
        made = ROOM + (values.astype(np.float64) - low) / span * (1 - 2 * ROOM) if span > 0 else flat
        return [round(one, 4) if math.isfinite(one) else None for one in np.clip(made, -9, 9).tolist()]

    parts = [None if side is None else dict(zip(("mean", "low", "high"), map(up, side), strict=True)) for side in sides]
    return {
        "name": name, "selected": parts[0], "rest": parts[1], "lines": [up(line) for line in lines],
        "bounds": [f"{end:.0f} {unit}" if unit else number(end) for end in (low, high)] if len(known) else None,
    }  # fmt: skip


def looked_at(sides: Sides, most: int) -> dict[str, Any]:
    """How many of each side were looked at, where those were not all."""
    return {"looked": [min(len(rows), most) if len(rows) > most else None for rows in sides[:2]]}


# Words


def words(dataset: Dataset, sides: Sides) -> dict[str, Any]:
    """The words that more of the selected texts hold than of the others."""
    here, there = (dataset.texts(some(rows, TEXTS)) for rows in sides[:2])
    told = [{"word": one.word, "selected": one.inside, "rest": one.outside} for one in telling_words(here, there)]
    return {"words": told} | looked_at(sides, TEXTS)


# Columns


def column(session: Session, key: str, name: str, marked: np.ndarray) -> dict[str, Any] | None:
    """One column's distribution on both sides; None where they differ no more than by chance.

    How far they differ beyond chance ranks the columns: sides of a column with nearly a value an item always differ much.
    """
    bins: Ranges | Values | Named | None = session.bins(key)  # type: ignore[assignment]
    if isinstance(bins, Values) and OTHER in bins.names:
        bins = every_value(session, key)  # what is rare among all may be what the selected have in common
    if bins is None:
        return None
    _, rest, chosen = bins.counts(marked)
    far, chance = difference(chosen, rest), by_chance(chosen, rest)
    if far <= chance:
        return None
    shares = chosen / chosen.sum(), rest / rest.sum()
    told = {"key": key, "name": name, "difference": round(far, 4), "beyond": round(far - chance, 4)}
    return told | _bars(bins, *shares)


def _bars(bins: Ranges | Values | Named, here: np.ndarray, there: np.ndarray) -> dict[str, Any]:
    if isinstance(bins, Ranges):
        ends = bins.texts()
        return {"kind": "range", "selected": _shares(here[:-1]), "rest": _shares(there[:-1]), "texts": ends,
                "missing": _shares(np.array([here[-1], there[-1]]))}  # fmt: skip
    apart = here - there
    first = np.argsort(-np.abs(apart), kind="stable")[: min(BARS, np.count_nonzero(here + there))]
    order = first[np.argsort(-apart[first], kind="stable")]
    bars = [{"name": bins.names[bar], "selected": round(float(here[bar]), 4), "rest": round(float(there[bar]), 4)} for bar in order]
    return {"kind": "values", "bars": bars, "more": int(np.count_nonzero(here + there)) - len(bars)}


def medians(dataset: Dataset, name: str, sides: Sides) -> list[float] | None:
    """The middle value of each side in a column of numbers; None of others, and where a side has no value."""
    if dataset.kinds.get(name) != "number":
        return None
    values = dataset.column(name).to_numpy(np.float64, na_value=np.nan)
    found = [known for rows in sides[:2] if len(known := values[rows][np.isfinite(values[rows])])]
    return [float(np.median(known)) for known in found] if len(found) == 2 else None


def _shares(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]


__all__ = ["Sides", "Tell", "column", "examples", "medians", "series", "some", "sounds", "words"]
