"""The page as an ipywidget, as far as it needs no notebook: its traits, its wire, its end; and the picture a notebook keeps."""

from __future__ import annotations

import base64
import gc
import io
import json
import math
import re
import sys
import time
import types
import weakref
from collections.abc import Iterator
from typing import Any

import ipywidgets
import numpy as np
import pytest
import waiting
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from explorer import Explorer, InputError, Map, Session, compose
from explorer.installation import comm_advice
from explorer.views import cell
from explorer.views.mirror import MIRRORED
from explorer.views.still import MOST_ITEMS, said, still
from explorer.views.widget import Widget, packed

POINTS = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)


def session(name: str = "array") -> Session:
    made = Session(POINTS)
    made.extract("vectors")
    made.reduce("pca")
    made.cluster("kmeans", n_clusters=3)
    return made


@pytest.fixture
def view() -> Iterator[Explorer]:
    made = Explorer(session())
    yield made
    made.widget.close()
    made.close()


# Traits


def test_traits_are_the_views_values(view: Explorer) -> None:
    changes: list[Any] = []
    view.observe(lambda change: changes.append(change["new"].tolist()), "selection")
    view.widget.selection = [3, 1]
    assert view.selection.tolist() == [1, 3]
    assert view.widget.selection.tolist() == [1, 3]
    everything = [[-99, -99], [99, -99], [99, 99], [-99, 99]]
    view.page.heard({"verb": "select", "rule": {"rule": "lasso", "vertices": everything}, "mode": "replace"})
    assert changes == [[1, 3], list(range(80))], "once a brush"
    with pytest.raises(InputError):
        view.widget.selection = [99]
    assert len(changes) == 2
    for name in MIRRORED:
        assert view.widget.has_trait(name)
        assert not view.widget.trait_metadata(name, "sync"), "the page gets pictures, not ids"


def test_one_may_stop_observing(view: Explorer) -> None:
    changes: list[Any] = []
    view.observe(changes.append)
    view.unobserve(changes.append)
    view.selection = [1]
    assert changes == []


def test_it_sits_in_ipywidgets_layouts(view: Explorer) -> None:
    box = ipywidgets.HBox([view.widget, ipywidgets.Label("beside"), view.part("items").widget])
    assert isinstance(box.children[0], Widget)
    assert view.widget is view.widget, "one model, however often it is shown"
    assert box.children[2].areas == ["items"]
    assert len(compose(Map(session()), Map(session())).widget.children) == 2


# The wire


