"""Pictures of the map: their size and resolution, what is on them and where, as PNG and as SVG, whatever the data is called."""

from __future__ import annotations

import base64
import io
import itertools
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import explorer
from explorer import Ids, InputError, Session
from explorer.exports.picture import Entry, Figure, Legend, Name, PictureSettings, to_bytes
from explorer.exports.picture import svg as svg_format
from explorer.exports.picture.axes import nice, said, ticks
from explorer.exports.picture.fonts import shortened, width
from explorer.exports.picture.marks import Dot, Line, Ramp, Text, clean
from explorer.exports.picture.naming import Box
from explorer.exports.picture.points import MOST_DRAWN
from explorer.exports.picture.settings import TEXT
from explorer.exports.picture.sheet import INKS, arranged
from explorer.raster import Points
from explorer.session.picture import figure
from explorer.step import Result

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>", "a & b", "]]>", 'q"uote', "it's", "\x00\x1b[31m", "\ud800half", "two\nlines", "\ufffe",
    "猫 😀 مرحبا",
]  # fmt: skip
CORNERS = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], np.float32)
CLUSTERS = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff", "black": "#000000"}


def points(layout: np.ndarray, **more: Any) -> Points:
    codes = np.arange(len(layout), dtype=np.int32) % 4
    palette = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    return Points(layout, codes, palette, **more)


def corners(**more: Any) -> Figure:
    entries = tuple(Entry(name, color, 1) for name, color in CLUSTERS.items())
    known: dict[str, Any] = {"viewport": (-1.0, 11.0, -1.0, 11.0), "legend": Legend("colour", entries), "title": "corners"}
    return Figure(**({"points": points(CORNERS)} | known | more))


def drawn(what: Figure, **settings: Any) -> Image.Image:
    image = Image.open(io.BytesIO(to_bytes(what, PictureSettings(**settings))))
    image.load()
    return image


def at(image: Image.Image, what: Figure, x: float, y: float, **settings: Any) -> tuple[int, ...]:
    """The colour at a place of the layout."""
    sheet = arranged(what, PictureSettings(**settings))
    across, down = sheet.pane.place(x, y)
    return image.getpixel((round(across * sheet.ratio), round(down * sheet.ratio)))


def parsed(what: Figure, **settings: Any) -> ET.Element:
    return ET.fromstring(to_bytes(what, PictureSettings(**settings), ".svg"))


def texts(root: ET.Element, group: str) -> list[str]:
    return [text.text or "" for text in root.findall(f"{SVG}g[@class='{group}']/{SVG}text")]


@pytest.fixture
def session() -> Session:
    """Three groups with names, a column of numbers and one of days, and a row without a place."""
    rng = np.random.default_rng(0)
    centers = np.array([[0, 0], [20, 0], [0, 20]])
    layout = np.concatenate([rng.normal(center, 1, (30, 2)) for center in centers]).astype(np.float32)
    layout[89] = np.nan
    table = pd.DataFrame(
        {"id": [f"i{row}" for row in range(90)], "kind": ["a", "b", "c"] * 30, "number": np.linspace(0, 8, 90),
         "day": pd.date_range("2020-01-01", periods=90)}
    )  # fmt: skip
    made = Session(explorer.read(table))
    made.adopt(Result(layout, "reduce", "umap", {}, "", "a"))
    made.adopt(Result(np.repeat(np.arange(3), 30).astype(np.int32), "cluster", "kmeans", {"on": "layout"}, "a", "b"))
    return made


# Size


@pytest.mark.parametrize(("width", "height", "dpi"), [(900, 700, 96), (1234, 567, 300), (300, 1200, 72.5), (120, 120, 10)])
def test_the_size_and_the_resolution_are_in_the_file(width: int, height: int, dpi: float) -> None:
    image = drawn(corners(), width=width, height=height, dpi=dpi)
    assert image.size == (width, height)
    assert image.info["dpi"] == pytest.approx((dpi, dpi), rel=1e-2)
    root = parsed(corners(), width=width, height=height, dpi=dpi)
    inches = [float(root.get(side, "").removesuffix("in")) for side in ("width", "height")]
    assert inches == pytest.approx([width / dpi, height / dpi], rel=1e-4)
    box = [float(edge) for edge in root.get("viewBox", "").split()]
    assert box[2] / box[3] == pytest.approx(width / height, rel=1e-4)


