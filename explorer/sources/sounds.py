"""Recordings: a file or a folder of them, cut into windows where they are long."""

from __future__ import annotations

from pathlib import Path


def fits(folder: Path) -> bool:
    """Whether a folder is of this kind."""
    return False
