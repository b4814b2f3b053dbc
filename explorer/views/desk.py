"""The login desk: the page at which one logs in and out, and what a server knows of those who did."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tornado.template import Template
from tornado.web import RequestHandler

from explorer.views.logins import LASTS, Logins, Tries, address_key
from explorer.views.users import LONGEST, LONGEST_NAME, plain

_PAGE = Path(__file__).parent / "page"
_FORM = "explorer-form"  # the cookie that a form's hidden field must fit
_AT_ONCE = 20  # tries that are being checked, from everywhere
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Desk:
    """The login desk of one server: the file, the tries, and the open pages that a log-out closes."""

    def __init__(self, application: Any, logins: Logins) -> None:
        self.application = application
        self.logins = logins
        self.tries = Tries()
        self.pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-login")
        self.checking = 0
        self._template = Template((_PAGE / "login.html").read_text("utf-8"), autoescape="xhtml_escape")
        self._colors = page_colors()

    def who(self, request: Any) -> str | None:
        """The user whose login a request carries."""
        return self.logins.who(cookie_of(request, self.logins.cookie))

    def page(self, **said: str) -> bytes:
        """The page to log in at; all text in it is escaped."""
        return self._template.generate(**({"wrong": "", "name": ""} | self._colors | said))

    def form_of(self, cookie: str) -> str:
        """What the hidden field of a form must be, given its cookie."""
        return hmac.new(self.logins.users.key, b"form\0" + cookie.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def sessions_user(self, session: str) -> str | None:
        """Whose a visit is that is going on, or None where there is no such visit."""
        for path in self.application.app_paths:
            for known in self.application.get_sessions(path):
                if known.id == session:
                    return user_of(known)
        return None

    def close_pages(self) -> None:
        """Close the sockets whose login is over, or is no longer that of the visit's user."""
        for connection in list(self.application._clients):
            if self.who(connection._socket.request) != user_of(connection.session):
                connection._socket.close(4001, "logged out")


class Refused(RequestHandler):
    """Says why not, whatever the method."""

    def initialize(self, why: str) -> None:
        """Keep what is said."""
        self.why = why

    def set_default_headers(self) -> None:
        """Nothing is kept, framed, or taken for something else."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Answer at once."""
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{self.why}\n")


class LogInFirst(Refused):
    """Leads from the page to where one logs in; all else is refused."""

    def prepare(self) -> None:
        """Answer at once."""
        if self.request.method != "GET" or self.request.path != "/":
            super().prepare()
        elif self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            # A link in a letter or another page: the browser holds our cookie back until a page of ours asks.
            self.finish('<!doctype html><title>explorer</title><meta http-equiv="refresh" content="0; url=login">')
        else:
            self.redirect("login")


class _AtDesk(RequestHandler):
    def initialize(self, desk: Desk) -> None:
        self.desk = desk

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def keep(self, name: str, value: str, seconds: int | None = None) -> None:
        """Set a cookie that no script reads and no other site's request carries."""
        of_proxy = self.request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()  # who makes it up harms nobody else
        secure = "https" in {self.request.protocol, of_proxy}
        self.set_cookie(name, value, httponly=True, samesite="Strict", secure=secure, max_age=seconds)

    def show(self, status: int = 200, said: str = "Log in to go on.", wrong: str = "", name: str = "") -> None:
        cookie = cookie_of(self.request, _FORM)
        if not re.fullmatch("[0-9a-f]{32}", cookie):
            cookie = secrets.token_hex(16)
            self.keep(_FORM, cookie)
        self.set_status(status)
        self.finish(self.desk.page(form=self.desk.form_of(cookie), said=said, wrong=wrong, name=name))


class LoginPage(_AtDesk):
    """The form, and what it sends."""

    def get(self) -> None:
        """Show the form, or go on where one is logged in."""
        if self.desk.who(self.request) is None:
            self.show()
        else:
            self.redirect("./")

    async def post(self) -> None:
        """Check a name and a password; the try is counted before it is made."""
        name = plain(self.get_body_argument("name", "")).strip()
        password = self.get_body_argument("password", "", strip=False)
        given, cookie = self.get_body_argument("form", ""), cookie_of(self.request, _FORM)
        if not cookie or not hmac.compare_digest(given.encode(), self.desk.form_of(cookie).encode()):
            self.show(403, wrong="This form was out of date. Try again.", name=name[:LONGEST_NAME])
            return
        keys = [f"user {name[:LONGEST_NAME]}", address_key(self.request.remote_ip or "")]
        wait = self.desk.tries.take(keys)
        if wait or self.desk.checking >= _AT_ONCE:
            seconds = wait or 5
            self.set_header("Retry-After", str(seconds))
            more = "second" if seconds == 1 else "seconds"
            self.show(429, wrong=f"Too many tries. Wait {seconds} {more}, then try again.", name=name[:LONGEST_NAME])
        elif await self._fits(name, password):
            self.desk.tries.give_back(keys)
            self.keep(self.desk.logins.cookie, self.desk.logins.begin(name), LASTS)
            self.redirect("./", status=303)  # always the page: an address that a link named is never gone to
        else:
            self.show(403, wrong="There is no such user with that password.", name=name[:LONGEST_NAME])

    async def _fits(self, name: str, password: str) -> bool:
        """Checked beside the event loop: it takes long on purpose."""
        self.desk.checking += 1
        try:
            users, password = self.desk.logins.users, password[: LONGEST + 1]
            return await asyncio.get_running_loop().run_in_executor(self.desk.pool, users.fits, name, password)
        finally:
            self.desk.checking -= 1


class LogoutPage(_AtDesk):
    """Ends a login, on the server as in the browser."""

    def get(self) -> None:
        """End it, unless another site's page asks for it, and close the pages that were open with it."""
        if self.request.headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}:
            self.redirect("./")
            return
        carried = cookie_of(self.request, self.desk.logins.cookie)
        self.desk.logins.end(carried)
        self.clear_cookie(self.desk.logins.cookie, httponly=True, samesite="Strict")
        self.desk.close_pages()
        self.show(said="You are logged out." if carried else "Log in to go on.")


def user_of(session: Any) -> str | None:
    """The user of a visit that is going on."""
    return getattr(getattr(session.document.session_context, "request", None), "explorer_user", None)


def cookie_of(request: Any, name: str) -> str:
    """A cookie's value, or nothing."""
    morsel = request.cookies.get(name)
    return "" if morsel is None else str(morsel.value)


def page_colors() -> dict[str, str]:
    """The page's own colours, light and dark."""
    style = (_PAGE / "page.css").read_text("utf-8")
    found = {}
    for name, start in (("light", ".explorer {"), ("dark", '.explorer[data-theme="dark"] {')):
        block = style[style.index(start) + len(start) :].partition("}")[0]
        found[name] = " ".join(re.findall(r"--[\w-]+: [^;]+;", block))
    return found
