"""Areas of a view's page, to be placed anywhere: in a Panel app, among ipywidgets, or in a cell of its own."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from panel.viewable import Viewer

from explorer.errors import InputError, unknown
from explorer.installation import comm_advice
from explorer.views.pages import AREAS

if TYPE_CHECKING:
    from explorer.views.cell import Picture
    from explorer.views.component import Page
    from explorer.views.explorer import Explorer
    from explorer.views.widget import Widget

HEIGHT = 680  # pixels in a notebook's cell
LOW = frozenset({"header", "labels"})  # one line each, as high as they need


class Area(Viewer):
    """What of a view's page is shown in one place; several of one view show and change the same."""

    def __init__(self, view: Explorer, areas: tuple[str, ...], height: int | None = None) -> None:
        super().__init__()
        self.view = view
        self.areas = checked(areas)
        self.height = int(height) if height is not None else 0 if LOW.issuperset(self.areas) else HEIGHT
        self.identity = uuid.uuid4().hex[:12]
        self._page: Page | None = None
        self._widget: Widget | None = None

    def __panel__(self) -> Page:
        if self._page is None:
            from explorer.views.component import Page

            served = self.view.page.served
            inside: dict[str, Any] = {"sizing_mode": "stretch_width", "height": self.height or None, "margin": 5}
            size = {"sizing_mode": "stretch_both"} if served else inside
            self._page = Page(self.view.page, served=served, areas=list(self.areas), **size)
        _load_panel()
        _style_from_here()
        return self._page

    @cached_property
    def picture(self) -> Picture:
        """What a saved notebook shows of it."""
        from explorer.views.cell import Picture

        return Picture(self)

    @property
    def widget(self) -> Widget:
        """The same as an ipywidget, for ipywidgets' layouts.

        Raises
        ------
        InputError
            When anywidget is not installed.
        """
        if self._widget is None or self._widget.comm is None:  # closed: nothing shows it any more
            try:
                from explorer.views.widget import Widget
            except ImportError as problem:
                raise InputError(f"the notebook's widget is not there: {comm_advice()}") from problem
            self._widget = Widget(self.view, self.areas, self.height, self.identity)
        return self._widget

    def _ipython_display_(self) -> None:
        from explorer.views.cell import show

        show([self])

    def _display_(self) -> Widget:
        """What marimo shows."""
        return self.widget


def checked(areas: Any) -> tuple[str, ...]:
    """Areas in the page's order.

    Raises
    ------
    InputError
        For one that is not there.
    """
    given = (areas,) if isinstance(areas, str) else tuple(AREAS if areas is None else areas)
    for area in given:
        if area not in AREAS:
            raise unknown("area of the page", area, list(AREAS))
    return tuple(area for area in AREAS if area in given) or AREAS


def _load_panel() -> None:
    """Load Panel's scripts into a notebook that has not done so; they come out of the package, not from the network."""
    import panel as pn

    if not pn.state.curdoc and not getattr(pn.extension, "_loaded", False):
        pn.extension(inline=True)


def _style_from_here() -> None:
    """Have a visit's style sheets come from its own server.

    Panel says so when it writes the page. A visit that is made anew by the page's socket, as one that comes late or again after the
    computer slept, would not be told, and ask another host for them.
    """
    import panel as pn
    from panel.io.resources import get_dist_path

    document = pn.state.curdoc
    if document is not None and document.session_context is not None:
        document._template_variables.setdefault("dist_url", get_dist_path())


__all__ = ["HEIGHT", "Area", "checked"]
