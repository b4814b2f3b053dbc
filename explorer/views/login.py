"""Who is at the page: the guard that lets in only who logged in, the page for it, and the name that a visit goes by."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import panel as pn
from bokeh.util.token import get_session_id
from tornado.ioloop import PeriodicCallback
from tornado.routing import Matcher, Rule
from tornado.web import decode_signed_value

from explorer.views.desk import Desk, LogInFirst, LoginPage, LogoutPage, Refused
from explorer.views.logins import Logins

_BODY = 32 << 10  # bytes that somebody unknown may send
_SWEEP = 1000  # milliseconds between looks for pages whose login is over


def visitor(default: str) -> str:
    """Who this visit is: the authenticated user, else `default`.

    A page's own words are never asked: not what its address, its headers or its messages say, nor the cookies that Bokeh's session
    token repeats, which a client can write as it likes.
    """
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    request = getattr(context, "request", None)
    if request is None:
        return default
    return getattr(request, "explorer_user", None) or _user_of_panel(request) or default


def _user_of_panel(request: Any) -> str | None:
    """The user of `panel serve` with a login; as `pn.state.user`, which however takes anyone's word for being a guest."""
    secret = pn.config.cookie_secret
    if not secret or not (pn.config.oauth_provider or pn.config.basic_auth):
        return None
    carried = getattr(getattr(request, "_request", request), "cookies", {}).get("user")
    name = decode_signed_value(secret, "user", getattr(carried, "value", carried), max_age_days=pn.config.oauth_expiry)
    return "guest" if name is None else name.decode("utf-8", "replace")


def guard_login(application: Any, logins: Logins) -> None:
    """Let only those through who have logged in; all paths, sockets too. Their name is set on the request, for `visitor`."""
    desk = Desk(application, logins)
    rules = [
        Rule(FromElsewhere(), Refused, {"why": "This request comes from another page."}),
        Rule(_At("/login", desk), LoginPage, {"desk": desk}),
        Rule(_At("/logout", desk), LogoutPage, {"desk": desk}),
        Rule(_Unknown(desk), LogInFirst, {"why": "Log in first."}),
        Rule(_OfAnother(desk), Refused, {"why": "This visit is not yours: open the page anew."}),
    ]
    application.default_router.rules[:0] = rules
    PeriodicCallback(desk.close_pages, _SWEEP).start()


class FromElsewhere(Matcher):
    """Requests that a page of another origin makes; of one site are also all other ports of this machine."""

    def match(self, request: Any) -> dict[str, Any] | None:
        """An empty dict where it matches, as tornado has it."""
        origin = request.headers.get("Origin")
        if origin is None:
            return None
        try:
            same = urlsplit(origin).netloc.lower() == request.host.lower() != ""
        except ValueError:
            same = False
        return None if same else {}


class _At(Matcher):
    """A path that those may ask for who have not logged in."""

    def __init__(self, path: str, desk: Desk) -> None:
        self.path, self.desk = path, desk

    def match(self, request: Any) -> dict[str, Any] | None:
        if request.path != self.path:
            return None
        request.connection.set_max_body_size(_BODY)
        return {}


class _Unknown(Matcher):
    """Requests of those who have not logged in."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def match(self, request: Any) -> dict[str, Any] | None:
        user = self.desk.who(request)
        if user is None:
            request.connection.set_max_body_size(_BODY)
            return {}
        request.explorer_user = user
        return None


class _OfAnother(Matcher):
    """Requests of one user for another's visit, or for one whose name the client chose.

    Who could choose a visit's id could have another person begin it, and then join in that person's name.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def match(self, request: Any) -> dict[str, Any] | None:
        return None if self._own(request) else {}

    def _own(self, request: Any) -> bool:
        if {"bokeh-session-id", "bokeh-token"} & set(request.arguments) or "Bokeh-Session-Id" in request.headers:
            return False
        if "Sec-WebSocket-Protocol" not in request.headers:
            return True
        try:
            session = get_session_id(request.headers["Sec-WebSocket-Protocol"].split(",")[-1].strip())
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        return isinstance(session, str) and self.desk.sessions_user(session) in {None, request.explorer_user}
