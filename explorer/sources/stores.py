"""HDF5 files and Zarr folders as one thing: groups, their attributes and arrays, with nothing followed that leads elsewhere."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import InputError, MissingExtra
from explorer.sources.options import tidy_name

MOST_CHUNK = 1 << 30  # bytes that are unpacked at once, where the file decides on it
# what a Zarr array may be packed with; `pickle` is not among them, since it would run what it unpacks
PACKED = {
    "bytes", "endian", "transpose", "crc32c", "sharding_indexed", "vlen-utf8", "gzip", "zlib", "zstd", "blosc", "lz4", "bz2",
    "lzma", "shuffle", "delta", "fletcher32",
}  # fmt: skip
DAMAGED = (
    OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, OverflowError, MemoryError, NotImplementedError,
    AttributeError, RecursionError, AssertionError, struct.error, zlib.error,
)  # fmt: skip


class Node:
    """A group or an array of a store.

    Parameters
    ----------
    held
        What the store's library gives.
    what
        What messages call it: the file and the path in it.
    """

    def __init__(self, held: Any, what: str) -> None:
        self._held, self.what = held, what

    @property
    def is_array(self) -> bool:
        """Whether it is an array rather than a group."""
        return hasattr(self._held, "shape")

    @property
    def names(self) -> list[str]:
        """What lies in a group, sorted: a folder's order is whatever its disk makes of it."""
        return [] if self.is_array else sorted(str(name) for name in self._held)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Node:
        """What lies in a group under a name (which is never a path).

        Raises
        ------
        InputError
            When there is none, or it lies outside of the file.
        """
        if name not in self.names:
            raise InputError(f"{self.what} has no {tidy_name(name)!r}: write it again")
        found = type(self)(self._inside(name), f"{self.what}/{tidy_name(name)}")
        if found.is_array:
            found._check()
        return found

    def get(self, name: str) -> Node | None:
        """What lies in a group under a name, or None."""
        return self[name] if name in self.names else None

    def attribute(self, name: str) -> Any:
        """An attribute as plain Python has it: text, a number, or a list of them; None where there is none."""
        value = self._held.attrs.get(name)
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        if isinstance(value, list):
            return [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in value]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    @property
    def shape(self) -> tuple[int, ...]:
        """An array's."""
        return tuple(int(size) for size in self._held.shape)

    @property
    def kind(self) -> str:
        """Numpy's letter of what an array holds (b, i, u or f), or "text", or nothing for what is not read."""
        raise NotImplementedError

    @property
    def band(self) -> int:
        """How many rows of an array are packed together."""
        return int(self._held.chunks[0]) if self._held.chunks and self.shape else 1

    def values(self, start: int, stop: int) -> np.ndarray:
        """Some rows of numbers."""
        return np.asarray(self._held[start:stop])

    def texts(self, start: int, stop: int) -> list[str]:
        """Some rows of texts."""
        raise NotImplementedError

    def _inside(self, name: str) -> Any:
        raise NotImplementedError

    def _check(self) -> None:
        size = int(np.prod(self._held.chunks or (0,), dtype=np.float64)) * max(1, self._held.dtype.itemsize)
        if size > MOST_CHUNK:
            raise InputError(f"{self.what} is packed in pieces of {size / 2**30:,.1f} GiB, too much at once: write it again")


class _H5(Node):
    @property
    def kind(self) -> str:
        import h5py

        if h5py.check_string_dtype(self._held.dtype) is not None:
            return "text"
        return str(self._held.dtype.kind) if self._held.dtype.kind in "biuf" else ""

    def texts(self, start: int, stop: int) -> list[str]:
        return [str(one) for one in self._held.asstr(errors="replace")[start:stop].tolist()]

    def _inside(self, name: str) -> Any:
        import h5py

        if not isinstance(self._held.get(name, getlink=True), h5py.HardLink):
            raise InputError(f"{self.what}/{tidy_name(name)} is a link to elsewhere, which is not followed: write it whole")
        return self._held[name]

    def _check(self) -> None:
        if self._held.external or self._held.is_virtual:
            raise InputError(f"{self.what} lies in another file, which is not opened: write it whole")
        super()._check()


class _Zarr(Node):
    @property
    def kind(self) -> str:
        kind = str(self._held.dtype.kind)
        return "text" if kind in "UTO" else kind if kind in "biuf" else ""

    def texts(self, start: int, stop: int) -> list[str]:
        return [str(one) for one in np.asarray(self._held[start:stop]).tolist()]

    def _inside(self, name: str) -> Any:
        return self._held[name]

    def _check(self) -> None:
        packed = set(_packing(self._held.metadata.to_dict()))
        if odd := sorted(packed - PACKED):
            raise InputError(f"{self.what} is packed with {tidy_name(odd[0])!r}, which is not unpacked: write it again with zstd")
        if self._held.dtype.kind == "O" and "vlen-utf8" not in packed:
            raise InputError(f"{self.what} holds Python objects, which could run code and are never opened: write them as text")
        super()._check()


def _packing(about: Any) -> Iterator[str]:
    """The names of all that an array is packed with, by what its metadata says."""
    codecs = about.get("codecs") or [*(about.get("filters") or ()), about.get("compressor")]
    for codec in codecs:
        if codec is not None:
            yield str(codec.get("name") or codec.get("id")).removeprefix("numcodecs.")
            inner = codec.get("configuration") or {}
            for one in ("codecs", "index_codecs"):
                if isinstance(inner, dict) and inner.get(one):
                    yield from _packing({"codecs": inner[one]})


@contextmanager
def opened(path: Path) -> Iterator[Node]:
    """The top of an HDF5 file or a Zarr folder.

    Raises
    ------
    MissingExtra
        When the library that reads it is not installed.
    InputError
        Whatever goes wrong inside: a file that is damaged breaks anywhere.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that may change one day
            if path.is_dir():
                yield _Zarr(_zarr(path), path.name)
            else:
                _needs("h5py")
                import h5py

                with h5py.File(path, "r") as file:
                    yield _H5(file, path.name)
    except InputError:
        raise
    except DAMAGED as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
        what = "Zarr folder" if path.is_dir() else "HDF5 file"
        raise InputError(f"{path.name} is no {what}, or is cut off or damaged ({said}): write it again") from problem


def _zarr(path: Path) -> Any:
    _needs("zarr")
    import zarr

    inside = path.resolve()
    for place, folders, files in os.walk(path):
        for name in (*folders, *files):
            one = Path(place) / name
            if one.is_symlink() and not one.resolve().is_relative_to(inside):
                where = tidy_name(one.relative_to(path))
                raise InputError(f"{path.name}: {where!r} is a link that leads out of the folder: copy it whole")
    return zarr.open_group(str(path), mode="r", use_consolidated=False)


def _needs(package: str) -> None:
    if find_spec(package) is None:
        raise MissingExtra("reading AnnData", "anndata")
