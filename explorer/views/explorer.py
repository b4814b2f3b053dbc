"""The dashboard: a thin view that draws a session on a page and turns the page's messages into the session's verbs."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import panel as pn
from panel.viewable import Viewer

from explorer.errors import InputError, unknown
from explorer.raster import SCALINGS, Frame, Points
from explorer.selection import HasLabel, Ids, InCluster, Rule, Where, from_json
from explorer.session import Session
from explorer.session.coloring import Coloring
from explorer.session.names import category_names, cluster_names
from explorer.step import KINDS
from explorer.views import items, state
from explorer.views.area import Area, checked
from explorer.views.bulk import Bulk
from explorer.views.cards import Cards
from explorer.views.categories import Categories
from explorer.views.columns import Columns
from explorer.views.compare import Compare
from explorer.views.comparing import Comparing
from explorer.views.completing import complete
from explorer.views.contours import Contours
from explorer.views.downloads import send_file
from explorer.views.exporting import Exporting
from explorer.views.focus import Focus
from explorer.views.frames import Frames, Scenes
from explorer.views.importing import Importing
from explorer.views.label_desk import LabelDesk
from explorer.views.link import Link
from explorer.views.listing import Listing
from explorer.views.live import Live
from explorer.views.login import visitor
from explorer.views.look import Look
from explorer.views.marks import Marks
from explorer.views.mirror import MIRRORED, Mirrored
from explorer.views.neighbours import Neighbours
from explorer.views.newest import running_loop
from explorer.views.others import Others
from explorer.views.overview import Overview
from explorer.views.pages import MOST, Asker, Pages
from explorer.views.part import Part
from explorer.views.pictures import Pictures
from explorer.views.pipeline import Pipeline
from explorer.views.saved import Saved
from explorer.views.sent import Sent
from explorer.views.sounds import Sounds
from explorer.views.telling import Telling
from explorer.views.trust import Trust
from explorer.views.watching import watch
from explorer.views.weights import Weights
from explorer.workspace import Workspace

TICK = 0.25  # seconds between looks at a running job
CLOSED = "This map was closed in Python: it shows what was last seen, and nothing can be done on it. Run its cell again."
LIVE = 0.08  # and at one that shows what it has so far

# What the page has beyond its core, in the order in which it is told.
PARTS: tuple[type[Part], ...] = (
    Live, Cards, Listing, Categories, Columns, Marks, Neighbours, Saved, Contours, Overview, Pictures, Exporting, Others, Look,
    Bulk, Focus, LabelDesk, Compare, Importing, Weights, Sounds, Telling, Trust, Link, Comparing,
)  # fmt: skip

Kind = TypeVar("Kind", bound=Part)
_LOG = logging.getLogger("explorer")


class Explorer(Mirrored, Viewer):
    """The dashboard of a session; shows itself in a notebook's cell, and ``.servable()`` in an app.

    What a person chooses on the page is read, set and watched in Python, and the other way round: `selection`, `labels`, `camera`,
    `hovered`, `color_by`, `filters` and `clusters`, each with ``view.param.watch`` and, as traits, with ``view.observe``.

    Parameters
    ----------
    session
        A `Session`, a `Workspace` that visits share, or whatever `explorer.read` takes.
    steps
        Chosen steps by kind ("extract", "reduce", "cluster"), each a `Step`, a name or a scikit-learn estimator; the others are
        what fits the data.
    served
        Whether the page has a browser window for itself.
    show
        Areas of the page, of "header", "steps", "colors", "map", "items" and "labels"; None shows all.
    height
        Pixels in a notebook's cell or an app.

    Examples
    --------
    >>> view = explorer.Explorer(explorer.Session("photos/"))    # doctest: +SKIP
    >>> view.selection = ["a7", "b2"]                            # doctest: +SKIP
    """

    start: dict[str, Any] | None = None  # where the server's start page is, if it has one, and whether to link to it

    def __init__(
        self, session: Any, *, steps: Mapping[str, Any] | None = None, served: bool = False, show: Any = None,
        height: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        areas = checked(show)
        self.session = session if isinstance(session, Session) else _begun(session)
        self._owns = served or not isinstance(session, Session)
        self.page = Pages(self._heard, served=served)
        self.pipeline = Pipeline(self.session, steps or {}, lambda kind: self._show("steps"))
        self.scenes = Scenes(self.session)
        self._frames: dict[str, Frames] = {}  # by the page that looks
        self.thumbs = items.Thumbnails(self.session.dataset)
        self._request: dict[str, Any] | None = None  # the last one
        self._requests: dict[str, dict[str, Any]] = {}  # of each page
        self._coloring: Coloring | None = None
        self._brushed_layout = ""  # the layout on which the selection was drawn: elsewhere its outline means nothing
        self._ticking = False
        self._steps_shown: dict[str, Any] = {}
        self._started = False
        self._closed = False
        self._logged_in = bool(visitor(""))
        self._loop = running_loop()
        self._document = pn.state.curdoc if pn.state.curdoc and pn.state.curdoc.session_context else None
        self._watchers = [
            watch(self.session, self._layout_changed, ["layout"]),
            watch(self.session, self._clusters_changed, ["clusters", "features"]),
            watch(self.session, self._selection_changed, ["selection"]),
            watch(self.session, self._labels_changed, ["sets", "label_set"]),
            watch(self.session, self._colors_changed, ["color_by", "hidden", "density_scale"]),
            watch(self.session, self._filters_changed, ["filters"]),
        ]
        self._mirror()
        self._ends: list[Callable[[], None]] = []
        self.whole = Area(self, areas, height)
        self.parts: list[Part] = []
        for part in PARTS:  # one after the other: what a later one takes up, an earlier one shows
            self.parts.append(part(self))
        own = {name.removeprefix("_on_"): getattr(self, name) for name in dir(self) if name.startswith("_on_")}
        self._verbs: dict[str, Callable[..., Any]] = {verb: on for part in self.parts for verb, on in part.verbs().items()} | own
        self._default_color()
        if self._document is not None:
            self._document.on_session_destroyed(lambda context: self._end())  # which also holds it for as long as its visit

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.session!r}>"

    def __panel__(self) -> Any:
        return self.whole.__panel__()

    def _ipython_display_(self) -> None:
        self.whole._ipython_display_()

    def _display_(self) -> Any:
        return self.whole._display_()

    @property
    def widget(self) -> Any:
        """The page as an ipywidget, for ipywidgets' layouts; its traits are this view's values."""
        return self.whole.widget

    def observe(self, handler: Callable[[Any], None], names: Any = "selection") -> None:
        """Call back with traitlets' ``change`` when one of the values, or of several, changes; as ipywidgets do."""
        self.widget.observe(handler, self._observable(names))

    def unobserve(self, handler: Callable[[Any], None], names: Any = "selection") -> None:
        """Call back no more."""
        self.widget.unobserve(handler, self._observable(names))

    def _observable(self, names: Any) -> Any:
        for name in [names] if isinstance(names, str) else names if isinstance(names, list | tuple | set) else []:
            if name not in MIRRORED:
                raise unknown("value", name, MIRRORED)
        return names

    def part(self, *areas: str, height: int | None = None) -> Area:
        """Areas of this page to be placed elsewhere: "header", "steps", "colors", "map", "items", "labels"."""
        return Area(self, areas, height)

    def save(self, path: str | Path, *, force: bool = False, **settings: Any) -> Path:
        """Write the map as it is now: ``.html`` is one file to open anywhere, offline; ``.png`` and ``.svg`` are pictures.

        Where there is no map yet, the steps that were chosen, or fit the data, run first; what runs already is waited for.

        Raises
        ------
        InputError
            For another ending, a wrong setting, a file that is there already, or where a step that is needed fails.
        """
        complete(self, path, force=force)
        if Path(path).suffix.lower() == ".html":
            return self.session.export(path, force=force, **settings)
        made = self.session.picture(path, force=force, **{"viewport": self.camera} | settings)
        assert isinstance(made, Path)
        return made

    def its(self, kind: type[Kind]) -> Kind:
        """The part of that kind."""
        return next(part for part in self.parts if isinstance(part, kind))

    def at_end(self, callback: Callable[[], None]) -> None:
        """Have something done when the view is closed."""
        self._ends.append(callback)

    def close(self) -> None:
        """Stop what runs for it, stop following the session, and end a session that is this view's own.

        A session that was given goes on: other views may be on it. Pages that show the view say that it was closed.
        """
        self._end()
        self.page.set(closed=CLOSED)

    def _end(self) -> None:
        self._closed = True
        self.pipeline.close()
        for end in self._watchers + self._followed:
            end()
        self._watchers, self._followed = [], []
        for part in self.parts:
            part.close()
        for callback in self._ends:
            callback()
        self._ends = []
        if self._owns:
            self.session.close()

    # From the page

    def _heard(self, message: dict[str, Any]) -> None:
        verb = message.pop("verb")
        handler = self._verbs.get(verb)
        sent = Sent.of(message)
        if self._closed:
            self._refuse(verb, sent)
            return
        if handler is None:
            if sent.action is not None:
                self.page.send(saved={"action": sent.action, "why": "this page is of another version; reload it"})
            return
        why = ""
        try:
            with self.session.acting(sent.action):
                if not sent.done_before(verb, self.session):
                    handler(**message)
        except InputError as problem:
            why = str(problem)
        except Exception as problem:  # the wire's door: a message that no page of ours sends must not end a visit
            _LOG.warning("a message %r could not be used", verb, exc_info=problem)
            why = "that did not work; reload the page if it happens again"
        if why:
            self._toast(why, "error")
        if sent.action is not None:
            self.page.send(saved={"action": sent.action, "why": why})

    def _refuse(self, verb: str, sent: Sent) -> None:
        """A page of a closed view, perhaps loaded anew, does nothing any more."""
        if verb != "gone":
            self.page.set(closed=CLOSED)
        if sent.action is not None:
            self.page.send(saved={"action": sent.action, "why": CLOSED})

    def _on_ready(self) -> None:
        self.page.set(data=state.data(self.session, served=self.page.served) | {"logout": self._logged_in, "start": self.start})
        self._show("steps", "labels", "selection", "color", "names", "given", "map", "items_of")
        for part in self.parts:
            part.ready()
        if self._asked_camera is not None:
            self.page.set(camera=list(self._asked_camera))
        if not self._started:
            self._started = True
            self.pipeline.start()
            self._tick()

    def _on_view(self, **request: Any) -> None:
        asker = self.page.asker
        assert asker is not None, "a page looks"
        self._requests.pop(asker.page, None)  # who has been silent longest is the first in it
        if len(self._requests) >= MOST:
            self._forget(next(iter(self._requests)))
        if asker.page not in self._frames:
            self._frames[asker.page] = Frames(self.scenes, partial(self._drawn, asker))
        self._requests[asker.page] = self._request = request
        self._redraw(asker.page)
        self._looked(request)
        for part in self.parts:
            part.looked(request)

    def _looked(self, request: dict[str, Any]) -> None:
        sides = None if self.its(Live).moving else request.get("viewport")
        if isinstance(sides, list) and len(sides) == 4 and all(isinstance(side, int | float) for side in sides):
            before, self._camera = self._camera, tuple(map(float, sides))
            if not request.get("told"):
                self._asked_camera = None
            if before != self._camera and not request.get("told"):  # what Python said is known there
                self._tell("camera")

    def _on_gone(self) -> None:
        if self.page.asker is not None:
            self._forget(self.page.asker.page)

    def _forget(self, page: str) -> None:
        """A page is not shown any more."""
        self._requests.pop(page, None)
        self._frames.pop(page, None)
        self.its(Comparing).forget(page)

    @property
    def _pointed_at(self) -> int | None:
        return self.its(Cards).at

    def _point_at(self, row: int | None) -> None:
        self.its(Cards).point(row, told=True)

    def _on_select(self, rule: dict[str, Any], mode: str) -> None:
        self.its(Live).check(from_json(rule))
        wanted = self._visible(from_json(rule))
        self._brushed_layout = "" if self.session.layout is None else self.session.layout.key
        self.session.select(wanted, mode)

    def _on_select_entry(self, name: str) -> None:
        self.session.select(self._visible(self._entry_rule(name)))

    def _on_select_without(self) -> None:
        """Select what has no place on the map, to see why."""
        layout = self.session.layout
        if layout is not None:
            self.session.select(Ids(self.session.dataset.ids[~layout.valid]))

    def _on_clear(self) -> None:
        self.session.clear()

    def _on_color(self, by: str) -> None:
        self.color_by = by

    def _on_density_scale(self, to: str) -> None:
        if to not in SCALINGS:
            raise unknown("scale of density", to, SCALINGS)
        self.session.density_scale = to

    def _on_hide(self, name: str) -> None:
        self.session.hidden = self.session.hidden ^ ({name} & frozenset([*self._colors().names, *self.session.hidden]))

    def _on_solo(self, name: str) -> None:
        others = frozenset(self._colors().names) - {name}
        self.session.hidden = frozenset() if self.session.hidden == others else others

    def _on_show_all(self) -> None:
        self.session.hidden = frozenset()

    def _on_method(self, kind: str, method: str) -> None:
        self.pipeline.choose(kind, method)
        self._show("steps")
        self._tick()

    def _on_setting(self, kind: str, name: str, value: Any) -> None:
        try:
            self.pipeline.change(kind, name, value)
        finally:
            self._show("steps")  # also after a value that is not allowed: the control goes back to what is set
            self._tick()

    def _on_run(self, kind: str) -> None:
        self.pipeline.run(kind)
        self._show("steps")
        self._tick()

    def _on_refit(self) -> None:
        self.pipeline.refit()
        self._show("steps")
        self._tick()

    def _on_stop(self, kind: str) -> None:
        self.pipeline.stop(kind)

    def _download(self, name: str, content: bytes) -> None:
        send_file(self.page, name, io.BytesIO(content))

    # To the page

    def _layout_changed(self, *events: Any) -> None:
        self.its(Live).end()
        self._show("map", "names", "given", "selection", "steps")
        self._redraw()

    def _clusters_changed(self, *events: Any) -> None:
        self._default_color()
        self._coloring = None
        self._show("steps", "names", "color", "items_of")
        self._redraw()

    def _selection_changed(self, *events: Any) -> None:
        self._redraw()  # first: it is drawn in another thread, while all is counted here
        self._show("selection", "color", "items_of")

    def _labels_changed(self, *events: Any) -> None:
        self._later(self._show_labels)  # it may have been another visit's thread that labelled

    def _show_labels(self) -> None:
        self._coloring = None
        self._show("labels", "given", "selection", "color")
        self.page.set(items_of=self.its(Listing).listed() | {"stay": True})  # the same items, said anew: nobody loses their place
        if self.session.filters:  # they may be about labels
            self._show("names")
        if self.session.color_by.startswith(("label", "parent")) or self.session.filters:
            self._redraw()

    def _filters_changed(self, *events: Any) -> None:
        self._later(self._colors_changed)  # a filter of a category goes with it, which another visit may have deleted

    def _colors_changed(self, *events: Any) -> None:
        if any(event.name == "color_by" for event in events):
            self._coloring = None
            if self.session.color_by == "none":
                self.session.color_chosen = True
        self._show("color", "names", "given", "selection", "items_of")
        self._redraw()

    def _show(self, *parts: str) -> None:
        """Send parts of what the page shows, each made anew from the session."""
        session, live, now = self.session, self.its(Live), self.page.now
        made: dict[str, Callable[[], Any]] = {
            "steps": lambda: {kind: self.pipeline.describe(kind) for kind in KINDS},
            "labels": lambda: state.labels(session),
            "selection": lambda: state.selection(session, regions=self._outlined(), shown=self.session.shown),
            "color": lambda: state.color(session, self._colors()),
            "names": lambda: [] if live.moving else cluster_names(session, session.shown),
            "given": lambda: [] if live.moving else category_names(session, session.shown),
            "map": live.map_,
            "items_of": self.its(Listing).listed,
        }
        self.page.set(now, **{part: made[part]() for part in dict.fromkeys(parts)})

    def _outlined(self) -> bool:
        return self.session.layout is not None and self._brushed_layout == self.session.layout.key

    def _redraw(self, *pages: str) -> None:
        """Draw for some pages, or for all, what they look at."""
        points = self.its(Live).points() if self._requests else None
        if points is None:
            return
        for page in pages or tuple(self._requests):
            self._frames[page].ask(points, self._requests[page] | {"by": self.session.color_by})

    def _drawn(self, asker: Asker, frame: Frame, points: Points, message: dict[str, Any]) -> None:
        for part in self.parts:
            message |= part.drawn(frame, points)
        self.page.answer(asker, frame=message)

    def _toast(self, text: str, tone: str = "") -> None:
        self.page.answer(toast={"text": text, "tone": tone})

    # What is known

    def _colors(self) -> Coloring:
        if self._coloring is None:
            self._coloring = self.session.coloring()
        return self._coloring

    def _default_color(self) -> None:
        """Until somebody chooses: a column of few values where there is one, else the clusters."""
        session = self.session
        if session.color_by != "none" or session.color_chosen:
            return
        few = [name for name in session.dataset.of_kind("category") if 2 <= session.dataset.distinct(name) <= 20]
        if few:
            session.color_by = f"column:{few[0]}"
        elif session.clusters is not None:
            session.color_by = "cluster"

    def _visible(self, rule: Rule) -> Rule:
        """What is not shown cannot be brushed."""
        shown = self.session.shown_rule
        return rule if shown is None else rule & shown

    def _entry_rule(self, name: str) -> Rule:
        """The rule of one entry of the legend."""
        session, colors = self.session, self._colors()
        if name not in colors.names:
            raise unknown("entry of the legend", name, colors.names)
        mask = colors.codes == colors.names.index(name)
        by_value: list[Rule] = []
        if session.color_by == "cluster" and session.clusters is not None and mask.any():
            by_value = [InCluster(int(session.clusters.values[mask][0]))]
        elif session.color_by == "label":
            by_value = [HasLabel(name if name in session.labels.names else None)]
        elif session.color_by.startswith("column:"):
            by_value = [Where(session.color_by.removeprefix("column:"), "==", name)]
        fitting = (rule for rule in by_value if np.array_equal(rule.mask(session.seen), mask))
        return next(fitting, Ids(session.dataset.ids[mask]))  # "other" and "missing" are no one value

    # Time

    def _tick(self) -> None:
        """Look at the running job until there is none, from a thread that only waits; all else happens on the session's own."""
        if self._ticking or not self.pipeline.moving:
            return
        self._ticking = True
        timer = threading.Timer(TICK if self.pipeline.settling is None else LIVE, lambda: self._later(self._look))
        timer.daemon = True
        timer.start()

    def _look(self) -> None:
        self._ticking = False
        self.pipeline.poll()
        self.its(Live).look()
        self._show_steps()
        self._tick()

    def _show_steps(self) -> None:
        """Send the steps if they look different from the last time."""
        steps = {kind: self.pipeline.describe(kind) for kind in KINDS}
        if steps != self._steps_shown:
            self._steps_shown = steps
            self.page.set(steps=steps)

    def _later(self, callback: Callable[[], None]) -> None:
        """Call back on this visit's own thread, with its document's lock.

        What a page of a notebook asks for comes in a thread beside the cells (ipykernel 7): it is done there, or while a cell runs
        the page would see nothing of it.
        """
        if self._document is not None:
            self._next_tick(callback)
        elif self.page.hearing:
            callback()
        elif self._loop is not None and self._loop.is_running() and threading.current_thread() is not threading.main_thread():
            self._loop.call_soon_threadsafe(callback)
        else:
            callback()

    def _next_tick(self, callback: Callable[[], None]) -> None:
        """From another thread by way of the loop: one added while the visit is being made would be added twice, and the visit fail.

        A visit that is over, or that could not begin, has nobody to see anything; another visit's labelling must not fail for it.
        """
        document, loop = self._document, self._loop
        if document is None or document.session_context is None:
            return
        if loop is not None and loop.is_running() and loop is not running_loop():
            loop.call_soon_threadsafe(lambda: document.session_context and document.add_next_tick_callback(callback))
        else:
            document.add_next_tick_callback(callback)


def _begun(source: Any) -> Session:
    """A session under the name of who logged in, on a source or on a workspace that visits share."""
    who = visitor("") or None
    return Session(source.dataset, source, user=who) if isinstance(source, Workspace) else Session(source, user=who)
