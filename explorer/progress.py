"""How far a step is, what it has so far for people to look at, and whether Stop was pressed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from explorer.errors import Cancelled

PICTURES = 0.12  # seconds between two things that are shown: several pictures a second


class Progress:
    """Says how far a step is and notices that Stop was pressed.

    Call it with a fraction in [0, 1] and a note. Fractions never go back. `part` gives a progress for a share of the work.

    A step that can show what it has so far calls `show` whenever `due`; once something whole was shown, Stop keeps it: the step
    asks `stopped` between rounds and gives what it has as its result (`Output.stopped` says how far it came).

    Raises
    ------
    Cancelled
        Out of the call, when `cancelled()` is true; also out of `stopped`, where nothing was shown yet.
    """

    def __init__(
        self, report: Callable[[float, str], None] | None = None, cancelled: Callable[[], bool] | None = None,
        look: Callable[[Any], None] | None = None,
    ) -> None:  # fmt: skip
        self._report = report
        self._cancelled = cancelled
        self._look = look
        self._reached = 0.0
        self._shown = -float("inf")
        self._kept = False

    def __call__(self, fraction: float, note: str = "") -> None:
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        self.tell(fraction, note)

    def tell(self, fraction: float, note: str = "") -> None:
        """The same without looking for Stop, for steps that ask `stopped`."""
        self._reached = max(self._reached, min(float(fraction), 1.0))
        if self._report is not None:
            self._report(self._reached, note)

    def part(self, start: float, stop: float) -> Progress:
        """A progress whose 0 to 1 is `start` to `stop` of this one."""
        return _Part(self, start, stop)

    def drawn(self, whole: Callable[[Any], Any]) -> Progress:
        """The same progress for a part of the items: what it shows goes through `whole` first."""
        return _Part(self, 0.0, 1.0, whole)

    @property
    def watched(self) -> bool:
        """Whether somebody looks on."""
        return self._look is not None

    @property
    def keeps(self) -> bool:
        """Whether something whole was shown: who presses Stop then was told that it is kept."""
        return self._kept

    @property
    def due(self) -> bool:
        """Whether somebody looks on, and the last picture is old enough for another."""
        return self._look is not None and time.monotonic() - self._shown >= PICTURES

    def show(self, values: Any, *, sketch: bool = False) -> None:
        """What there is so far, ``(n, 2)`` for a layout; a copy is made of it. A sketch is looked at, and Stop does not keep it."""
        if self._look is not None:
            self._kept = self._kept or not sketch
            self._look(values)
            self._shown = time.monotonic()

    def stopped(self) -> bool:
        """Whether Stop was pressed and what was shown is to be kept."""
        if self._cancelled is None or not self._cancelled():
            return False
        if not self._kept:
            raise Cancelled
        return True


class _Part(Progress):
    """A share of another progress."""

    def __init__(self, of: Progress, start: float, stop: float, whole: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self._of, self._start, self._share, self._whole = of, start, stop - start, whole

    def __call__(self, fraction: float, note: str = "") -> None:
        self._of(self._start + self._share * fraction, note)

    def tell(self, fraction: float, note: str = "") -> None:
        self._of.tell(self._start + self._share * fraction, note)

    @property
    def due(self) -> bool:
        return self._of.due

    def show(self, values: Any, *, sketch: bool = False) -> None:
        if self._of.watched:
            self._of.show(values if self._whole is None else self._whole(values), sketch=sketch)

    def stopped(self) -> bool:
        return self._of.stopped()

    @property
    def keeps(self) -> bool:
        return self._of.keeps

    @property
    def watched(self) -> bool:
        return self._of.watched


__all__ = ["Progress"]
