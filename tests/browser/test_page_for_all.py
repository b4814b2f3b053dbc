"""The page for everybody: no fault that axe knows, nothing small or pale, and all of it with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import wait_for_frame
from test_dashboard import LAYOUT, lonely, said, selected
from test_dashboard import place as share
from waiting import until

import explorer.views

AUDIT = (Path(__file__).parent / "texts.js").read_text("utf-8")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "resultTypes": ["violations"]}

OUT = """root => [...root.querySelectorAll(`.top > *, .toolbar *, .left .card, .right .card, .tabs *, .labelbar > *, .map-foot *,
        .step header *, .step footer *`)]
    .filter(el => el.offsetParent && !el.matches('.skip, .skip *, [hidden] *, .menu, .menu *, option'))
    .filter(el => { const r = el.getBoundingClientRect()
        return r.width > 1 && (r.right > innerWidth || r.bottom > innerHeight || r.left < 0 || r.top < 0) })
    .map(el => `${el.tagName}.${el.className} ${el.textContent.slice(0, 40)}`)"""  # what stands out of the window
CUT = """root => [...root.querySelectorAll('button, h2, .tabs button, .sentence')]
    .filter(el => el.offsetParent && el.clientWidth && !el.closest('.thumb, .entries, .scroller, .skip') && !el.matches('.skip'))
    .filter(el => el.scrollWidth > el.clientWidth + 1).map(el => el.textContent)"""  # words that have no room
PART = "el.closest('.top, .left, .map, .right, .labelbar')?.className.split(' ').pop() || ''"
PARTS = ["top", "left", "map", "right", "labelbar"]
RING = "(() => { const s = getComputedStyle(el); return el.className + ' ' + s.outlineStyle + ' ' + s.outlineWidth })()"
CONTROLS = """root => [...root.querySelectorAll('button, input, select, [tabindex="0"]')]
    .filter(el => !el.disabled && el.tabIndex >= 0 && el.offsetParent && !el.closest('[inert]')).length"""
LISTEN = """() => {
    const dive = root => [...root.querySelectorAll('*')].flatMap(el => [el, ...(el.shadowRoot ? dive(el.shadowRoot) : [])])
    window.heard = []
    const hear = el => { if (el.textContent && el.checkVisibility()) window.heard.push(el.textContent) }
    for (const el of dive(document)) if (el.matches('[role=status], [role=alert], [aria-live]'))
        new MutationObserver(() => hear(el)).observe(el, {childList: true, characterData: true, subtree: true})
}"""


@pytest.fixture(params=["light", "dark"])
def themed(request: Any, served: Any, open_page: Any) -> Any:
    page = open_page(served("demo").url, 1280, 720, color_scheme=request.param, reduced_motion="reduce")
    wait_for_frame(page)
    until(lambda: "items drawn" in said(page), "the map's sentence")
    assert page.locator(".explorer").get_attribute("data-theme") == request.param
    return page


def check(page: Any, what: str) -> None:
    """That axe finds no fault, and every text can be read: 12 px and more, and 4.5 times as light or dark as what is behind it."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [(one["id"], [(node["target"], node["failureSummary"]) for node in one["nodes"]][:3]) for one in found]
    assert not told, f"{what}: {told}"
    texts = page.evaluate(AUDIT)
    assert texts["read"] > 10, "it looked into the page's own tree"
    assert not texts["faults"], f"{what}: {texts['faults']}"


def active(
    page: Any, what: str = "el.getAttribute('data-key') || el.getAttribute('aria-label') || el.textContent || el.tagName"
) -> str:
    """What has the focus, seen through shadow roots."""
    deepest = "let el = document.activeElement; while (el?.shadowRoot?.activeElement) el = el.shadowRoot.activeElement;"
    return str(page.evaluate(f"() => {{ {deepest} return {what} }}")).strip()


