"""Who a server lets in: this machine by its own names; others with a token or a login, or not at all."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import panel as pn

from explorer.views.desk import Refused
from explorer.views.login import FromElsewhere, guard_login
from explorer.views.logins import Logins


def make_server(
    pages: dict[str, Callable[[], Any]], host: str, port: int, token: str, logins: Logins | None = None,
    rules: Sequence[Any] = (),
) -> Any:  # fmt: skip
    """A server that is not started yet: only this address, only its own pages as origin; with a token or logins nobody without.

    `pages` gives by address what makes a visit; `rules` of other pages go before those, and behind the guards.
    """
    origins = ["*"] if token or logins else None  # a guard compares them; which names a machine goes by cannot be known here
    server = pn.io.server.get_server(
        pages, port=port, address=host, websocket_origin=origins, show=False, start=False, title="explorer", verbose=False,
        location=False,  # nothing here is kept in the address, and Panel's reader of it fails on [::1]
        include_cookies=[], exclude_headers=["Cookie", "Authorization"],  # what lets in is not repeated in the page's text
        session_token_expiration=3600, check_unused_sessions_milliseconds=5_000, unused_session_lifetime_milliseconds=60_000,
    )  # fmt: skip
    server._tornado.default_router.rules[:0] = rules
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


def shown_host(host: str) -> str:
    """The name by which the address can be opened."""
    import socket

    if host in {"0.0.0.0", "::", ""}:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
