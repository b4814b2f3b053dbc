"""What the caller says about a source: the same options in Python and on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from explorer.errors import InputError, unknown

Names = str | Sequence[str] | None

NOT_YET = "is not read in this version; what is read: pictures (--image), texts (--text), vectors (--vectors), columns (--columns)"


def tidy_name(given: object) -> str:
    """A column's name on one line: it is shown in messages, menus and headings."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(given))
    return " ".join(text.split())


def _split(given: Names) -> tuple[str, ...]:
    parts: Iterable[str] = given.split(",") if isinstance(given, str) else given or ()
    return tuple(name for part in parts if (name := tidy_name(part)))


@dataclass(frozen=True)
class Options:
    """Which columns are what; nothing given means that it is guessed."""

    id: str | None = None
    text: str | None = None
    image: str | None = None
    vectors: str | None = None
    columns: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()

    @classmethod
    def given(
        cls, *, id: str | None, text: str | None, image: str | None, vectors: str | None, columns: Names, layout: Names
    ) -> Options:
        """Options as `read` and the command line take them; lists may be one string with commas."""
        plain = {"id": id, "text": text, "image": image, "vectors": vectors}
        for option, value in plain.items():
            if value is not None and not isinstance(value, str):
                raise InputError(f"{option}={value!r} is not a column's name; give the name as text")
        names = {option: tidy_name(value) if value else None for option, value in plain.items()}
        made = cls(**names, columns=_split(columns), layout=_split(layout))
        if len(made.layout) > 2:
            raise InputError(f"layout takes two columns (X,Y) or one array's name, but {len(made.layout)} were given")
        return made

    @property
    def any(self) -> bool:
        """Whether anything was said at all."""
        return self != Options()

    @property
    def raw(self) -> set[str]:
        """Columns whose characters matter, so that nothing may be read into them (``1e3`` is a text, not 1000)."""
        return {name for name in (self.text, self.image) if name}

    def check(self, names: Iterable[str], source: str) -> None:
        """Raise an InputError for an option that names a column which is not there."""
        known = list(names)
        for given in (self.id, self.text, self.image, self.vectors, *self.columns, *self.layout):
            if given and given not in known:
                raise unknown(f"column of {source}", given, known)
