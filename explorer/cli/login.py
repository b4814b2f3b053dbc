"""`explorer login`: who may log in; passwords are asked for, never given as arguments that others can see."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from pathlib import Path

from explorer.errors import InputError, unknown


def login(given: Namespace) -> None:
    """Add a user, or change a password; remove one; or list them.

    Raises
    ------
    InputError
        When the file, the name or the password is not right.
    """
    from explorer.views.users import Users, checked_name, checked_password, plain, read_users, write_users

    path = Path(given.file).expanduser()
    if given.add is None:
        users = read_users(path)
        if given.list:
            print("\n".join(sorted(users.secrets)))
            return
        name = plain(given.remove)
        if name not in users.secrets:
            raise unknown("user", name, sorted(users.secrets))
        if len(users.secrets) == 1:
            raise InputError(f"{name!r} is the only user in {path}; add another first, or delete the file")
        write_users(path, users.remove(name))
        print(f"{name} can no longer log in")
        return
    name = checked_name(given.add)
    users = read_users(path) if path.exists() else Users.nobody()
    known = name in users.secrets
    write_users(path, users.add(name, checked_password(_asked(name))))
    print(f"{name} has a new password" if known else f"{name} can log in, with: explorer open SOURCE --login {path}")


def _asked(name: str) -> str:
    """A password: asked for twice on a terminal, else one line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("The same again: ") != first:
        raise InputError("the two passwords differ; try again")
    return first
