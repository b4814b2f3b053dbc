"""What the page calls saved is saved: ids of actions, messages that come twice, other people's labels, and how a page was left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer
from explorer import Box, HasLabel, Ids, InCluster, Session, Where
from explorer.session.look import look, take_up
from explorer.views.explorer import Explorer
from explorer.views.pages import Pages
from explorer.workspace import Workspace

N = 60
FRAME = {"id": [f"i{row}" for row in range(N)], "kind": ["abc"[row % 3] for row in range(N)]}
VECTORS = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)


class Visit:
    """An `Explorer` of a person, and all that it sends."""

    def __init__(self, workspace: Workspace, user: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self.session = Session(workspace.dataset, workspace, user=user)
        self.view = Explorer(self.session)
        self.view.page.deliver = self.sent.append  # type: ignore[method-assign]
        self.say("ready")

    def say(self, verb: str, **message: Any) -> dict[str, Any]:
        start = len(self.sent)
        self.view.page.heard({"verb": verb} | message)
        found: dict[str, Any] = {}
        for one in self.sent[start:]:
            found |= one.get("set", {}) | {name: value for name, value in one.items() if name != "set"}
        return found

    def toasts(self) -> list[str]:
        return [message["toast"]["text"] for message in self.sent if "toast" in message]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    import pandas as pd

    dataset = explorer.read(pd.DataFrame(FRAME | {f"v{place}": VECTORS[:, place] for place in range(4)}))
    made = Workspace(dataset, tmp_path / "w")
    session = Session(dataset, made)
    session.extract("columns")
    session.reduce("pca")
    session.cluster("kmeans", n_clusters=3)
    session.close()
    yield made
    made.close()


def journal(workspace: Workspace) -> list[tuple[str, str | None]]:
    return [(entry.verb, entry.action) for entry in workspace.entries()]


def test_an_action_is_acknowledged_once_it_is_in_the_journal(workspace: Workspace) -> None:
    visit = Visit(workspace, "anna")
    visit.session.select(Ids(["i1", "i2"]))
    assert visit.say("label", name="x", action="one")["saved"] == {"action": "one", "why": ""}
    assert journal(workspace) == [("label 'x'", "one")]
    said = visit.say("rename", name="nothing", to="y", action="two")["saved"]
    assert "no category" in said["why"]
    assert len(journal(workspace)) == 1


def test_a_message_that_comes_twice_is_done_once(workspace: Workspace) -> None:
    visit = Visit(workspace, "anna")
    visit.session.select(Ids(["i1", "i2"]))
    visit.say("label", name="x", action="one")
    visit.session.select(Ids(["i5"]))
    assert visit.say("label", name="x", action="one", again=True, meant=None)["saved"]["why"] == ""
    assert dict(visit.session.labels) == {"i1": "x", "i2": "x"}
    assert len(journal(workspace)) == 1
    visit.say("label", name="x", action="one")  # not even when it does not say that it comes again
    assert dict(visit.session.labels) == {"i1": "x", "i2": "x"}


def test_what_was_lost_on_the_way_is_done_by_a_visit_that_knows_nothing_of_it(workspace: Workspace) -> None:
    first = Visit(workspace, "anna")
    told = first.say("select", rule=Box(-100, -100, 0, 100).to_json(), mode="replace")["selection"]
    chosen = first.session.selected_ids.tolist()
    second = Visit(workspace, "anna")
    second.session.clear()
    meant = lost_on_the_way(first, told)
    assert second.say("label", name="x", action="one", again=True, meant=meant)["saved"]["why"] == ""
    assert dict(second.session.labels) == dict.fromkeys(chosen, "x")
    moved = {"layout": ["reduce", "pca", "another map"]}
    for wrong in ({"on": moved}, {"on": "x"}, {"on": None}, {"rule": 3}, {"rule": None}, {"count": 3}, {"count": None}):
        assert "not known" in second.say("label", name="y", action="two", again=True, meant=meant | wrong)["saved"]["why"], wrong
    for verb in ("undo", "split"):
        assert "do it again" in second.say(verb, action="three", again=True, meant=meant)["saved"]["why"]
    assert len(journal(workspace)) == 1


def lost_on_the_way(visit: Visit, selection: dict[str, Any]) -> dict[str, Any]:
    """What a page keeps beside a message, as saving.js does."""
    data, labels = visit.say("ready")["data"], visit.say("ready")["labels"]
    return {"of": data["of"], "set": labels["set"], **{name: selection[name] for name in ("rule", "on", "count")}}


def test_what_was_lost_on_the_way_is_done_nowhere_else(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(workspace.dataset, tmp_path / "other")  # another server at the same address, another cell of the notebook
    meant = lost_on_the_way(Visit(workspace, "anna"), {"rule": Ids(["i1"]).to_json(), "on": {}, "count": 1})
    visit = Visit(other, "anna")
    for lost in (meant, None, "x", {}):
        for verb, more in [("create", {}), ("label", {}), ("focus_label", {"row": 1, "item": "i1"})]:
            said = visit.say(verb, name="x", **more, action="one", again=True, meant=lost)
            assert "other data" in said["saved"]["why"]
    assert journal(other) == []
    other.close()


def test_what_was_lost_on_the_way_is_done_in_its_label_set(workspace: Workspace) -> None:
    first = Visit(workspace, "anna")
    first.say("label_set", name="quality")
    told = first.say("select", rule=Ids(["i1", "i2"]).to_json(), mode="replace")["selection"]
    meant = lost_on_the_way(first, told)
    second = Visit(workspace, "ben")
    assert second.session.label_set == "labels"
    assert second.say("label", name="sharp", action="one", again=True, meant=meant)["saved"]["why"] == ""
    assert dict(workspace.labels_of("quality")) == {"i1": "sharp", "i2": "sharp"}
    assert dict(workspace.labels) == {}
    assert "60 characters" in second.say("create", name="x", action="two", again=True, meant=meant | {"set": 3})["saved"]["why"]


def test_an_item_is_shown_though_the_journal_cannot_say_why_it_is_labelled(workspace: Workspace) -> None:
    visit = Visit(workspace, "anna")
    visit.session.label("x", Ids(["i1"]))
    connection = workspace._journal.connection  # type: ignore[union-attr]
    connection.execute("UPDATE journal SET digest = x'00'")
    assert visit.say("item", row=1)["item"]["row"] == 1


def test_the_set_that_a_program_chose_is_kept(workspace: Workspace) -> None:
    first = Visit(workspace, "anna")
    first.session.label("owl", Ids(["i1"]))
    first.view.close()
    session = Session(workspace.dataset, workspace, user="anna")
    session.use_label_set("quality")
    Explorer(session)
    assert session.label_set == "quality"


def test_a_page_of_another_version_is_answered(workspace: Workspace) -> None:
    assert "reload" in Visit(workspace, "anna").say("label_by_magic", action="one")["saved"]["why"]


@pytest.mark.parametrize("action", [3, "", "x" * 65, "ü", None, ["a"], "a\nb"])
def test_an_id_that_no_page_gives_is_none(workspace: Workspace, action: Any) -> None:
    visit = Visit(workspace, "anna")
    visit.session.select(Ids(["i1"]))
    assert "saved" not in visit.say("label", name="x", action=action)
    assert journal(workspace) == [("label 'x'", None)]


def test_both_are_told_when_two_label_the_same(workspace: Workspace) -> None:
    anna, ben = Visit(workspace, "anna"), Visit(workspace, "ben")
    anna.session.select(Ids(["i1", "i2", "i3"]))
    anna.say("label", name="owl")
    assert ben.toasts() == []
    assert ben.session.labels["i1"] == "owl"
    ben.session.select(Ids(["i3", "i4"]))
    assert "1 had been labelled by anna" in ben.say("label", name="wren")["toast"]["text"]
    assert anna.toasts()[-1] == "ben has labelled 1 that you had labelled (label 'wren')"
    assert ben.session.why("i3")["user"] == "ben", "the later one counts"
    assert [entry.user for entry in workspace.entries()] == ["anna", "ben"], "both stand in the journal"
    ben.say("undo")
    assert anna.session.why("i3")["user"] == "anna"
    assert len(anna.toasts()) == 2, "an undo gives back what was there"


def test_another_process_is_seen_by_a_page_that_nobody_serves(workspace: Workspace, tmp_path: Path) -> None:
    """As in a notebook: its own loop looks, and stops when the view is closed."""
    other = Workspace(workspace.dataset, tmp_path / "w")

    async def watch() -> None:
        visit = Visit(workspace, "anna")
        elsewhere = Session(other.dataset, other, user="ben")
        elsewhere.label("x", Ids(["i7"]))
        for _ in range(40):
            await asyncio.sleep(0.05)
            if visit.session.labels:
                break
        assert dict(visit.session.labels) == {"i7": "x"}
        visit.view.close()

    asyncio.run(watch())
    other.close()


def test_why_labels_cannot_be_saved_is_on_the_page(workspace: Workspace, tmp_path: Path) -> None:
    visit = Visit(workspace, "anna")
    (tmp_path / "w").rename(tmp_path / "moved")
    (tmp_path / "w").write_text("in its place")
    visit.session.select(Ids(["i1"]))
    said = visit.say("label", name="x", action="one")
    assert "not saved" in said["saved"]["why"]
    assert "cannot be written" in said["trouble"]
    assert dict(visit.session.labels) == {}
    (tmp_path / "w").unlink()
    (tmp_path / "moved").rename(tmp_path / "w")
    said = visit.say("label", name="x", action="two")
    assert (said["saved"]["why"], said["trouble"]) == ("", "")


# How a page was left


def test_a_page_is_found_as_it_was_left(workspace: Workspace) -> None:
    first = Visit(workspace, "anna")
    session = first.session
    session.label("owl", InCluster(0))
    session.use_label_set("quality")
    session.label("sharp", InCluster(1))
    session.color_by = "cluster"
    session.hidden = frozenset([session.coloring().names[2]])
    session.filter("kind", Where("kind", "in", ("a", "b")))
    session.select(Box(-100, -100, 0, 100))
    first.say("view", viewport=[-1.0, 2.0, -3.0, 4.0], width=300, height=300, ratio=1, sequence=1)
    first.view.close()
    second = Visit(workspace, "anna")
    again = second.session
    assert (again.color_by, again.hidden, again.label_set) == ("cluster", session.hidden, "quality")
    assert {name: rule.to_json() for name, rule in again.filters.items()} == {"kind": session.filters["kind"].to_json()}
    assert np.array_equal(again.selection, session.selection)
    cameras = [message["set"]["camera"] for message in second.sent if "camera" in message.get("set", {})]
    assert cameras == [[-1.0, 2.0, -3.0, 4.0]]
    assert "camera" not in second.say("ready"), "a page that was away for a moment stays where it is"
    ben = Visit(workspace, "ben")
    assert not ben.session.filters
    assert ben.session.label_set == "labels"


def test_what_means_nothing_any_more_is_left_out(workspace: Workspace) -> None:
    session = Session(workspace.dataset, workspace)
    session.select(Box(-100, -100, 0, 100))
    session.color_by = "cluster"
    kept = look(session)
    other = Session(workspace.dataset, workspace)
    other.layout = None
    take_up(other, kept)
    assert not other.selection.any(), "a region of another map"
    hidden = {"hidden": 3, "color_by": "cluster"}
    for damaged in ({"rules": 3}, {"rules": {"selection": {}}}, {"color_by": []}, hidden, {"label_set": {}}):
        take_up(Session(workspace.dataset, workspace), damaged)
    fine = Session(workspace.dataset, workspace)
    take_up(fine, {"rules": {"filter:gone": {"rule": HasLabel("x").to_json(), "on": {}}}, "color_by": "column:gone"})
    assert (fine.filters, fine.color_by) == ({}, "none")


def test_a_page_keeps_what_was_done_to_its_session_before(workspace: Workspace) -> None:
    first = Visit(workspace, "anna")
    first.session.select(Ids(["i1"]))
    first.view.close()
    session = Session(workspace.dataset, workspace, user="anna")
    session.select(Ids(["i2"]))
    Explorer(session)
    assert session.selected_ids.tolist() == ["i2"]
    assert isinstance(Explorer(Session(workspace.dataset, workspace)).page, Pages)
