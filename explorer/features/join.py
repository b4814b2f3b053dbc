"""Several extractors side by side: what an item looks like, what is said of it and its columns, as one vector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import param

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.features.base import Extractor, has
from explorer.features.partial import Partial
from explorer.features.weighing import weights
from explorer.step import Output, Progress, Result, find, names, sha256

# What a dataset may have, and which extractors stand for it: the first that is there, else the first that needs the same.
USUAL = {
    "vectors": ("vectors",), "matrix": ("matrix",), "image": ("image",), "audio": ("logmel",), "series": ("rocket",),
    "text": ("sentence", "lsa"), "columns": ("columns",),
}  # fmt: skip
VALUES = 1 << 22  # numbers of one part taken into memory at once


@dataclass(frozen=True)
class Part:
    """One extractor's features ``(n, d)``, and what makes them fit beside the others."""

    name: str
    values: np.ndarray
    mean: np.ndarray
    factor: float
    there: np.ndarray

    @property
    def width(self) -> int:
        """How many numbers an item has."""
        return int(self.values.shape[1])

    def rows(self, part: slice) -> np.ndarray:
        """``(b, d)`` of some rows, centred and scaled; 0, the mean, where there are none."""
        made = (np.asarray(self.values[part], np.float32) - self.mean) * np.float32(self.factor)
        return np.where(self.there[part, None], made, np.float32(0.0))


class Join(Extractor):
    """Two or more extractors side by side, each counting the same or as its weight says.

    Each part runs with its usual settings, and what it has computed before is read from the workspace. Its features are centred,
    divided by the root of their mean squared length, and multiplied by the root of the weight; an item that has none gets the mean.
    """

    method = "join"
    needs = ""

    parts = param.List(
        default=[], item_type=str,
        doc="The extractors, as METHOD or METHOD=WEIGHT; if none is named, one for each thing that items have.",
    )  # fmt: skip

    @classmethod
    def fits(cls, data: Dataset) -> bool:
        """Whether there are two parts at least that a dataset has what they need for."""
        return len(usual(data)) > 1

    def apply(self, data: Dataset, progress: Progress) -> Output:
        """``(n, d)`` float32, d the sum of the parts' widths; in a file that is memory-mapped where the step has a `store`.

        Raises
        ------
        InputError
            For a part that is not there or cannot run on these data, fewer than two, or when more than half of the items have no
            features of any part.
        """
        chosen = self._chosen(data)
        parts: list[Part] = []
        notes: list[str] = []
        for place, (name, weight) in enumerate(chosen.items()):
            step = progress.part(0.9 * place / len(chosen), 0.9 * (place + 1) / len(chosen))
            try:
                result = self._part(name, data, step)
            except InputError as problem:
                if self.parts or (name == next(reversed(chosen)) and not parts):
                    raise
                notes.append(f"{name}: left out, since {problem}")
                continue
            part = _scaled(name, result.values, weight, step)
            notes += [f"{name}: {note}" for note in (*result.notes, *_said(part))]
            if part is not None:
                parts.append(part)
        there = _somewhere(data, parts)
        return self._joined(parts, there, self.key(data.fingerprint), progress.part(0.9, 1.0))._replace(notes=tuple(notes))

    def _chosen(self, data: Dataset) -> dict[str, float]:
        known = [name for name in names("extract") if name != self.method]
        chosen = weights(self.parts, "method to extract", known, bare=True) or dict.fromkeys(usual(data), 1.0)
        chosen = {name: weight for name, weight in chosen.items() if weight}
        for name in chosen:
            needs = getattr(find("extract", name), "needs", "")
            if not has(data, needs):
                fit = listed(usual(data)) or "none"
                raise InputError(f"{data.name}: the part {name!r} needs {needs}, and there is none; parts that fit are {fit}")
        if len(chosen) < 2:
            there = f"only {next(iter(chosen))!r} is" if chosen else "none is"
            raise InputError(f"{data.name}: at least two parts can be joined, and {there} there; name them like image,columns=2")
        return chosen

    def _part(self, name: str, data: Dataset, progress: Progress) -> Result:
        """A part's result: the finished one of an earlier run, else computed, and kept where there is a `store`."""
        step = find("extract", name, random_state=self.random_state)
        said = Progress(lambda fraction, note: progress(fraction, f"{name}: {note}" if note else name))
        if self.store is None:
            return step.run(data, said)
        folder = self.store.parent / name / step.key(data.fingerprint)
        if (kept := _read(folder, len(data))) is not None:
            return kept
        result = step.run(data, said, store=folder.parent)
        result.save(folder)
        if result.kept is not None:
            result.kept.discard()  # saved by now, or there already by another's hand
        return _read(folder, len(data)) or result

    def _joined(self, parts: list[Part], there: np.ndarray, key: str, progress: Progress) -> Output:
        shape = (len(there), sum(part.width for part in parts))
        if self.store is None:
            made = np.empty(shape, np.float32)
            _fill(made, parts, there, progress)
            return Output(made)
        partial = Partial(self.store, f"{key}-{self.method}")  # a name that the next run sweeps away, if this one is killed
        try:
            path = partial.folder / "values.npy"
            mapped = np.lib.format.open_memmap(path, "w+", np.float32, shape)
            _fill(mapped, parts, there, progress)
            mapped.flush()
            del mapped
        except BaseException:
            partial.discard()
            raise
        return Output(np.load(path, mmap_mode="r", allow_pickle=False), kept=partial)


