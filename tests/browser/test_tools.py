"""The map's tools in a real browser: the brush, the keys, saved selections, the small map and the card of keys."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from conftest import wait_for_frame
from test_dashboard import CATEGORY, LAYOUT, place, said, selected
from waiting import until

from explorer.selection import near


@pytest.fixture
def demo(demo: Any) -> Any:
    until(lambda: "items drawn" in said(demo), "the map's sentence")
    return demo


def view(page: Any) -> tuple[float, float, float, float]:
    return tuple(json.loads(page.locator("canvas.map-canvas").get_attribute("data-viewport")))


def painted(page: Any) -> tuple[float, float, float, float]:
    """The view when whatever the mouse did before has been painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return view(page)


def stroke(page: Any, places: list[tuple[float, float]]) -> np.ndarray:
    """Drag through places given as shares of the map; gives them in the layout's units ``(m, 2)``."""
    box = page.locator("canvas.map-canvas").bounding_box()
    pixels = [(round(box["x"] + x * box["width"]), round(box["y"] + y * box["height"])) for x, y in places]
    before, scale = view(page), unit(page)
    page.mouse.move(*pixels[0])
    page.mouse.down()
    for pixel in pixels[1:]:
        page.mouse.move(*pixel)
    page.mouse.up()
    x0, _, _, y1 = before
    return np.array([(x0 + (x - box["x"]) * scale, y1 - (y - box["y"]) * scale) for x, y in pixels])


def unit(page: Any) -> float:
    """How much of the layout is a pixel."""
    x0, x1, _, _ = view(page)
    return float((x1 - x0) / page.locator("canvas.map-canvas").evaluate("canvas => canvas.clientWidth"))


def near_middle(page: Any, category: str) -> tuple[float, float]:
    return place(page, np.median(LAYOUT[category == CATEGORY], axis=0))


def radius(page: Any) -> int:
    return int(page.locator(".brush-size output").inner_text().split()[0])


def test_the_brush_selects_exactly_what_is_near_its_stroke(demo: Any) -> None:
    assert demo.locator(".brush-size").is_hidden()
    demo.keyboard.press("p")
    assert radius(demo) == 18
    x, y = near_middle(demo, "Smileys & Emotion")
    line = stroke(demo, [(x - 0.12, y), (x, y - 0.05), (x + 0.02, y + 0.1)])
    expected = near(LAYOUT, line, 18 * unit(demo)).sum()
    assert expected > 20
    assert until(lambda: selected(demo), "a painted selection") == expected

    demo.keyboard.press("]")
    demo.keyboard.press("]")
    assert (wider := radius(demo)) == 28
    dab = stroke(demo, [near_middle(demo, "Flags")])  # a click is a dab
    exact = near(LAYOUT, dab, 18 * 1.25**2 * unit(demo)).sum()
    assert exact > 5
    until(lambda: selected(demo) == exact, f"the {exact} items around a dab")
    for _ in range(40):
        demo.keyboard.press("[")
    assert 3 == radius(demo) < wider
    demo.get_by_label("brush radius in pixels").fill("100")
    assert radius(demo) == 120


def test_what_was_painted_is_shown_while_painting_and_after(demo: Any) -> None:
    demo.keyboard.press("p")
    box = demo.locator("canvas.map-canvas").bounding_box()
    empty = (box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"])  # no item is there
    demo.mouse.move(*empty)
    painted(demo)

    def ink() -> int:
        script = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3]"
        spot = [round(0.8 * box["width"]) - 40, round(0.8 * box["height"])]
        return int(demo.locator("canvas.map-canvas").evaluate(script, spot))

    assert ink() == 0
    demo.mouse.down()
    demo.mouse.move(empty[0] - 40, empty[1])
    until(lambda: 0 < ink() < 255, "the painted area while painting")
    x, y = near_middle(demo, "Flags")
    demo.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    demo.mouse.up()
    until(lambda: selected(demo), "a selection")
    demo.mouse.move(box["x"] + 5, box["y"] + 5)
    until(lambda: 0 < ink() < 255, "the painted area afterwards")
    demo.keyboard.press("Escape")
    until(lambda: ink() == 0, "nothing painted")


def on(page: Any) -> list[str]:
    return page.locator(".toolbar button.on").all_inner_texts()


def test_keys_choose_tools_and_modes(demo: Any) -> None:
    assert on(demo) == ["Lasso", "Replace"]
    for key, expected in [
        ("b", ["Box", "Replace"]), ("p", ["Paint", "Replace"]), ("v", ["Pan", "Replace"]), ("l", ["Lasso", "Replace"]),
        ("a", ["Lasso", "Add"]), ("a", ["Lasso", "Replace"]), ("s", ["Lasso", "Subtract"]), ("a", ["Lasso", "Add"]),
        ("s", ["Lasso", "Subtract"]), ("s", ["Lasso", "Replace"]),
    ]:  # fmt: skip
        demo.keyboard.press(key)
        assert on(demo) == expected, key
    demo.keyboard.press("i")
    until(lambda: selected(demo) == 1911, "all, as nothing was selected")
    demo.keyboard.press("i")
    until(lambda: selected(demo) == 0, "nothing")
    for title in ["(L)", "(B)", "(P)", "(V)", "(A)", "(S)", "(F)", "(Esc)"]:
        assert demo.locator(f".map button[title$='{title}']").count() == 1, title


