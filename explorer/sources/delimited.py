"""CSV, TSV and plain text: every cell is read as it is written, and only then is it asked what a column holds."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from explorer.errors import InputError
from explorer.sources.found import Found
from explorer.sources.options import Options, tidy_name
from explorer.sources.written import typed

BLOCK = 1 << 24  # bytes; a row must fit into one
LARGEST_BLOCK = 1 << 30
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}
BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def read_delimited(path: Path, options: Options) -> Found:
    """A .csv or .tsv file.

    Raises
    ------
    InputError
        When it is not UTF-8 or a row has more or fewer cells than the header; the line is named.
    """
    cells, notes = read_written(path)
    table, kinds = typed_table(cells, options)
    return Found(path.name, table, kinds=kinds, root=path.parent, notes=notes)


def typed_table(cells: pa.Table, options: Options) -> tuple[pa.Table, dict[str, str]]:
    """Written cells by the types that the columns have, and the kinds that are known."""
    made, kinds = {}, {}
    for name, column in zip(cells.column_names, cells.columns, strict=True):
        made[name], kind = typed(column, raw=name in options.raw, ids=name == options.id)
        if kind:
            kinds[name] = kind
    return pa.Table.from_arrays([made[name] for name in cells.column_names], names=cells.column_names), kinds


def read_written(path: Path) -> tuple[pa.Table, list[str]]:
    """Every cell of a .csv or .tsv file as it is written, missing where it is empty without quotes, and notes.

    Raises
    ------
    InputError
        As `read_delimited` does.
    """
    header, delimiter = _header(path)
    cells = _cells(path, delimiter, len(header))
    notes = []
    if delimiter != ("\t" if path.suffix.lower() == ".tsv" else ","):
        notes.append(f"cells are separated by {NAMES[delimiter]}")
    if header and all(_is_number(name) for name in header):
        notes.append("the first line was taken as the columns' names, and all of them are numbers: is the header missing?")
    names = [tidy_name(name) or f"column {place}" for place, name in enumerate(header, 1)]
    return pa.Table.from_arrays([cells.column(place).slice(1) for place in range(len(header))], names=names), notes


def read_lines(path: Path, options: Options) -> Found:
    """A .txt file: one text a line, or a table when its first line has tabs."""
    if len(_first_line(path).split("\t")) > 1:
        return read_delimited(path, options)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise _encoding(path) or InputError(f"{path.name} changed while it was read") from None
    texts = [line for line in lines if line.strip()]
    notes = ["each line is one text"] + [f"{len(lines) - len(texts):,} empty lines were left out"] * (len(texts) < len(lines))
    return Found(path.name, pa.table({"text": pa.array(texts, pa.string())}), kinds={"text": "text"}, root=path.parent, notes=notes)


def _first_line(path: Path) -> str:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.readline(1 << 20)
    except UnicodeDecodeError:
        raise _encoding(path) or InputError(f"{path.name} changed while it was read") from None


def _header(path: Path) -> tuple[list[str], str]:
    """The first record and what separates its cells (a semicolon or tab where there is no comma, as Excel writes in Europe)."""
    line = _first_line(path)
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    delimiter = next((mark for mark in (usual, ",", ";", "\t") if mark in line), usual)
    for record, _ in _records(path, delimiter):
        return record, delimiter
    raise InputError(f"{path.name} is empty: give a file with a line of column names and a row an item")


def _cells(path: Path, delimiter: str, width: int) -> pa.Table:
    """Every record, the header too, as text; an empty cell is missing; `NA`, `null` and `""` are not."""
    columns = {f"f{place}": pa.string() for place in range(width)}
    convert = pacsv.ConvertOptions(
        column_types=columns, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False, check_utf8=True
    )
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    block = BLOCK
    while True:
        try:
            with open(path, "rb") as file:
                table = pacsv.read_csv(file, pacsv.ReadOptions(autogenerate_column_names=True, block_size=block), parse, convert)
        except pa.ArrowInvalid as problem:
            if "straddling" in str(problem) and block < min(LARGEST_BLOCK, path.stat().st_size):
                block *= 8
                continue
            raise _diagnosis(path, delimiter, width, problem) from problem
        if table.num_columns != width:
            raise _diagnosis(path, delimiter, width, ValueError("rows of different lengths"))
        if _swallowed(table):
            _check_quotes(path, delimiter)
        return table


def _swallowed(table: pa.Table) -> bool:
    """Whether the last cell holds a line break: a quote that is never closed swallows all rows to the end of the file."""
    last = table.column(table.num_columns - 1)[-1].as_py() if table.num_rows else None
    return last is not None and ("\n" in last or "\r" in last)


def _check_quotes(path: Path, delimiter: str) -> None:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 0
        try:
            for _ in reader:
                line = reader.line_num
        except csv.Error as problem:
            if "end of data" in str(problem):
                where = f"a quote that opens after line {line:,}"
                raise InputError(f"{path.name}: {where} is never closed: close or double it") from problem


def _diagnosis(path: Path, delimiter: str, width: int, problem: Exception) -> InputError:
    """Which line is to blame, found by reading the file again slowly."""
    if wrong := _encoding(path):
        return wrong
    try:
        for record, line in _records(path, delimiter):
            if len(record) != width:
                return InputError(
                    f"{path.name}: line {line:,} has {len(record):,} cells, but the header has {width:,}: "
                    "quote cells that hold the separator or a line break"
                )
    except InputError as worse:
        return worse
    return InputError(f"{path.name} cannot be read as CSV ({str(problem).splitlines()[0][:160]})")


def _records(path: Path, delimiter: str) -> Iterator[tuple[list[str], int]]:
    """Records with the line each ends on, by Python's own reader."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            for record in reader:
                if record:
                    yield record, reader.line_num
    except csv.Error as problem:
        raise InputError(f"{path.name}: line {reader.line_num:,} cannot be read ({problem}): is a quote not closed?") from problem
    except UnicodeDecodeError as problem:
        raise _encoding(path) or InputError(f"{path.name} changed while it was read") from problem


def _encoding(path: Path) -> InputError | None:
    """The complaint about the first byte that is not UTF-8, or None when all are."""
    how = f"convert it: iconv -f {{}} -t UTF-8 {path.name!r} > utf8{path.suffix}, or save it as 'CSV UTF-8' where it was made"
    before, lines = 0, 1
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open(path, "rb") as file:
        while True:
            pending = len(decoder.getstate()[0])
            block = file.read(1 << 20)
            start = BOMS.get(block[:2]) if before == 0 else None
            if start:
                return InputError(f"{path.name} is {start}, but UTF-8 is read; {how.format(start)}")
            if before == 0 and b"\0" in block[:4096]:
                return InputError(f"{path.name} is no text, although its name says so; save it as 'CSV UTF-8' where it was made")
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as problem:
                at = before - pending + problem.start
                line = lines + block[: max(problem.start - pending, 0)].count(b"\n")
                where = f"line {line:,} (byte {at:,})"
                return InputError(f"{path.name} is not UTF-8: {where} cannot be read; {how.format('WINDOWS-1252')}")
            if not block:
                return None
            before += len(block)
            lines += block.count(b"\n")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
