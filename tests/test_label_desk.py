"""The labelling desk's side that needs no browser: what is counted and told, previews that come true, files of labels."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_views import Wire, plain, sent, session, until, wire, worker  # noqa: F401  fixtures

from explorer import Box, HasLabel, Ids, InCluster, Session, Where
from explorer.insight.agreement import compare
from explorer.labels import Labels
from explorer.selection import from_json
from explorer.views import importing, past, unnamed
from explorer.views.compare import told, verdict
from explorer.workspace import Entry

N = 90  # items of the fixture's session, thirty in each cluster


def desk(wire: Wire, check: Any, what: str) -> dict[str, Any]:  # noqa: F811
    """The desk, as soon as it is as wanted."""
    return until(lambda: next((d for d in [wire.values().get("desk")] if d is not None and check(d)), None), what)


# Clusters without a name


def slowly(clusters: np.ndarray, labels: Labels) -> dict[int, tuple[int, int, str | None]]:
    """Size, labelled and commonest category of each cluster, one item after another."""
    found: dict[int, list[str | None]] = {}
    for cluster, name in zip(clusters.tolist(), labels.values().tolist(), strict=True):
        found.setdefault(cluster, []).append(name)
    order = labels.names
    return {
        cluster: (
            len(names),
            sum(name is not None for name in names),
            max(order, key=lambda one, names=names: (names.count(one), -order.index(one)), default=None),
        )
        for cluster, names in found.items()
    }


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.floats(0, 1))
def test_unnamed_as_a_plain_loop_says(seed: int, n: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    clusters = rng.integers(-1, 6, n).astype(np.int32)
    codes = np.where(rng.random(n) < share, rng.integers(0, 4, n), -1)
    labels = Labels.empty(pd.Index(range(n)))
    for code in range(4):
        labels = labels.assign(codes == code, f"c{code}")
    found, wanted = unnamed.unnamed(clusters, labels, {0: "zero"}), slowly(clusters, labels)
    noise = wanted.pop(-1, (0, 0, None))
    assert found["noise"] == {"size": noise[0], "labelled": noise[1]}
    assert found["total"] == len(wanted)
    bare = {cluster: one for cluster, one in wanted.items() if one[1] < one[0] / 2}
    assert found["named"] == len(wanted) - len(bare)
    for row in found["rows"]:
        size, labelled, top = bare.pop(row["cluster"])
        assert (row["size"], row["labelled"]) == (size, labelled)
        assert row["top"] == (top if labelled else None)
        assert row["name"] == ("zero" if row["cluster"] == 0 else f"cluster {row['cluster']}")
    assert not bare
    sizes = [row["size"] for row in found["rows"]]
    assert sizes == sorted(sizes, reverse=True)


def test_no_more_than_fifty_clusters_are_listed() -> None:
    clusters = np.repeat(np.arange(120, dtype=np.int32), np.arange(1, 121))
    found = unnamed.unnamed(clusters, Labels.empty(pd.Index(range(len(clusters)))), {})
    assert (found["total"], found["named"], len(found["rows"]), found["more"]) == (120, 0, unnamed.MOST, 70)
    assert [row["cluster"] for row in found["rows"][:3]] == [119, 118, 117]


# What the desk tells


def test_nothing_is_told_until_the_tab_is_open_and_after_it_is_closed(wire: Wire) -> None:  # noqa: F811
    wire.say("select", rule=InCluster(0).to_json(), mode="replace")
    wire.say("label", name="one")
    wire.say("desk", open=True)
    found = desk(wire, lambda d: True, "the desk")
    plain(found)
    assert found["clusters"]["named"] == 1
    assert (found["set"], found["sets"]) == ("labels", [{"name": "labels", "labelled": 30}])
    assert [(row["verb"], row["items"], row["undone"]) for row in found["history"]] == [("label 'one'", 30, False)]
    wire.say("desk", open=False)
    wire.say("undo")
    start = len(wire.sent)
    wire.say("desk", open=True)
    desk(wire, lambda d: d["clusters"]["named"] == 0, "what was undone meanwhile")
    assert sum("desk" in message.get("set", {}) for message in wire.sent[:start]) == 1, "closed, it costs nothing"


def test_a_page_that_is_loaded_again_is_not_told_until_it_looks(wire: Wire) -> None:  # noqa: F811
    wire.say("desk", open=True)
    desk(wire, lambda d: True, "the desk")
    wire.say("ready")
    start = len(wire.sent)
    wire.say("create", name="new")
    wire.say("compare", open=True)  # in the same pools behind what would have been told
    wire.wait("set", start)
    assert not any("desk" in message.get("set", {}) for message in wire.sent[start:])


def test_history_strikes_through_what_is_undone_and_not_what_is_done_again(wire: Wire) -> None:  # noqa: F811
    wire.say("desk", open=True)
    wire.say("create", name="a")
    wire.say("create", name="b")
    wire.say("undo")
    found = desk(wire, lambda d: len(d["history"]) == 3, "three rows")
    assert [(row["kind"], row["verb"], row["undone"]) for row in found["history"]] == [
        ("undo", "create 'b'", False), ("do", "create 'b'", True), ("do", "create 'a'", False),
    ]  # fmt: skip
    wire.say("redo")
    found = desk(wire, lambda d: len(d["history"]) == 4, "four rows")
    assert not any(row["undone"] for row in found["history"])


def test_the_last_thirty_rows_are_listed_newest_first() -> None:
    entries = [Entry(seq, f"2026-01-01T00:00:{seq:02}", "anna", verb=f"v{seq}") for seq in range(1, 50)]
    assert [row["seq"] for row in past.listed(entries)] == list(range(49, 49 - past.MOST, -1))
    assert past.listed([]) == []


def test_who_labelled_is_told_by_set(wire: Wire) -> None:  # noqa: F811
    session, own = wire.session, wire.session.user  # noqa: F811
    other = Session(session.dataset, session.workspace, user="<b>ben</b>")
    wire.say("desk", open=True)
    session.label("a", Ids(["i1"]))
    third = Session(session.dataset, session.workspace, user="carl")
    third.create_category("only a category")
    other.label("b", Ids(["i2"]))
    third.close()
    desk(wire, lambda d: d["users"] == [own, "<b>ben</b>"], "both")
    wire.say("label_set", name="quality")
    found = desk(wire, lambda d: d["set"] == "quality", "the other set")
    assert found["users"] == []
    other.label("c", Ids(["i3"]))  # in the first set
    found = desk(wire, lambda d: {"name": "labels", "labelled": 3} in d["sets"], "three labels there")
    assert found["users"] == []
    other.close()


# Categories


def test_a_preview_of_merging_comes_true(wire: Wire) -> None:  # noqa: F811
    session = wire.session  # noqa: F811
    session.label("barn owl", InCluster(0))
    session.label("owl", InCluster(1))
    wire.say("merge_preview", name="barn owl", into="owl")
    said = wire.values()["preview"]
    assert said == {"verb": "merge", "name": "barn owl", "into": "owl", "count": 30, "has": 30}
    assert session.labels.counts == {"barn owl": 30, "owl": 30}, "nothing is done yet"
    wire.say("merge", name="barn owl", into="owl")
    assert session.labels.counts == {"owl": 60}
    for wrong in ("nope", "owl", None):
        wire.say("merge_preview", name="owl", into=wrong)
    assert [toast for toast in wire.toasts() if "itself" in toast]
    assert wire.values()["preview"] == said


def test_a_preview_of_splitting_comes_true(wire: Wire) -> None:  # noqa: F811
    session = wire.session  # noqa: F811
    session.label("all", Where("kind", "in", ["a", "b"]))
    wire.say("split_preview", name="all")
    said = wire.values()["preview"]
    wire.say("split", name="all")
    counts = session.labels.counts
    assert len(said["parts"]) == 3
    assert {f"all/{part}": count for part, count in said["parts"]} | {"all": said["stays"]} == counts
    assert [count for _, count in said["parts"]] == sorted((count for _, count in said["parts"]), reverse=True)
    session.label("one", InCluster(0))
    wire.say("split_preview", name="one")
    assert "nothing to split by" in wire.values()["preview"]["why"]


def test_notes_and_keys(wire: Wire) -> None:  # noqa: F811
    wire.say("create", name="a")
    wire.say("create", name="b")
    wire.say("note", name="a", note="<i>what</i> belongs here")
    wire.say("bind", name="b", key=1)
    said = {one["name"]: one for one in wire.values()["labels"]["categories"]}
    assert (said["a"]["note"], said["a"]["key"], said["b"]["key"]) == ("<i>what</i> belongs here", None, 1)
    wire.say("bind", name="b", key=None)
    for wrong in (0, 10, 3.0, "1", True):
        wire.say("bind", name="b", key=wrong)
    wire.say("note", name="a", note="x" * 3_000)
    said = {one["name"]: one for one in wire.values()["labels"]["categories"]}
    assert said["b"]["key"] is None
    assert said["a"]["note"] == "<i>what</i> belongs here"


# History


def test_a_row_of_the_journal_says_why_and_selects_again(wire: Wire) -> None:  # noqa: F811
    session = wire.session  # noqa: F811
    wire.say("select", rule=Where("kind", "==", "a").to_json(), mode="replace")
    wire.say("label", name="one")
    seq, items = session.entry.seq, int(session.selection.sum())
    wire.say("clear")
    wire.say("entry", seq=seq)
    assert wire.values()["entry"] == {"seq": seq, "rule": True, "words": "kind: a"}
    wire.say("entry_items", seq=seq, mode="replace")
    assert session.selection.sum() == items
    wire.say("replay", seq=seq, mode="replace")
    assert np.array_equal(session.selection, Where("kind", "==", "a").mask(session.seen))
    wire.say("hide", name="a")
    wire.say("clear")
    wire.say("entry_items", seq=seq, mode="replace")
    assert not session.selection.any(), "what is hidden is not selected"
    assert "is shown now" in wire.toasts()[-1]
    for wrong in (0, -1, seq + 1, True, 1.5, "1"):
        wire.say("entry", seq=wrong)
        assert "no row" in wire.toasts()[-1]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Box(0, 0, 1, 1), "a box on the map"),
        (InCluster(2), "the cluster “two”"), (InCluster(-1), "noise"),
        (HasLabel("owl"), "labelled “owl”"), (HasLabel(None), "no label"),
        (Ids(["a"]), "one item"), (Ids(["a", "b"]), "2 items, one by one"),
        ((Box(0, 0, 1, 1) & ~Where("kind", "==", "a")) | InCluster(2), "(a box on the map and not kind: a) or the cluster “two”"),
    ],
)  # fmt: skip
def test_rules_in_words(rule: Any, words: str) -> None:
    assert past.in_words({"rule": rule.to_json(), "on": {}}, {2: "two"}) == words
    assert from_json(rule.to_json()) == rule


def test_a_rule_that_is_not_known_has_no_words() -> None:
    assert past.in_words(None, {}) == past.in_words({"rule": {"rule": "of the future"}}, {}) == past.in_words({"rule": 3}, {}) == ""
    long = past.in_words({"rule": Where("kind", "==", "x" * 1_000).to_json()}, {})
    assert len(long) == past.LONGEST
    assert long.endswith("…")


# Comparing


def test_comparing_two_people(wire: Wire) -> None:  # noqa: F811
    session, me = wire.session, wire.session.user  # noqa: F811
    other = Session(session.dataset, session.workspace, user="ben")
    session.label("a", InCluster(0))
    session.label("b", InCluster(1))
    other.label("b", InCluster(0))
    wire.say("select_disputed", mode="replace")
    assert "not there yet" in wire.toasts()[-1]
    wire.say("compare", open=True)
    said = until(lambda: wire.values().get("comparison"), "the comparison")
    plain(said)
    ratings, names = session.ratings()
    wanted = told(compare(ratings), names)
    assert said == wanted | {"set": "labels", "number": 1}
    assert dict(said["labelled"]) == {me: 60, "ben": 30}
    assert said["confused"] == [{"first": "a", "second": "b", "times": 30}]
    assert said["disagree"] == 30
    assert wire.values()["comparing"] == wire.values()["comparison"]["number"]
    wire.say("select_disputed", mode="replace")
    assert np.array_equal(session.selection, session.clusters.values == 0)
    other.label("c", InCluster(1))
    until(lambda: wire.values()["comparison"]["disagree"] == 60, "recomputed while it is open")
    wire.say("compare", open=False)
    start = len(wire.sent)
    other.label("d", InCluster(1))
    assert not any("comparing" in message.get("set", {}) for message in wire.sent[start:]), "closed, it costs nothing"
    wire.say("compare", open=True)
    until(lambda: any("comparison" in message.get("set", {}) for message in wire.sent[start:]), "opened again")
    assert sum("comparison" in message.get("set", {}) for message in wire.sent[start:]) == 1
    other.close()


def test_how_to_read_alpha() -> None:
    def of(*pairs: tuple[int, int]) -> str:
        first, second = (np.array(codes, np.int32) for codes in zip(*pairs, strict=True))
        return verdict(compare({"a": first, "b": second}))

    assert "nothing to compare" in of((1, 0), (0, 1))
    assert "chance" in of((1, 1), (1, 1))
    assert of(*[(1, 1), (2, 2)] * 20).startswith("Reliable")
    assert "tentative" in of(*[(1, 1), (2, 2)] * 10, (1, 2), (2, 1), (1, 2))
    assert "Too low" in of((1, 1), (2, 2), (1, 2), (2, 1))


# Files of labels


def send(wire: Wire, name: str, content: bytes, piece: int = 500) -> int:  # noqa: F811
    """Send a file as the page does; where its answers begin."""
    start = len(wire.sent)
    for at in range(0, max(1, len(content)), piece):
        data = base64.b64encode(content[at : at + piece]).decode()
        wire.say("import_piece", name=name, size=len(content), at=at, data=data)
    return start


def answer(wire: Wire, start: int, state: str) -> dict[str, Any]:  # noqa: F811
    def found() -> dict[str, Any] | None:
        said = [message["set"]["importing"] for message in wire.sent[start:] if "importing" in message.get("set", {})]
        return next((one for one in said if one["state"] == state), None)

    return until(found, state)


def test_labels_of_a_file_are_shown_then_imported_as_one_action(wire: Wire) -> None:  # noqa: F811
    session = wire.session  # noqa: F811
    session.label("mine", Ids(["i1", "i2"]))
    rows = [("i1", "x"), ("i5", "NA"), ("i6", ""), ("nobody", "x"), ("i7", "=1+1"), ("i7", "y"), ("<b>who</b>", None)]
    written = pd.DataFrame(rows, columns=["id", "label"]).to_csv(index=False, quoting=2)
    content = written.replace('"<b>who</b>",""', '"<b>who</b>",').encode()
    said = answer(wire, send(wire, "../../etc/evil: labels.csv", content), "read")
    plain(said)
    assert "/" not in said["name"]
    assert said["name"].endswith("labels.csv")
    assert (said["known"], said["unknowns"], said["unknown"]) == (4, 2, ["nobody", "<b>who</b>"])
    assert (said["twice"], said["labelled"]) == (["i7"], {"labels": 1})
    assert said["columns"] == ["id", "label"]
    assert (said["id"], said["label"]) == ("id", "label")
    assert dict(said["categories"]) == {"x": 1, "NA": 1, "": 1, "y": 1}
    before = session.workspace.seq
    folder = Path(next(part for part in wire.view.parts if isinstance(part, importing.Importing))._upload.folder.name)
    assert [path.name for path in folder.iterdir()] == [said["name"]], "it lies where it belongs, whatever it is called"
    wire.say("import_labels", into="labels", replace=False, action="once")
    assert session.workspace.seq == before + 1
    assert dict(session.labels) == {"i1": "mine", "i2": "mine", "i5": "NA", "i6": "", "i7": "y"}
    assert wire.values()["importing"] == {"state": "done", "changed": 3}
    assert not folder.exists(), "what was sent is not kept"
    wire.say("undo")
    assert dict(session.labels) == {"i1": "mine", "i2": "mine"}
    wire.say("redo")
    wire.say("import_labels", into="labels", replace=True)
    assert "no file here" in wire.toasts()[-1]
    assert len(session.labels) == 5


def test_labels_go_into_another_set_and_replace_what_is_there(wire: Wire) -> None:  # noqa: F811
    session = wire.session  # noqa: F811
    session.label("mine", Ids(["i1"]))
    content = b'{"id": "i1", "label": "x"}\n{"id": "i2", "label": "y"}\n'
    answer(wire, send(wire, "labels.jsonl", content), "read")
    wire.say("import_labels", into="quality", replace=True)
    assert (session.label_set, dict(session.labels)) == ("quality", {"i1": "x", "i2": "y"})
    assert dict(session.labels_of("labels")) == {"i1": "mine"}
    wire.say("label_set", name="labels")
    answer(wire, send(wire, "labels.jsonl", content), "read")
    wire.say("import_labels", into="labels", replace=True)
    assert dict(session.labels) == {"i1": "x", "i2": "y"}


def test_unknown_ids_are_all_to_be_had(wire: Wire) -> None:  # noqa: F811
    ids = [f"nobody {row}" for row in range(40)]
    content = "\n".join(["id,label", "i1,x", *(f"{one},x" for one in ids)]).encode()
    said = answer(wire, send(wire, "mine.csv", content), "read")
    assert (said["unknowns"], said["unknown"]) == (40, ids[: importing.LISTED])
    wire.say("import_unknown", how="copy")
    assert wire.sent[-1]["ids"] == {"text": "\n".join(ids), "count": 40}
    wire.say("import_unknown", how="download")
    part = wire.sent[-1]["part"]
    assert (part["name"], part["bytes"].decode().split("\n")[:-1], part["last"]) == ("mine-unknown-ids.txt", ids, True)


def test_columns_are_chosen(wire: Wire) -> None:  # noqa: F811
    content = b"what,who,other\nx,i1,p\ny,i2,q\n"
    start = send(wire, "odd.csv", content)
    assert "say which holds" in answer(wire, start, "wrong")["why"]
    start = len(wire.sent)
    wire.say("import_columns", id="who", label="other")
    said = answer(wire, start, "read")
    assert (said["id"], said["label"], said["columns"]) == ("who", "other", ["what", "who", "other"])
    start = len(wire.sent)
    wire.say("import_columns", id="who", label="nope")
    assert "nope" in answer(wire, start, "wrong")["why"]
    wire.say("import_labels", into="labels", replace=True)
    assert "not read yet" in wire.toasts()[-1]
    assert not wire.session.labels


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"name": "x.exe"}, "cannot be read"), ({"name": "x.csv/"}, "cannot be read"), ({"name": ""}, "no name"),
        ({"name": None}, "no name"),
        ({"size": importing.LARGEST + 1}, "too large"), ({"size": -1}, "too large"), ({"size": 0, "data": ""}, "empty"),
        ({"size": 2}, "wrong order"), ({"at": 3}, "wrong order"), ({"data": "*"}, "did not come through"), ({"data": 3}, "at most"),
        ({"data": "A" * (importing.PIECE * 2)}, "at most"),
    ],
)  # fmt: skip
def test_a_piece_that_no_page_of_ours_sends(message: dict[str, Any], why: str, wire: Wire) -> None:  # noqa: F811
    start = len(wire.sent)
    good = {"name": "x.csv", "size": 100, "at": 0, "data": base64.b64encode(b"id,label").decode()}
    wire.say("import_piece", **good | message)
    assert why in answer(wire, start, "wrong")["why"]
    wire.say("import_labels", into="labels", replace=True)
    assert "no file here" in wire.toasts()[-1]


def test_a_gap_between_pieces_is_noticed(wire: Wire) -> None:  # noqa: F811
    wire.say("import_piece", name="x.csv", size=12, at=0, data=base64.b64encode(b"id,l").decode())
    start = len(wire.sent)
    wire.say("import_piece", name="x.csv", size=12, at=8, data=base64.b64encode(b"i1,x").decode())
    assert "wrong order" in answer(wire, start, "wrong")["why"]


def test_a_second_file_takes_the_first_ones_place(wire: Wire) -> None:  # noqa: F811
    wire.say("import_piece", name="first.csv", size=100, at=0, data="aWQ=")
    part = next(part for part in wire.view.parts if isinstance(part, importing.Importing))
    first = Path(part._upload.folder.name)
    assert (first / "first.csv").exists()
    said = answer(wire, send(wire, "second.csv", b"id,label\ni1,x\n"), "read")
    assert said["name"] == "second.csv"
    assert not first.exists()
    second = Path(part._upload.folder.name)
    wire.say("import_close")
    assert not second.exists()
    wire.say("import_piece", name="third.csv", size=100, at=0, data="aWQ=")
    third = Path(part._upload.folder.name)
    wire.view.close()
    assert not third.exists(), "nothing is left of a visit"
