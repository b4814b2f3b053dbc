"""The map's picture against a slow one that is drawn point by point: every point counts, wherever it lies."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import raster
from explorer.raster import DIM, NUMBER_SCALE, OPACITY, SELECTED, Frame, Points, Viewport, bounds, nearest, render

PALETTE = np.array([[1, 0, 0], [0, 0.5, 1], [0.6, 0.6, 0.6]], np.float32)
UNIT = Viewport(0, 1, 0, 1, 60, 40)
RNG = np.random.default_rng(0)
slow = settings(max_examples=60, deadline=None)


def points(layout: Any, codes: Any = None, **more: Any) -> Points:
    layout = np.asarray(layout, np.float32).reshape(-1, 2)
    return Points(layout, np.zeros(len(layout), np.int32) if codes is None else np.asarray(codes, np.int32), PALETTE, **more)


def drawn(frame: Frame) -> int:
    """How many pixels show something."""
    return int((frame.rgba[..., 3] > 0).sum())


# The slow reference: one point at a time, one pixel at a time, by the rules that the module's words state.


def expected(given: Points, view: Viewport, *, aggregated: bool) -> tuple[np.ndarray, int]:
    width, height = max(1, round(view.width * view.ratio)), max(1, round(view.height * view.ratio))
    found = [row for row in range(len(given.layout)) if is_seen(given, view, row)]
    room = math.sqrt(width * height / max(len(found), 1)) / view.ratio
    radius = view.ratio * min(max(room * 0.17, 1.0), 4.5)
    canvas = np.zeros((height, width, 4))
    if given.selected is None:
        layers = [(found, radius, 1.0)]
    else:
        layers = [([row for row in found if not given.selected[row]], radius, DIM)]
        layers += [([row for row in found if given.selected[row]], radius * SELECTED, 1.0)]
    for rows, size, strength in layers:
        places = [place(given, view, row, width, height) for row in rows]
        hues = [hue(given, row) for row in rows]
        layer = counts(places, hues, width, height) if aggregated else discs(places, hues, width, height, size)
        lay(canvas, *layer, strength)
    return canvas * 255, len(found)


def is_seen(given: Points, view: Viewport, row: int) -> bool:
    x, y = (float(side) for side in given.layout[row])
    shown = given.shown is None or bool(given.shown[row])
    return shown and view.x0 <= x <= view.x1 and view.y0 <= y <= view.y1


def place(given: Points, view: Viewport, row: int, width: int, height: int) -> tuple[float, float]:
    x, y = (float(side) for side in given.layout[row])
    return (x - view.x0) * (width / (view.x1 - view.x0)), (view.y1 - y) * (height / (view.y1 - view.y0))


def hue(given: Points, row: int) -> np.ndarray:
    if given.values is None or math.isnan(given.values[row]):
        return given.palette[given.codes[row]].astype(float)
    stops = [[int(stop[at : at + 2], 16) / 255 for at in (1, 3, 5)] for stop in NUMBER_SCALE]
    along = float(given.values[row]) * (len(stops) - 1)
    below = min(int(along), len(stops) - 2)
    return np.array([low + (high - low) * (along - below) for low, high in zip(stops[below], stops[below + 1], strict=True)])


def discs(places: list, hues: list, width: int, height: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
    cover, sums = np.zeros((height, width)), np.zeros((height, width, 3))
    for (x, y), color in zip(places, hues, strict=True):
        for row in range(height):
            for column in range(width):
                share = min(max(radius + 0.5 - math.hypot(column + 0.5 - x, row + 0.5 - y), 0.0), 1.0)
                cover[row, column] += share
                sums[row, column] += share * color
    return sums / np.maximum(cover, 1e-300)[..., None], 1 - (1 - OPACITY) ** cover


def counts(places: list, hues: list, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Opacity by the log of the count; an empty pixel shows half a point where a neighbour has some."""
    own, sums = np.zeros((height, width)), np.zeros((height, width, 3))
    for (x, y), color in zip(places, hues, strict=True):
        row, column = min(int(y), height - 1), min(int(x), width - 1)
        own[row, column] += 1
        sums[row, column] += color
    mixed, opacity = np.zeros((height, width, 3)), np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            if own[row, column]:
                mixed[row, column] = sums[row, column] / own[row, column]
                opacity[row, column] = 0.4 + 0.6 * math.log1p(own[row, column]) / math.log1p(own.max())
                continue
            sides = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            near = [side for side in sides if 0 <= side[0] < height and 0 <= side[1] < width and own[side]]
            if near:
                mixed[row, column] = sum(sums[side] for side in near) / sum(own[side] for side in near)
                opacity[row, column] = 0.4 * 0.5
    return mixed, opacity


