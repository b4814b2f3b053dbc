"""The labelling desk in a real browser: the tree of categories, clusters to be named, history, labellers, files of labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import wait_for_frame
from test_dashboard import said, selected
from waiting import until

import explorer
from explorer import Ids, Session, Workspace

N = 300
BAD = "<img src=x onerror='window.ran=1'>"
CLUSTERS = 5
PLACES = np.array([[0, 0], [10, 0], [0, 10], [10, 10], [5, 5]])


@pytest.fixture(scope="module")
def source(tmp_path_factory: Any) -> Path:
    """A table of five heaps, and a workspace in which two people have labelled."""
    folder: Path = tmp_path_factory.mktemp("desk")
    places = PLACES[np.arange(N) % CLUSTERS] + np.random.default_rng(0).normal(0, 0.3, (N, 2))
    path = folder / "table.parquet"
    pq.write_table(pa.table({"id": [f"i{row}" for row in range(N)], "x": places[:, 0], "y": places[:, 1]}), path)
    dataset = explorer.read(path, layout="x,y")
    workspace = Workspace(dataset, folder / "shared.explorer")
    anna, ben = (Session(dataset, workspace, user=user) for user in ("anna", BAD))
    anna.label("a", Ids(dataset.ids[:20]))
    anna.label("b", Ids(dataset.ids[20:40]))
    ben.label("b", Ids(dataset.ids[:5]))
    workspace.close()
    return path


@pytest.fixture
def page(served: Any, open_page: Any, source: Path) -> Any:
    """The tab, of a page as anna."""
    folder = str(source.parent / "shared.explorer")
    options = [
        "--layout",
        "x,y",
        "--cluster",
        "kmeans",
        "--set",
        f"cluster.n_clusters={CLUSTERS}",
        "--workspace",
        folder,
        "--user",
        "anna",
    ]
    page = open_page(served("open", str(source), *options).url)
    wait_for_frame(page)
    page.get_by_role("tab", name="Labels").click()
    until(lambda: page.locator(".nameless .pick").count() > 0, "the desk")
    return page


def new_set(page: Any, name: str) -> None:
    """A label set of one's own: all tests share one server."""
    page.locator(".desk select").select_option("new")
    page.get_by_label("name of the label set").fill(name)
    page.keyboard.press("Enter")
    until(lambda: page.locator(".desk .said").inner_text().startswith("0 of 300 labelled"), "an empty set")
    until(lambda: page.locator(".nameless .pick").count() == CLUSTERS, "all clusters without a name")


def name_cluster(page: Any, name: str, place: int = 0) -> None:
    before = page.locator(".nameless .pick").count()
    page.locator(".nameless").get_by_role("button", name="name cluster").nth(place).click()
    page.get_by_label("category for cluster").fill(name)
    page.keyboard.press("Enter")
    until(lambda: page.locator(".nameless .pick").count() == before - 1, f"one less than {before} without a name")


def edit(page: Any, name: str) -> None:
    page.locator(".cats").get_by_role("button", name=f"edit {name}", exact=True).click()


def tree(page: Any) -> list[list[str]]:
    """The tree's lines, as the words in them."""
    return [line.split() for line in page.locator(".cats .cat .pick").all_inner_texts()]


def test_clusters_are_named_and_categories_become_a_tree(page: Any) -> None:
    new_set(page, "tree")
    assert "No labels yet" in page.locator(".cats").inner_text()
    assert page.locator(".part header", has_text="Clusters").inner_text().endswith("0 of 5 have one")
    name_cluster(page, "owl")
    until(lambda: tree(page) == [["owl", "1", "60"]], "a category")
    assert page.locator(".desk .said").inner_text() == "60 of 300 labelled · 20 %"
    assert page.locator(".share i").count() == 1
    name_cluster(page, "cat")
    owl = page.locator(".cats .pick", has_text="owl")
    owl.focus()
    page.keyboard.press("F2")
    page.get_by_label("new name of owl").fill("bird/owl")
    page.keyboard.press("Enter")
    until(lambda: tree(page) == [["bird", "60"], ["owl", "1", "60"], ["cat", "2", "60"]], "a parent")
    edit(page, "cat")
    page.get_by_label("part of").select_option(label="bird")
    page.get_by_label("key", exact=True).select_option("7")
    page.get_by_label("note").fill(BAD)
    page.get_by_role("button", name="Save").click()
    until(lambda: tree(page) == [["bird", "120"], ["owl", "1", "60"], ["cat", "✎", "7", "60"]], "a part of it, with key and note")
    page.locator(".cats .pick.heading").click()
    until(lambda: selected(page) == 120, "all of the parent's")
    page.locator(".cats .pick", has_text="owl").click()
    until(lambda: selected(page) == 60, "owls only")
    page.get_by_label("parts of bird").first.click()
    until(lambda: tree(page) == [["bird", "120"]], "folded")
    assert page.evaluate("window.ran || 0") == 0


