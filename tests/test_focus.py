"""One item after another, and many at once: queues, what is decided, and what the journal says of it; the palette's clusters."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_views import N, Wire, picture, sent, session, until, wire, worker  # noqa: F401  fixtures

from explorer import Ids, InCluster, Session, Where
from explorer.dataset import Dataset
from explorer.errors import Cancelled
from explorer.selection import Not, from_json
from explorer.session.turns import ORDERS, Space, by_cluster, by_likeness, space
from explorer.step import Progress, Result
from explorer.views import focus
from explorer.views.focus import AHEAD, large_picture

# Orders


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-1, 4), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_cluster_by_cluster_keeps_the_order_within(clusters: list[int], random: Any) -> None:
    rows = np.array(sorted(random.sample(range(len(clusters)), random.randint(0, len(clusters)))), np.int64)
    expected = sorted(rows.tolist(), key=lambda row: (clusters[row] < 0, clusters[row]))  # stable, noise at the end
    assert by_cluster(rows, np.array(clusters, np.int32)).tolist() == expected
    assert by_cluster(rows, None) is rows


NUMBERS = st.floats(-1e3, 1e3, width=16)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=2, max_size=20), st.sampled_from(["euclidean", "cosine"]))
def test_most_alike_is_nearest_first(values: list[tuple[float, float, float]], metric: str) -> None:
    known = Space(np.array(values, np.float32), metric)
    rows = np.arange(1, len(values))

    def far(row: int) -> float:
        one, other = np.array(values[0]), np.array(values[row])
        if metric == "euclidean":
            return float(np.linalg.norm(one - other))
        lengths = np.linalg.norm(one) * np.linalg.norm(other)
        return 1 - float(one @ other) / lengths if lengths else np.inf

    found = by_likeness(rows, 0, known, Progress())
    assert sorted(found.tolist()) == rows.tolist()
    distances = np.array([far(row) for row in found])
    finite = distances[np.isfinite(distances)]
    assert not np.isfinite(distances[len(finite) :]).any(), "those without a distance come last"
    assert (np.diff(finite) > -1e-6 * max(1, finite.max(initial=0))).all()


def test_what_cannot_be_compared_comes_last_as_listed() -> None:
    values = np.array([[0, 0], [np.nan, 1], [3, 0], [1, 0], [np.inf, 0], [1, 0]], np.float32)
    found = by_likeness(np.arange(1, 6), 0, Space(values, "euclidean"), Progress())
    assert found.tolist() == [3, 5, 2, 4, 1]
    assert by_likeness(np.arange(1, 6), 1, Space(values, "euclidean"), Progress()).tolist() == [1, 2, 3, 4, 5]
    assert by_likeness(np.arange(3), 0, None, Progress()).tolist() == [0, 1, 2]


def test_a_newer_wish_ends_an_older_one() -> None:
    with pytest.raises(Cancelled):
        by_likeness(np.arange(5), 0, Space(np.zeros((5, 2), np.float32), "euclidean"), Progress(cancelled=lambda: True))


def test_likeness_is_of_features_else_of_the_layout(session: Session) -> None:  # noqa: F811
    assert space(session).values is session.features.values
    bare = Session(session.dataset)
    assert space(bare) is None
    bare.adopt(session.layout)
    assert (space(bare).values is session.layout.values, space(bare).metric) == (True, "euclidean")


# A queue, driven by messages


class Page:
    """What a page in focus mode knows: the latest queue."""

    def __init__(self, wire: Wire, **choices: Any) -> None:  # noqa: F811
        self.wire = wire
        self.start = len(wire.sent)
        wire.say("focus", **{"unlabelled": True, "order": "listed"} | choices)
        until(lambda: self.total is not None and (self.total == 0 or len(self.items) >= min(AHEAD, self.total)), "the first items")

    @property
    def heard(self) -> list[dict[str, Any]]:
        messages = [message["focus"] for message in self.wire.sent[self.start :] if "focus" in message]
        newest = max((message["version"] for message in messages), default=0)
        return [message for message in messages if message["version"] == newest]

    def last(self, what: str) -> Any:
        return next((message[what] for message in reversed(self.heard) if what in message), None)

    @property
    def total(self) -> int | None:
        return self.last("total")

    @property
    def version(self) -> int:
        return self.heard[-1]["version"]

    @property
    def items(self) -> dict[int, dict[str, Any]]:
        return {item["place"]: item for message in self.heard for item in message.get("items", [])}

    def get(self, place: int) -> dict[str, Any]:
        """Ask for an item as the page does."""
        if place not in self.items:
            self.wire.say("focus_at", version=self.version, need=[place])
        return until(lambda: self.items.get(place), f"the item at {place}")

    def rows(self) -> list[int]:
        """The whole queue; from then on it is fixed."""
        return [self.get(place)["row"] for place in range(self.total or 0)]

    def decide(self, place: int, name: str | None) -> dict[str, Any]:
        item = self.get(place)
        self.wire.say("focus_label", row=item["row"], item=item["id"], name=name)
        return item

    def labels(self) -> dict[int, str | None]:
        """By place: as the item came, and as it was told since."""
        known = {place: item["label"] for place, item in self.items.items()}
        return known | {place: label for message in self.heard for place, label in message.get("marks", [])}


def test_an_item_is_all_that_is_shown_of_it(wire: Wire) -> None:  # noqa: F811
    wire.session.select(Ids(["i2"]))
    wire.session.label("old")
    wire.session.select(Ids(["i2", "i3"]))
    page = Page(wire, unlabelled=False)
    assert page.total == 2
    first, second = page.get(0), page.get(1)
    assert (first["row"], first["id"], first["label"], second["label"]) == (2, "i2", "old", None)
    assert first["text"] == "a text about 2 <b>things</b>"
    assert first["cluster"] == wire.session.cluster_names.get(int(wire.session.clusters.values[2]), first["cluster"]) != ""
    assert ["kind", "c"] in [list(line) for line in first["lines"]]
    assert not {"label", "cluster"} & {name for name, _ in first["lines"]}
    assert Image.open(io.BytesIO(first["picture"])).size == (200, 100)
    assert second["picture"] is None, "it cannot be read"


def test_the_queue_is_the_selection_else_what_is_shown(wire: Wire) -> None:  # noqa: F811
    assert Page(wire).total == N
    wire.session.filter("kind", Where("kind", "==", "a"))
    assert Page(wire).rows() == np.flatnonzero(wire.session.dataset.column("kind") == "a").tolist()
    wire.session.select(Ids(["i5", "i9"]))
    assert Page(wire).rows() == [5, 9], "the selection, hidden or not"


def test_only_unlabelled(wire: Wire) -> None:  # noqa: F811
    wire.session.label("x", InCluster(1))
    mine = wire.session.clusters.values == 1
    assert Page(wire).rows() == np.flatnonzero(~mine).tolist()
    assert Page(wire, unlabelled=False).total == N
    wire.session.select(InCluster(1))
    assert Page(wire).total == 0, "nothing is left to do"


def test_the_next_three_are_sent_ahead_and_no_more(wire: Wire) -> None:  # noqa: F811
    page = Page(wire)
    assert sorted(page.items) == list(range(AHEAD))
    page.decide(0, "x")
    assert sorted(page.items) == list(range(AHEAD)), "the page asks for more"
    assert page.get(AHEAD)["row"] == AHEAD


def test_cluster_by_cluster(wire: Wire) -> None:  # noqa: F811
    clusters = np.where(np.arange(N) % 10 == 0, -1, np.arange(N) % 3).astype(np.int32)
    wire.session.adopt(Result(clusters, "cluster", "given", {"on": "layout"}, "", "c"))
    rows = Page(wire, order="clusters").rows()
    assert clusters[rows].tolist() == sorted(clusters[clusters >= 0].tolist()) + [-1] * 9
    assert sorted(rows) == list(range(N))


def test_most_alike_goes_on_from_what_was_labelled_last(wire: Wire) -> None:  # noqa: F811
    vectors = wire.session.features.values
    page = Page(wire, order="alike")
    far = np.linalg.norm(vectors - vectors[0], axis=1)
    assert [page.get(place)["row"] for place in range(AHEAD)] == np.argsort(far, kind="stable")[:AHEAD].tolist()
    before = [page.get(place)["row"] for place in range(AHEAD)]
    last = page.decide(2, "x")["row"]
    part = next(part for part in wire.view.parts if isinstance(part, focus.Focus))
    rest = np.array([row for row in range(N) if row not in before])
    expected = rest[np.argsort(np.linalg.norm(vectors[rest] - vectors[last], axis=1), kind="stable")].tolist()
    until(lambda: part._rows[AHEAD:].tolist() == expected, "the order from there")
    assert page.rows() == before + expected, "what the page knew has stayed in its place"


def test_a_decision_is_one_row_of_the_journal_about_one_item(wire: Wire) -> None:  # noqa: F811
    wire.session.filter("kind", Where("kind", "==", "a"))
    wire.session.select(Ids(["i1"]))  # which the filter hides: it is on screen all the same
    page = Page(wire)
    page.decide(0, "x")
    assert dict(wire.session.labels) == {"i1": "x"}
    why = wire.session.why("i1")
    assert (why["rule"], why["items"]) == ({"rule": "ids", "ids": ["i1"]}, 1)
    assert page.labels()[0] == "x"
    page.decide(0, None)
    assert not len(wire.session.labels)
    assert page.labels()[0] is None
    assert wire.toasts() == [], "it is seen, and need not be said"


def test_undo_leads_back_to_its_item(wire: Wire) -> None:  # noqa: F811
    wire.session.select(Ids(["i1", "i2", "i3", "i4", "i5"]))
    page = Page(wire)
    for place in range(4):
        page.decide(place, "ab"[place % 2])
    assert page.last("undo") == 4
    for place in (3, 2):
        wire.say("focus_undo")
        assert page.last("go") == place
        assert page.labels()[place] is None
    assert (page.last("undo"), page.last("redo")) == (2, 2)
    wire.say("focus_redo")
    assert (page.last("go"), page.labels()[2], page.last("redo")) == (2, "a", 1)
    for _ in range(3):
        wire.say("focus_undo")
    assert not len(wire.session.labels)
    chosen = wire.session.selection.copy()
    wire.say("focus_undo")
    assert "nothing has been decided here" in wire.toasts()[-1]
    assert np.array_equal(wire.session.selection, chosen), "what was done before focus mode stays"


def test_what_somebody_else_labels_is_told_and_left_out(wire: Wire) -> None:  # noqa: F811
    page = Page(wire)
    other = Session(wire.session.dataset, wire.session.workspace, user="Ann")
    other.select(Ids(["i1", "i50", "i51"]))
    other.label("<b>hers</b>")
    until(lambda: page.total == N - 2, "a shorter queue")
    assert page.labels()[1] == "<b>hers</b>", "the page has it already, and passes it"
    assert page.last("by") == "Ann"
    assert {50, 51}.isdisjoint(page.rows())
    page.decide(0, "x")
    assert page.last("by") is None
    other.close()


def test_the_queue_stays_when_all_items_are_gone_through(wire: Wire) -> None:  # noqa: F811
    page = Page(wire, unlabelled=False)
    other = Session(wire.session.dataset, wire.session.workspace, user="Ann")
    other.select(Ids(["i50"]))
    other.label("hers")
    other.close()
    assert page.rows() == list(range(N))


def test_an_item_that_is_not_where_it_was_is_not_labelled(wire: Wire) -> None:  # noqa: F811
    page = Page(wire)
    for row, item in [(1, "i2"), (-1, f"i{N - 1}"), (N, "i0"), (True, "i1"), (1.0, "i1"), ("1", "i1"), (1, None)]:
        wire.say("focus_label", row=row, item=item, name="x")
        assert "not where it was" in wire.toasts()[-1], (row, item)
    wire.say("focus_label", row=1, item="i1", name=3)
    assert "is text" in wire.toasts()[-1]
    assert not len(wire.session.labels)
    assert page.last("undo") is None


def test_a_label_that_cannot_be_saved_leads_back_to_its_item(wire: Wire) -> None:  # noqa: F811
    page = Page(wire)
    wire.session.workspace.close()
    page.decide(2, "x")
    assert "closed" in wire.toasts()[-1]
    assert (page.last("go"), page.labels()[2]) == (2, None)


def test_a_message_about_an_earlier_queue_is_not_heard(wire: Wire) -> None:  # noqa: F811
    page = Page(wire)
    old = page.version
    again = Page(wire, order="clusters")
    assert again.version > old
    start = len(wire.sent)
    part = next(part for part in wire.view.parts if isinstance(part, focus.Focus))
    for version in (old, again.version):
        wire.say("focus_at", version=version, need=[20])
        until(lambda: not part._making.busy, "quiet")
        assert not [message for message in wire.sent[start:] if "focus" in message]
        wire.say("focus_off")
    wire.say("focus", unlabelled=True, order="best")
    assert "order" in wire.toasts()[-1]


def test_labels_are_free_while_the_order_is_worked_out(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What takes long is done in another thread; decisions go on, and the newest one's order is what counts."""
    page, go, ran = Page(wire, order="alike"), threading.Event(), []
    own: Callable[..., np.ndarray] = focus.by_likeness

    def slow(rows: np.ndarray, row: int, known: Any, progress: Progress) -> np.ndarray:
        ran.append(threading.current_thread() is not threading.main_thread())
        assert go.wait(30)
        return own(rows, row, known, progress)

    monkeypatch.setattr(focus, "by_likeness", slow)
    for place in range(3):
        page.decide(place, "x")
    assert len(wire.session.labels) == 3
    go.set()
    part = next(part for part in wire.view.parts if isinstance(part, focus.Focus))
    until(lambda: not part._ordering.busy, "the order")
    assert all(ran)
    assert len(ran) < 3, "of several only the newest"


