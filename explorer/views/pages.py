"""The pages that show one view, in an app, in notebooks' cells or several parts side by side: what is sent reaches them all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, NamedTuple, Protocol

# What a page can show of the whole, in the page's own order; see `explorer.views.explorer.Explorer`.
AREAS = ("header", "steps", "colors", "map", "items", "labels")
MOST = 16  # pages that are remembered with where they look; each has a picture of its own
MOST_TURNS = 2**53  # what a browser counts exactly
LONGEST = 64  # characters of a page's name for itself


class Carrier(Protocol):
    """What brings messages to a page and back: Panel's connection, or a notebook's."""

    def deliver(self, message: dict[str, Any]) -> None:
        """Bring a message to the page; called by one thread at a time."""


class Asker(NamedTuple):
    """The page whose verb is being answered."""

    carrier: Carrier | None  # None speaks for all
    page: str  # its own name: a notebook's widget may be shown in several cells
    anew: bool
    thread: int  # in which it is answered


class Moment(NamedTuple):
    """When values were made."""

    turns: dict[str, int]  # the last message that was taken up of each page, by its name: replaced, never edited
    number: int  # later moments have larger ones


class Pages:
    """Sends values to all pages of a view, and hears the verbs of each.

    Where somebody listens for it, one thing is sent at a time: in a notebook Panel takes what is to be sent out of a list that it
    replaces, so that a message that another thread added in between would be lost, and a message's parts would mix with another's.
    """

    def __init__(self, hear: Callable[[dict[str, Any]], None], *, served: bool = False) -> None:
        self._hear = hear
        self.served = served  # whether a page has a browser's window for itself
        self._carriers: list[Carrier] = []
        self._sending = threading.RLock()
        self._asking: ContextVar[Asker | None] = ContextVar("asking", default=None)
        self._turns: dict[str, int] = {}
        self._numbers = count(time.time_ns() // 1_000)  # on from those of a server before this one, which a page may remember

    def add(self, carrier: Carrier) -> None:
        """Send to this page, too."""
        self._carriers.append(carrier)

    def remove(self, carrier: Carrier) -> None:
        """Send to it no more."""
        self._carriers = [kept for kept in self._carriers if kept is not carrier]

    def heard(self, message: Any, carrier: Carrier | None = None) -> None:
        """Take up what a page says; a page that is there anew is told everything, and it alone."""
        if isinstance(message, dict) and isinstance(message.get("verb"), str):
            said = {name: value for name, value in message.items() if name not in {"of", "turn"}}
            page = str(message.get("of", ""))[:LONGEST]
            self._count(page, message.get("turn"))
            with self._asked(Asker(carrier, page, carrier is not None and said["verb"] == "ready", threading.get_ident())):
                self._hear(said)

    def _count(self, page: str, turn: Any) -> None:
        if isinstance(turn, int) and 0 < turn <= MOST_TURNS:
            others = [(name, last) for name, last in self._turns.items() if name != page]
            self._turns = dict([*others, (page, turn)][-MOST:])

    @contextmanager
    def _asked(self, asker: Asker) -> Iterator[None]:
        before = self._asking.set(asker)
        try:
            yield
        finally:
            self._asking.reset(before)

    def send(self, **message: Any) -> None:
        """Send a message; safe from any thread."""
        self.deliver(message)

    @property
    def now(self) -> Moment:
        """This moment; to be taken before values are made that are sent as those of it."""
        return Moment(self._turns, next(self._numbers))

    def set(self, moment: Moment | None = None, /, **values: Any) -> None:
        """Set values that the pages show, as they were at a moment, or as they are now.

        By it a page knows values that do not know yet of what a person did in the meantime, far from the server, and those that
        come after newer ones: what is set in a visit's own thread overtakes what another thread set before.
        """
        moment = moment or self.now
        self.deliver({"set": values, "turns": moment.turns, "at": moment.number})

    @property
    def asker(self) -> Asker | None:
        """The page that asked for what is being done; also of threads that run in ``contextvars.copy_context()``."""
        return self._asking.get()

    @property
    def hearing(self) -> bool:
        """Whether it is this very thread in which a page is answered."""
        asker = self.asker
        return asker is not None and asker.thread == threading.get_ident()

    def answer(self, asker: Asker | None = None, /, **message: Any) -> None:
        """Send a message to the page that asks, or that asked before, and to all where none did: a picture, a file, a word."""
        asker = asker or self.asker
        if asker is None:
            self.deliver(message)
            return
        message |= {"to": asker.page} if asker.page else {}
        if asker.carrier is None:
            self.deliver(message)
        else:
            self._bring(message, [asker.carrier])

    @property
    def greeting(self) -> bool:
        """Whether all is told to a page that is there anew, rather than something new to all pages."""
        asker = self.asker
        return asker is not None and asker.anew

    def deliver(self, message: dict[str, Any]) -> None:
        """Bring a message to every page, or to the one that is there anew."""
        asker = self.asker
        self._bring(message, [asker.carrier] if asker is not None and asker.anew and asker.carrier else self._carriers)

    def _bring(self, message: dict[str, Any], carriers: Sequence[Carrier]) -> None:
        with self._sending:
            for carrier in carriers:
                carrier.deliver(message)


__all__ = ["AREAS", "MOST", "Asker", "Carrier", "Moment", "Pages"]
