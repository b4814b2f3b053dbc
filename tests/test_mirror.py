"""A view's values in Python: what is assigned is done, what a page does is read, and who watches hears of it once."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import waiting

import explorer
from explorer import Explorer, Ids, InCluster, InputError, Map, Session, Where, compose
from explorer.selection import Lasso
from explorer.views.mirror import MIRRORED

N = 60
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "id": [f"i{row}" for row in range(N)],
        "kind": ["abc"[row % 3] for row in range(N)],
        "size": RNG.normal(size=N),
        "weight": 1.0 * np.arange(N),
    }
)
VIEW = {"verb": "view", "viewport": [-5.0, 5.0, -4.0, 4.0], "width": 80, "height": 64, "ratio": 1, "sequence": 1}


def session(frame: pd.DataFrame = FRAME) -> Session:
    made = Session(frame)
    made.extract("columns", columns=["size", "weight"])
    made.reduce("pca")
    made.cluster("kmeans", n_clusters=3)
    return made


@pytest.fixture
def view() -> Iterator[Explorer]:
    made = Explorer(session())
    made.page.heard({"verb": "ready"})
    yield made
    made.close()


def heard(view: Explorer, name: str) -> list[Any]:
    """What a watcher of a value hears."""
    events: list[Any] = []
    view.param.watch(lambda event: events.append(event.new), name)
    return events


def sent(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What goes to the page from now on."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(view.page, "deliver", made.append)
    return made


def test_what_a_page_brushes_is_read_and_heard_once(view: Explorer) -> None:
    events, both = heard(view, "selection"), heard(view, "labels")
    everything = [[-99, -99], [99, -99], [99, 99], [-99, 99]]
    view.page.heard({"verb": "select", "rule": {"rule": "lasso", "vertices": everything}, "mode": "replace"})
    assert len(view.selection) == N
    assert len(events) == 1, "once a brush"
    assert events[0].tolist() == FRAME["id"].tolist(), "ids, never positions"
    assert both == []


def test_a_selection_is_set_by_ids_or_by_a_rule(view: Explorer) -> None:
    events = heard(view, "selection")
    view.selection = ["i5", "i3"]
    assert view.selection.tolist() == ["i3", "i5"], "in the dataset's order"
    view.selection = Where("kind", "==", "a")
    assert view.selection.tolist() == FRAME["id"][FRAME["kind"] == "a"].tolist()
    assert view.session.rule == Where("kind", "==", "a")
    view.selection = pd.Index(["i9"])
    view.selection = None
    assert [len(event) for event in events] == [2, 20, 1, 0]
    view.session.undo()
    assert view.selection.tolist() == ["i9"], "an assignment can be undone as a brush can"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("selection", [["i1"]]), ("selection", np.array([["i1"]])), ("selection", np.array("i1")), ("selection", [True, "i2"]),
        ("selection", np.ones(N, bool)), ("selection", pd.Series([True] * N)), ("hovered", ["i1"]), ("hovered", {}),
        ("selection", ["i5", "nobody"]), ("selection", "i5"), ("selection", 3), ("camera", (1, 0, 0, 1)), ("camera", (0, 1, 2)),
        ("camera", (0, 1, 0, float("nan"))), ("camera", "wide"), ("hovered", "nobody"), ("color_by", "colour"), ("color_by", None),
        ("filters", {"nothing": Where("kind", "==", "a")}), ("filters", {"kind": "a"}), ("filters", Where("kind", "==", "a")),
        ("labels", ["a"]), ("labels", {"nobody": "a"}), ("clusters", [1, 2]), ("clusters", {"nobody": 1}),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_and_changes_nothing(view: Explorer, name: str, wrong: Any) -> None:
    view.selection = ["i1"]
    before = {one: getattr(view, one) for one in MIRRORED}
    events = [heard(view, one) for one in MIRRORED]
    with pytest.raises(InputError):
        setattr(view, name, wrong)
    assert not any(events)
    for one, was in before.items():
        pd.testing.assert_series_equal(pd.Series(getattr(view, one)), pd.Series(was))


@pytest.mark.parametrize("mask", [np.ones(N, bool), [True, 2], pd.Series([True] * N, index=FRAME["id"])])
def test_a_mask_is_not_ids(view: Explorer, mask: Any) -> None:
    with pytest.raises(InputError, match=r"dataset\.ids\[mask\]"):
        view.selection = mask
    with pytest.raises(InputError, match="mask"):
        view.session.select(mask)


def test_rows_of_a_table_are_selected_by_their_ids(view: Explorer) -> None:
    view.selection = ["i4", "i7", "i9"]
    view.selection = view.selected.head(2)
    assert view.selection.tolist() == ["i4", "i7"]
    view.selection = view.clusters[["i1", "i2"]]
    assert view.selection.tolist() == ["i1", "i2"]
    view.selection = pd.Series(["i3", "i5"])
    assert view.selection.tolist() == ["i3", "i5"], "a Series of ids"
    view.selection = FRAME["id"].to_numpy()[:2]
    assert view.session.rule == Ids(["i0", "i1"])


@pytest.mark.parametrize("slip", ["colour_by", "label", "camara", "selektion", "hover"])
def test_a_slip_is_told(view: Explorer, slip: str) -> None:
    right = {"colour_by": "color_by", "label": "labels", "camara": "camera", "selektion": "selection", "hover": "hovered"}[slip]
    for try_it in (lambda: setattr(view, slip, None), lambda: view.observe(print, slip), lambda: view.unobserve(print, [slip])):
        with pytest.raises(InputError, match=f"did you mean '{right}'"):
            try_it()
    view.mine = 3
    assert view.mine == 3


def test_no_colours_stay_no_colours(view: Explorer) -> None:
    view.color_by = "none"
    view.session.cluster("kmeans", n_clusters=4)
    assert view.color_by == "none"
    other = Explorer(view.session)
    assert view.color_by == "none", "another view of the same session leaves it so, too"
    other.close()


def test_a_closed_view_says_so_and_does_nothing(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    page = sent(view, monkeypatch)
    view.close()
    assert "closed" in page[-1]["set"]["closed"]
    page.clear()
    view.page.heard({"verb": "select", "rule": InCluster(0).to_json(), "mode": "replace"})
    view.page.heard({"verb": "label", "name": "x", "action": "a1", "at": 1.0})
    assert not view.session.selection.any()
    assert "closed" in page[-2]["set"]["closed"] or "closed" in page[-1]["set"]["closed"]
    page.clear()
    view.page.heard({"verb": "ready"})
    assert [list(message["set"]) for message in page] == [["closed"]], "also after the page was loaded again"


def test_composed_views_that_were_made_for_it_are_closed_with_it() -> None:
    given = Explorer(session())
    linked = compose(given, FRAME)
    made = linked.views[1]
    linked.close()
    made.page.heard({"verb": "select", "rule": Ids(["i1"]).to_json(), "mode": "replace"})
    assert not made.session.selection.any()
    given.page.heard({"verb": "select", "rule": Ids(["i1"]).to_json(), "mode": "replace"})
    assert given.selection.tolist() == ["i1"], "it was given, and goes on"


def test_the_first_of_composed_views_leads() -> None:
    one, two = Explorer(session()), Map(session())
    one.camera, two.camera = (0, 1, 0, 1), (2, 3, 2, 3)
    one.color_by, two.color_by = "column:size", "cluster"
    compose(one, two, sync=("camera", "color_by"))
    assert one.camera == (0, 1, 0, 1)
    assert two.color_by == "column:size"
    assert two.camera is not None
    assert two.camera[0] < 2


def test_selected_is_the_selected_rows(view: Explorer) -> None:
    assert view.selected.empty
    view.selection = ["i4", "i7"]
    view.session.label("seven")
    rows = view.selected
    assert rows.index.tolist() == ["i4", "i7"]
    assert rows["kind"].tolist() == ["b", "b"]
    assert rows["cluster"].tolist() == view.clusters[["i4", "i7"]].tolist()
    assert rows["label"].tolist() == ["seven", "seven"]


def test_labels_become_exactly_what_is_assigned(view: Explorer) -> None:
    events = heard(view, "labels")
    view.labels = {"i1": "old", "i2": "old"}
    view.labels = pd.Series({"i2": "new", "i3": None})
    assert dict(view.labels) == {"i2": "new"}
    assert [dict(event) for event in events] == [{"i1": "old", "i2": "old"}, {"i2": "new"}]
    view.session.undo()
    assert dict(view.labels) == {"i1": "old", "i2": "old"}


def test_clusters_are_read_by_id_and_may_be_ones_own(view: Explorer) -> None:
    assert view.clusters.index.tolist() == FRAME["id"].tolist()
    events = heard(view, "clusters")
    view.clusters = pd.Series(np.repeat([0, 1], N // 2), index=FRAME["id"][::-1])
    assert view.clusters["i59"] == 0
    assert view.clusters["i0"] == 1
    assert len(events) == 1
    assert view.session.clusters.method == "given"


def test_colour_and_filters(view: Explorer) -> None:
    colors, filters = heard(view, "color_by"), heard(view, "filters")
    view.color_by = "cluster"
    view.page.heard({"verb": "color", "by": "column:size"})
    assert colors == ["cluster", "column:size"]
    view.filters = {"kind": Where("kind", "==", "a")}
    assert view.session.shown is not None
    assert view.session.shown.sum() == 20
    view.filters = {}
    assert [list(event) for event in filters] == [["kind"], []]


def test_filters_are_replaced_not_changed(view: Explorer) -> None:
    events, rule = heard(view, "filters"), Where("kind", "==", "a")
    for values in (view, view.session):
        with pytest.raises(TypeError, match="assign them anew"):
            values.filters["kind"] = rule
        with pytest.raises(TypeError):
            values.filters |= {"kind": rule}
        with pytest.raises(TypeError):
            values.filters.update(kind=rule)
    assert view.session.shown is None
    view.filters = dict(view.filters) | {"kind": rule}
    assert view.session.shown is not None
    assert view.filters == {"kind": rule}
    assert copy.deepcopy(view.filters) == view.filters
    with pytest.raises(TypeError):
        view.filters.clear()
    view.filters = {}
    assert [list(event) for event in events] == [["kind"], []]


def test_the_camera_goes_both_ways(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    events, page = heard(view, "camera"), sent(view, monkeypatch)
    assert view.camera is None
    view.camera = (-1, 1, -1, 1)
    assert {"camera": [-1.0, 1.0, -1.0, 1.0]} in [message.get("set") for message in page]
    view.page.heard(VIEW | {"viewport": [-1.2, 1.2, -1.0, 1.0], "told": True})
    assert view.camera == (-1.2, 1.2, -1.0, 1.0), "what the page really shows has its own shape"
    assert events == [(-1.0, 1.0, -1.0, 1.0)], "which is no wish of anybody's"
    view.page.heard(VIEW)
    assert events[1:] == [(-5.0, 5.0, -4.0, 4.0)]
    view.camera = None
    assert page[-1]["set"] == {"fit": True}


def test_a_camera_set_before_there_is_a_page_is_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Explorer(session())
    view.camera = (0, 2, 0, 2)
    page = sent(view, monkeypatch)
    view.page.heard({"verb": "ready"})
    assert [message["set"]["camera"] for message in page if "camera" in message.get("set", {})] == [[0.0, 2.0, 0.0, 2.0]]
    view.close()


def test_what_the_pointer_is_at(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    events, page = heard(view, "hovered"), sent(view, monkeypatch)
    x, y = map(float, view.session.layout.values[7])
    view.page.heard({"verb": "hover", "x": x, "y": y, "reach": 1e-6})
    view.page.heard({"verb": "hover", "x": x, "y": y, "reach": 1e-6})
    assert view.hovered == "i7"
    view.page.heard({"verb": "hover_off"})
    assert events == ["i7", None]
    view.hovered = "i3"
    told = waiting.until(
        lambda: [message["set"]["hover"] for message in page if message.get("set", {}).get("hover")][-1:], "a hover"
    )
    assert told[0]["title"] == "i3"
    assert told[0]["told"], "so that the page shows it wherever its pointer is"


def test_nothing_is_worked_out_where_nobody_watches(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(view), "_read_selection", lambda self: pytest.fail("ids were gathered for nobody"))
    view.session.select(Ids(["i1"]))


def test_what_a_page_asks_for_is_done_while_a_cell_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's page is answered in a thread beside the cells; the kernel's own loop waits for the cell that runs."""

    async def cell() -> None:
        view = Explorer(session())
        page, events = sent(view, monkeypatch), heard(view, "labels")

        def asked() -> None:
            view.page.heard({"verb": "select", "rule": InCluster(0).to_json(), "mode": "replace"})
            view.page.heard({"verb": "label", "name": "owl"})

        thread = threading.Thread(target=asked)
        thread.start()
        thread.join()
        assert any("labels" in message.get("set", {}) for message in page), "the page sees its label before the cell is over"
        assert len(events) == 1
        view.close()

    asyncio.run(cell())


