"""How much room there is: memory with the limit a container sets, disk where things are written, and cores."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from explorer.installation.commands import shown
from explorer.installation.finding import Finding, Mark

AREA = "machine"
GIB = 2**30
LITTLE_MEMORY = 2 * GIB  # below it a model and a map hardly fit
LITTLE_DISK = GIB  # what `sources.cache` leaves free of a disk
_LIMITS = ("memory.max", "memory.limit_in_bytes")  # control groups, version 2 and 1
_USED = (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file"))  # and what of it can be dropped
_NO_LIMIT = 2**60  # version 1 writes a huge number for none


def memory_findings() -> Iterator[Finding]:
    """Total and free memory, and a container's limit where there is one."""
    total, free = memory()
    limit = memory_limit()
    if not total:
        yield Finding(AREA, "memory", "note", "this system does not say how much there is without psutil")
        return
    capped = f"; a limit of {_gib(limit)} is set for this process (control group)" if limit and limit < total else ""
    most = min(free, limit) if limit else free
    advice = "close other programs, or open fewer items at once: what does not fit ends the program" if most < LITTLE_MEMORY else ""
    yield Finding(AREA, "memory", "note" if advice else "ok", f"{_gib(total)}, {_gib(free)} free{capped}", advice)


def memory() -> tuple[int, int]:
    """Bytes in all, and free for new things; zeros where it is not known."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        found = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
        return found["MemTotal"], found.get("MemAvailable", found["MemFree"])
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return 0, 0
    known = psutil.virtual_memory()
    return int(known.total), int(known.available)


def memory_limit(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """The smallest limit in bytes that a control group sets for this process; 0 without one."""
    found = [limit for folder in _groups(root, own) for name in _LIMITS if (limit := _number(folder / name)) is not None]
    smallest = min(found, default=0)
    return smallest if 0 < smallest < _NO_LIMIT else 0


def memory_left(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Bytes that are left of the limits that control groups set for this process, 0 or more; None without a limit.

    Files that were read and may be dropped again at once (``inactive_file``) do not count as in use.
    """
    found = []
    for folder in _groups(root, own):
        for name, (used, dropped) in zip(_LIMITS, _USED, strict=True):
            limit = _number(folder / name)
            if limit is not None and 0 < limit < _NO_LIMIT:
                found.append(max(0, limit - max(0, (_number(folder / used) or 0) - _stated(folder / "memory.stat", dropped))))
    return min(found, default=None)


def _number(path: Path) -> int | None:
    """What a file of one number says; None where it is not there, or "max"."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _stated(path: Path, name: str) -> int:
    """A line ``name number`` of a file of such lines; 0 where it is not there."""
    try:
        lines = (line.split() for line in path.read_text("ascii").splitlines())
        return next((int(words[1]) for words in lines if len(words) == 2 and words[0] == name), 0)
    except (OSError, ValueError):
        return 0


def _groups(root: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of those above them."""
    try:
        paths = [line.split(":", 2) for line in own.read_text("utf-8").splitlines()]
    except OSError:
        return
    for _, controllers, path in (parts for parts in paths if len(parts) == 3):
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "memory" if controllers else root
        place = base / path.lstrip("/")
        yield from (folder for folder in (place, *place.parents) if folder == base or base in folder.parents)


def core_findings() -> Iterator[Finding]:
    """The cores this process may use, of those there are."""
    there, usable = os.cpu_count() or 1, usable_cores()
    yield Finding(AREA, "cores", "ok", f"{usable} of {there} may be used" if usable < there else f"{there}")


def usable_cores() -> int:
    """The cores this process may use: its affinity, or the share a container gives it where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return min(cores, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no control groups here, or no limit ("max")
        return cores


def disk_findings(cache: Path) -> Iterator[Finding]:
    """Where workspaces (beside the data: this folder is looked at), the cache and temporary files go."""
    places = (
        ("workspace", Path.cwd(), "a workspace is made beside its source: give another place with --workspace"),
        ("cache", cache, "set EXPLORER_CACHE to a folder with room"),
        ("temporary", Path(tempfile.gettempdir()), "set TMPDIR to a folder with room: results pass through it"),
    )
    for name, folder, advice in places:
        mark, found = writable(folder)
        if name == "workspace" and mark == "problem":
            mark = "note"  # the data may lie elsewhere
        yield Finding(AREA, name, mark, f"{shown(folder)}: {found}", "" if mark == "ok" else advice)


def writable(folder: Path) -> tuple[Mark, str]:
    """Whether a folder (or, until it is there, the one above in which it would be made) takes a file, and how much room it has.

    A file of no name is made and is gone again: what the system says of rights is not true of every disk.
    """
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), Path("/"))
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        free = shutil.disk_usage(there).free
    except OSError as problem:
        return "problem", f"cannot be written ({problem.strerror or problem})"
    return ("ok" if free >= LITTLE_DISK else "note"), f"can be written, {_gib(free)} free"


def _gib(number: int) -> str:
    return f"{number / GIB:.1f} GiB"


__all__ = ["core_findings", "disk_findings", "memory", "memory_findings", "memory_left", "memory_limit", "usable_cores", "writable"]
