"""Room on disk for what may not fit into memory: files without a name, mapped, that are gone with the last who uses them."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from typing import IO, Any

import numpy as np
import pyarrow as pa

from explorer.errors import InputError, listed
from explorer.sources.types import tidied

IN_MEMORY = 64 << 20  # bytes of a table that stay in memory; from there on its rows go to disk
LEFT_FREE = 256 << 20  # bytes of the disk that are nobody's scratch
ROWS = 100_000  # of a table that are worked on at a time


class Scratch(np.memmap):
    """An array in a file that is nobody else's, so that it need not be copied for safety."""


def array(shape: tuple[int, ...], dtype: Any, what: str) -> Scratch:
    """Zeros on disk, to be filled and then given to `sealed`.

    Raises
    ------
    InputError
        When the disk has not so much room; the room is taken now, since a disk that is full later would end the process.
    """
    size = int(np.prod(shape, dtype=np.float64)) * np.dtype(dtype).itemsize
    check_room(size, what)
    with tempfile.TemporaryFile(prefix="explorer-") as file:
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        if not size:  # nothing can be mapped where there is nothing
            return np.zeros(shape, dtype).view(Scratch)
        return Scratch(file, dtype=dtype, mode="r+", shape=shape)


def sealed(made: Scratch) -> Scratch:
    """The same array, read only."""
    made.flags.writeable = False
    return made


def check_room(size: int, what: str) -> None:
    """Raise an InputError when the disk for temporary files has not room for `size` bytes."""
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    if size + LEFT_FREE > free:
        raise InputError(
            f"{what} needs {size / 2**30:,.1f} GiB of disk in {place!r}, which has {free / 2**30:,.1f} GiB free: "
            "set TMPDIR to a folder with more room, or give a part of it"
        )


class Rows:
    """A table that is put together from parts: in memory while it is small, then in an Arrow file on disk that is mapped.

    Every part is checked and made plain (`explorer.sources.types.tidied`) as it comes; the first one says which columns there are.
    """

    def __init__(self, name: str, most: int | None = None) -> None:
        self.kinds: dict[str, str] = {}
        self.rows = 0
        self._name, self._most = name, most
        self._parts: list[pa.Table] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._writer: Any = None
        self._schema: pa.Schema | None = None

    def add(self, part: pa.Table, origin: str = "") -> None:
        """Put a part below the others.

        Raises
        ------
        InputError
            When it is damaged, has other columns than the first part, or the disk is full.
        """
        part = self._fitting(_checked(part, self._name), origin)
        self._bytes += part.get_total_buffer_size() if not self._writer else part.nbytes
        self.rows += part.num_rows
        if self._writer is None:
            self._parts.append(part)
            if self._bytes > IN_MEMORY:
                self._spill()
        else:
            self._write(part)

    def whole(self) -> pa.Table:
        """All parts as one table."""
        if self._writer is None:
            schema = self._schema if self._schema is not None else pa.schema([])
            return pa.concat_tables(self._parts) if self._parts else schema.empty_table()
        assert self._file is not None
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()

    def close(self) -> None:
        """Give up the room on disk, unless a table has it."""
        self._writer = None
        if self._file is not None:
            self._file.close()

    def _fitting(self, part: pa.Table, origin: str) -> pa.Table:
        if self._schema is None:
            if len(set(part.column_names)) < part.num_columns:
                raise InputError(f"{self._name}: column names must be unique, but some stand more than once: rename them")
            plain, self.kinds = tidied(part)
            self._schema = plain.schema.remove_metadata()
            return plain.replace_schema_metadata(None)
        there, wanted = set(part.column_names), set(self._schema.names)
        if there != wanted:
            said = f"lacks {listed(map(repr, sorted(wanted - there)))}" if wanted - there else ""
            more = f"has also {listed(map(repr, sorted(there - wanted)))}" if there - wanted else ""
            said = " and ".join(filter(None, (said, more)))
            raise InputError(f"{self._name}: {origin or 'a part'} {said}; the files of one table must have the same columns")
        plain, _ = tidied(part.select(self._schema.names))
        try:
            return plain.replace_schema_metadata(None).cast(self._schema)
        except (pa.ArrowException, ValueError) as problem:
            odd = [field.name for field in plain.schema if field.type != self._schema.field(field.name).type]
            said = (
                f"{odd[0]!r} is {plain.schema.field(odd[0]).type}, not {self._schema.field(odd[0]).type}"
                if odd
                else "one is cut off"
            )
            raise InputError(
                f"{self._name}: {origin or 'a part'} has other types than the first ({said}); "
                "the files of one table must have the same columns"
            ) from problem

    def _spill(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="explorer-")  # noqa: SIM115  closed when it is mapped
        self._writer = pa.ipc.new_file(pa.PythonFile(self._file, "wb"), self._schema)
        parts, self._parts = self._parts, []
        for part in parts:
            self._write(part)

    def _write(self, part: pa.Table) -> None:
        if self._most is not None and self._bytes > self._most:
            raise InputError(f"{self._name} unpacks to more than {self._most / 2**30:,.0f} GiB: give a part of it")
        check_room(part.nbytes, self._name)
        self._writer.write_table(part, max_chunksize=ROWS)


def _checked(part: pa.Table, name: str) -> pa.Table:
    try:
        part.validate(full=True)  # a damaged file may hold offsets that crash the process when they are followed
    except (pa.ArrowException, ValueError) as problem:
        raise InputError(f"{name} is damaged ({str(problem).splitlines()[0][:120]}): write it again") from problem
    return part
