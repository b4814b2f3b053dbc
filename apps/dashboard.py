"""The dashboard as a Panel app: ``panel serve apps/dashboard.py --args SOURCE [WORKSPACE]``.

Who labels is whom Panel's login knows (docs/serving.md), else who runs this.
"""

import sys

import panel as pn

import explorer

if len(sys.argv) < 2:
    raise SystemExit("usage: panel serve apps/dashboard.py --args SOURCE [WORKSPACE]")


def shared() -> explorer.Workspace:
    """Read once a server; every visit shares the results and the labels."""
    return explorer.Workspace(explorer.read(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)


workspace = pn.state.as_cached("workspace", shared)
explorer.Explorer(workspace, served=True).servable(title=f"{workspace.dataset.name} · explorer")
