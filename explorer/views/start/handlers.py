"""The start page's addresses: its files, what it asks, and what it is refused; for this user of this computer only."""

from __future__ import annotations

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.ioloop import IOLoop
from tornado.routing import Matcher, PathMatches, Rule
from tornado.web import RequestHandler

from explorer.drawing import draw
from explorer.errors import InputError
from explorer.views.desk import Refused, page_colors
from explorer.views.items import THUMB
from explorer.views.start import folders
from explorer.views.start.peer import is_another_user
from explorer.views.start.site import OPEN, START, Site
from explorer.views.start.uploads import PIECE

_FOLDER = Path(__file__).parents[1] / "start_page"
_SHARED = Path(__file__).parents[1] / "page"
_OWN = ("asking", "browsing", "finding", "start")
_SCRIPTS = (_SHARED / "dom.js", _SHARED / "dropping.js", *(_FOLDER / f"{name}.js" for name in _OWN))
_WORDS = 64 << 10  # bytes of a request that is no piece of a file
_LIST = 16 << 20  # bytes of the list of what was dropped
_POOL = ThreadPoolExecutor(max_workers=4, thread_name_prefix="explorer-start")  # folders and disks that may be slow
_LOG = logging.getLogger("explorer")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def rules(site: Site, *, alone: bool) -> list[Rule]:
    """The rules of a server with a start page; `alone` leads the server's own address to it, too."""
    given = {"site": site}
    made = [
        Rule(_FromAnotherPage(), Refused, {"why": "This request comes from another page."}),
        Rule(_OfAnotherUser(), Refused, {"why": "This page is for the user of this computer who started it."}),
        Rule(_NotOpen(site), _Gone, given),
        Rule(PathMatches(START), _Page, given),
        Rule(PathMatches(rf"{START}/(start\.js|start\.css)"), _File, given),
        Rule(PathMatches(rf"{START}/(state|folder|complete|reading)"), _Ask, given),
        Rule(PathMatches(rf"{START}/(read|stop|open|recent|drop|dropped|undrop)"), _Do, given),
        Rule(PathMatches(rf"{START}/piece"), _Piece, given),
        Rule(PathMatches(rf"{START}/picture"), _Picture, given),
    ]
    return [*made, Rule(PathMatches("/"), _ToStart, given)] if alone else made


def no_start_page() -> list[Rule]:
    """The rules of a server that others than its own user may reach: it shows no folder and takes no file."""
    why = "There is no start page here: files are chosen on the computer that explorer runs on, without --host and --login."
    return [Rule(_Of(START, OPEN), Refused, {"why": why})]


class _Of(Matcher):
    """Requests for one of these addresses or below."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def match(self, request: Any) -> dict[str, Any] | None:
        path = request.path
        return {} if any(path == one or path.startswith(f"{one}/") for one in self.addresses) else None


class _FromAnotherPage(_Of):
    """What a page of another origin asks for or sends here, also one of another port of this machine."""

    def __init__(self) -> None:
        super().__init__(START)

    def match(self, request: Any) -> dict[str, Any] | None:
        if super().match(request) is None:
            return None
        request.connection.set_max_body_size(_LIST)
        if request.method in {"GET", "HEAD"}:
            linked = request.path == START  # a link may lead to the page itself
            return None if linked or request.headers.get("Sec-Fetch-Site", "none") in {"none", "same-origin"} else {}
        try:
            here = urlsplit(request.headers.get("Origin", "")).netloc.lower() == request.host.lower() != ""
        except ValueError:
            here = False
        return None if here else {}


class _OfAnotherUser(_Of):
    def __init__(self) -> None:
        super().__init__(START, OPEN)

    def match(self, request: Any) -> dict[str, Any] | None:
        return {} if super().match(request) is not None and is_another_user(request) else None


class _NotOpen(Matcher):
    """The address of something that is not open on this server, as after a restart."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def match(self, request: Any) -> dict[str, Any] | None:
        found = re.match(rf"{OPEN}(?:/([^/]*)|$)", request.path)
        return {} if found is not None and found[1] not in self.site.open else None


class _Handler(RequestHandler):
    def initialize(self, site: Site) -> None:
        self.site = site
        if site.in_window:  # pywebview speaks to its own pages by eval
            policy = _HEADERS["Content-Security-Policy"].replace("script-src 'self'", "script-src 'self' 'unsafe-eval'")
            self.set_header("Content-Security-Policy", policy)

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def elsewhere(self, call: Any, *given: Any) -> Any:
        """Do what may take a moment in another thread."""
        return await IOLoop.current().run_in_executor(_POOL, call, *given)

    def words(self) -> dict[str, Any]:
        """What the page sent."""
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError) as problem:
            raise InputError("the page's words were not understood; reload it") from problem
        if not isinstance(found, dict):
            raise InputError("the page's words were not understood; reload it")
        return found

    async def answer(self, call: Any) -> None:
        """Answer with what a call gives, or with the sentence that says why not."""
        try:
            self.finish(json.dumps(await call))
        except InputError as problem:
            self.set_status(400)
            self.finish(json.dumps({"problem": str(problem)}))
        except Exception as problem:  # the last door: a bug is a sentence on the page, and a traceback in the log
            _LOG.exception("the start page")
            self.set_status(500)
            self.finish(json.dumps({"problem": f"this is a bug ({type(problem).__name__}: {problem}); please report it"}))