def usual(data: Dataset) -> list[str]:
    """The extractors that stand for what the items of a dataset have."""
    needs = {name: getattr(find("extract", name), "needs", "") for name in names("extract")}
    found = []
    for need, best in USUAL.items():
        fit = [name for name, wanted in needs.items() if wanted == need]
        if has(data, need) and fit:
            found.append(next((name for name in best if name in fit and _installed(name)), fit[0]))
    return found


def _installed(method: str) -> bool:
    """Whether what the method for texts needs is there; there is another one for them, and none for pictures."""
    return method != "sentence" or bool(find_spec("torch") and find_spec("sentence_transformers"))


def _said(part: Part | None) -> list[str]:
    if part is None:
        return ["left out, since it is the same for every item"]
    lost = int((~part.there).sum())
    have, count = ("item has", "counts") if lost == 1 else ("items have", "count")
    return [f"{lost:,} {have} no features of it and {count} as its mean"] if lost else []


def _read(folder: Path, n: int) -> Result | None:
    """A finished result of n items, or None where there is none whose files are what was written."""
    try:
        sums = json.loads((folder / "sums.json").read_text("utf-8"))
        if any(sha256(folder / name) != known for name, known in sums.items()):
            return None
        result = Result.load(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):  # damaged: then it is computed again
        return None
    return result if result.values.ndim == 2 and len(result.values) == n else None


def _blocks(values: np.ndarray) -> list[slice]:
    rows = max(1, VALUES // max(1, values.shape[1]))
    return [slice(start, start + rows) for start in range(0, len(values), rows)]


def _scaled(name: str, values: np.ndarray, weight: float, progress: Progress) -> Part | None:
    """A part with its mean and scale, each found in one pass over its rows; None where it does not vary."""
    there = np.zeros(len(values), bool)
    total, squares = np.zeros(values.shape[1]), 0.0
    for block in _blocks(values):
        progress(0.99, f"{name}: scaling")
        rows = np.asarray(values[block], np.float64)
        there[block] = np.isfinite(rows).all(axis=1)
        total += rows[there[block]].sum(axis=0)
    count = int(there.sum())
    mean = total / max(count, 1)
    for block in _blocks(values):
        progress(0.99, f"{name}: scaling")
        rows = np.asarray(values[block], np.float64)[there[block]]
        squares += float(((rows - mean) ** 2).sum())
    length = np.sqrt(squares / max(count, 1))
    if not length > 1e-9 * (1.0 + np.abs(mean).max(initial=0.0)):
        return None
    return Part(name, values, mean.astype(np.float32), float(np.sqrt(weight) / length), there)


def _somewhere(data: Dataset, parts: list[Part]) -> np.ndarray:
    """``(n,)`` bool: which items have features of any part."""
    if not parts:
        raise InputError(f"{data.name}: every part is the same for every item; name others")
    there = np.logical_or.reduce([part.there for part in parts])
    lost = int((~there).sum())
    if lost * 2 > len(there):
        said = listed(part.name for part in parts)
        raise InputError(f"{data.name}: {lost:,} of {len(there):,} items have no features by any of {said}; name other parts")
    return np.asarray(there)


def _fill(made: np.ndarray, parts: list[Part], there: np.ndarray, progress: Progress) -> None:
    """Write the parts side by side, some rows at a time; NaN where an item has none."""
    for block in _blocks(made):
        progress(block.start / len(made), "putting them together")
        at = 0
        for part in parts:
            made[block, at : at + part.width] = part.rows(block)
            at += part.width
        made[block][~there[block]] = np.nan


__all__ = ["Join", "usual"]
