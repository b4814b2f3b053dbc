"""What computes: a GPU and whether torch can use it, numba's threads, and how this system writes letters."""

from __future__ import annotations

import locale
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from explorer.installation.child import NoAnswer, answer, output
from explorer.installation.commands import pip_line, shown
from explorer.installation.finding import Finding
from explorer.installation.packages import OURS, installed
from explorer.installation.room import writable

AREA = "machine"
TORCH_LIMIT = 60.0  # seconds; importing it from a cold network disk was seen to take half a minute
THREADS_LIMIT = 60.0
CARDS_LIMIT = 5.0


def gpu_findings(*, quick: bool) -> Iterator[Finding]:
    """The graphics cards that the driver names, and those that torch can compute on."""
    cards = _cards()
    named = f"the driver names {', '.join(cards)}" if cards else "no NVIDIA driver"
    if not installed("torch"):
        advice = "torch, and with it the models: " + pip_line(f"{OURS}[models]") if cards else ""
        yield Finding(AREA, "gpu", "note" if cards else "ok", f"{named}; torch is not installed, so the processor computes", advice)
        return
    if quick:
        yield Finding(AREA, "gpu", "ok", f"{named}; torch {installed('torch')} is not asked (--quick)")
        return
    try:
        yield _torch(answer("torch", TORCH_LIMIT), named, cards)
    except NoAnswer as problem:
        advice = "a torch that fits: " + pip_line(f"{OURS}[models]")
        yield Finding(AREA, "gpu", "problem", f"torch {installed('torch')} cannot be imported: {problem}", advice)


def _torch(found: dict[str, object], named: str, cards: list[str]) -> Finding:
    able = found["cuda"]
    if isinstance(able, list) and able:
        return Finding(AREA, "gpu", "ok", f"torch {found['version']} computes on {', '.join(map(str, able))}")
    if found["mps"]:
        return Finding(AREA, "gpu", "ok", f"torch {found['version']} computes on Apple's (mps)")
    if not cards:
        return Finding(AREA, "gpu", "ok", f"none ({named}): torch {found['version']} computes on the processor")
    built = f"is built for CUDA {found['built_for']}" if found["built_for"] else "is built without CUDA"
    advice = "take the build that fits your driver from https://pytorch.org/get-started/locally/"
    return Finding(AREA, "gpu", "note", f"{named}, but torch {found['version']} {built} and computes on the processor", advice)


def _cards() -> list[str]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    try:
        said = output([command, "--query-gpu=name", "--format=csv,noheader"], CARDS_LIMIT)
    except NoAnswer:  # the program is there and finds no card, or no driver
        return []
    return [line.strip() for line in said.splitlines() if line.strip()]


def thread_findings(*, quick: bool) -> Iterator[Finding]:
    """Numba's threading layer: on `workqueue` several layouts computed at once in one process would end it."""
    if quick or not installed("numba"):  # that it is missing has been said
        return
    try:
        found = answer("threads", THREADS_LIMIT)
    except NoAnswer as problem:
        yield Finding(AREA, "threads", "problem", f"numba cannot run in parallel: {problem}", pip_line("numba", upgrade=True))
        return
    layer, count = found["layer"], found["threads"]
    if layer == "workqueue":
        advice = "explorer computes in one process after another; for your own threads: " + pip_line("tbb")
        yield Finding(AREA, "threads", "note", f"numba's workqueue, {count} threads, which only one thread may use at once", advice)
    else:
        yield Finding(AREA, "threads", "ok", f"numba's {layer}, {count} threads")


def compiled_findings() -> Iterator[Finding]:
    """Whether what numba compiles can be kept: otherwise each process compiles anew, or refuses to."""
    if not installed("numba"):  # that it is missing has been said
        return
    places = _compiled()
    for folder in places:
        if writable(folder)[0] != "problem":
            yield Finding(AREA, "compiled", "ok", f"numba's compiled code is kept in {shown(folder)}")
            return
    named = " nor in ".join(shown(folder) for folder in places)
    advice = "set NUMBA_CACHE_DIR to a folder that can be written, else each process compiles anew for seconds, or cannot start"
    yield Finding(AREA, "compiled", "note", f"numba's compiled code cannot be kept, not in {named}", advice)


def _compiled() -> list[Path]:
    """Where numba looks for a place, in its order: NUMBA_CACHE_DIR alone where it is set, beside the code, the user's cache."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(given)]
    beside = Path(__file__).resolve().parents[1] / "neighbors" / "__pycache__"
    if sys.platform == "win32":
        own = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        own = Path.home() / "Library" / "Caches"
    else:
        own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [beside, own / "numba"]


def letter_findings() -> Iterator[Finding]:
    """Whether names and labels in any script can be printed and named as files."""
    used = {
        "files": sys.getfilesystemencoding(),
        "text": locale.getpreferredencoding(False),
        "output": sys.stdout.encoding or "none",
    }
    said = ", ".join(f"{name} {coding}" for name, coding in used.items())
    where = os.environ.get("LC_ALL") or os.environ.get("LANG") or "no LANG"
    other = [coding for coding in used.values() if coding.lower().replace("-", "") not in {"utf8", "none"}]
    advice = "set PYTHONUTF8=1, else letters of other scripts are written as codes" if other else ""
    yield Finding(AREA, "letters", "note" if other else "ok", f"{said} ({where})", advice)


__all__ = ["compiled_findings", "gpu_findings", "letter_findings", "thread_findings"]
