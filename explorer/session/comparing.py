"""Layouts beside each other: which ones are kept, what moved between two of them, and who kept their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError, unknown
from explorer.insight.alignment import aligned
from explorer.insight.overlap import overlap
from explorer.selection import Ids, Rule
from explorer.step import Progress, Result, find, names
from explorer.workspace.files import read_json
from explorer.workspace.results import read_result

if TYPE_CHECKING:
    from explorer.dataset import Dataset
    from explorer.workspace import Workspace

K = 15  # neighbours that are compared: as many as umap looks at, unless told otherwise
MOVED = 0.01  # the share of items that is selected as those that moved most


@dataclass(frozen=True, eq=False)
class KeptLayout:
    """A layout that the workspace keeps; its places are read when `result` is asked for.

    `when` is when it was computed, in seconds since 1970.
    """

    method: str
    key: str
    settings: dict[str, Any]
    when: float
    stopped: str
    folder: Path
    items: int

    def __repr__(self) -> str:
        stopped = f", stopped at {self.stopped}" if self.stopped else ""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"<KeptLayout {self.key!r}: {self.method}{stopped}; {settings}>"

    @cached_property
    def result(self) -> Result:
        """The layout, memory-mapped.

        Raises
        ------
        InputError
            When it is damaged or gone.
        """
        try:
            return read_result(self.folder, "reduce", self.items)
        except ValueError as problem:
            said = f"the kept {self.method} layout in {self.folder} is damaged ({problem})"
            raise InputError(f"{said}; compute it again") from problem

    def differing(self, current: Result | None) -> dict[str, Any]:
        """What tells it from the current layout: settings that differ, or of another method those that are not its defaults."""
        return differing(self, current)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two layouts of the same items.

    Attributes
    ----------
    layout, other
        The two; what is said of places is in the first one's units.
    aligned
        ``(n, 2)`` float32, the other turned, mirrored, scaled and moved as a whole onto the first (`explorer.insight.alignment`),
        and as large as the first.
    moved
        ``(n,)`` float32, how far each item's place is then from its place in the first; NaN where one of them is missing.
    """

    layout: Result
    other: Result
    aligned: np.ndarray
    moved: np.ndarray

    def __repr__(self) -> str:
        known = f"; {self.note}" if "overlap" in self.__dict__ else ""  # which takes a while to work out
        return f"<Comparison of {self.layout.method} with {self.other.method}, {len(self.moved):,} items{known}>"

    @classmethod
    def of(cls, layout: Result, other: Result) -> Comparison:
        """Compare two."""
        onto = aligned(layout.values, other.values, same_size=True)
        return cls(layout, other, onto, np.sqrt(((onto - layout.values) ** 2).sum(axis=1)).astype(np.float32))

    @cached_property
    def overlap(self) -> np.ndarray:
        """``(n,)`` float32: the share of each item's 15 nearest neighbours on both maps; NaN where it has no place in both."""
        return overlap(self.layout.values, self.other.values, K)

    def work_out(self, progress: Progress) -> np.ndarray:
        """The same with progress: ten seconds for a million items."""
        if "overlap" not in self.__dict__:
            self.__dict__["overlap"] = overlap(self.layout.values, self.other.values, K, progress)
        return self.overlap

    @property
    def mean(self) -> float:
        """The mean overlap; NaN where no item has a place in both."""
        known = self.overlap[~np.isnan(self.overlap)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def note(self) -> str:
        """The mean overlap in a sentence, and what chance would give."""
        known = int((~np.isnan(self.overlap)).sum())
        if not known:
            return "no item has a place and a neighbour on both maps"
        k = min(K, known - 1)
        chance = k / (known - 1)
        return f"{self.mean:.0%} of an item's {k} nearest on one map are among its {k} nearest on the other, on average; " + (
            f"chance would give {chance:.0%}" if chance >= 0.01 else "chance would give less than 1%"
        )

    def most_moved(self, share: float = MOVED) -> np.ndarray:
        """Rows of the items that moved most, the farthest first: that share of those with a place in both, at least one.

        Raises
        ------
        InputError
            For a share that is not above 0 and at most 1.
        """
        if not (isinstance(share, int | float) and 0 < share <= 1):
            raise InputError(f"share={share!r} is not allowed; give the share of the items that moved most, above 0 and at most 1")
        known = np.flatnonzero(~np.isnan(self.moved))
        many = min(len(known), max(1, round(share * len(known))))
        return known[np.argsort(-self.moved[known], kind="stable")[:many]]


class Comparing(param.Parameterized):
    """The verbs about kept layouts; `Session` adds them to its own."""

    if TYPE_CHECKING:
        dataset: Dataset
        workspace: Workspace
        features: Any
        layout: Any

        def adopt(self, result: Result) -> Result: ...
        def select(self, rule: Rule, mode: str = "replace") -> np.ndarray: ...

    def layouts(self) -> list[KeptLayout]:
        """The layouts of the current features that the workspace keeps, the newest first; with one that was given with the data."""
        inputs = {self.dataset.fingerprint} | (set() if self.features is None else {self.features.key})
        found = [kept for folder in self._layout_folders() if (kept := _kept(folder, len(self.dataset), inputs)) is not None]
        return sorted({kept.key: kept for kept in found}.values(), key=lambda kept: (-kept.when, kept.key))

    def _layout_folders(self) -> Iterator[Path]:
        for place in dict.fromkeys([self.workspace.folder, self.workspace.writable_folder]):
            yield from (folder.parent for folder in (place / "results" / "reduce").glob("[!.]*/[!.]*/settings.json"))

    def _layout(self, wanted: Any) -> Result:
        """A layout by its key or its method's name, or as it is given."""
        if isinstance(wanted, KeptLayout):
            return wanted.result
        if isinstance(wanted, Result):
            return wanted
        kept = self.layouts()
        fitting = [one for one in kept if wanted in (one.key, one.method)]
        if not fitting:
            raise unknown("kept layout", str(wanted), list(dict.fromkeys(one.method for one in kept)))
        return fitting[0].result

    def compare(self, other: Any) -> Comparison:
        """Compare the current layout with another of the same items.

        Parameters
        ----------
        other
            One of `layouts`, its key, the name of its method (the newest of those), or a `Result`.

        Raises
        ------
        InputError
            Where there is no layout yet, no such layout, or one of other items.
        """
        if self.layout is None:
            raise InputError("there is no layout yet to compare with; first call session.reduce()")
        result = self._layout(other)
        if result.kind != "reduce" or result.values.shape != self.layout.values.shape:
            raise InputError(
                f"a layout of shape {self.layout.values.shape} cannot be compared with {result.kind!r} values of shape "
                f"{result.values.shape}; give a layout of the same items"
            )
        known: Comparison | None = self.__dict__.get("_comparison")
        if known is None or known.layout is not self.layout or known.other.key != result.key:
            known = self.__dict__["_comparison"] = Comparison.of(self.layout, result)
        return known

    def show_layout(self, key: Any) -> Result:
        """Make a kept layout the current one; nothing is computed.

        Raises
        ------
        InputError
            Where there is no such layout.
        """
        return self.adopt(self._layout(key))

    def select_moved(self, other: Any, share: float = MOVED, mode: str = "replace") -> np.ndarray:
        """Select the items whose places differ most between the current layout and another, laid onto it; ``(n,)`` bool.

        Raises
        ------
        InputError
            As `compare` does, and for a share that is not above 0 and at most 1.
        """
        return self.select(Ids(self.dataset.ids[self.compare(other).most_moved(share)]), mode)


def differing(one: KeptLayout | Result, other: Result | None) -> dict[str, Any]:
    """The settings of one layout that another of its method has otherwise; of another method, those that are not the defaults."""
    usual: dict[str, Any] = {}
    if other is not None and other.method == one.method:
        usual = other.settings
    elif one.method in names("reduce"):
        usual = find("reduce", one.method).settings()
    return {name: value for name, value in one.settings.items() if name not in usual or usual[name] != value}


def _kept(folder: Path, items: int, inputs: set[str]) -> KeptLayout | None:
    """The layout in a folder, if it is one of these inputs' and can be shown; its places are not read."""
    try:
        record, when = read_json(folder / "settings.json"), (folder / "settings.json").stat().st_mtime
        if record["input"] not in inputs or record["kind"] != "reduce":
            return None
        values = np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False)
        settings = record["settings"]
        if values.shape != (items, 2) or not isinstance(settings, dict):
            return None
        method, stopped = str(record["method"]), str(record.get("stopped", ""))
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None  # a damaged one is named when it is asked for, or computed again
    return KeptLayout(method, folder.name, settings, when, stopped, folder, items)


__all__ = ["MOVED", "Comparing", "Comparison", "K", "KeptLayout", "differing"]
