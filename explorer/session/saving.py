"""A session's saved selections: kept under names in the workspace, combined in words, true to their items when the map changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError, unknown
from explorer.selection import Ids, Rule, walk
from explorer.session.saved import PARTS, checked, entry, exact, needs

if TYPE_CHECKING:
    from explorer.selection import Seen
    from explorer.step import Result
    from explorer.workspace import Workspace


class Saving(param.Parameterized):
    """The verbs about saved selections; `Session` adds what is computed and selected."""

    saved = param.Parameter({}, doc="Saved selections: rules by name, replaced and never edited; see `save_selection`.")

    if TYPE_CHECKING:
        workspace: Workspace
        _rule: Rule | None

        @property
        def seen(self) -> Seen: ...
        @property
        def selected_ids(self) -> np.ndarray: ...
        @property
        def _results(self) -> dict[str, Result | None]: ...
        def select(self, rule: Any, mode: str = "replace") -> np.ndarray: ...
        def _chosen(self) -> np.ndarray: ...
        def _kept(self, result: Result) -> Path: ...

    def save_selection(self, name: str) -> Rule:
        """Keep the selection under a name, in the workspace too; a selection of that name is replaced.

        Returns
        -------
        Rule
            What makes it: the current rule, or where labels or the layout have changed since, the items' ids.

        Raises
        ------
        InputError
            When nothing is selected, or for a name of no characters.
        """
        name, rule = checked(name), exact(self._rule, self._chosen(), self.seen)
        if sum(1 for _ in walk(rule)) > PARTS:  # `A & A` saved as A again and again doubles it each time
            rule = Ids(self.selected_ids)
        for slot in needs(rule):
            self._kept(getattr(self, slot))  # the rule means nothing without what it was drawn on
        self.workspace.keep_selections(lambda kept: kept | {name: entry(rule, self._results)})
        self.saved = {**self.saved, name: rule}
        return rule

    def forget_selection(self, name: str) -> None:
        """Drop a saved selection."""
        self._saved(name)
        self.workspace.keep_selections(lambda kept: {known: one for known, one in kept.items() if known != name})
        self.saved = {known: rule for known, rule in self.saved.items() if known != name}

    def rename_selection(self, old: str, new: str) -> None:
        """Give a saved selection another name, which no other has."""
        rule, new = self._saved(old), checked(new)

        def renamed(kept: dict[str, Any]) -> dict[str, Any]:
            if new != old and (new in self.saved or new in kept):  # another visit may have saved it
                raise InputError(f"there is a saved selection {new!r} already; choose another name, or delete that one first")
            kept = kept if old in kept else kept | {old: entry(rule, self._results)}  # another visit may have deleted it
            return {new if known == old else known: one for known, one in kept.items()}

        self.workspace.keep_selections(renamed)
        self.saved = {new if known == old else known: rule for known, rule in self.saved.items()}

    def select_saved(self, name: str, mode: str = "replace") -> np.ndarray:
        """Select what was saved under a name."""
        return self.select(self._saved(name), mode)

    def select_expression(self, text: str, mode: str = "replace") -> np.ndarray:
        """Select by an expression over saved selections, such as ``A & ~B | C``; see `explorer.session.expression.parse`."""
        from explorer.session.expression import parse

        return self.select(parse(text, self.saved), mode)

    def _saved(self, name: str) -> Rule:
        if not isinstance(name, str) or name not in self.saved:
            raise unknown("saved selection", name, self.saved)
        return self.saved[name]