def test_orders_and_clusters_are_told(wire: Wire) -> None:  # noqa: F811
    assert [value for value, _ in wire.values()["orders"]] == list(ORDERS)
    told = wire.values()["clusters"]
    assert [one["size"] for one in told] == sorted(np.bincount(wire.session.clusters.values).tolist(), reverse=True)
    wire.session.adopt(Result(np.full(N, -1, np.int32), "cluster", "given", {"on": "layout"}, "", "none"))
    assert wire.values()["clusters"] == []


def test_pictures_fill_the_page_and_small_ones_are_exact() -> None:
    out = io.BytesIO()
    Image.effect_noise((3_000, 1_500), 40).save(out, "JPEG")
    column = pa.array([{"bytes": content, "path": None} for content in (picture(1), out.getvalue(), b"")])
    dataset = Dataset("p", np.arange(3), pa.table({"p": column}), {"p": "image"}, {"image": "p"})
    small, large = (Image.open(io.BytesIO(large_picture(dataset, row) or b"")) for row in (0, 1))
    assert (small.format, small.getpixel((5, 5))) == ("PNG", (20, 80, 90, 255))
    assert (large.format, large.size) == ("WEBP", (focus.LARGE, focus.LARGE // 2))
    assert large_picture(Dataset("t", np.arange(3), pa.table({}), {}), 0) is None


# Many at once


def masks(session: Session) -> dict[str, np.ndarray]:  # noqa: F811
    return {name: session.labels.mask(name) for name in session.labels.names}


def told_by_the_journal(session: Session) -> np.ndarray:  # noqa: F811
    """What the rule of the last row selects."""
    kept = session.workspace.rule_of(session.entry.seq)
    return from_json(kept["rule"]).mask(session.seen)


def test_label_everything_that_is_shown(wire: Wire) -> None:  # noqa: F811
    before = wire.session.workspace.seq
    wire.session.filter("kind", Where("kind", "==", "a"))
    shown = wire.session.shown.copy()
    wire.session.select(Ids(["i1"]))
    wire.say("label_shown", name="all a")
    assert np.array_equal(masks(wire.session)["all a"], shown)
    assert f"{shown.sum()} labelled “all a”" in wire.toasts()[-1]
    assert np.array_equal(told_by_the_journal(wire.session), shown)
    assert wire.session.workspace.seq == before + 1, "one row"
    wire.say("label_shown", name="all a")
    assert "already" in wire.toasts()[-1]
    wire.say("undo")
    assert not len(wire.session.labels)
    wire.session.clear_filters()
    wire.say("label_shown", name="all")
    assert masks(wire.session)["all"].all()


def test_label_what_has_no_label_yet(wire: Wire) -> None:  # noqa: F811
    wire.session.label("old", Ids(["i1", "i2", "i40"]))
    wire.session.select(Ids(["i1", "i2", "i3", "i4"]))
    wire.say("label_unlabelled", name="new")
    assert dict(wire.session.labels) == {"i1": "old", "i2": "old", "i3": "new", "i4": "new", "i40": "old"}
    assert '"label"' in str(wire.session.why("i3")["rule"]).replace("'", '"'), "the rule says: without a label"
    wire.say("label_unlabelled", name="newer")
    assert "everything that is selected has a label already" in wire.toasts()[-1]
    wire.session.clear()
    wire.say("label_unlabelled", name="rest")
    assert masks(wire.session)["rest"].sum() == N - 5
    wire.say("label_unlabelled", name="nobody")
    assert "everything that is shown" in wire.toasts()[-1]
    assert "nobody" not in wire.session.labels.names


def test_what_was_selected_counts_though_labels_have_changed_since(wire: Wire) -> None:  # noqa: F811
    """A selection that was made by labels stays what it is when these change; its rule alone would mean others now."""
    wire.session.label("a", Ids(["i1", "i2"]))
    wire.session.select(from_json({"rule": "label", "category": "a"}))
    wire.session.unlabel()
    wire.say("label_unlabelled", name="b")
    assert dict(wire.session.labels) == {"i1": "b", "i2": "b"}


def test_label_a_cluster_by_its_name_or_another(wire: Wire) -> None:  # noqa: F811
    own = wire.session.cluster_names.get(1, "cluster 1")
    for name in (None, "", "  "):
        wire.say("label_cluster", cluster=1, name=name)
        assert np.array_equal(masks(wire.session)[own], wire.session.clusters.values == 1)
    assert "30 labelled" in wire.toasts()[0]
    assert "Ctrl+Z" in wire.toasts()[0]
    assert wire.session.why(wire.session.dataset.ids[wire.session.clusters.values == 1][0])["rule"] == InCluster(1).to_json()
    wire.say("label_cluster", cluster=1, name=" <b>mine</b> ")
    assert masks(wire.session)["<b>mine</b>"].sum() == 30
    wire.session.filter("kind", Not(Where("kind", "==", "a")))
    wire.say("label_cluster", cluster=2, name="seen")
    assert np.array_equal(masks(wire.session)["seen"], wire.session.shown & (wire.session.clusters.values == 2))


@pytest.mark.parametrize("cluster", [-1, 3, True, 1.0, "1", None, 10**30])
def test_a_cluster_that_is_not_there(cluster: Any, wire: Wire) -> None:  # noqa: F811
    wire.say("label_cluster", cluster=cluster, name="x")
    assert "there is no cluster" in wire.toasts()[-1]
    assert wire.session.labels.names == []


def test_a_name_that_is_no_text_labels_nothing(wire: Wire) -> None:  # noqa: F811
    for verb, more in [("label_shown", {}), ("label_unlabelled", {}), ("label_cluster", {"cluster": 1})]:
        wire.say(verb, name=["x"], **more)
        assert "is text" in wire.toasts()[-1]
    assert not len(wire.session.labels)


def test_what_is_meant_by_this_visit_is_not_done_by_another(wire: Wire) -> None:  # noqa: F811
    """What is selected or shown is another's: after a lost connection it is said, not done."""
    for verb, more in [("label_shown", {"name": "x"}), ("label_unlabelled", {"name": "x"}), ("focus_undo", {})]:
        meant = {"of": wire.session.workspace.uuid, "set": "labels"}
        wire.say(verb, action="a-1", again=True, meant=meant, **more)
        assert "connection was lost" in wire.toasts()[-1]
    meant = {"of": wire.session.workspace.uuid, "set": "labels"}
    wire.say("focus_label", row=3, item="i3", name="x", action="a-2", again=True, meant=meant)
    assert wire.session.labels["i3"] == "x"


def test_the_pointer_knows_the_cluster(wire: Wire) -> None:  # noqa: F811
    x, y = wire.session.layout.values[11]
    wire.say("hover", x=float(x), y=float(y), reach=1e-6)
    assert wire.values()["hover"]["cluster"] == int(wire.session.clusters.values[11])
