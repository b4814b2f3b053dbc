"""What a child can do with a request: run a step, measure what one takes, read a source or a file of labels."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.errors import Cancelled, InputError
from explorer.progress import Progress

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # a disk without room


def answer(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Do what is asked and say how it ended: the message that ends the job."""
    import traceback

    does: dict[str, Callable[..., str | None]] = {
        "run": run_step, "estimate": _estimate, "read": _read_source, "labels": _read_labels, "warm": _warm,
        "trust": _trust,
    }  # fmt: skip
    try:
        return {"done": does[request["do"]](request, progress)}
    except Cancelled:
        return {"stopped": True}
    except InputError as problem:
        return {"failed": str(problem), "bug": False}
    except MemoryError:
        return {"failed": "not enough memory for this; use fewer items or another method", "bug": False}
    except OSError as problem:
        if problem.errno not in FULL:
            traceback.print_exc()
            return {"failed": f"{type(problem).__name__}: {problem}", "bug": True}
        return {"failed": f"the result cannot be kept ({problem.strerror}); free some disk, then run it again", "bug": False}
    except Exception as problem:  # the child's last door: the parent must hear of everything
        traceback.print_exc()
        return {"failed": f"{type(problem).__name__}: {problem}", "bug": True}


def run_step(request: dict[str, Any], progress: Progress) -> str:
    """Run a step and keep its result; gives the folder."""
    import numpy as np

    from explorer.dataset import Dataset
    from explorer.step import find

    step = find(request["kind"], request["method"], **request["settings"])
    place = Path(request["data"])
    data: Any = Dataset.load(place) if place.is_dir() else np.load(place, mmap_mode="r", allow_pickle=False)
    step.beside = {name: np.load(path, allow_pickle=False) for name, path in request.get("beside", {}).items()}
    out = Path(request["out"])
    result = step.run(data, progress, fingerprint=request["fingerprint"], store=out.parent)
    out = out if not result.stopped else out.with_name(result.key)
    try:
        result.save(out)
    except OSError as problem:
        if problem.errno in FULL:
            raise  # said with the other steps' full disks
        raise InputError(
            f"the result cannot be kept in {out.parent} ({problem.strerror or problem}); look at that folder"
        ) from problem
    return str(out)


def _estimate(request: dict[str, Any], progress: Progress) -> str:
    from explorer.dataset import Dataset
    from explorer.features.estimate import estimated
    from explorer.step import find

    step: Any = find("extract", request["method"], **request["settings"])
    out = Path(request["out"])
    estimated(step, Dataset.load(Path(request["data"])), progress, Path(request["store"])).save(out)
    return str(out)


def _trust(request: dict[str, Any], progress: Progress) -> str:
    import pkgutil

    answers = pkgutil.resolve_name("explorer.insight.quality.job:answer")  # by name: a room beside this one is not imported here
    return str(answers(request, progress))


def _read_source(request: dict[str, Any], progress: Progress) -> str:
    from explorer.sources import read

    _limit_memory(request.get("memory"))
    read(request["source"], **request["options"]).save(Path(request["out"]))
    return request["out"]


def _read_labels(request: dict[str, Any], progress: Progress) -> str:
    from explorer.sources.given_labels import kept_ids, read_labels

    _limit_memory(request.get("memory"))
    known = kept_ids(Path(request["known"])) if request["known"] else None
    read_labels(request["source"], known=known, **request["options"]).save(Path(request["out"]))
    return request["out"]


def _limit_memory(limit: int | None) -> None:
    if limit and sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # not RLIMIT_AS: a mapped file may be larger than memory


def _warm(request: dict[str, Any], progress: Progress) -> None:
    """Run the slowest steps to start on a handful of points: what they import and compile takes seconds."""
    import numpy as np

    from explorer.step import find

    points = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    layout = find("reduce", "umap", n_epochs=10).run(points, progress).values
    find("cluster", "hdbscan").run(layout, progress)


__all__ = ["answer", "run_step"]
