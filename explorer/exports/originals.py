"""An item's picture as it was given: the file it is in, or the bytes that the table holds; never decoded, never made anew."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from explorer.dataset import Dataset
from explorer.dataset.pictures import check_picture
from explorer.errors import InputError

_SIGNATURES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp", b"II*\x00": ".tif", b"MM\x00*": ".tif"}
PART = 1 << 20


@dataclass(frozen=True)
class Original:
    """A picture: where it is in the collection (`name`), its bytes or its file, and ``(width, height)`` in pixels as stored."""

    name: str
    data: bytes | None
    file: Path | None
    size: tuple[int, int]

    @classmethod
    def of(cls, dataset: Dataset, row: int) -> Original:
        """One item's picture.

        Raises
        ------
        InputError
            Where there is none, or what is there is no picture: other files are not handed on, whatever the table says.
        """
        identifier = dataset.ids[row : row + 1].tolist()[0]
        given = dataset.table.column(dataset.roles["image"])[row].as_py()
        size = check_picture(given, dataset.root, f"item {identifier!r}")
        data, path = (given.get("bytes"), given.get("path")) if isinstance(given, dict) else (given, None)
        if isinstance(data, bytes) and data:
            return cls(str(path) if path else str(identifier) + ending(data), data, None, size)
        path = str(path if isinstance(given, dict) else given)
        return cls(path, None, (Path(dataset.root or ".") / path).absolute(), size)

    @property
    def last(self) -> str:
        """The name without its folders."""
        return PurePosixPath(self.name.replace("\\", "/") if self.file is None else self.name).name or "picture"

    def read(self) -> bytes:
        """The bytes."""
        if self.data is not None:
            return self.data
        assert self.file is not None
        return self.file.read_bytes()

    def put(self, place: Path, *, linked: bool) -> None:
        """Write it as a file that is not there yet, or where it is a file and links can be made, as a link to that."""
        if self.file is None:
            with open(place, "xb") as out:
                out.write(self.read())
            return
        if linked:
            try:
                os.symlink(self.file, place)
            except (OSError, NotImplementedError):  # some disks and systems have none
                linked = False
        if not linked:
            with open(self.file, "rb") as picture, open(place, "xb") as out:
                shutil.copyfileobj(picture, out, PART)


def ending(data: bytes) -> str:
    """The ending that a picture's bytes ask for."""
    if data[:4] == b"RIFF":
        return ".webp"
    return next((suffix for start, suffix in _SIGNATURES.items() if data.startswith(start)), ".img")


def check_pictures(dataset: Dataset, format_: str) -> None:
    """Raise an InputError where the items are no pictures."""
    if "image" not in dataset.roles:
        why = f"{dataset.name} has none; choose .csv, .parquet or .html, or name the column of pictures with --image"
        raise InputError(f"{format_}: this format is of pictures, and {why}")


__all__ = ["Original", "check_pictures", "ending"]
