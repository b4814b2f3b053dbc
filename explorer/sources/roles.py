"""Which column is the item itself: the one that was named, else the first of pictures and the one of the longest texts."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import guess_strings, is_binary, is_picture_struct
from explorer.errors import InputError, listed
from explorer.sources.options import Options

MEASURED, PROSE = 3, 40  # beside so many columns of numbers, texts shorter than this on average are names
LOOKED_AT = 50  # picture paths tried before believing that a column of file names leads to pictures


def pick(
    source: str, table: pa.Table, kinds: dict[str, str], options: Options, root: Path | None, told: Container[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The roles, those that were asked for first, and notes; `kinds` is corrected where pictures are not where they should be.

    Parameters
    ----------
    told
        Columns whose kind was known rather than guessed, of which nothing need be said.

    Raises
    ------
    InputError
        When a named column does not hold what it was named for, or nothing at all.
    """
    roles: dict[str, str] = {}
    if options.image:
        roles["image"] = _checked(source, table, options.image, "image")
    if options.audio:
        roles["audio"] = _checked(source, table, options.audio, "audio")
    if options.series:  # one column by now
        roles["series"] = options.series[0]
    if options.text:
        roles["text"] = _checked(source, table, options.text, "text")
    kinds.update({name: role for role, name in roles.items()})
    notes = [] if options.image else _without_files(table, kinds, root, "image", "pictures")
    notes += [] if options.audio else _without_files(table, kinds, root, "audio", "sounds")
    if options.columns:  # whoever names columns wants those embedded, not the picture or text that stands beside them
        return roles, notes
    free = {name: kind for name, kind in kinds.items() if name not in roles.values()}
    if "image" not in roles and (pictures := [name for name, kind in free.items() if kind == "image"]):
        roles["image"] = pictures[0]
        if pictures[0] not in told:
            notes.append(f"pictures are taken from the column {pictures[0]!r} (name another with --image)")
    for role, plural in (("audio", "sounds"), ("series", "time series")):
        if role not in roles and (columns := [name for name, kind in free.items() if kind == role]):
            roles[role] = columns[0]
            if columns[0] not in told:
                notes.append(f"{plural} are taken from the column {columns[0]!r} (name another with --{role})")
    if "text" not in roles and (texts := [name for name, kind in free.items() if kind == "text" and _is_prose(table, name, kinds)]):
        roles["text"] = max(texts, key=lambda name: _mean_length(table.column(name)))
        if roles["text"] not in told:
            notes.append(f"texts are taken from the column {roles['text']!r} (name another with --text)")
    return roles, notes


def _checked(source: str, table: pa.Table, name: str, role: str) -> str:
    if name not in table.column_names:
        raise InputError(f"{source}: {name!r} is an array beside the table, not a column: it cannot be --{role}")
    column = table.column(name)
    fits = _is_text(column.type) or (role in {"image", "audio"} and (is_binary(column.type) or is_picture_struct(column.type)))
    fits = fits or (role == "audio" and pa.types.is_struct(column.type) and "path" in {field.name for field in column.type})
    if not fits and column.null_count < len(column):
        thing = {"image": "pictures", "audio": "sounds"}.get(role)
        wanted = f"paths to {thing}, or {thing} as bytes" if thing else "text"
        raise InputError(f"{source}: the column {name!r} holds {column.type}; --{role} takes a column of {wanted}")
    if _is_empty(column):
        raise InputError(f"{source}: the column {name!r} is empty in all {len(column):,} rows: name another with --{role}")
    return name


def _is_empty(column: pa.ChunkedArray) -> bool:
    if column.null_count == len(column):
        return True
    if not _is_text(column.type):
        return False
    return not any(pc.any(pc.not_equal(pc.utf8_trim_whitespace(chunk), "")).as_py() for chunk in column.chunks)


def _without_files(table: pa.Table, kinds: dict[str, str], root: Path | None, role: str, plural: str) -> list[str]:
    """Columns that look like paths to pictures (or sounds) but lead to none are none; say so."""
    notes = []
    for name in [name for name, kind in kinds.items() if kind == role and _is_text(table.column(name).type)]:
        paths = [path for path in table.column(name).slice(0, LOOKED_AT).to_pylist() if path]
        if paths and not any(_is_file(root, path) for path in paths):
            kinds[name] = guess_strings(table.column(name), files=False)
            where = "the current folder" if root is None else f"the folder {root.name!r}"
            notes.append(f"{name!r} names {plural} ({listed(map(repr, paths), 1)}) but none of those is there, seen from {where}")
    return notes


def _is_file(root: Path | None, path: str) -> bool:
    try:
        return (Path(root or ".") / path).is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return False


def _is_prose(table: pa.Table, name: str, kinds: dict[str, str]) -> bool:
    """Whether a column's texts are what the items are, rather than names or codes beside other columns that say more."""
    measured = sum(kind in {"number", "date", "flag"} for kind in kinds.values())
    return measured < MEASURED or _mean_length(table.column(name)) >= PROSE


def _mean_length(column: pa.ChunkedArray) -> float:
    return float(pc.mean(pc.utf8_length(column)).as_py() or 0)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
