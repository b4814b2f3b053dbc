"""A link's view on the server's side: what an address is to say, and that whatever one says does no harm."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from waiting import until

import explorer
from explorer import Box, Explorer, HasLabel, Ids, InCluster, Lasso, Session, Where, Workspace
from explorer.dataset import Dataset
from explorer.selection import Rule
from explorer.views.address import LONGEST, carried, missing, small, understood

N = 60
RNG = np.random.default_rng(3)
VECTORS = np.concatenate([RNG.normal(center, 0.3, (N // 3, 5)) for center in (-3, 0, 3)]).astype(np.float32)
COLUMNS = pa.table({"number": np.arange(N), "kind": np.repeat(["a", "b", "c"], N // 3)})
IDS = np.array([f"i{row}" for row in range(N)], object)
TABLE = Dataset("points", IDS, COLUMNS, {"number": "number", "kind": "category"}, {}, VECTORS)


class Page:
    """A visit whose page is read by the test."""

    def __init__(self, workspace: Workspace, *, ready: bool = True) -> None:
        self.session = Session(workspace.dataset, workspace)
        self.view = Explorer(self.session, served=True)
        self.sent: list[dict[str, Any]] = []
        self.view.page.add(self)
        if ready:
            self.say("ready")

    def deliver(self, message: dict[str, Any]) -> None:
        json.dumps(message, allow_nan=False, default=lambda value: len(value) if isinstance(value, bytes) else 1 / 0)
        self.sent.append(message)

    def say(self, verb: str, **fields: Any) -> None:
        self.view.page.heard({"verb": verb} | fields, self)

    def open(self, **fields: Any) -> None:
        self.say("link", fields=fields)

    @property
    def toasts(self) -> list[str]:
        return [message["toast"]["text"] for message in self.sent if "toast" in message]

    def told(self, name: str) -> Any:
        found = [message["set"][name] for message in self.sent if name in message.get("set", {})]
        return found[-1] if found else None

    @property
    def link(self) -> dict[str, str]:
        return carried(self.session)

    def looks(self) -> tuple[Any, ...]:
        session = self.session
        return (
            session.layout.key, session.clusters.key, session.color_by, session.density_scale, session.label_set, session.hidden,
            session.filters, session.selection.tolist(),
        )  # fmt: skip


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    made = Workspace(TABLE)
    compute(made)
    yield made
    made.close()


def compute(workspace: Workspace) -> None:
    session = Session(TABLE, workspace)
    session.extract("vectors")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=3)
    session.close()


@pytest.fixture
def visit(workspace: Workspace) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def begin(**options: Any) -> Page:
        pages.append(Page(workspace, **options))
        return pages[-1]

    yield begin
    for page in pages:
        page.view.close()


@pytest.fixture
def mine(visit: Callable[..., Page]) -> Page:
    return visit()


def all_of_it(page: Page) -> None:
    """Everything that a link carries."""
    session = page.session
    session.use_label_set("quality")
    session.select(Ids(["i1"]))
    session.label("good")
    session.color_by = "column:kind"
    session.density_scale = "linear"
    session.hidden = frozenset({"b"})
    session.filter("number", Where("number", ">=", 5) & Where("number", "<=", 50))
    session.filter("kind", Where("kind", "in", ["a", "c", "nächste, “=&#%”"]))
    low, high = session.layout.values.min(axis=0), session.layout.values.max(axis=0)
    session.select(Box(float(low[0]), float(low[1]), float(high[0]), float((low[1] + high[1]) / 2)))


def test_who_opens_a_link_sees_what_its_sender_saw(mine: Page, visit: Callable[..., Page]) -> None:
    all_of_it(mine)
    assert 0 < mine.session.selection.sum() < N
    box = [float(side) for side in (-4, 4, -3, 3)]
    other = visit()
    assert other.looks() != mine.looks()
    other.open(**mine.link, camera=",".join(map(str, box)))
    assert other.looks() == mine.looks()
    assert other.told("camera") == box
    assert other.told("selection")["regions"], "the region is drawn, too"
    assert other.toasts == []
    assert other.told("link") == mine.link, "and the address says the same again"


def test_nothing_is_told_before_the_page_has_said_what_its_address_asks_for(mine: Page) -> None:
    mine.session.color_by = "label"
    assert mine.told("link") is None
    mine.open()
    assert mine.told("link")["color"] == "label"
    mine.session.color_by = "cluster"
    assert mine.told("link")["color"] == "cluster"


def test_what_a_link_does_not_name_is_as_in_a_fresh_view(mine: Page) -> None:
    all_of_it(mine)
    mine.open()  # no link at all: all stays
    assert mine.session.filters
    mine.open(color="cluster")
    session = mine.session
    assert (session.color_by, session.hidden, session.filters, session.selection.any()) == ("cluster", frozenset(), {}, False)


def test_a_link_wins_over_how_the_last_visit_was_left(tmp_path: Any) -> None:
    workspace = Workspace(TABLE, tmp_path / "kept.explorer")
    compute(workspace)
    first = Page(workspace)
    session = first.session
    session.color_by = "column:kind"
    session.filter("number", Where("number", ">=", 30))
    first.say("view", viewport=[0, 1, 0, 1], width=80, height=60, ratio=1, sequence=1)
    first.view.close()
    kept, linked = Page(workspace), Page(workspace)
    assert (kept.session.color_by, list(kept.session.filters)) == ("column:kind", ["number"])
    assert kept.told("camera") == [0, 1, 0, 1]
    linked.open(color="label", layout=carried(kept.session)["layout"], camera="-1,1,-2,2")
    assert (linked.session.color_by, linked.session.filters) == ("label", {})
    assert linked.told("camera") == [-1, 1, -2, 2]
    for page in (kept, linked):
        page.view.close()
    workspace.close()


def test_a_link_pasted_into_an_open_page_can_be_undone(mine: Page, visit: Callable[..., Page]) -> None:
    sent = {"rule": Where("kind", "==", "a").to_json(), "on": {}}
    other = visit()
    other.open(color="label", selection=json.dumps(sent))
    assert not other.session.can_undo, "nobody did any of it there"
    mine.open()
    mine.session.select(Ids(["i3"]))
    mine.open(color="label", selection=json.dumps(sent))
    assert mine.session.selection.sum() == N // 3
    mine.session.undo()
    assert list(mine.session.selected_ids) == ["i3"]


def test_a_selection_that_is_too_long_stays_with_who_made_it(mine: Page, visit: Callable[..., Page]) -> None:
    mine.session.select(Ids([f"i{row}" for row in range(N)]) | Ids([f"i{row}" for row in range(50)]))
    link = mine.link
    assert "selection" not in link
    assert link["selected"] == str(N)
    mine.open(**link)
    assert mine.session.selection.all(), "loaded anew, the page has it still"
    other = visit()
    other.open(**link)
    assert not other.session.selection.any()
    assert other.toasts == ["the link asked for a selection that is not here any more"]


def test_a_filter_that_is_too_long_stays_with_who_made_it(mine: Page, visit: Callable[..., Page]) -> None:
    mine.session.filter("number", Where("number", "in", list(range(200))))
    mine.session.filter("kind", Where("kind", "==", "a"))
    other = visit()
    other.open(**mine.link)
    assert list(other.session.filters) == ["kind"]
    assert other.toasts == ["the link asked for filters that are not here any more"]
    mine.open(**mine.link)
    assert set(mine.session.filters) == {"kind", "number"}


def test_another_layout_and_what_is_drawn_on_it(mine: Page, visit: Callable[..., Page]) -> None:
    before = mine.link
    mine.session.select(Box(-100, -100, 0, 100))
    boxed = mine.link["selection"]
    other = visit()
    assert before["layout"] == f"pca:{mine.session.layout.key}"
    other.open(layout="pca:not-this-one", camera="-1,1,-1,1", selection=boxed)
    assert other.told("camera") is None
    assert other.toasts == ["the link asked for a layout and a part of the map that are not here any more"]
    other.open(layout="umap", camera="-1,1,-1,1")
    assert other.told("camera") is None
    other.open(camera="-1,1,-1,1")
    assert other.told("camera") is None, "of what layout?"
    other.open(layout="pca", camera="-1,1,-1,1")
    assert other.told("camera") == [-1, 1, -1, 1]
    drawn_elsewhere = json.loads(boxed)
    drawn_elsewhere["on"]["layout"][2] = "another"
    other.open(selection=json.dumps(drawn_elsewhere))
    assert not other.session.selection.any()
    other.open(selection=json.dumps(drawn_elsewhere | {"on": {}}))
    assert not other.session.selection.any(), "a region must say what it was drawn on"


def test_another_kept_layout_of_the_same_features_is_taken_up(mine: Page, visit: Callable[..., Page]) -> None:
    first = mine.link
    mine.session.reduce("pca", random_state=7)
    second = mine.link
    assert first["layout"] != second["layout"]
    other = visit()
    assert other.link["layout"] == second["layout"]
    other.open(**first)
    assert other.link["layout"] == first["layout"]
    assert other.view.pipeline.steps["reduce"].method == "pca"
    assert not other.told("steps")["reduce"]["changed"]
    other.session.features = None  # what that layout was made from is not here
    other.open(**second)
    assert other.link["layout"] == first["layout"]
    assert other.toasts == ["the link asked for a layout that is not here any more"]


def test_what_a_running_step_will_make_is_waited_for(mine: Page) -> None:
    later = Page(Workspace(TABLE), ready=False)
    later.say("ready")
    assert later.view.pipeline.busy
    wanted = mine.link | {"color": "cluster", "camera": "-1,1,-1,1"}
    step = later.session.step
    later.view.pipeline._queue = [step("extract"), step("reduce", "pca"), step("cluster", "kmeans", n_clusters=3)]
    later.open(**wanted)
    assert later.toasts == []

    until(lambda: later.session.color_by == "cluster", "the clusters and their colour", 60)
    assert later.session.layout.key == mine.session.layout.key
    assert later.told("camera") == [-1, 1, -1, 1]
    assert later.toasts == []
    later.view.close()


DEEP = '{"kind": {"rule": ' + '{"rule": "not", "part": ' * 400 + '{"rule": "ids", "ids": []}' + "}" * 400 + ', "on": {}}}'
WIDE = '{"kind": {"rule": {"rule": "all", "parts": [' + ",".join(['{"rule": "ids", "ids": []}'] * 100) + ']}, "on": {}}}'
HOSTILE = [
    {"color": "column:nope"}, {"color": "=1+1"}, {"layout": "../../etc:passwd"}, {"layout": "umap:" + "x" * 5_000}, {"layout": ":"},
    {"layout": "pca:\0"}, {"clusters": "kmeans:.."}, {"filters": "number >= 5"}, {"filters": "[1]"}, {"filters": "{"},
    {"filters": '{"number": "number >= 5"}'}, {"filters": '{"number": {"rule": {"rule": "formula", "text": "1"}, "on": {}}}'},
    {"filters": '{"nope": {"rule": {"rule": "ids", "ids": []}, "on": {}}}'},
    {"filters": '{"kind": {"rule": {"rule": "where"}, "on": {}}}'},
    {"filters": '{"kind": {"rule": {"rule": "where", "column": "kind", "op": "in", "value": [{}]}, "on": {}}}'},
    {"filters": '{"kind": {"rule": {"rule": "where", "column": "number", "op": "<", "value": NaN}, "on": {}}}'},
    {"filters": '{"kind": {"rule": {"rule": "cluster", "cluster": 1}, "on": {}}}'},
    {"filters": DEEP},
    {"filters": WIDE},
    {"filters": '{"kind": {"rule": {"rule": "ids", "ids": ' + json.dumps(["i1"] * 200) + '}, "on": {}}}'},
    {"filters": "[" * 15_000}, {"hidden": '["nobody"]'}, {"hidden": "a"}, {"hidden": '{"a": 1}'}, {"hidden": "[[]]"},
    {"set": "nope"}, {"scale": "nope"}, {"selection": "all"},
    {"selection": '{"rule": {"rule": "lasso", "vertices": [[0, 0]]}, "on": {}}'},
    {"selected": "many"}, {"selected": "-1"}, {"layout": "pca", "camera": "0,0,0,0"}, {"layout": "pca", "camera": "1,2,3"},
    {"layout": "pca", "camera": "nan,1,0,1"}, {"layout": "pca", "camera": "0,1e-300,0,1e-300"},
    {"layout": "pca", "camera": "0,1e300,0,1e300"},
    {"layout": "pca", "camera": "a,b,c,d"}, {"layout": "pca", "camera": "inf,inf,inf,inf"}, {"layout": "pca", "camera": "1,0,1,0"},
]  # fmt: skip


@pytest.mark.parametrize("fields", HOSTILE, ids=lambda fields: str(fields)[:60])
def test_what_is_not_there_or_not_right_is_left_out_and_said_once(fields: dict[str, str], mine: Page) -> None:
    before = mine.looks()
    mine.open(**fields)
    assert mine.looks() == before
    assert mine.told("camera") is None
    assert len(mine.toasts) == 1
    assert mine.toasts[0].startswith("the link asked for ")
    assert "not here any more" in mine.toasts[0]


@pytest.mark.parametrize(
    "fields", [None, 3, [], "color=label", {"color": 1}, {1: "x"}, {"nope": "x"}, {"color": "x" * (LONGEST + 1)}]
)
def test_what_is_no_link_changes_nothing(fields: Any, mine: Page) -> None:
    all_of_it(mine)
    before = mine.looks()
    mine.say("link", fields=fields)
    assert mine.looks() == before
    assert mine.toasts == []
    assert understood(fields) == {}


NEAR = st.floats(-9, 9)
OPS = st.sampled_from(["==", "<=", ">", "in", "contains", "missing"])
LEAVES = st.one_of(
    st.builds(Where, st.sampled_from(["number", "kind"]), OPS, st.sampled_from([1, "a", [1, 2], None])),
    st.builds(Box, *[NEAR] * 4),
    st.builds(InCluster, st.integers(-1, 3)),
    st.builds(Ids, st.lists(st.sampled_from(["i1", "i2"]))),
    st.builds(Lasso, st.lists(st.tuples(NEAR, NEAR), min_size=3, max_size=6)),
    st.builds(HasLabel, st.none()),
)


def combined(rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    return st.one_of(
        st.builds(operator.and_, rules, rules), st.builds(operator.or_, rules, rules), st.builds(operator.invert, rules)
    )


RULES = st.recursive(LEAVES, combined, max_leaves=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=RULES)
def test_any_small_rule_goes_through_a_link(rule: Rule, workspace: Workspace) -> None:
    sender, receiver = Page(workspace), Page(workspace)
    try:
        sender.session.select(rule)
    except explorer.InputError:
        return  # it does not fit the data
    receiver.open(**sender.link)
    assert receiver.session.selection.tolist() == sender.session.selection.tolist()
    assert receiver.toasts == []
    for page in (sender, receiver):
        page.view.close()


WORDS = ["where", "kind", "number", "in", "ids", "cluster", "layout"]
NAMES = [
    "rule",
    "on",
    "part",
    "parts",
    "ids",
    "column",
    "op",
    "value",
    "layout",
    "vertices",
    "points",
    "radius",
    "cluster",
    "category",
]
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from([*NAMES, "kind"]), inner, max_size=5)),
    max_leaves=12,
)
TEXTS = st.one_of(st.text(max_size=30), JUNK.map(json.dumps), st.sampled_from(["pca", "label", "column:kind", "0,1,0,1"]))
FIELDS = ["layout", "clusters", "color", "scale", "set", "hidden", "filters", "selection", "selected", "camera"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(FIELDS), TEXTS))
@example(
    fields={"filters": '{"number": {"rule": {"rule": "where", "column": "number", "op": "==", "value": {"a": []}}, "on": {}}}'}
)
@example(fields={"selection": '{"rule": {"rule": "label", "category": ["x"], "label_set": {}}, "on": {}}'})
@example(
    fields={
        "selection": '{"rule": {"rule": "brush", "points": [[1e308, -1e308], [0, 0]], "radius": 1e308}, "on": {"layout": null}}'
    }
)
def test_whatever_an_address_says_the_page_goes_on(fields: dict[str, str], workspace: Workspace) -> None:
    page = Page(workspace)
    page.open(**fields)
    assert not [text for text in page.toasts if "reload" in text], "nothing fell through to the last door"
    page.say("unfilter_all")
    page.say("select", rule=Ids(["i1"]).to_json(), mode="replace")
    assert list(page.session.selected_ids) == ["i1"]
    assert page.told("link")["color"] == page.session.color_by
    page.view.close()


def test_words() -> None:
    assert missing({"layout"}) == "the link asked for a layout that is not here any more"
    assert missing({"filters"}) == "the link asked for filters that are not here any more"
    assert (
        missing({"camera", "color", "layout"})
        == "the link asked for a layout, a colour and a part of the map that are not here any more"
    )


def test_what_is_small() -> None:
    assert small(Where("kind", "==", "a") & Ids(["a"] * 100))
    assert not small(Ids(["a"] * 101))
    assert not small(Where("kind", "in", ["a"] * 101))
    assert not small(Lasso([(row, row % 7) for row in range(900)]))
    many = Where("kind", "==", "a")
    for _ in range(80):
        many = many & Where("kind", "==", "a")
    assert not small(many)
