"""Fetching one file over http or https from a server nobody should trust: bounded, whole, and if asked not from our own network."""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import InputError

SCHEMES = ("http", "https")
AGENT = "embedding-explorer"
BLOCK = 1 << 18
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
KEPT = "%/:=&?~#+!$,;'@()*[]"  # of an address, when what may not stand in one is written with %


@dataclass(frozen=True)
class Bounds:
    """What fetching one file may take.

    Attributes
    ----------
    size
        Bytes.
    quiet
        Seconds in which a server may say nothing.
    seconds
        Seconds for the whole file, or None.
    public
        Refuse addresses that lead to this machine or to its own network: those that stand in data nobody should trust.
    """

    size: int
    quiet: float = 20.0
    seconds: float | None = None
    public: bool = True


def state_of(address: str, bounds: Bounds) -> tuple[int | None, str]:
    """A file's size in bytes, where the server says it, and what tells this state of it from another; raises as `save` does."""
    with _answer(address, bounds, "HEAD") as answer:
        headers = answer.headers
        return _size(headers), str(headers.get("ETag") or headers.get("Last-Modified") or headers.get("Content-Length") or "")


def save(address: str, to: Path, bounds: Bounds) -> None:
    """Write what lies at an address to a file.

    Raises
    ------
    InputError
        In one sentence: when it is not there, too large, cut off, too slow, or where it may not be fetched from.
    OSError
        When the file cannot be written.
    """
    deadline = time.monotonic() + (bounds.seconds or 1e9)
    with _answer(address, bounds, "GET") as answer, to.open("wb") as file:
        declared = _size(answer.headers)
        if (declared or 0) > bounds.size:
            raise _too_large(address, bounds)
        got = 0
        while block := _read(answer, address):
            got += len(block)
            if got > bounds.size:
                raise _too_large(address, bounds)
            if time.monotonic() > deadline:
                raise InputError(f"{shown(address)} takes longer than {bounds.seconds:g} s: try again later")
            file.write(block)
        if declared is not None and got < declared:
            raise InputError(f"{shown(address)} was cut off after {got:,} of {declared:,} bytes: try again")


def is_public(host: str) -> bool:
    """Whether a name leads outside this machine and its own network; one that leads nowhere counts as outside."""
    try:
        return all(_is_global(str(found[4][0])) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return True


def _is_global(number: str) -> bool:
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):  # may stand for an address of the older kind
        inner = ipaddress.IPv4Address(address.packed[-4:]) if address in TRANSLATED else None
        inner = inner or address.ipv4_mapped or address.sixtofour
        return (inner or address).is_global and not address.is_multicast
    return address.is_global and not address.is_multicast


def _read(answer: Any, address: str) -> bytes:
    try:
        return bytes(answer.read1(BLOCK))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise InputError(f"{shown(address)} was cut off ({_said(problem)}): try again") from problem


def _answer(address: str, bounds: Bounds, method: str) -> Any:
    try:
        plain = urllib.parse.quote(address, safe=KEPT)
        _check(plain, address)
        request = urllib.request.Request(plain, method=method, headers={"User-Agent": AGENT, "Accept-Encoding": "identity"})
        return _opener(bounds.public).open(request, timeout=bounds.quiet)
    except InputError:
        raise
    except urllib.error.HTTPError as problem:
        problem.close()
        raise InputError(f"{shown(address)} answers {problem.code} ({_said(problem)}): check the address") from problem
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise InputError(f"{shown(address)} cannot be fetched ({_said(problem)}): check the address and the network") from problem


def _check(plain: str, address: str) -> None:
    parts = urllib.parse.urlsplit(plain)
    if parts.scheme.lower() not in SCHEMES or not parts.hostname:
        raise InputError(f"{shown(address)} is not an http or https address")


def _opener(public: bool) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), _Http(public), _Https(public), _Redirects(), urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            _check(newurl, newurl)
        except InputError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Guarded:
    """A connection to a machine that was looked at: its number is looked up once, and that number is the one connected to."""

    host: str
    port: int
    timeout: Any

    def reach(self) -> socket.socket:
        problem: OSError = OSError("no such host")
        for family, kind, protocol, _, where in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            if not _is_global(str(where[0])):
                raise InputError(f"{self.host!r} leads to this machine or its own network, from which data may not fetch")
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(self.timeout)
                made.connect(where)
                return made
            except OSError as refused:
                made.close()
                problem = refused
        raise problem


class _GuardedHttp(_Guarded, http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = self.reach()


class _GuardedHttps(_Guarded, http.client.HTTPSConnection):
    def connect(self) -> None:
        self.sock = ssl.create_default_context().wrap_socket(self.reach(), server_hostname=self.host)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, public: bool) -> None:
        super().__init__()
        self._public = public

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_kind(req, self._public, http.client.HTTPConnection, _GuardedHttp), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, public: bool) -> None:
        super().__init__()
        self._public = public

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_kind(req, self._public, http.client.HTTPSConnection, _GuardedHttps), req)


def _kind(request: urllib.request.Request, public: bool, plain: Any, guarded: Any) -> Any:
    """Through a proxy it is the proxy that connects, and may well stand in our own network: then only the name is looked at."""
    through_proxy = request.has_proxy() or bool(getattr(request, "_tunnel_host", None))
    if not public:
        return plain
    host = urllib.parse.urlsplit(request.full_url).hostname or ""
    if through_proxy and not is_public(host):
        raise InputError(f"{host!r} leads to this machine or its own network, from which data may not fetch")
    return plain if through_proxy else guarded


def _size(headers: Any) -> int | None:
    given = str(headers.get("Content-Length") or "")
    return int(given) if re.fullmatch(r"[0-9]{1,18}", given) else None


def _too_large(address: str, bounds: Bounds) -> InputError:
    return InputError(f"{shown(address)} is larger than the {bounds.size / 2**20:,.0f} MiB that are allowed")


def shown(address: str) -> str:
    """An address without the secrets that it may carry, short and on one line."""
    try:
        parts = urllib.parse.urlsplit(address)
        plain = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:  # brackets with no number in them
        plain = address
    return repr(plain if len(plain) <= 120 else f"{plain[:117]}...")


def _said(problem: BaseException) -> str:
    """What went wrong, on one line: a server may have written it."""
    reason = getattr(problem, "reason", problem)
    said = str(getattr(reason, "strerror", None) or reason).strip() or type(problem).__name__
    said = said.splitlines()[0]
    return "".join(letter for letter in said if letter.isprintable())[:120].rstrip(".")


def private_allowed() -> bool:
    """Whether who runs this allows addresses in data to lead to this machine and its network (``EXPLORER_ALLOW_PRIVATE=1``)."""
    return os.environ.get("EXPLORER_ALLOW_PRIVATE") == "1"
