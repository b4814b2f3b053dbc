"""The plain columns of a table to vectors: numbers, categories, dates and flags on one scale, whatever is missing."""

from __future__ import annotations

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, listed, unknown
from explorer.features.base import PLAIN, Extractor
from explorer.features.columns.blocks import Block, Encoding
from explorer.features.columns.reading import read, usable
from explorer.features.weighing import weights
from explorer.step import Output, Progress, as_output

ROWS = 8_192  # written at a time


class Columns(Extractor):
    """The numbers, categories, dates and flags of a table, put on one scale.

    Numbers are centred at their median and divided by their interquartile range, so that a few extreme values do not rule
    (scikit-learn's ``RobustScaler``), a long tail first drawn in (Yeo & Johnson 2000); categories become one column of 0 and 1
    each. Then each column of the table, whatever it became, counts the same, times its weight.
    """

    method = "columns"
    version = 2  # 1 had no skew, balance, weights and flags of what is missing
    needs = "columns"
    packages = ("pandas", "pyarrow")

    columns = param.List(
        default=[], item_type=str, doc="The columns used; if none is named, all numbers, categories, dates and flags."
    )
    weights = param.List(
        default=[], item_type=str, precedence=1,
        doc="How much columns count, as NAME=WEIGHT, where it is not 1; 0 leaves a column out, 4 makes it count as four.",
    )  # fmt: skip
    balance = param.Boolean(
        True, precedence=1, doc="Every column counts the same, whatever its kind: what it becomes has a variance of 1 in all."
    )
    skew = param.Selector(
        default="auto", objects=["auto", "off"], precedence=1,
        doc="Numbers with one very long tail, like incomes: draw it in, or leave them as they are.",
    )  # fmt: skip
    missing = param.Selector(
        default="flag", objects=["flag", "fill"], precedence=1,
        doc="That a value is missing: tell it by a number of its own, or fill in the middle and say nothing.",
    )  # fmt: skip
    max_categories = param.Integer(
        50, bounds=(2, 4096), softbounds=(2, 200), precedence=1,
        doc="A column of more categories than this is hashed into so many columns: some then share one.",
    )  # fmt: skip
    clip = param.Number(
        10.0, bounds=(1.0, 1e6), softbounds=(1.0, 100.0), precedence=1,
        doc="Numbers further from the median than so many interquartile ranges count as if they were there.",
    )  # fmt: skip

    def apply(self, data: Dataset, progress: Progress) -> Output:
        """Without the copies that `Extractor` makes to mark rows without features: here every row has them."""
        self.check(data)
        return as_output(self.compute(data, progress))

    def compute(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32 without missing values.

        Raises
        ------
        InputError
            For a column that is not there or of a kind that cannot be used, or when all are constant or left out.
        """
        names, counted = self._chosen(data)
        notes = self._left_out(data, counted)
        blocks, constant = [], []
        for done, name in enumerate(names):
            progress(0.8 * done / len(names), f"column {name}")
            block = self._block(data, name, counted.get(name, 1.0))
            notes += block.notes
            if block.width:
                blocks.append(block)
            else:
                constant.append(name)
        notes += self._told(blocks)
        if constant:
            notes.append(f"left out because every item has the same value: {listed(constant)}")
        if not blocks:
            raise InputError(f"{data.name}: every item has the same value in {listed(names)}; name columns that vary")
        return Output(_written(blocks, len(data), progress.part(0.8, 1.0)), notes=tuple(notes))

    def _block(self, data: Dataset, name: str, weight: float) -> Block:
        encoding = Encoding(self.max_categories, self.clip, self.skew == "auto", self.missing == "flag")
        column = read(data.table.column(name), data.kinds[name])
        if not column.kind:
            return Block(name, notes=[f"{name}: not all of its values are numbers or dates"])
        block = encoding.block(name, column)
        if block.width:
            block.factor = float(np.sqrt(weight * (1.0 / block.variance if self.balance else 1.0)))
        return block

    def _chosen(self, data: Dataset) -> tuple[list[str], dict[str, float]]:
        """The columns that are used, and the weights that were given."""
        able = usable(data)
        for name in self.columns:
            if name not in data.kinds:
                raise unknown("column", name, able)
            if name not in able:
                kind = data.kinds[name]
                raise InputError(f"the column {name!r} is of kind {kind}; {', '.join(PLAIN)} can be used: {listed(able, 12)}")
        given = weights(self.weights, "column", able)
        wanted = list(dict.fromkeys(self.columns)) or able
        names = [name for name in wanted if given.get(name, 1.0) > 0]
        if not names:
            raise InputError(f"{data.name}: every column has the weight 0; give at least one of {listed(wanted)} another")
        return names, given

    def _told(self, blocks: list[Block]) -> list[str]:
        """What was taken that somebody may have meant as the answer, not as what is known."""
        categories = [block.name for block in blocks if block.places]
        if self.columns or not categories:
            return []
        return [f"categories count like numbers, so items of one lie together: {listed(categories)}; a weight of 0 leaves one out"]

    def _left_out(self, data: Dataset, given: dict[str, float]) -> list[str]:
        """What is said of columns that are not used."""
        off = [name for name, weight in given.items() if not weight]
        notes = [f"left out by their weight of 0: {listed(off)}"] if off else []
        items = set(data.roles.values())
        ids = [name for name in data.of_kind("id") if name not in items and name not in usable(data)]
        if ids and not self.columns:
            notes.append(f"left out because every item has its own: {listed(ids)}")
        return notes


def _written(blocks: list[Block], n: int, progress: Progress) -> np.ndarray:
    """``(n, d)`` float32: all blocks side by side, written in place, some rows at a time."""
    made = np.empty((n, sum(block.width for block in blocks)), np.float32)
    for start in range(0, n, ROWS):
        progress(start / n, "putting them together")
        rows, at = slice(start, min(start + ROWS, n)), 0
        for block in blocks:
            block.write(made[rows, at : at + block.width], rows)
            at += block.width
    return made


__all__ = ["Columns"]
