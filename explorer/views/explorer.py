"""The dashboard: a thin view that draws a session on a page and turns the page's messages into the session's verbs."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import panel as pn
from panel.viewable import Viewer

from explorer import drawing
from explorer.errors import InputError, unknown
from explorer.raster import SCALINGS, Frame, Points, nearest
from explorer.selection import HasLabel, Ids, InCluster, Rule, Where, from_json
from explorer.session import Session
from explorer.session.coloring import Coloring
from explorer.session.names import category_names, cluster_names
from explorer.session.points import drawn
from explorer.step import KINDS, Step
from explorer.views import items, state
from explorer.views.bulk import Bulk
from explorer.views.columns import Columns
from explorer.views.compare import Compare
from explorer.views.component import Page
from explorer.views.contours import Contours
from explorer.views.downloads import send_file
from explorer.views.exporting import Exporting
from explorer.views.focus import Focus
from explorer.views.frames import Frames, Scenes
from explorer.views.importing import Importing
from explorer.views.label_desk import LabelDesk
from explorer.views.login import visitor
from explorer.views.look import Look
from explorer.views.marks import Marks
from explorer.views.neighbours import Neighbours
from explorer.views.newest import Newest
from explorer.views.others import Others, others_lost
from explorer.views.overview import Overview
from explorer.views.part import Part
from explorer.views.pictures import Pictures
from explorer.views.pipeline import Pipeline
from explorer.views.saved import Saved
from explorer.views.sent import Sent
from explorer.views.sounds import Sounds
from explorer.views.telling import Telling
from explorer.views.weights import Weights
from explorer.workspace import Workspace

TICK = 0.25  # seconds between looks at a running job
HEIGHT = 680  # pixels in a notebook's cell

# How a label came about, by the kind of its rule.
RULES = {"lasso": "with a lasso", "box": "with a box", "brush": "with the brush", "cluster": "as a cluster", "where": "by a column",
         "label": "by a label", "all": "by several rules", "any": "by several rules", "not": "by several rules"}  # fmt: skip

# What the page has beyond its core, in the order in which it is told.
PARTS: tuple[type[Part], ...] = (
    Columns, Marks, Neighbours, Saved, Contours, Overview, Pictures, Exporting, Others, Look, Bulk, Focus,
    LabelDesk, Compare, Importing, Weights, Sounds, Telling,
)  # fmt: skip

_THUMBS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-items")
_LOG = logging.getLogger("explorer")


class Explorer(Viewer):
    """The dashboard of a session; shows itself in a notebook's cell, and ``.servable()`` in an app.

    Parameters
    ----------
    session
        A `Session`, a `Workspace` that visits share, or whatever `explorer.read` takes.
    steps
        Chosen steps by kind ("extract", "reduce", "cluster"); the others are what fits the data.
    served
        Whether the page has a browser window for itself.

    Examples
    --------
    >>> explorer.Explorer(explorer.Session("photos/"))    # doctest: +SKIP
    """

    def __init__(self, session: Any, *, steps: dict[str, Step] | None = None, served: bool = False, **params: Any) -> None:
        super().__init__(**params)
        self.session = session if isinstance(session, Session) else _begun(session)
        self.page = Page(self._heard, served=served, sizing_mode="stretch_both" if served else "stretch_width", **_height(served))
        self.pipeline = Pipeline(self.session, steps or {}, lambda kind: self._show("steps"))
        self.scenes = Scenes(self.session)
        self._frames = Frames(self.scenes, self._drawn)
        self._thumbs = items.Thumbnails(self.session.dataset)
        self._tiles = items.Thumbnails(self.session.dataset, 400, items.TILE)
        self._hovering: Newest[dict[str, Any]] = Newest(_THUMBS, self._decode_hover)
        self._carding: Newest[dict[str, Any]] = Newest(_THUMBS, self._send_item)
        self._request: dict[str, Any] | None = None
        self._coloring: Coloring | None = None
        self._brushed_layout = ""  # the layout on which the selection was drawn: elsewhere its outline means nothing
        self._version = 0
        self._ticking = False
        self._steps_shown: dict[str, Any] = {}
        self._started = False
        self._logged_in = bool(visitor(""))
        self._loop = _running_loop()
        self._document = pn.state.curdoc if pn.state.curdoc and pn.state.curdoc.session_context else None
        self._watchers = [
            self.session.param.watch(self._layout_changed, "layout"),
            self.session.param.watch(self._clusters_changed, ["clusters", "features"]),
            self.session.param.watch(self._selection_changed, "selection"),
            self.session.param.watch(self._labels_changed, ["sets", "label_set"]),
            self.session.param.watch(self._colors_changed, ["color_by", "hidden", "density_scale"]),
            self.session.param.watch(self._filters_changed, "filters"),
        ]
        self.parts = [part(self) for part in PARTS]
        own = {name.removeprefix("_on_"): getattr(self, name) for name in dir(self) if name.startswith("_on_")}
        self._verbs: dict[str, Callable[..., Any]] = {verb: on for part in self.parts for verb, on in part.verbs().items()} | own
        self._default_color()
        if self._document is not None:
            self._document.on_session_destroyed(lambda context: self.close())

    def __panel__(self) -> Page:
        _load_panel()
        return self.page

    def close(self) -> None:
        """Let the session go: stop what runs for it and stop following it."""
        self.pipeline.close()
        for watcher in self._watchers:
            self.session.param.unwatch(watcher)
        self._watchers = []
        for part in self.parts:
            part.close()
        self._hovering.stop()
        self._carding.stop()
        self.session.close()

    # From the page

    def _heard(self, message: dict[str, Any]) -> None:
        verb = message.pop("verb")
        handler = self._verbs.get(verb)
        sent = Sent.of(message)
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

    def _on_ready(self) -> None:
        self.page.set(data=state.data(self.session, served=self.page.served) | {"logout": self._logged_in})
        self._show("steps", "labels", "selection", "color", "names", "given", "map", "items_of")
        for part in self.parts:
            part.ready()
        if not self._started:
            self._started = True
            self.pipeline.start()
            self._tick()

    def _on_view(self, **request: Any) -> None:
        self._request = request
        self._redraw()
        for part in self.parts:
            part.looked(request)

    def _on_hover(self, x: float, y: float, reach: float) -> None:
        row = self._nearest(x, y, reach)
        self._hovering.stop()
        if row is None:
            self.page.set(hover=None)
            return
        place = self.session.layout.values[row]
        hovered = self._about(row, 5) | {"x": float(place[0]), "y": float(place[1])}
        hovered["text"] = self._text(row, hovered["title"])[: items.WORDS]
        hovered["cluster"] = None if self.session.clusters is None else int(self.session.clusters.values[row])
        if self._decodes_long and row not in self._thumbs:
            self._hovering.ask(hovered)
        else:
            self._send_hover(hovered)

    def _decode_hover(self, hovered: dict[str, Any]) -> None:
        self._thumbs.get(hovered["row"])
        if not self._hovering.outdated:
            self._send_hover(hovered)

    def _send_hover(self, hovered: dict[str, Any]) -> None:
        self.page.set(hover=hovered | {"thumb": self._thumb(hovered["row"])})

    @property
    def _decodes_long(self) -> bool:
        """Whether an item takes so long to decode that it is not done on the loop which all visits share."""
        return drawing.drawn_role(self.session.dataset) == "audio"

    def _on_pick(self, x: float, y: float, reach: float, mode: str) -> None:
        row = self._nearest(x, y, reach)
        if row is None:
            return
        self.session.select(Ids([self.session.dataset.ids[row]]), mode)
        self._on_item(row)

    def _on_select(self, rule: dict[str, Any], mode: str) -> None:
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
        known = [choice["value"] for choice in self.session.color_choices]
        if by not in known:
            raise unknown("thing to colour by", by, known)
        self.session.param.update(color_by=by, hidden=frozenset())

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

    def _on_label(self, name: str) -> None:
        count = self.session.label(name)
        if self.session.color_by == "none":
            self.session.color_by = "label"
        self._toast(f"{count:,} labelled “{name}”{others_lost(self.session)}" if count else f"all selected were “{name}” already")

    def _on_label_set(self, name: str) -> None:
        self.session.use_label_set(name)

    def _on_unlabel(self) -> None:
        self._toast(f"{self.session.unlabel():,} labels removed{others_lost(self.session)}")

    def _on_create(self, name: str) -> None:
        self.session.create_category(name)

    def _on_rename(self, name: str, to: str) -> None:
        self.session.rename_category(name, to)

    def _on_recolor(self, name: str, color: str) -> None:
        self.session.recolor_category(name, color)

    def _on_merge(self, name: str, into: str) -> None:
        self._toast(f"{self.session.merge_category(name, into):,} items are “{into}” now")

    def _on_delete(self, name: str) -> None:
        self._toast(f"“{name}” deleted; {self.session.delete_category(name):,} items lost their label")

    def _on_undo(self) -> None:
        self._told("undone", self.session.undo())

    def _on_redo(self) -> None:
        self._told("done again", self.session.redo())

    def _told(self, what: str, verb: str | None) -> None:
        self._show("selection")
        self._toast(f"{what}: {verb}" if verb else "nothing to do")

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

    def _on_stop(self, kind: str) -> None:
        self.pipeline.stop(kind)

    def _on_items(self, mode: str, version: int, start: int, count: int, size: int = items.THUMB) -> None:
        if version != self._version or mode not in items.modes(self.session.dataset):
            return
        rows = self._listed()[max(0, start) : max(0, start) + min(count, items.MOST)]
        thumbs = self._tiles if size > items.THUMB else self._thumbs
        asked = {"mode": mode, "version": version, "start": start, "size": size}
        _THUMBS.submit(self._send_items, asked, rows, self._marks(), thumbs)

    def _marks(self) -> items.Marks:
        labels, clusters = self.session.labels, self.session.clusters
        return items.Marks(labels.values() if len(labels) else None, None if clusters is None else self._cluster_name)

    def _send_items(self, asked: dict[str, Any], rows: np.ndarray, marks: items.Marks, small: items.Thumbnails) -> None:
        window = items.window(self.session.dataset, rows, asked["mode"], marks)
        thumbs = [small.get(int(row)) for row in rows] if asked["mode"] == "gallery" else []
        offsets = np.cumsum([0, *map(len, thumbs)]).tolist()
        self.page.send(items=asked | {"rows": window, "blob": b"".join(thumbs), "offsets": offsets if thumbs else None})

    def _on_item(self, row: int) -> None:
        dataset = self.session.dataset
        if not 0 <= row < len(dataset):
            return
        about = self._about(row)
        about["text"] = self._text(row, about["title"])
        about["lines"] = [*about["lines"], *self._why(row)]
        if self.session.layout is not None and self.session.layout.valid[row]:
            place = self.session.layout.values[row]
            about |= {"x": float(place[0]), "y": float(place[1])}
        self._carding.ask(about) if self._decodes_long else self._send_item(about)

    def _send_item(self, about: dict[str, Any]) -> None:
        dataset, row = self.session.dataset, about["row"]
        about |= {"picture": drawing.draw(dataset, row, items.LARGE) or None}
        said = {name for name, _ in about["lines"]}  # a folder of sounds has a column of rates
        about["lines"] = [*about["lines"], *((name, value) for name, value in drawing.facts(dataset, row) if name not in said)]
        self.page.set(item=about)

    def _download(self, name: str, content: bytes) -> None:
        send_file(self.page, name, io.BytesIO(content))

    # To the page

    def _layout_changed(self, *events: Any) -> None:
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
        self.page.set(items_of=self._items_of() | {"stay": True})  # the same items, said anew: nobody loses their place
        if self.session.filters:  # they may be about labels
            self._show("names")
        if self.session.color_by.startswith(("label", "parent")) or self.session.filters:
            self._redraw()

    def _filters_changed(self, *events: Any) -> None:
        self._later(self._colors_changed)  # a filter of a category goes with it, which another visit may have deleted

    def _colors_changed(self, *events: Any) -> None:
        if any(event.name == "color_by" for event in events):
            self._coloring = None
        self._show("color", "names", "given", "selection", "items_of")
        self._redraw()

    def _show(self, *parts: str) -> None:
        """Send parts of what the page shows, each made anew from the session."""
        session = self.session
        made: dict[str, Callable[[], Any]] = {
            "steps": lambda: {kind: self.pipeline.describe(kind) for kind in KINDS},
            "labels": lambda: state.labels(session),
            "selection": lambda: state.selection(session, regions=self._outlined(), shown=self.session.shown),
            "color": lambda: state.color(session, self._colors()),
            "names": lambda: cluster_names(session, session.shown),
            "given": lambda: category_names(session, session.shown),
            "map": lambda: state.map_(session),
            "items_of": self._items_of,
        }
        self.page.set(**{part: made[part]() for part in dict.fromkeys(parts)})

    def _outlined(self) -> bool:
        return self.session.layout is not None and self._brushed_layout == self.session.layout.key

    def _items_of(self) -> dict[str, Any]:
        self._version += 1
        dataset, visible = self.session.dataset, self.session.shown
        count = int(np.count_nonzero(self.session.selection))
        rows = count or (len(dataset) if visible is None else int(np.count_nonzero(visible)))
        everything = f"All {rows:,} {dataset.subject}" if rows == len(dataset) else f"{rows:,} of {len(dataset):,} shown"
        title = f"{count:,} selected" if count else everything
        listed = {"version": self._version, "count": rows, "title": title, "selected": bool(count)}
        return listed | {"modes": items.modes(dataset), "columns": items.heads(dataset, self._marks())}

    def _listed(self) -> np.ndarray:
        """The rows beside the map: the selected ones, else all that the legend leaves on the map."""
        selection, visible = self.session.selection, self.session.shown
        if selection.any():
            return np.flatnonzero(selection)
        return np.arange(len(selection)) if visible is None else np.flatnonzero(visible)

    def _redraw(self) -> None:
        if self._request is None or self.session.layout is None:
            return
        session = self.session
        self._frames.ask(drawn(session, self._colors()), self._request)

    def _drawn(self, frame: Frame, points: Points, message: dict[str, Any]) -> None:
        for part in self.parts:
            message |= part.drawn(frame, points)
        self.page.send(frame=message)

    def _toast(self, text: str, tone: str = "") -> None:
        self.page.send(toast={"text": text, "tone": tone})

    # What is known

    def _colors(self) -> Coloring:
        if self._coloring is None:
            self._coloring = self.session.coloring()
        return self._coloring

    def _default_color(self) -> None:
        """Until somebody chooses: a column of few values where there is one, else the clusters."""
        session = self.session
        if session.color_by != "none":
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

    def _nearest(self, x: float, y: float, reach: float) -> int | None:
        if self.session.layout is None:
            return None
        return nearest(self.session.layout.values, float(x), float(y), float(reach), self.session.shown, self.session.grid)

    def _about(self, row: int, most: int | None = None) -> dict[str, Any]:
        session = self.session
        label = session.labels.categories.get(int(session.labels.codes[row]))
        known = items.lines(session.dataset, row, None if label is None else label.name, self._cluster_name(row), most)
        known = [*self._without(row), *known]
        name = items.title(session.dataset, row)
        kept = [pair for pair in known if pair[1] != name]
        return {"row": row, "title": name, "lines": kept if most else [("id", str(session.dataset.ids[row])), *kept]}

    def _without(self, row: int) -> list[tuple[str, str]]:
        """That an item has no features, and why, as far as it is known."""
        features = self.session.features
        if features is None or np.isfinite(features.values[row]).all():
            return []
        why = features.lost.get(str(row), "see the notes under Features")
        return [("features", "none: " + why.removeprefix(f"item {self.session.dataset.ids[row]!r}: "))]

    def _why(self, row: int) -> list[tuple[str, str]]:
        """Who gave an item its label, when, and with how many others."""
        try:
            why = self.session.why(self.session.dataset.ids[row]) if self.session.labels.codes[row] else None
        except InputError:  # the journal is damaged: all else about the item is known
            why = None
        if why is None:
            return []
        rule = why["rule"] or {}
        by = RULES.get(str(rule.get("rule")), "by hand")
        return [("labelled", f"by {why['user']}, {why['time'][:16].replace('T', ' ')} UTC, {why['items']:,} together, {by}")]

    def _text(self, row: int, name: str) -> str:
        """An item's text, where its name does not say it all."""
        text = self.session.dataset.texts(np.array([row]))[0] if "text" in self.session.dataset.roles else ""
        return text if text != name else ""

    def _cluster_name(self, row: int) -> str:
        if self.session.clusters is None:
            return ""
        cluster = int(self.session.clusters.values[row])
        return "noise" if cluster < 0 else self.session.cluster_names.get(cluster, f"cluster {cluster}")

    def _thumb(self, row: int) -> bytes | None:
        return (self._thumbs.get(row) or None) if drawing.drawable(self.session.dataset) else None

    # Time

    def _tick(self) -> None:
        """Look at the running job until there is none, from a thread that only waits; all else happens on the session's own."""
        if self._ticking or not self.pipeline.moving:
            return
        self._ticking = True
        timer = threading.Timer(TICK, lambda: self._later(self._look))
        timer.daemon = True
        timer.start()

    def _look(self) -> None:
        self._ticking = False
        self.pipeline.poll()
        self._show_steps()
        self._tick()

    def _show_steps(self) -> None:
        """Send the steps if they look different from the last time."""
        steps = {kind: self.pipeline.describe(kind) for kind in KINDS}
        if steps != self._steps_shown:
            self._steps_shown = steps
            self.page.set(steps=steps)

    def _later(self, callback: Callable[[], None]) -> None:
        """Call back on this visit's own thread, with its document's lock."""
        if self._document is not None:
            self._next_tick(callback)
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
        if loop is not None and loop.is_running() and loop is not _running_loop():
            loop.call_soon_threadsafe(lambda: document.session_context and document.add_next_tick_callback(callback))
        else:
            document.add_next_tick_callback(callback)


def _begun(source: Any) -> Session:
    """A session under the name of who logged in, on a source or on a workspace that visits share."""
    who = visitor("") or None
    return Session(source.dataset, source, user=who) if isinstance(source, Workspace) else Session(source, user=who)


def _height(served: bool) -> dict[str, Any]:
    return {} if served else {"height": HEIGHT}


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _load_panel() -> None:
    """Load Panel's scripts into a notebook that has not done so; they come out of the package, not from the network."""
    if not pn.state.curdoc and not getattr(pn.extension, "_loaded", False):
        pn.extension(inline=True)
