"""``explorer-names``: every public name of ``explorer``, from its docstring; and docstrings without what param adds to them."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import param
from docutils import nodes
from plain import section, table
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import explorer

# What these bases bring is not ours, or stands with the public class that it is of.
INHERITED = ", ".join(["Parameterized", "Viewer", "object", "dict", "Exception", *explorer.__all__])
ADDED = "Parameters of '"  # how the part begins that param appends to a class's docstring


class Names(SphinxDirective):
    """The public names that are given, or with none all that no other directive on the page has."""

    option_spec: ClassVar[dict[str, Any]] = {}
    has_content = True

    def run(self) -> list[nodes.Node]:
        wanted = " ".join(self.content).split()
        unknown = set(wanted) - set(explorer.__all__)
        if unknown:
            raise self.error(f"not public names of explorer: {', '.join(sorted(unknown))}")
        done: set[str] = self.env.temp_data.setdefault("explorer-names", set())
        names = wanted or [name for name in explorer.__all__ if name not in done]
        done.update(names)
        return [node for name in names for node in self._name(name)]

    def _name(self, name: str) -> list[nodes.Node]:
        thing = getattr(explorer, name)
        made = section(f"explorer.{name}", name, literal=True)
        made += self.parse_text_to_nodes(_directive(name, thing))
        if watched := _watched(thing):
            made += table(("value", "what it is; `param.watch(function, name)` follows it"), watched)
        return [made]


def _directive(name: str, thing: Any) -> str:
    if not inspect.isclass(thing):
        return f".. autofunction:: explorer.{name}\n"
    return f".. autoclass:: explorer.{name}\n   :members:\n   :inherited-members: {INHERITED}\n"


def _watched(thing: Any) -> list[tuple[str, str]]:
    """The values of a session or a view that can be watched: those that it declares with a sentence; a step's are settings."""
    if not (inspect.isclass(thing) and issubclass(thing, param.Parameterized)) or issubclass(thing, explorer.Step | explorer.Map):
        return []
    declared = {name: thing.param[name] for name in thing.param if name != "name" and not name.startswith("_")}
    ours = {name: value for name, value in declared.items() if value.owner.__module__.startswith("explorer.")}
    return [(f"`{name}`", value.doc) for name, value in ours.items() if value.doc]


def without_params(_app: Sphinx, what: str, _name: str, thing: Any, _options: Any, lines: list[str]) -> None:
    """Cut what param appends, in colours for a terminal; the reference of methods has the settings."""
    if what == "class" and issubclass(thing, param.Parameterized):
        start = next((place for place, line in enumerate(lines) if ADDED in line), len(lines))
        del lines[start:]


def _keep_sentences(app: Sphinx) -> None:
    """A property's one sentence stays as it is: napoleon would take what stands before a colon in it for a type."""
    kept: dict[str, list[str]] = {}

    def keep(_app: Sphinx, what: str, name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
        if what == "property" and not any(line.startswith("---") for line in lines):
            kept[name] = list(lines)

    def give_back(_app: Sphinx, _what: str, name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
        lines[:] = kept.pop(name, lines)

    app.connect("autodoc-process-docstring", keep, priority=100)
    app.connect("autodoc-process-docstring", give_back, priority=900)


def without_factories(_app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, arguments: str, _returns: str) -> Any:
    """No signature for a dataclass that a person never makes by hand: its attributes are listed below it."""
    return ("", None) if arguments and "<factory>" in arguments else None


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_directive("explorer-names", Names)
    app.connect("autodoc-process-docstring", without_params, priority=100)  # before napoleon takes it for headings
    app.connect("autodoc-process-signature", without_factories)
    _keep_sentences(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
