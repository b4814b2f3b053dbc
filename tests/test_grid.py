"""The grid of points against looking at each of them: nothing is lost, wherever it lies, and regions are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer import Lasso, grid
from explorer.grid import Grid, in_bands
from explorer.grid.polygon import enclosed
from explorer.selection import Box, Seen, inside

RNG = np.random.default_rng(0)
slow = settings(max_examples=150, deadline=None)

SPOT = st.one_of(
    st.integers(-30, 30).map(lambda n: n / 7), st.floats(-3, 3, width=32),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e9, -3e38, 5e6]),
)  # fmt: skip
LAYOUTS = st.lists(st.tuples(SPOT, SPOT), max_size=60).map(lambda rows: np.array(rows, np.float32).reshape(-1, 2))
EDGE = st.one_of(st.integers(-30, 30).map(lambda n: n / 7), st.floats(-5, 5), st.sampled_from([1e9, -1e12, 5e6]))


@pytest.fixture(autouse=True)
def _fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells much smaller than a few points would have."""
    monkeypatch.setattr(grid, "POINTS_A_CELL", 1e-2)
    monkeypatch.setattr(grid, "LARGEST", 50)


@slow
@given(layout=LAYOUTS)
def test_every_point_with_a_place_is_in_its_cell_once(layout: np.ndarray) -> None:
    made = Grid.of(layout)
    known = np.flatnonzero(np.isfinite(layout).all(axis=1))
    assert sorted(made.rows.tolist()) == known.tolist()
    assert (np.column_stack([made.x, made.y]) == layout[made.rows]).all()
    assert made.starts[0] == 0
    assert made.starts[-1] == len(known)
    assert len(made.starts) == made.across * made.down + 1
    cells = np.repeat(np.arange(made.across * made.down), np.diff(made.starts))
    places = zip(made.x.tolist(), made.y.tolist(), strict=True)
    assert [made.line(y) * made.across + made.column(x) for x, y in places] == cells.tolist()
    for cell in np.unique(cells):
        assert (np.diff(made.rows[cells == cell]) > 0).all(), "within a cell in the layout's order: the same grid every time"


@slow
@given(layout=LAYOUTS, x0=EDGE, x1=EDGE, y0=EDGE, y1=EDGE)
def test_within_a_box(layout: np.ndarray, x0: float, x1: float, y0: float, y1: float) -> None:
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    made = Grid.of(layout)
    x, y = layout.astype(np.float64).T
    wanted = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    assert sorted(made.rows[made.within(x0, x1, y0, y1)].tolist()) == wanted.tolist()


@slow
@given(layout=LAYOUTS, polygon=st.lists(st.tuples(EDGE, EDGE), min_size=3, max_size=12))
def test_enclosed_by_a_polygon(layout: np.ndarray, polygon: list[tuple[float, float]]) -> None:
    assert_enclosed(layout, np.array(polygon))


def assert_enclosed(layout: np.ndarray, polygon: np.ndarray) -> None:
    mask = np.zeros(len(layout), bool)
    enclosed(Grid.of(layout), polygon, inside, mask)
    assert (mask == brute(layout, polygon)).all()


def brute(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd by the book, every point against every edge, a point on a crossing decided by products as in the exact test."""
    odd = np.zeros(len(points), bool)
    x, y = points.astype(np.float64).T
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        low, high = ((x0, y0), (x1, y1)) if y0 < y1 else ((x1, y1), (x0, y0))
        scale = -np.frexp(max(abs(x1 - x0), abs(y1 - y0)))[1]
        dx, dy = np.ldexp(high[0] - low[0], scale), np.ldexp(high[1] - low[1], scale)
        with np.errstate(invalid="ignore", over="ignore"):
            odd ^= (y >= low[1]) & (y < high[1]) & ((x - low[0]) * dy < (y - low[1]) * dx)
    return odd


@pytest.mark.parametrize("offset", [0.0, 1e6, -3e7])
def test_many_points_and_lassos_drawn_by_hand(offset: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where float32 has steps of a tenth or of two, with lassos that cross themselves and leave the layout."""
    monkeypatch.setattr(grid, "LARGEST", 300)
    layout = (RNG.normal(size=(30_000, 2)) * (40 if offset else 1) + offset).astype(np.float32)
    spread = 40 if offset else 1
    for turn in range(8):
        angle = np.linspace(0, 2 * np.pi * (1 + turn % 3), 200, endpoint=False)
        reach = spread * (1 + turn / 3) * (1 + 0.5 * np.sin(5 * angle) + 0.05 * RNG.random(200))
        assert_enclosed(layout, np.column_stack([reach * np.cos(angle), reach * np.sin(angle)]) + offset)


def test_rules_say_the_same_with_a_grid_and_without() -> None:
    layout = np.vstack([RNG.normal(size=(3_000, 2)), RNG.normal(size=(30, 2)) * 1e4]).astype(np.float32)
    layout[::100] = np.nan
    n = len(layout)
    dataset = explorer.read(np.zeros((n, 3), np.float32))
    plain, quick = Seen(dataset, layout), Seen(dataset, layout, grid=Grid.of(layout))
    wide = Lasso([(-1e5, -1e5), (1e5, -1e5), (0, 9e4)])
    rules: list[Any] = [Box(-1, -1, 1, 1), Box(1e5, -1e5, 0, 3), Lasso([(-1, -1), (2, 0), (0, 3)]), wide]
    for rule in rules:
        assert (rule.mask(plain) == rule.mask(quick)).all()
        assert rule.mask(plain).any()


def test_coordinates_beyond_the_steps_of_float32() -> None:
    layout = np.array([(5e6 + column / 2, 5e6 + row / 2) for row in range(10) for column in range(10)], np.float32)
    made = Grid.of(layout)
    for row, (x, y) in enumerate(layout.astype(float)):
        assert made.rows[made.within(x - 0.05, x + 0.05, y - 0.05, y + 0.05)].tolist() == [row]


@pytest.mark.parametrize("layout", [np.zeros((0, 2)), np.full((5, 2), np.nan), np.zeros((300, 2)), np.full((300, 2), 1e30)])
def test_degenerate_layouts(layout: np.ndarray) -> None:
    made = Grid.of(layout)
    known = int(np.isfinite(layout).all(axis=1).sum())
    assert len(made.rows) == known
    assert len(made.within(-np.inf, np.inf, -np.inf, np.inf)) == known


def test_bands_cover_everything_once_and_a_fault_is_heard() -> None:
    for length in (0, 1, 2, 3, 100):
        seen = np.zeros(length, int)
        in_bands(lambda low, high, seen=seen: seen[low:high].__iadd__(1), length, 7)
        assert (seen == 1).all()
    with pytest.raises(ZeroDivisionError):
        in_bands(lambda low, high: 1 / 0, 10, 3)
