"""Point it at unlabelled things: it embeds, lays out and clusters them, and a person brushes, labels and exports the groups.

Everything public is here; what is heavy is fetched when it is first asked for.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PUBLIC = {
    "read": "explorer.sources",
    "explore": "explorer.views.explore",
    "Dataset": "explorer.dataset",
    "Session": "explorer.session",
    "Workspace": "explorer.workspace",
    "Explorer": "explorer.views",
    "Map": "explorer.views",
    "compose": "explorer.views.compose",
    "Box": "explorer.selection",
    "Lasso": "explorer.selection",
    "Brush": "explorer.selection",
    "Where": "explorer.selection",
    "Ids": "explorer.selection",
    "InCluster": "explorer.selection",
    "HasLabel": "explorer.selection",
    "Step": "explorer.step",
    "Result": "explorer.step",
    "Progress": "explorer.step",
    "InputError": "explorer.errors",
    "Extractor": "explorer.features",
    "Reducer": "explorer.reduction",
    "Clusterer": "explorer.clustering",
}

__all__ = sorted(_PUBLIC)

try:
    __version__ = version("embedding-explorer")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0"


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*_PUBLIC, "__version__"])
