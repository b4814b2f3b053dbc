"""The map's picture against a slow one that is drawn point by point: every point counts, wherever it lies."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer import grid
from explorer.raster import (
    NUMBER_SCALE,
    SCALINGS,
    Frame,
    Points,
    Scene,
    Viewport,
    bounds,
    crowd,
    discs,
    kernels,
    nearest,
    render,
    scene,
)
from explorer.raster.discs import DIM, OPACITY, SELECTED

PALETTE = np.array([[1, 0, 0], [0, 0.5, 1], [0.6, 0.6, 0.6]], np.float32)
UNIT = Viewport(0, 1, 0, 1, 60, 40)
RNG = np.random.default_rng(0)
slow = settings(max_examples=60, deadline=None)


def points(layout: Any, codes: Any = None, **more: Any) -> Points:
    layout = np.asarray(layout, np.float32).reshape(-1, 2)
    return Points(layout, np.zeros(len(layout), np.int32) if codes is None else np.asarray(codes, np.int32), PALETTE, **more)


WAYS = ["few", "few in a grid", "crowd"]


def go(way: str, patch: pytest.MonkeyPatch) -> None:
    """Have points drawn in one of the ways, whatever their number: as discs, as a crowd, or by whole cells of a fine grid."""
    if way != "few":
        patch.setattr(scene, "SMALL", -1)
        patch.setattr(grid, "POINTS_A_CELL", 1e-3)
        patch.setattr(grid, "LARGEST", 64)
    if way in {"crowd", "cells"}:
        patch.setattr(discs, "most", lambda view: -1)
    if way == "cells":
        patch.setattr(crowd, "COARSE", -1)
        patch.setattr(crowd, "FINEST", 300)


def drawn(frame: Frame) -> int:
    """How many pixels show something."""
    return int((frame.rgba[..., 3] > 0).sum())


# The slow reference: one point at a time, one pixel at a time, by the rules that the module's words state.


def expected(given: Points, view: Viewport, *, aggregated: bool) -> tuple[np.ndarray, int]:
    width, height = max(1, round(view.width * view.ratio)), max(1, round(view.height * view.ratio))
    found = [row for row in range(len(given.layout)) if is_seen(given, view, row)]
    room = math.sqrt(width * height / max(len(found), 1))
    radius = max(1.0, min(view.ratio * min(max(room / view.ratio * 0.17, 1.0), 4.5), room * 0.5))
    canvas = np.zeros((height, width, 4))
    if given.selected is None:
        layers = [(found, radius, 1.0)]
    else:
        layers = [([row for row in found if not given.selected[row]], radius, DIM)]
        layers += [([row for row in found if given.selected[row]], radius * SELECTED, 1.0)]
    for rows, size, strength in layers:
        places = [place(given, view, row, width, height) for row in rows]
        hues = [hue(given, row) for row in rows]
        shades = None if given.values is None else [given.values[row] for row in rows]
        layer = counts(places, hues, shades, width, height) if aggregated else discs_of(places, hues, width, height, size)
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
    return ramp(float(given.values[row]))


def ramp(value: float) -> np.ndarray:
    stops = [[int(stop[at : at + 2], 16) / 255 for at in (1, 3, 5)] for stop in NUMBER_SCALE]
    along = value * (len(stops) - 1)
    below = min(int(along), len(stops) - 2)
    return np.array([low + (high - low) * (along - below) for low, high in zip(stops[below], stops[below + 1], strict=True)])


def discs_of(places: list, hues: list, width: int, height: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
    cover, sums = np.zeros((height, width)), np.zeros((height, width, 3))
    for (x, y), color in zip(places, hues, strict=True):
        for row in range(height):
            for column in range(width):
                share = min(max(radius + 0.5 - math.hypot(column + 0.5 - x, row + 0.5 - y), 0.0), 1.0)
                cover[row, column] += share
                sums[row, column] += share * color
    return sums / np.maximum(cover, 1e-300)[..., None], 1 - (1 - OPACITY) ** cover


def counts(
    places: list, hues: list, shades: list | None, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Opacity by the log of the count; an empty pixel shows a little of those beside it, more of one that is all alone."""
    held: dict[tuple[int, int], list[int]] = {}
    for place, (x, y) in enumerate(places):
        held.setdefault((min(int(y), height - 1), min(int(x), width - 1)), []).append(place)
    most = max((len(members) for members in held.values()), default=1)

    def around(row: int, column: int) -> list[tuple[int, int]]:
        block = [(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across]
        return [pixel for pixel in block if pixel in held]

    alone = {pixel for pixel in held if not around(*pixel)}
    mixed, opacity = np.zeros((height, width, 3)), np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            own = (row, column)
            if own in held:
                members, strength = held[own], 0.4 + 0.6 * math.log1p(len(held[own])) / math.log1p(most)
                opacity[own] = max(strength, 0.9) if own in alone else strength
            else:
                edges = [one for one in around(row, column) if row == one[0] or column == one[1]]
                corners = [one for one in around(row, column) if one not in edges and one in alone]
                opacity[own] = max([0.55 if one in alone else 0.2 for one in edges] + [0.25] * len(corners), default=0)
                members = [member for one in edges + corners for member in held[one]]
            if members:
                mixed[own] = color_of(members, hues, shades)
    return mixed, opacity


def color_of(members: list[int], hues: list, shades: list | None) -> np.ndarray:
    """Categories mix; of numbers the mean is coloured, and where none is known the palette's last colour is shown."""
    if shades is None:
        return sum(hues[member] for member in members) / len(members)
    known = [float(shades[member]) for member in members if not math.isnan(shades[member])]
    return ramp(sum(known) / len(known)) if known else PALETTE[-1]


def lay(canvas: np.ndarray, colors: np.ndarray, opacity: np.ndarray, strength: float) -> None:
    alpha = (opacity * strength)[..., None]
    rest = canvas[..., 3:] * (1 - alpha)
    total = alpha + rest
    canvas[..., :3] = (colors * alpha + canvas[..., :3] * rest) / np.maximum(total, 1e-300)
    canvas[..., 3:] = total


def assert_same(frame: Frame, wanted: np.ndarray, *, rounded: bool = False) -> None:
    """Equal within rounding; a pixel that is all but transparent has no colour to speak of, and a mean number is one of 1,024."""
    limit = 2 if rounded else 1
    assert np.abs(frame.rgba[..., 3] - wanted[..., 3]).max() <= 1
    clear = wanted[..., 3] >= 2
    assert np.abs(frame.rgba[..., :3].astype(float) - wanted[..., :3])[clear].max(initial=0) <= limit


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


@pytest.mark.parametrize("way", ["few", "few in a grid"])
@slow
@given(given=scenes())
def test_discs_are_what_the_slow_picture_shows(way: str, given: tuple[Points, Viewport]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        go(way, patch)
        frame = render(*given)
    wanted, seen = expected(*given, aggregated=False)
    assert frame.seen == seen
    assert_same(frame, wanted)
    assert_told(frame, *given)


@pytest.mark.parametrize("exact", [False, True])
@slow
@given(given=scenes())
def test_a_crowd_is_what_the_slow_picture_shows(exact: bool, given: tuple[Points, Viewport]) -> None:
    cloud, view = given
    with pytest.MonkeyPatch.context() as patch:
        go("crowd", patch)
        frame = render(cloud, view, exact=exact)
    view = view if exact else replace(view, ratio=1.0)
    wanted, seen = expected(cloud, view, aggregated=True)
    assert (frame.seen, frame.view) == (seen, view)
    assert_same(frame, wanted, rounded=cloud.values is not None)
    assert_told(frame, cloud, view)


@slow
@given(given=scenes())
def test_cells_are_what_the_slow_picture_of_their_edges_shows(given: tuple[Points, Viewport]) -> None:
    cloud, view = given
    assume(np.abs(np.nan_to_num(cloud.layout, posinf=0, neginf=0)).max(initial=0) < 1e30)  # a view of nothing is never drawn so
    with pytest.MonkeyPatch.context() as patch:
        go("cells", patch)
        frame = render(cloud, view)
    asked = replace(view, ratio=1.0)
    assert frame.seen == expected(cloud, asked, aggregated=True)[1]
    slack = 1e-9 * max(view.x1 - view.x0, view.y1 - view.y0)
    assert max(frame.view.x0 - view.x0, view.x1 - frame.view.x1, frame.view.y0 - view.y0, view.y1 - frame.view.y1) <= slack
    x, y = cloud.layout.astype(np.float64).T
    wide, tall = (frame.view.x1 - frame.view.x0) / frame.view.width, (frame.view.y1 - frame.view.y0) / frame.view.height
    known = np.isfinite(x) & np.isfinite(y)
    with np.errstate(invalid="ignore"):
        clear = [np.abs((side - low) / size - np.rint((side - low) / size)) > 1e-6 for side, low, size in
                 ((x, frame.view.x0, wide), (y, frame.view.y0, tall))]  # fmt: skip
    assume((clear[0] & clear[1] | ~known).all())  # on the line between two pixels it is either's
    wanted, _ = expected(cloud, frame.view, aggregated=True)
    assert_same(frame, wanted, rounded=cloud.values is not None)


def assert_told(frame: Frame, cloud: Points, view: Viewport) -> None:
    """What a frame says of its points: counts by code, the fullest pixel, and the rows."""
    rows = [row for row in range(len(cloud.layout)) if is_seen(cloud, view, row)]
    width, height = frame.rgba.shape[1::-1]
    codes = cloud.codes[rows]
    if cloud.values is not None and frame.crowd:  # a number has no code of its own: known is the first, and missing the last
        codes = np.where(np.isnan(cloud.values[rows]), len(PALETTE) - 1, 0)
    assert frame.counts.tolist() == np.bincount(codes, minlength=len(PALETTE)).tolist()
    places = [place(cloud, view, row, width, height) for row in rows]
    pixels = [(int(min(x, width - 1)), int(min(y, height - 1))) for x, y in places]
    assert frame.densest == max((pixels.count(pixel) for pixel in pixels), default=0)
    assert frame.rows is None or frame.rows.tolist() == rows


def test_many_points_are_summed_the_same_by_bands_cells_and_brute_force() -> None:
    """Numbers at which the threads' stretches, the grid's edges and the coarse cells all take part: counts equal pixel by pixel."""
    n = 200_000
    layout = np.vstack([RNG.normal(size=(n - 60, 2)), RNG.normal(size=(60, 2)) * 300]).astype(np.float32)
    layout[::1000] = np.nan
    codes, chosen = RNG.integers(0, 3, n).astype(np.int32), RNG.random(n) < 0.2
    shown = RNG.random(n) < 0.9
    cloud = Scene(Points(layout, codes, PALETTE, shown=shown, selected=chosen))
    for view in (Viewport(-4, 4, -3, 3, 200, 150), Viewport(-900, 900, -700, 700, 90, 70), Viewport(0.1, 0.35, -0.3, -0.1, 50, 40)):
        sums, tally = cloud._crowd._of_points(view)
        assert (sums[..., 0] == brute(layout, codes, chosen, shown, view).sum(axis=-1)).all()
        assert tally.tolist() == brute(layout, codes, chosen, shown, view).sum(axis=(0, 1)).tolist()
        assert cloud._crowd._tally(view).tolist() == tally.tolist()
    sums, snapped = cloud._crowd._of_cells(Viewport(-900, 900, -700, 700, 90, 70))
    total = brute(layout, codes, chosen, shown, snapped).sum(axis=-1)
    assert (sums[..., 0].sum(axis=1) == total.sum(axis=1)).all()
    assert (sums[..., 0] != total).sum() <= 4, "but for a point that rounding puts on the line between two pixels"


def brute(layout: np.ndarray, codes: np.ndarray, chosen: np.ndarray, shown: np.ndarray, view: Viewport) -> np.ndarray:
    """``(layers, pixels, codes)`` counts by numpy alone."""
    x, y = layout.astype(np.float64).T
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((x >= view.x0) & (x <= view.x1) & (y >= view.y0) & (y <= view.y1) & shown)
    (width, height), (across, down) = view.pixels, view.scale
    column = np.minimum(((x[rows] - view.x0) * across).astype(int), width - 1)
    line = np.minimum(((view.y1 - y[rows]) * down).astype(int), height - 1)
    made = np.zeros((2, width * height, 3), np.int64)
    np.add.at(made, (chosen[rows].astype(int), line * width + column, codes[rows]), 1)
    return made


def test_what_did_not_change_is_taken_over() -> None:
    layout, codes = RNG.random((60_000, 2), np.float32), np.zeros(60_000, np.int32)
    view, chosen = Viewport(0, 1, 0, 1, 90, 70), RNG.random(60_000) < 0.5
    first = Scene(Points(layout, codes, PALETTE))
    first.draw(view)
    second = Scene(Points(layout, codes, PALETTE, selected=chosen), first)
    assert (second.draw(view).rgba == render(second.points, view).rgba).all()
    assert second.grid is first.grid
    assert second._crowd.tint is first._crowd.tint
    third = Scene(Points(layout, np.ones(60_000, np.int32), PALETTE, selected=chosen), second)
    assert (third.draw(view).rgba == render(third.points, view).rgba).all()
    assert third._crowd.tint is not first._crowd.tint
    fourth = Scene(replace(third.points, density=True), third)
    assert fourth._crowd.ink is third._crowd.ink
    assert (fourth.draw(view).rgba == render(fourth.points, view).rgba).all()
    assert Scene(Points(layout.copy(), codes, PALETTE), fourth).grid is not first.grid


def test_a_single_outlier_is_plain_to_see_at_any_zoom() -> None:
    layout = np.vstack([RNG.normal(size=(100_000, 2)), [(40.0, 40.0)]]).astype(np.float32)
    for half in (50, 500, 5_000):
        frame = render(points(layout), Viewport(40 - half, 40 + half, 40 - half, 40 + half, 301, 301))
        alone = frame.rgba[147:154, 147:154, 3]
        if half == 50:
            assert alone.max() >= 229
            assert (alone > 0).sum() >= 9
        assert frame.seen == 100_001


def test_density_is_coloured_along_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = np.vstack([np.full((900, 2), 0.25), np.full((1, 2), 0.75)])
    for way in WAYS:
        with monkeypatch.context() as patch:
            go(way, patch)
            frame = render(points(layout, density=True), UNIT)
        x, y = 15, 29
        full = frame.rgba[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 4)
        full = full[full[:, 3].argmax(), :3].astype(int)
        assert np.abs(full - [int(NUMBER_SCALE[-1][at : at + 2], 16) for at in (1, 3, 5)]).max() <= 3, way


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


def test_few_points_are_discs_and_many_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = points(RNG.random((20, 2))), points(RNG.random((300_000, 2)))
    assert drawn(render(few, UNIT)) > 150, "a disc has a size"
    with monkeypatch.context() as patch:
        go("crowd", patch)
        assert drawn(render(few, UNIT)) <= 180, "a pixel and its eight neighbours"
    assert render(many, Viewport(0, 1, 0, 1, 600, 400)).seen == 300_000


@pytest.mark.parametrize("way", WAYS)
class TestDegenerate:
    """Layouts that other maps do not draw, in every way but by whole cells, which move the picture's edges."""

    @pytest.fixture(autouse=True)
    def _switch(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        go(way, monkeypatch)

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


# How opacity grows


@pytest.mark.parametrize("scaling", SCALINGS)
@slow
@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=30))
def test_opacity_grows_with_the_count_and_the_densest_is_opaque(scaling: str, held: list[int]) -> None:
    counts, pixels = np.unique([0, *held], return_counts=True)
    made = crowd.opacities(counts, pixels, scaling)
    assert made[0] == 0
    assert (np.diff(made) >= 0).all()
    assert made[1] >= kernels.FAINTEST
    assert made[-1] == pytest.approx(1)
    top = max(held)
    along = {"log": np.log1p(counts) / np.log1p(top), "linear": counts / top,
             "equal": [np.mean([one <= count for one in held]) for count in counts]}[scaling]  # fmt: skip
    assert made[1:] == pytest.approx(0.4 + 0.6 * np.asarray(along)[1:])


def test_each_scaling_gives_another_picture() -> None:
    layout = RNG.normal(size=(200_000, 2)).astype(np.float32)
    frames = [render(points(layout, scaling=scaling), Viewport(-4, 4, -3, 3, 90, 70)) for scaling in SCALINGS]
    assert all(frame.crowd for frame in frames)
    shown = [frame.rgba[..., 3].astype(int) for frame in frames]
    assert np.abs(shown[0] - shown[1]).max() > 50
    assert np.abs(shown[1] - shown[2]).max() > 50


def test_a_picture_full_of_noise_is_small_enough_to_send() -> None:
    """Every pixel different, as a crowd of mixed categories can be: the largest picture that a page of 900 × 700 gets."""
    from PIL import Image

    noise = RNG.integers(0, 256, (700, 900, 4)).astype(np.uint8)
    view = Viewport(0, 1, 0, 1, 900, 700)
    nothing = np.zeros(1, np.int64)
    crowded, plain = Frame(noise, view, 0, nothing, 1, crowd=True).webp(), Frame(noise // 64 * 64, view, 0, nothing, 1).webp()
    assert len(crowded) <= 600_000
    assert Image.open(io.BytesIO(crowded)).size == (900, 700)
    assert len(plain) <= 600_000


def test_a_crowds_colours_are_rounded_to_steps_that_nobody_sees() -> None:
    from PIL import Image

    frame = render(points(RNG.normal(size=(200_000, 2)), RNG.integers(0, 3, 200_000)), Viewport(-3, 3, -3, 3, 90, 70))
    assert frame.crowd
    sent = np.asarray(Image.open(io.BytesIO(frame.webp()))).astype(int)
    assert np.abs(sent - frame.rgba).max() <= 16
    assert (sent[frame.rgba[..., 3] == 0] == 0).all()
    assert (sent[frame.rgba[..., 3] == 255, 3] == 255).all()
