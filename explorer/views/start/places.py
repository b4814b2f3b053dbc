"""Where the start page keeps its own files: the list of recent files, and copies of what was dropped onto it."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "explorer"


def state_folder() -> Path:
    """``$XDG_STATE_HOME/explorer``, else ``~/.local/state/explorer``."""
    return _base("XDG_STATE_HOME", ".local/state") / NAME


def data_folder() -> Path:
    """``$XDG_DATA_HOME/explorer``, else ``~/.local/share/explorer``."""
    return _base("XDG_DATA_HOME", ".local/share") / NAME


def _base(variable: str, usual: str) -> Path:
    given = os.environ.get(variable)
    return Path(given) if given and os.path.isabs(given) else Path.home() / usual
