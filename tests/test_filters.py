"""Bars of a column, counted and brushed: against a slow reference, and whatever the column holds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer import Box, HasLabel, Ids, InCluster, InputError, Session, Where
from explorer.dataset import Dataset
from explorer.labels import Labels
from explorer.selection import Not, Rule, Seen, from_json, leaves
from explorer.session.bins import TOP, Bins, Ranges, Values, marks, of_clusters, of_column, of_labels
from explorer.session.filters import describe, fitting, own_keys
from explorer.step import Result


def dataset(values: Any, kind: str = "number") -> Dataset:
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return Dataset("t", np.arange(len(column)), pa.table({"c": column}), {"c": kind})


def cut(values: Any, kind: str = "number") -> tuple[Any, Seen]:
    made = dataset(values, kind)
    return of_column(made, "c"), Seen(made)


def again(rule: Rule) -> Rule:
    """A rule as a label's journal gives it back."""
    return from_json(json.loads(json.dumps(rule.to_json(), allow_nan=False)))


# Counting


@given(st.integers(1, 300), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_counts_are_those_of_counting_one_by_one(n: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, size, n).astype(np.uint8)
    shown, selected = rng.random(n) < 0.7, rng.random(n) < 0.4
    counted = Bins(codes, size).counts(marks(shown, selected))
    for bar in range(size):
        hidden, plain, chosen = counted[:, bar]
        assert hidden == sum(code == bar and not seen for code, seen in zip(codes, shown, strict=True))
        assert chosen == sum(c == bar and s and m for c, s, m in zip(codes, shown, selected, strict=True))
        assert hidden + plain + chosen == sum(code == bar for code in codes)
    everything = Bins(codes, size).counts(marks(None, selected))
    assert everything[0].sum() == 0
    assert everything[2].sum() == selected.sum()


def test_counts_of_more_items_than_are_counted_at_a_time() -> None:
    codes = np.arange(200_000).astype(np.uint8) % 7
    chosen = np.arange(200_000) % 3 == 0
    counted = Bins(codes, 7).counts(marks(None, chosen))
    assert counted[2].tolist() == np.bincount(codes[chosen], minlength=7).tolist()
    assert counted.sum() == 200_000


# Ranges

NUMBERS = st.one_of(
    st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=3, max_size=40).map(lambda v: pa.array(v, pa.float64())),
    st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=3, max_size=40).map(lambda v: pa.array(v, pa.float32())),
    st.lists(st.floats(-100, 100).map(lambda v: round(v, 1)), min_size=3, max_size=40).map(pa.array),
    st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=3, max_size=40).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=40).map(lambda v: pa.array(v, pa.int64())),
    st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=40).map(lambda v: pa.array(v, pa.uint64())),
)


@settings(deadline=None)
@given(NUMBERS, st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_range_of_bars_is_what_its_rule_selects(values: pa.Array, data: st.DataObject) -> None:
    """From edge to edge: the items in the bars between, whatever rounding does to a value or an edge."""
    bins, seen = cut(values)
    brushed(bins, seen, data)
    missing = np.array([value is None or math.isnan(value) for value in values.to_pylist()])
    assert ((bins.codes == bins.size - 1) == missing).all()
    assert (bins.missing().mask(seen) == missing).all()


def brushed(bins: Ranges, seen: Seen, data: st.DataObject) -> None:
    assert (np.diff(bins.edges) > 0).all() or len(bins.edges) == 2
    assert bins.size == len(bins.edges) <= 60
    first = data.draw(st.integers(0, bins.size - 2))
    last = data.draw(st.integers(first, bins.size - 2))
    rule = bins.rule(bins.edges[first], bins.edges[last + 1])
    inside = (bins.codes >= first) & (bins.codes <= last)
    if rule is None:
        assert (first, last) == (0, bins.size - 2)
        return
    assert again(rule) == rule
    assert (rule.mask(seen) == inside).all(), rule
    assert bins.place(rule) == pytest.approx((first, last + 1))


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9998, 1, 1)).map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000))
NEAR = st.tuples(MOMENTS.filter(lambda t: t.year < 9000), st.floats(0, 1e9)).map(lambda p: p[0] + timedelta(seconds=round(p[1], 3)))
DATES = st.one_of(
    st.lists(st.one_of(st.none(), st.dates()), min_size=3, max_size=30).map(lambda v: pa.array(v, pa.date32())),
    st.lists(st.dates(date(1850, 1, 1), date(1850, 3, 1)), min_size=3, max_size=30).map(lambda v: pa.array(v, pa.date32())),
    st.lists(st.one_of(st.none(), MOMENTS), min_size=3, max_size=30).map(lambda v: pa.array(v, pa.timestamp("us"))),
    st.lists(NEAR, min_size=3, max_size=30).map(lambda v: pa.array(v, pa.timestamp("ms"))),
    st.lists(NEAR.map(lambda t: t.replace(tzinfo=UTC)), min_size=3).map(lambda v: pa.array(v, pa.timestamp("ms", "Europe/Berlin"))),
)