def lay(canvas: np.ndarray, colors: np.ndarray, opacity: np.ndarray, strength: float) -> None:
    alpha = (opacity * strength)[..., None]
    rest = canvas[..., 3:] * (1 - alpha)
    total = alpha + rest
    canvas[..., :3] = (colors * alpha + canvas[..., :3] * rest) / np.maximum(total, 1e-300)
    canvas[..., 3:] = total


def assert_same(frame: Frame, wanted: np.ndarray) -> None:
    """Equal within rounding; a pixel that is all but transparent has no colour to speak of."""
    assert np.abs(frame.rgba[..., 3] - wanted[..., 3]).max() <= 1
    clear = wanted[..., 3] >= 2
    assert np.abs(frame.rgba[..., :3].astype(float) - wanted[..., :3])[clear].max(initial=0) <= 1


SPOTS = st.one_of(
    st.integers(-30, 30).map(lambda n: n / 7), st.sampled_from([float("nan"), float("inf"), float("-inf"), 1e9, -3e38, 5e6])
)


@st.composite
def scenes(draw: Any) -> tuple[Points, Viewport]:
    layout = draw(st.lists(st.tuples(SPOTS, SPOTS), max_size=25))
    n = len(layout)

    def masks() -> Any:
        return st.none() | st.lists(st.booleans(), min_size=n, max_size=n).map(lambda mask: np.array(mask, bool))

    values = draw(st.none() | st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=n, max_size=n).map(np.array))
    codes = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    x0, y0 = draw(st.floats(-5, 3)), draw(st.floats(-5, 3))
    width, height = draw(st.floats(0.3, 8)), draw(st.floats(0.3, 8))
    view = Viewport(
        x0, x0 + width, y0, y0 + height, draw(st.integers(1, 24)), draw(st.integers(1, 24)), draw(st.sampled_from([0.5, 1, 1.5, 2]))
    )
    return points(layout, codes, values=values, shown=draw(masks()), selected=draw(masks())), view


@slow
@given(scenes())
def test_discs_are_what_the_slow_picture_shows(scene: tuple[Points, Viewport]) -> None:
    frame = render(*scene)
    wanted, seen = expected(*scene, aggregated=False)
    assert frame.seen == seen
    assert_same(frame, wanted)


@slow
@given(scenes())
def test_the_aggregate_is_what_the_slow_picture_shows(scene: tuple[Points, Viewport]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raster, "DISC_WORK", -1)
        frame = render(*scene)
    cloud, view = scene
    wanted, seen = expected(cloud, replace(view, ratio=min(view.ratio, 1.0)), aggregated=True)  # a crowd is drawn at ratio 1
    assert frame.seen == seen
    assert_same(frame, wanted)


@pytest.mark.parametrize("count", [300, 30_000, 400_000])
def test_counts_of_many_points(count: int) -> None:
    """On both sides of the switch, a pixel shows something exactly where points are near it, and all are seen."""
    layout = RNG.random((count, 2), np.float32)
    frame = render(points(layout), Viewport(-0.1, 1.1, -0.1, 1.1, 120, 120))
    assert frame.seen == count
    own = np.histogram2d(1.1 - layout[:, 1], layout[:, 0] + 0.1, bins=120, range=[(0, 1.2), (0, 1.2)])[0] > 0
    assert (frame.rgba[..., 3] > 0)[own].all()
    assert not frame.rgba[:5, :, 3].any()
    assert not frame.rgba[:, -5:, 3].any()


