"""A step: settings declared once, named, recorded and run. Its result: values beside the settings that made them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import os
import pkgutil
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import param

from explorer.errors import Cancelled, InputError, unknown
from explorer.progress import Progress

KINDS = ("extract", "reduce", "cluster")
PARTIAL = ".partial-"  # how the folders begin that hold what a run has so far
ESTIMATORS = {  # which step runs an estimator, by kind
    "reduce": "explorer.reduction.estimator:EstimatorReducer",
    "cluster": "explorer.clustering.estimator:EstimatorClusterer",
}
ADVANCED = 1  # a setting declared with at least this `precedence` is shown under "More settings"


class Kept(Protocol):
    """Files that are not needed any more once a result is saved."""

    def discard(self) -> None:
        """Remove them."""


class Output(NamedTuple):
    """What `Step.compute` may return when there is more to say than the values.

    `arrays` are further per-item arrays of length n (``probability``), exported beside the values; `notes` are sentences for the
    person ("12 missing values were filled with the column's median").

    Where each item's values depend on that item alone, `digests` ``(n, 2)`` uint64 say what they were computed from and `reuse`
    names what computed them, so that a later run can take them over; `lost` says by row why the first thousand have no values;
    `kept` is where the values lie until the result is saved.
    `stopped` says how far a run came that was stopped and keeps what it has ("round 120 of 200").
    """

    values: np.ndarray
    arrays: dict[str, np.ndarray] = {}  # noqa: RUF012  a NamedTuple's default; never edited
    notes: tuple[str, ...] = ()
    digests: np.ndarray | None = None
    reuse: str = ""
    lost: dict[str, str] = {}  # noqa: RUF012  as above
    kept: Kept | None = None
    stopped: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Values beside everything that is needed to make them again.

    Attributes
    ----------
    values
        ``(n, d)`` float32 features, ``(n, 2)`` float32 layout, or ``(n,)`` int32 clusters where -1 is noise. A row without a
        value (an unreadable picture) is NaN, or -1 for clusters.
    key
        Names the result: a hash of method, settings and the input's fingerprint. It is the fingerprint that the next step sees.
    digests, reuse, lost, stopped
        See `Output`. A stopped result has a key of its own, so that it is never taken for the whole one.
    """

    values: np.ndarray
    kind: str
    method: str
    settings: dict[str, Any]
    input: str
    key: str
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digests: np.ndarray | None = None
    reuse: str = ""
    lost: dict[str, str] = field(default_factory=dict)
    kept: Kept | None = None
    stopped: str = ""

    def __repr__(self) -> str:
        """What a cell that ends in a step shows: one line, without the values."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"<Result of {self.method}: {self.values.shape} {self.values.dtype}, {self.seconds:.1f} s; {settings}>"

    @cached_property
    def valid(self) -> np.ndarray:
        """``(n,)`` bool: the rows that have a value."""
        if self.values.ndim == 1:
            return np.ones(len(self.values), bool)
        if self.values.shape[1] > 8:
            return np.asarray(np.isfinite(self.values).all(axis=1))
        return np.logical_and.reduce([np.isfinite(column) for column in self.values.T])  # ten times as quick where they are few

    def record(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON values."""
        names = (
            "kind",
            "method",
            "settings",
            "input",
            "key",
            "seconds",
            "versions",
            *(name for name in ("reuse", "lost", "stopped") if getattr(self, name)),
        )
        return {name: getattr(self, name) for name in names} | {"notes": list(self.notes)}

    def save(self, folder: Path) -> None:
        """Write to `folder`, whole or not at all; a folder that is there already is left alone.

        Beside ``settings.json`` stands ``sums.json``: the SHA-256 of each of its files by name, by which damage is found.
        """
        if not folder.exists():
            self._write(folder)
        if self.kept is not None:
            self.kept.discard()

    def _write(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".writing-{uuid.uuid4().hex}"  # not by tempfile: those are for nobody else to read
        temporary.mkdir()
        try:
            _write_array(temporary / "values.npy", self.values)
            for name, array in self.arrays.items():
                _write_array(temporary / f"array-{name}.npy", array)
            if self.digests is not None:
                _write_array(temporary / "digests.npy", self.digests)
            _write_text(temporary / "settings.json", json.dumps(self.record(), indent=1))
            sums = {path.name: sha256(path) for path in sorted(temporary.iterdir())}
            _write_text(temporary / "sums.json", json.dumps(sums, indent=1))
            os.rename(temporary, folder)
        except OSError:
            if not folder.exists():  # another process may have written the same result first; then there is nothing to do
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> Result:
        """Read a saved result back; its arrays are memory-mapped, read only. Values kept as float16 come back as float32."""
        record = json.loads((folder / "settings.json").read_text("utf-8"))
        arrays = {
            path.stem.removeprefix("array-"): np.load(path, mmap_mode="r", allow_pickle=False)
            for path in sorted(folder.glob("array-*.npy"))
        }
        values = np.load(folder / "values.npy", mmap_mode="r", allow_pickle=False)
        digests = folder / "digests.npy"
        values = values.astype(np.float32) if values.dtype == np.float16 else values
        return cls(
            values, **(record | {"notes": tuple(record["notes"])}), arrays=arrays,
            digests=np.load(digests, mmap_mode="r", allow_pickle=False) if digests.exists() else None,
        )  # fmt: skip


class Settings(param.Parameterized):
    """Settings declared once with `param`: checked, read out of text, described and recorded from that one declaration."""

    method: ClassVar[str] = ""  # what messages call them by

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.set(**settings)

    def set(self, **settings: Any) -> None:
        """Change settings, all or none.

        Raises
        ------
        InputError
            For a name that is not a setting, or a value that is not allowed.
        """
        for name in settings:
            self._declared(name)
        before = {name: getattr(self, name) for name in settings}
        try:
            for name, value in settings.items():
                if isinstance(value, float) and math.isnan(value):  # within no bounds, and beyond none
                    raise ValueError(f"'{name}' is not a number")
            self.param.update(**settings)
        except (ValueError, TypeError) as problem:
            self.param.update(**before)  # param keeps what it had changed before the one that is not allowed
            name = next((n for n in settings if f".{n}'" in str(problem) or f"'{n}'" in str(problem)), next(iter(settings)))
            raise InputError(
                f"{self.method}: {name}={settings[name]!r} is not allowed; {name} takes {self.allowed(name)}"
            ) from problem

    @classmethod
    def setting_names(cls) -> list[str]:
        """The settings' names, in the order they are shown."""
        names = [name for name in cls.param if name != "name" and not name.startswith("_")]
        return sorted(names, key=lambda name: cls.param[name].precedence or 0)

    @classmethod
    def _declared(cls, name: str) -> Any:
        if name not in cls.setting_names():
            raise unknown(f"setting of {cls.method!r}", name, cls.setting_names())
        return cls.param[name]

    @classmethod
    def allowed(cls, name: str) -> str:
        """In words, what a setting may be."""
        declared = cls._declared(name)
        if isinstance(declared, param.Selector):
            return "one of " + ", ".join(str(choice) for choice in declared.objects)
        if isinstance(declared, param.Boolean):
            return "true or false"
        if declared.constant:
            return "no other value here"
        if isinstance(declared, param.List):
            return "a list, or names separated by commas"
        if isinstance(declared, param.Number):
            what = "a whole number" if isinstance(declared, param.Integer) else "a number"
            low, high = declared.bounds or (None, None)
            span = ("" if low is None else f" from {low:,}") + ("" if high is None else f" to {high:,}")
            return what + span + (", or none" if declared.allow_None else "")
        return "text"

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """A setting's value out of text, as the command line gives it."""
        declared = cls._declared(name)
        if declared.allow_None and text.lower() in {"none", ""}:
            return None
        if isinstance(declared, param.Boolean):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)
        if isinstance(declared, param.List):
            return [part.strip() for part in text.split(",") if part.strip()]
        if isinstance(declared, param.Selector):
            return next((choice for choice in declared.objects if str(choice) == text), text)
        try:
            if isinstance(declared, param.Integer):
                return int(text)
            if isinstance(declared, param.Number):
                return float(text)
        except ValueError:
            return text  # `set` says what is allowed
        return text

    @classmethod
    def taken(cls, name: str, value: Any) -> Any:
        """A setting's value as a page sends it: to a page 3.0 and 3 are the same."""
        whole = isinstance(value, float) and value.is_integer() and isinstance(cls._declared(name), param.Integer)
        return int(value) if whole else value

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """The settings as plain data, for the page's controls and for ``explorer methods --json``."""
        rows = []
        for name in cls.setting_names():
            declared = cls._declared(name)
            row: dict[str, Any] = {"name": name, "default": declared.default, "doc": declared.doc, "type": "text"}
            row["advanced"] = (declared.precedence or 0) >= ADVANCED
            row["optional"] = bool(declared.allow_None)
            if isinstance(declared, param.Selector):
                row |= {"type": "choice", "choices": list(declared.objects)}
            elif declared.constant:
                row["type"] = "fixed"
            elif isinstance(declared, param.Boolean):
                row["type"] = "switch"
            elif isinstance(declared, param.List):
                row["type"] = "list"
            elif isinstance(declared, param.Number):
                row["type"] = "integer" if isinstance(declared, param.Integer) else "number"
                row |= {"bounds": list(declared.bounds or (None, None)), "step": declared.step}
                row["softbounds"] = list(declared.get_soft_bounds())
            rows.append(row)
        return rows

    def settings(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return {name: getattr(self, name) for name in self.setting_names()}


class Step(Settings):
    """A named, recorded computation. Subclass it, declare settings with `param`, and write `compute`.

    A step holds settings and no results, so that the same one can be run on anything. Register a subclass by an entry point in the
    group ``explorer.extract``, ``explorer.reduce`` or ``explorer.cluster`` to have it listed, or give an instance to the session.
    """

    kind: ClassVar[str] = ""
    version: ClassVar[int] = 1  # raise it when the same settings begin to mean something else
    packages: ClassVar[tuple[str, ...]] = ()  # distributions whose versions are recorded with each result

    random_state = param.Integer(
        0, bounds=(0, 2**32 - 1), precedence=9, doc="Seed of all that is random; the same seed gives the same result."
    )

    store: Path | None = None  # during a run: where results of this method are kept, for what may be taken over from them
    beside: Mapping[str, np.ndarray] = MappingProxyType({})  # what it `wants`, by name, each of n rows; part of the result's key

    def copy(self) -> Step:
        """A private copy: changing one never changes the other."""
        return type(self)(**self.settings())

    def outside(self) -> str:
        """A fingerprint of what the result depends on besides data and settings: a model's files; empty where there is nothing."""
        return ""

    def wants(self) -> dict[str, str]:
        """What it needs besides the data: arrays of n rows, by name, and which; the session puts them into `beside`."""
        return {}

    def key(self, fingerprint: str) -> str:
        """The name of this step's result on an input with that fingerprint."""
        identity = [self.kind, self.method, self.version, self.settings(), fingerprint]
        identity += [state] if (state := self.outside()) else []
        identity += [{name: fingerprint_array(array) for name, array in self.beside.items()}] if self.beside else []
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]

    def run(
        self, data: Any, progress: Progress | None = None, *, fingerprint: str | None = None, store: Path | None = None
    ) -> Result:
        """Compute on `data` (a Dataset for extractors, else an array) and remember the settings.

        Parameters
        ----------
        fingerprint
            Names the input; worked out from the data where it is not given.
        store
            The folder of this method's results, where a run that was killed has left what it had.

        Raises
        ------
        InputError
            When the data cannot be used, with what to do.
        Cancelled
            When `progress` says that Stop was pressed; nothing is left behind.
        """
        step, progress = self.copy(), progress or Progress()
        step.store, step.beside = store, self.beside
        source = fingerprint or getattr(data, "fingerprint", None) or fingerprint_array(np.asarray(data))
        started = time.perf_counter()
        progress(0.0)
        output = step.apply(data, progress)
        (progress.tell if output.stopped or progress.keeps else progress)(1.0)  # Stop has been obeyed: what there is is kept
        key = step.key(source)
        if output.stopped:
            key = hashlib.sha256(f"{key} {output.stopped}".encode()).hexdigest()[:24]
        return Result(
            output.values, self.kind, self.method, step.settings(), source, key,
            round(time.perf_counter() - started, 3), _versions(self.packages), dict(output.arrays), tuple(output.notes),
            output.digests, output.reuse, dict(output.lost), output.kept, output.stopped,
        )  # fmt: skip

    def apply(self, data: Any, progress: Progress) -> Output:
        """Check the input and call `compute`; each kind of step has its own."""
        return as_output(self.compute(data, progress))

    def compute(self, data: Any, progress: Progress) -> np.ndarray | Output:
        """Override this. Call `progress` at least once a batch."""
        raise TypeError(f"{type(self).__name__} has no compute method; a step must have one")


