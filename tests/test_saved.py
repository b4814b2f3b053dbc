"""Saved selections and expressions over them: against sets, and after the workspace was closed and opened again."""

from __future__ import annotations

import json
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import Box, Brush, HasLabel, Ids, InCluster, InputError, Lasso, Session, Where, Workspace
from explorer.dataset import Dataset
from explorer.selection import Rule, Seen, walk
from explorer.session.expression import LONGEST, parse, quoted
from explorer.session.saved import PARTS, needs
from explorer.step import Result

N = 60


@pytest.fixture
def session() -> Session:
    return made()


def made(workspace: Workspace | Path | None = None) -> Session:
    """Numbers in a workspace, with a layout and clusters if it has none yet."""
    rng = np.random.default_rng(3)
    session = Session(rng.normal(size=(N, 4)).astype(np.float32), workspace)
    if session.layout is None:
        session.adopt(layout(0))
        session.adopt(Result((np.arange(N) % 3).astype(np.int32), "cluster", "given", {"on": "layout"}, "", "thirds"))
    return session


def layout(seed: int) -> Result:
    places = np.random.default_rng(seed).normal(size=(N, 2)).astype(np.float32)
    return Result(places, "reduce", "given", {}, "", f"layout-{seed}")


# Expressions

NAMES = ["A", "B", "big faces", "a & b", 'the "best"', "it's", "~", "back\\slash", " ", "(", "名前", "&|~()"]
SETS = {name: set(np.flatnonzero(np.random.default_rng(place).random(10) < 0.5).tolist()) for place, name in enumerate(NAMES)}
KNOWN: dict[str, Rule] = {name: Ids(sorted(rows)) for name, rows in SETS.items()}
EVERYTHING = set(range(10))

leaves = st.sampled_from(NAMES).map(lambda name: (quoted(name), SETS[name]))


def combined(parts: st.SearchStrategy) -> st.SearchStrategy:
    """Expressions with the set that each means; brackets wherever binding alone would not say the same."""
    both = st.tuples(parts, parts)
    return st.one_of(
        both.map(lambda two: (f"({two[0][0]}) & ({two[1][0]})", two[0][1] & two[1][1])),
        both.map(lambda two: (f"{two[0][0]} | {two[1][0]}", two[0][1] | two[1][1])),
        parts.map(lambda one: (f"~({one[0]})", EVERYTHING - one[1])),
        parts.map(lambda one: (f"  ( {one[0]}\t) ", one[1])),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, combined, max_leaves=12))
def test_an_expression_means_what_its_sets_do(expression: tuple[str, set[int]]) -> None:
    text, expected = expression
    assert found(parse(text, KNOWN)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A | B & C", {1, 2, 3}),  # & binds closer
        ("A & B | C", {2, 3}),
        ("~A & B", {3}),  # ~ binds closest
        ("~(A & B)", EVERYTHING - {2}),
        ("~~A", {1, 2}),
        ("A&B", {2}),
        ("A & B & C", set()),
        ("(((A)))", {1, 2}),
    ],
)
def test_binding(text: str, expected: set[int]) -> None:
    known = {"A": Ids([1, 2]), "B": Ids([2, 3]), "C": Ids([3])}
    assert found(parse(text, known)) == expected


def found(rule: Rule) -> set[int]:
    return set(np.flatnonzero(rule.mask(Seen(Dataset("ten", np.arange(10), pa.table({}), {})))).tolist())


