"""One item at a time: what the pointer is at, what is clicked, and the item's card."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from explorer import drawing
from explorer.raster import nearest
from explorer.selection import Ids
from explorer.views import items
from explorer.views.about import about, place, text, why
from explorer.views.live import Live
from explorer.views.newest import Newest
from explorer.views.part import Part

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

_CARDS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-cards")


class Cards(Part):
    """Sends ``hover`` and ``item``; what takes long to decode is decoded in a thread, not on the loop which all visits share."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self.at: int | None = None  # the row of what is pointed at
        self._hovering: Newest[dict[str, Any]] = Newest(_CARDS, self._decode)
        self._carding: Newest[dict[str, Any]] = Newest(_CARDS, self._send_card)

    def on_hover(self, x: float, y: float, reach: float) -> None:
        """The pointer is there."""
        self.point(self._nearest(x, y, reach))

    def on_hover_off(self) -> None:
        """The pointer is nowhere."""
        self.point(None)

    def on_pick(self, x: float, y: float, reach: float, mode: str) -> None:
        """Select what is clicked, and open its card."""
        row = self._nearest(x, y, reach)
        if row is not None:
            self.session.select(Ids([self.session.dataset.ids[row]]), mode)
            self.on_item(row)

    def on_item(self, row: int) -> None:
        """Open an item's card."""
        if not 0 <= row < len(self.session.dataset):
            return
        card = about(self.session, row) | place(self.session, row)
        card["text"] = text(self.session, row, card["title"])
        card["lines"] = [*card["lines"], *why(self.session, row)]
        self._carding.ask(card) if self._decodes_long else self._send_card(card)

    def point(self, row: int | None, *, told: bool = False) -> None:
        """Point at an item; a page shows what it was `told` to wherever its pointer is."""
        before, self.at = self.at, row
        self._hovering.stop()
        where = {} if row is None else place(self.session, row)
        if row is None or not where:
            self.view.page.set(hover=None)
        else:
            self._show(about(self.session, row, 5) | where | {"told": told})
        if row != before:
            self.view._tell("hovered")

    def _show(self, hovered: dict[str, Any]) -> None:
        row = hovered["row"]
        hovered["text"] = text(self.session, row, hovered["title"])[: items.WORDS]
        hovered["cluster"] = None if self.session.clusters is None else int(self.session.clusters.values[row])
        if self._decodes_long and row not in self.view.thumbs:
            self._hovering.ask(hovered)
        else:
            self._send_hover(hovered)

    def _decode(self, hovered: dict[str, Any]) -> None:
        self.view.thumbs.get(hovered["row"])
        with self._hovering.wanted():
            self._send_hover(hovered)

    def _send_hover(self, hovered: dict[str, Any]) -> None:
        thumb = (self.view.thumbs.get(hovered["row"]) or None) if drawing.drawable(self.session.dataset) else None
        self.view.page.set(hover=hovered | {"thumb": thumb})

    def _send_card(self, card: dict[str, Any]) -> None:
        dataset, row = self.session.dataset, card["row"]
        card |= {"picture": drawing.draw(dataset, row, items.LARGE) or None}
        said = {name for name, _ in card["lines"]}  # a folder of sounds has a column of rates
        card["lines"] = [*card["lines"], *((name, value) for name, value in drawing.facts(dataset, row) if name not in said)]
        self.view.page.set(item=card)

    @property
    def _decodes_long(self) -> bool:
        return drawing.drawn_role(self.session.dataset) == "audio"

    def _nearest(self, x: float, y: float, reach: float) -> int | None:
        session = self.session
        if session.layout is None or self.view.its(Live).moving:
            return None
        return nearest(session.layout.values, float(x), float(y), float(reach), session.shown, session.grid)
