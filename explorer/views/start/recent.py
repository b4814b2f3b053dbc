"""The files that were opened lately: names, places and counts in the user's own state folder, and never the data itself."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from explorer.sources.options import is_address
from explorer.views.start.places import state_folder

MOST = 30  # files in the list
LARGEST = 1 << 20  # bytes of it that are read


def now() -> str:
    """This moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Opened:
    """One file that was opened.

    Attributes
    ----------
    source
        Its absolute path, or its address.
    kind
        What its items are, in the plural: pictures, texts, rows.
    when
        ISO 8601, UTC.
    roles
        The options of `explorer.read` that a person chose.
    """

    source: str
    name: str
    kind: str = ""
    items: int = 0
    labels: int = 0
    when: str = field(default_factory=now)
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether it can still be opened, as far as that can be told without asking another machine."""
        return is_address(self.source) or os.path.exists(self.source)


class Recent:
    """The list, newest first; ``EXPLORER_RECENT=0`` in the environment keeps none, and reads none.

    Every change reads the list anew and writes it whole, so that two servers lose none of what the other wrote earlier. A list that
    cannot be read counts as empty, one that cannot be written stays as it is: nothing that matters is in it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_folder() / "recent.json"
        self._lock = threading.Lock()

    @property
    def kept(self) -> bool:
        """Whether a list is kept at all."""
        return os.environ.get("EXPLORER_RECENT", "").strip() != "0"

    def entries(self) -> list[Opened]:
        """The files, newest first."""
        if not self.kept:
            return []
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                found = json.loads(file.read(LARGEST))["files"]
            return [made for one in found[:MOST] if (made := _entry(one)) is not None]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []

    def note(self, opened: Opened) -> None:
        """Put a file first; addresses with a password or a key in them are not written down."""
        if not _telling(opened.source):
            self._change(lambda known: [opened, *(one for one in known if one.source != opened.source)])

    def count(self, source: str, labels: int) -> None:
        """Say how many labels a file has by now."""
        if any(one.source == source and one.labels != labels for one in self.entries()):
            self._change(lambda known: [replace(one, labels=labels) if one.source == source else one for one in known])

    def remove(self, source: str) -> None:
        """Take a file off the list; the file itself stays."""
        self._change(lambda known: [one for one in known if one.source != source])

    def clear(self) -> None:
        """Forget all of them; the files themselves stay."""
        self._change(lambda known: [])

    def _change(self, change: Callable[[list[Opened]], list[Opened]]) -> None:
        if not self.kept:
            return
        with self._lock:
            known = self.entries()
            new = change(known)[:MOST]
            if new != known:
                _write(self.path, {"files": [asdict(one) for one in new]})


def _telling(source: str) -> bool:
    """Whether an address holds what is nobody else's to know: a name and password, or a query, which may be a signature."""
    if not is_address(source):
        return False
    try:
        parts = urlsplit(source)
    except ValueError:
        return True
    return bool(parts.query or "@" in parts.netloc)


def _entry(found: Any) -> Opened | None:
    """One entry as it was written; None for what was never written by us."""
    kinds = {"source": str, "name": str, "kind": str, "items": int, "labels": int, "when": str, "roles": dict}
    if not isinstance(found, dict) or not {"source", "name"} <= set(found):
        return None
    known = {one.name: found[one.name] for one in fields(Opened) if one.name in found}
    if not all(isinstance(value, kinds[name]) for name, value in known.items()):
        return None
    roles = known.get("roles", {})
    return Opened(**known) if all(isinstance(text, str) for pair in roles.items() for text in pair) else None


def _write(path: Path, data: dict[str, Any]) -> None:
    """Write it whole, for this user alone to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=".recent-", dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
                json.dump(data, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError:
        return  # a home that is full or cannot be written: it is opened all the same


__all__ = ["Opened", "Recent", "now"]
