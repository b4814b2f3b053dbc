"""What the map has beside its picture, as the page is told of it: names, contours, the overview, saved selections."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from test_views import Wire, plain, sent, session, until, wire, worker  # noqa: F401  fixtures

from explorer import Box, HasLabel, Ids, InCluster, Session, Where
from explorer.session.names import category_names, cluster_names, names
from explorer.step import Result
from explorer.views.contours import by_name

# Names


def test_names_of_categories_stand_on_their_items_in_their_colours(session: Session) -> None:  # noqa: F811
    session.select(InCluster(2))
    session.label("<two>")
    session.select(Ids(["i1"]))
    session.label("one")
    found = category_names(session)
    plain(found)
    two = session.labels.counts["<two>"]
    assert [(one["text"], one["category"], one["size"]) for one in found] == [("<two>", "<two>", two), ("one", "one", 1)]
    for one in found:
        for place in [(one["x"], one["y"]), *one["more"]]:
            row = int(np.abs(session.layout.values - place).sum(axis=1).argmin())
            assert session.labels.categories[int(session.labels.codes[row])].name == one["category"]
        assert one["color"] == next(known.color for known in session.labels.categories.values() if known.name == one["category"])
    assert category_names(session, np.zeros(len(session.dataset), bool)) == []


def test_names_come_larger_first_and_only_of_what_is_shown(session: Session) -> None:  # noqa: F811
    session.select(InCluster(0) | InCluster(1))
    session.label("both")
    found = names(session)
    assert found[0]["text"] == "both"
    assert [one["size"] for one in found] == sorted((one["size"] for one in found), reverse=True)
    shown = session.clusters.values == 1
    assert [one["cluster"] for one in cluster_names(session, shown)] == [1]
    assert category_names(session, shown)[0]["size"] == shown.sum()


def test_a_large_group_has_places_in_all_its_parts() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 1, (20_000, 2)).astype(np.float32)
    visit = Session(places)
    visit.adopt(Result(places, "reduce", "given", {}, "", "places"))
    visit.adopt(Result(np.zeros(len(places), np.int32), "cluster", "given", {"on": "layout"}, "", "one"))
    (one,) = cluster_names(visit)
    assert one["size"] == len(places)
    assert np.abs(np.array([one["x"], one["y"]]) - 0.5).max() < 0.05
    quarters = {(x > 0.5, y > 0.5) for x, y in one["more"]}
    assert len(quarters) == 4


# Contours


def test_a_cluster_chosen_by_name_has_contours_and_a_region_has_none(wire: Wire) -> None:  # noqa: F811
    wire.say("select", rule=InCluster(1).to_json(), mode="replace")
    found = until(lambda: wire.values().get("contours"), "contours")
    assert [ring["share"] for ring in found["rings"]] == [0.5, 0.9]
    line = np.array(found["rings"][1]["lines"][0])
    places = wire.session.layout.values[wire.session.selection]
    assert (np.abs(line.mean(axis=0) - places.mean(axis=0)) < np.ptp(places, axis=0)).all()
    wire.say("select", rule=Box(-9, -9, 9, 9).to_json(), mode="replace")
    until(lambda: wire.values()["contours"] is None, "no contours")


def test_an_entry_of_the_legend_that_is_pointed_at_has_contours_in_its_colour(wire: Wire) -> None:  # noqa: F811
    entry = wire.values()["color"]["entries"][0]
    wire.say("point", name=entry["name"])
    found = until(lambda: wire.values().get("pointed"), "contours")
    assert found["color"] == entry["color"]
    wire.say("point", name=None)
    assert wire.values()["pointed"] is None


def test_what_counts_as_chosen_by_name() -> None:
    assert by_name(InCluster(1) & Where("a", "==", 1))
    assert by_name(~HasLabel("x"))
    assert not by_name(InCluster(1) | Box(0, 0, 1, 1))
    assert not by_name(Ids(["a"]))


# The overview


def test_the_overview_is_drawn_anew_while_it_is_wanted(wire: Wire) -> None:  # noqa: F811
    def pictures() -> list[Any]:
        return [message["overview"] for message in wire.sent if "overview" in message]

    wire.say("select", rule=Ids(["i1"]).to_json(), mode="replace")
    assert not pictures()
    wire.say("overview", request={"viewport": [-5, 5, -4, 4], "width": 50, "height": 40, "ratio": 1, "sequence": 7})
    (first,) = until(pictures, "an overview")
    assert Image.open(io.BytesIO(first["picture"])).size == (50, 40)
    assert first["sequence"] == 7
    wire.say("clear")
    second = until(lambda: len(pictures()) > 1 and pictures()[-1], "an overview without the selection")
    assert second["picture"] != first["picture"]
    wire.say("overview", request=None)
    count = len(pictures())
    wire.say("invert")
    wire.say(verb="view", viewport=[-5, 5, -4, 4], width=50, height=40, ratio=1, sequence=1)
    wire.wait("frame")
    assert len(pictures()) == count


# Saved selections


def test_the_list_of_saved_selections_has_counts_that_follow_the_labels(wire: Wire) -> None:  # noqa: F811
    wire.say("select", rule=Ids(["i1", "i2", "i3"]).to_json(), mode="replace")
    wire.say("label", name="x & y")
    wire.say("select", rule=HasLabel("x & y").to_json(), mode="replace")
    wire.say("save_selection", name="x & y")
    wire.say("clear")
    until(lambda: wire.values()["saved"] == [{"name": "x & y", "text": '"x & y"', "count": 3}], "a count")
    wire.say("select", rule=Ids(["i1"]).to_json(), mode="replace")
    wire.say("unlabel")
    until(lambda: wire.values()["saved"][0]["count"] == 2, "the count without it")
    wire.say("expression", text='"x & y"', mode="replace")
    assert list(wire.session.selected_ids) == ["i2", "i3"]
    wire.say("rename_selection", name="x & y", to="z")
    assert [one["name"] for one in wire.values()["saved"]] == ["z"]
    wire.say("forget_selection", name="z")
    assert wire.values()["saved"] == []


def test_an_expression_brushes_only_what_is_shown(wire: Wire) -> None:  # noqa: F811
    wire.say("select", rule=Ids(["i1", "i2"]).to_json(), mode="replace")
    wire.say("save_selection", name="A")
    name = wire.session.coloring().names[int(wire.session.coloring().codes[1])]
    wire.say("hide", name=name)
    wire.say("expression", text="A", mode="replace")
    assert not (wire.session.selection & ~wire.session.shown).any()
    wire.say("invert")
    assert not (wire.session.selection & ~wire.session.shown).any()
