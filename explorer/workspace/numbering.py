"""Items by number: an item's place among all ids there ever were, which never changes; its row is its place in the data."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from explorer.labels import Labels

LARGE = 1 << 16  # items; so many are numbered as they lie on the map, since lists of what was lassoed then take few bytes


def places(ids: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Where some ids stand among others, -1 for those that do not; texts are compared as Python's own, ten times as soon."""
    kind = ids.dtype if ids.dtype == some.dtype else object
    return np.asarray(pd.Index(ids, dtype=kind).get_indexer(pd.Index(some, dtype=kind)))


class Numbering:
    """Between the numbers of `index`, all ids there ever were, and the rows of `present`, the dataset's ids (all have numbers)."""

    def __init__(self, index: pd.Index, present: pd.Index, numbers: np.ndarray | None = None) -> None:
        self.present = present
        same = numbers is None and len(index) == len(present) and index.equals(present)
        self.index = present if same else index
        self._numbers = None if same else index.get_indexer(present) if numbers is None else numbers

    def lift(self, mask: np.ndarray) -> np.ndarray:
        """A mask over rows as one over numbers."""
        if self._numbers is None:
            return mask
        lifted = np.zeros(len(self.index), bool)
        lifted[self._numbers[mask]] = True
        return lifted

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Rows as numbers."""
        return rows if self._numbers is None else self._numbers[rows]

    def seen(self, values: np.ndarray) -> np.ndarray:
        """Values by number as values by row."""
        return values if self._numbers is None else values[self._numbers]

    def restricted(self, labels: Labels) -> Labels:
        """Labels over numbers as labels over rows."""
        if self._numbers is None:
            return labels
        codes = self.seen(labels.codes)
        codes.flags.writeable = False
        return Labels(self.present, codes, labels.categories, labels.next_code)

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """The rows of some numbers, -1 for what is gone from the data."""
        return numbers if self._numbers is None else self._rows[numbers]

    @cached_property
    def _rows(self) -> np.ndarray:
        """Every number's row: looked up by id, the rows of ten thousand changes would take minutes."""
        rows = np.full(len(self.index), -1, np.intp)
        rows[self._numbers] = np.arange(len(self.present))
        return rows

    @property
    def gone(self) -> np.ndarray:
        """``(N,)`` bool: the numbers of items that are no longer in the data."""
        gone = np.ones(len(self.index), bool)
        gone[slice(None) if self._numbers is None else self._numbers] = False
        return gone
