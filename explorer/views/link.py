"""A link carries the view: layout, colour, filters, camera and selection; what a link asks for is checked before it is taken."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from explorer.errors import InputError
from explorer.raster import SCALINGS, bounds
from explorer.selection import Rule, Where, leaves
from explorer.session.history import Selected
from explorer.session.look import still
from explorer.session.saved import needs
from explorer.step import Result, find, names
from explorer.views.address import KINDS_OF, carried, missing, small, understood
from explorer.views.part import Part
from explorer.workspace.results import address_of

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

# What hostile or damaged texts make the readers of JSON, of rules and of files raise.
_UNFIT = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError, NotImplementedError)


class Link(Part):
    """Tells the page what its address is to say, and takes up what the address of an opened link says.

    The address is the page's own business: it stands behind the ``#``, which no browser sends to a server.
    """

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._arrived = False
        self._awaited: dict[str, str] = {}  # what may still come: a step that makes it runs
        self.watch(self._came, "layout", "clusters")
        self.watch(self._changed, "layout", "clusters", "color_by", "density_scale", "hidden", "filters", "selection", "label_set")

    def ready(self) -> None:
        """The page is there; before it has said what its address asks for, it is not told what to write there."""
        self._show()

    def on_link(self, fields: dict[str, str]) -> None:
        """The page was opened with a link, or one was pasted into it: it wins over how the last visit was left."""
        first, self._arrived, self._awaited = not self._arrived, True, {}
        wanted = understood(fields)
        if wanted:
            lost = Taking(self.view, wanted, undoable=not first).run()
            if self.view.pipeline.busy:
                self._awaited = {name: text for name, text in wanted.items() if name in lost or name in KINDS_OF}
            else:
                self._tell(lost)
        self._show()

    def _came(self, *events: Any) -> None:
        """A layout or clusters are there: what waited for them is taken up."""
        if not self._awaited:
            return
        wanted, self._awaited = self._awaited, {}
        lost = Taking(self.view, wanted, undoable=False, whole=False).run()
        if lost and self.view.pipeline.busy:
            self._awaited = {name: text for name, text in wanted.items() if name in lost or name in KINDS_OF}
        elif "layout" in lost or "clusters" in lost:
            self._tell(lost)

    def _tell(self, lost: set[str]) -> None:
        if lost:
            self.view._toast(missing(lost))

    def _changed(self, *events: Any) -> None:
        self.view._later(self._show)  # it may have been another visit's thread that labelled

    def _show(self) -> None:
        if self._arrived:
            self.view.page.set(link=carried(self.session))


class Taking:
    """Sets one link's view on a session; what is not there, or is not what it says, is left out.

    ``whole`` says that what the link does not name is to be as in a fresh view; `undoable` that a person was here before it.
    """

    def __init__(self, view: Explorer, wanted: dict[str, str], *, undoable: bool, whole: bool = True) -> None:
        self.view = view
        self.session = view.session
        self.wanted = wanted
        self.undoable = undoable
        self.whole = whole
        self.lost: set[str] = set()

    def run(self) -> set[str]:
        """The names of what could not be set."""
        for slot in KINDS_OF:
            self._try(slot, partial(self._result, slot))
        self._try("set", self._label_set)
        with param.parameterized.batch_call_watchers(self.session):
            self._try("color", self._color)
            self._try("scale", self._scale)
            self._hide()
            self._filter()
        self._select()
        self._try("camera", self._camera)
        return self.lost

    def _try(self, name: str, take: Callable[[str], object]) -> None:
        if name not in self.wanted:
            return
        try:
            fits = take(self.wanted[name]) is not False
        except (InputError, OSError, *_UNFIT):
            fits = False
        if not fits:
            self.lost.add(name)

    def _result(self, slot: str, text: str) -> bool:
        """The layout or the clusters that the link was made on: those that are shown, or others that the workspace keeps."""
        kind, current = KINDS_OF[slot], getattr(self.session, slot)
        method, _, key = text.partition(":")
        if current is not None and current.method == method and key in {"", current.key}:
            return True
        if self.view.pipeline.busy or not key:
            return False
        kept = self.session.workspace.get(*address_of([kind, method, key]))
        if kept is None or not self._fits(kept):
            return False
        self.session.adopt(kept)
        if method in names(kind):
            self.view.pipeline.steps[kind] = find(kind, method, **kept.settings)
            self.view._show("steps")
        return True

    def _fits(self, result: Result) -> bool:
        """Whether it was made from what is here, so that its rows are these items."""
        source = self.session.layout if result.settings.get("on") == "layout" else self.session.features
        return source is not None and source.key == result.input and len(result.values) == len(self.session.dataset)

    def _label_set(self, name: str) -> bool:
        if name not in self.session.label_sets:
            return False
        if name != self.session.label_set:
            self.session.use_label_set(name)
        return True

    def _color(self, by: str) -> None:
        if by != self.session.color_by:
            self.view.color_by = by

    def _scale(self, to: str) -> bool:
        if to not in SCALINGS:
            return False
        self.session.density_scale = to
        return True

    def _hide(self) -> None:
        """Only what the legend of the same colour, of the same clusters, knows."""
        before = self.lost & {"color", *(["clusters"] if self.session.color_by == "cluster" else [])}
        if self.whole and "hidden" not in self.wanted and self.session.hidden:
            self.session.hidden = frozenset()
        self._try("hidden", lambda text: False if before else self._hide_named(_plain(text, list)))

    def _hide_named(self, named: list[Any]) -> bool:
        known = set(self.session.coloring().names)
        self.session.hidden = frozenset(name for name in named if isinstance(name, str) and name in known)
        return len(self.session.hidden) == len(named)

    def _filter(self) -> None:
        before = self.session.filters
        if self.whole and before:
            self.session.filters = {}
        self._try("filters", lambda text: self._filter_all(_plain(text, dict), before))

    def _filter_all(self, rules: dict[str, Any], before: dict[str, Rule]) -> bool:
        """A filter that was too long for the link stands there without a rule: who made it has it still."""
        fits = True
        for name, one in rules.items():
            try:
                self.session.filter(name, before[name] if one is None else self._rule(one))
            except (InputError, *_UNFIT):
                fits = False
        return fits

    def _rule(self, one: Any) -> Rule:
        """A rule that is short, and means here what it meant where the link was made."""
        rule = still(self.session, {"rule": one["rule"], "on": dict(one["on"])})
        if rule is None or not small(rule) or not needs(rule) <= one["on"].keys():
            raise ValueError("the rule is of another layout, or too long for a link")
        if not all(_comparable(part.value) for part in leaves(rule) if isinstance(part, Where)):
            raise ValueError("a column compares with texts and numbers")
        rule.mask(self.session.seen)  # what does not fit is found out now
        return rule

    def _select(self) -> None:
        self._try("selection", lambda text: self._select_by(self._rule(_plain(text, dict))))
        if "selection" in self.wanted and "selection" not in self.lost:
            return
        count = self.wanted.get("selected")  # of a selection that is too long for a link: who made it has it still
        if count == str(int(np.count_nonzero(self.session.selection))):
            return
        if count is not None:
            self.lost.add("selection")
        if self.whole and self.session.selection.any():
            self._set(Selected(np.zeros(len(self.session.dataset), bool)))

    def _select_by(self, rule: Rule) -> None:
        mask = rule.mask(self.session.seen)
        self.view._brushed_layout = "" if self.session.layout is None else self.session.layout.key
        self._set(Selected(mask, rule if mask.any() else None))

    def _set(self, selected: Selected) -> None:
        """A person's own selection can be had again by undo; nobody made the one that stood there when the page was opened."""
        if np.array_equal(selected.mask, self.session.selection):
            return
        (self.session._brush if self.undoable else self.session._show)(selected)

    def _camera(self, text: str) -> bool:
        """Four numbers, on the layout that the link was made on, that look at something of it."""
        layout = self.session.layout
        if layout is None or "layout" in self.lost or "layout" not in self.wanted:
            return False
        sides = [float(part) for part in text.split(",")]
        x0, x1, y0, y1 = sides
        box = bounds(layout.values)
        if box is None or not all(map(math.isfinite, sides)):
            return False
        extent = max(box[1] - box[0], box[3] - box[2]) or 1.0
        if not all(extent * 1e-7 <= side <= extent * 1e3 for side in (x1 - x0, y1 - y0)):
            return False
        self.view.camera = sides
        return True


def _plain(text: str, kind: type) -> Any:
    """A JSON text of a link, which has to be a list or an object."""
    found = json.loads(text, parse_constant=_refused)
    if not isinstance(found, kind):
        raise ValueError(f"a link says {kind.__name__} there")
    return found


def _comparable(value: Any) -> bool:
    return all(part is None or isinstance(part, str | int | float) for part in (value if isinstance(value, list) else [value]))


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


__all__ = ["Link"]