@settings(deadline=None)
@given(DATES, st.data())
def test_a_range_of_dates_is_what_its_rule_selects(values: pa.Array, data: st.DataObject) -> None:
    brushed(*cut(values, "date"), data)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([tenth / 10 for tenth in range(31)], pa.float32()), "number"),
        (pa.array([datetime(2020, 1, 1, hour, tzinfo=UTC) for hour in range(24)], pa.timestamp("s", "Europe/Berlin")), "date"),
        (pa.array([-1_500, -1_000, -999, -1, 0, 1, 999, 1_000, 5_000], pa.timestamp("us")), "date"),
    ],
)
def test_a_range_of_each_bar_where_rounding_or_a_time_zone_could_move_a_value(values: pa.Array, kind: str) -> None:
    bins, seen = cut(values, kind)
    for bar in range(bins.size - 1):
        rule = bins.rule(bins.edges[bar], bins.edges[bar + 1])
        assert (rule.mask(seen) == (bins.codes == bar)).all()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (range(3, 8), ["3", "4", "5", "6", "7", "8"]),
        ([0.0, 0.5, 0.71], ["0", "0.02"]),
        ([1_000_000, 37_000_000, 5], ["0", "2,000,000"]),
        ([5.5, 5.5, 5.5], ["5.5", "5.5"]),
        ([5, 5, 5], ["5", "6"]),
        ([math.nan, math.inf, -math.inf], ["0", "1"]),
    ],
)
def test_edges_are_round(values: Any, texts: list[str]) -> None:
    bins, _ = cut(list(values))
    assert bins.texts()[: len(texts)] == texts


def test_one_outlier_does_not_press_all_others_into_one_bar() -> None:
    bins, seen = cut([*np.linspace(0, 1, 500), 1e12, -1e12, math.inf, math.nan])
    assert len(np.unique(bins.codes)) > 15
    assert bins.beyond == (True, True)
    above = bins.rule(bins.edges[-2], bins.edges[-1])
    assert above.mask(seen)[[500, 502]].all()
    assert not above.mask(seen)[[501, 503]].any()


def test_days_are_said_as_days_and_months_begin_on_the_first() -> None:
    bins, _ = cut([date(1820, 1, 1) + timedelta(days=day) for day in range(0, 20_000, 9)], "date")
    assert bins.texts()[0] == "1820-01-01"
    assert all(text.endswith("-01-01") for text in bins.texts())
    bins, _ = cut([date(2020, 1, day) for day in (1, 2, 20)], "date")
    assert bins.rule(bins.edges[1], bins.edges[3]) == Where("c", ">=", "2020-01-02") & Where("c", "<=", "2020-01-03")


@pytest.mark.parametrize("end", [math.nan, math.inf, "5", 10**400, True, [1]])
def test_an_end_that_is_no_number_is_said(end: Any) -> None:
    bins, _ = cut([1, 2, 3])
    with pytest.raises(InputError, match="two finite numbers"):
        bins.rule(0, end)


