"""The served dashboard: on this machine only, unless a token or a login guards it."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import signal
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import panel as pn

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.session import SLOTS, Session
from explorer.step import Result, Step
from explorer.views.desk import Refused
from explorer.views.explorer import Explorer
from explorer.views.login import FromElsewhere, guard_login, visitor
from explorer.views.logins import Logins
from explorer.views.users import checked_name
from explorer.worker import Worker
from explorer.workspace import Workspace

_LOG = logging.getLogger("explorer")
QUIET = 5.0  # seconds after the start before a child process is made ready: first the page
CATCH_UP = 400  # milliseconds between looks at a workspace that others may write to


def serve(
    dataset: Dataset, *, workspace: Workspace | None = None, steps: dict[str, Step] | None = None, host: str = "127.0.0.1",
    port: int = 0, open_browser: bool = True, user: str | None = None, login: Path | None = None,
) -> None:  # fmt: skip
    """Serve the dashboard until Ctrl-C.

    Every visit has its own selection and view; all share the dataset, the results and the labels of one workspace, so that a page
    that is loaded again finds its labels. What a visit labels is written down under the name of who logged in; where there is no
    `login` file under `user`, or under the name of who runs this.

    Raises
    ------
    InputError
        When the login file or the name is not right, or the address cannot be listened on.
    """
    logins = admission(user, login)
    default = checked_name(user) if user else ""
    shared = workspace or Workspace(dataset)
    worker = Worker()
    token = "" if is_loopback(host) or logins else secrets.token_urlsafe(24)

    def visit() -> Any:
        who = visitor(default)
        if logins and not who:
            raise PermissionError("a visit without a login")  # the guard lets none through
        return Explorer(Session(dataset, shared, worker=worker, user=who or None), steps=steps, served=True).__panel__()

    try:
        server = make_server(visit, host, port, token, logins)
    except OSError as problem:
        why = problem.strerror or problem
        raise InputError(f"cannot listen on {host}:{port} ({why}); choose another --port or --host") from problem
    link = f"http://{_shown_host(host)}:{server.port}/" + (f"?token={token}" if token else "")
    print(f"explorer: {dataset.name} at {link}", file=sys.stderr, flush=True)
    server.io_loop.call_later(QUIET, worker.warm)
    if shared.path is not None:
        _follow(shared)
    if open_browser:
        server.io_loop.add_callback(webbrowser.open, link)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it like Ctrl-C, so that nothing is left behind
    try:
        with suppress(KeyboardInterrupt):
            server.io_loop.start()  # until Ctrl-C, which Panel hears and ends it
        print("explorer: stopped", file=sys.stderr)
    finally:
        worker.close()
        shared.close()


def admission(user: str | None, login: Path | None) -> Logins | None:
    """The logins of a file, where there is to be one.

    Raises
    ------
    InputError
        When the file is not right, the name is not, or both are given: who logs in has a name.
    """
    if user is not None:
        checked_name(user)
        if login is not None:
            raise InputError("--user and --login are both given; give one of the two: who logs in labels under their own name")
    return None if login is None else Logins(login)


def _follow(workspace: Workspace) -> None:
    """Show labels that other processes write into the same workspace, within a second."""
    from tornado.ioloop import PeriodicCallback

    def look() -> None:
        try:
            workspace.catch_up()
        except InputError as problem:
            _LOG.warning("%s", problem)

    PeriodicCallback(look, CATCH_UP).start()


def serve_demo(
    *, host: str = "127.0.0.1", port: int = 0, open_browser: bool = True, user: str | None = None, login: Path | None = None
) -> None:
    """Serve the shipped emoji with their features, layout and clusters computed already."""
    from explorer.sample import sample
    from explorer.sources import read

    dataset = read(sample("emoji.parquet"))
    kept = demo_workspace(dataset)
    serve(dataset, workspace=kept, host=host, port=port, open_browser=open_browser, user=user, login=login)


def demo_workspace(dataset: Dataset) -> Workspace:
    """A workspace in memory with the shipped results in it, so that the demo opens on a finished map."""
    from explorer.sample import sample

    workspace = Workspace(dataset)
    shipped = {slot: Result.load(sample("emoji.results") / slot) for slot in SLOTS.values()}
    for result in shipped.values():
        workspace.put(result)
    workspace.remember(dict(shipped))
    return workspace


def make_server(visit: Any, host: str, port: int, token: str, logins: Logins | None = None) -> Any:
    """A server that is not started yet: only this address, only its own pages as origin; with a token or logins nobody without."""
    origins = ["*"] if token or logins else None  # a guard compares them; which names a machine goes by cannot be known here
    server = pn.io.server.get_server(
        {"/": visit}, port=port, address=host, websocket_origin=origins, show=False, start=False, title="explorer", verbose=False,
        location=False,  # nothing here is kept in the address, and Panel's reader of it fails on [::1]
        include_cookies=[], exclude_headers=["Cookie", "Authorization"],  # what lets in is not repeated in the page's text
        session_token_expiration=3600, check_unused_sessions_milliseconds=5_000, unused_session_lifetime_milliseconds=60_000,
    )  # fmt: skip
    if logins is not None:
        guard_login(server._tornado, logins)
    elif token:
        guard(server._tornado, token, f"explorer-token-{server.port}")
    else:
        only_local_names(server._tornado)
    return server


def only_local_names(application: Any) -> None:
    """Refuse requests that name another machine than this one.

    A stranger's page whose name is made to lead to 127.0.0.1 is of one origin with ours to a browser, and could read and do all.
    """
    from tornado.routing import Matcher, Rule

    class ForAnother(Matcher):
        def match(self, request: Any) -> dict[str, Any] | None:
            try:
                name = urlsplit(f"//{request.host}").hostname or ""
            except ValueError:
                name = ""
            return None if is_loopback(name) else {}

    why = "This page is for this computer only: open it as localhost or 127.0.0.1."
    application.default_router.rules[:0] = [Rule(ForAnother(), Refused, {"why": why})]


def guard(application: Any, token: str, cookie: str) -> None:
    """Let only requests through that carry the token, in the link or in the cookie that the link leaves; all paths, sockets too."""
    from tornado.routing import Matcher, Rule
    from tornado.web import RequestHandler

    class Enter(RequestHandler):
        def get(self) -> None:
            self.set_cookie(cookie, token, httponly=True, samesite="Strict")
            self.redirect(self.request.path)

    class WithToken(Matcher):
        def match(self, request: Any) -> dict[str, Any] | None:
            given = request.arguments.get("token", [b""])[-1]
            enters = request.method == "GET" and request.path == "/" and secrets.compare_digest(given, token.encode())
            return {} if enters else None

    class WithoutCookie(Matcher):
        def match(self, request: Any) -> dict[str, Any] | None:
            morsel = request.cookies.get(cookie)
            known = morsel is not None and secrets.compare_digest(morsel.value.encode("utf-8", "replace"), token.encode())
            return None if known else {}

    why = "This page needs the link with the token that `explorer` printed when it started."
    elsewhere = Rule(FromElsewhere(), Refused, {"why": "This request comes from another page."})
    rules = [elsewhere, Rule(WithToken(), Enter), Rule(WithoutCookie(), Refused, {"why": why})]
    application.default_router.rules[:0] = rules


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown_host(host: str) -> str:
    import socket

    if host in {"0.0.0.0", "::", ""}:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