def unpacked(value: Any, buffers: list[Any]) -> Any:
    """What the page's script does."""
    if isinstance(value, list):
        return [unpacked(part, buffers) for part in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$"), int):
        return bytes(buffers[value["$"]])
    if isinstance(value.get("$"), str):
        return float(value["$"].replace("Infinity", "inf"))
    return {name: unpacked(part, buffers) for name, part in value.items()}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text().filter(lambda name: name != "$"), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_a_message_comes_through_as_it_was(message: Any) -> None:
    buffers: list[Any] = []
    wire = json.loads(json.dumps(packed(message, buffers), allow_nan=False))
    assert repr(unpacked(wire, buffers)) == repr(message), "NaN equals nothing, its name does"


def test_numpys_numbers_are_plain_on_the_wire() -> None:
    message = {"a": np.int64(3), "b": np.float32(math.inf), "c": np.array([1.0, math.nan]), 4: (True, np.bool_(False))}
    assert packed(message, []) == {"a": 3, "b": {"$": "Infinity"}, "c": [1.0, {"$": "NaN"}], "4": [True, False]}


@pytest.mark.parametrize(
    "message", [None, 3, "ready", [], {}, {"verb": None}, {"verb": "nope"}, {"of": {}}, {"verb": "ready", "of": [1]}]
)
def test_what_is_no_message_does_no_harm(view: Explorer, message: Any) -> None:
    view.widget._handle_custom_msg(message, [])
    view.selection = [2]
    assert view.widget.selection.tolist() == [2]


# Its end


def test_a_view_goes_when_no_page_shows_it() -> None:
    """Jupyter keeps every widget: a cell that is run again must not keep its data twice."""
    view = Explorer(session())
    gone, widget = weakref.ref(view), view.widget
    widget._handle_custom_msg({"verb": "ready", "of": "a"}, [])
    widget._handle_custom_msg({"verb": "ready", "of": "b"}, [])
    del view
    gc.collect()
    assert gone() is not None, "it is shown twice"
    widget._handle_custom_msg({"verb": "gone", "of": "a"}, [])
    gc.collect()
    assert gone() is not None, "once still"
    widget._handle_custom_msg({"verb": "gone", "of": "b"}, [])
    waiting.until(lambda: gc.collect() >= 0 and gone() is None, "the view to go: threads may still work for its page")
    assert widget.comm is None, "closed: its output in the page goes too"
    assert widget.selection is None


def test_a_view_that_is_shown_nowhere_goes_too() -> None:
    view = Explorer(session())
    gone, _ = weakref.ref(view), view.widget
    del view
    waiting.until(lambda: gc.collect() >= 0 and gone() is None, "the view to go: threads may still work for its page")


def test_a_kept_session_does_not_keep_the_views_of_earlier_runs() -> None:
    """The session is made in one cell; the next one, with the view, is run again and again."""
    kept, alive = session(), weakref.WeakSet()
    for run in range(5):
        view = Explorer(kept)
        alive.add(view)
        for cell_ in (view.widget, view.part("map").widget):
            cell_._handle_custom_msg({"verb": "ready", "of": "a"}, [])
            if run < 4:
                cell_._handle_custom_msg({"verb": "gone", "of": "a"}, [])
    watchers = len(kept.param.watchers["selection"]["value"])
    waiting.until(lambda: gc.collect() >= 0 and len(alive) == 1, "the other views to go: their pictures are drawn in threads")
    assert len(kept.param.watchers["selection"]["value"]) <= watchers / 4, "nor their watchers"
    kept.select([1])
    assert view.widget.selection.tolist() == [1]
    view.close()
    assert not kept.param.watchers["selection"]["value"]


def test_a_view_that_was_just_displayed_is_there_when_its_page_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell, "_display", lambda *given, **named: None)
    monkeypatch.setattr("IPython.display.display", lambda widget: None)
    view = Explorer(session())
    gone, widget = weakref.ref(view), view.widget
    view._ipython_display_()
    del view
    gc.collect()
    assert gone() is not None
    for verb in ("ready", "gone"):
        widget._handle_custom_msg({"verb": verb, "of": "a"}, [])
    waiting.until(lambda: gc.collect() >= 0 and gone() is None, "the view to go: threads may still work for its page")


def test_pages_that_went_without_a_word_are_not_drawn_for(view: Explorer) -> None:
    """Of a page that is loaded again the old name stays, where its last word was lost."""
    looks = {"verb": "view", "viewport": [-5.0, 5.0, -4.0, 4.0], "width": 80, "height": 64, "ratio": 1, "sequence": 1}
    for page in "abcdef":
        view.widget._handle_custom_msg({"verb": "ready", "of": page}, [])
        view.widget._handle_custom_msg(looks | {"of": page}, [])
        view.widget._handle_custom_msg(looks | {"of": "a"}, [])
    assert list(view._requests) == ["d", "e", "f", "a"], "who looks is not taken for gone"
    view.widget._handle_custom_msg(looks | {"of": "b"}, [])
    assert list(view._requests) == ["e", "f", "a", "b"], "and is there again when it looks again"


def test_a_part_that_is_shown_no_more_is_told_nothing(view: Explorer) -> None:
    part = view.part("map").widget
    part._handle_custom_msg({"verb": "ready", "of": "a"}, [])
    assert part in view._traits
    part._handle_custom_msg({"verb": "gone", "of": "a"}, [])
    assert part not in view._traits
    part._handle_custom_msg({"verb": "ready", "of": "b"}, [])
    assert part in view._traits, "it was put somewhere again"
    part.close()
    assert part not in view._traits


