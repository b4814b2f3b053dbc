"""What is dropped onto the page: it comes in pieces into a folder of our own, and is the same place again for the same content."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import Any

from explorer.errors import InputError
from explorer.sources.cache import safe
from explorer.views.start.places import data_folder

LARGEST = 8 << 30  # bytes of all that is dropped at once
MOST_FILES = 50_000
LEFT_FREE = 1 << 30  # bytes of the disk that are left alone
PIECE = 4 << 20  # bytes of a file in one request
AT_ONCE = 4  # drops that are on their way
SILENT = 120.0  # seconds without a piece after which a drop gives way to another: its page was closed, perhaps
UNFINISHED = ".part-"
ABANDONED = 86_400.0  # seconds after which what was left unfinished by a server that was killed goes
LONGEST = 200  # bytes of one name
SEVERAL = "dropped files"  # the folder's name where several things were dropped together


@dataclass(eq=False)
class Upload:
    """Files on their way: where each goes, how many bytes it has, and how many are there."""

    key: str
    folder: Path
    files: list[tuple[PurePosixPath, int]]
    number: int = 0  # the file that is being written
    there: int = 0  # bytes of it
    digest: Any = field(default_factory=hashlib.sha256)
    digests: list[str] = field(default_factory=list)
    heard: float = field(default_factory=time.monotonic)  # of its last piece

    @property
    def name(self) -> str:
        """What was dropped, as one thing: the file, or the folder that all files are in."""
        return self.files[0][0].parts[0]

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return self.number == len(self.files)


class Uploads:
    """The folder of what was dropped, and what is on its way there.

    A drop goes to ``dropped/<its digest>/<its name>``: dropped again, it is the same place, so that its labels go on. Its methods
    may be called from any thread; a piece that comes twice at once is written once.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder() / "dropped"
        self._coming: dict[str, Upload] = {}
        self._lock = RLock()

    def begin(self, files: Sequence[Any]) -> Upload:
        """Make room for files, each ``{"path", "size"}``.

        Raises
        ------
        InputError
            When they are too many or too large, the disk has no room, or a name leads elsewhere.
        """
        wanted = _checked(files)
        with self._lock:
            return self._begun(wanted)

    def _begun(self, wanted: list[tuple[PurePosixPath, int]]) -> Upload:
        total = sum(size for _, size in wanted)
        for one in list(self._coming.values()) if len(self._coming) >= AT_ONCE else ():
            if time.monotonic() - one.heard > SILENT:
                self.stop(one.key)
        if len(self._coming) >= AT_ONCE:
            raise InputError(f"{AT_ONCE} drops are on their way already; wait for one to end, or stop it")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()
            free = shutil.disk_usage(self.folder).free
        except OSError as problem:
            raise self._unwritable(problem) from problem
        if total + LEFT_FREE > free:
            raise InputError(
                f"this takes {total / 1e9:,.2f} GB and {str(self.folder)!r} has {free / 1e9:,.2f} GB free, of which 1 stays so: "
                "free some disk, or give the path of the file in the field above, where it is not copied"
            )
        key = secrets.token_hex(8)
        upload = Upload(key, self.folder / f"{UNFINISHED}{key}", wanted)
        try:
            upload.folder.mkdir(mode=0o700)
            self._skip_empty(upload)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        self._coming[key] = upload
        return upload

    def take(self, key: str, number: int, at: int, piece: bytes) -> Upload:
        """Write one piece, which must be the next of its file.

        Raises
        ------
        InputError
            When it is not, or cannot be written; the drop is over then.
        """
        with self._lock:
            return self._taken(self._known(key), number, at, piece)

    def _taken(self, upload: Upload, number: int, at: int, piece: bytes) -> Upload:
        if upload.whole or number != upload.number or at != upload.there or at + len(piece) > upload.files[number][1] or not piece:
            self.stop(upload.key)
            raise InputError("the pieces came in the wrong order; drop it again")
        try:
            with open(self._place(upload), "ab") as file:
                file.write(piece)
        except OSError as problem:
            self.stop(upload.key)
            raise self._unwritable(problem) from problem
        upload.digest.update(piece)
        upload.there += len(piece)
        upload.heard = time.monotonic()
        if upload.there == upload.files[number][1]:
            self._next(upload)
            self._skip_empty(upload)
        return upload

    def end(self, key: str) -> Path:
        """Where what was dropped lies now, whole.

        Raises
        ------
        InputError
            When a part is missing, or it cannot be put in its place.
        """
        with self._lock:
            return self._ended(self._known(key))

    def _ended(self, upload: Upload) -> Path:
        if not upload.whole:
            self.stop(upload.key)
            raise InputError("a part of what was dropped did not arrive; drop it again")
        names = [str(name) for name, _ in upload.files]
        told = repr(sorted(zip(names, upload.digests, strict=True)))
        home = self.folder / hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        try:
            if not (home / upload.name).exists():
                home.mkdir(exist_ok=True, mode=0o700)
                (upload.folder / upload.name).rename(home / upload.name)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        finally:
            self.stop(upload.key)
        return home / upload.name

    def stop(self, key: str) -> None:
        """Leave nothing of a drop that is on its way."""
        with self._lock:
            upload = self._coming.pop(key, None)
            if upload is not None:
                shutil.rmtree(upload.folder, ignore_errors=True)

    def close(self) -> None:
        """The server ends: what is on its way goes."""
        for key in list(self._coming):
            self.stop(key)

    def _known(self, key: str) -> Upload:
        if key not in self._coming:
            raise InputError("this drop was stopped; drop it again")
        return self._coming[key]

    def _skip_empty(self, upload: Upload) -> None:
        while not upload.whole and upload.files[upload.number][1] == 0:
            self._place(upload).touch()
            self._next(upload)

    @staticmethod
    def _next(upload: Upload) -> None:
        upload.digests.append(upload.digest.hexdigest())
        upload.digest, upload.there, upload.number = hashlib.sha256(), 0, upload.number + 1

    @staticmethod
    def _place(upload: Upload) -> Path:
        place = upload.folder / upload.files[upload.number][0]
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _unwritable(self, problem: OSError) -> InputError:
        why = problem.strerror or problem
        return InputError(f"{str(self.folder)!r} cannot be written ({why}); make room there, or give the path of the file instead")

    def _sweep(self) -> None:
        coming = {upload.folder for upload in self._coming.values()}
        for left in self.folder.glob(f"{UNFINISHED}*"):
            with suppress(OSError):
                if left not in coming and time.time() - left.stat().st_mtime > ABANDONED:
                    shutil.rmtree(left, ignore_errors=True)


