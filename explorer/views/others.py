"""What other people do to the same labels, and how safe these are: said to whom it concerns."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from explorer.session import Session
from explorer.views.part import Part
from explorer.views.watching import watch

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer
    from explorer.workspace import Entry

LOOK = 0.4  # seconds between looks at a workspace that other processes may write to


def others_lost(session: Session) -> str:
    """Whose labels the last verb wrote over, to go after what it did."""
    found = session.entry.overwrote
    return "" if not found else "; " + ", ".join(f"{count:,} had been labelled by {user}" for user, count in sorted(found.items()))


class Others(Part):
    """Tells a visit when somebody else labels what it had labelled, and when labels cannot be saved."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        workspace = view.session.workspace
        self._workspace = workspace
        self._unread = ""  # why what others write cannot be read
        self._following = [watch(workspace, self._heard, [name]) for name in ("news", "trouble")]
        if view._loop is not None and workspace.path is not None and not view.page.served:  # `serve` looks for all its visits
            self._follow()

    def ready(self) -> None:
        """How safe labels are here."""
        self._say_trouble()
        for note in self._workspace.notes:
            self.view._toast(note, "error")

    def _heard(self, event: Any) -> None:
        self.view._later(self._say_trouble if event.name == "trouble" else lambda: self._tell(event.new))

    def _say_trouble(self) -> None:
        self.view.page.set(trouble=self._workspace.trouble)

    def _tell(self, news: tuple[Entry, ...]) -> None:
        session = self.session
        for entry in news:
            lost = entry.overwrote.get(session.user, 0)
            if lost and entry.visit != session.visit:
                self.view._toast(f"{entry.user} has labelled {lost:,} that you had labelled ({entry.verb})")

    def _follow(self) -> None:
        """Look for what other processes wrote, for as long as this view is there."""
        loop, weak = self.view._loop, weakref.ref(self)

        def look() -> None:
            part = weak()
            if part is not None and part._following and loop is not None:
                part._look()
                del part
                loop.call_later(LOOK, look)

        if loop is not None:
            loop.call_later(LOOK, look)

    def _look(self) -> None:
        from explorer.errors import InputError

        before, self._unread = self._unread, ""
        try:
            self._workspace.catch_up()
        except InputError as problem:
            self._unread = str(problem)
        if self._unread != before:
            self.view.page.set(trouble=self._unread or self._workspace.trouble)

    def close(self) -> None:
        """The visit is over."""
        super().close()
        for end in self._following:
            end()
        self._following = []