def test_without_a_height_it_has_the_shape_of_the_map() -> None:
    flat = drawn(corners(viewport=(0.0, 20.0, 0.0, 10.0), legend=Legend()), width=820)
    tall = drawn(corners(viewport=(0.0, 10.0, 0.0, 20.0), legend=Legend()), width=820)
    margin = 20 * 820 / 900
    assert (flat.width - margin) / (flat.height - margin) == pytest.approx(2, rel=0.01)
    assert (tall.height - margin) / (tall.width - margin) == pytest.approx(2, rel=0.01)


def test_a_long_legend_makes_a_flat_picture_higher() -> None:
    entries = tuple(Entry(f"group {row}", "#112233", 1) for row in range(30))
    flat = corners(viewport=(0.0, 30.0, 0.0, 10.0))
    assert drawn(corners(viewport=flat.viewport, legend=Legend("t", entries)), width=900).height > drawn(flat, width=900).height


def test_a_large_picture_is_a_small_one_magnified() -> None:
    """Discs, text and legend grow with the picture; a disc must not stay a few pixels wide."""
    small, large = (np.asarray(drawn(corners(), width=width, height=width), float) for width in (900, 2700))
    pooled = large.reshape(900, 3, 900, 3, 3).mean(axis=(1, 3))
    inked = (small < 250).any(axis=-1).sum(), (pooled < 250).any(axis=-1).sum()
    assert inked[0] == pytest.approx(inked[1], rel=0.25)
    red = [((one[..., 0] > 200) & (one[..., 1] < 160)).sum() for one in (small, large)]
    assert red[1] / red[0] == pytest.approx(9, rel=0.3)


def test_a_crowd_is_about_as_dark_on_a_large_picture_as_on_a_small_one() -> None:
    layout = np.random.default_rng(0).normal(0, 1, (400_000, 2)).astype(np.float32)
    what = Figure(points(layout), (-4.0, 4.0, -4.0, 4.0))
    small, large = (255 - np.asarray(drawn(what, width=width, height=width), float).mean() for width in (900, 3600))
    assert 0.55 < large / small < 1.6, (small, large)


def test_a_size_of_text_in_points_is_kept_whatever_the_pixels() -> None:
    """12 units are the size of a name: 9 points at 300 dpi are 37.5 pixels."""
    for pixels in (1000, 3000):
        sheet = arranged(corners(), PictureSettings(width=pixels, dpi=300, text_size=9))
        assert TEXT * sheet.ratio == pytest.approx(9 / 72 * 300)


def test_beyond_what_memory_has_room_for_the_points_are_stretched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.exports.picture.points.MOST_DRAWN", 40_000)
    image = drawn(corners(), width=900, height=900)
    assert image.size == (900, 900)
    red, green, blue = at(image, corners(), 0, 0, width=900, height=900)
    assert red > 200 > max(green, blue)
    assert MOST_DRAWN * 16 < 500e6


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"width": 12_001}, "width=12001 is not allowed; width takes a whole number from 100 to 12,000"),
        ({"width": 99}, "from 100"),
        ({"height": 0}, "or none"),
        ({"dpi": float("nan")}, "dpi=nan"),
        ({"dpi": 0}, "from 10"),
        ({"ground": "blue"}, "one of light, dark, transparent"),
        ({"legend": "yes"}, "true or false"),
        ({"widht": 5}, "did you mean 'width'"),
    ],
)
def test_a_setting_that_is_not_allowed(settings: dict[str, Any], says: str, session: Session) -> None:
    with pytest.raises(InputError, match=says):
        session.picture(**settings)


