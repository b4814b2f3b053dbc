"""`explorer run` and `explorer export`: a session driven without a screen, and what to say of it."""

from __future__ import annotations

import os
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.arguments import COLUMNS
from explorer.cli.choices import Choices
from explorer.cli.progress import Show, shown
from explorer.cli.summary import summary, written
from explorer.dataset import Dataset
from explorer.errors import InputError, unknown

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.step import Step

LONG = 10.0  # seconds: what takes longer is said before it begins


@contextmanager
def reading(given: Namespace) -> Iterator[Dataset]:
    """The dataset that a command line names, read in a child process that a hostile file may harm as it likes."""
    from explorer.worker import read_apart

    options: dict[str, Any] = {name: value for name in COLUMNS if (value := getattr(given, name)) is not None}
    options |= {"allow_download": True} if given.allow_download else {}
    with tempfile.TemporaryDirectory(prefix="explorer-", ignore_cleanup_errors=True) as folder:
        yield read_apart(given.source, Path(folder) / "dataset", **options)


def run(given: Namespace) -> None:
    """Extract, reduce, cluster and export; whatever can be wrong with the arguments is said before anything is computed.

    Raises
    ------
    InputError
        In one line: what was given, what is allowed, and what to do.
    """
    _check_output(given)
    choices = Choices.given(given)
    with reading(given) as dataset:
        from explorer.exports import check_items
        from explorer.session import Session
        from explorer.workspace import Workspace

        check_items(dataset, given.out)
        with closing(Workspace(dataset, given.workspace)) as workspace, shown(quiet=given.quiet) as show:
            session = Session(dataset, workspace)
            compute(session, choices, show)
            rows = _write(session, given)
            said = summary(session, Path(given.out), rows)
    if not given.quiet:
        print(said)


def _check_output(given: Namespace) -> None:
    if os.path.realpath(given.out) == os.path.realpath(given.source):
        raise InputError(f"{given.out!r} is the source itself and would be lost; give another name to -o")
    _check_format(given)
    if given.only != "all" and given.workspace is None:
        raise InputError(f"--only {given.only}: nothing is labelled or selected in a run without --workspace; leave --only out")


def _check_format(given: Namespace) -> None:
    """What can be wrong with -o, --only and --with, said before anything is computed."""
    from explorer.exports import CHOICES, options, writable

    writable(given.out, force=given.force)
    options(given.out, for_spreadsheets=given.for_spreadsheets, **format_settings(given))
    if given.only not in CHOICES:
        raise unknown("choice of --only", given.only, CHOICES)


def format_settings(given: Namespace) -> dict[str, Any]:
    """The settings of the format, out of ``--with NAME=VALUE``.

    Raises
    ------
    InputError
        For another form, or a setting that is not known.
    """
    from explorer.exports import format_of

    declared = format_of(given.out).Options
    found = {}
    for text in given.settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--with {text!r} is not SETTING=VALUE; write it like --with files=copies")
        found[name.strip()] = declared.parse(name.strip(), value.strip())
    return found


def _write(session: Session, given: Namespace) -> int:
    """Write OUT, and give how many items it has."""
    options = {"force": given.force, "for_spreadsheets": given.for_spreadsheets}
    session.export(given.out, only=given.only, **options, **format_settings(given))
    return {"all": len(session.dataset), "selected": int(session.selection.sum())}.get(given.only, len(session.labels))


def compute(session: Session, choices: Choices, show: Show) -> None:
    """Run the steps that are needed: a layout that came with the data is not made again, nor features that nothing uses."""
    lays_out = session.dataset.layout is None or choices.asked("reduce")
    clusterer = choices.step("cluster")
    if lays_out or choices.asked("extract") or clusterer.settings().get("on") != "layout":
        extractor = choices.step("extract", session.dataset)
        show(f"extract {extractor.method}", lambda progress: session.extract(extractor, progress), "")
    if lays_out:
        reducer = choices.step("reduce")
        show(f"reduce {reducer.method}", lambda progress: session.reduce(reducer, progress), expected(session, reducer))
    before = expected(session, clusterer)
    show(f"cluster {clusterer.method}", lambda progress: session.cluster(clusterer, progress), before)


def expected(session: Session, step: Step) -> str:
    """What a layout or clusters will take, in the words of the page's card; empty for what is soon done, or done already."""
    rows = session.layout if step.settings().get("on") == "layout" else session.features
    estimate = getattr(step, "estimate", None)  # somebody else's step may have none
    if rows is None or estimate is None or session.workspace.get(step.kind, step.method, step.key(rows.key)) is not None:
        return ""
    takes = estimate(*rows.values.shape)
    return str(takes) if takes is not None and (takes.seconds or 0.0) > LONG else ""


def export(given: Namespace) -> None:
    """Write what a workspace holds: ids, the layout, clusters and labels that were current when it was last used.

    Raises
    ------
    InputError
        When there is no workspace, or the file cannot be written.
    """
    _check_format(given)
    from explorer.session import Session
    from explorer.workspace import open_workspace

    with closing(open_workspace(given.workspace)) as workspace:
        session = Session(workspace.dataset, workspace)
        if given.gone:
            from explorer.session.exporting import exported_gone

            rows = exported_gone(session, given.out, force=given.force, for_spreadsheets=given.for_spreadsheets)
        else:
            rows = _write(session, given)
        count = len(session.labels)
        print(f"{count:,} of {len(session.dataset):,} items have a label\n{written(Path(given.out), rows)}")