def brush(page: Any) -> None:
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("Shift+ArrowRight")
    for key in ("ArrowRight", "ArrowUp") * 5:
        page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("Enter")
    until(lambda: selected(page) > 3, "a selection")


def states(page: Any) -> Iterator[str]:
    """Brings the page into one state after another."""
    yield "as it opens"
    brush(page)
    page.keyboard.press("n")
    page.keyboard.type("things")
    yield "a new category"
    page.keyboard.press("Enter")
    page.locator(".labelbar .chip .give").first.wait_for()
    page.locator(".thumb").first.click()
    page.locator(".detail dl").wait_for()
    yield "an item"
    for tab in ("Items", "Columns", "Traits", "Neighbours", "Trust", "Labels"):
        page.get_by_role("tab", name=tab, exact=True).click()
        until(lambda: page.locator("[role=tabpanel]:visible").inner_text().strip(), "the tab's text")
        yield f"tab {tab}"
    page.get_by_role("button", name="Import…").click()
    yield "import"
    page.keyboard.press("Escape")
    box = page.locator("canvas.map-canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".entries .entry").nth(1).hover()
    page.locator(".entries li").nth(1).get_by_role("button", name="hide").click()
    page.locator(".entries li.hidden").wait_for()
    yield "an entry is hidden"
    for name, key in (("keys", "?"), ("palette", "/")):
        page.locator("canvas.map-canvas").focus()
        page.keyboard.press(key)
        page.locator("dialog[open]").wait_for()
        yield name
        page.keyboard.press("Escape")
    for name, place in (("export", ".top .primary"), ("data", ".top .file"), ("category", ".labelbar .chip .small")):
        page.locator(place).first.click()
        page.locator("dialog[open]").wait_for()
        yield name
        if name == "export":
            page.get_by_role("button", name="Picture", exact=True).click()
            yield "picture"
        page.keyboard.press("Escape")
    page.locator("[data-key=selection-menu]").click()
    yield "the selection's menu"
    page.keyboard.press("Escape")
    for more in page.locator(".step [data-key$=-more]").all():
        more.click()
    yield "all settings"
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("p")
    yield "the brush"
    page.locator("[data-key=clear]").click()
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("e")
    page.locator(".stage img").wait_for()
    yield "focus mode"
    page.keyboard.press("Escape")


def test_no_fault_that_axe_knows_and_every_text_can_be_read(themed: Any) -> None:
    for state in states(themed):
        check(themed, state)


def test_a_tooltip_can_be_read(themed: Any) -> None:
    box, (across, down) = themed.locator("canvas.map-canvas").bounding_box(), share(themed, LAYOUT[lonely()])
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]
    themed.mouse.move(x - 3, y)
    themed.mouse.move(x, y)
    themed.locator(".tip b").wait_for()
    assert themed.locator(".tip b").is_visible()
    check(themed, "tooltip")


def test_the_style_sheets_ask_for_nothing_small() -> None:
    folder = Path(explorer.views.__file__).parent / "page"
    sizes: list[tuple[str, float]] = []
    for place in folder.iterdir():
        for line in place.read_text("utf-8").splitlines():
            sizes += [(place.name, float(size)) for size in re.findall(r"font(?:-size)?: ?(?:\d{3} )?(\d+(?:\.\d+)?)px", line)]
            sizes += [(place.name, float(size)) for size in re.findall(r"\.font = [\"`](?:\d{3} )?(\d+(?:\.\d+)?)px", line)]
    assert len(sizes) > 30
    assert not [one for one in sizes if one[1] < 12]


def test_the_page_fits_a_small_laptop_and_a_large_screen(served: Any, open_page: Callable[..., Any]) -> None:
    for width, height in ((1280, 720), (1920, 1080)):
        page = open_page(served("demo").url, width, height)
        wait_for_frame(page)
        assert (out := page.locator(".explorer").evaluate(OUT)) == [], f"{width}×{height}: {out}"
        assert (cut := page.locator(".explorer").evaluate(CUT)) == [], f"{width}×{height}: {cut}"