def test_ends_in_any_order_and_open() -> None:
    bins, _ = cut([1, 2, 3, 4])
    assert bins.rule(4, 2) == bins.rule(2, 4) == Where("c", ">=", 2) & Where("c", "<=", 3)
    assert bins.rule(None, 3) == Where("c", "<=", 2)
    assert bins.rule(2.5, None) == Where("c", ">=", 3)
    assert bins.rule(None, None) is bins.rule(-9, 99) is None
    assert bins.place(Where("c", "==", 2)) is bins.place(None) is bins.place(Where("d", ">", 2)) is None


# Values


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from([f"v{i}" for i in range(12)] + ["", " ", "other", "(missing)", "no"])), min_size=3
    )
)
def test_bars_of_values_are_their_rules(values: list[str | None]) -> None:
    bins, seen = cut(pa.array(values, pa.string()), "category")
    assert len(bins.names) == len(set(bins.names)) == len(bins.rules) == bins.size <= TOP + 2
    for place, name in enumerate(bins.names):
        rule = bins.rule([name])
        assert (again(rule).mask(seen) == (bins.codes == place)).all(), name
        assert bins.chosen(rule) == [other == name for other in bins.names]
    some = bins.names[::2]
    assert (bins.rule(some).mask(seen) == np.isin(bins.codes, np.arange(0, bins.size, 2))).all()
    assert bins.chosen(again(bins.rule(some))) == [name in some for name in bins.names]


@pytest.mark.parametrize(
    ("values", "kind", "names"),
    [
        (pa.array([True, None, False, True]), "flag", ("yes", "no", "(missing)")),
        (pa.array([3, 3, 1]).dictionary_encode(), "category", ("3", "1")),
        (pa.array([None, None, None], pa.string()), "category", ("(missing)",)),
        (pa.array(["<b>", "\n", "<b>"]), "category", ("<b>", "\n")),
    ],
)
def test_values_of_any_kind(values: pa.Array, kind: str, names: tuple[str, ...]) -> None:
    bins, seen = cut(values, kind)
    assert bins.names == names
    for place, name in enumerate(names):
        assert (bins.rule([name]).mask(seen) == (bins.codes == place)).all()


def test_other_values_are_not_the_missing_ones() -> None:
    bins, seen = cut([*(f"v{place}" for place in range(12)), None], "category")
    assert bins.names[-2:] == ("other", "(missing)")
    assert bins.rule(["other"]).mask(seen).sum() == 12 - TOP


def test_ten_thousand_categories() -> None:
    bins, seen = cut([f"v{row % 10_000}" for row in range(30_000)] + ["top"] * 10, "category")
    assert (bins.names[0], bins.names[-1], bins.size) == ("top", "other", TOP + 1)
    assert bins.rule(["other"]).mask(seen).sum() == 30_010 - 10 - 3 * (TOP - 1)


def test_what_is_no_bar_is_said() -> None:
    bins, _ = cut(["a", "b", "a"], "category")
    assert bins.rule([]) is None
    for wrong in (["c"], "a", None, [["a"]], 3):
        with pytest.raises(InputError):
            bins.rule(wrong)


def test_columns_without_bars() -> None:
    assert cut(["a text of many words", "b", "c"], "text")[0] is None
    with pytest.raises(InputError, match="no column is called"):
        of_column(dataset([1, 2, 3]), "d")


@given(st.lists(st.integers(-1, 12), min_size=3))
def test_bars_of_clusters_are_their_rules(clusters: list[int]) -> None:
    codes = np.array(clusters, np.int32)
    seen = Seen(dataset(codes), clusters=codes)
    bins = of_clusters(codes, {0: "<first>", 2: "noise"})
    assert isinstance(bins, Values)
    for place, name in enumerate(bins.names):
        assert (bins.rule([name]).mask(seen) == (bins.codes == place)).all(), name
        assert bins.chosen(bins.rule([name])) == [other == name for other in bins.names]
    assert bins.rule([bins.names[-1]]) == InCluster(-1)