def _checked(files: Sequence[Any]) -> list[tuple[PurePosixPath, int]]:
    """The files' places and sizes; nothing of a name is believed."""
    if not isinstance(files, list) or not files:
        raise InputError("nothing was dropped that could be read; drop a file or a folder")
    if len(files) > MOST_FILES:
        raise InputError(f"{len(files):,} files are too many at once; {MOST_FILES:,} are allowed: give the folder's path instead")
    wanted = [(plain_path(_of(one, "path", str)), _of(one, "size", int)) for one in files]
    total = sum(size for _, size in wanted)
    if min(size for _, size in wanted) < 0 or total > LARGEST:
        raise InputError(
            f"this takes {total / 1e9:,.1f} GB; {LARGEST >> 30} GiB are allowed: give its path instead, it is not copied"
        )
    if len({path.parts[0] for path, _ in wanted}) > 1:
        wanted = [(PurePosixPath(SEVERAL) / path, size) for path, size in wanted]
    names = [str(path).casefold() for path, _ in wanted]
    folders = {str(parent).casefold() for path, _ in wanted for parent in path.parents}
    if len(set(names)) < len(names) or folders & set(names):
        raise InputError("two of the files have the same name; drop the folder that they are in")
    return wanted


def _of(one: Any, name: str, kind: type) -> Any:
    value = one.get(name) if isinstance(one, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError("the list of what was dropped is not right; drop it again")
    return value


def plain_path(given: str) -> PurePosixPath:
    """A dropped file's path inside our folder, its names made harmless: no dots before, no odd characters, not too long.

    Raises
    ------
    InputError
        When it may lead elsewhere.
    """
    path = safe(given)
    if path is None or path.is_absolute() or len(path.parts) > 32:
        raise InputError(f"the name {given[:80]!r} is not allowed for a file; give it another, then drop it again")
    return PurePosixPath(*(_plain(part) for part in path.parts))


def _plain(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "_" for letter in name)
    made = re.sub(r'[<>:"|?*]', "_", shown).lstrip(".").rstrip(". ")
    stem, ending = os.path.splitext(made or "file")
    room = LONGEST - len(ending.encode()[:40])
    return stem.encode()[:room].decode("utf-8", "ignore") + ending.encode()[:40].decode("utf-8", "ignore")


__all__ = ["PIECE", "Upload", "Uploads", "plain_path"]
