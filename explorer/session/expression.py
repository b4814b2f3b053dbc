"""``A & ~B | C``: saved selections combined in words of one line, read by a parser of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from explorer.errors import InputError, listed, unknown
from explorer.selection import Not, Rule

LONGEST = 10_000  # characters of an expression
DEEPEST = 100  # brackets and ~ within each other

_ALLOWED = 'write names with & (and), | (or), ~ (not) and brackets; put "…" around a name that has one of these in it'
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[&|~()])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^&|~()"'\s][^&|~()"]*))""",
    re.DOTALL,
)


def parse(text: str, known: Mapping[str, Rule]) -> Rule:
    """The rule that an expression over named rules says; ``&`` binds closer than ``|``, and ``~`` closest.

    Names stand bare, also with spaces in them, or in quotes, where a backslash keeps the next character as it is.

    Raises
    ------
    InputError
        For a name that is not known, or what is no expression.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise InputError(f"an expression is a text of up to {LONGEST:,} characters; {_ALLOWED}")
    return _Reader(text, known).read()


def quoted(name: str) -> str:
    """A name as an expression may hold it: bare where that is the same name, else in quotes."""
    found = _TOKEN.fullmatch(name)
    if found and found["bare"] == name == name.strip():
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _tokens(text: str) -> list[tuple[str, str]]:
    """Pairs of "sign" or "name", and which."""
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise InputError(f"the expression cannot be read from {text[place : place + 20].strip()!r} on; {_ALLOWED}")
        kind = str(match.lastgroup)
        word = match[kind].strip() if kind == "bare" else re.sub(r"\\(.)", r"\1", match[kind], flags=re.DOTALL)
        found.append(("sign" if kind == "sign" else "name", word))
        place = match.end()
    return found


class _Reader:
    """Reads from left to right, one method a level of binding."""

    def __init__(self, text: str, known: Mapping[str, Rule]) -> None:
        self.text, self.known = text.strip(), known
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0

    def read(self) -> Rule:
        rule = self._either()
        if self.place < len(self.tokens):
            after = listed([word for _, word in self.tokens[: self.place]][-1:])
            raise InputError(f"the expression {_cut(self.text)} goes on with {self._next[1]!r} after {after!r}; {_ALLOWED}")
        return rule

    @property
    def _next(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def _takes(self, sign: str) -> bool:
        taken = self._next == ("sign", sign)
        self.place += taken
        return taken

    def _either(self) -> Rule:
        rule = self._both()
        while self._takes("|"):
            rule = rule | self._both()
        return rule

    def _both(self) -> Rule:
        rule = self._one()
        while self._takes("&"):
            rule = rule & self._one()
        return rule

    def _one(self) -> Rule:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InputError(
                f"the expression has more than {DEEPEST} brackets and ~ within each other; save parts of it and use those"
            )
        try:
            if self._takes("~"):
                return Not(self._one())
            if self._takes("("):
                return self._bracket()
            return self._name()
        finally:
            self.depth -= 1

    def _bracket(self) -> Rule:
        rule = self._either()
        if not self._takes(")"):
            raise InputError(f"a bracket of the expression {_cut(self.text)} is not closed; {_ALLOWED}")
        return rule

    def _name(self) -> Rule:
        kind, word = self._next
        if kind != "name":
            where = "ends" if kind == "end" else f"has {word!r}"
            raise InputError(f"the expression {_cut(self.text)} {where} where a name is expected; {_ALLOWED}")
        if word not in self.known:
            raise unknown("saved selection", word, self.known)
        self.place += 1
        return self.known[word]


def _cut(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