def as_output(made: np.ndarray | Output) -> Output:
    """What `compute` gave, as an `Output`."""
    return made if isinstance(made, Output) else Output(np.asarray(made))


def find(kind: str, method: Any, **settings: Any) -> Step:
    """The step of that name, or the one that was given, with `settings` on top.

    Parameters
    ----------
    method
        A registered name, a `Step` or a subclass of it, or an estimator that follows scikit-learn's contract.

    Raises
    ------
    InputError
        For a name that is not known (the closest right one is offered), or a step of another kind.
    """
    if isinstance(method, Step):
        step = method.copy()
    elif isinstance(method, type) and issubclass(method, Step):
        step = method()
    elif hasattr(method, "get_params"):
        step = _estimated(kind, method)
    elif method in names(kind):
        step = class_of(kind, method)()
    elif isinstance(method, str) and "." in method:
        raise pkgutil.resolve_name("explorer.estimators:gone")(kind, method)
    elif not isinstance(method, str):
        raise InputError(
            f"session.{kind} takes a method's name, a Step or an estimator with get_params, and {type(method).__name__!r} is none"
        )
    else:
        raise unknown(f"method to {kind}", method, names(kind))
    if step.kind != kind:
        raise InputError(f"{step.method!r} is a method to {step.kind}, not to {kind}: use session.{step.kind}(...)")
    step.set(**settings)
    return step


