"""Opening a picture that nobody should trust: known formats only, no bombs, always RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
else:
    Picture = Any

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MOST_PIXELS = 100_000_000


def open_picture(given: Any, root: Path | None, what: str, *, background: tuple[int, int, int] = (255, 255, 255)) -> Picture:
    """Decode a picture given as bytes, as a path, or as ``{"bytes": ..., "path": ...}``.

    Returns
    -------
    PIL.Image.Image
        RGB, upright (EXIF orientation applied), the first frame, transparency laid over `background`.

    Raises
    ------
    InputError
        When it is missing, corrupt, of another format or over 100 megapixels; `what` and the file are named.
    """
    from PIL import ImageOps

    with _opened(given, root, what) as picture:
        try:
            picture.seek(0)
            upright = ImageOps.exif_transpose(picture)
            return _flat(upright, background)
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError, KeyError, IndexError, TypeError) as problem:
            raise InputError(f"{what}: the picture is corrupt ({_short(problem)})") from problem


def check_picture(given: Any, root: Path | None, what: str) -> tuple[int, int]:
    """Read a picture's header only, and give its width and height. Raises as `open_picture` does."""
    with _opened(given, root, what) as picture:
        return picture.size


def _opened(given: Any, root: Path | None, what: str) -> Picture:
    from PIL import Image, UnidentifiedImageError

    data = given.get("bytes") or given.get("path") if isinstance(given, dict) else given
    if not data:
        raise InputError(f"{what}: there is no picture")
    source = io.BytesIO(data) if isinstance(data, bytes) else Path(root or ".") / str(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of bombs from 89 megapixels; ours is a limit, not a warning
            picture = Image.open(source, formats=FORMATS)
    except FileNotFoundError as problem:
        raise InputError(f"{what}: no such picture: {data}") from problem
    except Image.DecompressionBombError as problem:
        raise InputError(f"{what}: the picture is over {MOST_PIXELS // 10**6} megapixels") from problem
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError) as problem:
        raise InputError(f"{what}: not a picture that can be read ({', '.join(FORMATS)} can)") from problem
    if picture.width * picture.height > MOST_PIXELS:
        picture.close()
        raise InputError(f"{what}: the picture is over {MOST_PIXELS // 10**6} megapixels ({picture.width:,} × {picture.height:,})")
    return picture


def _flat(picture: Picture, background: tuple[int, int, int]) -> Picture:
    from PIL import Image

    if picture.mode in {"I", "I;16", "F"}:  # 16-bit and float pictures: stretch to 8 bits, else they come out white
        low, high = picture.getextrema()
        scale = 255.0 / (high - low) if high > low else 0.0
        picture = picture.convert("F").point(lambda value: value * scale - low * scale).convert("L")
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        flat = Image.new("RGB", layer.size, background)
        flat.paste(layer, mask=layer.getchannel("A"))
        return flat
    return picture.convert("RGB")


def _short(problem: BaseException) -> str:
    return str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__
