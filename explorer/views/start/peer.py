"""Who is at the other end of a connection within this computer: on a machine of several users only our own may see our files."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

_ESTABLISHED = "01"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def is_another_user(request: Any) -> bool:
    """Whether a request comes from a process of another user of this computer.

    An address of this computer is open to all who are logged in to it, and a proxy that runs as a user of its own may lead whole
    networks to it. Linux says whose the other end of a connection is; elsewhere, or where it says nothing, nobody is refused.
    """
    if sys.platform != "linux":
        return False
    try:
        peer = request.connection.stream.socket.getpeername()
        ours = request.connection.stream.socket.getsockname()
        owner = _owner(_written(*peer[:2]), _written(*ours[:2]))
    except (AttributeError, OSError, TypeError, ValueError):
        return False
    return owner is not None and owner not in {0, os.getuid()}


def _written(host: str, port: int) -> set[str]:
    """An end of a connection as Linux writes it: 32 bits at a time in this machine's own order; IPv4 in either table."""
    address = ipaddress.ip_address(host)
    plain = getattr(address, "ipv4_mapped", None) or address
    ways = [plain.packed, *([b"\0" * 10 + b"\xff" * 2 + plain.packed] if plain.version == 4 else [])]
    words = [[int.from_bytes(way[at : at + 4], sys.byteorder) for at in range(0, len(way), 4)] for way in ways]
    return {"".join(f"{word:08X}" for word in each) + f":{port:04X}" for each in words}


def _owner(ends: set[str], to: set[str]) -> int | None:
    """The user whose socket has this end and is connected to that one; a connection that is ending belongs to nobody (-1).

    Whole addresses are compared: another user can take the port of our user's browser, on 127.0.0.2.
    """
    for table in _TABLES:
        try:
            with open(table, encoding="ascii") as file:
                for line in file:
                    parts = line.split(maxsplit=8)
                    if parts[1] in ends and parts[2] in to:
                        return int(parts[7]) if parts[3] == _ESTABLISHED else -1
        except (OSError, ValueError, IndexError):
            continue
    return None


__all__ = ["is_another_user"]