# Areas


def test_the_map_alone_is_an_explorer_with_less_on_it() -> None:
    alone = Map(session())
    assert alone.whole.areas == ("map",)
    alone.selection = ["i1"]
    assert alone.selection.tolist() == ["i1"]
    assert Explorer(session(), show=["items", "map"]).whole.areas == ("map", "items"), "in the page's order"
    with pytest.raises(InputError, match="area"):
        Explorer(session(), show="maps")
    with pytest.raises(InputError, match="area"):
        alone.part("legend")


def test_parts_of_one_view_are_pages_of_their_own(view: Explorer) -> None:
    first, second = view.part("map").__panel__(), view.part("items").__panel__()
    told: dict[int, list[Any]] = {1: [], 2: []}
    first._send_msg, second._send_msg = told[1].append, told[2].append
    second._handle_msg({"verb": "ready"})
    assert told[2], "who is new hears everything"
    assert not told[1], "and the others nothing they know"
    told[2].clear()
    view.selection = ["i1"]
    assert told[1] == told[2] != []


def test_each_page_gets_its_own_picture(view: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    page = sent(view, monkeypatch)
    view.page.heard(VIEW | {"of": "one"})
    view.page.heard(VIEW | {"of": "two", "width": 120, "viewport": [0.0, 1.0, 0.0, 1.0]})

    def frames() -> dict[str, list[float]]:
        return {message["to"]: message["frame"]["viewport"] for message in page if "frame" in message}

    waiting.until(lambda: len(frames()) == 2, "both pictures")
    assert frames()["one"] != frames()["two"]
    page.clear()
    view.page.heard({"verb": "gone", "of": "one"})
    view.selection = ["i1"]
    waiting.until(lambda: frames(), "a picture")
    assert list(frames()) == ["two"]


# Several views


def test_composed_views_follow_each_other_by_id() -> None:
    other = FRAME.iloc[30:].assign(size=RNG.normal(size=30))
    linked = compose(Explorer(session()), Map(session(other)), sync=("selection", "hovered", "color_by", "labels"))
    one, two = linked.views
    events = heard(two, "selection")
    one.selection = ["i2", "i40", "i41"]
    assert two.selection.tolist() == ["i40", "i41"], "those that it has"
    two.selection = ["i50"]
    assert one.selection.tolist() == ["i50"]
    assert len(events) == 2
    one.hovered = "i45"
    assert two.hovered == "i45"
    one.hovered = "i1"
    assert two.hovered is None
    one.labels = {"i2": "a", "i44": "b"}
    assert dict(two.labels) == {"i44": "b"}
    one.color_by = "cluster"
    assert two.color_by == "cluster"
    linked.unlink()
    one.selection = ["i44"]
    assert two.selection.tolist() == ["i50"]


def test_composed_views_begin_alike() -> None:
    one, two = Explorer(session()), Map(session(FRAME.iloc[30:]))
    two.selection = ["i40", "i41"]
    two.filters = {"kind": Where("kind", "==", "a")}
    linked = compose(one, two, sync=("selection", "filters"))
    assert one.selection.tolist() == ["i40", "i41"]
    assert list(one.filters) == ["kind"]
    one.selection = ["i2"]
    assert two.selection.tolist() == []
    linked.unlink()


def test_composed_labels_leave_those_of_other_items_alone() -> None:
    one, two = compose(Explorer(session(FRAME[:40])), Explorer(session(FRAME[20:])), sync="labels").views
    two.labels = {"i50": "own", "i30": "shared"}
    assert dict(one.labels) == {"i30": "shared"}
    one.labels = {"i5": "mine", "i31": "new"}
    assert dict(two.labels) == {"i50": "own", "i31": "new"}


def test_composed_labels_of_before_stay_on_both_sides() -> None:
    one, two = Explorer(session()), Explorer(session())
    one.labels, two.labels = {"i1": "x"}, {"i2": "y", "i3": "y"}
    compose(one, two, sync="labels")
    one.session.label("z", Ids(["i5"]))
    assert dict(one.labels) == {"i1": "x", "i5": "z"}
    assert dict(two.labels) == {"i2": "y", "i3": "y", "i5": "z"}
    two.session.label("w", Ids(["i1", "i6"]))
    assert dict(one.labels) == {"i1": "w", "i5": "z", "i6": "w"}
    one.session.rename_category("w", "v")
    one.session.unlabel(Ids(["i5"]))
    assert dict(two.labels) == {"i1": "v", "i2": "y", "i3": "y", "i6": "v"}
    two.session.undo()
    assert dict(one.labels)["i5"] == "z", "what went over can be taken back on both sides"


@pytest.mark.parametrize("first", [0, 1])
def test_composed_labels_of_one_moment_are_all_kept(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a served page what is told waits for the next turn of the loop: labels given meanwhile in the other view stay."""
    linked = compose(Explorer(session()), Explorer(session()), sync="labels")
    views = linked.views if not first else linked.views[::-1]
    waits: list[Any] = []
    for view in views:
        monkeypatch.setattr(view, "_later", waits.append)
    views[0].session.label("x", Ids(["i6", "i8"]))
    views[1].session.label("z", Ids(["i7", "i8"]))
    while waits:
        waits.pop(0)()
    assert dict(views[0].labels) == dict(views[1].labels) == {"i6": "x", "i7": "z", "i8": "z"}, "of one item who was last"


def test_composed_views_that_are_labelled_in_two_threads_do_not_wait_for_each_other() -> None:
    one, two = compose(Explorer(session()), Explorer(session()), sync="labels").views

    def label(view: Explorer, name: str, some: range) -> None:
        for at in some:
            view.session.label(name, Ids([f"i{at}"]))

    given = ((one, "x", range(30)), (two, "y", range(30, 60)))
    threads = [threading.Thread(target=label, args=args, daemon=True) for args in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert dict(one.labels) == dict(two.labels) == {f"i{at}": "x" if at < 30 else "y" for at in range(60)}


def test_another_label_set_is_no_change_of_labels() -> None:
    one, two = compose(Explorer(session()), Explorer(session()), sync="labels").views
    one.session.label("x", Ids(["i1"]))
    one.session.use_label_set("quality")
    assert dict(two.labels) == {"i1": "x"}
    one.session.label("good", Ids(["i2"]))
    assert dict(two.labels) == {"i1": "x", "i2": "good"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("selection", ["i1", "i2"]), ("camera", (0, 1, 0, 1)), ("hovered", "i3"), ("labels", {"i1": "a"}),
     ("clusters", pd.Series(list("abc") * 20, index=FRAME["id"])), ("color_by", "column:size"),
     ("filters", {"size": Where("size", ">", 0)})],
)  # fmt: skip
def test_values_that_watch_each_other_come_to_rest(name: str, value: Any) -> None:
    one, two = Explorer(session()), Explorer(session())
    for view, other in ((one, two), (two, one)):
        view.param.watch(lambda event, other=other: setattr(other, event.name, event.new), name)
    setattr(one, name, value)
    assert str(getattr(one, name)) == str(getattr(two, name))
    if name == "clusters":
        assert one.session.cluster_names[0] == "a", "they keep their names"


@pytest.mark.parametrize(("name", "value"), [("hovered", "i3"), ("camera", (0, 1, 0, 1))])
def test_a_change_back_is_heard_by_who_came_in_between(view: Explorer, name: str, value: Any) -> None:
    setattr(view, name, value)
    events = heard(view, name)
    setattr(view, name, None)
    assert events == [None]


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT, ""])
def test_a_label_that_says_nothing_is_none(view: Explorer, nothing: Any) -> None:
    view.labels = {"i1": "a", "i2": nothing, "i3": 3.0}
    assert dict(view.labels) == {"i1": "a", "i3": "3"}


def test_composed_cameras_do_not_drift() -> None:
    """Each page gives a camera its own shape; told of the other's, it must not tell back."""
    shared = session()
    linked = compose(Explorer(shared), Explorer(shared))
    one, two = linked.views
    one.page.heard(VIEW)
    assert two.camera == (-5.0, 5.0, -4.0, 4.0)
    two.page.heard(VIEW | {"viewport": [-5.0, 5.0, -8.0, 8.0], "told": True})
    assert one.camera == (-5.0, 5.0, -4.0, 4.0)


def test_a_camera_goes_to_another_layout_as_the_same_share_of_it() -> None:
    other = session()
    other.give(layout=session().layout.values * 10 + 3)
    one, two = compose(Explorer(session()), Explorer(other)).views
    one.page.heard(VIEW)
    assert two.camera == pytest.approx((-47.0, 53.0, -37.0, 43.0), rel=1e-3)


@pytest.mark.parametrize(("views", "sync"), [((FRAME,), ("selection",)), ((FRAME, FRAME), ("zoom",)), ((), ())])
def test_what_cannot_be_composed(views: tuple[Any, ...], sync: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        compose(*views, sync=sync)


def test_names_are_public() -> None:
    assert explorer.Map is Map
    assert explorer.compose is compose
    assert {"selection", "labels", "camera", "hovered", "color_by", "filters", "clusters"} == set(MIRRORED)
    assert Lasso is explorer.Lasso