@pytest.mark.parametrize("settings", [{"text_size": 100, "width": 300}, {"width": 2000, "height": 100, "axes": True}])
def test_no_room_is_said(settings: dict[str, Any], session: Session, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no room for the map"):
        session.picture(tmp_path / "o.png", **settings)
    assert list(tmp_path.iterdir()) == []


# What is on it, and where


@pytest.mark.parametrize("axes", [False, True])
@pytest.mark.parametrize("size", [(900, 700), (700, 900), (2000, 1600)])
def test_the_points_are_where_they_belong(size: tuple[int, int], axes: bool) -> None:
    settings = {"width": size[0], "height": size[1], "axes": axes}
    image = drawn(corners(), **settings)
    for (x, y), color in zip(CORNERS, ["red", "green", "blue", "black"], strict=True):
        wanted = [int(CLUSTERS[color][place : place + 2], 16) for place in (1, 3, 5)]
        found = at(image, corners(), float(x), float(y), **settings)
        mixed = [0.62 * one + 0.38 * 255 for one in wanted]
        assert found == pytest.approx(mixed, abs=6), color
    assert at(image, corners(), 5, 5, **settings) == (255, 255, 255)


def test_what_is_hidden_is_not_drawn_and_not_counted(session: Session) -> None:
    session.color_by = "column:kind"
    assert [(entry.name, entry.count) for entry in figure(session).legend.entries] == [("a", 30), ("b", 30), ("c", 29)]
    session.hidden = frozenset({"a"})
    what = figure(session)
    assert [entry.name for entry in what.legend.entries] == ["b", "c"]
    lone = session.layout.values[0]
    around = (float(lone[0]) - 1e-3, float(lone[0]) + 1e-3, float(lone[1]) - 1e-3, float(lone[1]) + 1e-3)
    seen = {}
    for hidden in (frozenset(), frozenset({"a"})):
        session.hidden = hidden
        image = Image.open(io.BytesIO(session.picture(width=200, height=200, viewport=around, legend=False, names=False)))
        seen[hidden] = image.getpixel((100, 100))
    assert seen[frozenset()] != (255, 255, 255)
    assert seen[frozenset({"a"})] == (255, 255, 255)


def test_a_selection_dims_the_others(session: Session) -> None:
    plain = Image.open(io.BytesIO(session.picture(width=400, legend=False, names=False)))
    session.select(Ids(["i0"]))
    dimmed = Image.open(io.BytesIO(session.picture(width=400, legend=False, names=False)))
    inked = [int((255 - np.asarray(image, int)).sum()) for image in (plain, dimmed)]
    assert inked[1] < 0.7 * inked[0]
    assert np.asarray(dimmed).min() < 150, "the selected one is as it was"


def test_the_legend_counts_what_the_viewport_shows(session: Session) -> None:
    session.color_by = "cluster"
    legend = figure(session, (-5.0, 5.0, -5.0, 5.0)).legend
    assert [entry.count for entry in legend.entries] == [30]


def test_grounds() -> None:
    settings = {"width": 600, "height": 400}
    light, dark, clear = (drawn(corners(), ground=ground, **settings) for ground in ("light", "dark", "transparent"))
    assert (light.mode, light.getpixel((1, 1))) == ("RGB", (255, 255, 255))
    assert dark.getpixel((1, 1)) == (0x16, 0x19, 0x1F)
    assert (clear.mode, clear.getpixel((1, 1))[3]) == ("RGBA", 0)
    assert at(clear, corners(), 0, 0, **settings)[3] == pytest.approx(0.62 * 255, abs=3)
    assert np.asarray(dark).max() > 200, "text on dark is light"
    roots = {ground: parsed(corners(), ground=ground, **settings) for ground in ("light", "dark", "transparent")}
    assert [root.find(f"{SVG}rect") is None for root in roots.values()] == [False, False, True]
    assert roots["dark"].find(f"{SVG}rect").get("fill") == INKS["dark"].paper


def test_smooth_edges_on_no_ground_are_not_dark() -> None:
    """A half transparent pixel of a white outline is white, not grey."""
    hidden = points(CORNERS, shown=np.zeros(4, bool))
    what = corners(points=hidden, names=(Name("a name", 5, 5),), legend=Legend())
    image = np.asarray(drawn(what, width=600, ground="transparent"))
    edge = (image[..., 3] > 0) & (image[..., 3] < 100) & (np.ptp(image[..., :3], axis=-1) < 8)
    assert edge.sum() > 20
    assert image[edge][:, :3].min() > 150


# Legend


def test_the_legend_names_colours_and_counts() -> None:
    root = parsed(corners(), width=900)
    beside = root.find(f"{SVG}g[@class='legend']")
    assert texts(root, "legend") == ["colour", "red", "1", "green", "1", "blue", "1", "black", "1"]
    assert [dot.get("fill") for dot in beside.findall(f"{SVG}circle")] == list(CLUSTERS.values())
    without = parsed(corners(), width=900, legend=False)
    assert texts(without, "legend") == []
    image = drawn(corners(), width=900)
    dot = next(mark for mark in arranged(corners(), PictureSettings(width=900)).marks if isinstance(mark, Dot))
    assert image.getpixel((round(dot.x), round(dot.y))) == (255, 0, 0)


def test_legend_and_map_do_not_meet() -> None:
    for settings in ({"width": 900}, {"width": 200, "height": 200}, {"width": 900, "axes": True}):
        sheet = arranged(corners(), PictureSettings(**settings))
        left = min(mark.x - mark.radius for mark in sheet.marks if isinstance(mark, Dot))
        assert sheet.pane.x + sheet.pane.width < left
        for mark in sheet.marks:
            if isinstance(mark, Text) and mark.anchor == "end":
                assert mark.x <= sheet.width


def test_a_long_legend_says_what_it_leaves_out() -> None:
    entries = (*(Entry(f"group {row}", "#112233", 10) for row in range(300)), Entry("noise", "#9aa3af", 7, True))
    said = texts(parsed(corners(legend=Legend("cluster", entries)), width=900, height=500), "legend")
    more = next(text for text in said if text.startswith("and "))
    listed = sum(text.startswith("group ") for text in said)
    assert listed > 20
    assert more == f"and {300 - listed} more"
    assert said[said.index(more) + 1] == f"{(300 - listed) * 10:,}"
    assert said[-2:] == ["noise", "7"]


def test_all_entries_of_a_usual_legend_are_written_whole(session: Session) -> None:
    session.color_by = "cluster"
    entries = tuple(Entry(f"cluster {row}", "#112233", 24_544 + row) for row in range(12))
    said = texts(parsed(corners(legend=Legend("cluster", entries)), width=900), "legend")
    assert not [text for text in said if "…" in text]


def test_the_legend_of_numbers_and_days(session: Session) -> None:
    session.color_by = "column:number"
    root = ET.fromstring(to_bytes(figure(session), PictureSettings(), ".svg"))
    said = texts(root, "legend")
    assert said[0] == "number"
    assert said[1].startswith("≤ 0.0")
    assert said[2].startswith("≥ 7.9")
    stops = [stop.get("stop-color") for stop in root.iter(f"{SVG}stop")]
    assert (stops[0], stops[-1]) == ("#440154", "#fde725")
    image = Image.open(io.BytesIO(session.picture(width=900)))
    ramp = next(mark for mark in arranged(figure(session), PictureSettings(width=900)).marks if isinstance(mark, Ramp))
    assert image.getpixel((round(ramp.x) + 1, round(ramp.y + 5))) == pytest.approx((0x44, 0x01, 0x54), abs=8)
    assert image.getpixel((round(ramp.x + ramp.width) - 2, round(ramp.y + 5))) == pytest.approx((0xFD, 0xE7, 0x25), abs=8)
    session.color_by = "column:day"
    assert [text[-10:] for text in texts(ET.fromstring(to_bytes(figure(session), PictureSettings(), ".svg")), "legend")[1:]] == [
        "2020-01-01", "2020-03-29",
    ]  # fmt: skip


def test_density_has_a_scale_and_one_colour_has_no_legend(session: Session) -> None:
    session.color_by = "density"
    what = figure(session)
    assert what.points.density
    assert what.legend.ends == ("few", "many")
    session.color_by = "none"
    assert not figure(session).legend


# Names


def test_names_are_text_on_the_map(session: Session) -> None:
    session.color_by = "cluster"
    root = ET.fromstring(to_bytes(figure(session), PictureSettings(), ".svg"))
    assert sorted(texts(root, "names")) == sorted(session.cluster_names.get(c, f"cluster {c}") for c in range(3))
    assert root.find(f"{SVG}g[@class='halos']").get("aria-hidden") == "true"
    assert texts(ET.fromstring(to_bytes(figure(session), PictureSettings(names=False), ".svg")), "names") == []
    with_, without = (np.asarray(Image.open(io.BytesIO(session.picture(width=700, names=names)))) for names in (True, False))
    assert (with_ != without).any()


def test_categories_have_their_names_and_colours(session: Session) -> None:
    session.select(Ids([f"i{row}" for row in range(30)]))
    session.label("<mine>")
    root = ET.fromstring(to_bytes(figure(session), PictureSettings(), ".svg"))
    assert "<mine>" in texts(root, "names")
    colors = {dot.get("fill") for dot in root.findall(f"{SVG}g[@class='names']/{SVG}circle")}
    assert session.labels.categories[1].color in colors


def test_no_name_stands_over_another_and_the_first_ones_win() -> None:
    rng = np.random.default_rng(1)
    names = tuple(Name(f"name {row}", float(x), float(y)) for row, (x, y) in enumerate(rng.uniform(0, 10, (200, 2))))
    sheet = arranged(corners(names=names), PictureSettings(width=700))
    there = [mark for mark in sheet.names if isinstance(mark, Text)]
    assert 20 < len(there) < 200
    assert there[0].text == "name 0"
    boxes = [Box.around(mark.text, (mark.x, mark.y)) for mark in there]
    assert not [1 for one, other in itertools.combinations(boxes, 2) if one.meets(other)]
    assert all(box.within(sheet.pane) for box in boxes)


def test_a_name_whose_place_is_out_of_view_stands_on_another_part_of_its_group() -> None:
    near, far = Name("here", 50.0, 50.0, ((5.0, 5.0),)), Name("nowhere", 70.0, 70.0, ((80.0, 80.0),))
    sheet = arranged(corners(names=(near, far)), PictureSettings(width=900))
    assert [mark.text for mark in sheet.names if isinstance(mark, Text)] == ["here"]
    assert (sheet.names[0].x, sheet.names[0].y) == pytest.approx(sheet.pane.place(5, 5))


def test_hostile_names_come_back_as_they_are() -> None:
    entries = tuple(Entry(name, "#112233", 1) for name in HOSTILE)
    names = tuple(Name(name, 5.0, 0.5 + place) for place, name in enumerate(HOSTILE))
    odd = {"title": "<title> & \x00", "about": "\ud800 ]]> <x/>", "axes": ("<&", "\x01")}
    what = corners(legend=Legend("<b>&", entries), names=names, **odd)
    root = parsed(what, width=2000, axes=True)
    wanted = [clean(name) for name in HOSTILE]
    assert set(texts(root, "names")) == set(wanted)
    assert set(wanted) <= set(texts(root, "legend"))
    assert wanted[:5] == HOSTILE[:5], "what can be written is not changed"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "rect", "image", "g", "text", "circle", "line", "linearGradient", "stop",
    }  # fmt: skip
    image = drawn(what, width=900, axes=True)
    assert image.size[0] == 900
    assert image.info["Title"] == "<title> & \ufffd"


