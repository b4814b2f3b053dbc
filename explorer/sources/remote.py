"""Sources by address: fetched once into a cache on this machine, then read as any file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from explorer.errors import InputError, MissingExtra, listed
from explorer.sources import cache, web

THREADS = 8
MOST_FILES = 1_000_000
BLOCK = 1 << 20
LOCAL = ("file", "local")
# File systems that are made of others: what they open is more than what the address says.
WRAPPING = (
    "blockcache", "cached", "filecache", "simplecache", "dir", "generic", "libarchive", "reference", "tar", "zip", "data", "git",
)  # fmt: skip
PACKAGES = {"gcsfs": "gcsfs", "s3fs": "s3fs", "adlfs": "adlfs", "ossfs": "ossfs", "huggingface_hub": "huggingface_hub"}


def fetched(address: str) -> Path:
    """Where what lies at an address now lies on this machine; a second time, and unchanged, it is not fetched again.

    Raises
    ------
    InputError
        In one sentence: when there is nothing, it is too large, no package knows its kind of address, or fetching breaks off.
    """
    if "::" in address:
        raise InputError(f"{address!r} is a chain of addresses; give one, of a file or a folder")
    protocol, _, rest = address.partition(":")
    protocol = protocol.lower()
    address = f"{protocol}://{rest.lstrip('/')}" if protocol not in LOCAL else address  # pathlib drops a slash
    if protocol in LOCAL:
        return _local(address)
    if protocol in web.SCHEMES:
        return _fetched_page(address)
    if protocol in WRAPPING:
        raise InputError(f"{protocol}:// addresses are not fetched; give the address of the file or folder itself")
    with _sayable(address):
        return _fetched_tree(address, protocol)


def _local(address: str) -> Path:
    """A path written as an address, read where it is."""
    parts = urlsplit(address)
    if parts.netloc not in {"", "localhost"}:
        raise InputError(f"{address!r} lies on {parts.netloc!r}, not on this machine; write file:///folder/file")
    return Path(url2pathname(parts.path) if "%" in parts.path else unquote(parts.path))


def _fetched_page(address: str) -> Path:
    name = unquote(PurePosixPath(urlsplit(address).path).name)
    _check_ending(name, web.shown(address))
    bounds = web.Bounds(cache.MOST_BYTES, quiet=60.0, public=False)
    size, state = None, ""
    with suppress(InputError):  # some servers answer no such question, and would say what is wrong when asked for the file
        size, state = web.state_of(address, bounds)
    cache.check_room(size or 0, web.shown(address))
    plain = name if cache.safe(name) else f"file{Path(name).suffix.lower()}"
    entry = cache.kept("fetched", cache.named(address, size, state), lambda folder: web.save(address, folder / plain, bounds))
    return entry / plain


def _check_ending(name: str, shown: str) -> None:
    """Said before anything is fetched in vain."""
    from explorer.sources import READERS

    if PurePosixPath(name).suffix.lower() not in READERS:
        raise InputError(f"{shown} names no file that can be read; give one ending in {listed(READERS, 30)}")


def _fetched_tree(address: str, protocol: str) -> Path:
    """A file, or a folder with all that is in it."""
    system, path = _system(address, protocol)
    top = system.info(path)
    if top.get("type") == "directory":
        files = {name: info for name, info in system.find(path, detail=True).items() if info.get("type") == "file"}
    else:
        files = {path: top}
        _check_ending(path, repr(address))
    name = path.rstrip("/").rpartition("/")[2] or "files"
    plain = name if cache.safe(name) else "files"
    if not files or len(files) > MOST_FILES:
        raise InputError(f"{address!r} holds {len(files):,} files; 1 to {MOST_FILES:,} are allowed")
    cache.check_room(sum(int(info.get("size") or 0) for info in files.values()), repr(address))
    states = sorted((each, *_state(info)) for each, info in files.items())
    targets = {each: _target(plain, each, path) for each in files}
    entry = cache.kept("fetched", cache.named(address, states), lambda folder: _copy(system, targets, files, folder))
    return entry / plain


def _system(address: str, protocol: str) -> tuple[Any, str]:
    if find_spec("fsspec") is None:
        raise MissingExtra("reading addresses", "remote")
    from fsspec.core import url_to_fs
    from fsspec.registry import available_protocols, known_implementations

    if protocol not in available_protocols():
        raise InputError(
            f"no addresses are called {protocol}://; known are https, s3, gs, hf, sftp and what fsspec knows beside them"
        )
    try:
        system, path = url_to_fs(address)
    except ImportError as problem:
        module = str(known_implementations.get(protocol, {}).get("class", "")).partition(".")[0]
        package = PACKAGES.get(module)
        hint = f"pip install {package}" if package else str(problem).splitlines()[0][:160]
        raise InputError(f"reading {protocol}:// addresses needs a package that is not installed: {hint}") from problem
    return system, str(path)


def _state(info: dict[str, Any]) -> tuple[str, ...]:
    """What tells one state of a file from the next, by whatever name its system knows it."""
    return tuple(
        str(info.get(name) or "")
        for name in ("size", "ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")
    )


def _target(plain: str, name: str, base: str) -> PurePosixPath:
    inside = name.removeprefix(base).strip("/")
    target = cache.safe(f"{plain}/{inside}" if inside else plain)
    if target is None or not name.startswith(base):
        raise InputError(f"{name!r} is not a name that can be written inside a folder: give the address of one file")
    return target


def _copy(system: Any, targets: dict[str, PurePosixPath], files: dict[str, Any], folder: Path) -> None:
    def one(name: str) -> None:
        to = folder / targets[name]
        to.parent.mkdir(parents=True, exist_ok=True)
        size, got = files[name].get("size"), 0
        with system.open(name, "rb") as source, to.open("xb") as file:
            while block := source.read(BLOCK):
                got += len(block)
                if got > (cache.MOST_BYTES if size is None else int(size)):
                    raise InputError(f"{name!r} is larger than its server said ({size:,} bytes): try again")
                file.write(block)
        if size is not None and got < int(size):
            raise InputError(f"{name!r} was cut off after {got:,} of {int(size):,} bytes: try again")
        os.utime(to, (0, 0))  # its contents are what it is, not when it was fetched

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(one, targets):
            pass


@contextmanager
def _sayable(address: str) -> Iterator[None]:
    """What a file system of another's making may raise, in one sentence."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as problem:
        raise InputError(f"there is nothing at {address!r}: check the address") from problem
    except Exception as problem:  # whatever a package that we do not know raises for a network that fails
        said = str(problem).splitlines()[0][:160] if str(problem) else type(problem).__name__
        raise InputError(f"{address!r} cannot be fetched ({said}): check the address, your rights and the network") from problem
