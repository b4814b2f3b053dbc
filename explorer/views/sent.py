"""A message that must not be done twice: its id, and what it was about, should it come to a visit that knows nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.errors import InputError
from explorer.selection import from_json
from explorer.session import Session

_LONGEST = 64  # characters of an id
_OF_SELECTION = ("label", "unlabel")  # verbs that are about what is selected
# What they are about was known to the visit alone.
_NOT_AGAIN = ("undo", "redo", "label_shown", "label_unlabelled", "label_cluster", "focus_undo", "focus_redo", "import_labels")


@dataclass(frozen=True)
class Sent:
    """What a page says of a message beside the message: `action` is its id, `again` that no answer to it came before."""

    action: str | None
    again: bool = False
    meant: Any = None

    @classmethod
    def of(cls, message: dict[str, Any]) -> Sent:
        """Take these out of a message; an id that no page of ours gives counts as none."""
        action, again, meant = message.pop("action", None), message.pop("again", False), message.pop("meant", None)
        known = isinstance(action, str) and 0 < len(action) <= _LONGEST and action.isascii() and action.isprintable()
        return cls(action if known else None, again is True, meant)

    def done_before(self, verb: str, session: Session) -> bool:
        """Whether it stands in the journal already; else what was selected when it was first sent is selected again.

        Raises
        ------
        InputError
            When it cannot be done any more as it was meant.
        """
        if not self.again:
            return False
        if self.action is not None and session.workspace.find(self.action):
            return True
        if verb in _NOT_AGAIN:
            what = verb.replace("_", " ")
            raise InputError(f"the connection was lost before “{what}” could be done; do it again if you still want it")
        if verb in _OF_SELECTION:
            self._select(session)
        return False

    def _select(self, session: Session) -> None:
        lost = InputError("the connection was lost before that was saved, and its items are not known; select and label again")
        if not isinstance(self.meant, dict) or not isinstance(self.meant.get("rule"), dict):
            raise lost
        layout = None if session.layout is None else session.layout.key
        if self.meant.get("on") != layout:
            raise lost
        session.select(from_json(self.meant["rule"]))
