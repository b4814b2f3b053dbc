"""Downloads in a window of its own: a person says where a file goes, and it is written there whole."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

LONGEST = 200  # characters of a suggested name
PIECE = 1 << 20  # bytes in one message

# pywebview's own downloads end the program with Qt 6 (they call what Qt 6 does not have), so the page's links come here instead.
SCRIPT = """
let saving = Promise.resolve() // an export is several files: one after the other
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[download]")
  if (!link || !link.href.startsWith("blob:")) return
  event.preventDefault()
  const [name, answer] = [link.download, fetch(link.href)]
  saving = saving.then(async () => save(name, new Uint8Array(await (await answer).arrayBuffer()))).catch(console.error)
}, true)
async function save(name, bytes) {
  const text = (piece) => {
    let made = ""
    for (let at = 0; at < piece.length; at += 8192) made += String.fromCharCode(...piece.subarray(at, at + 8192))
    return btoa(made)
  }
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE) {
    const last = at + PIECE >= bytes.length
    if (!await window.pywebview.api.save_piece(name, at, text(bytes.subarray(at, at + PIECE)), last)) return
  }
}
""".replace("PIECE", str(PIECE))


class SavedFile:
    """Takes a file in pieces and asks at the first where it goes."""

    def __init__(self, webview: Any, window: Any) -> None:
        self._webview, self._window = webview, window
        self._to: Path | None = None
        self._file: IO[bytes] | None = None
        self._there = 0
        self._temporary: Path | None = None
        self._before: tuple[str, Path] | None = None  # what the last file was to be called, and where it went

    def save_piece(self, name: object, at: object, data: object, last: object) -> bool:
        """Take the next piece, as base64 text; whether the page shall go on."""
        if at == 0:
            self._drop()
            if not self._ask(_plain(str(name))):
                return False
        try:
            piece = base64.b64decode(str(data), validate=True)
        except (binascii.Error, ValueError):
            piece = b""
        if self._file is None or at != self._there:
            self._drop()
            return False
        try:
            self._file.write(piece)
            self._there += len(piece)
            if last is True:
                self._finish()
        except OSError as problem:
            self._drop()
            where = None if self._to is None else self._to.parent
            why = f"{where} cannot be written ({problem.strerror or problem}); export it again to another folder"
            self._window.create_confirmation_dialog("Not written", why)
            return False
        return True

    def _place(self, name: str) -> Path | None:
        """Where it goes: ``X.csv.settings.json`` beside the ``X.csv`` before it, else where the person says."""
        if self._before is not None and name.startswith(f"{self._before[0]}."):
            beside = self._before[1].with_name(self._before[1].name + name[len(self._before[0]) :])
            if not beside.exists():
                return beside
        kind = self._webview.FileDialog.SAVE if hasattr(self._webview, "FileDialog") else self._webview.SAVE_DIALOG
        chosen = self._window.create_file_dialog(kind, directory=str(Path.home()), save_filename=name)
        return Path(chosen if isinstance(chosen, str) else chosen[0]) if chosen else None

    def _ask(self, name: str) -> bool:
        self._to = self._place(name)
        self._before = None if self._to is None else (name, self._to)
        if self._to is None:
            return False
        try:
            handle, temporary = tempfile.mkstemp(prefix=".explorer-", dir=self._to.parent)
        except OSError as problem:
            why = f"{self._to.parent} cannot be written ({problem.strerror or problem}); export it again to another folder"
            self._window.create_confirmation_dialog("Not written", why)
            return False
        self._file, self._temporary, self._there = os.fdopen(handle, "wb"), Path(temporary), 0
        return True

    def _finish(self) -> None:
        """Give it its name, with the rights that a new file has."""
        assert self._file is not None
        assert self._to is not None
        assert self._temporary is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        if os.name == "posix":
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(self._temporary, 0o666 & ~mask)
        os.replace(self._temporary, self._to)

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)
            self._temporary = None


def _plain(name: str) -> str:
    """A suggested name: no folders, no odd characters, not hidden."""
    shown = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    return shown.lstrip(".")[:LONGEST] or "export"


__all__ = ["SCRIPT", "SavedFile"]
