"""Labels: at most one category an item, and each category's colour and key; a value that verbs replace, never a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from explorer.errors import InputError, unknown

NONE = 0  # the code of an item without a label; categories count from 1 and a code is never used again

# Okabe and Ito's colour-blind-safe set, reordered so that neighbours in a legend differ most, then more that keep apart from it.
PALETTE = (
    "#0072b2", "#e69f00", "#cc79a7", "#009e73", "#d55e00", "#56b4e9", "#8b62d0", "#7a7a7a",
    "#b8860b", "#17a2a2", "#b0413e", "#6b8e23",
)  # fmt: skip


def colors(count: int) -> list[str]:
    """Colours for `count` categories: the colour-blind-safe set first, then colorcet's Glasbey colours, repeated when those end."""
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    from colorcet import b_glasbey_bw_minc_20_maxl_70 as glasbey

    many = [*PALETTE, *(color for color in glasbey if color not in PALETTE)]
    return [many[place % len(many)] for place in range(count)]


@dataclass(frozen=True)
class Category:
    """A category's name, its colour as ``#rrggbb``, the key 1–9 that gives it (or None), and what somebody noted about it.

    A name such as ``bird/owl`` makes it a part of ``bird``, whether or not there is a category of that name.
    """

    name: str
    color: str
    key: int | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Change:
    """What one verb did: enough to do it again and to take it back without touching anybody else's work.

    `rows` are the items touched with their codes before and after; `categories` holds, by code, the category before and after
    (None where there was none).
    """

    verb: str
    rows: np.ndarray
    before: np.ndarray
    after: np.ndarray
    categories: dict[int, tuple[Category | None, Category | None]] = field(default_factory=dict)

    def inverse(self) -> Change:
        """The change that takes this one back."""
        swapped = {code: (new, old) for code, (old, new) in self.categories.items()}
        return Change(f"undo {self.verb}", self.rows, self.after, self.before, swapped)

    def with_kept(self, rows: np.ndarray, codes: np.ndarray) -> Change:
        """The change with further rows that keep the codes they have: somebody said the same of them."""
        if not len(rows):
            return self
        both = np.concatenate([self.rows, rows])
        order = np.argsort(both, kind="stable")
        before, after = (np.concatenate([side, codes[rows]])[order] for side in (self.before, self.after))
        return replace(self, rows=both[order], before=before, after=after)

    def __bool__(self) -> bool:
        return bool(len(self.rows) or self.categories)


