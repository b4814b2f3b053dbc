"""Labels: every verb against a plain dict, and what one change leaves of another's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import InputError
from explorer.labels import NONE, PALETTE, Labels, colors

IDS = list("abcdef")


def empty() -> Labels:
    return Labels.empty(pd.Index(IDS, dtype=object))


def mask(ids: str) -> np.ndarray:
    return np.isin(IDS, list(ids))


def test_assign_and_read() -> None:
    labels = empty().assign(mask("ab"), "x").assign(mask("bc"), "y")
    assert dict(labels) == {"a": "x", "b": "y", "c": "y"}
    assert len(labels) == 3
    assert labels["a"] == "x"
    assert labels.get("d") is None
    assert labels.get("nobody") is None
    assert "d" not in labels
    assert labels.counts == {"x": 1, "y": 2}
    assert labels.values().tolist() == ["x", "y", "y", None, None, None]
    assert labels.to_frame()["label"].tolist() == ["x", "y", "y", None, None, None]
    assert labels.to_frame().index.name == "id"
    with pytest.raises(KeyError):
        labels["d"]


def test_a_value_is_never_edited() -> None:
    first = empty().assign(mask("a"), "x")
    before = dict(first), first.names, first.counts
    first.assign(mask("b"), "y").rename("x", "z").merge("y", "z").delete("z").remove(mask("abc"))
    assert (dict(first), first.names, first.counts) == before
    with pytest.raises(ValueError, match="read-only"):
        first.codes[0] = 5


def test_verbs() -> None:
    labels = empty().assign(mask("ab"), "x").assign(mask("cd"), "y").create("empty")
    assert labels.names == ["x", "y", "empty"]
    assert dict(labels.rename("x", "z")) == {"a": "z", "b": "z", "c": "y", "d": "y"}
    assert labels.rename("x", "x").names == labels.names
    assert dict(labels.merge("x", "y")) == dict.fromkeys("abcd", "y")
    assert labels.merge("x", "y").names == ["y", "empty"]
    assert labels.merge("x", "x") is labels
    assert labels.merge("x", "new").names == ["y", "empty", "new"]
    assert dict(labels.delete("x")) == {"c": "y", "d": "y"}
    assert dict(labels.remove(mask("ac"))) == {"b": "x", "d": "y"}
    assert labels.remove(mask("abcd")).names == ["x", "y", "empty"]
    assert labels.create("x") is labels


def test_the_empty_name_is_a_name() -> None:
    labels = empty().assign(mask("a"), "").assign(mask("b"), "x")
    assert labels.mask("").tolist() == mask("a").tolist()
    assert labels.mask(None).tolist() == mask("ab").tolist()
    assert dict(labels.merge("", "x")) == {"a": "x", "b": "x"}
    assert labels.values().tolist() == ["", "x", None, None, None, None]


@pytest.mark.parametrize("name", ["NA", "None", "nan", "0", " ", "a\nb", "\ud800", "مرحبا", "<b>", "x" * 10_000, "\x00"])
def test_any_text_is_a_name(name: str) -> None:
    assert empty().assign(mask("a"), name)["a"] == name


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda labels: labels.rename("spirla", "x"), "did you mean 'spiral'"),
        (lambda labels: labels.rename("spiral", "bar"), "merge 'spiral' into it"),
        (lambda labels: labels.delete("no"), "no category"),
        (lambda labels: labels.merge("no", "bar"), "no category"),
        (lambda labels: labels.mask("no"), "no category"),
        (lambda labels: labels.recolor("spiral", "red"), "#rrggbb"),
        (lambda labels: labels.recolor("spiral", "#12345g"), "#rrggbb"),
        (lambda labels: labels.create("new", "red;}"), "#rrggbb"),
        (lambda labels: labels.create(3), "is text"),
        (lambda labels: labels.rename("spiral", None), "is text"),
    ],
)
def test_what_cannot_be_says_why(do, says: str) -> None:
    with pytest.raises(InputError, match=says):
        do(empty().create("spiral").create("bar"))


def test_colors_are_safe_first_and_differ() -> None:
    assert PALETTE[:6] == ("#0072b2", "#e69f00", "#cc79a7", "#009e73", "#d55e00", "#56b4e9")  # Okabe and Ito's
    assert len(set(colors(60))) == 60
    assert tuple(colors(5)) == PALETTE[:5]
    assert len(colors(1_000)) == 1_000
    labels = empty()
    for name in range(60):
        labels = labels.create(str(name))
    assert len({category.color for category in labels.categories.values()}) == 60
    freed = labels.delete("3").create("again")
    assert freed.categories[freed.code("again")].color == PALETTE[3]


def test_a_color_chosen_is_not_given_again() -> None:
    labels = empty().create("a", PALETTE[0].upper()).create("b")
    assert [category.color for category in labels.categories.values()] == list(PALETTE[:2])
    assert labels.recolor("b", "#ABCDEF").categories[2].color == "#abcdef"


def test_keys_are_one_to_nine_and_a_free_one_is_used_again() -> None:
    labels = empty()
    for name in range(11):
        labels = labels.create(str(name))
    assert [category.key for category in labels.categories.values()] == [1, 2, 3, 4, 5, 6, 7, 8, 9, None, None]
    freed = labels.delete("4").create("new")
    assert freed.categories[freed.code("new")].key == 5


def test_a_code_is_never_used_again() -> None:
    labels = empty().create("a").create("b").delete("b").create("c")
    assert list(labels.categories) == [1, 3]


# Changes

VERBS = st.one_of(
    st.tuples(st.just("assign"), st.sets(st.sampled_from(IDS)), st.sampled_from("xyz")),
    st.tuples(st.just("remove"), st.sets(st.sampled_from(IDS))),
    st.tuples(st.just("create"), st.sampled_from("xyz")),
    st.tuples(st.just("rename"), st.sampled_from("xyz"), st.sampled_from("xyz")),
    st.tuples(st.just("merge"), st.sampled_from("xyz"), st.sampled_from("xyz")),
    st.tuples(st.just("delete"), st.sampled_from("xyz")),
    # no two of one colour: where one of them goes and comes back, it takes a free one
    st.sampled_from("xyz").map(lambda name: ("recolor", name, f"#11111{'xyz'.index(name)}")),
)


def apply(labels: Labels, verb: tuple) -> Labels:
    name, *arguments = verb
    if name in {"assign", "remove"}:
        arguments[0] = mask("".join(arguments[0]))
    return getattr(labels, name)(*arguments)


def in_model(model: tuple[dict, list], verb: tuple) -> None:
    """The same verb on a dict of labels and a list of names."""
    given_labels, names = model
    name, *arguments = verb
    if (
        name in {"rename", "merge", "delete", "recolor"}
        and arguments[0] not in names
        and not (name == "merge" and arguments[0] == arguments[1])
    ):
        raise KeyError
    if name in {"create", "assign"} and arguments[-1] not in names:
        names.append(arguments[-1])
    if name == "assign":
        given_labels |= dict.fromkeys(arguments[0], arguments[1])
    if name == "remove":
        for identifier in arguments[0]:
            given_labels.pop(identifier, None)
    if name == "rename" and arguments[0] != arguments[1]:
        if arguments[1] in names:
            raise KeyError
        names[names.index(arguments[0])] = arguments[1]
    if name in {"rename", "merge"}:
        given_labels |= {i: arguments[1] for i, label in given_labels.items() if label == arguments[0]}
    if name == "merge" and arguments[0] != arguments[1]:
        if arguments[1] not in names:
            names.append(arguments[1])
        names.remove(arguments[0])
    if name == "delete":
        names.remove(arguments[0])
        for identifier in [i for i, label in given_labels.items() if label == arguments[0]]:
            del given_labels[identifier]


def same(first: Labels, second: Labels) -> bool:
    return first.values().tolist() == second.values().tolist() and first.categories == second.categories


@given(st.lists(VERBS, max_size=25))
def test_verbs_undo_and_redo_are_a_dicts(verbs: list[tuple]) -> None:
    labels, states, changes = empty(), [], []
    model: tuple[dict, list] = ({}, [])
    for verb in verbs:
        try:
            new = apply(labels, verb)
        except InputError:
            with pytest.raises(KeyError):
                in_model((dict(model[0]), list(model[1])), verb)
            continue
        in_model(model, verb)
        assert dict(new) == model[0]
        assert new.names == model[1]
        change = labels.change_to(new, verb[0])
        assert same(labels.apply(change), new)
        states.append(labels)
        changes.append(change)
        labels = new
    last = labels
    for before, change in zip(reversed(states), reversed(changes), strict=True):
        labels = labels.apply(change.inverse())
        assert same(labels, before)
    for change in changes:
        labels = labels.apply(change)
    assert same(labels, last)


def test_nothing_done_is_no_change() -> None:
    labels = empty().assign(mask("a"), "x")
    assert not labels.change_to(labels.assign(mask("a"), "x"), "label")
    assert labels.change_to(labels.create("y"), "create")


# Two people: what one takes back leaves the other's work alone


def both() -> tuple[Labels, Labels, object]:
    """One person's first label, and the change that made it."""
    start = empty()
    mine = start.assign(mask("ab"), "x")
    return start, mine, start.change_to(mine, "label")


