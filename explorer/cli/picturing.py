"""`explorer picture`: a picture of the map, of a workspace's results or of what is computed from a source."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.cli.arguments import COLUMNS
from explorer.cli.choices import Choices
from explorer.cli.progress import shown
from explorer.cli.running import compute, reading
from explorer.cli.text import one_line, size
from explorer.errors import InputError, unknown
from explorer.exports.picture import PictureSettings, writable
from explorer.step import KINDS

if TYPE_CHECKING:
    from explorer.session import Session


def picture(given: Namespace) -> None:
    """Write a picture; whatever can be wrong with the arguments is said before anything is computed.

    Raises
    ------
    InputError
        In one line: what was given, what is allowed, and what to do.
    """
    if os.path.realpath(given.out) == os.path.realpath(given.source):
        raise InputError(f"{given.out!r} is the source itself and would be lost; give another name to -o")
    writable(given.out, force=given.force)
    texts = {name: text for name in PictureSettings.setting_names() if (text := getattr(given, name)) is not None}
    settings = PictureSettings(**{name: PictureSettings.parse(name, text) for name, text in texts.items()})
    opened = _kept if (Path(given.source) / "manifest.json").is_file() else _computed
    with opened(given) as session:
        session.color_by = _color(session, given.color)
        session.picture(given.out, force=given.force, **settings.settings())
        if not given.quiet:
            _tell(session, Path(given.out))


@contextmanager
def _kept(given: Namespace) -> Iterator[Session]:
    """The session of a workspace, with the results that were current when it was last used."""
    options = [name for name in (*COLUMNS, *KINDS, "seed", "workspace") if getattr(given, name) is not None]
    if options or given.set:
        option = options[0] if options else "set"
        said = f"{given.source!r} is a workspace, whose results are drawn as they are"
        raise InputError(f"{said}; leave --{option} out, or give a source")
    from explorer.session import Session
    from explorer.workspace import open_workspace

    with closing(open_workspace(given.source)) as workspace:
        session = Session(workspace.dataset, workspace)
        if session.layout is None:
            how = f"explorer run SOURCE --workspace {given.source}"
            raise InputError(f"the workspace {given.source!r} has no layout yet; make one with {how}")
        yield session


@contextmanager
def _computed(given: Namespace) -> Iterator[Session]:
    """The session of a source, with what the picture needs computed as `explorer run` does."""
    choices = Choices.given(given)
    with reading(given) as dataset:
        from explorer.session import Session
        from explorer.workspace import Workspace

        with closing(Workspace(dataset, given.workspace)) as workspace:
            session = Session(dataset, workspace)
            _color(session, given.color, clustered=True)
            with shown(quiet=given.quiet) as show:
                compute(session, choices, show)
            yield session


def _color(session: Session, asked: str | None, *, clustered: bool = False) -> str:
    """`color_by` for what was asked for: a column, or one of the words.

    Raises
    ------
    InputError
        For what the map cannot be coloured by.
    """
    choices = {choice["value"]: choice["name"] for choice in session.color_choices} | ({"cluster": "cluster"} if clustered else {})
    if asked is None:
        return "cluster" if "cluster" in choices else "none"
    for value in (asked, f"column:{asked}"):
        if value in choices:
            return value
    raise unknown("thing to colour by", asked, [value.removeprefix("column:") for value in choices])


def _tell(session: Session, out: Path) -> None:
    drawn = session.layout.valid if session.shown is None else session.layout.valid & session.shown
    about = f"{int(drawn.sum()):,} items by {session.color_by.removeprefix('column:')}, {size(out.stat().st_size)}"
    print(f"written   {one_line(str(out))} ({one_line(about)}), its settings in {one_line(out.name)}.settings.json")
