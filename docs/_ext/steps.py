"""``explorer-steps``: every step of a kind with its settings, from the declarations that ``explorer methods --json`` lists."""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from plain import paragraph, section, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from explorer.cli.listing import methods
from explorer.step import KINDS, find

HEAD = ("setting", "default", "allowed", "what it does")


class Steps(SphinxDirective):
    """A section for each method of the kind that is named."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{kind!r} is no kind of step; give one of {', '.join(KINDS)}")
        return [self._method(kind, method) for method in methods()[kind]]

    def _method(self, kind: str, method: dict[str, Any]) -> nodes.section:
        if "problem" in method:
            raise self.error(f"{kind} {method['method']}: {method['problem']}")
        step = type(find(kind, method["method"]))
        made = section(f"{kind}-{method['method']}", method["method"], literal=True)
        made += paragraph(method["doc"])
        rows = [
            (f"`{row['name']}`", f"`{_shown(row['default'])}`", step.allowed(row["name"]), row["doc"]) for row in method["settings"]
        ]
        if rows:
            made += table(HEAD, rows)
        return made


def _shown(default: object) -> str:
    """A default as ``--set`` takes it."""
    if isinstance(default, bool) or default is None:
        return str(default).lower()
    if isinstance(default, list):
        return ",".join(map(str, default)) or "(empty)"
    return str(default) or "(empty)"


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("explorer-steps", Steps)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
