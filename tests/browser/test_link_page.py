"""Links in a real browser: what one sees stands in the address, and who opens it sees the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import lasso, wait_for_frame
from test_dashboard import said, selected
from waiting import until


def address(page: Any) -> str:
    return str(page.evaluate("location.href"))  # what Playwright thinks of it is older


def fields(page: Any) -> dict[str, str]:
    return fields_of(urlsplit(address(page)).fragment)


def fields_of(fragment: str) -> dict[str, str]:
    return dict(parse_qsl(fragment))


def viewport(page: Any) -> list[float]:
    return list(json.loads(page.locator("canvas.map-canvas").get_attribute("data-viewport")))


@pytest.fixture
def demo(demo: Any) -> Any:
    until(lambda: "items drawn" in said(demo), "the map's sentence")
    until(lambda: fields(demo), "an address")
    return demo


def all_of_it(page: Any) -> dict[str, str]:
    """Colours, filters, hides, zooms and selects with the mouse and the keys; gives what the address says then."""
    page.get_by_label("colour by").select_option("cluster")
    until(lambda: fields(page)["color"] == "cluster", "the colour")
    page.locator(".entries .entry").nth(2).hover()
    page.locator(".entries li").nth(2).get_by_role("button", name="hide").click()
    page.get_by_role("tab", name="Columns").click()
    page.locator(".facet .value").first.click()
    page.locator("canvas.map-canvas").focus()
    page.keyboard.press("+")
    lasso(page, 0.5, 0.5, 0.48)
    until(lambda: selected(page) > 0, "a selection")
    names = {"layout", "clusters", "color", "hidden", "filters", "camera", "selection"}
    return until(lambda: names <= fields(page).keys() and fields(page), "an address with all of it")


def written(page: Any) -> bool:
    """Whether the address says where the map looks, to a tenth of a pixel."""
    x0, x1, *_ = there = viewport(page)
    pixel = (x1 - x0) / page.locator("canvas.map-canvas").evaluate("canvas => canvas.clientWidth")
    camera = [float(one) for one in fields(page)["camera"].split(",")]
    return max(abs(one - other) for one, other in zip(camera, there, strict=True)) < 0.1 * pixel


def seen(page: Any) -> tuple[Any, ...]:
    return (
        page.get_by_label("colour by").input_value(), page.locator(".chip.filter").all_inner_texts(),
        page.locator(".entries li.hidden .name").all_inner_texts(), said(page),
    )  # fmt: skip


def test_a_link_reopened_shows_what_the_sender_saw(demo: Any, open_page: Callable[..., Any]) -> None:
    all_of_it(demo)
    until(lambda: written(demo), "the camera's last digits")
    other = open_page(address(demo))
    wait_for_frame(other)
    until(lambda: seen(other) == seen(demo), "the same view")
    until(lambda: max(abs(a - b) for a, b in zip(viewport(other), viewport(demo), strict=True)) < 0.02, "the same part of the map")
    assert other.locator(".toast").count() == 0
    until(lambda: fields(other).keys() == fields(demo).keys(), "the same address")
    assert all(fields(other)[name] == fields(demo)[name] for name in ("layout", "color", "hidden", "filters", "selection"))
    other.reload()
    wait_for_frame(other)
    until(lambda: seen(other) == seen(demo), "the same view after loading it again")


def test_a_link_pasted_into_an_open_page_and_the_way_back(demo: Any) -> None:
    plain = urlsplit(address(demo)).fragment
    demo.evaluate("location.hash = 'color=label'")
    until(lambda: demo.get_by_label("colour by").input_value() == "label", "the other colour")
    demo.evaluate("history.back()")
    until(lambda: demo.get_by_label("colour by").input_value() == fields_of(plain)["color"], "the colour before")


def test_what_is_not_there_is_said_once_and_the_rest_is_taken(served: Any, open_page: Callable[..., Any]) -> None:
    rule = {"number": {"rule": {"rule": "where", "column": "gone", "op": "==", "value": 1}, "on": {}}}
    page = open_page(
        f"{served('demo').url}#layout=umap:gone&camera=0,1,0,1&color=label&filters={json.dumps(rule)}&selection=%ZZ&nope=1"
    )
    wait_for_frame(page)
    until(lambda: page.locator(".toast").count() == 1, "one message")
    said_once = "the link asked for a layout, filters, a selection and a part of the map that are not here any more"
    assert page.locator(".toast").inner_text() == said_once
    assert page.get_by_label("colour by").input_value() == "label"


def test_share_copies_the_link_and_says_what_it_carries(demo: Any) -> None:
    demo.context.grant_permissions(["clipboard-read", "clipboard-write"])
    all_of_it(demo)
    demo.evaluate("history.replaceState(null, '', '?token=secret' + location.hash)")
    demo.get_by_role("button", name="Share").click()
    toast = until(lambda: demo.locator(".toast").count() and demo.locator(".toast").last.inner_text(), "what it says")
    assert toast == ("Link copied: layout, colour, 1 filter, what the legend hides, the part of the map and the selection. "
                     "It opens on this computer while this server runs.")  # fmt: skip
    link = demo.evaluate("navigator.clipboard.readText()")
    assert "token" not in link
    assert "secret" not in link
    assert dict(parse_qsl(urlsplit(link).fragment)) == fields(demo)


def test_the_address_is_left_alone_where_nobody_asked(served: Any, open_page: Callable[..., Any]) -> None:
    """Moving about writes the address a few times a second at most, and makes no entries to go back through."""
    page = open_page(served("demo").url)
    wait_for_frame(page)
    until(lambda: fields(page), "an address")
    before = page.evaluate("history.length")
    page.evaluate("""() => {
        const own = history.replaceState
        window.writes = 0
        window.began = performance.now()
        history.replaceState = (...all) => { window.writes += 1; own.apply(history, all) }
    }""")
    page.locator("canvas.map-canvas").focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
    until(lambda: "camera" in fields(page), "the part of the map")
    writes, milliseconds = page.evaluate("[window.writes, performance.now() - window.began]")
    assert 1 <= writes <= 1 + milliseconds / 399, "one in 400 ms"
    assert page.evaluate("history.length") == before
