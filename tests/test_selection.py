"""Rules: every one against the plain way to say it, and the lasso against exact arithmetic."""

from __future__ import annotations

import itertools
import json
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer import Box, Brush, HasLabel, Ids, InCluster, InputError, Lasso, Where, selection
from explorer.dataset import Dataset
from explorer.grid import SMALL, Grid
from explorer.selection import MODES, Rule, Seen, combine, combine_rules, from_json, inside, near

TABLE = pa.table(
    {
        "year": pa.array([1999, 2005, None, 2020, 2021]),
        "kind": pa.array(["cat", "Dog", None, "", "catfish"]),
        "when": pa.array([datetime(2020, 1, day) for day in (1, 2, 3, 4, 5)]),
        "good": pa.array([True, False, None, True, False]),
    }
)
KINDS = {"year": "number", "kind": "category", "when": "date", "good": "flag"}
DATASET = Dataset("things", np.array(["a", "b", "c", "d", "e"], dtype=object), TABLE, KINDS)
LAYOUT = np.array([[0, 0], [1, 1], [2, 2], [np.nan, np.nan], [5, 1]], np.float32)
CLUSTERS = np.array([0, 0, 1, -1, 1], np.int32)
LABELS = {"good": [1, 0, 1, 0, 0], "": [0, 1, 0, 0, 0], None: [1, 1, 1, 0, 0]}
SEEN = Seen(DATASET, LAYOUT, CLUSTERS, lambda name, label_set: np.array(LABELS[name], bool))


