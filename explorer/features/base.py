"""What every extractor shares: a dataset in, (n, d) float32 out, rows that cannot be read left NaN and counted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.features.weights import DEVICES
from explorer.step import Output, Progress, Step, as_output

PLAIN = ("number", "category", "date", "flag")  # the kinds of column that say something as they stand
WANTED = {
    "vectors": "vectors, and has none: name the column or array of them with --vectors",
    "image": "pictures, and has none: name the column of picture files or bytes with --image",
    "text": "texts, and has none: name the column of text with --text",
    "columns": f"columns that are one of {', '.join(PLAIN)}, and has none: take another method, or give a table with such columns",
}


def has(dataset: Dataset, need: str) -> bool:
    """Whether a dataset has what an extractor `needs`; what needs nothing runs on anything."""
    if need == "vectors":
        return dataset.vectors is not None
    if need == "columns":
        return bool(dataset.of_kind(*PLAIN))
    return not need or need in dataset.roles


class Extractor(Step):
    """A step from a dataset to features."""

    kind = "extract"
    needs: ClassVar[str] = ""  # the role a dataset must have: "image", "text", "vectors", "columns" or nothing

    def apply(self, data: Dataset, progress: Progress) -> Output:
        """Compute features and check them.

        Raises
        ------
        InputError
            When the dataset has not what this method needs, or when more than half of the items give no features.
        """
        if not has(data, self.needs):
            wanted = WANTED.get(self.needs, f"a role {self.needs!r}, and has none")
            there = listed(data.columns, 12) or "none"
            raise InputError(f"{data.name}: the method {self.method!r} needs {wanted} (columns are {there})")
        made = as_output(self.compute(data, progress))
        values = np.asarray(made.values, dtype=np.float32)
        lost = int((~np.isfinite(values).all(axis=1)).sum())
        if lost * 2 > len(values):
            why = "; ".join(made.notes) or "see the data"
            raise InputError(f"{data.name}: {lost:,} of {len(values):,} items give no features; {why}")
        kept = np.isfinite(values).all(axis=1, keepdims=True)
        return made._replace(values=np.where(kept, values, np.nan).astype(np.float32, copy=False))


class NetworkExtractor(Extractor):
    """An extractor that runs a torch network."""

    device = param.Selector(
        default="auto", objects=list(DEVICES), precedence=1, doc="Where to compute; auto takes a GPU if there is one."
    )
