"""Sections, paragraphs and tables out of plain text, where only `backticks` mean something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes


def inline(text: str) -> list[nodes.Node]:
    """Text with what stands in single backticks as code."""
    parts = text.replace("``", "`").split("`")
    made = [nodes.literal(text=part) if place % 2 else nodes.Text(part) for place, part in enumerate(parts)]
    return [part for part in made if part.astext()]


def paragraph(text: str) -> nodes.paragraph:
    """One paragraph."""
    return nodes.paragraph("", "", *inline(text))


def section(name: str, title: str, *, literal: bool = False) -> nodes.section:
    """A section that links can name."""
    made = nodes.section(ids=[nodes.make_id(name)], names=[name])
    made += nodes.title("", "", nodes.literal(text=title) if literal else nodes.Text(title))
    return made


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> nodes.table:
    """A table with one line of headings."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group)


def _row(cells: Sequence[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", paragraph(cell)) for cell in cells))
