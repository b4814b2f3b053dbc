"""Zipped folders and files: unpacked into the cache as something nobody should trust, then read as what is in them."""

from __future__ import annotations

import calendar
import errno
import json
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from explorer.dataset.columns import PICTURE_ENDINGS, SOUND_ENDINGS
from explorer.errors import InputError, listed
from explorer.sources import cache
from explorer.sources.found import Found, sayable
from explorer.sources.options import Options

MOST_MEMBERS = 2_000_000
RATIO, SUSPECT = 200, 100 << 20  # times its size that a zip may grow to, where that is over so many bytes
BLOCK = 1 << 20
NOTES = "notes.json"
CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
ENCRYPTED, UTF8 = 0x1, 0x800  # of a member's flags
REGULAR = 0o100000  # of a member's kind, where a Unix system wrote it
# what zipfile was seen to raise for damaged files
DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, UnicodeError, ValueError, RuntimeError,
    NotImplementedError, LookupError, OverflowError, TypeError,
)  # fmt: skip


def read_zip(path: Path, options: Options) -> Found:
    """What is in a zip: the one file that can be read, or the folder (the one top folder is stepped into).

    Raises
    ------
    InputError
        For a damaged, encrypted or empty zip, one that would grow past 64 GiB, the disk or 200 times its size, or has more than
        two million members; and whatever reading what is in it raises.
    """
    state = path.stat()
    name = cache.named(str(path.resolve()), state.st_size, state.st_mtime_ns)
    stem = path.stem if cache.safe(path.stem) and path.stem != NOTES else "files"
    with path.open("rb") as stream:
        entry = cache.kept("unpacked", name, lambda folder: _unpack(stream, path.name, folder, stem))
    with sayable(path):
        found = _read(entry / stem, path.name, options)
    found.name = path.stem or found.name
    found.notes += json.loads((entry / NOTES).read_text("utf-8"))
    return found


def _read(folder: Path, called: str, options: Options) -> Found:
    from explorer.sources import READERS, Reader, reader, reader_of_folder

    files = list(_files(folder))
    if not files:
        raise InputError(f"{called!r} has nothing in it that can be read: zip a folder of pictures or sounds, or one file")
    readable = [path for path in files if path.suffix.lower() in READERS and path.suffix.lower() != ".zip"]
    media = any(path.name.lower().endswith((*PICTURE_ENDINGS, *SOUND_ENDINGS)) for path in files)
    if len(files) == 1 and files[0].suffix.lower() == ".zip":
        raise InputError(f"{called!r} holds another zip, {files[0].name!r}, which is not opened: unpack it and give what is in it")
    folder = _within(folder)
    chosen = reader_of_folder(folder)
    if len(readable) == 1 and (len(files) == 1 or (not media and chosen is reader("images:read_folder"))):
        return cast(Reader, reader(READERS[readable[0].suffix.lower()]))(readable[0], options)
    return chosen(folder, options)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in CLUTTER]
        yield from (Path(place) / name for name in names if name not in CLUTTER)


def _within(folder: Path) -> Path:
    """The folder in which there is more than one thing."""
    while True:
        held = [each for each in folder.iterdir() if each.name not in CLUTTER]
        if len(held) != 1 or not held[0].is_dir():
            return folder
        folder = held[0]


def _unpack(stream: IO[bytes], called: str, folder: Path, stem: str) -> None:
    with _sayable(called), zipfile.ZipFile(stream) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check(called, os.fstat(stream.fileno()).st_size, members)
        base = folder / stem
        base.mkdir()
        skipped: dict[str, list[str]] = {}
        for member in members:
            name, reason = _allowed(member)
            reason = reason or _written(archive, member, base / name)
            if reason:
                skipped.setdefault(reason, []).append(member.filename)
    notes = [f"{len(names):,} files in the zip {reason} and were left out: {_few(names)}" for reason, names in skipped.items()]
    (folder / NOTES).write_text(json.dumps(notes), "utf-8")


def _check(called: str, size: int, members: list[zipfile.ZipInfo]) -> None:
    grown = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise InputError(f"{called!r} holds {len(members):,} files; {MOST_MEMBERS:,} are allowed: unpack it and give the folder")
    if encrypted := [member.filename for member in members if member.flag_bits & ENCRYPTED]:
        raise InputError(f"{called!r} is encrypted ({_few(encrypted)}): unpack it with its password and give the folder")
    if grown > SUSPECT and grown > RATIO * size:
        said = f"{size:,} bytes would become {grown:,}"
        raise InputError(f"{called!r} would grow more than {RATIO} times ({said}): if you trust it, unpack it and give the folder")
    cache.check_room(grown, repr(called))


def _allowed(member: zipfile.ZipInfo) -> tuple[PurePosixPath, str]:
    """Where a member goes, or why it is left out."""
    name = member.filename
    if not member.flag_bits & UTF8:  # many write UTF-8 and forget to say so
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename
    path = cache.safe(name)
    kind = (member.external_attr >> 16) & 0o170000
    if kind not in {0, REGULAR}:
        return PurePosixPath(), "are links or devices"
    return (path, "") if path is not None else (PurePosixPath(), "have names that may lead outside")


def _written(archive: zipfile.ZipFile, member: zipfile.ZipInfo, to: Path) -> str:
    """Write one member, with its own time, so that unpacking again gives the same; or say why it is left out."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        target = open(to, "xb")  # noqa: SIM115  closed below
    except (FileExistsError, NotADirectoryError):
        return "have the name of another file"
    except OSError as problem:
        if problem.errno == errno.ENAMETOOLONG:
            return "have names that are too long"
        raise
    with target, archive.open(member) as source:
        written = 0
        while block := source.read(BLOCK):
            written += len(block)
            if written > member.file_size:
                raise zipfile.BadZipFile(f"{member.filename!r} is larger than it says")
            target.write(block)
    moment = _moment(member)
    os.utime(to, (moment, moment))
    return ""


def _moment(member: zipfile.ZipInfo) -> float:
    try:
        return float(calendar.timegm((*member.date_time, 0, 0, 0)))  # no zone: the same wherever it is unpacked
    except (ValueError, OverflowError):
        return 315_532_800.0  # 1980, where a zip's time begins


@contextmanager
def _sayable(name: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except DAMAGED as problem:
        said = str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__
        raise InputError(f"{name!r} cannot be unpacked ({said}): is the copy complete, and is it a zip?") from problem


def _few(names: list[str]) -> str:
    return listed((repr(name) for name in names), 3)
