"""Contours: how much they enclose, where they run, and groups that have no density to speak of."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.insight.contours import SHARES, contours
from explorer.selection import inside


def enclosed(places: np.ndarray, lines: list) -> float:
    """The share of places within closed lines; a line within another is a hole."""
    odd = np.zeros(len(places), bool)
    for line in lines:
        odd ^= inside(places, np.asarray(line))
    return float(odd.mean())


def blob(n: int, at: tuple[float, float] = (0, 0), width: float = 1.0, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, 2)) * width + at).astype(np.float32)


RING = np.c_[np.cos(np.linspace(0, 6.28, 3_000)), np.sin(np.linspace(0, 6.28, 3_000))] + blob(3_000, width=0.05)


@pytest.mark.parametrize(
    "places",
    [
        blob(2_000), blob(300), blob(100_000), blob(2_000, (1e5, -1e5), 0.5), blob(2_000) * 1e-6, blob(2_000) * 1e6,
        np.concatenate([blob(1_000), blob(1_000, (8, 3), 0.3, 1)]), blob(2_000) * (1, 0.05), RING,
        np.concatenate([blob(2_000), [[1e4, 1e4], [-1e5, 3]]]),
    ],
    ids=["one", "few", "many", "far", "tiny", "huge", "islands", "thin", "ring", "outliers"],
)  # fmt: skip
def test_the_lines_enclose_the_share_that_they_say(places: np.ndarray) -> None:
    found = contours(places)
    assert [share for share, _ in found] == list(SHARES)
    for share, lines in found:
        assert enclosed(places, lines) == pytest.approx(share, abs=0.05)


def test_they_lie_around_the_densest_part() -> None:
    places = np.concatenate([blob(3_000, width=0.2), blob(1_000, (5, 0), 2.0, 1)])
    (_, half), _ = contours(places)
    assert np.abs(np.concatenate(half)).max() < 1


def test_islands_have_lines_of_their_own_and_a_ring_has_a_hole() -> None:
    _, (_, most) = contours(np.concatenate([blob(1_000, width=0.3), blob(1_000, (8, 0), 0.3, 1)]))
    assert len({np.mean(line, axis=0)[0] > 4 for line in most}) == 2
    assert not enclosed(np.zeros((1, 2)), contours(RING)[1][1])


def test_lines_are_closed_and_plain() -> None:
    for _, lines in contours(blob(500)):
        for line in lines:
            assert line[0] == line[-1]
            assert all(type(number) is float for point in line for number in point)


@pytest.mark.parametrize(
    "places",
    [
        np.zeros((0, 2)),
        blob(1),
        blob(4),
        np.ones((50, 2)),
        np.full((50, 2), np.nan),
        np.full((9, 2), 1e30),
        np.full((9, 2), np.inf),
    ],
    ids=["none", "one", "few", "equal", "nan", "huge", "inf"],
)
def test_no_density_to_speak_of(places: np.ndarray) -> None:
    assert contours(places) == []


@pytest.mark.parametrize(
    "places",
    [
        np.c_[np.linspace(0, 1, 200), np.zeros(200)], np.c_[np.ones(200), np.linspace(0, 1, 200)],
        np.concatenate([np.zeros((500, 2)), [[1, 1]]]), np.concatenate([blob(400), np.full((400, 2), np.nan)]),
        np.concatenate([np.zeros((5, 2)), np.ones((5, 2))]),
    ],
    ids=["line", "upright", "all but one equal", "half without a place", "two places"],
)  # fmt: skip
def test_odd_shapes_have_lines_around_them(places: np.ndarray) -> None:
    known = places[np.isfinite(places).all(axis=1)]
    for share, lines in contours(places):
        assert np.isfinite(np.concatenate(lines)).all()
        assert enclosed(known, lines) >= share - 0.1