def test_undo_keeps_what_somebody_else_labelled_with_the_new_category() -> None:
    _, mine, change = both()
    theirs = mine.assign(mask("cd"), "x")
    assert dict(theirs.apply(change.inverse())) == {"c": "x", "d": "x"}


def test_undo_keeps_what_somebody_else_labelled_otherwise() -> None:
    _, mine, change = both()
    theirs = mine.assign(mask("b"), "y")
    assert dict(theirs.apply(change.inverse())) == {"b": "y"}


def test_a_category_that_comes_back_joins_one_of_its_name() -> None:
    _, mine, _ = both()
    deleted = mine.delete("x")
    change = mine.change_to(deleted, "delete")
    theirs = deleted.assign(mask("c"), "x")
    found = theirs.apply(change.inverse())
    assert dict(found) == {"a": "x", "b": "x", "c": "x"}
    assert found.names == ["x"]


def test_a_category_that_comes_back_takes_nobodys_key_or_color() -> None:
    _, mine, _ = both()
    deleted = mine.delete("x")
    change = mine.change_to(deleted, "delete")
    theirs = deleted.create("other")
    found = theirs.apply(change.inverse())
    assert sorted(found.names) == ["other", "x"]
    assert len({category.key for category in found.categories.values()}) == 2
    assert len({category.color for category in found.categories.values()}) == 2