@given(st.text(min_size=1, max_size=20))
def test_any_name_can_be_quoted(name: str) -> None:
    assert parse(quoted(name), {name: Ids([1])}) == Ids([1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "ends where a name is expected"),
        ("   ", "ends where a name is expected"),
        ("A &", "'A &' ends where a name is expected"),
        ("& A", "has '&' where a name is expected"),
        ("A | | B", "has '|' where"),
        ("(A", "not closed"),
        ("A)", "goes on with '\\)' after 'A'"),
        ('"A" "B"', "goes on with 'B' after 'A'"),
        ('A "B"', "goes on"),
        ('"A', "cannot be read from"),
        ("A & Bb", "did you mean 'B'"),
        ("C & big face", "no saved selection is called 'C'"),
        ("__import__('os')", "cannot be read|no saved selection"),
        ("~" * 5_000 + "A", "more than 100"),
        ("(" * 5_000, "more than 100"),
        ("A | " * LONGEST, "up to 10,000 characters"),
        (None, "a text"),
    ],
)
def test_what_is_no_expression_says_what_was_given_and_what_is_allowed(text: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse(text, KNOWN)


@given(st.text(alphabet="AB &|~()\"'\\x", max_size=30))
def test_any_text_is_a_rule_or_an_error_that_says_so(text: str) -> None:
    try:
        rule = parse(text, KNOWN)
    except InputError:
        return
    assert isinstance(rule, Rule)


# In a session


def test_save_select_combine_and_invert(session: Session) -> None:
    session.select(Ids([1, 2, 3]))
    session.save_selection(" A ")
    session.select(Ids([3, 4]))
    before = session.saved
    session.save_selection("B")
    assert before.keys() == {"A"}, "replaced, never edited"
    assert list(session.saved) == ["A", "B"]
    assert session.select_expression("A & ~B").nonzero()[0].tolist() == [1, 2]
    assert session.select_saved("B", "add").nonzero()[0].tolist() == [1, 2, 3, 4]
    assert session.select_expression("A", "subtract").nonzero()[0].tolist() == [4]
    assert session.invert().sum() == N - 1
    assert (session.rule.mask(session.seen) == session.selection).all()
    session.undo()
    assert session.selection.nonzero()[0].tolist() == [4]


def test_invert_of_nothing_is_all_that_is_shown(session: Session) -> None:
    assert session.invert().all()
    assert not session.invert().any()
    assert session.rule is None
    session.filters = {"c0": Where("c0", ">", 0)} if "c0" in session.dataset.table.column_names else {"x": InCluster(1)}
    assert np.array_equal(session.invert(), session.shown)
    assert np.array_equal(session.rule.mask(session.seen), session.selection)


@pytest.mark.parametrize("name", ["", "  ", None, 3, "x" * 201])
def test_a_name_is_a_text(name: Any, session: Session) -> None:
    session.select(Ids([1]))
    with pytest.raises(InputError, match="1 to 200 characters"):
        session.save_selection(name)


def test_what_cannot_be_says_why(session: Session) -> None:
    with pytest.raises(InputError, match="nothing is selected"):
        session.save_selection("A")
    session.select(Ids([1]))
    session.save_selection("A")
    session.save_selection("B")
    for verb in (session.forget_selection, session.select_saved, lambda name: session.rename_selection(name, "C")):
        for name in ("a", None, []):
            with pytest.raises(InputError, match="no saved selection is called"):
                verb(name)
    with pytest.raises(InputError, match="already"):
        session.rename_selection("A", "B")
    with pytest.raises(InputError, match="characters"):
        session.rename_selection("A", " ")
    assert list(session.saved) == ["A", "B"]


def test_rename_keeps_the_order_and_forget_forgets(session: Session) -> None:
    session.select(Ids([1]))
    for name in "ABC":
        session.save_selection(name)
    session.rename_selection("A", "first")
    session.rename_selection("B", "B")
    session.forget_selection("C")
    assert list(session.saved) == ["first", "B"] == list(session.workspace.selections())


def test_a_rule_that_no_longer_makes_the_selection_is_saved_as_its_items(session: Session) -> None:
    session.select(Ids([1, 2]))
    session.label("x")
    session.select(HasLabel("x"))
    session.select(Ids([7]), "add")
    session.labels = session.workspace.labels
    chosen = session.selection
    session.workspace.change(lambda labels: labels.remove(np.arange(N) == 1), "elsewhere")
    session.save_selection("A")
    session.clear()
    assert np.array_equal(session.select_saved("A"), chosen)


REGIONS = [Box(-1, -1, 1, 1), Lasso([(-2, -2), (2, -2), (0, 2)]), Brush([(-1, 0), (1, 1)], 0.5), ~Box(0, 0, 1, 1) & InCluster(1)]


@pytest.mark.parametrize("rule", REGIONS, ids=lambda rule: rule.kind)
def test_a_region_is_its_items_when_the_layout_becomes_another(rule: Rule, session: Session) -> None:
    chosen = session.select(rule)
    assert 0 < chosen.sum() < N
    session.save_selection("A")
    assert session.saved["A"] is session.rule, "as it was drawn, while that means the same"
    session.adopt(session.layout)
    assert session.saved["A"] is session.rule
    session.adopt(layout(1))
    session.clear()
    assert np.array_equal(session.select_saved("A"), chosen)


def test_a_cluster_is_its_items_when_the_clusters_become_others(session: Session) -> None:
    chosen = session.select(InCluster(2))
    session.save_selection("A")
    session.adopt(Result(np.zeros(N, np.int32), "cluster", "given", {"on": "layout"}, "", "one"))
    session.clear()
    assert np.array_equal(session.select_saved("A"), chosen)


def test_needs() -> None:
    assert needs(~(Ids([1]) | Box(0, 0, 1, 1)) & InCluster(0)) == {"layout", "clusters"}
    assert needs(Where("a", "==", 1) | HasLabel("x")) == set()


# In a workspace


@pytest.mark.parametrize("rule", [*REGIONS, InCluster(1), Ids([3, 4]), ~Ids([3])], ids=lambda rule: rule.kind)
def test_saved_selections_survive(rule: Rule, tmp_path: Path) -> None:
    first = made(tmp_path / "kept")
    chosen = first.select(rule)
    first.save_selection("a <b> & \udcff 名")
    first.save_selection("B")
    first.forget_selection("B")
    first.workspace.close()

    again = made(tmp_path / "kept")
    assert list(again.saved) == ["a <b> & \udcff 名"]
    assert np.array_equal(again.select_saved("a <b> & \udcff 名"), chosen)
    assert again.rule == rule, "still the rule, not a list of items"
    again.adopt(layout(5))
    again.adopt(Result(np.zeros(N, np.int32), "cluster", "given", {"on": "layout"}, "", "one"))
    for result in (again.layout, again.clusters):
        again.workspace.put(result)
    again.workspace.close()

    third = made(tmp_path / "kept")
    assert third.layout.key == "layout-5"
    assert np.array_equal(third.select_saved("a <b> & \udcff 名"), chosen), "drawn on the layout of then"


def test_two_visits_lose_nothing_of_each_other(tmp_path: Path) -> None:
    workspace = made(tmp_path / "kept").workspace
    one, two = Session(workspace.dataset, workspace), Session(workspace.dataset, workspace)
    for session, name in ((one, "A"), (two, "B")):
        session.select(Ids([1]))
        session.save_selection(name)
    assert list(Session(workspace.dataset, workspace).saved) == ["A", "B"]


def test_a_name_of_another_visit_is_not_taken_by_renaming(tmp_path: Path) -> None:
    workspace = made(tmp_path / "kept").workspace
    one, two = Session(workspace.dataset, workspace), Session(workspace.dataset, workspace)
    for session, name, row in ((one, "A", 1), (two, "B", 2)):
        session.select(Ids([row]))
        session.save_selection(name)
    with pytest.raises(InputError, match="'A' already"):
        two.rename_selection("B", "A")
    assert workspace.selections()["A"]["rule"]["ids"] == [1]
    one.forget_selection("A")
    two.rename_selection("B", "A")
    three = Session(workspace.dataset, workspace)
    three.forget_selection("A")
    two.rename_selection("A", "C")
    assert list(workspace.selections()) == ["C"], "what a page calls saved is saved, also what another deleted meanwhile"


def save_some(folder: Path, names: list[str]) -> None:
    """What another process does."""
    session = made(folder)
    session.select(Ids([1]))
    for name in names:
        session.save_selection(name)


def test_processes_that_save_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    made(tmp_path / "kept").workspace.close()
    names = [[f"{who} {number}" for number in range(15)] for who in "ABC"]
    processes = get_context("spawn").Pool(3)
    with processes:
        processes.starmap(save_some, [(tmp_path / "kept", some) for some in names])
    assert set(made(tmp_path / "kept").saved) == {name for some in names for name in some}


DAMAGED = ["{", "[]", '{"selections": []}', '{"selections": {"A": {"rule": {"rule": "x"}, "on": {}}}}', '{"selections": {"A": 3}}']


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_says_so(text: str, tmp_path: Path) -> None:
    made(tmp_path / "kept").workspace.close()
    (tmp_path / "kept" / "selections.json").write_text(text)
    session = made(tmp_path / "kept")
    assert session.saved == {}
    assert ["selections.json" in note for note in session.workspace.notes].count(True) == 1
    assert (tmp_path / "kept" / "selections.json").read_text() == text, "it is left as it is until there is something to write"
    session.select(Ids([1]))
    session.save_selection("new")
    assert [path.read_text() for path in (tmp_path / "kept").glob("selections.damaged-*.json")] == [text]
    session.save_selection("newer")
    assert len(list((tmp_path / "kept").glob("selections.damaged-*.json"))) == 1
    assert list(made(tmp_path / "kept").saved) == ["new", "newer"]


def test_what_is_kept_is_plain_json(tmp_path: Path) -> None:
    session = made(tmp_path / "kept")
    session.select(Box(-1, -1, 1, 1))
    session.save_selection("A")
    kept = json.loads((tmp_path / "kept" / "selections.json").read_text())
    assert len(kept.pop("sum")) == 64
    assert kept == {"selections": {"A": {"rule": Box(-1, -1, 1, 1).to_json(), "on": {"layout": ["reduce", "given", "layout-0"]}}}}


def test_a_rule_that_grows_without_end_is_kept_as_what_it_means() -> None:
    session = Session(np.random.default_rng(0).normal(size=(30, 3)))
    session.select(Ids(session.dataset.ids[:10]))
    for _ in range(14):  # each time twice as long
        session.save_selection("A")
        session.select_expression("A & A")
    assert session.selection.sum() == 10
    assert len(session.selected_ids) == 10
    assert sum(1 for _ in walk(session.saved["A"])) <= PARTS
