"""What an extraction will take, before it is begun: a few of the items are computed and the clock is read."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from explorer.dataset import Dataset
from explorer.features.base import Extractor, ItemExtractor
from explorer.features.batches import ahead
from explorer.features.stream import Encoder, left_to_do
from explorer.installation.amounts import about, size
from explorer.step import Progress

SAMPLE = 400  # items that a method which looks at all of them together is tried on
BATCHES = 3  # batches a thread computes, once each has computed one
ENOUGH = 4.0  # seconds after which no further batch is timed
WHOLE_COPIES = 3  # how often a method that looks at all items holds their features while it computes


@dataclass(frozen=True)
class Estimate:
    """What is left to do, and what it takes.

    Attributes
    ----------
    items, known
        How many items are to be computed, and how many are there from an earlier run.
    seconds
        Until it is done, loading included.
    disk, memory
        Bytes that the features take on disk, and that the computation takes while it runs.
    sample
        How many items were timed.
    """

    items: int
    known: int
    seconds: float
    disk: int
    memory: int
    sample: int

    def __str__(self) -> str:
        already = f" · {self.known:,} known already" if self.known else ""
        return f"{about(self.seconds)} · {size(self.disk)} on disk · {size(self.memory)} of memory{already}"

    def save(self, path: Path) -> None:
        """Write to a file that `load` reads back."""
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}-{uuid.uuid4().hex}")  # two pages may ask for the same at once
        made.write_text(json.dumps(asdict(self)), "utf-8")
        os.replace(made, path)

    @classmethod
    def load(cls, path: Path) -> Estimate:
        """Read back what `save` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


def estimated(step: Extractor, data: Dataset, progress: Progress, store: Path) -> Estimate:
    """Time a few items of a dataset.

    Parameters
    ----------
    store
        The folder of the method's results: what is known there already is not counted.

    Raises
    ------
    InputError
        What the extraction itself would raise at once: a model that cannot be had, a package that is missing.
    """
    step.check(data)
    if isinstance(step, ItemExtractor):
        return _of_items(step, data, progress, store)
    rows = np.unique(np.linspace(0, len(data) - 1, min(SAMPLE, len(data))).astype(np.int64))
    few = data.take(rows)
    started = time.perf_counter()
    made = step.run(few, progress).values
    seconds = (time.perf_counter() - started) * len(data) / len(few)
    disk = int(made[:1].nbytes) * len(data)
    return Estimate(len(data), 0, seconds, disk, _peak() + WHOLE_COPIES * disk, len(few))


def _of_items(step: ItemExtractor, data: Dataset, progress: Progress, store: Path) -> Estimate:
    started = time.perf_counter()
    with step.encoder(data, progress) as encoder:
        wanted = left_to_do(step, encoder, data, store, progress)
        loading = time.perf_counter() - started
        seconds, timed = _timed(encoder, wanted, progress)
    per_item = encoder.width * np.dtype(step.precision).itemsize + 16
    left = 0.0 if not len(wanted) else seconds * len(wanted) / max(timed, 1)
    return Estimate(len(wanted), len(data) - len(wanted), loading + left, per_item * len(data), _peak(), timed)


def _timed(encoder: Encoder, wanted: np.ndarray, progress: Progress) -> tuple[float, int]:
    """Seconds, and how many items they were spent on; items are taken from all over the collection."""
    batches = encoder.workers * (BATCHES + 1)
    spread = np.unique(np.linspace(0, len(wanted) - 1, min(len(wanted), batches * encoder.batch)).astype(np.int64))
    jobs = [batch.tolist() for batch in encoder.batches(wanted[spread])] if len(wanted) else []
    np.random.default_rng(0).shuffle(jobs)  # or the long ones would all be first
    cold = min(encoder.workers, len(jobs) - 1) if len(jobs) > 1 else 0
    begun, items = time.perf_counter(), 0
    with closing(ahead(encoder.encode, jobs, encoder.workers, encoder.ready)) as made:
        for place, batch in enumerate(made):
            progress(place / len(jobs), f"timing {place:,} of {len(jobs):,} batches")
            if place < cold:
                begun = time.perf_counter()  # a first batch compiles, and finds its memory
                continue
            items += len(batch.rows) + len(batch.lost)
            if time.perf_counter() - begun > ENOUGH:
                break
    return time.perf_counter() - begun, items


def _peak() -> int:
    """The most memory that this process has held, in bytes."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(held) * (1 if sys.platform == "darwin" else 1024)


__all__ = ["Estimate", "estimated"]