class _Page(_Handler):
    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish((_FOLDER / "start.html").read_bytes())


class _ToStart(_Handler):
    def get(self) -> None:
        self.redirect(START)


class _Gone(_Handler):
    def get(self) -> None:
        self.redirect(f"{START}#gone")


class _File(_Handler):
    def get(self, name: str) -> None:
        kind = "javascript" if name.endswith("js") else "css"
        self.set_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.finish(script() if kind == "javascript" else style())


class _Ask(_Handler):
    """Questions; nothing is changed by them."""

    async def get(self, what: str) -> None:
        self.set_header("Content-Type", "application/json")
        await self.answer(getattr(self, f"_{what}")())

    async def _state(self) -> Any:
        return await self.elsewhere(self.site.state)

    async def _folder(self) -> Any:
        return await self.elsewhere(folders.listing, self.get_argument("path", "", strip=False))

    async def _complete(self) -> Any:
        return {"paths": await self.elsewhere(folders.completed, self.get_argument("text", "", strip=False))}

    async def _reading(self) -> Any:
        return await self.elsewhere(self.site.reading(self.get_argument("key", "")).state)


class _Do(_Handler):
    """What changes something."""

    async def post(self, what: str) -> None:
        self.set_header("Content-Type", "application/json")
        await self.answer(self._done(what))

    async def _done(self, what: str) -> Any:
        if len(self.request.body) > _WORDS and what != "drop":
            raise InputError("that is too long; reload the page")
        return await getattr(self, f"_{what}")(self.words())

    async def _read(self, words: dict[str, Any]) -> Any:
        return {"key": (await self.elsewhere(self.site.read, words.get("source"), words.get("roles", {}))).key}

    async def _stop(self, words: dict[str, Any]) -> Any:
        self.site.reading(str(words.get("key"))).stop()
        return {}

    async def _open(self, words: dict[str, Any]) -> Any:
        key, memory = str(words.get("key")), words.get("memory") is True
        return {"address": await self.elsewhere(lambda: self.site.start(key, memory=memory))}

    async def _recent(self, words: dict[str, Any]) -> Any:
        if words.get("clear") is True:
            await self.elsewhere(self.site.recent.clear)
        else:
            await self.elsewhere(self.site.recent.remove, str(words.get("remove")))
        return {}

    async def _drop(self, words: dict[str, Any]) -> Any:
        upload = await self.elsewhere(self.site.uploads.begin, words.get("files"))
        return {"key": upload.key}

    async def _dropped(self, words: dict[str, Any]) -> Any:
        return {"source": str(await self.elsewhere(self.site.uploads.end, str(words.get("key"))))}

    async def _undrop(self, words: dict[str, Any]) -> Any:
        await self.elsewhere(self.site.uploads.stop, str(words.get("key")))
        return {}


class _Piece(_Handler):
    """One piece of a file that was dropped."""

    async def post(self) -> None:
        self.set_header("Content-Type", "application/json")
        await self.answer(self._take())

    async def _take(self) -> Any:
        number, at = (self.get_query_argument(name, "") for name in ("file", "at"))
        if not (re.fullmatch("[0-9]{1,9}", number) and re.fullmatch("[0-9]{1,15}", at)) or len(self.request.body) > PIECE:
            raise InputError("the pieces are not right; drop it again")
        key = self.get_query_argument("key", "")
        upload = await self.elsewhere(self.site.uploads.take, key, int(number), int(at), self.request.body)
        return {"whole": upload.whole}


class _Picture(_Handler):
    """One item of what was read, as a small picture."""

    async def get(self) -> None:
        row = self.get_argument("row", "")
        try:
            dataset = self.site.reading(self.get_argument("key", "")).dataset
        except InputError:
            dataset = None
        if dataset is None or not re.fullmatch("[0-9]{1,12}", row) or int(row) >= len(dataset):
            self.set_status(404)
            return
        self.set_header("Content-Type", "image/png")
        self.finish(await self.elsewhere(draw, dataset, int(row), THUMB))


@cache
def script() -> str:
    """The start page's script."""
    return "\n".join(path.read_text("utf-8") for path in _SCRIPTS)


@cache
def style() -> str:
    """The start page's style, in the dashboard's own colours."""
    light, dark = page_colors().values()
    tokens = f':root {{ color-scheme: light; {light} }}\n:root[data-theme="dark"] {{ color-scheme: dark; {dark} }}\n'
    return tokens + (_FOLDER / "start.css").read_text("utf-8")


__all__ = ["no_start_page", "rules"]