def chosen(rule: Rule, seen: Seen = SEEN) -> str:
    mask = rule.mask(seen)
    assert mask.dtype == bool
    assert mask.shape == (5,)
    return "".join(DATASET.ids[mask])


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        (Box(0, 0, 1, 1), "ab"),
        (Box(1, 1, 0, 0), "ab"),  # corners in any order
        (Box(-np.inf, -np.inf, np.inf, np.inf), "abce"),  # no place: never in a region
        (Box(3, 3, 4, 4), ""),
        (Lasso([(-1, -1), (3, -1), (3, 3), (-1, 3)]), "abc"),
        (Lasso([(0.5, 0.5), (6, 0.5), (6, 1.5), (0.5, 1.5)]), "be"),
        (Lasso([(0, 0), (9, 9), (3, 3)]), ""),  # a line encloses nothing
        (Brush([(0, 1), (2, 1)], 1), "abc"),  # its edge is painted too
        (Brush([(0, 1), (2, 1)], 0.99), "b"),
        (Brush([(5, 1)], 0), "e"),  # a dab without width is a point
        (Brush([(5, 1), (5, 1)], 4), "bce"),
        (Where("year", ">=", 2005), "bde"),
        (Where("year", "<", 2005), "a"),
        (Where("year", "==", 2020), "d"),
        (Where("year", "!=", 2020), "abce"),
        (Where("year", "missing"), "c"),
        (Where("year", "in", [1999, 2021]), "ae"),
        (Where("kind", "in", {"cat", ""}), "ad"),
        (Where("kind", "contains", "CAT"), "ae"),
        (Where("kind", "contains", "."), ""),  # text, not a pattern
        (Where("kind", "==", ""), "d"),
        (Where("kind", ">", "a"), "ae"),
        (Where("kind", "missing"), "c"),
        (Where("good", "==", True), "ad"),
        (Where("good", "missing"), "c"),
        (Where("when", ">", datetime(2020, 1, 3)), "de"),
        (Where("when", ">", "2020-01-03"), "de"),
        (Where("when", ">", np.datetime64("2020-01-03")), "de"),
        (Ids(["e", "a"]), "ae"),
        (Ids([]), ""),
        (InCluster(1), "ce"),
        (InCluster(-1), "d"),
        (InCluster(7), ""),
        (HasLabel("good"), "ac"),
        (HasLabel(""), "b"),
        (HasLabel(None), "de"),
        (InCluster(0) & Where("year", ">", 2000), "b"),
        (InCluster(0) | Ids(["e"]), "abe"),
        (~InCluster(0), "cde"),
        (~(InCluster(0) | InCluster(1)) | Ids(["a"]) | Ids(["b"]), "abd"),
    ],
)
def test_each_rule_selects_what_it_says_and_survives_json(rule: Rule, ids: str) -> None:
    assert chosen(rule) == ids
    again = from_json(json.loads(json.dumps(rule.to_json())))
    assert chosen(again) == ids
    assert again.to_json() == rule.to_json()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Where("yaer", "==", 1).mask(SEEN), "did you mean 'year'"),
        (lambda: Where("year", "=", 1).mask(SEEN), "no operator is called '='"),
        (lambda: Where("year", "<", "x").mask(SEEN), "cannot be compared"),
        (lambda: Where("kind", "<", 3).mask(SEEN), "cannot be compared"),
        (lambda: Where("kind", "in", "cat").mask(SEEN), "takes a list"),
        (lambda: Where("kind", "in", 3).mask(SEEN), "takes a list"),
        (lambda: Ids(["a", "z"]).mask(SEEN), "no item with id 'z'"),
        (lambda: Lasso([(0, 0), (1, 1)]), "at least 3"),
        (lambda: Lasso([(0, 0), (1, 1), (np.nan, 1)]), "finite"),
        (lambda: Lasso([1, 2, 3]), "points"),
        (lambda: Lasso([(0, 0), (1, 1), ("x", 1)]), "numbers"),
        (lambda: Brush([], 1), "at least one"),
        (lambda: Brush([(0, 0)], -1), "not negative, not -1"),
        (lambda: Brush([(0, np.inf)], 1), "finite"),
        (lambda: Brush([(0, 0)], "wide"), "numbers"),
        (lambda: Brush([3], 1), "points"),
        (lambda: Brush([(0, 0)], 1).mask(Seen(DATASET)), "reduce first"),
        (lambda: Box("0", 0, 1, 1), "four numbers"),
        (lambda: Box(0, float("nan"), 1, 1), "four numbers"),
        (lambda: Box(0, 0, 1, 1).mask(Seen(DATASET)), "reduce first"),
        (lambda: InCluster(0).mask(Seen(DATASET)), "cluster first"),
        (lambda: HasLabel("x").mask(Seen(DATASET)), "no labels"),
        (lambda: from_json({"rule": "bax"}), "did you mean 'box'"),
        (lambda: from_json({}), "no rule"),
        (lambda: from_json("box"), "no rule"),
        (lambda: from_json({"rule": "box", "left": 1}), "does not take"),
        (lambda: from_json({"rule": "lasso", "vertices": [[0], [1], [2]]}), "points"),
        (lambda: combine(CLUSTERS > 0, CLUSTERS > 0, "xor"), "no selection mode"),
    ],
)
def test_a_rule_that_cannot_be_says_why(make, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1), st.sampled_from(sorted(MODES)))
def test_modes_are_sets(pairs: list[tuple[bool, bool]], mode: str) -> None:
    old, new = np.array(pairs, bool).T
    before, given_ = set(np.flatnonzero(old)), set(np.flatnonzero(new))
    expected = {"replace": given_, "add": before | given_, "subtract": before - given_, "intersect": before & given_}[mode]
    assert set(np.flatnonzero(combine(old, new, mode))) == expected


@given(st.lists(st.tuples(st.sampled_from(sorted(MODES)), st.sets(st.sampled_from("abcde"))), max_size=12))
def test_a_combined_rule_selects_what_the_combined_masks_do(strokes: list[tuple[str, set[str]]]) -> None:
    mask, rule = np.zeros(5, bool), None
    for mode, ids in strokes:
        new = Ids(sorted(ids))
        mask, rule = combine(mask, new.mask(SEEN), mode), combine_rules(rule, new, mode)
        assert (from_json(rule.to_json()).mask(SEEN) == mask).all()