def test_bars_of_labels_follow_the_labels(session: Session) -> None:
    assert of_labels(session.labels).names == ("no label",)
    for name in range(12):
        session.select(Ids(session.dataset.ids[: 20 - name]))
        session.label(f"l{name}")
    session.create_category("empty")
    bins = session.bins("label")
    assert bins.names[0] == "l11"
    assert bins.names[-2:] == ("other", "no label")
    for place, name in enumerate(bins.names):
        assert (bins.rule([name]).mask(session.seen) == (bins.codes == place)).all(), name
    assert isinstance(session.labels, Labels)


# The session


@pytest.fixture
def session() -> Iterator[Session]:
    table = pa.table({
        "number": np.arange(60) / 4, "kind": ["abc"[row % 3] for row in range(60)], "cluster": ["x", "y"] * 30,
    })  # fmt: skip
    made = Session(Dataset("t", np.arange(60), table, {"number": "number", "kind": "category", "cluster": "category"}))
    made.adopt(Result(np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32), "reduce", "given", {}, "", "k"))
    yield made
    made.workspace.close()


def test_filters_are_one_state_that_the_shown_items_follow(session: Session) -> None:
    heard: list[dict[str, Rule]] = []
    session.param.watch(lambda event: heard.append(event.new), "filters")
    session.filter("number", Where("number", "<", 5))
    before = session.filters
    session.filter("kind", Where("kind", "in", ("a",)))
    assert before == {"number": Where("number", "<", 5)}, "values are replaced, never edited"
    rows = np.arange(60)
    assert (session.shown == ((rows < 20) & (rows % 3 == 0))).all()
    assert (session.shown_rule.mask(session.seen) == session.shown).all()
    session.color_by = "column:kind"
    session.hidden = frozenset(["a"])
    assert not session.shown.any()
    session.hidden = frozenset()
    session.filter("number", None)
    assert (session.shown == (rows % 3 == 0)).all()
    session.clear_filters()
    assert session.shown is None
    assert len(heard) == 4


def test_a_filter_that_does_not_fit_changes_nothing(session: Session) -> None:
    session.filter("kind", Where("kind", "==", "a"))
    for name, rule in [("nope", Where("kind", "==", "b")), ("kind", Where("kind", "<", 5)), ("kind", "a"), ("kind", InCluster(1))]:
        with pytest.raises(InputError):
            session.filter(name, rule)
    assert session.filters == {"kind": Where("kind", "==", "a")}
    assert session.shown.sum() == 20


def test_a_filter_stays_with_a_new_layout_and_goes_with_its_clusters(session: Session) -> None:
    own = own_keys(session.dataset.columns)
    assert own == {"cluster": "(cluster)", "label": "label"}, "a column has our word for its name"
    session.adopt(Result((np.arange(60) % 4).astype(np.int32), "cluster", "given", {}, "k", "c1"))
    session.filter("number", Where("number", "<", 5))
    session.filter("(cluster)", session.bins("(cluster)").rule(["y"]))
    assert session.shown.sum() == 5
    session.adopt(Result(np.zeros((60, 2), np.float32), "reduce", "given", {}, "", "k2"))
    assert session.shown.sum() == 5
    session.adopt(Result((np.arange(60) % 2).astype(np.int32), "cluster", "given", {}, "k2", "c2"))
    assert list(session.filters) == ["number"]
    assert session.shown.sum() == 20


def test_a_filter_of_a_region_keeps_its_items_when_the_layout_becomes_another(session: Session) -> None:
    session.filter("number", Box(0, -9, 9, 9))
    before = session.shown
    session.adopt(Result(-session.layout.values, "reduce", "given", {}, "", "turned"))
    assert np.array_equal(session.shown, before)
    assert np.array_equal(session.shown_rule.mask(session.seen), before), "brushes are held to what is shown"


