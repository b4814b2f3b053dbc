"""Labels out of a person's file: it comes in pieces, is read by a child process, is shown, and is imported as one action."""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import InputError
from explorer.sources.given_labels import TYPED, WRITTEN, GivenLabels, Matched, matched
from explorer.views.newest import Newest
from explorer.views.others import others_lost
from explorer.views.part import Part
from explorer.worker import read_labels_apart

if TYPE_CHECKING:
    from explorer.views.explorer import Explorer

LARGEST = 16 << 20  # bytes of a file
PIECE = 1 << 20  # bytes of it in a message
LISTED = 12  # unknown ids that are shown; the file of them has all
COPIED = 100_000  # unknown ids that go to the clipboard at once
ENDINGS = (*WRITTEN, *TYPED)
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="explorer-import")  # each waits for a child


@dataclass(eq=False)
class Upload:
    """A file that comes in pieces, in a folder of its own that goes with it."""

    name: str
    size: int
    folder: tempfile.TemporaryDirectory[str]
    there: int = 0
    given: GivenLabels | None = None
    found: Matched | None = None

    @property
    def path(self) -> Path:
        """Where it is written."""
        return Path(self.folder.name) / self.name


@dataclass(frozen=True, eq=False)
class Wish:
    """A file that is to be read, with the columns that somebody chose."""

    upload: Upload
    id: str | None
    label: str | None


class Importing(Part):
    """Sends ``importing``: how far the file is, what is in it, and which of its ids are not here."""

    def __init__(self, view: Explorer) -> None:
        super().__init__(view)
        self._upload: Upload | None = None
        self._newest: Newest[Wish] = Newest(_POOL, self._read)

    def ready(self) -> None:
        """The page is there, perhaps anew: its dialog is closed."""
        self._drop()

    def close(self) -> None:
        """The visit is over."""
        self._drop()
        super().close()

    # Verbs

    def on_import_piece(self, name: str, size: int, at: int, data: str) -> None:
        """One piece of the file, as base64 text; the first begins a new file, the last has it read."""
        try:
            self._take(name, size, at, data)
        except InputError as problem:  # the dialog waits for it, so that is where it is said
            self.view.page.set(importing={"state": "wrong", "name": "", "why": str(problem), "whole": False})

    def _take(self, name: str, size: int, at: int, data: str) -> None:
        piece = _decoded(data)
        if at == 0 and not isinstance(at, bool):
            self._drop()
            ending = _checked(name, size)
            self._upload = Upload(_safe(name, ending), size, tempfile.TemporaryDirectory(prefix="explorer-import-"))
            self.view.page.set(importing={"state": "sending", "name": self._upload.name})
        upload = self._upload
        if upload is None or upload.there != at or at + len(piece) > upload.size or upload.there == upload.size > 0:
            self._drop()
            raise InputError("the file's pieces came in the wrong order; choose it again")
        try:
            with open(upload.path, "ab") as file:
                file.write(piece)
        except OSError as problem:
            self._drop()
            why = f"the file cannot be kept on the server ({problem.strerror}); make room there, then try again"
            raise InputError(why) from problem
        upload.there += len(piece)
        if upload.there == upload.size:
            self._ask(Wish(upload, None, None))

    def on_import_columns(self, id: str | None, label: str | None) -> None:
        """Read the file anew: somebody chose which columns hold the ids and the labels."""
        upload = self._whole()
        if any(one is not None and (not isinstance(one, str) or not one.isprintable()) for one in (id, label)):
            raise InputError("a column's name is a text; choose one of the file's")
        self._ask(Wish(upload, id or None, label or None))

    def on_import_labels(self, into: str, replace: bool) -> None:
        """Give the labels: to all known items, or only to those that have none in that set; it is one action of the journal."""
        upload = self._whole()
        if upload.given is None or upload.found is None:
            raise InputError("the file is not read yet; wait for its preview, or choose its columns")
        if not isinstance(replace, bool):
            raise InputError("say whether labels that are there are replaced (true) or kept (false)")
        if into != self.session.label_set:
            self.session.use_label_set(into)
        rows, labels = upload.found.rows, upload.found.labels
        if not replace:
            free = self.session.labels.codes[rows] == 0
            rows, labels = rows[free], labels[free]
        if not len(rows):
            raise InputError("there is nothing to import: no id of the file is here, or all have a label that is to be kept")
        changed = self.session.import_rows(rows, labels, upload.name)
        self._drop()
        self.view.page.set(importing={"state": "done", "changed": changed})
        self.view._toast(f"{changed:,} labels imported from {upload.name}{others_lost(self.session)} · Ctrl+Z to undo")

    def on_import_unknown(self, how: str) -> None:
        """Give the ids that are not here, one a line: ``copy`` or ``download``."""
        upload = self._whole()
        ids = [] if upload.found is None else [str(one) for one in upload.found.unknown]
        if not ids:
            raise InputError("there is no unknown id in this file")
        if how == "download":
            self.view._download(f"{Path(upload.name).stem}-unknown-ids.txt", "\n".join(ids).encode("utf-8", "replace") + b"\n")
        elif len(ids) > COPIED:
            raise InputError(f"{len(ids):,} ids are too many for the clipboard ({COPIED:,} are allowed): download them")
        else:
            self.view.page.answer(ids={"text": "\n".join(ids), "count": len(ids)})

    def on_import_close(self) -> None:
        """The dialog is closed: the file goes."""
        self._drop()

    # Reading

    def _whole(self) -> Upload:
        if self._upload is None or self._upload.there < self._upload.size:
            raise InputError("there is no file here to import from; choose one first")
        return self._upload

    def _drop(self) -> None:
        """Forget the file. A child that still reads it finds it gone, and nobody hears of that."""
        self._newest.stop()
        if self._upload is not None:
            self._upload.folder.cleanup()
            self._upload = None

    def _ask(self, wish: Wish) -> None:
        wish.upload.given = wish.upload.found = None
        self.view.page.set(importing={"state": "reading", "name": wish.upload.name})
        self._newest.ask(wish)

    def _read(self, wish: Wish) -> None:
        """In the pool's thread: have it read by a child, find its ids, and say what was found."""
        upload, dataset = wish.upload, self.session.dataset
        try:
            given = read_labels_apart(upload.path, dataset.ids, id=wish.id, label=wish.label)
            found = matched(given, dataset)
        except (InputError, OSError) as problem:
            with self._newest.wanted():
                self.view.page.set(importing={"state": "wrong", "name": upload.name, "why": str(problem), "whole": True})
            return
        told = {"state": "read"} | preview(given, found, self._labelled(found))
        with self._newest.wanted():
            upload.given, upload.found = given, found
            self.view.page.set(importing=told)

    def _labelled(self, found: Matched) -> dict[str, int]:
        """By label set, how many of a file's items have a label there."""
        sets = {name: self.session.labels_of(name).codes for name in self.session.label_sets}
        return {name: int(np.count_nonzero(codes[found.rows])) for name, codes in sets.items()}


