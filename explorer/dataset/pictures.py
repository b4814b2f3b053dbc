"""Opening a picture that nobody should trust: known formats only, no bombs, one kind of pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from explorer.dataset.files import found, given_as, short
from explorer.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
else:
    Picture = Any

Background = tuple[int, int, int] | None
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 100_000_000

# what Pillow's readers were seen to raise for damaged files, and the families those belong to
DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, MemoryError, LookupError, TypeError, AttributeError, ArithmeticError,
    RuntimeError, AssertionError, struct.error, zlib.error,
)  # fmt: skip


def open_picture(
    given: Any, root: Path | None, what: str, *, background: Background = (255, 255, 255), at_least: int | None = None
) -> Picture:
    """Decode a picture given as bytes, as a path, or as ``{"bytes": ..., "path": ...}``.

    Parameters
    ----------
    at_least
        That many pixels a side are enough. A JPEG is then decoded at a half, a quarter or an eighth of its size where that leaves
        as many (12 megapixels: 0.04 s instead of 0.2 s); other formats come as they are.

    Returns
    -------
    PIL.Image.Image
        Upright (EXIF orientation applied), the first frame; RGB with transparency laid over `background`, or where that is None,
        RGBA for a picture that has transparency.

    Raises
    ------
    InputError
        When it is missing, corrupt, of another format or over 100 megapixels; `what` and the file are named.
    """
    from PIL import ImageOps

    with _opened(given, root, what) as picture:
        try:
            picture.seek(0)
            if at_least is not None:
                picture.draft("RGB", (at_least, at_least))
            picture.load()
        except DAMAGED as problem:
            raise InputError(f"{what}: the picture is corrupt ({short(problem)})") from problem
        with suppress(*DAMAGED):  # where it fails the pixels are whole, only the note about which way is up is not
            picture = ImageOps.exif_transpose(picture)
        try:
            return _flat(picture, background)
        except DAMAGED as problem:
            raise InputError(f"{what}: the picture cannot be shown as RGB ({short(problem)})") from problem


def check_picture(given: Any, root: Path | None, what: str) -> tuple[int, int]:
    """Read a picture's header only, and give its width and height. Raises as `open_picture` does."""
    with _opened(given, root, what) as picture:
        return picture.size


@contextmanager
def _opened(given: Any, root: Path | None, what: str) -> Iterator[Picture]:
    """A picture whose header was read and found good; Pillow's warnings are about files, and are silent while it is open."""
    from PIL import Image

    with _stream(given, root, what) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(stream, formats=FORMATS)
        except Image.DecompressionBombError as problem:
            raise InputError(f"{what}: the picture is over {MOST_PIXELS // 10**6} megapixels") from problem
        except DAMAGED as problem:
            raise InputError(f"{what}: not a picture that can be read ({', '.join(FORMATS)} can)") from problem
        if picture.width * picture.height > MOST_PIXELS:
            size = f"{picture.width:,} × {picture.height:,}"
            raise InputError(f"{what}: the picture is over {MOST_PIXELS // 10**6} megapixels ({size})")
        yield picture


def _stream(given: Any, root: Path | None, what: str) -> BinaryIO:
    data = given_as(given)
    if not data:
        raise InputError(f"{what}: there is no picture")
    if isinstance(data, bytes):
        return io.BytesIO(data)
    with found(str(data), root, what, "picture") as path:
        return open(path, "rb")


def _flat(picture: Picture, background: Background) -> Picture:
    from PIL import Image

    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        picture = Image.fromarray(_stretched(np.asarray(picture)))
    if picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        if background is None:
            return layer
        flat = Image.new("RGB", layer.size, background)
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    return picture.convert("RGB")


def _stretched(values: np.ndarray) -> np.ndarray:
    """16-bit and float pictures on 8 bits, the least value black and the greatest white; else they come out all white."""
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    scale = 255.0 / (high - low) if high > low else 0.0
    return np.rint(np.where(finite, (values - low) * scale, 0)).astype(np.uint8)


__all__ = ["FORMATS", "MOST_PIXELS", "Picture", "check_picture", "open_picture"]