def test_clean_leaves_one_writable_line() -> None:
    assert clean("a\n\tb  c") == "a b c"
    assert clean("\x00\x7f\x81\ud800\uffff\U0001fffe") == "\ufffd" * 6
    assert clean("猫 😀") == "猫 😀"


def test_letters_that_no_font_has_do_no_harm() -> None:
    for text in ["猫と犬", "😀", "\U0010fffd", "हिन्दी", "مرحبا", "", "a" * 5_000]:
        assert width(text, 12) >= 0
        what = corners(names=(Name(text, 5, 5),), legend=Legend(text, (Entry(text, "#000000", 1),)))
        assert drawn(what, width=400).size[0] == 400


def test_shortened_keeps_within_its_room() -> None:
    for room in (5.0, 20.0, 50.0, 200.0):
        cut = shortened("a rather long name of something", 12, room)
        assert width(cut, 12) <= room or cut == "…"
    assert shortened("short", 12, 500) == "short"


# Axes


def test_axes_have_round_numbers_at_their_places() -> None:
    sheet = arranged(corners(), PictureSettings(width=900, axes=True))
    lines = [mark for mark in sheet.marks if isinstance(mark, Line)]
    numbers = {mark.text: mark for mark in sheet.marks if isinstance(mark, Text) and mark.y > sheet.pane.y + sheet.pane.height}
    assert {"0", "5", "10", "x"} <= set(numbers) or {"0", "2", "4", "x"} <= set(numbers)
    assert numbers["0"].x == pytest.approx(sheet.pane.place(0, 0)[0])
    assert len(lines) > 6
    assert not [mark for mark in arranged(corners(), PictureSettings(width=900)).marks if isinstance(mark, Line)]


