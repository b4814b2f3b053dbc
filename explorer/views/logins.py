"""Logins: how many tries there are, what a browser carries once one succeeded, and when that ends."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import math
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from explorer.errors import InputError
from explorer.views.users import Users, plain, read_users, write_private

_LOG = logging.getLogger("explorer")
TRIES, MINUTE = 10, 60.0  # so many tries in so many seconds, of a user and of an address
LASTS = 14 * 86_400  # seconds until one has to log in again
_LONGEST = 2_000  # characters of a cookie that is looked at


class Tries:
    """Counts tries before they are made, so that many at once are no more than one after the other.

    A try counts for each of its keys (the user's name, the address), whether there is such a user or not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[str, deque[float]] = {}

    def take(self, keys: Iterable[str]) -> int:
        """Take a try and give 0, or give the whole seconds until there is one again."""
        now, keys = self._clock(), list(keys)
        self._forget(now)
        full = [self._made[key][0] for key in keys if len(self._made.get(key, ())) >= TRIES]
        if full:
            return max(1, math.ceil(max(full) + MINUTE - now))
        for key in keys:
            self._made.setdefault(key, deque()).append(now)
        return 0

    def give_back(self, keys: Iterable[str]) -> None:
        """A try that succeeded does not count, but makes no earlier one forgotten."""
        for key in keys:
            if self._made.get(key):
                self._made[key].pop()

    def _forget(self, now: float) -> None:
        for key, made in list(self._made.items()):
            while made and made[0] <= now - MINUTE:
                made.popleft()
            if not made:
                del self._made[key]


def address_key(address: str) -> str:
    """What stands for a client; for IPv6 its network, in which one machine has 2⁶⁴ addresses to choose from."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address[:50]}"
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or ipaddress.IPv6Network((int(known) >> 64 << 64, 64)).network_address
    return f"address {known}"


class Logins:
    """Who is logged in: a browser carries the name and the end, signed with the file's key, so that a restart asks nobody again.

    It ends at its time, with a log-out (which is remembered beside the file), and with a new password or the user's removal; the
    file is read again when it changes.

    Raises
    ------
    InputError
        When the file is not right; see `read_users`.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._users = read_users(path)
        self._seen = _stamp(path)
        self._ended_at = path.with_name(f"{path.name}.ended")
        self._ended: dict[str, float] = {}
        self._ended_seen: tuple[int, ...] = ()
        self.cookie = f"explorer-login-{hashlib.sha256(self._users.key).hexdigest()[:8]}"

    @property
    def users(self) -> Users:
        """The users as the file has them now, or had them before it was damaged."""
        seen = _stamp(self.path)
        if seen != self._seen:
            self._seen = seen
            try:
                self._users = read_users(self.path)
            except InputError as problem:
                _LOG.warning("%s; until then the users are those before", problem)
        return self._users

    def begin(self, name: str) -> str:
        """What a browser carries from now on."""
        users = self.users
        said = [plain(name), secrets.token_hex(16), self._clock() + LASTS]
        payload = urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
        return f"{payload}.{_signature(users, payload, plain(name))}"

    def who(self, carried: str) -> str | None:
        """The user whose login it is, or None where it is forged, over or ended."""
        found = self._read(carried)
        return None if found is None or found[1] in self._all_ended() else found[0]

    def end(self, carried: str) -> None:
        """Log out: what the browser carried is worth nothing from now on, here or at another server of the same file."""
        found = self._read(carried)
        if found is None:
            return
        now = self._clock()
        self._ended = {each: until for each, until in self._all_ended().items() if until > now} | {found[1]: found[2]}
        try:
            write_private(self._ended_at, self._ended)
            self._ended_seen = _stamp(self._ended_at)
        except OSError as problem:
            _LOG.warning("%s cannot be written (%s): the log-out counts until this ends", self._ended_at, problem)

    def _read(self, carried: str) -> tuple[str, str, float] | None:
        """Name, login and end, where the signature fits."""
        payload, _, signature = carried.partition(".") if carried.isascii() and len(carried) < _LONGEST else ("", "", "")
        users = self.users
        try:
            name, login, until = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            right = isinstance(name, str) and name in users.secrets
        except (ValueError, TypeError, RecursionError):
            return None
        if not right or not hmac.compare_digest(signature, _signature(users, payload, name)) or until <= self._clock():
            return None
        return name, login, until

    def _all_ended(self) -> dict[str, float]:
        seen = _stamp(self._ended_at)
        if seen != self._ended_seen:
            self._ended_seen = seen
            try:
                read = json.loads(self._ended_at.read_bytes())
                self._ended |= {each: until for each, until in read.items() if isinstance(until, int | float)}
            except (OSError, ValueError, AttributeError, RecursionError) as problem:
                _LOG.warning("%s cannot be read (%s): log-outs before this may not count", self._ended_at, problem)
        return self._ended


def _signature(users: Users, payload: str, name: str) -> str:
    """With the password's hash in it: a new password ends the logins that were made with the old one."""
    return hmac.new(users.key, b"login\0" + payload.encode() + b"\0" + users.secrets[name].hash, hashlib.sha256).hexdigest()


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file does."""
    try:
        about = path.stat()
    except OSError:
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino, about.st_mode