@dataclass(frozen=True, eq=False)
class Labels(Mapping[Any, str]):
    """Ids → category names. ``labels["id"]`` raises KeyError for an item without a label; iteration gives labelled ids only."""

    index: pd.Index
    codes: np.ndarray
    categories: dict[int, Category] = field(default_factory=dict)
    next_code: int = 1

    @classmethod
    def empty(cls, index: pd.Index) -> Labels:
        """No labels and no categories over these ids."""
        return cls(index, _frozen(np.zeros(len(index), np.int32)))

    def __getitem__(self, identifier: Any) -> str:
        row = self.index.get_indexer([identifier])[0]
        if row < 0 or self.codes[row] == NONE:
            raise KeyError(identifier)
        return self.categories[int(self.codes[row])].name

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index[self.codes != NONE])

    def __len__(self) -> int:
        return int((self.codes != NONE).sum())

    @property
    def names(self) -> list[str]:
        """The categories' names in the order they were made."""
        return [category.name for category in self.categories.values()]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many items each category has; an empty category has 0."""
        counted = np.bincount(self.codes, minlength=self.next_code)
        return {category.name: int(counted[code]) for code, category in self.categories.items()}

    def mask(self, name: str | None) -> np.ndarray:
        """``(n,)`` bool: the items of a category; of any category for None (the empty text is a name like another)."""
        return np.asarray(self.codes != NONE) if name is None else np.asarray(self.codes == self.code(name))

    def values(self, rows: np.ndarray | None = None) -> np.ndarray:  # type: ignore[override]  # one an item, as pandas has it
        """``(n,)`` object: each item's category name, None without one; of some rows ``(m,)``."""
        return self._lookup(self.next_code)[self.codes if rows is None else self.codes[rows]]

    def _lookup(self, size: int) -> np.ndarray:
        """The categories' names by code, None where there is none."""
        lookup = np.full(max(size, self.next_code), None, dtype=object)
        for code, category in self.categories.items():
            lookup[code] = category.name
        return lookup

    def differing(self, other: Labels) -> np.ndarray:
        """The rows whose category's name is another than in other labels over the same ids."""
        if other is self:
            return np.empty(0, np.intp)
        size = max(self.next_code, other.next_code)
        mine, theirs = self._lookup(size), other._lookup(size)
        rows = np.flatnonzero((self.codes != other.codes) | (mine != theirs)[self.codes])
        return rows[mine[self.codes[rows]] != theirs[other.codes[rows]]]

    def to_frame(self) -> pd.DataFrame:
        """Every item's ``label``, None without one, indexed by id."""
        index = self.index.rename("id")
        return pd.DataFrame({"label": pd.Series(self.values(), index, dtype=object)}, index)  # or pandas turns None into NaN

    def code(self, name: str) -> int:
        """The code of a category.

        Raises
        ------
        InputError
            For a name that is not a category; the closest right one is offered.
        """
        for code, category in self.categories.items():
            if category.name == name:
                return code
        raise unknown("category", name, self.names)

    def create(self, name: str, color: str | None = None) -> Labels:
        """A new, empty category with the first free key and the first free colour; one that is there already is left as it is."""
        _check_name(name)
        if name in self.names:
            return self
        chosen = _free_color(self.categories) if color is None else _check_color(color)
        made = self.categories | {self.next_code: Category(name, chosen, _free_key(self.categories))}
        return replace(self, categories=made, next_code=self.next_code + 1)

    def assign(self, mask: np.ndarray, name: str) -> Labels:
        """Label the items of a mask; the category is made where it is not there yet."""
        made = self.create(name)
        return replace(made, codes=_frozen(np.where(mask, np.int32(made.code(name)), self.codes)))

    def give(self, places: np.ndarray, names: np.ndarray) -> Labels:
        """Label each of some places with the name beside it, and take the label away where that is None."""
        groups, known = pd.factorize(names)
        made = self
        for name in known:
            made = made.create(name)
        lookup = np.array([*(made.code(name) for name in known), NONE], np.int32)  # None is group -1: the last
        codes = self.codes.copy()
        codes[places] = lookup[groups]
        return replace(made, codes=_frozen(codes))

    def remove(self, mask: np.ndarray) -> Labels:
        """Take the labels of the masked items away; categories stay, even when they become empty."""
        return replace(self, codes=_frozen(np.where(mask, np.int32(NONE), self.codes)))

    def rename(self, old: str, new: str) -> Labels:
        """Give a category another name; those below it (``old/...``) move with it.

        Raises
        ------
        InputError
            When a new name is another category's: merge them instead.
        """
        code = self.code(old)
        _check_name(new)
        moved = {other: self.categories[other].name for other in [code, *self._below(old)]}
        staying = {category.name for other, category in self.categories.items() if other not in moved}
        named = {other: new + name[len(old) :] for other, name in moved.items()}
        if taken := sorted(staying & set(named.values())):
            raise InputError(f"there is a category {taken[0]!r} already; merge {old!r} into it instead")
        return replace(self, categories=self.categories | {c: replace(self.categories[c], name=name) for c, name in named.items()})

    def _below(self, name: str) -> list[int]:
        """The codes of the categories whose names begin with this one and a slash."""
        return [code for code, category in self.categories.items() if name and category.name.startswith(f"{name}/")]

    def recolor(self, name: str, color: str) -> Labels:
        """Give a category another colour, ``#rrggbb``."""
        code = self.code(name)
        return replace(self, categories=self.categories | {code: replace(self.categories[code], color=_check_color(color))})

    def annotate(self, name: str, note: str) -> Labels:
        """Note something about a category; the empty text takes the note away."""
        code = self.code(name)
        _check_name(note)
        return replace(self, categories=self.categories | {code: replace(self.categories[code], note=note)})

    def bind(self, name: str, key: int | None) -> Labels:
        """Let a category be given by a key 1–9, or by none; another category that has the key lets it go."""
        code = self.code(name)
        if key is not None and (isinstance(key, bool) or key not in range(1, 10)):
            raise InputError(f"{key!r} is no key; give a whole number from 1 to 9, or None")
        free = {c: replace(one, key=None) for c, one in self.categories.items() if key is not None and one.key == key}
        return replace(self, categories=self.categories | free | {code: replace(self.categories[code], key=key)})

    def split(self, name: str, groups: Mapping[str, np.ndarray]) -> Labels:
        """Give the items of a category to new ones below it: ``name/group`` for each group's ``(n,)`` mask."""
        mine, made = self.mask(name), self
        for group, mask in groups.items():
            if (part := mine & mask).any():
                made = made.assign(part, f"{name}/{group}" if name else group)
        return made

    def merge(self, name: str, into: str) -> Labels:
        """Give one category's items to another and drop it."""
        return self if name == into else self.assign(self.mask(name), into).delete(name)

    def delete(self, name: str) -> Labels:
        """Drop a category; its items lose their label."""
        code = self.code(name)
        rest = {other: category for other, category in self.categories.items() if other != code}
        return replace(self, codes=_frozen(np.where(self.codes == code, np.int32(NONE), self.codes)), categories=rest)

    def change_to(self, new: Labels, verb: str) -> Change:
        """What leads from these labels to those."""
        rows = np.flatnonzero(self.codes != new.codes)
        codes = sorted(self.categories.keys() | new.categories.keys())
        pairs = {code: (self.categories.get(code), new.categories.get(code)) for code in codes}
        return Change(verb, rows, self.codes[rows], new.codes[rows], {c: pair for c, pair in pairs.items() if pair[0] != pair[1]})

    def replayed(self, change: Change) -> Labels:
        """These labels after a change that was made of them; nothing is weighed, so that one damaged change spoils no other.

        A code whose category is not known (the change that made it cannot be read) gets a name that says so.
        """
        codes = self.codes
        if len(change.rows):
            codes = codes.copy()
            codes[change.rows] = change.after
        made = {code: category for code, category in self.categories.items() if code not in change.categories}
        made |= {code: new for code, (_, new) in change.categories.items() if new is not None}
        for code in set(np.flatnonzero(np.bincount(change.after)).tolist()) - {NONE} - made.keys():
            made[code] = Category(f"recovered {code}", _free_color(made))
        highest = max([self.next_code - 1, *change.categories, *made])
        return Labels(self.index, _frozen(codes), dict(sorted(made.items())), highest + 1)

    def apply(self, change: Change) -> Labels:
        """Do a change here. What somebody else has changed since is left alone: only what still is as it was before is replaced.

        So a category that somebody else has labelled more items with is not taken away, one that comes back under a name that was
        given again meanwhile joins the one that has it, and a key or colour that is taken is given up for a free one.
        """
        made, moved = self.categories | _edited(self.categories, change), dict[int, int]()
        for code, (old, new) in change.categories.items():
            if new is not None and old is None and code not in made:
                twin = next((other for other, category in made.items() if category.name == new.name), None)
                if twin is None:
                    made[code] = _fitting(made, new)
                else:
                    moved[code] = twin
        codes = self.codes.copy()
        still = codes[change.rows] == change.before
        codes[change.rows[still]] = change.after[still]
        for code, twin in moved.items():
            codes[codes == code] = twin
        present = set(np.flatnonzero(np.bincount(codes)).tolist())
        for code, (old, new) in change.categories.items():
            if new is None and old is not None and code in made and made[code].name == old.name and code not in present:
                del made[code]
        for code in present - {NONE} - made.keys():
            codes[codes == code] = NONE  # the label given back is of a category that somebody else has taken away
        highest = max([self.next_code - 1, *change.categories])
        return Labels(self.index, _frozen(codes), dict(sorted(made.items())), highest + 1)


