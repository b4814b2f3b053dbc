"""The listing of every step: its settings, defaults, bounds and what they are for."""

from __future__ import annotations

import inspect
import json
import shutil
import textwrap
from typing import Any

from explorer.cli.text import one_line
from explorer.step import KINDS, Step, find, names

TITLES = {"extract": "items to vectors", "reduce": "vectors to a layout", "cluster": "vectors or a layout to clusters"}


def methods() -> dict[str, list[dict[str, Any]]]:
    """By kind, ``{"method", "doc", "settings"}`` of each; a plug-in that cannot be loaded has ``"problem"`` in their place."""
    return {kind: [_about(kind, name) for name in names(kind)] for kind in KINDS}


def _about(kind: str, name: str) -> dict[str, Any]:
    try:
        step = find(kind, name)
    except (ImportError, AttributeError, ValueError) as problem:  # somebody else's broken plug-in must not hide the others
        return {"method": name, "problem": one_line(f"cannot be loaded: {problem}")}
    doc = (inspect.getdoc(type(step)) or "").partition("\n\n")[0]
    return {"method": name, "doc": one_line(doc), "settings": step.describe()}


def methods_json() -> str:
    """The listing as JSON."""
    return json.dumps(methods(), indent=1, default=str)


def methods_text() -> str:
    """The listing for a person, as wide as the terminal."""
    width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 132)
    lines = []
    for kind, listed in methods().items():
        lines.append(f"{kind}: {TITLES[kind]}")
        for method in listed:
            lines += ["", *_method_lines(kind, method, width)]
        lines.append("")
    lines.append("Set them with --set, for example: --set reduce.n_neighbors=30")
    return "\n".join(lines)


def _method_lines(kind: str, method: dict[str, Any], width: int) -> list[str]:
    head = f"  {method['method']}  "
    lines = textwrap.wrap(head + method.get("doc", method.get("problem", "")), width, subsequent_indent=" " * len(head))
    settings = method.get("settings", [])
    name_width = max((len(row["name"]) for row in settings), default=0)
    step = type(find(kind, method["method"])) if settings else Step
    for row in settings:
        start = f"    {row['name']:<{name_width}}  "
        about = f"{_shown(row['default'])}; {step.allowed(row['name'])}. {row['doc']}"
        lines += textwrap.wrap(start + about, width, subsequent_indent=" " * len(start))
    return lines


def _shown(default: object) -> str:
    if isinstance(default, bool) or default is None:
        return str(default).lower()
    return ",".join(map(str, default)) or "(empty)" if isinstance(default, list) else str(default) or "(empty)"