@pytest.mark.parametrize(
    ("low", "high", "least"), [(0, 10, 1), (-3.2, 7.7, 0.9), (1e9, 1e9 + 10, 1), (-1e-12, 1e-12, 1e-13), (-1e30, 1e30, 1e29)]
)
def test_ticks_are_within_and_told_apart(low: float, high: float, least: float) -> None:
    step = nice(least)
    assert least <= step <= least * 2.5 * (1 + 1e-9)
    found = ticks(low, high, step)
    assert 2 < len(found) < 40
    assert all(low - 1e-6 * step <= value <= high + 1e-6 * step for value in found)
    assert len({said(value, step) for value in found}) == len(found)


# SVG


def test_the_points_of_an_svg_are_a_picture_in_it() -> None:
    root = parsed(corners(), width=1800, height=1400, axes=True)
    image = root.find(f"{SVG}image")
    data = image.get("{http://www.w3.org/1999/xlink}href").removeprefix("data:image/png;base64,")
    inside = Image.open(io.BytesIO(base64.b64decode(data)))
    sheet = arranged(corners(), PictureSettings(width=1800, height=1400, axes=True))
    assert inside.size == (round(sheet.pane.width * 2), round(sheet.pane.height * 2))
    assert float(image.get("width")) == sheet.pane.width
    assert inside.mode == "RGBA"
    x, y = sheet.pane.place(10, 0)
    assert inside.getpixel((round((x - sheet.pane.x) * 2), round((y - sheet.pane.y) * 2)))[:3] == pytest.approx((0, 255, 0), abs=3)
    assert svg_format.ENDING == ".svg"


