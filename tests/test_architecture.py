"""The house rules of docs and code: which room imports which, what is public, what is written down, and what no page may do."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import explorer

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "explorer"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PAGE = sorted((PACKAGE / "views" / "page").glob("*.js"))
PUBLIC = {
    "Map", "compose",
    "read", "explore", "Dataset", "Session", "Workspace", "Explorer", "Box", "Lasso", "Brush", "Where", "Ids", "InCluster",
    "HasLabel", "Step", "Result", "Progress", "InputError", "Extractor", "Reducer", "Clusterer",
}  # fmt: skip
HEAVY = {"panel", "bokeh", "holoviews", "datashader", "torch", "sklearn", "umap", "numba", "pandas", "fast_hdbscan"}

each_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))


def test_rooms_import_only_rooms_below_them(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_door_is_light() -> None:
    """In a fresh interpreter: what `import explorer` loads, and that looking around loads no more."""
    script = "import json, sys, explorer; dir(explorer); explorer.__version__; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    assert "explorer" in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert not [name for name in loaded if name.startswith("explorer.")]


def test_no_room_below_the_views_loads_a_widget_or_a_method() -> None:
    rooms = ["session", "workspace", "worker", "cli", "exports", "selection", "labels", "raster", "sources", "insight.naming"]
    wanted = ", ".join(f"explorer.{room}" for room in rooms)
    script = f"import json, sys, {wanted}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    assert not {"panel", "bokeh", "holoviews", "torch", "sklearn", "umap"} & set(loaded)


def test_public_names() -> None:
    assert set(dir(explorer)) >= PUBLIC
    assert set(explorer.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(explorer, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Sesion'"):
        _ = explorer.Sesion


def test_session_has_the_verbs_of_the_design() -> None:
    verbs = {"extract", "reduce", "cluster", "select", "label", "undo", "redo", "export", "selected_ids", "labels", "selection"}
    assert not verbs - set(dir(explorer.Session))


@each_source
def test_module_opens_with_a_sentence(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert doc, f"{path} has no docstring"
    first = doc.splitlines()[0]
    assert first.endswith((".", ".)")), f"{path}: {first!r} is not a sentence on one line"


@each_source
def test_what_is_public_says_what_it_is_for(path: Path) -> None:
    missing = [where for node, where in _public(ast.parse(path.read_text("utf-8"))) if not ast.get_docstring(node)]
    assert not missing, f"{path} has no docstring for {missing}"


def _public(parent: ast.AST, prefix: str = "") -> Iterator[tuple[Any, str]]:
    """Classes, functions and methods whose names do not begin with an underscore; what is within a function is its own affair."""
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not _repeats_a_base(node, parent):
            yield node, prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{prefix}{node.name}.")


def _repeats_a_base(node: ast.AST, parent: ast.AST) -> bool:
    """`compute` and `apply` of a step: their base says what they are for, and `inspect.getdoc` finds it there."""
    return isinstance(parent, ast.ClassDef) and bool(parent.bases) and getattr(node, "name", "") in {"compute", "apply"}


def test_every_public_object_is_documented_where_python_looks() -> None:
    """As `help()` sees them: a step's `compute` has its base's words."""
    for module in _modules():
        for name, thing in vars(module).items():
            if inspect.isclass(thing) and thing.__module__ == module.__name__ and not name.startswith("_"):
                for member, value in vars(thing).items():
                    if inspect.isfunction(value) and not member.startswith("_"):
                        assert inspect.getdoc(getattr(thing, member)), f"{module.__name__}.{name}.{member}"


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(explorer.__path__, "explorer."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def test_no_rooms_for_odds_and_ends() -> None:
    names = {part for path in SOURCES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    odd = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "misc"}
    assert not names & odd


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_the_page_makes_no_markup_out_of_text_and_fetches_nothing(path: Path) -> None:
    banned = (
        r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\s*\(|new\s+Function\b|\bimport\s*\(|^\s*import\s"
        r"|createContextualFragment|DOMParser|setHTML|srcdoc|\bfetch\s*\(|XMLHttpRequest|setTimeout\s*\(\s*[\"'`]|https?://(?!www\.w3\.org/)"
    )
    found = [line for line in path.read_text("utf-8").splitlines() if re.search(banned, _code(line))]
    assert not found, f"{path.name}: {found}"


def _code(line: str) -> str:
    """A line of a script without its comment."""
    return re.sub(r"(?<!:)//.*$", "", line)


def test_the_page_is_there() -> None:
    assert len(PAGE) > 5


@pytest.mark.parametrize("path", sorted((PACKAGE / "views").rglob("*.py")), ids=lambda path: path.name)
def test_views_use_nothing_of_panel_that_makes_markup_out_of_text(path: Path) -> None:
    """Text from data has one door, the page's text nodes; Panel's panes, widgets and templates are others."""
    allowed = {"custom", "viewable", "io", "state", "extension", "config", "serve"}
    allowed |= {"Row"} if path.name == "compose.py" else set()  # of views, and of nothing else
    used = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in {"pn", "panel"}:
            used.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "panel":
            used |= {node.module.split(".")[1]} if "." in (node.module or "") else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            used |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("panel.")}
    assert used <= allowed, f"{path.name} uses panel's {used - allowed}"


def test_the_readme_tells_the_truth() -> None:
    """Its first two commands are how to install and how to test; the second is what CI runs."""
    readme = (ROOT / "README.md").read_text("utf-8")
    ci = ROOT / ".ci" / "run"
    if not readme.strip() or not ci.exists():
        pytest.skip("README.md or .ci/run is not written yet")
    blocks = [block.strip() for block in re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)]
    assert len(blocks) >= 2, "the README opens with how to install and how to test"
    assert blocks[1] in ci.read_text("utf-8")