def test_a_closed_widget_is_made_again(view: Explorer) -> None:
    first = view.widget
    first.close()
    assert view.widget is not first
    view.widget.selection = [4]
    assert view.selection.tolist() == [4]


def test_a_session_that_was_given_outlives_its_views() -> None:
    shared = session()
    first, second = Explorer(shared), Map(shared)
    first.close()
    second.labels = {7: "yes"}
    assert dict(second.labels) == {7: "yes"}


def test_several_cells_have_one_picture_that_follows(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str | None, bool]] = []
    monkeypatch.setattr(cell, "LATER", 0.01)
    monkeypatch.setattr(cell, "_display", lambda bundle, name=None, *, update=False: shown.append((name, update)))
    watchers = len(view.session.param.watchers["selection"]["value"])
    cell.show([view.part("map")])
    cell.show([view.whole])
    cell.show([view.whole])
    assert len(view.session.param.watchers["selection"]["value"]) == watchers + 2, "one an area"
    shown.clear()
    view.selection = [1]
    waiting.until(lambda: len(shown) >= 2, "pictures made anew")
    assert {name for name, update in shown if update} == {f"explorer-{view.whole.identity}-{count}" for count in (0, 1)}
    view.close()
    shown.clear()
    view.session.select([2])
    time.sleep(0.1)
    assert shown == []


# What a saved notebook shows


def test_the_still_picture_has_the_counts_and_the_map(view: Explorer) -> None:
    view.labels = {1: "mine", 2: "mine"}
    view.selection = [1]
    made = still(view.session, "abc", hint="do this")
    words = "80 vectors · 3 clusters · mine 2 · 1 selected"
    assert words in made["text/plain"]
    assert words in made["text/html"]
    image = re.search(r'src="data:image/png;base64,([^"]+)"', made["text/html"])
    assert image
    assert Image.open(io.BytesIO(base64.b64decode(image[1]))).size == (900, 560)
    assert '<iframe sandbox="allow-scripts"' in made["text/html"], "the map to pan, which may do nothing else"
    assert not re.search(r"""(?:src|href)="https?:""", made["text/html"]), "nothing is asked of any network"


def test_a_large_map_is_kept_as_a_picture_alone() -> None:
    large = Session(np.random.default_rng(0).normal(size=(MOST_ITEMS + 1, 2)).astype(np.float32))
    large.give(layout=large.dataset.vectors)
    made = still(large, "abc", hint="")["text/html"]
    assert "<iframe" not in made
    assert "<img" in made


def test_before_there_is_a_map_the_still_says_so() -> None:
    made = still(Session(POINTS), "abc", hint="")
    assert "not computed yet" in made["text/html"]
    assert "80 vectors" in made["text/plain"]


@pytest.mark.parametrize(
    ("variables", "module", "word", "everywhere"),
    [
        ({}, "", "JupyterLab", False), ({"VSCODE_PID": "1"}, "", "VS Code", True),
        ({"COLAB_RELEASE_TAG": "1"}, "", "enable_custom_widget_manager", True), ({}, "marimo", "In marimo", True),
    ],
)  # fmt: skip
def test_each_front_end_is_told_what_helps(
    variables: dict[str, str], module: str, word: str, everywhere: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the page can be told to be a running Jupyter's is the advice kept from other pages."""
    for name in ("VSCODE_PID", "VSCODE_CWD", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "marimo", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if module:
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    made = still(Session(POINTS), "abc", hint=comm_advice())["text/html"]
    assert word in made.partition('class="hint"')[2] or not everywhere
    assert (".hint { display: none; }" not in " ".join(made.split())) == everywhere


def test_what_the_data_says_is_text_in_the_still(view: Explorer) -> None:
    view.labels = {1: '<img src=x onerror="alert(1)">'}
    made = still(view.session, "abc", hint='"><script>alert(2)</script>')["text/html"]
    assert "<img src=x" not in made
    assert "<script" not in re.sub(r'srcdoc="[^"]*"', "", made), "outside of the frame there is no script at all"
    assert said(view.session).count("<img") == 1, "as plain text it is itself"