def test_space_holds_the_hand(demo: Any) -> None:
    before = view(demo)
    demo.locator("canvas.map-canvas").focus()
    demo.keyboard.down(" ")
    stroke(demo, [(0.5, 0.5), (0.6, 0.5)])
    demo.keyboard.up(" ")
    until(lambda: view(demo)[0] < before[0], "a map that moved")
    assert selected(demo) == 0
    moved = view(demo)
    x, y = near_middle(demo, "Smileys & Emotion")
    stroke(demo, [(x - 0.1, y - 0.1), (x + 0.1, y - 0.1), (x + 0.1, y + 0.1), (x - 0.1, y + 0.1)])
    until(lambda: selected(demo), "a lasso again")
    assert view(demo) == moved


def menu(page: Any) -> Any:
    if page.locator(".menu").is_hidden():
        page.get_by_role("button", name="Selection ▾").click()
    return page.locator(".menu")


def save(page: Any, name: str) -> None:
    menu(page).get_by_label("name to save the selection under").fill(name)
    page.keyboard.press("Enter")
    until(lambda: name in menu(page).locator(".saved").inner_text(), f"{name} in the list")


def test_saved_selections_and_expressions(demo: Any) -> None:
    for category in ["Smileys & Emotion", "Flags"]:
        demo.locator(".legend li", has_text=category).hover()
        demo.get_by_role("button", name=f"select {category}", exact=True).click()
        until(lambda of=category: selected(demo) == (of == CATEGORY).sum(), category)
        save(demo, category)
    rows = menu(demo).locator(".saved li")
    until(lambda: rows.locator(".count").all_inner_texts() == ["169", "270"], "how many each holds")

    expression = menu(demo).get_by_label("expression of saved selections")
    expression.fill('~("Smileys & Emotion" | Flags)')
    demo.keyboard.press("Enter")
    until(lambda: selected(demo) == 1911 - 169 - 270, "neither")
    expression.fill("Flags & nothing")
    demo.keyboard.press("Enter")
    assert "no saved selection is called 'nothing'" in demo.locator(".toast.error").inner_text()
    assert selected(demo) == 1911 - 169 - 270

    menu(demo).get_by_role("button", name="Flags 270").click()
    until(lambda: selected(demo) == 270, "the saved one")
    menu(demo).get_by_role("button", name="Smileys & Emotion 169").click(modifiers=["Shift"])
    until(lambda: selected(demo) == 439, "both")
    demo.keyboard.press("Escape")
    assert demo.locator(".menu").is_hidden()
    assert selected(demo) == 439, "Esc closed the menu and nothing else"

    menu(demo).get_by_role("button", name="rename Flags").click()
    demo.get_by_label("new name of Flags").fill("<b>flags</b>")
    demo.keyboard.press("Enter")
    until(lambda: "<b>flags</b>" in rows.nth(1).inner_text(), "the new name")
    demo.reload()
    wait_for_frame(demo)
    assert menu(demo).locator(".saved .name").all_inner_texts() == ["Smileys & Emotion", "<b>flags</b>"]
    for name in ["Smileys & Emotion", "<b>flags</b>"]:
        menu(demo).get_by_role("button", name=f"delete {name}").click()
    until(lambda: "No saved selections" in menu(demo).inner_text(), "an empty list")


def test_the_small_map_is_there_when_zoomed_in_and_moves_the_map(demo: Any) -> None:
    small = demo.locator("canvas.overview")
    assert small.is_hidden()
    whole = unit(demo)
    for _ in range(4):
        demo.keyboard.press("+")
    demo.locator("canvas.overview[data-pictures]").wait_for()
    until(lambda: unit(demo) < 1.1 * whole / 1.5**4, "all four steps of zooming in")
    before, box = view(demo), small.bounding_box()
    demo.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    demo.mouse.down()
    demo.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"], steps=4)
    demo.mouse.up()
    after = until(lambda: (one := view(demo)) != before and one == painted(demo) and one, "a map that moved and is at rest")
    assert after[1] - after[0] == pytest.approx(before[1] - before[0])
    low, high = float(LAYOUT[:, 0].min()), float(LAYOUT[:, 0].max())
    assert (after[0] + after[1]) / 2 == pytest.approx(low + 0.2 * (high - low), abs=0.1 * (high - low))
    assert selected(demo) == 0
    pictures = int(small.get_attribute("data-pictures"))
    demo.keyboard.press("i")
    until(lambda: int(small.get_attribute("data-pictures")) > pictures, "the small map drawn anew with the selection")
    demo.keyboard.press("f")
    small.wait_for(state="hidden")


def test_the_card_of_keys_names_every_key(demo: Any) -> None:
    demo.keyboard.press("?")
    card = demo.get_by_role("dialog")
    keys = card.locator("kbd").all_inner_texts()
    assert {"L", "B", "P", "V", "A", "S", "I", "F", "N", "Esc", "Del", "?", "[", "]", "+", "−", "←", "↑"} <= set(keys)
    demo.keyboard.press("Escape")
    card.wait_for(state="hidden")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_the_toolbar_is_one_line(width: int, height: int, served: Any, open_page: Any) -> None:
    page = open_page(served("demo").url, width, height)
    wait_for_frame(page)
    tops = {round(button.bounding_box()["y"]) for button in page.locator(".toolbar > .group").all()}
    assert len(tops) == 1


def test_pixels_say_how_much_they_hold(demo: Any) -> None:
    until(lambda: "1 pixel ≤" in demo.locator(".map-foot").inner_text(), "how many items the fullest pixel holds")


def test_an_entry_of_the_legend_has_lines_where_it_is_densest(demo: Any) -> None:
    canvas = demo.locator("canvas.map-canvas")
    before = until(lambda: (one := canvas.screenshot()) == canvas.screenshot() and one, "a map at rest")
    demo.locator(".legend .entry").first.hover()
    until(lambda: canvas.screenshot() != before, "lines")
    demo.locator("header.top .file").hover()
    until(lambda: canvas.screenshot() == before, "no lines any more")
