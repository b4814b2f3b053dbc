"""A message that must not be done twice: its id, and what it was about, should it come to a visit that knows nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.session import Session
from explorer.session.look import still

_LONGEST = 64  # characters of an id
_OF_SELECTION = ("label", "unlabel")  # verbs that are about what is selected
# What they are about was known to the visit alone.
_NOT_AGAIN = (
    "undo", "redo", "label_shown", "label_unlabelled", "label_cluster", "split", "focus_undo", "focus_redo", "import_labels",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What a page says of a message beside the message: `action` is its id, `again` that no answer to it came before.

    `meant` goes along then: `of` which workspace's journal and in which label `set` it was, and the selection: its `rule`, the
    results that this was drawn `on`, and the `count` of items.
    """

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
        meant = self.meant if isinstance(self.meant, dict) else {}
        if meant.get("of") != session.workspace.uuid:  # another server at the same address, or another cell of the same notebook
            raise InputError(f"what was not saved before ({verb.replace('_', ' ')}) was about other data; it is not done here")
        if verb in _NOT_AGAIN:
            what = verb.replace("_", " ")
            raise InputError(f"the connection was lost before “{what}” could be done; do it again if you still want it")
        if meant.get("set") != session.label_set:
            session.use_label_set(meant.get("set"))  # type: ignore[arg-type]  # says so where it is no name
        if verb in _OF_SELECTION:
            _select(session, meant)
        return False


def _select(session: Session, meant: dict[str, Any]) -> None:
    """Select what was selected then.

    Raises
    ------
    InputError
        When that cannot be told any more: the map or the clusters are others, or other items fit the rule by now.
    """
    lost = InputError("the connection was lost before that was saved, and its items are not known; select and label again")
    try:
        rule = still(session, {"rule": meant["rule"], "on": dict(meant["on"])})
        mask = None if rule is None else rule.mask(session.seen)
    except (InputError, KeyError, TypeError, ValueError) as problem:
        raise lost from problem
    if rule is None or mask is None or np.count_nonzero(mask) != meant.get("count"):
        raise lost
    session.select(rule)
