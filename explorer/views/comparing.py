"""Two layouts side by side: a second map beside the first, with one selection, one legend and one camera for both."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.grid import bounds
from explorer.insight.alignment import aligned
from explorer.raster import Frame, Points, nearest
from explorer.raster.scene import Scene
from explorer.selection import Ids, Seen, from_json
from explorer.session.coloring import Measure
from explorer.session.comparing import Comparison, KeptLayout, differing
from explorer.session.points import points
from explorer.step import Progress, find, names
from explorer.views.cards import Cards
from explorer.views.frames import Frames, Scenes
from explorer.views.live import LASTS, Live
from explorer.views.newest import Newest
from explorer.views.pages import MOST, Asker
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

COLOR = "overlap"  # the measure's name
LARGEST = 1_000_000  # items beyond which a change from one layout to another jumps
SAID = 60  # characters of a layout's settings
_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explorer-overlap")


class Comparing(Part):
    """Sends ``layouts``, the kept ones, while their list is open, and ``beside``, what the second map is, while there is one.

    The second map shows the other layout laid onto the first: so both have the same units and one camera. It is drawn with the
    session's own colours, filters and selection, and what is brushed on it is selected by ids.
    """

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._kept: KeptLayout | None = None
        self._found: Comparison | None = None
        self._progress = ""  # of the overlap
        self._swapped = False  # whether the first map shows the other layout now
        self._color_before = "none"
        self._recolors = False  # whether the overlap colours the map again when it is known
        self._scenes = Scenes(self.session)
        self._frames: dict[str, Frames] = {}
        self._requests: dict[str, dict[str, Any]] = {}
        self._overlaps: Newest[Comparison] = Newest(_POOL, self._work_out)
        self.watch(self._layout_changed, "layout")
        self.watch(self._drawing_changed, "selection", "color_by", "hidden", "density_scale", "filters", "clusters")
        self.watch(self._labels_changed, "sets", "label_set")
        self._hovering = view.param.watch(self._hovered, "hovered")

    def ready(self) -> None:
        """The page is there, perhaps anew."""
        self._show()

    def close(self) -> None:
        """The visit is over."""
        self.view.param.unwatch(self._hovering)
        super().close()

    # From the page

    def on_layouts(self) -> None:
        """The list is opened."""
        self.view.page.set(layouts=[self._entry(one) for one in self.session.layouts()])

    def on_beside(self, key: str | None) -> None:
        """Show a kept layout beside the current one; None ends that."""
        if key is None:
            self._end()
        else:
            self._begin(self._wanted(key))

    def on_beside_view(self, **request: Any) -> None:
        """The second map looks there."""
        asker = self.view.page.asker
        if asker is None or self._found is None:
            return
        if asker.page not in self._requests and len(self._requests) >= MOST:
            self.forget(next(iter(self._requests)))
        if asker.page not in self._frames:
            self._frames[asker.page] = Frames(self._scenes, partial(self._drawn, asker))
        self._requests[asker.page] = request
        self._redraw(asker.page)

    def on_beside_select(self, rule: dict[str, Any], mode: str) -> None:
        """Select what a region of the second map holds, by ids."""
        found, session = self._comparison(), self.session
        seen = session.seen
        grid = scene.grid if (scene := self._scene) is not None and scene.points.layout is found.aligned else None
        mask = from_json(rule).mask(Seen(session.dataset, found.aligned, seen.clusters, seen.labels, grid))
        session.select(Ids(session.dataset.ids[mask if session.shown is None else mask & session.shown]), mode)

    def on_beside_pick(self, x: float, y: float, reach: float, mode: str) -> None:
        """Select what is clicked on the second map, and open its card."""
        row = self._nearest(x, y, reach)
        if row is not None:
            self.session.select(Ids([self.session.dataset.ids[row]]), mode)
            self.view.its(Cards).on_item(row)

    def on_beside_hover(self, x: float, y: float, reach: float) -> None:
        """The pointer is there on the second map."""
        self.view.its(Cards).point(self._nearest(x, y, reach))

    def on_moved(self, share: float, mode: str) -> None:
        """Select the items that moved most."""
        moved = self._comparison().most_moved(share)
        shown = self.session.shown
        rows = moved if shown is None else moved[shown[moved]]
        if not len(rows):
            raise InputError("none of the items that moved most is shown now; nothing is selected")
        self.session.select(Ids(self.session.dataset.ids[rows]), mode)

    def on_color_overlap(self) -> None:
        """Colour by the overlap, or as before."""
        if self.session.color_by == f"measure:{COLOR}":
            self._color_back()
        elif COLOR in self.session.measures:
            self._color_before = self.session.color_by
            self.view.color_by = f"measure:{COLOR}"

    def on_morph(self, still: bool) -> None:
        """Move the first map's items to their places on the other, or back."""
        found, live = self._comparison(), self.view.its(Live)
        here, there = found.layout.values, found.aligned
        start, stop = (there, here) if self._swapped else (here, there)
        said = "going back to this layout" if self._swapped else f"{found.other.method}, laid onto this map"
        live.play(start, stop, said, self._morphed, self._lasts(still=still))

    def on_show_layout(self, key: str, still: bool) -> None:
        """Make a kept layout the current one; the items move to their new places."""
        if self.view.pipeline.settling is not None:
            raise InputError("a layout settles; wait for it, or stop it first")
        kept, before = self._wanted(key), self.session.layout
        result = kept.result
        if before is None or before.values.shape != result.values.shape or self._lasts(still=still) < LASTS:
            self._adopt(kept)
            return
        start = aligned(result.values, before.values, same_size=True)
        self.view.its(Live).play(start, result.values, f"changing to {kept.method}", partial(self._adopt, kept))

    def _lasts(self, *, still: bool) -> float:
        return LASTS if still is not True and len(self.session.dataset) <= LARGEST else 1e-9

    # What is compared

    def _wanted(self, key: Any) -> KeptLayout:
        found = next((one for one in self.session.layouts() if one.key == key), None)
        if found is None:
            raise InputError("that layout is not kept any more; open the list again")
        return found

    def _comparison(self) -> Comparison:
        if self._found is None:
            raise InputError("no other layout is shown beside this one; choose one under “Compare” first")
        return self._found

    def _begin(self, kept: KeptLayout) -> None:
        found = self.session.compare(kept)
        self._forget_overlap()
        self._recolors = False
        self._kept, self._found, self._swapped, self._progress = kept, found, False, "finding neighbours on both maps"
        self._show()
        self._redraw()
        self._overlaps.ask(found)

    def _end(self) -> None:
        self._kept = self._found = None
        self._requests, self._frames = {}, {}
        self._forget_overlap()
        if self._swapped:
            self._swapped = False
            self.view.its(Live).stop()
        self._show()

    def _layout_changed(self, *events: Any) -> None:
        """Another layout is the current one: what is beside it stays, unless it is the same; then it is what was there before."""
        if self._kept is None or self._found is None:
            return
        before, now, self._swapped = self._found.layout, self.session.layout, False
        colored = self.session.color_by == f"measure:{COLOR}"
        kept = self._kept
        if now is not None and now.key == kept.key:
            kept = next((one for one in self.session.layouts() if one.key == before.key), kept)
        if now is None or now.key == kept.key:
            self._end()
        else:
            self._begin(kept)
            self._recolors = colored

    def _adopt(self, kept: KeptLayout) -> None:
        if kept.method in names("reduce"):
            self.view.pipeline.steps["reduce"] = find("reduce", kept.method, **kept.settings)
        self.session.show_layout(kept)

    def _morphed(self) -> None:
        self._swapped = not self._swapped
        if not self._swapped:
            self.view.its(Live).stop()
        self._show()

    # Neighbours

    def _work_out(self, found: Comparison) -> None:
        """In the pool's thread."""

        def report(fraction: float, note: str) -> None:
            said = f"finding neighbours on both maps: {fraction:.0%}"
            with self._overlaps.wanted():
                if said != self._progress:
                    self._progress = said
                    self.view.page.set(overlap={"busy": said})

        found.work_out(Progress(report, lambda: self._overlaps.outdated))
        self.view._later(partial(self._worked_out, found))

    def _worked_out(self, found: Comparison) -> None:
        if found is not self._found:
            return
        self._progress = ""
        title = f"neighbours shared with {found.other.method}"
        self.session.measures = self.session.measures | {COLOR: Measure(title, found.overlap, (0.0, 1.0), found.note)}
        self.view._show("color")
        if self._recolors:
            self.on_color_overlap()
        self._show()

    def _forget_overlap(self) -> None:
        self._overlaps.stop()
        if COLOR in self.session.measures:
            self._color_back()
            self.session.measures = {name: one for name, one in self.session.measures.items() if name != COLOR}
            self.view._show("color")

    def _color_back(self) -> None:
        if self.session.color_by == f"measure:{COLOR}":
            known = {choice["value"] for choice in self.session.color_choices}
            self.view.color_by = self._color_before if self._color_before in known else "none"

    # Pictures

    @property
    def _scene(self) -> Scene | None:
        return self._scenes.last

    def _points(self) -> Points | None:
        session = self.session
        if self._found is None:
            return None
        return points(self._found.aligned, self.view._colors(), session.shown, session.selection, session.density_scale)

    def _drawing_changed(self, *events: Any) -> None:
        if self._found is not None:
            self.view._later(self._redraw)  # after the first map, whose colours are used

    def _labels_changed(self, *events: Any) -> None:
        self.view._later(self._redraw)

    def _redraw(self, *pages: str) -> None:
        made = self._points() if self._requests else None
        if made is not None:
            for page in pages or tuple(self._requests):
                self._frames[page].ask(made, self._requests[page])

    def _drawn(self, asker: Asker, frame: Frame, drawn: Points, message: dict[str, Any]) -> None:
        for part in self.view.parts:
            message |= part.drawn(frame, drawn)
        self.view.page.answer(asker, beside_frame=message)

    def forget(self, page: str) -> None:
        """A page is not shown any more."""
        self._requests.pop(page, None)
        self._frames.pop(page, None)

    # Pointing

    def _nearest(self, x: float, y: float, reach: float) -> int | None:
        found, scene = self._comparison(), self._scene
        grid = scene.grid if scene is not None and scene.points.layout is found.aligned else None
        return nearest(found.aligned, float(x), float(y), float(reach), self.session.shown, grid)

    def _hovered(self, *events: Any) -> None:
        if self._found is not None:
            row = self.view._pointed_at
            place = None if row is None else self._found.aligned[row]
            at = None if place is None or not np.isfinite(place).all() else [float(side) for side in place]
            self.view.page.set(beside_at=at)

    # What the page shows

    def _entry(self, one: KeptLayout) -> dict[str, Any]:
        current = self.session.layout
        said = _said(one.differing(current))
        now = current is not None and current.key == one.key
        return {"key": one.key, "method": one.method, "said": said, "when": one.when, "stopped": one.stopped, "current": now}

    def _show(self) -> None:
        kept, found = self._kept, self._found
        if kept is None or found is None:
            self.view.page.set(beside=None, beside_at=None)
            return
        box = bounds(found.aligned)
        without = int(np.count_nonzero(~np.isfinite(found.aligned).all(axis=1)))
        made = self._entry(kept) | {"swapped": self._swapped, "items": int(np.count_nonzero(~np.isnan(found.moved)))}
        made |= {"map": {"bounds": box, "extent": 0.0, "without": without, "key": f"{found.layout.key}-{kept.key}", "title": ""}}
        alike = found.layout.method == found.other.method
        said = _said(differing(found.layout, found.other)) if alike else ""
        made |= {"this": f"{found.layout.method} {said}".strip(), "that": f"{kept.method} {made['said'] if alike else ''}".strip()}
        known = None if self._progress else {"busy": "", "mean": _finite(found.mean), "note": found.note}
        self.view.page.set(beside=made, overlap=known or {"busy": self._progress})


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _said(settings: dict[str, Any]) -> str:
    """Settings in few words."""
    said = ", ".join(f"{name} {_short(value)}" for name, value in settings.items())
    return said if len(said) <= SAID else f"{said[: SAID - 1]}…"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


__all__ = ["Comparing"]
