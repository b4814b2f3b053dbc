"""The saved selections on the page: a list with counts, an expression, and the verbs that change them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from explorer.errors import InputError
from explorer.selection import HasLabel, Rule, Seen, walk
from explorer.session.expression import parse, quoted
from explorer.views.part import Part

_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-saved")


class Saved(Part):
    """Sends ``saved``: each selection's name, how an expression writes it, and how many items it holds now."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._counts: dict[str, tuple[Rule, object, int | None]] = {}  # by name: of which rule, and of which labels
        self.watch(self._changed, "saved", "labels")

    def ready(self) -> None:
        """Send the list."""
        self._show()

    def on_save_selection(self, name: str) -> None:
        """Save what is selected."""
        again = isinstance(name, str) and name.strip() in self.session.saved
        self.session.save_selection(name)
        self.view._toast(f"{int(self.session.selection.sum()):,} {'saved anew' if again else 'saved'} as “{name.strip()}”")

    def on_forget_selection(self, name: str) -> None:
        """Drop a saved selection."""
        self.session.forget_selection(name)
        self.view._toast(f"the saved selection “{name}” is deleted")

    def on_rename_selection(self, name: str, to: str) -> None:
        """Rename a saved selection."""
        self.session.rename_selection(name, to)

    def on_expression(self, text: str, mode: str) -> None:
        """Select by an expression; of what is shown, as every brush."""
        rule = parse(text, self.session.saved)
        self.view._brushed_layout = "" if self.session.layout is None else self.session.layout.key
        self.session.select(self.view._visible(rule), mode)

    def on_invert(self) -> None:
        """Select what is shown and not selected."""
        self.session.invert()

    def _changed(self, *events: Any) -> None:
        if any(event.name == "saved" for event in events):
            self._show()
        elif any(map(_has_label, self.session.saved.values())):
            self.view._later(self._show)  # it may have been another visit's thread that labelled

    def _show(self) -> None:
        """Send what is known, and the counts that are not known yet when a thread has them."""
        saved, seen = dict(self.session.saved), self.session.seen
        labels = self.session.labels
        old = {name: rule for name, rule in saved.items() if not self._counted(name, rule, labels)}
        self._counts = {name: known for name, known in self._counts.items() if name in saved and name not in old}
        self._send(saved)
        if old:
            _POOL.submit(self._count, saved, old, seen, labels)

    def _counted(self, name: str, rule: Rule, labels: object) -> bool:
        known = self._counts.get(name)
        return known is not None and known[0] is rule and (known[1] is labels or not _has_label(rule))

    def _count(self, saved: dict[str, Rule], old: dict[str, Rule], seen: Seen, labels: object) -> None:
        counted = {name: (rule, labels, _size(rule, seen)) for name, rule in old.items()}
        if saved == self.session.saved:  # else another look is on its way
            self._counts = self._counts | counted
            self._send(saved)

    def _send(self, saved: dict[str, Rule]) -> None:
        counts = {name: known[2] for name, known in self._counts.items()}
        self.view.page.set(saved=[{"name": name, "text": quoted(name), "count": counts.get(name)} for name in saved])


def _has_label(rule: Rule) -> bool:
    return any(isinstance(part, HasLabel) for part in walk(rule))


def _size(rule: Rule, seen: Seen) -> int | None:
    """How many items a rule selects, or None when it cannot (an item or a category of it is gone)."""
    try:
        return int(rule.mask(seen).sum())
    except InputError:
        return None
