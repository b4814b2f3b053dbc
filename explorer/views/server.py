"""The served dashboard and start page: on this machine only, unless a token or a login guards it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.session import SLOTS
from explorer.step import Result, Step
from explorer.views.hosting import Hosted, Hosting, host_pages
from explorer.views.logins import Logins
from explorer.views.showing import showing
from explorer.views.start.site import Site
from explorer.views.users import checked_name
from explorer.workspace import Workspace


def serve(
    dataset: Dataset, *, workspace: Workspace | None = None, steps: dict[str, Step] | None = None, host: str = "127.0.0.1",
    port: int = 0, open_browser: bool = True, user: str | None = None, login: Path | None = None, window: bool = False,
    source: str | None = None,
) -> None:  # fmt: skip
    """Serve the dashboard until Ctrl-C, or until its window is closed.

    Every visit has its own selection and view; all share the dataset, the results and the labels of one workspace, so that a page
    that is loaded again finds its labels. What a visit labels is written down under the name of who logged in; where there is no
    `login` file under `user`, or under the name of who runs this. On this computer alone, files that are dropped onto the page are
    opened, too (`explorer.views.start`), and `source`, where the dataset came from, is noted among the recent files.

    Raises
    ------
    InputError
        When the login file or the name is not right, the address cannot be listened on, or no window can be shown.
    """
    hosting = Hosting(host, port, user, admission(user, login), showing(open_browser=open_browser, window=window))
    shared = workspace or Workspace(dataset)
    with closing(shared):
        site = Site(hosting.default_user) if hosting.alone else None
        if site is not None and source is not None:
            site.note(source, dataset, sum(map(len, shared.sets.values())))
        host_pages(Hosted(hosting, site, dataset.name, (dataset, shared), steps, source))


def serve_start(
    *, host: str = "127.0.0.1", port: int = 0, open_browser: bool = True, user: str | None = None, login: Path | None = None,
    window: bool = False,
) -> None:  # fmt: skip
    """Serve the start page, at which files are chosen, until Ctrl-C or until its window is closed.

    Raises
    ------
    InputError
        When others could reach it, who must not choose among this computer's files; and as `serve`.
    """
    hosting = Hosting(host, port, user, admission(user, login), showing(open_browser=open_browser, window=window))
    if not hosting.alone:
        what = f"--host {host}" if hosting.logins is None else "--login"
        raise InputError(
            f"the start page shows this computer's files and is for who started it alone, not with {what}: "
            "leave that out, or name the file that others may see: explorer open FILE"
        )
    host_pages(Hosted(hosting, Site(hosting.default_user), "choose a file"))


def admission(user: str | None, login: Path | None) -> Logins | None:
    """The logins of a file, where there is to be one.

    Raises
    ------
    InputError
        When the file is not right, the name is not, or both are given: who logs in has a name.
    """
    if user is not None:
        checked_name(user)
        if login is not None:
            raise InputError("--user and --login are both given; give one of the two: who logs in labels under their own name")
    return None if login is None else Logins(login)


def serve_demo(
    *, host: str = "127.0.0.1", port: int = 0, open_browser: bool = True, user: str | None = None, login: Path | None = None,
    window: bool = False,
) -> None:  # fmt: skip
    """Serve the shipped emoji with their features, layout and clusters computed already."""
    from explorer.sample import sample
    from explorer.sources import read

    dataset = read(sample("emoji.parquet"))
    kept = demo_workspace(dataset)
    serve(dataset, workspace=kept, host=host, port=port, open_browser=open_browser, user=user, login=login, window=window)


def demo_workspace(dataset: Dataset) -> Workspace:
    """A workspace in memory with the shipped results in it, so that the demo opens on a finished map."""
    from explorer.sample import sample

    workspace = Workspace(dataset)
    shipped = {slot: Result.load(sample("emoji.results") / slot) for slot in SLOTS.values()}
    for result in shipped.values():
        workspace.put(result)
    workspace.remember(dict(shipped))
    return workspace


__all__ = ["admission", "demo_workspace", "serve", "serve_demo", "serve_start"]
