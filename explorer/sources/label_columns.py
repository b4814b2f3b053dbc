"""Which column of a file of labels holds the ids, and which hold labels: those that were named, else a guess that is said aloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError, listed
from explorer.sources.objects import to_text
from explorer.sources.options import Options

IDS = ("id", "ids", "item", "item_id", "key", "path", "file", "filename", "name")  # the first that is there; capitals or not
LABELS = ("label", "labels", "category", "class", "target", "tag", "annotation", "group")
SETS = "label."  # what the column of a further label set begins with: ``label.quality``


@dataclass(frozen=True)
class Chosen:
    """The columns' names; `sets` are the further label sets' columns by the sets' names."""

    id: str
    label: str
    sets: dict[str, str]
    notes: list[str]


def pick(source: str, table: pa.Table, options: Options, known: np.ndarray | None) -> Chosen:
    """The columns of a table of labels.

    Parameters
    ----------
    options
        Its `id` and `text` are the columns of ids and labels, where they were named.
    known
        ``(n,)`` the ids that the labels are for: the column that holds most of them is taken, unless a column `id` has any.

    Raises
    ------
    InputError
        When no column can be told to hold the ids, or the labels, or one is named for both.
    """
    if options.id and options.id == options.text:
        raise InputError(f"{source}: the column {options.id!r} cannot hold both the ids and the labels: name two columns")
    names = table.column_names
    named = options.text or next(
        (name for wanted in LABELS for name in names if name.lower() == wanted and name != options.id), None
    )
    notes = []
    if (identifier := options.id) is None:
        identifier, said = _guessed_id(source, table, named, known)
        notes.append(said)
    label = named or _only_other(source, [name for name in names if name != identifier])
    if not options.text:
        notes.append(f"labels are taken from the column {label!r}")
    further = [name for name in names if name.startswith(SETS) and len(name) > len(SETS) and name not in (identifier, label)]
    if further:
        notes.append(f"further labels are in {listed(map(repr, further))}")
    return Chosen(identifier, label, {name[len(SETS) :]: name for name in further}, notes)


def _guessed_id(source: str, table: pa.Table, label: str | None, known: np.ndarray | None) -> tuple[str, str]:
    """The column of ids and a note."""
    free = [name for name in table.column_names if name != label and not name.startswith(SETS)]
    usual = next((name for wanted in IDS for name in free if name.lower() == wanted), None)
    if known is not None:
        found = _found(table, free, known)
        best = max(found, key=lambda name: found[name], default=None)
        if usual == best or (usual and usual.lower() == "id" and found.get(usual)):
            best = usual
        if best is not None and found.get(best):
            return best, f"ids are taken from the column {best!r}: {found[best]:,} of its values are ids here"
    if usual is None:
        raise InputError(f"{source}: no column looks like the ids; say which holds them (columns are {_names(table.column_names)})")
    return usual, f"ids are taken from the column {usual!r}"


def _found(table: pa.Table, names: list[str], known: np.ndarray) -> dict[str, int]:
    """How many different values of each column are known ids, by their text."""
    wanted = pc.cast(pa.array(known), pa.string()) if known.dtype.kind in "iu" else to_text(known.tolist())
    counted = {}
    for name in names:
        column = table.column(name)
        if _is_text(column.type) or pa.types.is_integer(column.type):
            counted[name] = int(pc.sum(pc.is_in(pc.unique(column.drop_null()).cast(pa.string()), wanted)).as_py() or 0)
    return counted


def _only_other(source: str, names: list[str]) -> str:
    """The column of labels where none has a usual name: the first further label set, or the only one there is."""
    sets = [name for name in names if name.startswith(SETS)]
    if sets or len(names) == 1:
        return (sets or names)[0]
    if not names:
        raise InputError(f"{source} has no column beside the ids; give a table with ids and labels")
    raise InputError(f"{source}: no column looks like labels; say which holds them (columns are {_names(names)})")


def _names(names: list[str]) -> str:
    return listed(map(repr, names), 12)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
