"""Columns of addresses: the pictures or sounds they name are fetched into the cache, and only when that was allowed."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from explorer.dataset.columns import PICTURE_ENDINGS, SOUND_ENDINGS
from explorer.errors import InputError, listed
from explorer.sources import cache
from explorer.sources.options import Options

ADDRESS = r"^\s*(?i:https?)://"
THREADS = 8
MOST_BYTES, QUIET, SECONDS = 50 << 20, 20.0, 120.0  # of one file
TOLD = 1_000  # values looked at for a note
SHELF = "downloads"


def localised(table: pa.Table, kinds: dict[str, str], options: Options) -> tuple[pa.Table, list[str]]:
    """The table with paths of fetched files where its picture and sound columns held addresses, and notes.

    What cannot be fetched is None. Columns nobody named are left as they are, and a note says so.

    Parameters
    ----------
    kinds
        Kinds of columns; only those of text are looked at.

    Raises
    ------
    InputError
        When a named column holds addresses but fetching was not allowed, or more than half of them cannot be fetched.
    """
    notes = []
    for option, name in (("image", options.image), ("audio", options.audio)):
        if name and _holds_addresses(table, name):
            if not options.allow_download:
                raise _not_allowed(table.column(name), name, option)
            column, said = _fetched(table.column(name), name)
            table = table.set_column(table.column_names.index(name), name, column)
            notes += said
    named = {options.image, options.audio, options.id, options.text}
    return table, notes + [said for name in kinds if name not in named for said in _hint(table, name)]


def _holds_addresses(table: pa.Table, name: str) -> bool:
    if name not in table.column_names or not _is_text(table.column(name).type):
        return False
    return bool(pc.any(pc.match_substring_regex(table.column(name), ADDRESS)).as_py())


def _addresses(column: pa.ChunkedArray) -> list[str]:
    """The different addresses, in the order in which they come."""
    found = column.filter(pc.fill_null(pc.match_substring_regex(column, ADDRESS), False))
    return [str(each) for each in pc.unique(found).to_pylist()]


def _not_allowed(column: pa.ChunkedArray, name: str, option: str) -> InputError:
    addresses = _addresses(column)
    hosts = Counter(_host(address) for address in addresses)
    few = listed((host for host, _ in hosts.most_common()), 3)
    plural = "es" * (len(addresses) != 1)
    return InputError(
        f"the column {name!r} (--{option}) holds {len(addresses):,} address{plural} on {len(hosts):,} "
        f"server{'s' * (len(hosts) != 1)} ({few}), and nothing is fetched unasked: give --allow-download to fetch them"
    )


def _fetched(column: pa.ChunkedArray, name: str) -> tuple[pa.ChunkedArray, list[str]]:
    addresses = _addresses(column)
    shelf = cache.place() / SHELF
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(shelf)
        with ThreadPoolExecutor(THREADS) as pool:
            paths = list(pool.map(lambda address: _one(address, shelf), addresses))
    except OSError as problem:
        raise cache.unwritable(problem) from problem
    known = {address: path for address, path in zip(addresses, paths, strict=True) if isinstance(path, str)}
    failed = [str(path) for path in paths if isinstance(path, InputError)]
    if len(failed) * 2 > len(addresses):
        raise InputError(f"{len(failed):,} of {len(addresses):,} addresses in the column {name!r} cannot be fetched: {failed[0]}")
    kept = {address: known.get(address) for address in addresses}
    values = pa.array([kept.get(value, value) for value in column.to_pylist()], pa.string())
    notes = (
        [f"{len(failed):,} of {len(addresses):,} addresses in {name!r} cannot be fetched: {listed(failed, 2)}"] if failed else []
    )
    return pa.chunked_array([values]), notes


def _one(address: str, shelf: Path) -> str | InputError:
    """Where a file lies in the cache, fetched now if it was not there; or why it cannot be."""
    from explorer.sources import web  # and with it all that speaks to servers: most tables ask for none of it

    plain = address.strip()
    name = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
    to = shelf / name[:2] / (name + _ending(plain))
    if to.is_file():
        os.utime(to, (time.time(), 0))
        return str(to)
    to.parent.mkdir(exist_ok=True, mode=0o700)
    if shutil.disk_usage(shelf).free < cache.LEFT_FREE:
        raise InputError(f"the disk of {str(shelf)!r} is full: set EXPLORER_CACHE to a folder with more room")
    bounds = web.Bounds(MOST_BYTES, QUIET, SECONDS, public=not web.private_allowed())
    number, part = tempfile.mkstemp(prefix=cache.MARK, dir=to.parent)
    os.close(number)
    try:
        web.save(plain, Path(part), bounds)
        os.utime(part, (time.time(), 0))  # read when it was used, and changed never: fetched again it is the same item
        os.replace(part, to)
        return str(to)
    except InputError as problem:
        return problem
    finally:
        Path(part).unlink(missing_ok=True)


def _sweep(shelf: Path) -> None:
    """Remove files that nobody used for a month."""
    now = time.time()
    for path in shelf.glob("??/*"):
        try:
            unfinished = path.name.startswith(cache.MARK)
            found = path.stat()
            if now - max(found.st_atime, found.st_mtime) > (cache.ABANDONED if unfinished else cache.UNUSED):
                path.unlink()
        except OSError:  # another run was quicker
            continue


def _hint(table: pa.Table, name: str) -> list[str]:
    """What to say of a column that looks like addresses of pictures or sounds."""
    if name not in table.column_names or not _is_text(table.column(name).type):
        return []
    values = [value.strip() for value in table.column(name).slice(0, TOLD).to_pylist() if value]
    paths = [_path(value) for value in values if value.lower().startswith(("http://", "https://"))]
    for option, plural, endings in (("image", "pictures", PICTURE_ENDINGS), ("audio", "sounds", SOUND_ENDINGS)):
        if sum(path.endswith(endings) for path in paths) * 2 > len(values):
            return [f"the column {name!r} holds addresses of {plural}; give --{option} {name} --allow-download to fetch them"]
    return []


def _ending(address: str) -> str:
    return next((ending for ending in (*PICTURE_ENDINGS, *SOUND_ENDINGS) if _path(address).endswith(ending)), "")


def _path(address: str) -> str:
    try:
        return urlsplit(address).path.lower()
    except ValueError:  # brackets that are no number
        return ""


def _host(address: str) -> str:
    try:
        host = urlsplit(address.strip()).hostname or "?"
    except ValueError:
        return "?"
    return host if host.isprintable() else repr(host)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
