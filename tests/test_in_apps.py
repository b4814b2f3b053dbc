"""Views among other people's components, as far as it needs no browser: layouts, files, and which page is answered."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import pytest
from bokeh.document import Document
from panel.models.esm import ReactiveESM
from PIL import Image
from waiting import until

import explorer
from explorer import Explorer, InputError, Map, Session
from explorer.views.component import Page, style
from explorer.views.pages import AREAS, LONGEST, Pages

POINTS = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
APPS = Path(__file__).parents[1] / "apps"


@pytest.fixture
def view() -> Iterator[Explorer]:
    session = Session(POINTS)
    session.extract("vectors")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=3)
    made = Explorer(session)
    yield made
    made.close()


class Kept:
    """A page that keeps what it is brought."""

    def __init__(self, view: Explorer) -> None:
        self.view = view
        self.messages: list[dict[str, Any]] = []
        view.page.add(self)

    def deliver(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def say(self, verb: str, *, of: str = "me", **fields: Any) -> None:
        self.view.page.heard({"verb": verb, "of": of} | fields, self)

    def told(self, key: str) -> list[Any]:
        return [message[key] for message in list(self.messages) if key in message]


# Files


def test_save_writes_one_file_that_asks_nobody(view: Explorer, tmp_path: Path) -> None:
    written = view.save(tmp_path / "page.html")
    page = written.read_text()
    assert page.lower().startswith("<!doctype html>")
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?https?://""", page)
    with pytest.raises(InputError, match="is there already"):
        view.save(tmp_path / "page.html")
    view.save(tmp_path / "page.html", force=True)


def test_save_writes_a_picture(view: Explorer, tmp_path: Path) -> None:
    Map(view.session).save(tmp_path / "map.png", width=640, height=480)
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.size == (640, 480)
    assert b"<svg" in view.save(tmp_path / "map.svg").read_bytes()[:300]
    with pytest.raises(InputError, match=r".docx"):
        view.save(tmp_path / "map.docx")
    assert sorted(path.name for path in tmp_path.iterdir() if "settings" not in path.name) == ["map.png", "map.svg"]


def test_save_writes_what_the_map_shows(view: Explorer, tmp_path: Path) -> None:
    x0, x1, y0, y1 = -0.5, 0.5, -0.5, 0.5
    view.save(tmp_path / "all.png", width=400, height=400)
    view.camera = (x0, x1, y0, y1)
    view.save(tmp_path / "part.png", width=400, height=400)
    view.session.picture(tmp_path / "told.png", width=400, height=400, viewport=view.camera)
    view.save(tmp_path / "other.png", width=400, height=400, viewport=None)
    made = {path.stem: np.asarray(Image.open(path)).tobytes() for path in tmp_path.glob("*.png")}
    assert made["part"] == made["told"] != made["all"] == made["other"]


def test_save_runs_the_steps_that_are_missing(tmp_path: Path) -> None:
    """The one-liners of the documentation, without any page; quick methods, as the defaults compile for a minute in a new place."""
    view = Explorer(POINTS, steps={"reduce": "pca", "cluster": "kmeans"})
    assert "Content-Security-Policy" in view.save(tmp_path / "page.html").read_text()
    assert view.session.clusters is not None
    chosen = explorer.explore(POINTS, layout="pca", clusters="kmeans")
    chosen.save(tmp_path / "chosen.png")
    assert chosen.session.layout.method == "pca"
    with Image.open(tmp_path / "chosen.png") as picture:
        assert picture.width > 100
    view.close()
    chosen.close()


def test_save_waits_for_what_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = explorer.explore(POINTS, layout="pca", clusters="kmeans")
    begun: list[str] = []
    start = Session.start
    monkeypatch.setattr(Session, "start", lambda self, step: begun.append(step.method) or start(self, step))
    view.page.heard({"verb": "ready"})
    view.save(tmp_path / "page.html")
    view.page.heard({"verb": "ready"})
    view.save(tmp_path / "again.html")
    assert begun == ["vectors", "pca", "kmeans"]
    view.close()


def test_save_says_which_step_failed(tmp_path: Path) -> None:
    few = Explorer(POINTS, steps={"extract": "lsa"})
    (tmp_path / "there.html").write_text("mine")
    for name, why in (("there.html", "is there already"), ("map.docx", "docx"), ("new.html", "extract lsa: ")):
        with pytest.raises(InputError, match=why):
            few.save(tmp_path / name)
        assert bool(few.pipeline.messages["extract"]) == (name == "new.html"), "nothing runs for what cannot be written"
    few.close()


# Layouts


def shown(layout: Any) -> list[Any]:
    return sorted(layout.get_root().select({"type": ReactiveESM}), key=lambda model: -model.height)


def test_a_view_and_its_parts_in_a_layout(view: Explorer) -> None:
    pages = shown(pn.Row(view, view.part("map", height=300), pn.widgets.Button(label="other")))
    described = [(one.height, one.sizing_mode, one.data.served) for one in pages]
    assert described == [(680, "stretch_width", False), (300, "stretch_width", False)]
    assert [len(one.data.areas) for one in pages] == [len(AREAS), 1]