# The keyboard


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(themed: Any) -> None:
    brush(themed)
    until(lambda: themed.locator(".items h2").inner_text().endswith(" selected"), "the items' list")
    themed.locator(".inner [data-place]").first.wait_for()
    themed.locator(".explorer").evaluate("root => root.querySelector('.skip').focus()")
    assert active(themed) == "Skip to the map"
    reached, rings = [active(themed, PART)], []
    for _ in range(150):
        themed.keyboard.press("Tab")
        part = active(themed, PART)
        if not part or (part == "top" and reached[-1] != "top"):
            break
        reached.append(part)
        rings.append(active(themed, RING))
    assert list(dict.fromkeys(reached)) == PARTS
    assert reached == sorted(reached, key=PARTS.index), "never back and forth"
    assert not [ring for ring in rings if not ring.endswith("solid 2px")], "the focus is always seen"
    assert len(reached) == themed.locator(".explorer").evaluate(CONTROLS), "all of them"


def test_the_skip_link_and_the_cross(themed: Any) -> None:
    themed.locator(".explorer").evaluate("root => root.querySelector('.skip').focus()")
    themed.keyboard.press("Shift+Tab")
    themed.locator(".explorer").evaluate("root => root.querySelector('.skip').focus()")
    themed.keyboard.press("Enter")
    assert "map-canvas" in active(themed, "el.className")


def test_a_whole_labelling_loop_without_the_mouse(served: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(served("demo", "--user", "keys").url, 1280, 720)
    wait_for_frame(page)
    page.evaluate(LISTEN)
    page.keyboard.press("Tab")
    while active(page) != "Skip to the map":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for key in ("+", "ArrowLeft", "ArrowUp"):  # zoomed and moved
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    until(lambda: selected(page) == 1, "the item nearest to the middle")
    page.locator(".detail dl").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".detail").is_hidden()
    page.keyboard.press("Shift+ArrowRight")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Enter")
    count = until(lambda: selected(page) > 1 and selected(page), "what is in the box")
    until(lambda: f"{count:,} of 1,911 selected" in page.evaluate("window.heard"), "that it is said")
    page.keyboard.press("n")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    until(lambda: f"{count:,} of 1,911 labelled" in page.locator(".labelbar").inner_text(), "the labels")
    page.keyboard.press("Escape")
    until(lambda: selected(page) == 0, "nothing")
    page.keyboard.press("Enter")
    until(lambda: selected(page) == 1, "one item")
    page.keyboard.press("1")  # the category's key
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("/")
    page.keyboard.type("export data")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    assert active(page) == "format"
    with page.expect_download() as download:
        page.locator("dialog .primary").press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


def test_tabs_by_arrow_keys(themed: Any) -> None:
    themed.locator("[role=tab]").first.focus()
    for name in ("Columns", "Traits", "Neighbours", "Trust", "Labels", "Items"):
        themed.keyboard.press("ArrowRight")
        assert active(themed) == f"tab-{name}"
        assert themed.locator("[role=tab][aria-selected=true]").inner_text() == name
        panel = themed.locator("[role=tabpanel]:visible")
        assert panel.get_attribute("aria-labelledby") == f"tab-{name}"
        assert themed.locator(f"#tab-{name}").get_attribute("aria-controls") == panel.get_attribute("id")
    themed.keyboard.press("End")
    assert active(themed) == "tab-Labels"
    themed.keyboard.press("Home")
    assert active(themed) == "tab-Items"


