"""Features of a collection of any size: computed and written block by block, resumed after a kill, never computed twice."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from explorer.dataset import Dataset
from explorer.errors import InputError, listed
from explorer.features.batches import Pace, ahead
from explorer.features.partial import Partial, pending
from explorer.step import Output, Progress, sha256

if TYPE_CHECKING:
    from explorer.features.base import ItemExtractor

DIGESTED = 4_096  # items hashed between two calls of progress
TOLD = 1_000  # items without features of which is kept why
GATHERED = 1 << 24  # bytes of the finished array put together at once
LARGEST_HALF = float(np.finfo(np.float16).max)


class Encoded(NamedTuple):
    """What a batch gave: the rows that have features, these ``(b, d)`` (None where no row has), and why the others have none."""

    rows: Sequence[int]
    values: np.ndarray | None
    lost: Sequence[tuple[int, str]] = ()


def one_by_one(rows: Sequence[int], features: Callable[[int], np.ndarray]) -> Encoded:
    """What items that are computed each by itself gave, ``(d,)`` each; why one cannot be is what its `InputError` says."""
    kept, values, lost = [], [], []
    for row in rows:
        try:
            values.append(features(row))
            kept.append(row)
        except InputError as problem:
            lost.append((row, str(problem)))
    return Encoded(kept, np.stack(values) if values else None, lost)


@dataclass(frozen=True)
class Encoder:
    """What computes the features of some items; they depend on the items and the settings alone, whatever is computed beside them.

    Attributes
    ----------
    encode
        Some rows of the dataset to their features; called by several threads at once.
    what
        The items, in the plural.
    width
        How many numbers an item's features are.
    batch
        Items given to `encode` at once.
    block
        Items written to disk at once: what a killed run loses at most. The same on every machine, since batches end with a block.
    workers, ready
        How many threads encode, and what each calls first (see `explorer.features.batches.ahead`).
    fit
        Names what was learned from the dataset, if anything was; features learned from another one are not used again.
    cost
        ``(b,)`` of some rows: how much work each is, in any unit; those of a block are encoded in its order, so that items of about
        the same length come together. None where all cost the same.
    notes
        Sentences for the person, beside those that the harness has of its own.
    """

    encode: Callable[[Sequence[int]], Encoded]
    what: str
    width: int
    batch: int
    block: int = 1_024
    workers: int = 1
    ready: Callable[[], object] | None = None
    fit: str = ""
    cost: Callable[[np.ndarray], np.ndarray] | None = None
    notes: tuple[str, ...] = ()

    def batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The rows of a block as batches."""
        if self.cost is not None:
            rows = rows[np.argsort(-self.cost(rows), kind="stable")]
        for start in range(0, len(rows), self.batch):
            yield rows[start : start + self.batch]


def streamed(step: ItemExtractor, data: Dataset, progress: Progress) -> Output:
    """``(n, d)`` features of all items, in a file that is memory-mapped where the step has a `store`, else in memory.

    An item that was computed before (by a run that was killed, or for a smaller collection) is recognised by its content and not
    computed again; so are equal items.

    Raises
    ------
    InputError
        When the disk is full.
    """
    if step.store is not None:
        return _streamed(step, data, progress, step.store)
    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        made = _streamed(step, data, progress, Path(folder))
        assert isinstance(made.kept, Partial)
        values = np.array(made.values, np.float32)
        made.kept.discard()
        return made._replace(values=values, kept=None)


def _streamed(step: ItemExtractor, data: Dataset, progress: Progress, store: Path) -> Output:
    progress(0.0, "looking for what is known")
    digests = _digests(step, data, progress)
    with step.encoder(data, progress) as encoder:
        reuse = _reuse_key(step, encoder.fit)
        try:
            partial = Partial(store, reuse)
        except OSError as problem:
            raise _unwritable(data, store, problem) from problem
        try:
            known = [(partial.digests(), partial.values()), *_earlier(store, reuse)]
            wanted = _unknown(digests, [whose for whose, _ in known])
            _encode(step, encoder, partial, (digests, wanted), progress)
            known[0] = (partial.digests(), partial.values())
            taken = _taken(digests, known)
            values, lost = _gathered(partial, digests, known, progress)
            notes = [*encoder.notes, *_notes(data, encoder, lost, partial)]
        except OSError as problem:
            partial.release()
            raise _unwritable(data, store, problem) from problem
        except BaseException:
            partial.release()
            raise
    if taken:
        notes.append(f"{taken:,} of {len(data):,} {encoder.what} were computed for an earlier state of the data and taken over")
    told = {str(row): why for row, why in list(lost.items())[:TOLD]}
    return Output(values, notes=tuple(notes), digests=digests, reuse=reuse, lost=told, kept=partial)


