"""The apostrophe that keeps a spreadsheet from running a text as a formula: put there on the way out, taken off on the way in."""

from __future__ import annotations

RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what makes a spreadsheet take a cell for a formula
MARK = "'"


def guarded(text: str) -> str:
    """The text with an apostrophe where a spreadsheet would run it; also where it looks guarded already, so that it comes back."""
    return MARK + text if _would_run(text.lstrip(MARK)) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith(MARK) and _would_run(text.lstrip(MARK)) else text


def _would_run(text: str) -> bool:
    """Whether it begins like a formula; a spreadsheet skips spaces, so they do not hide anything."""
    return text.startswith(RUNS) or text.lstrip().startswith(RUNS)