@pytest.mark.parametrize("by", ["cluster", "label"])
def test_what_the_legend_hides_is_said_by_clusters_and_categories(by: str, session: Session) -> None:
    session.adopt(Result((np.arange(60) % 4 - 1).astype(np.int32), "cluster", "given", {}, "k", "c1"))
    for row, name in enumerate(["a", "no label", "c"]):
        session.select(Ids([row, row + 10]))
        session.label(name)
    session.color_by = by
    legend = session.coloring()
    for hidden in ([0], [3], [0, 1], [0, 1, 2], [1, 2, 3], [0, 1, 2, 3]):
        session.hidden = frozenset(legend.names[code] for code in hidden)
        left = ~np.isin(legend.codes, hidden)
        assert np.array_equal(session.shown, left)
        assert np.array_equal(session.shown_rule.mask(session.seen), left)
        assert not any(isinstance(leaf, Ids) and leaf.ids for leaf in leaves(session.shown_rule)), "no list of many items"
    session.hidden = frozenset(["of another legend"])
    assert session.shown.all()


def test_a_legend_of_many_clusters_hides_the_others(session: Session) -> None:
    made = Session(np.zeros((200, 2), np.float32))
    made.adopt(Result((np.arange(200) % 90).astype(np.int32), "cluster", "given", {}, "k", "c1"))
    made.color_by = "cluster"
    legend = made.coloring()
    made.hidden = frozenset([next(name for name in legend.names if name.startswith("other"))])
    assert np.array_equal(made.shown, made.clusters.values < 60)


def test_a_filter_of_a_label_follows_what_is_labelled(session: Session) -> None:
    session.filter("label", HasLabel(None))
    session.select(Ids(range(10)))
    session.label("a")
    assert session.shown.sum() == 50, "what was labelled just now is shown no more"
    session.filter("label", HasLabel("a"))
    assert session.shown.sum() == 10
    heard: list[Any] = []
    session.param.watch(heard.append, "filters")
    session.label("a")
    session.create_category("z")
    assert heard == [], "filters that still fit do not change"
    session.rename_category("a", "b")
    assert session.filters == {}, "a category that is gone filters nothing"
    assert session.shown is None


def test_a_mask_is_worked_out_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Rule] = []
    real = Where.mask
    monkeypatch.setattr(Where, "mask", lambda rule, seen: asked.append(rule) or real(rule, seen))
    session.filter("number", Where("number", "<", 5))
    _ = session.shown
    session.filter("kind", Where("kind", "==", "a"))
    _ = session.shown
    session.hidden = frozenset(["x"])
    _ = session.shown
    assert asked == [Where("number", "<", 5), Where("kind", "==", "a")]


def test_a_labels_journal_keeps_what_was_filtered(session: Session) -> None:
    session.filter("kind", session.bins("kind").rule(["a", "b"]))
    session.select(Box(-9, -9, 9, 9) & session.shown_rule)
    assert json.loads(json.dumps(session.rule.to_json()))["parts"][1]["value"] == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Where("c", ">=", 3) & Where("c", "<=", 6), "3 – 6"),
        (Where("c", ">=", 0.25), "≥ 0.25"),
        (Where("c", "in", ("a", "", True)), "a, (empty), yes"),
        (Where("c", "in", tuple("abcde")), "a, b, c + 2 more"),
        (Where("c", "in", ("a",)) | Where("c", "missing"), "a, missing"),
        (Not(Where("c", "in", ("a",))), "not a"),
        (InCluster(2) | InCluster(-1), "<b>two</b>, noise"),
        (HasLabel(None), "no label"),
        (Ids(range(4_000)), "4,000 items"),
        (Where("c", "<", 3) & Ids([1]), "< 3 and 1 items"),
    ],
)
def test_filters_are_read_by_people(rule: Rule, text: str) -> None:
    assert describe(rule, {2: "<b>two</b>"}) == text


def test_filters_that_still_mean_something() -> None:
    rules = {"a": HasLabel("x") | HasLabel(None), "b": Not(InCluster(1)), "c": Where("c", "missing")}
    assert list(fitting(rules, ["x"])) == ["a", "b", "c"]
    assert list(fitting(rules, [], clusters=False)) == ["c"]