def _edited(made: dict[int, Category], change: Change) -> dict[int, Category]:
    """Those of the categories that a change edits, field by field where they still are as they were before."""
    edited = {}
    renamed = _renamed(made, change)
    for code, (old, new) in change.categories.items():
        if old is not None and new is not None and code in made:
            now = vars(made[code])
            fields = {name: value for name, value in vars(new).items() if value != vars(old)[name] and now[name] == vars(old)[name]}
            edited[code] = replace(made[code], **(fields | {"name": renamed.get(code, made[code].name)}))
    return edited


def _renamed(made: dict[int, Category], change: Change) -> dict[int, str]:
    """The names that a change gives, without those that categories have by now which it does not rename.

    All at once: ``x`` becomes ``x/a`` while ``x/a`` becomes ``x/a/a``.
    """
    named = {code: (old.name, new.name) for code, (old, new) in change.categories.items() if old is not None and new is not None}
    wanted = {code: new for code, (old, new) in named.items() if code in made and made[code].name == old != new}
    while taken := {category.name for code, category in made.items() if code not in wanted} & set(wanted.values()):
        wanted = {code: name for code, name in wanted.items() if name not in taken}
    return wanted


def _fitting(made: dict[int, Category], category: Category) -> Category:
    """A category that comes (back) with a key and a colour that nobody else has."""
    keys, hues = {other.key for other in made.values()}, {other.color for other in made.values()}
    key = category.key if category.key is None or category.key not in keys else _free_key(made)
    return replace(category, key=key, color=category.color if category.color not in hues else _free_color(made))


def _free_key(categories: dict[int, Category]) -> int | None:
    return next((key for key in range(1, 10) if key not in {category.key for category in categories.values()}), None)


def _free_color(categories: dict[int, Category]) -> str:
    used = {category.color for category in categories.values()}
    palette = colors(max(len(PALETTE), len(used) + 1))
    return next((free for free in palette if free not in used), palette[len(used) % len(palette)])


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise InputError(f"a category's name is text, not {name!r}")


def _check_color(color: object) -> str:
    if not (isinstance(color, str) and len(color) == 7 and color[0] == "#" and set(color[1:].lower()) <= set("0123456789abcdef")):
        raise InputError(f"{color!r} is not a colour; give #rrggbb")
    return color.lower()


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