def test_the_gallery_by_arrow_keys(themed: Any) -> None:
    first = themed.locator(".inner [data-place='0']")
    first.wait_for()
    assert themed.locator(".inner button[tabindex='0']").count() == 1
    first.focus()
    across = int(
        themed.locator(".inner [data-place]").evaluate_all("all => all.filter(el => el.style.top === all[0].style.top).length")
    )
    place = "el.closest('[data-place]')?.dataset.place"
    for key, at in (
        ("ArrowRight", 1),
        ("ArrowDown", 1 + across),
        ("ArrowLeft", across),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("End", 1910),
        ("ArrowRight", 1910),
        ("Home", 0),
    ):
        themed.keyboard.press(key)
        until(lambda at=at: active(themed, place) == str(at), f"{key} to {at}")
    for _ in range(40):
        themed.keyboard.press("ArrowDown")
    until(lambda: active(themed, place) == str(40 * across), "far down")
    title = active(themed, "el.title")
    themed.keyboard.press("Enter")
    until(lambda: themed.locator(".detail b").first.inner_text() == title, "its card")
    themed.locator(".detail").get_by_role("button", name="close").press("Enter")
    assert active(themed, place) == str(40 * across), "and back to it"


@pytest.mark.parametrize(
    ("opener", "opens"), [("Keys", "Keys and gestures"), ("Export", "Export"), ("+ new category", "New category")]
)
def test_dialogs_keep_the_focus_and_give_it_back(opener: str, opens: str, themed: Any) -> None:
    button = themed.get_by_role("button", name=opener, exact=True)
    button.focus()
    themed.keyboard.press("Enter")
    themed.locator("dialog[open]").wait_for()
    assert themed.locator("dialog[open]").get_attribute("aria-label") == opens
    inside = "String(Boolean(el.closest('dialog')))"
    for key in ["Tab"] * 12 + ["Shift+Tab"] * 14:
        themed.keyboard.press(key)
        assert active(themed, inside) == "true", key
    themed.keyboard.press("Escape")
    assert themed.locator("dialog[open]").count() == 0
    assert active(themed, "el.textContent") == opener


def test_what_is_open_closes_by_escape_and_the_focus_comes_back(themed: Any) -> None:
    themed.locator("[data-key=selection-menu]").focus()
    themed.keyboard.press("Enter")
    assert themed.locator(".menu").is_visible()
    themed.keyboard.press("Escape")
    assert themed.locator(".menu").is_hidden()
    assert active(themed) == "selection-menu"
    themed.keyboard.press("Enter")
    while active(themed, "String(Boolean(el.closest('.menu, .has-menu')))") == "true":
        themed.keyboard.press("Tab")
    assert themed.locator(".menu").is_hidden(), "it closes behind who leaves it"
    themed.locator(".zoom [data-key=fit]").focus()
    themed.keyboard.press("/")
    themed.locator("dialog.palette[open]").wait_for()
    themed.keyboard.press("Escape")
    assert active(themed) == "fit"
    themed.locator("[data-key=focus]").focus()
    themed.keyboard.press("Enter")
    themed.locator(".stage img").wait_for()
    themed.keyboard.press("Escape")
    assert active(themed) == "focus"


def test_sliders_selects_and_histograms_by_keys(served: Any, open_page: Callable[..., Any], tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 4)).round(3)
    table = tmp_path / "numbers.csv"
    np.savetxt(table, rows, delimiter=",", header="one,two,three,four", comments="")
    page = open_page(served("open", str(table), "--reduce", "pca", "--cluster", "kmeans").url, 1280, 720)
    wait_for_frame(page)
    slider = page.locator("[data-key=n_clusters-slider]")
    before = int(slider.input_value())
    slider.press("ArrowRight")
    until(lambda: page.locator("[data-key=n_clusters]").input_value() == str(before + 1), "the setting")
    page.get_by_role("tab", name="Columns").press("Enter")
    bars = page.locator(".facet [role=slider]").first
    bars.wait_for()
    check(page, "histograms")
    bars.press("ArrowLeft")
    until(lambda: page.locator(".chip.filter").count() == 1, "a filter")
    assert " to " in bars.get_attribute("aria-valuetext")
    bars.press("Delete")
    until(lambda: page.locator(".chip.filter").count() == 0, "none")


