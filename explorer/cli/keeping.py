"""Where a workspace goes: to the place that was named, else beside the source, else into memory, which is said."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from explorer.cli.text import one_line
from explorer.dataset import Dataset
from explorer.errors import InputError

if TYPE_CHECKING:
    from explorer.workspace import Workspace


def check_place(given: Namespace) -> None:
    """Refuse a place and none at once, before anything is read.

    Raises
    ------
    InputError
        When both `--workspace` and `--no-workspace` are given.
    """
    if given.no_workspace and given.workspace is not None:
        raise InputError("--workspace and --no-workspace are both given; give one of the two")


def workspace_for(given: Namespace, dataset: Dataset) -> Workspace:
    """The workspace that a command line means.

    Raises
    ------
    InputError
        When there is one that cannot be opened, or belongs to other data.
    """
    from explorer.workspace import Workspace
    from explorer.workspace.beside import beside, workspace_at

    if given.no_workspace:
        return Workspace(dataset)
    if given.workspace is not None:
        return Workspace(dataset, given.workspace)
    workspace, why = workspace_at(beside(given.source), dataset)
    if why:
        said = f"{why}, so labels are in memory only and gone when this ends; say where to keep them with --workspace DIR"
        print(f"explorer: {one_line(said)}", file=sys.stderr, flush=True)
    return workspace


__all__ = ["check_place", "workspace_for"]
