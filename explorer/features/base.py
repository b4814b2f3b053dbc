"""What every extractor shares: a dataset in, (n, d) float32 out, rows that cannot be read left NaN and counted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from explorer.dataset import Dataset
from explorer.errors import InputError
from explorer.step import Output, Progress, Step, as_output


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
        made = as_output(self.compute(data, progress))
        values = np.asarray(made.values, dtype=np.float32)
        lost = int((~np.isfinite(values).all(axis=1)).sum())
        if lost * 2 > len(values):
            raise InputError(f"{data.name}: {lost:,} of {len(values):,} items give no features; {'; '.join(made.notes) or 'see the data'}")
        return made._replace(values=np.where(np.isfinite(values).all(axis=1, keepdims=True), values, np.nan).astype(np.float32))