def preview(given: GivenLabels, found: Matched, labelled: dict[str, int]) -> dict[str, Any]:
    """What a file would do; `labelled` says by label set how many of its items have a label there."""
    largest = sorted(Counter(map(str, found.labels)).items(), key=lambda one: (-one[1], one[0]))
    return {
        "name": given.name, "columns": list(given.columns), "id": given.id_column, "label": given.label_column,
        "notes": list(given.notes), "rows": len(given.ids), "known": len(found.rows), "without": found.without,
        "labelled": labelled,
        "unknown": [str(one) for one in found.unknown[:LISTED]], "unknowns": len(found.unknown),
        "twice": [str(one) for one in found.twice[:LISTED]], "twices": len(found.twice),
        "categories": largest[:LISTED], "more": max(0, len(largest) - LISTED),
    }  # fmt: skip


def _decoded(data: object) -> bytes:
    if not isinstance(data, str) or len(data) > PIECE * 4 // 3 + 4:
        raise InputError(f"a piece of a file is at most {PIECE:,} bytes as base64 text; reload the page and try again")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise InputError("a piece of the file did not come through; choose it again") from problem


def _checked(name: object, size: object) -> str:
    """The file's ending; its name and size come from the wire."""
    allowed = f"choose a file that ends in {', '.join(ENDINGS)}"
    if not isinstance(name, str) or not 0 < len(name) <= 300:
        raise InputError(f"the file's name is no name; {allowed}")
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)
    if ending is None:
        raise InputError(f"{name[:80]!r} cannot be read; {allowed}")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= LARGEST:
        raise InputError(f"the file is too large: {LARGEST >> 20} MB are allowed here; use session.import_labels for more")
    if size == 0:
        raise InputError(f"{name[:80]!r} is empty (0 bytes); {allowed}")
    return ending


def _safe(name: str, ending: str) -> str:
    """A file name that is one, wherever it came from: words, dots and dashes."""
    stem = re.sub(r"[^\w .()-]+", "_", name[: -len(ending)]).strip(" .")[-80:]
    return f"{stem or 'labels'}{ending}"


__all__ = ["Importing", "preview"]
