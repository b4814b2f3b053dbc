"""Layouts side by side: laid onto each other, who moved, who kept their neighbours, and the second map's side of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_views import GOOD, ODD, VECTORS, VIEW, Wire, everything, plain, sent, session, still_works, until, wire  # noqa: F401  fixtures

import explorer
from explorer import Box, Ids, InputError, Session, Where
from explorer.insight.alignment import aligned
from explorer.insight.overlap import overlap
from explorer.step import Cancelled, Progress, Result
from explorer.views.comparing import COLOR

N = len(VECTORS)
RNG = np.random.default_rng(1)


def turned(places: np.ndarray, angle: float, size: float, *, mirrored: bool) -> np.ndarray:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    return np.asarray(places @ turn * size + [50, -7], np.float32)


# Laid onto each other


@given(st.floats(0, 6.28), st.floats(0.01, 100), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_was_turned_mirrored_scaled_and_moved_comes_back(angle: float, size: float, mirrored: bool, same_size: bool) -> None:
    places = RNG.normal(size=(50, 2)).astype(np.float32)
    back = aligned(places, turned(places, angle, size, mirrored=mirrored), same_size=same_size)
    np.testing.assert_allclose(back, places, atol=1e-3)


def test_rows_without_a_place_are_left_out_and_moved_along() -> None:
    places = RNG.normal(size=(60, 2)).astype(np.float32)
    moving = turned(places, 1.0, 3.0, mirrored=True)
    holed, wild = moving.copy(), places.copy()
    holed[4], wild[9] = np.nan, np.nan
    made = aligned(wild, holed)
    assert np.isnan(made[4]).all()
    known = np.arange(60) != 4
    np.testing.assert_allclose(made[known], places[known], atol=1e-4)


def test_least_squares_is_the_least() -> None:
    """No other turn, size or shift of those around it is nearer."""
    onto, places = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
    best = ((aligned(onto, places) - onto) ** 2).sum()
    for angle in np.linspace(0, 6.2, 30):
        for mirrored in (False, True):
            for size in (0.05, 0.2, 1.0):
                moved = turned(places, angle, size, mirrored=mirrored)
                moved += onto.mean(axis=0) - moved.mean(axis=0)
                assert ((moved - onto) ** 2).sum() >= best - 1e-4
    same = aligned(onto, places, same_size=True)
    assert same.std() == pytest.approx(onto.std(), rel=0.2)


@pytest.mark.parametrize(
    "odd", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), 1e30), np.zeros((0, 2)), np.ones((1, 2))]
)
def test_degenerate_layouts_are_no_trouble(odd: np.ndarray) -> None:
    other = RNG.normal(size=odd.shape)
    for one, two in [(odd, other), (other, odd), (odd, odd)]:
        made = aligned(one, two)
        assert (made.shape, made.dtype) == (odd.shape, np.float32)
        shares = overlap(one, two)
        assert shares.shape == (len(odd),)
        assert ((shares >= 0) & (shares <= 1) | np.isnan(shares)).all()


# Neighbours


def slow_overlap(one: np.ndarray, other: np.ndarray, k: int) -> np.ndarray:
    near = []
    for places in (one, other):
        far = np.sqrt(((places[:, None].astype(float) - places[None]) ** 2).sum(axis=2))
        np.fill_diagonal(far, np.inf)
        near.append(np.argsort(far, axis=1, kind="stable")[:, :k])
    return np.array([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])


@given(st.integers(3, 60), st.integers(1, 20), st.integers(0, 1000), st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_the_overlap_is_that_of_the_slow_way(n: int, k: int, seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(n, 2)).astype(np.float32)
    other = (one + noise * rng.normal(size=(n, 2))).astype(np.float32)
    np.testing.assert_allclose(overlap(one, other, k), slow_overlap(one, other, min(k, n - 1)), atol=1e-6)


def test_what_shares_a_place_counts_as_near_as_any_other_there() -> None:
    heap = np.zeros((400, 2), np.float32)
    assert (overlap(heap, heap) == 1).all()
    spread = RNG.normal(size=(400, 2)).astype(np.float32)
    assert overlap(heap, spread).mean() > 0.5, "one direction has all of them: who is nearest on a heap is anybody"
    holed = spread.copy()
    holed[7] = np.nan
    shares = overlap(spread, holed)
    assert np.isnan(shares[7])
    assert np.isnan(shares).sum() == 1
    assert np.nanmin(shares) == 1.0


def test_the_overlap_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        overlap(VECTORS[:, :2], VECTORS[:, 2:4], progress=Progress(None, lambda: True))


# A session's verbs


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Session]:
    """With two layouts kept, of which the second is the current one."""
    made = Session(everything(), workspace=tmp_path / "two.explorer")
    made.extract("vectors")
    made.reduce("pca")
    made.reduce("umap", n_epochs=20)
    made.cluster("kmeans", n_clusters=3)
    yield made
    made.workspace.close()


def test_the_kept_layouts_are_those_of_these_features(two: Session) -> None:
    assert [one.method for one in two.layouts()] == ["umap", "pca"], "the newest first"
    first, second = two.layouts()
    assert first.key == two.layout.key
    np.testing.assert_array_equal(first.result.values, two.layout.values)
    assert first.differing(None)["n_epochs"] == 20
    assert repr(first).startswith(f"<KeptLayout {first.key!r}: umap; n_neighbors=")
    assert second.differing(two.layout) == {}, "of another method, what is not its default"
    two.reduce("umap", n_epochs=20, n_neighbors=5)
    assert {name: value for one in two.layouts()[1:2] for name, value in one.differing(two.layout).items()} == {"n_neighbors": 15}
    two.extract("vectors", normalize=True)
    assert two.layouts() == [], "they were made from others"


def test_a_damaged_layout_is_not_listed_and_one_of_more_columns_is_none(two: Session) -> None:
    folder = two.layouts()[1].folder
    (folder / "values.npy").write_bytes(b"no")
    assert [one.method for one in two.layouts()] == ["umap"]
    two.workspace.put(Result(np.zeros((N, 3), np.float32), "reduce", "deep", {}, two.features.key, "three"))
    two.workspace.put(Result(np.zeros((3, 2), np.float32), "reduce", "short", {}, two.features.key, "few"))
    assert [one.method for one in two.layouts()] == ["umap"]
    with pytest.raises(InputError, match="kept layout"):
        two.compare("deep")


def test_a_comparison_says_who_moved_and_who_kept_neighbours(two: Session) -> None:
    places = two.layout.values
    other = turned(places, 2.0, 5.0, mirrored=True)
    other[3] = other[3] + 1000
    found = two.compare(Result(other, "reduce", "turned", {}, two.features.key, "t"))
    assert int(np.argmax(found.moved)) == 3
    assert found.most_moved(0.01).tolist() == [3]
    assert len(found.most_moved(1.0)) == N
    assert found.overlap[3] < 1
    assert repr(found) == f"<Comparison of umap with turned, {N} items; {found.note}>"
    assert found.mean > 0.9
    assert f"{found.mean:.0%} of an item's 15 nearest" in found.note
    assert two.compare("pca") is two.compare("pca"), "worked out once"
    two.select_moved(Result(other, "reduce", "turned", {}, two.features.key, "t"), 0.02)
    assert two.selection[3]
    assert two.selection.sum() == 2
    for wrong in (0, -1, 1.5, float("nan"), "a"):
        with pytest.raises(InputError):
            found.most_moved(wrong)  # type: ignore[arg-type]


def test_what_cannot_be_compared_says_so(two: Session) -> None:
    with pytest.raises(InputError, match="there is no layout yet"):
        Session(VECTORS).compare("pca")
    with pytest.raises(InputError, match="same items"):
        two.compare(Result(np.zeros((4, 2), np.float32), "reduce", "x", {}, "", "x"))
    with pytest.raises(InputError, match="same items"):
        two.compare(two.clusters)


def test_a_kept_layout_is_shown_at_once_and_again_next_time(two: Session, tmp_path: Path) -> None:
    pca = two.layouts()[1]
    assert two.show_layout(pca.key).method == "pca"
    assert two.layout.method == "pca"
    assert two.stale("cluster")
    two.workspace.close()
    again = Session(everything(), workspace=tmp_path / "two.explorer")
    assert again.layout.key == pca.key
    again.workspace.close()


def test_a_layout_that_came_with_the_data_is_one_of_them() -> None:
    data = explorer.read(pd.DataFrame({"a": range(9), "b": range(9), "x": np.arange(9.0), "y": np.ones(9)}), layout="x,y")
    visit = Session(data)
    visit.extract("columns")
    visit.reduce("pca")
    assert {one.method for one in visit.layouts()} == {"pca", "given"}
    assert visit.compare("given").moved.shape == (9,)


# The second map


@pytest.fixture
def beside(two: Session, sent: list) -> Iterator[Wire]:  # noqa: F811
    """A page that shows pca beside umap."""
    made = Wire(two, sent)
    made.say("ready")
    made.say(**VIEW)
    made.say("layouts")
    made.say("beside", key=next(one["key"] for one in made.values()["layouts"] if not one["current"]))
    until(lambda: not made.values()["overlap"]["busy"], "the overlap")
    yield made
    made.view.close()


def frame_of(wire: Wire, start: int, **more: Any) -> dict[str, Any]:  # noqa: F811
    wire.say(**VIEW | {"verb": "beside_view", "viewport": list(wire.values()["beside"]["map"]["bounds"])} | more)
    made: dict[str, Any] = wire.wait("beside_frame", start)
    return made


def test_a_kept_layout_is_shown_beside_the_current_one(beside: Wire) -> None:
    said, found = beside.values()["beside"], beside.session.compare("pca")
    plain(said)
    assert (said["method"], said["this"], said["items"]) == ("pca", "umap", N)
    assert beside.values()["overlap"]["mean"] == pytest.approx(found.mean)
    frame = frame_of(beside, len(beside.sent))
    assert frame["seen"] == N
    np.testing.assert_array_equal(np.frombuffer(frame["marks"]["x"], np.float32), found.aligned[:, 0])


def test_what_is_selected_in_one_is_selected_in_both(beside: Wire) -> None:
    found, start = beside.session.compare("pca"), len(beside.sent)
    low, high = found.aligned.min(axis=0), np.median(found.aligned, axis=0)
    beside.say("beside_select", rule=Box(*map(float, (low[0], low[1], high[0], high[1]))).to_json(), mode="replace")
    wanted = ((found.aligned >= low) & (found.aligned <= high)).all(axis=1)
    np.testing.assert_array_equal(beside.session.selection, wanted)
    assert isinstance(beside.session.rule, Ids), "a region of another map means nothing on this one"
    frame = frame_of(beside, start)
    assert np.frombuffer(frame["marks"]["on"], np.uint8).sum() == wanted.sum()
    beside.say("undo")
    assert not beside.session.selection.any()
    x, y = (float(side) for side in found.aligned[5])
    beside.say("beside_pick", x=x, y=y, reach=1e-6, mode="replace")
    assert beside.session.selected_ids.tolist() == beside.session.dataset.ids[[5]].tolist()
    assert beside.values()["item"]["row"] == 5


def test_what_is_hidden_is_not_brushed_on_the_second_map_either(beside: Wire) -> None:
    beside.session.filter("number", Where("number", "<", 10))
    everybody = Box(*(float(side) for side in (-1e6, -1e6, 1e6, 1e6)))
    beside.say("beside_select", rule=everybody.to_json(), mode="replace")
    np.testing.assert_array_equal(beside.session.selection, beside.session.shown)
    assert 0 < beside.session.selection.sum() < N
    beside.say("moved", share=1.0, mode="replace")
    np.testing.assert_array_equal(beside.session.selection, beside.session.shown)


def test_what_is_pointed_at_in_one_is_ringed_in_the_other(beside: Wire) -> None:
    found = beside.session.compare("pca")
    x, y = (float(side) for side in found.aligned[7])
    beside.say("beside_hover", x=x, y=y, reach=1e-6)
    assert beside.values()["hover"]["row"] == 7
    assert beside.values()["beside_at"] == pytest.approx([x, y])
    beside.view.hovered = None
    assert beside.values()["beside_at"] is None


def test_the_overlap_colours_the_map_and_goes_with_the_comparison(beside: Wire) -> None:
    beside.session.color_by = "cluster"
    beside.say("color_overlap")
    said = beside.values()["color"]
    assert (said["by"], said["kind"], said["ends"]) == (f"measure:{COLOR}", "number", ["0", "1"])
    assert said["note"] == beside.session.compare("pca").note
    beside.say("color_overlap")
    assert beside.session.color_by == "cluster"
    beside.say("color_overlap")
    beside.say("beside", key=None)
    assert beside.session.color_by == "cluster"
    assert beside.session.measures == {}
    assert beside.values()["beside"] is None
    assert f"measure:{COLOR}" not in [choice["value"] for choice in beside.values()["color"]["choices"]]


def test_those_that_moved_most_are_selected(beside: Wire) -> None:
    beside.say("moved", share=0.1, mode="replace")
    wanted = np.sort(beside.session.compare("pca").most_moved(0.1))
    np.testing.assert_array_equal(np.flatnonzero(beside.session.selection), wanted)


@pytest.mark.parametrize("still", [True, False])
def test_the_map_goes_to_the_other_layout_and_back(beside: Wire, still: bool) -> None:
    layout = beside.session.layout
    beside.say("morph", still=still)
    until(lambda: beside.values()["beside"]["swapped"], "the way there")
    assert beside.values()["map"]["settling"] == "pca, laid onto this map"
    beside.say("morph", still=still)
    until(lambda: not beside.values()["beside"]["swapped"], "the way back")
    assert (beside.values()["map"]["key"], beside.session.layout) == (layout.key, layout)
    still_works(beside)


@pytest.mark.parametrize("still", [True, False])
def test_using_the_other_layout_shows_this_one_beside_it(beside: Wire, still: bool) -> None:
    before = beside.session.layout.key
    beside.say("show_layout", key=beside.values()["beside"]["key"], still=still)
    until(lambda: beside.session.layout.method == "pca", "the other layout")
    until(lambda: beside.values()["beside"]["key"] == before, "the one that was there")
    assert beside.view.pipeline.steps["reduce"].method == "pca"
    assert beside.values()["map"]["key"] == beside.session.layout.key
    assert not beside.view.pipeline.describe("reduce")["changed"]
    still_works(beside)


def test_odd_messages_about_the_second_map_do_no_harm(beside: Wire) -> None:
    fields = {
        "beside": ["key"],
        "beside_select": ["rule", "mode"], "beside_pick": ["x", "y", "reach", "mode"], "show_layout": ["key", "still"],
        "beside_hover": ["x", "y", "reach"], "moved": ["share", "mode"], "morph": ["still"],
    }  # fmt: skip
    good = GOOD | {"share": 0.1, "still": True, "key": beside.values()["beside"]["key"]}
    for verb, names in fields.items():
        for odd in ODD:
            for name in names:
                beside.say(verb, **({field: good[field] for field in names} | {name: odd}))
    still_works(beside)
