"""Sources by address: fetched once into a cache on this machine, then read as any file."""

from __future__ import annotations

import re
from pathlib import Path

from explorer.errors import InputError


def is_address(source: str | Path) -> bool:
    """Whether it is the address of something rather than a path: ``https://...``, ``s3://...``."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*:/", str(source)))


def fetched(address: str) -> Path:
    """Where what lies at an address now lies on this machine."""
    raise InputError(f"{address!r} is an address, and nothing is fetched; download it and give the file")
