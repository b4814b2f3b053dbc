"""Pages on their way to a person: a server that runs until Ctrl-C or until its window is closed, and leaves nothing behind."""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import panel as pn

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.session import Session
from explorer.views.explorer import Explorer
from explorer.views.guards import is_loopback, make_server, shown_host
from explorer.views.login import visitor
from explorer.views.logins import Logins
from explorer.views.showing import Shown
from explorer.views.start.handlers import no_start_page, rules
from explorer.views.start.site import OPEN, START, Site
from explorer.views.users import checked_name
from explorer.worker import Worker
from explorer.workspace import Workspace

_LOG = logging.getLogger("explorer")
QUIET = 5.0  # seconds after the start before a child process is made ready: first the page
CATCH_UP = 400  # milliseconds between looks at a workspace that others may write to
COUNTING = 10_000  # milliseconds between looks at how many labels recent files have by now


@dataclass(frozen=True)
class Hosting:
    """Where pages are served, to whom, and in what they are shown."""

    host: str
    port: int
    user: str | None
    logins: Logins | None
    shown: Shown

    @property
    def default_user(self) -> str:
        """The name that labels go under where nobody logs in; "" is who runs this."""
        return checked_name(self.user) if self.user else ""

    @property
    def alone(self) -> bool:
        """Whether only who runs this is served, so that it may choose among this computer's files."""
        return is_loopback(self.host) and self.logins is None


@dataclass(frozen=True)
class Hosted:
    """What is served: one dataset's dashboard at the server's own address, a start page, or both."""

    hosting: Hosting
    site: Site | None
    name: str
    data: tuple[Dataset, Workspace] | None = None
    steps: Mapping[str, Any] | None = None
    source: str | None = None
    worker: Worker = field(default_factory=lambda: Worker())

    def begin(self) -> tuple[Any, str]:
        """A server that is not started yet, and its link.

        Raises
        ------
        InputError
            When the address cannot be listened on.
        """
        hosting = self.hosting
        host, port = hosting.host, hosting.port
        token = "" if is_loopback(host) or hosting.logins else secrets.token_urlsafe(24)
        pages = {"/": self.visit} if self.data is not None else {}
        pages |= {f"{OPEN}/{{key}}": self.visit_opened} if self.site is not None else {}
        try:
            server = make_server(pages, host, port, token, hosting.logins, self._rules())
        except OSError as problem:
            why = problem.strerror or problem
            raise InputError(f"cannot listen on {host}:{port} ({why}); choose another --port or --host") from problem
        loop = server.io_loop
        if self.data is not None and self.data[1].path is not None:
            follow(self.data[1])
        if self.site is not None:
            self.site.follow = lambda workspace: loop.add_callback(follow, workspace)
            _repeat(self._count, COUNTING)
        path = "/" if self.data is not None else START
        return server, f"http://{shown_host(host)}:{server.port}{path}" + (f"?token={token}" if token else "")

    def _rules(self) -> list[Any]:
        return no_start_page() if self.site is None else rules(self.site, alone=self.data is None)

    def visit(self) -> Any:
        """A page of the dataset."""
        assert self.data is not None
        who = visitor(self.hosting.default_user)
        if self.hosting.logins and not who:
            raise PermissionError("a visit without a login")  # the guard lets none through
        return self._page(self.data, who, self.steps)

    def visit_opened(self) -> Any:
        """A page of what was opened at the start page; the rules let none through of what is not open."""
        assert self.site is not None
        opened = self.site.open[pn.state.route_params["key"]]
        return self._page((opened.dataset, opened.workspace), visitor(self.hosting.default_user), None, files=True)

    def _page(self, data: tuple[Dataset, Workspace], who: str, steps: Mapping[str, Any] | None, *, files: bool = False) -> Any:
        dataset, workspace = data
        view = Explorer(Session(dataset, workspace, worker=self.worker, user=who or None), steps=steps, served=True)
        view.start = {"address": START, "files": files} if self.site is not None else None
        return view.__panel__()

    def _count(self) -> None:
        assert self.site is not None
        self.site.count()
        if self.data is not None and self.source is not None:
            self.site.recent.count(self.source, sum(map(len, self.data[1].sets.values())))

    def end(self) -> None:
        """Leave nothing behind."""
        self.worker.close()
        if self.site is not None:
            self._count()
            self.site.close()


def host_pages(hosted: Hosted) -> None:
    """Serve until the end, and show it where it is to be shown.

    Raises
    ------
    InputError
        When the address cannot be listened on, or no window can be shown.
    """
    shown = hosted.hosting.shown
    if shown.window:
        from explorer.views.window import in_window

        if hosted.site is not None:
            hosted.site.in_window = True
        in_window(lambda ready: _run(hosted, ready), hosted.site)
        return
    _run(hosted, lambda server, link: shown.show(link, server.io_loop.add_callback))


def _run(hosted: Hosted, ready: Callable[[Any, str], None]) -> None:
    """Serve on this thread; `ready` is called with the server and its link when it is about to answer."""
    try:
        server, link = hosted.begin()
        print(f"explorer: {hosted.name} at {link}", file=sys.stderr, flush=True)
        server.io_loop.call_later(QUIET, hosted.worker.warm)
        ready(server, link)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it like Ctrl-C, so that nothing is left behind
        with suppress(KeyboardInterrupt):
            server.io_loop.start()  # until Ctrl-C, which Panel hears and ends it
        print("explorer: stopped", file=sys.stderr, flush=True)
    finally:
        hosted.end()


def follow(workspace: Workspace) -> None:
    """Show labels that other processes write into the same workspace, within a second."""

    def look() -> None:
        try:
            workspace.catch_up()
        except InputError as problem:
            _LOG.warning("%s", problem)

    if workspace.path is not None:
        _repeat(look, CATCH_UP)


def _repeat(call: Callable[[], None], milliseconds: int) -> None:
    from tornado.ioloop import PeriodicCallback

    PeriodicCallback(call, milliseconds).start()


__all__ = ["Hosted", "Hosting", "follow", "host_pages"]