# Files


@pytest.mark.parametrize("ending", [".png", ".svg", ".PNG"])
def test_a_file_with_its_settings_beside(ending: str, session: Session, tmp_path: Path) -> None:
    session.color_by = "column:kind"
    out = tmp_path / f"map{ending}"
    assert session.picture(out, width=500, dpi=150) == out
    record = json.loads((tmp_path / f"map{ending}.settings.json").read_text("utf-8"))
    assert (record["picture"]["width"], record["picture"]["dpi"], record["color_by"]) == (500, 150, "column:kind")
    assert [step["method"] for step in record["steps"]] == ["umap", "kmeans"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"map{ending}", f"map{ending}.settings.json"]
    assert (out.read_bytes()[:4] == b"\x89PNG") == (ending.lower() == ".png")


def test_a_file_that_is_there_stays_without_force(session: Session, tmp_path: Path) -> None:
    out = tmp_path / "map.png"
    out.write_text("mine")
    with pytest.raises(InputError, match="there already"):
        session.picture(out)
    assert out.read_text() == "mine"
    session.picture(out, force=True, width=200)
    with Image.open(out) as image:
        assert image.size[0] == 200
    with pytest.raises(InputError, match=r"of a picture it is .png or .svg"):
        session.picture(tmp_path / "map.jpg")


