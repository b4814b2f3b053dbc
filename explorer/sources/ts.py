"""Time series in sktime's and aeon's text format `.ts`: tags, then an item a line, its channels between colons, its label last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from explorer.errors import InputError, listed
from explorer.sources import series
from explorer.sources.found import Found
from explorer.sources.options import Options

LONGEST_LINE = 1 << 28  # bytes; an item stands on one line
BLOCK = 1 << 23  # bytes of lines made into Arrow at a time
MOST_TAGS = 10_000
MISSING = "?"
COMMENTS = ("#", "%")
YES, NO = ("true", "1"), ("false", "0")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)|\?", re.IGNORECASE)
Line = tuple[int, str]  # its number in the file, and what stands on it


@dataclass
class Header:
    """What the tags say; None where they say nothing.

    Attributes
    ----------
    label
        The column that the last part of a line is: "label" (classes), "target" (numbers), or "" for none.
    dimensions
        How many channels.
    """

    timestamps: bool = False
    label: str | None = None
    classes: list[str] = field(default_factory=list)
    dimensions: int | None = None
    equal: bool | None = None


def read_ts(path: Path, options: Options) -> Found:
    """A .ts file: time series of any number of channels and any lengths, and a column `label` of classes or `target` of numbers.

    Raises
    ------
    InputError
        Naming the line that is no tag, holds what is no number, or has more or fewer channels than the others.
    """
    lines = _lines(path)
    header = _header(path, lines)
    reader = _Reader(path.name, header)
    block: list[Line] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line[1])
        if size > BLOCK:
            reader.read(block)
            block, size = [], 0
    reader.read(block)
    return reader.found(path)


def _lines(path: Path) -> Iterator[Line]:
    """What is neither empty nor a comment, one at a time, so that no more than a line need fit into memory."""
    number = 0
    with open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(f"{path.name}: line {number:,} is over {LONGEST_LINE >> 20} MiB long; an item stands on one line")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as problem:
                raise InputError(
                    f"{path.name}: line {number:,} is not text in UTF-8; .ts is read as a text of time series"
                ) from problem
            if text and not text.startswith(COMMENTS):
                yield number, text


def _header(path: Path, lines: Iterator[Line]) -> Header:
    header = Header()
    for count, (number, text) in enumerate(lines):
        if not text.startswith("@") or count > MOST_TAGS:
            what = "begins with tags like @problemName and has @data before the time series"
            raise InputError(f"{path.name}: line {number:,} is no tag, but {text[:30]!r}; a .ts file of time series {what}")
        tag, *words = text[1:].split() or [""]
        if tag.lower() == "data":
            return header
        _take(header, tag.lower(), words, f"{path.name}: line {number:,}")
    raise InputError(f"{path.name} has no line @data; a .ts file of time series has them after it, an item a line")


def _take(header: Header, tag: str, words: Sequence[str], where: str) -> None:
    """Note what a tag says; those that change nothing (@problemName, @missing, @seriesLength) are passed over."""
    if tag == "timestamps":
        header.timestamps = _said(tag, words, where)
    elif tag == "equallength":
        header.equal = _said(tag, words, where)
    elif tag == "univariate" and _said(tag, words, where):
        header.dimensions = 1
    elif tag in {"dimensions", "dimension"}:
        if len(words) != 1 or not (words[0].isascii() and words[0].isdecimal()) or not 0 < int(words[0][:9]) < 10**6:
            raise InputError(f"{where}: @{tag} takes a whole number of channels, not {' '.join(words)[:40]!r}")
        header.dimensions = int(words[0])
    elif tag == "classlabel":
        header.label = "label" if _said(tag, words, where) else header.label or ""
        header.classes = list(words[1:])
    elif tag == "targetlabel":
        header.label = "target" if _said(tag, words, where) else header.label or ""


def _said(tag: str, words: Sequence[str], where: str) -> bool:
    word = words[0].lower() if words else ""
    if word not in YES + NO:
        raise InputError(f"{where}: @{tag} takes true or false, not {word[:40]!r}")
    return word in YES


class _Reader:
    """The items of one file, block after block."""

    def __init__(self, name: str, header: Header) -> None:
        self.name = name
        self.header = header
        self.channels: int | None = None
        self.items: list[pa.Array] = []
        self.labels: list[str | None] = []
        self.lost = 0

    def read(self, lines: Sequence[Line]) -> None:
        """Add the items on some lines."""
        parts = [self._parts(number, text) for number, text in lines]
        if not parts:
            return
        texts = pa.array([channel for channels in parts for channel in channels], pa.string())
        numbers = [number for (number, _), channels in zip(lines, parts, strict=True) for _ in channels]
        lengths, values = _values(texts, numbers, self.name)
        self.lost += int(np.isinf(values).sum())
        values[np.isinf(values)] = np.nan
        self.items.append(series.built(values, lengths, np.full(len(parts), self.channels)))

    def _parts(self, number: int, text: str) -> list[str]:
        """The channels of one item, as values between commas; its label is put aside."""
        where = f"{self.name}: line {number:,}"
        parts = _timed(text, where) if self.header.timestamps else text.split(":")
        if self.header.label is None:
            self.header.label = "label" if len(parts) > (self.header.dimensions or 1) else ""
        if self.header.label:
            label = parts.pop().strip()
            self.labels.append(label if label and (self.header.label == "label" or label != MISSING) else None)
        if not parts:
            raise InputError(f"{where} has no label after a colon, which its tags say that every item has")
        if self.channels is None:
            self.channels = len(parts)
        if len(parts) != self.channels:
            raise InputError(f"{where} has {len(parts):,} channels, but the items before it have {self.channels:,}")
        return parts

    def found(self, path: Path) -> Found:
        """All of it."""
        if not self.items:
            raise InputError(f"{self.name} has no items after @data: give one a line")
        column = pa.chunked_array(self.items)
        arrays, fields = [column], [series.field(series.NAME)]
        if self.header.label:
            made = pa.array(self.labels, pa.string()) if self.header.label == "label" else self._targets()
            arrays.append(pa.chunked_array([made]))
            fields.append(pa.field(self.header.label, made.type))
        kinds = {series.NAME: "series"} | ({"label": "category"} if self.header.label == "label" else {})
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
        return Found(self.name, table, kinds=kinds, root=path.parent, notes=self._notes(column))

    def _targets(self) -> pa.Array:
        try:
            return pa.array(self.labels, pa.string()).cast(pa.float64())
        except pa.ArrowInvalid as problem:
            wrong = next((label for label in self.labels if label is not None and not NUMBER.fullmatch(label)), "")
            raise InputError(
                f"{self.name}: @targetLabel says that items end in a number, but one ends in {wrong[:40]!r}"
            ) from problem

    def _notes(self, column: pa.ChunkedArray) -> list[str]:
        lengths = series.longest(column)
        low, high = int(lengths.min()), int(lengths.max())
        size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        notes = [f"{len(column):,} time series of {self.channels:,} channel{'s' * (self.channels != 1)} and {size} moments"]
        if self.header.timestamps:
            notes.append("the times beside the values were left out: time series are read as if their steps were equally long")
        if self.header.equal and low != high:
            notes.append("@equalLength says that all are as long, but they are not")
        if self.header.dimensions is not None and self.header.dimensions != self.channels:
            notes.append(f"the tags say that there are {self.header.dimensions:,} channels, but there are {self.channels:,}")
        strange = [label for label in Counter(self.labels) if label is not None and label not in self.header.classes]
        if strange and self.header.classes:
            notes.append(f"@classLabel does not list the labels {listed(map(repr, strange))}: is the file whole?")
        return notes + series.said_of_lost(self.lost, self.name)


def _timed(text: str, where: str) -> list[str]:
    """The parts of a line of pairs, ``(time,value),(time,value):label``, with the values alone."""
    end = text.rfind(")") + 1
    channels = re.split(r"\)\s*:", text[:end])
    label = text[end:].strip()
    if label and not label.startswith(":"):
        raise InputError(f"{where} ends in {label[:30]!r}; a label stands after a colon")
    return [_untimed(channel, where) for channel in channels] + ([label[1:]] if label else [])


def _untimed(channel: str, where: str) -> str:
    """``1,2`` out of ``(0,1),(1,2)``."""
    inner = channel.strip().removesuffix(")")
    if not inner:
        return ""
    if not inner.startswith("("):
        raise InputError(f"{where}: {inner[:30]!r} is no pair of a time and a value, which @timeStamps true says that it is")
    pairs = [pair.rpartition(",") for pair in re.split(r"\)\s*,\s*\(", inner[1:])]
    if wrong := next((value for when, _, value in pairs if not when), None):
        raise InputError(f"{where}: ({wrong[:30]!r}) is no pair of a time and a value, which @timeStamps true says that it is")
    return ",".join(value for _, _, value in pairs)


def _values(texts: pa.Array, lines: Sequence[int], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Lengths ``(m,)`` of m channels written with commas, and all their values, float32."""
    lists = pc.split_pattern(texts, ",")
    lengths = np.asarray(pc.list_value_length(lists).to_numpy(), np.int64)
    empty = np.asarray(pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False), bool)
    flat = pc.utf8_trim_whitespace(lists.flatten().filter(pa.array(np.repeat(~empty, lengths))))
    lengths[empty] = 0
    if pc.any(pc.equal(flat, MISSING), min_count=0).as_py():
        flat = pc.if_else(pc.equal(flat, MISSING), pa.scalar("nan"), flat)
    try:
        values = flat.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        values = _one_by_one(flat.to_pylist(), np.repeat(lines, lengths), name)
    with np.errstate(over="ignore"):
        return lengths, values.astype(np.float32)


def _one_by_one(values: Sequence[str], lines: np.ndarray, name: str) -> np.ndarray:
    """Numbers in the ways that Arrow does not know, such as ``+1``; the first that is none is named with its line."""
    for value, line in zip(values, lines, strict=True):
        if not NUMBER.fullmatch(value):
            raise InputError(f"{name}: line {line:,} holds {value[:30]!r} where a number is needed; a missing one is written ?")
    return np.fromiter(map(float, values), np.float64, len(values))