@cache
def _entry_points(kind: str) -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=f"explorer.{kind}")}


def names(kind: str) -> list[str]:
    """The registered methods of a kind: ours and those of installed plug-ins."""
    return list(_entry_points(kind))


@cache
def class_of(kind: str, method: str) -> type[Step]:
    """The class that is registered by that name, which is loaded now."""
    loaded = _entry_points(kind)[method].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Step)):
        raise InputError(f"the plug-in {method!r} of explorer.{kind} is not a Step; ask its author, or uninstall it")
    return loaded


def _estimated(kind: str, estimator: Any) -> Step:
    """A step around an estimator, by the room of its kind; by name, because rooms above this one are not imported here."""
    if kind not in ESTIMATORS:
        raise InputError(
            "features cannot be computed by an estimator: transform the data first and give explorer.read what comes out, "
            "or write an Extractor"
        )
    made: Step = pkgutil.resolve_name(ESTIMATORS[kind]).of(estimator)
    return made


def registered(kind: str, method: str) -> bool:
    """Whether a child process would find the method by its name."""
    return method in names(kind)


def fingerprint_array(array: np.ndarray) -> str:
    """A hash of an array's shape, type and bytes."""
    digest = hashlib.sha256(f"{array.shape}{array.dtype}".encode())
    rows = max(1, (1 << 24) // max(1, array[:1].nbytes)) if array.ndim else 1
    for start in range(0, len(array), rows):
        digest.update(np.ascontiguousarray(array[start : start + rows]).view(np.uint8).data)
    return digest.hexdigest()[:24]


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in ("embedding-explorer", "numpy", *packages):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_text(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _write_array(path: Path, array: np.ndarray) -> None:
    if isinstance(array, np.memmap) and array.filename is not None and Path(array.filename).parent.name.startswith(PARTIAL):
        try:
            os.link(array.filename, path)  # it was put on disk by the step, as a whole and for this
            return
        except OSError:  # another disk, or one without links: copied below
            pass
    with open(path, "wb") as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


__all__ = [
    "KINDS", "Cancelled", "Output", "Progress", "Result", "Settings", "Step", "class_of", "find", "fingerprint_array", "names",
    "registered", "sha256",
]  # fmt: skip
