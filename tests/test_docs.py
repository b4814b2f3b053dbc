"""Every page of docs/ and the README: their code runs, their commands are real, and the site they make needs no other host."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser

import explorer
from explorer.cli import main
from explorer.cli.arguments import COLUMNS, parse
from explorer.cli.choices import Choices
from explorer.errors import MissingExtra

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SERVED = {"demo", "open"}
SHOTS = {"demo-1280", "demo-dark", "demo-full-hd", "demo-wide", "ten-million", "ten-million-part", "trust"}  # to be looked at by us
ELSEWHERE = {"pip", "python3.11", "jupyter", "panel", "uvicorn", "ssh", "cd"}  # commands of other programs: not run


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_does_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its ``python`` and ``console`` blocks from top to bottom, in one namespace and one folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / ".cache"))
    monkeypatch.setenv("COLUMNS", "132")
    if path.name == "README.md":
        prepare_for_readme(tmp_path)
    examples = list(document(path, capsys).examples())
    assert examples or not tells_how(path), "a page that tells how has code to try"
    for example in examples:
        try:
            example.evaluate()
        except MissingExtra as problem:
            pytest.skip(f"line {example.line}: {problem}")


def tells_how(path: Path) -> bool:
    """Whether a page is there to be followed with one's own hands."""
    return path.parent.name == "how-to" or path.stem in {"README", "tutorial", "workspace"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_says_what_it_is(path: Path) -> None:
    """One that does not would be tried by nobody."""
    fences = [line.strip() for line in path.read_text("utf-8").splitlines() if line.lstrip().startswith("```")]
    assert not [line for line in fences[::2] if line == "```"]


def test_every_picture_is_made_by_a_script() -> None:
    scripts = [DOCS / "screenshots.py", *(ROOT / "benchmarks").glob("*.py")]
    made = "".join(script.read_text("utf-8") for script in scripts)
    shown = "".join(page.read_text("utf-8") for page in PAGES)
    for picture in sorted((DOCS / "images").iterdir()):
        assert f'"{picture.stem}"' in made or picture.name in made, f"no script makes {picture.name}"
        assert picture.name in shown or picture.stem in SHOTS, f"no page shows {picture.name}"


def document(path: Path, capsys: pytest.CaptureFixture[str]) -> Document:
    """A page as examples."""

    def console(example: Example) -> str | None:
        return run_console(str(example.parsed), capsys)

    parsers = [
        PythonCodeBlockParser(doctest_optionflags=OPTIONS), CodeBlockParser("console", console),
        CodeBlockParser("bash", lambda example: check_lines(str(example.parsed))), SkipParser(),
    ]  # fmt: skip
    return Sybil(parsers).parse(path)


def run_console(text: str, capsys: pytest.CaptureFixture[str]) -> str | None:
    """Run each ``$`` line; where the page shows what it prints, compare. Gives what differs, or None."""
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", text.replace("\\\n", ""), re.MULTILINE):
        got = run_line(command, capsys)
        if expected.strip() and not doctest.OutputChecker().check_output(timeless(expected), timeless(got), OPTIONS):
            return f"$ {command}\nprinted\n{got}\nand the page says\n{expected}"
    return None


def timeless(printed: str) -> str:
    """What was printed, whatever time it took."""
    return re.sub(r"\b[\d.]+ (ms|s|min)\b", "so long", printed.strip()) + "\n"


def run_line(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What one command prints. One that serves is checked up to the point where it would serve."""
    words = shlex.split(command, comments=True)
    program = Path(words[0]).name
    if program != "explorer":
        assert program in ELSEWHERE, f"{program!r} is not run by this test: use ```text, or say here what it is"
        return ""
    if words[1:2] and words[1] in SERVED:
        would_serve(words[1:])
        return ""
    capsys.readouterr()
    status = main(words[1:])
    out, err = capsys.readouterr()
    if status and "pip install" in err:
        pytest.skip(f"{command}: {err}")
    assert status == 0, f"{command}: {err}"
    return out


def would_serve(argv: list[str]) -> None:
    """All that `open` does before it listens: its options, its source, its steps."""
    given = parse(argv)
    assert given is not None
    if given.command == "open":
        options: dict[str, Any] = {name: value for name in COLUMNS if (value := getattr(given, name)) is not None}
        Choices.given(given).steps(explorer.read(given.source, **options))


def check_lines(text: str) -> None:
    """Commands about files that a page does not make: that they and their options exist."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["explorer"] and len(words) > 1:
            given = parse(words[1:])
            assert given is None or not hasattr(given, "set") or Choices.given(given)


def prepare_for_readme(folder: Path) -> None:
    """What its notebook example takes for granted: a folder of pictures in a few kinds, with magnitudes."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    (folder / "photos").mkdir()
    rows = ["file_name,magnitude"]
    for item in range(120):
        picture = random.integers(0, 60, (32, 32, 3)) + np.array([0, 60, 120, 180])[item % 4]
        picture[:: 2 + item % 4, :, item % 3] //= 2
        Image.fromarray(picture.astype(np.uint8)).save(folder / "photos" / f"{item:03}.png")
        rows.append(f"{item:03}.png,{15 + item % 10}")
    (folder / "photos" / "metadata.csv").write_text("\n".join(rows) + "\n")


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as CONTRIBUTING says; a warning is an error."""
    pytest.importorskip("sphinx", reason="needs Sphinx: pip install 'embedding-explorer[docs]'")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(out)]
    built = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    assert built.returncode == 0, built.stderr
    return out


class Asked(HTMLParser):
    """Collects what a browser would fetch for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [given[name] for name in ("src", "srcset", "data", "poster", "action") if name in given]
        self.found += re.findall(r"url\(([^)]*)\)", given.get("style", ""))
        if tag == "link":
            self.found.append(given.get("href", ""))


def test_the_site_asks_no_other_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        asked = Asked()
        asked.feed(page.read_text("utf-8"))
        assert asked.found
        foreign = [each for each in asked.found if re.match(r"\s*(https?:)?//", each)]
        assert not foreign, f"{page.name}: {foreign}"
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?\s*(https?:)?//", style.read_text("utf-8")), style.name


def test_the_reference_has_every_declaration(site: Path) -> None:
    """Every method with its settings, every command with its options, every public name."""
    from explorer.cli.arguments import parsers
    from explorer.cli.listing import methods

    shown = {page.stem: text(page) for page in (site / "reference").glob("*.html")}
    for listed in methods().values():
        for method in listed:
            assert method["doc"] in shown["methods"]
            assert all(setting["doc"].replace("`", "") in shown["methods"] for setting in method["settings"]), method["method"]
    for name, parser in parsers().items():
        assert f"explorer {name}" in shown["command-line"]
        assert all(option in shown["command-line"] for option in parser.options() if option not in {"-h", "--help"})
    assert all(f"class explorer.{name}" in shown["python"] or f"explorer.{name}(" in shown["python"] for name in explorer.__all__)


def text(page: Path) -> str:
    """What a page says, its spaces made one."""
    parser, said = HTMLParser(), []
    parser.handle_data = said.append  # type: ignore[method-assign]
    parser.feed(page.read_text("utf-8"))
    return " ".join("".join(said).split())


def test_nothing_generated_is_kept() -> None:
    tracked = subprocess.run(["git", "ls-files", "docs"], cwd=ROOT, capture_output=True, text=True).stdout
    assert not re.findall(r"^docs/.*\.(?:html|doctree|inv)$", tracked, re.MULTILINE)
