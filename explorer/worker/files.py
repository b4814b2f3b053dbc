"""Files that only one job needs: arrays that stand beside the data, and what a layout shows of itself while it settles."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError

if TYPE_CHECKING:
    import numpy as np


def made(beside: Mapping[str, np.ndarray], *, live: bool) -> dict[str, Any]:
    """What a request holds of files that only its job needs: arrays that it reads, and room for what it shows."""
    import numpy as np

    files: dict[str, Any] = {"beside": {}}
    try:
        for name, array in beside.items():
            files["beside"][name] = _own("beside")
            np.save(files["beside"][name], array, allow_pickle=False)
        return files | ({"live": _own("live")} if live else {})
    except OSError as problem:
        remove(files)
        said = f"{tempfile.gettempdir()} has no room for what the step needs ({problem.strerror or problem})"
        raise InputError(f"{said}; free some disk, then run it again") from problem


def _own(what: str) -> str:
    handle, place = tempfile.mkstemp(prefix=f"explorer-{what}-", suffix=".npy")  # nobody else's to read
    os.close(handle)
    return place


def remove(request: Mapping[str, Any]) -> None:
    """Take the files of a request away; those that are gone are no matter."""
    for place in (request.get("live"), *request.get("beside", {}).values()):
        if place:
            Path(place).unlink(missing_ok=True)


__all__ = ["made", "remove"]