def test_a_thousand_strokes_are_still_a_rule() -> None:
    rule: Rule = Ids(["a"])
    for _ in range(2_000):
        rule = combine_rules(rule, Ids(["b"]), "add")
    assert chosen(from_json(json.loads(json.dumps(rule.to_json())))) == "ab"


# The lasso


def exactly_inside(point: tuple[float, float], polygon: list[tuple[float, float]]) -> bool:
    """Even-odd by fractions: an edge holds its lower end and not its upper, and a point on it is not left of it."""
    x, y = map(Fraction, point)
    odd = False
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        low, high = sorted(((Fraction(y0), Fraction(x0)), (Fraction(y1), Fraction(x1))))
        if low[0] <= y < high[0]:
            crossing = low[1] + (y - low[0]) * (high[1] - low[1]) / (high[0] - low[0])
            odd ^= x < crossing
    return odd


grid = st.integers(-6, 6).map(lambda whole: whole / 4)
corner = st.tuples(grid, grid)


@settings(max_examples=400, deadline=None)
@given(st.lists(corner, min_size=3, max_size=12), st.lists(corner, min_size=1, max_size=30))
def test_a_lasso_is_exact_on_lines_corners_and_crossings(polygon: list, points: list) -> None:
    """Few different coordinates: equal vertices, collinear edges, self-intersections and points on edges are the rule here."""
    found = inside(np.array(points, np.float32), np.array(polygon))
    assert found.tolist() == [exactly_inside(point, polygon) for point in points]


floats = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(floats, floats), min_size=3, max_size=20), st.lists(st.tuples(floats, floats), min_size=1, max_size=20))
def test_a_lasso_of_any_numbers_is_only_ever_wrong_where_float64_cannot_tell(polygon: list, points: list) -> None:
    found = inside(np.array(points, np.float32), np.array(polygon))
    for point, mine in zip(points, found, strict=True):
        if mine != exactly_inside(point, polygon):  # float64 may only be wrong where the point is on the line but for rounding
            assert any(_nearly_on(point, edge) for edge in zip(polygon, polygon[1:] + polygon[:1], strict=True))


def _nearly_on(point: tuple[float, float], edge: tuple) -> bool:
    (x0, y0), (x1, y1) = edge
    cross = abs(Fraction(point[0] - x0) * Fraction(y1 - y0) - Fraction(point[1] - y0) * Fraction(x1 - x0))
    return cross <= Fraction(1, 10**12) * max(1, abs(Fraction(x1 - x0)), abs(Fraction(y1 - y0))) ** 2


def test_neighbouring_lassos_share_no_point_and_lose_none() -> None:
    points = np.random.default_rng(0).integers(0, 9, (500, 2)).astype(np.float32)
    left, right = Lasso([(-1, -1), (4, -1), (4, 9), (-1, 9)]), Lasso([(4, -1), (9, -1), (9, 9), (4, 9)])
    seen = Seen(_dataset(500), points)
    both = left.mask(seen).astype(int) + right.mask(seen)
    assert (both == 1).all()


def test_a_lasso_is_quick_on_many_points() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(200_000, 2)).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.c_[np.cos(angles), np.sin(angles)]
    found = inside(points, circle)
    radius = np.hypot(*points.T)
    apothem = np.cos(np.pi / 400)
    assert found[radius < apothem].all()
    assert not found[radius > 1].any()


@pytest.mark.parametrize("big", [1e300, 1e-300])
def test_a_lasso_of_extreme_size_neither_overflows_nor_vanishes(big: float) -> None:
    points = np.array([[0, 0], [1e38, 1e38]], np.float32)
    found = inside(points, np.array([(-big, -big), (big, -big), (big, big), (-big, big)]))
    assert found.tolist() == [True, big > 1]


