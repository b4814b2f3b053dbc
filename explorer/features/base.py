"""What every extractor shares: a dataset in, (n, d) float32 out, rows that cannot be read left NaN and counted."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import ClassVar

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.features.stream import Encoder, streamed
from explorer.features.weights import DEVICES, local_state
from explorer.step import Output, Progress, Step, as_output

PLAIN = ("number", "category", "date", "flag")  # the kinds of column that say something as they stand
WANTED = {
    "vectors": "vectors, and has none: name the column or array of them with --vectors",
    "image": "pictures, and has none: name the column of picture files or bytes with --image",
    "text": "texts, and has none: name the column of text with --text",
    "series": "time series, and has none: name the column or columns of their values with --series",
    "audio": "sounds, and has none: name the column of sound files or bytes with --audio",
    "matrix": "a sparse matrix, and has none: give an .h5ad or .zarr file that has one",
    "columns": f"columns that are one of {', '.join(PLAIN)}, and has none: take another method, or give a table with such columns",
}


def has(dataset: Dataset, need: str) -> bool:
    """Whether a dataset has what an extractor `needs`; what needs nothing runs on anything."""
    if need == "vectors":
        return dataset.vectors is not None
    if need == "columns":
        return bool(dataset.of_kind(*PLAIN))
    if need == "matrix":
        return dataset.matrix is not None
    return not need or need in dataset.roles


class Extractor(Step):
    """A step from a dataset to features."""

    kind = "extract"
    needs: ClassVar[str] = ""  # what a dataset must have: a role ("image"), "vectors", "matrix", "columns" or nothing

    @classmethod
    def fits(cls, data: Dataset) -> bool:
        """Whether a dataset has what this method needs."""
        return has(data, cls.needs)

    def apply(self, data: Dataset, progress: Progress) -> Output:
        """Compute features and check them.

        Raises
        ------
        InputError
            When the dataset has not what this method needs, or when more than half of the items give no features.
        """
        self.check(data)
        made = as_output(self.compute(data, progress))
        values = np.asarray(made.values, dtype=np.float32)
        lost = int((~np.isfinite(values).all(axis=1)).sum())
        if lost * 2 > len(values):
            why = "; ".join(made.notes) or "see the data"
            raise InputError(f"{data.name}: {lost:,} of {len(values):,} items give no features; {why}")
        kept = np.isfinite(values).all(axis=1, keepdims=True)
        return made._replace(values=np.where(kept, values, np.nan).astype(np.float32, copy=False))

    def check(self, data: Dataset) -> None:
        """Raise an InputError unless the dataset has what this method needs."""
        if not has(data, self.needs):
            wanted = WANTED.get(self.needs, f"a role {self.needs!r}, and has none")
            there = listed(data.columns, 12) or "none"
            raise InputError(f"{data.name}: the method {self.method!r} needs {wanted} (columns are {there})")


class ItemExtractor(Extractor):
    """An extractor that looks at one item at a time, so that a collection of any size streams through it.

    Blocks of features are written to disk as they come; a run that is stopped or killed goes on from there, and of a collection
    that has grown only what is new is computed. Write `encoder` instead of `compute`.
    """

    precision = param.Selector(
        default="float32", objects=["float32", "float16"], precedence=2,
        doc="How features are kept on disk: float16 takes half the room and keeps three digits.",
    )  # fmt: skip

    def encoder(self, data: Dataset, progress: Progress) -> AbstractContextManager[Encoder]:
        """What computes the features, for as long as the block lasts; loads a model, learns from the dataset.

        Raises
        ------
        InputError
            When the model cannot be had, or the dataset cannot be used.
        """
        raise TypeError(f"{type(self).__name__} has no encoder method; an extractor of items must have one")

    def digests(self, data: Dataset, rows: np.ndarray) -> np.ndarray:
        """``(m, 2)`` uint64: what tells items with different features apart."""
        return data.digests(self.needs, rows)

    def apply(self, data: Dataset, progress: Progress) -> Output:
        """Stream; see `explorer.features.stream`."""
        self.check(data)
        return streamed(self, data, progress)


class NetworkExtractor(ItemExtractor):
    """An extractor that runs a torch network on each item."""

    device = param.Selector(
        default="auto", objects=list(DEVICES), precedence=1, doc="Where to compute; auto takes a GPU if there is one."
    )

    def outside(self) -> str:
        """The state of a model in a local folder, which may be trained further under the same name."""
        return local_state(str(self.model)) if "model" in self.setting_names() else ""
