"""One line of what a visit did, labels and selections alike, to walk back and forth on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explorer.selection import Rule


@dataclass(frozen=True, eq=False)
class Selected:
    """A selection: its ``(n,)`` mask and the rule that made it (None when nothing is selected).

    `on` says what the rule looked at then (see `Session._looked_at`); None is what is there now.
    """

    mask: np.ndarray
    rule: Rule | None = None
    on: dict[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Brushed:
    """A change of the selection."""

    before: Selected
    after: Selected


@dataclass(frozen=True)
class Labelled:
    """A change of labels: its row in the journal, and what it did in words."""

    seq: int
    verb: str


STEPS = 200  # of brushing that can be walked back: each keeps a byte an item
ROOM = 1 << 30  # bytes that they may take together


@dataclass
class History:
    """What can be undone and redone; doing something new forgets what was undone, and changes of labels are never forgotten."""

    done: list[Labelled | Brushed] = field(default_factory=list)
    undone: list[Labelled | Brushed] = field(default_factory=list)

    def add(self, action: Labelled | Brushed) -> None:
        """Remember what was just done."""
        self.done.append(action)
        self.undone.clear()
        brushed = [place for place, one in enumerate(self.done) if isinstance(one, Brushed)]
        most = STEPS if not isinstance(action, Brushed) else max(2, min(STEPS, ROOM // max(1, len(action.after.mask))))
        if len(brushed) > most:
            del self.done[brushed[0]]

    def back(self) -> Labelled | Brushed | None:
        """What to take back, or None."""
        if not self.done:
            return None
        self.undone.append(self.done.pop())
        return self.undone[-1]

    def forth(self) -> Labelled | Brushed | None:
        """What to do again, or None."""
        if not self.undone:
            return None
        self.done.append(self.undone.pop())
        return self.done[-1]