# The brush


def exactly_near(point: tuple[float, float], line: list[tuple[float, float]], radius: float) -> bool:
    """Within a radius of some segment, by fractions."""
    x, y = map(Fraction, point)
    for (ax, ay), (bx, by) in itertools.zip_longest(line, line[1:], fillvalue=line[-1]):
        dx, dy = Fraction(bx) - Fraction(ax), Fraction(by) - Fraction(ay)
        length = dx**2 + dy**2
        along = ((x - Fraction(ax)) * dx + (y - Fraction(ay)) * dy) / length if length else Fraction(0)
        along = min(Fraction(1), max(Fraction(0), along))
        if (x - Fraction(ax) - along * dx) ** 2 + (y - Fraction(ay) - along * dy) ** 2 <= Fraction(radius) ** 2:
            return True
    return False


lines, radii = st.lists(corner, min_size=1, max_size=8), st.integers(0, 8).map(lambda whole: whole / 4)


@pytest.mark.parametrize("pairs_at_once", [1 << 18, 1])  # 1: by the grid of cells, as for many points
@settings(max_examples=250, deadline=None)
@given(line=lines, points=st.lists(corner, min_size=1, max_size=30), radius=radii)
def test_a_brush_is_exact_on_its_edge(pairs_at_once: int, line: list, points: list, radius: float) -> None:
    """Few different coordinates and radii: points on the edge, at the ends and on the line are the rule here."""
    before, selection._AT_ONCE = selection._AT_ONCE, pairs_at_once
    try:
        found = near(np.array(points, np.float32), np.array(line), radius)
    finally:
        selection._AT_ONCE = before
    assert found.tolist() == [exactly_near(point, line, radius) for point in points]


@pytest.mark.parametrize("radius", [0.01, 0.1, 0.5, 2.0])
def test_a_brush_over_many_points_is_that_of_every_segment_alone(radius: float) -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(30_000, 2)).astype(np.float32)
    points[::100] = np.nan
    turns = np.linspace(0, 12, 200)
    line = np.c_[np.cos(turns), np.sin(turns)] * turns[:, None] / 6
    distances = np.full(len(points), np.inf)
    for start, stop in itertools.pairwise(line):
        along = np.clip((points - start) @ (stop - start) / ((stop - start) @ (stop - start)), 0, 1)
        distances = np.fmin(distances, np.hypot(*(points - start - along[:, None] * (stop - start)).T))
    found = near(points, line, radius)
    assert found.any()
    assert found[distances < radius * (1 - 1e-9)].all()
    assert not found[distances > radius * (1 + 1e-9)].any()


@pytest.mark.parametrize("big", [1e300, 1.7e308, 1e-300])
def test_a_brush_of_extreme_size_neither_overflows_nor_vanishes(big: float) -> None:
    points = np.array([[0, 0], [1e38, 1e38]], np.float32)
    assert near(points, np.array([(-big, -big), (big, big)]), big).tolist() == [True, big > 1]


def _dataset(n: int) -> Dataset:
    return Dataset("n", np.arange(n), pa.table({}), {})


def test_to_json_keeps_ids_whole_numbers() -> None:
    rule = Ids(pd.Index([1, 2]))
    assert rule.to_json() == {"rule": "ids", "ids": [1, 2]}
    assert json.loads(json.dumps(rule.to_json()))["ids"] == [1, 2]


@pytest.mark.parametrize("n", [3, SMALL + 1])
def test_a_box_is_exact_on_its_edge_with_a_grid_and_without(n: int) -> None:
    layout = np.full((n, 2), 0.1, np.float32)  # a little more than 0.1
    for grid in (None, Grid.of(layout)):
        seen = Seen(explorer.read(layout), layout, grid=grid)
        assert not Box(0, 0, 0.1, 1).mask(seen).any()
        assert Box(0, 0, float(layout[0, 0]), 1).mask(seen).all()
