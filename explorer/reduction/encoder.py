"""A small network as plain arrays: what training leaves behind, and all that is needed to place new items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROWS = 8_192  # rows encoded at once


@dataclass(frozen=True, eq=False)
class Encoder:
    """Layers applied one after the other to standardised vectors, with negative values set to 0 between two layers.

    Attributes
    ----------
    centre, unit
        ``(d,)`` float64: each column has `centre` taken off and is divided by `unit` first.
    layers
        Of each layer the weights ``(columns in, columns out)`` and what is added ``(columns out,)``, float32.
    losses
        ``(rounds,)`` float64: the loss of the pairs in each round of the training, averaged.
    stopped
        How far the training came, where it was stopped.
    """

    centre: np.ndarray
    unit: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    losses: np.ndarray
    stopped: str = ""

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return int(self.layers[-1][0].shape[1])

    def transform(self, rows: np.ndarray) -> np.ndarray:
        """Encode ``(m, d)`` rows to ``(m, width)`` float32; a row that is not finite throughout gives NaN."""
        made = np.empty((len(rows), self.width), np.float32)
        for start in range(0, len(rows), ROWS):
            block = standardised(rows[start : start + ROWS], self.centre, self.unit)
            for number, (weights, added) in enumerate(self.layers):
                block = np.maximum(block, 0.0) if number else block
                block = block @ weights + added
            made[start : start + ROWS] = block
        made[~np.isfinite(made).all(axis=1)] = np.nan
        return made

    def turned(self, rows: np.ndarray) -> Encoder:
        """The same encoder with its outputs centred on `rows` and turned so that their main direction comes first.

        Distances between outputs stay as they are. Signs are fixed, so that the same training never comes out mirrored.
        """
        made = self.transform(rows).astype(np.float64)
        middle = made.mean(axis=0)
        _, directions = np.linalg.eigh(np.cov(made - middle, rowvar=False).reshape(self.width, self.width))
        directions = directions[:, ::-1]
        directions = directions * np.where(directions[np.abs(directions).argmax(axis=0), np.arange(self.width)] < 0, -1.0, 1.0)
        weights, added = self.layers[-1]
        last = ((weights @ directions).astype(np.float32), ((added - middle) @ directions).astype(np.float32))
        return Encoder(self.centre, self.unit, (*self.layers[:-1], last), self.losses, self.stopped)


def standardised(rows: np.ndarray, centre: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Rows ``(m, d)`` less `centre`, divided by `unit`, as float32."""
    return ((rows.astype(np.float64) - centre) / unit).astype(np.float32)


def scales(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the standard deviation of each column ``(d,)`` float64.

    A column that hardly varies beside the others is divided by the largest deviation, so that its rounding is not blown up.
    """
    centre = rows.mean(axis=0, dtype=np.float64)
    squares = np.zeros(rows.shape[1])
    for start in range(0, len(rows), ROWS):
        squares += ((rows[start : start + ROWS].astype(np.float64) - centre) ** 2).sum(axis=0)  # 3e38 squared fits float64
    unit = np.sqrt(squares / max(len(rows), 1))
    most = unit.max(initial=0.0) or 1.0
    return centre, np.where(unit > 1e-6 * most, unit, most)
