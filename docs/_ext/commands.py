"""``explorer-commands``: what the command line takes, read from its own parsers."""

from __future__ import annotations

import argparse
from typing import Any

from docutils import nodes
from plain import paragraph, section, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from explorer.cli.arguments import parsers


class Commands(SphinxDirective):
    """A section for each command, with its arguments and options."""

    def run(self) -> list[nodes.Node]:
        return [_command(name, parser) for name, parser in parsers().items()]


def _command(name: str, parser: argparse.ArgumentParser) -> nodes.section:
    made = section(f"explorer-{name}", f"explorer {name}", literal=True)
    made += paragraph(parser.description or "")
    told = [action for action in parser._actions if action.help is not argparse.SUPPRESS and action.dest != "help"]
    rows = [(_called(action), _doc(action)) for action in told]
    made += table(("argument", "what it says"), rows)
    return made


def _called(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _doc(action: argparse.Action) -> str:
    doc = (action.help or "").replace("%%", "%")
    return f"{doc} (must be given)" if action.required and action.option_strings else doc


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("explorer-commands", Commands)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