def test_a_name_that_is_taken_meanwhile_is_not_given_twice() -> None:
    _, mine, _ = both()
    renamed = mine.rename("x", "y")
    change = mine.change_to(renamed, "rename")
    theirs = renamed.assign(mask("f"), "x")
    found = theirs.apply(change.inverse())
    assert dict(found) == {"a": "y", "b": "y", "f": "x"}


def test_a_rename_and_a_recolor_do_not_undo_each_other() -> None:
    _, mine, _ = both()
    renamed = mine.rename("x", "y")
    change = mine.change_to(renamed, "rename")
    theirs = renamed.recolor("y", "#123456")
    found = theirs.apply(change.inverse())
    assert found.names == ["x"]
    assert found.categories[1].color == "#123456"


def test_labels_of_a_category_that_is_gone_do_not_come_back_without_it() -> None:
    _, mine, _ = both()
    over = mine.assign(mask("a"), "y")
    change = mine.change_to(over, "label")
    theirs = over.delete("x")
    found = theirs.apply(change.inverse())
    assert dict(found) == {}
    assert set(np.unique(found.codes)) <= {NONE, *found.categories}


@given(st.lists(st.tuples(st.booleans(), VERBS | st.just(("undo",)) | st.just(("redo",))), max_size=40))
def test_two_people_in_any_order_keep_the_labels_sound(actions: list) -> None:
    """Whatever is undone over whatever: names, keys and colours are unique, and every code has its category."""
    labels = empty()
    done: dict[bool, list] = {False: [], True: []}
    undone: dict[bool, list] = {False: [], True: []}
    for who, verb in actions:
        if verb == ("undo",):
            if done[who]:
                undone[who].append(done[who].pop())
                labels = labels.apply(undone[who][-1].inverse())
        elif verb == ("redo",):
            if undone[who]:
                done[who].append(undone[who].pop())
                labels = labels.apply(done[who][-1])
        else:
            try:
                change = labels.change_to(apply(labels, verb), verb[0])
            except InputError:
                continue
            labels = labels.apply(change)
            done[who].append(change)
            undone[who].clear()
        kept = labels.categories.values()
        assert len(set(labels.names)) == len(labels.names)
        keys = [category.key for category in kept if category.key]
        assert len(set(keys)) == len(keys)
        assert set(np.unique(labels.codes).tolist()) <= {NONE, *labels.categories}
        assert labels.next_code > max([0, *labels.categories])
        assert sum(labels.counts.values()) == len(labels)


def test_a_name_that_moves_below_itself_can_be_undone_and_redone() -> None:
    """``x`` becomes ``x/a`` while ``x/a`` becomes ``x/a/a``: whichever was made first."""
    for names in (("x", "x/a"), ("x/a", "x")):
        before = Labels.empty(pd.Index(["a"])).create(names[0]).create(names[1])
        change = before.change_to(before.rename("x", "x/a"), "rename")
        after = before.apply(change)
        assert sorted(after.names) == ["x/a", "x/a/a"]
        assert after.apply(change.inverse()).names == list(names)


def test_a_category_without_a_key_comes_back_without_one() -> None:
    before = Labels.empty(pd.Index(["a"])).create("x").bind("x", None).create("y").bind("y", None)
    change = before.change_to(before.delete("x"), "delete")
    assert before.apply(change).apply(change.inverse()).categories == before.categories
