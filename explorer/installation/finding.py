"""One line of the report: what was looked at, how it stands, what was found and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "note", "problem"]
MARKS: tuple[Mark, ...] = ("ok", "note", "problem")  # from good to bad


@dataclass(frozen=True)
class Finding:
    """What was found about one thing.

    A problem is something that is there and cannot work; what is merely not there, and may be missed, is a note.
    """

    area: str
    name: str
    mark: Mark
    found: str
    advice: str = ""


def worst(findings: list[Finding]) -> Mark:
    """The worst mark of them; ok when there are none."""
    return max((finding.mark for finding in findings), key=MARKS.index, default="ok")


__all__ = ["MARKS", "Finding", "Mark", "worst"]
