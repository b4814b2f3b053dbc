"""Pictures out of a real page: what is downloaded is a picture of what the map shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def asked(page: Any) -> Any:
    """The dialog with its picture's side in front."""
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export")
    dialog.get_by_role("button", name="Picture").click()
    return dialog


def downloaded(page: Any, dialog: Any) -> Path:
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    dialog.wait_for(state="detached")
    path = download.value.path()
    assert download.value.suggested_filename.startswith("emoji-map.")
    return Path(path)


def test_a_print_as_png(demo: Any) -> None:
    dialog = asked(demo)
    dialog.get_by_label("size", exact=True).select_option("print")
    assert dialog.get_by_label("width", exact=True).input_value() == "6000"
    dialog.get_by_label("ground", exact=True).select_option("dark")
    path = downloaded(demo, dialog)
    with Image.open(path) as image:
        assert image.size[0] == 6000
        assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
        assert image.getpixel((2, 2)) == (0x16, 0x19, 0x1F)


def test_what_the_legend_hides_is_not_in_the_svg(demo: Any) -> None:
    demo.locator(".legend .entry", has_text="Flags").click()
    demo.locator(".sentence", has_text="270 of").wait_for()
    dialog = asked(demo)
    dialog.get_by_label("picture format").select_option(".svg")
    dialog.get_by_label("axes", exact=True).check()
    root = ET.parse(downloaded(demo, dialog)).getroot()
    legend = [text.text for text in root.findall(f"{SVG}g[@class='legend']/{SVG}text")]
    assert {"category", "Flags", "270", "UMAP 1"} <= set(legend)
    assert "Objects" not in legend
    canvas = demo.locator("canvas.map-canvas").bounding_box()
    assert float(root.get("width").removesuffix("in")) * 96 == pytest.approx(canvas["width"], abs=2)


def test_a_width_that_is_not_allowed_is_said_in_the_form(demo: Any) -> None:
    dialog = asked(demo)
    dialog.get_by_label("width", exact=True).fill("20000")
    assert dialog.get_by_label("size", exact=True).input_value() == "own"
    dialog.get_by_role("button", name="Download").click()
    assert dialog.get_by_label("width", exact=True).evaluate("el => !el.validity.valid")
    assert dialog.get_by_role("button", name="Download").is_enabled()
