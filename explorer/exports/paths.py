"""Names from data as names of files: nothing leads out of the folder, means something to a system, or stands for two things."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 100  # bytes of one name in UTF-8; systems take 255, of which some keep a part for themselves
DEEPEST = 8  # folders in one another; what is below is written in one name
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)
_FORBIDDEN = set('<>:"/\\|?*')
_TURNS = {chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)}  # text around


def cleaned(name: str) -> str:
    """A name that every system takes as the name of one file or folder; never empty, ``.`` or ``..``."""
    composed = unicodedata.normalize("NFC", name)
    kept = "".join("_" if char in _FORBIDDEN or char in _TURNS or _is_control(char) else char for char in composed)
    kept = kept.strip().rstrip(". ")
    if kept.startswith("."):  # hidden
        kept = "_" + kept[1:]
    if not kept or _RESERVED.match(kept):
        kept = "_" + kept
    return _short(kept, name)


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def _short(kept: str, name: str) -> str:
    """At most `LONGEST` bytes; a hash of the whole name stands for what is cut off, and the ending stays."""
    if len(kept.encode()) <= LONGEST:
        return kept
    stem, dot, suffix = kept.rpartition(".")
    if not dot or not suffix.isalnum() or len(suffix.encode()) > 8:
        stem, dot, suffix = kept, "", ""
    mark = "~" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8] + dot + suffix
    room = LONGEST - len(mark.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + mark


class Taken:
    """The names in one folder: two that a system may take for one (capitals, composed letters) get numbers."""

    def __init__(self, *names: str) -> None:
        self._names = {_folded(name) for name in names}
        self._numbers: dict[str, int] = {}

    def fresh(self, name: str) -> str:
        """The cleaned name, numbered where it is taken: ``a.png``, ``a 2.png``."""
        first = found = cleaned(name)
        stem, dot, suffix = first.rpartition(".") if "." in first[1:] else (first, "", "")
        number = self._numbers.get(_folded(first), 1)
        while _folded(found) in self._names:
            number += 1
            found = f"{stem} {number}{dot}{suffix}"
        self._numbers[_folded(first)] = number
        self._names.add(_folded(found))
        return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


class Folders:
    """A folder for each category below one folder; ``parent/child`` is the folder child in the folder parent."""

    def __init__(self, *reserved: str) -> None:
        self._places: dict[tuple[str, ...], tuple[str, ...]] = {(): ()}
        self.taken: dict[tuple[str, ...], Taken] = {(): Taken(*reserved)}

    def place(self, category: str) -> tuple[str, ...]:
        """The folders from the top to that of a category; another category never has the same."""
        parts = category.split("/") if category else [""]
        if len(parts) > DEEPEST:
            parts = [*parts[: DEEPEST - 1], "/".join(parts[DEEPEST - 1 :])]
        for depth in range(1, len(parts) + 1):
            whole = tuple(parts[:depth])
            if whole not in self._places:
                above = self._places[whole[:-1]]
                self._places[whole] = made = (*above, self.taken[above].fresh(parts[depth - 1]))
                self.taken[made] = Taken()
        return self._places[tuple(parts)]

    def file(self, folder: tuple[str, ...], name: str) -> str:
        """The name of a further file in a folder."""
        return self.taken[folder].fresh(name)


__all__ = ["DEEPEST", "LONGEST", "Folders", "Taken", "cleaned"]