def test_few_points_are_discs_and_many_an_aggregate(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = points(RNG.random((20, 2))), points(RNG.random((300_000, 2)))
    assert drawn(render(few, UNIT)) > 150, "a disc has a size"
    with monkeypatch.context() as patch:
        patch.setattr(raster, "DISC_WORK", 0)
        assert drawn(render(few, UNIT)) <= 100, "a pixel and its four neighbours"
    assert render(many, Viewport(0, 1, 0, 1, 600, 400)).seen == 300_000


@pytest.mark.parametrize("work", [raster.DISC_WORK, 0])
class TestDegenerate:
    """Layouts that other maps do not draw, by discs and by the aggregate."""

    @pytest.fixture(autouse=True)
    def _switch(self, work: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(raster, "DISC_WORK", work)

    def look(self, given: Points, **size: Any) -> Frame:
        box = bounds(given.layout)
        assert box is not None
        x0, x1, y0, y1 = box
        pad = 0.1 * max(x1 - x0, y1 - y0)
        return render(given, Viewport(x0 - pad, x1 + pad, y0 - pad, y1 + pad, 80, 60))

    @pytest.mark.parametrize("at", [(0.0, 0.0), (3.0, -7.0), (1e9, -1e9), (1e-30, 1e-30)])
    def test_points_that_coincide(self, at: tuple[float, float]) -> None:
        frame = self.look(points([at] * 300))
        assert frame.seen == 300
        assert 1 <= drawn(frame) < 120
        assert frame.rgba[..., 3].max() == 255

    def test_one_point(self) -> None:
        frame = self.look(points([(2.0, 2.0)]))
        assert frame.seen == 1
        assert drawn(frame) >= 1

    @pytest.mark.parametrize("axis", [0, 1])
    def test_points_on_a_line(self, axis: int) -> None:
        layout = np.zeros((300, 2))
        layout[:, axis] = np.linspace(-5, 5, 300)
        frame = self.look(points(layout))
        assert frame.seen == 300
        along = (frame.rgba[..., 3] > 0).any(axis=axis)  # the axis that is left is the one of the points
        assert along.sum() > (40 if axis else 60)

    def test_no_points(self) -> None:
        assert drawn(render(points([]), UNIT)) == 0
        assert render(points([(math.nan, 0), (math.inf, 0.5), (0.5, -math.inf)]), UNIT).seen == 0

    def test_rows_without_a_place_cost_nothing(self) -> None:
        layout = RNG.random((300, 2))
        broken = np.insert(layout, [0, 100, 200], [(math.nan, 0.5), (0.5, math.inf), (-math.inf, math.nan)], axis=0)
        frame, whole = render(points(broken), UNIT), render(points(layout), UNIT)
        assert frame.seen == 300
        assert (frame.rgba == whole.rgba).all()

    def test_every_point_of_a_large_offset_is_found_at_any_zoom(self) -> None:
        """Coordinates of five million have steps of a half in float32; each step must be found where it is."""
        layout = np.array([(5e6 + column / 2, 5e6 + row / 2) for row in range(10) for column in range(10)], np.float32)
        assert render(points(layout), Viewport(5e6 - 1, 5e6 + 6, 5e6 - 1, 5e6 + 6, 70, 70)).seen == 100
        assert len(np.unique(layout, axis=0)) == 100
        for x, y in layout.astype(float):
            frame = render(points(layout), Viewport(x - 0.05, x + 0.05, y - 0.05, y + 0.05, 9, 9))
            assert frame.seen == 1
            assert frame.rgba[4, 4, 3] > 0
        between = Viewport(5e6 + 0.1, 5e6 + 0.2, 5e6 + 0.1, 5e6 + 0.2, 9, 9)
        assert render(points(layout), between).seen == 0

    def test_edges_larger_than_float32(self) -> None:
        frame = render(points([(-3e38, 0), (3e38, 1)]), Viewport(-1e39, 1e39, -1e39, 1e39, 40, 40))
        assert frame.seen == 2
        assert drawn(frame) >= 2

    def test_a_point_on_an_edge_is_drawn(self) -> None:
        for x, y in [(0, 0), (1, 1), (0.5, 1), (0, 0.5)]:
            assert drawn(render(points([(x, y)]), UNIT)) >= 1
        edge = 0.6369616985321045  # of this one, rounding makes a little more than the width
        assert (edge + 0.5) * (27 / (edge + 0.5)) > 27
        assert drawn(render(points([(edge, -0.5)]), Viewport(-0.5, edge, -0.5, edge, 27, 27))) >= 1

    def test_the_order_of_points_does_not_matter(self) -> None:
        layout, codes = RNG.random((500, 2)), RNG.integers(0, 3, 500)
        chosen = RNG.random(500) < 0.3
        order = RNG.permutation(500)
        first = render(points(layout, codes, selected=chosen), UNIT)
        second = render(points(layout[order], codes[order], selected=chosen[order]), UNIT)
        assert np.abs(first.rgba.astype(int) - second.rgba).max() <= 1

    def test_the_same_picture_every_time(self) -> None:
        given = points(RNG.random((500, 2)), RNG.integers(0, 3, 500))
        assert render(given, UNIT).webp() == render(given, UNIT).webp()

    def test_selected_lie_above_and_are_not_dimmed(self) -> None:
        layout = [(0.25, 0.5)] * 50 + [(0.75, 0.5)] * 50
        codes = [0] * 25 + [1] * 25 + [0] * 50
        chosen = np.arange(100) < 25
        frame = render(points(layout, codes, selected=chosen), UNIT)
        above, dimmed = frame.rgba[20, 15], frame.rgba[20, 45]
        assert above[3] == 255
        assert tuple(above[:3]) == (255, 0, 0), "the dimmed blue ones are below"
        assert 0 < dimmed[3] < 0.4 * 255
        plain = render(points(layout, codes), UNIT)
        assert plain.rgba[20, 45, 3] == 255, "nothing is dimmed while nothing is selected"

    def test_one_selected_under_a_million_is_seen(self) -> None:
        layout = np.vstack([np.full((2_000, 2), 0.5), [(0.5, 0.5)]])
        chosen = np.arange(2_001) == 2_000
        frame = render(points(layout, np.where(chosen, 0, 1), selected=chosen), UNIT)
        red, _, blue, _ = frame.rgba[20, 30]
        assert red > blue

    def test_hidden_points_are_not_drawn(self) -> None:
        layout = RNG.random((200, 2))
        shown = layout[:, 0] < 0.4
        frame = render(points(layout, shown=shown), UNIT)
        assert frame.seen == shown.sum()
        assert not frame.rgba[:, 40:, 3].any()
        assert drawn(render(points(layout, shown=np.zeros(200, bool)), UNIT)) == 0

    def test_numbers_are_coloured_along_the_scale_and_missing_ones_grey(self) -> None:
        layout = [(0.1, 0.5), (0.5, 0.5), (0.9, 0.5)]
        codes, values = [0, 0, 2], np.array([0.0, 1.0, math.nan])
        rgba = render(points(layout, codes, values=values), UNIT).rgba
        low, high = ([int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in (NUMBER_SCALE[0], NUMBER_SCALE[-1]))
        assert np.abs(rgba[20, 6, :3].astype(int) - low).max() <= 1
        assert np.abs(rgba[20, 30, :3].astype(int) - high).max() <= 1
        assert np.abs(rgba[20, 54, :3].astype(int) - 153).max() <= 1


def test_drawing_changes_nothing_it_was_given() -> None:
    layout, palette, values = RNG.random((50, 2)).astype(np.float32), PALETTE.copy(), RNG.random(50)
    for array in (layout, palette, values):
        array.flags.writeable = False
    render(Points(layout, np.zeros(50, np.int32), palette, values), UNIT)


def test_png_is_the_picture() -> None:
    from PIL import Image

    frame = render(points([(0.2, 0.2), (0.8, 0.8)], [0, 1]), UNIT)
    assert frame.rgba.shape == (40, 60, 4)
    assert (np.asarray(Image.open(io.BytesIO(frame.webp()))) == frame.rgba).all()
    assert frame.rgba[32, 12, 0] == 255, "the top row is the highest y"


def test_device_pixels() -> None:
    frame = render(points([(0.5, 0.5)]), Viewport(0, 1, 0, 1, 30, 20, ratio=2.0))
    assert frame.rgba.shape == (40, 60, 4)


# Where to look first


def test_an_outlier_does_not_hide_the_others() -> None:
    for n in (12, 60, 150, 1_000):
        layout = np.vstack([RNG.normal(size=(n, 2)), [(1e9, 1e9)]]).astype(np.float32)
        x0, x1, y0, y1 = bounds(layout)  # type: ignore[misc]
        assert x1 - x0 < 20
        frame = render(points(layout), Viewport(x0, x1, y0, y1, 60, 60))
        assert frame.seen >= 0.95 * n
        far = render(points(layout), Viewport(1e9 - 1e3, 1e9 + 1e3, 1e9 - 1e3, 1e9 + 1e3, 60, 60))
        assert far.seen == 1
        assert far.rgba[30, 30, 3] > 0
        everything = render(points(layout), Viewport(-1e8, 1.1e9, -1e8, 1.1e9, 60, 60))
        assert everything.seen == n + 1


def test_an_outlier_beside_a_line() -> None:
    layout = np.column_stack([np.zeros(200), np.linspace(0, 10, 200)])
    layout[7] = (1e9, 3)
    x0, x1, y0, y1 = bounds(layout)  # type: ignore[misc]
    assert x1 - x0 < 30
    assert y1 - y0 >= 9.7


def test_bounds_hold_all_points_where_none_is_far_out() -> None:
    layout = RNG.normal(size=(1_000, 2)).astype(np.float32)
    x0, x1, y0, y1 = bounds(layout)  # type: ignore[misc]
    assert (x0, x1) == (float(layout[:, 0].min()), float(layout[:, 0].max()))
    assert (y0, y1) == (float(layout[:, 1].min()), float(layout[:, 1].max()))


def test_a_few_that_differ_from_hundreds_that_coincide_are_looked_at_too() -> None:
    layout = np.zeros((300, 2))
    layout[:2] = [(1, 1), (-1, 2)]
    x0, x1, y0, y1 = bounds(layout)  # type: ignore[misc]
    assert render(points(layout), Viewport(x0, x1, y0, y1, 40, 40)).seen == 300


@slow
@given(st.lists(st.tuples(SPOTS, SPOTS), max_size=30))
def test_bounds_are_a_box_with_a_size_or_nothing(layout: list[tuple[float, float]]) -> None:
    array = np.array(layout, np.float32).reshape(-1, 2)
    known = array[np.isfinite(array).all(axis=1)]
    box = bounds(array)
    if not len(known):
        assert box is None
        return
    x0, x1, y0, y1 = box  # type: ignore[misc]
    assert np.isfinite(box).all()
    assert x1 >= x0
    assert y1 >= y0
    assert max(x1 - x0, y1 - y0) > 0, "there is something to zoom to"
    inside = ((known >= (x0, y0)) & (known <= (x1, y1))).all(axis=1)
    assert inside.mean() >= 0.6, "most of what is there is in it"


def test_bounds_of_equal_points() -> None:
    for at in [(0, 0), (5, -3), (1e30, 0)]:
        x0, x1, y0, y1 = bounds(np.array([at] * 5, np.float32))  # type: ignore[misc]
        assert x0 < np.float32(at[0]) < x1
        assert y0 < np.float32(at[1]) < y1
    assert bounds(np.zeros((0, 2), np.float32)) is None
    assert bounds(np.full((4, 2), np.nan, np.float32)) is None


# The item under the pointer

NEAR = st.integers(-30, 30).map(lambda n: n / 7) | st.just(math.nan)


@slow
@given(st.lists(st.tuples(NEAR, NEAR), max_size=20), st.floats(-5, 5), st.floats(-5, 5), st.sampled_from([0, 0.3, 3, 9]), st.data())
def test_nearest_is_the_one_that_a_walk_over_all_finds(layout: list, x: float, y: float, reach: float, data: Any) -> None:
    array = np.array(layout, np.float32).reshape(-1, 2)
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=len(array), max_size=len(array)))
    shown = None if mask is None else np.array(mask, bool)
    distances = {
        row: math.hypot(float(place[0]) - x, float(place[1]) - y)
        for row, place in enumerate(array) if np.isfinite(place).all() and (shown is None or shown[row])
    }  # fmt: skip
    best = min(distances.values(), default=math.inf)
    found = nearest(array, x, y, reach, shown)
    if best > reach:
        assert found is None
    else:
        assert found is not None
        assert distances[found] == best


def test_nearest_is_never_one_that_is_hidden() -> None:
    layout = np.array([(0, 0), (0, 1), (0, 2)], np.float32)
    assert nearest(layout, 0, 0, 5) == 0
    assert nearest(layout, 0, 0, 5, np.array([False, False, True])) == 2
    assert nearest(layout, 0, 0, 5, np.zeros(3, bool)) is None


def test_nearest_at_a_large_offset() -> None:
    layout = np.array([(5e6, 5e6), (5e6 + 0.5, 5e6)], np.float32)
    assert nearest(layout, 5e6 + 0.2, 5e6, 0.25) == 0
    assert nearest(layout, 5e6 + 0.3, 5e6, 0.25) == 1
    assert nearest(layout, 5e6 + 0.2, 5e6 + 0.2, 0.25) is None
