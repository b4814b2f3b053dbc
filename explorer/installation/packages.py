"""Which packages are installed, and whether they are those that explorer asks for: read from metadata, nothing is imported."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.installation.commands import pip_line, shown
from explorer.installation.finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

AREA = "packages"
OURS = "embedding-explorer"
SHOWN = (
    "panel", "bokeh", "param", "numpy", "pandas", "numba", "umap-learn", "scikit-learn", "pyarrow", "torch", "anywidget",
    "ipywidgets", "ipykernel", "jupyterlab", "jupyterlab_widgets", "notebook", "marimo", "pywebview",
)  # fmt: skip
FOR_DEVELOPERS = {"test", "benchmarks", "docs"}  # extras that no user misses


def installed(name: str) -> str:
    """The version of an installed package; empty when it is not installed."""
    try:
        return version(name) or ""
    except PackageNotFoundError:
        return ""


def versions() -> dict[str, str]:
    """The packages that decide what can be shown, by name; empty for what is not there."""
    return {name: installed(name) for name in SHOWN}


def package_findings() -> Iterator[Finding]:
    """Python, explorer, the versions, and whether what explorer needs is there."""
    about = f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}"
    yield Finding(AREA, "python", "ok", f"{about}, {shown(sys.executable)}")
    there = {name: found for name, found in versions().items() if found}
    yield Finding(AREA, "versions", "ok", ", ".join(f"{name} {found}" for name, found in there.items()))
    try:
        ours = distribution(OURS)
    except PackageNotFoundError:
        found = f"run from {shown(_folder())}, not installed, so what it needs is not looked at"
        yield Finding(AREA, "explorer", "note", found, "install it: " + pip_line("-e", str(_folder())))
        return
    yield Finding(AREA, "explorer", "ok", f"{ours.version} in {shown(_folder())}")
    if not installed("packaging"):  # comes with bokeh
        found = "packaging is not installed, without which nothing can be compared with what explorer needs"
        yield Finding(AREA, "needed", "problem", found, "run " + pip_line(OURS, upgrade=True))
        return
    yield from _needed(ours)
    yield from _extras(ours)


def lacking(ours: Distribution, extra: str = "") -> list[tuple[Requirement, str]]:
    """What a distribution asks for (with an extra: what that adds) and is not there or too old, with the version that is there."""
    return [(asked, found) for asked in _asked(ours, extra) if not _fits(asked, found := installed(asked.name))]


def _needed(ours: Distribution) -> Iterator[Finding]:
    missing = lacking(ours)
    if missing:
        advice = "install what fits: " + pip_line(*(_plain(asked) for asked, _ in missing))
        yield Finding(AREA, "needed", "problem", "; ".join(_said(*each) for each in missing), advice)
    else:
        yield Finding(AREA, "needed", "ok", f"all {len(_asked(ours, ''))} packages that explorer needs are there and fit")


def _extras(ours: Distribution) -> Iterator[Finding]:
    extras = [name for name in ours.metadata.get_all("Provides-Extra") or [] if name not in FOR_DEVELOPERS]
    missing = {name: lacking(ours, name) for name in extras}
    whole = [name for name in extras if not missing[name]]
    if whole:
        yield Finding(AREA, "extras", "ok", "whole: " + ", ".join(whole))
    for name in extras:
        if missing[name]:
            said = "; ".join(_said(*each) for each in missing[name])
            yield Finding(AREA, f"extra {name}", "note", said, "if you want it: " + pip_line(f"{OURS}[{name}]"))


def _asked(ours: Distribution, extra: str, seen: frozenset[str] = frozenset()) -> list[Requirement]:
    """The requirements of the distribution, or those that an extra adds; extras that are made of other extras are followed."""
    from packaging.requirements import Requirement

    asked = []
    for requirement in map(Requirement, ours.requires or []):
        always = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        wanted = always if not extra else not always and requirement.marker.evaluate({"extra": extra})  # type: ignore[union-attr]
        if wanted and requirement.name == OURS:
            seen |= {extra}
            for other in sorted(requirement.extras - seen):
                asked += _asked(ours, other, seen)
        elif wanted:
            asked.append(requirement)
    return asked


def _fits(asked: Requirement, found: str) -> bool:
    return bool(found) and asked.specifier.contains(found, prereleases=True)


def _plain(asked: Requirement) -> str:
    return f"{asked.name}{asked.specifier}"


def _said(asked: Requirement, found: str) -> str:
    return f"{_plain(asked)} is asked for, {found} is installed" if found else f"{asked.name} is not installed"


def _folder() -> Path:
    return Path(__file__).resolve().parents[2]


__all__ = ["AREA", "OURS", "installed", "lacking", "package_findings", "versions"]
