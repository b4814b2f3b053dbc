"""What tells one item from another by its content, so that what was computed for it is known again in a grown collection."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

SIZE = 16  # bytes of a digest: two items of 10 billion would share one with a chance of one in 10^18


def item_digests(column: pa.ChunkedArray, root: Path | None, rows: np.ndarray, *, files: bool = True) -> np.ndarray:
    """``(m, 2)`` uint64 of the values at some rows.

    Parameters
    ----------
    files
        Whether text is a file's path; then the file's size and time count too (reading it is the work itself). Other text is never
        looked for on disk.
    """
    made = bytearray()
    for row in rows.tolist():
        made += _digest(column[row], root, files)
    return np.frombuffer(bytes(made), np.uint64).reshape(-1, 2)


def _digest(value: Any, root: Path | None, files: bool) -> bytes:
    digest = hashlib.blake2b(digest_size=SIZE)
    for part in _parts(value, root, files):
        digest.update(len(part).to_bytes(8, "little"))  # or ("ab", "c") would be ("a", "bc")
        digest.update(part)
    return digest.digest()


def _parts(value: Any, root: Path | None, files: bool) -> Iterator[bytes]:
    kind = value.type
    if not value.is_valid:
        yield b""
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield value.as_buffer().to_pybytes()
        yield file_state(value.as_py(), root).encode() if files else b""
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        yield value.as_py()
    elif pa.types.is_struct(kind):
        plain = value.as_py()
        path = None if plain.get("bytes") else plain.get("path")
        for name, part in sorted(plain.items()):
            yield name.encode()
            yield part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
        yield file_state(path, root).encode()
    elif hasattr(value, "values"):  # lists, of lists
        for one in value:
            held = one.values if hasattr(one, "values") else None
            yield np.asarray(held.to_numpy(zero_copy_only=False)).tobytes() if held is not None else repr(one.as_py()).encode()
    else:
        yield repr(value.as_py()).encode()


def paths_in(column: pa.ChunkedArray) -> Iterator[str | None]:
    """The paths that a column of files holds, in the rows' order; none where it holds the files' bytes themselves."""
    kind = column.type
    if pa.types.is_struct(kind):
        names = {field.name for field in kind}
        for chunk in column.chunks:
            held = chunk.field("bytes").is_valid() if "bytes" in names else None
            for place, path in enumerate(chunk.field("path").to_pylist() if "path" in names else ()):
                if held is None or not held[place].as_py():
                    yield path
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        for chunk in column.chunks:
            yield from chunk.to_pylist()


def file_state(path: str | None, root: Path | None) -> str:
    """A file's size and time of change, or that it is not there; nothing for what is no path."""
    if not path:
        return ""
    try:
        found = (Path(root or ".") / path).stat()
    except (OSError, ValueError):  # a NUL in the name is a ValueError
        return "gone"
    return f"{found.st_size},{found.st_mtime_ns}"
