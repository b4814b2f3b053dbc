"""Reads what nobody should trust in a child process, so that a file that crashes, hangs or eats memory costs a message."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from explorer.errors import InputError
from explorer.worker.job import Job
from explorer.worker.pool import Worker


def reading(worker: Worker, source: str, out: Path, **options: Any) -> Job:
    """Have a source read to the folder `out`, which `Dataset.load` then maps, and return at once; best in a child of its own."""
    request = {"do": "read", "source": str(source), "options": options, "out": str(out)}
    return worker.submit(request | {"memory": _memory_allowed(), "seconds": 3600})


def read_apart(source: str, out: Path, **options: Any) -> Any:
    """Read a source in a child process, so that a file that crashes, hangs or eats memory costs a message and nothing else.

    Returns
    -------
    Dataset
        Memory-mapped from `out`, which must outlive it.
    """
    from explorer.dataset import Dataset

    return Dataset.load(_apart({"do": "read", "source": str(source), "options": options, "out": str(out)}))


def read_labels_apart(path: str | Path, known: Any = None, **options: Any) -> Any:
    """Read a file of labels (`explorer.sources.given_labels.read_labels`) in a child process, for the same reasons.

    Returns
    -------
    GivenLabels
    """
    from explorer.sources.given_labels import GivenLabels, keep_ids

    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:
        ids, out = Path(folder) / "ids.arrow", Path(folder) / "labels.arrow"
        if known is not None:
            keep_ids(known, ids)
        request = {"do": "labels", "source": str(path), "options": options, "known": None if known is None else str(ids)}
        return GivenLabels.load(_apart(request | {"out": str(out)}))


def _apart(request: dict[str, Any]) -> Path:
    """Where a child of its own, which may take so much memory and time, has put what it read."""
    worker = Worker(limit=1)
    try:
        job = worker.submit(request | {"memory": _memory_allowed(), "seconds": 3600}).wait()
    finally:
        worker.close()
    if job.state != "done" or job.folder is None:
        raise InputError(job.message if not job.bug else f"{request['source']} cannot be read: {job.message}")
    return job.folder


def _memory_allowed() -> int | None:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.75)
    except (ValueError, OSError, AttributeError):
        return None


__all__ = ["read_apart", "read_labels_apart", "reading"]