def test_merging_and_splitting_are_shown_before_they_are_done(page: Any) -> None:
    new_set(page, "merge")
    for name in ("barn owl", "owl"):
        name_cluster(page, name)
    until(lambda: len(tree(page)) == 2, "two categories")
    edit(page, "barn owl")
    page.get_by_label("merge into").select_option(label="owl")
    until(lambda: "60 + 60 = 120" in page.locator(".preview").inner_text(), "the preview")
    page.get_by_role("button", name="Merge", exact=True).click()
    until(lambda: tree(page) == [["owl", "2", "120"]], "one category")
    edit(page, "owl")
    page.get_by_role("button", name="Split by cluster").click()
    until(lambda: page.locator(".preview li").count() == 2, "two parts")
    assert all(line.split()[-1] == "60" for line in page.locator(".preview li").all_inner_texts())
    page.get_by_role("button", name="Split into 2").click()
    until(lambda: [words[-1] for words in tree(page)] == ["120", "60", "60"], "the parts below it")
    page.locator(".cats").get_by_role("button", name="edit owl/cluster").first.click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete: 60 lose their label").click()
    until(lambda: page.locator(".desk .said").inner_text().startswith("60 of"), "half of them")
    page.keyboard.press("Control+z")
    until(lambda: page.locator(".desk .said").inner_text().startswith("120 of"), "all of it taken back")


def test_history_tells_why_and_selects_again(page: Any) -> None:
    page.locator("canvas.map-canvas").press("Escape")  # what this user had selected last is selected again
    until(lambda: selected(page) == 0, "nothing is selected")
    new_set(page, "history")
    name_cluster(page, BAD)
    rows = page.locator(".past li")
    until(lambda: BAD in rows.first.inner_text(), "what was done")
    assert rows.first.inner_text().split()[-2:] == ["60", "now"]
    rows.first.locator(".pick").click()
    until(lambda: "Because of: the cluster “cluster" in rows.first.inner_text(), "why")
    page.get_by_role("button", name="Select these items").click()
    until(lambda: selected(page) == 60, "its items")
    page.locator("canvas.map-canvas").press("Escape")
    until(lambda: selected(page) == 0, "nothing")
    page.get_by_role("button", name="Select by the rule again").click()
    until(lambda: selected(page) == 60, "its rule's items")
    for left in (0, 60, 0):  # the selections, one after another
        page.keyboard.press("Control+z")
        until(lambda left=left: selected(page) == left, "the selection before")
    page.keyboard.press("Control+z")
    until(lambda: page.locator(".desk .said").inner_text().startswith("0 of 300"), "the label is taken back")
    until(lambda: "undone" in (rows.nth(1).get_attribute("class") or ""), "struck through")
    assert "undo:" in rows.first.inner_text()
    assert page.evaluate("window.ran || 0") == 0


def test_labellers_are_compared(page: Any) -> None:
    labellers = page.locator(".part", has=page.get_by_role("heading", name="Labellers"))
    page.locator(".desk select").select_option("0")  # this user's last page was in another set, perhaps
    until(labellers.is_visible, "two labellers")
    assert page.locator(".comparison").is_hidden()
    page.get_by_role("button", name="Compare", exact=True).click()
    button = page.get_by_role("button", name="Select the 5 items they disagree on")
    button.wait_for()
    told = labellers.inner_text()
    assert "Too low" in told
    assert re.search(r"a / b\s+5", told)
    assert re.search(r"anna\s+40", told)
    button.click()
    until(lambda: selected(page) == 5, "what they disagree on")
    assert page.evaluate("window.ran || 0") == 0
    new_set(page, "compare")
    until(lambda: labellers.is_hidden() or "nothing to compare" in labellers.inner_text(), "nobody there")


def test_labels_come_from_a_file(page: Any, tmp_path: Path) -> None:
    new_set(page, "import")
    name_cluster(page, "mine")
    file = tmp_path / f"{'x' * 20} <b>.csv"
    rows = [f"i{row},{'NA' if row % 2 else 'even'}" for row in range(100)] + [f"nobody {row},x" for row in range(30)]
    file.write_text("\n".join(["who,label", *rows, f'"{BAD}",x']))
    page.get_by_role("button", name="Import…").click()
    page.get_by_label("file of labels").set_input_files(file)
    dialog = page.locator(".import-form")
    until(lambda: "100 of 131 ids are known" in dialog.inner_text(), "the preview")
    assert "31 are not here: nobody 0, nobody 1" in dialog.inner_text()
    assert page.get_by_label("column of ids").input_value() == "who"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the list").click()
    assert Path(download.value.path()).read_text().splitlines() == [*(f"nobody {row}" for row in range(30)), BAD]
    page.get_by_label("labels that are there").select_option("keep")
    page.get_by_role("button", name="Import 80 labels").click()
    until(lambda: page.locator(".desk .said").inner_text().startswith("140 of 300"), "the labels")
    assert not dialog.is_visible()
    until(lambda: sorted(words[0] for words in tree(page)) == ["NA", "even", "mine"], "its categories")
    page.keyboard.press("Control+z")
    until(lambda: page.locator(".desk .said").inner_text().startswith("60 of 300"), "one action")
    assert page.evaluate("window.ran || 0") == 0


def test_a_file_that_cannot_be_read_says_why(page: Any, tmp_path: Path) -> None:
    for name, content, why in (
        ("a.csv", "", "empty (0 bytes)"),
        ("b.parquet", "no parquet", "b.parquet"),
        ("c.exe", "x", "cannot be read"),
    ):
        (tmp_path / name).write_text(content)
        page.get_by_role("button", name="Import…").click()
        page.get_by_label("file of labels").set_input_files(tmp_path / name)
        until(lambda why=why: why in page.locator(".import-form .message").inner_text(), why)
        assert page.locator(".import-form footer .primary").is_disabled()
        page.keyboard.press("Escape")
        until(lambda: page.locator(".import-form").count() == 0, "closed")
    assert said(page).startswith("300 of 300")
