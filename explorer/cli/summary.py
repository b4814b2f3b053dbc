"""What a run did, for a person: items, features, layout, clusters, notes and the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.cli.text import count, one_line, seconds, size

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.step import Result

LARGEST = 10  # clusters that are named


def summary(session: Session, out: Path, rows: int) -> str:
    """A line or a few for each thing, its name before it."""
    lines = [_line("items", one_line(f"{session.dataset.name}: {session.dataset.summary}"))]
    if session.features is not None:
        n, d = session.features.values.shape
        lines.append(_line("features", f"{session.features.method}, {n:,} × {d:,}, {seconds(session.features.seconds)}"))
    if session.layout is not None:
        given = session.layout.method == "given"
        lines.append(_line("layout", "as given" if given else f"{session.layout.method}, {seconds(session.layout.seconds)}"))
    if session.clusters is not None:
        lines += _clusters(session, session.clusters)
    if len(session.labels):
        lines.append(_line("labels", f"{count(len(session.labels), 'item')} in {len(session.labels.names):,} categories"))
    lines += [_line("" if place else "notes", one_line(note)) for place, note in enumerate(_notes(session))]
    return "\n".join([*lines, written(out, rows)])


def written(out: Path, rows: int) -> str:
    """The line that names the file or folder."""
    files = [out] if out.is_file() else [file for file in out.rglob("*") if file.is_file()]
    many = f" in {count(len(files), 'file')}" if out.is_dir() else ""
    about = f"{count(rows, 'row')}, {size(sum(file.stat().st_size for file in files))}{many}"
    return _line("written", f"{one_line(str(out))} ({about}), its settings in {one_line(out.name)}.settings.json")


def _line(name: str, said: str) -> str:
    return f"{name:<10}{said}"


def _clusters(session: Session, clusters: Result) -> list[str]:
    values = np.asarray(clusters.values)
    sizes = np.bincount(values[values >= 0])
    noise = float((values < 0).mean())
    lines = [
        _line("clusters", f"{clusters.method}, {count(len(sizes), 'cluster')}, {noise:.1%} noise, {seconds(clusters.seconds)}")
    ]
    names = session.cluster_names
    for cluster, items in enumerate(sizes[:LARGEST]):
        lines.append(_line("", f"{cluster:>4} {items:>9,}  {one_line(names.get(cluster, ''))}".rstrip()))
    if len(sizes) > LARGEST:
        lines.append(_line("", f"{'':>4} {sizes[LARGEST:].sum():>9,}  in {count(len(sizes) - LARGEST, 'smaller cluster')}"))
    return lines


def _notes(session: Session) -> list[str]:
    results = (session.features, session.layout, session.clusters)
    return [*session.dataset.notes, *(note for result in results if result is not None for note in result.notes)]
