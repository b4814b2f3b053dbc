"""The command palette, names changed on the map, and focus mode, in a real browser and with the keyboard alone."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
from conftest import wait_for_frame
from test_dashboard import CATEGORY, CLUSTERS, LAYOUT, place, said, selected
from waiting import until

NUMBERS = itertools.count(1)
CODE = "<img src=x onerror=\"document.title='ran'\">"


@pytest.fixture
def demo(demo: Any) -> Any:
    """The demo with a label set that nobody has used yet."""
    until(lambda: "items drawn" in said(demo), "the map's sentence")
    fresh(demo)
    return demo


def fresh(page: Any, name: str = "") -> str:
    name = name or f"test {next(NUMBERS)}"
    page.keyboard.press("/")
    page.keyboard.type(name)
    option(page, f"New label set “{name}”").click()
    until(lambda: labelled(page) == 0 and not chips(page), "an empty label set")
    return name


def labelled(page: Any) -> int:
    return int(re.search(r"([\d,]+) of [\d,]+ labelled", page.locator(".labelbar").inner_text())[1].replace(",", ""))  # type: ignore[index]


def chips(page: Any) -> list[str]:
    return page.locator(".labelbar .chip .give .name").all_inner_texts()


def options(page: Any) -> list[str]:
    return [re.sub(r"\s+", " ", text) for text in page.locator(".palette .what").all_inner_texts()]


def option(page: Any, text: str) -> Any:
    return page.locator(".palette li").filter(has_text=text).first


def do(page: Any, typed: str) -> None:
    """Open the palette, type, and take the best."""
    page.keyboard.press("/")
    page.keyboard.type(typed)
    page.keyboard.press("Enter")


def toast(page: Any, text: str) -> None:
    until(lambda: text in page.locator(".toasts").inner_text(), text)


def on_map(page: Any) -> bool:
    return bool(page.locator("canvas.map-canvas").evaluate("canvas => canvas.getRootNode().activeElement === canvas"))


def select(page: Any, category: str) -> int:
    page.locator(".legend li", has_text=category).hover()
    page.get_by_role("button", name=f"select {category}", exact=True).click()
    count = int((category == CATEGORY).sum())
    until(lambda: selected(page) == count, category)
    return count


def look_at(page: Any, cluster: str) -> int:
    """Select a cluster by its name; gives its size as the palette says it."""
    page.keyboard.press("/")
    page.keyboard.type(cluster)
    best = page.locator(".palette li").first
    assert best.locator(".kind").inner_text() == "Select", "it is looked at, and not labelled"
    count = int(best.locator(".count").inner_text())
    page.keyboard.press("Enter")
    until(lambda: selected(page) == count, f"{count} items of {cluster}")
    return count


# The palette


def test_what_is_typed_becomes_a_category_of_the_selection(demo: Any) -> None:
    count = select(demo, "Flags")
    for name in ["banners", CODE]:
        do(demo, name)
        until(lambda wanted=name: labelled(demo) == count and wanted in chips(demo), f"labels {name}")
        assert on_map(demo), "the keys are the map's again"
    assert chips(demo) == ["banners", CODE]
    assert "ran" not in demo.title()
    demo.keyboard.press("/")
    assert options(demo)[:2] == [f"270 selected as {CODE}", "270 selected as banners"], "the one used last first"
    demo.keyboard.type("bann")
    demo.keyboard.press("Enter")
    until(lambda: "banners 1 270" in re.sub(r"\s+", " ", demo.locator(".chips").inner_text()), "banners again")
    demo.keyboard.press("/")
    assert options(demo)[0] == "270 selected as banners"
    demo.keyboard.press("Escape")
    demo.keyboard.press("Control+z")
    demo.keyboard.press("Control+z")
    until(lambda: chips(demo) == ["banners"], "undone")


def test_without_a_selection_a_category_is_created_and_others_are_looked_at(demo: Any) -> None:
    demo.keyboard.press("Control+k")
    demo.keyboard.type("galaxies")
    assert "Create category “galaxies”" in options(demo)
    demo.keyboard.press("Enter")
    until(lambda: chips(demo) == ["galaxies"], "an empty category")
    assert labelled(demo) == 0
    count = look_at(demo, "zodiac")
    assert 5 < count < 30
    assert labelled(demo) == 0


def test_the_best_comes_first(demo: Any) -> None:
    for name in ["cats", "wild cats", "concatenated", "clear air turbulence"]:
        do(demo, f"{name}!")
        until(lambda wanted=name: f"{wanted}!" in chips(demo), name)
    demo.keyboard.press("Control+a")
    select(demo, "Flags")
    demo.keyboard.press("/")
    demo.keyboard.type("cats!")
    found = [text.removeprefix("270 selected as ") for text in options(demo) if text.startswith("270 selected as")]
    assert found == ["cats!", "wild cats!"]
    demo.locator(".palette input").fill("cat")
    found = [text.removeprefix("270 selected as ") for text in options(demo) if text.startswith("270 selected as")]
    assert found == ["cats!", "wild cats!", "concatenated!", "clear air turbulence!"]
    demo.locator(".palette input").fill("ÇATS wi")
    assert options(demo)[0] != "270 selected as wild cats!", "with a selection, what was typed is a name"
    assert "270 selected as wild cats!" in options(demo)


def test_it_is_a_combobox_with_a_list(demo: Any) -> None:
    demo.keyboard.press("/")
    box = demo.get_by_role("combobox", name="find a category or a command")
    assert box.evaluate("box => box.getRootNode().activeElement === box")
    assert box.get_attribute("aria-controls") == demo.get_by_role("listbox").get_attribute("id")

    def active() -> str:
        chosen = demo.locator(".palette li[aria-selected=true]")
        assert chosen.count() == 1
        assert chosen.get_attribute("id") == box.get_attribute("aria-activedescendant")
        return chosen.locator(".what").inner_text()

    names = options(demo)
    assert active() == names[0]
    demo.keyboard.press("ArrowDown")
    assert active() == names[1]
    demo.keyboard.press("ArrowUp")
    demo.keyboard.press("ArrowUp")
    assert active() == names[-1], "round the end"
    demo.keyboard.press("Tab")
    assert box.evaluate("box => box.getRootNode().activeElement === box")
    demo.keyboard.type("/xzyqkw")
    assert options(demo)[0].startswith("Create category “/xzyqkw”")
    demo.keyboard.press("Escape")
    assert demo.locator(".palette").count() == 0
    assert on_map(demo)
    demo.get_by_role("button", name="Selection ▾").click()
    demo.locator(".menu input[type=number]").press("/")
    assert demo.locator(".palette").count() == 0, "a text field takes its own letters"


def test_every_key_of_the_card_is_a_command(demo: Any) -> None:
    demo.keyboard.press("?")
    sections = demo.get_by_role("dialog").locator("section").all()
    others = [one for one in sections if one.locator("h3").inner_text() != "Focus mode"]
    keys = {key for one in others for key in one.locator("kbd").all_inner_texts()}
    demo.keyboard.press("Escape")
    select(demo, "Flags")
    demo.keyboard.press("/")
    known = set(demo.locator(".palette kbd").all_inner_texts())
    gestures = {"Shift + drag", "Alt + drag", "Space + drag", "Ctrl + drag", "wheel", "double click"}
    gestures |= {"Enter", "← → ↑ ↓", "Shift + ← → ↑ ↓"}  # of what has the focus
    assert keys - known == gestures | {"1", "9", "C", "R", "/", "Ctrl+K"}, "categories have 1–9, C and R need the pointer"
    demo.keyboard.press("Escape")
    do(demo, "paint")
    assert demo.locator(".toolbar button.on").all_inner_texts() == ["Paint", "Replace"]
    theme = demo.locator(".explorer").get_attribute("data-theme")
    do(demo, "theme")
    assert demo.locator(".explorer").get_attribute("data-theme") != theme
    do(demo, "picture of")
    assert demo.get_by_role("dialog", name="Export").get_by_label("picture format").is_visible()
    demo.keyboard.press("Escape")
    do(demo, "clear")
    until(lambda: selected(demo) == 0, "nothing selected")
    do(demo, "colour by density")
    until(lambda: demo.get_by_label("colour by").input_value() == "density", "colours")


def test_label_what_has_no_label_and_what_is_shown(demo: Any) -> None:
    count = select(demo, "Flags")
    do(demo, "old")
    until(lambda: labelled(demo) == count, "labels")
    demo.keyboard.press("i")
    until(lambda: selected(demo) == 1911 - count, "the others")
    demo.keyboard.press("Escape")
    until(lambda: selected(demo) == 0, "nothing")
    demo.keyboard.press("/")
    option(demo, "what has no label yet as").click()
    assert demo.locator(".palette-scope").inner_text() == "Label what has no label yet as"
    demo.keyboard.press("Backspace")
    assert demo.locator(".palette-scope").is_hidden()
    option(demo, "what has no label yet as").click()
    demo.keyboard.type("rest")
    demo.keyboard.press("Enter")
    until(lambda: labelled(demo) == 1911, "all labelled")
    toast(demo, f"{1911 - count:,} labelled “rest”")
    demo.locator(".legend .entry", has_text="Smileys & Emotion").click()
    until(lambda: said(demo).startswith("169 of"), "only those on the map")
    demo.keyboard.press("/")
    option(demo, "everything shown as").click()
    demo.keyboard.type("faces")
    demo.keyboard.press("Enter")
    toast(demo, "169 labelled “faces”")
    demo.get_by_role("button", name="Show all", exact=True).click()


def test_no_more_than_two_hundred_rows_are_built(demo: Any) -> None:
    demo.keyboard.press("/")
    demo.keyboard.type("e")
    assert 100 < demo.locator(".palette li").count() <= 200


# Names on the map


def at_name(page: Any, cluster: int) -> tuple[float, float]:
    """The pixel where a cluster's name stands: at the item nearest to its median."""
    own = LAYOUT[cluster == CLUSTERS]
    own = own[:: max(1, len(own) // 1500)].astype(float)
    middle = own[np.abs(own - np.median(own, axis=0)).sum(axis=1).argmin()]
    box, (across, down) = page.locator("canvas.map-canvas").bounding_box(), place(page, middle)
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def largest_named(page: Any) -> int:
    """A cluster whose name has room: the largest has."""
    return int(np.bincount(CLUSTERS[CLUSTERS >= 0]).argmax())


def test_a_cluster_becomes_a_category_with_one_key(demo: Any) -> None:
    cluster = largest_named(demo)
    size = int((cluster == CLUSTERS).sum())
    demo.keyboard.press("c")
    toast(demo, "point at a name on the map")
    demo.mouse.move(*at_name(demo, cluster))
    demo.keyboard.press("c")
    until(lambda: labelled(demo) == size, "the whole cluster")
    toast(demo, "Ctrl+Z to undo")
    demo.keyboard.press("Control+z")
    until(lambda: labelled(demo) == 0, "undone")

    alone = np.flatnonzero(np.isin(CLUSTERS, CLUSTERS[LAYOUT[:, 0].argmax()]))  # the island on the right
    x, y = place(demo, LAYOUT[LAYOUT[:, 0].argmax()])
    box = demo.locator("canvas.map-canvas").bounding_box()
    demo.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    demo.locator(".tip").wait_for()
    demo.keyboard.press("c")
    until(lambda: labelled(demo) == len(alone), "the cluster of the item under the pointer")


def test_a_name_is_written_anew_where_it_stands(demo: Any) -> None:
    cluster = largest_named(demo)
    size = int((cluster == CLUSTERS).sum())
    at = at_name(demo, cluster)
    demo.mouse.move(*at)
    demo.keyboard.press("r")
    field = demo.locator("input.rename")
    box = field.bounding_box()
    assert abs(box["x"] + box["width"] / 2 - at[0]) < 3
    assert abs(box["y"] + box["height"] / 2 - at[1]) < 3
    demo.keyboard.type("not kept")
    demo.keyboard.press("Escape")
    assert field.is_hidden()
    assert chips(demo) == []

    demo.mouse.dblclick(*at)
    field.wait_for()
    demo.keyboard.type(CODE)
    demo.keyboard.press("Enter")
    until(lambda: chips(demo) == [CODE] and labelled(demo) == size, "the cluster under that name")
    assert on_map(demo)
    demo.mouse.move(at[0] + 1, at[1])
    until(lambda: rename(demo) == CODE, "the category's name")
    demo.keyboard.type("things")
    demo.keyboard.press("Enter")
    until(lambda: chips(demo) == ["things"], "renamed")
    assert labelled(demo) == size


def rename(page: Any) -> str:
    """Begin to rename what is under the pointer; gives the name that stands there."""
    page.keyboard.press("r")
    value = str(page.locator("input.rename").input_value())
    if value != CODE:
        page.keyboard.press("Escape")
    return value


# Focus mode


def progress(page: Any) -> str:
    return page.locator(".focus header .count").inner_text()


def title(page: Any) -> str:
    return page.locator(".about b").inner_text()


def begin(page: Any, *names: str) -> None:
    """Make categories, select the flags, and go into focus mode."""
    for name in names:
        do(page, name)
        until(lambda wanted=name: wanted in chips(page), name)
    select(page, "Flags")
    page.keyboard.press("Escape") if page.locator(".palette").count() else None
    page.keyboard.press("e")
    page.locator(".stage img").wait_for()


def test_items_are_decided_one_after_another_with_keys_alone(demo: Any) -> None:
    begin(demo, "plain!", "striped!")
    until(lambda: progress(demo) == "1 of 270 · 0 %", "the queue's length")
    titles = []
    for key in "1212":
        titles.append(title(demo))
        demo.keyboard.press(key)
        demo.locator(".stage img").wait_for()
    assert len(set(titles)) == 4
    assert progress(demo) == "5 of 270 · 1 %"
    until(lambda: labelled(demo) == 4, "four labels")
    demo.keyboard.press(" ")
    assert progress(demo).startswith("6 of")
    demo.keyboard.press("ArrowRight")
    for _ in range(4):
        demo.keyboard.press("ArrowLeft")
    assert title(demo) == titles[2]
    assert demo.locator(".about .now").inner_text() == "plain!"
    assert demo.locator(".choice.on").inner_text().split("\n")[-1] == "plain!"
    demo.keyboard.press("Delete")
    until(lambda: labelled(demo) == 3, "one label less")
    assert "no label yet" in demo.locator(".about").inner_text()

    demo.keyboard.press("Control+z")
    until(lambda: labelled(demo) == 4 and title(demo) == titles[2], "undone, and still there")
    demo.keyboard.press("Control+z")
    until(lambda: title(demo) == titles[3] and labelled(demo) == 3, "the item that was decided last")
    demo.keyboard.press("Control+Shift+z")
    until(lambda: labelled(demo) == 4, "done again")

    demo.keyboard.press("n")
    demo.keyboard.type("with a star!")
    demo.keyboard.press("Enter")
    until(lambda: "with a star!" in chips(demo), "a new category")
    assert progress(demo).startswith("5 of"), "and the next"
    demo.keyboard.press("9")
    assert "no category has the key 9" in demo.locator(".notice").inner_text()
    demo.keyboard.press("Escape")
    demo.locator(".focus").wait_for(state="hidden")
    active = "root => root.getRootNode().activeElement?.matches('.map-canvas, [data-key]')"
    assert demo.locator(".explorer").evaluate(active), "the map, or what had the focus before"
    assert selected(demo) == 270
    demo.keyboard.press("l")
    assert demo.locator(".toolbar button.on").all_inner_texts() == ["Lasso", "Replace"], "the keys are the map's again"


def test_nothing_else_is_reached_while_it_is_open(demo: Any) -> None:
    begin(demo, "plain!")
    seen = set()
    for key in ["Tab"] * 14 + ["Shift+Tab"] * 3:
        demo.keyboard.press(key)
        inside = "el => { const at = el.getRootNode().activeElement; return el.contains(at) ? at.textContent || at.type : '' }"
        seen.add(demo.locator(".focus").evaluate(inside))
    assert "" not in seen
    assert {"1plain!", "Leave Esc", "Skip →", "checkbox"} <= seen
    count = selected(demo)
    for key in ["i", "a", "c", "l"]:
        demo.keyboard.press(key)
    demo.mouse.click(30, 300)  # on what is beneath
    demo.keyboard.press("1")
    until(lambda: labelled(demo) == 1, "keys still decide")
    assert selected(demo) == count
    assert demo.get_by_role("dialog", name="focus mode").get_attribute("aria-modal") == "true"
    assert re.search(r", item 2 of 270$", demo.locator(".stage").get_attribute("aria-label"))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_all_of_it_is_seen_without_scrolling(width: int, height: int, served: Any, open_page: Any) -> None:
    page = open_page(served("demo").url, width, height)
    wait_for_frame(page)
    fresh(page)
    begin(page, *[f"a category {number}!" for number in range(9)])
    box = page.locator(".focus").bounding_box()
    for part in page.locator(".focus :is(button, select, img, header, footer)").all():
        if part.is_visible():
            own = part.bounding_box()
            assert own["y"] >= box["y"]
            assert own["y"] + own["height"] <= box["y"] + box["height"] <= height
            assert own["x"] + own["width"] <= box["x"] + box["width"] <= width
    for part in (".stage", ".choices", ".focus"):
        assert page.locator(part).evaluate("el => el.scrollHeight <= el.clientHeight + 1"), part
    sizes = json.loads(page.locator(".stage img").evaluate(
        "img => JSON.stringify([img.naturalWidth, img.clientWidth, img.style.imageRendering])"))  # fmt: skip
    assert sizes[1] == 4 * sizes[0], "a small picture is enlarged four times and no more"
    assert sizes[2] == "pixelated"


def test_the_end_says_so_and_what_was_left_comes_again(demo: Any) -> None:
    do(demo, "sign!")
    until(lambda: chips(demo) == ["sign!"], "a category")
    count = look_at(demo, "zodiac")
    demo.get_by_role("button", name="Focus", exact=True).click()
    demo.locator(".stage img").wait_for()
    for place_ in range(count):
        until(lambda number=place_ + 1: progress(demo).startswith(f"{number} of {count}"), "the next")
        demo.locator(".stage img").wait_for()
        demo.keyboard.press(" " if place_ in (2, 5) else "1")
    assert f"{count - 2} labelled, 2 left as they are" in demo.locator(".stage").inner_text()
    assert progress(demo) == f"{count} of {count} · 100 %"
    demo.keyboard.press("1")
    demo.get_by_role("button", name="Begin again with those left").click()
    until(lambda: progress(demo) == "1 of 2 · 50 %", "those left")
    for _ in range(2):
        demo.locator(".stage img").wait_for()
        demo.keyboard.press("1")
    until(lambda: labelled(demo) == count, "all labelled")
    demo.get_by_role("button", name="Leave").last.click()
    demo.keyboard.press("e")
    until(lambda: "Every item here has a label" in demo.locator(".stage").inner_text(), "nothing left to do")
    demo.get_by_role("button", name="Go through all of them").click()
    until(lambda: progress(demo).startswith(f"1 of {count}"), "all of them")


def test_the_order_can_be_chosen(demo: Any) -> None:
    do(demo, "x!")
    demo.keyboard.press("e")
    demo.locator(".stage img").wait_for()
    demo.get_by_label("order").select_option("clusters")
    cluster = demo.locator(".about .muted").first
    until(lambda: progress(demo).startswith("1 of 1,911") and cluster.count(), "the queue")
    first = cluster.inner_text()
    for _ in range(6):
        demo.keyboard.press("ArrowRight")
        demo.locator(".stage img").wait_for()
        assert cluster.inner_text() == first
    demo.get_by_label("order").select_option("alike")
    until(lambda: progress(demo).startswith("1 of 1,911"), "the queue")
    demo.locator(".stage").focus()
    for number in range(2, 9):
        demo.locator(".stage img").wait_for()
        demo.keyboard.press("1")
        until(lambda wanted=number: progress(demo).startswith(f"{wanted} of"), "the next")
    until(lambda: labelled(demo) == 7, "labels")


def test_what_somebody_else_labels_meanwhile(demo: Any, served: Any, open_page: Any) -> None:
    """It is said of the item on screen; the others are passed."""
    name = fresh(demo)
    do(demo, "mine!")
    until(lambda: chips(demo) == ["mine!"], "a category")
    other = open_page(served("demo").url)
    wait_for_frame(other)
    do(other, f"use label set {name}")
    until(lambda: chips(other) == ["mine!"], "the same set")
    demo.keyboard.press("e")
    demo.locator(".stage img").wait_for()
    before = title(demo)
    do(other, "Smileys")
    until(lambda: selected(other) > 20, "a cluster")
    other.keyboard.press("Escape")
    select(other, "Smileys & Emotion")
    do(other, "theirs!")
    until(lambda: labelled(other) == 169, "their labels")
    until(lambda: "has labelled it “theirs!”" in demo.locator(".notice").inner_text(), "that it is said")
    assert title(demo) == before, "it stays on screen"
    until(lambda: progress(demo).split(" of ")[1].startswith("1,74"), "a shorter queue")
    demo.keyboard.press("ArrowRight")
    demo.locator(".stage img").wait_for()
    assert "no label yet" in demo.locator(".about").inner_text(), "the next that nobody has labelled"
