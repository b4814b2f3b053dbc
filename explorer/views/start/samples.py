"""The samples that ship, with a word on each; their labels are kept in the user's own folder, not beside the installed files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.errors import InputError
from explorer.sample import sample
from explorer.session import SLOTS
from explorer.step import Result
from explorer.views.start.places import data_folder
from explorer.workspace import Workspace
from explorer.workspace.beside import ENDING


@dataclass(frozen=True)
class Sample:
    """A file that ships."""

    file: str
    title: str
    about: str


SAMPLES = (
    Sample("emoji.parquet", "Emoji", "1,911 small pictures with names and categories; the map is ready at once"),
    Sample("digits.parquet", "Handwritten digits", "1,797 digits of 8 × 8 pixels, as pictures and as numbers"),
)


def samples() -> list[tuple[Sample, Path]]:
    """The samples that this installation has, with their paths."""
    found = []
    for one in SAMPLES:
        try:
            found.append((one, sample(one.file)))
        except InputError:
            continue
    return found


def kept_in(source: str) -> Path | None:
    """Where a sample's labels are kept; None for any other source."""
    for one, path in samples():
        if Path(source) == path:
            return data_folder() / "samples" / f"{Path(one.file).stem}{ENDING}"
    return None


def with_results(source: str, workspace: Workspace) -> None:
    """Put the results that ship with a sample into a workspace that has none yet, where they are of the same data."""
    shipped = Path(source).with_suffix(".results")
    if kept_in(source) is None or not shipped.is_dir() or workspace.recall():
        return
    results = {slot: Result.load(shipped / slot) for slot in SLOTS.values()}
    if results[SLOTS["extract"]].input != workspace.dataset.fingerprint:  # read with other roles
        return
    for result in results.values():
        workspace.put(result)
    workspace.remember(dict(results))


__all__ = ["SAMPLES", "Sample", "kept_in", "samples", "with_results"]