def _unwritable(data: Dataset, store: Path, problem: OSError) -> InputError:
    what = f"{data.name}: the features cannot be kept in {store} ({problem.strerror or problem})"
    return InputError(f"{what}; free some disk and run it again, it goes on from here")


def _digests(step: ItemExtractor, data: Dataset, progress: Progress) -> np.ndarray:
    parts = []
    for start in range(0, len(data), DIGESTED):
        progress(0.0, f"looking for what is known, {start:,} of {len(data):,}")
        parts.append(step.digests(data, np.arange(start, min(start + DIGESTED, len(data)))))
    return np.concatenate(parts)


def _reuse_key(step: ItemExtractor, fit: str) -> str:
    """Names what makes an item's features, whatever collection it is in."""
    identity = [step.method, step.version, step.settings(), fit, step.outside()]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


def _earlier(store: Path, reuse: str, *, check: bool = True) -> list[tuple[np.ndarray, np.ndarray]]:
    """Digests and values of the finished results of the same kind, the newest first; if `check`, of those that are as written."""
    found = []
    for place in sorted(store.glob("[!.]*/settings.json"), key=lambda path: -path.stat().st_mtime_ns):
        try:
            if json.loads(place.read_text("utf-8")).get("reuse") != reuse:
                continue
            if check and not _as_written(place.parent):
                continue
            digests = np.load(place.parent / "digests.npy", allow_pickle=False)
            values = np.load(place.parent / "values.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):  # damaged: then it is computed again
            continue
        if digests.dtype == np.uint64 and digests.shape == (len(values), 2) and values.ndim == 2:
            there = np.isfinite(values[:, 0])  # an item without features is tried again: its file may have been mended
            found.append((np.where(there[:, None], digests, 0), values))
    return found


def _as_written(folder: Path) -> bool:
    """Whether a result's files are what was written: damage in them would be taken over as if it were sound."""
    sums = json.loads((folder / "sums.json").read_text("utf-8"))
    return all(sha256(folder / name) == sums[name] for name in ("values.npy", "digests.npy"))


def left_to_do(step: ItemExtractor, encoder: Encoder, data: Dataset, store: Path, progress: Progress) -> np.ndarray:
    """The rows that a run would compute: not those that are known, and of equal ones the first."""
    reuse = _reuse_key(step, encoder.fit)
    known = [np.zeros((0, 2), np.uint64), *(whose for whose, _ in _earlier(store, reuse, check=False)), *pending(store, reuse)]
    return _unknown(_digests(step, data, progress), known)


class _Index:
    """Finds digests among those of several sources: which source, and which row there."""

    def __init__(self, sources: list[np.ndarray]) -> None:
        everything = np.concatenate(sources)
        self._source = np.repeat(np.arange(len(sources)), [len(one) for one in sources])
        self._place = np.concatenate([np.arange(len(one)) for one in sources])
        order = np.lexsort((np.arange(len(everything)), everything[:, 1], everything[:, 0]))
        self._source, self._place, self._sorted = self._source[order], self._place[order], everything[order]

    def find(self, digests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``(m,)`` sources and rows; the source is -1 where there is none."""
        first, second = self._sorted[:, 0], self._sorted[:, 1]
        at = np.searchsorted(first, digests[:, 0])
        end = np.searchsorted(first, digests[:, 0], "right")
        found = np.full(len(digests), -1, np.int64)
        left = np.flatnonzero(at < end)
        while len(left):  # nearly always once: two halves of a digest seldom agree
            hit = second[at[left]] == digests[left, 1]
            found[left[hit]] = at[left[hit]]
            left = left[~hit]
            at[left] += 1
            left = left[at[left] < end[left]]
        there = found >= 0
        source, place = np.full(len(digests), -1), np.zeros(len(digests), np.int64)
        source[there], place[there] = self._source[found[there]], self._place[found[there]]
        return source, place


def _unknown(digests: np.ndarray, known: list[np.ndarray]) -> np.ndarray:
    """The rows that are to be computed: of those that are nowhere yet, and of equal ones the first."""
    source, place = _Index([*known, digests]).find(digests)
    return np.flatnonzero((source == len(known)) & (place == np.arange(len(digests))))


def _taken(digests: np.ndarray, known: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """How many rows come from finished results."""
    source, _ = _Index([whose for whose, _ in known]).find(digests)
    return int((source > 0).sum())


def _encode(
    step: ItemExtractor, encoder: Encoder, partial: Partial, items: tuple[np.ndarray, np.ndarray], progress: Progress
) -> None:
    """Compute the wanted rows and write them, a block at a time."""
    digests, wanted = items
    pace = Pace(progress.part(0.0, 0.97), len(wanted), encoder.what)
    blocks = [wanted[start : start + encoder.block] for start in range(0, len(wanted), encoder.block)]
    jobs = (batch.tolist() for block in blocks for batch in encoder.batches(block))
    with closing(ahead(encoder.encode, jobs, encoder.workers, encoder.ready)) as made:
        for block in blocks:
            done: list[Encoded] = []
            while sum(len(one.rows) + len(one.lost) for one in done) < len(block):
                done.append(next(made))
                pace.add(len(done[-1].rows) + len(done[-1].lost))
            values, lost = _block(block, done, encoder.width)
            partial.append(_rounded(values, step.precision), digests[block], lost)


def _block(block: np.ndarray, done: list[Encoded], width: int) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """A block's features ``(b, d)`` in its rows' order, NaN where there are none, and which have none."""
    place = {row: at for at, row in enumerate(block.tolist())}
    lost = {place[row]: why for one in done for row, why in one.lost}
    values = np.full((len(block), width), np.nan, np.float32)
    for one in done:
        if one.values is not None:
            values[[place[row] for row in one.rows]] = one.values
    bad = ~np.isfinite(values).all(axis=1)
    values[bad] = np.nan
    return values, [(at, lost.get(at, "its features are not finite")) for at in np.flatnonzero(bad).tolist()]


def _rounded(values: np.ndarray, precision: str) -> np.ndarray:
    """As they are kept; what half precision cannot hold becomes the largest number that it can."""
    if precision == "float32":
        return np.asarray(values, np.float32)
    return np.clip(values, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)


def _gathered(
    partial: Partial, digests: np.ndarray, known: list[tuple[np.ndarray, np.ndarray]], progress: Progress
) -> tuple[np.ndarray, dict[int, str]]:
    """All rows in the dataset's order, in a file that is memory-mapped, and why some have no features."""
    width, dtype = next((values.shape[1], values.dtype) for _, values in known if len(values))
    source, place = _Index([whose for whose, _ in known]).find(digests)
    path = partial.folder / "values.npy"
    rows = max(1, GATHERED // (width * dtype.itemsize))
    with open(path, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (len(digests), width)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(digests), rows):
            progress(0.97 + 0.03 * start / len(digests), "putting them together")
            part = slice(start, start + rows)
            _take(known, source[part], place[part], (width, dtype)).tofile(file)
        file.flush()
        os.fsync(file.fileno())
    why = dict(partial.lost)
    lost = {row: why[int(place[row])] for row in np.flatnonzero(source == 0).tolist() if int(place[row]) in why} if why else {}
    return np.load(path, mmap_mode="r", allow_pickle=False), lost


def _take(
    known: list[tuple[np.ndarray, np.ndarray]], source: np.ndarray, place: np.ndarray, like: tuple[int, np.dtype]
) -> np.ndarray:
    """Rows of several arrays; each is mapped anew, so that what was read does not count as this process's memory."""
    made = np.full((len(source), like[0]), np.nan, like[1])
    for number, (_, values) in enumerate(known):
        mine = np.flatnonzero(source == number)
        if len(mine):
            made[mine] = _mapped_anew(values)[place[mine]]
    return made


def _mapped_anew(values: np.ndarray) -> np.ndarray:
    if isinstance(values, np.memmap) and values.filename is not None:
        return np.memmap(values.filename, values.dtype, "r", values.offset, values.shape)
    return values


def _notes(data: Dataset, encoder: Encoder, lost: dict[int, str], partial: Partial) -> list[str]:
    """What is said of the items without features.

    Raises
    ------
    InputError
        When they are more than half; the next run tries them again.
    """
    if len(lost) * 2 > len(data):
        partial.try_lost_again()
        why = f"{len(lost):,} of {len(data):,} {encoder.what} give no features: {listed(dict.fromkeys(lost.values()), 3)}"
        raise InputError(f"{data.name}: {why}; check them, or name other {encoder.what}")
    return (
        [f"{len(lost):,} of {len(data):,} {encoder.what} have no features: {listed(dict.fromkeys(lost.values()), 3)}"]
        if lost
        else []
    )
