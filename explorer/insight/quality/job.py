"""Measuring in a child process: results in, one file out that is whole or absent and is read back when asked for again."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from explorer.insight.quality.measuring import Trust, measure
from explorer.step import Progress, Result

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, IndexError, AttributeError, zipfile.BadZipFile)


def answer(request: dict[str, Any], progress: Progress) -> str:
    """Do what `explorer.worker` asks with ``{"do": "trust"}``: `measured` on the results in two folders."""
    features, layout = (Result.load(Path(request[name])).values for name in ("features", "layout"))
    out = Path(request["out"])
    measured(features, layout, request["k"], request["metric"], Path(request["store"]), out, progress, request["items"])
    return str(out)


def measured(
    features: np.ndarray, layout: np.ndarray, k: int, metric: str, store: Path, out: Path, progress: Progress | None = None,
    items: str = "sample",
) -> Trust:  # fmt: skip
    """What was kept in `out`, or what `measure` finds, kept there."""
    if (known := kept(out)) is not None:
        return known
    made = measure(features, layout, k, metric, items=items, store=store, progress=progress)
    made.save(out)
    return made


def kept(out: Path) -> Trust | None:
    """What a file holds; None where it is not there or damaged, and is to be written again."""
    try:
        return Trust.load(out)
    except _UNREADABLE:
        return None


__all__ = ["answer", "kept", "measured"]
