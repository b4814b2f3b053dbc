"""The file of those who may log in: names with salted hashes of their passwords, and the key that signs their logins."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from explorer.errors import InputError
from explorer.workspace.files import flush

LONGEST_NAME = 100
SHORTEST, LONGEST = 8, 1000  # characters of a password
COST = (2**14, 8, 5)  # scrypt's n, r, p: 16 MiB and some 0.2 s a try, as OWASP's password storage cheat sheet has it
_MOST_MEMORY = 256 << 20  # bytes that a file may ask of us for one try
_KIND = "explorer login"


class Secret(NamedTuple):
    """A password's hash (scrypt, RFC 7914) and how it was made."""

    cost: tuple[int, int, int]
    salt: bytes
    hash: bytes

    @classmethod
    def of(cls, password: str) -> Secret:
        """A new one with a salt of its own."""
        salt = secrets.token_bytes(16)
        return cls(COST, salt, _hashed(password, salt, COST))

    def fits(self, password: str) -> bool:
        """Whether it is that password's; compared in a time that tells nothing."""
        return hmac.compare_digest(_hashed(password, self.salt, self.cost), self.hash)


@dataclass(frozen=True)
class Users:
    """Who may log in, and the key (32 bytes) that signs what their browsers carry. A value: changes are replacements."""

    key: bytes
    secrets: dict[str, Secret]

    @classmethod
    def nobody(cls) -> Users:
        """No user yet, and a key of its own."""
        return cls(secrets.token_bytes(32), {})

    def add(self, name: str, password: str) -> Users:
        """With that user, or with that user's new password.

        Raises
        ------
        InputError
            For a name or a password that is not allowed, or a name that differs from another's in capitals only.
        """
        name, password = checked_name(name), checked_password(password)
        for other in self.secrets:
            if other != name and other.casefold() == name.casefold():
                raise InputError(f"there is a user {other!r} already, who could be taken for {name!r}; choose another name")
        return replace(self, secrets=self.secrets | {name: Secret.of(password)})

    def remove(self, name: str) -> Users:
        """Without that user."""
        return replace(self, secrets={other: kept for other, kept in self.secrets.items() if other != name})

    def fits(self, name: str, password: str) -> bool:
        """Whether there is such a user with that password; it takes as long for a name that nobody has."""
        known = self.secrets.get(plain(name))
        compared = known or Secret(next((one.cost for one in self.secrets.values()), COST), bytes(16), bytes(64))
        return compared.fits(plain(password)) and known is not None


def read_users(path: Path) -> Users:
    """The users in a file.

    Raises
    ------
    InputError
        When it is not there, is not such a file, holds passwords that can be read, is damaged, has no user, or others may read it.
    """
    make = f"make one with: explorer login {path} --add NAME"
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is not a file; {make}")
        with open(path, "rb") as file:
            about = os.fstat(file.fileno())
            content = file.read(16 << 20)
    except FileNotFoundError as problem:
        raise InputError(f"there is no login file {path}; {make}") from problem
    except (OSError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"the login file {path} cannot be read ({problem}); {make}") from problem
    if os.name == "posix" and stat.S_IMODE(about.st_mode) & 0o077:
        raise InputError(f"others on this computer may read or change the login file {path}; first run: chmod 600 {path}")
    users = _parsed(content, path, make)
    if not users.secrets:
        raise InputError(f"the login file {path} names no user; add one with: explorer login {path} --add NAME")
    return users


def write_users(path: Path, users: Users) -> None:
    """Write the file, whole or not at all, readable for its owner only.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    listed = {name: {"scrypt": one.cost, "salt": one.salt.hex(), "hash": one.hash.hex()} for name, one in users.secrets.items()}
    record = {"kind": _KIND, "version": 1, "key": users.key.hex(), "users": listed}
    try:
        write_private(Path(os.path.realpath(path)), record)
    except (OSError, ValueError) as problem:
        raise InputError(f"the login file {path} cannot be written ({problem}); choose another place") from problem


def write_private(path: Path, record: dict[str, Any]) -> None:
    """Write an object whole or not at all, at no moment readable for others."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")  # with mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(json.dumps(record, indent=1).encode())
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
        flush(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def checked_name(name: str) -> str:
    """A user's name as it is kept.

    Raises
    ------
    InputError
        For one that is empty, too long, or has characters that cannot be seen: it could be taken for another's.
    """
    name = plain(name).strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InputError(f"{name[:30]!a} cannot be a user's name; give 1 to {LONGEST_NAME} characters that can be seen")
    return name


def checked_password(password: str) -> str:
    """A password as it is hashed.

    Raises
    ------
    InputError
        For one that is too short or too long, or has control characters, which a form does not send.
    """
    password = plain(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"that password has {len(password)} characters; choose one of {SHORTEST} to {LONGEST}")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in password):
        raise InputError("that password has control characters, which a form does not send; choose one without")
    return password


def plain(text: str) -> str:
    """Text in one spelling: é is one character or two, as the keyboard likes (Unicode's normal form C, as in RFC 8265)."""
    return unicodedata.normalize("NFC", text)


def _hashed(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY, dklen=64)


def _parsed(content: bytes, path: Path, make: str) -> Users:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as problem:
        said = f"{path} is not a login file, or is damaged; passwords that can be read are not taken: {make}"
        raise InputError(said) from problem
    if not isinstance(record, dict) or record.get("kind") != _KIND:
        raise InputError(f"{path} is not a login file; passwords that can be read are not taken: {make}")
    if record.get("version") != 1:
        raise InputError(f"the login file {path} is of a newer explorer: pip install -U embedding-explorer")
    try:
        key = bytes.fromhex(record["key"])
        users = {checked_name(name): _secret(entry) for name, entry in record["users"].items()}
        if len(key) != 32 or len(users) != len(record["users"]):
            raise ValueError("the key, or a name, is not right")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"the login file {path} is damaged; {make}") from problem
    return Users(key, users)


def _secret(entry: Any) -> Secret:
    """What stands in a file, when it is something that can be computed here.

    Raises
    ------
    ValueError
        When it is not; KeyError and TypeError likewise.
    """
    n, r, p = entry["scrypt"]
    secret = Secret((n, r, p), bytes.fromhex(entry["salt"]), bytes.fromhex(entry["hash"]))
    sound = all(type(number) is int and number > 0 for number in (n, r, p)) and n >= 2 and n & (n - 1) == 0 and p <= 64
    if not sound or 128 * r * (n + p) > _MOST_MEMORY or len(secret.salt) < 8 or len(secret.hash) != 64:
        raise ValueError("a hash that is not right")
    return secret