def test_without_a_path_there_are_bytes_and_the_same_each_time(session: Session) -> None:
    first = session.picture(width=300)
    assert isinstance(first, bytes)
    assert first == session.picture(width=300)


def test_it_says_what_it_is_of(session: Session) -> None:
    session.color_by = "column:kind"
    info = Image.open(io.BytesIO(session.picture(width=300))).info
    assert info["Title"] == session.dataset.name
    assert "90 items" in info["Description"]
    assert "kind" in info["Description"]


# Degenerate


def test_no_layout_and_no_place_are_said() -> None:
    made = Session(np.zeros((5, 3), np.float32))
    with pytest.raises(InputError, match=r"no layout yet.*session.reduce"):
        made.picture()
    made.adopt(Result(np.full((5, 2), np.nan, np.float32), "reduce", "umap", {}, "", "k"))
    with pytest.raises(InputError, match="no item has a place"):
        made.picture()


@pytest.mark.parametrize(
    "layout",
    [
        [[3, 4]], [[3, 4]] * 5, [[0, 0], [np.nan, np.nan], [np.inf, 0]], [[0, 0], [0, 9]], [[1e30, 0], [-1e30, 1]],
        [[1e-30, 0], [0, 0]],
    ],
    ids=["one", "equal", "nan", "line", "huge", "tiny"],
)
@pytest.mark.parametrize("ending", [".png", ".svg"])
@pytest.mark.filterwarnings("error")
def test_odd_layouts(layout: list[list[float]], ending: str, tmp_path: Path) -> None:
    values = np.array(layout, np.float32)
    values = np.concatenate([values, np.full((max(0, 3 - len(values)), 2), np.nan, np.float32)])  # fewer than three are no dataset
    made = Session(np.random.default_rng(0).normal(size=(len(values), 3)).astype(np.float32))
    made.adopt(Result(values, "reduce", "umap", {}, "", "k"))
    made.adopt(Result(np.zeros(len(values), np.int32), "cluster", "kmeans", {}, "", "c"))
    made.color_by = "cluster"
    made.picture(tmp_path / f"o{ending}", width=400, axes=True)
    if ending == ".png":
        with Image.open(tmp_path / "o.png") as image:
            assert (np.asarray(image.crop((60, 0, 300, 250))) != 255).any()
    else:
        ET.parse(tmp_path / "o.svg")


@pytest.mark.parametrize(
    "viewport",
    [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 0), "abcd", (0, np.nan, 0, 1), (0, np.inf, 0, 1), 5, (None,) * 4, (10**400, 1, 0, 1)],
)
def test_a_viewport_that_is_none(viewport: Any, session: Session) -> None:
    with pytest.raises(InputError, match="is not a viewport"):
        session.picture(viewport=viewport)


def test_a_viewport_is_seen_whole(session: Session) -> None:
    view = (-2.0, 2.0, -2.0, 2.0)
    for settings in ({"width": 900, "height": 300}, {"width": 300, "height": 900}, {"width": 500}):
        shown = arranged(figure(session, view), PictureSettings(**settings)).pane
        assert shown.view[0] <= -2
        assert shown.view[1] >= 2
        assert shown.view[2] <= -2
        assert shown.view[3] >= 2
        across = (shown.view[1] - shown.view[0]) / shown.width
        assert across == pytest.approx((shown.view[3] - shown.view[2]) / shown.height)


def test_every_setting_is_declared_once_and_documented() -> None:
    described = PictureSettings.describe()
    assert {row["name"] for row in described} == {"width", "height", "dpi", "text_size", "legend", "names", "axes", "ground"}
    for row in described:
        assert row["doc"].endswith(".")
        assert row["name"] in (Session.picture.__doc__ or "")
