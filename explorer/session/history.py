"""One line of what a visit did, labels and selections alike, to walk back and forth on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from explorer.labels import Change
from explorer.selection import Rule


@dataclass(frozen=True, eq=False)
class Selected:
    """A selection: its ``(n,)`` mask and the rule that made it (None when nothing is selected)."""

    mask: np.ndarray
    rule: Rule | None = None


@dataclass(frozen=True, eq=False)
class Brushed:
    """A change of the selection."""

    before: Selected
    after: Selected

    def inverse(self) -> Brushed:
        """The change that takes this one back."""
        return Brushed(self.after, self.before)


STEPS = 200  # of brushing that can be walked back: each keeps a byte an item
ROOM = 1 << 30  # bytes that they may take together


@dataclass
class History:
    """What can be undone and redone; doing something new forgets what was undone, and changes of labels are never forgotten."""

    done: list[Change | Brushed] = field(default_factory=list)
    undone: list[Change | Brushed] = field(default_factory=list)

    def add(self, action: Change | Brushed) -> None:
        """Remember what was just done."""
        self.done.append(action)
        self.undone.clear()
        brushed = [place for place, one in enumerate(self.done) if isinstance(one, Brushed)]
        most = STEPS if not isinstance(action, Brushed) else max(2, min(STEPS, ROOM // max(1, len(action.after.mask))))
        if len(brushed) > most:
            del self.done[brushed[0]]

    def back(self) -> Change | Brushed | None:
        """What to do in order to undo, or None."""
        if not self.done:
            return None
        self.undone.append(self.done.pop())
        return self.undone[-1].inverse()

    def forth(self) -> Change | Brushed | None:
        """What to do in order to redo, or None."""
        if not self.undone:
            return None
        self.done.append(self.undone.pop())
        return self.done[-1]