def test_the_map_tells_a_screen_reader_once_and_not_while_it_moves(themed: Any) -> None:
    themed.evaluate(LISTEN)
    themed.locator("canvas.map-canvas").focus()
    for key in ("ArrowLeft", "+", "ArrowUp", "-", "ArrowRight", "ArrowDown"):
        themed.keyboard.press(key)
        themed.wait_for_timeout(120)
    heard = [text for text in themed.evaluate("window.heard") if "drawn" in text or "selected" in text]
    assert heard == []
    for _ in range(4):
        themed.keyboard.press("Shift+ArrowRight")
    themed.keyboard.press("Enter")
    count = until(lambda: selected(themed), "a selection")
    until(lambda: f"{count:,} of 1,911 selected" in themed.evaluate("window.heard"), "that it is said")
    themed.wait_for_timeout(800)
    assert themed.evaluate("window.heard").count(f"{count:,} of 1,911 selected") == 1


def test_nothing_moves_for_who_does_not_want_it(served: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(served("demo").url, 1280, 720, reduced_motion="reduce")
    wait_for_frame(page)
    moving = """root => [...root.querySelectorAll('*')].filter(el => { const s = getComputedStyle(el)
        return s.animationName !== 'none' || s.transitionDuration.split(',').some(one => parseFloat(one) > 0) }).length"""
    assert page.locator(".explorer").evaluate(moving) == 0
    assert (
        page.locator(".explorer").evaluate("root => getComputedStyle(root.querySelector('.step progress')).animationName") == "none"
    )


# The tab


def test_the_tab_is_named_after_the_file_and_leaving_asks_nothing(served: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(served("demo").url, 1280, 720)
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    wait_for_frame(page)
    assert page.title() == "emoji.parquet · explorer"
    assert page.evaluate("document.head.querySelector('link[rel=icon]').href").startswith("data:image/svg+xml,")
    brush(page)
    page.keyboard.press("n")
    page.keyboard.type("never given")
    page.evaluate("() => document.body.click()")
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == []


def test_the_tab_says_what_is_not_saved_and_what_goes_on(served: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(served("demo").url, 1280, 720)
    wait_for_frame(page)
    page.locator("[data-key=reduce-run]").focus()
    page.locator("[data-key=n_neighbors-slider]").press("ArrowRight")
    page.wait_for_timeout(400)
    page.evaluate("""() => {
        const hear = () => window.titles.push(document.title)
        window.titles = []
        new MutationObserver(hear).observe(document.querySelector('title'), {childList: true})
    }""")
    page.locator("[data-key=reduce-run]").press("Enter")
    going = re.compile(r"(\d+ %|working) · emoji\.parquet$")
    until(lambda: any(going.search(title) for title in page.evaluate("window.titles")), "how far it is")
    stop = page.locator("[data-key=reduce-stop]")
    if stop.is_visible():
        stop.press("Enter")
    until(lambda: page.title() == "emoji.parquet · explorer", "the file's name alone")


@pytest.mark.parametrize(("width", "height"), [(640, 360), (853, 480), (960, 540)])
def test_a_magnified_page_keeps_its_map_and_scrolls_to_the_rest(served: Any, open_page: Any, width: int, height: int) -> None:
    """At 200 % and 150 % of a laptop, and 200 % of a desk's screen."""
    page = open_page(served("demo").url, width=width, height=height, device_scale_factor=2)
    wait_for_frame(page)
    root, canvas = page.locator(".explorer").first, page.locator("canvas.map-canvas")
    box = until(lambda: (at := canvas.bounding_box())["height"] > 150 and at, "room for the map")
    assert box["width"] > width / 2
    assert root.evaluate("el => el.scrollWidth <= el.clientWidth")
    for place in (".labelbar", ".right", ".left", ".top"):
        page.locator(place).first.scroll_into_view_if_needed()
        assert page.locator(place).first.evaluate("el => el.getBoundingClientRect().top < innerHeight"), place
