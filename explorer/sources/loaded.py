"""What Hugging Face's ``datasets`` has loaded: a `Dataset`, a `DatasetDict` of splits, or a stream."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from explorer.errors import InputError
from explorer.sources.features import Features
from explorer.sources.found import Found
from explorer.sources.huggingface import SPLIT
from explorer.sources.options import Options
from explorer.sources.torch_data import read_stream


def fits(source: Any) -> bool:
    """Whether it is one of theirs."""
    return any(each.__module__.partition(".")[0] == "datasets" for each in type(source).__mro__) and hasattr(source, "map")


def read_object(source: Any, options: Options) -> Found:
    """All rows, those that an index picks in its order; splits below each other, with a column `split` that tells which.

    Pictures and sounds come as they are kept, not decoded; numbered classes by their names.

    Raises
    ------
    InputError
        When splits have different columns, or there are none.
    """
    if isinstance(source, dict):
        return _splits(source, options)
    features = Features()
    features.take(source.features.to_dict() if source.features else None)
    if not hasattr(source, "__len__"):
        found = read_stream(source, "dataset", options.progress or (lambda fraction, note: None))
        found.table = features.applied(found.table)
        found.kinds |= features.kinds(found.table.schema)
        return found
    table = features.applied(pa.table(source.with_format("arrow")[:]).replace_schema_metadata(None))
    return Found(_name(source), table, kinds=features.kinds(table.schema))


def _splits(source: dict[Any, Any], options: Options) -> Found:
    if not source:
        raise InputError("the DatasetDict has no splits; give one with at least one")
    parts = {str(name): read_object(part, options) for name, part in source.items()}
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if part.table.schema.names != first.table.schema.names:
            raise InputError(f"the split {name!r} has other columns than {next(iter(parts))!r}: give one of them")
    if len(parts) == 1:
        return first
    try:
        table = pa.concat_tables([part.table for part in parts.values()], promote_options="permissive")
    except (pa.ArrowException, ValueError) as problem:
        raise InputError(
            f"the splits do not fit below each other ({str(problem).splitlines()[0][:120]}): give one of them"
        ) from problem
    kinds = dict(first.kinds)
    if SPLIT not in table.column_names:
        names = [pa.repeat(pa.scalar(name), part.table.num_rows) for name, part in parts.items()]
        table, kinds[SPLIT] = table.append_column(SPLIT, pa.chunked_array(names)), "category"
    return Found("dataset", table, kinds=kinds)


def _name(source: Any) -> str:
    said = getattr(getattr(source, "info", None), "dataset_name", None)
    return said if isinstance(said, str) and said else "dataset"


__all__ = ["fits", "read_object"]