def test_the_map_alone(view: Explorer) -> None:
    alone = Map(view.session)
    assert isinstance(pn.panel(alone), Page)
    (page,) = shown(pn.Column(alone))
    assert (page.data.areas, page.height) == (["map"], 520)


def test_parts_of_one_line_are_as_high_as_they_need(view: Explorer) -> None:
    assert [view.part(area).height for area in AREAS] == [0, 680, 680, 680, 680, 0]
    assert pn.panel(view.part("labels", "header")).height is None
    assert pn.panel(view.part("labels", height=90)).height == 90


def test_a_menu_bound_both_ways(view: Explorer) -> None:
    menu = pn.widgets.Select(options=[choice["value"] for choice in view.session.color_choices], value=view.color_by)
    menu.link(view, value="color_by", bidirectional=True)
    menu.value = "density"
    assert view.session.color_by == "density"
    view.page.heard({"verb": "color", "by": "none"})
    assert menu.value == "none"


def test_a_function_bound_to_the_selection(view: Explorer) -> None:
    counted = pn.bind(lambda ids: f"{len(ids)} selected", view.param.selection)
    pane = pn.pane.Str(counted)
    assert pane.object == "0 selected"
    other = Explorer(POINTS)
    view.selection = [3, 1]
    assert (counted(), pane.object) == ("2 selected", "2 selected")
    other.selection = [5]
    assert pane.object == "2 selected", "another view's is not this one's"
    other.close()


def test_a_view_lives_as_long_as_what_shows_it(view: Explorer) -> None:
    """The session does not hold its views; a layout, a template and a document do."""
    shared, document = view.session, Document()
    layout, template = pn.Row(Explorer(shared)), pn.template.BootstrapTemplate()
    template.main.append(Explorer(shared))
    pn.panel(Explorer(shared)).server_doc(document)
    gc.collect()
    pages = [layout[0], template.main[0], pn.state._views[document.roots[0].ref["id"]][0]]
    for page in pages:
        sent: list[Any] = []
        (page if isinstance(page, Page) else page[0])._send_msg = sent.append
        shared.select([1])
        assert any("selection" in message.get("set", {}) for message in sent)
        shared.clear()


# Who is answered


def test_what_is_said_of_one_page_reaches_all_and_an_answer_the_one_that_asked(view: Explorer) -> None:
    one, other = Kept(view), Kept(view)
    one.say("select", rule={"rule": "cluster", "cluster": 0}, mode="replace")
    assert one.told("set")
    assert other.told("set") == one.told("set")
    one.say("undo")
    assert [message for message in one.messages if "toast" in message] == [
        {"toast": {"text": "undone: selection", "tone": ""}, "to": "me"}
    ]
    assert not other.told("toast")
    view._toast("to all")
    assert [kept.told("toast")[-1]["text"] for kept in (one, other)] == ["to all"] * 2
    one.say("select", rule={}, mode="no", of="x" * 500)
    assert one.messages[-1]["to"] == "x" * LONGEST, "a name that is none is cut"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"verb": "export", "ending": ".csv"}, "array-labels.csv"),
        ({"verb": "picture", "ending": ".png", "settings": {}}, "array-map.png"),
    ],
)
def test_a_file_goes_to_the_page_that_asked(view: Explorer, asked: dict[str, Any], name: str) -> None:
    one, other = Kept(view), Kept(view)
    one.say(**asked)
    part = until(lambda: next((part for part in one.told("part") if part["name"] == name and part["last"]), None), "the file")
    assert len(part["bytes"]) > 100
    until(lambda: {"exporting": None} in other.told("set") or {"writing": False} in other.told("set"), "the end of it")
    assert not other.told("part")
    assert {message["to"] for message in one.messages if "part" in message} == {"me"}


def test_a_page_that_is_there_anew_leaves_the_list_of_the_others_as_it_is(view: Explorer) -> None:
    one = Kept(view)
    one.say("ready")
    version = [said["items_of"]["version"] for said in one.told("set") if "items_of" in said][-1]
    other = Kept(view)
    other.say("ready")
    one.say("items", mode="table", version=version, start=0, count=5)
    assert until(lambda: one.told("items"), "the rows that it asked for")[0]["version"] == version
    assert not other.told("items")
    view.selection = [1]
    assert [said["items_of"]["version"] for said in other.told("set") if "items_of" in said][-1] > version


def test_an_answer_where_nobody_asked_reaches_all() -> None:
    pages = Pages(lambda message: None)
    got: list[Any] = []

    class Page:
        def deliver(self, message: dict[str, Any]) -> None:
            got.append(message)

    pages.add(Page())
    pages.add(Page())
    pages.answer(toast="hello")
    assert got == [{"toast": "hello"}] * 2


def test_shipped_apps_are_short_and_use_public_names() -> None:
    for name in ("panel_app.py", "fastapi_app.py"):
        source = (APPS / name).read_text()
        assert len(source.splitlines()) < 40
        assert set(re.findall(r"from explorer(\S*) import", source)) == {".sample"}
        assert set(re.findall(r"explorer.([A-Za-z_]+)", source)) <= {*explorer.__all__, "sample"}


def test_nothing_of_the_style_reaches_out() -> None:
    assert not re.findall(r"@import|url\(\s*['\"]?(?!data:)", style())
