"""AnnData: .h5ad files and .zarr folders, by their published format."""

from __future__ import annotations

from pathlib import Path


def fits(folder: Path) -> bool:
    """Whether a folder is of this kind."""
    return False
